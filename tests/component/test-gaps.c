/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the journal dropped before it was read, on real journals (reader.h). */

#include "reader.h"

/* The position after reading all there is, with or without a mark at the end. */
static char *read_all(const char *path, bool mark) {
        Journal *j = open_ssh(path);
        char *position;
        Entry e;
        int r;

        do
                r = journal_next(j, &e);
        while (r == 1);
        assert_int_equal(r, 0);
        if (mark)
                assert_int_equal(journal_mark_end(j), 0);
        assert_int_equal(journal_next(j, &e), 0);
        assert_int_equal(journal_get_position(j, &position), 0);
        journal_close(j);
        return position;
}

static void keep_gap(const JournalGap *gap, void *userdata) {
        assert_string_equal(gap->name_space, "");
        *(JournalGap *) userdata = *gap;
}

/* Of the journal that is left when the position was told; all zero if there is none. */
static JournalGap find_gap(const char *path, const char *position) {
        Journal *j = open_ssh(path);
        JournalGap gap = {};

        assert_int_equal(journal_seek(j, position, 0), 0);
        assert_int_equal(journal_find_gaps(j, keep_gap, &gap), 0);
        journal_close(j);
        return gap;
}

static void assert_no_gap(const char *path, const char *position) {
        assert_int_equal(find_gap(path, position).to, 0);
}

static void add_other(Export *x, const char *message) {
        char fields[256];

        (void) snprintf(fields,
                        sizeof(fields),
                        "_SYSTEMD_UNIT=cron.service\n_UID=0\nMESSAGE=%s\n",
                        message);
        add_entry(x, fields);
}

static void entries_dropped_before_they_were_read_are_a_gap(void **state) {
        _cleanup_(freep) char *plain = NULL, *marked = NULL;
        Export x = export_begin();
        const char *path;
        JournalGap gap;

        add_message(&x, "one");
        add_other(&x, "two");
        path = export_end(&x, *state, "old/x.journal");
        plain = read_all(path, false);
        marked = read_all(path, true);
        assert_no_gap(path, plain);
        assert_no_gap(path, marked);

        /* What is left; that it is of another unit says nothing about what is not. */
        x = export_begin();
        x.second = 8;
        add_other(&x, "nine");
        add_message(&x, "ten");
        path = export_end(&x, *state, "new/x.journal");
        gap = find_gap(path, plain);
        assert_int_equal(gap.from, T0 + 1 * USEC_PER_SEC);
        assert_int_equal(gap.to, T0 + 9 * USEC_PER_SEC);
        gap = find_gap(path, marked);
        assert_int_equal(gap.from, T0 + 2 * USEC_PER_SEC);
        assert_int_equal(gap.to, T0 + 9 * USEC_PER_SEC);
}

static void what_was_seen_and_then_dropped_is_no_gap(void **state) {
        _cleanup_(freep) char *marked = NULL, *never = NULL;
        Export x = export_begin();
        const char *path;

        /* The unit has been quiet for long; the others have not. */
        add_message(&x, "one");
        x.second = 1000;
        add_other(&x, "two");
        marked = read_all(export_end(&x, *state, "old/x.journal"), true);

        x = export_begin();
        x.second = 998;
        add_other(&x, "left");
        add_message(&x, "three");
        path = export_end(&x, *state, "new/x.journal");
        assert_no_gap(path, marked);

        /* And one that has never logged anything. */
        x = export_begin();
        add_other(&x, "two");
        never = read_all(export_end(&x, *state, "never/x.journal"), false);
        assert_no_gap(path, never);
}

