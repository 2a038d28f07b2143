/* SPDX-License-Identifier: GPL-2.0-or-later */

/* How far before the position the journal is read again, on real journals (export.h). */

#include "export.h"

#include "engine/journal.h"

#define WANTS_MAX 9
#define UNITS 3
#define ENTRIES_MAX 200

typedef struct Want {
        unsigned unit;
        usec_t lookback;
        unsigned again[ENTRIES_MAX], n_again; /* what came again */
        unsigned fresh[ENTRIES_MAX], n_fresh; /* and what did not */
} Want;

/* A journal whose entries say their index, and who reads it. */
typedef struct Case {
        unsigned unit[ENTRIES_MAX];
        unsigned second[ENTRIES_MAX];
        unsigned n_entries;
        Want wants[WANTS_MAX];
        unsigned n_wants;
        bool in_order; /* the clock was never set */
} Case;

static Journal *open_journal(const char *path, const Case *c) {
        JournalWant wants[WANTS_MAX];
        const char *bad;
        Journal *j;

        for (unsigned i = 0; i < c->n_wants; i++) {
                char text[64];
                Match *m;

                (void) snprintf(text, sizeof(text), "_SYSTEMD_UNIT=%u.service", c->wants[i].unit);
                assert_int_equal(match_new(&m), 0);
                assert_int_equal(match_parse(m, text, &bad), 0);
                wants[i] = (JournalWant){
                        .name_space = "",
                        .match = m,
                        .lookback = c->wants[i].lookback,
                };
        }

        assert_int_equal(journal_open(&j, path), 0);
        assert_int_equal(journal_set_wants(j, wants, c->n_wants), 0);
        for (unsigned i = 0; i < c->n_wants; i++)
                match_free((Match *) wants[i].match);
        return j;
}

static void add_indexed(Export *x, Case *c, unsigned unit, unsigned second) {
        char fields[128];

        (void) snprintf(fields,
                        sizeof(fields),
                        "_SYSTEMD_UNIT=%u.service\nMESSAGE=%u\n",
                        unit,
                        c->n_entries);
        x->second = second - 1;
        add_entry(x, fields);
        c->unit[c->n_entries] = unit;
        c->second[c->n_entries] = second;
        c->n_entries++;
}

static unsigned index_of(const Entry *e) {
        const EntryValue *v = &e->fields[ENTRY_MESSAGE];
        char text[16] = {};

        assert_in_range(v->size, 1, sizeof(text) - 1);
        memcpy(text, v->data, v->size);
        return (unsigned) strtoul(text, NULL, 10);
}

/* Reads so many entries, and returns the index of the last one and the position. */
static unsigned read_some(Journal *j, unsigned n, char **ret) {
        unsigned last = 0;
        Entry e;

        assert_int_equal(journal_seek(j, NULL, 0), 0);
        while (n-- > 0) {
                assert_int_equal(journal_next(j, &e), 1);
                last = index_of(&e);
        }
        assert_int_equal(journal_get_position(j, ret), 0);
        return last;
}

/* Reads all from a position on, and returns how many entries were handed out. */
static unsigned read_again(Journal *j, Case *c, const char *position, usec_t since) {
        unsigned n = 0;
        Entry e;
        int r;

        for (unsigned k = 0; k < c->n_wants; k++)
                c->wants[k].n_again = c->wants[k].n_fresh = 0;

        assert_int_equal(journal_seek(j, position, since), 0);
        while ((r = journal_next(j, &e)) > 0) {
                unsigned i;

                n++;
                for (unsigned k = 0; k < c->n_wants && r == JOURNAL_MISSED; k++)
                        c->wants[k].n_again = 0;
                if (r == JOURNAL_MISSED)
                        continue;

                i = index_of(&e);
                for (unsigned k = 0; k < c->n_wants; k++) {
                        Want *w = &c->wants[k];

                        if (w->unit != c->unit[i])
                                continue;
                        if (!journal_is_past(j))
                                w->fresh[w->n_fresh++] = i;
                        else if (journal_comes_again_for(j, w->lookback))
                                w->again[w->n_again++] = i;
                }
        }
        assert_int_equal(r, 0);
        return n;
}

