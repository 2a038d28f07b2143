/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The journal reader on real journals (reader.h). */

#include "half-written.h"
#include "reader.h"

#include <systemd/sd-journal.h>

static void fields_and_time_are_read(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        Entry e;

        add_entry(&x,
                        UNIT
                        "\n_UID=0\n_GID=7\n_PID=4711\n_COMM=sshd\n_EXE=/usr/sbin/sshd\n"
                        "_SYSTEMD_SLICE=system.slice\n_TRANSPORT=syslog\n_HOSTNAME=h\nSYSLOG_IDENTIFIER=sshd\n"
                        "SYSLOG_PID=4712\nSYSLOG_FACILITY=10\nPRIORITY=6\nUNKNOWN_FIELD=x\n_CMDLINE=sshd: root\n"
                        "MESSAGE_ID=a177b87d71174984b96c434c71d4d024\nMESSAGE=hello\n");
        j = open_ssh(export_end(&x, *state, "x.journal"));

        assert_int_equal(journal_next(j, &e), 1);
        assert_int_equal(e.realtime, T0 + USEC_PER_SEC);
        assert_true(entry_is(&e, ENTRY_SYSTEMD_UNIT, "ssh.service", 11));
        assert_true(entry_is(&e, ENTRY_UID, "0", 1));
        assert_true(entry_is(&e, ENTRY_GID, "7", 1));
        assert_true(entry_is(&e, ENTRY_PID, "4711", 4));
        assert_true(entry_is(&e, ENTRY_COMM, "sshd", 4));
        assert_true(entry_is(&e, ENTRY_EXE, "/usr/sbin/sshd", 14));
        assert_true(entry_is(&e, ENTRY_SYSTEMD_SLICE, "system.slice", 12));
        assert_true(entry_is(&e, ENTRY_TRANSPORT, "syslog", 6));
        assert_true(entry_is(&e, ENTRY_HOSTNAME, "h", 1));
        assert_true(entry_is(&e, ENTRY_SYSLOG_IDENTIFIER, "sshd", 4));
        assert_true(entry_is(&e, ENTRY_SYSLOG_PID, "4712", 4));
        assert_true(entry_is(&e, ENTRY_SYSLOG_FACILITY, "10", 2));
        assert_true(entry_is(&e, ENTRY_PRIORITY, "6", 1));
        assert_true(entry_is(&e, ENTRY_MESSAGE_ID, "a177b87d71174984b96c434c71d4d024", 32));
        assert_true(entry_is(&e, ENTRY_MESSAGE, "hello", 5));
        assert_false(entry_has(&e, ENTRY_SYSTEMD_USER_UNIT));
        assert_int_equal(journal_next(j, &e), 0);
}

static void only_wanted_entries_arrive(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_message(&x, "one");
        add_entry(&x, "_SYSTEMD_UNIT=cron.service\n_UID=0\nMESSAGE=two\n");
        add_entry(&x, "_UID=0\nSYSLOG_IDENTIFIER=sshd\nMESSAGE=three\n");
        add_entry(&x, "_UID=1000\nSYSLOG_IDENTIFIER=sshd\nMESSAGE=four\n");
        add_message(&x, "five");
        j = open_all(export_end(&x, *state, "x.journal"));

        want(j, UNIT, "sshd");
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        assert_next(j, "one");
        assert_next(j, "three");
        assert_next(j, "five");
        assert_next(j, NULL);

        want(j, "_SYSTEMD_UNIT=cron.service + _UID=1000", NULL);
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        assert_next(j, "two");
        assert_next(j, "four");
        assert_next(j, NULL);
}

static void what_cannot_be_told_cheaply_arrives_as_well(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_entry(&x, UNIT "\n_UID=1000\nMESSAGE=one\n");
        add_message(&x, "two");
        j = open_all(export_end(&x, *state, "x.journal"));
        want(j, UNIT " _UID=0", NULL);
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        assert_next(j, "one"); /* of the unit, and that is all that was asked */
        assert_next(j, "two");
        assert_next(j, NULL);
}

