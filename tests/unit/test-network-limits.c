/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include <sys/socket.h>

#include "model/network-limits.h"

static void longest_prefixes_come_first(void **state) {
        NetworkLimits l;
        const char *bad;
        size_t n;

        assert_int_equal(network_limits_parse(&l, "16:1000, 56:30 24:1 31:5 32:7 63:8", &bad, &n),
                        0);
        assert_int_equal(l.n_limits, 6);
        assert_int_equal(l.limits[0].prefixlen, 63);
        assert_int_equal(l.limits[0].family, AF_INET6);
        assert_int_equal(l.limits[0].limit, 8);
        assert_int_equal(l.limits[1].prefixlen, 56);
        assert_int_equal(l.limits[2].prefixlen, 32);
        assert_int_equal(l.limits[2].family, AF_INET6);
        assert_int_equal(l.limits[3].prefixlen, 31);
        assert_int_equal(l.limits[3].family, AF_INET);
        assert_int_equal(l.limits[4].prefixlen, 24);
        assert_int_equal(l.limits[5].prefixlen, 16);
        assert_int_equal(l.limits[5].limit, 1000);

        assert_int_equal(network_limits_parse(&l, "", &bad, &n), 0);
        assert_int_equal(l.n_limits, 0);
}

static void wrong_words_are_pointed_at(void **state) {
        static const struct {
                const char *text;
                int error;
                const char *bad;
        } cases[] = {
                { "24", EINVAL, "24" },
                { "24:30 /24:30", EINVAL, "/24:30" },
                { "24:", EINVAL, "24:" },
                { ":30", EINVAL, ":30" },
                { "24:0", EINVAL, "24:0" },
                { "24:1001", EINVAL, "24:1001" },
                { "24:30:1", EINVAL, "24:30:1" },
                { "7:30", EINVAL, "7:30" },
                { "64:30", EINVAL, "64:30" },
                { "-24:30", EINVAL, "-24:30" },
                { "24:99999999999999999999", EINVAL, "24:99999999999999999999" },
                { "24:30 56:1 24:31", EEXIST, "24:31" },
                { "8:1 9:1 10:1 11:1 12:1 13:1 14:1 15:1 16:1", E2BIG, "16:1" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                NetworkLimits l = { .n_limits = 99 };
                const char *bad;
                size_t n;

                assert_fails(network_limits_parse(&l, cases[i].text, &bad, &n), cases[i].error);
                assert_int_equal(l.n_limits, 99);
                assert_int_equal(n, strlen(cases[i].bad));
                assert_memory_equal(bad, cases[i].bad, n);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(longest_prefixes_come_first),
                cmocka_unit_test(wrong_words_are_pointed_at),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
