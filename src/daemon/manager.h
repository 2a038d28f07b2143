/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Manager
 *
 * Owns everything that lives as long as the daemon and carries the way of an entry: journal, jails,
 * firewall, store, announcement. The only part besides main() that reads a clock. Reports its own
 * errors.
 *
 * What the bus offers are the functions under "commands" below, which are called from the event
 * loop, and never from within an entry.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macro.h"
#include "base/usec.h"
#include "engine/firewall.h"
#include "engine/jail.h"
#include "engine/store-history.h"
#include "model/address.h"
#include "model/ban.h"
#include "model/exemptions.h"

typedef struct Manager Manager;

typedef struct ManagerParams {
        const char *config_dir; /* instead of the usual directories; NULL */
        const char *state_dir;  /* where the database is */
        const char *journal;    /* file or directory; NULL for this machine's */
        const char *firewall;   /* "nft" or "none", over the configuration; NULL */
        const char *bus;        /* "system", "none" or an address */
        bool once;              /* read to the end of the journal, and stop */
} ManagerParams;

/* Strings are borrowed and must outlive the manager. Returns 0 and passes ownership; a negative
 * errno, reported; the process should then exit with manager_exit_status(). */
int manager_new(Manager **ret, const ManagerParams *params, sd_event *event);

Manager *manager_free(Manager *m);
DEFINE_CLEANUP(Manager *, manager_free)

/* Puts the running bans into the kernel and begins to follow the journal. Tells systemd when it is
 * ready. Returns 0 or a negative errno, reported. */
int manager_start(Manager *m);

/* Commits what is open. If it is a clean end, the bans leave the kernel where the configuration
 * says so. */
void manager_stop(Manager *m, bool clean);

/* With `once`: prints what was done to stdout. */
void manager_print_summary(Manager *m);

/* sysexits(3) for what went wrong; EXIT_FAILURE if nothing special did. */
int manager_exit_status(const Manager *m);

/* Commands. They are reported in the journal by the manager, as bans and unbans are. */

/* Whose those are that follow. */
void manager_set_caller(Manager *m, uid_t uid);

/* Bans by hand. duration 0 is the jail's bantime, USEC_INFINITY for good. reason may be "". Without
 * force, what the surroundings spare is not banned, nor a prefix with such an address in it, nor
 * what the jail allows.
 *
 * Returns 1 if the address is banned now, 0 if it was until the same time already; -EROFS if it is
 * banned and the ban is not on disk, for which the status has the reason; -ENXIO if there is no
 * such jail; -EADDRINUSE if it was refused, with why in error; -EINVAL for a prefix shorter than /8
 * or /19 (IPv6); -ENOSPC, with a sentence in error, if there are as many bans as max_bans allows
 * and all are for good; another negative errno if it could not be carried out. When it returns
 * without an error, the kernel drops and the ban is on disk. */
#define MANAGER_ERROR_SIZE 256
int manager_ban(Manager *m,
                const char *jail,
                const Address *a,
                usec_t duration,
                const char *reason,
                bool force,
                char error[static MANAGER_ERROR_SIZE]);

/* The same with many addresses, in one transaction. One of those that -EINVAL, -EADDRINUSE or
 * -ENOSPC stand for is told to the handler, which returns a negative errno to stop, and the rest
 * goes on.
 *
 * Returns 0; -ENXIO with nothing done; or another negative errno as above, when what *ret counts
 * is in force as far as it could be. */
typedef struct ManagerBanned {
        size_t n_banned;
        size_t n_unchanged; /* banned until the same time already */
} ManagerBanned;
typedef int (*ManagerRefusedHandler)(size_t i, int error, const char *why, void *userdata);
int manager_ban_many(Manager *m,
                const char *jail,
                const Address *addresses,
                size_t n,
                usec_t duration,
                const char *reason,
                bool force,
                ManagerRefusedHandler handler,
                void *userdata,
                ManagerBanned *ret);

/* Lifts the ban of exactly this address, the bans of prefixes around it, and those of the addresses
 * within it, in one jail or, with NULL, in all. Failures of before are forgotten.
 *
 * Returns 0 and the number of bans lifted; -EROFS if they are lifted, as far as there were any, but
 * not on disk; -ENXIO if there is no such jail; another negative errno if it could not be carried
 * out. */
int manager_unban(Manager *m, const char *jail, const Address *a, size_t *ret_n);

/* The same with many addresses, in one transaction. The handler is told how many bans each had that
 * those before it had not. Returns as manager_unban(). */
typedef void (*ManagerLiftedHandler)(size_t i, size_t n, void *userdata);
int manager_unban_many(Manager *m,
                const char *jail,
                const Address *addresses,
                size_t n,
                ManagerLiftedHandler handler,
                void *userdata);

/* Lifts all bans of a jail or, with NULL, of all. The cause is static. Returns as manager_unban().
 */
int manager_unban_all(Manager *m, const char *jail, const char *cause, size_t *ret_n);

/* Removes what is known of the bans that ended of this address, or within this prefix, in all
 * jails, and forgets the failures of before. Bans that run go on. Returns 0 and the number of bans;
 * or a negative errno. When it returns, that is on disk. */
int manager_forget(Manager *m, const Address *a, size_t *ret_n);

/* Allows an address or prefix in all jails from now on, for so long, USEC_INFINITY for good; the
 * reason may be "". Its bans are lifted, those by hand too, and those of networks around it that
 * nobody made by hand. What holds of exactly this address ends.
 *
 * Returns 0; -EROFS if only the disk does not have it; -EINVAL for a prefix shorter than /8 or /19
 * (IPv6); -E2BIG if there are EXEMPTIONS_MAX; another negative errno if it could not be carried
 * out. */
