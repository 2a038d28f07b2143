/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include <time.h>

#include "base/timestamp.h"

/* Tuesday, 2026-11-24 10:30:00 UTC */
#define NOW (UINT64_C(1795516200) * USEC_PER_SEC)

/* With a zone that changes its clocks, the same wherever the test runs. */
static int set_zone(void **state) {
        (void) setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", true);
        tzset();
        return 0;
}

static usec_t timestamp(const char *s) {
        usec_t t;

        assert_int_equal(timestamp_parse(s, NOW, &t), 0);
        return t;
}

static void time_is_local_unless_it_says_otherwise(void **state) {
        assert_int_equal(timestamp("2026-11-24 11:30:00"), NOW);
        assert_int_equal(timestamp("2026-11-24 10:30:00 UTC"), NOW);
        assert_int_equal(timestamp("2026-11-24T10:30:00Z"), NOW);
        assert_int_equal(timestamp("2026-11-24T12:30:00+02:00"), NOW);
        assert_int_equal(timestamp("2026-11-24T04:30:00-0600"), NOW);
        assert_int_equal(timestamp("2026-07-24 12:30"),
                        timestamp("2026-07-24 10:30 UTC")); /* in summer */
}

static void parts_may_be_missing(void **state) {
        assert_int_equal(timestamp("2026-11-24 11:30"), NOW);
        assert_int_equal(timestamp("11:30"), NOW);
        assert_int_equal(timestamp("11:30:01.25"), NOW + 1250000);
        assert_int_equal(timestamp("2026-11-24"), timestamp("2026-11-24 00:00:00"));
        assert_int_equal(timestamp("Tue 2026-11-24 11:30"), NOW);
        assert_int_equal(timestamp("tuesday 2026-11-24 11:30"), NOW);
}

static void days_have_names(void **state) {
        assert_int_equal(timestamp("now"), NOW);
        assert_int_equal(timestamp("today"), timestamp("2026-11-24"));
        assert_int_equal(timestamp("yesterday"), timestamp("2026-11-23"));
        assert_int_equal(timestamp("tomorrow"), timestamp("2026-11-25"));
}

static void spans_are_from_now(void **state) {
        assert_int_equal(timestamp("-2h"), NOW - 2 * USEC_PER_HOUR);
        assert_int_equal(timestamp("+1h 30min"), NOW + 90 * USEC_PER_MINUTE);
        assert_int_equal(timestamp("2h ago"), NOW - 2 * USEC_PER_HOUR);
        assert_int_equal(timestamp("-100y"), 0);
}

static void seconds_since_1970(void **state) {
        assert_int_equal(timestamp("@1795516200"), NOW);
        assert_int_equal(timestamp("@1795516200.000001"), NOW + 1);
}

static void what_is_no_time_is_refused(void **state) {
        static const char *const cases[] = {
                "",
                "soon",
                "@",
                "@x",
                "@5 ",
                "@-5",
                "-",
                "-x",
                "--2h",
                "ago",
                " ago",
                "2h",
                "10:3",
                "1:30",
                "24:00",
                "10:60",
                "10:30:",
                "10:30:00.",
                "10:30 ",
                "2026-02-29",
                "2026-13-01",
                "2026-00-10",
                "2026-11-31",
                "2026-11-24 ",
                "2026-11-24T",
                "2026-11-24 10:30 +1",
                "2026-11-24 10:30 Mars/Phobos",
                "1969-12-31",
                "Tue",
                "Tue ",
        };
        usec_t t = 7;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_fails(timestamp_parse(cases[i], NOW, &t), EINVAL);
        assert_int_equal(t, 7);
}

static void what_does_not_fit_is_refused(void **state) {
        usec_t t = 7;

        assert_fails(timestamp_parse("@99999999999999999999", NOW, &t), ERANGE);
        assert_fails(timestamp_parse("@18446744073710", NOW, &t), ERANGE);
        assert_fails(timestamp_parse("1970-01-01 00:30", NOW, &t), ERANGE); /* an hour off */
}

static void leap_years_have_a_day_more(void **state) {
        assert_true(civil_time_is_valid(&(CivilTime){ 2028, 2, 29, 0, 0, 0 }));
        assert_true(civil_time_is_valid(&(CivilTime){ 2000, 2, 29, 0, 0, 0 }));
        assert_false(civil_time_is_valid(&(CivilTime){ 2100, 2, 29, 0, 0, 0 }));
}

static void fraction_beyond_microseconds_is_passed_over(void **state) {
        usec_t t;

        assert_int_equal(timestamp_parse_fraction("123456789x", &t), 9);
        assert_int_equal(t, 123456);
        assert_int_equal(timestamp_parse_fraction("x", &t), 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(time_is_local_unless_it_says_otherwise),
                cmocka_unit_test(parts_may_be_missing),
                cmocka_unit_test(days_have_names),
                cmocka_unit_test(spans_are_from_now),
                cmocka_unit_test(seconds_since_1970),
                cmocka_unit_test(what_is_no_time_is_refused),
                cmocka_unit_test(what_does_not_fit_is_refused),
                cmocka_unit_test(leap_years_have_a_day_more),
                cmocka_unit_test(fraction_beyond_microseconds_is_passed_over),
        };

        return cmocka_run_group_tests(tests, set_zone, NULL);
}