static void all_matches_are_alternatives(void **state) {
        _cleanup_(match_freep) Match *a = NULL, *b = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        char *identifiers[] = { (char *) "one", (char *) "two" };
        Export x = export_begin();
        const char *bad;

        add_entry(&x, "_SYSTEMD_UNIT=a.service\nMESSAGE=unit\n");
        add_entry(&x, "_SYSTEMD_SLICE=b.slice\n_SYSTEMD_UNIT=b@1.service\nMESSAGE=slice\n");
        add_entry(&x, "_UID=7\nMESSAGE=user\n");
        add_entry(&x, "_UID=0\nSYSLOG_IDENTIFIER=two\nMESSAGE=identifier\n");
        add_entry(&x, "_UID=8\nSYSLOG_IDENTIFIER=two\nMESSAGE=none\n");
        add_entry(&x, "_SYSTEMD_UNIT=b@1.service\nMESSAGE=none\n");
        j = open_all(export_end(&x, *state, "x.journal"));

        assert_int_equal(match_new(&a), 0);
        assert_int_equal(match_new(&b), 0);
        assert_int_equal(match_parse(a, "_SYSTEMD_UNIT=a.service + _UID=7", &bad), 0);
        assert_int_equal(match_parse(b, "_SYSTEMD_SLICE=b.slice", &bad), 0);
        assert_int_equal(journal_set_wants(j,
                                         (const JournalWant[]){
                                                         { .name_space = "", .match = a },
                                                         {
                                                                         .name_space = "",
                                                                         .match = b,
                                                                         .identifiers = identifiers,
                                                                         .n_identifiers = 2,
                                                         },
                                         },
                                         2),
                        0);
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        assert_next(j, "unit");
        assert_next(j, "slice");
        assert_next(j, "user");
        assert_next(j, "identifier");
        assert_next(j, NULL);
}

static void globs_of_units_read_everything(void **state) {
        _cleanup_(match_freep) Match *unit = NULL, *glob = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        const char *bad;
        Entry e;

        add_message(&x, "one");
        add_entry(&x,
                        "_SYSTEMD_UNIT=ssh@7-192.0.2.1:22-198.51.100.66:40000.service\n"
                        "_SYSTEMD_SLICE=elsewhere.slice\nMESSAGE=two\n");
        j = open_all(export_end(&x, *state, "journal/a.journal"));
        journal_close(j);
        j = open_all(files_path(*state, "journal"));

        assert_int_equal(match_new(&unit), 0);
        assert_int_equal(match_new(&glob), 0);
        assert_int_equal(match_add_units(unit, "nosuch.service", NULL, &bad), 0);
        assert_int_equal(match_add_units(glob, "ssh@?*.service", NULL, &bad), 0);
        assert_int_equal(journal_set_wants(j,
                                         (const JournalWant[]){
                                                         { .name_space = "", .match = unit },
                                                         { .name_space = "", .match = glob },
                                         },
                                         2),
                        0);
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        assert_int_equal(journal_next(j, &e), 1);
        assert_false(match_fits(glob, &e));
        assert_int_equal(journal_next(j, &e), 1);
        assert_true(match_fits(glob, &e));
        assert_next(j, NULL);

        /* A unit that nobody had heard of. */
        x = export_begin();
        x.second = 9;
        add_entry(&x, "_SYSTEMD_UNIT=ssh@8-192.0.2.1:22-198.51.100.67:40001.service\nMESSAGE=3\n");
        (void) export_end(&x, *state, "journal/b.journal");
        assert_ok(journal_process(j));
        assert_int_equal(journal_next(j, &e), 1);
        assert_true(match_fits(glob, &e));
}

static void reading_begins_where_asked(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_message(&x, "one");
        add_message(&x, "two");
        add_message(&x, "three");
        j = open_ssh(export_end(&x, *state, "x.journal"));

        assert_int_equal(journal_seek(j, NULL, T0 + 2 * USEC_PER_SEC), 0);
        assert_next(j, "two");
        assert_int_equal(journal_seek(j, NULL, T0 + 2 * USEC_PER_SEC + 1), 0);
        assert_next(j, "three");
        assert_int_equal(journal_seek(j, NULL, T0 + 3 * USEC_PER_SEC + 1), 0);
        assert_next(j, NULL);
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        assert_next(j, "one");
}

