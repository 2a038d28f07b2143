/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * uthash keeps elements in the order in which they were added. A session that is touched is added
 * anew, so the head is always the one that has been quiet for longest.
 */

#include "engine/session.h"

#include "base/table.h"

typedef struct SessionKey {
        uint8_t size;
        char data[SESSION_KEY_MAX];
} SessionKey;

typedef struct SessionItem {
        SessionKey key;
        Session session;
        usec_t last;
        bool in_table;
        UT_hash_handle hh;
} SessionItem;

struct SessionTable {
        SessionItem *items;
        size_t n_max;
};

int session_table_new(SessionTable **ret, size_t n_max) {
        SessionTable *t;

        assert(ret);
        assert(n_max > 0);

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;

        t->n_max = n_max;
        *ret = t;
        return 0;
}

static void remove_item(SessionTable *t, SessionItem *item) {
        TABLE_DEL(t->items, item);
        free(item);
}

SessionTable *session_table_free(SessionTable *t) {
        if (!t)
                return NULL;

        while (t->items)
                remove_item(t, t->items);
        free(t);
        return NULL;
}

static SessionKey make_key(const char *key, size_t size) {
        SessionKey k = { .size = (uint8_t) MIN(size, (size_t) SESSION_KEY_MAX) };

        memcpy(k.data, key, k.size);
        return k;
}

static SessionItem *find_item(const SessionTable *t, const char *key, size_t size) {
        SessionKey k = make_key(key, size);
        SessionItem *item;

        TABLE_FIND(t->items, &k, item);
        return item;
}

Session *session_table_get(SessionTable *t, const char *key, size_t size, usec_t when) {
        SessionItem *item;

        assert(t);
        assert(key);

        item = find_item(t, key, size);
        if (item) {
                TABLE_DEL(t->items, item);
                if (usec_add(item->last, SESSION_AGE_MAX) < when)
                        item->session = (Session){};
        } else {
                if (HASH_COUNT(t->items) >= t->n_max)
                        remove_item(t, t->items);
                item = calloc(1, sizeof(*item));
                if (!item)
                        return NULL;
                item->key = make_key(key, size);
        }

        item->last = when;
        if (!TABLE_ADD(t->items, key, item)) {
                free(item);
                return NULL;
        }

        return &item->session;
}

size_t session_table_size(const SessionTable *t) {
        assert(t);

        return HASH_COUNT(t->items);
}
