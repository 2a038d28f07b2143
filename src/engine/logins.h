/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who is logged in from where
 *
 * The remote sessions of root and of the members of some groups, as systemd-logind knows them: the
 * addresses that administrators work from right now. Users and groups are looked up with NSS when
 * sessions change, and never when somebody asks.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "model/address.h"

/* Groups looked up, and sessions kept, at most. */
#define LOGINS_GROUPS_MAX 64
#define LOGINS_MAX 1024

typedef struct Logins Logins;

/* Begins to watch. Nothing is read before logins_refresh(). Returns 0 and passes ownership of *ret;
 * -ENOENT if logind does not run (yet); another negative errno. */
int logins_new(Logins **ret);

/* Accepts NULL. Always returns NULL. */
Logins *logins_free(Logins *l);
DEFINE_CLEANUP(Logins *, logins_free)

/* Becomes readable when sessions may have changed; call logins_refresh() then. */
int logins_get_fd(const Logins *l);

/* Adds a group that somebody will ask about, from the next logins_refresh() on. Returns 0; -E2BIG
 * at LOGINS_GROUPS_MAX; -ENOMEM. */
int logins_add_group(Logins *l, const char *name);

/* Whether there was a group of this name at the last logins_refresh(). */
bool logins_has_group(const Logins *l, const char *name);

/* Reads all sessions anew. Returns 0, or a negative errno with the old state kept. */
int logins_refresh(Logins *l);

/* The user, root or a member of one of the groups (NULL-terminated), who is logged in from the
 * address, or from one in it, with that address in *ret_which. NULL if there is none. Borrowed
 * until logins_refresh(). */
const char *logins_find(const Logins *l, char *const *groups, const Address *a, Address *ret_which);

/* Calls the handler for every address somebody of interest is logged in from. A negative return
 * ends the walk and is returned. */
typedef int (*LoginsHandler)(const Address *a, void *userdata);
int logins_foreach(const Logins *l, LoginsHandler handler, void *userdata);
