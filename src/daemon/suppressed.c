/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/suppressed.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/journal.h"

#define REPORT_USEC USEC_PER_MINUTE

bool suppressed_parse(const Entry *e, char unit[static SUPPRESSED_UNIT_SIZE], uint64_t *ret_n) {
        const EntryValue *message = &e->fields[ENTRY_MESSAGE];
        char text[64 + SUPPRESSED_UNIT_SIZE];

        /* Anybody can write this MESSAGE_ID, and only journald this transport. */
        if (!entry_is(e, ENTRY_MESSAGE_ID, JOURNAL_SUPPRESSED_ID, strlen(JOURNAL_SUPPRESSED_ID)) ||
                        !entry_is(e, ENTRY_TRANSPORT, "driver", strlen("driver")))
                return false;
        if (!message->data || message->size >= sizeof(text))
                return false;

        memcpy(text, message->data, message->size);
        text[message->size] = '\0';
        return sscanf(text, "Suppressed %" SCNu64 " messages from %255s", ret_n, unit) == 2 &&
               *ret_n > 0;
}

static Suppressed *find_unit(SuppressedList *l, const char *unit) {
        Suppressed *oldest = &l->units[0];

        for (size_t i = 0; i < ELEMENTSOF(l->units); i++) {
                if (streq(l->units[i].unit, unit))
                        return &l->units[i];
                if (l->units[i].reported < oldest->reported)
                        oldest = &l->units[i];
        }

        *oldest = (Suppressed){};
        (void) snprintf(oldest->unit, sizeof(oldest->unit), "%s", unit);
        return oldest;
}

uint64_t suppressed_add(SuppressedList *l, const char *unit, uint64_t n, usec_t when) {
        Suppressed *s;

        assert(l);
        assert(unit);

        s = find_unit(l, unit);
        s->n = n > UINT64_MAX - s->n ? UINT64_MAX : s->n + n;

        /* After a clock that was set back, too. */
        if (s->reported > 0 && when >= s->reported && when - s->reported < REPORT_USEC)
                return 0;

        n = s->n;
        s->n = 0;
        s->reported = when;
        return n;
}
