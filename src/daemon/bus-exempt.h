/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Methods of org.banjo1.Manager about whom all jails allow for a time
 */

#include <systemd/sd-bus.h>

int bus_allow(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_disallow(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_list_allowed(sd_bus_message *message, void *userdata, sd_bus_error *error);
