/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What libsystemd is told to look for; for the reader (journal.h). */

#include <stddef.h>
#include <systemd/sd-journal.h>

#include "base/macro.h"
#include "engine/journal.h"

typedef struct Terms Terms;

/* Makes those of some wants, as journal_set_wants() says, whatever namespaces they are of. Returns
 * 0 and passes ownership, or -ENOMEM. */
int terms_new(Terms **ret, const JournalWant *const *wants, size_t n_wants);

Terms *terms_free(Terms *terms);
DEFINE_CLEANUP(Terms *, terms_free)

/* Has a handle look for these and nothing else. Its place is lost. Returns 0 or a negative errno.
 */
int terms_apply(const Terms *terms, sd_journal *handle);
