/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * libsystemd interleaves the journals of all namespaces by time. Of entries of the same microsecond
 * it may give those of another journal first.
 */

#include "engine/journal-lookup.h"

#include <systemd/sd-journal.h>

#include "engine/journal-cursor.h"
#include "engine/journal-handle.h"
#include "engine/journal.h"

/* Entries of one microsecond that are looked at. */
#define SAME_TIME_MAX 16

struct JournalLookup {
        sd_journal *handle;
        HandleBuffers buffers;
};

int journal_lookup_open(JournalLookup **ret, const char *path) {
        _cleanup_(journal_lookup_closep) JournalLookup *l = NULL;
        int r;

        assert(ret);

        if (!path) {
                r = journal_check_access();
                if (r < 0)
                        return r;
        }

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        r = handle_open(&l->handle, path, NULL, SD_JOURNAL_ALL_NAMESPACES);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(l);
        return 0;
}

JournalLookup *journal_lookup_close(JournalLookup *l) {
        if (!l)
                return NULL;

        sd_journal_close(l->handle);
        free(l);
        return NULL;
}

/* Goes from a place in time to the entry of the cursor. Returns 1, 0 if it is not there, or a
 * negative errno. */
static int find(sd_journal *handle, const char *cursor, usec_t *ret_realtime) {
        usec_t first = 0;
        int r;

        for (unsigned i = 0; i < SAME_TIME_MAX; i++) {
                r = sd_journal_next(handle);
                if (r <= 0)
                        return r;
                r = sd_journal_get_realtime_usec(handle, ret_realtime);
                if (r < 0)
                        return r;

                if (cursor_is_at(cursor, handle))
                        return 1;
                if (i == 0)
                        first = *ret_realtime;
                else if (*ret_realtime != first)
                        break;
        }

        return 0;
}

int journal_lookup(JournalLookup *l, const char *cursor, Entry *ret) {
        usec_t realtime;
        int r;

        assert(l);
        assert(cursor);
        assert(ret);

        r = sd_journal_seek_cursor(l->handle, cursor);
        if (r >= 0)
                r = find(l->handle, cursor, &realtime);
        if (r <= 0)
                return r;

        *ret = (Entry){ .realtime = realtime };
        handle_read_fields(l->handle, &l->buffers, ret);
        return 1;
}
