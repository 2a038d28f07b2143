/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * SQLite in WAL mode. Statements are prepared once. Checkpoints, which write the log back into the
 * database and wait for the disk, run in a thread with a connection of its own: the loop only tells
 * it that the log has grown.
 *
 * Addresses are stored as their bytes, so that tables stay small and sort by address.
 */

#include "engine/store.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>

#include "engine/store-db.h"

/* Pages in the log at which a checkpoint is due: 4 MB. */
#define CHECKPOINT_PAGES 1000

typedef enum Statement {
        STATEMENT_BEGIN,
        STATEMENT_COMMIT,
        STATEMENT_ROLLBACK,
        STATEMENT_FULL,
        STATEMENT_NORMAL,
        STATEMENT_ADD_BAN,
        STATEMENT_REMOVE_BAN,
        STATEMENT_ADD_ENDED,
        STATEMENT_CLEAR_IN_KERNEL,
        STATEMENT_CLEAR_BANS,
        STATEMENT_CLEAR_ALL,
        STATEMENT_END_ALL,
        STATEMENT_SET_META,
        STATEMENT_GET_META,
        STATEMENT_LAST_ID,
        STATEMENT_BANS,
        STATEMENT_ENDED,
        STATEMENT_IN_KERNEL,
        STATEMENT_COUNT_EARLIER,
        STATEMENT_CLEAR_NAMES,
        STATEMENT_ADD_NAME,
        STATEMENT_NAMES,
        _STATEMENT_MAX,
} Statement;

#define BAN_COLUMNS "jail, address, prefixlen, id, start, end, failures, pattern, reason"

static const char *const statements[_STATEMENT_MAX] = {
        [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
        [STATEMENT_COMMIT] = "COMMIT",
        [STATEMENT_ROLLBACK] = "ROLLBACK",
        [STATEMENT_FULL] = "PRAGMA synchronous = FULL",
        [STATEMENT_NORMAL] = "PRAGMA synchronous = NORMAL",
        [STATEMENT_ADD_BAN] =
                        "INSERT OR REPLACE INTO bans (" BAN_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?)",
        [STATEMENT_REMOVE_BAN] =
                        "DELETE FROM bans WHERE jail = ? AND address = ? AND prefixlen = ?",
        [STATEMENT_ADD_ENDED] = "INSERT INTO ended (" BAN_COLUMNS
                                ", cause, in_kernel, counts) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        [STATEMENT_CLEAR_IN_KERNEL] = "UPDATE ended SET in_kernel = 0 WHERE in_kernel",
        [STATEMENT_CLEAR_BANS] = "DELETE FROM bans WHERE jail = ?",
        [STATEMENT_CLEAR_ALL] = "DELETE FROM bans",
        [STATEMENT_END_ALL] =
                        "INSERT INTO ended (" BAN_COLUMNS ", cause, in_kernel, counts)"
                        " SELECT jail, address, prefixlen, id, start, ?, failures, pattern, reason,"
                        " ?, 1, failures > 0 FROM bans",
        [STATEMENT_SET_META] = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
        [STATEMENT_GET_META] = "SELECT value FROM meta WHERE key = ?",
        [STATEMENT_LAST_ID] = "SELECT max((SELECT coalesce(max(id), 0) FROM bans),"
                              " (SELECT coalesce(max(id), 0) FROM ended))",
        [STATEMENT_BANS] = "SELECT " BAN_COLUMNS " FROM bans ORDER BY id",
        [STATEMENT_ENDED] = "SELECT " BAN_COLUMNS " FROM ended WHERE end >= ? ORDER BY end",
        [STATEMENT_IN_KERNEL] = "SELECT " BAN_COLUMNS " FROM ended WHERE in_kernel",
        [STATEMENT_COUNT_EARLIER] =
                        "SELECT count(*) FROM (SELECT 1 FROM ended WHERE counts AND address = ?2"
                        " AND prefixlen = ?3 AND end >= ?4 AND start < ?5"
                        " AND (?1 IS NULL OR jail = ?1) LIMIT ?6)",
        [STATEMENT_CLEAR_NAMES] = "DELETE FROM names",
        [STATEMENT_ADD_NAME] = "INSERT OR REPLACE INTO names (name, address) VALUES (?, ?)",
        [STATEMENT_NAMES] = "SELECT name, address FROM names",
};

struct Store {
        sqlite3 *db;
        sqlite3_stmt *statements[_STATEMENT_MAX];
        bool durable; /* the open transaction is */

