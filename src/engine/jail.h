/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Jail
 *
 * A filter applied to some units, with limits and a penalty. jail_process() is the whole decision
 * about an entry and does nothing but decide: no I/O and no clock. So the daemon can be tested with
 * made-up entries, and the past journal can be replayed. For a jail that counts the bans of others
 * jail_count_ban() is that.
 *
 * A jail owns the list of its running bans, because whether an address is banned already is part of
 * the decision. It is filled by the caller, who alone knows whether and for how long a ban was
 * applied.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "engine/matcher.h"
#include "model/address.h"
#include "model/ban.h"
#include "model/config.h"
#include "model/entry.h"
#include "model/exemptions.h"

typedef struct Jail Jail;

typedef enum JailVerdict {
        JAIL_NOTHING, /* the entry is no failure that counts */
        JAIL_FAILURE, /* a failure was counted */
        JAIL_BAN,     /* a ban is due, of the target, of a network around it or of both */
        JAIL_LEAK,    /* a banned address failed: the ban does not hold */
} JailVerdict;

/* An entry that made a ban, or a ban that did. */
typedef struct JailEvidence {
        usec_t when;
        EntryPlace place;
        const char *pattern; /* lives with the jail */
} JailEvidence;

/* More of the entries that made a ban are not told; the newest are. */
#define JAIL_EVIDENCE_MAX 10

/* What an entry told of one pattern. */
typedef struct JailCount {
        const char *pattern; /* lives with the jail */
        unsigned n;          /* failures that were counted */
} JailCount;

/* A network that is to be banned. */
typedef struct JailNetwork {
        bool due;
        Address address;
        unsigned failures;            /* that made the ban */
        const char *pattern;          /* of the last one; lives with the jail */
        const JailEvidence *evidence; /* oldest first; borrowed until the next call */
        size_t n_evidence;
} JailNetwork;

/* What jail_process() or jail_count_ban() found; complete for JAIL_FAILURE and JAIL_BAN. For
 * JAIL_LEAK there are host, when, n, pattern, fields and ban; and if a network is due by such a
 * failure, there is the ban that does not hold with JAIL_BAN, too. */
typedef struct JailFailure {
        Address host;        /* whose failure it was */
        Address target;      /* whom it counts for: host or its /64 or the like */
        bool due;            /* the target is to be banned */
        JailNetwork network; /* this is, and then the target need not be */
        usec_t when;         /* of the entry */
        unsigned failures;   /* within the window now; those that made the ban of the target */
        unsigned n;          /* that this entry told or completed, and that were counted */
        unsigned weight;     /* of these n */
        const char *pattern; /* of the failure; lives with the jail */
        Ban *ban;            /* that does not hold; borrowed from the jail's list */
        size_t n_fields;     /* captured in the entry */
        const MatcherField *fields; /* borrowed from entry and jail, until the next call, as are: */
        const JailCount *counts;    /* of the n failures; several where some had waited */
        size_t n_counts;
        const JailEvidence *evidence; /* if the target is due, oldest first */
        size_t n_evidence;
} JailFailure;

typedef struct JailStats {
        uint64_t n_entries;   /* that fit the jail */
        uint64_t n_failures;  /* counted */
        uint64_t n_allowed;   /* failures of allowed addresses */
        uint64_t n_banned;    /* failures of addresses that were banned already */
        uint64_t n_leaks;     /* of these, such as got through the ban; those of loaded bans, too */
        uint64_t n_exceeded;  /* messages on which a pattern gave up */
        uint64_t n_cut;       /* messages of which only the beginning was read */
        uint64_t n_forgiven;  /* failures that a login took back */
        uint64_t n_forgotten; /* addresses dropped early because the table was full: since the
                                 windows were filled, as are: */
        uint64_t n_networks_forgotten; /* the same of networks, */
        uint64_t n_users_forgotten;    /* and of users */
        uint64_t n_displaced;          /* bans that made room for others */
        usec_t last_failure;           /* 0 if there was none */
} JailStats;

/* The configuration is borrowed and must outlive the jail. A jail that is refused there is made all
 * the same: it keeps its bans and recognises nothing.
 *
 * Returns 0 and passes ownership; -EINVAL if a pattern does not compile, with *ret_error filled;
 * -ENOMEM. */
int jail_new(Jail **ret, const JailConfig *config, MatcherError *ret_error);

Jail *jail_free(Jail *j);
DEFINE_CLEANUP(Jail *, jail_free)

/* Moves the running bans and the counters of a jail that is replaced into this one. Windows and
 * sessions are not moved: what they hold follows from the journal and the configuration, which is
 * another one now. `old` is only good for jail_free() afterwards. */
void jail_inherit(Jail *j, Jail *old);

