/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Journal entries
 *
 * One entry as the engines see it. Fields that begin with an underscore were written by journald
 * and can be trusted; all others, the message and SYSLOG_IDENTIFIER included, were written by the
 * logging process.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/usec.h"

/* The fields that entries carry: those that jails may match by, and the message. Others are passed
 * over when an entry is read. */
typedef enum EntryField {
        ENTRY_MESSAGE,
        ENTRY_MESSAGE_ID,
        ENTRY_SYSTEMD_UNIT,
        ENTRY_SYSTEMD_SLICE,
        ENTRY_SYSTEMD_USER_UNIT,
        ENTRY_SYSTEMD_CGROUP,
        ENTRY_SYSTEMD_INVOCATION_ID,
        ENTRY_COMM,
        ENTRY_EXE,
        ENTRY_UID,
        ENTRY_GID,
        ENTRY_PID,
        ENTRY_TRANSPORT,
        ENTRY_HOSTNAME,
        ENTRY_NAMESPACE,
        ENTRY_SYSLOG_IDENTIFIER,
        ENTRY_SYSLOG_PID,
        ENTRY_SYSLOG_FACILITY,
        ENTRY_PRIORITY,
        _ENTRY_FIELD_MAX,
} EntryField;

/* "_SYSTEMD_UNIT" and so on. */
const char *entry_field_to_string(EntryField field);

/* By name, which need not be terminated. Returns the field or -EINVAL. */
int entry_field_from_string(const char *s, size_t n);

/* True for what journald writes itself and what the sender cannot choose: the unit, the slice, the
 * user. Not _COMM or _EXE, since everybody may name a binary sshd, and not what all entries share.
 */
bool entry_field_is_trusted(EntryField field);

/* Longest message handed out, in bytes; the rest is cut off. Patterns run over this text, and a
 * remote peer may have written it. */
#define ENTRY_MESSAGE_MAX 8192

typedef struct EntryValue {
        const char *data; /* not NUL-terminated, and may contain NUL bytes; NULL if absent */
        size_t size;      /* in bytes */
} EntryValue;

/* Where an entry lies in the journal, in less than the 150 bytes of a cursor: many are kept for
 * each address. Together with the entry's time it makes a cursor again, journal_format_cursor(). */
typedef struct EntryPlace {
        uint64_t seqnum;  /* what journald counts its entries by */
        uint32_t journal; /* which journald counted so: a number that the reader gave it; 0 for none
                           */
} EntryPlace;

/* What stands for .journal where a ban was counted instead of an entry; .seqnum is its id. */
#define ENTRY_PLACE_BAN UINT32_MAX

/* Every pointer is borrowed from whoever made the entry, for the call it is handed to. Of a field
 * with several values the first counts. */
typedef struct Entry {
        EntryValue fields[_ENTRY_FIELD_MAX];
        bool is_cut;     /* the message was longer than ENTRY_MESSAGE_MAX */
        usec_t realtime; /* when journald received the entry, CLOCK_REALTIME */

        /* Finds its place, which takes too long to be done for each; NULL for one of no journal. */
        EntryPlace (*get_place)(void *userdata);
        void *userdata;
} Entry;

/* As long as the entry may be used. */
static inline EntryPlace entry_get_place(const Entry *e) {
        return e->get_place ? e->get_place(e->userdata) : (EntryPlace){};
}

static inline bool entry_has(const Entry *e, EntryField field) {
        return e->fields[field].data;
}

/* True if the entry has the field with exactly this value. */
static inline bool entry_is(const Entry *e, EntryField field, const char *value, size_t size) {
        const EntryValue *v = &e->fields[field];

        return v->data && v->size == size && memcmp(v->data, value, size) == 0;
}
