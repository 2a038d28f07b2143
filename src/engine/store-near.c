/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The running bans in pieces, and near an address, for whoever has not read all of them yet.
 *
 * A place is the key of a row as it is, whoever wrote it.
 *
 * Those of prefixes around an address are not next to each other. They are found from the address
 * downwards: what the largest key is that is not larger than its own. If that is no prefix around
 * it, the bits that both have in common say which prefixes there cannot be, since they would lie in
 * between, and the next look-up is for those that are left. So it takes a few look-ups, whatever
 * lengths are in use.
 */

#include <limits.h>

#include "engine/store-db.h"
#include "engine/store-private.h"

typedef enum KeyColumn {
        KEY_COLUMN_JAIL,
        KEY_COLUMN_ADDRESS,
        KEY_COLUMN_PREFIXLEN,
        _KEY_COLUMN_MAX,
} KeyColumn;

struct StorePlace {
        sqlite3_value *key[_KEY_COLUMN_MAX];
};

StorePlace *store_place_free(StorePlace *p) {
        if (!p)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(p->key); i++)
                sqlite3_value_free(p->key[i]);
        free(p);
        return NULL;
}

static int get_place(sqlite3_stmt *stmt, StorePlace **ret) {
        _cleanup_(store_place_freep) StorePlace *p = NULL;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;

        for (int i = 0; i < _KEY_COLUMN_MAX; i++) {
                p->key[i] = sqlite3_value_dup(sqlite3_column_value(stmt, BAN_COLUMN_JAIL + i));
                if (!p->key[i])
                        return -ENOMEM;
        }

        *ret = TAKE_PTR(p);
        return 0;
}

int store_read_from(sqlite3_stmt *stmt,
                const StorePlace *place,
                size_t max,
                StoreHandler handler,
                void *userdata,
                StorePlace **ret) {
        _cleanup_(store_place_freep) StorePlace *behind = NULL;
        int e, n = 0, r = 0;

        if (place)
                for (int i = 0; i < _KEY_COLUMN_MAX; i++)
                        (void) sqlite3_bind_value(stmt, i + 1, place->key[i]);
        else {
                store_bind_text(stmt, 1, "");
                (void) sqlite3_bind_zeroblob(stmt, 2, 0);
                (void) sqlite3_bind_int(stmt, 3, 0);
        }
        store_bind_number(stmt, 4, max);

        while (r >= 0 && (e = sqlite3_step(stmt)) == SQLITE_ROW) {
                const char *jail;
                Ban ban;

                if (++n == (int) max)
                        r = get_place(stmt, &behind);
                if (r >= 0 && store_read_ban(stmt, &jail, &ban))
                        r = handler(jail, &ban, userdata);
        }

        (void) sqlite3_reset(stmt);
        if (r >= 0)
                r = store_db_errno(e);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(behind);
        return n;
}

int store_foreach_ban_from(Store *s,
                const StorePlace *place,
                size_t max,
                StoreHandler handler,
                void *userdata,
                StorePlace **ret) {
        assert(s);
        assert(max > 0 && max <= INT_MAX);
        assert(handler);
        assert(ret);

        return store_read_from(
                        s->statements[STATEMENT_BANS_BEHIND], place, max, handler, userdata, ret);
}

int store_get_place(Store *s, const char *jail, const Address *a, StorePlace **ret) {
        sqlite3_stmt *stmt;
        int r, k = 0;

        assert(s);
        assert(jail);
        assert(a);
        assert(ret);

        r = store_step_to_ban(s, jail, a, &stmt);
        if (r > 0)
                k = get_place(stmt, ret);
        (void) sqlite3_reset(stmt);
        return k < 0 ? k : r;
}

/* How many bits an address begins with that the bytes of another one begin with, too. */
static unsigned count_common(const Address *a, const uint8_t *bytes, size_t size) {
        unsigned n = 0, max = MIN((unsigned) size * 8, address_family_bits(a->family));

        while (n < max && !((a->bytes[n / 8] ^ bytes[n / 8]) & (0x80 >> n % 8)))
                n++;
        return n;
}

/* Hands out what lies around the address and is no longer than *prefixlen, as far as nothing else
 * lies between. Sets *prefixlen to the longest one that is left, which may be -1. */
static int
descend(Store *s, const Address *a, int *prefixlen, StoreHandler handler, void *userdata) {
        sqlite3_stmt *stmt = s->statements[STATEMENT_BANS_BEFORE];
        Address net = *a;
        int e, r = 0;

        address_widen(&net, (unsigned) *prefixlen);
        store_bind_address(stmt, 1, &net);
        (void) sqlite3_bind_int(stmt, 2, *prefixlen);

        while ((e = sqlite3_step(stmt)) == SQLITE_ROW && r >= 0) {
                const char *jail;
                Ban ban;

                if (!store_read_ban(stmt, &jail, &ban))
                        continue;
                if (!address_covers(&ban.address, a)) {
                        unsigned n = count_common(a,
                                        ban.address.bytes,
                                        address_family_bits(ban.address.family) / 8);

                        *prefixlen = MIN((int) n, *prefixlen - 1);
                        break;
                }

                *prefixlen = ban.address.prefixlen;
                r = handler(jail, &ban, userdata);
        }
        if (e == SQLITE_DONE)
                *prefixlen = -1;

        (void) sqlite3_reset(stmt);
        return r < 0 ? r : store_db_errno(e);
}

int store_foreach_ban_around(Store *s, const Address *a, StoreHandler handler, void *userdata) {
        int prefixlen, r = 0;

        assert(s);
        assert(a);
        assert(handler);

        prefixlen = a->prefixlen;
        while (prefixlen >= 0 && r >= 0)
                r = descend(s, a, &prefixlen, handler, userdata);
        return r;
}

int store_foreach_ban_within(Store *s, const Address *net, StoreHandler handler, void *userdata) {
        sqlite3_stmt *stmt;
        Address last;

        assert(s);
        assert(net);
        assert(handler);

        stmt = s->statements[STATEMENT_BANS_WITHIN];
        last = store_last_within(net);
        store_bind_within(stmt, net, &last);
        return store_foreach(s, STATEMENT_BANS_WITHIN, handler, userdata);
}

int store_count_bans(Store *s, const char *jail, size_t *ret) {
        Statement statement = jail ? STATEMENT_COUNT_BANS_OF : STATEMENT_COUNT_BANS;
        sqlite3_stmt *stmt;
        int e;

        assert(s);
        assert(ret);

        stmt = s->statements[statement];
        if (jail)
                store_bind_text(stmt, 1, jail);
        e = sqlite3_step(stmt);
        if (e == SQLITE_ROW)
                *ret = (size_t) sqlite3_column_int64(stmt, 0);
        (void) sqlite3_reset(stmt);
        return store_db_errno(e);
}
