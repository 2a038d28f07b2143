/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Evidence
 *
 * What is kept with a ban so that it can explain itself: the entries that made it, and what the
 * last of them captured, as two texts in JSON. The entries are an array, oldest first, of objects
 * with "time" (in microseconds since 1970), "pattern", and "cursor" or nothing; the fields are an
 * object.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/entry.h"

/* Bytes of a captured field that are kept. */
#define EVIDENCE_VALUE_MAX 256

typedef struct EvidenceEntry {
        usec_t when;
        const char *pattern;
        const char *cursor; /* for sd_journal_seek_cursor(), "ban:" and the id of a ban that was
                               counted as a failure, or "" if it is not known */
} EvidenceEntry;

typedef struct EvidenceField {
        const char *name;
        EntryValue value;
} EvidenceField;

/* Returns an allocated text, or NULL without memory. Names and values may hold any bytes: what is
 * not UTF-8 is replaced. */
char *evidence_format_entries(const EvidenceEntry *entries, size_t n);
char *evidence_format_fields(const EvidenceField *fields, size_t n);

/* Called for each, borrowed. A negative return ends the walk and is returned. */
typedef int (*EvidenceEntryHandler)(const EvidenceEntry *entry, void *userdata);
typedef int (*EvidenceFieldHandler)(const char *name, const char *value, void *userdata);

/* Return 0, -EBADMSG for a text that is none of the above, -ENOMEM, or what the handler did. */
int evidence_foreach_entry(const char *entries, EvidenceEntryHandler handler, void *userdata);
int evidence_foreach_field(const char *fields, EvidenceFieldHandler handler, void *userdata);
