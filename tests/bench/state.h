/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Databases full of bans
 */

#include <stdbool.h>

#include "engine/store.h"

/* Opens the database of a state directory, or makes it. */
Store *state_open(const char *directory);

/* Writes n bans of bench_address(), from the first on, as the daemon does. Returns the seconds it
 * took. */
double state_write(Store *s, unsigned first, unsigned n, bool durable, const StorePosition *p);