/* Who is allowed besides, and when the jail pauses, by what administrators said meanwhile.
 * Borrowed, and may change; NULL for nothing. */
void jail_set_exemptions(Jail *j, const Exemptions *exemptions);

/* While a jail is refilled, it is handed entries or bans again whose decisions were taken before:
 * they fill windows and sessions, no ban is ever due, and the counters stay as they are. What was
 * banned and let free meanwhile has to be told by jail_forget(). */
void jail_set_refilling(Jail *j, bool refilling);

/* Since when the firewall has had all bans of the jail, and done what it was told: a point of the
 * clock, 0 if always, USEC_INFINITY while it has not. Together with the bans' own times this tells
 * what is a leak: a failure in a session that began more than JAIL_LEAK_USEC after the ban was
 * acknowledged, or, where no session is known, that happened so late. */
#define JAIL_LEAK_USEC (2 * USEC_PER_SEC)
void jail_set_guarded(Jail *j, usec_t since);

/* True for an entry whose unit journald could not tell, because its sender was gone already, from a
 * process of root that calls itself by one of these n identifiers of a filter. Root could forge
 * anything anyway. Such entries fit besides what the match says. */
bool jail_fits_without_unit(char *const *identifiers, size_t n, const Entry *entry);

/* What the patterns run over: the message or the line, as the filter says, and marked at its end if
 * it was cut. Borrowed from the entry or the jail, until the next call. Returns 0 or -ENOMEM. Not
 * for a jail that is refused. */
int jail_get_text(Jail *j, const Entry *entry, EntryValue *ret);

/* What the filter says about the entry by itself, whether it fits or not: no session, nothing
 * counted. Returns 1 and fills *ret, which is valid until the next call, 0 if no pattern matches,
 * or -ENOMEM. Not for a jail that is refused. */
int jail_match(Jail *j, const Entry *entry, MatcherResult *ret);

/* Decides about one entry. Returns a JailVerdict, or -ENOMEM. The window of what is due is empty
 * afterwards. */
int jail_process(Jail *j, const Entry *entry, JailFailure *ret);

/* The same about a ban that another jail just made: a failure of its address when it began, by the
 * pattern "ban", if config_jail_counts() says so. One by hand is none; nor is that of a network,
 * for which no single offender stands: one that is more than what this jail bans for a host. There
 * are no leaks among them: nobody knows by which ports and connections the failures came. */
int jail_count_ban(Jail *j, const JailConfig *by, const Ban *ban, JailFailure *ret);

/* Whether the jail reads what this unit logs to the namespace that the entry is of. */
bool jail_reads_unit(const Jail *j, const Entry *entry, const char *unit);

/* Takes in a ban that was made before this process began, with what got through it: by
 * ban_list_load_next() in its turn, or by ban_list_load(). Returns as they do. */
int jail_load_ban(Jail *j, const Ban *ban, bool in_turn, Ban **ret);

/* Counts a ban that made room for another. */
void jail_count_displaced(Jail *j);

/* A ban of the address or prefix in this jail ended: failures from within it up to then count for
 * it no more, nor for any address or network within it, also when they are told later. In larger
 * networks they do: those count what happens whoever is banned meanwhile, so that it makes no
 * difference when the clock comes to the end of a ban. Returns 0 or -ENOMEM. */
int jail_forget(Jail *j, const Address *a, usec_t until);

/* The same where somebody lets the address or prefix go, or it should not have been banned:
 * failures of before count nowhere, not in larger networks either. */
int jail_forget_lifted(Jail *j, const Address *a, usec_t until);

/* A ban of a target or network was due by a failure at that time, and is not carried out: what made
 * it counts for it no more, and as before for all others. Returns 0 or -ENOMEM. */
int jail_forget_spared(Jail *j, const Address *a, usec_t when);

/* The failures that count now for whom an address or prefix counts for. False if there are none, or
 * if its hosts count for several. */
typedef struct JailWindow {
        Address target;
        unsigned n_failures;
        usec_t newest;
} JailWindow;
bool jail_get_window(const Jail *j, const Address *a, usec_t now, JailWindow *ret);

/* Forgets all windows and sessions, as if nothing had been read yet. Returns 0 or -ENOMEM. */
int jail_clear(Jail *j);

/* Gives back memory of addresses, networks and users that have been quiet for longer than findtime.
 */
void jail_expire(Jail *j, usec_t now);

const JailConfig *jail_get_config(const Jail *j);
BanList *jail_get_bans(Jail *j);
void jail_get_stats(const Jail *j, JailStats *ret);

/* How far before a moment entries still matter for the decisions after it: findtime and the longest
 * session; more where a login's forgiving, or what a failure counts, depends on earlier ones. 0 for
 * a jail that reads none. */
usec_t jail_lookback(const Jail *j);
