/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The journal reader on the journals of a machine, the default one and those of namespaces: in a
 * mount namespace of its own, where /var/log and /run are empty at the beginning of each test. */

#include "export.h"

#include <sched.h>
#include <sys/mount.h>
#include <systemd/sd-id128.h>

#include "engine/journal-lookup.h"
#include "engine/journal.h"

static const Files var_log = { "/var/log" };

/* The path of a journal file below /var/log: the default journal's for "". */
static const char *journal_name(const char *name_space, const char *file) {
        static char names[16][128];
        static unsigned next = 0;
        char *name = names[next++ % ELEMENTSOF(names)];
        sd_id128_t machine;

        assert_ok(sd_id128_get_machine(&machine));
        (void) snprintf(name,
                        sizeof(names[0]),
                        "journal/" SD_ID128_FORMAT_STR "%s%s/%s",
                        SD_ID128_FORMAT_VAL(machine),
                        isempty(name_space) ? "" : ".",
                        name_space,
                        file);
        return name;
}

/* Writes an entry of ssh.service, whose message is its second. */
static void say_in(const char *name_space, const char *file, unsigned second) {
        Export x = export_begin();
        char message[16];

        x.second = second - 1;
        (void) snprintf(message, sizeof(message), "%u", second);
        add_message(&x, message);
        (void) export_end(&x, &var_log, journal_name(name_space, file));
}

static void say(const char *name_space, unsigned second) {
        say_in(name_space, "system.journal", second);
}

static void want(Journal *j, const char *const *name_spaces) {
        _cleanup_(match_freep) Match *m = NULL;
        JournalWant wants[4];
        const char *bad;
        size_t n = 0;

        assert_int_equal(match_new(&m), 0);
        assert_int_equal(match_parse(m, UNIT, &bad), 0);
        for (; name_spaces[n]; n++)
                wants[n] = (JournalWant){
                        .name_space = name_spaces[n],
                        .match = m,
                        .lookback = 10 * USEC_PER_SEC,
                };
        assert_int_equal(journal_set_wants(j, wants, n), 0);
}

/* Reads the default journal and that of web. */
static Journal *open_both(const char *position) {
        Journal *j;

        assert_int_equal(journal_open(&j, NULL), 0);
        want(j, (const char *const[]){ "", "web", NULL });
        assert_int_equal(journal_seek(j, position, 0), 0);
        return j;
}

static void assert_entry(Journal *j, const char *name_space, unsigned second, bool past) {
        char message[16];
        Entry e;

        assert_int_equal(journal_next(j, &e), 1);
        assert_int_equal(e.realtime, T0 + second * USEC_PER_SEC);
        (void) snprintf(message, sizeof(message), "%u", second);
        assert_true(entry_is(&e, ENTRY_MESSAGE, message, strlen(message)));
        if (isempty(name_space))
                assert_false(entry_has(&e, ENTRY_NAMESPACE));
        else
                assert_true(entry_is(&e, ENTRY_NAMESPACE, name_space, strlen(name_space)));
        assert_int_equal(journal_is_past(j), past);
}

static void assert_end(Journal *j) {
        Entry e;

        assert_int_equal(journal_next(j, &e), 0);
}

static char *position(Journal *j) {
        char *p;

        assert_int_equal(journal_get_position(j, &p), 0);
        return p;
}

static void namespaces_are_one_stream(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;

        say("", 1);
        say("web", 2);
        say("web", 3);
        say("mail", 4);
        say("", 5);
        say("web", 6);
        j = open_both(NULL);
        assert_entry(j, "", 1, false);
        assert_entry(j, "web", 2, false);
        assert_entry(j, "web", 3, false);
        assert_entry(j, "", 5, false);
        assert_entry(j, "web", 6, false);
        assert_end(j);
        assert_end(j);

        say("web", 7);
        say("", 8);
        assert_entry(j, "web", 7, false);
        assert_entry(j, "", 8, false);
        assert_end(j);
}

