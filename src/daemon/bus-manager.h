/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * org.banjo1.Manager
 *
 * The interface as a vtable, and its signals. org.banjo1(5) is its manual page.
 */

#include <systemd/sd-bus.h>

#include "daemon/bus.h"
#include "daemon/manager.h"
#include "model/address.h"
#include "model/ban.h"

/* Offers the interface on a connection, and the objects beside it: jails, and the log. The manager
 * is borrowed and must outlive it. Returns 0 or a negative errno. */
int bus_manager_add(sd_bus *bus, Manager *m);

/* Queue a signal on a connection. Return 0 or a negative errno. */
int bus_manager_emit_banned(sd_bus *bus, const char *jail, const Ban *ban);
int bus_manager_emit_unbanned(sd_bus *bus, const char *jail, const Address *a, const char *cause);
int bus_manager_emit_reloaded(sd_bus *bus);
int bus_manager_emit_changed(sd_bus *bus, char **properties);
int bus_manager_emit_repaired(sd_bus *bus, const char *what);

/* To one client on a message bus, or with NULL to a peer. */
int bus_manager_emit_failure(sd_bus *bus, const char *destination, const BusFailure *failure);
