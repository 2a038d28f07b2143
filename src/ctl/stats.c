/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banctl stats: what banjod has counted, in hours or days. Those without anything are drawn, too,
 * since a chart of time has no holes; but nobody wants to see how long it was quiet before.
 */

#include <inttypes.h>
#include <time.h>

#include "base/log.h"
#include "ctl/chart.h"
#include "ctl/clock.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "ctl/period.h"
#include "ctl/stats-answer.h"
#include "ctl/verbs.h"
#include "model/bus-names.h"

/* Longer times are told by days, unless the options say otherwise. */
#define HOURS_LONGEST (2 * USEC_PER_DAY)

#define OTHER_USERS "(other names)"

typedef struct Stats {
        StatsQuery query;
        StatsAnswer answer;
} Stats;

static void stats_done(Stats *s) {
        stats_answer_done(&s->answer);
}

/* Options */

static int parse_step(const Options *o, StatsQuery *q) {
        usec_t length = q->until - q->since;

        if (!o->by)
                q->step = length > HOURS_LONGEST ? STATS_DAYS : STATS_HOURS;
        else if (streq(o->by, "hour"))
                q->step = STATS_HOURS;
        else if (streq(o->by, "day"))
                q->step = STATS_DAYS;
        else {
                log_error("--by=%s: should be hour or day.", o->by);
                return -EINVAL;
        }

        if (length / (q->step == STATS_DAYS ? USEC_PER_DAY : USEC_PER_HOUR) <= BUS_STEPS_MAX)
                return 0;

        log_error("These are more than %u %s: use %sa later --since=.",
                        BUS_STEPS_MAX,
                        q->step == STATS_DAYS ? "days" : "hours",
                        q->step == STATS_DAYS ? "" : "--by=day, or ");
        return -EINVAL;
}

static int parse_query(const Options *o, StatsQuery *ret) {
        usec_t now = clock_now();

        *ret = (StatsQuery){ .until = now, .jail = o->jail };
        if (period_parse(o, now, &ret->since, &ret->until) < 0)
                return -EINVAL;

        /* What lies ahead has no hours yet. */
        ret->until = MIN(ret->until, now);
        ret->since = MIN(ret->since, ret->until);
        if (!o->since)
                ret->since = usec_sub(ret->until, USEC_PER_DAY);
        return parse_step(o, ret);
}

static Count sum_up(const Stats *s) {
        Count sum = {};

        for (size_t i = 0; i < s->answer.jails.n; i++) {
                sum.n_failures += s->answer.jails.counts[i].n_failures;
                sum.n_bans += s->answer.jails.counts[i].n_bans;
        }

        return sum;
}

/* JSON */

static json_t *count_to_json(const Count *c, const char *key, const char *value) {
        json_t *o = json_object();

        if (c->time > 0)
                (void) json_object_set_new(o, "start_usec", json_usec(c->time));
        if (c->jail)
                (void) json_object_set_new(o, "jail", json_text(c->jail));
        if (key)
                (void) json_object_set_new(o, key, json_text(value));
        (void) json_object_set_new(o, "failures", json_count(c->n_failures));
        (void) json_object_set_new(o, "bans", json_count(c->n_bans));
        return o;
}

/* key is what the name is called, or NULL; names that are empty are null. */
static json_t *counts_to_json(const Counts *c, const char *key) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < c->n; i++) {
                const char *name = c->counts[i].name;

                (void) json_array_append_new(array,
                                count_to_json(&c->counts[i], key, isempty(name) ? NULL : name));
        }

        return array;
}

static int print_json(const Stats *s, const Options *options) {
        const Count sum = sum_up(s);

        return json_print(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                                          "since_usec",
                                          json_usec(s->query.since),
                                          "until_usec",
                                          json_usec(s->query.until),
                                          "step_usec",
                                          json_usec(s->query.step == STATS_DAYS ? USEC_PER_DAY
                                                                                : USEC_PER_HOUR),
                                          "failures",
                                          json_count(sum.n_failures),
                                          "bans",
                                          json_count(sum.n_bans),
                                          "times",
                                          counts_to_json(&s->answer.times, NULL),
                                          "jails",
                                          counts_to_json(&s->answer.jails, NULL),
                                          "patterns",
                                          counts_to_json(&s->answer.patterns, "pattern"),
                                          "users",
                                          s->query.jail ? json_null()
                                                        : counts_to_json(&s->answer.users, "user"),
                                          "networks",
                                          s->query.jail ? json_null()
                                                        : counts_to_json(&s->answer.networks,
                                                                          "network")),
                               options) < 0
                               ? EXIT_FAILED
                               : EXIT_DONE;
}

