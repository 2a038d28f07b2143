/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Hints for keys that are not known
 *
 * Mistyped ones, those that belong to another section, and fail2ban's words.
 */

#include "base/macro.h"

/* Where a key was found. */
typedef enum KeyPlace {
        KEY_PLACE_BANJO,   /* [banjo] */
        KEY_PLACE_DEFAULT, /* [default] */
        KEY_PLACE_JAIL,
} KeyPlace;

#define KEY_HINT_SIZE 256

/* One sentence about a key that is not known at this place. Returns buf. */
const char *key_hint(const char *key, KeyPlace place, char buf[static KEY_HINT_SIZE]);

/* For a section of fail2ban's files that is none of ours: what it is here. NULL for others. */
const char *section_hint(const char *section);
