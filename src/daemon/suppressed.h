/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What journald suppressed
 *
 * A unit that logs too fast (LogRateLimitBurst=) has messages dropped, and journald says how many.
 * Failures may have been among them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "model/entry.h"

#define SUPPRESSED_UNIT_SIZE 256 /* systemd's own limit, with the NUL */

typedef struct Suppressed {
        char unit[SUPPRESSED_UNIT_SIZE];
        usec_t reported; /* 0 if it never was */
        uint64_t n;      /* messages since then */
} Suppressed;

/* Units remembered; beyond, the one whose report is oldest goes. */
#define SUPPRESSED_UNITS_MAX 16

typedef struct SuppressedList {
        Suppressed units[SUPPRESSED_UNITS_MAX];
} SuppressedList;

/* True if journald says here that it suppressed messages of a unit. */
bool suppressed_parse(const Entry *e, char unit[static SUPPRESSED_UNIT_SIZE], uint64_t *ret_n);

/* Adds them up. Returns how many to report now; 0 if the last report is less than a minute old, and
 * then they are part of the next one. */
uint64_t suppressed_add(SuppressedList *l, const char *unit, uint64_t n, usec_t when);
