/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Hash tables
 *
 * uthash with a keyed hash. Remote peers choose many of the keys, addresses above all; with a hash
 * they can compute they could choose colliding ones. The secret is random and private to the
 * process. Include this, never <uthash.h>.
 *
 * An element that found no memory is not in the table, and TABLE_ADD() says so.
 */

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/* XXH3 with a random secret of its full length; a mere seed would not make it a keyed hash. */
unsigned table_hash(const void *key, size_t size);

/* XXH3 with a secret that the caller keeps, of TABLE_SECRET_SIZE random bytes. */
#define TABLE_SECRET_SIZE 192
uint64_t
table_secret_digest(const uint8_t secret[static TABLE_SECRET_SIZE], const void *data, size_t size);

/* XXH3 without a secret: the same in every process and on every machine. Not for tables. */
uint64_t table_digest(const void *data, size_t size);

#define HASH_FUNCTION(key, size, ret_hash) ((ret_hash) = table_hash(key, size))
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->in_table = false)

#include <uthash.h>

/* Adds an element whose handle is named `hh` and which has a member `bool in_table`. The key lies
 * in the element and must not change while it is there. False if there was no memory. */
#define TABLE_ADD(head, key_field, element)                                                        \
        ({                                                                                         \
                (element)->in_table = true;                                                        \
                HASH_ADD(hh, head, key_field, sizeof((element)->key_field), element);              \
                (element)->in_table;                                                               \
        })

/* The element with this key, or NULL. */
#define TABLE_FIND(head, key, ret) HASH_FIND(hh, head, key, sizeof(*(key)), ret)

/* Has a table that is not empty grow now for n elements, and not while they are added, when it
 * takes longer the more there are. What there is no memory for grows later. */
#define TABLE_RESERVE(head, n)                                                                     \
        do {                                                                                       \
                UT_hash_table *_table = (head)->hh.tbl;                                            \
                bool _oomed = false;                                                               \
                                                                                                   \
                while (_table->num_buckets < (n) / 2 && _table->num_buckets < UINT_MAX / 4 &&      \
                                !_oomed)                                                           \
                        HASH_EXPAND_BUCKETS(hh, _table, _oomed);                                   \
        } while (0)

/* Has the processor fetch the place where an element with this key is to be added soon, and does
 * not wait for it: in a large table nothing of it is in a cache. */
#define TABLE_PREFETCH(head, key)                                                                  \
        do {                                                                                       \
                unsigned _hash, _bucket;                                                           \
                                                                                                   \
                if (!(head))                                                                       \
                        break;                                                                     \
                HASH_FUNCTION(key, sizeof(*(key)), _hash);                                         \
                HASH_TO_BKT(_hash, (head)->hh.tbl->num_buckets, _bucket);                          \
                __builtin_prefetch(&(head)->hh.tbl->buckets[_bucket], 1);                          \
        } while (0)

#define TABLE_DEL(head, element) HASH_DELETE(hh, head, element)
