/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One table for all, whose key holds the hour, the kind, and what is counted as bytes.
 *
 * Trimming goes by what was written since the last time, which need not be exact: it only has to
 * keep an hour from growing without end.
 */

#include "daemon/tally.h"

#include "base/table.h"

typedef enum TallyKind {
        TALLY_PATTERN,
        TALLY_USER,
        TALLY_NETWORK,
        _TALLY_KIND_MAX,
} TallyKind;

/* Room for the names of a jail and a pattern, each with its NUL; longer ones are cut. */
#define NAME_SIZE 58

typedef struct TallyKey {
        usec_t hour;
        uint32_t kind;
        union {
                struct {
                        char jail[NAME_SIZE];
                        char pattern[NAME_SIZE];
                } pattern;
                uint64_t user;
                Address network;
                char bytes[2 * NAME_SIZE];
        };
} TallyKey;
static_assert(sizeof(TallyKey) == 16 + 2 * NAME_SIZE + 4, "all of its bytes are set");

typedef struct TallyItem {
        TallyKey key;
        HistoryCount count;
        bool in_table;
        UT_hash_handle hh;
} TallyItem;

/* What was written of a kind, since it was trimmed last. */
typedef struct Written {
        usec_t hour;
        size_t n;
} Written;

struct Tally {
        TallyItem *items;
        Written written[_TALLY_KIND_MAX];
};

int tally_new(Tally **ret) {
        Tally *t;

        assert(ret);

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;

        *ret = t;
        return 0;
}

Tally *tally_free(Tally *t) {
        if (!t)
                return NULL;

        tally_clear(t);
        free(t);
        return NULL;
}

/* A key with all bytes zero, padding as well, but for these. */
static void init_key(TallyKey *key, usec_t when, TallyKind kind) {
        memset(key, 0, sizeof(*key));
        key->hour = when - when % USEC_PER_HOUR;
        key->kind = kind;
}

static void add_item(Tally *t, const TallyKey *key, const HistoryCount *add) {
        TallyItem *item;

        TABLE_FIND(t->items, key, item);
        if (!item) {
                if (key->kind != TALLY_PATTERN && HASH_COUNT(t->items) >= TALLY_ITEMS_MAX)
                        return;
                item = calloc(1, sizeof(*item));
                if (!item)
                        return;
                memcpy(&item->key, key, sizeof(*key));
                if (!TABLE_ADD(t->items, key, item)) {
                        free(item);
                        return;
                }
        }

        item->count.failures += add->failures;
        item->count.bans += add->bans;
}

void tally_add_pattern(Tally *t,
                usec_t when,
                const char *jail,
                const char *pattern,
                const HistoryCount *add) {
        TallyKey key;

        assert(t);
        assert(jail);
        assert(pattern);
        assert(add);

        init_key(&key, when, TALLY_PATTERN);
        memcpy(key.pattern.jail, jail, strnlen(jail, NAME_SIZE - 1));
        memcpy(key.pattern.pattern, pattern, strnlen(pattern, NAME_SIZE - 1));
        add_item(t, &key, add);
}

void tally_add_user(Tally *t, usec_t when, uint64_t user, const HistoryCount *add) {
        TallyKey key;

        assert(t);
        assert(add);

        init_key(&key, when, TALLY_USER);
        key.user = user;
        add_item(t, &key, add);
}

void tally_add_host(Tally *t, usec_t when, const Address *host, const HistoryCount *add) {
        TallyKey key;

        assert(t);
        assert(host);
        assert(add);

        init_key(&key, when, TALLY_NETWORK);
        key.network = *host;
        address_widen(&key.network,
                        host->family == AF_INET ? TALLY_IPV4_PREFIX : TALLY_IPV6_PREFIX);
        add_item(t, &key, add);
}

static int write_item(Store *s, const TallyItem *item) {
        const TallyKey *k = &item->key;

        switch (k->kind) {
        case TALLY_PATTERN:
                return store_count_pattern(
                                s, k->hour, k->pattern.jail, k->pattern.pattern, &item->count);
        case TALLY_USER:
                return store_count_user(s, k->hour, k->user, &item->count);
        default:
                return store_count_network(s, k->hour, &k->network, &item->count);
        }
}

static int trim(Store *s, TallyKind kind, usec_t hour) {
        return kind == TALLY_USER ? store_trim_users(s, hour, TALLY_KEEP)
                                  : store_trim_networks(s, hour, TALLY_KEEP);
}

/* Notes that an item was written, and trims what is over or full. */
static int note_written(Tally *t, Store *s, const TallyKey *key) {
        Written *w = &t->written[key->kind];
        int r = 0;

        if (key->kind == TALLY_PATTERN)
                return 0;

        if (w->n > 0 && (key->hour > w->hour || w->n >= TALLY_TRIM)) {
                r = trim(s, key->kind, w->hour);
                w->n = 0;
        }

        w->hour = MAX(w->hour, key->hour);
        w->n++;
        return r;
}

int tally_write(Tally *t, Store *s) {
        TallyItem *item, *next;
        int r = 0;

        assert(t);
        assert(s);

        HASH_ITER(hh, t->items, item, next) {
                r = write_item(s, item);
                if (r >= 0)
                        r = note_written(t, s, &item->key);
                if (r < 0)
                        return r;
        }

        return 0;
}

void tally_clear(Tally *t) {
        TallyItem *item, *next;

        assert(t);

        HASH_ITER(hh, t->items, item, next) {
                TABLE_DEL(t->items, item);
                free(item);
        }
}
