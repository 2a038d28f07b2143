/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Names on the bus
 *
 * What banjod serves and banctl calls; org.banjo1(5) describes it. Part of the interface: none of
 * these ever changes.
 */

#define BUS_NAME "org.banjo1"
#define BUS_PATH "/org/banjo1"
#define BUS_INTERFACE "org.banjo1.Manager"

/* Of each jail, whose name follows as sd_bus_path_encode() has it. */
#define BUS_JAIL_PATH "/org/banjo1/jail"
#define BUS_JAIL_INTERFACE "org.banjo1.Jail"

/* Peer to peer, for root. */
#define BUS_SOCKET_PATH "/run/banjo.socket"

#define BUS_ERROR_NO_SUCH_JAIL "org.banjo1.Error.NoSuchJail"
#define BUS_ERROR_INVALID_ADDRESS "org.banjo1.Error.InvalidAddress"
#define BUS_ERROR_REFUSED "org.banjo1.Error.Refused"
#define BUS_ERROR_TOO_MANY_BANS "org.banjo1.Error.TooManyBans"
#define BUS_ERROR_INVALID_CONFIGURATION "org.banjo1.Error.InvalidConfiguration"
#define BUS_ERROR_NOT_STORED "org.banjo1.Error.NotStored"
#define BUS_ERROR_FAILED "org.banjo1.Error.Failed"

/* What polkit is asked about. */
#define BUS_ACTION_INSPECT "org.banjo1.inspect"
#define BUS_ACTION_BAN "org.banjo1.ban"
#define BUS_ACTION_UNBAN "org.banjo1.unban"
#define BUS_ACTION_RELOAD "org.banjo1.reload"
#define BUS_ACTION_MANAGE "org.banjo1.manage"

/* Flags of BanWithFlags(). */
#define BUS_BAN_FORCE (UINT64_C(1) << 0)

/* Addresses in one call of BanMany() or UnbanMany(). */
#define BUS_MANY_MAX 5000u

/* An address that BanMany() did not ban: as it was given, the error that Ban() would have
 * answered, and its sentence. */
#define BUS_REFUSED_TYPE "(sss)"

/* One address in an answer of ListAllowed(): since when, until when, and why. */
#define BUS_ALLOWED_TYPE "(stts)"

/* Bans in one answer of ListBans() or ListLeaks(). */
#define BUS_LIST_MAX 5000u

/* One ban in an answer of ListBans(): id, jail, address, start, end, remaining, failures, pattern,
 * reason. Times are in microseconds, and end and remaining are all ones for a permanent ban. */
#define BUS_BAN_TYPE "(tsstttuss)"

/* Of an answer of Lookup(): bans within a prefix at most, and of the history; and failures that
 * count: jail, for whom, how many, when the newest was. */
#define BUS_LOOKUP_MAX 1000u
#define BUS_LOOKUP_HISTORY_MAX 100u
#define BUS_WINDOW_TYPE "(ssut)"

/* Bans in one answer of History(). */
#define BUS_HISTORY_MAX 1000u

/* One ban in an answer of History(): id, jail, address, start, end, failures, pattern, reason,
 * cause
 * ("" while it runs), whether it is an earlier ban to the next one, failures that got through. */
#define BUS_HISTORY_FIELDS "tssttusssbt"
#define BUS_HISTORY_TYPE "(" BUS_HISTORY_FIELDS ")"

/* Bans in an answer of Why(), each with the entries that made it (time, pattern, cursor) and what
 * the last of them captured; and what the next ban would be, by jail: how many earlier ones count,
 * and its length. */
#define BUS_WHY_MAX 100u
#define BUS_EVIDENCE_TYPE "(tss)"
#define BUS_WHY_TYPE "(" BUS_HISTORY_FIELDS "a" BUS_EVIDENCE_TYPE "a{ss})"
#define BUS_NEXT_TYPE "(sut)"

/* The cursor of an entry that is none, but an earlier ban; its id follows. */
#define BUS_CURSOR_BAN "ban:"

/* Answers of Statistics(): by step and jail; by jail and pattern; by user or network. Each ends
 * with failures and bans. */
#define BUS_STEPS_TYPE "(tstt)"
#define BUS_PATTERNS_TYPE "(sstt)"
#define BUS_TOP_TYPE "(stt)"

/* One difference in an answer of Verify(): jail, address, kind, end of the ban, end that was found.
 * The ends are 0 where there is none, and all ones for good. */
#define BUS_DIFFERENCE_TYPE "(ssstt)"

/* Steps in an answer of Statistics(). */
#define BUS_STEPS_MAX 1000u

/* One ban in an answer of ListCounters(): id, jail, address, packets, bytes. */
#define BUS_COUNTER_TYPE "(tsstt)"

/* One ban in an answer of ListLeaks(): id, jail, address, failures that got through. */
#define BUS_LEAK_TYPE "(tsst)"
