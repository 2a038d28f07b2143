/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Included first by every unit test: cmocka with the headers it wants, our return convention, and
 * what nearly every test needs. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"

#define assert_ok(expr) assert_true((expr) >= 0)
#define assert_fails(expr, error) assert_int_equal((expr), -(error))

/* A moment to begin with; nothing about it matters. */
#define T0 (UINT64_C(1700000000) * USEC_PER_SEC)

static inline _unused_ Address addr(const char *s) {
        Address a;

        assert_ok(address_parse(s, strlen(s), &a));
        return a;
}

/* Numbers that look random and are the same in each run, so that what fails once fails again. */
typedef struct Random {
        uint64_t state;
} Random;

static inline _unused_ uint64_t random_next(Random *r) {
        uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

static inline _unused_ uint64_t random_below(Random *r, uint64_t n) {
        return random_next(r) % n;
}
