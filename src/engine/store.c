/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * SQLite in WAL mode. Statements are prepared once. Checkpoints, which write the log back into the
 * database and wait for the disk, run in a thread with a connection of its own: the loop only tells
 * it that the log has grown.
 *
 * A damaged database is replaced under the feet of those who hold the Store: they keep the pointer.
 * Until a new one can be made, an empty one in memory answers what they ask.
 *
 * Addresses are stored as their bytes, so that tables stay small and sort by address.
 */

#include "engine/store.h"

#include <limits.h>

#include "base/thread.h"
#include "engine/store-db.h"
#include "engine/store-private.h"

/* Pages in the log at which a checkpoint is due: 4 MB. */
#define CHECKPOINT_PAGES 1000

/* The loop waits so long for somebody else's lock. Whoever changes a few rows is done by then, and
 * whoever holds the lock for longer must not keep the next ban waiting. */
#define BUSY_TIMEOUT_MSEC 50

#define IN_MEMORY ":memory:"

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

static int start_checkpoints(Store *s) {
        int r;

        r = thread_start(&s->thread, checkpoint_thread, s);
        if (r < 0)
                return r;

        s->has_thread = true;
        (void) sqlite3_wal_hook(s->db, on_wal, s);
        return 0;
}

static void stop_thread(Store *s) {
        if (!s->has_thread)
                return;

        (void) pthread_mutex_lock(&s->mutex);
        s->stopping = true;
        (void) pthread_cond_signal(&s->cond);
        (void) pthread_mutex_unlock(&s->mutex);
        (void) pthread_join(s->thread, NULL);
        s->has_thread = s->stopping = s->checkpoint_due = false;
}

static void close_db(Store *s) {
        for (size_t i = 0; i < ELEMENTSOF(s->statements); i++)
                (void) sqlite3_finalize(s->statements[i]);
        (void) sqlite3_close(s->checkpoint_db);
        (void) sqlite3_close(s->db);
}

static int open_db(Store *s, const char *path) {
        int r;

        r = store_db_open_checked(&s->db,
                        path,
                        store_statements + STATEMENT_ADD_BAN,
                        _STATEMENT_MAX - STATEMENT_ADD_BAN);
        if (r < 0)
                return r;
        (void) sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MSEC);

        for (size_t i = 0; i < _STATEMENT_MAX; i++) {
                r = store_db_errno(sqlite3_prepare_v3(s->db,
                                store_statements[i],
                                -1,
                                SQLITE_PREPARE_PERSISTENT,
                                &s->statements[i],
                                NULL));
                if (r < 0)
                        return r;
        }

        if (streq(path, IN_MEMORY))
                return 0;

        r = store_db_open(&s->checkpoint_db, path, SQLITE_OPEN_READWRITE);
        if (r < 0)
                return r;

        /* Who has read nothing knows of no log, and a checkpoint does nothing and succeeds. */
        return store_db_errno(
                        sqlite3_exec(s->checkpoint_db, "PRAGMA user_version", NULL, NULL, NULL));
}

/* Takes another database instead of the one there may be, or fails with that one as it is. */
static int change_db(Store *s, const char *path) {
        Store fresh = {};
        int r;

        r = open_db(&fresh, path);
        if (r < 0) {
                close_db(&fresh);
                return r;
        }

        stop_thread(s);
        close_db(s);
        s->db = fresh.db;
        s->checkpoint_db = fresh.checkpoint_db;
        memcpy(s->statements, fresh.statements, sizeof(s->statements));
        s->durable = false;
        s->substituted = !s->checkpoint_db;
        return s->checkpoint_db ? start_checkpoints(s) : 0;
}

int store_open(Store **ret, const char *directory, char **ret_aside) {
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(freep) char *aside = NULL;
        int r;

        assert(ret);
        assert(directory);
        assert(ret_aside);

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        (void) pthread_mutex_init(&s->mutex, NULL);
        (void) pthread_cond_init(&s->cond, NULL);
        if (asprintf(&s->path, "%s/" STORE_FILE, directory) < 0) {
                s->path = NULL;
                return -ENOMEM;
        }

        r = change_db(s, s->path);
        if (r == -EBADMSG) {
                r = store_db_set_aside(s->path, &aside);
                if (r >= 0)
                        r = change_db(s, s->path);
        }
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        if (!aside)
                return 0;
        *ret_aside = TAKE_PTR(aside);
        return 1;
}

