/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A position names the last entry that was wanted, and maybe a mark: an entry, wanted or not, up to
 * which everything was seen. If the oldest entry that is left is no younger than one of them,
 * nothing is missing between the two. Nor is anything if it bears the next number: entries are
 * counted through as long as the sequence has the same id.
 *
 * The handle has no matches, so a quiet unit looks like any other. Users' own files are left out:
 * journald drops them at times of their own, and an old one would hide what the system's files have
 * lost.
 */

#include "engine/journal-gap.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/macro.h"
#include "engine/journal-source.h"

/* What a cursor says of its entry's place in the journal. */
typedef struct Place {
        char sequence[40]; /* an id; empty if the cursor has none */
        uint64_t number;
        usec_t realtime;
} Place;

static void close_handle(sd_journal **h) {
        sd_journal_close(*h);
}

static int read_place(const char *cursor, Place *ret) {
        const char *number = strstr(cursor, ";i=");

        *ret = (Place){};
        if (sscanf(cursor, "s=%39[0-9a-f]", ret->sequence) != 1 || !number ||
                        sscanf(number, ";i=%" SCNx64, &ret->number) != 1)
                ret->sequence[0] = '\0';

        return source_position_realtime(cursor, &ret->realtime);
}

/* True if nothing can be missing between what was seen and the oldest entry that is left. */
static bool reaches(const Place *seen, const Place *oldest) {
        if (oldest->realtime <= seen->realtime)
                return true;

        return seen->sequence[0] && streq(seen->sequence, oldest->sequence) &&
               oldest->number <= seen->number + 1;
}

/* Whether the journal still has the entry of this cursor: 1 or 0, or a negative errno. A clock that
 * was set back makes others look older or younger than it is. */
static int has_entry(sd_journal *handle, const char *cursor) {
        int r;

        r = sd_journal_seek_cursor(handle, cursor);
        if (r >= 0)
                r = sd_journal_next(handle);
        return r <= 0 ? r : source_is_at(handle, cursor);
}

/* Returns 1; 0 if there is no entry; or a negative errno. */
static int find_oldest(sd_journal *handle, Place *ret) {
        _cleanup_(freep) char *cursor = NULL;
        int r;

        r = sd_journal_seek_head(handle);
        if (r >= 0)
                r = sd_journal_next(handle);
        if (r > 0)
                r = sd_journal_get_cursor(handle, &cursor) < 0 ? -EIO : 1;
        if (r <= 0)
                return r;

        r = read_place(cursor, ret);
        return r < 0 ? r : 1;
}

/* Whether nothing is missing behind the entry of this cursor: 1 or 0, or a negative errno. */
static int is_reached(sd_journal *handle, const char *cursor, const Place *oldest, usec_t *ret) {
        Place seen;
        int r;

        r = read_place(cursor, &seen);
        if (r < 0)
                return r;
        *ret = seen.realtime;

        return reaches(&seen, oldest) ? 1 : has_entry(handle, cursor);
}

int gap_find(const char *path,
                const char *name_space,
                const char *word,
                usec_t *ret_from,
                usec_t *ret_to) {
        const char *mark = strchr(word, SOURCE_MARK);
        _cleanup_(close_handle) sd_journal *handle = NULL;
        _cleanup_(freep) char *cursor = NULL;
        usec_t from = 0, marked = 0;
        Place oldest;
        int r;

        cursor = strndup(word, mark ? (size_t) (mark - word) : strlen(word));
        if (!cursor)
                return -ENOMEM;
        if (cursor[0] == '@' && !mark)
                return 0; /* nothing has ever been read */

        r = source_open(&handle, path, name_space, SD_JOURNAL_SYSTEM);
        if (r >= 0)
                r = find_oldest(handle, &oldest);
        if (r <= 0)
                return r;

        r = cursor[0] == '@' ? 0 : is_reached(handle, cursor, &oldest, &from);
        if (r == 0 && mark)
                r = is_reached(handle, mark + 1, &oldest, &marked);
        if (r != 0)
                return MIN(r, 0);

        *ret_from = MAX(from, marked);
        *ret_to = oldest.realtime;
        return 1;
}
