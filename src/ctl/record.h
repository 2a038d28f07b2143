/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Bans as banjod's history tells them, running and ended
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/usec.h"
#include "ctl/output.h"

/* Strings live with the message they came in. */
typedef struct BanRecord {
        uint64_t id;
        const char *jail;
        const char *address;
        usec_t start;
        usec_t end;        /* when it will end or, of one that ended, really did */
        uint32_t failures; /* 0 for a ban by hand */
        const char *pattern;
        const char *reason;
        const char *cause; /* why it ended; "" while it runs */
        int counts;        /* it is an earlier ban to the next one of its address */
        uint64_t n_leaks;  /* failures that got through */
} BanRecord;

/* Reads BUS_HISTORY_FIELDS. Returns 1, 0 at the end of a container,
 * or a negative errno. */
int record_read(sd_bus_message *m, BanRecord *ret);

static inline bool record_is_running(const BanRecord *b) {
        return b->cause[0] == '\0';
}

/* What made the ban: the pattern, or "by hand" with the reason. Returns buf. */
#define RECORD_ORIGIN_SIZE 512
const char *record_format_origin(const BanRecord *b, char buf[static RECORD_ORIGIN_SIZE]);

/* A new reference, or NULL without memory. */
json_t *record_to_json(const BanRecord *b);

/* A table with a line for each ban. The same returns as those of table_new() and table_set(). */
int record_table_new(Table **ret, const Options *options);
int record_table_add(Table *t, const BanRecord *b);
