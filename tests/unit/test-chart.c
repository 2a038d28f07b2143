/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "ctl/chart.h"

static void assert_bar(uint64_t value, uint64_t max, size_t width, bool eighths, const char *bar) {
        char buf[CHART_BAR_SIZE];

        assert_string_equal(chart_format_bar(value, max, width, eighths, buf), bar);
}

static void bar_is_as_long_as_its_share(void **state) {
        assert_bar(0, 100, 10, false, "");
        assert_bar(50, 100, 10, false, "#####");
        assert_bar(100, 100, 10, false, "##########");
        assert_bar(54, 100, 10, false, "#####");
        assert_bar(55, 100, 10, false, "######");
        assert_bar(50, 100, 10, true, "█████");
        assert_bar(100, 100, 3, true, "███");
        assert_bar(5, 8, 1, true, "▋");
        assert_bar(13, 16, 2, true, "█▋");
}

static void whatever_is_not_nothing_can_be_seen(void **state) {
        assert_bar(1, 1000000, 10, false, "#");
        assert_bar(1, 1000000, 10, true, "▏");
        assert_bar(999999, 1000000, 2, true, "██");
}

static void odd_numbers_draw_no_odd_bars(void **state) {
        char buf[CHART_BAR_SIZE];

        assert_bar(0, 0, 10, true, "");
        assert_bar(7, 0, 10, true, "");
        assert_bar(7, 3, 4, false, "####");
        assert_bar(1, 1, 0, true, "");
        assert_bar(UINT64_MAX, UINT64_MAX, 4, false, "####");
        assert_bar(UINT64_MAX / 2, UINT64_MAX, 4, false, "##");
        assert_int_equal(strlen(chart_format_bar(1, 1, SIZE_MAX, true, buf)), CHART_BAR_SIZE - 1);
}

static Chart chart_of(const char *heading, const char *label, uint64_t failures, uint64_t bans) {
        Chart c = { .heading = heading };

        assert_ok(chart_add(&c, label, failures, bans));
        return c;
}

static void columns_are_as_wide_as_the_widest_of_all_charts(void **state) {
        Chart charts[] = { chart_of("HOUR", "2026-11-26 10:00", 1234567890, 12),
                chart_of("USER", "root", 3, 123456),
                { .heading = "A HEADING THAT IS NOT PRINTED" } };
        ChartLayout l;

        chart_layout(charts, 3, 80, &l);
        assert_int_equal(l.label, 16);
        assert_int_equal(l.failures, 10);
        assert_int_equal(l.bans, 6);
        assert_int_equal(l.label + 2 + l.failures + 2 + l.bans + 2 + l.bar, 80);

        chart_layout(charts, 3, 200, &l);
        assert_int_equal(l.label + 2 + l.failures + 2 + l.bans + 2 + l.bar, 200);

        /* Headings take their room. */
        chart_layout(charts + 1, 1, 80, &l);
        assert_int_equal(l.label, 4);
        assert_int_equal(l.failures, strlen("FAILURES"));

        for (size_t i = 0; i < 2; i++)
                chart_done(&charts[i]);
}

static void long_labels_leave_room_for_bars_on_a_terminal(void **state) {
        Chart c = chart_of(
                        "PATTERN", "a-jail-with-a-long-name a-pattern-that-has-one-as-well", 1, 1);
        ChartLayout l;

        chart_layout(&c, 1, 60, &l);
        assert_int_equal(l.bar, 10);
        assert_int_equal(l.label + 2 + l.failures + 2 + l.bans + 2 + l.bar, 60);

        /* Nothing is cut where nothing is drawn. */
        chart_layout(&c, 1, 0, &l);
        assert_int_equal(l.label, strlen(c.rows[0].label));
        assert_int_equal(l.bar, 0);
        chart_done(&c);
}

static void tiny_terminals_are_survived(void **state) {
        Chart c = chart_of("PATTERN", "a-jail-with-a-long-name a-pattern", 1, 1);
        ChartLayout l;

        for (size_t width = 1; width < 40; width++) {
                chart_layout(&c, 1, width, &l);
                assert_true(l.label >= 16);
                assert_true(l.bar < 20);
        }
        chart_done(&c);
}

static void labels_are_counted_in_characters(void **state) {
        Chart c = chart_of("USER", "jürgenschäfer", 1, 1);
        ChartLayout l;

        chart_layout(&c, 1, 80, &l);
        assert_int_equal(l.label, 13);
        chart_done(&c);
}

static void a_spark_line_shows_nothing_little_and_most(void **state) {
        static const uint64_t values[] = { 0, 1, 1000, 500 }, quiet[] = { 0, 0, 0 };
        char buf[CHART_SPARK_SIZE];

        assert_string_equal(chart_format_spark(values, 4, true, buf), "▁▂█▅");
        assert_string_equal(chart_format_spark(values, 4, false, buf), "_.#=");
        assert_string_equal(chart_format_spark(quiet, 3, false, buf), "___");
        assert_string_equal(chart_format_spark(quiet, 0, true, buf), "");
}

static void a_spark_line_survives_large_numbers(void **state) {
        static const uint64_t values[] = { UINT64_MAX, UINT64_MAX / 2, 1 };
        char buf[CHART_SPARK_SIZE];

        assert_string_equal(chart_format_spark(values, 3, false, buf), "#=.");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(bar_is_as_long_as_its_share),
                cmocka_unit_test(whatever_is_not_nothing_can_be_seen),
                cmocka_unit_test(odd_numbers_draw_no_odd_bars),
                cmocka_unit_test(columns_are_as_wide_as_the_widest_of_all_charts),
                cmocka_unit_test(long_labels_leave_room_for_bars_on_a_terminal),
                cmocka_unit_test(tiny_terminals_are_survived),
                cmocka_unit_test(labels_are_counted_in_characters),
                cmocka_unit_test(a_spark_line_shows_nothing_little_and_most),
                cmocka_unit_test(a_spark_line_survives_large_numbers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
