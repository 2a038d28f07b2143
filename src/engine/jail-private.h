/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the files of the jail share
 *
 * jail.c finds out what an entry says and whose it is, jail-count.c counts what failed, and forgets
 * it.
 */

#include "engine/forgotten.h"
#include "engine/jail.h"
#include "engine/networks.h"
#include "engine/policy.h"
#include "engine/session.h"
#include "engine/targets.h"
#include "engine/tracker.h"

/* What is left of the entries read so far; jail_clear() empties it. */
typedef struct JailMemory {
        SessionTable *sessions; /* NULL if the filter has none */
        Tracker *tracker;
        Networks *networks; /* NULL without limits */
        Targets *targets;   /* NULL if no user counts more */
        Forgotten *ended;   /* prefixes that were banned */
        Forgotten *lifted;  /* what counts in no network either; NULL without networks */
} JailMemory;

struct Jail {
        const JailConfig *config;
        PolicyPrefixes prefixes;
        Matcher *matcher;        /* NULL if the jail is refused, or counts bans */
        const Pattern *patterns; /* of failures: the filter's, or the one that is a ban */
        uint16_t *weights;       /* by the number of the pattern there */
        MatcherResult result;    /* of the last entry; its fields are handed out */
        JailMemory memory;
        BanList *bans;
        char *text; /* what the patterns run over where that is not the message as it is, or NULL */
        JailCount counts[SESSION_PENDING_MAX + 1]; /* these of the last entry; handed out */
        JailEvidence evidence[JAIL_EVIDENCE_MAX], network_evidence[JAIL_EVIDENCE_MAX];
        JailStats stats;
        const Exemptions *exemptions; /* jail_set_exemptions(), or NULL */
        usec_t guarded;               /* jail_set_guarded() */
        bool refilling;
        JailStats stats_before; /* while refilling */
};

/* True for a jail with a filter that is in use. */
static inline bool jail_has_filter(const Jail *j) {
        return !j->config->refused && j->config->source == JAIL_SOURCE_JOURNAL;
}

/* Whom the hosts of a prefix count for; false if that is not one and the same for all of them. */
bool jail_get_target(const Jail *j, const Address *net, Address *ret);

/* Whether some address of the prefix is allowed at that time. */
bool jail_allows_within(const Jail *j, const Address *net, usec_t when);

/* For a memory that began as all zeroes. */
void jail_memory_done(JailMemory *m);

/* Whether what the host did then counts nothing, for its target or any address within: a ban ended
 * later. */
bool jail_has_forgotten(const Jail *j, const JailFailure *f);

/* Takes out of the target's window what a ban that ended has made forgotten; to be called before
 * anything else changes in it. Returns 0 or -ENOMEM. */
int jail_settle(Jail *j, const JailFailure *f);

/* How many failures would count, of those that wait in the session and of the entry itself: those
 * of patterns with a weight. */
unsigned jail_count_weighty(const Jail *j, const Session *s, const PendingFailure *own);

/* Counts them all; `alone`: for the target, too, and not only in networks. Fills what *f says of
 * it. Returns JAIL_NOTHING, JAIL_FAILURE, JAIL_BAN or -ENOMEM. */
int jail_count(Jail *j,
                Session *s,
                const PendingFailure *own,
                const Entry *e,
                bool alone,
                JailFailure *f);
