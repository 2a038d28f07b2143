/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Handles of libsystemd
 *
 * How all that reads a journal opens it, and what it reads of an entry; for the reader (journal.h).
 */

#include <systemd/sd-journal.h>

#include "model/entry.h"

/* Of other fields than the message; what is longer is cut, which makes it fit no match. */
#define HANDLE_FIELD_MAX 512

/* Where the values of an entry are copied to. */
typedef struct HandleBuffers {
        char message[ENTRY_MESSAGE_MAX];
        char fields[_ENTRY_FIELD_MAX][HANDLE_FIELD_MAX];
} HandleBuffers;

/* Opens what a path names, or with NULL a namespace of this machine's journal ("" or NULL for the
 * default one), with these flags besides. Returns 0 or a negative errno. */
int handle_open(sd_journal **ret, const char *path, const char *name_space, int flags);

/* For cleanup. */
static inline void handle_closep(sd_journal **handle) {
        sd_journal_close(*handle);
}

/* Copies the fields of the entry that the handle stands at, and no more. */
void handle_read_fields(sd_journal *handle, HandleBuffers *buffers, Entry *ret);
