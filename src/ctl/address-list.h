/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Addresses that a verb is told
 *
 * By its arguments, by files and by the standard input. Lists have an address or prefix on each
 * line; "#" or ";" begins a comment, and lines may be empty.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/macro.h"
#include "ctl/options.h"
#include "model/address.h"

typedef struct AddressList {
        Address *addresses;
        size_t n;
        size_t n_allocated;
        size_t n_mistakes; /* lines that are no address, each of which was reported, up to a limit
                            */
} AddressList;

void address_list_done(AddressList *l);

/* Reads the arguments, of which "-" is the standard input, and the files of --file=. Returns an
 * exit status, and has reported what is wrong. */
int address_list_read(AddressList *ret, int argc, char **argv, const Options *options);

/* The jail from --jail= or, if that is a word without dot or colon, the first argument of a verb;
 * "" if neither names one. Returns how many arguments that took, or a negative errno, reported. */
int address_list_get_jail(int argc, char **argv, const Options *options, const char **ret);

/* Appends what is in a list that is called `name` in messages. Returns 0 or a negative errno; lines
 * that are wrong are counted. */
int address_list_append(AddressList *l, FILE *f, const char *name);

/* Of the results of two addresses, the exit status to end with: to be refused says more than to
 * have failed, and that the disk does not have what was done says least. */
int worst_result(int a, int b);