static void next_number_leaves_nothing_out(void **state) {
        _cleanup_(freep) char *all = NULL, *two = NULL, *before = NULL;
        Export x = export_begin();
        char number[128];
        uint64_t i;

        add_message(&x, "one");
        add_message(&x, "two");
        all = read_all(export_end(&x, *state, "x.journal"), true);

        /* The same journal, of which the entry before is gone: its number is all that is known. */
        assert_int_equal(sscanf(strstr(all, ";i="), ";i=%" SCNx64, &i), 1);
        assert_int_equal(i, 2);
        (void) snprintf(number, sizeof(number), "%.*s", (int) strcspn(all, ";"), all);
        assert_true(asprintf(&two, "%s;i=0;b=" BOOT ";m=1;t=1;x=1", number) > 0);
        assert_no_gap(files_path(*state, "x.journal"), two);

        assert_true(asprintf(&before, "s=" BOOT ";i=0;b=" BOOT ";m=1;t=1;x=1") > 0);
        assert_int_equal(find_gap(files_path(*state, "x.journal"), before).from, 1);
}

static void mark_changes_nothing_about_reading(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        _cleanup_(freep) char *position = NULL;
        Export x = export_begin();
        const char *path;

        add_message(&x, "one");
        add_other(&x, "two");
        path = export_end(&x, *state, "x.journal");
        position = read_all(path, true);
        x = export_begin();
        x.second = 3;
        add_message(&x, "three");
        add_message(&x, "four");
        (void) export_end(&x, *state, "x.journal");

        j = open_ssh(path);
        want_back(j, UNIT, NULL, USEC_PER_MINUTE);
        assert_int_equal(journal_seek(j, position, 0), 0);
        assert_next_past(j, "one");
        assert_next(j, "three");
        /* Not at the end: the mark waits, and nothing is skipped. */
        assert_int_equal(journal_mark_end(j), 0);
        assert_next(j, "four");
        assert_next(j, NULL);
}

static void change_of_files_calls_for_a_mark(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_message(&x, "one");
        (void) export_end(&x, *state, "journal/a.journal");
        j = open_ssh(files_path(*state, "journal"));
        assert_next(j, "one");
        assert_next(j, NULL);
        assert_int_equal(journal_mark_end(j), 0);
        assert_false(journal_has_changed(j));

        x = export_begin();
        x.second = 9;
        add_message(&x, "two");
        (void) export_end(&x, *state, "journal/b.journal");
        assert_ok(journal_process(j));
        assert_true(journal_has_changed(j));
        assert_next(j, "two");
        assert_next(j, NULL);
        assert_int_equal(journal_mark_end(j), 0);
        assert_false(journal_has_changed(j));
}

/* Of the time it was looked for last; all zero if there is none. */
static JournalGap find_new_gap(Journal *j) {
        JournalGap gap = {};

        assert_ok(journal_process(j));
        assert_true(journal_may_have_gaps(j));
        assert_int_equal(journal_find_gaps(j, keep_gap, &gap), 0);
        assert_false(journal_may_have_gaps(j));
        return gap;
}

static void entries_dropped_while_it_stood_still_are_a_gap_once(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        JournalGap gap;

        add_message(&x, "one");
        add_other(&x, "two");
        (void) export_end(&x, *state, "journal/a.journal");
        j = open_ssh(files_path(*state, "journal"));
        assert_next(j, "one");
        assert_next(j, NULL);

        /* One file comes and goes in between. */
        x = export_begin();
        x.second = 9;
        add_message(&x, "lost");
        assert_int_equal(unlink(export_end(&x, *state, "journal/b.journal")), 0);
        x = export_begin();
        x.second = 19;
        add_other(&x, "left");
        (void) export_end(&x, *state, "journal/c.journal");
        assert_int_equal(unlink(files_path(*state, "journal/a.journal")), 0);
        gap = find_new_gap(j);
        assert_int_equal(gap.from, T0 + 2 * USEC_PER_SEC);
        assert_int_equal(gap.to, T0 + 20 * USEC_PER_SEC);

        x = export_begin();
        x.second = 29;
        add_message(&x, "three");
        (void) export_end(&x, *state, "journal/d.journal");
        assert_int_equal(find_new_gap(j).to, 0);
        assert_next(j, "three");
        assert_next(j, NULL);
}

