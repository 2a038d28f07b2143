/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The oldest rows are found by the indexes of their times, so that a step costs what it removes.
 *
 * A database does not get smaller by that: pages that are free are used again. What counts for the
 * limit are those in use.
 */

#include "engine/store-prune.h"

#include "engine/store-db.h"
#include "engine/store-private.h"

/* The first column of a statement that is bound, if it has a row. */
static int get_number(Store *s, Statement statement, uint64_t *ret) {
        sqlite3_stmt *stmt = s->statements[statement];
        int e;

        e = sqlite3_step(stmt);
        if (e == SQLITE_ROW)
                *ret = (uint64_t) sqlite3_column_int64(stmt, 0);
        (void) sqlite3_reset(stmt);
        return store_db_errno(e);
}

/* What was over before may go by its age. */
static usec_t get_age_limit(const PruneLimits *l) {
        return MIN(l->since, l->needed);
}

static int is_old(Store *s, const PruneLimits *l) {
        sqlite3_stmt *stmt = s->statements[STATEMENT_PRUNE_DUE];
        uint64_t due = 0;
        int r;

        store_bind_number(stmt, 1, get_age_limit(l));
        store_bind_number(stmt, 2, usec_sub(get_age_limit(l), USEC_PER_HOUR));
        store_bind_number(stmt, 3, l->needed);
        r = get_number(s, STATEMENT_PRUNE_DUE, &due);
        return r < 0 ? r : due > 0;
}

static int is_large(Store *s, const PruneLimits *l) {
        uint64_t used = 0;
        int r;

        if (l->size == UINT64_MAX)
                return 0;

        r = get_number(s, STATEMENT_USED, &used);
        return r < 0 ? r : used > l->size;
}

/* Of the oldest bans, when the last one of a step ended; or `before`, if there is none. */
static int get_last_end(Store *s, usec_t before, usec_t *ret) {
        sqlite3_stmt *stmt = s->statements[STATEMENT_PRUNE_LAST];
        uint64_t end = 0;
        int r;

        store_bind_number(stmt, 1, before);
        (void) sqlite3_bind_int(stmt, 2, STORE_PRUNE_ROWS);
        r = get_number(s, STATEMENT_PRUNE_LAST, &end);
        if (r >= 0)
                *ret = end > 0 ? end : before;
        return r;
}

/* Whether something of what the size limit would take is left. */
static int has_more(Store *s, const PruneLimits *l) {
        const PruneLimits all = { .since = l->needed, .needed = l->needed };

        return is_old(s, &all);
}

int store_prune_due(Store *s, const PruneLimits *l) {
        int r;

        assert(s);
        assert(l);

        r = is_old(s, l);
        if (r != 0)
                return r;

        r = is_large(s, l);
        return r <= 0 ? r : has_more(s, l);
}

/* Removes rows of before a time; returns how many. */
static int remove_rows(Store *s, Statement statement, usec_t before) {
        int r;

        store_bind_number(s->statements[statement], 1, before);
        (void) sqlite3_bind_int(s->statements[statement], 2, STORE_PRUNE_ROWS);
        r = store_run(s, statement);
        return r < 0 ? r : sqlite3_changes(s->db);
}

/* Returns how many rows went, and how many bans they were. */
static int remove_before(Store *s, usec_t ends, usec_t hours, usec_t unbans, unsigned *ret_bans) {
        const struct {
                Statement statement;
                usec_t before;
        } steps[] = {
                { STATEMENT_PRUNE_EVIDENCE, ends }, /* goes by the bans, so it has to be first */
                { STATEMENT_PRUNE_ENDED, ends },
                { STATEMENT_PRUNE_HOURS, hours },
                { STATEMENT_PRUNE_USERS, hours },
                { STATEMENT_PRUNE_NETWORKS, hours },
                { STATEMENT_PRUNE_UNBANS, unbans },
        };
        int n = 0;

        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                int r = remove_rows(s, steps[i].statement, steps[i].before);

                if (r < 0)
                        return r;
                if (steps[i].statement == STATEMENT_PRUNE_ENDED)
                        *ret_bans = (unsigned) r;
                n += r;
        }

        return n;
}

int store_prune(Store *s, const PruneLimits *l, PruneCount *count) {
        usec_t ends = 0, hours;
        unsigned n_bans = 0;
        bool by_age;
        int r, n;

        assert(s);
        assert(l);
        assert(count);

        r = is_old(s, l);
        if (r < 0)
                return r;
        by_age = r > 0;

        if (by_age)
                ends = hours = get_age_limit(l);
        else {
                r = is_large(s, l);
                if (r <= 0)
                        return r;
                r = get_last_end(s, l->needed, &hours);
                if (r < 0)
                        return r;
                ends = l->needed;
        }

        r = store_begin(s, false);
        if (r < 0)
                return r;
        n = remove_before(s, ends, usec_sub(hours, USEC_PER_HOUR), l->needed, &n_bans);
        if (n > 0)
                r = store_commit(s);
        else
                store_rollback(s);
        if (n < 0 || r < 0)
                return n < 0 ? n : r;

        *(by_age ? &count->by_age : &count->by_size) += n_bans;
        return n > 0;
}
