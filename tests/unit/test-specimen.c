/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "engine/specimen.h"

#define ADDR "(?<addr>[0-9.]{7,15})"

/* Writes a specimen with its pieces marked: {wild}, {{name}}, {<server>} and [address]. */
static const char *make(const char *regex, unsigned variant, char buf[static 4096]) {
        static const struct {
                const char *open, *close;
        } marks[] = { { "", "" }, { "{", "}" }, { "[", "]" }, { "{{", "}}" }, { "{<", ">}" } };
        _cleanup_(specimens_freep) Specimens *s = NULL;
        Specimen specimen;
        size_t used = 0;

        assert_int_equal(specimens_new(&s, regex), 0);
        assert_int_equal(specimens_make(s, variant, "192.0.2.1", &specimen), 0);

        buf[0] = '\0';
        for (size_t i = 0; i < specimen.n_pieces; i++) {
                const Piece *p = &specimen.pieces[i];
                size_t mark = p->is_name ? 3 : p->is_server ? 4 : (size_t) p->kind;

                used += (size_t) snprintf(buf + used,
                                4096 - used,
                                "%s%.*s%s",
                                marks[mark].open,
                                (int) p->size,
                                specimen.text + p->start,
                                marks[mark].close);
        }

        return buf;
}

static void pieces_say_where_anything_could_stand(void **state) {
        char buf[4096];

        assert_string_equal(make("login of (?<user>.*) from " ADDR " failed: [a-z ]+", 0, buf),
                        "login of {{x}} from [192.0.2.1] failed: {x}");
        assert_string_equal(make("a (?:(?#server).*) b .*", 0, buf), "a {<x>} b {x}");
        assert_string_equal(make("port [0-9]{1,5} x{3}", 0, buf), "port 1 xxx");
}

static void variants_take_other_alternatives(void **state) {
        char buf[4096];

        assert_string_equal(make("(?:a|b)(?:c)?d", 0, buf), "acd");
        assert_string_equal(make("(?:a|b)(?:c)?d", 1, buf), "bcd");
        assert_string_equal(make("(?:a|b)(?:c)?d", 2, buf), "ad");
        assert_string_equal(make("(?:a|b)(?:c)?d", 3, buf), "bd");
        assert_string_equal(make("(?:a|b)(?:c)?d", 4, buf), "acd");
}

static void classes_hold_what_they_say(void **state) {
        static const struct {
                const char *regex;
                const char *in, *out;
        } cases[] = {
                { ".*", "\n\xff a", "" },
                { "[^\\[\\]]*", "a \\", "[]" },
                { "[]a-c-]*", "]abc-", "d[" },
                { "[\\w.]+", "aZ0_.", "- " },
                { "\\S+", "a\xff", " \t\n" },
                { "[[:digit:]x\\]]*", "09x]", "a:[" },
                { "[\\x41-\\x43]*", "ABC", "D4" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(specimens_freep) Specimens *s = NULL;
                Specimen specimen;
                const uint8_t *set;

                assert_int_equal(specimens_new(&s, cases[i].regex), 0);
                assert_int_equal(specimens_make(s, 0, "", &specimen), 0);
                assert_int_equal(specimen.n_pieces, 1);
                set = specimen.pieces[0].set;
                for (const char *c = cases[i].in; *c; c++)
                        assert_true(set[(uint8_t) *c / 8] & (1u << ((uint8_t) *c % 8)));
                for (const char *c = cases[i].out; *c; c++)
                        assert_false(set[(uint8_t) *c / 8] & (1u << ((uint8_t) *c % 8)));
        }
}

static void assertions_are_passed_over(void **state) {
        char buf[4096];

        assert_string_equal(make("^a(?!b[)\\]]\\))(?<=a)c\\b$", 0, buf), "ac");
        assert_string_equal(make("(?i)a(?i:b)(?>c)(?#note)d{e", 0, buf), "abcd{e");
}

static void what_is_not_understood_is_refused(void **state) {
        static const char *const regexes[] = {
                "(a)\\1",
                "\\Qa\\E",
                "(?(1)a|b)",
                "(*FAIL)",
                "(?&name)",
                "a)",
                "(a",
                "[a",
                "a\\",
        };

        for (size_t i = 0; i < ELEMENTSOF(regexes); i++) {
                Specimens *s = NULL;

                assert_int_equal(specimens_new(&s, regexes[i]), -EOPNOTSUPP);
                assert_null(s);
        }
}

static void what_becomes_too_long_is_refused(void **state) {
        static const char *const regexes[] = {
                "x{3000}", "(?:a.*){200}", "(?:(?:(?:){99}){99}){99}"
        };

        for (size_t i = 0; i < ELEMENTSOF(regexes); i++) {
                _cleanup_(specimens_freep) Specimens *s = NULL;
                Specimen specimen;

                assert_int_equal(specimens_new(&s, regexes[i]), 0);
                assert_int_equal(specimens_make(s, 0, "", &specimen), -E2BIG);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pieces_say_where_anything_could_stand),
                cmocka_unit_test(variants_take_other_alternatives),
                cmocka_unit_test(classes_hold_what_they_say),
                cmocka_unit_test(assertions_are_passed_over),
                cmocka_unit_test(what_is_not_understood_is_refused),
                cmocka_unit_test(what_becomes_too_long_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
