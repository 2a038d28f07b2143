/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * This host's surroundings
 *
 * Its own addresses, the networks it is directly attached to, its gateways and its resolvers, as
 * rtnetlink(7) and resolv.conf(5) tell. They never enter the counting; they only say whether a ban
 * that is due is applied: a host that bans its own gateway has cut itself off.
 */

#include <stdbool.h>

#include "base/macro.h"
#include "model/address.h"

typedef struct Host Host;

/* Opens the netlink socket, subscribes to changes and reads the first state. resolv_conf is the
 * file to read resolvers from, NULL for /etc/resolv.conf; one that is missing is no error. A
 * resolver of 127.0.0.53 means systemd-resolved, whose servers are read from
 * /run/systemd/resolve/resolv.conf.
 *
 * Returns 0 and passes ownership of *ret, or a negative errno. */
int host_new(Host **ret, const char *resolv_conf);

/* Accepts NULL. Always returns NULL. */
Host *host_free(Host *h);
DEFINE_CLEANUP(Host *, host_free)

/* Becomes readable when the surroundings may have changed; call host_refresh() then. */
int host_get_fd(const Host *h);

/* Drains the socket and reads everything anew. Returns 1 if something was read anew, 0 if not
 * needed, or a negative errno with the old state kept. */
int host_refresh(Host *h);

typedef enum HostRole {
        HOST_ROLE_NONE,
        HOST_ROLE_OWN,      /* an address of this host, loopback included */
        HOST_ROLE_GATEWAY,  /* the next hop of a route */
        HOST_ROLE_RESOLVER, /* a name server in use */
} HostRole;

/* "own address", "gateway", "resolver"; NULL for HOST_ROLE_NONE. */
const char *host_role_to_string(HostRole role);

/* What the address is to this host; for a prefix, what some address within it is. If ret_which is
 * not NULL, it receives the address found. Without `own`, of this host's own addresses only
 * loopback counts: who bans that has cut his own services off from each other. */
HostRole host_get_role(const Host *h, const Address *address, bool own, Address *ret_which);

/* Calls the handler for every address that has a role, loopback excepted. A negative return ends
 * the walk and is returned. */
typedef int (*HostHandler)(HostRole role, const Address *address, void *userdata);
int host_foreach(const Host *h, HostHandler handler, void *userdata);

/* True if the address lies in a network this host is attached to directly, so that a prefix around
 * it also holds neighbours. Default and host routes do not count. */
bool host_is_on_link(const Host *h, const Address *address);
