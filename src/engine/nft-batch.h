/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Changes of bans as messages
 *
 * Writes what is to become of addresses into a transaction: in the sets of their jails, and in
 * those of the gate.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/firewall-ops.h"
#include "engine/nft-layout.h"
#include "engine/nft-link.h"
#include "engine/nft-probe.h"

/* A change on its way into a transaction. */
typedef struct NftOperation {
        NftBanSet *set;
        FirewallChange *change;
        const NftJail *jail;
        unsigned end; /* its messages come before this one, if it has messages of its own */
} NftOperation;

typedef struct NftBatch {
        NftLink *link;
        NftLayout *layout;
        NftAbilities can;
        FirewallLongestHandler longest; /* may be NULL */
        void *longest_userdata;

        bool replace; /* addresses may be banned already, and none may occur twice */
        bool alone;   /* each operation has messages of its own */
} NftBatch;

/* Has the gate have a set for the change if it needs one. Returns 0 or -ENOMEM. */
int nft_batch_prepare(NftLayout *layout, const NftJail *jail, const Address *a);

/* Writes operations, those on the same set together, into the link's transaction. Without .replace
 * the kernel refuses bans of what is banned already (-EEXIST), unless it can update. */
void nft_batch_write(const NftBatch *b, NftOperation *operations, size_t n);

/* To be called with the result of the transaction. Marks the changes as done if it was carried out.
 */
void nft_batch_finish(const NftBatch *b, NftOperation *operations, size_t n, bool carried_out);

/* Leaves only the last of several changes to one address. What it says is how the transaction would
 * have ended; what it would keep is not what was there before. Returns how many are left. */
size_t nft_operations_coalesce(NftOperation *operations, size_t n);
