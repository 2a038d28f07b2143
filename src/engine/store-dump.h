/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * All running bans as text
 *
 * One JSON object a line, for programs that want a million of them. They are read by a thread with
 * a connection of its own, as they are in the database when it begins, so nobody waits for whoever
 * reads slowly.
 */

#include <stdbool.h>

#include "base/macro.h"
#include "engine/store.h"

typedef struct StoreDump StoreDump;

/* Nobody is waited for longer than this without his reading anything, nor altogether: an old state
 * of the database has to be kept for as long. */
#define STORE_DUMP_PAUSE_SEC 20
#define STORE_DUMP_MAX_SEC 300

/* Begins to write what is committed to a pipe, of which *ret_fd is the end to read from: the
 * caller's. Whoever reads less than all of it finds the last line without its end. Returns 0 and
 * passes ownership; -EROFS if there is no database on disk now; another negative errno. */
int store_dump_new(StoreDump **ret, const Store *s, int *ret_fd);

/* True once nothing more is written. */
bool store_dump_is_over(const StoreDump *d);

/* Breaks off what is not written yet. Accepts NULL. Always returns NULL. */
StoreDump *store_dump_free(StoreDump *d);
DEFINE_CLEANUP(StoreDump *, store_dump_free)
