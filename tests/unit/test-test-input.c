/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Formats of `banctl test`: hostile ones, too. What journalctl really writes is in
 * component/test-verb.bats. */

#include "test.h"

#include <sys/mman.h>

#include "ctl/test-input.h"

/* Tuesday, 2026-11-24 10:30:00 UTC */
#define NOW (UINT64_C(1795516200) * USEC_PER_SEC)

static int set_zone(void **state) {
        (void) setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", true);
        return 0;
}

static Input *open_bytes(const void *data, size_t size, InputFormat format) {
        int fd = memfd_create("input", MFD_CLOEXEC);
        Input *i;

        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, size), size);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_ok(input_new(&i, fd, format, NOW));
        return i;
}

static Input *open_text(const char *text) {
        return open_bytes(text, strlen(text), INPUT_AUTO);
}

static void assert_field(const Entry *e, EntryField field, const char *value) {
        if (!value)
                assert_false(entry_has(e, field));
        else
                assert_true(entry_is(e, field, value, strlen(value)));
}

static void assert_next(Input *i, usec_t when, const char *pid, const char *message) {
        EntryValue line;
        Entry e;

        assert_int_equal(input_next(i, &e, &line), 1);
        assert_field(&e, ENTRY_MESSAGE, message);
        assert_field(&e, ENTRY_PID, pid);
        assert_int_equal(e.realtime, when);
}

static void assert_end(Input *i) {
        EntryValue line;
        Entry e;

        assert_int_equal(input_next(i, &e, &line), 0);
}

static InputStats stats(const Input *i) {
        InputStats s;

        input_get_stats(i, &s);
        return s;
}

static void syslog_lines_are_taken_apart(void **state) {
        static const struct {
                const char *line;
                usec_t when;
                const char *host, *identifier, *pid, *message;
        } cases[] = {
                { "Nov 24 11:30:00 a sshd[123]: hi", NOW, "a", "sshd", "123", "hi" },
                { "Nov  4 11:30:00 a sshd[123]: hi",
                                NOW - 20 * USEC_PER_DAY,
                                "a",
                                "sshd",
                                "123",
                                "hi" },
                { "Nov 24 11:30:00.5 a sshd: hi", NOW + 500000, "a", "sshd", NULL, "hi" },
                { "<38>Nov 24 11:30:00 a sshd: hi", NOW, "a", "sshd", NULL, "hi" },
                { "Nov 24 11:30:00 sshd[1]: hi", NOW, NULL, "sshd", "1", "hi" },
                { "2026-11-24T11:30:00.123456+01:00 a postfix/smtpd[7]: a: b",
                                NOW + 123456,
                                "a",
                                "postfix/smtpd",
                                "7",
                                "a: b" },
                { "2026-11-24T11:30:00+0100 a sshd[7]: hi", NOW, "a", "sshd", "7", "hi" },
                { "2026-11-24T10:30:00Z a sshd[7]:", NOW, "a", "sshd", "7", NULL },
                { "2026-11-24 11:30:00 a sshd[x]: hi", NOW, "a", "sshd[x]", NULL, "hi" },
                { "Tue 2026-11-24 11:30:00 CET a sshd[7]: hi", NOW, "a", "sshd", "7", "hi" },
                { "Tue 2026-11-24 10:30:00 UTC a sshd[7]: hi", NOW, "a", "sshd", "7", "hi" },
        };

        for (size_t k = 0; k < ELEMENTSOF(cases); k++) {
                Input *i = open_text(cases[k].line);
                EntryValue line;
                Entry e;

                if (!cases[k].message) {
                        assert_end(i);
                        assert_int_equal(stats(i).n_empty, 1);
                        input_free(i);
                        continue;
                }

                assert_int_equal(input_next(i, &e, &line), 1);
                assert_field(&e, ENTRY_HOSTNAME, cases[k].host);
                assert_field(&e, ENTRY_SYSLOG_IDENTIFIER, cases[k].identifier);
                assert_field(&e, ENTRY_PID, cases[k].pid);
                assert_field(&e, ENTRY_SYSLOG_PID, cases[k].pid);
                assert_field(&e, ENTRY_MESSAGE, cases[k].message);
                assert_int_equal(e.realtime, cases[k].when);
                assert_int_equal(line.size, strlen(cases[k].line));
                assert_int_equal(stats(i).n_plain, 0);
                input_free(i);
        }
}

