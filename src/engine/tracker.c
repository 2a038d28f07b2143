/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Each address keeps its newest failures in order of time, at most maxretry: each weighs 1 at
 * least, so older ones are never needed. A new one is put in its place, for which there is room for
 * one more. Then every run of neighbours that contains it and lies within findtime is weighed, and
 * the oldest failure goes; or the newest, if the clock was set back by more than findtime since.
 *
 * A login that may not forgive, because another did within findtime, leaves its failures without a
 * user, so that no later one forgives them either. So whether a login forgives depends on nothing
 * that is older than three times findtime, and a daemon that reads so far back comes to the same.
 *
 * A heap over the last failure of each address finds the quietest.
 */

#include "engine/tracker.h"

#include "base/prioq.h"
#include "base/table.h"

typedef struct TrackerItem {
        Address address;
        bool in_table;
        unsigned n_failures;
        unsigned weight;        /* of them all */
        usec_t forgotten_until; /* failures up to then count nowhere */
        usec_t cleared;         /* when a login last had something to forgive; 0 for never */
        PrioqNode quiet;        /* ordered by the last failure or login that forgave */
        UT_hash_handle hh;
        TrackerFailure failures[]; /* ascending; room for maxretry + 1 */
} TrackerItem;

struct Tracker {
        TrackerParams params;
        TrackerItem *items;
        Prioq quiet;
        uint64_t n_failures;
        uint64_t n_forgotten;
        const TrackerFailure *convicting; /* within an item */
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
                TrackerItem *quietest = quietest_item(t);

                /* Who has been quiet for longer would not have counted any more. */
                t->n_forgotten += (quietest->n_failures > 0 || quietest->forgotten_until > 0) &&
                                  usec_add(quietest->quiet.when, t->params.findtime) >= when;
                remove_item(t, quietest);
        }

        item = calloc(1, sizeof(*item) + (t->params.maxretry + 1) * sizeof(item->failures[0]));
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

/* How many of the newest failures lie within one window. */
static unsigned count_newest(const Tracker *t, const TrackerItem *item) {
        const TrackerFailure *f = item->failures;
        unsigned n = 0, last = item->n_failures;

        while (n < last && f[last - 1].when - f[last - 1 - n].when <= t->params.findtime)
                n++;

        return n;
}

/* Whether a run of neighbours that contains this place lies within findtime and weighs maxretry.
 * Returns how many failures it took, and where they begin, or 0. */
static unsigned find_full_window(const Tracker *t,
                const TrackerItem *item,
                unsigned place,
                const TrackerFailure **ret_first) {
        const TrackerFailure *f = item->failures;
        unsigned end = 0, weight = 0;

        if (item->weight < t->params.maxretry)
                return 0;

        for (unsigned start = 0; start <= place; start++) {
                for (; end < item->n_failures && f[end].when - f[start].when <= t->params.findtime;
                                end++)
                        weight += f[end].weight;
                if (end > place && weight >= t->params.maxretry) {
                        unsigned n = MIN(end - start, t->params.maxretry);

                        *ret_first = f + end - n;
                        return n;
                }
                weight -= f[start].weight;
        }

        return 0;
}

/* Puts a failure in its place, which is returned. */
static unsigned insert_failure(Tracker *t, TrackerItem *item, const TrackerFailure *f) {
        unsigned place;

        for (place = item->n_failures; place > 0 && item->failures[place - 1].when > f->when;
                        place--)
                item->failures[place] = item->failures[place - 1];

        item->failures[place] = *f;
        item->n_failures++;
        item->weight += f->weight;
        t->n_failures++;
        prioq_move(&t->quiet, &item->quiet, MAX(item->quiet.when, f->when));
        return place;
}

/* Drops the first n. */
static void drop_oldest(TrackerItem *item, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                item->weight -= item->failures[i].weight;
        item->n_failures -= n;
        memmove(item->failures, item->failures + n, item->n_failures * sizeof(item->failures[0]));
}

/* Makes room when there is one too many. */
static void drop_one(const Tracker *t, TrackerItem *item, usec_t when) {
        const TrackerFailure *newest = &item->failures[item->n_failures - 1];

        if (item->n_failures <= t->params.maxretry)
                return;

        /* Those of a clock that was ahead would keep their places until it gets there. */
        if (newest->when > usec_add(when, t->params.findtime)) {
                item->weight -= newest->weight;
                item->n_failures--;
        } else
                drop_oldest(item, 1);
}

int tracker_record(Tracker *t, const Address *address, const TrackerFailure *f) {
        TrackerItem *item;

        assert(t);
        assert(address);
        assert(f);
        assert(f->weight > 0);

        item = get_item(t, address, f->when);
        if (!item)
                return -ENOMEM;

        if (f->when > item->forgotten_until) {
                (void) insert_failure(t, item, f);
                drop_one(t, item, f->when);
        }

        return 0;
}

