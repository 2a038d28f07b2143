/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What an administrator should know
 *
 * Things that are no errors of banjod and yet mean that it does not protect as it seems to.
 */

#include <stddef.h>

#include "base/macro.h"
#include "ctl/jails.h"

#define WARNINGS_MAX 64
#define WARNING_SIZE 384

typedef struct Warning {
        const char *kind; /* for programs; banctl(1) lists them */
        const char *jail; /* NULL if it is about none; borrowed from the list of jails */
        char text[WARNING_SIZE];
} Warning;

typedef struct Warnings {
        Warning warnings[WARNINGS_MAX];
        size_t n_warnings;
} Warnings;

/* Those beyond WARNINGS_MAX are dropped. */
void warnings_add(Warnings *w, const char *kind, const char *jail, const char *format, ...)
                _printf_(4, 5);

/* What to do about warnings of a kind; "" if their text says all. */
const char *warning_advice(const char *kind);

/* Jails that were refused, jails whose bans do not hold and so on and, if they are this host's,
 * jails on whose ports nothing listens. */
void warnings_about_jails(Warnings *w, const JailList *jails, const Options *options);

/* Other ban daemons beside us. */
void warnings_about_rivals(Warnings *w);

/* The table of bans among those that are loaded at boot. */
void warnings_about_rulesets(Warnings *w);
