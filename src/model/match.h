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
        bool glob;   /* the value is a pattern as of fnmatch(3): * ? [...] */
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

/* Adds what `units = ` in a jail means: one group for each unit, together with the terms of
 * `require`, which may be NULL. All instances of a template ("ssh@.service", "ssh@*.service") are
 * told by the slice that systemd gives them; templates whose instances have a slice of their own
 * need another glob ("a@?*.service"). Other globs ("php*-fpm.service") are compared with the unit
 * of each entry. Returns 0; -EINVAL if this is no unit's name, with *ret_bad as above; -ENOMEM. */
int match_add_units(Match *m, const char *units, const Match *require, const char **ret_bad);

/* True if some group holds for the entry. */
bool match_fits(const Match *m, const Entry *e);

/* True if some group speaks of this unit: in so many words, by a glob, or as an instance of a
 * template. What else the group asks of an entry is left aside. */
bool match_names_unit(const Match *m, const char *unit);

/* True if every group has a term with a field that journald writes, so that a local user cannot
 * make entries that fit. A glob that takes in users' own processes ("*.service") is no such term.
 */
bool match_is_trusted(const Match *m);

/* True if every entry fits, since some group has no terms. */
bool match_fits_all(const Match *m);

/* True if some unit is a glob, which only a comparison with each entry can tell. */
bool match_has_glob(const Match *m);

/* Writes the match as match_parse() and journalctl(1) read it; a glob stands there as it is, which
 * both take for a plain value. Returns an allocated string, which the caller frees, or NULL without
 * memory. */
char *match_to_string(const Match *m);

/* Writes what journalctl(1) has to be told to show the entries that fit, in words for a shell,
 * quoted where need be. Returns an allocated string, or NULL without memory.
 *
 * Without globs these are terms and "+", exactly, and more groups may be added behind a "+". With
 * globs, which journalctl only takes as -u, it is "-u UNIT" for each group and the other terms
 * once: this shows also what systemd itself says of the units, no "+" can follow, and of globs only
 * units that have logged already are found. Where globs are mixed with groups that have other terms
 * besides their unit, no command line says it, and the string is empty: the whole journal.
 * *ret_exact is whether just what fits is shown. */
char *match_to_journalctl(const Match *m, bool *ret_exact);
