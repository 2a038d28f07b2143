/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the files of the manager share
 *
 * manager.c makes it and reads the journal, manager-start.c starts it, manager-apply.c decides
 * what becomes of a ban that is due, manager-bans.c carries bans out and ends them,
 * manager-load.c reads those of before, manager-restore.c puts all of them back into the kernel,
 * manager-room.c makes room for more, manager-firewall.c keeps the firewall right, manager-watch.c
 * undoes what others do to it, manager-store.c writes bans to the store, manager-offenders.c hands
 * them on to jails that count bans, manager-commands.c does what is asked for over the bus,
 * manager-history.c keeps and tells what was, manager-prune.c forgets it, manager-ports.c follows
 * the ports of units.
 */

#include <systemd/sd-id128.h>

#include "daemon/bus.h"
#include "daemon/devices.h"
#include "daemon/ender.h"
#include "daemon/manager.h"
#include "daemon/suppressed.h"
#include "daemon/surroundings.h"
#include "daemon/tail.h"
#include "daemon/tally.h"
#include "daemon/unit-ports.h"
#include "engine/accounts.h"
#include "engine/journal.h"
#include "engine/pseudonym.h"
#include "engine/store-check.h"
#include "engine/store-dump.h"
#include "engine/store-prune.h"
#include "engine/store.h"

/* Changes that wait while the firewall or the store fail. For the firewall, reading the journal
 * waits as well then; for the store, what ended meanwhile is lost beyond that, and all that runs is
 * written anew. */
#define MANAGER_CHANGES_MAX 10000

/* What systemd calls the socket that owns the table. */
#define MANAGER_SOCKET_NAME "nftables"

typedef struct Counts Counts;     /* manager-counters.c's */
typedef struct Loader Loader;     /* manager-load.c's */
typedef struct Verifier Verifier; /* manager-verify.c's */

typedef enum ChangeKind {
        CHANGE_BAN,     /* a ban began, or has another end now */
        CHANGE_END,     /* a running ban ended */
        CHANGE_LIFT,    /* a running ban ended that should not have been */
        CHANGE_RECORD,  /* a ban that never ran */
        CHANGE_REPLACE, /* a running ban whose place the one that follows takes */
        CHANGE_LEAKS,   /* more failures got through a running ban */
        CHANGE_FORGET,  /* what the address of .ban did until .when counts no more in the jail */
} ChangeKind;

/* What is to be written and announced at the next commit. */
typedef struct Change {
        ChangeKind kind;
        Jail *jail;
        Ban ban; /* a copy, with a reason of its own */
        usec_t when;
        const char *cause; /* static */
        char *entries;     /* what led to the ban, as engine/evidence.h has it; NULL for nothing */
        char *fields;
        uid_t caller;   /* if it was a command's: whose that was */
        bool stored;    /* the store has it already */
        bool announced; /* everybody knows, and only the store does not have it */
} Change;

struct Manager {
        ManagerParams params;
        sd_event *event;
        int exit_status;
        uid_t caller; /* whose the last command was */

        Config *config;
        bool config_wrong; /* it had mistakes, so a jail that is missing may be meant to be there */
        Jail **jails;      /* those that are enabled */
        size_t n_jails;

        Firewall *firewall;
        unsigned firewall_lacks; /* what has been reported of firewall_get_lacks() */
        Ender *ender;            /* NULL with `firewall = log` */
        Surroundings *surroundings;
        UnitPorts *unit_ports;
        Devices *devices;
        bool portless_reported; /* that jails with `ports = auto` have none */
        Store *store;
        Journal *journal;
        Tail *tail; /* NULL with `once` */
        Bus *bus;
        sd_event_source *expiry_timer;
        sd_event_source *retry_timer;
        sd_event_source *restore_source; /* enabled while bans are to be put back */

        bool firewall_wrong;           /* the table has to be configured anew */
        bool socket_kept;              /* systemd has the socket that owns the table */
        sd_event_source *watch_source; /* what others do to the table; NULL if nobody can */
        sd_event_source *watch_timer;  /* enabled while we do not look */
        usec_t watch_pause;            /* for how long we did not, the last time */
        usec_t repaired;               /* when, by the monotonic clock; 0 for never */

        StoreDump *dumps[MANAGER_DUMPS_MAX];

        Exemptions exemptions;
        bool exemptions_unsaved;
        bool allowed_changed;             /* and the kernel is to be told once all bans are in it */
        sd_event_source *exemption_timer; /* for the one that ends next */

