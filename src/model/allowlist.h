/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Allowlist
 *
 * Addresses and prefixes that are never banned. A plain array, since administrators list dozens of
 * them, not thousands; ALLOWLIST_MAX bounds it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "model/address.h"

#define ALLOWLIST_MAX 4096

typedef struct Allowlist {
        Address *addresses;
        size_t n_addresses;
} Allowlist;

/* Frees the memory of an allowlist that began as all zeroes. */
void allowlist_done(Allowlist *l);

/* Returns 0, also when it was there already; -ENOMEM; -E2BIG at ALLOWLIST_MAX. */
int allowlist_add(Allowlist *l, const Address *a);

/* True if the address, or every address of the prefix, is allowed. */
bool allowlist_covers(const Allowlist *l, const Address *a);

/* True if some address of the prefix is allowed, so that it must not be banned as a whole. */
bool allowlist_overlaps(const Allowlist *l, const Address *net);