static void files_that_come_are_no_gap(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_message(&x, "one");
        (void) export_end(&x, *state, "journal/a.journal");
        j = open_ssh(files_path(*state, "journal"));
        assert_next(j, "one");
        assert_ok(journal_process(j));
        assert_false(journal_may_have_gaps(j));

        x = export_begin();
        x.second = 9;
        add_message(&x, "two");
        (void) export_end(&x, *state, "journal/b.journal");
        assert_int_equal(find_new_gap(j).to, 0);
        assert_next(j, "two");
}

/* The mark is from long ago; since then the unit was quiet, or is wanted no more. */
static void what_was_read_and_is_dropped_while_running_is_no_gap(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        add_message(&x, "one");
        (void) export_end(&x, *state, "journal/a.journal");
        j = open_ssh(files_path(*state, "journal"));
        assert_next(j, "one");
        assert_next(j, NULL);
        assert_int_equal(journal_mark_end(j), 0);

        x = export_begin();
        x.second = 9;
        add_other(&x, "two");
        add_other(&x, "three");
        (void) export_end(&x, *state, "journal/b.journal");
        x = export_begin();
        x.second = 19;
        add_other(&x, "four");
        (void) export_end(&x, *state, "journal/c.journal");
        assert_int_equal(find_new_gap(j).to, 0);
        assert_next(j, NULL);

        assert_int_equal(unlink(files_path(*state, "journal/a.journal")), 0);
        assert_int_equal(unlink(files_path(*state, "journal/b.journal")), 0);
        assert_int_equal(find_new_gap(j).to, 0);
        assert_next(j, NULL);
}

static void what_is_dropped_before_the_end_was_reached_is_a_gap(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        JournalGap gap;

        add_message(&x, "one");
        add_message(&x, "two");
        (void) export_end(&x, *state, "journal/a.journal");
        x = export_begin();
        x.second = 9;
        add_message(&x, "ten");
        (void) export_end(&x, *state, "journal/b.journal");
        j = open_ssh(files_path(*state, "journal"));
        assert_next(j, "one");

        assert_int_equal(unlink(files_path(*state, "journal/a.journal")), 0);
        gap = find_new_gap(j);
        assert_int_equal(gap.from, T0 + 1 * USEC_PER_SEC);
        assert_int_equal(gap.to, T0 + 10 * USEC_PER_SEC);
        assert_next(j, "ten");
        assert_next(j, NULL);
}

static void removed_files_can_be_read_to_their_end(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        const char *path;

        add_message(&x, "one");
        path = export_end(&x, *state, "journal/a.journal");
        j = open_ssh(files_path(*state, "journal"));
        assert_next(j, "one");
        assert_next(j, NULL);

        x = export_begin();
        x.second = 1;
        add_message(&x, "two");
        (void) export_end(&x, *state, "journal/a.journal");
        assert_int_equal(unlink(path), 0);
        assert_next(j, "two");
        assert_next(j, NULL);
        assert_int_equal(find_new_gap(j).to, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(entries_dropped_before_they_were_read_are_a_gap),
                cmocka_file_test(what_was_seen_and_then_dropped_is_no_gap),
                cmocka_file_test(next_number_leaves_nothing_out),
                cmocka_file_test(mark_changes_nothing_about_reading),
                cmocka_file_test(change_of_files_calls_for_a_mark),
                cmocka_file_test(entries_dropped_while_it_stood_still_are_a_gap_once),
                cmocka_file_test(files_that_come_are_no_gap),
                cmocka_file_test(what_was_read_and_is_dropped_while_running_is_no_gap),
                cmocka_file_test(what_is_dropped_before_the_end_was_reached_is_a_gap),
                cmocka_file_test(removed_files_can_be_read_to_their_end),
        };

        if (access(JOURNAL_REMOTE, X_OK) < 0) {
                (void) printf("1..0 # SKIP " JOURNAL_REMOTE " is not installed\n");
                return 0;
        }

        return cmocka_run_group_tests(tests, NULL, NULL);
}
