/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A page of bans
 *
 * Bans are told to clients in pages, in the order of their ids. A page picks those with the lowest
 * ids above a given one out of any number of bans, which may come in any order.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "model/ban.h"

typedef struct BanPageEntry {
        const char *jail;
        const Ban *ban;
} BanPageEntry;

typedef struct BanPage {
        uint64_t after;
        size_t max;
        BanPageEntry *entries; /* borrowed pointers; in order after ban_page_sort() */
        size_t n_entries;
} BanPage;

/* A page of at most max bans, at least 1, with ids above `after`. Returns 0 or -ENOMEM. */
int ban_page_init(BanPage *p, uint64_t after, size_t max);
void ban_page_done(BanPage *p);

/* Offers a ban, which is borrowed and has to stay as it is for the life of the page. */
void ban_page_offer(BanPage *p, const char *jail, const Ban *ban);

/* Puts the page in order; nothing may be offered after it. */
void ban_page_sort(BanPage *p);
