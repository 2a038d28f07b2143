/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Days are put together from hours, of which banjod tells only so many at a time. All the rest it
 * sums up itself, over the whole time.
 */

#include "ctl/stats-answer.h"

#include <time.h>

#include "base/log.h"
#include "ctl/connection.h"
#include "model/bus-names.h"

#define PIECE (BUS_STEPS_MAX * USEC_PER_HOUR)

/* Steps */

/* When a day began: that of this moment, or the one so many days later. */
static usec_t begin_of_day(usec_t t, int days) {
        time_t sec = (time_t) (t / USEC_PER_SEC);
        struct tm noon, begin;

        if (!localtime_r(&sec, &noon))
                return t;
        noon.tm_hour = 12;
        noon.tm_min = noon.tm_sec = 0;
        noon.tm_mday += days;
        noon.tm_isdst = -1;
        (void) mktime(&noon);

        begin = noon;
        begin.tm_hour = 0;
        begin.tm_isdst = -1;
        sec = mktime(&begin);

        /* In some zones summer time begins and ends at midnight, which then does not exist, and
         * becomes an hour of the day before, or is there twice. */
        if (begin.tm_mday != noon.tm_mday)
                sec += 3600;
        else if (localtime_r(&(const time_t){ sec - 1 }, &begin) && begin.tm_mday == noon.tm_mday)
                sec -= 3600;
        return sec < 0 ? 0 : (usec_t) sec * USEC_PER_SEC;
}

usec_t stats_step_begin(StatsStep step, usec_t t) {
        return step == STATS_HOURS ? t - t % USEC_PER_HOUR : begin_of_day(t, 0);
}

usec_t stats_step_end(StatsStep step, usec_t t) {
        return step == STATS_HOURS ? t - t % USEC_PER_HOUR + USEC_PER_HOUR : begin_of_day(t, 1);
}

/* Counts */

static int add_count(Counts *c, const Count *count) {
        Count *counts = reallocarray(c->counts, c->n + 1, sizeof(*counts));

        if (!counts)
                return -ENOMEM;

        c->counts = counts;
        c->counts[c->n++] = *count;
        return 0;
}

void counts_done(Counts *c) {
        free(c->counts);
        *c = (Counts){};
}

static int compare_times(const void *a, const void *b) {
        const Count *x = a, *y = b;

        return x->time != y->time ? (x->time > y->time) - (x->time < y->time)
                                  : strcmp(x->jail, y->jail);
}

static int compare_failures(const void *a, const void *b) {
        const Count *x = a, *y = b;

        return x->n_failures != y->n_failures
                               ? (x->n_failures < y->n_failures) - (x->n_failures > y->n_failures)
                               : strcmp(x->jail, y->jail);
}

static void sort(Counts *c, int (*compare)(const void *, const void *)) {
        if (c->n > 0)
                qsort(c->counts, c->n, sizeof(*c->counts), compare);
}

/* Adds to what was counted at this time of this jail, which is among those added last. */
static int add_up(Counts *c, usec_t t, const Count *more) {
        size_t i = c->n;

        while (i > 0 && c->counts[i - 1].time == t && !streq(c->counts[i - 1].jail, more->jail))
                i--;
        if (i == 0 || c->counts[i - 1].time != t) {
                if (add_count(c, &(const Count){ .time = t, .jail = more->jail }) < 0)
                        return -ENOMEM;
                i = c->n;
        }

        c->counts[i - 1].n_failures += more->n_failures;
        c->counts[i - 1].n_bans += more->n_bans;
        return 0;
}

int counts_fold(const Counts *hours, Counts *ret) {
        assert(hours);
        assert(ret);

        for (size_t i = 0; i < hours->n; i++) {
                const Count *c = &hours->counts[i];

                if (add_up(ret, stats_step_begin(STATS_DAYS, c->time), c) < 0)
                        return -ENOMEM;
        }

        sort(ret, compare_times);
        return 0;
}

/* What each jail had, of all times. */
static int sum_up_jails(StatsAnswer *a) {
        for (size_t i = 0; i < a->times.n; i++)
                if (add_up(&a->jails, 0, &a->times.counts[i]) < 0)
                        return -ENOMEM;

        sort(&a->jails, compare_failures);
        return 0;
}