/* What is new comes once, and before it, without a hole, what comes again. */
static void assert_complete(const Case *c, const Want *w, unsigned position) {
        unsigned n_again = w->n_again, n_fresh = w->n_fresh;

        for (unsigned i = c->n_entries; i-- > 0;) {
                if (c->unit[i] != w->unit)
                        continue;
                if (i > position) {
                        assert_true(n_fresh > 0);
                        assert_int_equal(w->fresh[--n_fresh], i);
                } else if (n_again > 0)
                        assert_int_equal(w->again[--n_again], i);
        }
        assert_int_equal(n_again, 0);
        assert_int_equal(n_fresh, 0);
}

/* It comes again as far back as asked, and no further. */
static void assert_reaches(const Case *c, const Want *w, unsigned position) {
        unsigned n = 0;

        for (unsigned i = 0; i <= position; i++)
                n += c->unit[i] == w->unit &&
                     (c->second[i] + w->lookback / USEC_PER_SEC >= c->second[position]);

        if (c->n_wants <= 6)
                assert_int_equal(w->n_again, n);
        else
                assert_true(w->n_again >= n);
}

static void short_wants_do_not_read_what_long_ones_do(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        _cleanup_(freep) char *position = NULL;
        Export x = export_begin();
        Case c = {
                .wants = { { .unit = 0, .lookback = 10 * USEC_PER_SEC },
                                { .unit = 1, .lookback = 1000 * USEC_PER_SEC } },
                .n_wants = 2,
        };
        const char *path;

        add_indexed(&x, &c, 1, 500);
        for (unsigned i = 0; i < 100; i++)
                add_indexed(&x, &c, 0, 900 + i);
        path = export_end(&x, *state, "x.journal");
        j = open_journal(path, &c);
        assert_int_equal(read_some(j, 101, &position), 100);

        assert_int_equal(read_again(j, &c, position, 0), 1 + 11);
        assert_complete(&c, &c.wants[0], 100);
        assert_complete(&c, &c.wants[1], 100);
        assert_int_equal(c.wants[0].n_again, 11);
        assert_int_equal(c.wants[1].n_again, 1);
}

static void what_comes_too_early_is_for_the_long_want_alone(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        _cleanup_(freep) char *position = NULL;
        Export x = export_begin();
        Case c = {
                .wants = { { .lookback = 1000 * USEC_PER_SEC }, { .lookback = 10 * USEC_PER_SEC } },
                .n_wants = 2,
        };
        const char *path;

        for (unsigned i = 0; i < 100; i++)
                add_indexed(&x, &c, 0, 100 + i);
        path = export_end(&x, *state, "x.journal");
        j = open_journal(path, &c);
        (void) read_some(j, 100, &position);

        assert_int_equal(read_again(j, &c, position, 0), 100);
        assert_int_equal(c.wants[0].n_again, 100);
        assert_int_equal(c.wants[1].n_again, 11);
}

/* An entry of a clock that was ahead lies at the beginning of the short want; the search for that
 * time finds it, or goes past all that came before. */
static void clock_that_was_ahead_hides_nothing_of_the_long_want(void **state) {
        for (unsigned at = 0; at < 100; at += 7) {
                _cleanup_(journal_closep) Journal *j = NULL;
                _cleanup_(freep) char *position = NULL;
                Export x = export_begin();
                Case c = {
                        .wants = { { .unit = 0, .lookback = 10 * USEC_PER_SEC },
                                        { .unit = 1, .lookback = 1000 * USEC_PER_SEC } },
                        .n_wants = 2,
                };
                char name[32];

                for (unsigned i = 0; i < 100; i++) {
                        add_indexed(&x, &c, i % 2, 500 + i);
                        if (i == at)
                                add_indexed(&x, &c, at / 2 % 2, 9000);
                }
                (void) snprintf(name, sizeof(name), "%u.journal", at);
                j = open_journal(export_end(&x, *state, name), &c);
                /* All but the last one; at 98 the position itself is of the time ahead. */
                (void) read_some(j, 100, &position);
                (void) read_again(j, &c, position, 0);
                assert_complete(&c, &c.wants[0], 99);
                assert_complete(&c, &c.wants[1], 99);
                assert_int_equal(c.wants[1].n_again + c.wants[1].n_fresh, 50 + at / 2 % 2);
                assert_true(c.wants[0].n_again + c.wants[0].n_fresh >= 5);
        }
}

