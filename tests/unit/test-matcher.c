/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"
#include "problems.h"

#include "engine/matcher.h"

/* A filter with its matcher, made from the text of a file. */
typedef struct Fixture {
        Filter *filter;
        Matcher *matcher;
        MatcherError error;
        int result;
} Fixture;

static void fixture_done(Fixture *f) {
        matcher_free(f->matcher);
        filter_free(f->filter);
}

static Fixture make(const Files *files, const char *text) {
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        Fixture f = {};

        (void) filter_load(&f.filter, "x", files_write(files, "x.conf", text), &sink);
        problems_assert(&problems, "");
        f.result = matcher_new(&f.matcher, f.filter, NULL, &f.error);
        return f;
}

static Fixture make_right(const Files *files, const char *text) {
        Fixture f = make(files, text);

        if (f.result < 0)
                fail_msg("%s: %s", f.error.pattern->name, f.error.text);
        return f;
}

/* The name of the pattern that matches, or NULL. */
static const char *match(const Fixture *f, const char *text) {
        MatcherResult result;

        return matcher_run(f->matcher, text, strlen(text), &result) ? result.pattern->name : NULL;
}

/* Fails unless the text matches with this address, or with NULL matches nothing. */
static void assert_address(const Fixture *f, const char *text, const char *wanted) {
        char buf[ADDRESS_STR_SIZE];
        MatcherResult result;
        int r;

        r = matcher_run(f->matcher, text, strlen(text), &result);
        assert_int_equal(r, wanted ? 1 : 0);
        if (!wanted)
                return;
        assert_true(result.has_address);
        assert_string_equal(address_format(&result.address, buf), wanted);
}

static void assert_compile_error(const Files *files,
                const char *text,
                const char *pattern,
                const char *wanted) {
        _cleanup_(fixture_done) Fixture f = make(files, text);

        assert_fails(f.result, EINVAL);
        assert_null(f.matcher);
        assert_string_equal(f.error.pattern->name, pattern);
        if (!strstr(f.error.text, wanted))
                fail_msg("\"%s\" does not say \"%s\"", f.error.text, wanted);
}

static void first_pattern_that_matches_counts(void **state) {
        _cleanup_(fixture_done) Fixture f = make_right(*state,
                        "[filter]\nsession = _PID\n[context]\nc = '.*'\n[once]\no = 'x.*'\n[fail]\na = 'xa.*'\nb = 'xab.*'\n"
                        "[ignore]\ni = 'xabc.*'\n");
        MatcherResult result;

        assert_string_equal(match(&f, "xabcd"), "i");
        assert_string_equal(match(&f, "xab"), "a");
        assert_string_equal(match(&f, "xb"), "o");
        assert_string_equal(match(&f, "y"), "c");
        assert_int_equal(matcher_run(f.matcher, "xabcd", 5, &result), 1);
        assert_int_equal(result.kind, PATTERN_IGNORE);
        assert_false(result.has_address);
}

static void whole_message_has_to_match(void **state) {
        _cleanup_(fixture_done) Fixture f = make_right(
                        *state, "[fail]\na = 'bad <ADDR>|worse <ADDR2>'\n[define]\naddr2 = 'x'\n");

        assert_address(&f, "bad 192.0.2.1", "192.0.2.1");
        assert_null(match(&f, "bad 192.0.2.1 "));
        assert_null(match(&f, " bad 192.0.2.1"));
        assert_null(match(&f, "bad 192.0.2.1\n")); /* where $ would match */
        assert_null(match(&f, "\nbad 192.0.2.1"));
        assert_null(match(&f, "very worse x"));
        assert_string_equal(match(&f, "worse x"), "a");
}

static void dot_matches_every_byte(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make_right(*state, "[fail]\na = 'user <USER> from <ADDR>'\n");

        assert_address(&f, "user a\nb from 192.0.2.1", "192.0.2.1");
        assert_address(&f, "user \xff\xfe\x80 from 192.0.2.1", "192.0.2.1");
        assert_address(&f, "user \xc3\xbc from 192.0.2.1", "192.0.2.1");
        assert_address(&f, "user  from 192.0.2.1", "192.0.2.1");
}

