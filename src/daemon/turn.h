/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-event.h>

/* Makes an event source, switched off, that has something to do for as long as it is on, and takes
 * turns with all others. One that is deferred would leave them none: sd-event serves those of equal
 * priority in the order in which they began to wait, and a deferred one counts as waiting since it
 * was made. A timer whose time is over begins to wait anew whenever it was served.
 *
 * Returns 0 or a negative errno; *ret is owned. */
static inline int
turn_new(sd_event_source **ret, sd_event *event, sd_event_time_handler_t handler, void *userdata) {
        int r;

        r = sd_event_add_time(event, ret, CLOCK_MONOTONIC, 0, 1, handler, userdata);
        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}
