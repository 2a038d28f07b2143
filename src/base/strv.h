/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Lists of strings
 *
 * Allocated arrays of allocated strings that end in NULL. NULL is the empty list.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

/* Accepts NULL. Always returns NULL. */
char **strv_free(char **list);
DEFINE_CLEANUP(char **, strv_free)

size_t strv_length(char *const *list);

bool strv_contains(char *const *list, const char *s);

/* Appends a copy of the n bytes at s. Returns 0; -E2BIG if the list has max strings already;
 * -ENOMEM. */
int strv_append(char ***list, size_t max, const char *s, size_t n);
