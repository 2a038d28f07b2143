/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Journal reader
 *
 * Reads the entries that some jail wants, in order, and follows the journal over rotation. It has a
 * file descriptor to wait for and is free of any event loop. It knows fields and places, and
 * nothing of jails or addresses.
 *
 * Namespaces. A host can have several journals side by side, each written by a journald of its own:
 * systemd calls them namespaces (LogNamespace=). The entries of all that are wanted are handed out
 * as one stream, the earliest first of those that are there; each tells its namespace in
 * ENTRY_NAMESPACE. A namespace that does not exist yet is picked up when it appears.
 *
 * Places. A position says of each journal how far its entries were handled. It is text for callers
 * to keep: a cursor of the default journal, and for each namespace a word "NAME/CURSOR" behind it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/entry.h"
#include "model/match.h"

typedef struct Journal Journal;

/* Opens a journal file, a directory of such, or with NULL the journal of this machine, of which
 * files that other machines have left are no part. The path is borrowed.
 *
 * Returns 0 and passes ownership; -EACCES if there is a journal that we may not read; another
 * negative errno. */
int journal_open(Journal **ret, const char *path);

/* Whether this machine's journal may be read, as far as there is one; libsystemd leaves out what
 * may not, and reports nothing. Returns 0 or -EACCES. */
int journal_check_access(void);

Journal *journal_close(Journal *j);
DEFINE_CLEANUP(Journal *, journal_close)

/* Entries that are wanted: those that fit the match, and those of root's processes with one of
 * these values of SYSLOG_IDENTIFIER=. */
typedef struct JournalWant {
        const char *name_space; /* "" for the default one */
        const Match *match;
        char *const *identifiers;
        size_t n_identifiers;
        usec_t lookback; /* so long before a position its entries matter: journal_seek() */
} JournalWant;

/* The MESSAGE_ID= of what journald says when it suppressed messages of a unit. */
#define JOURNAL_SUPPRESSED_ID "a596d6fe7bfa4994828e72309e95d61e"

/* Which entries are wanted, besides those with JOURNAL_SUPPRESSED_ID, which always are; nothing is
 * kept of what is handed over. Others may be handed out as well: this is what libsystemd can tell
 * cheaply, and whoever gets an entry has to ask match_fits(). Of a path, all wants are looked for
 * in all its entries. The place is lost: seek afterwards. Returns 0 or a negative errno. */
int journal_set_wants(Journal *j, const JournalWant *wants, size_t n_wants);

/* Where to begin. With a position, as journal_get_position() gave it, reading begins before it, and
 * journal_is_past() tells what comes again from what is new. The entries of each want come again
 * from as long before the position as it looks back, or longer, but not because another looks back
 * further: journal_comes_again_for(). Without a position (NULL), and for a namespace that it does
 * not name, reading begins as long before `since` as any want of it looks back, or with 0 at the
 * very first entry, and all are new. A position later than `since` is of a clock that was ahead.
 * Returns 0 or a negative errno; -EINVAL if this is no position.
 */
int journal_seek(Journal *j, const char *position, usec_t since);

/* journal_next() did not meet the position on the way to the end of a journal, which a clock that
 * was set back can hide. Reading goes on behind it, and entries come again that seemed to be past:
 * what was learnt from entries of this namespace has to be forgotten. */
#define JOURNAL_MISSED 2

/* Goes on to the next entry. Returns 1 and fills *ret, which is valid until the next call; 0 at the
 * end; JOURNAL_MISSED, with the namespace in *ret and nothing else; a negative errno. Sees new
 * entries at once, without waiting for journald's wake-up. */
int journal_next(Journal *j, Entry *ret);

/* Writes the cursor of an entry of this reader that had such a place and time, for
 * sd_journal_seek_cursor() and sd_journal_test_cursor(); "" if the place is none. Returns buf. */
#define JOURNAL_CURSOR_SIZE 128
const char *journal_format_cursor(const Journal *j,
                EntryPlace place,
                usec_t realtime,
                char buf[static JOURNAL_CURSOR_SIZE]);

/* Whether the entry read last lies before the position that reading began at. */
bool journal_is_past(const Journal *j);

/* Whether the entry read last, which is past, is one of those that come again for wants that look
 * back so far. What others have come again earlier is no use to them: some of theirs would be
 * missing in between. */
bool journal_comes_again_for(const Journal *j, usec_t lookback);

/* How far all was handled: everything that journal_next() has handed out. Returns 0 and an
 * allocated string, or a negative errno. */
int journal_get_position(Journal *j, char **ret);

/* Notes which entry is the last of all, wanted or not: call it at the end of the journal, where
 * everything up to there was seen. From then on it is part of the position, so that what is dropped
 * from the journal after it was seen is no gap. It takes two searches: not for every entry. Returns
 * 0 or a negative errno. */
int journal_mark_end(Journal *j);

/* True if files of the journal came or went since the end was marked: what was seen may be gone. */
bool journal_has_changed(const Journal *j);

/* True if files came or went, maybe such as nobody has read, and gaps were not looked for since. */
bool journal_may_have_gaps(const Journal *j);

/* What was dropped from a namespace ("" for the default one) before it was read. */
typedef struct JournalGap {
        const char *name_space; /* borrowed from the reader */
        usec_t from;            /* everything up to then was read */
        usec_t to;              /* the oldest entry that is left */
} JournalGap;

typedef void (*JournalGapHandler)(const JournalGap *gap, void *userdata);

/* Compares the position with the oldest entries that are left, wanted or not, and calls the handler
 * for each namespace that has a gap, which from then on counts as seen. One without an entry, or of
 * which nothing was ever read, has none. It opens all files: not for every entry. Returns 0 or a
 * negative errno. */
int journal_find_gaps(Journal *j, JournalGapHandler handler, void *userdata);

/* The time of the entry up to which a namespace was handled. Returns 0; -ENOENT if the position
 * does not name it; -EINVAL if this is no position; -ENOMEM. */
int journal_position_realtime(const char *position, const char *name_space, usec_t *ret);

/* While what is past is read of a namespace: the time, as far as it is known, of what is decided
 * first behind the position. If the clock was ahead there, that is earlier. USEC_INFINITY if
 * nothing is past. */
usec_t journal_get_earliest(const Journal *j, const char *name_space);

/* A descriptor that becomes readable when the journal has changed, or -1 if there is none: a single
 * file can only be looked at again. */
int journal_get_fd(Journal *j);

/* Has to be called when the descriptor is readable; without it a rotated journal goes unnoticed. It
 * lets go of files that were removed: what they still have is to be read first, to the end.
 * Returns 0; 1 if a journal has appeared or moved, as from memory to disk when a host boots, and
 * was opened anew; or a negative errno. */
int journal_process(Journal *j);

/* libsystemd can miss an entry that is being written at the moment it looks, and would see it only
 * with the next one. Has journal_next() look for such: call it at the end of the journal when the
 * descriptor has been readable, which it becomes when all was written. It searches all files: not
 * for every entry. Returns 0 or a negative errno. */
int journal_look_again(Journal *j);
