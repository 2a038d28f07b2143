/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Lookup() and DumpBans() of org.banjo1.Manager
 */

#include <systemd/sd-bus.h>

int bus_lookup(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_dump_bans(sd_bus_message *message, void *userdata, sd_bus_error *error);
