/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * banctl verify --live
 */

#include "ctl/options.h"

/* Has banjod compare its bans with nftables and the database, and prints what differs. Returns an
 * exit status, EXIT_DIFFERENT if anything does. */
int verify_live(const Options *options);
