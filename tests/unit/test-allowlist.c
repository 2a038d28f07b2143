/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "allow.h"

static void empty_list_allows_nobody(void **state) {
        _cleanup_(allowlist_done) Allowlist l = {};
        Address a = addr("192.0.2.1"), all = addr("0.0.0.0/0");

        assert_false(allowlist_covers(&l, &a));
        assert_false(allowlist_overlaps(&l, &all));
}

static void hosts_and_prefixes_are_allowed(void **state) {
        _cleanup_(allowlist_done) Allowlist l = {};
        Address in4 = addr("192.0.2.9"), out4 = addr("192.0.3.0"), in6 = addr("2001:db8::7"),
                out6 = addr("2001:db8::8"), mapped = addr("::ffff:192.0.2.1");

        allow(&l, "192.0.2.0/24, 2001:db8::7\t198.51.100.1");
        assert_true(allowlist_covers(&l, &in4));
        assert_false(allowlist_covers(&l, &out4));
        assert_true(allowlist_covers(&l, &in6));
        assert_false(allowlist_covers(&l, &out6));
        assert_true(allowlist_covers(&l, &mapped));
}

static void prefix_is_covered_as_a_whole_and_overlapped_in_part(void **state) {
        _cleanup_(allowlist_done) Allowlist l = {};
        Address wide = addr("2001:db8::/48"), narrow = addr("2001:db8::/96"),
                other = addr("2001:db8:0:1::/64");

        allow(&l, "2001:db8::/64");
        assert_false(allowlist_covers(&l, &wide));
        assert_true(allowlist_overlaps(&l, &wide));
        assert_true(allowlist_covers(&l, &narrow));
        assert_true(allowlist_overlaps(&l, &narrow));
        assert_false(allowlist_covers(&l, &other));
        assert_false(allowlist_overlaps(&l, &other));
}

static void what_is_allowed_already_takes_no_room(void **state) {
        _cleanup_(allowlist_done) Allowlist l = {};

        allow(&l, "192.0.2.0/24 192.0.2.1 192.0.2.0/25 192.0.2.0/24");
        assert_int_equal(l.n_addresses, 1);
}

static void list_is_bounded(void **state) {
        _cleanup_(allowlist_done) Allowlist l = {};
        Address a = addr("192.0.2.1");

        for (unsigned i = 0; i < ALLOWLIST_MAX; i++) {
                const uint8_t bytes[4] = { 198, 51, (uint8_t) (i >> 8), (uint8_t) i };
                Address one;

                assert_ok(address_from_bytes(AF_INET, bytes, 32, &one));
                assert_int_equal(allowlist_add(&l, &one), 0);
        }

        assert_fails(allowlist_add(&l, &a), E2BIG);
        assert_int_equal(allowlist_add(&l, &l.addresses[7]), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(empty_list_allows_nobody),
                cmocka_unit_test(hosts_and_prefixes_are_allowed),
                cmocka_unit_test(prefix_is_covered_as_a_whole_and_overlapped_in_part),
                cmocka_unit_test(what_is_allowed_already_takes_no_room),
                cmocka_unit_test(list_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