        Change *changes;
        size_t n_changes;
        size_t n_changes_allocated;
        sd_event_source *store_timer; /* enabled while the store is to be tried again */
        usec_t store_delay;           /* after which it is */
        bool store_waits;             /* until then only commands try */
        bool store_damaged;           /* found by reading */
        bool store_incomplete;        /* changes were dropped that the store never got */
        bool count_failed;            /* earlier bans could not be counted the last time */
        sd_event_source *prune_timer;
        PruneCount pruned;    /* since it was said */
        usec_t prune_said;    /* by the monotonic clock; 0 if it was not yet */
        bool prune_failed;    /* the last time */
        bool clear_in_kernel; /* the kernel has let go of what the store says it may have */

        Loader *loader;    /* NULL once all stored bans have been read */
        StoreCheck *check; /* afterwards, until the verdict is there; otherwise NULL */
        sd_event_source *check_source;

        /* Putting bans into the kernel, in chunks. */
        size_t restore_jail;
        Ban *restore_next;   /* NULL: begin with restore_jail's first */
        bool restore_keep;   /* what the kernel still has may stay as it is */
        size_t restore_size; /* of the next chunk, 0 if none was made yet */
        bool restored;

        size_t n_refused; /* changes by the kernel, in the commit that goes on */

        /* When it was last said that bans make room, or that there is none; monotonic, 0 if never.
         */
        usec_t displacing_said;
        usec_t refusing_said;

        /* How far the journal has been handled. */
        StorePosition position;
        size_t n_unsaved;  /* entries since the position was written */
        bool reading_past; /* the entry read last only refilled windows */
        usec_t marked;     /* when the end of the journal was marked; 0 if it was not reached yet */
        bool journal_failed;
        int64_t clock_offset; /* what the clock says, less the time since the boot; 0: not known */
        SuppressedList suppressed;

        Counts *counts;     /* NULL before anybody asked */
        Verifier *verifier; /* NULL with `once` */

        Tally *tally; /* since the position was written */
        PseudonymKey pseudonyms;
        Accounts *accounts;

        uint64_t next_id;
        sd_id128_t luck_key; /* of this machine, for policy_luck() */
        ManagerStatus status;
};

/* Remembers what the process should exit with, and returns r. */
int manager_fail(Manager *m, int status, int r);

/* Reads the journal to its end or for a batch, and commits: a TailHandler. */
int manager_look(void *userdata);

/* Queues the announcement and record of something; the kernel is told separately. Returns 0 or a
 * negative errno, reported. */
int manager_add_change(Manager *m,
                ChangeKind kind,
                Jail *jail,
                const Ban *ban,
                usec_t when,
                const char *cause);

/* The running bans of all jails. */
size_t manager_n_banned(const Manager *m);

/* Drops all changes. */
void manager_clear_changes(Manager *m);

/* So many bans of the offender make a ban that begins at ban->start longer. */
unsigned manager_count_earlier(Manager *m, const Jail *jail, const Ban *ban);

/* Keeps with the change that was queued last what led to the ban it is about. Without memory it is
 * not kept. */
void manager_add_evidence(Manager *m, const JailFailure *failure);

/* Counts failures, and a ban that was made. Of a ban by hand there is no failure. */
void manager_count_failure(Manager *m, const Jail *jail, const JailFailure *failure);
void manager_count_ban(Manager *m, const Jail *jail, const Ban *ban, const JailFailure *failure);

/* Signals a failure to those who subscribed. */
void manager_tell_failure(Manager *m, const Jail *jail, const JailFailure *failure);

/* Writes, as part of the open transaction, how far the journal was handled and what was counted up
 * to there. manager_saved() is for when it is committed. Returns 0 or a negative errno. */
int manager_save_progress(Manager *m);
void manager_saved(Manager *m);

/* Whether a ban that ended so was lifted: somebody let the address go, or it should not have been
 * banned. Other bans had their time, or were of no use any more, or never began. `end` is when. */
bool manager_is_lifted(const Ban *ban, usec_t end, const char *cause);

/* Carries out what jail_process() found due. Returns a negative errno, reported, or something else.
 */
int manager_apply(Manager *m, Jail *jail, const JailFailure *failure);

/* Makes a ban: list, firewall queue and change. Returns 1; 0 if there is no room for it; or a
 * negative errno; the latter two reported. */
int manager_add_ban(Manager *m, Jail *jail, const Ban *ban);

/* Makes room for a ban of the address, if there are as many as max_bans allows. Returns 1; 0 if
 * there is none, reported; or a negative errno, reported. */
int manager_make_room(Manager *m, Jail *jail, const Address *a);

/* Ends a running ban, which is freed: list, windows, firewall queue and change. Returns 0 or a
 * negative errno, reported. */
int manager_end_ban(Manager *m, Jail *jail, Ban *ban, usec_t when, const char *cause);

/* Has the jails that count bans count one that another made, and carries out what becomes due.
 * Returns 0 or a negative errno, reported. */
