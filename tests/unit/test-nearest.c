/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "engine/nearest.h"

#define ADDR "(?<addr>[0-9.]+)"

static void assert_nearest(const Filter *f, const char *text, const char *name, size_t offset) {
        _cleanup_(nearest_freep) Nearest *n = NULL;
        const Pattern *p = NULL;
        size_t found = 0;

        assert_ok(nearest_new(&n, f, NULL));
        if (!name) {
                assert_int_equal(nearest_find(n, text, strlen(text), &p, &found), 0);
                return;
        }
        assert_int_equal(nearest_find(n, text, strlen(text), &p, &found), 1);
        assert_string_equal(p->name, name);
        assert_int_equal(found, offset);
}

static void longest_way_wins(void **state) {
        Pattern patterns[] = {
                { (char *) "short",
                                (char *) "",
                                NULL,
                                (char *) "Failed login",
                                NULL,
                                PATTERN_FAIL },
                { (char *) "long",
                                (char *) "",
                                NULL,
                                (char *) "Failed password for " ADDR " port",
                                NULL,
                                PATTERN_FAIL },
                { (char *) "unused",
                                (char *) "ddos",
                                NULL,
                                (char *) "Failed.*",
                                NULL,
                                PATTERN_FAIL },
        };
        Filter f = { .patterns = patterns, .n_patterns = ELEMENTSOF(patterns) };

        assert_nearest(&f, "Failed password for 192.0.2.1 Port", "long", 30);
        assert_nearest(&f, "Failed logout", "short", 10);
        assert_nearest(&f, "Failed ", "short", 7); /* both; ends too early */
        assert_nearest(&f, "Accepted", NULL, 0);
}

/* Otherwise a user name would take in all that follows. */
static void free_text_is_one_word(void **state) {
        Pattern patterns[] = {
                { (char *) "password",
                                (char *) "",
                                NULL,
                                (char *) "for (?<user>.*) from " ADDR " ssh2",
                                NULL,
                                PATTERN_FAIL },
                { (char *) "brackets",
                                (char *) "",
                                NULL,
                                (char *) "x[].*]\\.*[^].*]+y",
                                NULL,
                                PATTERN_FAIL },
        };
        Filter f = { .patterns = patterns, .n_patterns = ELEMENTSOF(patterns) };

        assert_nearest(&f, "for root from 192.0.2.1 ssh3", "password", 27);
        assert_nearest(&f, "for root from example.org ssh2", "password", 14);
        assert_nearest(&f, "x*...z z!]", "brackets", 9);
}

static void prefix_goes_first(void **state) {
        Pattern prefixes[] = {
                { (char *) "id",
                                (char *) "",
                                NULL,
                                (char *) "id [0-9]+: (?<content>.*)",
                                NULL,
                                PATTERN_PREFIX },
        };
        Pattern patterns[] = {
                { (char *) "login",
                                (char *) "",
                                NULL,
                                (char *) "login failed",
                                NULL,
                                PATTERN_FAIL },
        };
        Filter f = { .prefixes = prefixes, .n_prefixes = 1, .patterns = patterns, .n_patterns = 1 };

        assert_nearest(&f, "id 12: login fails", "login", 17);
        assert_nearest(&f, "id x: login failed", "id", 3);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(longest_way_wins),
                cmocka_unit_test(free_text_is_one_word),
                cmocka_unit_test(prefix_goes_first),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
