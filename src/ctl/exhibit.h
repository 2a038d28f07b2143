/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The entries that led to bans, from the journal itself
 *
 * And what the filters, as they are configured now, recognise in them.
 */

#include <stdbool.h>

#include "ctl/options.h"
#include "engine/jail.h"
#include "engine/journal-lookup.h"
#include "model/config.h"

typedef enum ExhibitState {
        EXHIBIT_FOUND,
        EXHIBIT_GONE,       /* the journal does not have it any more */
        EXHIBIT_UNREADABLE, /* we may not read the journal */
        EXHIBIT_FAILED,     /* the journal could not be read; this was reported */
        EXHIBIT_UNKNOWN,    /* nobody knows which entry it was */
} ExhibitState;

/* "found", "gone" and so on. */
const char *exhibit_state_to_string(ExhibitState state);

/* An entry that was found. All is borrowed until the next one is looked for. */
typedef struct Exhibit {
        Entry entry;
        EntryValue text; /* what the patterns ran over: the message, or a line with it */
        bool is_line;    /* host and sender are part of the text */
        bool matches;    /* the filter recognises something */
        MatcherResult match;
} Exhibit;

/* Everything is opened when it is needed first. */
typedef struct Exhibits {
        const Options *options;
        JournalLookup *journal;
        int journal_error; /* why there is none; 0 if it was not opened yet */
        Config *config;
        bool config_loaded; /* or was tried */
        Jail **jails;       /* for those of the configuration; NULL if not made yet */
} Exhibits;

/* The options are borrowed. exhibits_done() afterwards. */
void exhibits_init(Exhibits *e, const Options *options);
void exhibits_done(Exhibits *e);

/* Looks for the entry of a cursor, which is "" if it is not known, and runs the filter of a jail
 * over it, if there is such a jail. *ret is filled for EXHIBIT_FOUND. */
ExhibitState exhibits_find(Exhibits *e, const char *jail, const char *cursor, Exhibit *ret);

/* Writes a time as `journalctl -o short` does. */
void exhibit_print_time(usec_t t);

/* Writes an entry as `journalctl -o short` does, in one line, with what was recognised in colours.
 */
void exhibit_print(const Exhibit *e);
