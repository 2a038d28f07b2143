/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the files of the store share
 *
 * store.c keeps what runs and how far the journal was handled, store-near.c finds what runs near an
 * address, store-reader.c reads all that runs ahead of whoever wants it, and store-check.c sees
 * whether that is sound; store-history.c keeps what is over, and what is counted by the hour, and
 * store-prune.c takes the oldest of that away; store-statements.c has the SQL of all, and
 * store-db.c the tables.
 */

#include <pthread.h>
#include <sqlite3.h>

#include "engine/store.h"

typedef enum Statement {
        STATEMENT_BEGIN,
        STATEMENT_COMMIT,
        STATEMENT_ROLLBACK,
        STATEMENT_ADD_BAN, /* the first that needs the tables */
        STATEMENT_REMOVE_BAN,
        STATEMENT_SET_LEAKS,
        STATEMENT_ADD_ENDED,
        STATEMENT_CLEAR_IN_KERNEL,
        STATEMENT_CLEAR_BANS,
        STATEMENT_CLEAR_ALL,
        STATEMENT_END_ALL,
        STATEMENT_SET_META,
        STATEMENT_GET_META,
        STATEMENT_BANS,
        STATEMENT_BAN,
        STATEMENT_BANS_BEHIND,
        STATEMENT_BANS_BEFORE,
        STATEMENT_BANS_WITHIN,
        STATEMENT_COUNT_BANS,
        STATEMENT_COUNT_BANS_OF,
        STATEMENT_ENDED,
        STATEMENT_IN_KERNEL,
        STATEMENT_BEGUN,
        STATEMENT_COUNT_EARLIER,
        STATEMENT_CLEAR_NAMES,
        STATEMENT_ADD_NAME,
        STATEMENT_NAMES,
        STATEMENT_ADD_UNBAN,
        STATEMENT_UNBANS,
        STATEMENT_CLEAR_EXEMPTIONS,
        STATEMENT_ADD_EXEMPTION,
        STATEMENT_EXEMPTIONS,
        STATEMENT_ADD_EVIDENCE,
        STATEMENT_EVIDENCE,
        STATEMENT_HISTORY,
        STATEMENT_HISTORY_OF,
        STATEMENT_NEWEST_OF,
        STATEMENT_NEWEST_WITHIN,
        STATEMENT_FORGET_EVIDENCE,
        STATEMENT_FORGET,
        STATEMENT_COUNT_PATTERN,
        STATEMENT_COUNT_USER,
        STATEMENT_COUNT_NETWORK,
        STATEMENT_TRIM_USERS,
        STATEMENT_TRIM_NETWORKS,
        STATEMENT_STATISTICS_TIMES,
        STATEMENT_STATISTICS_PATTERNS,
        STATEMENT_STATISTICS_USERS,
        STATEMENT_STATISTICS_NETWORKS,
        STATEMENT_USED,
        STATEMENT_PRUNE_DUE,
        STATEMENT_PRUNE_LAST,
        STATEMENT_PRUNE_EVIDENCE,
        STATEMENT_PRUNE_ENDED,
        STATEMENT_PRUNE_HOURS,
        STATEMENT_PRUNE_USERS,
        STATEMENT_PRUNE_NETWORKS,
        STATEMENT_PRUNE_UNBANS,
        _STATEMENT_MAX,
} Statement;

extern const char *const store_statements[_STATEMENT_MAX];

/* Columns of the statements that give bans, in this order; what comes behind differs. */
typedef enum BanColumn {
        BAN_COLUMN_JAIL,
        BAN_COLUMN_ADDRESS,
        BAN_COLUMN_PREFIXLEN,
        BAN_COLUMN_ID,
        BAN_COLUMN_START,
        BAN_COLUMN_END,
        BAN_COLUMN_FAILURES,
        BAN_COLUMN_PATTERN,
        BAN_COLUMN_REASON,
        BAN_COLUMN_LEAKS,
        _BAN_COLUMN_MAX,
} BanColumn;

struct Store {
        char *path;
        bool substituted; /* a damaged database could not be replaced yet; there is one in memory */
        sqlite3 *db;
        sqlite3_stmt *statements[_STATEMENT_MAX];
        bool durable; /* what it commits is on disk */

        /* The thread that makes checkpoints. */
        sqlite3 *checkpoint_db;
        pthread_t thread;
        bool has_thread;
        pthread_mutex_t mutex;
        pthread_cond_t cond;
        bool checkpoint_due; /* guarded by the mutex, as is: */
        bool stopping;
};

/* Runs a statement that gives no rows, or whose rows nobody needs. Returns 0 or a negative errno.
 */
int store_run(Store *s, Statement statement);

/* Parameters are numbered from 1; texts and addresses are borrowed until store_run(). */
void store_bind_text(sqlite3_stmt *stmt, int parameter, const char *text);
void store_bind_address(sqlite3_stmt *stmt, int parameter, const Address *a);
void store_bind_number(sqlite3_stmt *stmt, int parameter, uint64_t n);

/* Goes to the running ban of exactly this address. Returns 1, 0 if there is none, or a negative
 * errno; the statement in *ret is to be reset in any case. */
int store_step_to_ban(Store *s, const char *jail, const Address *a, sqlite3_stmt **ret);

/* The addresses of a prefix lie between it and this one, in the order of their bytes; and binds
 * both and the prefix length, from 1 on, borrowed. */
Address store_last_within(const Address *net);
void store_bind_within(sqlite3_stmt *stmt, const Address *net, const Address *last);

/* Hands out the bans that a statement gives, whose parameters are bound. Returns 0 or a negative
 * errno. */
int store_foreach(Store *s, Statement statement, StoreHandler handler, void *userdata);

/* What store_foreach_ban_from() does, with STATEMENT_BANS_BEHIND of whatever connection. */
int store_read_from(sqlite3_stmt *stmt,
                const StorePlace *place,
                size_t max,
                StoreHandler handler,
                void *userdata,
                StorePlace **ret);

/* Reads a ban from a row with the columns above; all in it is borrowed until the next step. False
 * for rows that make no sense, which only somebody else can have written. */
bool store_read_ban(sqlite3_stmt *stmt, const char **ret_jail, Ban *ret);

/* Reads an address from two columns. Returns false if it is none. */
bool store_read_address(sqlite3_stmt *stmt, int column, Address *ret);
