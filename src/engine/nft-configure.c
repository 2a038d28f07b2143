/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the table already holds is asked by name: elements are never listed, but for those of the
 * small maps of ports. One transaction then takes away what is not needed any more and writes all
 * rules anew. Chains that are new and that packets will be led to by a map are made in a
 * transaction before; nft-layout.c says why.
 *
 * Ownership. A kernel from 6.9 on lets us own the table and keep it when we are gone; then whoever
 * comes next may own it. Otherwise a table has the owner's flags that it was made with, and is used
 * as it is until it is made anew. firewall-kept.c says how that loses no ban.
 */

#include "engine/nft-configure.h"

#include <arpa/inet.h>
#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <linux/membarrier.h>
#include <linux/netfilter.h>
#include <sys/syscall.h>

#include "engine/nft-present.h"
#include "engine/nft-replies.h"
#include "engine/nft-table.h"

/* How often it is tried while others change the table. */
#define CONFIGURE_ATTEMPTS 10

static NftJail *find_jail(const NftLayout *layout, const char *name) {
        for (size_t i = 0; i < layout->n_jails; i++)
                if (streq(layout->jails[i].name, name))
                        return &layout->jails[i];

        return NULL;
}

static bool chain_is_usable(const struct nftnl_chain *c, uint32_t hook) {
        const char *type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);

        return type && streq(type, "filter") && nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM) &&
               nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) == hook &&
               nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO) == NFT_PRIORITY_RAW;
}

/* For the callbacks of libnftnl's lists. */
typedef struct Clearing {
        NftLink *link;
        NftLayout *layout;
        bool found; /* what was looked for */
        int error;
} Clearing;

/* The jail whose bans are in this set, NULL if it is another kind of set or of no use. */
static NftJail *jail_of_set(const NftLayout *layout,
                const struct nftnl_set *s,
                int *ret_family,
                unsigned *ret_prefixlen) {
        FirewallName jail;

        if (!nft_parse_set_name(nftnl_set_get_str(s, NFTNL_SET_NAME),
                            jail,
                            ret_family,
                            ret_prefixlen) ||
                        !nft_set_is_usable(s, *ret_family))
                return NULL;

        return find_jail(layout, jail);
}

static int note_set(struct nftnl_set *s, void *userdata) {
        Clearing *c = userdata;
        unsigned prefixlen;
        NftBanSet *set;
        NftJail *jail;
        int family;

        jail = jail_of_set(c->layout, s, &family, &prefixlen);
        if (!jail)
                return 0;

        set = nft_layout_get_set(c->layout, jail, family, prefixlen);
        if (set)
                set->exists = true;
        else
                c->error = -ENOMEM;
        return 0;
}

static int note_chain(struct nftnl_chain *chain, void *userdata) {
        Clearing *c = userdata;
        int r;

        r = nft_bases_note(&c->layout->bases, chain);
        if (r < 0)
                c->error = r;
        return 0;
}

static int note_counter(struct nftnl_obj *o, void *userdata) {
        Clearing *c = userdata;
        NftJail *jail;

        jail = find_jail(c->layout, nftnl_obj_get_str(o, NFTNL_OBJ_NAME));
        if (jail)
                jail->has_counter = true;
        return 0;
}

/* Notes in the layout what is there and stays. */
static int note_present(NftLink *l, const NftPresent *present, NftLayout *layout) {
        Clearing c = { .link = l, .layout = layout };
        int r;

        r = nft_layout_read_maps(layout, l, present);
        if (r < 0)
                return r;

        (void) nftnl_chain_list_foreach(present->chains, note_chain, &c);
        (void) nftnl_set_list_foreach(present->sets, note_set, &c);
        (void) nftnl_obj_list_foreach(present->counters, note_counter, &c);
        return c.error;
}

static int clear_set(struct nftnl_set *s, void *userdata) {
        Clearing *c = userdata;
        unsigned prefixlen;
        int family;

        if (!jail_of_set(c->layout, s, &family, &prefixlen) && !nft_layout_wants_set(c->layout, s))
                nft_delete_set(c->link, nftnl_set_get_str(s, NFTNL_SET_NAME));
        return 0;
}

