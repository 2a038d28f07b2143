/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * org.banjo1.Jail
 *
 * An object for each jail, below /org/banjo1/jail: every setting and every counter is a property.
 * ListJails() of the manager tells some of them of all jails in one answer.
 */

#include <systemd/sd-bus.h>

#include "daemon/manager.h"

/* Offers the objects on a connection, with an ObjectManager above them. The manager is borrowed and
 * must outlive it. Returns 0 or a negative errno. */
int bus_jail_add(sd_bus *bus, Manager *m);

/* Methods of org.banjo1.Manager. */
int bus_get_jail(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_list_jails(sd_bus_message *message, void *userdata, sd_bus_error *error);

/* Tell a connection that a jail came, when it is there; goes, as long as it is; or pauses or goes
 * on. Return 0 or a negative errno. */
int bus_jail_emit_added(sd_bus *bus, const char *name);
int bus_jail_emit_removed(sd_bus *bus, const char *name);
int bus_jail_emit_paused(sd_bus *bus, const char *name);
