/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What methods on the bus have in common: arguments and errors
 */

#include <systemd/sd-bus.h>

#include "daemon/manager.h"
#include "model/address.h"

/* Returns 0, or a negative errno with the error set. */
int bus_read_address(const char *s, Address *ret, sd_bus_error *error);

/* The reason of a command goes into the journal and to terminals. Returns as above. */
int bus_check_reason(const char *s, sd_bus_error *error);

/* Set the error, and return a negative errno. */
int bus_no_such_jail(const char *jail, sd_bus_error *error);
int bus_failed(int r, const char *what, sd_bus_error *error);
int bus_too_large(const char *address, sd_bus_error *error);
int bus_too_many_exemptions(sd_bus_error *error);

/* The same: what was asked for is done, and the disk does not have it. */
int bus_not_stored(const Manager *m, const char *what, sd_bus_error *error);

/* Appends a running ban, as BUS_BAN_TYPE. Returns 0 or a negative errno. */
int bus_append_ban(sd_bus_message *reply, const Manager *m, const char *jail, const Ban *ban);

/* A text that a message may hold: names and descriptions come from files, and sd-bus refuses a
 * message for one wrong byte. "" for NULL. */
const char *bus_text(const char *s);