int manager_count_offence(Manager *m, const Jail *by, const Ban *ban);

/* A ban is lifted that should not have been: whom it is of has a clean slate in the jails that
 * count bans, unless one of those made it. Returns 0 or a negative errno, reported. */
int manager_clear_offender(Manager *m, const Jail *by, const Ban *lifted);

/* Fills the windows of jails that count bans, which have to be empty, with the bans in the store.
 * Comes behind the bans that ended, and has all that run read. Returns 0 or a negative errno. */
int manager_load_offenders(Manager *m);

/* Ends one that should not have been; as above. */
int manager_lift_ban(Manager *m, Jail *jail, Ban *ban, usec_t when, const char *cause);

/* Ends all running bans of a jail. */
int manager_end_all(Manager *m, Jail *jail, usec_t when, const char *cause);

/* Ends the bans of addresses that are to be spared by now, those by hand excepted. What fails is
 * reported and tried again. A SurroundingsHandler. */
void manager_lift_spared(void *userdata);

/* Firewall, then store, then announcements; what fails is tried again by itself. With `durable`
 * what was changed is on disk afterwards. Returns 0, or the first error, reported. */
int manager_commit(Manager *m, bool durable);

/* For commands: a store that fails is tried at once. Returns 0; -EROFS if only the store does not
 * have it; another negative errno. */
int manager_commit_command(Manager *m, bool durable);

/* Whether it is no larger a part of the Internet than anybody means. */
bool manager_is_reasonable(const Address *a);

/* Who is exempt: loads them from the store; writes them, as part of the open transaction; begins to
 * watch for their ends; and adds whom a jail allows now, by its configuration and besides, to an
 * allowlist. Return 0 or a negative errno. */
int manager_load_exemptions(Manager *m);
int manager_write_exemptions(Manager *m);
int manager_start_exemptions(Manager *m);
int manager_merge_allowed(const Manager *m, const JailConfig *config, Allowlist *ret);

/* Tells the kernel who is allowed now. What fails is reported and tried again. */
void manager_tell_allowed(Manager *m);

/* What happened before is of no use any more, not for filling windows anew either. */
usec_t manager_get_needed(const Manager *m);

/* The store's part of it, which replaces a damaged database. While the store fails it is tried
 * again by its own clock, or with `durable` at once. Returns 0 or a negative errno, reported. */
int manager_commit_store(Manager *m, bool durable);

/* It is time to try. */
void manager_retry_store(Manager *m);

/* Begins to forget what is old, again and again. Returns 0 or a negative errno. */
int manager_start_pruning(Manager *m);

/* Reads what all jails dropped, so that it is known if the table is removed. */
void manager_note_counters(Manager *m);
void manager_free_counts(Manager *m);

/* Takes samples from now on, and answers those who ask (manager-verify.h). Returns 0 or a negative
 * errno. */
int manager_start_verifying(Manager *m);
void manager_stop_verifying(Manager *m);

/* To be told before a ban goes out of its list, and when there are other jails. */
void manager_verify_pass(Manager *m, const Ban *ban);
void manager_verify_anew(Manager *m);

/* Ends what is over, up to a number of bans. Returns 1 if there may be more, 0 if not, or a
 * negative errno. What is left is for the timer, which is due at once then. */
int manager_expire(Manager *m);

/* Arms the timer for the ban that ends next. */
void manager_arm_expiry(Manager *m);

/* Begins to put all running bans into the kernel. With `keep`, those that it has may stay as they
 * are: their times are right. */
void manager_restore_begin(Manager *m, bool keep);

/* Does the next chunk of it. Returns 1 if there is more, 0, or a negative errno, reported; then it
 * stops until manager_restore_resume(). */
int manager_restore_step(Manager *m);
void manager_restore_resume(Manager *m);

/* Bans were added to the lists and not queued. */
void manager_restore_again(Manager *m);

/* A ban is about to go. */
void manager_restore_skip(Manager *m, Jail *jail, const Ban *ban);

/* Queues a running ban for the kernel, with what remains of it. flags: FirewallAddFlag. Returns 0
 * or a negative errno, reported. */
int manager_queue_ban(Manager *m, Jail *jail, Ban *ban, unsigned flags);

/* Carries out what is queued for the firewall, which is rebuilt if somebody removed it. What fails
 * is tried again by itself. Returns 0 or a negative errno, reported. */
int manager_commit_firewall(Manager *m);

/* Since when the kernel has everything, or USEC_INFINITY while something is missing. */
void manager_set_guarded(Manager *m, usec_t since);

/* For how long the jail that bans this very prefix for longest has it banned from now on: a
 * FirewallLongestHandler. */
usec_t manager_get_longest(const Address *a, void *userdata);

/* Has packets stopped at other network devices. A DevicesHandler. */
void manager_on_devices(void *userdata);

