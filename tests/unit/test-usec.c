/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include <time.h>

static usec_t span(const char *s) {
        usec_t t;

        assert_int_equal(usec_parse_span(s, &t), 0);
        return t;
}

static void plain_number_is_in_seconds(void **state) {
        assert_int_equal(span("90"), 90 * USEC_PER_SEC);
        assert_int_equal(span("0"), 0);
        assert_int_equal(span(" 7 "), 7 * USEC_PER_SEC);
}

static void units_are_those_of_systemd(void **state) {
        static const struct {
                const char *text;
                usec_t usec;
        } cases[] = {
                { "5us", 5 },
                { "5usec", 5 },
                { "5ms", 5000 },
                { "5msec", 5000 },
                { "5s", 5 * USEC_PER_SEC },
                { "5sec", 5 * USEC_PER_SEC },
                { "5second", 5 * USEC_PER_SEC },
                { "5seconds", 5 * USEC_PER_SEC },
                { "5m", 5 * USEC_PER_MINUTE },
                { "5min", 5 * USEC_PER_MINUTE },
                { "5minute", 5 * USEC_PER_MINUTE },
                { "5minutes", 5 * USEC_PER_MINUTE },
                { "5h", 5 * USEC_PER_HOUR },
                { "5hr", 5 * USEC_PER_HOUR },
                { "5hour", 5 * USEC_PER_HOUR },
                { "5hours", 5 * USEC_PER_HOUR },
                { "5d", 5 * USEC_PER_DAY },
                { "5day", 5 * USEC_PER_DAY },
                { "5days", 5 * USEC_PER_DAY },
                { "5w", 35 * USEC_PER_DAY },
                { "5week", 35 * USEC_PER_DAY },
                { "5weeks", 35 * USEC_PER_DAY },
                { "1M", UINT64_C(2629800) * USEC_PER_SEC },
                { "1month", UINT64_C(2629800) * USEC_PER_SEC },
                { "2months", UINT64_C(5259600) * USEC_PER_SEC },
                { "1y", UINT64_C(31557600) * USEC_PER_SEC },
                { "1year", UINT64_C(31557600) * USEC_PER_SEC },
                { "2years", UINT64_C(63115200) * USEC_PER_SEC },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(span(cases[i].text), cases[i].usec);
}

static void numbers_with_units_add_up(void **state) {
        assert_int_equal(span("1h 30min"), 90 * USEC_PER_MINUTE);
        assert_int_equal(span("1h30min"), 90 * USEC_PER_MINUTE);
        assert_int_equal(span("2 w"), 14 * USEC_PER_DAY);
        assert_int_equal(span("1min 30"), 90 * USEC_PER_SEC);
        assert_int_equal(span("1m 1m\t1m"), 3 * USEC_PER_MINUTE);
}

static void for_good_has_three_spellings(void **state) {
        assert_int_equal(span("-1"), USEC_INFINITY);
        assert_int_equal(span("infinity"), USEC_INFINITY);
        assert_int_equal(span("permanent"), USEC_INFINITY);
}

static void what_is_no_span_is_refused(void **state) {
        static const char *const bad[] = {
                "",
                " ",
                "x",
                "-2",
                "-",
                "1x",
                "1 x",
                "1h x",
                "h",
                "1.5h",
                "1h,2m",
                "1H",
                "5 minuten",
                "infinity 1",
                "+1",
                "0x10",
                "1\n",
        };
        usec_t t = 42;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_fails(usec_parse_span(bad[i], &t), EINVAL);
        assert_int_equal(t, 42);
}

static void what_does_not_fit_is_out_of_range(void **state) {
        usec_t t = 42;

        assert_fails(usec_parse_span("18446744073709551616", &t), ERANGE);
        assert_fails(usec_parse_span("18446744073709551615", &t), ERANGE);
        assert_fails(usec_parse_span("18446744073709551615us", &t),
                        ERANGE); /* all ones: for good */
        assert_fails(usec_parse_span("600000y", &t), ERANGE);
        assert_fails(usec_parse_span("18446744073709551614us 1us", &t), ERANGE);
        assert_int_equal(t, 42);
        assert_int_equal(span("18446744073709551614us"), USEC_INFINITY - 1);
}

static void sums_stop_at_infinity_and_differences_at_zero(void **state) {
        assert_int_equal(usec_add(1, 2), 3);
        assert_int_equal(usec_add(USEC_INFINITY, 1), USEC_INFINITY);
        assert_int_equal(usec_add(1, USEC_INFINITY), USEC_INFINITY);
        assert_int_equal(usec_add(USEC_INFINITY - 1, 2), USEC_INFINITY);
        assert_int_equal(usec_sub(3, 2), 1);
        assert_int_equal(usec_sub(2, 3), 0);
        assert_int_equal(usec_sub(USEC_INFINITY, 1), USEC_INFINITY);
        assert_int_equal(usec_sub(1, USEC_INFINITY), 0);
}

static void spans_are_shown_with_two_units_at_most(void **state) {
        static const struct {
                usec_t usec;
                const char *text;
        } cases[] = {
                { 0, "0s" },
                { 1, "1us" },
                { 3999, "3ms" },
                { 12 * USEC_PER_SEC, "12s" },
                { 12 * USEC_PER_SEC + 999999, "12s" },
                { 90 * USEC_PER_SEC, "1min 30s" },
                { 90 * USEC_PER_MINUTE, "1h 30min" },
                { USEC_PER_HOUR + 5 * USEC_PER_SEC, "1h" },
                { 25 * USEC_PER_HOUR, "1d 1h" },
                { 8 * USEC_PER_DAY, "1w 1d" },
                { USEC_INFINITY, "permanent" },
        };
        char buf[USEC_STR_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_string_equal(usec_format_span(cases[i].usec, buf), cases[i].text);

        /* The longest there is. */
        assert_true(strlen(usec_format_span(USEC_INFINITY - 1, buf)) < USEC_STR_SIZE);
}

static void shown_spans_can_be_read_again(void **state) {
        Random random = { 1 };

        for (unsigned i = 0; i < 10000; i++) {
                usec_t t = random_next(&random) >> random_below(&random, 64);
                char first[USEC_STR_SIZE], second[USEC_STR_SIZE];

                usec_format_span(t, first);
                assert_string_equal(usec_format_span(span(first), second), first);
                assert_true(span(first) <= t);
        }
}

static void timestamps_are_local_time(void **state) {
        char buf[USEC_STR_SIZE];

        assert_int_equal(setenv("TZ", "UTC", 1), 0);
        tzset();
        assert_string_equal(usec_format_timestamp(T0, buf), "2023-11-14 22:13:20");
        assert_int_equal(setenv("TZ", "CET-1", 1), 0);
        tzset();
        assert_string_equal(usec_format_timestamp(T0 + 999999, buf), "2023-11-14 23:13:20");
        assert_string_equal(usec_format_timestamp(0, buf), "-");
        assert_string_equal(usec_format_timestamp(USEC_INFINITY, buf), "never");
        assert_true(strlen(usec_format_timestamp(USEC_INFINITY - 1, buf)) < USEC_STR_SIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(plain_number_is_in_seconds),
                cmocka_unit_test(units_are_those_of_systemd),
                cmocka_unit_test(numbers_with_units_add_up),
                cmocka_unit_test(for_good_has_three_spellings),
                cmocka_unit_test(what_is_no_span_is_refused),
                cmocka_unit_test(what_does_not_fit_is_out_of_range),
                cmocka_unit_test(sums_stop_at_infinity_and_differences_at_zero),
                cmocka_unit_test(spans_are_shown_with_two_units_at_most),
                cmocka_unit_test(shown_spans_can_be_read_again),
                cmocka_unit_test(timestamps_are_local_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
