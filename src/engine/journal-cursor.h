/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What libsystemd's cursors say; for the reader (journal.h). */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-journal.h>

#include "base/usec.h"

/* In a position, what stands between the cursor of the entry handled last and that of the mark. */
#define CURSOR_MARK '|'

typedef struct Cursor {
        char sequence[40]; /* an id: entries are counted through as long as it is the same; or empty
                            */
        uint64_t number;
        usec_t realtime;
} Cursor;

/* Returns 0, or -EINVAL if this is no cursor. */
int cursor_parse(Cursor *ret, const char *text);

/* The cursor of the entry that a handle stands at. Returns 0, or a negative errno if there is none.
 */
int cursor_of(Cursor *ret, sd_journal *handle);

/* True if the handle stands at the entry of this cursor. */
bool cursor_is_at(const char *text, sd_journal *handle);

/* Whether the one comes no later in the journal than the other. Of another sequence only the times
 * tell. */
bool cursor_is_up_to(const Cursor *one, const Cursor *other);
