/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Rulesets that are loaded at boot
 *
 * The table of bans has no place in one: what was saved there is out of date when it is loaded, and
 * while the table is owned, the kernel refuses the whole file.
 */

#include "base/macro.h"

/* Looks for the table of bans in the files that nftables.service of the usual distributions loads,
 * and in those that they include, below a directory, which is "" for the host's own. Files that
 * cannot be read are passed over.
 *
 * Returns 1 and passes ownership of the path of the first file that has it, 0 if none has, or
 * -ENOMEM. */
int saved_ruleset_find(const char *root, char **ret);
