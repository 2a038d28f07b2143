/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The store on a real database in a directory of its own. */

#include "database.h"

#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "engine/store-history.h"
#include "engine/store-reader.h"

static Ban make_ban(const char *address, uint64_t id) {
        return (Ban){
                .address = addr(address),
                .failures = 5,
                .pattern = "password",
                .id = id,
                .start = T0,
                .end = T0 + USEC_PER_HOUR,
        };
}

static void add(Store *s, const char *jail, const char *address, uint64_t id) {
        Ban ban = make_ban(address, id);

        assert_int_equal(store_add_ban(s, jail, &ban), 0);
}

/* Every ban as a line of text. */
typedef struct Listing {
        char text[8192];
        unsigned n;
        unsigned stop_after; /* 0: never */
        char cause[64];      /* of the last one that ended */
} Listing;

static int list_one(const char *jail, const Ban *ban, void *userdata) {
        Listing *l = userdata;
        size_t used = strlen(l->text);
        char address[ADDRESS_STR_SIZE];

        if (used < sizeof(l->text) - 300)
                (void) snprintf(l->text + used,
                                sizeof(l->text) - used,
                                "%s %s %llu %lld %lld %u %s %s\n",
                                jail,
                                address_format(&ban->address, address),
                                (unsigned long long) ban->id,
                                (long long) (ban->start - T0),
                                ban->end == USEC_INFINITY ? -1LL : (long long) (ban->end - T0),
                                ban->failures,
                                isempty(ban->pattern) ? "-" : ban->pattern,
                                ban->reason ?: "-");
        l->n++;
        return l->stop_after > 0 && l->n == l->stop_after ? -ECANCELED : 0;
}

static int list_ended(const char *jail, const Ban *ban, const char *cause, void *userdata) {
        Listing *l = userdata;

        (void) snprintf(l->cause, sizeof(l->cause), "%s", cause);
        return list_one(jail, ban, l);
}

static void assert_bans(Store *s, const char *wanted) {
        Listing l = {};

        assert_int_equal(store_foreach_ban(s, list_one, &l), 0);
        assert_string_equal(l.text, wanted);
}

static void assert_ended(Store *s, usec_t since, const char *wanted) {
        Listing l = {};

        assert_int_equal(store_foreach_ended(s, since, list_ended, &l), 0);
        assert_string_equal(l.text, wanted);
}

/* Of the one that ended last. */
static void assert_cause(Store *s, const char *wanted) {
        Listing l = {};

        assert_int_equal(store_foreach_ended(s, 0, list_ended, &l), 0);
        assert_string_equal(l.cause, wanted);
}

static bool exists(const Files *f, const char *name) {
        return access(files_path(f, name), F_OK) == 0;
}

static off_t size_of(const Files *f, const char *name) {
        struct stat st;

        assert_int_equal(stat(files_path(f, name), &st), 0);
        return st.st_size;
}

static void bans_outlive_the_daemon(void **state) {
        Store *s = open_store(*state);
        Ban permanent = make_ban("2001:db8::/64", 2), by_hand = make_ban("192.0.2.0/24", 1);

        permanent.end = USEC_INFINITY;
        by_hand.pattern = "";
        by_hand.reason = (char *) "port scan";
        by_hand.failures = 0;

        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.1", 3);
        assert_int_equal(store_add_ban(s, "sshd", &permanent), 0);
        assert_int_equal(store_add_ban(s, "mail", &by_hand), 0);
        assert_int_equal(store_commit(s), 0);
        store_close(s);

        s = open_store(*state);
        assert_bans(s,
                        "sshd 2001:db8::/64 2 0 -1 5 password -\n"
                        "mail 192.0.2.0/24 1 0 3600000000 0 - port scan\n"
                        "sshd 192.0.2.1 3 0 3600000000 5 password -\n");
        store_close(s);
}

static void banning_again_replaces(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Ban ban = make_ban("192.0.2.1", 2);

        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.1", 1);
        add(s, "mail", "192.0.2.1", 3);
        ban.end = USEC_INFINITY;
        assert_int_equal(store_add_ban(s, "sshd", &ban), 0);
        assert_int_equal(store_commit(s), 0);
        assert_bans(s,
                        "mail 192.0.2.1 3 0 3600000000 5 password -\n"
                        "sshd 192.0.2.1 2 0 -1 5 password -\n");
}

static void host_and_prefix_of_the_same_bytes_are_two_bans(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);

        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.0", 1);
        add(s, "sshd", "192.0.2.0/24", 2);
        add(s, "sshd", "2001:db8::", 3);
        add(s, "sshd", "2001:db8::/64", 4);
        assert_int_equal(store_commit(s), 0);
        assert_bans(s,
                        "sshd 2001:db8::/64 4 0 3600000000 5 password -\n"
                        "sshd 2001:db8:: 3 0 3600000000 5 password -\n"
                        "sshd 192.0.2.0/24 2 0 3600000000 5 password -\n"
                        "sshd 192.0.2.0 1 0 3600000000 5 password -\n");
}

static void ended_bans_are_kept_apart(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Ban one = make_ban("192.0.2.1", 1), never = make_ban("192.0.2.9", 9);
        Listing in_kernel = {};

        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.1", 1);
        add(s, "sshd", "192.0.2.2", 2);
        assert_int_equal(store_end_ban(s, "sshd", &one, T0 + 100, "by hand", true), 0);
        assert_int_equal(store_add_ended(s, "sshd", &never, T0 + 50, "over when decided"), 0);
        assert_int_equal(store_commit(s), 0);

        assert_bans(s, "sshd 192.0.2.2 2 0 3600000000 5 password -\n");
        assert_ended(s,
                        T0,
                        "sshd 192.0.2.9 9 0 50 5 password -\nsshd 192.0.2.1 1 0 100 5 password -\n");
        assert_ended(s, T0 + 100, "sshd 192.0.2.1 1 0 100 5 password -\n");
        assert_cause(s, "by hand");
        assert_ended(s, T0 + 101, "");

        assert_int_equal(store_foreach_in_kernel(s, list_one, &in_kernel), 0);
        assert_string_equal(in_kernel.text, "sshd 192.0.2.1 1 0 100 5 password -\n");
        assert_int_equal(store_clear_in_kernel(s), 0);
        in_kernel = (Listing){};
        assert_int_equal(store_foreach_in_kernel(s, list_one, &in_kernel), 0);
        assert_string_equal(in_kernel.text, "");
}

static void all_bans_end_at_once(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Listing in_kernel = {};

        assert_int_equal(store_begin(s, true), 0);
        add(s, "sshd", "192.0.2.1", 1);
        add(s, "mail", "192.0.2.2", 2);
        assert_int_equal(store_end_all(s, T0 + 7, "flushed"), 0);
        assert_int_equal(store_commit(s), 0);
        assert_bans(s, "");
        assert_ended(s,
                        0,
                        "sshd 192.0.2.1 1 0 7 5 password -\nmail 192.0.2.2 2 0 7 5 password -\n");
        assert_int_equal(store_foreach_in_kernel(s, list_one, &in_kernel), 0);
        assert_int_equal(in_kernel.n, 2);
}

