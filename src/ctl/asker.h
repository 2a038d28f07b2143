/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where the asking administrator sits
 *
 * So that nobody bans himself out by a slip of the hand.
 */

#include <stddef.h>

#include "base/macro.h"
#include "model/address.h"

#define ASKERS_MAX 8

/* The addresses from which whoever runs us came in by ssh: what sshd put into our environment, or
 * into that of a process we descend from (sudo empties ours), and what logind knows of our session.
 * Returns their number. */
size_t askers_get(Address ret[static ASKERS_MAX]);

/* The address from SSH_CONNECTION= or SSH_CLIENT=: the text's first word. Returns 0 or -EINVAL. */
int asker_parse_variable(const char *value, Address *ret);

/* The parent in the text of /proc/PID/stat, whose second field is the program's name and may hold
 * anything. Returns a process id, 0 if there is none, or -EINVAL. */
int asker_parse_parent(const char *stat);
