/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "base/parse.h"

static void booleans_have_four_spellings_in_any_case(void **state) {
        static const char *const no[] = { "no", "false", "off", "0", "NO", "False" };
        static const char *const yes[] = { "yes", "true", "on", "1", "YES", "tRuE" };
        bool b;

        for (size_t i = 0; i < ELEMENTSOF(no); i++) {
                b = true;
                assert_int_equal(parse_bool(no[i], &b), 0);
                assert_false(b);
        }
        for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
                b = false;
                assert_int_equal(parse_bool(yes[i], &b), 0);
                assert_true(b);
        }
}

static void other_words_are_no_booleans(void **state) {
        static const char *const bad[] = { "", " ", "y", "yes ", " no", "2", "01", "enabled" };
        bool b = true;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_fails(parse_bool(bad[i], &b), EINVAL);
        assert_true(b);
}

static void numbers_lie_between_both_ends(void **state) {
        uint64_t n = 42;

        assert_int_equal(parse_uint64("1", 1, 10, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(parse_uint64("10", 1, 10, &n), 0);
        assert_int_equal(n, 10);
        assert_int_equal(parse_uint64("0007", 1, 10, &n), 0);
        assert_int_equal(n, 7);
        assert_int_equal(parse_uint64("18446744073709551615", 0, UINT64_MAX, &n), 0);
        assert_true(n == UINT64_MAX);

        n = 42;
        assert_fails(parse_uint64("0", 1, 10, &n), ERANGE);
        assert_fails(parse_uint64("11", 1, 10, &n), ERANGE);
        assert_fails(parse_uint64("18446744073709551616", 0, UINT64_MAX, &n), ERANGE);
        assert_fails(parse_uint64("99999999999999999999999999", 0, UINT64_MAX, &n), ERANGE);
        assert_int_equal(n, 42);
}

static void sizes_have_units_of_1024(void **state) {
        uint64_t n = 42;

        assert_int_equal(parse_size("0", &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(parse_size("1000", &n), 0);
        assert_int_equal(n, 1000);
        assert_int_equal(parse_size("3K", &n), 0);
        assert_int_equal(n, 3072);
        assert_int_equal(parse_size("256M", &n), 0);
        assert_int_equal(n, 256 * 1024 * 1024);
        assert_int_equal(parse_size("5G", &n), 0);
        assert_int_equal(n, UINT64_C(5) << 30);
        assert_int_equal(parse_size("2T", &n), 0);
        assert_int_equal(n, UINT64_C(2) << 40);
        assert_int_equal(parse_size("infinity", &n), 0);
        assert_true(n == UINT64_MAX);

        n = 42;
        for (const char *const *bad = (const char *const[]){ "",
                             "M",
                             "1m",
                             "1MB",
                             "1 M",
                             "-1",
                             "+1M",
                             "1.5G",
                             "1X",
                             "Infinity",
                             NULL };
                        *bad;
                        bad++)
                assert_fails(parse_size(*bad, &n), EINVAL);
        assert_fails(parse_size("18446744073709551615", &n), ERANGE);
        assert_fails(parse_size("18014398509481984K", &n), ERANGE);
        assert_fails(parse_size("99999999999999999999999999999999999999", &n), ERANGE);
        assert_int_equal(n, 42);
}

static void what_is_no_number_is_refused(void **state) {
        static const char *const bad[] = { "", " 1", "1 ", "-1", "+1", "1.0", "0x1", "1e3", "a" };
        uint64_t n = 42;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_fails(parse_uint64(bad[i], 0, UINT64_MAX, &n), EINVAL);

        /* However long it is, it is no number first and out of range second. */
        assert_fails(parse_uint64("99999999999999999999999999x", 0, UINT64_MAX, &n), EINVAL);
        assert_int_equal(n, 42);
}

static void words_are_taken_off_one_by_one(void **state) {
        const char *s = ", one,\ttwo  three ,,", *word;

        assert_int_equal(parse_word(&s, ",", &word), 3);
        assert_memory_equal(word, "one", 3);
        assert_int_equal(parse_word(&s, ",", &word), 3);
        assert_memory_equal(word, "two", 3);
        assert_int_equal(parse_word(&s, ",", &word), 5);
        assert_memory_equal(word, "three", 5);
        assert_int_equal(parse_word(&s, ",", &word), 0);
        assert_int_equal(parse_word(&s, ",", &word), 0);
        assert_string_equal(s, "");
}

static void separators_are_those_asked_for(void **state) {
        const char *s = "a,b c", *word;

        assert_int_equal(parse_word(&s, "", &word), 3);
        assert_memory_equal(word, "a,b", 3);
        assert_int_equal(parse_word(&s, "", &word), 1);
        assert_int_equal(parse_word(&s, "", &word), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(booleans_have_four_spellings_in_any_case),
                cmocka_unit_test(other_words_are_no_booleans),
                cmocka_unit_test(numbers_lie_between_both_ends),
                cmocka_unit_test(sizes_have_units_of_1024),
                cmocka_unit_test(what_is_no_number_is_refused),
                cmocka_unit_test(words_are_taken_off_one_by_one),
                cmocka_unit_test(separators_are_those_asked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
