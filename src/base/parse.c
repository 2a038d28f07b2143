/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/parse.h"

#include <ctype.h>
#include <strings.h>

#include "base/macro.h"

int parse_bool(const char *s, bool *ret) {
        static const char *const words[][2] = {
                { "no", "yes" },
                { "false", "true" },
                { "off", "on" },
                { "0", "1" },
        };

        assert(s);
        assert(ret);

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                for (size_t value = 0; value < 2; value++)
                        if (strcasecmp(s, words[i][value]) == 0) {
                                *ret = value;
                                return 0;
                        }

        return -EINVAL;
}

int parse_uint64(const char *s, uint64_t min, uint64_t max, uint64_t *ret) {
        uint64_t n = 0;

        assert(s);
        assert(ret);

        if (!*s)
                return -EINVAL;

        for (const char *p = s; *p; p++)
                if (!isdigit((unsigned char) *p))
                        return -EINVAL;

        for (; *s; s++)
                if (__builtin_mul_overflow(n, 10, &n) ||
                                __builtin_add_overflow(n, (uint64_t) (*s - '0'), &n))
                        return -ERANGE;

        if (n < min || n > max)
                return -ERANGE;

        *ret = n;
        return 0;
}

int parse_size(const char *s, uint64_t *ret) {
        static const char units[] = "KMGT";
        const char *unit;
        char number[32];
        uint64_t n;
        size_t size;
        int r;

        assert(s);
        assert(ret);

        if (streq(s, "infinity")) {
                *ret = UINT64_MAX;
                return 0;
        }

        size = strspn(s, "0123456789");
        if (size >= sizeof(number))
                return -ERANGE;
        memcpy(number, s, size);
        number[size] = '\0';
        r = parse_uint64(number, 0, UINT64_MAX - 1, &n);
        if (r < 0)
                return r;

        if (s[size]) {
                unit = strchr(units, s[size]);
                if (!unit || s[size + 1])
                        return -EINVAL;
                for (; unit >= units; unit--)
                        if (__builtin_mul_overflow(n, 1024, &n))
                                return -ERANGE;
        }

        *ret = n;
        return 0;
}

size_t parse_word(const char **s, const char *separators, const char **ret) {
        size_t n;

        assert(s);
        assert(*s);
        assert(ret);

        while (**s && (strchr(" \t", **s) || strchr(separators, **s)))
                (*s)++;

        for (n = 0; (*s)[n] && !strchr(" \t", (*s)[n]) && !strchr(separators, (*s)[n]);)
                n++;

        *ret = *s;
        *s += n;
        return n;
}
