/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the kernel's nftables can do
 */

#include <stdbool.h>

#include "model/guard.h"

typedef struct NftAbilities {
        bool update;  /* adding an element again gives it the new timeout: from 6.12 */
        bool destroy; /* NFT_MSG_DESTROYSETELEM: from 6.3 */
        bool own;     /* a table may have an owner, with whom it goes: from 5.12 */
        bool persist; /* and may stay when he is gone: from 6.9 */
} NftAbilities;

/* Finds out with a table of its own, which is gone afterwards.
 *
 * Returns 0; -EPERM without CAP_NET_ADMIN; -EOPNOTSUPP if the kernel has no nftables or none for
 * inet; or another negative errno. */
int nft_probe(NftAbilities *ret);

/* Whether a rule at the hook may answer packets (from 5.9 at prerouting), and may ask where they go
 * (not at ingress); both are modules of the kernel that may be missing. Returns 1, 0 if not, or a
 * negative errno. */
int nft_probe_reject(FirewallHook hook);
int nft_probe_transit(FirewallHook hook);
