/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Texts that others wrote
 *
 * Lines of a log were written by whoever attacks. No byte of theirs reaches a terminal that is not
 * printable text: others are written as \xHH, as in JSON those that are not UTF-8.
 */

#include <stddef.h>

#include "ctl/output.h"
#include "engine/matcher.h"

/* Writes the text to stdout. Returns how many columns it took. */
size_t text_print(const char *s, size_t size);

/* The same, with what the match found in the text in colours: the address red, what else was
 * captured yellow. The match may be NULL; its spans may also lie elsewhere. */
void text_print_match(const char *s, size_t size, const MatcherResult *match);

/* A new reference, or NULL without memory. */
json_t *text_to_json(const char *s, size_t size);

/* What a piece of a text is to a match. */
typedef enum TextPart {
        TEXT_PLAIN,
        TEXT_ADDRESS,
        TEXT_FIELD, /* captured */
} TextPart;

/* How many bytes at the beginning of the text, which is not empty, are alike, and what they are.
 * What is captured within the address, or around it, counts as a field. */
size_t text_next_part(const char *s, size_t size, const MatcherResult *match, TextPart *ret);
