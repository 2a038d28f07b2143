/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Parts of patterns
 *
 * <name> in a pattern stands for another piece of pattern: a built-in one, in upper case, or a key
 * of [define].
 */

#include <stdbool.h>
#include <stdint.h>

#include "model/ini.h"

/* Marks a host of which a name is no address, and yet the right thing in that place. */
#define PARTS_HOST_MARK "(?<addr>(?#host)"

/* Room for what is wrong with a pattern. */
#define PARTS_ERROR_SIZE 512

/* Puts all parts of a pattern in place. <CONTENT> is a part in [prefix] alone. *ret_origins has for
 * each byte of the regex, and for its end, the offset in the text that it is from; of a part, that
 * is where its name stands.
 *
 * Returns 0, and the caller frees both; -EINVAL with what is wrong as a sentence in error;
 * -ENOMEM. */
int parts_expand(const Ini *ini,
                const char *text,
                bool is_prefix,
                char **ret_regex,
                uint16_t **ret_origins,
                char error[static PARTS_ERROR_SIZE]);
