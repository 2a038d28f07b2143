/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The verbs
 *
 * A verb is a function that does its work, reports its own errors and returns an exit status.
 */

#include <stdbool.h>
#include <stddef.h>

#include "ctl/options.h"

/* argv[0] is the verb. */
typedef int (*Verb)(int argc, char **argv, const Options *options);

typedef struct VerbInfo {
        const char *name;
        const char *arguments;
        int n_min; /* arguments, without the verb */
        int n_max;
        bool is_local; /* it reads files of this host, so that it cannot be of another one */
        Verb run;
        const char *help;     /* one line */
        const char *details;  /* lines; of its own help */
        const char *examples; /* lines; NULL for none */
} VerbInfo;

/* All of them, the default first. */
extern const VerbInfo verbs[];
extern const size_t n_verbs;

/* The verb of this name, or NULL, reported with the nearest one. */
const VerbInfo *verb_find(const char *name);

int verb_status(int argc, char **argv, const Options *options);
int verb_list(int argc, char **argv, const Options *options);
int verb_jails(int argc, char **argv, const Options *options);
int verb_ban(int argc, char **argv, const Options *options);
int verb_unban(int argc, char **argv, const Options *options);
int verb_reload(int argc, char **argv, const Options *options);
int verb_show(int argc, char **argv, const Options *options);
int verb_verify(int argc, char **argv, const Options *options);
int verb_test(int argc, char **argv, const Options *options);
int verb_history(int argc, char **argv, const Options *options);
int verb_why(int argc, char **argv, const Options *options);
int verb_stats(int argc, char **argv, const Options *options);
int verb_forget(int argc, char **argv, const Options *options);
int verb_monitor(int argc, char **argv, const Options *options);
int verb_log(int argc, char **argv, const Options *options);
int verb_metrics(int argc, char **argv, const Options *options);
int verb_allow(int argc, char **argv, const Options *options);
int verb_pause(int argc, char **argv, const Options *options);
int verb_resume(int argc, char **argv, const Options *options);
int verb_flush(int argc, char **argv, const Options *options);
