/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "ctl/test-shapes.h"

static bool is_suspicious(const char *s) {
        return shapes_is_suspicious(s, strlen(s));
}

static void words_of_failure_are_found_in_any_case(void **state) {
        assert_true(is_suspicious("Failed publickey for root"));
        assert_true(is_suspicious("AUTHENTICATION FAILURE"));
        assert_true(is_suspicious("x: permission denied"));
        assert_true(is_suspicious("fail"));
        assert_false(is_suspicious("fai"));
        assert_false(is_suspicious("Accepted publickey for root"));
        assert_false(is_suspicious(""));
}

static void what_differs_is_folded(void **state) {
        static const struct {
                const char *text, *shape;
        } cases[] = {
                { "Failed publickey for root from 192.0.2.1 port 4711 ssh2",
                                "Failed publickey for # from # port # #" },
                { "Failed publickey for invalid user bob from 2001:db8::1 port 1",
                                "Failed publickey for invalid user # from # port #" },
                { "login failed: user=<bob>, rip=192.0.2.1", "login failed: user=<#>, rip=#" },
                { "error: \"GET /x y\" for 'a b'.", "error: # for #." },
                { "\"open", "\"open" },
                { "a\n\xff", "a??" },
        };
        char buf[SHAPE_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_string_equal(shapes_fold(cases[i].text, strlen(cases[i].text), buf),
                                cases[i].shape);
}

static void most_frequent_come_first(void **state) {
        const Shape *top[2];
        uint64_t n_all, n_rest;
        Shapes *s;

        assert_ok(shapes_new(&s));
        shapes_add(s, "error 1", 7);
        shapes_add(s, "error a", 7);
        shapes_add(s, "fine", 4);
        shapes_add(s, "error 2", 7);
        assert_int_equal(shapes_top(s, top, 2, &n_all, &n_rest), 2);
        assert_string_equal(shape_text(top[0]), "error #");
        assert_int_equal(shape_count(top[0]), 2);
        assert_int_equal(shape_count(top[1]), 1);
        assert_int_equal(n_all, 3);
        assert_int_equal(n_rest, 0);
        shapes_free(s);
}

static void shapes_are_bounded(void **state) {
        const Shape *top[1];
        uint64_t n_all, n_rest;
        Shapes *s;

        assert_ok(shapes_new(&s));
        for (unsigned i = 0; i < SHAPES_MAX + 50; i++) {
                char text[16] = "error ";

                for (unsigned k = 0, v = i; k < 3; k++, v /= 26)
                        text[6 + k] = (char) ('a' + v % 26);
                shapes_add(s, text, 9);
        }
        assert_int_equal(shapes_top(s, top, 1, &n_all, &n_rest), 1);
        assert_int_equal(n_all, SHAPES_MAX + 50);
        assert_int_equal(n_rest, 50);
        shapes_free(s);
}

static void long_texts_and_any_bytes_are_survived(void **state) {
        Random random = { 1 };
        char text[400], buf[SHAPE_SIZE];

        for (unsigned round = 0; round < 2000; round++) {
                size_t n = random_below(&random, sizeof(text));

                for (size_t i = 0; i < n; i++)
                        text[i] = (char) random_below(&random, 256);
                (void) shapes_fold(text, n, buf);
                assert_int_equal(buf[SHAPE_SIZE - 1], 0);
                for (size_t i = 0; buf[i]; i++)
                        assert_true(buf[i] >= ' ' && buf[i] <= '~');
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(words_of_failure_are_found_in_any_case),
                cmocka_unit_test(what_differs_is_folded),
                cmocka_unit_test(most_frequent_come_first),
                cmocka_unit_test(shapes_are_bounded),
                cmocka_unit_test(long_texts_and_any_bytes_are_survived),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
