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

/* Makes the table `inet banjo` guard these jails, whatever it was before, or makes it. Bans of
 * jails that stay are kept. If may_own is true, the kernel can and the settings allow it, the table
 * is owned by the link.
 *
 * Returns 0 and fills *ret, which has to be given to nft_layout_done(); -EPERM if another process
 * owns the table; or another negative errno. */
int nft_configure(NftLayout *ret,
                NftLink *l,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails,
                bool may_own);
