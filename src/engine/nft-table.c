/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Rules are programs for the kernel's little machine: load something into a register, mask it,
 * compare it or look it up, go somewhere. Register 1 is 16 bytes wide and the same memory as the
 * 4-byte registers from NFT_REG32_00 on, where the parts of a concatenated key go one after the
 * other.
 */

#include "engine/nft-table.h"

#include <arpa/inet.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/tcp.h>

/* Places within headers. */
#define IPV4_SOURCE 12
#define IPV4_DESTINATION 16
#define IPV6_SOURCE 8
#define IPV6_DESTINATION 24
#define TRANSPORT_SOURCE 0
#define TRANSPORT_DESTINATION 2
#define TCP_FLAGS 13

/* tables */

static void put_table(NftLink *l, uint16_t type, uint16_t message_flags, uint32_t flags) {
        struct nlmsghdr *nlh;
        struct nftnl_table *t;

        t = nftnl_table_alloc();
        if (!t || nftnl_table_set_str(t, NFTNL_TABLE_NAME, nft_link_get_table(l)) < 0) {
                nft_link_fail(l, -ENOMEM);
        } else {
                if (type == NFT_MSG_NEWTABLE)
                        nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, flags);
                nlh = nft_link_message(l, type, NFPROTO_INET, message_flags);
                nftnl_table_nlmsg_build_payload(nlh, t);
        }

        if (t)
                nftnl_table_free(t);
}

void nft_add_table(NftLink *l, uint32_t flags) {
        put_table(l, NFT_MSG_NEWTABLE, NLM_F_CREATE, flags);
}

void nft_delete_table(NftLink *l) {
        put_table(l, NFT_MSG_DELTABLE, 0, 0);
}

void nft_flush_rules(NftLink *l) {
        struct nlmsghdr *nlh;

        nlh = nft_link_message(l, NFT_MSG_DELRULE, NFPROTO_INET, 0);
        mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, nft_link_get_table(l));
}

void nft_flush_chain(NftLink *l, const char *chain) {
        struct nlmsghdr *nlh;

        nlh = nft_link_message(l, NFT_MSG_DELRULE, NFPROTO_INET, 0);
        mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, nft_link_get_table(l));
        mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain);
}

/* The kernel does not wait for packets when a transaction is done, but does before it takes back
 * what it had begun of one that fails. No jail's counter has such names. */
void nft_wait_for_packets(NftLink *l) {
        nft_link_begin(l);
        nft_add_counter(l, ".wait");
        nft_delete_counter(l, ".nothing");
        (void) nft_link_commit(l, NULL, NULL);
}

/* chains */

static struct nftnl_chain *chain_new(NftLink *l, const char *name) {
        struct nftnl_chain *c;

        c = nftnl_chain_alloc();
        if (!c)
                nft_link_fail(l, -ENOMEM);
        else if (nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, nft_link_get_table(l)) < 0 ||
                        nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name) < 0) {
                nft_link_fail(l, -ENOMEM);
                nftnl_chain_free(c);
                c = NULL;
        }

        return c;
}

static void put_chain(NftLink *l, uint16_t type, uint16_t flags, struct nftnl_chain *c) {
        struct nlmsghdr *nlh;

        nlh = nft_link_message(l, type, NFPROTO_INET, flags);
        nftnl_chain_nlmsg_build_payload(nlh, c);
        nftnl_chain_free(c);
}

void nft_add_chain(NftLink *l, const char *name) {
        struct nftnl_chain *c;

        c = chain_new(l, name);
        if (c)
                put_chain(l, NFT_MSG_NEWCHAIN, NLM_F_CREATE, c);
}

void nft_add_base_chain(NftLink *l,
                const char *name,
                uint32_t hook,
                int32_t priority,
                const char *device) {
        struct nftnl_chain *c;

        c = chain_new(l, name);
        if (!c)
                return;

        if (nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, "filter") < 0)
                nft_link_fail(l, -ENOMEM);
        if (device && nftnl_chain_set_str(c, NFTNL_CHAIN_DEV, device) < 0)
                nft_link_fail(l, -ENOMEM);
        nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook);
        nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, priority);
        nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
        put_chain(l, NFT_MSG_NEWCHAIN, NLM_F_CREATE, c);
}

void nft_delete_chain(NftLink *l, const char *name) {
        struct nftnl_chain *c;

        c = chain_new(l, name);
        if (c)
                put_chain(l, NFT_MSG_DELCHAIN, 0, c);
}

/* counters */

