/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Networks
 *
 * Answers on behalf of one jail: do the failures of this network within findtime weigh its limit,
 * and do they come from at least NETWORK_ADDRESSES different addresses? Addresses are what is
 * counted as one: IPv4 hosts, and IPv6 networks of the jail's ipv6_prefix.
 *
 * The window is the tracker's: strictly sliding, its ends included, by times that the caller says.
 *
 * Memory is bounded. Of each address within a network, failures are kept that weigh the limit, and
 * of a network no more than twice as many as that. When there are too many networks, the one that
 * has been quiet for longest is forgotten first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/usec.h"
#include "engine/tracker.h"
#include "model/address.h"
#include "model/network-limits.h"

typedef struct Networks Networks;

typedef struct NetworksParams {
        NetworkLimits limits; /* at least one */
        usec_t findtime;      /* more than 0 */
        unsigned ipv6_prefix; /* what is one address, in bits */
        size_t max_networks;  /* remembered at a time, of all lengths together; at least 1 */
} NetworksParams;

typedef struct NetworksStats {
        size_t n_networks;    /* remembered now */
        uint64_t n_forgotten; /* networks dropped early because there were too many */
} NetworksStats;

/* Returns 0 and passes ownership; -ENOMEM with *ret untouched. */
int networks_new(Networks **ret, const NetworksParams *params);

/* Accepts NULL. Always returns NULL. */
Networks *networks_free(Networks *n);
DEFINE_CLEANUP(Networks *, networks_free)

/* True if there is a limit for networks of this length and family that are wider than one address.
 */
bool networks_can_hold(const Networks *n, const NetworkLimit *limit);

/* Records a failure by a host of this network, whose length is that of a limit. Times may arrive
 * out of order; one that is told very late may be judged without some of its neighbours.
 *
 * Returns 1 if failures that include it now lie within findtime, weigh the limit and come from
 * enough addresses, 0 if not, -ENOMEM if it could not be recorded. After a 1 the network starts
 * again from zero; what convicted it is told by networks_get_convicting(). */
int networks_hit(Networks *n,
                const Address *net,
                const Address *host,
                const TrackerFailure *failure);

/* The failures that made the last networks_hit() return 1: those within the window that were kept,
 * oldest first. Borrowed until the next call. */
const TrackerFailure *networks_get_convicting(const Networks *n, size_t *ret_n);

/* Records a failure of which it is not asked what it leads to: it was decided already, or it leads
 * to something else. Nothing starts again from zero. Returns 0 or -ENOMEM. */
int networks_record(Networks *n,
                const Address *net,
                const Address *host,
                const TrackerFailure *failure);

/* Forgets the failures of exactly this network up to and including the given time, also those that
 * are told later. Returns 0 or -ENOMEM. */
int networks_forget(Networks *n, const Address *net, usec_t until);

/* Forgets the failures of hosts within this address or prefix, up to and including the given time,
 * in the networks around it. */
void networks_forget_member(Networks *n, const Address *a, usec_t until);

/* Drops networks that have been quiet for longer than findtime. Only gives memory back. */
void networks_expire(Networks *n, usec_t now);

void networks_get_stats(const Networks *n, NetworksStats *ret);
