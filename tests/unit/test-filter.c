/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"
#include "problems.h"

#include "model/filter.h"

#define ADDR_REGEX "(?<addr>[0-9A-Fa-f:.]{2,45}(?:%[\\w.-]{1,16})?)"

static Filter *load(const Files *f, const char *text) {
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        Filter *filter = NULL;
        int r;

        r = filter_load(&filter, "x", files_write(f, "x.conf", text), &sink);
        problems_assert(&problems, "");
        assert_int_equal(r, 0);
        return filter;
}

static void assert_refused(const Files *f, const char *text, const char *wanted) {
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        Filter *filter = NULL;
        const char *path = files_write(f, "x.conf", text);
        char line[2 * PROBLEM_STR_SIZE];

        assert_fails(filter_load(&filter, "x", path, &sink), EINVAL);
        assert_null(filter);
        (void) snprintf(line, sizeof(line), "%s: %s", path, wanted);
        problems_assert(&problems, line);
        assert_int_equal(sink.n_problems, 1);
}

static void filter_says_what_it_is(void **state) {
        _cleanup_(filter_freep) Filter *f = load(*state,
                        "[filter]\ndescription = An example\nunits = a.service b.service\n"
                        "require = _UID=0 _GID=0\nidentifiers = one, two\nsession = _PID\n"
                        "[fail]\nbad = 'bad <ADDR>'\n");

        assert_string_equal(f->name, "x");
        assert_string_equal(f->description, "An example");
        assert_string_equal(f->units, "a.service b.service");
        assert_int_equal(f->require->n_groups, 1);
        assert_int_equal(f->require->groups[0].n_terms, 2);
        assert_int_equal(f->n_identifiers, 2);
        assert_string_equal(f->identifiers[1], "two");
        assert_int_equal(f->session, FILTER_SESSION_FIELD);
        assert_int_equal(f->session_field, ENTRY_PID);
}

static void little_is_needed(void **state) {
        _cleanup_(filter_freep) Filter *f = load(*state, "[fail]\nbad = 'bad <ADDR>'\n");

        assert_string_equal(f->description, "");
        assert_string_equal(f->units, "");
        assert_int_equal(f->require->n_groups, 0);
        assert_int_equal(f->n_identifiers, 0);
        assert_int_equal(f->session, FILTER_SESSION_NONE);
        assert_int_equal(f->n_patterns, 1);
        assert_string_equal(f->patterns[0].name, "bad");
        assert_string_equal(f->patterns[0].regex, "bad " ADDR_REGEX);
        assert_int_equal(f->patterns[0].kind, PATTERN_FAIL);
}

static void patterns_to_ignore_come_first(void **state) {
        static const char *const order[] = { "i", "f1", "f2", "o", "c" };
        _cleanup_(filter_freep) Filter *f = load(*state,
                        "[filter]\nsession = _PID\n[context]\nc = c\n[once]\no = o\n[fail]\nf1 = 1\nf2 = 2\n[ignore]\ni = i\n");

        assert_int_equal(f->n_patterns, ELEMENTSOF(order));
        for (size_t i = 0; i < ELEMENTSOF(order); i++)
                assert_string_equal(f->patterns[i].name, order[i]);
        assert_int_equal(f->patterns[0].kind, PATTERN_IGNORE);
        assert_int_equal(f->patterns[3].kind, PATTERN_ONCE);
        assert_int_equal(f->patterns[4].kind, PATTERN_CONTEXT);
}

static void kinds_are_named_as_their_sections(void **state) {
        assert_string_equal(pattern_kind_to_string(PATTERN_FAIL), "fail");
        assert_string_equal(pattern_kind_to_string(PATTERN_ONCE), "once");
        assert_string_equal(pattern_kind_to_string(PATTERN_CONTEXT), "context");
        assert_string_equal(pattern_kind_to_string(PATTERN_IGNORE), "ignore");
}

static void parts_are_put_in_place(void **state) {
        _cleanup_(filter_freep) Filter *f = load(*state,
                        "[define]\npeer = 'from <ADDR> <tail>'\ntail = 'port <PORT>'\n"
                        "[fail]\nbad = '<USER> <peer>'\n");

        assert_string_equal(f->patterns[0].regex,
                        "(?<user>.*) from " ADDR_REGEX " port (?<port>[0-9]{1,5})");
}

static void backslash_that_is_escaped_escapes_nothing(void **state) {
        _cleanup_(filter_freep) Filter *f = load(
                        *state, "[define]\na = 'x'\n[fail]\nb = '\\\\<a> \\<a> \\\\\\<a> <a>'\n");

        assert_string_equal(f->patterns[0].regex, "\\\\x \\<a> \\\\\\<a> x");
}

