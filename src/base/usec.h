/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Time
 *
 * One unit for the whole project: microseconds in an unsigned 64-bit integer, which is also what
 * sd-event, sd-journal and sd-bus speak. Points in time are CLOCK_REALTIME, because the journal
 * stamps entries with it and bans have to survive a reboot.
 */

#include <stddef.h>
#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)
#define USEC_INFINITY UINT64_MAX

/* Adds without wrapping. Infinity absorbs. */
static inline usec_t usec_add(usec_t a, usec_t b) {
        return b > USEC_INFINITY - a ? USEC_INFINITY : a + b;
}

/* Subtracts without wrapping: never below zero. Infinity absorbs. */
static inline usec_t usec_sub(usec_t a, usec_t b) {
        if (a == USEC_INFINITY)
                return USEC_INFINITY;
        return a > b ? a - b : 0;
}

/* Reads a span as systemd.time(7) writes it: "90", "10min", "1h 30min", "2w". A plain number is in
 * seconds. "infinity", "permanent" and -1 are USEC_INFINITY.
 *
 * Returns 0 and fills *ret, -EINVAL if this is no span, -ERANGE if it does not fit. *ret is
 * untouched on error. */
int usec_parse_span(const char *s, usec_t *ret);

/* Enough for any span or timestamp below. */
#define USEC_STR_SIZE 64

/* Writes a span with at most two units, rounded down: "1h 30min", "12s", "3ms"; "permanent" for
 * USEC_INFINITY. Returns buf. */
const char *usec_format_span(usec_t span, char buf[static USEC_STR_SIZE]);

/* Writes a point in time in local time, "2026-03-01 12:00:00"; "never" for USEC_INFINITY and "-"
 * for 0. Returns buf. */
const char *usec_format_timestamp(usec_t t, char buf[static USEC_STR_SIZE]);
