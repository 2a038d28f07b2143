/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include <arpa/inet.h>

static void spellings_of_one_peer_are_equal(void **state) {
        static const struct {
                const char *text;
                const char *canonical;
        } cases[] = {
                { "192.0.2.1", "192.0.2.1" },
                { "192.0.2.1/32", "192.0.2.1" },
                { "192.0.2.77/24", "192.0.2.0/24" },
                { "192.0.2.77/0", "0.0.0.0/0" },
                { "::ffff:192.0.2.1", "192.0.2.1" },
                { "::ffff:c000:0201", "192.0.2.1" },
                { "::ffff:192.0.2.77/120", "192.0.2.0/24" },
                { "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
                { "2001:db8::1/128", "2001:db8::1" },
                { "2001:db8::1/64", "2001:db8::/64" },
                { "2001:db8:ffff:ffff::/33", "2001:db8:8000::/33" },
                { "[2001:db8::1]", "2001:db8::1" },
                { "[2001:db8::1]/64", "2001:db8::/64" },
                { "fe80::1%eth0", "fe80::1" },
                { "[fe80::1%eth0]", "fe80::1" },
                { "fe80::1%eth0/64", "fe80::/64" },
                { "::", "::" },
                { "::1", "::1" },
                { "2001:db8::192.0.2.1", "2001:db8::c000:201" },
        };
        char buf[ADDRESS_STR_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Address a = addr(cases[i].text), b = addr(cases[i].canonical);

                assert_string_equal(address_format(&a, buf), cases[i].canonical);
                assert_true(address_equal(&a, &b));
        }
}

static void what_is_no_address_is_refused(void **state) {
        static const char *const bad[] = {
                "",
                " ",
                "192.0.2",
                "192.0.2.256",
                "192.0.2.1.1",
                "192.0.2.01",
                " 192.0.2.1",
                "192.0.2.1 ",
                "192.0.2.1/",
                "192.0.2.1/33",
                "192.0.2.1/-1",
                "192.0.2.1/ 8",
                "192.0.2.1/8/8",
                "192.0.2.1/0008",
                "192.0.2.1%eth0",
                "0x7f.1",
                "3221225985",
                "2001:db8::1/129",
                "2001:db8:::1",
                "2001:db8::1::",
                "1:2:3:4:5:6:7:8:9",
                "[2001:db8::1",
                "2001:db8::1]",
                "[]",
                "[]/64",
                "fe80::1%",
                "%eth0",
                "::ffff:192.0.2.256",
                ":",
                "/8",
                "example.org",
                "g::",
                "2001:db8::1%eth0/200",
                "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
        };
        Address a, before;

        memset(&a, 0xa5, sizeof(a));
        before = a;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_fails(address_parse(bad[i], strlen(bad[i]), &a), EINVAL);
        assert_memory_equal(&a, &before, sizeof(a));
}

static void text_is_not_read_beyond_its_size(void **state) {
        Address a, b = addr("192.0.2.1");

        assert_ok(address_parse("192.0.2.12345", 9, &a));
        assert_true(address_equal(&a, &b));
        assert_fails(address_parse("192.0.2.1", 0, &a), EINVAL);
}

static void nul_within_hides_nothing(void **state) {
        Address a;

        assert_fails(address_parse("192.0.2.1\0", 10, &a), EINVAL);
        assert_fails(address_parse("2001:db8::\0001", 12, &a), EINVAL);
        assert_fails(address_parse("192.0.2.1/2\0", 12, &a), EINVAL);
        assert_fails(address_parse("192.0.2.1/2\0x", 13, &a), EINVAL);
}

static void bytes_make_addresses(void **state) {
        const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1 };
        const uint8_t v4[4] = { 192, 0, 2, 1 };
        Address a = {}, b = addr("192.0.2.1"), net = addr("192.0.2.0/31");

        assert_ok(address_from_bytes(AF_INET, v4, 32, &a));
        assert_true(address_equal(&a, &b));
        assert_ok(address_from_bytes(AF_INET6, mapped, 128, &a));
        assert_true(address_equal(&a, &b));
        assert_ok(address_from_bytes(AF_INET, v4, 31, &a));
        assert_true(address_equal(&a, &net));

        /* A prefix around the mapped addresses is none of IPv4. */
        assert_ok(address_from_bytes(AF_INET6, mapped, 95, &a));
        assert_int_equal(a.family, AF_INET6);

        assert_fails(address_from_bytes(AF_INET, v4, 33, &a), EINVAL);
        assert_fails(address_from_bytes(AF_INET6, mapped, 129, &a), EINVAL);
        assert_fails(address_from_bytes(AF_UNIX, v4, 0, &a), EINVAL);
}

static void longest_text_fits(void **state) {
        Address a = addr("2001:db8:1234:5678:9abc:def0:1234:5678/127");
        char buf[ADDRESS_STR_SIZE];

        assert_string_equal(address_format(&a, buf), "2001:db8:1234:5678:9abc:def0:1234:5678/127");
}

