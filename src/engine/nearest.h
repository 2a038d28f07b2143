/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How far the nearest pattern came
 *
 * For a text that no pattern matches: which of them goes along with it for longest, and up to
 * where. For people who write patterns; slower than the matcher by far.
 */

#include <stddef.h>

#include "base/macro.h"
#include "model/filter.h"

typedef struct Nearest Nearest;

/* Compiles the filter's prefixes and those of its patterns that belong to no group or one of
 * `groups`, as matcher_new() does. The filter is borrowed and must outlive it. Returns 0 and passes
 * ownership, or -ENOMEM; patterns that do not compile are left out. */
int nearest_new(Nearest **ret, const Filter *filter, char *const *groups);
Nearest *nearest_free(Nearest *n);
DEFINE_CLEANUP(Nearest *, nearest_free)

/* Finds the pattern that goes along for longest, the first of several. Free text in a pattern
 * (".*") counts as one word here: otherwise it would go along with everything. Returns 1, the
 * pattern and the offset of the first byte that did not fit, which is `size` if the text ends too
 * early; 0 if no pattern goes along with a single byte. */
int nearest_find(Nearest *n,
                const char *text,
                size_t size,
                const Pattern **ret,
                size_t *ret_offset);
