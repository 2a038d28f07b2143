/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the journal dropped before it was read; for the reader (journal.h). */

#include "engine/journal.h"

/* Compares what a position says of a source, as source_get_position() gave it, with the oldest
 * entry that is left. If there is a gap in between, returns 1 with the times of what was read last
 * and of that entry, and its cursor, which is to be freed; 0 if there is none, or nobody can tell;
 * or a negative errno. */
int gap_find(const char *path,
                const char *name_space,
                const char *word,
                JournalGap *ret,
                char **ret_oldest);
