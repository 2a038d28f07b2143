/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether lists, kernel and database agree, for bus-manager.c's table. The userdata is the Manager.
 */

#include <systemd/sd-bus.h>

int bus_verify(sd_bus_message *message, void *userdata, sd_bus_error *error);

/* The property VerifyProgress. */
int bus_get_verify_progress(sd_bus *bus,
                const char *path,
                const char *interface,
                const char *property,
                sd_bus_message *reply,
                void *userdata,
                sd_bus_error *error);
