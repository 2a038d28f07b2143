/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * History
 *
 * What the store knows of the past: bans that ended beside those that run, what led to each, and
 * counts by the hour. Everything that is asked takes a bounded time, since the daemon waits for it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"
#include "engine/store.h"
#include "model/address.h"
#include "model/ban.h"

/* One ban; everything is borrowed for the call. */
typedef struct HistoryBan {
        const char *jail;
        Ban ban;           /* of one that ended, .end is when it did */
        const char *cause; /* why it ended; "" while it runs */
        bool counts;       /* it is an earlier ban to the next one of its address */
} HistoryBan;

/* A negative return ends the walk and is returned. */
typedef int (*HistoryHandler)(const HistoryBan *b, void *userdata);

/* Which bans, in the order of start and id. */
typedef struct HistoryQuery {
        const char *jail;       /* NULL for all */
        const Address *address; /* NULL for all; exactly it, prefixes around it, what is within */
        usec_t since;           /* they began then or later; of those that began exactly then... */
        uint64_t after;         /* ...only the ones with a higher id */
        usec_t until;           /* they began before */
        size_t max;             /* at most so many, at least 1 */
} HistoryQuery;

/* Bans that one call looks at. */
#define HISTORY_LOOK_MAX 5000

/* Calls the handler for bans that fit. Returns 1 if there may be more: then *query tells where to
 * go on, although none may have been found; 0 if these were all; or a negative errno. */
int store_history(Store *s, HistoryQuery *query, HistoryHandler handler, void *userdata);

/* The newest bans of an address or prefix, of prefixes around it and of what is within it, oldest
 * first. Of what is within, no more than HISTORY_LOOK_MAX are looked at. Returns 0 or a negative
 * errno. */
int store_newest(Store *s, const Address *a, size_t max, HistoryHandler handler, void *userdata);

/* What led to a ban, in the words of evidence.h. Changes and answers as in store.h; *ret_entries
 * and *ret_fields are the caller's, and NULL if nothing is kept of it. */
int store_add_evidence(Store *s, uint64_t ban, const char *entries, const char *fields);
int store_get_evidence(Store *s, uint64_t ban, char **ret_entries, char **ret_fields);

/* Removes what is known of bans that ended: of exactly this address or prefix and of what is within
 * it, those excepted that the kernel may still have. A change. Returns how many they were, or a
 * negative errno. */
int store_forget(Store *s, const Address *a);

/* Adds to the counts of an hour, which is told by when it began. Changes. */
typedef struct HistoryCount {
        uint64_t failures;
        uint64_t bans;
} HistoryCount;

int store_count_pattern(Store *s,
                usec_t hour,
                const char *jail,
                const char *pattern,
                const HistoryCount *add);
int store_count_user(Store *s, usec_t hour, uint64_t user, const HistoryCount *add);
int store_count_network(Store *s, usec_t hour, const Address *net, const HistoryCount *add);

/* Keeps the users and networks that failed most in an hour, and forgets the others. Changes. */
int store_trim_users(Store *s, usec_t hour, size_t keep);
int store_trim_networks(Store *s, usec_t hour, size_t keep);

/* Counts of the hours that began at `since` or later and before `until`, called for one after the
 * other. Return 0, what a handler returned if that was negative, or another negative errno. */

/* By steps of so many hours, and by jails, in their order; bans and failures of a step are told
 * where there are any. */
typedef int (*HistoryTimeHandler)(usec_t step,
                const char *jail,
                const HistoryCount *count,
                void *userdata);
int store_foreach_time(Store *s,
                usec_t since,
                usec_t until,
                usec_t step,
                HistoryTimeHandler handler,
                void *userdata);

/* The others with the most failures first. */
typedef int (*HistoryPatternHandler)(const char *jail,
                const char *pattern,
                const HistoryCount *count,
                void *userdata);
int store_foreach_pattern(Store *s,
                usec_t since,
                usec_t until,
                HistoryPatternHandler handler,
                void *userdata);

typedef int (*HistoryUserHandler)(uint64_t user, const HistoryCount *count, void *userdata);
int store_foreach_user(Store *s,
                usec_t since,
                usec_t until,
                HistoryUserHandler handler,
                void *userdata);

typedef int (*HistoryNetworkHandler)(const Address *net, const HistoryCount *count, void *userdata);
int store_foreach_network(Store *s,
                usec_t since,
                usec_t until,
                size_t max,
                HistoryNetworkHandler handler,
                void *userdata);
