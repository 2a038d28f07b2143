/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether the table is as it was
 */

#include <stdint.h>

#include "engine/nft-link.h"

/* A number that says what the link's table consists of: rules, chains, which ports lead where, and
 * the names of sets and counters; what sets of addresses hold, and what was counted, does not
 * change it. It is the same only for the same table that nobody touched. 0 if there is no table.
 *
 * Returns 0; -EINTR if the ruleset changes too often to be read; or another negative errno. */
int nft_fingerprint(NftLink *l, uint64_t *ret);