static void put_counter(NftLink *l, uint16_t type, uint16_t flags, const char *name) {
        struct nlmsghdr *nlh;
        struct nftnl_obj *o;

        o = nftnl_obj_alloc();
        if (!o) {
                nft_link_fail(l, -ENOMEM);
                return;
        }

        nftnl_obj_set_u32(o, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
        nftnl_obj_set_str(o, NFTNL_OBJ_TABLE, nft_link_get_table(l));
        nftnl_obj_set_str(o, NFTNL_OBJ_NAME, name);
        if (type == NFT_MSG_NEWOBJ) {
                /* Without an attribute there would be no data, which the kernel does not accept. */
                nftnl_obj_set_u64(o, NFTNL_OBJ_CTR_PKTS, 0);
                nftnl_obj_set_u64(o, NFTNL_OBJ_CTR_BYTES, 0);
        }

        nlh = nft_link_message(l, type, NFPROTO_INET, flags);
        nftnl_obj_nlmsg_build_payload(nlh, o);
        nftnl_obj_free(o);
}

void nft_add_counter(NftLink *l, const char *name) {
        put_counter(l, NFT_MSG_NEWOBJ, NLM_F_CREATE, name);
}

void nft_add_counter_like(NftLink *l, const struct nftnl_obj *o) {
        nftnl_obj_nlmsg_build_payload(
                        nft_link_message(l, NFT_MSG_NEWOBJ, NFPROTO_INET, NLM_F_CREATE), o);
}

void nft_delete_counter(NftLink *l, const char *name) {
        put_counter(l, NFT_MSG_DELOBJ, 0, name);
}

/* sets */

static struct nftnl_set *set_new(NftLink *l, const char *name) {
        struct nftnl_set *s;

        s = nftnl_set_alloc();
        if (!s)
                nft_link_fail(l, -ENOMEM);
        else if (nftnl_set_set_str(s, NFTNL_SET_TABLE, nft_link_get_table(l)) < 0 ||
                        nftnl_set_set_str(s, NFTNL_SET_NAME, name) < 0) {
                nft_link_fail(l, -ENOMEM);
                nftnl_set_free(s);
                s = NULL;
        }

        return s;
}

void nft_add_set(NftLink *l, const char *name, const NftSetParams *params) {
        static uint32_t last_id;
        struct nlmsghdr *nlh;
        struct nftnl_set *s;

        s = set_new(l, name);
        if (!s)
                return;

        /* The id would let rules of the same transaction refer to a set without a name. The kernel
         * insists on one. */
        nftnl_set_set_u32(s, NFTNL_SET_ID, ++last_id);
        nftnl_set_set_u32(s, NFTNL_SET_FLAGS, params->flags);
        nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, params->key_type);
        nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, params->key_size);
        if (params->flags & NFT_SET_MAP) {
                nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, NFT_TYPE_VERDICT);
                nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, 0);
        }
        if (params->size > 0)
                nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, params->size);
        if (params->timeout > 0)
                nftnl_set_set_u64(s, NFTNL_SET_TIMEOUT, params->timeout);
        if (params->gc_interval > 0)
                nftnl_set_set_u32(s, NFTNL_SET_GC_INTERVAL, params->gc_interval);

        nlh = nft_link_message(l, NFT_MSG_NEWSET, NFPROTO_INET, NLM_F_CREATE);
        nftnl_set_nlmsg_build_payload(nlh, s);
        nftnl_set_free(s);
}

void nft_delete_set(NftLink *l, const char *name) {
        struct nlmsghdr *nlh;
        struct nftnl_set *s;

        s = set_new(l, name);
        if (!s)
                return;

        nlh = nft_link_message(l, NFT_MSG_DELSET, NFPROTO_INET, 0);
        nftnl_set_nlmsg_build_payload(nlh, s);
        nftnl_set_free(s);
}

/* elements */

struct nftnl_set *nft_elements_new(NftLink *l, const char *set) {
        return set_new(l, set);
}

struct nftnl_set_elem *
nft_elements_add(NftLink *l, struct nftnl_set *elements, const void *key, uint32_t key_size) {
        struct nftnl_set_elem *e;

        if (!elements)
                return NULL;

        e = nftnl_set_elem_alloc();
        if (!e) {
                nft_link_fail(l, -ENOMEM);
                return NULL;
        }

        (void) nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, key_size);
        nftnl_set_elem_add(elements, e);
        return e;
}

