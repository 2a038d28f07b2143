/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Each network keeps failures in order of time, with the host of each beside it. A failure is put
 * in its place, and every longest run of neighbours that contains it and lies within findtime is
 * weighed and its addresses are told apart.
 *
 * What need not be kept: a failure that lies more than findtime before the last one; and one of an
 * address whose newer failures weigh the limit by themselves, as any window that contains it
 * contains those. All failures of an address are forgotten together, or the older ones first, so
 * this holds whatever is forgotten. So as long as no more than two addresses failed within
 * findtime, their failures weigh twice the limit at most; and with a third the limit is reached by
 * all together. That is why a window of twice the limit is never too short, as long as entries come
 * in order.
 *
 * Most networks have one or two failures, so room for them grows as it is needed.
 *
 * A heap over the last failure of each network finds the quietest.
 */

#include "engine/networks.h"

#include "base/prioq.h"
#include "base/table.h"

#define ROOM_MIN 4

typedef struct NetworkItem {
        Address net;
        bool in_table;
        unsigned limit;
        usec_t forgotten_until; /* failures up to then count nowhere */
        PrioqNode quiet;        /* ordered by the last failure */
        UT_hash_handle hh;
        size_t n_failures;
        size_t n_allocated;
        TrackerFailure *failures; /* ascending */
        Address *hosts;           /* whose each failure was */
} NetworkItem;

struct Networks {
        NetworksParams params;
        NetworkItem *items;
        Prioq quiet;
        uint64_t n_forgotten;
        const TrackerFailure *convicting; /* within an item */
        size_t n_convicting;
};

int networks_new(Networks **ret, const NetworksParams *params) {
        Networks *n;

        assert(ret);
        assert(params);
        assert(params->limits.n_limits > 0);
        assert(params->findtime > 0);
        assert(params->max_networks >= 1);

        n = calloc(1, sizeof(*n));
        if (!n)
                return -ENOMEM;

        n->params = *params;
        *ret = n;
        return 0;
}

static NetworkItem *item_free(NetworkItem *item) {
        if (item) {
                free(item->failures);
                free(item->hosts);
        }
        free(item);
        return NULL;
}
DEFINE_CLEANUP(NetworkItem *, item_free)

static void remove_item(Networks *n, NetworkItem *item) {
        prioq_remove(&n->quiet, &item->quiet);
        TABLE_DEL(n->items, item);
        item_free(item);
}

Networks *networks_free(Networks *n) {
        NetworkItem *item, *next;

        if (!n)
                return NULL;

        HASH_ITER(hh, n->items, item, next) {
                TABLE_DEL(n->items, item);
                item_free(item);
        }
        prioq_done(&n->quiet);
        free(n);
        return NULL;
}

static NetworkItem *quietest_item(const Networks *n) {
        PrioqNode *node = prioq_peek(&n->quiet);

        return node ? (NetworkItem *) ((char *) node - offsetof(NetworkItem, quiet)) : NULL;
}

static unsigned get_limit(const Networks *n, const Address *net) {
        for (size_t i = 0; i < n->params.limits.n_limits; i++) {
                const NetworkLimit *limit = &n->params.limits.limits[i];

                if (limit->family == net->family && limit->prefixlen == net->prefixlen)
                        return limit->limit;
        }

        assert(false);
        return 0;
}

/* The network's item, made if there is none. NULL without memory. */
static NetworkItem *get_item(Networks *n, const Address *net, usec_t when) {
        _cleanup_(item_freep) NetworkItem *item = NULL;
        NetworkItem *found;

        TABLE_FIND(n->items, net, found);
        if (found)
                return found;

        if (HASH_COUNT(n->items) >= n->params.max_networks) {
                NetworkItem *quietest = quietest_item(n);

                n->n_forgotten += usec_add(quietest->quiet.when, n->params.findtime) >= when;
                remove_item(n, quietest);
        }

        item = calloc(1, sizeof(*item));
        if (!item)
                return NULL;
        item->net = *net;
        item->limit = get_limit(n, net);
        item->quiet.index = PRIOQ_NOWHERE;

        if (!TABLE_ADD(n->items, net, item))
                return NULL;
        if (prioq_put(&n->quiet, &item->quiet, when) < 0) {
                TABLE_DEL(n->items, item);
                return NULL;
        }

        return TAKE_PTR(item);
}

