/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "allow.h"

#include <limits.h>

#include "engine/policy.h"

static const PolicyPrefixes usual = { .ipv4 = 32, .ipv6 = 64 };

static void assert_target_of(const PolicyPrefixes *prefixes,
                const char *allowed,
                const char *host,
                const char *target) {
        _cleanup_(allowlist_done) Allowlist l = {};
        Address h = addr(host), wanted = addr(target), got;

        allow(&l, allowed);
        got = policy_target(prefixes, &l, &h);
        assert_true(address_equal(&got, &wanted));
}

static void assert_target(const char *allowed, const char *host, const char *target) {
        assert_target_of(&usual, allowed, host, target);
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

static void prefixes_are_the_jails(void **state) {
        const PolicyPrefixes wide = { .ipv4 = 24, .ipv6 = 48 }, narrow = { 32, 128, false };

        assert_target_of(&wide, "", "192.0.2.77", "192.0.2.0/24");
        assert_target_of(&wide, "", "2001:db8:1:2:3:4:5:6", "2001:db8:1::/48");
        assert_target_of(&narrow, "", "192.0.2.77", "192.0.2.77");
        assert_target_of(&narrow, "", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6");
}

static void allowed_address_saves_prefixes_of_any_size(void **state) {
        const PolicyPrefixes wide = { .ipv4 = 24, .ipv6 = 48 };

        assert_target_of(&wide, "192.0.2.200", "192.0.2.77", "192.0.2.77");
        assert_target_of(&wide, "192.0.0.0/16", "192.0.2.77", "192.0.2.77");
        assert_target_of(&wide, "192.0.3.0/24", "192.0.2.77", "192.0.2.0/24");
        assert_target_of(&wide, "2001:db8:1:ff::1", "2001:db8:1:2::6", "2001:db8:1:2::6");
        assert_target_of(&wide, "2001:db8:2::1", "2001:db8:1:2::6", "2001:db8:1::/48");
}

static void spoofable_jail_bans_hosts_alone(void **state) {
        const PolicyPrefixes spoofable = { .ipv4 = 24, .ipv6 = 48, .spoofable = true };

        assert_target_of(&spoofable, "", "192.0.2.77", "192.0.2.77");
        assert_target_of(&spoofable, "", "2001:db8:1:2::6", "2001:db8:1:2::6");
}

static void finite_ban_ends_some_day(void **state) {
        assert_int_equal(policy_end(T0, 60), T0 + 60);
        assert_int_equal(policy_end(T0, USEC_INFINITY), USEC_INFINITY);
        assert_int_equal(policy_end(T0, USEC_INFINITY - 1), T0 + POLICY_LENGTH_MAX);
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

/* How long a ban is */

static void assert_bantimes(const JailConfig *config, const char *wanted) {
        char got[512] = "";

        for (unsigned n = 0; n < 8; n++) {
                char span[USEC_STR_SIZE];
                size_t used = strlen(got);

                (void) snprintf(got + used,
                                sizeof(got) - used,
                                "%s%s",
                                n > 0 ? ", " : "",
                                usec_format_span(policy_bantime(config, n, 0), span));
        }
        assert_string_equal(got, wanted);
}

static JailConfig growing(unsigned growth) {
        return (JailConfig){
                .bantime = 10 * USEC_PER_MINUTE,
                .bantime_growth = growth,
                .bantime_max = USEC_INFINITY,
        };
}

static void bans_do_not_grow_by_themselves(void **state) {
        JailConfig config = growing(1000);

        assert_false(policy_grows(&config));
        assert_bantimes(&config, "10min, 10min, 10min, 10min, 10min, 10min, 10min, 10min");
}

static void each_ban_is_longer_by_the_factor(void **state) {
        JailConfig config = growing(2000);

        assert_true(policy_grows(&config));
        assert_bantimes(&config,
                        "10min, 20min, 40min, 1h 20min, 2h 40min, 5h 20min, 10h 40min, 21h 20min");
        config.bantime_growth = 1500;
        config.bantime = 1000;
        assert_int_equal(policy_bantime(&config, 1, 0), 1500);
        assert_int_equal(policy_bantime(&config, 2, 0), 2250);
        assert_int_equal(policy_bantime(&config, 3, 0), 3375);
        config.bantime = 1;
        assert_int_equal(policy_bantime(&config, 1000, 0), 1); /* 1.5 us are 1 */
}

static void growth_neither_overflows_nor_becomes_permanent(void **state) {
        JailConfig config = growing(CONFIG_GROWTH_MAX);

        for (unsigned n = 6; n <= 2 * POLICY_EARLIER_MAX; n++)
                assert_int_equal(policy_bantime(&config, n, 0), POLICY_GROWN_MAX);
        assert_int_equal(policy_bantime(&config, UINT_MAX, 0), POLICY_GROWN_MAX);

        config.bantime = POLICY_GROWN_MAX - 1;
        assert_int_equal(policy_bantime(&config, 0, 0), POLICY_GROWN_MAX - 1);
        assert_int_equal(policy_bantime(&config, 1, 0), POLICY_GROWN_MAX);

        /* What is longer by itself does not become shorter. */
        config.bantime = 2 * POLICY_GROWN_MAX;
        assert_int_equal(policy_bantime(&config, 9, 0), 2 * POLICY_GROWN_MAX);
        config.bantime = USEC_INFINITY - 1;
        config.bantime_jitter = CONFIG_JITTER_MAX;
        assert_int_equal(policy_bantime(&config, 9, UINT64_MAX), USEC_INFINITY - 1);
}

static void permanent_never_becomes_finite(void **state) {
        JailConfig config = growing(2000);

        config.bantime = USEC_INFINITY;
        config.bantime_max = USEC_PER_DAY;
        config.bantime_jitter = USEC_PER_HOUR;
        for (unsigned n = 0; n < 2000; n++)
                assert_int_equal(policy_bantime(&config, n, n), USEC_INFINITY);
}

static void maximum_cuts_what_ends_at_all(void **state) {
        JailConfig config = growing(3000);

        config.bantime_max = USEC_PER_DAY;
        config.permanent_after = 6;
        assert_bantimes(&config,
                        "10min, 30min, 1h 30min, 4h 30min, 13h 30min, 1d, permanent, permanent");
        config.bantime = USEC_PER_DAY * 2;
        assert_int_equal(policy_bantime(&config, 0, 0), USEC_PER_DAY);
}

static void steps_replace_bantime_and_growth(void **state) {
        usec_t steps[] = { USEC_PER_MINUTE, USEC_PER_HOUR, USEC_PER_DAY, USEC_INFINITY };
        JailConfig config = growing(2000);

        config.bantime_steps = steps;
        config.n_bantime_steps = 4;
        assert_bantimes(&config,
                        "1min, 1h, 1d, permanent, permanent, permanent, permanent, permanent");
        config.n_bantime_steps = 3;
        assert_bantimes(&config, "1min, 1h, 1d, 1d, 1d, 1d, 1d, 1d");
        config.bantime_max = 2 * USEC_PER_HOUR;
        config.permanent_after = 3;
        assert_bantimes(&config,
                        "1min, 1h, 2h, permanent, permanent, permanent, permanent, permanent");
        config.n_bantime_steps = 1;
        config.permanent_after = 0;
        assert_false(policy_grows(&config));
        assert_bantimes(&config, "1min, 1min, 1min, 1min, 1min, 1min, 1min, 1min");
}

static void permanent_after_so_many(void **state) {
        JailConfig config = growing(1000);

        config.permanent_after = 2;
        assert_true(policy_grows(&config));
        assert_bantimes(&config,
                        "10min, 10min, permanent, permanent, permanent, permanent, permanent, permanent");
}

static void spoofable_jail_never_grows(void **state) {
        JailConfig config = growing(2000);

        config.permanent_after = 2;
        config.spoofable = true;
        assert_false(policy_grows(&config));
        assert_bantimes(&config, "10min, 10min, 10min, 10min, 10min, 10min, 10min, 10min");
}

static void jitter_is_added_up_to_its_span(void **state) {
        JailConfig config = growing(1000);

        config.bantime_jitter = 100;
        assert_int_equal(policy_bantime(&config, 0, 0), config.bantime);
        assert_int_equal(policy_bantime(&config, 0, 100), config.bantime + 100);
        assert_int_equal(policy_bantime(&config, 0, 101), config.bantime);
        config.bantime_max = config.bantime + 10;
        assert_int_equal(policy_bantime(&config, 0, 100), config.bantime + 10);
}

static void luck_is_the_same_for_the_same_ban_only(void **state) {
        const uint8_t key[POLICY_KEY_SIZE] = { 1 }, other_key[POLICY_KEY_SIZE] = { 2 };
        Address a = addr("192.0.2.1"), b = addr("192.0.2.0/24"), c = addr("192.0.2.0");
        uint64_t luck = policy_luck(key, "sshd", &a, T0), sum = 0;

        assert_true(policy_luck(key, "sshd", &a, T0) == luck);
        assert_true(policy_luck(other_key, "sshd", &a, T0) != luck);
        assert_true(policy_luck(key, "ssh", &a, T0) != luck);
        assert_true(policy_luck(key, "sshd", &a, T0 + 1) != luck);
        assert_true(policy_luck(key, "sshd", &b, T0) != policy_luck(key, "sshd", &c, T0));

        /* It is spread: 1000 throws of a die with 100 sides. */
        for (unsigned i = 0; i < 1000; i++)
                sum += policy_luck(key, "sshd", &a, T0 + i) % 101;
        assert_in_range(sum, 45000, 55000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ipv4_host_stands_for_itself),
                cmocka_unit_test(ipv6_host_stands_for_its_64),
                cmocka_unit_test(shared_64_is_not_banned_as_such),
                cmocka_unit_test(allowed_address_saves_its_64),
                cmocka_unit_test(prefixes_are_the_jails),
                cmocka_unit_test(allowed_address_saves_prefixes_of_any_size),
                cmocka_unit_test(spoofable_jail_bans_hosts_alone),
                cmocka_unit_test(finite_ban_ends_some_day),
                cmocka_unit_test(what_remains_counts_from_the_later_of_clock_and_journal),
                cmocka_unit_test(clock_in_the_past_makes_no_ban_longer),
                cmocka_unit_test(bans_do_not_grow_by_themselves),
                cmocka_unit_test(each_ban_is_longer_by_the_factor),
                cmocka_unit_test(growth_neither_overflows_nor_becomes_permanent),
                cmocka_unit_test(permanent_never_becomes_finite),
                cmocka_unit_test(maximum_cuts_what_ends_at_all),
                cmocka_unit_test(steps_replace_bantime_and_growth),
                cmocka_unit_test(permanent_after_so_many),
                cmocka_unit_test(spoofable_jail_never_grows),
                cmocka_unit_test(jitter_is_added_up_to_its_span),
                cmocka_unit_test(luck_is_the_same_for_the_same_ban_only),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