/* Answers */

void stats_answer_done(StatsAnswer *a) {
        counts_done(&a->times);
        counts_done(&a->jails);
        counts_done(&a->patterns);
        counts_done(&a->users);
        counts_done(&a->networks);
        for (size_t i = 0; i < a->n_messages; i++)
                sd_bus_message_unref(a->messages[i]);
        free(a->messages);
        *a = (StatsAnswer){};
}

/* Reads one of the lists, whose elements are of this type. */
static int read_counts(sd_bus_message *m, const char *type, const char *jail, Counts *ret) {
        int r;

        r = sd_bus_message_enter_container(m, 'a', type);
        if (r < 0)
                return r;

        for (;;) {
                Count c = {};

                if (streq(type, BUS_STEPS_TYPE))
                        r = sd_bus_message_read(
                                        m, type, &c.time, &c.jail, &c.n_failures, &c.n_bans);
                else if (streq(type, BUS_PATTERNS_TYPE))
                        r = sd_bus_message_read(
                                        m, type, &c.jail, &c.name, &c.n_failures, &c.n_bans);
                else
                        r = sd_bus_message_read(m, type, &c.name, &c.n_failures, &c.n_bans);
                if (r <= 0)
                        break;

                if (!jail || (c.jail && streq(c.jail, jail))) {
                        r = add_count(ret, &c);
                        if (r < 0)
                                return r;
                }
        }

        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Asks for a time, in steps of so long. The message is the answer's. Returns an exit status. */
static int
call(StatsAnswer *a, sd_bus *bus, usec_t since, usec_t until, usec_t step, sd_bus_message **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message **messages;
        int r;

        messages = reallocarray(a->messages, a->n_messages + 1, sizeof(*messages));
        if (!messages) {
                log_oom();
                return EXIT_FAILED;
        }
        a->messages = messages;

        r = connection_call(bus, "Statistics", &error, ret, "ttt", since, until, step);
        if (r < 0)
                return connection_report(NULL, &error, r);

        a->messages[a->n_messages++] = *ret;
        return EXIT_DONE;
}

static int report(int r) {
        if (r >= 0)
                return EXIT_DONE;

        log_error_errno(r, "Failed to read the answer of banjod: %m");
        return EXIT_FAILED;
}

static int get_days(StatsAnswer *a, sd_bus *bus, const StatsQuery *q) {
        _cleanup_(counts_done) Counts hours = {};

        for (usec_t from = q->since; from < q->until; from += PIECE) {
                usec_t to = MIN(q->until, from + PIECE);
                sd_bus_message *m;
                int r;

                r = call(a, bus, from, to, USEC_PER_HOUR, &m);
                if (r == EXIT_DONE)
                        r = report(read_counts(m, BUS_STEPS_TYPE, q->jail, &hours));
                if (r != EXIT_DONE)
                        return r;
        }

        return report(counts_fold(&hours, &a->times));
}

int stats_answer_get(StatsAnswer *ret, sd_bus *bus, const StatsQuery *q) {
        usec_t step = q->step == STATS_DAYS ? USEC_PER_DAY : USEC_PER_HOUR;
        sd_bus_message *m;
        int r;

        assert(ret);
        assert(bus);
        assert(q);

        *ret = (StatsAnswer){};
        r = call(ret, bus, q->since, q->until, step, &m);
        if (r != EXIT_DONE)
                return r;

        r = read_counts(m, BUS_STEPS_TYPE, q->jail, &ret->times);
        if (r >= 0)
                r = read_counts(m, BUS_PATTERNS_TYPE, q->jail, &ret->patterns);
        if (r >= 0)
                r = read_counts(m, BUS_TOP_TYPE, q->jail, &ret->users);
        if (r >= 0)
                r = read_counts(m, BUS_TOP_TYPE, q->jail, &ret->networks);
        if (r < 0)
                return report(r);

        /* Its days would be those of UTC. */
        if (q->step == STATS_DAYS) {
                counts_done(&ret->times);
                r = get_days(ret, bus, q);
                if (r != EXIT_DONE)
                        return r;
        }

        return report(sum_up_jails(ret));
}
