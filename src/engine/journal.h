/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Journal reader
 *
 * Reads the entries that some jail wants, in order, and follows the journal over rotation. It has a
 * file descriptor to wait for and is free of any event loop. It knows fields and cursors, and
 * nothing of jails or addresses.
 *
 * Which entries arrive is decided by matches, evaluated inside libsystemd before we see anything.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/entry.h"
#include "model/match.h"

typedef struct Journal Journal;

/* Opens a journal file, a directory of such, or with NULL the journal of this machine, of which
 * files that other machines have left are no part.
 *
 * Returns 0 and passes ownership; -EACCES if there is a journal that we may not read; another
 * negative errno. */
int journal_open(Journal **ret, const char *path);

Journal *journal_close(Journal *j);
DEFINE_CLEANUP(Journal *, journal_close)

/* Which entries are wanted: those that fit one of the matches, and those of root's processes with
 * one of these values of SYSLOG_IDENTIFIER=. Others may be handed out as well: this is what
 * libsystemd can tell cheaply, and whoever gets an entry has to ask match_fits(). The place in the
 * journal is lost: seek afterwards. Returns 0 or a negative errno. */
int journal_set_matches(Journal *j,
                const Match *const *matches,
                size_t n_matches,
                const char *const *identifiers,
                size_t n_identifiers);

/* Where to begin: before the first entry, or before the first one at or after a time. Return 0 or a
 * negative errno. */
int journal_seek_head(Journal *j);
int journal_seek_realtime(Journal *j, usec_t when);

/* Begins behind the entry of a cursor. Returns 0; 1 if that entry is gone, or is none that is
 * wanted now, and reading begins behind where it was; or a negative errno. */
int journal_seek_behind(Journal *j, const char *cursor);

/* Goes on to the next entry. Returns 1 and fills *ret, which is valid until the next call; 0 at the
 * end; a negative errno. Sees new entries at once, without waiting for journald's wake-up. */
int journal_next(Journal *j, Entry *ret);

/* The place of the entry read last. Returns 0 and an allocated string, or a negative errno. */
int journal_get_cursor(Journal *j, char **ret);

/* True if the entry read last is the one of this cursor. */
bool journal_is_at(Journal *j, const char *cursor);

/* A descriptor that becomes readable when the journal has changed, or -1 if there is none: a single
 * file can only be looked at again. It stays the same over journal_reopen(). */
int journal_get_fd(Journal *j);

/* Has to be called when the descriptor is readable; without it a rotated journal goes unnoticed.
 * Returns 0; 1 if the journal has moved, as from memory to disk when a host boots, and has to be
 * reopened; or a negative errno. */
int journal_process(Journal *j);

/* Opens the journal anew. Matches and place are lost: set them again. Returns 0 or a negative
 * errno, with everything as it was. */
int journal_reopen(Journal *j);
