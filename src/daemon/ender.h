/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Ender
 *
 * Ends what banned addresses have open: connections of this host, and what conntrack knows of
 * others (engine/kill.h, engine/conntrack.h). Reports its own errors, each kind once; what the
 * kernel cannot end is left to the drop.
 */

#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/macro.h"
#include "engine/kill.h"

typedef struct Ender Ender;

/* Returns 0 and passes ownership, or -ENOMEM. */
int ender_new(Ender **ret, sd_event *event);

/* What waits is ended before. Accepts NULL. Always returns NULL. */
Ender *ender_free(Ender *e);
DEFINE_CLEANUP(Ender *, ender_free)

/* Connections end at once. So does what conntrack knows, unless it was looked through a moment
 * before. */
void ender_run(Ender *e, const KillerTarget *targets, size_t n_targets);
