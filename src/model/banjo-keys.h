/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Keys of [banjo]
 *
 * What holds for the daemon as a whole.
 */

#include "base/macro.h"
#include "model/config.h"
#include "model/problem.h"
#include "model/settings.h"

typedef struct BanjoKey {
        const char *name;
        const char *standard; /* the default as it would be written */
        const char *wanted;   /* what a value should be */
        const char *help;     /* what the key is for, in one line */
        int (*parse)(Config *c,
                        const char *value); /* 0, or -EINVAL if this is not what is wanted */
} BanjoKey;

/* Ends with a name of NULL. */
extern const BanjoKey banjo_keys[];

/* NULL if there is none. */
const BanjoKey *banjo_key_find(const char *name);

/* Gives the configuration the defaults of all keys. */
void banjo_keys_read_defaults(Config *c);
