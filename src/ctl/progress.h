/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How far a long list is
 *
 * Told on stderr if that is a terminal, and only if it takes longer than a second.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/usec.h"
#include "ctl/options.h"

typedef struct Progress {
        size_t n; /* in all */
        usec_t begin;
        bool is_wanted;
        bool is_shown;
} Progress;

void progress_begin(Progress *p, size_t n, const Options *options);
void progress_show(Progress *p, size_t n_done);

/* Takes it off the screen again, as has to be done before anything else is written. */
void progress_end(Progress *p);