/* Text */

static const char *format_step(usec_t t, StatsStep step, char buf[static USEC_STR_SIZE]) {
        time_t sec = (time_t) (t / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&sec, &tm))
                return strcpy(buf, "?");
        (void) strftime(buf, USEC_STR_SIZE, step == STATS_DAYS ? "%F" : "%F %R", &tm);
        return buf;
}

/* From the first hour or day that has something to the last one asked for. */
static int chart_times(const Stats *s, Chart *c) {
        const Counts *times = &s->answer.times;
        StatsStep step = s->query.step;
        char label[USEC_STR_SIZE];
        usec_t last;
        size_t i = 0;

        c->heading = step == STATS_DAYS ? "DAY" : "HOUR";
        if (times->n == 0)
                return 0;

        last = MAX(times->counts[times->n - 1].time, s->query.until - 1);
        for (usec_t t = times->counts[0].time; t <= last; t = stats_step_end(step, t)) {
                uint64_t n_failures = 0, n_bans = 0;

                for (; i < times->n && times->counts[i].time == t; i++) {
                        n_failures += times->counts[i].n_failures;
                        n_bans += times->counts[i].n_bans;
                }
                if (chart_add(c, format_step(t, step, label), n_failures, n_bans) < 0)
                        return -ENOMEM;
        }

        return 0;
}

static int chart_counts(const Counts *counts, Chart *c) {
        char label[sizeof(c->rows->label)];

        for (size_t i = 0; i < counts->n; i++) {
                const Count *n = &counts->counts[i];

                if (n->jail)
                        (void) snprintf(label,
                                        sizeof(label),
                                        "%s%s%s",
                                        n->jail,
                                        n->name ? " " : "",
                                        n->name ?: "");
                else
                        (void) snprintf(label,
                                        sizeof(label),
                                        "%s",
                                        isempty(n->name) ? OTHER_USERS : n->name);
                if (chart_add(c, label, n->n_failures, n->n_bans) < 0)
                        return -ENOMEM;
        }

        return 0;
}

static void print_sum(const Stats *s) {
        const Count sum = sum_up(s);
        char since[USEC_STR_SIZE], until[USEC_STR_SIZE];

        (void) printf("%s to %s: %s%" PRIu64 " failure%s, %" PRIu64 " ban%s%s\n",
                        usec_format_timestamp(s->query.since, since),
                        usec_format_timestamp(s->query.until, until),
                        color_begin(COLOR_BOLD),
                        sum.n_failures,
                        sum.n_failures == 1 ? "" : "s",
                        sum.n_bans,
                        sum.n_bans == 1 ? "" : "s",
                        color_end());
}

static int print_charts(const Stats *s, const Options *options) {
        Chart charts[] = { {}, { "JAIL" }, { "PATTERN" }, { "USER" }, { "NETWORK" } };
        ChartLayout layout;
        int r;

        r = chart_times(s, &charts[0]);
        if (r >= 0 && !s->query.jail)
                r = chart_counts(&s->answer.jails, &charts[1]);
        if (r >= 0)
                r = chart_counts(&s->answer.patterns, &charts[2]);
        if (r >= 0)
                r = chart_counts(&s->answer.users, &charts[3]);
        if (r >= 0)
                r = chart_counts(&s->answer.networks, &charts[4]);

        if (r >= 0) {
                print_sum(s);
                chart_layout(charts,
                                ELEMENTSOF(charts),
                                output_is_terminal() && !options->full ? output_width() : 0,
                                &layout);
                for (size_t i = 0; i < ELEMENTSOF(charts); i++) {
                        if (charts[i].n_rows > 0)
                                (void) putchar('\n');
                        chart_print(&charts[i], &layout, !options->no_legend);
                }
        }

        for (size_t i = 0; i < ELEMENTSOF(charts); i++)
                chart_done(&charts[i]);
        return r < 0 ? log_oom() : 0;
}

int verb_stats(int argc, char **argv, const Options *options) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        _cleanup_(stats_done) Stats stats = {};
        int r;

        if (parse_query(options, &stats.query) < 0)
                return EXIT_USAGE;

        r = connection_open(&bus, options, CONNECTION_ASK, false);
        if (r == EXIT_DONE)
                r = stats_answer_get(&stats.answer, bus, &stats.query);
        if (r != EXIT_DONE)
                return r;

        if (options->json != JSON_OFF)
                return print_json(&stats, options);

        output_open_pager(options);
        return print_charts(&stats, options) < 0 ? EXIT_FAILED : EXIT_DONE;
}