int tracker_hit(Tracker *t,
                const Address *address,
                const TrackerFailure *f,
                unsigned *ret_failures) {
        unsigned place, n;
        TrackerItem *item;

        assert(t);
        assert(address);
        assert(f);
        assert(f->weight > 0);

        item = get_item(t, address, f->when);
        if (!item)
                return -ENOMEM;

        if (f->when <= item->forgotten_until) {
                if (ret_failures)
                        *ret_failures = count_newest(t, item);
                return 0;
        }

        place = insert_failure(t, item, f);
        n = find_full_window(t, item, place, &t->convicting);
        if (n > 0) {
                if (ret_failures)
                        *ret_failures = n;
                item->n_failures = 0;
                item->weight = 0;
                item->cleared = 0;
                /* Nothing is known of it any more, so it makes room before all others. */
                prioq_move(&t->quiet, &item->quiet, item->forgotten_until);
                return 1;
        }

        drop_one(t, item, f->when);
        if (ret_failures)
                *ret_failures = count_newest(t, item);
        return 0;
}

const TrackerFailure *tracker_get_convicting(const Tracker *t) {
        assert(t);

        return t->convicting;
}

unsigned tracker_clear_session(Tracker *t,
                const Address *address,
                unsigned user,
                uint32_t session,
                usec_t when) {
        TrackerItem *item;
        unsigned n = 0, n_before;

        assert(t);
        assert(address);
        assert(user != 0);
        assert(session != 0);

        TABLE_FIND(t->items, address, item);
        if (!item)
                return 0;

        n_before = item->n_failures;
        for (unsigned i = 0; i < n_before; i++) {
                const TrackerFailure *f = &item->failures[i];

                if (f->user == user && f->session == session && f->when <= when)
                        item->weight -= f->weight;
                else
                        item->failures[n++] = *f;
        }

        item->n_failures = n;
        return n_before - n;
}

unsigned tracker_clear_address(Tracker *t, const Address *address, unsigned user, usec_t when) {
        unsigned n = 0, n_found = 0, n_before;
        TrackerItem *item;
        bool may;

        assert(t);
        assert(address);
        assert(user != 0);

        TABLE_FIND(t->items, address, item);
        if (!item)
                return 0;

        may = item->cleared == 0 || when >= usec_add(item->cleared, t->params.findtime);
        n_before = item->n_failures;
        for (unsigned i = 0; i < n_before; i++) {
                TrackerFailure f = item->failures[i];

                /* What is too old counts no more, and one that read less far back knows nothing
                 * of it. */
                if (f.user == user && f.when <= when &&
                                usec_add(f.when, t->params.findtime) >= when) {
                        n_found++;
                        f.user = 0;
                        if (may) {
                                item->weight -= f.weight;
                                continue;
                        }
                }
                item->failures[n++] = f;
        }

        item->n_failures = n;
        if (n_found > 0) {
                item->cleared = MAX(item->cleared, when);
                prioq_move(&t->quiet, &item->quiet, MAX(item->quiet.when, when));
        }
        return n_before - n;
}

static void forget_failures(Tracker *t, TrackerItem *item, usec_t until) {
        unsigned n = 0;

        while (n < item->n_failures && item->failures[n].when <= until)
                n++;
        drop_oldest(item, n);
        item->forgotten_until = MAX(item->forgotten_until, until);
        if (item->cleared <= until)
                item->cleared = 0;
        prioq_move(&t->quiet, &item->quiet, MAX(item->quiet.when, until));
}

int tracker_forget(Tracker *t, const Address *address, usec_t until) {
        TrackerItem *item;

        assert(t);
        assert(address);

        item = get_item(t, address, until);
        if (!item)
                return -ENOMEM;

        forget_failures(t, item, until);
        return 0;
}

bool tracker_has_forgotten(const Tracker *t, const Address *address, usec_t when) {
        const TrackerItem *item;

        assert(t);
        assert(address);

        TABLE_FIND(t->items, address, item);
        return item && when <= item->forgotten_until;
}

unsigned tracker_count(const Tracker *t, const Address *address, usec_t since, usec_t *ret_newest) {
        const TrackerItem *item;
        unsigned n = 0;

        assert(t);
        assert(address);
        assert(ret_newest);

        TABLE_FIND(t->items, address, item);
        if (!item)
                return 0;

        while (n < item->n_failures && item->failures[item->n_failures - 1 - n].when >= since)
                n++;
        if (n > 0)
                *ret_newest = item->failures[item->n_failures - 1].when;
        return n;
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