static void entries_of_all_namespaces_are_looked_up(void **state) {
        _cleanup_(journal_lookup_closep) JournalLookup *l = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        char cursors[3][JOURNAL_CURSOR_SIZE], messages[3][16];
        Export x = export_begin();
        Entry e;

        /* Two of them at the same time; what is the same in all would be one entry to libsystemd.
         */
        say("", 1);
        add_message(&x, "another");
        (void) export_end(&x, &var_log, journal_name("web", "system.journal"));
        say("web", 2);
        j = open_both(NULL);
        for (size_t i = 0; i < ELEMENTSOF(cursors); i++) {
                assert_int_equal(journal_next(j, &e), 1);
                (void) journal_format_cursor(j, entry_get_place(&e), e.realtime, cursors[i]);
                (void) snprintf(messages[i],
                                sizeof(messages[i]),
                                "%.*s",
                                (int) e.fields[ENTRY_MESSAGE].size,
                                e.fields[ENTRY_MESSAGE].data);
        }

        assert_ok(journal_lookup_open(&l, NULL));
        for (size_t i = ELEMENTSOF(cursors); i > 0; i--) {
                assert_int_equal(journal_lookup(l, cursors[i - 1], &e), 1);
                assert_true(entry_is(&e, ENTRY_MESSAGE, messages[i - 1], strlen(messages[i - 1])));
        }
}

static void what_comes_late_with_an_earlier_time_is_read(void **state) {
        _cleanup_(freep) char *here = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;

        say("web", 1);
        say("", 9);
        j = open_both(NULL);
        assert_entry(j, "web", 1, false);
        assert_entry(j, "", 9, false);
        assert_end(j);
        say("web", 5);
        assert_entry(j, "web", 5, false);
        here = position(j);
        journal_close(j);

        /* Also over a restart, where it is no part of the past. */
        say("web", 7);
        j = open_both(here);
        assert_entry(j, "web", 1, true);
        assert_entry(j, "web", 5, true);
        assert_entry(j, "web", 7, false);
        assert_entry(j, "", 9, true);
        assert_end(j);
}

static void position_is_what_was_handed_out(void **state) {
        _cleanup_(freep) char *within = NULL, *past = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;

        say("", 1);
        say("web", 2);
        say("web", 3);
        say("", 4);
        say("", 5);
        j = open_both(NULL);
        assert_entry(j, "", 1, false);
        assert_entry(j, "web", 2, false);
        within = position(j); /* the default journal's next was looked for already */
        journal_close(j);

        j = open_both(within);
        assert_entry(j, "", 1, true);
        assert_entry(j, "web", 2, true);
        past = position(j);
        assert_string_equal(past, within);
        assert_entry(j, "web", 3, false);
        assert_entry(j, "", 4, false);
        assert_entry(j, "", 5, false);
        assert_end(j);
}

static void old_cursor_is_the_default_journals(void **state) {
        _cleanup_(freep) char *cursor = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;

        say("", 1);
        say("", 2);
        say("web", 2);
        say("web", 3);
        say("", 4);
        assert_int_equal(journal_open(&j, NULL), 0);
        want(j, (const char *const[]){ "", NULL });
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        assert_entry(j, "", 1, false);
        assert_entry(j, "", 2, false);
        cursor = position(j);
        assert_null(strchr(cursor, ' '));

        /* The namespace is wanted from now on; what it had before `since` is of no interest. */
        want(j, (const char *const[]){ "", "web", NULL });
        assert_int_equal(journal_seek(j, cursor, T0 + 13 * USEC_PER_SEC), 0);
        assert_entry(j, "", 1, true);
        assert_entry(j, "", 2, true);
        assert_entry(j, "web", 3, false);
        assert_entry(j, "", 4, false);
        assert_end(j);

        /* And no longer. */
        want(j, (const char *const[]){ "web", NULL });
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        assert_entry(j, "web", 2, false);
        assert_entry(j, "web", 3, false);
        assert_end(j);
}

static void namespace_that_appears_is_read(void **state) {
        _cleanup_(freep) char *before = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;

        say("", 1);
        j = open_both(NULL);
        assert_entry(j, "", 1, false);
        assert_end(j);
        before = position(j);

        say("", 2);
        say("web", 3);
        assert_entry(j, "", 2, false);
        assert_int_equal(journal_process(j), 1);
        assert_int_equal(journal_process(j), 0);
        assert_entry(j, "web", 3, false);
        assert_end(j);
        journal_close(j);

        /* Nor is it missed by one who was away. */
        j = open_both(before);
        assert_entry(j, "", 1, true);
        assert_entry(j, "", 2, false);
        assert_entry(j, "web", 3, false);
        assert_end(j);
}

