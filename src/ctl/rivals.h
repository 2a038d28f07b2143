/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Other ban daemons that run on this host
 */

#include <stddef.h>

/* fail2ban, sshguard, CrowdSec: those that run in our network namespace, each once. Returns their
 * number, at most max; the names are static. */
size_t rivals_find(const char **ret_names, size_t max);

/* The daemon whose process has this name, as /proc/PID/comm shows it, or NULL. */
const char *rivals_from_comm(const char *comm);
