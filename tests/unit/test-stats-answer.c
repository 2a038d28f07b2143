/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include <time.h>

#include "ctl/stats-answer.h"

/* 2026-03-01 00:00 UTC. */
#define MARCH (UINT64_C(1772323200) * USEC_PER_SEC)

static void set_zone(const char *zone) {
        assert_ok(setenv("TZ", zone, true));
        tzset();
}

static void hours_are_those_of_utc(void **state) {
        set_zone("XXX-5:30");
        assert_int_equal(stats_step_begin(STATS_HOURS, MARCH), MARCH);
        assert_int_equal(stats_step_begin(STATS_HOURS, MARCH + USEC_PER_HOUR - 1), MARCH);
        assert_int_equal(stats_step_end(STATS_HOURS, MARCH), MARCH + USEC_PER_HOUR);
}

static void days_are_local(void **state) {
        const usec_t midnight = MARCH + 18 * USEC_PER_HOUR + 30 * USEC_PER_MINUTE;

        set_zone("XXX-5:30");
        assert_int_equal(stats_step_begin(STATS_DAYS, midnight), midnight);
        assert_int_equal(stats_step_begin(STATS_DAYS, midnight + USEC_PER_DAY - 1), midnight);
        assert_int_equal(stats_step_begin(STATS_DAYS, midnight - 1), midnight - USEC_PER_DAY);
        assert_int_equal(stats_step_end(STATS_DAYS, midnight + 5), midnight + USEC_PER_DAY);
}

/* In each zone, a year of days: each has its hours, and no hour is left out. */
static void days_follow_each_other_over_summer_time(void **state) {
        static const char *const zones[] = {
                "UTC",
                "CET-1CEST,M3.5.0,M10.5.0/3",
                "CST5CDT,M3.2.0/0,M11.1.0/1",     /* at midnight */
                "XXX4YYY,M9.1.6/24,M4.1.6/24",    /* so, in the south */
                "XXX-10:30YYY-11,M10.1.0,M4.1.0", /* by half an hour */
        };

        for (size_t i = 0; i < ELEMENTSOF(zones); i++) {
                usec_t day;

                set_zone(zones[i]);
                day = stats_step_begin(STATS_DAYS, MARCH);
                for (unsigned k = 0; k < 400; k++) {
                        usec_t next = stats_step_end(STATS_DAYS, day);

                        assert_true(next >= day + 23 * USEC_PER_HOUR);
                        assert_true(next <= day + 25 * USEC_PER_HOUR);
                        assert_int_equal(stats_step_begin(STATS_DAYS, day), day);
                        assert_int_equal(stats_step_begin(STATS_DAYS, next - 1), day);
                        day = next;
                }
        }
}

static void hours_of_a_day_are_added_up_by_jail(void **state) {
        Count hours[] = {
                { .time = MARCH, .jail = "sshd", .n_failures = 1, .n_bans = 1 },
                { .time = MARCH + USEC_PER_HOUR, .jail = "mail", .n_failures = 2 },
                { .time = MARCH + USEC_PER_HOUR, .jail = "sshd", .n_failures = 4, .n_bans = 2 },
                { .time = MARCH + 23 * USEC_PER_HOUR, .jail = "sshd", .n_failures = 8 },
                { .time = MARCH + 3 * USEC_PER_DAY, .jail = "sshd", .n_failures = 16 },
        };
        Counts days = {};

        set_zone("UTC");
        assert_ok(counts_fold(&(const Counts){ hours, ELEMENTSOF(hours) }, &days));
        assert_int_equal(days.n, 3);
        assert_string_equal(days.counts[0].jail, "mail");
        assert_int_equal(days.counts[0].time, MARCH);
        assert_int_equal(days.counts[0].n_failures, 2);
        assert_string_equal(days.counts[1].jail, "sshd");
        assert_int_equal(days.counts[1].time, MARCH);
        assert_int_equal(days.counts[1].n_failures, 13);
        assert_int_equal(days.counts[1].n_bans, 3);
        assert_int_equal(days.counts[2].time, MARCH + 3 * USEC_PER_DAY);
        assert_int_equal(days.counts[2].n_failures, 16);
        counts_done(&days);

        assert_ok(counts_fold(&(const Counts){}, &days));
        assert_int_equal(days.n, 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(hours_are_those_of_utc),
                cmocka_unit_test(days_are_local),
                cmocka_unit_test(days_follow_each_other_over_summer_time),
                cmocka_unit_test(hours_of_a_day_are_added_up_by_jail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
