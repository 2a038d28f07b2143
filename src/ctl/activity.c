/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The counts say in which hour a jail banned last, and the history of this hour says when.
 */

#include "ctl/activity.h"

#include "base/log.h"
#include "ctl/connection.h"
#include "ctl/record.h"
#include "ctl/stats-answer.h"
#include "model/bus-names.h"

/* Of the history of some moments. Where there are more bans in them, the last one was later by
 * moments than it is told. */
#define ANSWERS_MAX 5

/* When the newest of the bans began, of an answer of History(); and where the next one is. */
static int read_bans(sd_bus_message *m, usec_t *newest, usec_t *since, uint64_t *after, int *more) {
        BanRecord b;
        int r;

        r = sd_bus_message_enter_container(m, 'a', BUS_HISTORY_TYPE);
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(m, 'r', BUS_HISTORY_FIELDS)) > 0) {
                r = record_read(m, &b);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
                *newest = MAX(*newest, b.start);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : sd_bus_message_read(m, "ttb", since, after, more);
}

/* *ret is when the last ban began, of those since a time; 0 if there are none. Returns an exit
 * status. */
static int find_newest(sd_bus *bus, const char *jail, usec_t since, usec_t *ret) {
        uint64_t after = 0;
        int r, more = true;

        *ret = 0;
        for (unsigned i = 0; more && i < ANSWERS_MAX; i++) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                _cleanup_(message_unrefp) sd_bus_message *answer = NULL;

                r = connection_call(bus,
                                "History",
                                &error,
                                &answer,
                                "sstttu",
                                jail,
                                "",
                                since,
                                USEC_INFINITY,
                                after,
                                (uint32_t) BUS_HISTORY_MAX);
                if (r < 0)
                        return connection_report(NULL, &error, r);

                r = read_bans(answer, ret, &since, &after, &more);
                if (r < 0) {
                        log_error_errno(r, "Failed to read the answer of banjod: %m");
                        return EXIT_FAILED;
                }
        }

        return EXIT_DONE;
}

/* Looks further and further back, at most to the hour in which the last ban was. Returns an exit
 * status. */
static int find_last_ban(sd_bus *bus, const char *jail, usec_t hour, usec_t now, usec_t *ret) {
        usec_t since, newest;
        int r;

        for (usec_t span = USEC_PER_SEC;; span *= 8) {
                since = MAX(hour, usec_sub(now, span));
                r = find_newest(bus, jail, since, &newest);
                if (r != EXIT_DONE || newest > 0 || since == hour)
                        break;
        }

        *ret = MAX(newest, hour);
        return r;
}

/* Adds the count of an hour to a jail's. last_ban is the hour of it for now. */
static void add(Activity *a, const Count *c, usec_t now) {
        usec_t this_hour = stats_step_begin(STATS_HOURS, now);
        uint64_t age = usec_sub(this_hour, c->time) / USEC_PER_HOUR;

        if (age < ACTIVITY_HOURS)
                a->failures[ACTIVITY_HOURS - 1 - age] += c->n_failures;
        if (c->time >= stats_step_begin(STATS_DAYS, now)) {
                a->n_bans_today += c->n_bans;
                a->n_failures_today += c->n_failures;
        }
        if (c->n_bans > 0)
                a->last_ban = MAX(a->last_ban, c->time);
}

int activity_get(Activity **ret, sd_bus *bus, const JailList *jails, usec_t now) {
        _cleanup_(freep) Activity *activities = NULL;
        StatsAnswer answer;
        const StatsQuery query = {
                .since = usec_sub(stats_step_begin(STATS_HOURS, now), ACTIVITY_DAYS * USEC_PER_DAY),
                .until = now + 1, /* the hour may begin just now */
                .step = STATS_HOURS,
        };
        int r;

        assert(ret);
        assert(bus);
        assert(jails);

        activities = calloc(jails->n_jails + 1, sizeof(*activities));
        if (!activities) {
                log_oom();
                return EXIT_FAILED;
        }

        r = stats_answer_get(&answer, bus, &query);
        for (size_t i = 0; i < answer.times.n && r == EXIT_DONE; i++)
                for (size_t k = 0; k < jails->n_jails; k++)
                        if (streq(jails->jails[k].name, answer.times.counts[i].jail))
                                add(&activities[k], &answer.times.counts[i], now);
        stats_answer_done(&answer);

        for (size_t k = 0; k < jails->n_jails && r == EXIT_DONE; k++)
                if (activities[k].last_ban > 0)
                        r = find_last_ban(bus,
                                        jails->jails[k].name,
                                        activities[k].last_ban,
                                        now,
                                        &activities[k].last_ban);
        if (r != EXIT_DONE)
                return r;

        *ret = TAKE_PTR(activities);
        return EXIT_DONE;
}
