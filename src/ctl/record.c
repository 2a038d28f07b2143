/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/record.h"

#include <inttypes.h>

#include "model/bus-names.h"

int record_read(sd_bus_message *m, BanRecord *ret) {
        return sd_bus_message_read(m,
                        BUS_HISTORY_FIELDS,
                        &ret->id,
                        &ret->jail,
                        &ret->address,
                        &ret->start,
                        &ret->end,
                        &ret->failures,
                        &ret->pattern,
                        &ret->reason,
                        &ret->cause,
                        &ret->counts,
                        &ret->n_leaks);
}

const char *record_format_origin(const BanRecord *b, char buf[static RECORD_ORIGIN_SIZE]) {
        if (b->failures > 0)
                (void) snprintf(buf, RECORD_ORIGIN_SIZE, "%s", b->pattern);
        else
                (void) snprintf(buf,
                                RECORD_ORIGIN_SIZE,
                                "by hand%s%s",
                                isempty(b->reason) ? "" : ": ",
                                b->reason);
        return buf;
}

json_t *record_to_json(const BanRecord *b) {
        return json_pack("{s:o, s:s, s:s, s:o, s:o, s:b, s:b, s:s?, s:i, s:s, s:s, s:b, s:o}",
                        "id",
                        json_count(b->id),
                        "jail",
                        b->jail,
                        "address",
                        b->address,
                        "start_usec",
                        json_usec(b->start),
                        "end_usec",
                        json_usec(b->end),
                        "permanent",
                        b->end == USEC_INFINITY,
                        "running",
                        record_is_running(b),
                        "cause",
                        record_is_running(b) ? NULL : b->cause,
                        "failures",
                        (int) b->failures,
                        "pattern",
                        b->pattern,
                        "reason",
                        b->reason,
                        "counts",
                        b->counts,
                        "leaks",
                        json_count(b->n_leaks));
}

/* Tables */

int record_table_new(Table **ret, const Options *options) {
        static const Column columns[] = {
                { "BEGAN", false, false },
                { "JAIL", false, false },
                { "ADDRESS", false, false },
                { "LENGTH", true, false },
                { "END", false, false },
                { "WHY", false, true },
        };

        return table_new(ret, options, columns, ELEMENTSOF(columns));
}

/* To the minute: 80 columns are few. */
static const char *format_minute(usec_t t, char buf[static USEC_STR_SIZE]) {
        char *colon;

        (void) usec_format_timestamp(t, buf);
        colon = strrchr(buf, ':');
        if (colon)
                *colon = '\0';
        return buf;
}

/* What matters most comes first: the end may be cut off. */
static void format_why(const BanRecord *b, char *buf, size_t size) {
        char origin[RECORD_ORIGIN_SIZE], leaks[48] = "", failures[16] = "";

        if (b->n_leaks > 0)
                (void) snprintf(leaks, sizeof(leaks), "(%" PRIu64 " leaked) ", b->n_leaks);
        if (b->failures > 0)
                (void) snprintf(failures, sizeof(failures), "%" PRIu32 "x ", b->failures);
        (void) snprintf(buf,
                        size,
                        "%s%s%s%s",
                        leaks,
                        failures,
                        record_format_origin(b, origin),
                        b->counts ? "" : " (not counted)");
}

int record_table_add(Table *t, const BanRecord *b) {
        char began[USEC_STR_SIZE], length[USEC_STR_SIZE], why[RECORD_ORIGIN_SIZE + 96];
        const char *cells[] = {
                format_minute(b->start, began),
                b->jail,
                b->address,
                usec_format_span(usec_sub(b->end, b->start), length),
                record_is_running(b) ? "running" : b->cause,
                why,
        };
        struct libscols_line *line = table_add(t);
        int r;

        format_why(b, why, sizeof(why));

        for (size_t i = 0; i < ELEMENTSOF(cells); i++) {
                r = table_set(line, i, cells[i]);
                if (r < 0)
                        return r;
        }

        if (b->end == USEC_INFINITY)
                table_set_color(line, 3, COLOR_YELLOW);
        if (record_is_running(b))
                table_set_color(line, 4, COLOR_GREEN);
        if (b->n_leaks > 0)
                table_set_color(line, 5, COLOR_RED);
        else if (!b->counts)
                table_set_color(line, 5, COLOR_GREY);
        return 0;
}
