/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the table holds already
 *
 * The names and properties of what is in the link's table, whoever put it there. Elements of
 * sets are left out: the kernel needs quadratic time to list them.
 */

#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/nft-link.h"

typedef struct NftPresent {
        const char *name; /* of the table; the link's */
        bool table;       /* there is one; the rest is empty if not */
        uint32_t flags;   /* of the table */
        struct nftnl_chain_list *chains;
        struct nftnl_set_list *sets; /* and maps */
        struct nftnl_obj_list *counters;
        int error; /* of reading it */
} NftPresent;

/* Reads what there is. Returns 0 and fills *ret, which has to be given to nft_present_done();
 * -EINTR if the ruleset changes too often to be read; or another negative errno. */
int nft_present_read(NftLink *l, NftPresent *ret);
void nft_present_done(NftPresent *p);

/* True if the bans of addresses of a family can be kept in this set, which someone else may have
 * made. */
bool nft_set_is_usable(const struct nftnl_set *s, int family);

/* True if it is a map from ports to verdicts. */
bool nft_set_is_port_map(const struct nftnl_set *s);

/* True if there is such a chain, other than a base chain. */
bool nft_present_has_chain(const NftPresent *p, const char *name);

/* NULL if there is no such set. */
struct nftnl_set *nft_present_find_set(const NftPresent *p, const char *name);
