/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who listens where
 *
 * The TCP ports on which something listens, and the units whose processes opened them, as
 * sock_diag(7) and the control groups tell. Needs no privilege. A snapshot; read it again to see
 * changes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "model/match.h"
#include "model/ports.h"

typedef struct Listeners Listeners;

/* Returns 0 and passes ownership, or a negative errno. */
int listeners_new(Listeners **ret);
Listeners *listeners_free(Listeners *l);
DEFINE_CLEANUP(Listeners *, listeners_free)

/* True if something listens on one of the ports. */
bool listeners_any(const Listeners *l, const PortSet *ports);

typedef struct ListenerPort {
        uint16_t port;
        char unit[256]; /* that opened it; cut off if it is longer */
} ListenerPort;

/* The ports on which the units of a match listen, in order and each once: the service itself, the
 * instances of a template, and the socket unit of the same name. Returns their number, at most max.
 */
size_t listeners_of_match(const Listeners *l, const Match *match, ListenerPort *ret, size_t max);

/* True if the control group, "/system.slice/ssh.service" and so on, belongs to the unit or slice of
 * a match term, or to the socket unit that goes with it. */
bool listeners_path_fits(const char *path, const MatchTerm *term);