static void families_never_cover_each_other(void **state) {
        Address all4 = addr("0.0.0.0/0"), all6 = addr("::/0"), a4 = addr("192.0.2.1"),
                a6 = addr("2001:db8::1");

        assert_true(address_covers(&all4, &a4));
        assert_true(address_covers(&all6, &a6));
        assert_false(address_covers(&all4, &a6));
        assert_false(address_covers(&all6, &a4));
}

static void host_knows_that_it_is_one(void **state) {
        Address a = addr("192.0.2.1"), b = addr("192.0.2.0/31"), c = addr("2001:db8::1"),
                d = addr("2001:db8::/127");

        assert_true(address_is_host(&a));
        assert_false(address_is_host(&b));
        assert_true(address_is_host(&c));
        assert_false(address_is_host(&d));
}

static void shared_prefixes_are_known(void **state) {
        static const char *const shared[] = {
                "::",
                "::1",
                "::192.0.2.1",
                "fe80::1",
                "febf::1",
                "64:ff9b::c000:201",
                "64:ff9b:1:2::1",
                "2001::1",
                "2001:0:ffff::1",
                "2002:c000:201::1",
                "2002::/16",
                "2002:c000::/32",
                "2001::/32",
                "64:ff9b::/32", /* holds one */
                "fe00::/8",
        };
        static const char *const own[] = {
                "2001:db8::1",
                "2001:1::1",
                "2000::1",
                "2003::1",
                "fe00::1",
                "fec0::1",
                "64:ff9b:2::1",
                "64:ff9b:0:1::1",
                "64:ff9b:2::/48",
                "2001:db8::/32",
                "0:0:0:1::",
                "192.0.2.1",
                "fd00::1",
        };

        for (size_t i = 0; i < ELEMENTSOF(shared); i++) {
                Address a = addr(shared[i]);

                assert_true(address_is_shared_prefix(&a));
        }
        for (size_t i = 0; i < ELEMENTSOF(own); i++) {
                Address a = addr(own[i]);

                assert_false(address_is_shared_prefix(&a));
        }
}

/* Random prefixes against the rules of bits, written down once more in the slowest way. */

static bool bit(const Address *a, unsigned i) {
        return a->bytes[i / 8] & (0x80 >> (i % 8));
}

static Address random_address(Random *random) {
        uint8_t bytes[16];
        int family = random_below(random, 2) ? AF_INET : AF_INET6;
        Address a;

        /* Few different bits, so that covering happens at all. */
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t) (random_below(random, 4) ? 0x20 : random_next(random));

        assert_ok(address_from_bytes(family,
                        bytes,
                        (unsigned) random_below(random, address_family_bits(family) + 1),
                        &a));
        return a;
}

static bool covers_slowly(const Address *net, const Address *a) {
        if (net->family != a->family || net->prefixlen > a->prefixlen)
                return false;
        for (unsigned i = 0; i < net->prefixlen; i++)
                if (bit(net, i) != bit(a, i))
                        return false;
        return true;
}

static void random_prefixes_obey_their_rules(void **state) {
        Random random = { 3 };
        unsigned n_covered = 0;

        for (unsigned i = 0; i < 100000; i++) {
                Address a = random_address(&random), b = random_address(&random), c, wide = a;
                char buf[ADDRESS_STR_SIZE];
                unsigned prefixlen;

                /* What is written is read again as the same. */
                (void) address_format(&a, buf);
                assert_ok(address_parse(buf, strlen(buf), &c));
                assert_memory_equal(&a, &c, sizeof(a));

                /* Bits behind the prefix, and bytes that the family has not, are zero. */
                for (unsigned k = a.prefixlen; k < 128; k++)
                        assert_false(bit(&a, k));

                assert_int_equal(address_covers(&a, &b), covers_slowly(&a, &b));
                assert_true(address_covers(&a, &a));
                assert_int_equal(address_equal(&a, &b),
                                address_covers(&a, &b) && address_covers(&b, &a));
                n_covered += address_covers(&a, &b);

                /* A wider network covers what it was made of, and is as wide as asked. */
                prefixlen = (unsigned) random_below(&random, address_family_bits(a.family) + 1);
                address_widen(&wide, prefixlen);
                assert_true(address_covers(&wide, &a));
                assert_int_equal(wide.prefixlen, MIN(prefixlen, (unsigned) a.prefixlen));
                if (address_covers(&a, &b))
                        assert_true(address_covers(&wide, &b));
        }

        assert_true(n_covered > 1000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(spellings_of_one_peer_are_equal),
                cmocka_unit_test(what_is_no_address_is_refused),
                cmocka_unit_test(text_is_not_read_beyond_its_size),
                cmocka_unit_test(nul_within_hides_nothing),
                cmocka_unit_test(bytes_make_addresses),
                cmocka_unit_test(longest_text_fits),
                cmocka_unit_test(families_never_cover_each_other),
                cmocka_unit_test(host_knows_that_it_is_one),
                cmocka_unit_test(shared_prefixes_are_known),
                cmocka_unit_test(random_prefixes_obey_their_rules),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
