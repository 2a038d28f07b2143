/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who listens where
 *
 * The TCP and UDP ports on which something listens, and the units whose processes opened them, as
 * sock_diag(7) and the control groups tell. Needs no privilege. A snapshot; read it again to see
 * changes.
 *
 * Sockets that systemd itself opened for socket units may be in its own control group. Only systemd
 * can tell of those; what it says is read here.
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

/* True if something listens on one of the ports, by one of their protocols. */
bool listeners_any(const Listeners *l, const PortSet *ports);

typedef struct ListenerPort {
        uint16_t port;
        char unit[256]; /* that opened it; cut off if it is longer */
} ListenerPort;

/* The ports on which the units of a match listen by one of the protocols (PortProtocol, or-ed), in
 * order and each once: the service itself, the instances of a template, and the socket unit of the
 * same name. What only listens on loopback is left out. Returns their number, at most max. */
size_t listeners_of_match(const Listeners *l,
                const Match *match,
                unsigned protocols,
                ListenerPort *ret,
                size_t max);

/* True if the control group, "/system.slice/ssh.service" and so on, belongs to the unit or slice of
 * a match term, or to the socket unit that goes with it. */
bool listeners_path_fits(const char *path, const MatchTerm *term);

/* The port in what systemd shows of a ListenStream= or ListenDatagram=: "[::]:22", "192.0.2.1:22".
 * Returns it, 0 if it listens on loopback only, or -EINVAL if this is no address with a port. */
int listeners_parse_socket(const char *s);

/* The socket unit that by its name goes with a term: "ssh.socket" for _SYSTEMD_UNIT=ssh.service and
 * _SYSTEMD_SLICE=system-ssh.slice. Returns false if there is none, or its name does not fit. */
bool listeners_socket_of_term(const MatchTerm *term, char *buf, size_t size);
