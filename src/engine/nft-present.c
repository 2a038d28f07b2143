/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Four questions, one after the other. Others may change the ruleset meanwhile, which the kernel
 * tells, or remove the table, which looks as if there had been none: then all are asked again.
 */

#include "engine/nft-present.h"

#include <arpa/inet.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "engine/nft-table.h"

/* How often reading is tried while others change the ruleset. */
#define READ_ATTEMPTS 10

void nft_present_done(NftPresent *p) {
        if (p->chains)
                nftnl_chain_list_free(p->chains);
        if (p->sets)
                nftnl_set_list_free(p->sets);
        if (p->counters)
                nftnl_obj_list_free(p->counters);

        *p = (NftPresent){};
}

static int on_table(const struct nlmsghdr *nlh, void *userdata) {
        NftPresent *p = userdata;
        struct nftnl_table *t;

        t = nftnl_table_alloc();
        if (!t || nftnl_table_nlmsg_parse(nlh, t) < 0) {
                p->error = t ? -EBADMSG : -ENOMEM;
        } else {
                p->table = true;
                p->flags = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS);
        }

        if (t)
                nftnl_table_free(t);
        return MNL_CB_STOP;
}

static int on_chain(const struct nlmsghdr *nlh, void *userdata) {
        NftPresent *p = userdata;
        struct nftnl_chain *c;
        const char *table;

        c = nftnl_chain_alloc();
        if (!c || nftnl_chain_nlmsg_parse(nlh, c) < 0) {
                p->error = c ? -EBADMSG : -ENOMEM;
                if (c)
                        nftnl_chain_free(c);
                return MNL_CB_OK;
        }

        table = nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE);
        if (table && streq(table, p->name))
                nftnl_chain_list_add_tail(c, p->chains);
        else
                nftnl_chain_free(c);
        return MNL_CB_OK;
}

static int on_set(const struct nlmsghdr *nlh, void *userdata) {
        NftPresent *p = userdata;
        struct nftnl_set *s;

        s = nftnl_set_alloc();
        if (!s || nftnl_set_nlmsg_parse(nlh, s) < 0) {
                p->error = s ? -EBADMSG : -ENOMEM;
                if (s)
                        nftnl_set_free(s);
                return MNL_CB_OK;
        }

        nftnl_set_list_add_tail(s, p->sets);
        return MNL_CB_OK;
}

static int on_counter(const struct nlmsghdr *nlh, void *userdata) {
        NftPresent *p = userdata;
        struct nftnl_obj *o;

        o = nftnl_obj_alloc();
        if (!o || nftnl_obj_nlmsg_parse(nlh, o) < 0) {
                p->error = o ? -EBADMSG : -ENOMEM;
                if (o)
                        nftnl_obj_free(o);
                return MNL_CB_OK;
        }

        nftnl_obj_list_add_tail(o, p->counters);
        return MNL_CB_OK;
}

static int read_table(NftLink *l, NftPresent *p) {
        struct nlmsghdr *nlh;
        int r;

        nlh = nft_link_question(l, NFT_MSG_GETTABLE, NFPROTO_INET, 0);
        mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, nft_link_get_table(l));
        r = nft_link_ask(l, on_table, p);
        if (r == -ENOENT)
                return 0;

        return r < 0 ? r : p->error;
}

static int read_sets(NftLink *l, NftPresent *p) {
        struct nlmsghdr *nlh;
        int r;

        p->sets = nftnl_set_list_alloc();
        if (!p->sets)
                return -ENOMEM;

        nlh = nft_link_question(l, NFT_MSG_GETSET, NFPROTO_INET, NLM_F_DUMP);
        mnl_attr_put_strz(nlh, NFTA_SET_TABLE, nft_link_get_table(l));
        r = nft_link_ask(l, on_set, p);
        return r < 0 ? r : p->error;
}

static int read_chains(NftLink *l, NftPresent *p) {
        int r;

        p->chains = nftnl_chain_list_alloc();
        if (!p->chains)
                return -ENOMEM;

        /* There is no asking for those of one table. */
        (void) nft_link_question(l, NFT_MSG_GETCHAIN, NFPROTO_INET, NLM_F_DUMP);
        r = nft_link_ask(l, on_chain, p);
        return r < 0 ? r : p->error;
}

static int read_counters(NftLink *l, NftPresent *p) {
        struct nlmsghdr *nlh;
        int r;

        p->counters = nftnl_obj_list_alloc();
        if (!p->counters)
                return -ENOMEM;

        nlh = nft_link_question(l, NFT_MSG_GETOBJ, NFPROTO_INET, NLM_F_DUMP);
        mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, nft_link_get_table(l));
        mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
        r = nft_link_ask(l, on_counter, p);
        return r < 0 ? r : p->error;
}

int nft_present_read(NftLink *l, NftPresent *ret) {
        int r = -EINTR;

        for (unsigned i = 0; r == -EINTR && i < READ_ATTEMPTS; i++) {
                NftPresent p = { .name = nft_link_get_table(l) };

                r = read_table(l, &p);
                if (r >= 0 && p.table)
                        r = read_sets(l, &p);
                if (r >= 0 && p.table)
                        r = read_chains(l, &p);
                if (r >= 0 && p.table)
                        r = read_counters(l, &p);
                if (r >= 0) {
                        *ret = p;
                        return 0;
                }

                nft_present_done(&p);
                if (r == -ENOENT)
                        r = -EINTR; /* the table went away meanwhile */
        }

        return r;
}

bool nft_set_is_usable(const struct nftnl_set *s, int family) {
        return nftnl_set_get_u32(s, NFTNL_SET_FLAGS) == NFT_SET_TIMEOUT &&
               nftnl_set_get_u32(s, NFTNL_SET_KEY_TYPE) == nft_address_type(family) &&
               nftnl_set_get_u32(s, NFTNL_SET_KEY_LEN) == nft_address_size(family) &&
               (!nftnl_set_is_set(s, NFTNL_SET_DESC_SIZE) ||
                               nftnl_set_get_u32(s, NFTNL_SET_DESC_SIZE) == 0) &&
               (!nftnl_set_is_set(s, NFTNL_SET_TIMEOUT) ||
                               nftnl_set_get_u64(s, NFTNL_SET_TIMEOUT) == 0);
}

bool nft_set_is_port_map(const struct nftnl_set *s) {
        return nftnl_set_get_u32(s, NFTNL_SET_FLAGS) == NFT_SET_MAP &&
               nftnl_set_get_u32(s, NFTNL_SET_KEY_TYPE) == NFT_TYPE_INET_SERVICE &&
               nftnl_set_get_u32(s, NFTNL_SET_DATA_TYPE) == NFT_TYPE_VERDICT;
}

bool nft_present_has_chain(const NftPresent *p, const char *name) {
        const struct nftnl_chain *c;

        if (!p->chains)
                return false;

        c = nftnl_chain_list_lookup_byname(p->chains, name);
        return c && !nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM);
}

struct nftnl_set *nft_present_find_set(const NftPresent *p, const char *name) {
        return p->sets ? nftnl_set_list_lookup_byname(p->sets, name) : NULL;
}