/* With nothing behind it yet, the clock tells. */
static void clock_that_was_ahead_at_the_end_is_corrected_by_now(void **state) {
        _cleanup_(journal_closep) Journal *j = NULL;
        _cleanup_(freep) char *position = NULL;
        Export x = export_begin();
        Case c = { .wants = { { .lookback = 10 * USEC_PER_SEC } }, .n_wants = 1 };
        const char *path;

        for (unsigned i = 0; i < 100; i++)
                add_indexed(&x, &c, 0, 500 + i);
        add_indexed(&x, &c, 0, 31536000);
        path = export_end(&x, *state, "x.journal");
        j = open_journal(path, &c);
        (void) read_some(j, 101, &position);

        assert_int_equal(read_again(j, &c, position, T0 + 600 * USEC_PER_SEC), 10 + 1);
        assert_complete(&c, &c.wants[0], 100);
}

/* xorshift, so that every run has the same journals. */
static unsigned pick(unsigned n) {
        static uint32_t random = 2463534242u;

        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        return random % n;
}

static void random_case(Case *c, Export *x) {
        unsigned second = 10000;

        *c = (Case){ .n_wants = 1 + pick(WANTS_MAX), .in_order = pick(2) };
        for (unsigned k = 0; k < c->n_wants; k++) {
                c->wants[k].unit = pick(UNITS);
                c->wants[k].lookback = pick(3) * pick(100) * USEC_PER_SEC;
        }

        for (unsigned n = 20 + pick(ENTRIES_MAX - 20); n > 0; n--) {
                second += pick(5);
                if (!c->in_order && pick(20) == 0)
                        second = second + pick(400) - 200;
                add_indexed(x, c, pick(UNITS), second);
        }
}

/* The entry at the position need not be wanted any more. */
static void nothing_is_left_out_or_comes_twice(void **state) {
        for (unsigned n = 0; n < 60; n++) {
                Case c, all = { .wants = { { .unit = 0 }, { .unit = 1 }, { .unit = 2 } },
                        .n_wants = UNITS };
                _cleanup_(journal_closep) Journal *j = NULL;
                _cleanup_(freep) char *cursor = NULL;
                Export x = export_begin();
                unsigned position;
                const char *path;
                char name[32];

                random_case(&c, &x);
                (void) snprintf(name, sizeof(name), "%u.journal", n);
                path = export_end(&x, *state, name);
                j = open_journal(path, &all);
                position = read_some(j, 1 + pick(c.n_entries), &cursor);
                journal_close(j);

                j = open_journal(path, &c);
                (void) read_again(j, &c, cursor, 0);
                for (unsigned k = 0; k < c.n_wants; k++) {
                        assert_complete(&c, &c.wants[k], position);
                        if (c.in_order)
                                assert_reaches(&c, &c.wants[k], position);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(short_wants_do_not_read_what_long_ones_do),
                cmocka_file_test(what_comes_too_early_is_for_the_long_want_alone),
                cmocka_file_test(clock_that_was_ahead_hides_nothing_of_the_long_want),
                cmocka_file_test(clock_that_was_ahead_at_the_end_is_corrected_by_now),
                cmocka_file_test(nothing_is_left_out_or_comes_twice),
        };

        if (access(JOURNAL_REMOTE, X_OK) < 0) {
                (void) printf("1..0 # SKIP " JOURNAL_REMOTE " is not installed\n");
                return 0;
        }

        return cmocka_run_group_tests(tests, NULL, NULL);
}
