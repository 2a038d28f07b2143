/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the store forgets, on a real database. */

#include "database.h"

#include "engine/store-history.h"
#include "engine/store-prune.h"

#define HOUR USEC_PER_HOUR

/* Nothing is large, and a restart needs nothing. */
static const PruneLimits nothing = { .needed = USEC_INFINITY, .size = UINT64_MAX };

static Ban make_ban(unsigned i, usec_t end) {
        const uint8_t bytes[4] = { 198, 51, (uint8_t) (i >> 8), (uint8_t) i };
        Ban ban = {
                .failures = 5, .pattern = "password", .id = i, .start = end - HOUR, .end = end
        };

        assert_ok(address_from_bytes(AF_INET, bytes, 32, &ban.address));
        return ban;
}

/* Bans with ids from..from+n-1 that ended a microsecond after each other from `end` on. */
static void end_many(Store *s, unsigned from, unsigned n, usec_t end, bool in_kernel) {
        assert_ok(store_begin(s, false));
        for (unsigned i = from; i < from + n; i++) {
                Ban ban = make_ban(i, end + i - from);

                assert_ok(store_add_ban(s, "sshd", &ban));
                assert_ok(store_add_evidence(s, i, "[]", "{}"));
                assert_ok(store_end_ban(s, "sshd", &ban, ban.end, "expired", in_kernel));
        }
        assert_ok(store_commit(s));
}

static uint64_t number(Store *s, const char *sql) {
        sqlite3_stmt *stmt;
        uint64_t n;

        assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        n = (uint64_t) sqlite3_column_int64(stmt, 0);
        (void) sqlite3_finalize(stmt);
        return n;
}

/* Prunes until nothing is left to do. Returns in how many steps. */
static unsigned prune(Store *s, const PruneLimits *l, PruneCount *count) {
        unsigned n = 0;
        int r;

        *count = (PruneCount){};
        while ((r = store_prune_due(s, l)) > 0) {
                assert_int_equal(store_prune(s, l, count), 1);
                n++;
        }
        assert_ok(r);
        assert_int_equal(store_prune(s, l, count), 0);
        return n;
}

static void what_is_old_goes_with_its_evidence(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        PruneLimits l = nothing;
        PruneCount count;

        end_many(s, 1, 500, T0, false);
        assert_int_equal(store_prune_due(s, &l), 0);

        l.since = T0 + 300;
        assert_int_equal(prune(s, &l, &count), 2);
        assert_int_equal(count.by_age, 300);
        assert_int_equal(count.by_size, 0);
        assert_int_equal(number(s, "SELECT count(*) FROM ended"), 200);
        assert_int_equal(number(s, "SELECT min(id) FROM ended"), 301);
        assert_int_equal(number(s, "SELECT count(*) FROM evidence"), 200);
        assert_int_equal(number(s, "SELECT min(ban) FROM evidence"), 301);
}

static void step_is_bounded(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        const HistoryCount one = { .failures = 1 };
        PruneLimits l = nothing;
        PruneCount count = {};

        end_many(s, 1, 2000, T0, false);
        assert_ok(store_begin(s, false));
        for (unsigned i = 0; i < 1000; i++)
                assert_ok(store_count_user(s, T0, i, &one));
        assert_ok(store_commit(s));

        l.since = USEC_INFINITY;
        for (unsigned i = 1; i <= 3; i++) {
                assert_int_equal(store_prune(s, &l, &count), 1);
                assert_int_equal(count.by_age, i * STORE_PRUNE_ROWS);
                assert_int_equal(number(s, "SELECT count(*) FROM ended"),
                                2000 - i * STORE_PRUNE_ROWS);
                assert_int_equal(number(s, "SELECT count(*) FROM hours_users"),
                                1000 - i * STORE_PRUNE_ROWS);
        }
}

