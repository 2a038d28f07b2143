/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Questions to the kernel over netlink
 *
 * A socket, one question after the other, and the answers to each.
 */

#include <libmnl/libmnl.h>
#include <stdint.h>

#include "base/macro.h"

typedef struct Netlink Netlink;

/* Opens a socket that belongs to no group. Returns 0 and *ret, which is closed with
 * mnl_socket_close(); -EOPNOTSUPP if the kernel does not know the protocol; or another negative
 * errno. */
int netlink_open(struct mnl_socket **ret, int protocol);

/* The same, to ask over it. Returns 0 and passes ownership, or as netlink_open(). */
int netlink_new(Netlink **ret, int protocol);

/* Accepts NULL. Always returns NULL. */
Netlink *netlink_free(Netlink *n);
DEFINE_CLEANUP(Netlink *, netlink_free)

/* Begins a question in the buffer, to which the caller appends what it is about. flags come on top
 * of NLM_F_REQUEST; NLM_F_DUMP or NLM_F_ACK has to be among them, so that the answer has an end. */
struct nlmsghdr *netlink_begin(Netlink *n, void *buffer, uint16_t type, uint16_t flags);

/* Sends the question that was begun last, and hands each message of the answer to the callback,
 * which may be NULL. One that returns MNL_CB_STOP, or MNL_CB_ERROR with errno set, ends the
 * reading; what was not read then stays in the socket, over which nothing can be asked any more.
 * Returns 0 or a negative errno: the kernel's, -EINTR for a list that changed on the way, or the
 * callback's. */
int netlink_ask(Netlink *n, const struct nlmsghdr *question, mnl_cb_t callback, void *userdata);
