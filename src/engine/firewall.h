/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Firewall
 *
 * Carries bans into the kernel. A firewall guards the ports of some jails and holds a set of banned
 * addresses for each of them. Changes are queued by firewall_add() and firewall_remove() and happen
 * together in firewall_commit(), which returns when the kernel has acknowledged them.
 *
 * The operations sit behind a table, FirewallOps, so that the part that needs privilege can move
 * into another process one day, and so that `firewall = log` is an implementation like any other.
 *
 * Nothing here reads a clock. Times that remain are given as spans.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"
#include "model/block.h"
#include "model/guard.h"
#include "model/ports.h"

typedef struct Firewall Firewall;

/* What a jail guards. Borrowed by firewall_configure() for the call. */
typedef struct FirewallJail {
        const char *name;     /* at most 32 characters of [a-z0-9_-] */
        PortSet ports;        /* model/ports.h; with .any set, the host is guarded as a whole */
        const Address *allow; /* let through whatever prefix is banned around them */
        size_t n_allow;
        BlockKind block;
        BlockScope scope;
} FirewallJail;

/* What holds for the whole table. Borrowed like the jails. */
typedef struct FirewallSettings {
        FirewallHook hook;
        const char *const *devices; /* of FIREWALL_INGRESS, at least one */
        size_t n_devices;
        FirewallOwning ownership;
} FirewallSettings;

typedef enum FirewallOwnership {
        FIREWALL_UNOWNED, /* everybody with the privilege may change the table */
        FIREWALL_OWNED,   /* the kernel keeps others from changing it; whether it stays when we go,
                             firewall_get_socket() tells */
        FIREWALL_NONE,    /* there is no table: `firewall = log` */
} FirewallOwnership;

typedef struct FirewallCounter {
        uint64_t packets;
        uint64_t bytes;
} FirewallCounter;

/* An element the kernel refused; what the rest of the batch asked for has happened. text is what
 * the kernel says to it besides the error, "" for nothing. */
typedef void (*FirewallRefusedHandler)(const char *jail,
                const Address *address,
                int error,
                const char *text,
                void *userdata);

/* What the kernel has of a ban. */
typedef struct FirewallElement {
        usec_t remaining; /* USEC_INFINITY for a permanent one */
        bool is_counted;  /* it has a counter of its own */

        /* What came to the jail's ports from the address, and met the jail's sets: the little that
         * passes all the same (what is allowed within a prefix, or in transit with scope = local,
         * or answers this host) is among it. */
        FirewallCounter dropped;
} FirewallElement;

typedef void (*FirewallElementHandler)(const char *jail,
                const Address *address,
                const FirewallElement *element,
                void *userdata);

/* For how long the jail that bans this very prefix for longest has it banned from now on;
 * USEC_INFINITY for good, 0 if none does. */
typedef usec_t (*FirewallLongestHandler)(const Address *address, void *userdata);

/* Opens the nftables firewall in the network namespace of the caller. Nothing is changed yet.
 *
 * Returns 0 and passes ownership of *ret; -EPERM without CAP_NET_ADMIN; -EOPNOTSUPP if the kernel
 * has no nftables (or no inet family); another negative errno. *ret is untouched on error. */
int firewall_nft_new(Firewall **ret);

/* A firewall that accepts everything and touches nothing. Returns 0 or -ENOMEM. */
int firewall_log_new(Firewall **ret);

/* Closes it. The table and its bans stay in the kernel. Accepts NULL. Always returns NULL. */
Firewall *firewall_free(Firewall *f);
DEFINE_CLEANUP(Firewall *, firewall_free)

/* Makes the kernel guard exactly these jails, in this way. A table that is there already is
 * adopted: sets and counters of jails that stay keep what they hold, and no packet of an address
 * that is banned before and after slips through meanwhile; those of other jails go. May be called
 * again, with other jails or ports, or because somebody else has removed the table. What is queued
 * stays queued, except for jails that are gone.
 *
 * Returns 0; -EPERM if another process owns the table; -EINVAL for a name that is too long, -EEXIST
 * if two jails have the same one; -EOPNOTSUPP for a hook that the kernel lacks; or another negative
 * errno. On error the kernel goes on as before. */
int firewall_configure(Firewall *f,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails);

/* Has the firewall ask, while it carries changes out, about addresses of jails that share ports.
 * NULL, as in the beginning: no two jails ever ban the same prefix. */
void firewall_set_longest(Firewall *f, FirewallLongestHandler handler, void *userdata);

/* Has the firewall call back while the kernel carries out what firewall_commit() sent it: once for
 * each transaction, in the caller's thread. The handler must not use the firewall. NULL, as in the
 * beginning: nothing. */
typedef void (*FirewallMeanwhileHandler)(void *userdata);
void firewall_set_meanwhile(Firewall *f, FirewallMeanwhileHandler handler, void *userdata);

typedef enum FirewallAddFlag {
        FIREWALL_COUNTED = 1 << 0, /* with a counter of its own, unless it is there already */

        /* One that is there already stays as it is, counter and all. Where the kernel can, it gets
         * the new time nevertheless. For bans that were there, such as after a restart. */
        FIREWALL_KEEP = 1 << 1,
} FirewallAddFlag;

/* To be called whenever every ban has been queued and committed after firewall_configure().
 *
 * Returns 1 if the table is to be made anew, because it was there with another owner's flags than
 * it is to have, or because nobody can say any more what is in it: then firewall_configure() has to
 * be called with the same settings and jails, and every ban to be queued once more. A second table
 * holds the bans meanwhile. Returns 0 if all is done, or a negative errno if the second table could
 * not be filled or removed; the first is as it was then. */
int firewall_settle(Firewall *f);

