/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Versions say little about the kernels of distributions, so it is tried. A transaction that fails
 * has the kernel wait for all packets underway, which takes it some 15 ms.
 */

#include "engine/nft-probe.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>

#include "base/usec.h"
#include "engine/nft-base.h"
#include "engine/nft-elements.h"
#include "engine/nft-layout.h"
#include "engine/nft-table.h"

#define PROBE_SET "probe"
#define PROBE_CHAIN "probe"

static const Address present = { .bytes = { 192, 0, 2, 1 }, .family = AF_INET, .prefixlen = 32 };
static const Address absent = { .bytes = { 192, 0, 2, 2 }, .family = AF_INET, .prefixlen = 32 };

static void write_element(NftLink *l, uint16_t type, const Address *address, usec_t timeout) {
        struct nftnl_set *elements;
        struct nftnl_set_elem *e;

        elements = nft_elements_new(l, PROBE_SET);
        e = nft_elements_add(l, elements, address->bytes, nft_address_size(AF_INET));
        if (e && timeout > 0)
                nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, timeout / USEC_PER_MSEC);
        nft_put_elements(l, type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0, elements);
        if (elements)
                nftnl_set_free(elements);
}

static int make_table(NftLink *l, uint32_t flags, void (*write)(NftLink *l)) {
        nft_link_begin(l);
        nft_add_table(l, flags);
        if (write)
                write(l);
        return nft_link_commit(l, NULL, NULL);
}

/* Makes the table with what `write` puts into it, which may be NULL. An owned table cannot be left
 * behind, but an old kernel does not know of owners. */
static int make_owned_table(NftLink *l, void (*write)(NftLink *l)) {
        int r;

        r = make_table(l, NFT_TABLE_OWNER, write);
        if (r == -EOPNOTSUPP || r == -EINVAL)
                r = make_table(l, 0, write);

        return r == -EAFNOSUPPORT ? -EOPNOTSUPP : r;
}

static void write_set(NftLink *l) {
        const NftSetParams params = {
                .flags = NFT_SET_TIMEOUT,
                .key_type = nft_address_type(AF_INET),
                .key_size = nft_address_size(AF_INET),
        };

        nft_add_set(l, PROBE_SET, &params);
        write_element(l, NFT_MSG_NEWSETELEM, &present, USEC_PER_HOUR);
}

static int try_update(NftLink *l) {
        FirewallElement element;
        int r;

        nft_link_begin(l);
        write_element(l, NFT_MSG_NEWSETELEM, &present, USEC_PER_DAY);
        r = nft_link_commit(l, NULL, NULL);
        if (r < 0)
                return r;

        r = nft_get_element(l, PROBE_SET, &present, &element);
        return r > 0 ? element.remaining > USEC_PER_HOUR : r;
}

static int try_destroy(NftLink *l) {
        int r;

        nft_link_begin(l);
        write_element(l, NFT_DESTROY_SETELEM, &absent, 0);
        r = nft_link_commit(l, NULL, NULL);
        return r == -ENOMEM ? r : r >= 0;
}

/* A link whose table is of this process alone: another may try at the same time. */
static int open_link(NftLink **ret) {
        char table[32];

        (void) snprintf(table, sizeof(table), "banjo-probe-%u", (unsigned) getpid());
        return nft_link_new(ret, table);
}

static int delete_table(NftLink *l) {
        nft_link_begin(l);
        nft_delete_table(l);
        return nft_link_commit(l, NULL, NULL);
}

/* Makes a table with these flags and deletes it, in one transaction: nothing can be left behind. */
static int try_flags(NftLink *l, uint32_t flags) {
        int r;

        nft_link_begin(l);
        nft_add_table(l, flags);
        nft_delete_table(l);
        r = nft_link_commit(l, NULL, NULL);

        /* What a kernel says to flags that it does not know. */
        return r == -EOPNOTSUPP || r == -EINVAL ? 0 : r < 0 ? r : 1;
}

static int try_owners(NftLink *l, NftAbilities *ret) {
        int persist, own;

        persist = try_flags(l, NFT_TABLE_OWNER | NFT_TABLE_PERSIST);
        own = persist != 0 ? persist : try_flags(l, NFT_TABLE_OWNER);
        if (persist < 0 || own < 0)
                return persist < 0 ? persist : own;

        ret->persist = persist;
        ret->own = own;
        return 0;
}

int nft_probe(NftAbilities *ret) {
        _cleanup_(nft_link_freep) NftLink *l = NULL;
        NftAbilities can = {};
        int r, update, destroy;

        r = open_link(&l);
        if (r >= 0)
                r = try_owners(l, &can);
        if (r < 0)
                return r == -EAFNOSUPPORT ? -EOPNOTSUPP : r;

        r = make_owned_table(l, write_set);
        if (r < 0)
                return r;

        update = try_update(l);
        destroy = update < 0 ? update : try_destroy(l);

        r = delete_table(l);
        if (destroy < 0)
                return destroy;
        if (r < 0)
                return r;

        can.update = update;
        can.destroy = destroy;
        *ret = can;
        return 0;
}

static void write_reject(NftRule *r) {
        nft_rule_reject(r, false);
}

static void write_reset(NftRule *r) {
        nft_rule_protocol(r, IPPROTO_TCP);
        nft_rule_reject(r, true);
}

static void write_transit(NftRule *r) {
        nft_rule_transit(r);
        nft_rule_verdict(r, NF_ACCEPT, NULL);
}

/* True if the kernel takes the rules in a chain at the hook. No packet gets to them: the first
 * rule lets all pass. */
static int try_rules(FirewallHook hook, void (*const *writers)(NftRule *r), size_t n) {
        _cleanup_(nft_link_freep) NftLink *l = NULL;
        NftRule rule;
        int r, k;

        r = open_link(&l);
        if (r >= 0)
                r = make_owned_table(l, NULL);
        if (r < 0)
                return r;

        nft_link_begin(l);
        nft_add_base_chain(l,
                        PROBE_CHAIN,
                        nft_hook_number(hook),
                        NFT_PRIORITY_RAW,
                        hook == FIREWALL_INGRESS ? "lo" : NULL);
        rule = nft_rule_begin(l, PROBE_CHAIN);
        nft_rule_verdict(&rule, NF_ACCEPT, NULL);
        nft_rule_end(&rule);
        for (size_t i = 0; i < n; i++) {
                rule = nft_rule_begin(l, PROBE_CHAIN);
                writers[i](&rule);
                nft_rule_end(&rule);
        }
        k = nft_link_commit(l, NULL, NULL);

        r = delete_table(l);
        if (k == -ENOMEM)
                return k;
        return r < 0 ? r : k >= 0;
}

int nft_probe_reject(FirewallHook hook) {
        void (*const writers[])(NftRule *) = { write_reject, write_reset };

        return try_rules(hook, writers, ELEMENTSOF(writers));
}

int nft_probe_transit(FirewallHook hook) {
        void (*const writers[])(NftRule *) = { write_transit };

        return try_rules(hook, writers, ELEMENTSOF(writers));
}
