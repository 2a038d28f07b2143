/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Ending open connections
 *
 * A ban drops packets, and a connection that is open already would linger until its program gives
 * up: half-open logins would go on filling sshd's MaxStartups. So the connections of a banned
 * address to the guarded TCP ports are destroyed, by SOCK_DESTROY of sock_diag(7). It needs
 * CAP_NET_ADMIN and a kernel with CONFIG_INET_DIAG_DESTROY.
 */

#include <stddef.h>

#include "base/macro.h"
#include "model/address.h"
#include "model/ports.h"

typedef struct Killer Killer;

typedef struct KillerTarget {
        Address address;      /* a host or a prefix */
        const PortSet *ports; /* borrowed for the call */
} KillerTarget;

/* Connections that one call looks at or destroys at most. What goes beyond is left to the drop. */
#define KILLER_CONNECTIONS_MAX 16384

/* Opens the netlink socket. Returns 0 and passes ownership, or a negative errno. */
int killer_new(Killer **ret);

/* Accepts NULL. Always returns NULL. */
Killer *killer_free(Killer *k);
DEFINE_CLEANUP(Killer *, killer_free)

/* Destroys the TCP connections from the address, which may be a prefix, to local ports of the set.
 * Listening sockets are never touched. Connections that this host itself opened are not touched
 * unless their local port is guarded; if it is one from which the kernel lets connections of this
 * host start, or if every port is guarded, somebody has to listen on it, too.
 *
 * Returns the number destroyed, -EOPNOTSUPP if the kernel cannot, or another negative errno. */
int killer_run(Killer *k, const Address *address, const PortSet *ports);

/* The same for many at a time. The kernel walks through all its connections for a single address as
 * well as for 256 of them, so this is the way for a batch. */
int killer_run_many(Killer *k, const KillerTarget *targets, size_t n_targets);
