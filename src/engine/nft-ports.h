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

/* The map from the ports of one protocol to chains. */
typedef struct NftPortMap {
        const char *name;
        uint8_t protocol;
        PortGroups *groups; /* what it has to say */
        bool stays;         /* it is in the kernel and need not be made anew */

        /* A bit for each port: is in the kernel's map; and says there what it has to say. */
        uint8_t present[(UINT16_MAX + 1) / 8];
        uint8_t same[(UINT16_MAX + 1) / 8];
} NftPortMap;

/* Works out what the map has to say. Returns 0 and passes ownership of *ret, or a negative errno.
 */
int nft_port_map_new(NftPortMap **ret,
                const FirewallJail *jails,
                size_t n_jails,
                PortProtocol protocol);

/* Accepts NULL. Always returns NULL. */
NftPortMap *nft_port_map_free(NftPortMap *map);

/* Finds out what is in the kernel's map. Returns 0 or a negative errno. */
int nft_port_map_read(NftPortMap *map, NftLink *l, const NftPresent *present);

/* Writes the removal of those of its elements that don't stay. */
void nft_port_map_clear(const NftPortMap *map, NftLink *l);

/* Writes the map. */
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
