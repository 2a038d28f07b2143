/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Forgeable patterns
 *
 * A peer chooses some of the text in the messages about him: his user name, a path, a banner. A
 * pattern that can mistake an address in such text for the peer's own lets him have anybody banned.
 * This looks for a message that proves it.
 */

#include "base/macro.h"

/* What stands in the message found: the peer's own address, and the one he smuggles in. */
#define FORGERY_PEER "198.51.100.66"
#define FORGERY_PEER_IP6 "2001:db8:a::66"
#define FORGERY_VICTIM "203.0.113.9"
#define FORGERY_VICTIM_IP6 "2001:db8:b::9"

/* Tries a regular expression with a group "addr" that has to cover a whole message. Taken as the
 * peer's to write is every place where at least 64 bytes of a class can stand, within that class;
 * anything in the groups "user" and "content"; and nothing behind (?#server), which <TEXT> begins
 * with. It is a search by example: what it finds is true, and what it does not find may still be.
 *
 * Returns 1 and an allocated message, which the caller frees; 0 if none was found or there is no
 * address; -EOPNOTSUPP if the expression is more than specimen.h understands; -EINVAL if it does
 * not compile; -ENOMEM. */
int forgery_find(const char *regex, char **ret_message);
