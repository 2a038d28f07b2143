/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Attackers, for benchmarks that run where a journald of its own listens
 *
 * Sends sshd's failures to it, and looks for the element in the jail's set by netlink until it is
 * there.
 */

#include <stdbool.h>

#include "base/usec.h"
#include "engine/nft-link.h"
#include "model/address.h"

/* Failures that convict, with the shipped configuration. */
#define ATTACK_MAXRETRY 5u

usec_t attack_now(void);
void attack_pause(usec_t usec);

/* The next attacker: a host in a /64 of its own, which is what will be banned. */
Address attack_next(void);

/* Sends n of his failures. */
void attack_send(const Address *a, unsigned n);

/* True if he is out. */
bool attack_is_out(NftLink *link, const Address *a);

/* Waits until he is, and returns how long that was after `since`. */
usec_t attack_wait(NftLink *link, const Address *a, usec_t since);

/* Prints the median, the 99th percentile and the most, and returns the median. Sorts. */
usec_t attack_print(const char *title, usec_t *spans, size_t n);
