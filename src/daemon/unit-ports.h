/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The ports of units
 *
 * On which ports the units of a jail with `ports = auto` listen, and when to look again: by the
 * clock, and as soon as systemd says over the message bus that one of them was started, stopped or
 * reloaded.
 *
 * For most the kernel knows who listens (engine/listeners.h). The sockets of socket units belong to
 * systemd, which is asked for them; without a bus they are not known.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macro.h"
#include "engine/listeners.h"
#include "model/config.h"

typedef struct UnitPorts UnitPorts;

/* It is time to look at the ports again. `settled` is set when nothing has happened for a minute.
 */
typedef void (*UnitPortsHandler)(bool settled, void *userdata);

/* Returns 0 and passes ownership, or a negative errno. */
int unit_ports_new(UnitPorts **ret, sd_event *event, UnitPortsHandler handler, void *userdata);

/* Accepts NULL. Always returns NULL. */
UnitPorts *unit_ports_free(UnitPorts *u);
DEFINE_CLEANUP(UnitPorts *, unit_ports_free)

/* Takes over which units are to be followed: those of jails with `ports = auto`. Returns 0 or a
 * negative errno. */
int unit_ports_follow(UnitPorts *u, const Config *config);

/* To be called whenever there is another connection to the message bus, or none any more. */
void unit_ports_connect(UnitPorts *u, sd_bus *connection);

/* Adds the ports that the units of a match listen on, by one of ports->protocols, as far as there
 * is room. */
void unit_ports_collect(const UnitPorts *u,
                const Listeners *listeners,
                const Match *match,
                PortSet *ports);
