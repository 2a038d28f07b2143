/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Store
 *
 * Keeps what has to outlive the daemon in an SQLite database: the running bans, those that ended,
 * how far the journal was handled, which addresses host names had last, and who is exempt. Failures
 * are not kept; the journal has them. What is asked of the past is in store-history.h.
 *
 * Changes are made between store_begin() and store_commit(), and are all there after a crash or
 * none is. The database may be read by others meanwhile.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"
#include "model/ban.h"
#include "model/exemptions.h"

typedef struct Store Store;

#define STORE_FILE "banjo.db"

/* Opens or creates the database in the directory, which must exist. A file that is no database, or
 * a damaged one, is renamed to banjo.db.damaged, .damaged.1 and so on, never deleted, and a new one
 * is made. Damage to the bans that run is found by reading and checking them
 * (engine/store-reader.h, engine/store-check.h).
 *
 * Returns 0; 1 if a damaged file was set aside, with its new name in *ret_aside, which the caller
 * frees; or a negative errno, -ENOTSUP for a database of a newer banjo. Passes ownership of *ret
 * unless it failed. */
int store_open(Store **ret, const char *directory, char **ret_aside);

/* After -EBADMSG, which is damage: renames the database as store_open() does, and begins a new one,
 * into which the caller writes what there has to be. Not within a transaction.
 *
 * Returns 0, or a negative errno if there is no new one yet: store_begin() tries again to make it,
 * and until then there is nothing to be read. In either case *ret_aside is the name of the old one,
 * which the caller frees, or NULL if it was not renamed. */
int store_replace(Store *s, char **ret_aside);

/* What was not committed is lost. Accepts NULL. Always returns NULL. */
Store *store_close(Store *s);
DEFINE_CLEANUP(Store *, store_close)

/* Begins a transaction. A durable one is on disk when store_commit() returns; another one is at
 * least whole, and at worst the last of them are missing after a power cut. Returns 0 or a negative
 * errno: -EBUSY if somebody else holds a lock for longer than a moment, -EBADMSG if the database
 * turned out to be damaged, which any of the following may find, too. */
int store_begin(Store *s, bool durable);

/* Return 0 or a negative errno; after an error everything since store_begin() is undone. */
int store_commit(Store *s);
void store_rollback(Store *s);

/* Changes. Each returns 0 or a negative errno; after an error the transaction should be rolled
 * back. A ban of the same jail and address is replaced. */
int store_add_ban(Store *s, const char *jail, const Ban *ban);

/* Moves a running ban among those that ended. in_kernel says that the kernel may still have it. It
 * is an earlier ban of its address from now on, unless it was one by hand. */
int store_end_ban(Store *s,
                const char *jail,
                const Ban *ban,
                usec_t when,
                const char *cause,
                bool in_kernel);

/* The same for a ban that should not have been: it is no earlier ban of anybody. */
int store_lift_ban(Store *s, const char *jail, const Ban *ban, usec_t when, const char *cause);

/* Notes how many failures got through a running ban. */
int store_set_leaks(Store *s, const char *jail, const Ban *ban);

/* Records a running ban that another one of the same address takes the place of, which is added
 * after it. It is an earlier ban, unless it was one by hand. */
int store_replace_ban(Store *s, const char *jail, const Ban *ban, usec_t when, const char *cause);

/* Records a ban that never ran, for instance because it was over when it was decided; no earlier
 * ban either. */
int store_add_ended(Store *s, const char *jail, const Ban *ban, usec_t when, const char *cause);

/* The kernel has let go of everything that store_end_ban() said it may still have. */
int store_clear_in_kernel(Store *s);

/* Moves all running bans among those that ended. */
int store_end_all(Store *s, usec_t when, const char *cause);

/* Forgets the running bans of a jail, to write them anew. */
int store_clear_bans(Store *s, const char *jail);

/* How far everything has been handled: the entry's cursor and time, the id of the ban announced
 * last, and the highest id that a ban ever had. */
typedef struct StorePosition {
        char *cursor; /* NULL if there is none yet */
        usec_t realtime;
        uint64_t announced;
        uint64_t last_id;
} StorePosition;

int store_set_position(Store *s, const StorePosition *position);

/* Fills *ret, whose cursor the caller frees. Returns 0 or a negative errno. */
int store_get_position(Store *s, StorePosition *ret);

