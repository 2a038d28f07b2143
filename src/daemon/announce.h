/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Announcements
 *
 * Bans and their ends as journal messages with a MESSAGE_ID and fields, and as signals on the bus.
 * They come last, when everything else is done, so that they are true. banjo.journal-fields(7)
 * lists the fields.
 */

#include "base/macro.h"
#include "base/usec.h"
#include "daemon/bus.h"
#include "daemon/manager-verify.h"
#include "daemon/surroundings.h"
#include "engine/firewall.h"
#include "engine/jail.h"
#include "engine/journal.h"
#include "model/address.h"
#include "model/ban.h"

/* The bus may be NULL in all of them. The caller is whose command it was; NULL for nobody's, or if
 * that is not known. */
void announce_ban(Bus *bus, const char *jail, const Ban *ban, const uid_t *caller);

/* cause is a word or two: "expired", "allowed name", ... */
#define CAUSE_BY_HAND "by hand"
#define CAUSE_FLUSHED "flushed"

/* With this one the address is not let free: the ban of a network around it was announced before,
 * and takes over. */
#define CAUSE_IN_NETWORK "in a banned network"
void announce_unban(Bus *bus,
                const char *jail,
                const Ban *ban,
                const char *cause,
                const uid_t *caller);

/* A ban that would be over by now; said to whoever tries a configuration. */
void announce_over(const char *jail, const Ban *ban);

/* A ban that was due and is not applied, because of what the address is to this host. */
void announce_spared(const char *jail,
                const Address *address,
                const Spared *spared,
                const char *pattern);

/* A host name that a jail allows cannot be resolved; so many addresses are known from before. */
void announce_unresolved(const char *name, const char *why, size_t n_known);

/* The database was damaged: where it is now, and how many bans the new one gets, from the daemon
 * that runs or from the kernel. */
void announce_store_recovered(const char *aside, size_t n_bans, bool running);

/* The journal dropped entries before they were read. */
void announce_gap(const JournalGap *gap);

/* journald suppressed n messages of a unit that the jail reads. */
void announce_suppressed(const char *jail, const char *unit, uint64_t n);

/* Somebody else changed the table, and it is right again. */
void announce_repaired(Bus *bus, const FirewallMeddling *meddling);

/* There are as many bans as the limit of the jail, or of all if it is NULL. `displacing`: one that
 * ends makes room for a new one; otherwise there are none such, and a new one was refused. */
void announce_full(const char *jail, size_t limit, bool displacing);

/* A ban does not hold. `log_only`: no firewall is told of bans at all. */
void announce_leak(const char *jail, const JailFailure *leak, bool log_only);

/* Memory, kernel and database were compared, all bans or some of them, and what differed was put
 * right. Without a difference nobody wants to know, unless all were. */
void announce_verified(const Verification *result, bool all);
