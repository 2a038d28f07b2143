/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What jails had to do lately
 *
 * Out of what banjod has counted, by hours of UTC, and of its history.
 */

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/macro.h"
#include "base/usec.h"
#include "ctl/jails.h"

/* Hours that are told one by one, the one that goes on as the last. */
#define ACTIVITY_HOURS 12

/* For how long it is known when the last ban was. */
#define ACTIVITY_DAYS 7

typedef struct Activity {
        uint64_t n_bans_today; /* since midnight, local time */
        uint64_t n_failures_today;
        uint64_t failures[ACTIVITY_HOURS];
        usec_t last_ban; /* 0 if there was none in these days */
} Activity;

/* Asks banjod; *ret has one for each jail of the list, and is the caller's. Returns an exit status,
 * and has reported what went wrong. */
int activity_get(Activity **ret, sd_bus *bus, const JailList *jails, usec_t now);

/* Failures of the hour that goes on. */
static inline uint64_t activity_this_hour(const Activity *a) {
        return a->failures[ACTIVITY_HOURS - 1];
}
