/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What `networks =` is made of
 *
 * How many failures ban a network of which length. A plain value.
 */

#include <stdbool.h>
#include <stddef.h>

#define NETWORK_LIMITS_MAX 8

/* The lengths in bits; the family follows from them. */
#define NETWORK_IPV4_MIN 8
#define NETWORK_IPV4_MAX 31
#define NETWORK_IPV6_MIN 32
#define NETWORK_IPV6_MAX 63

/* What the failures in a network may weigh, and from how many addresses they come at least: one or
 * two are dealt with by themselves. */
#define NETWORK_LIMIT_MAX 1000
#define NETWORK_ADDRESSES 3

typedef struct NetworkLimit {
        int family;
        unsigned prefixlen;
        unsigned limit; /* failures that weigh so much ban such a network */
} NetworkLimit;

typedef struct NetworkLimits {
        NetworkLimit limits[NETWORK_LIMITS_MAX]; /* the longest prefixes, and IPv6, first */
        size_t n_limits;
} NetworkLimits;

/* Reads words like "24:30", separated by spaces or commas. Returns 0 and fills *ret; -EINVAL if a
 * word is none, -EEXIST if its length was there already, both with the word in *ret_bad, of n_bad
 * bytes within s; -E2BIG if there are too many. *ret is untouched on error. */
int network_limits_parse(NetworkLimits *ret,
                const char *s,
                const char **ret_bad,
                size_t *ret_n_bad);
