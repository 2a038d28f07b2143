/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Versions say little about the kernels of distributions, so it is tried. All but the last trial
 * succeeds on every kernel: a transaction that fails has the kernel wait for all packets underway,
 * which takes it some 15 ms.
 */

#include "engine/nft-probe.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>

#include "base/usec.h"
#include "engine/nft-elements.h"
#include "engine/nft-table.h"

#define PROBE_SET "probe"

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

static int make_table(NftLink *l, uint32_t flags) {
        const NftSetParams params = {
                .flags = NFT_SET_TIMEOUT,
                .key_type = nft_address_type(AF_INET),
                .key_size = nft_address_size(AF_INET),
        };

        nft_link_begin(l);
        nft_add_table(l, flags);
        nft_add_set(l, PROBE_SET, &params);
        write_element(l, NFT_MSG_NEWSETELEM, &present, USEC_PER_HOUR);
        return nft_link_commit(l, NULL, NULL);
}

static int try_update(NftLink *l) {
        usec_t remaining;
        int r;

        nft_link_begin(l);
        write_element(l, NFT_MSG_NEWSETELEM, &present, USEC_PER_DAY);
        r = nft_link_commit(l, NULL, NULL);
        if (r < 0)
                return r;

        r = nft_get_element(l, PROBE_SET, &present, &remaining);
        return r > 0 ? remaining > USEC_PER_HOUR : r;
}

static int try_destroy(NftLink *l) {
        int r;

        nft_link_begin(l);
        write_element(l, NFT_DESTROY_SETELEM, &absent, 0);
        r = nft_link_commit(l, NULL, NULL);
        return r == -ENOMEM ? r : r >= 0;
}

int nft_probe(NftAbilities *ret) {
        _cleanup_(nft_link_freep) NftLink *l = NULL;
        char table[32];
        int r, update, destroy;

        /* Another process may try at the same time. */
        (void) snprintf(table, sizeof(table), "banjo-probe-%u", (unsigned) getpid());
        r = nft_link_new(&l, table);
        if (r < 0)
                return r;

        /* An owned table cannot be left behind, but an old kernel does not know of owners. */
        r = make_table(l, NFT_TABLE_OWNER);
        if (r == -EOPNOTSUPP || r == -EINVAL)
                r = make_table(l, 0);
        if (r == -EAFNOSUPPORT)
                return -EOPNOTSUPP;
        if (r < 0)
                return r;

        update = try_update(l);
        destroy = update < 0 ? update : try_destroy(l);

        nft_link_begin(l);
        nft_delete_table(l);
        r = nft_link_commit(l, NULL, NULL);
        if (destroy < 0)
                return destroy;
        if (r < 0)
                return r;

        *ret = (NftAbilities){ .update = update, .destroy = destroy };
        return 0;
}
