/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bans are asked for in two ways. Those of a time are read in the order of their start, so many at
 * most, and what does not fit the question is passed over; whoever asks comes back for the rest.
 * Those of one host are few: they lie under the host and under each prefix around it, which is one
 * look-up each.
 */

#include "engine/store-history.h"

#include "engine/store-db.h"
#include "engine/store-private.h"

/* Columns behind those of bans. */
#define COLUMN_CAUSE _BAN_COLUMN_MAX
#define COLUMN_COUNTS (_BAN_COLUMN_MAX + 1)

static bool read_history(sqlite3_stmt *stmt, HistoryBan *ret) {
        if (!store_read_ban(stmt, &ret->jail, &ret->ban))
                return false;

        ret->cause = (const char *) sqlite3_column_text(stmt, COLUMN_CAUSE) ?: "";
        ret->counts = sqlite3_column_int(stmt, COLUMN_COUNTS);
        return true;
}

/* Bans that have to be put in order before they are handed out, with texts of their own. */
typedef struct Collection {
        HistoryBan *bans;
        size_t n;
        size_t n_allocated;
} Collection;

static void collection_done(Collection *c) {
        for (size_t i = 0; i < c->n; i++) {
                free((char *) c->bans[i].jail);
                free((char *) c->bans[i].cause);
                free((char *) c->bans[i].ban.pattern);
                free(c->bans[i].ban.reason);
        }
        free(c->bans);
}

static int collect(const HistoryBan *b, void *userdata) {
        Collection *c = userdata;
        HistoryBan *copy;

        if (c->n == c->n_allocated) {
                size_t n = MAX(c->n_allocated * 2, (size_t) 64);
                HistoryBan *bans = reallocarray(c->bans, n, sizeof(*bans));

                if (!bans)
                        return -ENOMEM;
                c->bans = bans;
                c->n_allocated = n;
        }

        copy = &c->bans[c->n++];
        *copy = *b;
        copy->jail = strdup(b->jail);
        copy->cause = strdup(b->cause);
        copy->ban.pattern = strdup(b->ban.pattern ?: "");
        copy->ban.reason = b->ban.reason ? strdup(b->ban.reason) : NULL;
        return copy->jail && copy->cause && copy->ban.pattern &&
                                               (copy->ban.reason || !b->ban.reason)
                               ? 0
                               : -ENOMEM;
}

static int compare(const void *a, const void *b) {
        const Ban *x = &((const HistoryBan *) a)->ban, *y = &((const HistoryBan *) b)->ban;

        if (x->start != y->start)
                return x->start < y->start ? -1 : 1;
        return (x->id > y->id) - (x->id < y->id);
}

static void sort(Collection *c) {
        if (c->n > 0)
                qsort(c->bans, c->n, sizeof(*c->bans), compare);
}

/* Collects the rows of a statement that is bound. */
static int collect_rows(Store *s, Statement statement, Collection *c) {
        sqlite3_stmt *stmt = s->statements[statement];
        HistoryBan b;
        int e, r = 0;

        while (r >= 0 && (e = sqlite3_step(stmt)) == SQLITE_ROW)
                if (read_history(stmt, &b))
                        r = collect(&b, c);
        if (r >= 0)
                r = store_db_errno(e);

        (void) sqlite3_reset(stmt);
        (void) sqlite3_clear_bindings(stmt);
        return r;
}

static void bind_query(sqlite3_stmt *stmt, const HistoryQuery *q, size_t max) {
        store_bind_number(stmt, 1, q->since);
        store_bind_number(stmt, 2, q->after);
        store_bind_number(stmt, 3, q->until);
        (void) sqlite3_bind_int64(stmt, 4, (int64_t) max);
}

static bool fits(const HistoryQuery *q, const HistoryBan *b) {
        return (!q->jail || streq(b->jail, q->jail)) &&
               (!q->address || address_covers(q->address, &b->ban.address) ||
                               address_covers(&b->ban.address, q->address));
}

