/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A plain array, since administrators write a handful of names.
 *
 * A name that fails is tried again after two seconds, then after twice as long each time, up to a
 * minute: at boot nothing can be resolved before the network is up, and the first answer matters.
 */

#include "engine/names.h"

#include <strings.h>

#define RETRY_MIN (2 * USEC_PER_SEC)
#define RETRY_MAX USEC_PER_MINUTE

/* No answer for so long is worth a warning. */
#define PATIENCE USEC_PER_MINUTE

typedef struct Name {
        char *name;
        Address addresses[NAMES_ADDRESSES_MAX];
        size_t n_addresses;
        usec_t due;
        usec_t retry;
        usec_t failing_since;
        bool asked;
        bool failing;
        bool warned;
} Name;

struct Names {
        Name *entries;
        size_t n;
};

int names_new(Names **ret) {
        Names *n;

        assert(ret);

        n = calloc(1, sizeof(*n));
        if (!n)
                return -ENOMEM;

        *ret = n;
        return 0;
}

Names *names_free(Names *n) {
        if (!n)
                return NULL;

        for (size_t i = 0; i < n->n; i++)
                free(n->entries[i].name);
        free(n->entries);
        free(n);
        return NULL;
}

static Name *find(const Names *n, const char *name) {
        for (size_t i = 0; i < n->n; i++)
                if (strcasecmp(n->entries[i].name, name) == 0)
                        return &n->entries[i];

        return NULL;
}

int names_add(Names *n, const char *name) {
        Name *entries;
        char *copy;

        assert(n);
        assert(name);

        if (find(n, name))
                return 0;
        if (n->n == NAMES_MAX)
                return -E2BIG;

        entries = reallocarray(n->entries, n->n + 1, sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        n->entries = entries;

        copy = strdup(name);
        if (!copy)
                return -ENOMEM;

        n->entries[n->n++] = (Name){ .name = copy, .retry = RETRY_MIN };
        return 0;
}

void names_inherit(Names *n, const Names *old) {
        assert(n);
        assert(old);

        for (size_t i = 0; i < n->n; i++) {
                Name *e = &n->entries[i];
                const Name *o = find(old, e->name);

                if (!o)
                        continue;

                memcpy(e->addresses, o->addresses, sizeof(e->addresses));
                e->n_addresses = o->n_addresses;
                e->failing = o->failing;
                e->failing_since = o->failing_since;
                e->warned = o->warned;
                e->asked = o->asked;
        }
}

/* Whoever can make the name's owner answer anything could else have loopback allowed, through which
 * proxies speak for everybody. */
static bool is_useful(const Address *a) {
        if (!address_is_host(a))
                return false;

        if (a->family == AF_INET)
                return a->bytes[0] != 0 && a->bytes[0] != 127 && a->bytes[0] < 224;

        return !IN6_IS_ADDR_UNSPECIFIED(&a->in6) && !IN6_IS_ADDR_LOOPBACK(&a->in6) &&
               !IN6_IS_ADDR_MULTICAST(&a->in6);
}

static bool has_address(const Name *e, const Address *a) {
        for (size_t i = 0; i < e->n_addresses; i++)
                if (address_equal(&e->addresses[i], a))
                        return true;

        return false;
}

static void add_address(Name *e, const Address *a) {
        if (is_useful(a) && e->n_addresses < NAMES_ADDRESSES_MAX && !has_address(e, a))
                e->addresses[e->n_addresses++] = *a;
}

void names_add_known(Names *n, const char *name, const Address *a) {
        Name *e;

        assert(n);
        assert(name);
        assert(a);

        e = find(n, name);
        if (e)
                add_address(e, a);
}

const char *names_take_due(Names *n, usec_t now) {
        Name *first = NULL;

        assert(n);

        /* Whoever waits for the longest; names that fail again and again would else keep those
         * behind them from their turn. */
        for (size_t i = 0; i < n->n; i++) {
                Name *e = &n->entries[i];

                if (!e->asked && e->due <= now && (!first || e->due < first->due))
                        first = e;
        }
        if (!first)
                return NULL;

        first->asked = true;
        return first->name;
}

usec_t names_get_due(const Names *n) {
        usec_t due = USEC_INFINITY;

        assert(n);

        for (size_t i = 0; i < n->n; i++)
                if (!n->entries[i].asked)
                        due = MIN(due, n->entries[i].due);

        return due;
}

static unsigned answer(Name *e, const Name *news, usec_t ttl, usec_t now) {
        bool changed = e->n_addresses != news->n_addresses, recovered = e->warned;

        for (size_t i = 0; i < news->n_addresses; i++)
                changed = changed || !has_address(e, &news->addresses[i]);

        memcpy(e->addresses, news->addresses, sizeof(e->addresses));
        e->n_addresses = news->n_addresses;
        e->asked = e->failing = e->warned = false;
        e->retry = RETRY_MIN;
        if (ttl == 0)
                ttl = NAMES_INTERVAL_DEFAULT;
        ttl = MIN(ttl, NAMES_INTERVAL_MAX);
        e->due = usec_add(now, MAX(ttl, NAMES_INTERVAL_MIN));
        return (changed ? NAMES_CHANGED : 0) | (recovered ? NAMES_RECOVERED : 0);
}

unsigned names_answer(Names *n,
                const char *name,
                const Address *addresses,
                size_t n_addresses,
                usec_t ttl,
                usec_t now) {
        Name *e, news = {};

        assert(n);
        assert(name);
        assert(addresses || n_addresses == 0);

        e = find(n, name);
        if (!e)
                return 0;

        for (size_t i = 0; i < n_addresses; i++)
                add_address(&news, &addresses[i]);

        return news.n_addresses > 0 ? answer(e, &news, ttl, now) : names_fail(n, name, true, now);
}

unsigned names_fail(Names *n, const char *name, bool none, usec_t now) {
        Name *e;

        assert(n);
        assert(name);

        e = find(n, name);
        if (!e)
                return 0;

        if (!e->failing)
                e->failing_since = now;
        e->failing = true;
        e->asked = false;
        e->due = usec_add(now, e->retry);
        e->retry = MIN(2 * e->retry, RETRY_MAX);

        if (e->warned || (!none && usec_sub(now, e->failing_since) < PATIENCE))
                return 0;
        e->warned = true;
        return NAMES_FAILED;
}

static bool is_listed(char *const *listed, const char *name) {
        for (; *listed; listed++)
                if (strcasecmp(*listed, name) == 0)
                        return true;

        return false;
}

const char *names_find(const Names *n, char *const *listed, const Address *a, Address *ret_which) {
        assert(n);
        assert(a);
        assert(ret_which);

        /* Addresses first: they hardly ever fit, and this is asked for every ban. */
        for (size_t i = 0; listed && i < n->n; i++) {
                const Name *e = &n->entries[i];

                for (size_t k = 0; k < e->n_addresses; k++)
                        if (address_covers(a, &e->addresses[k]) && is_listed(listed, e->name)) {
                                *ret_which = e->addresses[k];
                                return e->name;
                        }
        }

        return NULL;
}

int names_foreach(const Names *n, NamesHandler handler, void *userdata) {
        assert(n);
        assert(handler);

        for (size_t i = 0; i < n->n; i++)
                for (size_t k = 0; k < n->entries[i].n_addresses; k++) {
                        int r;

                        r = handler(n->entries[i].name, &n->entries[i].addresses[k], userdata);
                        if (r < 0)
                                return r;
                }

        return 0;
}

size_t names_count(const Names *n, const char *name) {
        const Name *e;

        assert(n);
        assert(name);

        e = find(n, name);
        return e ? e->n_addresses : 0;
}