static unsigned address_bits(const Networks *n, int family) {
        return family == AF_INET ? 32 : n->params.ipv6_prefix;
}

bool networks_can_hold(const Networks *n, const NetworkLimit *limit) {
        assert(n);
        assert(limit);

        return limit->prefixlen < address_bits(n, limit->family);
}

/* What is counted as one. */
static Address widen(const Networks *n, const Address *host) {
        Address a = *host;

        address_widen(&a, address_bits(n, a.family));
        return a;
}

static void drop_first(NetworkItem *item, size_t n) {
        if (n == 0)
                return;

        item->n_failures -= n;
        memmove(item->failures, item->failures + n, item->n_failures * sizeof(item->failures[0]));
        memmove(item->hosts, item->hosts + n, item->n_failures * sizeof(item->hosts[0]));
}

static void drop_at(NetworkItem *item, size_t place) {
        size_t n = --item->n_failures - place;

        memmove(item->failures + place, item->failures + place + 1, n * sizeof(item->failures[0]));
        memmove(item->hosts + place, item->hosts + place + 1, n * sizeof(item->hosts[0]));
}

/* Room for one more failure. */
static int make_room(NetworkItem *item) {
        size_t n = MAX(item->n_allocated * 2, (size_t) ROOM_MIN);
        TrackerFailure *failures;
        Address *hosts;

        if (item->n_failures < item->n_allocated)
                return 0;

        failures = reallocarray(item->failures, n, sizeof(*failures));
        if (!failures)
                return -ENOMEM;
        item->failures = failures;

        hosts = reallocarray(item->hosts, n, sizeof(*hosts));
        if (!hosts)
                return -ENOMEM;
        item->hosts = hosts;

        item->n_allocated = n;
        return 0;
}

/* After a failure was put in its place: drops what is too old for it, and what no window that ends
 * with it or later needs of its address. Nothing is judged by the newest failure, which may be one
 * from a clock that was ahead. */
static void drop_needless(Networks *n, NetworkItem *item, size_t place) {
        usec_t when = item->failures[place].when;
        Address address = widen(n, &item->hosts[place]);
        unsigned weight = 0;
        size_t n_old = 0;

        while (usec_add(item->failures[n_old].when, n->params.findtime) < when)
                n_old++;
        drop_first(item, n_old);

        for (size_t i = place - n_old + 1; i-- > 0;) {
                Address other = widen(n, &item->hosts[i]);

                if (!address_equal(&address, &other))
                        continue;
                if (weight >= item->limit)
                        drop_at(item, i);
                else
                        weight += item->failures[i].weight;
        }

        if (item->n_failures > (size_t) 2 * item->limit)
                drop_first(item, item->n_failures - (size_t) 2 * item->limit);
}

/* Puts a failure in its place, which is returned; -ENOMEM. */
static int
insert_failure(Networks *n, NetworkItem *item, const Address *host, const TrackerFailure *f) {
        size_t place;
        int r;

        r = make_room(item);
        if (r < 0)
                return r;

        for (place = item->n_failures; place > 0 && item->failures[place - 1].when > f->when;
                        place--) {
                item->failures[place] = item->failures[place - 1];
                item->hosts[place] = item->hosts[place - 1];
        }

        item->failures[place] = *f;
        item->hosts[place] = *host;
        item->n_failures++;
        prioq_move(&n->quiet, &item->quiet, MAX(item->quiet.when, f->when));
        return (int) place;
}

/* Whether the failures from start to before end come from enough addresses. */
static bool are_enough(const Networks *n, const NetworkItem *item, size_t start, size_t end) {
        Address found[NETWORK_ADDRESSES];
        size_t n_found = 0;

        for (size_t i = start; i < end; i++) {
                Address address = widen(n, &item->hosts[i]);
                bool known = false;

                for (size_t k = 0; k < n_found && !known; k++)
                        known = address_equal(&found[k], &address);
                if (known)
                        continue;
                found[n_found++] = address;
                if (n_found == NETWORK_ADDRESSES)
                        return true;
        }

        return false;
}

