/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Entries in the forms that logs have outside the journal
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/timestamp.h"
#include "ctl/test-reader.h"
#include "model/entry.h"

/* Longest value of other fields than the message, as the journal's reader has it. */
#define ENTRY_BUFFER_FIELD_MAX 512

/* Room for the values of an entry that are not borrowed from the line. */
typedef struct EntryBuffer {
        char message[ENTRY_MESSAGE_MAX];
        char fields[_ENTRY_FIELD_MAX][ENTRY_BUFFER_FIELD_MAX];
        bool cut; /* the message was longer */
} EntryBuffer;

/* Remembers what local time a minute is: libc takes long to tell. */
typedef struct LineClock {
        usec_t now; /* lines without a year are not later than this by more than a day */
        bool has_minute;
        CivilTime minute;
        bool has_offset;
        int offset;
        usec_t begin; /* of the minute */
} LineClock;

/* Takes apart "TIME HOST IDENT[PID]: MESSAGE" as syslog daemons and journalctl(1) write it; the
 * host and the process may be missing. The time may be "Nov 24 10:00:00", ISO 8601, or "Tue
 * 2026-11-24 10:00:00 CET", each with a fraction or without. Needs a NUL behind the line.
 *
 * Returns true and fills *ret, whose values point into the line; false if this is no such line. */
bool parse_syslog_line(const char *line, size_t size, LineClock *clock, Entry *ret);

/* Reads an object as `journalctl -o json` writes it. Returns 0, or -EINVAL if this is none. */
int parse_json_entry(const char *line, size_t size, EntryBuffer *buffer, Entry *ret);

/* Reads an entry in the Journal Export Format. Returns 1; 0 at the end of the input; -EBADMSG if it
 * is no such entry, with the reader behind the line that is wrong; a negative errno. */
int read_export_entry(Reader *reader, EntryBuffer *buffer, Entry *ret);
