/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Entries of the journal by their cursors
 *
 * For looking at single entries again, of whatever namespace.
 */

#include "base/macro.h"
#include "model/entry.h"

typedef struct JournalLookup JournalLookup;

/* Opens a journal file, a directory of such, or with NULL all namespaces of this machine's journal.
 * Returns 0 and passes ownership; -EACCES if there is a journal that we may not read; another
 * negative errno. */
int journal_lookup_open(JournalLookup **ret, const char *path);

JournalLookup *journal_lookup_close(JournalLookup *l);
DEFINE_CLEANUP(JournalLookup *, journal_lookup_close)

/* Returns 1 and fills *ret, which is valid until the next call; 0 if the journal has no entry of
 * this cursor, or has it no more; a negative errno; -EINVAL if this is no cursor. */
int journal_lookup(JournalLookup *l, const char *cursor, Entry *ret);
