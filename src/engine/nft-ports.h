/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * From the ports to the jails
 *
 *         map tcp-ports      22 : jump jail-sshd
 *         chain any-tcp      jump jail-scan
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/nft-gate.h"
#include "engine/nft-link.h"
#include "engine/nft-present.h"
#include "engine/port-groups.h"

/* The map from the ports of one protocol to chains. A map that is in use is never changed: another
 * one, with another name, takes its place. */
typedef struct NftPortMap {
        char name[NFT_NAME_SIZE];
        PortProtocol protocol;
        PortGroups *groups; /* what it has to say */
        bool exists;        /* it is in the kernel, and says that */
} NftPortMap;

/* Works out what the map has to say. Returns 0 and passes ownership of *ret, or a negative errno.
 */
int nft_port_map_new(NftPortMap **ret,
                const FirewallJail *jails,
                size_t n_jails,
                PortProtocol protocol);

/* Accepts NULL. Always returns NULL. */
NftPortMap *nft_port_map_free(NftPortMap *map);

/* Finds the map in the kernel that says the same, or else a name that none has. Returns 0 or a
 * negative errno. */
int nft_port_map_read(NftPortMap *map, NftLink *l, const NftPresent *present);

/* True if no port is to be found in it, so that it need not be there. */
bool nft_port_map_is_empty(const NftPortMap *map);

/* True if a set of this name is, or was, such a map. */
bool nft_port_map_is_name(const char *name);

/* Writes the map, if it is not there. */
void nft_port_map_write(const NftPortMap *map, NftLink *l);

/* Writes the rule that looks into it, at the end of a chain. */
void nft_port_map_write_rule(const NftPortMap *map, NftLink *l, const char *chain);

/* Writes the chains of all groups of several jails, which pass the gate by; if present is not NULL,
 * only those that it lacks. */
void nft_ports_write_groups(NftPortMap *const maps[static 2],
                NftLink *l,
                const FirewallJail *jails,
                const NftPresent *present);

/* Writes the chains that lead to the jails for every port, which pass the gate by. */
void nft_ports_write_any(NftLink *l,
                const NftGate *gate,
                const FirewallJail *jails,
                size_t n_jails,
                PortProtocol protocol);

/* Writes the rules for wide ranges of ports, and those for jails that guard every port, at the end
 * of a chain. */
void nft_ports_write_wide(NftLink *l,
                const char *chain,
                const FirewallJail *jails,
                size_t n_jails,
                PortProtocol protocol);
void nft_ports_write_any_rule(NftLink *l, const char *chain, PortProtocol protocol);

/* The chain that leads to the jails for every port of a protocol. */
const char *nft_ports_any_chain(PortProtocol protocol);

/* The protocol whose jails for every port this chain leads to; 0 if it is no such chain. */
unsigned nft_ports_of_any_chain(const char *name);