static void nul_bytes_hide_nothing(void **state) {
        static const char text[] = "user a\0b from 192.0.2.1";
        _cleanup_(fixture_done) Fixture f =
                        make_right(*state, "[fail]\na = 'user <USER> from <ADDR>'\n");
        MatcherResult result;

        assert_int_equal(matcher_run(f.matcher, text, sizeof(text) - 1, &result), 1);
        assert_true(result.has_address);
        /* And a NUL at the end is one more byte. */
        assert_int_equal(matcher_run(f.matcher, text, sizeof(text), &result), 0);
        assert_int_equal(matcher_run(f.matcher, text, 0, &result), 0);
}

static void every_single_byte_may_stand_in_a_user_name(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make_right(*state, "[fail]\na = 'user <USER> from <ADDR>'\n");

        for (unsigned byte = 0; byte < 256; byte++) {
                char text[] = "user X from 192.0.2.1";
                MatcherResult result;

                text[5] = (char) byte;
                assert_int_equal(matcher_run(f.matcher, text, sizeof(text) - 1, &result), 1);
                assert_true(result.has_address);
        }
}

static void last_address_counts_behind_a_greedy_name(void **state) {
        _cleanup_(fixture_done) Fixture f = make_right(*state,
                        "[fail]\na = 'Failed password for <USER> from <ADDR> port <PORT> ssh2'\n");

        assert_address(&f,
                        "Failed password for root from 203.0.113.9 port 1 ssh2 from 192.0.2.1 port 22 ssh2",
                        "192.0.2.1");
        assert_address(&f,
                        "Failed password for x from 203.0.113.9 port 1 ssh2 from 2001:db8::1 port 2 ssh2",
                        "2001:db8::1");
        assert_address(&f,
                        "Failed password for root from 203.0.113.9 port 1 ssh2 from nowhere port 22 ssh2",
                        NULL);
}

static void what_looks_like_an_address_and_is_none_is_no_match(void **state) {
        _cleanup_(fixture_done) Fixture f = make_right(*state, "[fail]\na = 'from <ADDR>'\n");

        assert_address(&f, "from 192.0.2.1", "192.0.2.1");
        assert_address(&f, "from ::ffff:192.0.2.1", "192.0.2.1");
        assert_address(&f, "from fe80::1%eth0", "fe80::1");
        assert_address(&f, "from 192.0.2.256", NULL);
        assert_address(&f, "from 192.0.2", NULL);
        assert_address(&f, "from 1:2:3", NULL);
        assert_address(&f, "from ...", NULL);
        assert_address(&f, "from dead", NULL);
        assert_address(&f, "from 192.0.2.0/24", NULL);
        assert_address(&f, "from 192.0.2.1%eth0", NULL);
}

static void pattern_behind_one_without_a_true_address_has_its_turn(void **state) {
        _cleanup_(fixture_done) Fixture f = make_right(*state,
                        "[fail]\na = 'from <ADDR>'\nb = 'from dead(?:<ADDR>)?|from dead'\n");

        assert_string_equal(match(&f, "from dead"), "b");
}

static void address_may_be_optional(void **state) {
        _cleanup_(fixture_done) Fixture f = make_right(*state,
                        "[filter]\nsession = _PID\n[fail]\na = 'closed(?: by <ADDR>)?'\nb = '(x)(y)?(?:<ADDR>)?(z)?'\n");
        MatcherResult result;

        assert_address(&f, "closed by 192.0.2.1", "192.0.2.1");
        assert_int_equal(matcher_run(f.matcher, "closed", 6, &result), 1);
        assert_false(result.has_address);

        /* Also when groups behind it are set, or none is. */
        assert_int_equal(matcher_run(f.matcher, "xyz", 3, &result), 1);
        assert_false(result.has_address);
        assert_int_equal(matcher_run(f.matcher, "x", 1, &result), 1);
        assert_false(result.has_address);
        assert_address(&f, "xy192.0.2.1z", "192.0.2.1");
}

