/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whether it is noticed that others changed the table.
 */

#include "test.h"

#include <unistd.h>

#include "engine/firewall.h"
#include "firewalls.h"
#include "netns.h"

static int open_to_all(void **state) {
        (void) remove_table(state);
        settings.ownership = OWNERSHIP_NO;
        return 0;
}

static Firewall *open_two(void) {
        const FirewallJail jails[] = {
                make_jail("sshd", "22", PORT_TCP),
                make_jail("mail", "25,587", PORT_TCP),
        };

        return open_firewall(jails, ELEMENTSOF(jails));
}

static void what_banjo_does_is_no_change(void **state) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, 22, true);
        Firewall *f = open_two();

        (void) state;

        assert_int_equal(firewall_check(f), 1);
        ban(f, "sshd", PEER4, USEC_PER_HOUR);
        ban(f, "mail", "2001:db8::/56", USEC_PER_HOUR);
        assert_int_equal(firewall_check(f), 1);
        assert_false(netns_can_connect(PEER4, HOST4, 22));
        assert_true(packets_dropped(f, "sshd") > 0);
        assert_int_equal(firewall_check(f), 1);
        unban(f, "sshd", PEER4);
        assert_int_equal(firewall_check(f), 1);

        /* What sets hold is asked for elsewhere. */
        ban(f, "sshd", PEER4, USEC_PER_HOUR);
        netns_run("nft delete element inet banjo sshd-v4 '{ " PEER4 " }'");
        assert_int_equal(firewall_check(f), 1);

        close_firewall(f);
        (void) close(ssh);
}

static void what_others_do_is_one(void **state) {
        static const char *const commands[] = {
                "flush chain inet banjo prerouting",
                "flush chain inet banjo drop-sshd",
                "insert rule inet banjo prerouting accept",
                "delete element inet banjo tcp-ports '{ 587 }'",
                "add chain inet banjo prerouting '{ policy drop; }'",
                "add chain inet banjo more",
                "add set inet banjo more '{ type ipv4_addr; }'",
                "delete table inet banjo",
        };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                Firewall *f = open_two();

                ban(f, "mail", "2001:db8::/56", USEC_PER_HOUR);
                assert_int_equal(firewall_check(f), 1);
                netns_run("nft %s", commands[i]);
                assert_int_equal(firewall_check(f), 0);
                assert_int_equal(firewall_check(f), 0);

                close_firewall(f);
                f = open_two();
                assert_int_equal(firewall_check(f), 1);
                close_firewall(f);
        }
}

static void log_has_nothing_to_change(void **state) {
        _cleanup_(firewall_freep) Firewall *f = NULL;

        (void) state;

        assert_ok(firewall_log_new(&f));
        assert_int_equal(firewall_check(f), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                                what_banjo_does_is_no_change, open_to_all, remove_table),
                cmocka_unit_test_setup_teardown(what_others_do_is_one, open_to_all, remove_table),
                cmocka_unit_test(log_has_nothing_to_change),
        };

        netns_enter();
        netns_make_peer();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
