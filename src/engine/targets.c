/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Each user has the newest different addresses in order of their last failures. That the oldest one
 * goes when there is one more changes no answer: those that are left are enough, and as soon as one
 * of them is too old, so is what went.
 */

#include "engine/targets.h"

#include "base/prioq.h"
#include "base/table.h"

typedef struct Attacker {
        Address address;
        usec_t last;
} Attacker;

typedef struct TargetItem {
        unsigned user;
        bool in_table;
        unsigned n_attackers;
        PrioqNode quiet; /* ordered by the last failure */
        UT_hash_handle hh;
        Attacker attackers[]; /* ascending by their last failure; room for n_addresses */
} TargetItem;

struct Targets {
        TargetsParams params;
        TargetItem *items;
        Prioq quiet;
        uint64_t n_forgotten;
};

int targets_new(Targets **ret, const TargetsParams *params) {
        Targets *t;

        assert(ret);
        assert(params);
        assert(params->n_addresses >= 1);
        assert(params->findtime > 0);
        assert(params->max_users >= 1);

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;

        t->params = *params;
        *ret = t;
        return 0;
}

static void remove_item(Targets *t, TargetItem *item) {
        prioq_remove(&t->quiet, &item->quiet);
        TABLE_DEL(t->items, item);
        free(item);
}

Targets *targets_free(Targets *t) {
        TargetItem *item, *next;

        if (!t)
                return NULL;

        HASH_ITER(hh, t->items, item, next) {
                TABLE_DEL(t->items, item);
                free(item);
        }
        prioq_done(&t->quiet);
        free(t);
        return NULL;
}

static TargetItem *quietest_item(const Targets *t) {
        PrioqNode *node = prioq_peek(&t->quiet);

        return node ? (TargetItem *) ((char *) node - offsetof(TargetItem, quiet)) : NULL;
}

/* The user's item, made if there is none. NULL without memory. */
static TargetItem *get_item(Targets *t, unsigned user, usec_t when) {
        TargetItem *item;

        TABLE_FIND(t->items, &user, item);
        if (item)
                return item;

        if (HASH_COUNT(t->items) >= t->params.max_users) {
                TargetItem *quietest = quietest_item(t);

                t->n_forgotten += usec_add(quietest->quiet.when, t->params.findtime) >= when;
                remove_item(t, quietest);
        }

        item = calloc(1, sizeof(*item) + t->params.n_addresses * sizeof(item->attackers[0]));
        if (!item)
                return NULL;
        item->user = user;
        item->quiet.index = PRIOQ_NOWHERE;

        if (!TABLE_ADD(t->items, user, item)) {
                free(item);
                return NULL;
        }
        if (prioq_put(&t->quiet, &item->quiet, when) < 0) {
                TABLE_DEL(t->items, item);
                free(item);
                return NULL;
        }

        return item;
}

static unsigned count_attackers(const Targets *t, const TargetItem *item, usec_t when) {
        unsigned n = 0;

        for (unsigned i = 0; i < item->n_attackers; i++)
                if (item->attackers[i].last <= when &&
                                usec_add(item->attackers[i].last, t->params.findtime) >= when)
                        n++;

        return n;
}

static void remove_attacker(TargetItem *item, unsigned place) {
        item->n_attackers--;
        memmove(item->attackers + place,
                        item->attackers + place + 1,
                        (item->n_attackers - place) * sizeof(item->attackers[0]));
}

/* Puts the address where its last failure belongs. */
static void add_attacker(Targets *t, TargetItem *item, const Address *address, usec_t when) {
        unsigned place;

        for (unsigned i = 0; i < item->n_attackers; i++)
                if (address_equal(&item->attackers[i].address, address)) {
                        when = MAX(when, item->attackers[i].last);
                        remove_attacker(item, i);
                        break;
                }

        if (item->n_attackers == t->params.n_addresses) {
                if (item->attackers[0].last > when)
                        return;
                remove_attacker(item, 0);
        }

        for (place = item->n_attackers; place > 0 && item->attackers[place - 1].last > when;
                        place--)
                item->attackers[place] = item->attackers[place - 1];
        item->attackers[place] = (Attacker){ *address, when };
        item->n_attackers++;
}

int targets_hit(Targets *t, unsigned user, const Address *address, usec_t when) {
        TargetItem *item;
        bool attacked;

        assert(t);
        assert(user != 0);
        assert(address);

        item = get_item(t, user, when);
        if (!item)
                return -ENOMEM;

        attacked = count_attackers(t, item, when) >= t->params.n_addresses;
        add_attacker(t, item, address, when);
        prioq_move(&t->quiet, &item->quiet, MAX(item->quiet.when, when));
        return attacked;
}

void targets_expire(Targets *t, usec_t now) {
        TargetItem *item;

        assert(t);

        while ((item = quietest_item(t)) && usec_add(item->quiet.when, t->params.findtime) < now)
                remove_item(t, item);
}

void targets_get_stats(const Targets *t, TargetsStats *ret) {
        assert(t);
        assert(ret);

        *ret = (TargetsStats){
                .n_users = HASH_COUNT(t->items),
                .n_forgotten = t->n_forgotten,
        };
}
