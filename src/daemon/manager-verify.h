/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether all that know of bans know the same
 *
 * The lists of running bans are the truth while the daemon runs. What the kernel and the database
 * have is compared with them, either of all bans or of a sample, in small steps between other
 * events. The daemon looks at a sample by itself every hour, and at all when told to
 * (manager_repair()), and then puts right what differs. Differences that are only asked for stay.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"
#include "daemon/manager.h"
#include "engine/firewall.h"
#include "model/address.h"

typedef enum DifferenceKind {
        DIFFERENCE_TABLE,          /* of the rules, chains and sets themselves; has no address */
        DIFFERENCE_KERNEL_MISSING, /* the kernel does not have a ban */
        DIFFERENCE_KERNEL_END,     /* it has another end there */
        DIFFERENCE_KERNEL_UNKNOWN, /* the kernel has an address that is not banned */
        DIFFERENCE_STORE_MISSING,  /* the same of the database */
        DIFFERENCE_STORE_END,
        DIFFERENCE_STORE_UNKNOWN,
        _DIFFERENCE_MAX,
} DifferenceKind;

/* "missing-in-kernel" and so on; part of the interface. */
const char *difference_kind_to_string(DifferenceKind kind);

#define DIFFERENCE_JAIL_SIZE 33

typedef struct Difference {
        DifferenceKind kind;
        char jail[DIFFERENCE_JAIL_SIZE]; /* "" if of none */
        Address address;
        usec_t end;   /* of the ban; 0 if there should be none, USEC_INFINITY for good */
        usec_t found; /* the same of what was found */
} Difference;

/* Differences that are told one by one. */
#define VERIFICATION_TOLD_MAX 1000u

typedef struct Verification {
        size_t n_bans;    /* that run */
        size_t n_checked; /* of them */
        size_t n_found;   /* differences */
        size_t n_by_kind[_DIFFERENCE_MAX];
        const Difference *told; /* the first of them */
        size_t n_told;
        int error; /* a negative errno if it could not be finished */
} Verification;

/* Called once; NULL if the daemon stops. */
typedef void (*VerifyHandler)(const Verification *result, void *userdata);

/* Those who wait for an answer at most. */
#define MANAGER_VERIFIERS_MAX 16

/* Compares all running bans or a sample. Who asks while others wait for the same gets the same
 * answer. Returns 0, and the handler will be called; or -EBUSY if too many wait. */
int manager_verify(Manager *m, bool all, VerifyHandler handler, void *userdata);

/* How far it is, in bans; 0 of 0 if nothing is compared. */
void manager_get_verify_progress(const Manager *m, uint64_t *ret_n_done, uint64_t *ret_n_all);

/* Compares everything, and puts right what differs. What was done is reported. */
void manager_repair(Manager *m);