static void what_was_read_up_to_the_position_comes_again_as_past(void **state) {
        _cleanup_(freep) char *three = NULL, *at_start = NULL, *within = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        const char *path;

        add_message(&x, "one");
        add_message(&x, "two");
        add_message(&x, "three");
        add_message(&x, "four");
        path = export_end(&x, *state, "x.journal");
        j = open_ssh(path);
        for (const char *const *m = (const char *const[]){ "one", "two", "three", NULL }; *m; m++) {
                assert_next(j, *m);
                assert_false(journal_is_past(j));
        }
        assert_int_equal(journal_get_position(j, &three), 0);
        journal_close(j);

        j = open_ssh(path);
        want_back(j, UNIT, NULL, USEC_PER_SEC);
        assert_int_equal(journal_seek(j, three, 0), 0);
        assert_int_equal(journal_get_position(j, &at_start), 0);
        assert_string_equal(at_start, three);
        assert_next_past(j, "two");

        /* Where this has got to is not how far entries were handled. */
        assert_int_equal(journal_get_position(j, &within), 0);
        assert_string_equal(within, three);
        assert_next_past(j, "three");
        assert_next(j, "four");
        assert_false(journal_is_past(j));
        assert_next(j, NULL);
}

static void position_before_the_first_entry_is_kept(void **state) {
        _cleanup_(freep) char *empty = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_entry(&x, "_SYSTEMD_UNIT=cron.service\nMESSAGE=x\n");
        j = open_all(export_end(&x, *state, "x.journal"));
        want(j, UNIT, NULL);
        assert_int_equal(journal_seek(j, NULL, T0 + 5 * USEC_PER_SEC), 0);
        assert_next(j, NULL);
        assert_int_equal(journal_get_position(j, &empty), 0);
        journal_close(j);

        x = export_begin();
        x.second = 3;
        add_message(&x, "before");
        x.second = 5;
        add_message(&x, "after");
        j = open_ssh(export_end(&x, *state, "x.journal"));
        assert_int_equal(journal_seek(j, empty, T0 + 9 * USEC_PER_SEC), 0);
        assert_next(j, "after");
        assert_false(journal_is_past(j));
        assert_next(j, NULL);
}

/* A search for a time by halving goes past the entries of before the clock was set back twice. */
static void position_that_the_clock_hides_is_found_in_the_end(void **state) {
        _cleanup_(freep) char *ahead = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        const char *path;
        Entry e;

        for (unsigned i = 0; i < 500; i++)
                add_message(&x, "early");
        x.second = 5000;
        add_message(&x, "ahead");
        path = export_end(&x, *state, "x.journal");
        j = open_ssh(path);
        for (unsigned i = 0; i < 500; i++)
                assert_next(j, "early");
        assert_next(j, "ahead");
        assert_int_equal(journal_get_position(j, &ahead), 0);
        journal_close(j);

        x = export_begin();
        x.second = 3000;
        add_message(&x, "late");
        x.second = 1000;
        for (unsigned i = 0; i < 499; i++)
                add_message(&x, "late");
        (void) export_end(&x, *state, "x.journal");

        j = open_ssh(path);
        want_back(j, UNIT, NULL, 10 * USEC_PER_SEC);
        assert_int_equal(journal_seek(j, ahead, 0), 0);
        for (int r; (r = journal_next(j, &e)) != JOURNAL_MISSED;) {
                assert_int_equal(r, 1);
                assert_true(journal_is_past(j));
        }
        for (unsigned i = 0; i < 500; i++) {
                assert_int_equal(journal_next(j, &e), 1);
                assert_false(journal_is_past(j));
                assert_message(&e, "late");
        }
        assert_next(j, NULL);
}

static void entries_of_a_path_tell_their_namespace(void **state) {
        _cleanup_(match_freep) Match *m = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        const char *bad;
        Entry e;

        add_message(&x, "one");
        add_entry(&x, UNIT "\n_NAMESPACE=web\nMESSAGE=two\n");
        j = open_all(export_end(&x, *state, "x.journal"));
        assert_int_equal(match_new(&m), 0);
        assert_int_equal(match_parse(m, UNIT, &bad), 0);
        assert_int_equal(journal_set_wants(j,
                                         &(const JournalWant){ .name_space = "web", .match = m },
                                         1),
                        0);
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        assert_int_equal(journal_next(j, &e), 1);
        assert_false(entry_has(&e, ENTRY_NAMESPACE));
        assert_int_equal(journal_next(j, &e), 1);
        assert_true(entry_is(&e, ENTRY_NAMESPACE, "web", 3));
}

