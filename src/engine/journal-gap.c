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

#include "base/macro.h"
#include "engine/journal-cursor.h"
#include "engine/journal-handle.h"

/* True if nothing can be missing between what was seen and the oldest entry that is left. */
static bool reaches(const Cursor *seen, const Cursor *oldest) {
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
        return r <= 0 ? r : cursor_is_at(cursor, handle);
}

/* Returns 1 and a cursor, which is to be freed; 0 if there is no entry; or a negative errno. */
static int find_oldest(sd_journal *handle, char **ret) {
        int r;

        r = sd_journal_seek_head(handle);
        if (r >= 0)
                r = sd_journal_next(handle);
        if (r <= 0)
                return r;

        r = sd_journal_get_cursor(handle, ret);
        return r < 0 ? r : 1;
}

/* Whether nothing is missing behind the entry of this cursor: 1 or 0, or a negative errno. */
static int is_reached(sd_journal *handle, const char *cursor, const Cursor *oldest, usec_t *ret) {
        Cursor seen;
        int r;

        r = cursor_parse(&seen, cursor);
        if (r < 0)
                return r;
        *ret = seen.realtime;

        return reaches(&seen, oldest) ? 1 : has_entry(handle, cursor);
}

int gap_find(const char *path,
                const char *name_space,
                const char *word,
                JournalGap *ret,
                char **ret_oldest) {
        const char *mark = strchr(word, CURSOR_MARK);
        _cleanup_(handle_closep) sd_journal *handle = NULL;
        _cleanup_(freep) char *cursor = NULL, *first = NULL;
        usec_t from = 0, marked = 0;
        Cursor oldest;
        int r;

        cursor = strndup(word, mark ? (size_t) (mark - word) : strlen(word));
        if (!cursor)
                return -ENOMEM;
        if (cursor[0] == '@' && !mark)
                return 0; /* nothing has ever been read */

        r = handle_open(&handle, path, name_space, SD_JOURNAL_SYSTEM);
        if (r >= 0)
                r = find_oldest(handle, &first);
        if (r <= 0)
                return r;
        r = cursor_parse(&oldest, first);
        if (r < 0)
                return r;

        r = cursor[0] == '@' ? 0 : is_reached(handle, cursor, &oldest, &from);
        if (r == 0 && mark)
                r = is_reached(handle, mark + 1, &oldest, &marked);
        if (r != 0)
                return MIN(r, 0);

        ret->from = MAX(from, marked);
        ret->to = oldest.realtime;
        *ret_oldest = TAKE_PTR(first);
        return 1;
}
