/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The gate
 *
 * Where several jails guard a port, a packet would have to be looked up in the sets of all of them.
 * So the bans of such jails are in the sets of the gate as well, and their chains look there first:
 *
 *         chain ports-imap.pop3        ip saddr @.gate-v4 goto hit-ports-imap.pop3, and so on
 *         chain hit-ports-imap.pop3    jump jail-imap
 *                                      jump jail-pop3
 *         set .gate-v4, .gate-v6, .gate-v6-64, ...
 *
 * Nobody is dropped for being in the gate, so that what it holds in excess costs time only. What it
 * lacks would slip through: it is used only once it holds everything.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/nft-jail.h"
#include "engine/nft-link.h"
#include "engine/port-groups.h"

#define NFT_HIT_CHAIN_SIZE (PORT_CHAIN_SIZE + 4)

typedef struct NftGate {
        NftJail jail; /* has the sets */
        char (*chains)[PORT_CHAIN_SIZE];
        size_t n_chains; /* that are to look into it; without any there is no gate */
        bool is_used;    /* they do */
} NftGate;

NftGate nft_gate_init(void);
void nft_gate_done(NftGate *gate);

/* Adds a chain, unless it is there already. Returns 0 or -ENOMEM. */
int nft_gate_add_chain(NftGate *gate, const char *chain);

bool nft_gate_has_chain(const NftGate *gate, const char *chain);

/* The chain that goes through the jails when the gate knows the address. Returns name. */
const char *nft_gate_hit_chain(char name[static NFT_HIT_CHAIN_SIZE], const char *chain);

/* True if a chain that is in the gate has a hit chain of this name. */
bool nft_gate_wants_hit_chain(const NftGate *gate, const char *name);

/* True if a set of this name is, or was, one of the gate's. */
bool nft_gate_is_set_name(const char *name);

/* Writes a chain that passes the gate by, and its hit chain, without rules in it. */
void nft_gate_write_open(NftLink *l, const char *chain);

/* Writes a set, and the rules that look it up if the gate is used. */
void nft_gate_write_set(const NftGate *gate, NftLink *l, const NftBanSet *set);

/* Has the chains look into the gate; writes what sets are missing. */
void nft_gate_write_use(const NftGate *gate, NftLink *l);
