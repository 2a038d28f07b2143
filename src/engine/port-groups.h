/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which jails guard a port
 *
 * A map has one verdict for a port, so ports that several jails guard lead to a chain that goes
 * through all of them. This works out which groups of jails there are and which ports belong to
 * each. It knows nothing of the kernel.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/firewall.h"

/* Enough for the name of a chain: that of its jail, or one made from the names of all its jails. */
#define PORT_CHAIN_SIZE 128

typedef struct PortGroup {
        uint32_t parent;  /* the group with the same jails but the last; 0 has none */
        uint32_t jail;    /* the last */
        uint32_t n_ports; /* that these jails guard, and no others */

        /* "jail-sshd" for a single jail, "ports-sshd.postfix" for several. The same jails always
         * have the same chain, and different ones have different chains. */
        char chain[PORT_CHAIN_SIZE];
} PortGroup;

typedef struct PortGroups {
        PortGroup *groups; /* the first is that of no jail */
        size_t n_groups;
        size_t n_allocated;
        uint32_t of[UINT16_MAX + 1]; /* the group of each port */
} PortGroups;

/* A range so wide that it is left out here and compared instead. */
#define PORT_RANGE_WIDE 256

static inline bool port_range_is_wide(PortRange range) {
        return range.last - range.first >= PORT_RANGE_WIDE;
}

/* Works out the groups for one protocol. Jails that guard every port belong to none. Returns 0 and
 * passes ownership of *ret, or -ENOMEM. */
int port_groups_new(PortGroups **ret,
                const FirewallJail *jails,
                size_t n_jails,
                PortProtocol protocol);

/* Accepts NULL. Always returns NULL. */
PortGroups *port_groups_free(PortGroups *g);
DEFINE_CLEANUP(PortGroups *, port_groups_free)

/* The chain that packets to the port go to, NULL if nobody guards it. */
const char *port_groups_get_chain(const PortGroups *g, uint16_t port);

/* True if some group needs a chain of this name, be it for one jail or several. */
bool port_groups_have_chain(const PortGroups *g, const char *chain);

/* True if some port is guarded. */
bool port_groups_guard_any(const PortGroups *g);

/* True if several jails make up the group. */
static inline bool port_group_is_shared(const PortGroup *group) {
        return group->parent != 0;
}
