/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/store-db.h"
#include "engine/store-private.h"

int store_clear_exemptions(Store *s) {
        assert(s);

        return store_run(s, STATEMENT_CLEAR_EXEMPTIONS);
}

int store_add_exemption(Store *s, const Exemption *x) {
        sqlite3_stmt *stmt;

        assert(s);
        assert(x);

        stmt = s->statements[STATEMENT_ADD_EXEMPTION];
        store_bind_text(stmt, 1, x->jail); /* NULL is bound as such */
        if (x->jail) {
                (void) sqlite3_bind_null(stmt, 2);
                (void) sqlite3_bind_null(stmt, 3);
        } else {
                store_bind_address(stmt, 2, &x->address);
                (void) sqlite3_bind_int(stmt, 3, x->address.prefixlen);
        }
        store_bind_number(stmt, 4, x->since);
        if (x->until == USEC_INFINITY)
                (void) sqlite3_bind_null(stmt, 5);
        else
                store_bind_number(stmt, 5, x->until);
        store_bind_text(stmt, 6, x->reason);
        return store_run(s, STATEMENT_ADD_EXEMPTION);
}

/* False for rows that make no sense, which only somebody else can have written. */
static bool read_exemption(sqlite3_stmt *stmt, Exemption *ret) {
        *ret = (Exemption){
                .jail = (char *) sqlite3_column_text(stmt, 0),
                .since = (usec_t) sqlite3_column_int64(stmt, 3),
                .until = sqlite3_column_type(stmt, 4) == SQLITE_NULL
                                         ? USEC_INFINITY
                                         : (usec_t) sqlite3_column_int64(stmt, 4),
                .reason = (char *) sqlite3_column_text(stmt, 5),
        };
        return ret->reason && (ret->jail || store_read_address(stmt, 1, &ret->address));
}

int store_foreach_exemption(Store *s, StoreExemptionHandler handler, void *userdata) {
        sqlite3_stmt *stmt;
        int e, r = 0;

        assert(s);
        assert(handler);

        stmt = s->statements[STATEMENT_EXEMPTIONS];
        while ((e = sqlite3_step(stmt)) == SQLITE_ROW && r >= 0) {
                Exemption x;

                if (read_exemption(stmt, &x))
                        r = handler(&x, userdata);
        }

        (void) sqlite3_reset(stmt);
        return r < 0 ? r : store_db_errno(e);
}