static void what_runs_and_what_is_needed_stays(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Ban running = make_ban(5000, T0 - 90 * 24 * HOUR);
        PruneLimits l = { .since = USEC_INFINITY, .needed = T0 + 100, .size = 0 };
        PruneCount count;

        end_many(s, 1, 10, T0, true); /* the kernel may still have them */
        end_many(s, 11, 200, T0, false);
        assert_ok(store_begin(s, false));
        assert_ok(store_add_ban(s, "sshd", &running));
        assert_ok(store_add_evidence(s, 5000, "[]", "{}"));
        assert_ok(store_commit(s));

        (void) prune(s, &l, &count);
        assert_int_equal(count.by_age, 100);
        assert_int_equal(count.by_size, 0);
        assert_int_equal(number(s, "SELECT count(*) FROM ended WHERE in_kernel"), 10);
        assert_int_equal(number(s, "SELECT min(end) FROM ended WHERE NOT in_kernel"), T0 + 100);
        assert_int_equal(number(s, "SELECT count(*) FROM ended"), 110);
        assert_int_equal(number(s, "SELECT count(*) FROM bans"), 1);
        assert_int_equal(number(s, "SELECT count(*) FROM evidence WHERE ban = 5000"), 1);

        assert_ok(store_begin(s, false));
        assert_ok(store_clear_in_kernel(s));
        assert_ok(store_commit(s));
        (void) prune(s, &l, &count);
        assert_int_equal(count.by_age, 10);
}

static void hours_and_unbans_go_when_all_of_them_is_old(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        const usec_t first = T0 - T0 % HOUR;
        const HistoryCount one = { .failures = 1 };
        Address a = addr("192.0.2.1");
        PruneLimits l = nothing;
        PruneCount count;

        assert_ok(store_begin(s, false));
        for (unsigned i = 0; i < 3; i++) {
                assert_ok(store_count_pattern(s, first + i * HOUR, "sshd", "password", &one));
                assert_ok(store_count_user(s, first + i * HOUR, 7, &one));
                assert_ok(store_count_network(s, first + i * HOUR, &a, &one));
        }
        assert_ok(store_add_unban(s, "sshd", &a, first + 10));
        assert_ok(store_commit(s));

        l.since = first + 2 * HOUR; /* the first two are over by then, and of the second the last
                                       moment is not older */
        l.needed = first + 2 * HOUR;
        (void) prune(s, &l, &count);
        assert_int_equal(number(s, "SELECT min(hour) FROM hours"), first + HOUR);
        assert_int_equal(number(s, "SELECT min(hour) FROM hours_users"), first + HOUR);
        assert_int_equal(number(s, "SELECT min(hour) FROM hours_networks"), first + HOUR);
        assert_int_equal(number(s, "SELECT count(*) FROM unbans"), 0);
        l.since++;
        (void) prune(s, &l, &count);
        assert_int_equal(number(s, "SELECT count(*) FROM hours"), 2);
        l.needed++;
        (void) prune(s, &l, &count);
        assert_int_equal(number(s, "SELECT count(*) FROM hours"), 1);
}

static void what_is_too_much_goes_oldest_first(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        const usec_t first = T0 - T0 % HOUR;
        const HistoryCount one = { .failures = 1 };
        PruneLimits l = nothing;
        uint64_t used, kept;
        PruneCount count;

        end_many(s, 1, 3000, first + HOUR, false);
        end_many(s, 3001, 3000, first + 5 * HOUR, false);
        assert_ok(store_begin(s, false));
        for (unsigned i = 0; i < 7; i++)
                assert_ok(store_count_user(s, first + i * HOUR, i, &one));
        assert_ok(store_commit(s));

        used = number(s, store_statements[STATEMENT_USED]);
        assert_true(used > 400000);
        l.size = used;
        assert_int_equal(store_prune_due(s, &l), 0);

        l.size = used * 3 / 4;
        (void) prune(s, &l, &count);
        assert_int_equal(count.by_age, 0);
        assert_in_range(count.by_size, 500, 3000);
        assert_in_range(number(s, store_statements[STATEMENT_USED]), used / 2, l.size);
        kept = number(s, "SELECT count(*) FROM ended");
        assert_int_equal(kept, 6000 - count.by_size);
        assert_int_equal(number(s, "SELECT min(id) FROM ended"), 6001 - kept);
        assert_int_equal(number(s, "SELECT min(hour) FROM hours_users"), first + HOUR);

        /* With the bans, the hours before them. */
        l.size = used / 4;
        (void) prune(s, &l, &count);
        assert_true(number(s, "SELECT min(id) FROM ended") > 3000);
        assert_int_equal(number(s, "SELECT min(hour) FROM hours_users"), first + 5 * HOUR);

        /* All of it, if that is asked for; not what a restart needs. */
        l.size = 0;
        l.needed = first + 6 * HOUR;
        (void) prune(s, &l, &count);
        assert_int_equal(number(s, "SELECT count(*) FROM ended"), 0);
        assert_int_equal(number(s, "SELECT count(*) FROM evidence"), 0);
        assert_int_equal(number(s, "SELECT min(hour) FROM hours_users"), first + 5 * HOUR);
}

