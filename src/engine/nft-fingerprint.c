/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The sum of digests of what there is. Rules are taken as the kernel tells them, with their handles
 * and what comes before each, so that their order matters; all else has a name, and none.
 */

#include "engine/nft-fingerprint.h"

#include <arpa/inet.h>
#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/table.h"
#include "engine/nft-elements.h"
#include "engine/nft-present.h"

typedef struct Sum {
        NftLink *link;
        uint64_t sum;
        int error;
} Sum;

/* The kind keeps things apart that have the same name. */
static void add(Sum *s, const char *kind, const char *name, uint64_t property) {
        char text[256];
        int n;

        n = snprintf(text, sizeof(text), "%s %s %llu", kind, name, (unsigned long long) property);
        s->sum += table_digest(text, MIN((size_t) n, sizeof(text) - 1));
}

static int add_chain(struct nftnl_chain *c, void *userdata) {
        uint64_t hook = 0;

        if (nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM))
                hook = 1 + nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) +
                       ((uint64_t) nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) << 8) +
                       ((uint64_t) (uint32_t) nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO) << 16);

        add(userdata, "chain", nftnl_chain_get_str(c, NFTNL_CHAIN_NAME), hook);
        return 0;
}

static void add_port(uint16_t port, const char *chain, void *userdata) {
        add(userdata, "port", chain ?: "", port);
}

static int add_set(struct nftnl_set *set, void *userdata) {
        const char *name = nftnl_set_get_str(set, NFTNL_SET_NAME);
        Sum *s = userdata;

        add(s, "set", name, nftnl_set_get_u32(set, NFTNL_SET_FLAGS));
        if (s->error >= 0 && nft_set_is_port_map(set))
                s->error = nft_list_ports(s->link, name, add_port, s);
        return 0;
}

static int add_counter(struct nftnl_obj *o, void *userdata) {
        add(userdata, "counter", nftnl_obj_get_str(o, NFTNL_OBJ_NAME), 0);
        return 0;
}

/* The header says which generation of the ruleset this is, and is left out. */
static int add_rule(const struct nlmsghdr *nlh, void *userdata) {
        Sum *s = userdata;

        s->sum += table_digest(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg)),
                        mnl_nlmsg_get_payload_len(nlh) - sizeof(struct nfgenmsg));
        return MNL_CB_OK;
}

int nft_fingerprint(NftLink *l, uint64_t *ret) {
        Sum s = { .link = l };
        NftPresent present = {};
        struct nlmsghdr *nlh;
        int r;

        assert(l);
        assert(ret);

        r = nft_present_read(l, &present);
        if (r < 0)
                return r;

        if (present.table) {
                s.sum = 1;
                (void) nftnl_chain_list_foreach(present.chains, add_chain, &s);
                (void) nftnl_set_list_foreach(present.sets, add_set, &s);
                (void) nftnl_obj_list_foreach(present.counters, add_counter, &s);

                nlh = nft_link_question(l, NFT_MSG_GETRULE, NFPROTO_INET, NLM_F_DUMP);
                mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, nft_link_get_table(l));
                r = s.error < 0 ? s.error : nft_link_ask(l, add_rule, &s);
        }

        nft_present_done(&present);
        if (r < 0)
                return r;

        *ret = s.sum;
        return 0;
}
