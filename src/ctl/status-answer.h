/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The properties of banjod
 */

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/macro.h"

/* Strings live with the message, but for the list. */
typedef struct Status {
        sd_bus_message *reply;
        const char *version;
        const char *state;
        const char *firewall;
        uint64_t started;
        uint64_t journal; /* time of the newest entry; 0 if there was none */
        uint64_t n_entries;
        uint64_t n_failures;
        uint64_t n_bans;
        uint64_t n_banned;
        char **missing_devices;
        int firewall_failed;
        int store_failed;
} Status;

/* Asks banjod. Returns an exit status, and has reported what went wrong. status_done() either way.
 */
int status_get(Status *ret, sd_bus *bus);
void status_done(Status *s);
