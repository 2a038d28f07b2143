/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reading small values from text
 *
 * Every function returns 0 and fills *ret, or a negative errno with *ret untouched: -EINVAL if the
 * text is no such value, -ERANGE if the value is outside the range.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* yes, no, true, false, on, off, 1, 0; in any case. */
int parse_bool(const char *s, bool *ret);

/* A decimal number between min and max, ends included, with nothing around it. */
int parse_uint64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

/* Bytes: a number, and with K, M, G or T so many times 1024, 1024 squared and so on; or "infinity",
 * which is UINT64_MAX. */
int parse_size(const char *s, uint64_t *ret);

/* Takes the next word off *s. Words are separated by spaces, tabs and the characters in separators.
 * The word lies within the text and is not terminated. Returns its length, and 0 at the end. */
size_t parse_word(const char **s, const char *separators, const char **ret);
