/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The places where the table may meet packets: what is blocked at each of them, and that none
 * passes when they change.
 */

#include "test.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/firewall-ops.h"
#include "firewalls.h"
#include "netns.h"

#define SSH 22
#define DNS 53

static const char *const veth[] = { "veth0" };
static const char *const veth_and_other[] = { "veth0", "other0" };

static void hook_at(FirewallHook hook) {
        settings.hook = hook;
        settings.devices = hook == FIREWALL_INGRESS ? veth : NULL;
        settings.n_devices = hook == FIREWALL_INGRESS;
}

static int n_base_chains(void) {
        FILE *p = popen("nft list table inet banjo | grep -c 'type filter hook'", "r");
        int n = -1;

        assert_non_null(p);
        assert_int_equal(fscanf(p, "%d", &n), 1);
        (void) pclose(p);
        return n;
}

static void check_hook(FirewallHook hook) {
        int ssh4 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int ssh6 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, SSH, true);
        int dns = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, DNS, false);
        int peer = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, 0, false);
        const char *const ports[] = { "22,53", "1-1000", "any" };

        for (size_t i = 0; i < ELEMENTSOF(ports); i++) {
                FirewallJail jail = make_jail("jail", ports[i], PORT_TCP | PORT_UDP);
                Firewall *f;

                hook_at(hook);
                f = open_firewall(&jail, 1);
                assert_int_equal(firewall_get_lacks(f), 0);
                assert_int_equal(n_base_chains(), i == 2 ? 2 : 1); /* and output */

                ban(f, "jail", PEER4, USEC_PER_HOUR);
                ban(f, "jail", "2001:db8:0:a::/64", USEC_PER_HOUR);
                assert_fails(netns_try_connect(PEER4, HOST4, SSH), ETIMEDOUT);
                assert_fails(netns_try_connect(PEER6, HOST6, SSH), ETIMEDOUT);
                assert_ok(netns_try_connect(OTHER4, HOST4, SSH));
                assert_ok(netns_try_connect(OTHER_64, HOST6, SSH));
                netns_send(peer, HOST4, DNS);
                assert_false(netns_receive(dns));

                for (BlockKind block = BLOCK_REJECT; block <= BLOCK_RESET; block++) {
                        jail.block = block;
                        assert_ok(firewall_configure(f, &settings, &jail, 1));
                        assert_int_equal(firewall_get_lacks(f), 0);
                        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ECONNREFUSED);
                        assert_fails(netns_try_connect(PEER6, HOST6, SSH), ECONNREFUSED);
                }
                (void) remove_table(NULL);
        }

        close(ssh4);
        close(ssh6);
        close(dns);
        close(peer);
}

static void input_keeps_out(void **state) {
        (void) state;

        check_hook(FIREWALL_INPUT);
}

static void ingress_keeps_out(void **state) {
        (void) state;

        check_hook(FIREWALL_INGRESS);
}

static void input_leaves_alone_what_is_forwarded(void **state) {
        FirewallJail jail = make_jail("jail", "22", PORT_TCP);
        int inner = netns_socket(SIDE_INNER, SOCK_STREAM, INNER4, SSH, true);
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        Firewall *f = NULL;

        (void) state;

        hook_at(FIREWALL_INPUT);
        f = open_firewall(&jail, 1);
        ban(f, "jail", PEER4, USEC_PER_HOUR);
        assert_ok(netns_try_connect(PEER4, INNER4, SSH));
        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ETIMEDOUT);

        jail.scope = SCOPE_LOCAL;
        assert_ok(firewall_configure(f, &settings, &jail, 1));
        assert_int_equal(firewall_get_lacks(f), 0);
        assert_ok(netns_try_connect(PEER4, INNER4, SSH));
        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ETIMEDOUT);

        close(inner);
        close(ssh);
}

static void ingress_blocks_what_is_forwarded(void **state) {
        FirewallJail jail = make_jail("jail", "22", PORT_TCP);
        int inner = netns_socket(SIDE_INNER, SOCK_STREAM, INNER4, SSH, true);
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        Firewall *f = NULL;

        (void) state;

        hook_at(FIREWALL_INGRESS);
        f = open_firewall(&jail, 1);
        ban(f, "jail", PEER4, USEC_PER_HOUR);
        assert_fails(netns_try_connect(PEER4, INNER4, SSH), ETIMEDOUT);

        /* Nobody knows there where a packet goes. */
        jail.scope = SCOPE_LOCAL;
        assert_ok(firewall_configure(f, &settings, &jail, 1));
        assert_int_equal(firewall_get_lacks(f), FIREWALL_LACKS_SCOPE);
        assert_fails(netns_try_connect(PEER4, INNER4, SSH), ETIMEDOUT);
        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ETIMEDOUT);

        /* Elsewhere it can be done, as soon as this is not asked any more. */
        hook_at(FIREWALL_PREROUTING);
        assert_ok(firewall_configure(f, &settings, &jail, 1));
        assert_int_equal(firewall_get_lacks(f), 0);
        assert_ok(netns_try_connect(PEER4, INNER4, SSH));
        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ETIMEDOUT);

        close(inner);
        close(ssh);
}