int store_replace(Store *s, char **ret_aside) {
        int r;

        assert(s);
        assert(ret_aside);

        /* The log goes aside with the rest, and is not written into it before. */
        (void) sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        if (s->checkpoint_db)
                (void) sqlite3_db_config(
                                s->checkpoint_db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);

        *ret_aside = NULL;
        r = change_db(s, IN_MEMORY);
        if (r >= 0)
                r = store_db_set_aside(s->path, ret_aside);
        return r < 0 && r != -ENOENT ? r : change_db(s, s->path);
}

Store *store_close(Store *s) {
        if (!s)
                return NULL;

        stop_thread(s);
        close_db(s);
        (void) pthread_cond_destroy(&s->cond);
        (void) pthread_mutex_destroy(&s->mutex);
        free(s->path);
        free(s);
        return NULL;
}

/* What SQLite calls an error of input or output is more to whoever has to put it right: the disk is
 * full, or became read-only. */
static int last_errno(const Store *s, int e) {
        int system = (e & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(s->db) : 0;

        return system > 0 ? -system : store_db_errno(e);
}

int store_run(Store *s, Statement statement) {
        sqlite3_stmt *stmt = s->statements[statement];
        int e, r;

        do
                e = sqlite3_step(stmt);
        while (e == SQLITE_ROW);
        r = last_errno(s, e);

        (void) sqlite3_reset(stmt);
        (void) sqlite3_clear_bindings(stmt);
        return r;
}

/* This pragma is carried out when it is prepared, so it cannot be among the statements. */
static int set_durable(Store *s, bool durable) {
        int e;

        if (s->durable == durable)
                return 0;

        e = sqlite3_exec(s->db,
                        durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
                        NULL,
                        NULL,
                        NULL);
        if (e != SQLITE_OK)
                return last_errno(s, e);

        s->durable = durable;
        return 0;
}

int store_begin(Store *s, bool durable) {
        int r;

        assert(s);

        r = s->substituted ? change_db(s, s->path) : 0;
        if (r >= 0)
                r = set_durable(s, durable);
        if (r < 0)
                return r;

        r = store_run(s, STATEMENT_BEGIN);
        if (r < 0)
                store_rollback(s);
        return r;
}

int store_commit(Store *s) {
        int r;

        assert(s);

        r = store_run(s, STATEMENT_COMMIT);
        if (r < 0) {
                store_rollback(s);
                return r;
        }

        return 0;
}

void store_rollback(Store *s) {
        assert(s);

        /* SQLite may have rolled back by itself, as when the disk is full. */
        if (!sqlite3_get_autocommit(s->db))
                (void) store_run(s, STATEMENT_ROLLBACK);
}

void store_bind_text(sqlite3_stmt *stmt, int parameter, const char *text) {
        (void) sqlite3_bind_text(stmt, parameter, text, -1, SQLITE_STATIC);
}

void store_bind_address(sqlite3_stmt *stmt, int parameter, const Address *a) {
        (void) sqlite3_bind_blob(
                        stmt, parameter, a->bytes, a->family == AF_INET ? 4 : 16, SQLITE_STATIC);
}

/* SQLite's integers are signed; a time beyond is the last one it can say. */
void store_bind_number(sqlite3_stmt *stmt, int parameter, uint64_t n) {
        (void) sqlite3_bind_int64(stmt, parameter, (int64_t) MIN(n, (uint64_t) INT64_MAX));
}

static void bind_key(sqlite3_stmt *stmt, const char *jail, const Address *a) {
        store_bind_text(stmt, 1, jail);
        store_bind_address(stmt, 2, a);
        (void) sqlite3_bind_int(stmt, 3, a->prefixlen);
}

static void bind_ban(sqlite3_stmt *stmt, const char *jail, const Ban *ban, usec_t end) {
        bind_key(stmt, jail, &ban->address);
        store_bind_number(stmt, 4, ban->id);
        store_bind_number(stmt, 5, ban->start);
        if (end == USEC_INFINITY)
                (void) sqlite3_bind_null(stmt, 6);
        else
                store_bind_number(stmt, 6, end);
        (void) sqlite3_bind_int64(stmt, 7, ban->failures);
        store_bind_text(stmt, 8, ban->pattern ? ban->pattern : "");
        if (ban->reason)
                store_bind_text(stmt, 9, ban->reason);
        else
                (void) sqlite3_bind_null(stmt, 9);
        (void) sqlite3_bind_int64(stmt, 10, ban->n_leaks);
}

int store_add_ban(Store *s, const char *jail, const Ban *ban) {
        assert(s);
        assert(jail);
        assert(ban);

        bind_ban(s->statements[STATEMENT_ADD_BAN], jail, ban, ban->end);
        return store_run(s, STATEMENT_ADD_BAN);
}

int store_set_leaks(Store *s, const char *jail, const Ban *ban) {
        sqlite3_stmt *stmt;

        assert(s);
        assert(jail);
        assert(ban);

        stmt = s->statements[STATEMENT_SET_LEAKS];
        bind_key(stmt, jail, &ban->address);
        (void) sqlite3_bind_int64(stmt, 4, ban->n_leaks);
        return store_run(s, STATEMENT_SET_LEAKS);
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
        store_bind_text(stmt, 11, cause);
        (void) sqlite3_bind_int(stmt, 12, in_kernel);
        (void) sqlite3_bind_int(stmt, 13, counts);
        return store_run(s, STATEMENT_ADD_ENDED);
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
        return store_run(s, STATEMENT_REMOVE_BAN);
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

int store_replace_ban(Store *s, const char *jail, const Ban *ban, usec_t when, const char *cause) {
        assert(s);
        assert(jail);
        assert(ban);
        assert(cause);

        return add_ended(s, jail, ban, when, cause, false, ban->failures > 0);
}

int store_clear_in_kernel(Store *s) {
        assert(s);

        return store_run(s, STATEMENT_CLEAR_IN_KERNEL);
}

int store_clear_bans(Store *s, const char *jail) {
        assert(s);
        assert(jail);

        store_bind_text(s->statements[STATEMENT_CLEAR_BANS], 1, jail);
        return store_run(s, STATEMENT_CLEAR_BANS);
}

int store_end_all(Store *s, usec_t when, const char *cause) {
        sqlite3_stmt *stmt;
        int r;

        assert(s);
        assert(cause);

        stmt = s->statements[STATEMENT_END_ALL];
        store_bind_number(stmt, 1, when);
        store_bind_text(stmt, 2, cause);
        r = store_run(s, STATEMENT_END_ALL);
        return r < 0 ? r : store_run(s, STATEMENT_CLEAR_ALL);
}

/* meta */

static int set_meta(Store *s, const char *key, const char *text, uint64_t number) {
        sqlite3_stmt *stmt = s->statements[STATEMENT_SET_META];

        store_bind_text(stmt, 1, key);
        if (text)
                store_bind_text(stmt, 2, text);
        else
                store_bind_number(stmt, 2, number);
        return store_run(s, STATEMENT_SET_META);
}

/* One of the outputs may be NULL; both are untouched if there is no such key. */
static int get_meta(Store *s, const char *key, char **ret_text, uint64_t *ret_number) {
        sqlite3_stmt *stmt = s->statements[STATEMENT_GET_META];
        int e, r = 0;

        store_bind_text(stmt, 1, key);
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
        if (r >= 0)
                r = set_meta(s, "last-id", NULL, p->last_id);
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
        if (r >= 0)
                r = get_meta(s, "last-id", NULL, &p.last_id);
        if (r < 0) {
                free(p.cursor);
                return r;
        }

        *ret = p;
        return 0;
}

/* Walking */

bool store_read_address(sqlite3_stmt *stmt, int column, Address *ret) {
        const void *bytes = sqlite3_column_blob(stmt, column);
        int size = sqlite3_column_bytes(stmt, column);
        int prefixlen = sqlite3_column_int(stmt, column + 1);

        return (size == 4 || size == 16) && prefixlen >= 0 &&
               address_from_bytes(
                               size == 4 ? AF_INET : AF_INET6, bytes, (unsigned) prefixlen, ret) >=
                               0;
}

bool store_read_ban(sqlite3_stmt *stmt, const char **ret_jail, Ban *ret) {
        *ret = (Ban){
                .id = (uint64_t) sqlite3_column_int64(stmt, BAN_COLUMN_ID),
                .start = (usec_t) sqlite3_column_int64(stmt, BAN_COLUMN_START),
                .end = sqlite3_column_type(stmt, BAN_COLUMN_END) == SQLITE_NULL
                                       ? USEC_INFINITY
                                       : (usec_t) sqlite3_column_int64(stmt, BAN_COLUMN_END),
                .failures = (unsigned) sqlite3_column_int(stmt, BAN_COLUMN_FAILURES),
                .pattern = (const char *) sqlite3_column_text(stmt, BAN_COLUMN_PATTERN),
                .reason = (char *) sqlite3_column_text(stmt, BAN_COLUMN_REASON),
                .n_leaks = (unsigned) sqlite3_column_int64(stmt, BAN_COLUMN_LEAKS),
        };
        *ret_jail = (const char *) sqlite3_column_text(stmt, BAN_COLUMN_JAIL);

        return *ret_jail && store_read_address(stmt, BAN_COLUMN_ADDRESS, &ret->address);
}

int store_foreach(Store *s, Statement statement, StoreHandler handler, void *userdata) {
        sqlite3_stmt *stmt = s->statements[statement];
        int e, r = 0;

        while ((e = sqlite3_step(stmt)) == SQLITE_ROW && r >= 0) {
                const char *jail;
                Ban ban;

                if (store_read_ban(stmt, &jail, &ban))
                        r = handler(jail, &ban, userdata);
        }

        (void) sqlite3_reset(stmt);
        return r < 0 ? r : store_db_errno(e);
}

int store_foreach_ban(Store *s, StoreHandler handler, void *userdata) {
        assert(s);
        assert(handler);

        return store_foreach(s, STATEMENT_BANS, handler, userdata);
}

int store_step_to_ban(Store *s, const char *jail, const Address *a, sqlite3_stmt **ret) {
        int e;

        *ret = s->statements[STATEMENT_BAN];
        bind_key(*ret, jail, a);
        e = sqlite3_step(*ret);
        return e == SQLITE_ROW ? 1 : store_db_errno(e);
}

int store_get_ban(Store *s, const char *jail, const Address *a, Ban *ret) {
        const char *jail_found;
        sqlite3_stmt *stmt;
        int r;

        assert(s);
        assert(jail);
        assert(a);
        assert(ret);

        r = store_step_to_ban(s, jail, a, &stmt);
        if (r > 0)
                r = store_read_ban(stmt, &jail_found, ret);
        ret->pattern = NULL;
        ret->reason = NULL;
        (void) sqlite3_reset(stmt);
        return r;
}

int store_foreach_ended(Store *s, usec_t since, StoreEndedHandler handler, void *userdata) {
        sqlite3_stmt *stmt;
        int e, r = 0;

        assert(s);
        assert(handler);

        stmt = s->statements[STATEMENT_ENDED];
        store_bind_number(stmt, 1, since);

        while ((e = sqlite3_step(stmt)) == SQLITE_ROW && r >= 0) {
                int cause = sqlite3_column_count(stmt) - 1;
                const char *jail;
                Ban ban;

                if (store_read_ban(stmt, &jail, &ban))
                        r = handler(jail,
                                        &ban,
                                        (const char *) sqlite3_column_text(stmt, cause) ?: "",
                                        userdata);
        }

        (void) sqlite3_reset(stmt);
        return r < 0 ? r : store_db_errno(e);
}

int store_foreach_in_kernel(Store *s, StoreHandler handler, void *userdata) {
        assert(s);
        assert(handler);

        return store_foreach(s, STATEMENT_IN_KERNEL, handler, userdata);
}

int store_foreach_begun(Store *s, usec_t since, StoreHandler handler, void *userdata) {
        assert(s);
        assert(handler);

        store_bind_number(s->statements[STATEMENT_BEGUN], 1, since);
        return store_foreach(s, STATEMENT_BEGUN, handler, userdata);
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
        store_bind_number(stmt, 4, since);
        store_bind_number(stmt, 5, start);
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

        return store_run(s, STATEMENT_CLEAR_NAMES);
}

int store_add_name(Store *s, const char *name, const Address *a) {
        sqlite3_stmt *stmt;

        assert(s);
        assert(name);
        assert(a);

        stmt = s->statements[STATEMENT_ADD_NAME];
        store_bind_text(stmt, 1, name);
        store_bind_address(stmt, 2, a);
        return store_run(s, STATEMENT_ADD_NAME);
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

/* Unbans */

int store_add_unban(Store *s, const char *jail, const Address *a, usec_t when) {
        sqlite3_stmt *stmt;

        assert(s);
        assert(jail);
        assert(a);

        stmt = s->statements[STATEMENT_ADD_UNBAN];
        bind_key(stmt, jail, a);
        store_bind_number(stmt, 4, when);
        return store_run(s, STATEMENT_ADD_UNBAN);
}

int store_foreach_unban(Store *s, StoreUnbanHandler handler, void *userdata) {
        sqlite3_stmt *stmt;
        int e, r = 0;

        assert(s);
        assert(handler);

        stmt = s->statements[STATEMENT_UNBANS];
        while ((e = sqlite3_step(stmt)) == SQLITE_ROW && r >= 0) {
                const char *jail = (const char *) sqlite3_column_text(stmt, 2);
                Address a;

                if (jail && store_read_address(stmt, 0, &a))
                        r = handler(jail, &a, (usec_t) sqlite3_column_int64(stmt, 3), userdata);
        }

        (void) sqlite3_reset(stmt);
        return r < 0 ? r : store_db_errno(e);
}