        /* The thread that makes checkpoints. */
        sqlite3 *checkpoint_db;
        pthread_t thread;
        bool has_thread;
        pthread_mutex_t mutex;
        pthread_cond_t cond;
        bool checkpoint_due; /* guarded by the mutex, as is: */
        bool stopping;
};

static void *checkpoint_thread(void *userdata) {
        Store *s = userdata;

        (void) pthread_mutex_lock(&s->mutex);
        while (!s->stopping) {
                if (!s->checkpoint_due) {
                        (void) pthread_cond_wait(&s->cond, &s->mutex);
                        continue;
                }
                s->checkpoint_due = false;

                (void) pthread_mutex_unlock(&s->mutex);
                /* One that fails is tried again at the next commit. */
                (void) sqlite3_wal_checkpoint_v2(
                                s->checkpoint_db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
                (void) pthread_mutex_lock(&s->mutex);
        }
        (void) pthread_mutex_unlock(&s->mutex);
        return NULL;
}

static int on_wal(void *userdata, sqlite3 *db, const char *name, int n_pages) {
        Store *s = userdata;

        (void) db;
        (void) name;

        if (n_pages >= CHECKPOINT_PAGES) {
                (void) pthread_mutex_lock(&s->mutex);
                s->checkpoint_due = true;
                (void) pthread_cond_signal(&s->cond);
                (void) pthread_mutex_unlock(&s->mutex);
        }

        return SQLITE_OK;
}

/* Signals are the event loop's; the thread must not take them away. */
static int start_thread(Store *s) {
        sigset_t all, before;
        int e;

        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        e = pthread_create(&s->thread, NULL, checkpoint_thread, s);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (e != 0)
                return -e;

        s->has_thread = true;
        (void) sqlite3_wal_hook(s->db, on_wal, s);
        return 0;
}

int store_open(Store **ret, const char *directory, char **ret_aside) {
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(freep) char *path = NULL, *aside = NULL;
        int r;

        assert(ret);
        assert(directory);
        assert(ret_aside);

        s = calloc(1, sizeof(*s));
        if (!s || asprintf(&path, "%s/" STORE_FILE, directory) < 0)
                return -ENOMEM;
        (void) pthread_mutex_init(&s->mutex, NULL);
        (void) pthread_cond_init(&s->cond, NULL);

        r = store_db_open_checked(&s->db,
                        path,
                        statements + STATEMENT_ADD_BAN,
                        ELEMENTSOF(statements) - STATEMENT_ADD_BAN);
        if (r == -EBADMSG) {
                r = store_db_set_aside(path, &aside);
                if (r >= 0)
                        r = store_db_open_checked(&s->db,
                                        path,
                                        statements + STATEMENT_ADD_BAN,
                                        ELEMENTSOF(statements) - STATEMENT_ADD_BAN);
        }
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(statements); i++) {
                r = store_db_errno(sqlite3_prepare_v3(s->db,
                                statements[i],
                                -1,
                                SQLITE_PREPARE_PERSISTENT,
                                &s->statements[i],
                                NULL));
                if (r < 0)
                        return r;
        }

        r = store_db_open(&s->checkpoint_db, path, SQLITE_OPEN_READWRITE);
        if (r >= 0)
                r = start_thread(s);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        if (!aside)
                return 0;
        *ret_aside = TAKE_PTR(aside);
        return 1;
}

Store *store_close(Store *s) {
        if (!s)
                return NULL;

        if (s->has_thread) {
                (void) pthread_mutex_lock(&s->mutex);
                s->stopping = true;
                (void) pthread_cond_signal(&s->cond);
                (void) pthread_mutex_unlock(&s->mutex);
                (void) pthread_join(s->thread, NULL);
        }

        for (size_t i = 0; i < ELEMENTSOF(s->statements); i++)
                (void) sqlite3_finalize(s->statements[i]);
        (void) sqlite3_close(s->checkpoint_db);
        (void) sqlite3_close(s->db);
        (void) pthread_cond_destroy(&s->cond);
        (void) pthread_mutex_destroy(&s->mutex);
        free(s);
        return NULL;
}

/* Runs a statement that gives no rows, or whose rows nobody needs. */
static int run(Store *s, Statement statement) {
        sqlite3_stmt *stmt = s->statements[statement];
        int e;

        do
                e = sqlite3_step(stmt);
        while (e == SQLITE_ROW);

        (void) sqlite3_reset(stmt);
        (void) sqlite3_clear_bindings(stmt);
        return store_db_errno(e);
}

