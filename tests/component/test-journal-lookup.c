/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Entries by their cursors, in real journals (reader.h). */

#include "reader.h"

#include <systemd/sd-journal.h>

#include "engine/journal-lookup.h"

/* What journalctl would print as the cursor of the entry with this number. */
static char *cursor_of(const char *path, unsigned n) {
        sd_journal *handle;
        char *cursor;

        assert_ok(sd_journal_open_files(&handle, (const char *[]){ path, NULL }, 0));
        assert_ok(sd_journal_seek_head(handle));
        for (unsigned i = 0; i <= n; i++)
                assert_int_equal(sd_journal_next(handle), 1);
        assert_ok(sd_journal_get_cursor(handle, &cursor));
        sd_journal_close(handle);
        return cursor;
}

static JournalLookup *open_lookup(const char *path) {
        JournalLookup *l;

        assert_ok(journal_lookup_open(&l, path));
        return l;
}

static void assert_found(JournalLookup *l, const char *cursor, const char *message) {
        Entry e;

        assert_int_equal(journal_lookup(l, cursor, &e), 1);
        assert_message(&e, message);
}

static void entry_is_found_by_its_cursor(void **state) {
        _cleanup_(journal_lookup_closep) JournalLookup *l = NULL;
        _cleanup_(freep) char *one = NULL, *two = NULL;
        Export x = export_begin();
        const char *path;
        Entry e;

        add_message(&x, "one");
        x.second--; /* both at the same time */
        add_message(&x, "two");
        path = export_end(&x, *state, "x.journal");
        one = cursor_of(path, 0);
        two = cursor_of(path, 1);

        l = open_lookup(path);
        assert_found(l, two, "two");
        assert_found(l, one, "one");
        assert_int_equal(journal_lookup(l, one, &e), 1);
        assert_int_equal(e.realtime, T0 + USEC_PER_SEC);
        assert_true(entry_is(&e, ENTRY_SYSTEMD_UNIT, "ssh.service", strlen("ssh.service")));
        assert_false(e.is_cut);
}

static void entries_of_all_files_are_found(void **state) {
        _cleanup_(journal_lookup_closep) JournalLookup *l = NULL;
        _cleanup_(freep) char *one = NULL, *two = NULL;
        Export x = export_begin();

        add_message(&x, "one");
        one = cursor_of(export_end(&x, *state, "journal/a.journal"), 0);
        x = export_begin();
        add_message(&x, "two");
        two = cursor_of(export_end(&x, *state, "journal/b.journal"), 0);

        l = open_lookup(files_path(*state, "journal"));
        assert_found(l, two, "two");
        assert_found(l, one, "one");
}

static void what_is_gone_is_not_mistaken_for_what_is_left(void **state) {
        _cleanup_(journal_lookup_closep) JournalLookup *l = NULL;
        _cleanup_(freep) char *first = NULL, *last = NULL, *same = NULL;
        Export x = export_begin();
        const char *path;
        Entry e;

        add_message(&x, "one");
        add_message(&x, "two");
        x.second = 99;
        add_message(&x, "three");
        path = export_end(&x, *state, "old/x.journal");
        first = cursor_of(path, 0);
        same = cursor_of(path, 1);
        last = cursor_of(path, 2);

        x = export_begin();
        x.second = 1;
        add_message(&x, "at the same time, and another");
        l = open_lookup(export_end(&x, *state, "new/x.journal"));
        assert_int_equal(journal_lookup(l, first, &e), 0);
        assert_int_equal(journal_lookup(l, same, &e), 0);
        assert_int_equal(journal_lookup(l, last, &e), 0);
}

static void nonsense_is_no_cursor(void **state) {
        _cleanup_(journal_lookup_closep) JournalLookup *l = NULL;
        Export x = export_begin();
        Entry e;

        add_message(&x, "one");
        l = open_lookup(export_end(&x, *state, "x.journal"));
        assert_fails(journal_lookup(l, "nonsense", &e), EINVAL);
        assert_fails(journal_lookup(l, "ban:7", &e), EINVAL);
}

static void message_of_any_length_is_cut(void **state) {
        enum { SIZE = 100000 };
        _cleanup_(journal_lookup_closep) JournalLookup *l = NULL;
        _cleanup_(freep) char *cursor = NULL, *message = malloc(SIZE);
        Export x = export_begin();
        const char *path;
        Entry e;

        assert_non_null(message);
        memset(message, 'x', SIZE);
        add_entry(&x, UNIT "\n");
        add_field(&x, "MESSAGE", message, SIZE);
        path = export_end(&x, *state, "x.journal");
        cursor = cursor_of(path, 0);

        l = open_lookup(path);
        assert_int_equal(journal_lookup(l, cursor, &e), 1);
        assert_int_equal(e.fields[ENTRY_MESSAGE].size, ENTRY_MESSAGE_MAX);
        assert_true(e.is_cut);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_file_test(entry_is_found_by_its_cursor),
                cmocka_file_test(entries_of_all_files_are_found),
                cmocka_file_test(what_is_gone_is_not_mistaken_for_what_is_left),
                cmocka_file_test(nonsense_is_no_cursor),
                cmocka_file_test(message_of_any_length_is_cut),
        };

        if (access(JOURNAL_REMOTE, X_OK) < 0) {
                (void) printf("1..0 # SKIP " JOURNAL_REMOTE " is not installed\n");
                return 0;
        }

        return cmocka_run_group_tests(tests, NULL, NULL);
}
