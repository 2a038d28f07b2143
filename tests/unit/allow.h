/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Fills an allowlist from a text, for tests. */

#include "test.h"

#include "base/parse.h"
#include "model/allowlist.h"

static inline void allow(Allowlist *l, const char *text) {
        const char *word;
        size_t n;

        while ((n = parse_word(&text, ",", &word)) > 0) {
                Address a;

                assert_ok(address_parse(word, n, &a));
                assert_ok(allowlist_add(l, &a));
        }
}
