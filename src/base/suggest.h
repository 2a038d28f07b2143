/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Suggestions for mistyped words
 */

/* The word of the NULL-terminated list that the given one was probably meant to be, or NULL if none
 * is near: what needs fewest letters inserted, dropped, replaced or swapped with their neighbour,
 * or the only one that begins like it. */
const char *suggest_word(const char *word, const char *const *words);
