/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The schema has a version, which the database keeps as its user_version. Upgrades go from version
 * to version, within one transaction.
 */

#include "engine/store-db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"

/* Somebody else may look into the database; SQLite waits so long for a lock. */
#define BUSY_TIMEOUT_MSEC 2000

/* The log is cut to so many bytes when it is begun anew. In most cases it is smaller. */
#define LOG_SIZE_MAX "16777216"

/* Damaged files that are kept. */
#define ASIDE_MAX 100

static const char schema[] = "CREATE TABLE meta ("
                             "  key TEXT PRIMARY KEY,"
                             "  value"
                             ") WITHOUT ROWID;"
                             "CREATE TABLE bans ("
                             "  jail TEXT NOT NULL,"
                             "  address BLOB NOT NULL,"      /* 4 or 16 bytes in network order */
                             "  prefixlen INTEGER NOT NULL," /* in bits */
                             "  id INTEGER NOT NULL,"
                             "  start INTEGER NOT NULL," /* microseconds since 1970 */
                             "  end INTEGER,"            /* likewise; NULL for good */
                             "  failures INTEGER NOT NULL,"
                             "  pattern TEXT NOT NULL,"
                             "  reason TEXT,"
                             "  PRIMARY KEY (jail, address, prefixlen)"
                             ") WITHOUT ROWID;"
                             "CREATE TABLE ended ("
                             "  jail TEXT NOT NULL,"
                             "  address BLOB NOT NULL,"
                             "  prefixlen INTEGER NOT NULL,"
                             "  id INTEGER NOT NULL,"
                             "  start INTEGER NOT NULL,"
                             "  end INTEGER NOT NULL," /* when it really ended */
                             "  failures INTEGER NOT NULL,"
                             "  pattern TEXT NOT NULL,"
                             "  reason TEXT,"
                             "  cause TEXT NOT NULL,"       /* why it ended */
                             "  in_kernel INTEGER NOT NULL" /* 1: the kernel may still have it */
                             ");"
                             "CREATE INDEX ended_by_end ON ended (end);"
                             "CREATE INDEX ended_in_kernel ON ended (in_kernel) WHERE in_kernel;";

/* The schema above is version 1; each of these makes the next one of the one before. */
static const char *const upgrades[] = {
        "CREATE TABLE names ("
        "  name TEXT NOT NULL,"
        "  address BLOB NOT NULL," /* 4 or 16 bytes in network order */
        "  PRIMARY KEY (name, address)"
        ") WITHOUT ROWID;",
        /* counts: 1 if it is an earlier ban to the next one of its address. */
        "ALTER TABLE ended ADD COLUMN counts INTEGER NOT NULL DEFAULT 0;"
        "UPDATE ended SET counts = 1 WHERE failures > 0 AND cause IN"
        " ('expired', 'by hand', 'flushed', 'jail removed', 'room for a new ban');"
        "CREATE INDEX ended_by_address ON ended (address, prefixlen, end) WHERE counts;",
        /* The key of bans begins with the address now, which is what is asked for. */
        "CREATE TABLE bans_4 ("
        "  jail TEXT NOT NULL,"
        "  address BLOB NOT NULL,"
        "  prefixlen INTEGER NOT NULL,"
        "  id INTEGER NOT NULL,"
        "  start INTEGER NOT NULL,"
        "  end INTEGER,"
        "  failures INTEGER NOT NULL,"
        "  pattern TEXT NOT NULL,"
        "  reason TEXT,"
        "  leaks INTEGER NOT NULL," /* failures that got through */
        "  PRIMARY KEY (address, prefixlen, jail)"
        ") WITHOUT ROWID;"
        "INSERT INTO bans_4 SELECT *, 0 FROM bans;"
        "DROP TABLE bans;"
        "ALTER TABLE bans_4 RENAME TO bans;"
        "CREATE INDEX bans_by_start ON bans (start, id);"
        "INSERT INTO meta SELECT 'last-id', coalesce(max(id), 0)"
        "  FROM (SELECT id FROM ended UNION ALL SELECT id FROM bans);"
        "ALTER TABLE ended ADD COLUMN leaks INTEGER NOT NULL DEFAULT 0;"
        "CREATE INDEX ended_by_start ON ended (start, id);"
        "DROP INDEX ended_by_address;"
        "CREATE INDEX ended_by_address ON ended (address, prefixlen, start, id);"
        "CREATE VIEW offenders AS"
        "  SELECT address, prefixlen, jail, count(*) AS bans, min(start) AS first, max(end) AS last"
        "  FROM ended WHERE counts GROUP BY address, prefixlen, jail;"
        "CREATE TABLE unbans ("
        "  jail TEXT NOT NULL,"
        "  address BLOB NOT NULL,"
        "  prefixlen INTEGER NOT NULL,"
        "  time INTEGER NOT NULL,"
        "  PRIMARY KEY (address, prefixlen, jail)"
        ") WITHOUT ROWID;"
        "CREATE TABLE evidence ("
        "  ban INTEGER PRIMARY KEY," /* its id */
        "  entries TEXT NOT NULL,"   /* JSON, of engine/evidence.h */
        "  fields TEXT NOT NULL"     /* likewise */
        ");"
        "CREATE TABLE hours ("
        "  hour INTEGER NOT NULL," /* when it began, in microseconds since 1970 */
        "  jail TEXT NOT NULL,"
        "  pattern TEXT NOT NULL,"
        "  failures INTEGER NOT NULL,"
        "  bans INTEGER NOT NULL,"
        "  PRIMARY KEY (hour, jail, pattern)"
        ") WITHOUT ROWID;"
        "CREATE TABLE hours_users ("
        "  hour INTEGER NOT NULL,"
        "  user INTEGER NOT NULL," /* a keyed hash of the name */
        "  failures INTEGER NOT NULL,"
        "  bans INTEGER NOT NULL,"
        "  PRIMARY KEY (hour, user)"
        ") WITHOUT ROWID;"
        "CREATE TABLE hours_networks ("
        "  hour INTEGER NOT NULL,"
        "  address BLOB NOT NULL,"
        "  prefixlen INTEGER NOT NULL,"
        "  failures INTEGER NOT NULL,"
        "  bans INTEGER NOT NULL,"
        "  PRIMARY KEY (hour, address, prefixlen)"
        ") WITHOUT ROWID;",
        "CREATE TABLE exemptions ("
        "  jail TEXT,"    /* the one that pauses; NULL where an address is allowed */
        "  address BLOB," /* 4 or 16 bytes in network order; NULL for a pause */
        "  prefixlen INTEGER,"
        "  since INTEGER NOT NULL," /* microseconds since 1970 */
        "  until INTEGER,"          /* likewise; NULL for good */
        "  reason TEXT NOT NULL"
        ");",
};

