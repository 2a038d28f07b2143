/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The jails as banjod tells them
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "model/ports.h"

/* Strings live with the list. */
typedef struct JailInfo {
        const char *name;
        const char *source;
        const char *filter;
        const char *description;
        const char *ports_text;
        const char *match; /* as journalctl(1) reads it; "" if the jail is refused */
        char **protocols;  /* NULL-terminated */
        int enabled;
        int refused;
        int paused;
        uint32_t maxretry;
        uint64_t findtime;
        uint64_t bantime;
        uint64_t n_banned;
        uint64_t n_failures;
        uint64_t n_leaks;
        uint64_t n_forgiven;
        uint64_t n_forgotten;
        uint64_t n_displaced;
        uint64_t n_cut;
        uint64_t n_exceeded;
        uint64_t n_entries;
        uint64_t last_failure;
        uint64_t dropped_packets;
        uint64_t dropped_bytes;
        PortSet ports;
} JailInfo;

typedef struct JailList {
        sd_bus_message *reply;
        JailInfo *jails;
        size_t n_jails;
} JailList;

/* Asks banjod. Returns an exit status, and has reported what went wrong. */
int jail_list_get(JailList *ret, sd_bus *bus);
void jail_list_done(JailList *l);

/* One jail as JSON. Returns a new reference, or NULL without memory. */
json_t *jail_info_to_json(const JailInfo *j);
