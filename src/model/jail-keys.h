/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Keys of jails
 *
 * The table of what may stand in a jail's section, with the parser of each key.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "model/config.h"
#include "model/problem.h"
#include "model/settings.h"

typedef struct JailKey JailKey;

struct JailKey {
        const char *name;
        const char *standard;  /* the default as it would be written; NULL where .otherwise says */
        const char *otherwise; /* where the default comes from, in words */
        const char *wanted;    /* what a value should be, with range and unit */
        const char *help;      /* what the key is for, in one line */
        bool in_default;       /* may stand in [default] */
        bool of_journal;       /* nothing to a jail that counts bans */
        /* NULL if the key needs the jail's filter, too. Returns 0, -EINVAL if the value is not what
         * is wanted, -EBADMSG if it is wrong and reported, or -ENOMEM. */
        int (*parse)(const JailKey *key,
                        JailConfig *j,
                        const char *value,
                        const Setting *setting,
                        ProblemSink *sink);
};

/* In the order in which they are parsed: ports need the protocol. Ends with a name of NULL. */
extern const JailKey jail_keys[];

/* NULL if there is none. */
const JailKey *jail_key_find(const char *name);

/* Gives the jail what the setting says. Mistakes are reported, and refuse the jail. Returns 0 or
 * -ENOMEM. */
int jail_key_read(const JailKey *key, JailConfig *j, const Setting *setting, ProblemSink *sink);

/* Gives a new jail the defaults of all keys. Returns 0 or -ENOMEM. */
int jail_key_read_defaults(JailConfig *j);

/* Reports that a value, or a word of it, should be something else. */
void setting_refuse(const Setting *s,
                const char *word,
                size_t n,
                const char *wanted,
                ProblemSink *sink);