static void cursor_leads_behind_its_entry(void **state) {
        _cleanup_(freep) char *one = NULL, *three = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        const char *path;

        add_message(&x, "one");
        add_message(&x, "two");
        add_message(&x, "three");
        path = export_end(&x, *state, "x.journal");
        j = open_ssh(path);
        assert_next(j, "one");
        assert_int_equal(journal_get_position(j, &one), 0);
        assert_next(j, "two");
        assert_next(j, "three");
        assert_int_equal(journal_get_position(j, &three), 0);
        journal_close(j);

        j = open_ssh(path);
        assert_int_equal(journal_seek(j, one, 0), 0);
        assert_next(j, "two");

        /* At the end, where what is written later comes next. */
        assert_int_equal(journal_seek(j, three, 0), 0);
        assert_next(j, NULL);
        journal_close(j);

        x = export_begin();
        x.second = 3;
        add_message(&x, "four");
        (void) export_end(&x, *state, "x.journal");
        j = open_ssh(path);
        assert_int_equal(journal_seek(j, three, 0), 0);
        assert_next(j, "four");
        assert_next(j, NULL);
}

static void cursor_of_an_entry_that_is_not_wanted_any_more_leads_behind_it(void **state) {
        _cleanup_(freep) char *two = NULL, *three = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_message(&x, "one");
        add_entry(&x, "_SYSTEMD_UNIT=mail.service\nMESSAGE=two\n");
        add_message(&x, "three");
        add_entry(&x, "_SYSTEMD_UNIT=mail.service\nMESSAGE=four\n");
        j = open_all(export_end(&x, *state, "x.journal"));
        want(j, "_SYSTEMD_UNIT=mail.service", NULL);
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        assert_next(j, "two");
        assert_int_equal(journal_get_position(j, &two), 0);
        assert_next(j, "four");
        assert_int_equal(journal_get_position(j, &three), 0);

        want(j, UNIT, NULL);
        assert_int_equal(journal_seek(j, two, 0), 0);
        assert_next(j, "three");
        assert_next(j, NULL);

        assert_int_equal(journal_seek(j, three, 0), 0);
        assert_next(j, NULL);
}

static void cursor_of_a_clock_that_was_ahead_does_not_make_what_follows_past(void **state) {
        _cleanup_(freep) char *ahead = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        Entry e;

        add_message(&x, "one");
        x.second = 31536000;
        add_entry(&x, "_SYSTEMD_UNIT=mail.service\nMESSAGE=two\n");
        x.second = 10;
        add_message(&x, "three");
        j = open_all(export_end(&x, *state, "x.journal"));
        want(j, "_SYSTEMD_UNIT=mail.service", NULL);
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        assert_next(j, "two");
        assert_int_equal(journal_get_position(j, &ahead), 0);

        want_back(j, UNIT, NULL, USEC_PER_MINUTE);
        assert_int_equal(journal_seek(j, ahead, 0), 0);
        assert_next_past(j, "one");
        assert_int_equal(journal_next(j, &e), 1);
        assert_message(&e, "three");
        assert_false(journal_is_past(j));
}

static void cursor_that_is_gone_leads_to_what_came_after_it(void **state) {
        _cleanup_(freep) char *cursor = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        const char *path;

        /* A journal of other entries, some before and some after the one of the cursor. */
        add_message(&x, "gone");
        x.second = 4;
        add_message(&x, "gone as well");
        path = export_end(&x, *state, "old/x.journal");
        j = open_ssh(path);
        assert_next(j, "gone");
        assert_next(j, "gone as well");
        assert_int_equal(journal_get_position(j, &cursor), 0);
        journal_close(j);

        x = export_begin();
        add_message(&x, "before");
        add_message(&x, "before, too");
        x.second = 9;
        add_message(&x, "after");
        path = export_end(&x, *state, "new/x.journal");
        j = open_ssh(path);
        assert_int_equal(journal_seek(j, cursor, 0), 0);
        assert_next(j, "after");
        assert_next(j, NULL);
}

static void cursor_that_is_gone_with_all_before_it_leads_to_the_first_entry(void **state) {
        _cleanup_(freep) char *cursor = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_message(&x, "gone");
        j = open_ssh(export_end(&x, *state, "old/x.journal"));
        assert_next(j, "gone");
        assert_int_equal(journal_get_position(j, &cursor), 0);
        journal_close(j);

        x = export_begin();
        x.second = 9;
        add_message(&x, "first");
        add_message(&x, "second");
        j = open_ssh(export_end(&x, *state, "new/x.journal"));
        assert_int_equal(journal_seek(j, cursor, 0), 0);
        assert_next(j, "first");
        assert_next(j, "second");
}

