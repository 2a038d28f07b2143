/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Bans
 *
 * The running bans of one jail, found by address and by their end. Times are points of
 * CLOCK_REALTIME, in journal time for what the journal decided.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/prioq.h"
#include "base/table.h"
#include "base/usec.h"
#include "model/address.h"

typedef struct BanList BanList;

/* Longest reason kept with a ban, in bytes. */
#define BAN_REASON_MAX 256

typedef struct Ban {
        Address address;
        bool in_kernel;      /* the firewall has acknowledged it */
        bool in_table;       /* base/table.h */
        unsigned failures;   /* that led to it; 0 for a ban by hand */
        const char *pattern; /* that recognised the last one, "" by hand; lives with the list */
        char *reason;        /* given by hand, or NULL; owned by the ban */
        uint64_t id;         /* grows from ban to ban, and is never given again */
        usec_t acknowledged; /* by the firewall; 0 if that is not known. A point of the clock */
        unsigned n_leaks;    /* failures that got through all the same */
        bool leaks_unsaved;  /* the store does not have their number yet; the caller's */
        bool is_counted;     /* what it drops is; see ban_list_count() */
        usec_t start;
        usec_t end;       /* USEC_INFINITY for good */
        PrioqNode expiry; /* .when is the end, or what ban_list_set_expiry() said */
        UT_hash_handle hh;
        struct BanVicinity *vicinity; /* the list's, as are: */
        struct Ban *near_before, *near_behind;
} Ban;

/* Returns 0 and passes ownership, or -ENOMEM. */
int ban_list_new(BanList **ret);
BanList *ban_list_free(BanList *l);
DEFINE_CLEANUP(BanList *, ban_list_free)

/* Adds a ban; what is copied from `ban` are address, failures, pattern, reason, id, start, end,
 * in_kernel, acknowledged and n_leaks. If the address is banned already, that ban takes these
 * values over.
 *
 * Returns 1 if the ban is new, 0 if it replaced one, -ENOMEM. *ret, if not NULL, is borrowed and
 * valid until the ban is removed. */
int ban_list_add(BanList *l, const Ban *ban, Ban **ret);

/*
 * A list that is filled while it is in use already
 *
 * Whoever has the bans of before, and has not added all of them yet, is asked before one is looked
 * for that is not in the list: for those of the address and of the prefixes around it, or for those
 * within the prefix. So what is asked of one address is answered as if all were there. Whatever
 * goes through the list, or by its size or its ends, has to wait until it is complete.
 */
typedef enum BanListWanted {
        BAN_LIST_AROUND,
        BAN_LIST_WITHIN,
} BanListWanted;

/* Adds those bans by ban_list_load(), and changes the list in no other way. */
typedef void (*BanListFiller)(const Address *a, BanListWanted wanted, void *userdata);

/* The list, which has to be empty, is filled from now on; and is complete. */
void ban_list_begin_filling(BanList *l, BanListFiller filler, void *userdata);
void ban_list_end_filling(BanList *l);

/* Adds a ban of before, unless the list had one of its address since: then it knows better. Each
 * may be handed in several times; with the second one only once, which saves to look for it among
 * those that came that way.
 *
 * Returns 1 and, if ret is not NULL, the ban; 0 if there is nothing to add; -ENOMEM. */
int ban_list_load(BanList *l, const Ban *ban, Ban **ret);
int ban_list_load_next(BanList *l, const Ban *ban, Ban **ret);

/* A ban of this address is to be loaded soon, after a dozen others. Only makes that quicker. */
void ban_list_expect(const BanList *l, const Address *a);

/* Makes room for about n bans in all, as long as there are few: the more there are, the longer a
 * list pauses to grow. */
void ban_list_reserve(BanList *l, size_t n);

/* The ban of exactly this address or prefix, or NULL. */
Ban *ban_list_get(const BanList *l, const Address *a);

/* The same, as far as the list is filled. */
Ban *ban_list_peek(const BanList *l, const Address *a);

/* A ban that covers the address at the given time, or NULL: the address itself, or a prefix around
 * it. The one that ends last, where there are several. */
Ban *ban_list_find(const BanList *l, const Address *a, usec_t when);

/* The latest end, up to the given time, of the bans that cover the address but are still in the
 * list, because nobody has looked at the clock yet; 0 if there is none. */
usec_t ban_list_find_end(const BanList *l, const Address *a, usec_t when);

/* A ban that ends is over at another time than its end. */
void ban_list_set_expiry(BanList *l, Ban *ban, usec_t when);

/* Has what the ban drops counted by itself if it is already, or fewer than max bans are. Returns
 * whether it is. */
bool ban_list_count(BanList *l, Ban *ban, size_t max);
size_t ban_list_n_counted(const BanList *l);

/* Frees the ban. */
void ban_list_remove(BanList *l, Ban *ban);

/* The ban that is over first, at its expiry.when, or NULL if none ever is. */
Ban *ban_list_first_to_end(const BanList *l);

/* Walks through the bans in the order in which they were added; NULL at the end. Start with NULL.
 * Only the ban returned last may be removed on the way, after asking for the next one. */
Ban *ban_list_next(const BanList *l, const Ban *ban);

/* The same for the bans of what lies within a prefix, itself included. Looks at the bans of an IPv4
 * /16 or an IPv6 /48 at most, and for a shorter prefix at all of them. */
Ban *ban_list_next_within(const BanList *l, const Address *net, const Ban *ban);

/* Some ban, which luck picks; NULL if there is none. What any ban is picked by is about as much. */
Ban *ban_list_pick(const BanList *l, uint64_t luck);

size_t ban_list_size(const BanList *l);
