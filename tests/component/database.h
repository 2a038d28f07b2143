/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The store, whose database lies in a directory of the test's own. */

#include "../unit/files.h"

#include <sqlite3.h>
#include <unistd.h>

#include "engine/store-db.h"
#include "engine/store-private.h"

static inline _unused_ Store *open_store(const Files *f) {
        _cleanup_(freep) char *aside = NULL;
        Store *s = NULL;

        assert_int_equal(store_open(&s, f->directory, &aside), 0);
        assert_null(aside);
        return s;
}

/* One of 65,536 networks. */
static inline _unused_ Address nth_network(unsigned i) {
        const uint8_t bytes[16] = { 0x20, 0x01, 0x0d, 0xb8, (uint8_t) (i >> 8), (uint8_t) i };
        Address a;

        assert_ok(address_from_bytes(AF_INET6, bytes, 64, &a));
        return a;
}

/* Writes all of the log back into the database, in one of SQLite's ways, when who reads has come to
 * an end. Another one who does so, such as the store's own thread, it does not wait for by itself.
 */
static inline _unused_ void write_back(const char *path, int mode) {
        sqlite3 *db;
        int e;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        (void) sqlite3_busy_timeout(db, 60000);
        assert_int_equal(sqlite3_exec(db, "PRAGMA user_version", NULL, NULL, NULL), SQLITE_OK);
        while ((e = sqlite3_wal_checkpoint_v2(db, NULL, mode, NULL, NULL)) == SQLITE_BUSY)
                usleep(1000);
        assert_int_equal(e, SQLITE_OK);
        (void) sqlite3_close(db);
}

/* The plans of SQLite for statements have none of the words, of which the last one is NULL. */
static inline _unused_ void
assert_plans(Store *s, const Statement *statements, size_t n, const char *const *unwanted) {
        for (size_t i = 0; i < n; i++) {
                const char *sql = store_statements[statements[i]];
                _cleanup_(freep) char *question = NULL;
                sqlite3_stmt *stmt;

                assert_true(asprintf(&question, "EXPLAIN QUERY PLAN %s", sql) > 0);
                assert_int_equal(sqlite3_prepare_v2(s->db, question, -1, &stmt, NULL), SQLITE_OK);
                while (sqlite3_step(stmt) == SQLITE_ROW) {
                        const char *plan = (const char *) sqlite3_column_text(stmt, 3);

                        for (const char *const *u = unwanted; *u; u++)
                                if (strstr(plan, *u))
                                        fail_msg("%s\n%s", sql, plan);
                }
                (void) sqlite3_finalize(stmt);
        }
}