static void place_becomes_a_cursor_that_leads_to_the_entry(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        char cursor[JOURNAL_CURSOR_SIZE], again[JOURNAL_CURSOR_SIZE];
        Export x = export_begin();
        sd_journal *handle;
        EntryPlace place;
        const char *path;
        const void *data;
        size_t size;
        Entry e;

        add_message(&x, "one");
        add_message(&x, "two");
        add_message(&x, "three");
        path = export_end(&x, *state, "x.journal");
        j = open_ssh(path);
        assert_next(j, "one");
        assert_int_equal(journal_next(j, &e), 1);
        place = entry_get_place(&e);
        (void) journal_format_cursor(j, place, e.realtime, cursor);

        /* Also when reading has gone on. */
        assert_next(j, "three");
        assert_string_equal(journal_format_cursor(j, place, e.realtime, again), cursor);
        assert_string_equal(journal_format_cursor(j, (EntryPlace){}, e.realtime, again), "");

        assert_ok(sd_journal_open_files(&handle, (const char *[]){ path, NULL }, 0));
        assert_ok(sd_journal_seek_cursor(handle, cursor));
        assert_int_equal(sd_journal_next(handle), 1);
        assert_int_equal(sd_journal_test_cursor(handle, cursor), 1);
        assert_ok(sd_journal_get_data(handle, "MESSAGE", &data, &size));
        assert_int_equal(size, strlen("MESSAGE=two"));
        assert_memory_equal(data, "MESSAGE=two", size);
        sd_journal_close(handle);
}

static void nonsense_is_no_cursor(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_message(&x, "one");
        j = open_ssh(export_end(&x, *state, "x.journal"));
        assert_true(journal_seek(j, "nonsense", 0) < 0);
}

static void huge_message_is_cut(void **state) {
        enum { SIZE = 1024 * 1024 };
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        char *text = malloc(SIZE);
        Entry e;

        assert_non_null(text);
        for (size_t i = 0; i < SIZE; i++)
                text[i] = (char) ('a' + i % 26);
        add_entry(&x, UNIT "\n");
        add_field(&x, "MESSAGE", text, SIZE);
        add_entry(&x, UNIT "\n");
        add_field(&x, "MESSAGE", text, ENTRY_MESSAGE_MAX);
        add_entry(&x, UNIT "\n");
        add_field(&x, "MESSAGE", text, ENTRY_MESSAGE_MAX - 1);
        j = open_ssh(export_end(&x, *state, "x.journal"));

        for (size_t i = 0; i < 3; i++) {
                size_t size = i < 2 ? ENTRY_MESSAGE_MAX : ENTRY_MESSAGE_MAX - 1;

                assert_int_equal(journal_next(j, &e), 1);
                assert_int_equal(e.fields[ENTRY_MESSAGE].size, size);
                assert_memory_equal(e.fields[ENTRY_MESSAGE].data, text, size);
                assert_int_equal(e.is_cut, i == 0); /* the second just fits */
        }
        free(text);
}

static void long_other_fields_are_cut_and_fit_nothing(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        char text[2000];
        Entry e;

        memset(text, 'x', sizeof(text));
        add_entry(&x, UNIT "\nMESSAGE=m\n");
        add_field(&x, "SYSLOG_IDENTIFIER", text, sizeof(text));
        j = open_ssh(export_end(&x, *state, "x.journal"));
        assert_int_equal(journal_next(j, &e), 1);
        assert_true(e.fields[ENTRY_SYSLOG_IDENTIFIER].size < sizeof(text));
        assert_true(entry_is(&e, ENTRY_MESSAGE, "m", 1));
}

static void bytes_arrive_as_they_are(void **state) {
        static const char bytes[] = "a\0b\xff\xfe\n\x80\xc3(=\n\nMESSAGE=x\n";
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        Entry e;

        add_entry(&x, UNIT "\n");
        add_field(&x, "MESSAGE", bytes, sizeof(bytes) - 1);
        add_message(&x, "next");
        j = open_ssh(export_end(&x, *state, "x.journal"));
        assert_int_equal(journal_next(j, &e), 1);
        assert_int_equal(e.fields[ENTRY_MESSAGE].size, sizeof(bytes) - 1);
        assert_memory_equal(e.fields[ENTRY_MESSAGE].data, bytes, sizeof(bytes) - 1);
        assert_next(j, "next");
}

