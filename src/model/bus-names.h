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

/* Peer to peer, for root. */
#define BUS_SOCKET_PATH "/run/banjo.socket"

#define BUS_ERROR_NO_SUCH_JAIL "org.banjo1.Error.NoSuchJail"
#define BUS_ERROR_INVALID_ADDRESS "org.banjo1.Error.InvalidAddress"
#define BUS_ERROR_REFUSED "org.banjo1.Error.Refused"
#define BUS_ERROR_INVALID_CONFIGURATION "org.banjo1.Error.InvalidConfiguration"
#define BUS_ERROR_FAILED "org.banjo1.Error.Failed"

/* Flags of BanWithFlags(). */
#define BUS_BAN_FORCE (UINT64_C(1) << 0)

/* Bans in one answer of ListBans() or ListLeaks(). */
#define BUS_LIST_MAX 5000u

/* One ban in an answer of ListBans(): id, jail, address, start, end, remaining, failures, pattern,
 * reason. Times are in microseconds, and end and remaining are all ones for a permanent ban. */
#define BUS_BAN_TYPE "(tsstttuss)"

/* One ban in an answer of ListLeaks(): id, jail, address, failures that got through. */
#define BUS_LEAK_TYPE "(tsst)"
