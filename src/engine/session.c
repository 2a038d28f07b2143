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
        usec_t age_max;
        uint32_t last_number;
};

int session_table_new(SessionTable **ret, size_t n_max, usec_t age_max) {
        SessionTable *t;

        assert(ret);
        assert(n_max > 0);

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;

        t->n_max = n_max;
        t->age_max = age_max;
        *ret = t;
        return 0;
}

static void remove_item(SessionTable *t, SessionItem *item) {
        TABLE_DEL(t->items, item);
        free(item->session.pending);
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
                /* Or the clock was set back, and nobody knows for how long it was quiet. */
                if (usec_add(item->last, t->age_max) < when ||
                                usec_add(when, t->age_max) < item->last)
                        session_restart(t, &item->session);
        } else {
                if (HASH_COUNT(t->items) >= t->n_max)
                        remove_item(t, t->items);
                item = calloc(1, sizeof(*item));
                if (!item)
                        return NULL;
                item->key = make_key(key, size);
                session_restart(t, &item->session);
        }

        item->last = when;
        if (!TABLE_ADD(t->items, key, item)) {
                free(item->session.pending);
                free(item);
                return NULL;
        }

        return &item->session;
}

void session_restart(SessionTable *t, Session *s) {
        assert(t);
        assert(s);

        free(s->pending);
        if (++t->last_number == 0)
                t->last_number = 1;
        *s = (Session){ .number = t->last_number };
}

void session_table_remove(SessionTable *t, Session *s) {
        assert(t);
        assert(s);

        remove_item(t, (SessionItem *) ((char *) s - offsetof(SessionItem, session)));
}

int session_add_pending(Session *s, const Pattern *pattern, unsigned user) {
        PendingFailure *pending;

        assert(s);
        assert(pattern);

        for (size_t i = 0; i < s->n_pending; i++)
                if (s->pending[i].pattern == pattern && s->pending[i].user == user) {
                        s->pending[i].n++;
                        s->n_waiting++;
                        return 0;
                }

        if (s->n_pending == SESSION_PENDING_MAX) {
                s->pending[s->n_pending - 1].user = 0;
                s->pending[s->n_pending - 1].n++;
                s->n_waiting++;
                return 0;
        }

        pending = reallocarray(s->pending, s->n_pending + 1, sizeof(*pending));
        if (!pending)
                return -ENOMEM;

        s->pending = pending;
        s->pending[s->n_pending++] = (PendingFailure){ pattern, user, 1 };
        s->n_waiting++;
        return 0;
}

void session_drop_pending(Session *s) {
        assert(s);

        free(s->pending);
        s->pending = NULL;
        s->n_pending = 0;
        s->n_waiting = 0;
}

void session_forgive_pending(Session *s, unsigned user) {
        size_t n = 0;

        assert(s);
        assert(user != 0);

        for (size_t i = 0; i < s->n_pending; i++)
                if (s->pending[i].user == user)
                        s->n_waiting -= s->pending[i].n;
                else
                        s->pending[n++] = s->pending[i];
        s->n_pending = n;
}

size_t session_table_size(const SessionTable *t) {
        assert(t);

        return HASH_COUNT(t->items);
}
