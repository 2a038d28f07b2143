/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A bare loop of libnftnl
 *
 * Puts the addresses of bench.h into a set with the flags of banjo's, and knows nothing of bans:
 * what it takes is the kernel's share.
 */

#include <stdbool.h>

typedef struct Bare Bare;

/* Makes its table, `inet bare` with the set `s`, or deletes it. */
void bare_make_table(bool exists);

/* The table, and a socket; and the end of both. */
Bare *bare_begin(void);
void bare_end(Bare *b);

/* Puts the addresses from i to i + n into the set, in one transaction. The last is a Bare. */
void bare_batch(unsigned i, unsigned n, void *userdata);
