/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Socket units
 *
 * What systemd itself listens on for the units of a jail. Where the kernel has no BPF for systemd,
 * as in many containers, it opens these sockets in its own control group, and listeners.h cannot
 * tell for whom.
 */

#include <stddef.h>

#include "engine/listeners.h"
#include "model/match.h"

/* The TCP ports of the active socket units that go with a match: ssh.socket for ssh.service and for
 * system-ssh.slice. Asks systemd over the system bus. Returns their number, at most max; 0 also if
 * there is nobody to ask. */
size_t sockets_of_match(const Match *match, ListenerPort *ret, size_t max);
