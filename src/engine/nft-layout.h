/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The layout of the table
 *
 * Says what the table `inet banjo` consists of for a given list of jails, and writes it into a
 * transaction. The table, for two jails of which one guards the whole host:
 *
 *         chain prerouting          tcp dport vmap @tcp-ports
 *                                   tcp flags syn / syn,ack jump any-tcp
 *                                   meta l4proto udp jump any-udp
 *         map tcp-ports             22 : jump jail-sshd
 *         chain any-tcp, any-udp    jump jail-scan             (several: nft-gate.h)
 *         chain jail-sshd           ip saddr @sshd-v4 goto drop-sshd, and so on
 *         chain drop-sshd           ip saddr & 255.255.255.0 @sshd.allow-v4-24 return
 *                                   fib daddr type unicast return  (scope = local)
 *                                   counter name sshd drop         (or reject)
 *         set sshd-v4, sshd-v6, sshd-v6-64, ...
 *         chain output              meta l4proto udp udp sport 32768-60999 jump out-udp
 *         chain out-udp             ip daddr @scan-v4 update @udp-out.v4 { ... }
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/nft-base.h"
#include "engine/nft-gate.h"
#include "engine/nft-jail.h"
#include "engine/nft-link.h"
#include "engine/nft-ports.h"
#include "engine/nft-present.h"

typedef struct NftLayout {
        NftJail *jails;
        size_t n_jails;
        NftGate gate;
        NftBases bases;
        uint32_t n_sets;       /* of jails and gate */
        PortRange local_ports; /* which the kernel gives to connections of this host's own */
        bool is_owned;         /* the table, by us */
        bool has_output;       /* there has to be an output chain */
        unsigned has_any;      /* the protocols of jails that guard every port */
        NftPortMap *maps[2];   /* for TCP and UDP; only needed while configuring */
} NftLayout;

/* Prepares the jails, each with the sets it always has. Returns 0 or a negative errno with *ret
 * untouched. */
int nft_layout_init(NftLayout *ret,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails);
void nft_layout_done(NftLayout *layout);

/* Releases what is only needed while configuring. */
void nft_layout_forget_maps(NftLayout *layout);

/* The set of a jail, or of the gate, for addresses of this family and prefix length; makes it if
 * there is none. NULL if there is no memory. It has to be written into a transaction with
 * nft_layout_write_set() before it is used. */
NftBanSet *nft_layout_get_set(NftLayout *layout, NftJail *jail, int family, unsigned prefixlen);

/* Writes a set of a jail, or of the gate, and the rules that look it up. */
void nft_layout_write_set(const NftLayout *layout,
                NftLink *l,
                const NftJail *jail,
                const NftBanSet *set);

/* configuring, in this order */

/* Finds out what is in the kernel's maps of ports. Returns 0 or a negative errno. */
int nft_layout_read_maps(NftLayout *layout, NftLink *l, const NftPresent *present);

/* Writes the maps of ports, and those chains that they lead to, that are not there yet, with all
 * that belongs to them. No packet gets there before nft_layout_write() has its turn, which has to
 * be a transaction later. Returns false if there is nothing to write. */
bool nft_layout_prepare(const NftLayout *layout,
                NftLink *l,
                const FirewallJail *jails,
                const NftPresent *present);

/* True if the chain, which is no base chain, or the set, which is none with bans, stays. */
bool nft_layout_wants_chain(const NftLayout *layout, const char *name);
bool nft_layout_wants_set(const NftLayout *layout, const struct nftnl_set *s);

/* True if the rules look into the map of ports of this name. */
bool nft_layout_uses_map(const NftLayout *layout, const char *name);

/* Writes everything but the table itself into it. There must not be any rules, nor chains, sets and
 * elements that don't stay. */
void nft_layout_write(const NftLayout *layout,
                NftLink *l,
                const FirewallJail *jails,
                const NftPresent *present);

/* when the gate holds all bans of its jails */

/* Writes that it is used, which has to be a transaction of its own. */
void nft_layout_write_use_of_gate(const NftLayout *layout, NftLink *l);

/* The transaction has been carried out. */
void nft_layout_note_use_of_gate(NftLayout *layout);
