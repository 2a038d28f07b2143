/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Journals of which something is damaged, on real journals (reader.h): what is readable is read,
 * and nothing twice. */

#include "reader.h"

#define ENTRIES 300

/* Reads a directory of which the position is told, or all of it. */
static Journal *open_directory(const char *path, const char *position) {
        Journal *j = open_all(path);

        want(j, UNIT, NULL);
        assert_int_equal(journal_seek(j, position, 0), 0);
        return j;
}

/* How many entries there are that are not past, however often reading fails. Each may fail once. */
static unsigned count_entries(Journal *j) {
        unsigned n = 0, failures = 0;
        usec_t last = 0;
        Entry e;
        int r;

        while ((r = journal_next(j, &e)) != 0) {
                if (r < 0) {
                        assert_true(++failures <= ENTRIES);
                        continue;
                }
                if (r == JOURNAL_MISSED || journal_is_past(j))
                        continue;
                assert_true(e.realtime > last);
                last = e.realtime;
                n++;
        }

        return n;
}

static void write_entries(const Files *f, const char *name, unsigned n, unsigned second) {
        Export x = export_begin();

        x.second = second;
        for (unsigned i = 0; i < n; i++) {
                char text[32];

                (void) snprintf(text, sizeof(text), "message %u", second + i);
                add_message(&x, text);
        }
        (void) export_end(&x, f, name);
}

typedef enum Damage {
        DAMAGE_CUT,
        DAMAGE_ZEROES,
        DAMAGE_GARBAGE,
        _DAMAGE_MAX,
} Damage;

/* Damages a file at a place, and some bytes behind it. */
static void damage_file(const char *path, Damage damage, off_t at, size_t size) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        char bytes[4096];

        assert_true(fd >= 0);
        assert_true(size <= sizeof(bytes));
        for (size_t i = 0; i < size; i++)
                bytes[i] = damage == DAMAGE_ZEROES ? 0 : (char) (i * 167 + 13);
        if (damage == DAMAGE_CUT)
                assert_int_equal(ftruncate(fd, at), 0);
        else
                assert_int_equal(pwrite(fd, bytes, size, at), size);
        assert_int_equal(close(fd), 0);
}

/* Where the objects end: what follows is zeroes. */
static off_t find_end(const char *path) {
        FILE *f = fopen(path, "re");
        off_t end = 0, at = 0;
        int c;

        assert_non_null(f);
        while ((c = fgetc(f)) != EOF)
                if (at++, c != 0)
                        end = at;
        assert_int_equal(fclose(f), 0);
        return end;
}

static void copy_file(const char *from, const char *to) {
        run((const char *const[]){ "/bin/cp", "--sparse=always", from, to, NULL });
}

/* In many places of the file, most of them where the entries are. */
static void each_damage_costs_only_what_it_hits(void **state) {
        off_t end;

        write_entries(*state, "good.journal", ENTRIES, 0);
        write_entries(*state, "next.journal", 5, 1000);
        assert_int_equal(mkdir(files_path(*state, "journal"), 0755), 0);
        end = find_end(files_path(*state, "good.journal"));

        for (unsigned i = 0; i < 90; i++) {
                off_t at = i < 9 ? i * 32 : end - (off_t) (i / 3) * 2500;
                _cleanup_(journal_closep) Journal *j = NULL;
                _cleanup_(freep) char *position = NULL;

                const char *bad = files_path(*state, "journal/a.journal");

                copy_file(files_path(*state, "good.journal"), bad);
                damage_file(bad, i % _DAMAGE_MAX, at, i % 2 ? 64 : 4096);

                j = open_directory(files_path(*state, "journal"), NULL);
                assert_in_range(count_entries(j), 0, ENTRIES);
                assert_int_equal(journal_get_position(j, &position), 0);

                /* What comes after it is read, whether it was there at the start or not. */
                copy_file(files_path(*state, "next.journal"),
                                files_path(*state, "journal/b.journal"));
                assert_ok(journal_process(j));
                assert_int_equal(count_entries(j), 5);
                journal_close(j);

                j = open_directory(files_path(*state, "journal"), position);
                assert_int_equal(count_entries(j), 5);

                assert_int_equal(unlink(files_path(*state, "journal/b.journal")), 0);
                assert_int_equal(unlink(files_path(*state, "journal/a.journal")), 0);
        }
}

static void empty_files_are_passed_over(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;

        write_entries(*state, "journal/a.journal", 3, 0);
        (void) files_write(*state, "journal/b.journal", "");
        (void) files_write(*state, "journal/c.journal", "this is no journal\n");
        write_entries(*state, "journal/d.journal", 3, 10);
        j = open_directory(files_path(*state, "journal"), NULL);
        assert_int_equal(count_entries(j), 6);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(each_damage_costs_only_what_it_hits),
                cmocka_file_test(empty_files_are_passed_over),
        };

        if (access(JOURNAL_REMOTE, X_OK) < 0) {
                (void) printf("1..0 # SKIP " JOURNAL_REMOTE " is not installed\n");
                return 0;
        }

        return cmocka_run_group_tests(tests, NULL, NULL);
}
