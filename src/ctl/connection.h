/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The connection to banjod
 *
 * Over the message bus if banjod is there, or else, for root, over its own socket. The socket would
 * start a stopped service, which only verbs that change something should do.
 */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

#include "base/macro.h"
#include "ctl/options.h"

static inline void bus_closep(sd_bus **bus) {
        sd_bus_flush_close_unref(*bus);
}

static inline void message_unrefp(sd_bus_message **message) {
        sd_bus_message_unref(*message);
}

/* What a verb wants of the connection. */
typedef enum ConnectionUse {
        CONNECTION_ASK,    /* everybody may; never starts the service */
        CONNECTION_AGAIN,  /* the same, after it was lost; what keeps it away is not reported */
        CONNECTION_CHANGE, /* root, or whom polkit lets; never starts the service */
        CONNECTION_START,  /* the same; for root, it starts the service if need be */
} ConnectionUse;

/* Opens the bus, the socket, what --address= names, or by ssh the bus of the host that --host=
 * names. Returns EXIT_DONE and passes ownership; another exit status, reported unless that is
 * EXIT_NOT_RUNNING and quiet is set. That it runs and is out of reach is EXIT_NOT_ALLOWED. */
int connection_open(sd_bus **ret, const Options *options, ConnectionUse use, bool quiet);

/* Makes a call of org.banjo1.Manager, to be filled and sent. Returns 0 and passes ownership, or a
 * negative errno. */
int connection_new_call(sd_bus *bus, sd_bus_message **ret, const char *method);

/* Calls a method of org.banjo1.Manager. Returns a negative errno with the error set, or >= 0. The
 * reply may be NULL if it is of no interest. */
int connection_call(sd_bus *bus,
                const char *method,
                sd_bus_error *error,
                sd_bus_message **reply,
                const char *types,
                ...);

/* Reports a failed call, with a subject such as an address in front, or NULL. Returns an exit
 * status. */
int connection_report(const char *subject, const sd_bus_error *error, int r);

/* The exit status that stands for an error. */
int connection_get_status(const sd_bus_error *error);

/* dictionaries */

typedef struct DictField {
        const char *key;
        char type;     /* 's', 'b' (an int), 'u', 't', or 'S' for an array of strings (char **) */
        size_t offset; /* of the member it goes into */
} DictField;

/* Reads an a{sv}. Keys that are not in the table, or have another type, are passed over, and
 * members without a key keep their value. Strings are borrowed from the message; an array of
 * strings is the caller's. Returns 0 or a negative errno. */
int dict_read(sd_bus_message *m, const DictField *fields, size_t n_fields, void *target);
