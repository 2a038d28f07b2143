/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "ctl/text.h"

static const char text[] = "Failed password for root from 192.0.2.1 port 22";

/* What matcher_run() would have found. */
static MatcherSpan span_of(const char *s) {
        return (MatcherSpan){ strstr(text, s), strlen(s) };
}

static void assert_part(size_t *offset, const MatcherResult *m, TextPart part, const char *s) {
        TextPart got;
        size_t n = text_next_part(text + *offset, strlen(text) - *offset, m, &got);

        assert_int_equal(n, strlen(s));
        assert_memory_equal(text + *offset, s, n);
        assert_int_equal(got, part);
        *offset += n;
}

static void parts_are_what_the_match_found(void **state) {
        const MatcherResult m = {
                .addr = span_of("192.0.2.1"),
                .n_fields = 2,
                .fields = { { "user", span_of("root") }, { "port", span_of("22") } },
        };
        size_t offset = 0;

        assert_part(&offset, &m, TEXT_PLAIN, "Failed password for ");
        assert_part(&offset, &m, TEXT_FIELD, "root");
        assert_part(&offset, &m, TEXT_PLAIN, " from ");
        assert_part(&offset, &m, TEXT_ADDRESS, "192.0.2.1");
        assert_part(&offset, &m, TEXT_PLAIN, " port ");
        assert_part(&offset, &m, TEXT_FIELD, "22");
        assert_int_equal(offset, strlen(text));
}

static void without_a_match_all_is_plain(void **state) {
        const MatcherResult nothing = {}, elsewhere = { .addr = { "192.0.2.1", 9 } };
        size_t offset = 0;

        assert_part(&offset, NULL, TEXT_PLAIN, text);
        offset = 0;
        assert_part(&offset, &nothing, TEXT_PLAIN, text);
        offset = 0;
        assert_part(&offset, &elsewhere, TEXT_PLAIN, text);
}

static void spans_may_be_empty_touch_and_overlap(void **state) {
        const MatcherResult m = {
                .addr = span_of("192.0.2.1"),
                .n_fields = 3,
                .fields = { { "empty", { text, 0 } },
                                { "before", span_of("from ") },
                                { "net", span_of("192.0.2") } },
        };
        size_t offset = 0;

        assert_part(&offset, &m, TEXT_PLAIN, "Failed password for root ");
        assert_part(&offset, &m, TEXT_FIELD, "from 192.0.2");
        assert_part(&offset, &m, TEXT_ADDRESS, ".1");
        assert_part(&offset, &m, TEXT_PLAIN, " port 22");
}

static void assert_json(const char *s, size_t size, const char *expected) {
        json_t *j = text_to_json(s, size);

        assert_non_null(j);
        assert_string_equal(json_string_value(j), expected);
        json_decref(j);
}

static void json_has_any_text_and_no_wrong_byte(void **state) {
        assert_json("plain", 5, "plain");
        assert_json("tab\tand\n\033[31m", 13, "tab\tand\n\033[31m");
        assert_json("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
        assert_json("a\xff\xc3z", 4, "a\\xff\\xc3z");
        assert_json("cut \xc3\xbc", 5, "cut \\xc3");
        assert_json("", 0, "");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(parts_are_what_the_match_found),
                cmocka_unit_test(without_a_match_all_is_plain),
                cmocka_unit_test(spans_may_be_empty_touch_and_overlap),
                cmocka_unit_test(json_has_any_text_and_no_wrong_byte),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
