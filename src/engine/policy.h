/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Policy
 *
 * Whom a failure counts for, and until when a ban lasts. Pure functions.
 */

#include "base/usec.h"
#include "model/address.h"
#include "model/allowlist.h"

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
