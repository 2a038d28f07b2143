/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Seeing whether the table of running bans is sound
 *
 * Who reads it meets damage only where he reads. The check goes through every page of the table and
 * of its indices, in a thread with a connection of its own: a third of a second for a million bans.
 */

#include "base/macro.h"
#include "engine/store.h"

typedef struct StoreCheck StoreCheck;

/* Begins to look at what is committed. Returns 0 and passes ownership; -EROFS if there is no
 * database on disk now; another negative errno. */
int store_check_new(StoreCheck **ret, const Store *s);

/* Readable as soon as the verdict is there. The descriptor stays the check's. */
int store_check_get_fd(const StoreCheck *c);

/* Waits for the verdict: 0 if the table is sound, -EBADMSG if it is damaged, or another negative
 * errno if nobody can say. */
int store_check_wait(StoreCheck *c);

/* Breaks off a check that goes on. Accepts NULL. Always returns NULL. */
StoreCheck *store_check_free(StoreCheck *c);
DEFINE_CLEANUP(StoreCheck *, store_check_free)
