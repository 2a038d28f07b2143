/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Pseudonyms
 *
 * People type passwords where a user name is asked for, so names that were tried are kept as keyed
 * hashes. The key lies beside the database in a file that only the daemon and root may read.
 * Whoever has both can find out whether a name that he guesses was tried; whoever has the database
 * alone cannot.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/table.h"

#define PSEUDONYM_FILE "user-names.key"
#define PSEUDONYM_KEY_SIZE TABLE_SECRET_SIZE

typedef struct PseudonymKey {
        uint8_t bytes[PSEUDONYM_KEY_SIZE];
} PseudonymKey;

/* Reads the key from the directory, or makes one there if there is none or it is no key: what was
 * kept before has no names then. Returns 0 or a negative errno; the key is good for this process
 * even then. */
int pseudonym_load(PseudonymKey *ret, const char *directory);

/* Always the same for the same key and name; never 0. */
uint64_t pseudonym_of(const PseudonymKey *key, const void *name, size_t size);
