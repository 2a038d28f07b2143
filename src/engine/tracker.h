/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Failure tracker
 *
 * Answers one question on behalf of one jail: has this address failed maxretry times within
 * findtime?
 *
 * The window is strictly sliding: maxretry failures count together if the first and the last of
 * them lie at most findtime apart, to the microsecond. (fail2ban scales a counter down instead,
 * so that failures further apart may add up.)
 *
 * The tracker never reads a clock. Callers say when a failure happened, so that a test can play
 * back a week of attacks in a millisecond, and a restarted daemon that works through old journal
 * entries reaches the decisions it would have reached at the time.
 *
 * Memory is bounded, since the addresses come from the network and the network is larger than we
 * are. Each address costs a fixed amount, which depends on maxretry. When the table is full, the
 * address that has been quiet for longest is forgotten first.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"

typedef struct Tracker Tracker;

typedef struct TrackerParams {
        unsigned maxretry;    /* failures that make a ban; at least 1 */
        usec_t findtime;      /* the window they have to fall in; more than 0 */
        size_t max_addresses; /* addresses remembered at a time; at least 1 */
} TrackerParams;

typedef struct TrackerStats {
        size_t n_addresses;   /* remembered now */
        uint64_t n_failures;  /* recorded since the tracker was created */
        uint64_t n_forgotten; /* addresses dropped early because the table was full */
} TrackerStats;

/* Returns 0 and passes ownership of *ret to the caller; -ENOMEM with *ret untouched. Parameters out
 * of range are a programming error, as the configuration has been validated by then. */
int tracker_new(Tracker **ret, const TrackerParams *params);

/* Accepts NULL. Always returns NULL. */
Tracker *tracker_free(Tracker *t);
DEFINE_CLEANUP(Tracker *, tracker_free)

/* Records a failure by the address, which is copied, at the given time. Times may arrive out of
 * order.
 *
 * Only the newest maxretry failures are kept, so one that arrives very late, behind many newer
 * ones, may be judged without some of its neighbours.
 *
 * Returns 1 if maxretry failures now lie within findtime, 0 if not, -ENOMEM if it could not be
 * recorded. After a 1 the address starts again from zero, so one burst yields one ban and not one
 * for every further line. If ret_failures is not NULL it receives how many of the newest failures
 * lie within one window; it is set unless an error is returned. */
int tracker_hit(Tracker *t, const Address *address, usec_t when, unsigned *ret_failures);

/* Records a failure of the past, when it was decided already what it led to: whether maxretry lie
 * within findtime is not asked, and nothing starts again from zero. Returns 0 or -ENOMEM. */
int tracker_record(Tracker *t, const Address *address, usec_t when);

/* Forgets the failures of the address up to and including the given time, for instance because a
 * ban ended then. Failures of before that are told later, out of order or by reading the journal
 * again, count nowhere either. Returns 0 or -ENOMEM. */
int tracker_forget(Tracker *t, const Address *address, usec_t until);

/* Forgets the failures up to then of every address within the prefix that is remembered now. Takes
 * time linear in the number of addresses. */
void tracker_forget_within(Tracker *t, const Address *net, usec_t until);

/* True if a failure of the address at that time counts nowhere, because of the above. */
bool tracker_has_forgotten(const Tracker *t, const Address *address, usec_t when);

/* Drops the addresses whose last failure is more than findtime before now. Returns their number.
 * The tracker answers correctly without this call; it only gives memory back. */
size_t tracker_expire(Tracker *t, usec_t now);

void tracker_get_stats(const Tracker *t, TrackerStats *ret);
