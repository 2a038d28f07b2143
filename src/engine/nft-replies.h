/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What this host began over UDP
 *
 * Jails that guard ports at which this host's own connections end let replies pass. This is how the
 * table knows what is one.
 */

#include <stdbool.h>

#include "engine/firewall.h"
#include "engine/nft-link.h"
#include "engine/nft-present.h"

#define NFT_OUTPUT_CHAIN "output"
#define NFT_OUT_UDP_CHAIN "out-udp"

/* The set with the peers of a family that this host has sent something to, and what it sent from.
 */
const char *nft_replies_set_name(int family);

/* True if the set is one of those, and has room for what is to be remembered. */
bool nft_replies_wants_set(const struct nftnl_set *s);

/* Writes what the rules of jails refer to. Peers that are remembered stay so. */
void nft_replies_write_sets(NftLink *l, const NftPresent *present);

/* Writes the base chain, for datagrams from the ports that the kernel gives to this host's own
 * connections. */
void nft_replies_write(NftLink *l, PortRange local_ports);

/* Writes a rule that remembers what this host sends to those in a set of addresses. */
void nft_replies_write_rule(NftLink *l, int family, unsigned prefixlen, const char *set);

/* Writes a rule that has a reply leave the chain. */
void nft_replies_write_return(NftLink *l, const char *chain, int family);