#define SCHEMA_VERSION ((int64_t) (1 + ELEMENTSOF(upgrades)))

int store_db_errno(int e) {
        switch (e & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return -EACCES;
        case SQLITE_CANTOPEN:
                return -EACCES;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_ERROR: /* a statement that does not fit the tables: they are not ours */
                return -EBADMSG;
        default:
                return -EIO;
        }
}

int store_db_open(sqlite3 **ret, const char *path, int flags) {
        int e, persist = 1;

        /* SQLite hands out an object even if it failed. */
        e = sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_NOMUTEX, NULL);
        if (e == SQLITE_OK)
                e = sqlite3_extended_result_codes(*ret, 1);
        if (e == SQLITE_OK)
                e = sqlite3_busy_timeout(*ret, BUSY_TIMEOUT_MSEC);
        if (e != SQLITE_OK) {
                int r = store_db_errno(e);

                (void) sqlite3_close(*ret);
                *ret = NULL;
                return r;
        }

        /* Who may only read can read a log and its index, and cannot make them. */
        (void) sqlite3_file_control(*ret, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
        return 0;
}

static int exec(sqlite3 *db, const char *sql) {
        return store_db_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static int get_integer(sqlite3 *db, const char *sql, int64_t *ret) {
        sqlite3_stmt *stmt = NULL;
        int e;

        e = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
        if (e == SQLITE_OK)
                e = sqlite3_step(stmt);
        if (e == SQLITE_ROW)
                *ret = sqlite3_column_int64(stmt, 0);
        (void) sqlite3_finalize(stmt);
        return store_db_errno(e);
}

/* A file can be damaged where nobody has looked yet. The check reads every page of the tables and
 * of their indices. */
static int check(sqlite3 *db, const char *tables) {
        sqlite3_stmt *stmt = NULL;
        int e;

        e = sqlite3_prepare_v2(db, tables, -1, &stmt, NULL);
        if (e == SQLITE_OK)
                while ((e = sqlite3_step(stmt)) == SQLITE_ROW) {
                        const char *found = (const char *) sqlite3_column_text(stmt, 0);

                        if (!found || strcmp(found, "ok") != 0) {
                                e = SQLITE_CORRUPT;
                                break;
                        }
                }
        (void) sqlite3_finalize(stmt);
        return store_db_errno(e);
}

int store_db_check_bans(sqlite3 *db) {
        return check(db, "SELECT quick_check FROM pragma_quick_check('bans')");
}

static int check_others(sqlite3 *db) {
        return check(db,
                        "SELECT quick_check FROM sqlite_master AS t, pragma_quick_check(t.name)"
                        " WHERE t.type = 'table' AND t.name <> 'bans'");
}

/* Whether all tables and columns are there. */
static int check_schema(sqlite3 *db, const char *const *statements, size_t n) {
        for (size_t i = 0; i < n; i++) {
                sqlite3_stmt *stmt = NULL;
                int r;

                r = store_db_errno(sqlite3_prepare_v2(db, statements[i], -1, &stmt, NULL));
                (void) sqlite3_finalize(stmt);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int set_version(sqlite3 *db, int64_t version) {
        char sql[64];

        (void) snprintf(sql, sizeof(sql), "PRAGMA user_version = %" PRIi64, version);
        return exec(db, sql);
}

static int make_schema(sqlite3 *db) {
        int64_t n_tables = 0;
        int r;

        r = get_integer(db, "SELECT count(*) FROM sqlite_master", &n_tables);
        if (r < 0)
                return r;
        if (n_tables > 0)
                return -EBADMSG; /* somebody else's */

        return exec(db, schema);
}

/* Brings the tables to today's version, all at once or not at all. */
static int upgrade_schema(sqlite3 *db, int64_t version, const char *const *statements, size_t n) {
        int r;

        r = exec(db, "BEGIN IMMEDIATE");
        if (r < 0)
                return r;

        if (version == 0) {
                r = make_schema(db);
                version = 1;
        }
        for (; version < SCHEMA_VERSION && r >= 0; version++)
                r = exec(db, upgrades[version - 1]);
        if (r >= 0)
                r = set_version(db, SCHEMA_VERSION);
        if (r >= 0)
                r = check_schema(db, statements, n);
        if (r >= 0)
                return exec(db, "COMMIT");

        (void) exec(db, "ROLLBACK");
        return r;
}

static int prepare_schema(sqlite3 *db, const char *const *statements, size_t n) {
        int64_t version = 0;
        int r;

        r = get_integer(db, "PRAGMA user_version", &version);
        if (r < 0)
                return r;
        if (version > SCHEMA_VERSION)
                return -ENOTSUP;
        if (version < 0)
                return -EBADMSG;

        r = exec(db, "PRAGMA journal_mode = WAL");
        if (r >= 0)
                r = version < SCHEMA_VERSION ? upgrade_schema(db, version, statements, n)
                                             : check_schema(db, statements, n);
        if (r >= 0)
                r = exec(db, "PRAGMA wal_autocheckpoint = 0");
        if (r >= 0)
                r = exec(db, "PRAGMA journal_size_limit = " LOG_SIZE_MAX);
        if (r >= 0)
                r = exec(db, "PRAGMA synchronous = NORMAL");
        return r;
}

int store_db_open_checked(sqlite3 **ret,
                const char *path,
                const char *const *statements,
                size_t n) {
        sqlite3 *db;
        int r;

        r = store_db_open(&db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
        if (r < 0)
                return r;

        /* What may not be written is opened for reading, without a word. */
        r = sqlite3_db_readonly(db, "main") == 1 ? -EROFS : prepare_schema(db, statements, n);
        if (r >= 0)
                r = check_others(db);
        if (r < 0) {
                /* What is damaged is set aside as it is, without the log written into it. */
                (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
                (void) sqlite3_close(db);
                return r;
        }

        *ret = db;
        return 0;
}

int store_db_set_aside(const char *path, char **ret_aside) {
        _cleanup_(freep) char *aside = NULL, *wal = NULL, *wal_aside = NULL, *shm = NULL;

        for (unsigned i = 0; i < ASIDE_MAX; i++) {
                free(aside);
                if ((i == 0 ? asprintf(&aside, "%s.damaged", path)
                            : asprintf(&aside, "%s.damaged.%u", path, i)) < 0) {
                        aside = NULL;
                        return -ENOMEM;
                }
                if (access(aside, F_OK) < 0)
                        break;
        }

        if (asprintf(&wal, "%s-wal", path) < 0 || asprintf(&wal_aside, "%s-wal", aside) < 0 ||
                        asprintf(&shm, "%s-shm", path) < 0)
                return -ENOMEM;

        if (renameat2(AT_FDCWD, path, AT_FDCWD, aside, RENAME_NOREPLACE) < 0)
                return -errno;
        if (rename(wal, wal_aside) < 0 && errno != ENOENT)
                return -errno;
        (void) unlink(shm); /* an index of the log, made anew when the log is opened */

        *ret_aside = TAKE_PTR(aside);
        return 0;
}