static void angles_that_mean_something_to_pcre_stay(void **state) {
        static const char *const same[] = {
                "(?<name>x)",
                "(?P<name>x)",
                "(?<name>x)\\k<name>",
                "(?<name>x)\\g<name>",
                "\\<escaped>",
                "(?<=a)b",
                "(?<!a)b",
                "<>",
                "a < b > c",
                "<a b>",
                "<[^>]*>",
                "x<",
                "from=<[^>]*>",
                "(?>a)",
        };

        for (size_t i = 0; i < ELEMENTSOF(same); i++) {
                _cleanup_(filter_freep) Filter *f = NULL;
                char text[256];

                (void) snprintf(text, sizeof(text), "[fail]\nbad = '%s'\n", same[i]);
                f = load(*state, text);
                assert_string_equal(f->patterns[0].regex, same[i]);
        }
}

static void unknown_parts_are_named(void **state) {
        assert_refused(*state,
                        "[fail]\nbad = 'x <nosuch>'\n",
                        "[fail] bad: <nosuch> is not a part: it is neither built in (ADDR, IP4, IP6, HOST, "
                        "USER, PORT, SESSION, TEXT, and in [prefix] CONTENT) nor a key of [define].");
        assert_refused(*state,
                        "[define]\na = '<b>'\nc = 'x'\n[once]\nbad = 'x <nosuchpart>'\n",
                        "[once] bad: <nosuchpart> is not a part: it is neither built in (ADDR, IP4, IP6, HOST, USER, "
                        "PORT, SESSION, TEXT, and in [prefix] CONTENT) nor a key of [define].");
}

static void nearest_part_is_named(void **state) {
        assert_refused(*state,
                        "[define]\npeer = 'x'\n[fail]\nbad = '<per> <ADDR>'\n",
                        "[fail] bad: <per> is not a part; did you mean <peer>?");
        assert_refused(*state,
                        "[fail]\nbad = '<ADR>'\n",
                        "[fail] bad: <ADR> is not a part; did you mean <ADDR>?");
        assert_refused(*state,
                        "[fail]\nbad = '<CONTENT> <ADDR>'\n",
                        "[fail] bad: <CONTENT> is a part of patterns in [prefix] alone.");
}

static void parts_that_contain_themselves_are_refused(void **state) {
        assert_refused(*state,
                        "[define]\na = 'x<a>'\n[fail]\nbad = '<a>'\n",
                        "[fail] bad: <a> contains itself.");
        assert_refused(*state,
                        "[define]\na = '<b>'\nb = '<a>'\n[fail]\nbad = '<a>'\n",
                        "[fail] bad: <a> contains itself.");
}

static void size_of_a_pattern_is_bounded(void **state) {
        /* Each part is ten of the next: 8 levels of them would be 900 MB. */
        assert_refused(*state,
                        "[define]\n"
                        "a = '<b><b><b><b><b><b><b><b><b><b>'\nb = '<c><c><c><c><c><c><c><c><c><c>'\n"
                        "c = '<d><d><d><d><d><d><d><d><d><d>'\nd = '<e><e><e><e><e><e><e><e><e><e>'\n"
                        "e = 'eeeeeeeee'\n"
                        "[fail]\nbad = '<a>'\n",
                        "[fail] bad: the pattern is longer than 16384 bytes with its parts in place.");
}

static void empty_patterns_are_refused(void **state) {
        assert_refused(*state, "[fail]\ngood = x\nbad =\n", "[fail] bad: the pattern is empty.");
}

static void filter_without_failures_is_refused(void **state) {
        assert_refused(*state,
                        "[context]\nx = y\n",
                        "the filter has no pattern in [fail] or [once], so it can recognise nothing.");
        assert_refused(*state,
                        "",
                        "the filter has no pattern in [fail] or [once], so it can recognise nothing.");
}

static void unknown_sections_and_keys_are_named(void **state) {
        assert_refused(*state,
                        "[fail]\na = b\n[failregex]\nx = y\n",
                        "[failregex] unknown section; known are [filter], [define], [prefix], "
                        "[ignore], [begin], [fail], [once], [clear] and [context].");
        assert_refused(*state,
                        "[filter]\nmaxretry = 3\n[fail]\na = b\n",
                        "[filter] maxretry: unknown key; known are description, units, journal, "
                        "namespace, require, identifiers, text, session, clear and spoofable.");
}

