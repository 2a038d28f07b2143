/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Every statement but those of the schema. Those that give rows have an index that serves them;
 * tests/component/test-history asks SQLite whether it is used.
 */

#include "engine/store-private.h"

#define KEY_COLUMNS "jail, address, prefixlen"
#define BAN_COLUMNS KEY_COLUMNS ", id, start, end, failures, pattern, reason, leaks"

/* Running bans and ended ones alike. */
#define HISTORY_OF_BANS "SELECT " BAN_COLUMNS ", '', failures > 0 FROM bans"
#define HISTORY_OF_ENDED "SELECT " BAN_COLUMNS ", cause, counts FROM ended"

#define OLDEST_ENDED(what)                                                                         \
        "SELECT " what " FROM ended WHERE end < ?1 AND NOT in_kernel ORDER BY end"

const char *const store_statements[_STATEMENT_MAX] = {
        [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
        [STATEMENT_COMMIT] = "COMMIT",
        [STATEMENT_ROLLBACK] = "ROLLBACK",
        [STATEMENT_ADD_BAN] = "INSERT OR REPLACE INTO bans (" BAN_COLUMNS
                              ") VALUES (?,?,?,?,?,?,?,?,?,?)",
        [STATEMENT_REMOVE_BAN] =
                        "DELETE FROM bans WHERE jail = ? AND address = ? AND prefixlen = ?",
        [STATEMENT_SET_LEAKS] = "UPDATE bans SET leaks = ?4"
                                " WHERE jail = ?1 AND address = ?2 AND prefixlen = ?3",
        [STATEMENT_ADD_ENDED] = "INSERT INTO ended (" BAN_COLUMNS
                                ", cause, in_kernel, counts) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [STATEMENT_CLEAR_IN_KERNEL] = "UPDATE ended SET in_kernel = 0 WHERE in_kernel",
        [STATEMENT_CLEAR_BANS] = "DELETE FROM bans WHERE jail = ?",
        [STATEMENT_CLEAR_ALL] = "DELETE FROM bans",
        [STATEMENT_END_ALL] =
                        "INSERT INTO ended (" BAN_COLUMNS ", cause, in_kernel, counts)"
                        " SELECT " KEY_COLUMNS ", id, start, ?, failures, pattern, reason, leaks,"
                        " ?, 1, failures > 0 FROM bans ORDER BY id",
        [STATEMENT_SET_META] = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
        [STATEMENT_GET_META] = "SELECT value FROM meta WHERE key = ?",
        [STATEMENT_BANS] = "SELECT " BAN_COLUMNS " FROM bans",
        [STATEMENT_BAN] = "SELECT " BAN_COLUMNS
                          " FROM bans WHERE jail = ? AND address = ? AND prefixlen = ?",
        [STATEMENT_BANS_BEHIND] = "SELECT " BAN_COLUMNS " FROM bans"
                                  " WHERE (address, prefixlen, jail) > (?2, ?3, ?1)"
                                  " ORDER BY address, prefixlen, jail LIMIT ?4",
        [STATEMENT_BANS_BEFORE] = "SELECT " BAN_COLUMNS " FROM bans"
                                  " WHERE (address, prefixlen) <= (?1, ?2)"
                                  " ORDER BY address DESC, prefixlen DESC, jail DESC",
        [STATEMENT_BANS_WITHIN] = "SELECT " BAN_COLUMNS " FROM bans"
                                  " WHERE address BETWEEN ?1 AND ?2 AND prefixlen >= ?3"
                                  " AND length(address) = length(?1)",
        [STATEMENT_COUNT_BANS] = "SELECT count(*) FROM bans",
        [STATEMENT_COUNT_BANS_OF] = "SELECT count(*) FROM bans WHERE jail = ?",
        [STATEMENT_ENDED] = "SELECT " BAN_COLUMNS ", cause FROM ended WHERE end >= ? ORDER BY end",
        [STATEMENT_IN_KERNEL] = "SELECT " BAN_COLUMNS " FROM ended WHERE in_kernel",
        [STATEMENT_BEGUN] = "SELECT " BAN_COLUMNS " FROM bans WHERE failures > 0 AND start >= ?1"
                            " UNION ALL SELECT " BAN_COLUMNS
                            " FROM ended WHERE counts AND start >= ?1 ORDER BY id",
        [STATEMENT_COUNT_EARLIER] =
                        "SELECT count(*) FROM (SELECT 1 FROM ended WHERE counts AND address = ?2"
                        " AND prefixlen = ?3 AND end >= ?4 AND start < ?5"
                        " AND (?1 IS NULL OR jail = ?1) LIMIT ?6)",
        [STATEMENT_CLEAR_NAMES] = "DELETE FROM names",
        [STATEMENT_ADD_NAME] = "INSERT OR REPLACE INTO names (name, address) VALUES (?, ?)",
        [STATEMENT_NAMES] = "SELECT name, address FROM names",
        [STATEMENT_ADD_UNBAN] =
                        "INSERT OR REPLACE INTO unbans (" KEY_COLUMNS ", time) VALUES (?,?,?,?)",
        [STATEMENT_UNBANS] = "SELECT address, prefixlen, jail, time FROM unbans",
        [STATEMENT_CLEAR_EXEMPTIONS] = "DELETE FROM exemptions",
        [STATEMENT_ADD_EXEMPTION] = "INSERT INTO exemptions (" KEY_COLUMNS
                                    ", since, until, reason) VALUES (?,?,?,?,?,?)",
        [STATEMENT_EXEMPTIONS] = "SELECT " KEY_COLUMNS ", since, until, reason FROM exemptions"
                                 " ORDER BY rowid",
        [STATEMENT_ADD_EVIDENCE] =
                        "INSERT OR REPLACE INTO evidence (ban, entries, fields) VALUES (?,?,?)",
        [STATEMENT_EVIDENCE] = "SELECT entries, fields FROM evidence WHERE ban = ?",

        /* A piece of the history: so many bans behind a start and id. */
        [STATEMENT_HISTORY] = HISTORY_OF_BANS
        " WHERE (start, id) > (?1, ?2) AND start < ?3 UNION ALL " HISTORY_OF_ENDED
        " WHERE (start, id) > (?1, ?2) AND start < ?3"
        " ORDER BY start, id LIMIT ?4",
        /* The same of exactly one address or prefix. */
        [STATEMENT_HISTORY_OF] = HISTORY_OF_BANS
        " WHERE address = ?5 AND prefixlen = ?6 AND (start, id) > (?1, ?2)"
        " AND start < ?3 UNION ALL " HISTORY_OF_ENDED
        " WHERE address = ?5 AND prefixlen = ?6 AND (start, id) > (?1, ?2)"
        " AND start < ?3 ORDER BY start, id LIMIT ?4",
        [STATEMENT_NEWEST_OF] = HISTORY_OF_BANS
        " WHERE address = ?1 AND prefixlen = ?2 UNION ALL " HISTORY_OF_ENDED
        " WHERE address = ?1 AND prefixlen = ?2"
        " ORDER BY start DESC, id DESC LIMIT ?3",
        /* Of what lies within a prefix, as it happens to be found. */
        [STATEMENT_NEWEST_WITHIN] =
                        "SELECT * FROM (" HISTORY_OF_BANS " WHERE address BETWEEN ?1 AND ?2"
                        " AND prefixlen > ?3 AND length(address) = length(?1) LIMIT ?4)"
                        " UNION ALL SELECT * FROM (" HISTORY_OF_ENDED
                        " WHERE address BETWEEN ?1 AND ?2"
                        " AND prefixlen > ?3 AND length(address) = length(?1) LIMIT ?4)",
        [STATEMENT_FORGET_EVIDENCE] = "DELETE FROM evidence WHERE ban IN (SELECT id FROM ended"
                                      " WHERE address BETWEEN ?1 AND ?2 AND prefixlen >= ?3"
                                      " AND length(address) = length(?1))",
        [STATEMENT_FORGET] = "DELETE FROM ended WHERE NOT in_kernel AND address BETWEEN ?1 AND ?2"
                             " AND prefixlen >= ?3 AND length(address) = length(?1)",

        /* By the hour. */
        [STATEMENT_COUNT_PATTERN] =
                        "INSERT INTO hours (hour, jail, pattern, failures, bans)"
                        " VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                        " failures = failures + excluded.failures, bans = bans + excluded.bans",
        [STATEMENT_COUNT_USER] =
                        "INSERT INTO hours_users (hour, user, failures, bans)"
                        " VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET"
                        " failures = failures + excluded.failures, bans = bans + excluded.bans",
        [STATEMENT_COUNT_NETWORK] =
                        "INSERT INTO hours_networks (hour, address, prefixlen, failures, bans)"
                        " VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                        " failures = failures + excluded.failures, bans = bans + excluded.bans",
        [STATEMENT_TRIM_USERS] = "DELETE FROM hours_users WHERE hour = ?1 AND user IN (SELECT user"
                                 " FROM hours_users WHERE hour = ?1 ORDER BY failures DESC, user"
                                 " LIMIT -1 OFFSET ?2)",
        [STATEMENT_TRIM_NETWORKS] =
                        "DELETE FROM hours_networks WHERE hour = ?1 AND (address, prefixlen) IN"
                        " (SELECT address, prefixlen FROM hours_networks WHERE hour = ?1"
                        " ORDER BY failures DESC, address LIMIT -1 OFFSET ?2)",
        [STATEMENT_STATISTICS_TIMES] =
                        "SELECT hour - hour % ?3 AS step, jail, sum(failures), sum(bans)"
                        " FROM hours WHERE hour >= ?1 AND hour < ?2"
                        " GROUP BY step, jail ORDER BY step, jail",
        [STATEMENT_STATISTICS_PATTERNS] =
                        "SELECT jail, pattern, sum(failures) AS n, sum(bans) FROM hours"
                        " WHERE hour >= ?1 AND hour < ?2"
                        " GROUP BY jail, pattern ORDER BY n DESC, jail, pattern",
        [STATEMENT_STATISTICS_USERS] =
                        "SELECT user, sum(failures) AS n, sum(bans) FROM hours_users"
                        " WHERE hour >= ?1 AND hour < ?2 GROUP BY user ORDER BY n DESC, user",
        [STATEMENT_STATISTICS_NETWORKS] =
                        "SELECT address, prefixlen, sum(failures) AS n, sum(bans)"
                        " FROM hours_networks WHERE hour >= ?1 AND hour < ?2"
                        " GROUP BY address, prefixlen ORDER BY n DESC, length(address), address LIMIT ?3",

        /* The oldest of what is over. */
        [STATEMENT_USED] = "SELECT (page_count - freelist_count) * page_size"
                           " FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
        [STATEMENT_PRUNE_DUE] = "SELECT EXISTS (" OLDEST_ENDED(
                        "1") ")"
                             " OR EXISTS (SELECT 1 FROM hours WHERE hour < ?2)"
                             " OR EXISTS (SELECT 1 FROM hours_users WHERE hour < ?2)"
                             " OR EXISTS (SELECT 1 FROM hours_networks WHERE hour < ?2)"
                             " OR EXISTS (SELECT 1 FROM unbans WHERE time < ?3)",
        [STATEMENT_PRUNE_LAST] = "SELECT max(end) FROM (" OLDEST_ENDED("end") " LIMIT ?2)",
        [STATEMENT_PRUNE_EVIDENCE] =
                        "DELETE FROM evidence WHERE ban IN (" OLDEST_ENDED("id") " LIMIT ?2)",
        [STATEMENT_PRUNE_ENDED] =
                        "DELETE FROM ended WHERE rowid IN (" OLDEST_ENDED("rowid") " LIMIT ?2)",
        [STATEMENT_PRUNE_HOURS] =
                        "DELETE FROM hours WHERE (hour, jail, pattern) IN"
                        " (SELECT hour, jail, pattern FROM hours WHERE hour < ?1 LIMIT ?2)",
        [STATEMENT_PRUNE_USERS] = "DELETE FROM hours_users WHERE (hour, user) IN"
                                  " (SELECT hour, user FROM hours_users WHERE hour < ?1 LIMIT ?2)",
        [STATEMENT_PRUNE_NETWORKS] =
                        "DELETE FROM hours_networks WHERE (hour, address, prefixlen) IN"
                        " (SELECT hour, address, prefixlen FROM hours_networks WHERE hour < ?1"
                        " LIMIT ?2)",
        [STATEMENT_PRUNE_UNBANS] =
                        "DELETE FROM unbans WHERE (address, prefixlen, jail) IN"
                        " (SELECT address, prefixlen, jail FROM unbans WHERE time < ?1 LIMIT ?2)",
};