/* Those of a host. Of each prefix around it as many are found as may be wanted of all together. */
static int history_of_host(Store *s, HistoryQuery *q, HistoryHandler handler, void *userdata) {
        sqlite3_stmt *stmt = s->statements[STATEMENT_HISTORY_OF];
        _cleanup_(collection_done) Collection c = {};
        size_t n_told = 0, i;
        int r = 0;

        for (unsigned bits = 0; bits <= q->address->prefixlen && r >= 0; bits++) {
                Address net = *q->address;

                address_widen(&net, bits);
                bind_query(stmt, q, q->max + 1);
                store_bind_address(stmt, 5, &net);
                (void) sqlite3_bind_int(stmt, 6, (int) bits);
                r = collect_rows(s, STATEMENT_HISTORY_OF, &c);
        }
        if (r < 0)
                return r;

        sort(&c);
        for (i = 0; i < c.n && i < q->max && r >= 0; i++) {
                q->since = c.bans[i].ban.start;
                q->after = c.bans[i].ban.id;
                if (!fits(q, &c.bans[i]))
                        continue;
                r = handler(&c.bans[i], userdata);
                n_told++;
        }

        return r < 0 ? r : i < c.n;
}

int store_history(Store *s, HistoryQuery *q, HistoryHandler handler, void *userdata) {
        size_t n_looked = 0, n_told = 0;
        sqlite3_stmt *stmt;
        HistoryBan b;
        int e, r = 0;

        assert(s);
        assert(q);
        assert(q->max > 0);
        assert(handler);

        if (q->address && address_is_host(q->address))
                return history_of_host(s, q, handler, userdata);

        stmt = s->statements[STATEMENT_HISTORY];
        bind_query(stmt, q, HISTORY_LOOK_MAX);
        while (r >= 0 && n_told < q->max && (e = sqlite3_step(stmt)) == SQLITE_ROW) {
                n_looked++;
                q->since = (usec_t) sqlite3_column_int64(stmt, BAN_COLUMN_START);
                q->after = (uint64_t) sqlite3_column_int64(stmt, BAN_COLUMN_ID);
                if (!read_history(stmt, &b) || !fits(q, &b))
                        continue;
                r = handler(&b, userdata);
                n_told++;
        }
        if (r >= 0 && n_told < q->max)
                r = store_db_errno(e);

        (void) sqlite3_reset(stmt);
        return r < 0 ? r : n_told == q->max || n_looked == HISTORY_LOOK_MAX;
}

Address store_last_within(const Address *net) {
        Address last = *net;
        unsigned bits = address_family_bits(net->family);

        for (unsigned i = net->prefixlen; i < bits; i++)
                last.bytes[i / 8] |= (uint8_t) (0x80 >> i % 8);
        return last;
}

void store_bind_within(sqlite3_stmt *stmt, const Address *first, const Address *last) {
        store_bind_address(stmt, 1, first);
        store_bind_address(stmt, 2, last);
        (void) sqlite3_bind_int(stmt, 3, first->prefixlen);
}

int store_newest(Store *s, const Address *a, size_t max, HistoryHandler handler, void *userdata) {
        _cleanup_(collection_done) Collection c = {};
        Address last;
        int r = 0;

        assert(s);
        assert(a);
        assert(handler);

        for (unsigned bits = 0; bits <= a->prefixlen && r >= 0; bits++) {
                sqlite3_stmt *stmt = s->statements[STATEMENT_NEWEST_OF];
                Address net = *a;

                address_widen(&net, bits);
                store_bind_address(stmt, 1, &net);
                (void) sqlite3_bind_int(stmt, 2, (int) bits);
                (void) sqlite3_bind_int64(stmt, 3, (int64_t) max);
                r = collect_rows(s, STATEMENT_NEWEST_OF, &c);
        }

        if (r >= 0 && !address_is_host(a)) {
                sqlite3_stmt *stmt = s->statements[STATEMENT_NEWEST_WITHIN];

                last = store_last_within(a);
                store_bind_within(stmt, a, &last);
                (void) sqlite3_bind_int(stmt, 4, HISTORY_LOOK_MAX);
                r = collect_rows(s, STATEMENT_NEWEST_WITHIN, &c);
        }

        sort(&c);
        for (size_t i = c.n - MIN(c.n, max); i < c.n && r >= 0; i++)
                r = handler(&c.bans[i], userdata);

        return MIN(r, 0);
}