void nft_element_count(NftLink *l, struct nftnl_set_elem *e) {
        struct nftnl_expr *counter;

        counter = nftnl_expr_alloc("counter");
        if (!counter) {
                nft_link_fail(l, -ENOMEM);
                return;
        }

        nftnl_expr_set_u64(counter, NFTNL_EXPR_CTR_PACKETS, 0);
        nftnl_expr_set_u64(counter, NFTNL_EXPR_CTR_BYTES, 0);
        nftnl_set_elem_add_expr(e, counter);
}

void nft_put_elements(NftLink *l, uint16_t type, uint16_t flags, const struct nftnl_set *elements) {
        struct nftnl_set_elems_iter *i;
        struct nlmsghdr *nlh;
        int more;

        if (!elements)
                return;

        i = nftnl_set_elems_iter_create(elements);
        if (!i) {
                nft_link_fail(l, -ENOMEM);
                return;
        }

        do {
                nlh = nft_link_message(l, type, NFPROTO_INET, flags);
                more = nftnl_set_elems_nlmsg_build_payload_iter(nlh, i);
        } while (more > 0);

        nftnl_set_elems_iter_destroy(i);
}

/* rules */

NftRule nft_rule_begin(NftLink *l, const char *chain) {
        NftRule r = { .link = l };

        r.rule = nftnl_rule_alloc();
        if (!r.rule)
                nft_link_fail(l, -ENOMEM);
        else if (nftnl_rule_set_str(r.rule, NFTNL_RULE_TABLE, nft_link_get_table(l)) < 0 ||
                        nftnl_rule_set_str(r.rule, NFTNL_RULE_CHAIN, chain) < 0)
                nft_link_fail(l, -ENOMEM);

        return r;
}

void nft_rule_end(NftRule *r) {
        struct nlmsghdr *nlh;

        if (!r->rule)
                return;

        nlh = nft_link_message(r->link, NFT_MSG_NEWRULE, NFPROTO_INET, NLM_F_CREATE | NLM_F_APPEND);
        nftnl_rule_nlmsg_build_payload(nlh, r->rule);
        nftnl_rule_free(r->rule);
        r->rule = NULL;
}

/* Appends an expression to the rule, which owns it. NULL without memory. */
static struct nftnl_expr *rule_expression(NftRule *r, const char *name) {
        struct nftnl_expr *e;

        if (!r->rule)
                return NULL;

        e = nftnl_expr_alloc(name);
        if (!e) {
                nft_link_fail(r->link, -ENOMEM);
                return NULL;
        }

        nftnl_rule_add_expr(r->rule, e);
        return e;
}

static void rule_load_meta(NftRule *r, uint32_t key) {
        struct nftnl_expr *e;

        e = rule_expression(r, "meta");
        if (!e)
                return;

        nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
        nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void rule_load(NftRule *r, uint32_t base, uint32_t offset, uint32_t size, uint32_t reg) {
        struct nftnl_expr *e;

        e = rule_expression(r, "payload");
        if (!e)
                return;

        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, size);
        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

static void rule_load_address(NftRule *r, NftSide side, int family) {
        uint32_t offset;

        if (family == AF_INET)
                offset = side == NFT_SOURCE ? IPV4_SOURCE : IPV4_DESTINATION;
        else
                offset = side == NFT_SOURCE ? IPV6_SOURCE : IPV6_DESTINATION;

        rule_load(r, NFT_PAYLOAD_NETWORK_HEADER, offset, nft_address_size(family), NFT_REG_1);
}

static void rule_load_port(NftRule *r, NftSide side, uint32_t reg) {
        rule_load(r,
                        NFT_PAYLOAD_TRANSPORT_HEADER,
                        side == NFT_SOURCE ? TRANSPORT_SOURCE : TRANSPORT_DESTINATION,
                        sizeof(uint16_t),
                        reg);
}

static void rule_mask(NftRule *r, const void *mask, uint32_t size) {
        static const uint8_t zero[16];
        struct nftnl_expr *e;

        e = rule_expression(r, "bitwise");
        if (!e)
                return;

        nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
        nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
        nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
        nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, size);
        (void) nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, size);
        (void) nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zero, size);
}

static void rule_compare(NftRule *r, uint32_t op, const void *data, uint32_t size) {
        struct nftnl_expr *e;

        e = rule_expression(r, "cmp");
        if (!e)
                return;

        nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
        nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
        (void) nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, size);
}

static struct nftnl_expr *rule_look_up(NftRule *r, const char *set) {
        struct nftnl_expr *e;

        e = rule_expression(r, "lookup");
        if (!e)
                return NULL;

        nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
        if (nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set) < 0)
                nft_link_fail(r->link, -ENOMEM);

        return e;
}

void nft_rule_family(NftRule *r, int family) {
        uint8_t nfproto = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;

        rule_load_meta(r, NFT_META_NFPROTO);
        rule_compare(r, NFT_CMP_EQ, &nfproto, sizeof(nfproto));
}

void nft_rule_protocol(NftRule *r, uint8_t protocol) {
        rule_load_meta(r, NFT_META_L4PROTO);
        rule_compare(r, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

void nft_rule_syn(NftRule *r, bool is) {
        const uint8_t mask = TH_SYN | TH_ACK, syn = TH_SYN;

        rule_load(r, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, sizeof(mask), NFT_REG_1);
        rule_mask(r, &mask, sizeof(mask));
        rule_compare(r, is ? NFT_CMP_EQ : NFT_CMP_NEQ, &syn, sizeof(syn));
}

void nft_rule_address_in(NftRule *r,
                NftSide side,
                int family,
                unsigned prefixlen,
                const char *set) {
        nft_rule_family(r, family);
        rule_load_address(r, side, family);

        if (prefixlen < address_family_bits(family)) {
                uint8_t mask[16] = {};

                for (unsigned i = 0; i < prefixlen; i++)
                        mask[i / 8] |= (uint8_t) (0x80 >> (i % 8));

                rule_mask(r, mask, nft_address_size(family));
        }

        (void) rule_look_up(r, set);
}

void nft_rule_port_range(NftRule *r, NftSide side, uint16_t first, uint16_t last) {
        const uint16_t low = htons(first), high = htons(last);

        rule_load_port(r, side, NFT_REG_1);
        if (first == last) {
                rule_compare(r, NFT_CMP_EQ, &low, sizeof(low));
        } else {
                rule_compare(r, NFT_CMP_GTE, &low, sizeof(low));
                rule_compare(r, NFT_CMP_LTE, &high, sizeof(high));
        }
}

void nft_rule_port_map(NftRule *r, const char *map) {
        struct nftnl_expr *e;

        rule_load_port(r, NFT_DESTINATION, NFT_REG_1);
        e = rule_look_up(r, map);
        if (e)
                nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
}

/* Loads the peer's address, the peer's port and our port, the peer being at the given side. */
static void rule_load_flow(NftRule *r, NftSide peer, int family) {
        uint32_t reg = NFT_REG32_00 + nft_address_size(family) / 4;

        rule_load_address(r, peer, family);
        rule_load_port(r, peer, reg);
        rule_load_port(r, peer == NFT_SOURCE ? NFT_DESTINATION : NFT_SOURCE, reg + 1);
}

void nft_rule_flow_in(NftRule *r, int family, const char *set) {
        rule_load_flow(r, NFT_SOURCE, family);
        (void) rule_look_up(r, set);
}

void nft_rule_flow_update(NftRule *r, int family, const char *set) {
        struct nftnl_expr *e;

        rule_load_flow(r, NFT_DESTINATION, family);

        e = rule_expression(r, "dynset");
        if (!e)
                return;

        nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
        nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
        if (nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, set) < 0)
                nft_link_fail(r->link, -ENOMEM);
}

void nft_rule_counter(NftRule *r, const char *name) {
        struct nftnl_expr *e;

        e = rule_expression(r, "objref");
        if (!e)
                return;

        nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
        if (nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, name) < 0)
                nft_link_fail(r->link, -ENOMEM);
}

void nft_rule_transit(NftRule *r) {
        const uint32_t unicast = RTN_UNICAST;
        struct nftnl_expr *e;

        e = rule_expression(r, "fib");
        if (!e)
                return;

        nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
        nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
        nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
        rule_compare(r, NFT_CMP_EQ, &unicast, sizeof(unicast));
}

void nft_rule_reject(NftRule *r, bool reset) {
        struct nftnl_expr *e;

        e = rule_expression(r, "reject");
        if (!e)
                return;

        nftnl_expr_set_u32(e,
                        NFTNL_EXPR_REJECT_TYPE,
                        reset ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH);
        nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, reset ? 0 : NFT_REJECT_ICMPX_PORT_UNREACH);
}

void nft_rule_verdict(NftRule *r, int verdict, const char *chain) {
        struct nftnl_expr *e;

        e = rule_expression(r, "immediate");
        if (!e)
                return;

        nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
        nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t) verdict);
        if (chain && nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain) < 0)
                nft_link_fail(r->link, -ENOMEM);
}