static void device_that_is_not_there_is_told_and_taken_in_later(void **state) {
        const FirewallJail jail = make_jail("jail", "22", PORT_TCP);
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        Firewall *f = NULL;

        (void) state;

        hook_at(FIREWALL_INGRESS);
        settings.devices = veth_and_other;
        settings.n_devices = 2;
        f = open_firewall(&jail, 1);
        assert_int_equal(firewall_get_lacks(f), FIREWALL_LACKS_DEVICE);
        assert_int_equal(n_base_chains(), 1);
        ban(f, "jail", PEER4, USEC_PER_HOUR);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));

        netns_run("ip link add other0 type veth peer name other1");
        assert_ok(firewall_configure(f, &settings, &jail, 1));
        assert_int_equal(firewall_get_lacks(f), 0);
        assert_int_equal(n_base_chains(), 2);

        /* Some kernels take the chain away with it. */
        netns_run("ip link delete other0");
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        ban(f, "jail", OTHER4, USEC_PER_HOUR);
        assert_ok(firewall_configure(f, &settings, &jail, 1));
        assert_int_equal(firewall_get_lacks(f), FIREWALL_LACKS_DEVICE);
        assert_int_equal(n_base_chains(), 1);
        assert_false(netns_can_connect(OTHER4, HOST4, SSH));

        /* One that is not named any more is left alone. */
        netns_run("ip link add other0 type veth peer name other1");
        assert_ok(firewall_configure(f, &settings, &jail, 1));
        assert_int_equal(n_base_chains(), 2);
        settings.n_devices = 1;
        assert_ok(firewall_configure(f, &settings, &jail, 1));
        assert_int_equal(n_base_chains(), 1);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));

        netns_run("ip link delete other0");
        close(ssh);
}

static void no_packet_passes_while_the_hook_changes(void **state) {
        FirewallJail jails[] = {
                make_jail("dns", "53", PORT_UDP),
                make_jail("any", "any", PORT_UDP),
        };
        uint64_t dropped = 0;
        Firewall *f;

        (void) state;

        start_flood();
        f = open_firewall(jails, 1);
        ban(f, "dns", PEER4, USEC_PER_HOUR);
        forget_early_ones(f, "dns");

        /* Each time, wait until some have come and gone. The counter goes on. */
        for (unsigned i = 0; i < 72; i++) {
                static const FirewallHook hooks[] = {
                        FIREWALL_INPUT,
                        FIREWALL_PREROUTING,
                        FIREWALL_INGRESS,
                        FIREWALL_INPUT,
                        FIREWALL_INGRESS,
                        FIREWALL_PREROUTING,
                };

                hook_at(hooks[i % ELEMENTSOF(hooks)]);
                jails[0].scope = i % 4 == 3 ? SCOPE_LOCAL : SCOPE_ALL;
                if (i % 10 == 9) {
                        close_firewall(f);
                        f = open_unconfigured();
                }
                assert_ok(firewall_configure(f, &settings, jails, 1 + i % 2));
                assert_int_equal(n_base_chains(), 1 + i % 2);
                dropped = await_flood(f, "dns", dropped);
        }

        assert_false(stop_flood());
}

#define test(f) cmocka_unit_test_setup_teardown(f, remove_table, remove_table)

int main(void) {
        const struct CMUnitTest tests[] = {
                test(input_keeps_out),
                test(ingress_keeps_out),
                test(input_leaves_alone_what_is_forwarded),
                test(ingress_blocks_what_is_forwarded),
                test(device_that_is_not_there_is_told_and_taken_in_later),
                test(no_packet_passes_while_the_hook_changes),
        };

        netns_enter();
        netns_make_peer();
        netns_make_inner();

        /* Or the kernel would answer a few times only. */
        netns_run("echo 0 >/proc/sys/net/ipv4/icmp_ratelimit &&"
                  "echo 0 >/proc/sys/net/ipv6/icmp/ratelimit");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