static void lines_of_8_kb_match(void **state) {
        _cleanup_(fixture_done) Fixture f = make_right(*state,
                        "[fail]\na = 'user (?:invalid )?<USER> from <ADDR> port <PORT>'\nb = '(?:[a-z]+ ?)+ <ADDR>'\n");
        enum { SIZE = 8192 };
        static const char tail[] = " from 192.0.2.1 port 22";
        char *text = malloc(SIZE);
        MatcherResult result;

        assert_non_null(text);
        memset(text, 'x', SIZE);
        memcpy(text, "user ", 5);
        memcpy(text + SIZE - strlen(tail), tail, strlen(tail));
        assert_int_equal(matcher_run(f.matcher, text, SIZE, &result), 1);
        assert_string_equal(result.pattern->name, "a");
        assert_true(result.has_address);
        assert_int_equal(matcher_get_n_exceeded(f.matcher), 0);

        /* A name full of what looks like the end. */
        for (size_t i = 5; i + 2 * strlen(tail) < SIZE; i += strlen(tail))
                memcpy(text + i, " from 203.0.113.9 port 1", strlen(tail));
        assert_int_equal(matcher_run(f.matcher, text, SIZE, &result), 1);
        assert_int_equal(result.address.bytes[0], 192);
        free(text);
}

static void catastrophic_pattern_gives_up_and_is_counted(void **state) {
        _cleanup_(fixture_done) Fixture f = make_right(
                        *state, "[fail]\nevil = '(?:a+)+b <ADDR>'\ngood = 'a+c <ADDR>'\n");
        char text[2048];

        memset(text, 'a', sizeof(text));
        strcpy(text + 1000, "c 192.0.2.1");
        assert_string_equal(match(&f, text), "good"); /* the others go on */
        assert_int_equal(matcher_get_n_exceeded(f.matcher), 1);
        assert_string_equal(match(&f, text), "good");
        assert_int_equal(matcher_get_n_exceeded(f.matcher), 2);
        assert_string_equal(match(&f, "aab 192.0.2.1"), "evil");
        assert_int_equal(matcher_get_n_exceeded(f.matcher), 2);
}