int store_begin(Store *s, bool durable) {
        int r;

        assert(s);

        if (durable) {
                r = run(s, STATEMENT_FULL);
                if (r < 0)
                        return r;
        }

        r = run(s, STATEMENT_BEGIN);
        s->durable = durable;
        if (r < 0)
                store_rollback(s);
        return r;
}

int store_commit(Store *s) {
        int r;

        assert(s);

        r = run(s, STATEMENT_COMMIT);
        if (r < 0) {
                store_rollback(s);
                return r;
        }

        if (s->durable)
                (void) run(s, STATEMENT_NORMAL);
        s->durable = false;
        return 0;
}

void store_rollback(Store *s) {
        assert(s);

        /* SQLite may have rolled back by itself, as when the disk is full. */
        if (!sqlite3_get_autocommit(s->db))
                (void) run(s, STATEMENT_ROLLBACK);
        if (s->durable)
                (void) run(s, STATEMENT_NORMAL);
        s->durable = false;
}

static size_t address_size(const Address *a) {
        return a->family == AF_INET ? 4 : 16;
}

static void bind_text(sqlite3_stmt *stmt, int column, const char *text) {
        (void) sqlite3_bind_text(stmt, column, text, -1, SQLITE_STATIC);
}

static void bind_key(sqlite3_stmt *stmt, const char *jail, const Address *a) {
        bind_text(stmt, 1, jail);
        (void) sqlite3_bind_blob(stmt, 2, a->bytes, (int) address_size(a), SQLITE_STATIC);
        (void) sqlite3_bind_int(stmt, 3, a->prefixlen);
}

/* SQLite's integers are signed; a time beyond is the last one it can say. */
static int64_t to_integer(uint64_t n) {
        return (int64_t) MIN(n, (uint64_t) INT64_MAX);
}

static void bind_ban(sqlite3_stmt *stmt, const char *jail, const Ban *ban, usec_t end) {
        bind_key(stmt, jail, &ban->address);
        (void) sqlite3_bind_int64(stmt, 4, to_integer(ban->id));
        (void) sqlite3_bind_int64(stmt, 5, to_integer(ban->start));
        if (end == USEC_INFINITY)
                (void) sqlite3_bind_null(stmt, 6);
        else
                (void) sqlite3_bind_int64(stmt, 6, to_integer(end));
        (void) sqlite3_bind_int64(stmt, 7, ban->failures);
        bind_text(stmt, 8, ban->pattern ? ban->pattern : "");
        if (ban->reason)
                bind_text(stmt, 9, ban->reason);
        else
                (void) sqlite3_bind_null(stmt, 9);
}

int store_add_ban(Store *s, const char *jail, const Ban *ban) {
        assert(s);
        assert(jail);
        assert(ban);

        bind_ban(s->statements[STATEMENT_ADD_BAN], jail, ban, ban->end);
        return run(s, STATEMENT_ADD_BAN);
}

static int add_ended(Store *s,
                const char *jail,
                const Ban *ban,
                usec_t when,
                const char *cause,
                bool in_kernel,
                bool counts) {
        sqlite3_stmt *stmt = s->statements[STATEMENT_ADD_ENDED];

        bind_ban(stmt, jail, ban, MIN(when, USEC_INFINITY - 1));
        bind_text(stmt, 10, cause);
        (void) sqlite3_bind_int(stmt, 11, in_kernel);
        (void) sqlite3_bind_int(stmt, 12, counts);
        return run(s, STATEMENT_ADD_ENDED);
}

int store_add_ended(Store *s, const char *jail, const Ban *ban, usec_t when, const char *cause) {
        assert(s);
        assert(jail);
        assert(ban);
        assert(cause);

        return add_ended(s, jail, ban, when, cause, false, false);
}

static int remove_ban(Store *s, const char *jail, const Ban *ban) {
        bind_key(s->statements[STATEMENT_REMOVE_BAN], jail, &ban->address);
        return run(s, STATEMENT_REMOVE_BAN);
}

int store_end_ban(Store *s,
                const char *jail,
                const Ban *ban,
                usec_t when,
                const char *cause,
                bool in_kernel) {
        int r;

        assert(s);
        assert(jail);
        assert(ban);
        assert(cause);

        r = remove_ban(s, jail, ban);
        return r < 0 ? r : add_ended(s, jail, ban, when, cause, in_kernel, ban->failures > 0);
}