static void wrong_values_are_named(void **state) {
        assert_refused(*state,
                        "[filter]\nrequire = _UID=0 + _UID=1\n[fail]\na = b\n",
                        "[filter] require: \"\" should be terms like _UID=0, without \"+\".");
        assert_refused(*state,
                        "[filter]\nrequire = _UID=0 root\n[fail]\na = b\n",
                        "[filter] require: \"root\" should be terms like _UID=0, without \"+\".");
        assert_refused(*state,
                        "[filter]\nsession = pid\n[fail]\na = b\n",
                        "[filter] session: \"pid\" is not a journal field that makes a session; it should be "
                        "_PID, SYSLOG_PID or the like, or capture.");
        assert_refused(*state,
                        "[filter]\nidentifiers = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n[fail]\na = b\n",
                        "[filter] identifiers: at most 16 identifiers are possible.");
}

static void each_mistake_is_told_with_what_would_be_right(void **state) {
        static const struct {
                const char *text;
                const char *wanted;
        } cases[] = {
                { "[filter]\ntext = lines\n[fail]\na = b\n",
                                "[filter] text: \"lines\" should be message or line." },
                { "[filter]\nclear = all\n[fail]\na = b\n",
                                "[filter] clear: \"all\" should be session or address." },
                { "[filter]\nspoofable = maybe\n[fail]\na = b\n",
                                "[filter] spoofable: \"maybe\" should be yes or no." },
                { "[filter]\nnamespace = a/b\n[fail]\na = b\n",
                                "[filter] namespace: \"a/b\" is no journal namespace; it should be "
                                "letters, digits and \"_.-\"." },
                { "[filter]\nunits = nodot\n[fail]\na = b\n",
                                "[filter] units: \"nodot\" should be names of units like ssh.service "
                                "or ssh@.service." },
                { "[filter]\njournal = bad\n[fail]\na = b\n",
                                "[filter] journal: \"bad\" should be terms like "
                                "_SYSTEMD_UNIT=ssh.service, with \"+\" between alternatives." },
                { "[filter]\njournal = NO=x\n[fail]\na = b\n",
                                "[filter] journal: \"NO=x\": banjo does not read that field; "
                                "banjo.conf(5) lists those it does." },
                { "[filter]\nunits = a.service\njournal = _COMM=a\n[fail]\na = b\n",
                                "[filter] journal: units and journal cannot both be there; write the "
                                "units as _SYSTEMD_UNIT=... terms." },
                { "[filter]\ndescription = \xff\n[fail]\na = b\n",
                                "[filter] description: the text is not UTF-8." },
                { "[fail]\n\xff = b\n", "[fail] the name of a pattern is not UTF-8." },
                { "[filter]\nsesion = _PID\n[fail]\na = b\n",
                                "[filter] sesion: unknown key; did you mean session?" },
                { "[fial]\na = b\n[fail]\na = b\n",
                                "[fial] unknown section; did you mean [fail]?" },
                { "[fail]\na = b\n[fail.all]\nb = c\n",
                                "[fail.all] \"all\" cannot be the name of a group: jails mean all of "
                                "them by it." },
                { "[fail]\na = b\n[fail.a b]\nb = c\n",
                                "[fail.a b] the name of a group should be up to 63 letters, digits, "
                                "\"-\" and \"_\"." },
                { "[fail]\na = b\n[prefix.x]\nb = '<CONTENT>'\n",
                                "[prefix.x] prefixes have no groups; they serve all patterns." },
                { "[fail]\na = b\n[prefix]\nb = 'x'\n",
                                "[prefix] b: the prefix has no <CONTENT>, so the patterns have no "
                                "text." },
                { "[fail]\na = b\n[begin]\nb = 'x'\n",
                                "[begin] b: without session = in [filter] there is none to begin." },
                { "[fail]\na = b\n[clear]\nb = '<USER>'\n",
                                "[clear] b: there is no session to forgive; [filter] needs session = "
                                "or clear = address." },
                { "[filter]\nsession = _PID\n[fail]\na = b\n[clear]\nb = 'x'\n",
                                "[clear] b: the pattern has no <USER>, so nobody can tell which "
                                "failures it forgives." },
                { "[fail]\na = '<SESSION>'\n",
                                "[fail] a: <SESSION> needs session = capture in [filter]." },
                { "[filter]\nsession = capture\n[fail]\na = 'x'\n",
                                "[filter] session: no pattern has a <SESSION> that would capture it." },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_refused(*state, cases[i].text, cases[i].wanted);
}

static void groups_and_prefixes_are_kept(void **state) {
        _cleanup_(filter_freep) Filter *f = load(*state,
                        "[prefix]\np = '<TEXT>: <CONTENT>'\n[fail.ddos]\nb = '<IP4>'\n[fail]\na = '<IP6>'\n");
        char section[PATTERN_SECTION_SIZE];

        assert_int_equal(f->n_prefixes, 1);
        assert_string_equal(f->prefixes[0].regex, "(?:(?#server).*): (?<content>.*)");
        assert_string_equal(f->patterns[0].group, "ddos");
        assert_string_equal(pattern_section(&f->patterns[0], section), "fail.ddos");
        assert_string_equal(f->patterns[1].group, "");
        assert_true(filter_has_group(f, "ddos"));
        assert_false(filter_has_group(f, "dos"));
        assert_false(filter_has_group(f, ""));
}

static void parts_stay_in_one_piece(void **state) {
        _cleanup_(filter_freep) Filter *f = load(*state,
                        "[define]\nor = 'a|b'\nab = 'ab'\n[fail]\nbad = 'x<or>y <ab>+ <ab>'\n");

        assert_string_equal(f->patterns[0].regex, "x(?:a|b)y (?:ab)+ ab");
        assert_string_equal(f->patterns[0].written, "x<or>y <ab>+ <ab>");
        assert_int_equal(f->patterns[0].origins[0], 0);
        assert_int_equal(f->patterns[0].origins[4], 1); /* in <or> */
        assert_int_equal(f->patterns[0].origins[8], 5); /* the y behind it */
}

static void all_mistakes_are_told_at_once(void **state) {
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        Filter *f = NULL;

        assert_fails(filter_load(&f,
                                     "x",
                                     files_write(*state,
                                                     "x.conf",
                                                     "[filter]\na = 1\nb = 2\n[fail]\nc = <d>\n[e]\n"),
                                     &sink),
                        EINVAL);
        assert_int_equal(sink.n_problems, 4); /* a section, two keys and a part */
}

static void too_many_patterns_are_refused(void **state) {
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        char text[8192] = "[fail]\n", *end = text + strlen(text);
        Filter *f = NULL;

        for (unsigned i = 0; i < FILTER_PATTERNS_MAX + 1; i++)
                end += sprintf(end, "p%u = x%u\n", i, i);
        assert_fails(filter_load(&f, "x", files_write(*state, "x.conf", text), &sink), EINVAL);
        assert_non_null(strstr(problems.text, "[fail] p256: a filter has at most 256 patterns."));
}

static void wrong_file_is_named_with_the_line(void **state) {
        assert_refused(*state,
                        "[fail]\nno setting\n",
                        "line 2: syntax error (wanted is \"key = value\", \"[section]\" or a comment, in lines "
                        "of at most 1000 bytes).");
}

static void missing_file_is_a_problem(void **state) {
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        Filter *f = NULL;

        assert_fails(filter_load(&f, "x", files_path(*state, "nosuch.conf"), &sink), EINVAL);
        assert_non_null(strstr(
                        problems.text, "/nosuch.conf: cannot be read: No such file or directory."));
}

/* The filters that are shipped. */
static void shipped_filters_load(void **state) {
        static const char *const names[] = { "sshd", "postfix" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                Problems problems = {};
                ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
                _cleanup_(filter_freep) Filter *f = NULL;
                char path[512];

                (void) snprintf(path, sizeof(path), SOURCE_DIR "/filters/%s.conf", names[i]);
                (void) filter_load(&f, names[i], path, &sink);
                problems_assert(&problems, "");
                assert_non_null(f);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(filter_says_what_it_is),
                cmocka_file_test(little_is_needed),
                cmocka_file_test(patterns_to_ignore_come_first),
                cmocka_unit_test(kinds_are_named_as_their_sections),
                cmocka_file_test(parts_are_put_in_place),
                cmocka_file_test(backslash_that_is_escaped_escapes_nothing),
                cmocka_file_test(angles_that_mean_something_to_pcre_stay),
                cmocka_file_test(unknown_parts_are_named),
                cmocka_file_test(nearest_part_is_named),
                cmocka_file_test(parts_that_contain_themselves_are_refused),
                cmocka_file_test(size_of_a_pattern_is_bounded),
                cmocka_file_test(empty_patterns_are_refused),
                cmocka_file_test(filter_without_failures_is_refused),
                cmocka_file_test(unknown_sections_and_keys_are_named),
                cmocka_file_test(wrong_values_are_named),
                cmocka_file_test(each_mistake_is_told_with_what_would_be_right),
                cmocka_file_test(groups_and_prefixes_are_kept),
                cmocka_file_test(parts_stay_in_one_piece),
                cmocka_file_test(all_mistakes_are_told_at_once),
                cmocka_file_test(too_many_patterns_are_refused),
                cmocka_file_test(wrong_file_is_named_with_the_line),
                cmocka_file_test(missing_file_is_a_problem),
                cmocka_unit_test(shipped_filters_load),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
