/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Host names that are allowed
 *
 * Which addresses each of them had last, and when it is to be resolved again. Only names from the
 * configuration get here, never any from a log message. No I/O and no clock: the caller resolves
 * what is due and tells what came of it. `now` is a clock that never goes back.
 *
 * What was known last is kept while a name cannot be resolved.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"

/* Names, and addresses kept for each; what an answer has beyond is ignored. */
#define NAMES_MAX 256
#define NAMES_ADDRESSES_MAX 32

/* How long an answer holds at least, at most, and where nobody says. */
#define NAMES_INTERVAL_MIN USEC_PER_MINUTE
#define NAMES_INTERVAL_MAX USEC_PER_HOUR
#define NAMES_INTERVAL_DEFAULT (5 * USEC_PER_MINUTE)

typedef struct Names Names;

/* Return 0 and pass ownership, or -ENOMEM. */
int names_new(Names **ret);

/* Accepts NULL. Always returns NULL. */
Names *names_free(Names *n);
DEFINE_CLEANUP(Names *, names_free)

/* Adds a name, which is due at once. Returns 0, also if it is there; -E2BIG at NAMES_MAX; -ENOMEM.
 */
int names_add(Names *n, const char *name);

/* Takes over what `old` knows about names that are in both. They are due at once all the same. */
void names_inherit(Names *n, const Names *old);

/* An address of a name, from the last time. Useless ones and unknown names are passed over. */
void names_add_known(Names *n, const char *name, const Address *a);

/* The name that has been due for the longest, or NULL. It is not handed out again until it was
 * answered or has failed. */
const char *names_take_due(Names *n, usec_t now);

/* When the next one is due that is not being resolved; USEC_INFINITY if there is none. */
usec_t names_get_due(const Names *n);

typedef enum NamesNews {
        NAMES_CHANGED = 1 << 0,   /* there are other addresses than before */
        NAMES_RECOVERED = 1 << 1, /* after a failure that was worth a warning */
        NAMES_FAILED = 1 << 2,    /* the name cannot be resolved, which is worth a warning */
} NamesNews;

/* The name was resolved, and the answer holds for ttl; 0 if nobody knows how long. Addresses that
 * stand for no single host (unspecified, loopback, multicast, broadcast) are ignored; an answer
 * with no other ones counts as none. Returns a set of NamesNews. */
unsigned names_answer(Names *n,
                const char *name,
                const Address *addresses,
                size_t n_addresses,
                usec_t ttl,
                usec_t now);

/* The name was not resolved. `none` if there is no such name or it has no address; otherwise nobody
 * answered, which is worth a warning only after a while: the network may not be up yet. Returns a
 * set of NamesNews. */
unsigned names_fail(Names *n, const char *name, bool none, usec_t now);

/* One of the listed names (NULL-terminated, may be NULL) that has an address equal to a, or in it,
 * with that address in *ret_which; NULL if none has. */
const char *names_find(const Names *n, char *const *listed, const Address *a, Address *ret_which);

/* Calls the handler for every address known of every name. A negative return ends the walk and is
 * returned. */
typedef int (*NamesHandler)(const char *name, const Address *a, void *userdata);
int names_foreach(const Names *n, NamesHandler handler, void *userdata);

/* How many addresses are known of the name. */
size_t names_count(const Names *n, const char *name);
