/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Ending what conntrack knows of an address
 *
 * Where connection tracking is on, a connection of a banned address has an entry there, also one
 * that is forwarded or of UDP, which no socket of this host tells of. The entry would keep its
 * translation and its place in flow tables, and let the connection go on where a ban spares what is
 * open already. So it is deleted. Connection tracking is never switched on by this, nor is its
 * module loaded. It needs CAP_NET_ADMIN.
 */

#include <stddef.h>

#include "base/macro.h"
#include "engine/kill.h"

typedef struct Conntrack Conntrack;

/* Entries that one call deletes at most, of each family and so many targets as are asked for at a
 * time. What goes beyond is left to the drop. */
#define CONNTRACK_ENTRIES_MAX 16384

/* Opens the netlink socket. Returns 0 and passes ownership, or a negative errno. */
int conntrack_new(Conntrack **ret);

/* Accepts NULL. Always returns NULL. */
Conntrack *conntrack_free(Conntrack *c);
DEFINE_CLEANUP(Conntrack *, conntrack_free)

/* Deletes the entries of what the addresses, or prefixes, began to the ports of their set, by TCP
 * and UDP as it says. The port is the one that the address sent to, whatever it was translated to.
 * What others began with them, such as this host, is not touched.
 *
 * Returns the number deleted, 0 if nothing is tracked, -EOPNOTSUPP if the kernel cannot tell, or
 * another negative errno. */
int conntrack_end_many(Conntrack *c, const KillerTarget *targets, size_t n_targets);