static void bans_of_a_jail_can_be_written_anew(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);

        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.1", 1);
        add(s, "mail", "192.0.2.1", 2);
        assert_int_equal(store_clear_bans(s, "sshd"), 0);
        add(s, "sshd", "192.0.2.2", 3);
        assert_int_equal(store_commit(s), 0);
        assert_bans(s,
                        "mail 192.0.2.1 2 0 3600000000 5 password -\n"
                        "sshd 192.0.2.2 3 0 3600000000 5 password -\n");
        assert_ended(s, 0, "");
}

static void position_is_kept(void **state) {
        Store *s = open_store(*state);
        StorePosition p;

        assert_int_equal(store_get_position(s, &p), 0);
        assert_null(p.cursor);
        assert_int_equal(p.realtime, 0);
        assert_int_equal(p.announced, 0);

        assert_int_equal(store_begin(s, false), 0);
        assert_int_equal(store_set_position(s, &(StorePosition){ (char *) "s=1;i=2", T0, 42 }), 0);
        assert_int_equal(store_commit(s), 0);
        store_close(s);

        s = open_store(*state);
        assert_int_equal(store_get_position(s, &p), 0);
        assert_string_equal(p.cursor, "s=1;i=2");
        assert_int_equal(p.realtime, T0);
        assert_int_equal(p.announced, 42);
        free(p.cursor);

        /* Without a cursor the old one stays. */
        assert_int_equal(store_begin(s, false), 0);
        assert_int_equal(store_set_position(s, &(StorePosition){ NULL, T0 + 1, 43 }), 0);
        assert_int_equal(store_commit(s), 0);
        assert_int_equal(store_get_position(s, &p), 0);
        assert_string_equal(p.cursor, "s=1;i=2");
        assert_int_equal(p.realtime, T0 + 1);
        free(p.cursor);
        store_close(s);
}

static void ids_are_never_given_again(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Ban ban = make_ban("192.0.2.1", 17);
        StorePosition p;

        assert_ok(store_get_position(s, &p));
        assert_int_equal(p.last_id, 0);

        /* Whatever is left of them. */
        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.1", 17);
        assert_int_equal(store_end_ban(s, "sshd", &ban, T0, "expired", false), 0);
        assert_ok(store_set_position(s, &(StorePosition){ .last_id = 18 }));
        assert_int_equal(store_forget(s, &ban.address), 1);
        assert_int_equal(store_commit(s), 0);
        assert_ok(store_get_position(s, &p));
        assert_int_equal(p.last_id, 18);
}

static void what_was_rolled_back_is_gone(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);

        assert_int_equal(store_begin(s, true), 0);
        add(s, "sshd", "192.0.2.1", 1);
        store_rollback(s);
        assert_bans(s, "");

        /* And the next transaction works. */
        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.2", 2);
        assert_int_equal(store_commit(s), 0);
        assert_bans(s, "sshd 192.0.2.2 2 0 3600000000 5 password -\n");
}

static void walk_ends_at_the_first_error(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Listing l = { .stop_after = 2 };

        assert_int_equal(store_begin(s, false), 0);
        for (unsigned i = 1; i <= 5; i++) {
                char text[32];

                (void) snprintf(text, sizeof(text), "192.0.2.%u", i);
                add(s, "sshd", text, i);
        }
        assert_int_equal(store_commit(s), 0);
        assert_fails(store_foreach_ban(s, list_one, &l), ECANCELED);
        assert_int_equal(l.n, 2);

        /* And the next one begins anew. */
        l = (Listing){};
        assert_int_equal(store_foreach_ban(s, list_one, &l), 0);
        assert_int_equal(l.n, 5);
}

static void one_ban_is_found_by_its_address(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Ban permanent = make_ban("192.0.2.0/24", 2), found = {};

        permanent.end = USEC_INFINITY;
        assert_ok(store_begin(s, false));
        add(s, "sshd", "192.0.2.1", 1);
        assert_ok(store_add_ban(s, "sshd", &permanent));
        assert_ok(store_commit(s));

        assert_int_equal(store_get_ban(s, "sshd", &(Address){ .family = AF_INET }, &found), 0);
        assert_int_equal(store_get_ban(s, "mail", &permanent.address, &found), 0);
        assert_int_equal(store_get_ban(s, "sshd", &permanent.address, &found), 1);
        assert_int_equal(found.id, 2);
        assert_int_equal(found.end, USEC_INFINITY);
        assert_true(address_equal(&found.address, &permanent.address));
}

static void bans_can_be_walked_over_in_pieces(void **state) {
        _cleanup_(store_place_freep) StorePlace *place = NULL, *last = NULL;
        _cleanup_(store_closep) Store *s = open_store(*state);
        const Ban ban = make_ban("192.0.2.2", 0);
        Listing l = {};

        assert_ok(store_begin(s, false));
        add(s, "sshd", "2001:db8::1", 1);
        add(s, "sshd", "192.0.2.2", 2);
        add(s, "sshd", "192.0.2.0/24", 3);
        add(s, "mail", "192.0.2.9", 4);
        assert_ok(store_commit(s));

        assert_int_equal(store_foreach_ban_from(s, NULL, 2, list_one, &l, &place), 2);
        assert_string_equal(l.text,
                        "sshd 2001:db8::1 1 0 3600000000 5 password -\n"
                        "sshd 192.0.2.0/24 3 0 3600000000 5 password -\n");

        /* From one that is gone meanwhile, too. */
        assert_int_equal(store_get_place(s, "mail", &ban.address, &last), 0);
        assert_int_equal(store_get_place(s, "sshd", &ban.address, &last), 1);
        assert_ok(store_begin(s, false));
        assert_ok(store_end_ban(s, "sshd", &ban, T0, "expired", false));
        assert_ok(store_commit(s));
        l = (Listing){};
        place = store_place_free(place);
        assert_int_equal(store_foreach_ban_from(s, last, 9, list_one, &l, &place), 1);
        assert_null(place);
        assert_string_equal(l.text, "mail 192.0.2.9 4 0 3600000000 5 password -\n");

        l = (Listing){ .stop_after = 1 };
        assert_fails(store_foreach_ban_from(s, NULL, 9, list_one, &l, &place), ECANCELED);
}

static int end_every_other(const char *jail, const Ban *ban, void *userdata) {
        return ban->id % 2 == 0 ? 0 : store_end_ban(userdata, jail, ban, T0, "jail removed", false);
}

static void bans_can_end_while_they_are_walked_over(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Listing l = {};

        assert_ok(store_begin(s, false));
        for (unsigned i = 0; i < 2000; i++) {
                const uint8_t bytes[4] = { 198, 51, (uint8_t) i, (uint8_t) (i >> 8) };
                Ban ban = make_ban("192.0.2.1", i);

                assert_ok(address_from_bytes(AF_INET, bytes, 32, &ban.address));
                assert_ok(store_add_ban(s, "sshd", &ban));
        }
        assert_int_equal(store_foreach_ban(s, end_every_other, s), 0);
        assert_ok(store_commit(s));

        assert_int_equal(store_foreach_ban(s, list_one, &l), 0);
        assert_int_equal(l.n, 1000);
        l = (Listing){};
        assert_int_equal(store_foreach_ended(s, 0, list_ended, &l), 0);
        assert_int_equal(l.n, 1000);
}