int store_lift_ban(Store *s, const char *jail, const Ban *ban, usec_t when, const char *cause) {
        int r;

        assert(s);
        assert(jail);
        assert(ban);
        assert(cause);

        r = remove_ban(s, jail, ban);
        return r < 0 ? r : add_ended(s, jail, ban, when, cause, false, false);
}

int store_clear_in_kernel(Store *s) {
        assert(s);

        return run(s, STATEMENT_CLEAR_IN_KERNEL);
}

int store_clear_bans(Store *s, const char *jail) {
        assert(s);
        assert(jail);

        bind_text(s->statements[STATEMENT_CLEAR_BANS], 1, jail);
        return run(s, STATEMENT_CLEAR_BANS);
}

int store_end_all(Store *s, usec_t when, const char *cause) {
        sqlite3_stmt *stmt;
        int r;

        assert(s);
        assert(cause);

        stmt = s->statements[STATEMENT_END_ALL];
        (void) sqlite3_bind_int64(stmt, 1, to_integer(when));
        bind_text(stmt, 2, cause);
        r = run(s, STATEMENT_END_ALL);
        return r < 0 ? r : run(s, STATEMENT_CLEAR_ALL);
}

/* meta */

static int set_meta(Store *s, const char *key, const char *text, uint64_t number) {
        sqlite3_stmt *stmt = s->statements[STATEMENT_SET_META];

        bind_text(stmt, 1, key);
        if (text)
                bind_text(stmt, 2, text);
        else
                (void) sqlite3_bind_int64(stmt, 2, to_integer(number));
        return run(s, STATEMENT_SET_META);
}

/* One of the outputs may be NULL; both are untouched if there is no such key. */
static int get_meta(Store *s, const char *key, char **ret_text, uint64_t *ret_number) {
        sqlite3_stmt *stmt = s->statements[STATEMENT_GET_META];
        int e, r = 0;

        bind_text(stmt, 1, key);
        e = sqlite3_step(stmt);
        if (e == SQLITE_ROW && ret_text) {
                *ret_text = strdup((const char *) sqlite3_column_text(stmt, 0) ?: "");
                if (!*ret_text)
                        r = -ENOMEM;
        } else if (e == SQLITE_ROW)
                *ret_number = (uint64_t) MAX(sqlite3_column_int64(stmt, 0), INT64_C(0));

        (void) sqlite3_reset(stmt);
        return r < 0 ? r : store_db_errno(e);
}

int store_set_position(Store *s, const StorePosition *p) {
        int r;

        assert(s);
        assert(p);

        r = p->cursor ? set_meta(s, "cursor", p->cursor, 0) : 0;
        if (r >= 0)
                r = set_meta(s, "realtime", NULL, p->realtime);
        if (r >= 0)
                r = set_meta(s, "announced", NULL, p->announced);
        return r;
}

int store_get_position(Store *s, StorePosition *ret) {
        StorePosition p = {};
        int r;

        assert(s);
        assert(ret);

        r = get_meta(s, "cursor", &p.cursor, NULL);
        if (r >= 0)
                r = get_meta(s, "realtime", NULL, &p.realtime);
        if (r >= 0)
                r = get_meta(s, "announced", NULL, &p.announced);
        if (r < 0) {
                free(p.cursor);
                return r;
        }

        *ret = p;
        return 0;
}

int store_get_last_id(Store *s, uint64_t *ret) {
        sqlite3_stmt *stmt;
        int e;

        assert(s);
        assert(ret);

        stmt = s->statements[STATEMENT_LAST_ID];
        e = sqlite3_step(stmt);
        if (e == SQLITE_ROW)
                *ret = (uint64_t) sqlite3_column_int64(stmt, 0);
        (void) sqlite3_reset(stmt);
        return store_db_errno(e);
}

/* Walking */