static unsigned count_earlier(Store *s, const Address *a, usec_t since) {
        unsigned n = 99;

        assert_ok(store_count_earlier(s, "sshd", a, since, USEC_INFINITY, 100, &n));
        return n;
}

/* An address that was banned again and again, each time a day after the last. */
static void growth_loses_what_is_gone(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        const usec_t day = 24 * HOUR;
        Ban ban = make_ban(1, T0);
        PruneLimits l = nothing;
        PruneCount count;

        assert_ok(store_begin(s, false));
        for (unsigned i = 0; i < 10; i++) {
                ban.id = i + 1;
                ban.start = T0 + i * day;
                assert_ok(store_add_ban(s, "sshd", &ban));
                assert_ok(store_end_ban(s, "sshd", &ban, ban.start + HOUR, "expired", false));
        }
        assert_ok(store_commit(s));

        /* Nothing that counts is older than what is remembered: the fifth ended just then. */
        l.since = T0 + 4 * day + HOUR;
        assert_int_equal(count_earlier(s, &ban.address, l.since), 6);
        (void) prune(s, &l, &count);
        assert_int_equal(count.by_age, 4);
        assert_int_equal(count_earlier(s, &ban.address, l.since), 6);
        assert_int_equal(count_earlier(s, &ban.address, 0), 6);

        /* What did not fit is not remembered. */
        l.size = 0;
        l.needed = T0 + 8 * day;
        (void) prune(s, &l, &count);
        assert_int_equal(count.by_size, 4);
        assert_int_equal(count_earlier(s, &ban.address, l.since), 2);
}

static void failed_step_changes_nothing(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        PruneLimits l = nothing;
        PruneCount count = {};
        sqlite3 *db;

        end_many(s, 1, 500, T0, false);
        assert_int_equal(sqlite3_open(files_path(*state, STORE_FILE), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        l.since = USEC_INFINITY;
        assert_int_equal(store_prune_due(s, &l), 1);
        assert_fails(store_prune(s, &l, &count), EBUSY);
        assert_int_equal(count.by_age, 0);
        (void) sqlite3_close(db);
        assert_int_equal(store_prune(s, &l, &count), 1);
        assert_int_equal(count.by_age, STORE_PRUNE_ROWS);
}

static void oldest_are_found_by_an_index(void **state) {
        static const Statement statements[] = {
                STATEMENT_PRUNE_DUE,
                STATEMENT_PRUNE_LAST,
                STATEMENT_PRUNE_EVIDENCE,
                STATEMENT_PRUNE_ENDED,
                STATEMENT_PRUNE_HOURS,
                STATEMENT_PRUNE_USERS,
                STATEMENT_PRUNE_NETWORKS,
        };
        static const char *const unwanted[] = {
                "SCAN ended",
                "SCAN hours",
                "SCAN evidence",
                "TEMP B-TREE",
                NULL,
        };
        _cleanup_(store_closep) Store *s = open_store(*state);

        assert_plans(s, statements, ELEMENTSOF(statements), unwanted);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(what_is_old_goes_with_its_evidence),
                cmocka_file_test(step_is_bounded),
                cmocka_file_test(what_runs_and_what_is_needed_stays),
                cmocka_file_test(hours_and_unbans_go_when_all_of_them_is_old),
                cmocka_file_test(what_is_too_much_goes_oldest_first),
                cmocka_file_test(growth_loses_what_is_gone),
                cmocka_file_test(failed_step_changes_nothing),
                cmocka_file_test(oldest_are_found_by_an_index),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
