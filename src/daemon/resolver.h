/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Resolver
 *
 * Asks for the addresses of a host name without ever waiting: systemd-resolved over the message
 * bus where that runs, and else a helper without privileges, which systemd starts for each name
 * behind a socket. banjod itself has no network.
 */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"

typedef struct Resolver Resolver;

/* Where the helper is. */
#define RESOLVER_SOCKET "/run/banjo-resolve.socket"

/* Names being resolved at a time. */
#define RESOLVER_QUERIES_MAX 4

/* Addresses of an answer; the rest is cut. */
#define RESOLVER_ADDRESSES_MAX 64

typedef struct ResolverAnswer {
        enum {
                RESOLVER_FOUND,
                RESOLVER_NONE,   /* there is no such name, or it has no address */
                RESOLVER_FAILED, /* nobody answered */
        } result;
        const char *why; /* what is wrong, in words; NULL if nothing is */
        Address addresses[RESOLVER_ADDRESSES_MAX];
        size_t n_addresses;
        usec_t ttl; /* how long it holds; 0 if nobody knows */
} ResolverAnswer;

/* Never called from within resolver_ask(). Everything is borrowed for the call. */
typedef void (*ResolverHandler)(const char *name, const ResolverAnswer *answer, void *userdata);

/* `socket` is where the helper listens, usually RESOLVER_SOCKET; borrowed. Returns 0 and passes
 * ownership, or -ENOMEM. */
int resolver_new(Resolver **ret,
                sd_event *event,
                const char *socket,
                ResolverHandler handler,
                void *userdata);

/* What is being asked is forgotten. Accepts NULL. Always returns NULL. */
Resolver *resolver_free(Resolver *r);
DEFINE_CLEANUP(Resolver *, resolver_free)

/* How many more names can be asked for now. */
unsigned resolver_n_free(const Resolver *r);

/* Asks for a name, which is copied. `bus` is the connection to the message bus, or NULL where there
 * is none. Returns 0, and the handler will be called; -EBUSY if RESOLVER_QUERIES_MAX are being
 * asked for; or another negative errno if nobody can be asked. */
int resolver_ask(Resolver *r, sd_bus *bus, const char *name);
