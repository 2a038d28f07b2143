/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Journal matches
 *
 * Which entries a jail reads, in the words of journalctl(1): "FIELD=value" terms. Terms of one
 * field are alternatives, terms of different fields must all hold, and "+" separates alternatives
 * of such groups.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "model/entry.h"

typedef struct MatchTerm {
        EntryField field;
        char *value; /* without the field's name */
} MatchTerm;

typedef struct MatchGroup {
        MatchTerm *terms;
        size_t n_terms;
} MatchGroup;

typedef struct Match {
        MatchGroup *groups;
        size_t n_groups;
} Match;

/* Returns 0 and passes ownership; -ENOMEM. A new match has no group and fits no entry. */
int match_new(Match **ret);
Match *match_free(Match *m);
DEFINE_CLEANUP(Match *, match_free)

/* Reads terms and "+", separated by spaces, and adds them to the match, beginning a group. A value
 * with spaces stands in single or double quotes. Returns 0; -EINVAL if a word is no term; -ENOENT
 * if a field is none that banjo reads (entry.h lists them); with *ret_bad pointing to the word
 * within s in both cases; -ENOMEM. After an error the match may hold part of the text. */
int match_parse(Match *m, const char *s, const char **ret_bad);

/* Adds what `units = ` in a jail means: one group for each unit, or for template instances
 * ("ssh@.service") for their slice, together with the terms of `require`, which may be NULL.
 * Returns 0; -EINVAL if this is no unit's name, with *ret_bad as above; -ENOMEM. */
int match_add_units(Match *m, const char *units, const Match *require, const char **ret_bad);

/* True if some group holds for the entry. */
bool match_fits(const Match *m, const Entry *e);

/* True if every group has a term with a field that journald writes, so that a local user cannot
 * make entries that fit. */
bool match_is_trusted(const Match *m);

/* Writes the match as match_parse() and journalctl(1) read it. Returns an allocated string, which
 * the caller frees, or NULL without memory. */
char *match_to_string(const Match *m);
