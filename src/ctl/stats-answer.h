/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What banjod has counted, in hours or days
 *
 * Hours are those of UTC, since banjod counts by them. Days are those of local time: an hour
 * belongs to the one in which it begins.
 */

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/usec.h"

typedef enum StatsStep {
        STATS_HOURS,
        STATS_DAYS,
} StatsStep;

/* When the hour or day began that has this moment, and when the one behind it begins. */
usec_t stats_step_begin(StatsStep step, usec_t t);
usec_t stats_step_end(StatsStep step, usec_t t);

/* What was counted of something. Strings live with the answer. */
typedef struct Count {
        usec_t time;      /* when the hour or day began */
        const char *jail; /* NULL where jails are not told apart */
        const char *name; /* of a pattern, a user or a network; "" for all other users */
        uint64_t n_failures;
        uint64_t n_bans;
} Count;

typedef struct Counts {
        Count *counts;
        size_t n;
} Counts;

/* Adds up the hours of each day, for each jail. Hours and days are in the order of time, and the
 * days' jails in that of their names. Returns 0 or -ENOMEM. */
int counts_fold(const Counts *hours, Counts *ret);
void counts_done(Counts *c);

typedef struct StatsQuery {
        usec_t since, until; /* hours that begin in this time */
        StatsStep step;
        const char *jail; /* NULL for all */
} StatsQuery;

typedef struct StatsAnswer {
        sd_bus_message **messages;
        size_t n_messages;
        Counts times; /* by hour or day, and jail */
        Counts jails; /* the others with the most failures first */
        Counts patterns;
        Counts users; /* these two are empty if a jail was named */
        Counts networks;
} StatsAnswer;

/* Asks banjod. Returns an exit status, and has reported what went wrong. stats_answer_done() either
 * way. */
int stats_answer_get(StatsAnswer *ret, sd_bus *bus, const StatsQuery *query);
void stats_answer_done(StatsAnswer *a);
