/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The command line, and what a verb gets of it
 *
 * A verb is a function that does its work, reports its own errors and returns an exit status.
 */

#include <stdbool.h>
#include <stddef.h>

/* Part of the interface; banctl(1) lists them. */
typedef enum ExitStatus {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_NOT_RUNNING = 3,
        EXIT_REFUSED = 4,     /* it would lock somebody out */
        EXIT_NOT_ALLOWED = 5, /* it takes root */
        EXIT_NOT_STORED = 6,  /* done, but not on disk */
} ExitStatus;

typedef enum JsonMode {
        JSON_OFF,
        JSON_SHORT,  /* on one line */
        JSON_PRETTY, /* indented */
} JsonMode;

/* Options that may be given several times, so often. */
#define OPTIONS_LIST_MAX 64

/* Strings are borrowed from the command line, and NULL if not given. */
typedef struct Options {
        JsonMode json;
        bool legend;
        bool pager;
        bool quiet;
        bool force;
        bool yes;
        bool all_jails;
        bool defaults;
        const char *address; /* of the bus */
        const char *state_dir;
        const char *config_dir;
        const char *journal; /* a file, or a directory of such */
        const char *time;
        const char *reason;
        const char *groups;
        const char *format;
        const char *print;
        const char *since;
        const char *until;
        const char *jail;
        const char *by;
        bool explain;
        const char *patterns[OPTIONS_LIST_MAX];
        size_t n_patterns;
        const char *units[OPTIONS_LIST_MAX];
        size_t n_units;
} Options;

/* argv[0] is the verb. */
typedef int (*Verb)(int argc, char **argv, const Options *options);

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
int verb_flush(int argc, char **argv, const Options *options);
