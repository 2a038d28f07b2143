/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/address.h"

#include <arpa/inet.h>

#include "base/macro.h"
#include "base/parse.h"

static_assert(sizeof(Address) == 20, "an Address is hashed and compared as bytes");

/* Zeroes the bits from prefixlen on. */
static void mask_bytes(uint8_t bytes[static 16], unsigned prefixlen) {
        for (unsigned i = 0; i < 16; i++) {
                unsigned first = i * 8;

                if (first >= prefixlen)
                        bytes[i] = 0;
                else if (first + 8 > prefixlen)
                        bytes[i] &= (uint8_t) (0xff << (first + 8 - prefixlen));
        }
}

int address_from_bytes(int family, const void *bytes, unsigned prefixlen, Address *ret) {
        Address a = { .family = (uint16_t) family };

        assert(bytes);
        assert(ret);

        if ((family != AF_INET && family != AF_INET6) || prefixlen > address_family_bits(family))
                return -EINVAL;

        memcpy(a.bytes, bytes, family == AF_INET ? 4 : 16);

        if (family == AF_INET6 && prefixlen >= 96 && IN6_IS_ADDR_V4MAPPED(&a.in6)) {
                memmove(a.bytes, a.bytes + 12, 4);
                memset(a.bytes + 4, 0, 12);
                a.family = AF_INET;
                prefixlen -= 96;
        }

        a.prefixlen = (uint16_t) prefixlen;
        mask_bytes(a.bytes, prefixlen);

        *ret = a;
        return 0;
}

int address_parse(const char *s, size_t n, Address *ret) {
        char buf[INET6_ADDRSTRLEN];
        uint8_t bytes[16];
        const char *slash, *zone;
        unsigned prefixlen;
        int family;

        assert(s);
        assert(ret);

        /* It would end the text early for those who read strings, and hide what follows. */
        if (memchr(s, '\0', n))
                return -EINVAL;

        slash = memchr(s, '/', n);
        family = memchr(s, ':', n) ? AF_INET6 : AF_INET;
        prefixlen = address_family_bits(family);

        if (slash) {
                char digits[4] = "";
                size_t n_digits = (size_t) (s + n - slash - 1);
                uint64_t value;

                if (n_digits >= sizeof(digits))
                        return -EINVAL;
                memcpy(digits, slash + 1, n_digits);
                if (parse_uint64(digits, 0, prefixlen, &value) < 0)
                        return -EINVAL;
                prefixlen = (unsigned) value;
                n = (size_t) (slash - s);
        }

        if (n >= 2 && s[0] == '[' && s[n - 1] == ']') {
                s++;
                n -= 2;
        }

        zone = memchr(s, '%', n);
        if (zone) {
                if (family != AF_INET6 || zone + 1 == s + n)
                        return -EINVAL;
                n = (size_t) (zone - s);
        }

        if (n == 0 || n >= sizeof(buf))
                return -EINVAL;
        memcpy(buf, s, n);
        buf[n] = '\0';

        if (inet_pton(family, buf, bytes) != 1)
                return -EINVAL;

        return address_from_bytes(family, bytes, prefixlen, ret);
}

const char *address_format(const Address *a, char buf[static ADDRESS_STR_SIZE]) {
        assert(a);
        assert(buf);

        if (!inet_ntop(a->family, a->bytes, buf, ADDRESS_STR_SIZE))
                assert(false);

        if (!address_is_host(a)) {
                size_t n = strlen(buf);

                (void) snprintf(buf + n, ADDRESS_STR_SIZE - n, "/%u", a->prefixlen);
        }

        return buf;
}

void address_widen(Address *a, unsigned prefixlen) {
        assert(a);
        assert(prefixlen <= address_family_bits(a->family));

        if (prefixlen >= a->prefixlen)
                return;

        a->prefixlen = (uint16_t) prefixlen;
        mask_bytes(a->bytes, prefixlen);
}

bool address_covers(const Address *net, const Address *a) {
        Address wide;

        assert(net);
        assert(a);

        if (net->family != a->family || net->prefixlen > a->prefixlen)
                return false;

        wide = *a;
        address_widen(&wide, net->prefixlen);
        return address_equal(net, &wide);
}

bool address_is_loopback(const Address *a) {
        static const Address loopback = {
                .bytes = { 127 },
                .family = AF_INET,
                .prefixlen = 8,
        };

        assert(a);

        return address_covers(&loopback, a) ||
               (a->family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6) && address_is_host(a));
}

bool address_equal(const Address *a, const Address *b) {
        assert(a);
        assert(b);

        return memcmp(a, b, sizeof(*a)) == 0;
}

bool address_is_shared_prefix(const Address *a) {
        static const struct {
                uint8_t bytes[16];
                unsigned prefixlen;
        } shared[] = {
                { { 0 }, 64 },                            /* ::, ::1 and the old mapped forms */
                { { 0xfe, 0x80 }, 10 },                   /* link-local */
                { { 0x00, 0x64, 0xff, 0x9b }, 96 },       /* NAT64 */
                { { 0x00, 0x64, 0xff, 0x9b, 0, 1 }, 48 }, /* NAT64, local use */
                { { 0x20, 0x01, 0, 0 }, 32 },             /* Teredo */
                { { 0x20, 0x02 }, 16 },                   /* 6to4 */
        };

        assert(a);

        if (a->family != AF_INET6)
                return false;

        for (size_t i = 0; i < ELEMENTSOF(shared); i++) {
                Address net;
                int r;

                r = address_from_bytes(AF_INET6, shared[i].bytes, shared[i].prefixlen, &net);
                assert(r >= 0);
                (void) r;
                if (address_covers(&net, a) || address_covers(a, &net))
                        return true;
        }

        return false;
}
