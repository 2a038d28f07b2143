/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/table.h"

#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static_assert(TABLE_SECRET_SIZE >= XXH3_SECRET_SIZE_MIN, "XXH3 wants a longer secret");

unsigned table_hash(const void *key, size_t size) {
        static uint8_t secret[TABLE_SECRET_SIZE];
        static bool have_secret = false;

        if (!have_secret) {
                /* getrandom() of up to 256 bytes cannot be cut short once the pool is ready. */
                if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
                        abort();
                have_secret = true;
        }

        return (unsigned) XXH3_64bits_withSecret(key, size, secret, sizeof(secret));
}

uint64_t
table_secret_digest(const uint8_t secret[static TABLE_SECRET_SIZE], const void *data, size_t size) {
        return XXH3_64bits_withSecret(data, size, secret, TABLE_SECRET_SIZE);
}

uint64_t table_digest(const void *data, size_t size) {
        return XXH3_64bits(data, size);
}