static void namespace_that_appears_in_memory_is_read(void **state) {
        static const Files run_log = { "/run/log" };
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();

        assert_int_equal(mkdir("/run/log", 0755), 0);
        assert_int_equal(mkdir("/run/log/journal", 0755), 0);
        say("", 1);
        j = open_both(NULL);
        assert_entry(j, "", 1, false);
        assert_end(j);

        x.second = 1;
        add_message(&x, "2");
        (void) export_end(&x, &run_log, journal_name("web", "system.journal"));
        assert_int_equal(journal_process(j), 1);
        assert_entry(j, "web", 2, false);

        /* And on disk then. */
        say("web", 3);
        assert_int_equal(journal_process(j), 1);
        assert_entry(j, "web", 3, false);
        assert_end(j);
}

static void journal_that_appears_on_disk_is_read(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;

        j = open_both(NULL);
        assert_end(j);
        assert_int_equal(journal_process(j), 0);

        assert_int_equal(mkdir("/var/log/journal", 0755), 0);
        assert_int_equal(journal_process(j), 1);
        say("", 1);
        say("web", 2);
        assert_ok(journal_process(j));
        assert_entry(j, "", 1, false);
        assert_entry(j, "web", 2, false);

        /* A root that goes and comes back, as a disk that is mounted over it. */
        assert_int_equal(rename("/var/log/journal", "/var/log/away"), 0);
        assert_int_equal(rename("/var/log/away", "/var/log/journal"), 0);
        say("web", 3);
        assert_int_equal(journal_process(j), 1);
        assert_entry(j, "web", 3, false);
        assert_end(j);
}

static void rotation_loses_nothing_that_was_looked_for(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        char from[256], to[256];

        say("", 1);
        say("web", 2);
        say("", 4);
        say("", 5);
        j = open_both(NULL);
        assert_entry(j, "", 1, false);
        assert_entry(j, "web", 2, false);

        (void) snprintf(from, sizeof(from), "/var/log/%s", journal_name("", "system.journal"));
        (void) snprintf(to, sizeof(to), "/var/log/%s", journal_name("", "system@1.journal"));
        assert_int_equal(rename(from, to), 0);
        say("", 7);
        say("web", 6);
        assert_ok(journal_process(j));
        assert_entry(j, "", 4, false);
        assert_entry(j, "", 5, false);
        assert_entry(j, "web", 6, false);
        assert_entry(j, "", 7, false);
        assert_end(j);

        /* Vacuumed. */
        assert_int_equal(unlink(to), 0);
        say("", 8);
        assert_ok(journal_process(j));
        assert_entry(j, "", 8, false);
        assert_end(j);
}

static void refill_of_one_goes_on_when_another_appears(void **state) {
        _cleanup_(freep) char *here = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;

        for (unsigned i = 1; i <= 4; i++)
                say("", i);
        j = open_both(NULL);
        for (unsigned i = 1; i <= 3; i++)
                assert_entry(j, "", i, false);
        here = position(j);
        journal_close(j);

        j = open_both(here);
        assert_entry(j, "", 1, true);
        say("web", 2);
        assert_int_equal(journal_process(j), 1);
        assert_entry(j, "", 2, true);
        assert_entry(j, "web", 2, false);
        assert_entry(j, "", 3, true);
        assert_entry(j, "", 4, false);
        assert_end(j);
}