/* Others than base chains may be in the maps that were. */
static int clear_base_chain(struct nftnl_chain *chain, void *userdata) {
        const char *name = nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME);
        Clearing *c = userdata;

        if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM) ||
                        nft_bases_have(&c->layout->bases, chain))
                return 0;

        if (!streq(name, NFT_OUTPUT_CHAIN) || !c->layout->has_output ||
                        !chain_is_usable(chain, NF_INET_LOCAL_OUT))
                nft_delete_chain(c->link, name);
        return 0;
}

static int clear_counter(struct nftnl_obj *o, void *userdata) {
        const char *name = nftnl_obj_get_str(o, NFTNL_OBJ_NAME);
        Clearing *c = userdata;

        if (!find_jail(c->layout, name))
                nft_delete_counter(c->link, name);
        return 0;
}

/* Writes the removal of everything that does not stay. The order goes from what refers to what is
 * referred to. */
static void clear_present(NftLink *l, const NftPresent *present, NftLayout *layout) {
        Clearing c = { .link = l, .layout = layout };

        nft_flush_rules(l);
        (void) nftnl_set_list_foreach(present->sets, clear_set, &c);
        (void) nftnl_chain_list_foreach(present->chains, clear_base_chain, &c);
        (void) nftnl_obj_list_foreach(present->counters, clear_counter, &c);
}

#define OWNER_FLAGS (NFT_TABLE_OWNER | NFT_TABLE_PERSIST)

/* The flags to open a table with that is there. One that sleeps (`flags dormant`) wakes up. */
static uint32_t choose_table_flags(const NftPresent *present, uint32_t wanted) {
        uint32_t flags = present->flags & OWNER_FLAGS;

        /* Its owner is gone. */
        if (flags == NFT_TABLE_PERSIST && wanted == OWNER_FLAGS)
                return wanted;

        return flags;
}

/* Makes a table that is there ours. The kernel wants that in a transaction of its own: in one that
 * changes the table it adds no base chain. */
static int claim_table(NftLink *l, uint32_t flags) {
        nft_link_begin(l);
        nft_add_table(l, flags);
        return nft_link_commit(l, NULL, NULL);
}

/* Waits until no packet is underway in the rules that were: a grace period of RCU, which packets
 * hold up. */
static void wait_for_packets(void) {
        (void) syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

static int clear_set_behind(struct nftnl_set *s, void *userdata) {
        const char *name = nftnl_set_get_str(s, NFTNL_SET_NAME);
        Clearing *c = userdata;

        if (nft_gate_is_set_name(name) ||
                        (nft_port_map_is_name(name) && !nft_layout_uses_map(c->layout, name))) {
                c->found = true;
                nft_delete_set(c->link, name);
        }
        return 0;
}

static int clear_chain_behind(struct nftnl_chain *chain, void *userdata) {
        const char *name = nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME);
        Clearing *c = userdata;

        if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM) &&
                        !nft_layout_wants_chain(c->layout, name)) {
                c->found = true;
                nft_delete_chain(c->link, name);
        }
        return 0;
}

/* Removes what only packets underway may need: the hooks that were, the maps that were and the
 * chains that they led to, and the gate that was (the new one begins empty, and no rule looks into
 * it yet). */
static int remove_rest(NftLink *l, const NftPresent *present, NftLayout *layout) {
        Clearing c = { .link = l, .layout = layout };

        if (!present->table)
                return 0;

        nft_link_begin(l);
        for (size_t i = 0; i < layout->bases.n; i++)
                if (layout->bases.list[i].is_leaving) {
                        c.found = true;
                        nft_flush_chain(l, layout->bases.list[i].name);
                        nft_delete_chain(l, layout->bases.list[i].name);
                }
        (void) nftnl_set_list_foreach(present->sets, clear_set_behind, &c);
        (void) nftnl_chain_list_foreach(present->chains, clear_chain_behind, &c);
        if (c.found)
                wait_for_packets();
        return nft_link_commit(l, NULL, NULL);
}

