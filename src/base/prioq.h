/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Priority queue
 *
 * A binary heap of pointers ordered by a time. Elements remember their place in it, so that one in
 * the middle can be moved or taken out.
 */

#include <stddef.h>

#include "base/macro.h"
#include "base/usec.h"

/* Embedded in an element, which belongs to one queue at most. */
typedef struct PrioqNode {
        usec_t when;
        size_t index; /* PRIOQ_NOWHERE when not in a queue */
} PrioqNode;

#define PRIOQ_NOWHERE SIZE_MAX

typedef struct Prioq {
        PrioqNode **nodes;
        size_t n_nodes;
        size_t n_allocated;
} Prioq;

/* Frees the queue's own memory; elements are the caller's. */
void prioq_done(Prioq *q);

/* Puts a node in at the given time. Returns 0 or -ENOMEM. */
int prioq_put(Prioq *q, PrioqNode *node, usec_t when);

/* Gives a node that is in the queue another time. */
void prioq_move(Prioq *q, PrioqNode *node, usec_t when);

/* Takes a node out; one that is in no queue is fine. */
void prioq_remove(Prioq *q, PrioqNode *node);

/* The node with the earliest time, or NULL. */
PrioqNode *prioq_peek(const Prioq *q);
