/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the table has for one jail
 *
 *         chain jail-sshd    ip saddr @sshd-v4 goto drop-sshd, and so on
 *         chain drop-sshd    ip saddr & 255.255.255.0 @sshd.allow-v4-24 return
 *                            fib daddr type unicast return  (scope = local)
 *                            counter name sshd drop         (or reject)
 *         set sshd-v4, sshd-v6, sshd-v6-64, ...
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/firewall-ops.h"
#include "engine/nft-link.h"

/* Enough for the name of every set, and of every chain of a jail. */
#define NFT_NAME_SIZE (FIREWALL_NAME_SIZE + 24)

/* Expired bans match no more and are in nobody's way; the kernel's default of a second would cost
 * 8 % of a core with a million of them. */
#define NFT_GC_INTERVAL_MSEC 60000

/* A set of banned addresses with the same prefix length. */
typedef struct NftBanSet NftBanSet;
struct NftBanSet {
        NftBanSet *next; /* of the same jail */
        int family;
        unsigned prefixlen;
        uint32_t index; /* among all sets of all jails */
        bool exists;    /* in the kernel */
        bool pending;   /* written into the transaction that is being made */
        char name[NFT_NAME_SIZE];
};

typedef struct NftJail {
        FirewallName name;
        NftBanSet *sets;
        bool spares_own;    /* what this host began passes */
        bool remembers_udp; /* what it sends over UDP to who is in the sets is remembered for that
                             */
        bool is_gated;      /* its bans are in the gate, too */
        bool has_counter;   /* in the kernel; it keeps counting */
} NftJail;

/* Prepares a jail that has no sets yet. local_ports are those which the kernel gives to this host's
 * own connections. */
NftJail nft_jail_init(const FirewallJail *wanted, PortRange local_ports);
void nft_jail_done(NftJail *jail);

/* The set for addresses of this family and prefix length, NULL if there is none yet. */
NftBanSet *nft_jail_find_set(const NftJail *jail, int family, unsigned prefixlen);

/* Adds such a set, which has no index yet. NULL if there is no memory. */
NftBanSet *nft_jail_add_set(NftJail *jail, int family, unsigned prefixlen);

/* Takes the name of a set apart. Returns true if it is the set of a jail. */
bool nft_parse_set_name(const char *name,
                FirewallName ret_jail,
                int *ret_family,
                unsigned *ret_len);

/* Writes the name of the chain with the jail's sets. Returns name. */
const char *nft_jail_chain(char name[static NFT_NAME_SIZE], const char *jail);

/* The name of the jail to which the chain belongs, if it is named so; NULL if not. */
const char *nft_jail_of_chain(const char *name);

/* Writes the chains, without rules, and the counter. */
void nft_jail_write_chains(NftLink *l, const NftJail *jail);

/* Writes the sets that are missing, and the rules. */
void nft_jail_write(NftLink *l, const NftJail *jail, const FirewallJail *wanted);

/* Writes a set, and the rules that look it up. */
void nft_jail_write_set(NftLink *l, const NftJail *jail, const NftBanSet *set);

/* Writes a set that is made as those of bans are. */
void nft_jail_write_bare_set(NftLink *l, const NftBanSet *set);
