/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/network-limits.h"

#include <stdint.h>
#include <sys/socket.h>

#include "base/macro.h"
#include "base/parse.h"

/* The number in the n bytes at s. */
static int parse_part(const char *s, size_t n, uint64_t min, uint64_t max, unsigned *ret) {
        char text[8] = "";
        uint64_t value;
        int r;

        if (n >= sizeof(text))
                return -EINVAL;
        memcpy(text, s, n);

        r = parse_uint64(text, min, max, &value);
        if (r < 0)
                return -EINVAL;

        *ret = (unsigned) value;
        return 0;
}

/* "LENGTH:LIMIT". */
static int parse_limit(NetworkLimit *ret, const char *word, size_t n) {
        const char *colon = memchr(word, ':', n);
        NetworkLimit limit;
        size_t length;
        int r;

        if (!colon)
                return -EINVAL;
        length = (size_t) (colon - word);

        r = parse_part(word, length, NETWORK_IPV4_MIN, NETWORK_IPV6_MAX, &limit.prefixlen);
        if (r >= 0)
                r = parse_part(colon + 1, n - length - 1, 1, NETWORK_LIMIT_MAX, &limit.limit);
        if (r < 0)
                return r;

        limit.family = limit.prefixlen <= NETWORK_IPV4_MAX ? AF_INET : AF_INET6;
        *ret = limit;
        return 0;
}

/* Keeps the longest prefixes first. */
static int add_limit(NetworkLimits *l, const NetworkLimit *limit) {
        size_t place = l->n_limits;

        for (size_t i = 0; i < l->n_limits; i++)
                if (l->limits[i].prefixlen == limit->prefixlen)
                        return -EEXIST;
        if (l->n_limits == NETWORK_LIMITS_MAX)
                return -E2BIG;

        for (; place > 0 && l->limits[place - 1].prefixlen < limit->prefixlen; place--)
                l->limits[place] = l->limits[place - 1];
        l->limits[place] = *limit;
        l->n_limits++;
        return 0;
}

int network_limits_parse(NetworkLimits *ret,
                const char *s,
                const char **ret_bad,
                size_t *ret_n_bad) {
        NetworkLimits limits = {};
        const char *word;
        size_t n;

        assert(ret);
        assert(s);
        assert(ret_bad);
        assert(ret_n_bad);

        while ((n = parse_word(&s, ",", &word)) > 0) {
                NetworkLimit limit;
                int r;

                r = parse_limit(&limit, word, n);
                if (r >= 0)
                        r = add_limit(&limits, &limit);
                if (r < 0) {
                        *ret_bad = word;
                        *ret_n_bad = n;
                        return r;
                }
        }

        *ret = limits;
        return 0;
}
