/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "ctl/clock.h"

#define QUIET_TIME USEC_PER_SEC

/* Columns that are blanked; terminals need not know escape sequences. */
#define WIDTH 40

void progress_begin(Progress *p, size_t n, const Options *options) {
        *p = (Progress){
                .n = n,
                .begin = clock_now(),
                .is_wanted = !options->quiet && isatty(STDERR_FILENO),
        };
}

void progress_show(Progress *p, size_t n_done) {
        if (!p->is_wanted || usec_sub(clock_now(), p->begin) < QUIET_TIME)
                return;

        (void) fprintf(stderr, "\r%zu of %zu ...", n_done, p->n);
        p->is_shown = true;
}

void progress_end(Progress *p) {
        if (p->is_shown)
                (void) fprintf(stderr, "\r%*s\r", WIDTH, "");
        p->is_shown = false;
}