int store_add_evidence(Store *s, uint64_t ban, const char *entries, const char *fields) {
        sqlite3_stmt *stmt;

        assert(s);
        assert(entries);
        assert(fields);

        stmt = s->statements[STATEMENT_ADD_EVIDENCE];
        store_bind_number(stmt, 1, ban);
        store_bind_text(stmt, 2, entries);
        store_bind_text(stmt, 3, fields);
        return store_run(s, STATEMENT_ADD_EVIDENCE);
}

int store_get_evidence(Store *s, uint64_t ban, char **ret_entries, char **ret_fields) {
        _cleanup_(freep) char *entries = NULL, *fields = NULL;
        sqlite3_stmt *stmt;
        int e;

        assert(s);
        assert(ret_entries);
        assert(ret_fields);

        stmt = s->statements[STATEMENT_EVIDENCE];
        store_bind_number(stmt, 1, ban);
        e = sqlite3_step(stmt);
        if (e == SQLITE_ROW) {
                entries = strdup((const char *) sqlite3_column_text(stmt, 0) ?: "");
                fields = strdup((const char *) sqlite3_column_text(stmt, 1) ?: "");
        }
        (void) sqlite3_reset(stmt);
        if (e == SQLITE_ROW && (!entries || !fields))
                return -ENOMEM;
        if (store_db_errno(e) < 0)
                return store_db_errno(e);

        *ret_entries = TAKE_PTR(entries);
        *ret_fields = TAKE_PTR(fields);
        return 0;
}

int store_forget(Store *s, const Address *a) {
        Address last;
        int r;

        assert(s);
        assert(a);

        last = store_last_within(a);
        store_bind_within(s->statements[STATEMENT_FORGET_EVIDENCE], a, &last);
        r = store_run(s, STATEMENT_FORGET_EVIDENCE);
        if (r < 0)
                return r;

        store_bind_within(s->statements[STATEMENT_FORGET], a, &last);
        r = store_run(s, STATEMENT_FORGET);
        return r < 0 ? r : sqlite3_changes(s->db);
}

/* Counts */

/* Binds the last two parameters and adds. */
static int
add_count(Store *s, Statement statement, int parameter, usec_t hour, const HistoryCount *add) {
        sqlite3_stmt *stmt = s->statements[statement];

        store_bind_number(stmt, 1, hour);
        store_bind_number(stmt, parameter, add->failures);
        store_bind_number(stmt, parameter + 1, add->bans);
        return store_run(s, statement);
}

int store_count_pattern(Store *s,
                usec_t hour,
                const char *jail,
                const char *pattern,
                const HistoryCount *add) {
        assert(s);
        assert(jail);
        assert(pattern);
        assert(add);

        store_bind_text(s->statements[STATEMENT_COUNT_PATTERN], 2, jail);
        store_bind_text(s->statements[STATEMENT_COUNT_PATTERN], 3, pattern);
        return add_count(s, STATEMENT_COUNT_PATTERN, 4, hour, add);
}

/* Hashes have 64 bits, and so do SQLite's integers, with a sign. */
int store_count_user(Store *s, usec_t hour, uint64_t user, const HistoryCount *add) {
        assert(s);
        assert(add);

        (void) sqlite3_bind_int64(s->statements[STATEMENT_COUNT_USER], 2, (int64_t) user);
        return add_count(s, STATEMENT_COUNT_USER, 3, hour, add);
}

int store_count_network(Store *s, usec_t hour, const Address *net, const HistoryCount *add) {
        sqlite3_stmt *stmt;

        assert(s);
        assert(net);
        assert(add);

        stmt = s->statements[STATEMENT_COUNT_NETWORK];
        store_bind_address(stmt, 2, net);
        (void) sqlite3_bind_int(stmt, 3, net->prefixlen);
        return add_count(s, STATEMENT_COUNT_NETWORK, 4, hour, add);
}

static int trim(Store *s, Statement statement, usec_t hour, size_t keep) {
        store_bind_number(s->statements[statement], 1, hour);
        store_bind_number(s->statements[statement], 2, keep);
        return store_run(s, statement);
}

