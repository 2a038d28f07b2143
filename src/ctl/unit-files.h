/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which units this host has
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>

/* True if there is a unit of this name, a template or an instance of one, or for a glob any unit
 * that fits: as a file that systemd would read, or loaded by the systemd that the bus leads to,
 * which may be NULL. */
bool unit_exists(sd_bus *bus, const char *unit);

/* The template of an instance, "ssh@.service" for "ssh@1.service", which is also its own. Returns
 * false if this is none, or too long. */
bool unit_template(const char *unit, char *buf, size_t size);