/* To be called before an owner whose table goes with him is closed. Returns 1 if there is a second
 * table by then that stays: firewall_configure() has to be called with the same settings and jails,
 * and every ban to be queued once more, so that it has them. Returns 0 if the table stays by
 * itself. */
int firewall_hand_over(Firewall *f);

/* The socket that owns a table which goes with it, to be kept by somebody while this process is not
 * there; it stays the firewall's. -1 if there is none. */
int firewall_get_socket(const Firewall *f);

/* Before the first firewall_configure(): goes on with such a socket that another process opened.
 * Returns 0 and takes ownership of the descriptor; -EINVAL if it is no such socket; or another
 * negative errno. */
int firewall_take_socket(Firewall *f, int fd);

/* Queues a ban, for `remaining` from now, or USEC_INFINITY for good. The address is copied. An
 * address that is banned already gets the new time, longer or shorter; where the kernel can update,
 * its counter goes on. Less than 10 milliseconds become those, and so do more than 300 years:
 * neither is ever for good. flags: FirewallAddFlag, or-ed. Returns 0; -ENOENT if the jail is not
 * configured; -ENOBUFS if too much is queued; -ENOMEM. */
int firewall_add(Firewall *f,
                const char *jail,
                const Address *address,
                usec_t remaining,
                unsigned flags);

/* Queues the end of a ban. One that the kernel does not have (any more) is no error. Returns as
 * firewall_add(). */
int firewall_remove(Firewall *f, const char *jail, const Address *address);

/* Carries out what is queued, so that it ends as if done in order: in one transaction, or in
 * several of about 10 ms if it is much. Elements that the kernel refuses are reported one by one to
 * on_refused, which may be NULL, and don't keep the others back.
 *
 * Returns the number of changes carried out, or a negative errno if it had to stop; what was not
 * done is still queued then, so that the call can be repeated. -ENOENT means that somebody has
 * removed the table or a part of it: call firewall_configure(), queue every ban anew, and commit
 * again. */
int firewall_commit(Firewall *f, FirewallRefusedHandler on_refused, void *userdata);

/* Forgets what is queued. */
void firewall_discard(Firewall *f);

size_t firewall_n_queued(const Firewall *f);

/* Lists what the kernel holds, at most max elements per set. The kernel needs quadratic time for
 * it, so this is for small sets and for the recovery of a lost database. Needs no
 * firewall_configure() before: it reads the table that is there. Returns the number of elements
 * handed out, 0 if there is no table, or a negative errno. */
int firewall_list(Firewall *f, size_t max, FirewallElementHandler handler, void *userdata);

/* 1 and *ret, which may be NULL, if the kernel holds this very element, 0 if not, or a negative
 * errno. */
int firewall_lookup(Firewall *f, const char *jail, const Address *address, FirewallElement *ret);

/* What the jail's bans have dropped since the jail was first configured; it goes on when the table
 * is adopted or made anew, and begins again when the jail, or the table, was gone. Returns 0,
 * -ENOENT if the jail is not configured, or a negative errno. */
int firewall_get_counter(Firewall *f, const char *jail, FirewallCounter *ret);

/* 1 if the table is as firewall_configure() and firewall_commit() left it, what sets of addresses
 * hold excepted; 0 if somebody else changed or removed it; or a negative errno, -EINTR if rulesets
 * are being changed right now. */
int firewall_check(Firewall *f);

/* What somebody else did to the table. */
#define FIREWALL_PROCESS_SIZE 16
typedef struct FirewallMeddling {
        bool structure; /* chains, rules, sets or the table itself */
        bool bans;      /* some were put in, changed or taken out */
        bool lost;      /* more than can be followed, at this table or others */

        /* Who did the last of it: what the process calls itself, "" if it is not known, and its id
         * in the namespace of the machine. */
        char process[FIREWALL_PROCESS_SIZE];
        pid_t pid;
} FirewallMeddling;

/* Called for each prefix that was put into a set, changed or taken out of it by somebody else. */
typedef void (*FirewallTouchedHandler)(const Address *address, void *userdata);

/* A descriptor that is readable when somebody else has changed something at nftables, from the last
 * firewall_configure() on; -1 while the table is owned, when nobody can. It stays the firewall's,
 * and may be another one after firewall_configure(). What is done while a thousand changes or more
 * are carried out together is not heard, which would take twice the time; firewall_check() tells if
 * it was done to anything but bans. */
int firewall_get_watch(const Firewall *f);

/* Finds out what was done. Returns 1 and *ret if it was something to the table. If .structure or
 * .lost is set, firewall_configure() and every ban anew put it right, and otherwise the bans of the
 * prefixes that were touched. Returns 0 if it was not, or a negative errno. */
int firewall_read_meddling(Firewall *f,
                FirewallTouchedHandler handler,
                void *userdata,
                FirewallMeddling *ret);

/* Removes the table with everything in it; firewall_configure() makes a new one. Needs none before.
 * What is queued stays queued. Returns 1, 0 if there was none, -EPERM if another process owns it,
 * or a negative errno. */
int firewall_destroy(Firewall *f);

FirewallOwnership firewall_get_ownership(const Firewall *f);

/* What jails of the last firewall_configure() ask for and the kernel lacks. */
typedef enum FirewallLack {
        FIREWALL_LACKS_REJECT = 1 << 0, /* packets are dropped without an answer */
        FIREWALL_LACKS_SCOPE = 1 << 1,  /* packets in transit are blocked, too */
        FIREWALL_LACKS_OWNER = 1 << 2,  /* nobody can own the table */
        FIREWALL_LACKS_DEVICE = 1 << 3, /* what comes in on a device that is not there (yet) will
                                           not be blocked */
} FirewallLack;

/* Returns them, or-ed. */
unsigned firewall_get_lacks(const Firewall *f);