int store_trim_users(Store *s, usec_t hour, size_t keep) {
        assert(s);

        return trim(s, STATEMENT_TRIM_USERS, hour, keep);
}

int store_trim_networks(Store *s, usec_t hour, size_t keep) {
        assert(s);

        return trim(s, STATEMENT_TRIM_NETWORKS, hour, keep);
}

/* Binds what all of them are asked for. */
static sqlite3_stmt *begin_counts(Store *s, Statement statement, usec_t since, usec_t until) {
        sqlite3_stmt *stmt = s->statements[statement];

        store_bind_number(stmt, 1, since);
        store_bind_number(stmt, 2, until);
        return stmt;
}

static HistoryCount read_count(sqlite3_stmt *stmt, int column) {
        return (HistoryCount){
                .failures = (uint64_t) sqlite3_column_int64(stmt, column),
                .bans = (uint64_t) sqlite3_column_int64(stmt, column + 1),
        };
}

static int end_counts(sqlite3_stmt *stmt, int e, int r) {
        (void) sqlite3_reset(stmt);
        return r < 0 ? r : store_db_errno(e);
}

static const char *text(sqlite3_stmt *stmt, int column) {
        return (const char *) sqlite3_column_text(stmt, column) ?: "";
}

int store_foreach_time(Store *s,
                usec_t since,
                usec_t until,
                usec_t step,
                HistoryTimeHandler handler,
                void *userdata) {
        int e = SQLITE_DONE, r = 0;
        sqlite3_stmt *stmt;

        assert(s);
        assert(step > 0);
        assert(handler);

        stmt = begin_counts(s, STATEMENT_STATISTICS_TIMES, since, until);
        store_bind_number(stmt, 3, step);
        while (r >= 0 && (e = sqlite3_step(stmt)) == SQLITE_ROW)
                r = handler((usec_t) sqlite3_column_int64(stmt, 0),
                                text(stmt, 1),
                                &(const HistoryCount[]){ read_count(stmt, 2) }[0],
                                userdata);

        return end_counts(stmt, e, r);
}

int store_foreach_pattern(Store *s,
                usec_t since,
                usec_t until,
                HistoryPatternHandler handler,
                void *userdata) {
        int e = SQLITE_DONE, r = 0;
        sqlite3_stmt *stmt;

        assert(s);
        assert(handler);

        stmt = begin_counts(s, STATEMENT_STATISTICS_PATTERNS, since, until);
        while (r >= 0 && (e = sqlite3_step(stmt)) == SQLITE_ROW)
                r = handler(text(stmt, 0),
                                text(stmt, 1),
                                &(const HistoryCount[]){ read_count(stmt, 2) }[0],
                                userdata);

        return end_counts(stmt, e, r);
}

int store_foreach_user(Store *s,
                usec_t since,
                usec_t until,
                HistoryUserHandler handler,
                void *userdata) {
        int e = SQLITE_DONE, r = 0;
        sqlite3_stmt *stmt;

        assert(s);
        assert(handler);

        stmt = begin_counts(s, STATEMENT_STATISTICS_USERS, since, until);
        while (r >= 0 && (e = sqlite3_step(stmt)) == SQLITE_ROW)
                r = handler((uint64_t) sqlite3_column_int64(stmt, 0),
                                &(const HistoryCount[]){ read_count(stmt, 1) }[0],
                                userdata);

        return end_counts(stmt, e, r);
}

int store_foreach_network(Store *s,
                usec_t since,
                usec_t until,
                size_t max,
                HistoryNetworkHandler handler,
                void *userdata) {
        int e = SQLITE_DONE, r = 0;
        sqlite3_stmt *stmt;

        assert(s);
        assert(handler);

        stmt = begin_counts(s, STATEMENT_STATISTICS_NETWORKS, since, until);
        store_bind_number(stmt, 3, max);
        while (r >= 0 && (e = sqlite3_step(stmt)) == SQLITE_ROW) {
                Address net;

                if (store_read_address(stmt, 0, &net))
                        r = handler(&net,
                                        &(const HistoryCount[]){ read_count(stmt, 2) }[0],
                                        userdata);
        }

        return end_counts(stmt, e, r);
}
