/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What --since= and --until= say
 */

#include "base/usec.h"
#include "ctl/options.h"

/* Reads the options. *since and *until stay what they are where nothing is said. Returns 0, or
 * -EINVAL, reported, if one is no time or they are the wrong way around. */
int period_parse(const Options *options, usec_t now, usec_t *since, usec_t *until);
