/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <time.h>

#include "base/usec.h"

/* What a clock shows right now. sd_event_now() shows when the loop last woke up, and so the same
 * for as long as an event is handled. */
static inline usec_t clock_now(clockid_t clock) {
        struct timespec ts;

        (void) clock_gettime(clock, &ts);
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;
}
