/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * org.freedesktop.LogControl1
 *
 * What `systemctl service-log-level` finds: how much the daemon logs, to be changed by root.
 */

#include <systemd/sd-bus.h>

/* Offers it on a connection. Returns 0 or a negative errno. */
int bus_log_add(sd_bus *bus);
