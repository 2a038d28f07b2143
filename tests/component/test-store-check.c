/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Damage to the running bans is found, wherever it is. */

#include "database.h"

#include <fcntl.h>
#include <poll.h>

#include "engine/store-check.h"

#define N_BANS 20000u

#define GIVE_UP_MSEC 60000

static void fill(Store *s) {
        assert_ok(store_begin(s, false));
        for (unsigned i = 0; i < N_BANS; i++) {
                Ban ban = {
                        .address = nth_network(i),
                        .pattern = "password",
                        .id = i + 1,
                        .start = i,
                        .end = USEC_INFINITY,
                };

                assert_ok(store_add_ban(s, "sshd", &ban));
        }
        assert_ok(store_commit(s));
}

/* Where the table or the index begins in the file. */
static off_t find_root(sqlite3 *db, const char *name) {
        sqlite3_stmt *stmt;
        off_t root;

        assert_int_equal(sqlite3_prepare_v2(db,
                                         "SELECT (rootpage - 1) * page_size"
                                         " FROM sqlite_master, pragma_page_size WHERE name = ?",
                                         -1,
                                         &stmt,
                                         NULL),
                        SQLITE_OK);
        (void) sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        root = sqlite3_column_int64(stmt, 0);
        (void) sqlite3_finalize(stmt);
        return root;
}

static void sound_bans_are_found_to_be_sound(void **state) {
        _cleanup_(store_check_freep) StoreCheck *c = NULL;
        _cleanup_(store_closep) Store *s = open_store(*state);
        struct pollfd p = { .events = POLLIN };

        fill(s);
        assert_ok(store_check_new(&c, s));
        p.fd = store_check_get_fd(c);
        assert_int_equal(poll(&p, 1, GIVE_UP_MSEC), 1);
        assert_int_equal(store_check_wait(c), 0);
        assert_int_equal(store_check_wait(c), 0);
}

static void damage_that_reading_does_not_meet_is_found(void **state) {
        _cleanup_(store_check_freep) StoreCheck *c = NULL;
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(freep) char *aside = NULL;
        Store *before = open_store(*state);
        off_t at;
        int fd;

        fill(before);
        at = find_root(before->db, "bans_by_start");
        store_close(before);

        fd = open(files_path(*state, STORE_FILE), O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(pwrite(fd, "junk", 4, at + i * 4), 4);
        (void) close(fd);

        assert_int_equal(store_open(&s, ((Files *) *state)->directory, &aside), 0);
        assert_ok(store_check_new(&c, s));
        assert_fails(store_check_wait(c), EBADMSG);
}

static void check_can_be_broken_off(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        StoreCheck *c;

        fill(s);
        assert_ok(store_check_new(&c, s));
        store_check_free(c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(sound_bans_are_found_to_be_sound),
                cmocka_file_test(damage_that_reading_does_not_meet_is_found),
                cmocka_file_test(check_can_be_broken_off),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
