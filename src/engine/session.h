/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Sessions
 *
 * Entries that belong to one connection, where a filter declares what makes them so: for sshd the
 * process. A session remembers the address of its peer, so that a failure line without one can be
 * attributed, and the failures that wait for an address to be told; and the user it was about last.
 *
 * Sessions are bounded in number, the one quiet for longest goes first, and where nothing tells
 * that one begins, in age: process ids come round again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"
#include "model/filter.h"

#define SESSION_KEY_MAX 64 /* bytes; longer keys are cut */
#define SESSIONS_MAX 16384

/* A session is over when it has been quiet for so long. sshd gives a login two minutes. */
#define SESSION_AGE_MAX (10 * USEC_PER_MINUTE)

/* A line that begins a session may come so much later than the first of its others. Process ids and
 * numbers of connections do not come round that fast. */
#define BEGINNING_LATE_MAX (100 * USEC_PER_MSEC)

/* Failures that wait for an address: those that one pattern told of one user. */
typedef struct PendingFailure {
        const Pattern *pattern; /* borrowed from the filter */
        unsigned user;          /* a hash of the name; 0 if nobody knows it */
        unsigned n;
} PendingFailure;

/* A client may give as many names as it likes. Beyond so many, failures join the last one, which
 * then is nobody's: they count, and no login forgives them. */
#define SESSION_PENDING_MAX 32

typedef struct Session {
        bool has_address;
        Address address;
        uint32_t number;     /* of no other session, unless it is very old; never 0 */
        usec_t began;        /* its first entry; 0 if that is still to come */
        unsigned user;       /* a hash of the name told last; 0 if there was none */
        unsigned n_failures; /* told so far, those that wait included */
        unsigned n_waiting;  /* of these, told before the address was known; */
        size_t n_pending;    /* what they are, in so many elements */
        PendingFailure *pending;
} Session;

typedef struct SessionTable SessionTable;

/* Sessions that have been quiet for longer than age_max are over; with USEC_INFINITY none are.
 * Returns 0 and passes ownership, or -ENOMEM. */
int session_table_new(SessionTable **ret, size_t n_max, usec_t age_max);
SessionTable *session_table_free(SessionTable *t);
DEFINE_CLEANUP(SessionTable *, session_table_free)

/* The session of this key at this time, new and empty if there was none or it is over. Borrowed,
 * and valid until the next call. NULL without memory. */
Session *session_table_get(SessionTable *t, const char *key, size_t size, usec_t when);

/* Forgets what the session knows: from now on it is another one. */
void session_restart(SessionTable *t, Session *s);

/* The session is over, and no longer valid. */
void session_table_remove(SessionTable *t, Session *s);

/* Adds a failure that waits for an address. Returns 0 or -ENOMEM. */
int session_add_pending(Session *s, const Pattern *pattern, unsigned user);

/* Drops those that wait, all of them or those of one user. */
void session_drop_pending(Session *s);
void session_forgive_pending(Session *s, unsigned user);

size_t session_table_size(const SessionTable *t);
