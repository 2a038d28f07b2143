/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Included first by every component test: cmocka with the headers it wants, and our return
 * convention. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_ok(expr) assert_true((expr) >= 0)
#define assert_fails(expr, error) assert_int_equal((expr), -(error))