/* Makes the kernel guard the jails, as the configuration says, and begins to put all bans in again.
 * Returns 0 or a negative errno. */
int manager_configure_firewall(Manager *m);

/* The same for others, which are to take the place of the present ones: manager_restore_begin() has
 * to follow once they have. */
int manager_configure_anew(Manager *m, const Config *config, Jail *const *jails, size_t n_jails);

/* Follows what others do to the table, as it is now. Returns 0 or a negative errno. */
int manager_watch_firewall(Manager *m);

/* Reports what others did to the table, and queues what puts their changes of bans right. */
void manager_report_meddling(Manager *m);

/* Does not look for a while; and whether that is so. */
void manager_pause_watch(Manager *m);
bool manager_watch_pauses(Manager *m);

/* Warns if a ruleset that is loaded at boot has the table, as far as it may be read. */
void manager_warn_of_rulesets(void);

/* For the end: leaves the bans in the kernel, or takes them out if the configuration says so. What
 * fails is reported. */
void manager_leave_firewall(Manager *m);

/* All bans have been put back. Returns 1 if that had to begin anew, for the sake of the table's
 * owner; otherwise 0. */
int manager_settle_firewall(Manager *m);

/* Finds the ports of the configuration's jails with `ports = auto`. A jail whose units listen
 * nowhere keeps the ports it has in the manager's present configuration, which may be the same one.
 * Returns the number of jails with other ports than there. */
size_t manager_read_ports(Manager *m, Config *config);

/* It is time to look for them again: a UnitPortsHandler. */
void manager_look_at_ports(bool settled, void *userdata);

/* Reports what the journal dropped before it was read. */
void manager_report_gaps(Manager *m);

/* Marks the end of the journal, if it was reached, as seen, and has the position written at the
 * next commit. */
void manager_mark_end(Manager *m);

/* After JOURNAL_MISSED: empties the windows of the jails that read this namespace. Returns 0 or a
 * negative errno, reported. */
int manager_forget_past(Manager *m, const Entry *e);

/* Fills the windows of all jails, which have to be empty: with what the store knows of the past,
 * and from the journal as it is read from now on. Returns 0 or a negative errno. */
int manager_fill_windows(Manager *m);

/* The clock was set back. If it was far ahead, fills the windows anew, without what it made
 * forgotten until then. What fails is reported. */
void manager_set_back(Manager *m, usec_t by);

/* Whether the entries that are read only refill the windows. */
void manager_set_reading_past(Manager *m, bool reading_past);

/* Makes the jails of a configuration. Patterns that do not compile are problems. Returns 0 and
 * passes ownership, or a negative errno. */
int manager_build_jails(Config *config, ProblemSink *sink, Jail ***ret, size_t *ret_n);
void manager_free_jails(Jail **jails, size_t n);

/* Adds what the kernel has, and no list, of jails that are there; everything is to be written to
 * the store then. Lists have to be complete otherwise. Returns how many, or a negative errno. */
int manager_recover_bans(Manager *m);

/* Does the same when the database turned out to be damaged, once the kernel has done what is
 * queued; and has it replaced by the next commit. Returns 0 or a negative errno, reported. */
int manager_rescue_bans(Manager *m);

/* Begins to look for damage that reading the stored bans did not meet. What fails is reported. */
void manager_check_bans(Manager *m);

/* Waits for the verdict, if a check goes on, and carries it out. Returns 0 if nothing is wrong, or
 * a negative errno, reported; -EBADMSG if the next commit will replace the database. */
int manager_end_check(Manager *m);

/* Breaks it off, if it goes on. */
void manager_drop_check(Manager *m);

/* Adds the stored bans of jails that do not have them yet. Returns 0 or a negative errno. */
int manager_load_bans(Manager *m);

/* Begins to read the stored bans into the lists, which are empty and in use from now on. Returns 0
 * or a negative errno. */
int manager_load_begin(Manager *m);

/* Reads at most max of them, which go into their lists and are queued for the kernel. Returns how
 * many, or a negative errno, reported. */
int manager_load_some(Manager *m, size_t max);

/* Has the next n of them in their lists, for manager_load_some() to queue them later. What fails is
 * for that, too. */
void manager_load_ahead(Manager *m, size_t n);

/* A ban is about to be freed. */
void manager_load_skip(Manager *m, const Ban *ban);

/* The error because of which the lists cannot be completed, or 0. */
int manager_get_load_error(const Manager *m);

/* How many stored bans are in no list yet. */
size_t manager_n_unread(const Manager *m);

void manager_free_loader(Manager *m);

/* The time of the earliest failure that still matters for the windows of a jail. */
usec_t manager_get_refill_start(const Manager *m, const Jail *jail);
