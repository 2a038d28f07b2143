/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Points in time as people write them
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/usec.h"

/* A day and a time of day. */
typedef struct CivilTime {
        int year, month, day; /* 1 to 12, 1 to 31 */
        int hour, minute, second;
} CivilTime;

/* True if there is such a time: no 30th of February, no hour 24. Second 60 is there. */
bool civil_time_is_valid(const CivilTime *t);

/* In local time. Returns 0, or -ERANGE for what lies before 1970. */
int civil_time_to_usec(const CivilTime *t, usec_t *ret);

/* In a zone so many seconds east of Greenwich. The same returns. */
int civil_time_to_usec_at(const CivilTime *t, int offset, usec_t *ret);

/* Reads a point in time as journalctl(1) takes it and systemd.time(7) writes it: "2026-11-24
 * 10:00", with or without seconds, their fraction and the time as a whole; "10:00" of today; "now",
 * "today", "yesterday" and "tomorrow"; "@1796000000"; "-2h", "+2h" and "2h ago". A "T" may stand
 * for the space, a day of the week in front, and behind it UTC, Z or an offset such as +01:00;
 * without one it is local time. Names of other zones are not taken.
 *
 * Returns 0 and fills *ret, -EINVAL if this is no such time, -ERANGE if it does not fit. */
int timestamp_parse(const char *s, usec_t now, usec_t *ret);

/* Reads the fraction of a second from digits, of which those behind the sixth are passed over.
 * Returns how many digits there are. */
size_t timestamp_parse_fraction(const char *s, usec_t *ret);

/* Reads "Z", "UTC", "+01:00" or "+0100", and how far that is from Greenwich in seconds. Returns how
 * many bytes that took, and 0 if there is no offset. */
size_t timestamp_parse_offset(const char *s, int *ret);
