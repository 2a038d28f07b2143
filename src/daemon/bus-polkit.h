/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who may do what
 *
 * Asks polkit about clients of the message bus that are not root. The answer may take as long as
 * somebody needs to type a password, so nobody waits for it: the method is called again, with the
 * same message, when it is there.
 */

#include <systemd/sd-bus.h>

#include "base/macro.h"

typedef struct BusPolkit BusPolkit;

/* Questions open at a time, of one user and in all; another one is refused. */
#define BUS_POLKIT_USER_MAX 16
#define BUS_POLKIT_MAX 256

/* For one connection to a message bus, which is borrowed: it ends before the connection does. */
int bus_polkit_new(BusPolkit **ret, sd_bus *bus);

/* Forgets what is open; those who asked get no answer. */
BusPolkit *bus_polkit_free(BusPolkit *p);
DEFINE_CLEANUP(BusPolkit *, bus_polkit_free)

/* Whether the sender of a call may do this, which is one of BUS_ACTION_*; it has to live for ever.
 *
 * Returns 0 if he may; 1 if that is not known yet: the method returns it, without having done
 * anything, and is called again; or a negative errno with the error set. Root always may. Where
 * there is no polkit, and after every error, nobody else may. *ret is the sender's user if he may.
 */
int bus_polkit_authorize(BusPolkit *p,
                sd_bus_message *call,
                const char *action,
                uid_t *ret,
                sd_bus_error *error);
