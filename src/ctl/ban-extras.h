/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is told of some bans only
 *
 * Failures that got through, and what was dropped, come in lists of their own, in the order of ids
 * as the list of bans does.
 */

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/macro.h"

typedef enum ExtraKind {
        EXTRA_LEAKS,    /* .first are failures that got through */
        EXTRA_COUNTERS, /* .first are packets, .second is bytes */
} ExtraKind;

typedef struct Extras {
        ExtraKind kind;
        sd_bus_message *page; /* NULL at the end */
        uint64_t id;          /* of the one read last */
        uint64_t first, second;
} Extras;

/* Asks for those behind an id, at most max. A daemon that cannot tell, as before it is restarted
 * after an upgrade, has none. Returns 0 or a negative errno; extras_done() either way. */
int extras_get(Extras *ret,
                ExtraKind kind,
                sd_bus *bus,
                const char *jail,
                uint64_t after,
                uint32_t max);
void extras_done(Extras *e);

/* Goes to the ban with this id, which has to grow from call to call. Returns 1 if there is
 * something to tell of it, 0 if not, or a negative errno. */
int extras_find(Extras *e, uint64_t id);