/* Rows that make no sense, which only somebody else can have written, are passed over. */
static bool read_ban(sqlite3_stmt *stmt, const char **ret_jail, Ban *ret) {
        const void *bytes = sqlite3_column_blob(stmt, 1);
        int size = sqlite3_column_bytes(stmt, 1);
        int prefixlen = sqlite3_column_int(stmt, 2);

        *ret = (Ban){
                .id = (uint64_t) sqlite3_column_int64(stmt, 3),
                .start = (usec_t) sqlite3_column_int64(stmt, 4),
                .end = sqlite3_column_type(stmt, 5) == SQLITE_NULL
                                       ? USEC_INFINITY
                                       : (usec_t) sqlite3_column_int64(stmt, 5),
                .failures = (unsigned) sqlite3_column_int(stmt, 6),
                .pattern = (const char *) sqlite3_column_text(stmt, 7),
                .reason = (char *) sqlite3_column_text(stmt, 8),
        };
        *ret_jail = (const char *) sqlite3_column_text(stmt, 0);

        return *ret_jail && (size == 4 || size == 16) && prefixlen >= 0 &&
               address_from_bytes(size == 4 ? AF_INET : AF_INET6,
                               bytes,
                               (unsigned) prefixlen,
                               &ret->address) >= 0;
}

static int foreach(Store *s, Statement statement, StoreHandler handler, void *userdata) {
        sqlite3_stmt *stmt = s->statements[statement];
        int e, r = 0;

        while ((e = sqlite3_step(stmt)) == SQLITE_ROW && r >= 0) {
                const char *jail;
                Ban ban;

                if (read_ban(stmt, &jail, &ban))
                        r = handler(jail, &ban, userdata);
        }

        (void) sqlite3_reset(stmt);
        return r < 0 ? r : store_db_errno(e);
}

int store_foreach_ban(Store *s, StoreHandler handler, void *userdata) {
        assert(s);
        assert(handler);

        return foreach(s, STATEMENT_BANS, handler, userdata);
}

int store_foreach_ended(Store *s, usec_t since, StoreHandler handler, void *userdata) {
        assert(s);
        assert(handler);

        (void) sqlite3_bind_int64(s->statements[STATEMENT_ENDED], 1, to_integer(since));
        return foreach(s, STATEMENT_ENDED, handler, userdata);
}

int store_foreach_in_kernel(Store *s, StoreHandler handler, void *userdata) {
        assert(s);
        assert(handler);

        return foreach(s, STATEMENT_IN_KERNEL, handler, userdata);
}

int store_count_earlier(Store *s,
                const char *jail,
                const Address *a,
                usec_t since,
                usec_t start,
                unsigned max,
                unsigned *ret) {
        sqlite3_stmt *stmt;
        int e;

        assert(s);
        assert(a);
        assert(ret);

        stmt = s->statements[STATEMENT_COUNT_EARLIER];
        bind_key(stmt, jail, a); /* NULL is bound as such */
        (void) sqlite3_bind_int64(stmt, 4, to_integer(since));
        (void) sqlite3_bind_int64(stmt, 5, to_integer(start));
        (void) sqlite3_bind_int64(stmt, 6, max);
        e = sqlite3_step(stmt);
        if (e == SQLITE_ROW)
                *ret = (unsigned) sqlite3_column_int(stmt, 0);
        (void) sqlite3_reset(stmt);
        (void) sqlite3_clear_bindings(stmt);
        return store_db_errno(e);
}

/* Names */

int store_clear_names(Store *s) {
        assert(s);

        return run(s, STATEMENT_CLEAR_NAMES);
}

int store_add_name(Store *s, const char *name, const Address *a) {
        sqlite3_stmt *stmt;

        assert(s);
        assert(name);
        assert(a);

        stmt = s->statements[STATEMENT_ADD_NAME];
        bind_text(stmt, 1, name);
        (void) sqlite3_bind_blob(stmt, 2, a->bytes, (int) address_size(a), SQLITE_STATIC);
        return run(s, STATEMENT_ADD_NAME);
}

int store_foreach_name(Store *s, StoreNameHandler handler, void *userdata) {
        sqlite3_stmt *stmt;
        int e, r = 0;

        assert(s);
        assert(handler);

        stmt = s->statements[STATEMENT_NAMES];
        while ((e = sqlite3_step(stmt)) == SQLITE_ROW && r >= 0) {
                const char *name = (const char *) sqlite3_column_text(stmt, 0);
                const void *bytes = sqlite3_column_blob(stmt, 1);
                int size = sqlite3_column_bytes(stmt, 1);
                Address a;

                if (name && (size == 4 || size == 16) &&
                                address_from_bytes(size == 4 ? AF_INET : AF_INET6,
                                                bytes,
                                                (unsigned) size * 8,
                                                &a) >= 0)
                        r = handler(name, &a, userdata);
        }

        (void) sqlite3_reset(stmt);
        return r < 0 ? r : store_db_errno(e);
}
