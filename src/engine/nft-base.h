/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where packets come in
 *
 * The chains that the kernel hands packets to, one for the hook or, at ingress, for each device:
 * "prerouting", "input", "ingress-eth0".
 */

#include <libnftnl/chain.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/firewall.h"
#include "engine/nft-link.h"

#define NFT_BASE_NAME_SIZE (IF_NAMESIZE + 16)

typedef struct NftBase {
        char name[NFT_BASE_NAME_SIZE];
        FirewallHook hook;
        char device[IF_NAMESIZE]; /* "" but at ingress */
        bool is_leaving;          /* it is in the kernel, and another hook is wanted */
} NftBase;

typedef struct NftBases {
        NftBase *list;
        size_t n;
        bool lacks_device; /* one that is named is not there */
} NftBases;

/* Those that are wanted. Returns 0 or -ENOMEM with *ret untouched. */
int nft_bases_init(NftBases *ret, const FirewallSettings *settings);
void nft_bases_done(NftBases *bases);

/* Adds a chain that is in the kernel as one that leaves, if it is one of ours that was wanted
 * earlier. Returns 0 or -ENOMEM. */
int nft_bases_note(NftBases *bases, const struct nftnl_chain *c);

/* True if a chain of the kernel's is one of these. */
bool nft_bases_have(const NftBases *bases, const struct nftnl_chain *c);

/* The hooks of all, each as a bit. */
unsigned nft_bases_hooks(const NftBases *bases);

void nft_base_write(NftLink *l, const NftBase *base);

/* The kernel's number of a hook, for chains of the inet family. */
uint32_t nft_hook_number(FirewallHook hook);
