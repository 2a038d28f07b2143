/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Findings
 *
 * What is wrong with a configuration, collected so that it can be sorted, printed and counted. A
 * problem that is met twice is kept once.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "ctl/options.h"
#include "model/config.h"
#include "model/problem.h"

typedef struct Finding {
        bool is_warning;
        char *file;
        char *section; /* NULL if the file as a whole is meant */
        char *key;     /* NULL if the section as a whole is meant */
        char *text;
        char *pattern; /* as written; NULL if it is not about a place in a pattern */
        size_t offset; /* of that place, in bytes */
} Finding;

typedef struct Findings {
        Finding *findings;
        size_t n_findings;
        bool no_memory; /* some are missing */
} Findings;

void findings_done(Findings *f);

/* Adds an error or a warning; section and key may be NULL. Returns the finding, or NULL if it was
 * known already or there is no memory. */
Finding *findings_add(Findings *f,
                bool is_warning,
                const char *file,
                const char *section,
                const char *key,
                const char *format,
                ...) _printf_(6, 7);

/* For a ProblemSink whose userdata is the Findings. */
void findings_collect(const Problem *p, void *userdata);

/* Loads the configuration that the options name, jails that are not enabled included. Its problems
 * become findings. Returns an exit status; reports what is none of the configuration's. */
int findings_load_config(Findings *f, Config **ret, const Options *options);

/* The directories that the options name, NULL-terminated; buf is used where it is one. */
const char *const *config_directories(const Options *options, const char *buf[static 2]);
