/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Methods of org.banjo1.Manager about the past, for bus-manager.c's table; org.banjo1(5) describes
 * them. The userdata is the Manager.
 */

#include <systemd/sd-bus.h>

#include "engine/store-history.h"

/* A HistoryHandler: appends a ban, of BUS_HISTORY_TYPE, to the sd_bus_message that is its userdata.
 */
int bus_append_history(const HistoryBan *b, void *userdata);

int bus_history(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_why(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_statistics(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_forget(sd_bus_message *message, void *userdata, sd_bus_error *error);