static void deep_recursion_gives_up(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make_right(*state, "[fail]\nevil = '(?<p>\\((?&p)*\\))<ADDR>'\n");
        char text[8192];

        memset(text, '(', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        assert_null(match(&f, text));
}

/* A table over first bytes skips patterns; whatever it says, the answer is that of the pattern. */
static void first_byte_never_hides_a_match(void **state) {
        static const struct {
                const char *regex;
                const char *matching;
        } cases[] = {
                { "abc", "abc" },
                { "(?i)abc", "ABC" },
                { "(?i)abc", "abc" },
                { "(?i)ABC", "abc" },
                { "(?i:a)bc", "Abc" },
                { "[aA]uth", "auth" },
                { "[aA]uth", "Auth" },
                { "(?i)[a-c]x", "BX" },
                { "a?bc", "bc" },
                { "a*bc", "bc" },
                { "(?:a|b|)c", "c" },
                { "(?:foo|bar)", "bar" },
                { "foo|bar", "bar" },
                { "|x", "x" },
                { ".b", "xb" },
                { "[^a]b", "bb" },
                { "\\d+", "7" },
                { "(?=a)abc", "abc" },
                { "(?!b)abc", "abc" },
                { "(?<!x)abc", "abc" },
                { "\\Aabc", "abc" },
                { "^abc", "abc" },
                { "(?m)^abc", "abc" },
                { "\\babc", "abc" },
                { "(a)\\1", "aa" },
                { "(?i)(a)\\1", "aA" },
                { "\\xff+", "\xff\xff" },
                { "(?i)\\xe4", "\xe4" },
                { "(?>ab|a)c", "ac" },
                { "(?(?=a)ab|cd)", "cd" },
                { "(?(DEFINE)(?<q>x))(?&q)y", "xy" },
                { "\\Qa.b\\E", "a.b" },
                { "\\x40", "@" },
                { "(?i)\\x40", "@" },
                { "(?i)k", "K" },
                { "(?s).*abc", "abc" },
                { "(?:a{0,2})b", "b" },
                { "\\s*x", "x" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(fixture_done) Fixture f = {};
                char text[256];

                (void) snprintf(text,
                                sizeof(text),
                                "[filter]\nsession = _PID\n[fail]\np = '%s'\n",
                                cases[i].regex);
                f = make_right(*state, text);
                if (!match(&f, cases[i].matching))
                        fail_msg("'%s' does not match '%s'", cases[i].regex, cases[i].matching);
                assert_null(match(&f, "~~~"));
        }
}

/* Each single byte in either case, alone and as the first of more. */
static void caseless_patterns_match_both_cases_of_every_letter(void **state) {
        for (unsigned letter = 'a'; letter <= 'z'; letter++) {
                _cleanup_(fixture_done) Fixture f = {};
                char text[128];

                (void) snprintf(text,
                                sizeof(text),
                                "[filter]\nsession = _PID\n[fail]\np = '(?i)%cuth'\n",
                                letter);
                f = make_right(*state, text);
                assert_non_null(match(&f, (char[]){ (char) letter, 'u', 't', 'h', '\0' }));
                assert_non_null(match(&f, (char[]){ (char) (letter - 32), 'U', 'T', 'H', '\0' }));
        }
}

static void empty_message_matches_nothing(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make_right(*state, "[filter]\nsession = _PID\n[fail]\na = '.*'\n");

        assert_null(match(&f, ""));
        assert_non_null(match(&f, "x"));
}

static void groups_of_all_patterns_have_room(void **state) {
        _cleanup_(fixture_done) Fixture f = make_right(*state,
                        "[fail]\nfew = 'few <ADDR>'\nmany = '(m)(a)(n)(y)(.)(.)?(.)?(.)?(.)?(.)? <ADDR>'\n");

        assert_address(&f, "few 192.0.2.1", "192.0.2.1");
        assert_address(&f, "many! 192.0.2.2", "192.0.2.2");
        assert_address(&f, "many!????? 192.0.2.3", "192.0.2.3");
}

static void pattern_that_does_not_compile_is_named(void **state) {
        assert_compile_error(*state,
                        "[fail]\ngood = 'x <ADDR>'\nbad = 'ab(c <ADDR>'\n",
                        "bad",
                        "does not compile: missing closing parenthesis");
        assert_compile_error(*state, "[fail]\nbad = 'ab[ <ADDR>'\n", "bad", "does not compile");
        assert_compile_error(*state,
                        "[fail]\nbad = '<ADDR>*+?'\n",
                        "bad",
                        "does not compile: quantifier does not follow");
        assert_compile_error(*state, "[fail]\nbad = 'ab**+ <ADDR>'\n", "bad", "(at byte 3)");
}

static void pattern_cannot_leave_its_anchors(void **state) {
        assert_compile_error(*state,
                        "[fail]\nbad = 'a <ADDR>)|(?:b'\n",
                        "bad",
                        "does not compile: unmatched closing parenthesis");
        assert_compile_error(*state,
                        "[fail]\nbad = 'a <ADDR>) .* (?:b'\n",
                        "bad",
                        "does not compile: unmatched closing parenthesis");
}

static void utf_and_single_code_units_are_refused(void **state) {
        assert_compile_error(*state, "[fail]\nbad = '(*UTF)a <ADDR>'\n", "bad", "does not compile");
        assert_compile_error(*state, "[fail]\nbad = '\\C <ADDR>'\n", "bad", "does not compile");
}

static void two_addresses_in_one_pattern_are_refused(void **state) {
        assert_compile_error(*state,
                        "[fail]\nbad = '<ADDR> <ADDR>'\n",
                        "bad",
                        "two named subpatterns have the same name");
        assert_compile_error(*state,
                        "[fail]\nbad = '(?J)<ADDR> <ADDR>'\n",
                        "bad",
                        "the pattern has more than one <ADDR>.");
}

static void failure_needs_an_address_from_somewhere(void **state) {
        assert_compile_error(*state,
                        "[fail]\nbad = 'failed'\n",
                        "bad",
                        "the pattern has no <ADDR>, and the filter has no session to take an address from.");
        assert_compile_error(*state,
                        "[once]\nbad = 'failed'\n",
                        "bad",
                        "the pattern has no <ADDR>, and the filter has no session to take an address from.");
}

static void kind_of_the_wrong_pattern_is_told(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make(*state, "[fail]\na = 'x <ADDR>'\n[context]\nb = '('\n");

        assert_fails(f.result, EINVAL);
        assert_int_equal(f.error.pattern->kind, PATTERN_CONTEXT);
        assert_string_equal(f.error.pattern->name, "b");
}

static void mistake_within_a_part_is_shown_where_the_part_stands(void **state) {
        static const char text[] = "[define]\n"
                                   "inner = 'b)'\n"
                                   "outer = 'xx<inner>'\n"
                                   "[fail]\n"
                                   "bad = 'from <ADDR> <outer> end'\n";
        Fixture f = make(*state, text);

        assert_int_equal(f.result, -EINVAL);
        assert_int_equal(f.error.offset, strlen("from <ADDR> "));
        assert_non_null(strstr(f.error.text, "(at byte 12)"));
        fixture_done(&f);
}

static void mistake_behind_a_part_is_shown_where_it_is_written(void **state) {
        Fixture f = make(*state,
                        "[define]\nlong = 'abcdefghijklmnop|q'\n"
                        "[fail]\nbad = '<long> <ADDR> x**+y'\n");

        assert_int_equal(f.result, -EINVAL);
        assert_int_equal(f.error.offset, strlen("<long> <ADDR> x*"));
        fixture_done(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(first_pattern_that_matches_counts),
                cmocka_file_test(whole_message_has_to_match),
                cmocka_file_test(dot_matches_every_byte),
                cmocka_file_test(nul_bytes_hide_nothing),
                cmocka_file_test(every_single_byte_may_stand_in_a_user_name),
                cmocka_file_test(last_address_counts_behind_a_greedy_name),
                cmocka_file_test(what_looks_like_an_address_and_is_none_is_no_match),
                cmocka_file_test(pattern_behind_one_without_a_true_address_has_its_turn),
                cmocka_file_test(address_may_be_optional),
                cmocka_file_test(lines_of_8_kb_match),
                cmocka_file_test(catastrophic_pattern_gives_up_and_is_counted),
                cmocka_file_test(deep_recursion_gives_up),
                cmocka_file_test(first_byte_never_hides_a_match),
                cmocka_file_test(caseless_patterns_match_both_cases_of_every_letter),
                cmocka_file_test(empty_message_matches_nothing),
                cmocka_file_test(groups_of_all_patterns_have_room),
                cmocka_file_test(pattern_that_does_not_compile_is_named),
                cmocka_file_test(pattern_cannot_leave_its_anchors),
                cmocka_file_test(utf_and_single_code_units_are_refused),
                cmocka_file_test(two_addresses_in_one_pattern_are_refused),
                cmocka_file_test(failure_needs_an_address_from_somewhere),
                cmocka_file_test(kind_of_the_wrong_pattern_is_told),
                cmocka_file_test(mistake_within_a_part_is_shown_where_the_part_stands),
                cmocka_file_test(mistake_behind_a_part_is_shown_where_it_is_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
