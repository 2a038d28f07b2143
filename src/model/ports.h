/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Ports
 *
 * The ports that a jail guards, with their protocols. A PortSet is a plain value of fixed size:
 * copy it by assignment.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct PortRange {
        uint16_t first; /* host byte order, ends included; first <= last, never 0 */
        uint16_t last;
} PortRange;

#define PORTS_RANGES_MAX 64

typedef enum PortProtocol {
        PORT_TCP = 1 << 0,
        PORT_UDP = 1 << 1,
} PortProtocol;

typedef struct PortSet {
        PortRange ranges[PORTS_RANGES_MAX]; /* sorted, neither overlapping nor touching */
        size_t n_ranges;
        unsigned protocols; /* PortProtocol, or-ed; never 0 */
        bool any;           /* every port of the host; ranges are empty then */
} PortSet;

/* Reads a list of numbers ("22"), ranges ("6000-6010"), service names as in services(5) ("smtp",
 * "submissions") and "any", separated by spaces or commas. The protocols must have been set
 * before: a name has to be known for one of them.
 *
 * Returns 0 and fills ranges and any of *ports; -EINVAL if a word is neither, with *ret_bad
 * pointing to it within s; -E2BIG with more than PORTS_RANGES_MAX ranges. *ports is untouched on
 * error. */
int ports_parse(const char *s, PortSet *ports, const char **ret_bad);

/* Reads "tcp", "udp" or both. Returns the or-ed protocols, or -EINVAL. */
int ports_parse_protocols(const char *s);

/* Adds a single port. Returns 0, or -E2BIG with *ports untouched if there are too many ranges. */
int ports_add(PortSet *ports, uint16_t port);

bool ports_equal(const PortSet *a, const PortSet *b);

bool ports_contains(const PortSet *ports, uint16_t port);

/* Enough for what most sets look like in text. */
#define PORTS_STR_SIZE 256

/* Writes the set as ports_parse() reads it, "22,6000-6010" or "any", cut off with "..." when it
 * does not fit. Returns buf. */
const char *ports_format(const PortSet *ports, char *buf, size_t size);
