/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/table.h"

#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define TABLE_SECRET_SIZE 192

unsigned table_hash(const void *key, size_t size) {
        static uint8_t secret[TABLE_SECRET_SIZE];
        static bool have_secret = false;

        static_assert(TABLE_SECRET_SIZE >= XXH3_SECRET_SIZE_MIN, "XXH3 wants a longer secret");

        if (!have_secret) {
                /* getrandom() of up to 256 bytes cannot be cut short once the pool is ready. */
                if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
                        abort();
                have_secret = true;
        }

        return (unsigned) XXH3_64bits_withSecret(key, size, secret, sizeof(secret));
}

uint64_t table_digest(const void *data, size_t size) {
        return XXH3_64bits(data, size);
}