static void december_is_of_last_year(void **state) {
        Input *i = open_text("Dec 24 10:30:00 a b: one\nNov 25 11:30:00 a b: two\n");

        assert_next(i, NOW - 335 * USEC_PER_DAY - USEC_PER_HOUR, NULL, "one");
        assert_next(i, NOW + USEC_PER_DAY, NULL, "two"); /* clocks differ */
        assert_end(i);
        input_free(i);
}

static void other_lines_are_messages_a_second_apart(void **state) {
        static const char *const lines[] = {
                "login failed",
                "2026-11-24 10:30:00 login failed for root",
                "2026-11-24T10:30:00Z",
                "2026-13-24T10:30:00Z a b: c",
                "Nov 31 10:30:00 a b: c",
                "Nov 24 10:30 a b: c",
                "Nov 24 10:30:00 a b c",
                "Nov 24 10:30:00 ",
                "Nov 24 10:30:00",
                "Nov",
                "<1",
                "{\"time\":1,\"msg\":\"login failed\"}",
        };

        for (size_t k = 0; k < ELEMENTSOF(lines); k++) {
                Input *i = open_text(lines[k]);

                assert_next(i, NOW + USEC_PER_SEC, NULL, lines[k]);
                assert_int_equal(stats(i).n_plain, 1);
                assert_end(i);
                input_free(i);
        }
}

static void cat_takes_nothing_apart(void **state) {
        static const char text[] = "Nov 24 11:30:00 a b[1]: c\n\nd\r\n";
        Input *i = open_bytes(text, strlen(text), INPUT_CAT);

        assert_next(i, NOW + USEC_PER_SEC, NULL, "Nov 24 11:30:00 a b[1]: c");
        assert_next(i, NOW + 2 * USEC_PER_SEC, NULL, "d");
        assert_end(i);
        input_free(i);
}

static void remarks_of_journalctl_are_no_entries(void **state) {
        Input *i = open_text("-- Journal begins at Tue 2026-11-24 --\n-- Boot 1111 --\n"
                             "Nov 24 11:30:00 a b[1]: [42B blob data]\n"
                             "Nov 24 11:30:00 a b[1]: c\n");

        assert_next(i, NOW, "1", "c");
        assert_end(i);
        assert_int_equal(stats(i).n_left_out, 1);
        input_free(i);
}

static void any_bytes_are_a_message(void **state) {
        static const char text[] = "a\0b\xff\n\0\n";
        Input *i = open_bytes(text, sizeof(text) - 1, INPUT_AUTO);
        EntryValue line;
        Entry e;

        assert_int_equal(input_next(i, &e, &line), 1);
        assert_true(entry_is(&e, ENTRY_MESSAGE, "a\0b\xff", 4));
        assert_int_equal(input_next(i, &e, &line), 1);
        assert_true(entry_is(&e, ENTRY_MESSAGE, "\0", 1));
        assert_end(i);
        input_free(i);
}

static void long_lines_are_cut_and_counted(void **state) {
        static char text[400000];
        Input *i;
        EntryValue line;
        Entry e;

        memset(text, 'x', sizeof(text));
        memcpy(text + sizeof(text) - 3, "\nb\n", 3);
        i = open_bytes(text, sizeof(text), INPUT_AUTO);

        assert_int_equal(input_next(i, &e, &line), 1);
        assert_int_equal(e.fields[ENTRY_MESSAGE].size, ENTRY_MESSAGE_MAX);
        assert_next(i, NOW + 2 * USEC_PER_SEC, NULL, "b");
        assert_end(i);
        assert_int_equal(stats(i).n_cut, 1);
        input_free(i);
}

/* Limits and the buffer's chunks have edges. */
static void lines_of_all_lengths_are_whole(void **state) {
        static const size_t sizes[] = {
                1, 8191, 8192, 65535, 65536, 65537, 131071, 131072, 131073
        };
        static char text[300000];

        for (size_t k = 0; k < ELEMENTSOF(sizes); k++)
                for (size_t shift = 0; shift < 4; shift++) {
                        size_t n = 0, max = ENTRY_MESSAGE_MAX;
                        EntryValue line;
                        Entry e;
                        Input *i;

                        memset(text, 'x', sizeof(text));
                        n = sizes[k] + shift;
                        memcpy(text + n, "\nend", 4);
                        i = open_bytes(text, n + 4, INPUT_AUTO);
                        assert_int_equal(input_next(i, &e, &line), 1);
                        assert_int_equal(e.fields[ENTRY_MESSAGE].size, MIN(n, max));
                        assert_int_equal(stats(i).n_cut, n > max);
                        assert_next(i, NOW + 2 * USEC_PER_SEC, NULL, "end");
                        assert_end(i);
                        input_free(i);
                }
}

