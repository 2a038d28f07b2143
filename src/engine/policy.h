/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Policy
 *
 * Whom a failure counts for, how long a ban is, and until when it lasts. Pure functions.
 */

#include "base/usec.h"
#include "model/address.h"
#include "model/allowlist.h"
#include "model/config.h"

/* What is counted and banned for a host, in bits. An IPv6 peer typically holds a whole /64 and
 * changes within it at will; RFC 6177 has why end sites get no less. */
typedef struct PolicyPrefixes {
        unsigned ipv4;
        unsigned ipv6;
        bool spoofable; /* nobody has verified the addresses: the host alone, always */
} PolicyPrefixes;

/* What a host's failure counts for, and what is banned for it: its network of the prefix length of
 * its family, unless that is shared by strangers (address_is_shared_prefix()) or holds an allowed
 * address, in which case it is the host itself. */
Address policy_target(const PolicyPrefixes *prefixes, const Allowlist *allow, const Address *host);

/* Earlier bans beyond these make no difference. */
#define POLICY_EARLIER_MAX CONFIG_PERMANENT_AFTER_MAX

/* A ban that grows stops here; one that is configured to be longer does not grow. 100 years. */
#define POLICY_GROWN_MAX (36525 * USEC_PER_DAY)

/* Whether the number of earlier bans matters to a jail. */
bool policy_grows(const JailConfig *config);

/* The length of the ban of an offender who had so many bans before that still count. `luck` chooses
 * the part of the jitter; see policy_luck(). USEC_INFINITY for good, which growth never leads to:
 * only what says so does. */
usec_t policy_bantime(const JailConfig *config, unsigned n_earlier, uint64_t luck);

/* A number that is always the same for the same ban, so that an entry that is read again after a
 * crash leads to a ban with the same end, and that nobody can tell beforehand who does not know the
 * key. */
#define POLICY_KEY_SIZE 16
uint64_t policy_luck(const uint8_t key[static POLICY_KEY_SIZE],
                const char *jail,
                const Address *a,
                usec_t start);

/* No ban with an end is longer: what the kernel takes. 300 years. */
#define POLICY_LENGTH_MAX (300 * 365 * USEC_PER_DAY)

/* When a ban that begins at `start` ends: USEC_INFINITY for a bantime of USEC_INFINITY, and never
 * for a finite one. */
usec_t policy_end(usec_t start, usec_t bantime);

/* 2026-01-01. A clock that says less has not been set yet. */
#define POLICY_CLOCK_EPOCH (UINT64_C(1767225600) * USEC_PER_SEC)

/* What remains of a ban. `now` is the clock, `newest` the time of the journal entry handled last.
 * On a machine that boots in the past, before POLICY_CLOCK_EPOCH, the journal knows better;
 * otherwise the clock counts, since one entry from a clock that was ahead must not end all bans. A
 * ban is never longer than it was meant to be. 0 if it is over. */
usec_t policy_remaining(usec_t start, usec_t end, usec_t now, usec_t newest);
