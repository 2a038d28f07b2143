/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Each address keeps the times of its newest failures in order, at most maxretry. A new one is put
 * in its place, for which there is room for one more. Then every run of maxretry neighbours that
 * contains it is looked at (there are two at most), and the oldest time goes.
 *
 * A heap over the last failure of each address finds the quietest.
 */

#include "engine/tracker.h"

#include "base/prioq.h"
#include "base/table.h"

typedef struct TrackerItem {
        Address address;
        bool in_table;
        unsigned n_times;
        usec_t forgotten_until; /* failures up to then count nowhere */
        PrioqNode quiet;        /* ordered by the last failure */
        UT_hash_handle hh;
        usec_t times[]; /* ascending; room for maxretry + 1 */
} TrackerItem;

struct Tracker {
        TrackerParams params;
        TrackerItem *items;
        Prioq quiet;
        uint64_t n_failures;
        uint64_t n_forgotten;
};

int tracker_new(Tracker **ret, const TrackerParams *params) {
        Tracker *t;

        assert(ret);
        assert(params);
        assert(params->maxretry >= 1);
        assert(params->findtime > 0);
        assert(params->max_addresses >= 1);

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;

        t->params = *params;
        *ret = t;
        return 0;
}

static void remove_item(Tracker *t, TrackerItem *item) {
        prioq_remove(&t->quiet, &item->quiet);
        TABLE_DEL(t->items, item);
        free(item);
}

Tracker *tracker_free(Tracker *t) {
        TrackerItem *item, *next;

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

static TrackerItem *quietest_item(const Tracker *t) {
        PrioqNode *node = prioq_peek(&t->quiet);

        return node ? (TrackerItem *) ((char *) node - offsetof(TrackerItem, quiet)) : NULL;
}

/* The address' item, made if there is none. NULL without memory. */
static TrackerItem *get_item(Tracker *t, const Address *address, usec_t when) {
        TrackerItem *item;

        TABLE_FIND(t->items, address, item);
        if (item)
                return item;

        if (HASH_COUNT(t->items) >= t->params.max_addresses) {
                remove_item(t, quietest_item(t));
                t->n_forgotten++;
        }

        item = calloc(1, sizeof(*item) + (t->params.maxretry + 1) * sizeof(item->times[0]));
        if (!item)
                return NULL;
        item->address = *address;
        item->quiet.index = PRIOQ_NOWHERE;

        if (!TABLE_ADD(t->items, address, item)) {
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

/* How many of the newest times lie within one window. */
static unsigned count_newest(const Tracker *t, const TrackerItem *item) {
        unsigned n = 0;

        while (n < item->n_times &&
                        item->times[item->n_times - 1] - item->times[item->n_times - 1 - n] <=
                                        t->params.findtime)
                n++;

        return n;
}

/* Whether a run of maxretry neighbours that contains this place lies within findtime. */
static bool has_full_window(const Tracker *t, const TrackerItem *item, unsigned place) {
        unsigned n = t->params.maxretry;

        for (unsigned i = place + 1 > n ? place + 1 - n : 0; i <= place && i + n <= item->n_times;
                        i++)
                if (item->times[i + n - 1] - item->times[i] <= t->params.findtime)
                        return true;

        return false;
}

/* Puts a failure in its place, which is returned. */
static unsigned insert_time(Tracker *t, TrackerItem *item, usec_t when) {
        unsigned place;

        for (place = item->n_times; place > 0 && item->times[place - 1] > when; place--)
                item->times[place] = item->times[place - 1];

        item->times[place] = when;
        item->n_times++;
        t->n_failures++;
        prioq_move(&t->quiet, &item->quiet, MAX(item->quiet.when, when));
        return place;
}

static void drop_oldest(Tracker *t, TrackerItem *item) {
        if (item->n_times <= t->params.maxretry)
                return;

        memmove(item->times, item->times + 1, t->params.maxretry * sizeof(item->times[0]));
        item->n_times--;
}

int tracker_record(Tracker *t, const Address *address, usec_t when) {
        TrackerItem *item;

        assert(t);
        assert(address);

        item = get_item(t, address, when);
        if (!item)
                return -ENOMEM;

        if (when > item->forgotten_until) {
                (void) insert_time(t, item, when);
                drop_oldest(t, item);
        }

        return 0;
}

int tracker_hit(Tracker *t, const Address *address, usec_t when, unsigned *ret_failures) {
        TrackerItem *item;
        unsigned place;

        assert(t);
        assert(address);

        item = get_item(t, address, when);
        if (!item)
                return -ENOMEM;

        if (when <= item->forgotten_until) {
                if (ret_failures)
                        *ret_failures = count_newest(t, item);
                return 0;
        }

        place = insert_time(t, item, when);
        if (has_full_window(t, item, place)) {
                if (ret_failures)
                        *ret_failures = t->params.maxretry;
                item->n_times = 0;
                return 1;
        }

        drop_oldest(t, item);
        if (ret_failures)
                *ret_failures = count_newest(t, item);
        return 0;
}

static void forget_times(Tracker *t, TrackerItem *item, usec_t until) {
        unsigned n = 0;

        while (n < item->n_times && item->times[n] <= until)
                n++;
        memmove(item->times, item->times + n, (item->n_times - n) * sizeof(item->times[0]));
        item->n_times -= n;
        item->forgotten_until = MAX(item->forgotten_until, until);
        prioq_move(&t->quiet, &item->quiet, MAX(item->quiet.when, until));
}

int tracker_forget(Tracker *t, const Address *address, usec_t until) {
        TrackerItem *item;

        assert(t);
        assert(address);

        item = get_item(t, address, until);
        if (!item)
                return -ENOMEM;

        forget_times(t, item, until);
        return 0;
}

void tracker_forget_within(Tracker *t, const Address *net, usec_t until) {
        TrackerItem *item, *next;

        assert(t);
        assert(net);

        HASH_ITER(hh, t->items, item, next)
        if (address_covers(net, &item->address))
                forget_times(t, item, until);
}

bool tracker_has_forgotten(const Tracker *t, const Address *address, usec_t when) {
        const TrackerItem *item;

        assert(t);
        assert(address);

        TABLE_FIND(t->items, address, item);
        return item && when <= item->forgotten_until;
}

size_t tracker_expire(Tracker *t, usec_t now) {
        TrackerItem *item;
        size_t n = 0;

        assert(t);

        while ((item = quietest_item(t)) && usec_add(item->quiet.when, t->params.findtime) < now) {
                remove_item(t, item);
                n++;
        }

        return n;
}

void tracker_get_stats(const Tracker *t, TrackerStats *ret) {
        assert(t);
        assert(ret);

        *ret = (TrackerStats){
                .n_addresses = HASH_COUNT(t->items),
                .n_failures = t->n_failures,
                .n_forgotten = t->n_forgotten,
        };
}
