/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What `banctl test` reads: log files, what journalctl(1) writes, and the journal itself
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"
#include "engine/journal.h"
#include "model/entry.h"

typedef enum InputFormat {
        INPUT_AUTO,    /* what it looks like */
        INPUT_JSON,    /* journalctl -o json */
        INPUT_EXPORT,  /* journalctl -o export */
        INPUT_SHORT,   /* journalctl -o short and its kin, and what syslog daemons write */
        INPUT_CAT,     /* journalctl -o cat: lines are messages as a whole */
        INPUT_JOURNAL, /* the journal itself */
        _INPUT_FORMAT_MAX,
} InputFormat;

const char *input_format_to_string(InputFormat format);

/* By journalctl's name; the kin of "short" are "short". Returns the format or -EINVAL. */
int input_format_from_string(const char *s);

/* What is worth saying about the whole. */
typedef struct InputStats {
        uint64_t n_entries;  /* that were handed out */
        uint64_t n_plain;    /* of these, lines without a time and a sender in front */
        uint64_t n_cut;      /* messages longer than ENTRY_MESSAGE_MAX */
        uint64_t n_empty;    /* entries without a message */
        uint64_t n_broken;   /* lines and entries that are not what the format says */
        uint64_t n_left_out; /* journalctl wrote "[42B blob data]" instead of the message */
} InputStats;

typedef struct Input Input;

/* Takes the descriptor over, also when it fails. `now` is the clock's time, which lines without a
 * year need. Returns 0 and passes ownership, or a negative errno. */
int input_new(Input **ret, int fd, InputFormat format, usec_t now);

/* The journal of this machine, or the one at a path, from the entries of `since` to those of
 * `until`. Only what fits the match is handed out, of root's senders with one of the identifiers
 * also what has no unit. All is borrowed and must outlive the input. The same returns; -EACCES if
 * we may not read it. */
int input_new_journal(Input **ret,
                const char *path,
                const JournalWant *want,
                usec_t since,
                usec_t until);

Input *input_free(Input *i);
DEFINE_CLEANUP(Input *, input_free)

/* The next entry, with a message; valid until the next call. `line` is what stands there as a whole
 * if the message is part of a line, and else the message. Returns 1; 0 at the end; a negative
 * errno. */
int input_next(Input *i, Entry *ret, EntryValue *ret_line);

/* What it is read as; INPUT_AUTO before the first entry. */
InputFormat input_get_format(const Input *i);

void input_get_stats(const Input *i, InputStats *ret);

/* How much of it was read, from 0 to 1; negative if nobody can know. */
double input_progress(const Input *i);