static void entries_without_a_message_or_with_an_empty_one_are_entries(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        Entry e;

        add_entry(&x, UNIT "\n_UID=0\n");
        add_message(&x, "");
        j = open_ssh(export_end(&x, *state, "x.journal"));
        assert_int_equal(journal_next(j, &e), 1);
        assert_false(entry_has(&e, ENTRY_MESSAGE));
        assert_int_equal(journal_next(j, &e), 1);
        assert_true(entry_has(&e, ENTRY_MESSAGE));
        assert_int_equal(e.fields[ENTRY_MESSAGE].size, 0);
}

static void values_of_one_entry_do_not_stay_for_the_next(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        Entry e;

        add_entry(&x, UNIT "\n_PID=4711\n_COMM=sshd\nMESSAGE=one\n");
        add_entry(&x, UNIT "\nMESSAGE=2\n");
        j = open_ssh(export_end(&x, *state, "x.journal"));
        assert_int_equal(journal_next(j, &e), 1);
        assert_int_equal(journal_next(j, &e), 1);
        assert_false(entry_has(&e, ENTRY_PID));
        assert_false(entry_has(&e, ENTRY_COMM));
        assert_true(entry_is(&e, ENTRY_MESSAGE, "2", 1));
}

static void directory_is_read_in_order_over_its_files(void **state) {
        _cleanup_(freep) char *cursor = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        const char *directory = files_path(*state, "journal");
        unsigned n = 0;

        /* Five rotated files of twenty entries. */
        for (unsigned i = 0; i < 5; i++) {
                Export x = export_begin();
                char name[64];

                x.second = i * 20;
                for (unsigned k = 0; k < 20; k++) {
                        char text[16];

                        (void) snprintf(text, sizeof(text), "%u", i * 20 + k);
                        add_message(&x, text);
                }
                (void) snprintf(name, sizeof(name), "journal/part%u.journal", 4 - i);
                (void) export_end(&x, *state, name);
        }

        j = open_ssh(directory);
        assert_true(journal_get_fd(j) >= 0);
        for (Entry e; journal_next(j, &e) > 0; n++) {
                char text[16];

                (void) snprintf(text, sizeof(text), "%u", n);
                assert_true(entry_is(&e, ENTRY_MESSAGE, text, strlen(text)));
                if (n == 59)
                        assert_int_equal(journal_get_position(j, &cursor), 0);
        }
        assert_int_equal(n, 100);
        journal_close(j);

        /* And from a cursor, while the oldest files are vacuumed. */
        assert_int_equal(unlink(files_path(*state, "journal/part4.journal")), 0);
        j = open_ssh(directory);
        assert_int_equal(journal_seek(j, cursor, 0), 0);
        assert_next(j, "60");
        assert_int_equal(unlink(files_path(*state, "journal/part2.journal")), 0);
        assert_int_equal(unlink(files_path(*state, "journal/part1.journal")), 0);
        journal_close(j);
        j = open_ssh(directory);
        assert_int_equal(journal_seek(j, cursor, 0), 0);
        assert_next(j, "80");
}

static void new_file_in_the_directory_is_found(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_message(&x, "one");
        (void) export_end(&x, *state, "journal/a.journal");
        j = open_ssh(files_path(*state, "journal"));
        assert_next(j, "one");
        assert_next(j, NULL);

        x = export_begin();
        x.second = 9;
        add_message(&x, "two");
        (void) export_end(&x, *state, "journal/b.journal");
        assert_ok(journal_process(j));
        assert_next(j, "two");
        assert_next(j, NULL);
}

/* journald counts an entry in the file before it counts it for each of its fields. */
static void what_was_being_written_is_found_by_looking_again(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        uint64_t before, after;
        const char *path;

        add_message(&x, "one");
        path = export_end(&x, *state, "journal/x.journal");
        j = open_ssh(files_path(*state, "journal"));
        assert_next(j, "one");
        assert_next(j, NULL);

        before = count_entries(path, UNIT, NULL);
        x = export_begin();
        x.second = 1;
        add_message(&x, "two");
        (void) export_end(&x, *state, "journal/x.journal");

        /* In the middle of it. */
        after = count_entries(path, UNIT, &before);
        assert_int_not_equal(before, after);
        assert_next(j, NULL);
        (void) count_entries(path, UNIT, &after);

        assert_ok(journal_process(j));
        assert_int_equal(journal_look_again(j), 0);
        assert_next(j, "two");
        assert_next(j, NULL);

        /* And nothing comes twice. */
        assert_int_equal(journal_look_again(j), 0);
        assert_next(j, NULL);
}

