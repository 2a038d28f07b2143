/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What /proc tells
 */

#include <stdbool.h>
#include <stdint.h>

/* The ports from which the kernel lets this host's own connections start, ends included; the
 * kernel's default where it cannot be read. */
void proc_local_ports(uint16_t *ret_first, uint16_t *ret_last);

/* True if connection tracking has entries in the network namespace of the caller. */
bool proc_is_tracking(void);
