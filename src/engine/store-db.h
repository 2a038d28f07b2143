/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The database file of the store
 *
 * Opening it, the schema and its upgrades, and what to do with a damaged one. For store.c alone.
 */

#include <sqlite3.h>
#include <stddef.h>

/* What SQLite says, as an errno that callers can tell apart; 0 for rows and their end. */
int store_db_errno(int e);

/* Opens a connection. Returns 0 and passes ownership, or a negative errno. */
int store_db_open(sqlite3 **ret, const char *path, int flags);

/* Opens or creates the database, brings its tables to today's version, and reads all of them
 * through but the one of the bans that run. The statements are those that have to fit the tables.
 * Returns 0 and passes ownership; -EBADMSG for a file that is damaged or none of ours, -ENOTSUP for
 * one of a newer banjo, or another negative errno. */
int store_db_open_checked(sqlite3 **ret,
                const char *path,
                const char *const *statements,
                size_t n_statements);

/* Reads the bans that run through, which takes a third of a second for a million. Returns 0;
 * -EBADMSG if they are damaged; another negative errno. */
int store_db_check_bans(sqlite3 *db);

/* Renames the database, and the log that belongs to it with it. Returns 0 and the new name, which
 * the caller frees, or a negative errno. */
int store_db_set_aside(const char *path, char **ret_aside);