static void times_beyond_what_a_database_holds_do_not_turn_negative(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Ban ban = make_ban("192.0.2.1", 1);
        Listing l = {};

        ban.end = USEC_INFINITY - 1;
        assert_int_equal(store_begin(s, false), 0);
        assert_int_equal(store_add_ban(s, "sshd", &ban), 0);
        assert_int_equal(store_commit(s), 0);
        assert_int_equal(store_foreach_ban(s, list_one, &l), 0);
        assert_int_equal(l.n, 1);
        assert_null(strstr(l.text, " -1 ")); /* nor permanent */
}

static void bytes_of_names_and_reasons_are_kept(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Ban ban = make_ban("192.0.2.1", 1);

        ban.pattern = "it's \"\xff\xfe";
        ban.reason = (char *) "'); DROP TABLE bans; --";
        assert_int_equal(store_begin(s, false), 0);
        assert_int_equal(store_add_ban(s, "sshd", &ban), 0);
        assert_int_equal(store_commit(s), 0);
        assert_bans(s, "sshd 192.0.2.1 1 0 3600000000 5 it's \"\xff\xfe '); DROP TABLE bans; --\n");
}

/* Crashes */

static void run_child_and_wait(const Files *f, void (*child)(const Files *f), int wanted_status) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                child(f);
                _exit(99);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, wanted_status);
}

static void crash_in_the_middle(const Files *f) {
        char *aside = NULL;
        Store *s = NULL;

        if (store_open(&s, f->directory, &aside) < 0)
                _exit(1);
        if (store_begin(s, false) < 0)
                _exit(2);
        for (unsigned i = 0; i < 20000; i++) {
                const uint8_t bytes[4] = { 198, 51, (uint8_t) (i >> 8), (uint8_t) i };
                Ban ban = make_ban("192.0.2.1", 100 + i);

                if (address_from_bytes(AF_INET, bytes, 32, &ban.address) < 0 ||
                                store_add_ban(s, "sshd", &ban) < 0)
                        _exit(3);
        }
        if (store_set_position(s, &(StorePosition){ (char *) "never", T0, 1 }) < 0)
                _exit(4);
        _exit(0);
}

static void crash_after_commit(const Files *f) {
        char *aside = NULL;
        Store *s = NULL;
        Ban ban = make_ban("192.0.2.2", 2);

        if (store_open(&s, f->directory, &aside) < 0 || store_begin(s, true) < 0 ||
                        store_add_ban(s, "sshd", &ban) < 0 ||
                        store_set_position(s, &(StorePosition){ (char *) "second", T0, 2 }) < 0 ||
                        store_commit(s) < 0)
                _exit(1);
        (void) raise(SIGKILL);
}

static void crash_leaves_all_of_a_transaction_or_nothing(void **state) {
        Store *s = open_store(*state);
        StorePosition p;

        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.1", 1);
        assert_int_equal(store_set_position(s, &(StorePosition){ (char *) "first", T0, 1 }), 0);
        assert_int_equal(store_commit(s), 0);
        store_close(s);

        run_child_and_wait(*state, crash_in_the_middle, 0);
        s = open_store(*state);
        assert_bans(s, "sshd 192.0.2.1 1 0 3600000000 5 password -\n");
        assert_int_equal(store_get_position(s, &p), 0);
        assert_string_equal(p.cursor, "first");
        free(p.cursor);
        store_close(s);

        run_child_and_wait(*state, crash_after_commit, SIGKILL);
        s = open_store(*state);
        assert_bans(s,
                        "sshd 192.0.2.1 1 0 3600000000 5 password -\n"
                        "sshd 192.0.2.2 2 0 3600000000 5 password -\n");
        assert_int_equal(store_get_position(s, &p), 0);
        assert_string_equal(p.cursor, "second");
        free(p.cursor);
        store_close(s);
}

/* SQLite's way to the disk, which counts how often it waits for the log to be there. */
static unsigned n_syncs;
static const sqlite3_io_methods *real_methods;
static sqlite3_io_methods counting_methods;

static int count_sync(sqlite3_file *file, int flags) {
        n_syncs++;
        return real_methods->xSync(file, flags);
}

static int
open_counting(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags) {
        sqlite3_vfs *real = vfs->pAppData;
        int e;

        e = real->xOpen(real, name, file, flags, ret_flags);
        if (e == SQLITE_OK && (flags & SQLITE_OPEN_WAL)) {
                real_methods = file->pMethods;
                counting_methods = *real_methods;
                counting_methods.xSync = count_sync;
                file->pMethods = &counting_methods;
        }
        return e;
}

static void durable_commits_wait_for_the_disk_and_others_do_not(void **state) {
        sqlite3_vfs *real = sqlite3_vfs_find(NULL), counting = *real;
        Store *s;

        counting.zName = "counting";
        counting.xOpen = open_counting;
        counting.pAppData = real;
        assert_int_equal(sqlite3_vfs_register(&counting, 1), SQLITE_OK);
        s = open_store(*state);

        for (unsigned i = 0; i < 4; i++) {
                bool durable = i % 2 == 1;

                n_syncs = 0;
                assert_ok(store_begin(s, durable));
                add(s, "sshd", "192.0.2.1", i);
                assert_ok(store_commit(s));
                assert_int_equal(n_syncs > 0, durable);
        }

        store_close(s);
        assert_int_equal(sqlite3_vfs_unregister(&counting), SQLITE_OK);
}

static void closing_in_a_transaction_loses_it(void **state) {
        Store *s = open_store(*state);

        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.1", 1);
        store_close(s);
        s = open_store(*state);
        assert_bans(s, "");
        store_close(s);
}

static void ban_again(Store *s, unsigned n, uint64_t id) {
        assert_int_equal(store_begin(s, false), 0);
        for (unsigned i = 0; i < n; i++) {
                const uint8_t bytes[4] = { 198, 51, (uint8_t) (i >> 8), (uint8_t) i };
                Ban ban = make_ban("192.0.2.1", i);

                assert_ok(address_from_bytes(AF_INET, bytes, 32, &ban.address));
                ban.id = id + i;
                assert_int_equal(store_add_ban(s, "sshd", &ban), 0);
        }
        assert_int_equal(store_commit(s), 0);
}

/* Many commits make the log grow; the thread writes it back, and the next ones begin it anew. */
static void log_does_not_grow_for_ever(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        uint64_t id = 0;
        off_t size = 0;

        for (unsigned round = 0; round < 200; round++) {
                off_t before;

                ban_again(s, 500, id += 1000);
                size = size_of(*state, STORE_FILE "-wal");
                if (size <= 8 * 1024 * 1024)
                        continue;

                /* The thread may not have had a processor since it was told. A small commit shows
                 * when it has done its work; thousands of them do not fit. */
                do {
                        assert_true(size < 16 * 1024 * 1024);
                        usleep(100000);
                        before = size;
                        ban_again(s, 1, id += 1000);
                        size = size_of(*state, STORE_FILE "-wal");
                } while (size > before);
        }

        /* Some pages are written back, if not all. */
        assert_true(size_of(*state, STORE_FILE) > 4096);
}