/* Called for each ban; everything is borrowed for the call. For bans that ended, ban->end is when
 * they did. A negative return ends the walk and is returned. */
typedef int (*StoreHandler)(const char *jail, const Ban *ban, void *userdata);

/* The running bans, in the order of their addresses. The handler may end the one it is called for.
 */
int store_foreach_ban(Store *s, StoreHandler handler, void *userdata);

/* The running ban of exactly this address. Returns 1 and fills *ret, without pattern and reason; 0
 * if there is none; or a negative errno. */
int store_get_ban(Store *s, const char *jail, const Address *a, Ban *ret);

/* At most max of the running bans from a place on, in the order of addresses and jails; NULL is the
 * beginning. Rows that make no sense are passed over, and count. Returns how many there were, and
 * in *ret the place behind them, which is NULL if there are no more and the caller's otherwise; or
 * a negative errno. */
typedef struct StorePlace StorePlace;
StorePlace *store_place_free(StorePlace *p);
DEFINE_CLEANUP(StorePlace *, store_place_free)
int store_foreach_ban_from(Store *s,
                const StorePlace *place,
                size_t max,
                StoreHandler handler,
                void *userdata,
                StorePlace **ret);

/* The place behind the running ban of exactly this address. Returns 1 and passes ownership, 0 if
 * there is no such ban, or a negative errno. */
int store_get_place(Store *s, const char *jail, const Address *a, StorePlace **ret);

/* Those of exactly this address and of the prefixes around it, in all jails; and those of what lies
 * within a prefix, itself included. As above. */
int store_foreach_ban_around(Store *s, const Address *a, StoreHandler handler, void *userdata);
int store_foreach_ban_within(Store *s, const Address *net, StoreHandler handler, void *userdata);

/* How many run, in a jail or, with NULL, in all; of a million that takes 0.1 s, and 0.02 s. Returns
 * 0 or a negative errno. */
int store_count_bans(Store *s, const char *jail, size_t *ret);

/* Those that ended at or after a time, with the cause of that. */
typedef int (*StoreEndedHandler)(const char *jail,
                const Ban *ban,
                const char *cause,
                void *userdata);
int store_foreach_ended(Store *s, usec_t since, StoreEndedHandler handler, void *userdata);

/* Those that ended and that the kernel may still have. */
int store_foreach_in_kernel(Store *s, StoreHandler handler, void *userdata);

/* The bans that the journal led to and that began at or after a time, in the order of their ids:
 * those that run, and the earlier bans among those that ended. */
int store_foreach_begun(Store *s, usec_t since, StoreHandler handler, void *userdata);

/* How many earlier bans exactly this address or prefix had in a jail, or in all if it is NULL: of
 * those that ended at or after `since`, the ones that began before `start`. Counts to `max` at
 * most. Returns 0 and fills *ret, or a negative errno. */
int store_count_earlier(Store *s,
                const char *jail,
                const Address *a,
                usec_t since,
                usec_t start,
                unsigned max,
                unsigned *ret);

/* The addresses that host names had last; changes, as above. All are written at a time. */
int store_clear_names(Store *s);
int store_add_name(Store *s, const char *name, const Address *a);

/* Called for each address of each name, borrowed. A negative return ends the walk and is returned.
 */
typedef int (*StoreNameHandler)(const char *name, const Address *a, void *userdata);
int store_foreach_name(Store *s, StoreNameHandler handler, void *userdata);

/* Somebody let an address or prefix in by hand, whether it was banned or not, or it should not have
 * been banned: its failures of before count nowhere. A later one replaces the earlier. A change, as
 * above. */
int store_add_unban(Store *s, const char *jail, const Address *a, usec_t when);

/* Called for each of them, borrowed. A negative return ends the walk and is returned. */
typedef int (*StoreUnbanHandler)(const char *jail, const Address *a, usec_t when, void *userdata);
int store_foreach_unban(Store *s, StoreUnbanHandler handler, void *userdata);

/* Who is exempt, and was a short while ago: all are written at a time, as names are. */
int store_clear_exemptions(Store *s);
int store_add_exemption(Store *s, const Exemption *exemption);

/* Called for each of them, borrowed. A negative return ends the walk and is returned. */
typedef int (*StoreExemptionHandler)(const Exemption *exemption, void *userdata);
int store_foreach_exemption(Store *s, StoreExemptionHandler handler, void *userdata);
