/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The parts of the table
 *
 * Writes chains, sets, rules and elements of the table `inet banjo` into a transaction. It knows
 * how they are encoded and nothing of jails; what goes where is said in nft-layout.c.
 *
 * Nothing here returns an error: nft_link_commit() does.
 */

#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <stdint.h>

#include "engine/nft-link.h"
#include "model/address.h"

/* The table that holds the bans. */
#define NFT_TABLE "banjo"

/* Not in the kernel headers of Debian 12. */
#define NFT_TABLE_OWNER 0x2    /* NFT_TABLE_F_OWNER, from 5.12 */
#define NFT_TABLE_PERSIST 0x4  /* NFT_TABLE_F_PERSIST, from 6.9 */
#define NFT_DESTROY_SETELEM 30 /* NFT_MSG_DESTROYSETELEM, from 6.3 */

/* What nft(8) calls the types of keys. */
#define NFT_TYPE_IPV4_ADDR 7
#define NFT_TYPE_IPV6_ADDR 8
#define NFT_TYPE_INET_SERVICE 13
#define NFT_TYPE_VERDICT 0xffffff00
#define NFT_TYPE_CONCAT(a, b, c) (((a) << 12) | ((b) << 6) | (c))

static inline uint32_t nft_address_type(int family) {
        return family == AF_INET ? NFT_TYPE_IPV4_ADDR : NFT_TYPE_IPV6_ADDR;
}

static inline uint32_t nft_address_size(int family) {
        return family == AF_INET ? 4 : 16;
}

/* Before connection tracking. */
#define NFT_PRIORITY_RAW (-300)

/* tables */

void nft_add_table(NftLink *l, uint32_t flags);
void nft_delete_table(NftLink *l);

/* Deletes every rule of every chain, or of one. */
void nft_flush_rules(NftLink *l);
void nft_flush_chain(NftLink *l, const char *chain);

/* Waits until all packets are through that were underway, and may have met the table as it was
 * before the last transaction. Leaves no trace. Where it goes wrong it does not wait. */
void nft_wait_for_packets(NftLink *l);

/* chains */

void nft_add_chain(NftLink *l, const char *name);

/* device is NULL but at ingress. */
void nft_add_base_chain(NftLink *l,
                const char *name,
                uint32_t hook,
                int32_t priority,
                const char *device);

void nft_delete_chain(NftLink *l, const char *name);

/* counters */

void nft_add_counter(NftLink *l, const char *name);

/* Has one go on at the values of another, as it was listed. */
void nft_add_counter_like(NftLink *l, const struct nftnl_obj *o);
void nft_delete_counter(NftLink *l, const char *name);

/* sets */

typedef struct NftSetParams {
        uint32_t flags; /* NFT_SET_* */
        uint32_t key_type;
        uint32_t key_size;    /* in bytes */
        uint32_t size;        /* elements at most; 0 for no limit */
        uint64_t timeout;     /* of elements that bring none, in milliseconds */
        uint32_t gc_interval; /* in milliseconds; 0 for what the kernel likes */
} NftSetParams;

void nft_add_set(NftLink *l, const char *name, const NftSetParams *params);
void nft_delete_set(NftLink *l, const char *name);

/* elements */

/* A set to which the caller adds elements for nft_put_elements(); NULL if there is no memory, which
 * the link remembers. */
struct nftnl_set *nft_elements_new(NftLink *l, const char *set);

/* An element with this key, added to elements, which may be NULL. Returns NULL if there is no
 * memory. */
struct nftnl_set_elem *
nft_elements_add(NftLink *l, struct nftnl_set *elements, const void *key, uint32_t key_size);

/* Gives the element a counter that starts at 0. */
void nft_element_count(NftLink *l, struct nftnl_set_elem *e);

/* Writes all elements, in as many messages as they need. Accepts NULL. */
void nft_put_elements(NftLink *l, uint16_t type, uint16_t flags, const struct nftnl_set *elements);

/* rules */

/* A rule is written from left to right, as nft(8) shows it. */
typedef struct NftRule {
        NftLink *link;
        struct nftnl_rule *rule; /* NULL without memory; all calls accept that */
} NftRule;

NftRule nft_rule_begin(NftLink *l, const char *chain);
void nft_rule_end(NftRule *r);

typedef enum NftSide {
        NFT_SOURCE,
        NFT_DESTINATION,
} NftSide;

/* `meta nfproto ipv4`; family is AF_INET or AF_INET6. */
void nft_rule_family(NftRule *r, int family);

/* `meta l4proto tcp` */
void nft_rule_protocol(NftRule *r, uint8_t protocol);

/* `tcp flags syn / syn,ack`, or `!=` of it. Wants the protocol to be matched before. */
void nft_rule_syn(NftRule *r, bool is);

/* `ip saddr @set`, `ip6 daddr & ffff:: @set`. Matches the family itself. */
void nft_rule_address_in(NftRule *r, NftSide side, int family, unsigned prefixlen, const char *set);

/* `th dport 1024-65535` */
void nft_rule_port_range(NftRule *r, NftSide side, uint16_t first, uint16_t last);

/* `th dport vmap @map` */
void nft_rule_port_map(NftRule *r, const char *map);

/* `ip saddr . udp sport . udp dport @set`: the peer's address and port and our port, as they are in
 * a packet from the peer. Wants family and protocol to be matched before. */
void nft_rule_flow_in(NftRule *r, int family, const char *set);

/* `update @set { ip daddr . udp dport . udp sport }`: the same, as they are in a packet to the
 * peer. */
void nft_rule_flow_update(NftRule *r, int family, const char *set);

/* `counter name "x"` */
void nft_rule_counter(NftRule *r, const char *name);

/* `fib daddr type unicast`: the packet is for another host, which this one forwards to. Matches
 * neither this host's own addresses nor broadcast and multicast. */
void nft_rule_transit(NftRule *r);

/* `reject with tcp reset`, which wants TCP to be matched before, or else `reject with icmpx
 * port-unreachable`. Ends the way of the packet. */
void nft_rule_reject(NftRule *r, bool reset);

/* A verdict of NFT_JUMP, NFT_GOTO with a chain; NFT_RETURN, NF_DROP, NF_ACCEPT with NULL. */
void nft_rule_verdict(NftRule *r, int verdict, const char *chain);
