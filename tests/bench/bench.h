/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the benchmarks share
 *
 * Whatever fails ends the program and says why.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/address.h"

/* What elements last that are put into sets. */
#define BENCH_TIMEOUT (24 * USEC_PER_HOUR)

/* Seconds of the monotonic clock. */
double bench_now(void);

void bench_sort(double *values, size_t n);

/* Enters a network namespace of its own. */
void bench_enter_namespace(void);

/* The i-th /64 of 2001:db8::/32, scattered as those of attackers are. */
Address bench_address(unsigned i);

/* Has nft(8) add n such addresses to a set. Returns the seconds it took, or less than 0 without
 * nft, which is reported. */
double bench_nft(unsigned n);

/* Makes the socket that banjod says on that it is ready, as systemd would give it. */
int bench_notify_socket(void);

/* Starts banjod. */
pid_t bench_spawn(char *argv[]);

/* True if it says on the socket within that time that it is ready. */
bool bench_is_ready(int notify, int timeout_msec);

/* The same, and waits until it is. */
pid_t bench_start(char *argv[], int notify);
void bench_stop(pid_t pid);
