/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Failure tracker
 *
 * Answers one question on behalf of one jail: do the failures of this address within findtime weigh
 * maxretry?
 *
 * The window is strictly sliding: failures count together if the first and the last of
 * them lie at most findtime apart, to the microsecond. (fail2ban scales a counter down instead,
 * so that failures further apart may add up.)
 *
 * The tracker never reads a clock. Callers say when a failure happened, so that a test can play
 * back a week of attacks in a millisecond, and a restarted daemon that works through old journal
 * entries reaches the decisions it would have reached at the time.
 *
 * Memory is bounded, since the addresses come from the network and the network is larger than we
 * are. Each address costs a fixed amount, which depends on maxretry. When the table is full, the
 * address that has been quiet for longest is forgotten first; before it those of whom nothing is
 * kept, because it just made a ban.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"

typedef struct Tracker Tracker;

typedef struct TrackerParams {
        unsigned maxretry;    /* the weight that makes a ban; at least 1 */
        usec_t findtime;      /* the window they have to fall in; more than 0 */
        size_t max_addresses; /* addresses remembered at a time; at least 1 */
} TrackerParams;

/* Kept for each failure, so it is small. */
typedef struct TrackerFailure {
        usec_t when;
        uint64_t seqnum;  /* EntryPlace, as is: */
        uint32_t journal; /* of the entry that told it */
        unsigned user; /* a hash of the user's name, for logins to forgive; 0 if nobody knows it */
        uint32_t session; /* 0 for none */
        uint16_t weight;  /* what it counts; at least 1 */
        uint16_t pattern; /* a number of the caller's */
} TrackerFailure;
static_assert(sizeof(TrackerFailure) == 32, "addresses times maxretry of them");

typedef struct TrackerStats {
        size_t n_addresses;   /* remembered now */
        uint64_t n_failures;  /* recorded since the tracker was created */
        uint64_t n_forgotten; /* addresses dropped early with something kept, for lack of room */
} TrackerStats;

/* Returns 0 and passes ownership of *ret to the caller; -ENOMEM with *ret untouched. Parameters out
 * of range are a programming error, as the configuration has been validated by then. */
int tracker_new(Tracker **ret, const TrackerParams *params);

/* Accepts NULL. Always returns NULL. */
Tracker *tracker_free(Tracker *t);
DEFINE_CLEANUP(Tracker *, tracker_free)

/* Records a failure by the address; both are copied. Times may arrive out of order.
 *
 * Only the newest maxretry failures are kept, so one that arrives late, behind many newer ones, may
 * be judged without some of its neighbours. If it arrives later than findtime, the clock was set
 * back, and those from ahead make room for it.
 *
 * Returns 1 if failures that weigh maxretry now lie within findtime, 0 if not, -ENOMEM if it could
 * not be recorded. After a 1 the address starts again from zero, so one burst yields one ban and
 * not one for every further line. If ret_failures is not NULL it receives how many of the newest
 * failures lie within one window, or how many made the ban, maxretry at most; it is set unless an
 * error is returned. */
int tracker_hit(Tracker *t,
                const Address *address,
                const TrackerFailure *failure,
                unsigned *ret_failures);

/* The failures that made the ban of the last tracker_hit(), if it returned 1: so many as its
 * ret_failures said, oldest first. Borrowed until the next call. */
const TrackerFailure *tracker_get_convicting(const Tracker *t);

/* Records a failure of the past, when it was decided already what it led to: whether maxretry lie
 * within findtime is not asked, and nothing starts again from zero. Returns 0 or -ENOMEM. */
int tracker_record(Tracker *t, const Address *address, const TrackerFailure *failure);

/* A login succeeded: forgets the failures of the address by this user in this session, up to and
 * including the given time. Neither may be 0. Returns how many they were. */
unsigned tracker_clear_session(Tracker *t,
                const Address *address,
                unsigned user,
                uint32_t session,
                usec_t when);

/* The same in all sessions, and once per findtime: a login that has something to forgive within
 * findtime of another that had forgives nothing, and no later login forgives that either. */
unsigned tracker_clear_address(Tracker *t, const Address *address, unsigned user, usec_t when);

/* How far before the failures that count their forgiving depends on, in units of findtime: a
 * failure is forgiven by a login, which another before it prevents, which depends on its failures.
 */
#define TRACKER_CLEAR_WINDOWS 3

/* Forgets the failures of the address up to and including the given time, for instance because a
 * ban ended then. Failures of before that are told later, out of order or by reading the journal
 * again, count nowhere either. Returns 0 or -ENOMEM. */
int tracker_forget(Tracker *t, const Address *address, usec_t until);

/* True if a failure of the address at that time counts nowhere, because of the above. */
bool tracker_has_forgotten(const Tracker *t, const Address *address, usec_t when);

/* How many failures of the address there are at that time or later, and when the newest was. */
unsigned tracker_count(const Tracker *t, const Address *address, usec_t since, usec_t *ret_newest);

/* Drops the addresses whose last failure, or login that had something to forgive, is more than
 * findtime before now. Returns their number.
 * The tracker answers correctly without this call; it only gives memory back. */
size_t tracker_expire(Tracker *t, usec_t now);

void tracker_get_stats(const Tracker *t, TrackerStats *ret);
