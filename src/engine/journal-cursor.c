/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/journal-cursor.h"

#include <inttypes.h>

#include "base/macro.h"

int cursor_parse(Cursor *ret, const char *text) {
        const char *number = strstr(text, ";i="), *time = strstr(text, ";t=");

        assert(ret);

        *ret = (Cursor){};
        if (sscanf(text, "s=%39[0-9a-f]", ret->sequence) != 1 || !number ||
                        sscanf(number, ";i=%" SCNx64, &ret->number) != 1)
                ret->sequence[0] = '\0';

        return time && sscanf(time, ";t=%" SCNx64, &ret->realtime) == 1 ? 0 : -EINVAL;
}

int cursor_of(Cursor *ret, sd_journal *handle) {
        _cleanup_(freep) char *text = NULL;
        int r;

        r = sd_journal_get_cursor(handle, &text);
        return r < 0 ? r : cursor_parse(ret, text);
}

/* What a cursor says of the entry itself: boot, times and a hash of the contents. In front of it
 * stands the number that the entry has in its file, which changes when journald moves it to disk.
 */
static const char *get_identity(const char *cursor) {
        return strstr(cursor, ";b=");
}

bool cursor_is_at(const char *text, sd_journal *handle) {
        _cleanup_(freep) char *here = NULL;
        const char *a, *b;

        if (sd_journal_test_cursor(handle, text) > 0)
                return true;
        if (sd_journal_get_cursor(handle, &here) < 0)
                return false;

        a = get_identity(here);
        b = get_identity(text);
        return a && b && streq(a, b);
}

bool cursor_is_up_to(const Cursor *one, const Cursor *other) {
        return one->sequence[0] && streq(one->sequence, other->sequence)
                               ? one->number <= other->number
                               : one->realtime <= other->realtime;
}
