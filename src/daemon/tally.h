/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Tally
 *
 * Counts failures and bans by the hour of their entries: by jail and pattern, by user name (as a
 * pseudonym) and by network. What is counted between two commits goes into the store together with
 * the place in the journal, so that each failure counts once, whatever happens to the daemon.
 *
 * Peers choose names and networks, so there are limits: TALLY_ITEMS_MAX different things between
 * two commits, beyond which only patterns are counted on; and of an hour's names and networks the
 * TALLY_KEEP that failed most are kept when it is over, or when there are TALLY_TRIM of them.
 */

#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "engine/store-history.h"
#include "model/address.h"

typedef struct Tally Tally;

#define TALLY_ITEMS_MAX 20000
#define TALLY_KEEP 100
#define TALLY_TRIM 10000

/* What hosts are counted by. */
#define TALLY_IPV4_PREFIX 24
#define TALLY_IPV6_PREFIX 48

/* Returns 0 and passes ownership, or -ENOMEM. */
int tally_new(Tally **ret);

Tally *tally_free(Tally *t);
DEFINE_CLEANUP(Tally *, tally_free)

/* Adds to the hour of `when`. Without memory or room it is not counted. */
void tally_add_pattern(Tally *t,
                usec_t when,
                const char *jail,
                const char *pattern,
                const HistoryCount *add);
void tally_add_user(Tally *t, usec_t when, uint64_t user, const HistoryCount *add);
void tally_add_host(Tally *t, usec_t when, const Address *host, const HistoryCount *add);

/* Adds everything to the store, as part of the open transaction. Returns 0 or a negative errno. */
int tally_write(Tally *t, Store *s);

/* The transaction was committed: begins from zero. */
void tally_clear(Tally *t);
