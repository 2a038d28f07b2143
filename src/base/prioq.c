/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/prioq.h"

static void set_node(Prioq *q, size_t i, PrioqNode *node) {
        q->nodes[i] = node;
        node->index = i;
}

static void sift_up(Prioq *q, size_t i) {
        PrioqNode *node = q->nodes[i];

        for (; i > 0 && node->when < q->nodes[(i - 1) / 2]->when; i = (i - 1) / 2)
                set_node(q, i, q->nodes[(i - 1) / 2]);

        set_node(q, i, node);
}

static void sift_down(Prioq *q, size_t i) {
        PrioqNode *node = q->nodes[i];

        for (;;) {
                size_t child = 2 * i + 1;

                if (child + 1 < q->n_nodes && q->nodes[child + 1]->when < q->nodes[child]->when)
                        child++;
                if (child >= q->n_nodes || q->nodes[child]->when >= node->when)
                        break;
                set_node(q, i, q->nodes[child]);
                i = child;
        }

        set_node(q, i, node);
}

void prioq_done(Prioq *q) {
        assert(q);

        free(q->nodes);
        *q = (Prioq){};
}

int prioq_put(Prioq *q, PrioqNode *node, usec_t when) {
        assert(q);
        assert(node);

        if (q->n_nodes == q->n_allocated) {
                size_t n = MAX(q->n_allocated * 2, (size_t) 64);
                PrioqNode **nodes;

                nodes = reallocarray(q->nodes, n, sizeof(*nodes));
                if (!nodes)
                        return -ENOMEM;
                q->nodes = nodes;
                q->n_allocated = n;
        }

        node->when = when;
        set_node(q, q->n_nodes++, node);
        sift_up(q, node->index);
        return 0;
}

void prioq_move(Prioq *q, PrioqNode *node, usec_t when) {
        assert(q);
        assert(node->index < q->n_nodes && q->nodes[node->index] == node);

        node->when = when;
        sift_up(q, node->index);
        sift_down(q, node->index);
}

void prioq_remove(Prioq *q, PrioqNode *node) {
        size_t i = node->index;

        if (i == PRIOQ_NOWHERE)
                return;

        assert(i < q->n_nodes && q->nodes[i] == node);

        node->index = PRIOQ_NOWHERE;
        if (i == --q->n_nodes)
                return;

        set_node(q, i, q->nodes[q->n_nodes]);
        sift_up(q, i);
        sift_down(q, i);
}

PrioqNode *prioq_peek(const Prioq *q) {
        return q->n_nodes > 0 ? q->nodes[0] : NULL;
}
