/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Bans in one nftables table
 *
 * A Firewall (engine/firewall-ops.h) whose table is adopted or made anew as its caller says.
 * firewall-kept.c makes of two of them what others use.
 */

#include "engine/firewall-ops.h"
#include "engine/nft-configure.h"
#include "engine/nft-link.h"

/* As firewall_nft_new(), for the inet table of this name. What the kernel can is what `like` found
 * out, or is found out if that is NULL. */
int nft_firewall_new(Firewall **ret, const char *table, const Firewall *like);

/* Goes on over another link, for the same table, which is freed with the firewall. */
void nft_firewall_set_link(Firewall *f, NftLink *link);
NftLink *nft_firewall_get_link(const Firewall *f);

/* As firewall_configure(). Returns 1 if the table has another owner's flags than the settings want,
 * and therefore has to be made anew to get them. */
int nft_firewall_configure(Firewall *f,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails,
                NftManner manner);

/* True if an owned table goes with its owner. */
bool nft_firewall_is_fleeting(const Firewall *f);

/* For tests, as those of engine/firewall-ops.h. */
void nft_firewall_assume_old_kernel(Firewall *f);
void nft_firewall_assume_usual_buffers(Firewall *f);