/* Looks for a run of neighbours that contains this place and convicts the network. */
static bool is_convicted(Networks *n, const NetworkItem *item, size_t place) {
        const TrackerFailure *f = item->failures;
        size_t end = 0, end_before = 0;
        unsigned weight = 0;

        for (size_t start = 0; start <= place; start++) {
                for (; end < item->n_failures && f[end].when - f[start].when <= n->params.findtime;
                                end++)
                        weight += f[end].weight;
                /* One that ends where the one before did is a part of it. */
                if (end > place && end > end_before && weight >= item->limit &&
                                are_enough(n, item, start, end)) {
                        n->convicting = f + start;
                        n->n_convicting = end - start;
                        return true;
                }
                end_before = end;
                weight -= f[start].weight;
        }

        return false;
}

/* Returns 1 if it was recorded and convicts, 0, or -ENOMEM. */
static int add_failure(Networks *n,
                const Address *net,
                const Address *host,
                const TrackerFailure *f,
                bool ask) {
        NetworkItem *item;
        int place;

        assert(n);
        assert(net);
        assert(host);
        assert(f);
        assert(f->weight > 0);
        assert(address_covers(net, host));

        item = get_item(n, net, f->when);
        if (!item)
                return -ENOMEM;
        if (f->when <= item->forgotten_until)
                return 0;

        place = insert_failure(n, item, host, f);
        if (place < 0)
                return place;

        if (ask && is_convicted(n, item, (size_t) place)) {
                item->n_failures = 0;
                return 1;
        }

        drop_needless(n, item, (size_t) place);
        return 0;
}

int networks_hit(Networks *n, const Address *net, const Address *host, const TrackerFailure *f) {
        return add_failure(n, net, host, f, true);
}

int networks_record(Networks *n, const Address *net, const Address *host, const TrackerFailure *f) {
        return add_failure(n, net, host, f, false);
}

const TrackerFailure *networks_get_convicting(const Networks *n, size_t *ret_n) {
        assert(n);
        assert(ret_n);

        *ret_n = n->n_convicting;
        return n->convicting;
}

int networks_forget(Networks *n, const Address *net, usec_t until) {
        NetworkItem *item;
        size_t n_old = 0;

        assert(n);
        assert(net);

        item = get_item(n, net, until);
        if (!item)
                return -ENOMEM;

        while (n_old < item->n_failures && item->failures[n_old].when <= until)
                n_old++;
        drop_first(item, n_old);
        item->forgotten_until = MAX(item->forgotten_until, until);
        prioq_move(&n->quiet, &item->quiet, MAX(item->quiet.when, until));
        return 0;
}

static void drop_member(NetworkItem *item, const Address *a, usec_t until) {
        size_t n = 0;

        for (size_t i = 0; i < item->n_failures; i++) {
                if (item->failures[i].when <= until && address_covers(a, &item->hosts[i]))
                        continue;
                item->failures[n] = item->failures[i];
                item->hosts[n++] = item->hosts[i];
        }

        item->n_failures = n;
}

void networks_forget_member(Networks *n, const Address *a, usec_t until) {
        assert(n);
        assert(a);

        for (size_t i = 0; i < n->params.limits.n_limits; i++) {
                const NetworkLimit *limit = &n->params.limits.limits[i];
                Address net = *a;
                NetworkItem *item;

                if (limit->family != a->family || limit->prefixlen > a->prefixlen)
                        continue;
                address_widen(&net, limit->prefixlen);
                TABLE_FIND(n->items, &net, item);
                if (item)
                        drop_member(item, a, until);
        }
}

void networks_expire(Networks *n, usec_t now) {
        NetworkItem *item;

        assert(n);

        while ((item = quietest_item(n)) && usec_add(item->quiet.when, n->params.findtime) < now)
                remove_item(n, item);
}

void networks_get_stats(const Networks *n, NetworksStats *ret) {
        assert(n);
        assert(ret);

        *ret = (NetworksStats){
                .n_networks = HASH_COUNT(n->items),
                .n_forgotten = n->n_forgotten,
        };
}