static void others_may_read_meanwhile(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        sqlite3 *db;
        sqlite3_stmt *stmt;

        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.1", 1);
        assert_int_equal(store_commit(s), 0);

        assert_int_equal(sqlite3_open_v2(files_path(*state, STORE_FILE),
                                         &db,
                                         SQLITE_OPEN_READONLY,
                                         NULL),
                        SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM bans", -1, &stmt, NULL),
                        SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(stmt, 0), 1);

        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.2", 2);
        assert_int_equal(store_commit(s), 0);

        (void) sqlite3_finalize(stmt);
        (void) sqlite3_close(db);
}

/* Files that are none */

static void assert_set_aside(const Files *f, const char *name, const void *bytes, size_t size) {
        _cleanup_(freep) char *aside = NULL;
        Store *s = NULL;
        char got[64];
        int fd;

        assert_int_equal(store_open(&s, f->directory, &aside), 1);
        assert_string_equal(aside, files_path(f, name));
        assert_true(exists(f, name));
        assert_int_equal(size_of(f, name), size);

        /* Not a byte of it was changed. */
        fd = open(aside, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(read(fd, got, MIN(size, sizeof(got))), MIN(size, sizeof(got)));
        assert_memory_equal(got, bytes, MIN(size, sizeof(got)));
        (void) close(fd);

        assert_bans(s, "");
        assert_int_equal(store_begin(s, true), 0);
        add(s, "sshd", "192.0.2.1", 1);
        assert_int_equal(store_commit(s), 0);
        store_close(s);
}

static void garbage_is_set_aside_and_never_deleted(void **state) {
        char garbage[8192];

        for (size_t i = 0; i < sizeof(garbage); i++)
                garbage[i] = (char) (i * 7 + 3);

        (void) files_write_bytes(*state, STORE_FILE, garbage, sizeof(garbage));
        assert_set_aside(*state, STORE_FILE ".damaged", garbage, sizeof(garbage));

        (void) files_write_bytes(*state, STORE_FILE, "short", 5);
        (void) unlink(files_path(*state, STORE_FILE "-wal"));
        (void) unlink(files_path(*state, STORE_FILE "-shm"));
        assert_set_aside(*state, STORE_FILE ".damaged.1", "short", 5);

        (void) files_write_bytes(*state, STORE_FILE, garbage, 100);
        assert_set_aside(*state, STORE_FILE ".damaged.2", garbage, 100);
        assert_true(exists(*state, STORE_FILE ".damaged"));
        assert_true(exists(*state, STORE_FILE ".damaged.1"));
}

static void fill(const Files *f) {
        Store *s = open_store(f);

        assert_int_equal(store_begin(s, false), 0);
        for (unsigned i = 0; i < 3000; i++) {
                const uint8_t bytes[4] = { 198, 51, (uint8_t) (i >> 8), (uint8_t) i };
                Ban ban = make_ban("192.0.2.1", i);

                assert_ok(address_from_bytes(AF_INET, bytes, 32, &ban.address));
                assert_int_equal(store_add_ban(s, "sshd", &ban), 0);
        }
        assert_int_equal(store_commit(s), 0);
        store_close(s); /* the last to close writes the log back */
}

static void damage_inside_is_found_when_opening(void **state) {
        _cleanup_(freep) char *aside = NULL;
        const char *path = files_path(*state, STORE_FILE);
        char zeros[20000] = "";
        Store *s = NULL;
        off_t size;
        int fd;

        fill(*state);
        size = size_of(*state, STORE_FILE);
        assert_true(size > 100000);

        fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 50000), sizeof(zeros));
        (void) close(fd);

        assert_int_equal(store_open(&s, ((Files *) *state)->directory, &aside), 1);
        assert_int_equal(size_of(*state, STORE_FILE ".damaged"), size);
        assert_bans(s, "");
        store_close(s);
}

static void truncated_database_is_set_aside(void **state) {
        _cleanup_(freep) char *aside = NULL;
        Store *s = NULL;

        fill(*state);
        assert_int_equal(truncate(files_path(*state, STORE_FILE), 30000), 0);
        assert_int_equal(store_open(&s, ((Files *) *state)->directory, &aside), 1);
        assert_true(exists(*state, STORE_FILE ".damaged"));
        store_close(s);
}

static void damage_while_it_is_open_is_found_and_replaced(void **state) {
        _cleanup_(freep) char *aside = NULL, *again = NULL;
        const char *path = files_path(*state, STORE_FILE);
        Store *s = open_store(*state);
        sqlite3 *db;
        off_t size;
        int fd;

        assert_ok(store_begin(s, false));
        for (unsigned i = 0; i < 3000; i++) {
                const uint8_t bytes[4] = { 198, 51, (uint8_t) (i >> 8), (uint8_t) i };
                Ban ban = make_ban("192.0.2.1", i);

                assert_ok(address_from_bytes(AF_INET, bytes, 32, &ban.address));
                assert_ok(store_add_ban(s, "sshd", &ban));
        }
        assert_ok(store_commit(s));

        /* What somebody else changes, the store reads anew. */
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(
                        sqlite3_exec(db,
                                        "PRAGMA application_id = 1; PRAGMA wal_checkpoint(TRUNCATE)",
                                        NULL,
                                        NULL,
                                        NULL),
                        SQLITE_OK);
        (void) sqlite3_close(db);
        size = size_of(*state, STORE_FILE);
        assert_true(size > 100000);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        for (off_t at = 4096; at < size; at += 4)
                assert_int_equal(pwrite(fd, "junk", 4, at), 4);
        (void) close(fd);

        assert_ok(store_begin(s, false));
        assert_fails(store_add_ban(s, "sshd", &(Ban[]){ make_ban("192.0.2.1", 5000) }[0]), EBADMSG);
        store_rollback(s);

        assert_ok(store_replace(s, &aside));
        assert_string_equal(aside, files_path(*state, STORE_FILE ".damaged"));
        assert_int_equal(size_of(*state, STORE_FILE ".damaged"), size);
        assert_bans(s, "");
        assert_ok(store_begin(s, true));
        add(s, "sshd", "192.0.2.1", 1);
        assert_ok(store_commit(s));

        /* Whatever is wrong with it, it goes. */
        assert_ok(store_replace(s, &again));
        assert_string_equal(again, files_path(*state, STORE_FILE ".damaged.1"));
        assert_bans(s, "");
        store_close(s);
}

static void empty_file_is_a_new_database(void **state) {
        Store *s;

        (void) files_write(*state, STORE_FILE, "");
        s = open_store(*state);
        assert_bans(s, "");
        store_close(s);
}

