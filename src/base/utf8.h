/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * UTF-8
 *
 * D-Bus and JSON take nothing else, and refuse a whole message for one wrong byte. Configuration
 * files and databases may hold anything.
 */

#include <stdbool.h>
#include <stddef.h>

/* True if the text is UTF-8 as RFC 3629 has it: no surrogates, nothing overlong, nothing above
 * U+10FFFF. */
bool utf8_is_valid(const char *s);

/* The bytes of the character that begins here, 1 to 4; 0 if it is none. Needs a NUL behind the
 * text, which counts as a character of one byte. */
size_t utf8_character_size(const char *s);
