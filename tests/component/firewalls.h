/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Firewalls for the tests of them
 *
 * All of these fail the test if something goes wrong.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/firewall.h"

/* Firewalls that are opened do without what older kernels lack (engine/firewall-ops.h), those of
 * Debian 12 and before. */
extern bool kernel_is_old;

/* How the table is made: as by default, until a test says otherwise. */
extern FirewallSettings settings;

FirewallJail make_jail(const char *name, const char *ports, unsigned protocols);

Firewall *open_unconfigured(void);
Firewall *open_firewall(const FirewallJail *jails, size_t n_jails);
void close_firewall(Firewall *f);

/* One change, and the commit. */
void ban(Firewall *f, const char *jail, const char *address, usec_t remaining);
void unban(Firewall *f, const char *jail, const char *address);

/* What the kernel has of a ban, all zero if it has none. */
FirewallElement element_of(Firewall *f, const char *jail, const char *address);

/* What remains of the ban, 0 if there is none. */
usec_t remaining_of(Firewall *f, const char *jail, const char *address);

/* That some minutes at most are over of a longer time, or half of a shorter one. */
void assert_about(usec_t remaining, usec_t expected);

uint64_t packets_dropped(Firewall *f, const char *jail);

/* PEER4 sends datagrams to FLOOD_PORT of HOST4 as fast as it can, where somebody listens. Has to
 * begin before there is a socket that owns the table, which would live on in the child that sends.
 * Ends with the test, if not before. */
#define FLOOD_PORT 53
void start_flood(void);

/* Waits until the jail has dropped more than that many. Returns how many. */
uint64_t await_flood(Firewall *f, const char *jail, uint64_t dropped);

/* Waits until all that were sent before the jail had banned the sender have arrived, and forgets
 * them. */
void forget_early_ones(Firewall *f, const char *jail);

/* Has packets stay for about a millisecond in a chain of an inet table that nobody owns, before
 * they come to its rules. */
void slow_down(const char *table, const char *chain);

/* Ends it. Returns true if one has passed. */
bool stop_flood(void);

/* A FirewallElementHandler that counts in a size_t. */
void count_element(const char *jail,
                const Address *address,
                const FirewallElement *element,
                void *n);
size_t count_elements(Firewall *f);

/* Before and after each test: closes what is open and removes the table. */
int remove_table(void **state);
