/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Network devices
 *
 * Says when one of those that the configuration names has come, or gone, or is another one by now:
 * the kernel lets packets be stopped at those only that are there. At boot, when banjod starts
 * before the network does, hardly any is.
 */

#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct Devices Devices;

typedef void (*DevicesHandler)(void *userdata);

/* Returns 0 and passes ownership, or a negative errno. */
int devices_new(Devices **ret, sd_event *event, DevicesHandler handler, void *userdata);

/* Accepts NULL. Always returns NULL. */
Devices *devices_free(Devices *d);
DEFINE_CLEANUP(Devices *, devices_free)

/* From now on says what becomes of these, as they are right now; the names are copied. NULL for
 * none. To be called before what depends on them looks for them. Returns 0, or a negative errno
 * with those before still followed. */
int devices_follow(Devices *d, char *const *names);

/* The name of the device with that number among those which are not there, or NULL if fewer are
 * missing. It is valid until others are followed. */
const char *devices_get_missing(const Devices *d, size_t i);