static void what_is_not_there_or_no_journal_is_an_error(void **state) {
        Journal *j = NULL;

        assert_fails(journal_open(&j, files_path(*state, "nosuch.journal")), ENOENT);
        assert_true(journal_open(&j, files_write(*state, "text.journal", "this is no journal\n")) <
                        0);
        assert_true(journal_open(&j, files_write(*state, "empty.journal", "")) < 0);
        assert_null(j);
}

static void path_may_be_relative(void **state) {
        Export x = export_begin();
        char before[4096];

        add_message(&x, "one");
        (void) export_end(&x, *state, "journal/x.journal");

        assert_non_null(getcwd(before, sizeof(before)));
        assert_int_equal(chdir(((Files *) *state)->directory), 0);
        for (size_t i = 0; i < 2; i++) {
                _cleanup_(journal_closep) Journal *j =
                                open_ssh(i == 0 ? "journal" : "journal/x.journal");

                assert_next(j, "one");
        }
        assert_int_equal(chdir(before), 0);
}

static void empty_directory_has_no_entries(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;

        assert_int_equal(mkdir(files_path(*state, "journal"), 0755), 0);
        j = open_ssh(files_path(*state, "journal"));
        assert_next(j, NULL);
}

static void file_without_wanted_entries_is_at_its_end(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_entry(&x, "_SYSTEMD_UNIT=cron.service\nMESSAGE=x\n");
        j = open_ssh(export_end(&x, *state, "x.journal"));
        assert_next(j, NULL);
        assert_next(j, NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(fields_and_time_are_read),
                cmocka_file_test(only_wanted_entries_arrive),
                cmocka_file_test(what_cannot_be_told_cheaply_arrives_as_well),
                cmocka_file_test(all_matches_are_alternatives),
                cmocka_file_test(globs_of_units_read_everything),
                cmocka_file_test(reading_begins_where_asked),
                cmocka_file_test(what_was_read_up_to_the_position_comes_again_as_past),
                cmocka_file_test(position_before_the_first_entry_is_kept),
                cmocka_file_test(position_that_the_clock_hides_is_found_in_the_end),
                cmocka_file_test(entries_of_a_path_tell_their_namespace),
                cmocka_file_test(cursor_leads_behind_its_entry),
                cmocka_file_test(cursor_of_an_entry_that_is_not_wanted_any_more_leads_behind_it),
                cmocka_file_test(cursor_of_a_clock_that_was_ahead_does_not_make_what_follows_past),
                cmocka_file_test(cursor_that_is_gone_leads_to_what_came_after_it),
                cmocka_file_test(cursor_that_is_gone_with_all_before_it_leads_to_the_first_entry),
                cmocka_file_test(place_becomes_a_cursor_that_leads_to_the_entry),
                cmocka_file_test(nonsense_is_no_cursor),
                cmocka_file_test(huge_message_is_cut),
                cmocka_file_test(long_other_fields_are_cut_and_fit_nothing),
                cmocka_file_test(bytes_arrive_as_they_are),
                cmocka_file_test(entries_without_a_message_or_with_an_empty_one_are_entries),
                cmocka_file_test(values_of_one_entry_do_not_stay_for_the_next),
                cmocka_file_test(directory_is_read_in_order_over_its_files),
                cmocka_file_test(new_file_in_the_directory_is_found),
                cmocka_file_test(what_was_being_written_is_found_by_looking_again),
                cmocka_file_test(what_is_not_there_or_no_journal_is_an_error),
                cmocka_file_test(path_may_be_relative),
                cmocka_file_test(empty_directory_has_no_entries),
                cmocka_file_test(file_without_wanted_entries_is_at_its_end),
        };

        if (access(JOURNAL_REMOTE, X_OK) < 0) {
                (void) printf("1..0 # SKIP " JOURNAL_REMOTE " is not installed\n");
                return 0;
        }

        return cmocka_run_group_tests(tests, NULL, NULL);
}
