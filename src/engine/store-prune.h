/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Pruning
 *
 * Takes away what the store need not keep any longer of the past: bans that ended, with what led to
 * them, and counts by the hour. In small steps, since the daemon waits for each. Running bans are
 * never touched, nor those that the kernel may still have.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"
#include "engine/store.h"

/* Rows of a table that one step removes at most. */
#define STORE_PRUNE_ROWS 200

typedef struct PruneLimits {
        usec_t since;  /* what was over before goes by its age; 0 for nothing */
        usec_t needed; /* what was over then or later stays, whatever the size */
        uint64_t size; /* bytes that should be in use at most; UINT64_MAX for any number */
} PruneLimits;

/* Bans that were removed, for either reason. */
typedef struct PruneCount {
        uint64_t by_age;
        uint64_t by_size;
} PruneCount;

/* Returns 1 if there is something to remove, 0 if there is not, or a negative errno. */
int store_prune_due(Store *s, const PruneLimits *limits);

/* Removes what is oldest, in a transaction of its own, and adds to the count. Because of the size,
 * counts of hours go with the bans of their time. Returns 1 if something was removed, 0 if nothing
 * was, or a negative errno. */
int store_prune(Store *s, const PruneLimits *limits, PruneCount *count);
