/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Forgotten
 *
 * Addresses and prefixes of which everything counts nowhere up to some moment: a ban ended then, or
 * somebody lifted one. What failed before may be told later, out of order or because the journal is
 * read again.
 *
 * Bounded in number; the one whose moment is the longest ago goes first.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"

typedef struct Forgotten Forgotten;

/* Returns 0 and passes ownership, or -ENOMEM. n_max is at least 1. */
int forgotten_new(Forgotten **ret, size_t n_max);

/* Accepts NULL. Always returns NULL. */
Forgotten *forgotten_free(Forgotten *f);
DEFINE_CLEANUP(Forgotten *, forgotten_free)

/* From now on what happened within the address or prefix until then, that moment included, is
 * forgotten. An earlier moment than is known of it changes nothing. Returns 0 or -ENOMEM. */
int forgotten_add(Forgotten *f, const Address *a, usec_t until);

/* The latest of those moments for an address or prefix: its own, or that of a prefix around it; 0
 * if there is none. */
usec_t forgotten_find(const Forgotten *f, const Address *a);

/* Drops what was forgotten until before a moment. */
void forgotten_expire(Forgotten *f, usec_t before);

size_t forgotten_size(const Forgotten *f);

/* How many were dropped early because there were too many. */
uint64_t forgotten_get_n_dropped(const Forgotten *f);