static void run_sql(const Files *f, const char *sql) {
        sqlite3 *db;

        assert_int_equal(sqlite3_open(files_path(f, STORE_FILE), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        (void) sqlite3_close(db);
}

static void newer_database_is_refused_and_left_alone(void **state) {
        char *aside = NULL;
        Store *s = NULL;

        store_close(open_store(*state));
        run_sql(*state, "PRAGMA user_version = 1000; CREATE TABLE future (x); INSERT INTO future VALUES (1)");

        assert_fails(store_open(&s, ((Files *) *state)->directory, &aside), ENOTSUP);
        assert_null(s);
        assert_null(aside);
        assert_false(exists(*state, STORE_FILE ".damaged"));
        run_sql(*state, "DELETE FROM future");
}

/* The tables of version 1, as the first banjo made them. */
static const char version_1[] =
                "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
                "CREATE TABLE bans (jail TEXT NOT NULL, address BLOB NOT NULL,"
                " prefixlen INTEGER NOT NULL, id INTEGER NOT NULL, start INTEGER NOT NULL,"
                " end INTEGER, failures INTEGER NOT NULL, pattern TEXT NOT NULL, reason TEXT,"
                " PRIMARY KEY (jail, address, prefixlen)) WITHOUT ROWID;"
                "CREATE TABLE ended (jail TEXT NOT NULL, address BLOB NOT NULL,"
                " prefixlen INTEGER NOT NULL, id INTEGER NOT NULL, start INTEGER NOT NULL,"
                " end INTEGER NOT NULL, failures INTEGER NOT NULL, pattern TEXT NOT NULL,"
                " reason TEXT, cause TEXT NOT NULL, in_kernel INTEGER NOT NULL);"
                "PRAGMA user_version = 1;"
                "INSERT INTO bans VALUES"
                " ('sshd', x'c0000201', 32, 7, 1700000000000000, NULL, 5, 'password', NULL)";

static void older_database_is_upgraded_and_keeps_its_bans(void **state) {
        run_sql(*state, version_1);

        for (unsigned i = 0; i < 2; i++) {
                _cleanup_(store_closep) Store *s = open_store(*state);
                StorePosition p;

                assert_bans(s, "sshd 192.0.2.1 7 0 -1 5 password -\n");
                assert_ok(store_get_position(s, &p));
                assert_int_equal(p.last_id, 7);
                assert_ok(store_add_name(
                                s, "office.example.org", &(Address[]){ addr("192.0.2.9") }[0]));
        }
}

/* Those of version 2, with bans that ended in every way there was. */
static const char version_2[] =
                "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
                "CREATE TABLE bans (jail TEXT NOT NULL, address BLOB NOT NULL,"
                " prefixlen INTEGER NOT NULL, id INTEGER NOT NULL, start INTEGER NOT NULL,"
                " end INTEGER, failures INTEGER NOT NULL, pattern TEXT NOT NULL, reason TEXT,"
                " PRIMARY KEY (jail, address, prefixlen)) WITHOUT ROWID;"
                "CREATE TABLE ended (jail TEXT NOT NULL, address BLOB NOT NULL,"
                " prefixlen INTEGER NOT NULL, id INTEGER NOT NULL, start INTEGER NOT NULL,"
                " end INTEGER NOT NULL, failures INTEGER NOT NULL, pattern TEXT NOT NULL,"
                " reason TEXT, cause TEXT NOT NULL, in_kernel INTEGER NOT NULL);"
                "CREATE INDEX ended_by_end ON ended (end);"
                "CREATE INDEX ended_in_kernel ON ended (in_kernel) WHERE in_kernel;"
                "CREATE TABLE names (name TEXT NOT NULL, address BLOB NOT NULL,"
                " PRIMARY KEY (name, address)) WITHOUT ROWID;"
                "PRAGMA user_version = 2;"
                "INSERT INTO ended VALUES"
                " ('sshd', x'c0000201', 32, 1, 10, 20, 5, 'p', NULL, 'expired', 0),"
                " ('sshd', x'c0000201', 32, 2, 30, 40, 5, 'p', NULL, 'by hand', 0),"
                " ('sshd', x'c0000201', 32, 3, 50, 60, 0, '', NULL, 'expired', 0),"
                " ('sshd', x'c0000201', 32, 4, 70, 80, 5, 'p', NULL, 'over when decided', 0),"
                " ('sshd', x'c0000201', 32, 5, 90, 91, 5, 'p', NULL, 'gateway', 0),"
                " ('mail', x'c0000201', 32, 6, 90, 95, 5, 'p', NULL, 'flushed', 0)";

static int collect_exemption(const Exemption *x, void *userdata) {
        Exemptions *e = userdata;

        return exemptions_add(e, x);
}

static void exemptions_are_kept_in_order_and_written_as_a_whole(void **state) {
        const Exemption pause = {
                .jail = (char *) "sshd", .since = T0, .until = USEC_INFINITY, .reason = (char *) ""
        };
        const Exemption allowed = {
                .address = addr("2001:db8::/32"),
                .since = T0 + 1,
                .until = T0 + 2,
                .reason = (char *) "the office",
        };

        for (unsigned i = 0; i < 2; i++) {
                _cleanup_(store_closep) Store *s = open_store(*state);
                _cleanup_(exemptions_done) Exemptions e = {};

                assert_ok(store_foreach_exemption(s, collect_exemption, &e));
                assert_int_equal(e.n_exemptions, i == 0 ? 0 : 2);
                if (i == 1) {
                        assert_string_equal(e.exemptions[0].jail, "sshd");
                        assert_int_equal(e.exemptions[0].since, T0);
                        assert_int_equal(e.exemptions[0].until, USEC_INFINITY);
                        assert_null(e.exemptions[1].jail);
                        assert_true(address_equal(&e.exemptions[1].address, &allowed.address));
                        assert_int_equal(e.exemptions[1].since, T0 + 1);
                        assert_int_equal(e.exemptions[1].until, T0 + 2);
                        assert_string_equal(e.exemptions[1].reason, "the office");
                }

                assert_ok(store_begin(s, true));
                assert_ok(store_clear_exemptions(s));
                assert_ok(store_add_exemption(s, &pause));
                assert_ok(store_add_exemption(s, &allowed));
                assert_ok(store_commit(s));
        }
}

static unsigned count_earlier(Store *s, const char *jail, const char *address, usec_t since) {
        Address a = addr(address);
        unsigned n = UINT_MAX;

        assert_ok(store_count_earlier(s, jail, &a, since, T0 + 1000, 100, &n));
        return n;
}

static void older_database_knows_earlier_bans(void **state) {
        run_sql(*state, version_2);

        for (unsigned i = 0; i < 2; i++) {
                _cleanup_(store_closep) Store *s = open_store(*state);

                assert_int_equal(count_earlier(s, "sshd", "192.0.2.1", 0), 2);
                assert_int_equal(count_earlier(s, NULL, "192.0.2.1", 0), 3);
                assert_ok(store_clear_exemptions(s)); /* a table of later */
        }
}

static void end_one(Store *s, const char *jail, const char *address, usec_t start, usec_t end) {
        Ban ban = make_ban(address, (uint64_t) (start - T0));

        ban.start = start;
        assert_ok(store_add_ban(s, jail, &ban));
        assert_ok(store_end_ban(s, jail, &ban, end, "expired", false));
}

static void earlier_bans_are_counted(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Address a = addr("192.0.2.1");
        unsigned n;

        assert_ok(store_begin(s, false));
        end_one(s, "sshd", "192.0.2.1", T0, T0 + 10);
        end_one(s, "sshd", "192.0.2.1", T0 + 20, T0 + 30);
        end_one(s, "mail", "192.0.2.1", T0 + 40, T0 + 50);
        end_one(s, "sshd", "192.0.2.0/24", T0, T0 + 10);
        end_one(s, "sshd", "2001:db8::/64", T0, T0 + 10);
        add(s, "sshd", "192.0.2.1", 100);                              /* runs */
        assert_int_equal(count_earlier(s, "sshd", "192.0.2.1", 0), 2); /* before the commit, too */
        assert_ok(store_commit(s));

        assert_int_equal(count_earlier(s, NULL, "192.0.2.1", 0), 3);
        assert_int_equal(count_earlier(s, "mail", "192.0.2.1", 0), 1);
        assert_int_equal(count_earlier(s, "web", "192.0.2.1", 0), 0);
        assert_int_equal(count_earlier(s, "sshd", "192.0.2.0", 0), 0);
        assert_int_equal(count_earlier(s, "sshd", "192.0.2.0/24", 0), 1);
        assert_int_equal(count_earlier(s, "sshd", "2001:db8::/64", 0), 1);
        assert_int_equal(count_earlier(s, "sshd", "2001:db8::", 0), 0);

        /* Remembered so long, to the microsecond, and only what began before. */
        assert_int_equal(count_earlier(s, "sshd", "192.0.2.1", T0 + 10), 2);
        assert_int_equal(count_earlier(s, "sshd", "192.0.2.1", T0 + 11), 1);
        assert_int_equal(count_earlier(s, "sshd", "192.0.2.1", T0 + 31), 0);
        assert_ok(store_count_earlier(s, "sshd", &a, 0, T0 + 20, 100, &n));
        assert_int_equal(n, 1);
        assert_ok(store_count_earlier(s, "sshd", &a, 0, T0, 100, &n));
        assert_int_equal(n, 0);
        assert_ok(store_count_earlier(s, NULL, &a, 0, T0 + 100, 2, &n));
        assert_int_equal(n, 2);
}

static void what_was_no_fault_of_the_address_is_no_earlier_ban(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Ban ban = make_ban("192.0.2.1", 1), by_hand = make_ban("192.0.2.2", 2);

        by_hand.failures = 0;
        assert_ok(store_begin(s, false));
        assert_ok(store_add_ended(s, "sshd", &ban, T0 + 1, "over when decided"));
        assert_ok(store_add_ban(s, "sshd", &ban));
        assert_ok(store_lift_ban(s, "sshd", &ban, T0 + 2, "gateway"));
        assert_ok(store_add_ban(s, "sshd", &by_hand));
        assert_ok(store_end_ban(s, "sshd", &by_hand, T0 + 2, "expired", false));
        assert_ok(store_add_ban(s, "mail", &by_hand));
        assert_ok(store_add_ban(s, "mail", &ban));
        assert_ok(store_end_all(s, T0 + 3, "flushed"));
        assert_ok(store_commit(s));

        assert_bans(s, "");
        assert_int_equal(count_earlier(s, "sshd", "192.0.2.1", 0), 0);
        assert_int_equal(count_earlier(s, "mail", "192.0.2.1", 0), 1);
        assert_int_equal(count_earlier(s, NULL, "192.0.2.2", 0), 0);
}

/* One is counted for each ban, so that no table may be read through for it. */
static void earlier_bans_are_found_by_the_index(void **state) {
        sqlite3_stmt *stmt;
        sqlite3 *db;

        store_close(open_store(*state));
        assert_int_equal(sqlite3_open(files_path(*state, STORE_FILE), &db), SQLITE_OK);
        {
                const char *plan;

                assert_int_equal(
                                sqlite3_prepare_v2(db,
                                                "EXPLAIN QUERY PLAN SELECT 1 FROM ended WHERE counts"
                                                " AND address = ?2 AND prefixlen = ?3 AND end >= ?4"
                                                " AND start < ?5 AND (?1 IS NULL OR jail = ?1)",
                                                -1,
                                                &stmt,
                                                NULL),
                                SQLITE_OK);
                assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
                plan = (const char *) sqlite3_column_text(stmt, 3);
                assert_non_null(strstr(plan,
                                "USING INDEX ended_by_address (address=? AND prefixlen=? AND start<?)"));
                assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
                (void) sqlite3_finalize(stmt);
        }
        (void) sqlite3_close(db);
}

static void assert_begun(Store *s, usec_t since, const char *wanted) {
        Listing l = {};

        assert_ok(store_foreach_begun(s, since, list_one, &l));
        assert_string_equal(l.text, wanted);
}

static void bans_that_began_are_those_that_run_and_that_ended(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Ban over = make_ban("192.0.2.1", 1), lifted = make_ban("192.0.2.1", 2);
        Ban by_hand = make_ban("192.0.2.2", 3), running = make_ban("192.0.2.1", 4);
        Ban ended = make_ban("192.0.2.1", 5);

        by_hand.failures = 0;
        running.start = T0 + 10;
        running.end = USEC_INFINITY;
        ended.start = T0 + 20;
        assert_ok(store_begin(s, false));
        assert_ok(store_add_ended(s, "sshd", &over, T0 + 30, "over when decided"));
        assert_ok(store_add_ban(s, "sshd", &lifted));
        assert_ok(store_lift_ban(s, "sshd", &lifted, T0 + 30, "gateway"));
        assert_ok(store_add_ban(s, "sshd", &by_hand));
        assert_ok(store_add_ban(s, "mail", &running));
        assert_ok(store_add_ban(s, "sshd", &ended));
        assert_ok(store_end_ban(s, "sshd", &ended, T0 + 25, "by hand", false));
        assert_ok(store_commit(s));

        assert_begun(s,
                        T0,
                        "mail 192.0.2.1 4 10 -1 5 password -\n"
                        "sshd 192.0.2.1 5 20 25 5 password -\n");
        assert_begun(s, T0 + 11, "sshd 192.0.2.1 5 20 25 5 password -\n");
        assert_begun(s, T0 + 20, "sshd 192.0.2.1 5 20 25 5 password -\n");
        assert_begun(s, T0 + 21, "");
}

typedef struct NameListing {
        char text[1024];
        unsigned n;
        unsigned stop_after; /* 0: never */
} NameListing;

static int list_name(const char *name, const Address *a, void *userdata) {
        NameListing *l = userdata;
        size_t used = strlen(l->text);
        char address[ADDRESS_STR_SIZE];

        (void) snprintf(l->text + used,
                        sizeof(l->text) - used,
                        "%s %s\n",
                        name,
                        address_format(a, address));
        return ++l->n == l->stop_after ? -ECANCELED : 0;
}

static void assert_names(Store *s, const char *wanted) {
        NameListing l = {};

        assert_ok(store_foreach_name(s, list_name, &l));
        assert_string_equal(l.text, wanted);
}

static void addresses_of_names_are_kept(void **state) {
        const Address first = addr("192.0.2.1"), second = addr("2001:db8::1");
        Store *s = open_store(*state);
        NameListing l = { .stop_after = 1 };

        assert_names(s, "");
        assert_ok(store_begin(s, false));
        assert_ok(store_add_name(s, "office.example.org", &first));
        assert_ok(store_add_name(s, "office.example.org", &second));
        assert_ok(store_add_name(s, "office.example.org", &first));
        assert_ok(store_add_name(s, "home.example.org", &first));
        assert_ok(store_commit(s));
        store_close(s);

        s = open_store(*state);
        assert_names(s,
                        "home.example.org 192.0.2.1\n"
                        "office.example.org 2001:db8::1\n"
                        "office.example.org 192.0.2.1\n");
        assert_fails(store_foreach_name(s, list_name, &l), ECANCELED);
        assert_int_equal(l.n, 1);

        /* All anew, or as it was. */
        assert_ok(store_begin(s, false));
        assert_ok(store_clear_names(s));
        assert_ok(store_add_name(s, "office.example.org", &second));
        store_rollback(s);
        assert_ok(store_begin(s, false));
        assert_ok(store_clear_names(s));
        assert_ok(store_add_name(s, "home.example.org", &second));
        assert_ok(store_commit(s));
        assert_names(s, "home.example.org 2001:db8::1\n");
        store_close(s);
}

static void names_that_make_no_sense_are_passed_over(void **state) {
        Store *s = open_store(*state);

        store_close(s);
        run_sql(*state,
                        "INSERT INTO names VALUES ('a.example.org', x'c000'), ('b.example.org', ''),"
                        " ('c.example.org', x'c0000201')");
        s = open_store(*state);
        assert_names(s, "c.example.org 192.0.2.1\n");
        store_close(s);
}

static void database_of_something_else_is_set_aside(void **state) {
        _cleanup_(freep) char *aside = NULL;
        Store *s = NULL;

        run_sql(*state, "CREATE TABLE bans (jail, ip, timeofban); INSERT INTO bans VALUES (1, 2, 3)");
        assert_int_equal(store_open(&s, ((Files *) *state)->directory, &aside), 1);
        assert_true(exists(*state, STORE_FILE ".damaged"));
        assert_bans(s, "");
        store_close(s);
}

static void database_without_a_table_is_set_aside(void **state) {
        _cleanup_(freep) char *aside = NULL;
        Store *s = NULL;

        store_close(open_store(*state));
        run_sql(*state, "DROP TABLE ended");
        assert_int_equal(store_open(&s, ((Files *) *state)->directory, &aside), 1);
        assert_bans(s, "");
        store_close(s);
}

static void rows_that_make_no_sense_are_passed_over(void **state) {
        Store *s = open_store(*state);

        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.1", 1);
        assert_int_equal(store_commit(s), 0);
        store_close(s);
        run_sql(*state,
                        "INSERT INTO bans VALUES ('sshd', x'0102', 32, 2, 0, NULL, 1, '', NULL, 0);"
                        "INSERT INTO bans VALUES ('sshd', x'', 32, 3, 0, NULL, 1, '', NULL, 0);"
                        "INSERT INTO bans VALUES ('sshd', x'01020304', 33, 4, 0, NULL, 1, '', NULL, 0);"
                        "INSERT INTO bans VALUES ('sshd', x'01020304', -1, 5, 0, NULL, 1, '', NULL, 0);"
                        "INSERT INTO bans VALUES ('sshd', 'text', 32, 6, 'x', 'y', 'z', 'p', NULL, 0);");
        s = open_store(*state);
        {
                Listing l = {};

                assert_int_equal(store_foreach_ban(s, list_one, &l), 0);
                assert_non_null(strstr(l.text, "sshd 192.0.2.1 1 0 3600000000 5 password -\n"));
                assert_null(strstr(l.text, "/33"));
                assert_int_equal(l.n, 2); /* four letters are an address, too */
        }
        store_close(s);
}

/* Whatever may not be written says so, as nobody: root may write everything. */

#define NOBODY 65534

static const char *wrong_directory;

static void open_as_nobody(const Files *f) {
        char *aside = NULL;
        Store *s = NULL;
        int r;

        if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
                _exit(98);
        r = store_open(&s, wrong_directory ?: f->directory, &aside);
        _exit(r < 0 ? -r : 0);
}

static void what_cannot_be_written_is_refused(void **state) {
        const Files *f = *state;

        if (geteuid() != 0)
                skip();

        /* A directory of somebody else. */
        assert_int_equal(chmod(f->directory, 0755), 0);
        run_child_and_wait(f, open_as_nobody, EACCES << 8);
        assert_false(exists(f, STORE_FILE));

        /* One that may not even be looked into. */
        assert_int_equal(chmod(f->directory, 0700), 0);
        run_child_and_wait(f, open_as_nobody, EACCES << 8);

        /* A database in a directory of somebody else. */
        fill(f);
        assert_int_equal(chmod(f->directory, 0755), 0);
        run_child_and_wait(f, open_as_nobody, EROFS << 8);

        /* A database of somebody else in a directory of our own. */
        assert_int_equal(chown(f->directory, NOBODY, NOBODY), 0);
        run_child_and_wait(f, open_as_nobody, EROFS << 8);

        /* No directory at all. */
        wrong_directory = "/nonexistent/banjo";
        run_child_and_wait(f, open_as_nobody, EACCES << 8);
        wrong_directory = NULL;

        /* Nothing was lost by all that. */
        {
                Store *s = open_store(f);
                Listing l = {};

                assert_int_equal(store_foreach_ban(s, list_one, &l), 0);
                assert_int_equal(l.n, 3000);
                store_close(s);
        }
}

/* A limit of file sizes is as good as a full disk. Returns what there was before. */
static struct rlimit limit_files(off_t size) {
        struct rlimit before, limit;

        (void) signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = (struct rlimit){ (rlim_t) size, before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        return before;
}

/* What the program is when it is called with a path: somebody who may read the files, and nothing
 * else. Returns the number of bans as exit status. */
static int read_as_nobody(const char *path) {
        sqlite3_stmt *stmt;
        sqlite3 *db;
        int n;

        if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
                return 98;
        if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
                return 97;
        if (sqlite3_prepare_v2(db, "SELECT count(*) FROM bans", -1, &stmt, NULL) != SQLITE_OK)
                return 96;
        if (sqlite3_step(stmt) != SQLITE_ROW)
                return 95;
        n = sqlite3_column_int(stmt, 0);
        (void) sqlite3_finalize(stmt);
        (void) sqlite3_close(db);
        return n;
}

/* A program of its own, since a store has a thread. */
static void assert_readable(const Files *f, int wanted) {
        char *argv[] = { (char *) "test-store", (char *) files_path(f, STORE_FILE), NULL };
        int status;
        pid_t pid;

        assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, wanted << 8);
}

static void who_may_only_read_can_read_at_any_time(void **state) {
        const Files *f = *state;
        Store *s;

        if (geteuid() != 0)
                skip();

        assert_int_equal(chmod(f->directory, 0755), 0);
        s = open_store(f);
        assert_readable(f, 0);
        assert_ok(store_begin(s, false));
        add(s, "sshd", "192.0.2.1", 1);
        assert_ok(store_commit(s));
        assert_readable(f, 1);
        store_close(s);
        assert_readable(f, 1);

        /* After a crash, too. */
        run_child_and_wait(f, crash_after_commit, SIGKILL);
        assert_readable(f, 2);
}

static void disk_that_is_full_undoes_the_transaction(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        struct rlimit before;
        int r;

        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.1", 1);
        assert_int_equal(store_commit(s), 0);

        before = limit_files(size_of(*state, STORE_FILE "-wal") + 4096);
        r = store_begin(s, true);
        for (unsigned i = 0; i < 5000 && r >= 0; i++) {
                const uint8_t bytes[4] = { 198, 51, (uint8_t) (i >> 8), (uint8_t) i };
                Ban ban = make_ban("192.0.2.1", i + 10);

                assert_ok(address_from_bytes(AF_INET, bytes, 32, &ban.address));
                r = store_add_ban(s, "sshd", &ban);
        }
        if (r >= 0)
                r = store_commit(s);
        else
                store_rollback(s);
        assert_true(r < 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

        assert_bans(s, "sshd 192.0.2.1 1 0 3600000000 5 password -\n");
        assert_int_equal(store_begin(s, false), 0);
        add(s, "sshd", "192.0.2.2", 2);
        assert_int_equal(store_commit(s), 0);
}

static void what_cannot_be_replaced_yet_fails_until_it_can(void **state) {
        _cleanup_(freep) char *aside = NULL;
        _cleanup_(store_closep) Store *s = open_store(*state);
        Address a = addr("192.0.2.1");
        StoreReader *reader = NULL;
        struct rlimit before;
        unsigned n;

        assert_ok(store_begin(s, false));
        add(s, "sshd", "192.0.2.9", 1);
        assert_ok(store_commit(s));

        before = limit_files(0);
        assert_true(store_replace(s, &aside) < 0);
        assert_string_equal(aside, files_path(*state, STORE_FILE ".damaged"));
        assert_true(store_begin(s, true) < 0);
        assert_fails(store_reader_new(&reader, s), EROFS);
        assert_bans(s, "");
        assert_ok(store_count_earlier(s, "sshd", &a, 0, T0, 100, &n));
        assert_int_equal(n, 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

        assert_ok(store_begin(s, true));
        add(s, "sshd", "192.0.2.1", 1);
        assert_ok(store_commit(s));
        assert_bans(s, "sshd 192.0.2.1 1 0 3600000000 5 password -\n");
}

static void add_many(Store *s, unsigned from, unsigned n) {
        for (unsigned i = from; i < from + n; i++) {
                const uint8_t bytes[4] = {
                        198, (uint8_t) (i >> 16), (uint8_t) (i >> 8), (uint8_t) i
                };
                Ban ban = make_ban("192.0.2.1", i);

                assert_ok(address_from_bytes(AF_INET, bytes, 32, &ban.address));
                assert_ok(store_add_ban(s, "sshd", &ban));
        }
}

/* What the thread does fails, and nobody else notices. */
static void log_that_cannot_be_written_back_stays(void **state) {
        Store *s = open_store(*state);
        struct rlimit before;
        unsigned n = 100000;
        Listing l = {};
        sqlite3 *db;
        off_t size;

        /* Closed in between, so that the database is large and the log is small. */
        assert_ok(store_begin(s, false));
        add_many(s, 0, n);
        assert_ok(store_commit(s));
        store_close(s);
        size = size_of(*state, STORE_FILE);
        assert_true(size > 1100 * 4096);

        s = open_store(*state);
        before = limit_files(size);
        do {
                assert_ok(store_begin(s, false));
                add_many(s, n, 500);
                assert_ok(store_commit(s));
                n += 500;
        } while (size_of(*state, STORE_FILE "-wal") < 1010 * 4096); /* a checkpoint was due */

        assert_int_equal(sqlite3_open(files_path(*state, STORE_FILE), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "PRAGMA user_version", NULL, NULL, NULL), SQLITE_OK);
        assert_int_not_equal(sqlite3_wal_checkpoint(db, NULL), SQLITE_OK);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        (void) sqlite3_close(db);
        write_back(files_path(*state, STORE_FILE), SQLITE_CHECKPOINT_FULL);

        assert_ok(store_foreach_ban(s, list_one, &l));
        assert_int_equal(l.n, n);
        store_close(s);
}

static void lock_of_somebody_else_is_not_waited_for(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        sqlite3 *db;

        assert_int_equal(sqlite3_open(files_path(*state, STORE_FILE), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
        assert_fails(store_begin(s, false), EBUSY);
        assert_fails(store_begin(s, true), EBUSY);
        (void) sqlite3_close(db);

        assert_ok(store_begin(s, true));
        add(s, "sshd", "192.0.2.1", 1);
        assert_ok(store_commit(s));
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(bans_outlive_the_daemon),
                cmocka_file_test(banning_again_replaces),
                cmocka_file_test(host_and_prefix_of_the_same_bytes_are_two_bans),
                cmocka_file_test(ended_bans_are_kept_apart),
                cmocka_file_test(all_bans_end_at_once),
                cmocka_file_test(bans_of_a_jail_can_be_written_anew),
                cmocka_file_test(position_is_kept),
                cmocka_file_test(ids_are_never_given_again),
                cmocka_file_test(what_was_rolled_back_is_gone),
                cmocka_file_test(walk_ends_at_the_first_error),
                cmocka_file_test(one_ban_is_found_by_its_address),
                cmocka_file_test(bans_can_be_walked_over_in_pieces),
                cmocka_file_test(bans_can_end_while_they_are_walked_over),
                cmocka_file_test(times_beyond_what_a_database_holds_do_not_turn_negative),
                cmocka_file_test(bytes_of_names_and_reasons_are_kept),
                cmocka_file_test(crash_leaves_all_of_a_transaction_or_nothing),
                cmocka_file_test(durable_commits_wait_for_the_disk_and_others_do_not),
                cmocka_file_test(closing_in_a_transaction_loses_it),
                cmocka_file_test(log_does_not_grow_for_ever),
                cmocka_file_test(others_may_read_meanwhile),
                cmocka_file_test(garbage_is_set_aside_and_never_deleted),
                cmocka_file_test(damage_inside_is_found_when_opening),
                cmocka_file_test(truncated_database_is_set_aside),
                cmocka_file_test(damage_while_it_is_open_is_found_and_replaced),
                cmocka_file_test(empty_file_is_a_new_database),
                cmocka_file_test(newer_database_is_refused_and_left_alone),
                cmocka_file_test(older_database_is_upgraded_and_keeps_its_bans),
                cmocka_file_test(exemptions_are_kept_in_order_and_written_as_a_whole),
                cmocka_file_test(older_database_knows_earlier_bans),
                cmocka_file_test(earlier_bans_are_counted),
                cmocka_file_test(what_was_no_fault_of_the_address_is_no_earlier_ban),
                cmocka_file_test(earlier_bans_are_found_by_the_index),
                cmocka_file_test(bans_that_began_are_those_that_run_and_that_ended),
                cmocka_file_test(addresses_of_names_are_kept),
                cmocka_file_test(names_that_make_no_sense_are_passed_over),
                cmocka_file_test(database_of_something_else_is_set_aside),
                cmocka_file_test(database_without_a_table_is_set_aside),
                cmocka_file_test(rows_that_make_no_sense_are_passed_over),
                cmocka_file_test(what_cannot_be_written_is_refused),
                cmocka_file_test(who_may_only_read_can_read_at_any_time),
                cmocka_file_test(disk_that_is_full_undoes_the_transaction),
                cmocka_file_test(what_cannot_be_replaced_yet_fails_until_it_can),
                cmocka_file_test(log_that_cannot_be_written_back_stays),
                cmocka_file_test(lock_of_somebody_else_is_not_waited_for),
        };

        if (argc > 1)
                return read_as_nobody(argv[1]);

        return cmocka_run_group_tests(tests, NULL, NULL);
}
