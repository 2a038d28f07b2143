/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reading ahead of whoever wants all running bans
 *
 * A thread with a connection of its own reads them in the order of their addresses, some thousand
 * ahead. What changes meanwhile is handed out as it was or as it is: whoever changes bans has to
 * know those better.
 */

#include "base/macro.h"
#include "engine/store.h"

typedef struct StoreReader StoreReader;

/* Begins to read what is committed. Returns 0 and passes ownership; -EROFS if there is no database
 * on disk now; another negative errno. */
int store_reader_new(StoreReader **ret, const Store *s);

/* Hands out the next ones, at most max, and waits until they are read. No statement runs meanwhile,
 * so the handler may change the store. Rows that make no sense are passed over. Returns how many
 * there were, fewer than max only at the end; what the handler returned, if that is negative;
 * -EBADMSG if it came upon damage, after what could be read; or another negative errno, as
 * store_foreach_ban() does. */
int store_reader_next(StoreReader *r, size_t max, StoreHandler handler, void *userdata);

/* From within the handler: the address of the ban that comes n later, or NULL if there is none or
 * it is not read yet. It is valid until the handler returns. */
const Address *store_reader_ahead(const StoreReader *r, size_t n);

/* Breaks off what is not read yet. Accepts NULL. Always returns NULL. */
StoreReader *store_reader_free(StoreReader *r);
DEFINE_CLEANUP(StoreReader *, store_reader_free)
