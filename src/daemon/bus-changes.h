/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Changes of the manager's properties
 *
 * Whoever follows them is told once a second at most, whatever happens meanwhile, and only what is
 * another value than before.
 */

#include <systemd/sd-event.h>

#include "base/macro.h"
#include "daemon/manager.h"

typedef struct BusChanges BusChanges;

/* Told the names of properties, NULL-terminated. */
typedef void (*BusChangesHandler)(char **properties, void *userdata);

/* The manager is borrowed. Returns 0 or a negative errno. */
int bus_changes_new(BusChanges **ret,
                sd_event *event,
                Manager *manager,
                BusChangesHandler handler,
                void *userdata);

BusChanges *bus_changes_free(BusChanges *c);
DEFINE_CLEANUP(BusChanges *, bus_changes_free)

/* Something may have changed. */
void bus_changes_look(BusChanges *c);