static void json_has_text_bytes_and_lists(void **state) {
        Input *i = open_text(
                        "{\"__REALTIME_TIMESTAMP\":\"1795516200000000\",\"_PID\":\"7\","
                        "\"MESSAGE\":\"a \\u00e4\",\"X\":{}}\n"
                        "{\"__REALTIME_TIMESTAMP\":\"1795516201000000\",\"_PID\":[\"8\",\"9\"],"
                        "\"MESSAGE\":[97,255,0]}\n"
                        "{\"MESSAGE\":[[98],\"c\"]}\n");
        EntryValue line;
        Entry e;

        assert_next(i, NOW, "7", "a \xc3\xa4");
        assert_int_equal(input_next(i, &e, &line), 1);
        assert_true(entry_is(&e, ENTRY_MESSAGE, "a\xff\0", 3));
        assert_field(&e, ENTRY_PID, "8");
        assert_next(i, NOW + 2 * USEC_PER_SEC, NULL, "b");
        assert_end(i);
        assert_int_equal(input_get_format(i), INPUT_JSON);
        input_free(i);
}

static void json_that_is_none_is_counted(void **state) {
        Input *i = open_text(
                        "{\"MESSAGE\":\"a\"}\n"
                        "{\"MESSAGE\":\n"
                        "[]\n"
                        "{\"MESSAGE\":null}\n"
                        "{\"MESSAGE\":[97,256]}\n"
                        "{\"MESSAGE\":[]}\n"
                        "{\"MESSAGE\":\"b\",\"__REALTIME_TIMESTAMP\":\"99999999999999999999\"}\n"
                        "{\"MESSAGE\":\"");

        assert_next(i, NOW + USEC_PER_SEC, NULL, "a");
        assert_next(i, NOW + 2 * USEC_PER_SEC, NULL, "b");
        assert_end(i);
        assert_int_equal(stats(i).n_broken, 3);
        assert_int_equal(stats(i).n_empty, 3);
        input_free(i);
}

static void huge_json_is_bounded(void **state) {
        size_t size = (size_t) 3 * 1024 * 1024;
        char *text = malloc(size);
        Input *i;

        assert_non_null(text);
        memset(text, '[', size);
        memcpy(text, "{\"MESSAGE\":\"a\"}\n", 16);
        memcpy(text + size - 17, "\n{\"MESSAGE\":\"b\"}\n", 17);
        i = open_bytes(text, size, INPUT_AUTO);
        free(text);

        assert_next(i, NOW + USEC_PER_SEC, NULL, "a");
        assert_next(i, NOW + 2 * USEC_PER_SEC, NULL, "b");
        assert_end(i);
        assert_int_equal(stats(i).n_broken, 1);
        input_free(i);
}

#define EXPORT_HEAD "__CURSOR=x\n__REALTIME_TIMESTAMP=1795516200000000\n_PID=7\n"

static void export_has_text_and_bytes(void **state) {
        static const char text[] = EXPORT_HEAD "MESSAGE=a\n\n" EXPORT_HEAD
                                               "MESSAGE\n\3\0\0\0\0\0\0\0\n\0\xff\n"
                                               "OTHER\n\2\0\0\0\0\0\0\0xy\n";
        Input *i = open_bytes(text, sizeof(text) - 1, INPUT_AUTO);
        EntryValue line;
        Entry e;

        assert_next(i, NOW, "7", "a");
        assert_int_equal(input_next(i, &e, &line), 1);
        assert_true(entry_is(&e, ENTRY_MESSAGE, "\n\0\xff", 3));
        assert_end(i);
        assert_int_equal(input_get_format(i), INPUT_EXPORT);
        assert_int_equal(stats(i).n_broken, 0);
        input_free(i);
}

