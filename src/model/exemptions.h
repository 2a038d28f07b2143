/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Exemptions
 *
 * What an administrator says while the daemon runs: an address is allowed, or a jail pauses, from
 * one moment to another. What happens between them counts nothing. They are asked about by the time
 * of an entry, so that reading the journal again leads to the same answers; that is why one that is
 * over stays for as long as windows reach back.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"

/* At a time, those that are over included. */
#define EXEMPTIONS_MAX 1000

typedef struct Exemption {
        char *jail;      /* the one that pauses, and then there is no address; or NULL: */
        Address address; /* or prefix that all jails allow */
        usec_t since;
        usec_t until; /* the first moment after it; USEC_INFINITY for good */
        char *reason; /* "" if none was given */
} Exemption;

typedef struct Exemptions {
        Exemption *exemptions; /* in the order in which they began */
        size_t n_exemptions;
} Exemptions;

/* Frees the memory of what began as all zeroes. */
void exemptions_done(Exemptions *e);

/* Adds a copy. Returns 0; -E2BIG at EXEMPTIONS_MAX; -ENOMEM. */
int exemptions_add(Exemptions *e, const Exemption *exemption);

/* Ends those of exactly this address, or the pause of this jail, that hold at the moment. Returns
 * how many they were. */
size_t exemptions_end_address(Exemptions *e, const Address *a, usec_t when);
size_t exemptions_end_pause(Exemptions *e, const char *jail, usec_t when);

/* Drops what was over before a moment. */
void exemptions_expire(Exemptions *e, usec_t before);

/* Whether it holds at the moment. */
bool exemption_holds(const Exemption *exemption, usec_t when);

/* True if the address, or every address of the prefix, is allowed at the moment. */
bool exemptions_cover(const Exemptions *e, const Address *a, usec_t when);

/* True if some address of the prefix is. */
bool exemptions_overlap(const Exemptions *e, const Address *net, usec_t when);

bool exemptions_have_pause(const Exemptions *e, const char *jail, usec_t when);

/* When the next one ends that holds at the moment; USEC_INFINITY if none ever does. */
usec_t exemptions_next_end(const Exemptions *e, usec_t when);