/* Returns 1 if it had to prepare the change before it could be made. */
static int configure_present(NftLink *l,
                const FirewallJail *jails,
                NftLayout *layout,
                const NftPresent *present,
                uint32_t flags,
                bool may_prepare) {
        int r;

        if (present->table) {
                r = claim_table(l, flags);
                if (r < 0)
                        return r;

                r = note_present(l, present, layout);
                if (r < 0)
                        return r;

                /* Should it fail, a packet may slip through, and that is all. */
                nft_link_begin(l);
                if (may_prepare && nft_layout_prepare(layout, l, jails, present)) {
                        (void) nft_link_commit(l, NULL, NULL);
                        return 1;
                }
        }

        nft_link_begin(l);
        nft_add_table(l, flags);
        if (present->table)
                clear_present(l, present, layout);
        nft_layout_write(layout, l, jails, present);

        r = nft_link_commit(l, NULL, NULL);
        if (r < 0)
                return r;

        layout->is_owned = flags & NFT_TABLE_OWNER;
        return remove_rest(l, present, layout);
}

static int keep_counter(struct nftnl_obj *o, void *userdata) {
        Clearing *c = userdata;
        NftJail *jail;

        jail = find_jail(c->layout, nftnl_obj_get_str(o, NFTNL_OBJ_NAME));
        if (jail) {
                nft_add_counter_like(c->link, o);
                jail->has_counter = true;
        }
        return 0;
}

/* As if there had been no table; only the jails' counters go on. */
static int configure_anew(NftLink *l,
                const FirewallJail *jails,
                NftLayout *layout,
                const NftPresent *present,
                uint32_t flags) {
        const NftPresent none = { .name = present->name };
        Clearing c = { .link = l, .layout = layout };
        int r;

        nft_link_begin(l);
        if (present->table)
                nft_delete_table(l);
        nft_add_table(l, flags);
        if (present->table)
                (void) nftnl_obj_list_foreach(present->counters, keep_counter, &c);
        nft_layout_write(layout, l, jails, &none);

        r = nft_link_commit(l, NULL, NULL);
        if (r < 0)
                return r;

        layout->is_owned = flags & NFT_TABLE_OWNER;
        return 0;
}

/* As configure_present(); *ret_flags is what the table has. */
static int configure_once(NftLink *l,
                const FirewallJail *jails,
                NftLayout *layout,
                uint32_t wanted,
                NftManner manner,
                bool may_prepare,
                uint32_t *ret_flags) {
        NftPresent present = {};
        int r;

        r = nft_present_read(l, &present);
        if (r < 0)
                return r;

        *ret_flags = wanted;
        if (present.table && manner == NFT_ADOPT)
                *ret_flags = choose_table_flags(&present, wanted);

        r = manner == NFT_ADOPT
                            ? configure_present(l, jails, layout, &present, *ret_flags, may_prepare)
                            : configure_anew(l, jails, layout, &present, *ret_flags);
        nft_present_done(&present);
        return r;
}

static void set_all_exist(NftLayout *layout) {
        for (size_t i = 0; i < layout->n_jails; i++)
                for (NftBanSet *s = layout->jails[i].sets; s; s = s->next)
                        s->exists = true;
}

int nft_configure(NftLayout *ret,
                NftLink *l,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails,
                uint32_t flags,
                NftManner manner) {
        bool prepared = false;
        int r = -EINTR;

        for (unsigned i = 0; i < CONFIGURE_ATTEMPTS; i++) {
                NftLayout layout;
                uint32_t present_flags;

                r = nft_layout_init(&layout, settings, jails, n_jails);
                if (r < 0)
                        return r;

                r = configure_once(l, jails, &layout, flags, manner, !prepared, &present_flags);
                if (r == 0) {
                        set_all_exist(&layout);
                        nft_layout_forget_maps(&layout);
                        *ret = layout;
                        return present_flags != flags;
                }

                nft_layout_done(&layout);
                prepared = prepared || r > 0;

                /* Somebody changed the table between our look and our change. */
                if (r < 0 && r != -ENOENT && r != -EEXIST && r != -EBUSY && r != -EINTR)
                        return r;
        }

        return r > 0 ? -EBUSY : r;
}
