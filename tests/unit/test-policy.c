/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "engine/policy.h"

static const PolicyPrefixes usual = { .ipv4 = 32, .ipv6 = 64 };

static void assert_target(const char *allowed, const char *host, const char *target) {
        _cleanup_(allowlist_done) Allowlist allow = {};
        Address h = addr(host), wanted = addr(target), got;
        const char *bad;

        assert_ok(allowlist_parse(&allow, allowed, &bad));
        got = policy_target(&usual, &allow, &h);
        assert_true(address_equal(&got, &wanted));
}

static void ipv4_host_stands_for_itself(void **state) {
        assert_target("", "192.0.2.1", "192.0.2.1");
        assert_target("", "::ffff:192.0.2.1", "192.0.2.1");
}

static void ipv6_host_stands_for_its_64(void **state) {
        assert_target("", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
}

static void shared_64_is_not_banned_as_such(void **state) {
        assert_target("", "fe80::1", "fe80::1");
        assert_target("", "64:ff9b::c000:201", "64:ff9b::c000:201");
        assert_target("", "2001:0:53aa::1", "2001:0:53aa::1");
        assert_target("", "2002:c000:201::1", "2002:c000:201::1");
        assert_target("", "::1", "::1");
}

static void allowed_address_saves_its_64(void **state) {
        assert_target("2001:db8::1", "2001:db8::2", "2001:db8::2");
        assert_target("2001:db8::/96", "2001:db8::1:0:0:2", "2001:db8::1:0:0:2");
        assert_target("2001:db8:0:1::1", "2001:db8::2", "2001:db8::/64");
        assert_target("192.0.2.1", "2001:db8::2", "2001:db8::/64");
}

static void finite_ban_ends_some_day(void **state) {
        assert_int_equal(policy_end(T0, 60), T0 + 60);
        assert_int_equal(policy_end(T0, USEC_INFINITY), USEC_INFINITY);
        assert_int_equal(policy_end(T0, USEC_INFINITY - 1), USEC_INFINITY - 1);
        assert_int_equal(policy_end(USEC_INFINITY - 1, 1), USEC_INFINITY - 1);
}

static void what_remains_counts_from_the_later_of_clock_and_journal(void **state) {
        assert_int_equal(policy_remaining(T0, T0 + 100, T0 + 30, 0), 70);
        assert_int_equal(policy_remaining(T0, T0 + 100, T0 + 30, T0 + 40), 60);
        assert_int_equal(policy_remaining(T0, T0 + 100, T0 + 100, 0), 0);
        assert_int_equal(policy_remaining(T0, T0 + 100, T0 + 99, 0), 1);
        assert_int_equal(policy_remaining(T0, T0 + 100, T0 + 1000, 0), 0);
        assert_int_equal(policy_remaining(T0, USEC_INFINITY, T0 + 1000, T0), USEC_INFINITY);
}

static void clock_in_the_past_makes_no_ban_longer(void **state) {
        assert_int_equal(policy_remaining(T0, T0 + 100, 0, 0), 100);
        assert_int_equal(policy_remaining(T0, T0 + 100, 1000, T0 + 90), 10);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ipv4_host_stands_for_itself),
                cmocka_unit_test(ipv6_host_stands_for_its_64),
                cmocka_unit_test(shared_64_is_not_banned_as_such),
                cmocka_unit_test(allowed_address_saves_its_64),
                cmocka_unit_test(finite_ban_ends_some_day),
                cmocka_unit_test(what_remains_counts_from_the_later_of_clock_and_journal),
                cmocka_unit_test(clock_in_the_past_makes_no_ban_longer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
