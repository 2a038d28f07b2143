/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Lines that speak of failure and match nothing
 *
 * Lines of the same shape are counted together: numbers, addresses, what is quoted and names are
 * folded into "#". banctl(1) lists the words that make a line suspicious.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/* Bytes of a shape that count, with the NUL. */
#define SHAPE_SIZE 160

/* More shapes than this are not told apart. */
#define SHAPES_MAX 1000

typedef struct Shapes Shapes;

/* Returns 0 and passes ownership, or -ENOMEM. */
int shapes_new(Shapes **ret);
Shapes *shapes_free(Shapes *s);
DEFINE_CLEANUP(Shapes *, shapes_free)

/* True if one of the words is in the text, in any case. */
bool shapes_is_suspicious(const char *text, size_t size);

/* Writes what is left of a text when all is folded that differs from line to line; bytes that are
 * not printable ASCII become "?". Returns buf. */
const char *shapes_fold(const char *text, size_t size, char buf[static SHAPE_SIZE]);

/* Counts a suspicious text; others are passed over. */
void shapes_add(Shapes *s, const char *text, size_t size);

/* The most frequent shapes, at most max of them; borrowed. Returns how many, and how many texts
 * there were in all and how many of them are in no shape, because there were too many. */
typedef struct Shape Shape;
size_t shapes_top(Shapes *s, const Shape **ret, size_t max, uint64_t *ret_all, uint64_t *ret_rest);
const char *shape_text(const Shape *shape);
uint64_t shape_count(const Shape *shape);
