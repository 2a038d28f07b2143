/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What `banctl test` tests: a jail, a filter, or patterns from the command line
 */

#include "ctl/options.h"
#include "engine/journal.h"
#include "model/config.h"

typedef struct Subject {
        JailConfig jail;  /* takes every entry, allows nobody, and is made to count, not to ban */
        JournalWant want; /* what of the journal it is for */

        Config *config;
        Filter *own_filter; /* if it is no jail's */
        Match *all;
        Match *match; /* if it is no jail's */
        char **groups;
} Subject;

/* Finds it by name, which is NULL for the patterns of the options. Returns an exit status; reports
 * what is wrong. subject_done() either way. */
int subject_init(Subject *s, const char *name, const Options *options);
void subject_done(Subject *s);
