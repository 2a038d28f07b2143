/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Targets
 *
 * Answers on behalf of one jail: from how many different addresses has this user been attacked
 * within findtime? Users are known by a hash of their names only.
 *
 * Memory is bounded: of each user the newest addresses are kept, as many as are asked for, and when
 * there are too many users, the one that has been left alone for longest is forgotten first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"

typedef struct Targets Targets;

typedef struct TargetsParams {
        unsigned n_addresses; /* so many make a user one who is under attack; at least 1 */
        usec_t findtime;      /* more than 0 */
        size_t max_users;     /* remembered at a time; at least 1 */
} TargetsParams;

typedef struct TargetsStats {
        size_t n_users;       /* remembered now */
        uint64_t n_forgotten; /* users dropped early because there were too many */
} TargetsStats;

/* Returns 0 and passes ownership; -ENOMEM with *ret untouched. */
int targets_new(Targets **ret, const TargetsParams *params);

/* Accepts NULL. Always returns NULL. */
Targets *targets_free(Targets *t);
DEFINE_CLEANUP(Targets *, targets_free)

/* Records that a login of this user, who is not 0, failed from the address. Times should come in
 * order: of what lies behind the given one nothing is asked.
 *
 * Returns 1 if before that, at most findtime ago, logins of this user had failed from enough
 * different addresses already, this one among them or not; 0 if not; -ENOMEM if it could not be
 * recorded. */
int targets_hit(Targets *t, unsigned user, const Address *address, usec_t when);

/* Drops users that have been left alone for longer than findtime. Only gives memory back. */
void targets_expire(Targets *t, usec_t now);

void targets_get_stats(const Targets *t, TargetsStats *ret);
