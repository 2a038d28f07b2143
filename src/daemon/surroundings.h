/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Surroundings
 *
 * Whom a ban must not hit, whatever the journal says: this host's own addresses, its gateways and
 * resolvers, the hosts whose names a jail allows, and those that administrators are logged in from.
 * They never enter the counting. They only decide whether a ban that is due is applied, and whether
 * one that runs goes on.
 *
 * Follows all of it by itself, and says when something has come that may be banned already.
 */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/macro.h"
#include "daemon/bus.h"
#include "engine/store.h"
#include "model/address.h"
#include "model/config.h"

typedef struct Surroundings Surroundings;

/* Something new is to be spared: bans have to be looked through. */
typedef void (*SurroundingsHandler)(void *userdata);

/* Reads what this host is. Returns 0 and passes ownership, or a negative errno. */
int surroundings_new(Surroundings **ret,
                sd_event *event,
                SurroundingsHandler handler,
                void *userdata);

/* Accepts NULL. Always returns NULL. */
Surroundings *surroundings_free(Surroundings *s);
DEFINE_CLEANUP(Surroundings *, surroundings_free)

/* Takes over which names and groups the jails name; all names are resolved anew. What is known of
 * those that were there before stays. Returns 0 or a negative errno, with everything as it was. */
int surroundings_configure(Surroundings *s, const Config *config);

/* Takes the addresses that names had last from the store, which is borrowed and gets what they have
 * from now on. With an event loop that runs, begins to resolve, over the bus where it can; the bus
 * may be NULL. */
void surroundings_start(Surroundings *s, Store *store, Bus *bus, bool resolve);

/* Writes them anew, after the store lost what it had. What fails is tried again. */
void surroundings_save(Surroundings *s);

/* Why an address is spared. */
#define SPARED_TEXT_SIZE 320
typedef struct Spared {
        const char *cause;           /* static, a word or two: "gateway", "allowed name", ... */
        Address which;               /* the address that is, of a prefix */
        char text[SPARED_TEXT_SIZE]; /* what it is: "this host's gateway", ... */
} Spared;

/* Whether the address must not be banned in a jail with this configuration, or, for a prefix, some
 * address within it. What the jail allows in so many numbers is not looked at. */
bool surroundings_spare(const Surroundings *s,
                const JailConfig *config,
                const Address *a,
                Spared *ret);

/* True if the address lies in a network this host is attached to directly. */
bool surroundings_is_on_link(const Surroundings *s, const Address *a);

/* Calls the handler for every address that some jail may have to spare. A negative return ends the
 * walk and is returned. */
typedef int (*SurroundingsWalker)(const Address *a, void *userdata);
int surroundings_foreach(const Surroundings *s, SurroundingsWalker walker, void *userdata);
