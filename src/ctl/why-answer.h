/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What banjod knows of an address
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/usec.h"
#include "ctl/record.h"
#include "model/address.h"

/* Strings live with the answer, in all of these. */

typedef struct WhyEntry {
        usec_t time;
        const char *pattern;
        const char *cursor; /* "" if it is not known */
} WhyEntry;

typedef struct WhyCapture {
        const char *name;
        const char *value;
} WhyCapture;

typedef struct WhyBan {
        BanRecord ban;
        Address address;
        WhyEntry *entries; /* oldest first */
        size_t n_entries;
        WhyCapture *captures;
        size_t n_captures;
        bool in_detail; /* for whoever prints it */
} WhyBan;

/* The next ban by a jail. */
typedef struct WhyNext {
        const char *jail;
        uint32_t n_earlier; /* bans that count now */
        usec_t length;
} WhyNext;

typedef struct WhyAnswer {
        sd_bus_message *message;
        WhyBan *bans; /* oldest first */
        size_t n_bans;
        WhyNext *next;
        size_t n_next;
} WhyAnswer;

/* Asks banjod. Returns an exit status, and has reported what went wrong. why_answer_done() either
 * way. */
int why_answer_get(WhyAnswer *ret, sd_bus *bus, const char *address);
void why_answer_done(WhyAnswer *a);
