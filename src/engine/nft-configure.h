/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Bringing the table into shape
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/firewall.h"
#include "engine/nft-layout.h"
#include "engine/nft-link.h"

typedef enum NftManner {
        NFT_ADOPT, /* bans of jails that stay are kept */
        NFT_ANEW,  /* nothing is, and the table has the owner that it is to have */
} NftManner;

/* Makes the link's table guard these jails, whatever it was before, or makes it. flags are those of
 * the table's owner: NFT_TABLE_OWNER and NFT_TABLE_PERSIST as far as the kernel knows them.
 *
 * Returns 0 and fills *ret, which has to be given to nft_layout_done(); 1 if it has done so, but
 * the table was there with other flags, which cannot be changed while it lives; -EPERM if another
 * process owns the table; or another negative errno. */
int nft_configure(NftLayout *ret,
                NftLink *l,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails,
                uint32_t flags,
                NftManner manner);
