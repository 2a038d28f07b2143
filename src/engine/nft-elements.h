/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Elements the kernel holds
 */

#include <stddef.h>

#include "engine/firewall.h"
#include "engine/nft-link.h"
#include "model/address.h"

typedef struct NftElement {
        Address address;
        FirewallElement element;
} NftElement;

/* Reads at most max elements of a set of addresses, which are prefixes of the given length. The
 * kernel needs quadratic time for it. Uses a link of its own, so that it may stop halfway.
 *
 * Returns 0 and passes ownership of *ret, which free() releases; -ENOENT if there is no such set;
 * or another negative errno. */
int nft_list_set(const char *table,
                const char *set,
                int family,
                unsigned prefixlen,
                size_t max,
                NftElement **ret,
                size_t *ret_n);

/* 1 and *ret, which may be NULL, if the set holds the address; 0 if not, or if there is no such
 * set; or a negative errno. */
int nft_get_element(NftLink *l, const char *set, const Address *address, FirewallElement *ret);

/* chain is NULL if the element does anything but jump to one. */
typedef void (*NftPortHandler)(uint16_t port, const char *chain, void *userdata);

/* Reads a map from ports to chains. Returns 0; -EINTR if somebody changed the ruleset meanwhile, so
 * that some may be missing; or another negative errno. */
int nft_list_ports(NftLink *l, const char *map, NftPortHandler handler, void *userdata);
