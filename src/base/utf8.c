/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/utf8.h"

#include <stdint.h>

/* Stops at the terminating NUL, which is no continuation byte. */
size_t utf8_character_size(const char *text) {
        const uint8_t *s = (const uint8_t *) text;
        uint8_t low = 0x80, high = 0xbf; /* of the second byte */
        size_t n;

        if (s[0] < 0x80)
                return 1;
        if (s[0] >= 0xc2 && s[0] <= 0xdf)
                n = 2;
        else if (s[0] >= 0xe0 && s[0] <= 0xef)
                n = 3;
        else if (s[0] >= 0xf0 && s[0] <= 0xf4)
                n = 4;
        else
                return 0;

        /* RFC 3629, section 4 */
        if (s[0] == 0xe0)
                low = 0xa0;
        else if (s[0] == 0xed)
                high = 0x9f;
        else if (s[0] == 0xf0)
                low = 0x90;
        else if (s[0] == 0xf4)
                high = 0x8f;

        if (s[1] < low || s[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if (s[i] < 0x80 || s[i] > 0xbf)
                        return 0;

        return n;
}

bool utf8_is_valid(const char *s) {
        while (*s) {
                size_t n = utf8_character_size(s);

                if (n == 0)
                        return false;
                s += n;
        }

        return true;
}
