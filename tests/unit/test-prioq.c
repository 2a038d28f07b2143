/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "base/prioq.h"

static void earliest_comes_first(void **state) {
        _cleanup_(prioq_done) Prioq q = {};
        PrioqNode a = { .index = PRIOQ_NOWHERE }, b = a, c = a;

        assert_null(prioq_peek(&q));
        assert_ok(prioq_put(&q, &a, 3));
        assert_ok(prioq_put(&q, &b, 1));
        assert_ok(prioq_put(&q, &c, 2));

        assert_ptr_equal(prioq_peek(&q), &b);
        prioq_remove(&q, &b);
        assert_ptr_equal(prioq_peek(&q), &c);
        prioq_remove(&q, &c);
        assert_ptr_equal(prioq_peek(&q), &a);
        prioq_remove(&q, &a);
        assert_null(prioq_peek(&q));
}

static void moving_a_node_changes_its_turn(void **state) {
        _cleanup_(prioq_done) Prioq q = {};
        PrioqNode a = { .index = PRIOQ_NOWHERE }, b = a;

        assert_ok(prioq_put(&q, &a, 1));
        assert_ok(prioq_put(&q, &b, 2));
        prioq_move(&q, &a, 3);
        assert_ptr_equal(prioq_peek(&q), &b);
        prioq_move(&q, &a, 1);
        assert_ptr_equal(prioq_peek(&q), &a);
        assert_int_equal(a.when, 1);
}

static void removing_what_is_nowhere_is_fine(void **state) {
        _cleanup_(prioq_done) Prioq q = {};
        PrioqNode a = { .index = PRIOQ_NOWHERE };

        prioq_remove(&q, &a);
        assert_ok(prioq_put(&q, &a, 1));
        prioq_remove(&q, &a);
        prioq_remove(&q, &a);
        assert_int_equal(a.index, PRIOQ_NOWHERE);
}

/* Against a model that searches: thousands of random puts, moves and removals. */
static void agrees_with_a_search_through_all(void **state) {
        enum {
                N = 300,
                STEPS = 20000,
        };
        _cleanup_(prioq_done) Prioq q = {};
        PrioqNode nodes[N];
        Random random = { 2 };

        for (size_t i = 0; i < N; i++)
                nodes[i].index = PRIOQ_NOWHERE;

        for (unsigned step = 0; step < STEPS; step++) {
                PrioqNode *node = &nodes[random_below(&random, N)], *first;
                usec_t when = random_below(&random, 1000), earliest = USEC_INFINITY;
                size_t n = 0;

                if (node->index == PRIOQ_NOWHERE)
                        assert_ok(prioq_put(&q, node, when));
                else if (random_below(&random, 2))
                        prioq_move(&q, node, when);
                else
                        prioq_remove(&q, node);

                for (size_t i = 0; i < N; i++)
                        if (nodes[i].index != PRIOQ_NOWHERE) {
                                earliest = MIN(earliest, nodes[i].when);
                                assert_ptr_equal(q.nodes[nodes[i].index], &nodes[i]);
                                n++;
                        }

                first = prioq_peek(&q);
                assert_int_equal(q.n_nodes, n);
                assert_int_equal(first ? first->when : USEC_INFINITY, earliest);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(earliest_comes_first),
                cmocka_unit_test(moving_a_node_changes_its_turn),
                cmocka_unit_test(removing_what_is_nowhere_is_fine),
                cmocka_unit_test(agrees_with_a_search_through_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
