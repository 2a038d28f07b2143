/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What `allow =` is made of
 *
 * Addresses, prefixes, host names, and files that list them. Nothing is resolved here.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "model/allowlist.h"

/* Host names of one jail, and the size of a file. */
#define ALLOW_NAMES_MAX 256
#define ALLOW_FILE_MAX (1024 * 1024)

/* Room for what allow_add_file() says. */
#define ALLOW_ERROR_SIZE 256

/* True for what can be a host's name in the DNS. What ends in a number cannot: it would be an
 * address that was mistyped. */
bool allow_is_host_name(const char *s, size_t n);

/* Adds the word to the addresses or to the list of names, which may be NULL at first. Returns 0;
 * -EINVAL if it is neither; -E2BIG if there are too many already; -ENOMEM. */
int allow_add_word(Allowlist *addresses, char ***names, const char *word, size_t n);

/* Adds the words of a file, one on each line; "#" begins a comment. Returns 0; -EBADMSG if the file
 * cannot be read, is too large or has a line that is wrong, and error then says what as the end of
 * a sentence that begins with the path; -E2BIG; -ENOMEM. */
int allow_add_file(Allowlist *addresses,
                char ***names,
                const char *path,
                char error[static ALLOW_ERROR_SIZE]);
