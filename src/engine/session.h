/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Sessions
 *
 * Entries that belong to one connection, where a filter declares what makes them so: for sshd the
 * process. A session remembers the address of its peer, so that a failure line without one can be
 * attributed, and the failures that wait for an address to be told.
 *
 * Sessions are bounded in number, the one quiet for longest goes first, and in age: process ids
 * come round again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"

#define SESSION_KEY_MAX 32 /* bytes; longer keys are cut */
#define SESSIONS_MAX 16384

/* A session is over when it has been quiet for so long. sshd gives a login two minutes. */
#define SESSION_AGE_MAX (10 * USEC_PER_MINUTE)

typedef struct Session {
        bool has_address;
        Address address;
        unsigned n_failures; /* told so far, pending ones included */
        unsigned n_pending;  /* of these, told before the address was known */
} Session;

typedef struct SessionTable SessionTable;

/* Returns 0 and passes ownership, or -ENOMEM. */
int session_table_new(SessionTable **ret, size_t n_max);
SessionTable *session_table_free(SessionTable *t);
DEFINE_CLEANUP(SessionTable *, session_table_free)

/* The session of this key at this time, new and empty if there was none or it is over. Borrowed,
 * and valid until the next call. NULL without memory. */
Session *session_table_get(SessionTable *t, const char *key, size_t size, usec_t when);

size_t session_table_size(const SessionTable *t);