int manager_allow(Manager *m, const Address *a, usec_t duration, const char *reason);

/* Ends that of exactly this address. Returns 0 and how many ended, or a negative errno as above. */
int manager_disallow(Manager *m, const Address *a, size_t *ret_n);

/* A jail that pauses counts and bans nothing, and keeps the bans it has. Return 1; 0 if that was so
 * already; or a negative errno as above. */
int manager_pause(Manager *m, const char *jail);
int manager_resume(Manager *m, const char *jail);

/* Loads the configuration anew, as a whole or not at all. Returns 0; -EINVAL if it has mistakes,
 * with the first in error and all in the log; another negative errno. */
int manager_reload(Manager *m, char error[static MANAGER_ERROR_SIZE]);

/* Who the commands come from; NULL with `once`. */
typedef struct Bus Bus;
Bus *manager_get_bus(Manager *m);

/* For the bus: there is a connection to the message bus now, or it was lost. */
void manager_on_bus(Manager *m);

/* The wall clock. */
usec_t manager_now(void);

/* What there is to show. */

size_t manager_n_jails(const Manager *m);
Jail *manager_get_jail(const Manager *m, size_t i);
Jail *manager_find_jail(const Manager *m, const char *name); /* NULL if there is none */

/* Right after a start not all stored bans are in the lists yet. Whoever goes through the bans of a
 * jail has the rest read first, which takes a second for a million; what is asked of one address is
 * answered without (model/ban.h). Returns 0 or a negative errno, reported. */
int manager_load_rest(Manager *m);

/* The running bans of a jail, those of before included that are not in its list yet. */
size_t manager_n_banned_by(Manager *m, Jail *jail);

/* Who is allowed and what pauses, by the above; over ones included. */
const Exemptions *manager_get_exemptions(const Manager *m);
bool manager_is_paused(const Manager *m, const char *jail);

/* Why an address or prefix would not be banned by some jail; "" if nothing is known. Returns why.
 */
const char *
manager_explain_spared(const Manager *m, const Address *a, char why[static MANAGER_ERROR_SIZE]);

/* How many bans of exactly this address or prefix ended that are earlier bans of it. Returns 0 or a
 * negative errno. */
int manager_count_ended(Manager *m, const Address *a, unsigned *ret);

/* Begins to write all bans as store-dump.h has it, and returns the end to read from in *ret_fd.
 * Returns 0; -EBUSY if MANAGER_DUMPS_MAX are being written; or a negative errno. */
#define MANAGER_DUMPS_MAX 4
int manager_dump(Manager *m, int *ret_fd);

typedef struct ManagerStatus {
        usec_t started;      /* when the daemon began to follow */
        usec_t newest;       /* time of the entry handled last; 0 if none was */
        usec_t lag;          /* how long ago that was, while catching up; else 0 */
        bool catching_up;    /* the end of the journal has not been reached yet */
        uint64_t n_entries;  /* handled since the start */
        uint64_t n_failures; /* counted since the start */
        uint64_t n_bans;     /* made since the start */
        uint64_t n_leaks;    /* failures that got through bans, as JailStats has it */
        size_t n_banned;     /* running now */
        FirewallOwnership ownership;
        size_t n_missing_devices; /* see manager_get_missing_device() */
        bool firewall_failed;     /* the last commit did not work; it is tried again */
        bool store_failed;        /* same */
        int store_error;          /* a negative errno that says why; 0 */
} ManagerStatus;

void manager_get_status(const Manager *m, ManagerStatus *ret);

/* The network device with that number among those of `devices` that this host does not have, so
 * that nobody is kept out at them; NULL if fewer are missing. */
const char *manager_get_missing_device(const Manager *m, size_t i);

/* What remains of a ban now; USEC_INFINITY for a permanent one. */
usec_t manager_get_remaining(const Manager *m, const Ban *ban);

/* The history (engine/store-history.h); only to be read. */
Store *manager_get_store(Manager *m);

/* Has what was counted up to now in the history: by itself it gets there now and then. Returns 0 or
 * a negative errno, reported. */
int manager_save_counts(Manager *m);

/* What the next ban of an address or prefix would be, without the random part. */
typedef struct ManagerNextBan {
        const char *jail;
        unsigned n_earlier; /* bans that count; one that runs counts then */
        usec_t length;      /* USEC_INFINITY for good */
} ManagerNextBan;

/* Called for each jail that the address, or the network it counts for there, ever was banned in.
 * Return 0 or a negative errno, which may be the handler's. */
typedef int (*ManagerNextBanHandler)(const ManagerNextBan *next, void *userdata);
int manager_foreach_next_ban(Manager *m,
                const Address *a,
                ManagerNextBanHandler handler,
                void *userdata);

/* The user names that failed most in a time, most first, at most MANAGER_TOP_MAX; at last, as "",
 * all those that are no accounts of this host. Returns as above. */
#define MANAGER_TOP_MAX 20
typedef int (*ManagerUserHandler)(const char *name, const HistoryCount *count, void *userdata);
int manager_foreach_user(Manager *m,
                usec_t since,
                usec_t until,
                ManagerUserHandler handler,
                void *userdata);

/* What the jail's bans have dropped. While the daemon runs it never becomes less, also if somebody
 * removes the table; what was dropped since it was asked for last is lost then. Returns 0 or a
 * negative errno. */
int manager_get_counter(Manager *m, const char *jail, FirewallCounter *ret);

/* What a running ban has dropped. Returns 1; 0 if it has no counter of its own; or a negative
 * errno. */
int manager_get_ban_counter(Manager *m, const char *jail, const Ban *ban, FirewallCounter *ret);
