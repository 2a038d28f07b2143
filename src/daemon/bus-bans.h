/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Methods of org.banjo1.Manager that make and lift bans
 */

#include <systemd/sd-bus.h>

int bus_ban(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_ban_with_flags(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_ban_many(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_unban(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_unban_many(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_unban_all(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_flush(sd_bus_message *message, void *userdata, sd_bus_error *error);