/* Only one journal is forgotten when the clock was set back in it, twice. */
static void position_that_is_missed_is_one_journals(void **state) {
        _cleanup_(freep) char *ahead = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Export x = export_begin();
        unsigned n_late = 0;
        Entry e;
        int r;

        say("", 1);
        for (unsigned i = 0; i < 500; i++)
                add_message(&x, "early");
        x.second = 5000;
        add_message(&x, "ahead");
        (void) export_end(&x, &var_log, journal_name("web", "system.journal"));
        j = open_both(NULL);
        while ((r = journal_next(j, &e)) > 0)
                assert_int_equal(r, 1);
        ahead = position(j);
        journal_close(j);

        x = export_begin();
        x.second = 3000;
        add_message(&x, "late");
        x.second = 1000;
        for (unsigned i = 0; i < 499; i++)
                add_message(&x, "late");
        (void) export_end(&x, &var_log, journal_name("web", "system.journal"));

        j = open_both(ahead);
        while ((r = journal_next(j, &e)) == 1)
                assert_true(journal_is_past(j));
        assert_int_equal(r, JOURNAL_MISSED);
        assert_true(entry_is(&e, ENTRY_NAMESPACE, "web", 3));
        while ((r = journal_next(j, &e)) == 1)
                if (entry_has(&e, ENTRY_NAMESPACE))
                        n_late += !journal_is_past(j);
                else
                        assert_true(journal_is_past(j));
        assert_int_equal(r, 0);
        assert_int_equal(n_late, 500);
}

static void journals_of_other_machines_are_not_read(void **state) {
        static const char *const others[] = {
                "journal/22222222222222222222222222222222/system.journal",
                "journal/22222222222222222222222222222222.web/system.journal",
                "journal/remote/remote-192.0.2.7.journal",
        };
        _cleanup_(journal_closep) Journal *j = NULL;

        for (unsigned i = 0; i < ELEMENTSOF(others); i++) {
                Export x = export_begin();

                x.second = i;
                add_message(&x, "of another machine");
                (void) export_end(&x, &var_log, others[i]);
        }
        say("", 11);
        say("web", 12);
        j = open_both(NULL);
        assert_entry(j, "", 11, false);
        assert_entry(j, "web", 12, false);
        assert_end(j);
}

static int mount_empty(void **state) {
        (void) state;

        return mount("tmpfs", "/var/log", "tmpfs", 0, NULL) < 0 ||
                                               mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0
                               ? -1
                               : 0;
}

static int unmount(void **state) {
        (void) state;

        return umount2("/run", MNT_DETACH) < 0 || umount2("/var/log", MNT_DETACH) < 0 ? -1 : 0;
}

static void write_file(const char *path, const char *text) {
        FILE *f = fopen(path, "we");

        if (f) {
                (void) fputs(text, f);
                (void) fclose(f);
        }
}

/* Becomes root of a mount namespace; false if that may not be. */
static bool enter(void) {
        char uid_map[32], gid_map[32];
        sd_id128_t machine;

        (void) snprintf(uid_map, sizeof(uid_map), "0 %u 1", geteuid());
        (void) snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid());
        if (sd_id128_get_machine(&machine) < 0 || access(JOURNAL_REMOTE, X_OK) < 0 ||
                        unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return false;
        write_file("/proc/self/setgroups", "deny");
        write_file("/proc/self/uid_map", uid_map);
        write_file("/proc/self/gid_map", gid_map);
        if (mount_empty(NULL) < 0)
                return false;

        return unmount(NULL) == 0;
}

#define namespace_test(test) cmocka_unit_test_setup_teardown(test, mount_empty, unmount)

int main(void) {
        const struct CMUnitTest tests[] = {
                namespace_test(namespaces_are_one_stream),
                namespace_test(entries_of_all_namespaces_are_looked_up),
                namespace_test(what_comes_late_with_an_earlier_time_is_read),
                namespace_test(position_is_what_was_handed_out),
                namespace_test(old_cursor_is_the_default_journals),
                namespace_test(namespace_that_appears_is_read),
                namespace_test(namespace_that_appears_in_memory_is_read),
                namespace_test(journal_that_appears_on_disk_is_read),
                namespace_test(rotation_loses_nothing_that_was_looked_for),
                namespace_test(refill_of_one_goes_on_when_another_appears),
                namespace_test(position_that_is_missed_is_one_journals),
                namespace_test(journals_of_other_machines_are_not_read),
        };

        if (!enter()) {
                (void) printf("1..0 # SKIP no mount namespace, no systemd-journal-remote or no "
                              "machine-id\n");
                return 0;
        }

        return cmocka_run_group_tests(tests, NULL, NULL);
}