static void broken_export_is_counted_and_ends(void **state) {
        static const struct {
                const char *text;
                size_t size;
        } cases[] = {
#define CASE(s) { EXPORT_HEAD s, sizeof(EXPORT_HEAD s) - 1 }
                CASE("MESSAGE"),
                CASE("MESSAGE\n"),
                CASE("MESSAGE\n\3\0\0\0"),
                CASE("MESSAGE\n\3\0\0\0\0\0\0\0a"),
                CASE("MESSAGE\n\3\0\0\0\0\0\0\0abc"),
                CASE("MESSAGE\n\3\0\0\0\0\0\0\0abcX"),
                CASE("MESSAGE\n\377\377\377\377\377\377\377\377abc\n"),
                CASE("MESSAGE\n\0\0\0\0\0\1\0\0abc\n"),
                CASE("OTHER\n\377\377\377\377\377\377\377\377abc\n"),
                CASE("not a field\n"),
                CASE("\xff=\n"),
                CASE("=\n"),
                CASE("__REALTIME_TIMESTAMP=x\n"),
#undef CASE
        };

        for (size_t k = 0; k < ELEMENTSOF(cases); k++) {
                Input *i = open_bytes(cases[k].text, cases[k].size, INPUT_AUTO);

                assert_end(i);
                assert_int_equal(stats(i).n_broken, 1);
                input_free(i);
        }
}

static void long_export_message_is_cut(void **state) {
        static char text[100000];
        size_t n = sizeof(EXPORT_HEAD) - 1;
        EntryValue line;
        Entry e;
        Input *i;

        memset(text, 'x', sizeof(text));
        memcpy(text, EXPORT_HEAD, n);
        memcpy(text + n, "MESSAGE\n\0\1\1\0\0\0\0\0", 16);
        memcpy(text + n + 16 + 65792, "\n\n" EXPORT_HEAD "MESSAGE=b\n\n", n + 13);
        i = open_bytes(text, n + 16 + 65792 + n + 13, INPUT_AUTO);

        assert_int_equal(input_next(i, &e, &line), 1);
        assert_int_equal(e.fields[ENTRY_MESSAGE].size, ENTRY_MESSAGE_MAX);
        assert_true(e.is_cut);
        assert_int_equal(input_next(i, &e, &line), 1);
        assert_int_equal(e.fields[ENTRY_MESSAGE].size, 1);
        assert_false(e.is_cut);
        assert_end(i);
        assert_int_equal(stats(i).n_cut, 1);
        input_free(i);
}

/* Whatever comes: no crash, no endless loop, and every entry is bounded. */
static void garbage_is_survived(void **state) {
        static const char *const pieces[] = {
                "MESSAGE",
                "=",
                "\n",
                "\n\n",
                "__CURSOR=",
                "__REALTIME_TIMESTAMP=",
                "{",
                "}",
                "\"",
                ":",
                "[",
                "]",
                "1",
                ",",
                "Nov 24 ",
                "10:30:00 ",
                "a[1]: ",
                "\377",
                "2026-11-24T",
                "Z ",
        };
        Random random = { 1 };

        for (unsigned round = 0; round < 5000; round++) {
                char text[512];
                size_t n = 0, n_lines = 0;
                EntryValue line;
                Entry e;
                Input *i;

                while (n < 400) {
                        const char *piece = pieces[random_below(&random, ELEMENTSOF(pieces))];

                        if (random_below(&random, 20) == 0)
                                text[n++] = (char) random_below(&random, 256);
                        memcpy(text + n, piece, strlen(piece));
                        n += strlen(piece);
                }

                i = open_bytes(text, n, (InputFormat) random_below(&random, INPUT_JOURNAL));
                while (input_next(i, &e, &line) > 0) {
                        assert_true(e.fields[ENTRY_MESSAGE].size <= ENTRY_MESSAGE_MAX);
                        assert_true(++n_lines <= n);
                }
                input_free(i);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(syslog_lines_are_taken_apart),
                cmocka_unit_test(december_is_of_last_year),
                cmocka_unit_test(other_lines_are_messages_a_second_apart),
                cmocka_unit_test(cat_takes_nothing_apart),
                cmocka_unit_test(remarks_of_journalctl_are_no_entries),
                cmocka_unit_test(any_bytes_are_a_message),
                cmocka_unit_test(long_lines_are_cut_and_counted),
                cmocka_unit_test(lines_of_all_lengths_are_whole),
                cmocka_unit_test(json_has_text_bytes_and_lists),
                cmocka_unit_test(json_that_is_none_is_counted),
                cmocka_unit_test(huge_json_is_bounded),
                cmocka_unit_test(export_has_text_and_bytes),
                cmocka_unit_test(broken_export_is_counted_and_ends),
                cmocka_unit_test(long_export_message_is_cut),
                cmocka_unit_test(garbage_is_survived),
        };

        return cmocka_run_group_tests(tests, set_zone, NULL);
}
