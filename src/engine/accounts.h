/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Accounts
 *
 * The names of this host's own users, those of /etc/passwd: the only ones that are shown of what
 * was tried. A directory service is not asked, which could take any time.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct Accounts Accounts;

/* More are not looked at. */
#define ACCOUNTS_MAX 100000

/* Nothing is read yet. The path is borrowed; ACCOUNTS_FILE but for tests. Returns 0 and passes
 * ownership, or -ENOMEM. */
#define ACCOUNTS_FILE "/etc/passwd"
int accounts_new(Accounts **ret, const char *path);

Accounts *accounts_free(Accounts *a);
DEFINE_CLEANUP(Accounts *, accounts_free)

/* Reads the file if it is another one than before. Returns 0, or a negative errno with the names as
 * they were. */
int accounts_refresh(Accounts *a);

/* Whether there is a user of this name. */
bool accounts_has(const Accounts *a, const char *name, size_t size);

/* All of them, in no order. */
size_t accounts_size(const Accounts *a);
const char *accounts_get(const Accounts *a, size_t i);
