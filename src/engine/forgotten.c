/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A hash table over prefixes, and a heap over their moments. What covers an address is found as a
 * ban is: by one look-up for each prefix length in use.
 */

#include "engine/forgotten.h"

#include "base/prioq.h"
#include "base/table.h"

#define PREFIXLEN_MAX 128

typedef struct ForgottenItem {
        Address address;
        bool in_table;
        PrioqNode until;
        UT_hash_handle hh;
} ForgottenItem;

struct Forgotten {
        size_t n_max;
        ForgottenItem *items;
        Prioq moments;
        size_t n_prefixlen4[PREFIXLEN_MAX + 1];
        size_t n_prefixlen6[PREFIXLEN_MAX + 1];
        uint64_t n_dropped;
};

int forgotten_new(Forgotten **ret, size_t n_max) {
        Forgotten *f;

        assert(ret);
        assert(n_max >= 1);

        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;

        f->n_max = n_max;
        *ret = f;
        return 0;
}

Forgotten *forgotten_free(Forgotten *f) {
        ForgottenItem *item, *next;

        if (!f)
                return NULL;

        HASH_ITER(hh, f->items, item, next) {
                TABLE_DEL(f->items, item);
                free(item);
        }
        prioq_done(&f->moments);
        free(f);
        return NULL;
}

static size_t *prefixlen_counter(Forgotten *f, const Address *a) {
        return a->family == AF_INET ? &f->n_prefixlen4[a->prefixlen]
                                    : &f->n_prefixlen6[a->prefixlen];
}

static ForgottenItem *oldest_item(const Forgotten *f) {
        PrioqNode *node = prioq_peek(&f->moments);

        return node ? (ForgottenItem *) ((char *) node - offsetof(ForgottenItem, until)) : NULL;
}

static void remove_item(Forgotten *f, ForgottenItem *item) {
        (*prefixlen_counter(f, &item->address))--;
        prioq_remove(&f->moments, &item->until);
        TABLE_DEL(f->items, item);
        free(item);
}

int forgotten_add(Forgotten *f, const Address *a, usec_t until) {
        ForgottenItem *item;

        assert(f);
        assert(a);

        TABLE_FIND(f->items, a, item);
        if (item) {
                prioq_move(&f->moments, &item->until, MAX(item->until.when, until));
                return 0;
        }

        if (HASH_COUNT(f->items) >= f->n_max) {
                remove_item(f, oldest_item(f));
                f->n_dropped++;
        }

        item = calloc(1, sizeof(*item));
        if (!item)
                return -ENOMEM;
        item->address = *a;
        item->until.index = PRIOQ_NOWHERE;

        if (!TABLE_ADD(f->items, address, item)) {
                free(item);
                return -ENOMEM;
        }
        if (prioq_put(&f->moments, &item->until, until) < 0) {
                TABLE_DEL(f->items, item);
                free(item);
                return -ENOMEM;
        }

        (*prefixlen_counter(f, a))++;
        return 0;
}

usec_t forgotten_find(const Forgotten *f, const Address *a) {
        const size_t *n_prefixlen;
        usec_t until = 0;

        assert(f);
        assert(a);

        if (!f->items)
                return 0;

        n_prefixlen = a->family == AF_INET ? f->n_prefixlen4 : f->n_prefixlen6;
        for (unsigned i = 0; i <= a->prefixlen; i++) {
                const ForgottenItem *item;
                Address net = *a;

                if (n_prefixlen[i] == 0)
                        continue;
                address_widen(&net, i);
                TABLE_FIND(f->items, &net, item);
                if (item)
                        until = MAX(until, item->until.when);
        }

        return until;
}

void forgotten_expire(Forgotten *f, usec_t before) {
        ForgottenItem *item;

        assert(f);

        while ((item = oldest_item(f)) && item->until.when < before)
                remove_item(f, item);
}

size_t forgotten_size(const Forgotten *f) {
        assert(f);

        return HASH_COUNT(f->items);
}

uint64_t forgotten_get_n_dropped(const Forgotten *f) {
        assert(f);

        return f->n_dropped;
}
