/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a host knows of its surroundings, which ip(8) changes under its feet.
 */

#include "test.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/host.h"
#include "netns.h"

static char resolv_conf[] = "/tmp/test-host-XXXXXX";

static void write_resolv_conf(const char *text) {
        _cleanup_(fclosep) FILE *f = fopen(resolv_conf, "we");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
}

static Host *open_host(void) {
        Host *h = NULL;

        assert_ok(host_new(&h, resolv_conf));
        return h;
}

static HostRole role_of(const Host *h, const char *address) {
        const Address a = netns_address(address);

        return host_get_role(h, &a, true, NULL);
}

static bool is_on_link(const Host *h, const char *address) {
        const Address a = netns_address(address);

        return host_is_on_link(h, &a);
}

static bool has_news(const Host *h) {
        struct pollfd p = { .fd = host_get_fd(h), .events = POLLIN };

        return poll(&p, 1, 0) > 0;
}

/* Waits until the kernel has told of an address of IPv6: it does so when the command that added it
 * may have ended. The local route is the last that it tells of, and whoever changes a link waits
 * for all of it. */
static void await_told(const char *address) {
        netns_run("until ip -6 route show table local | grep -q '^local %s'; do sleep 0.01; done; "
                  "ip link set lo up",
                        address);
}

static int undo(void **state) {
        (void) state;

        netns_run("ip route flush proto static; ip -6 route flush proto static;"
                  "ip rule del table 100 2>/dev/null;"
                  "ip route flush table 100 2>/dev/null; true");
        write_resolv_conf("");
        return 0;
}

static void own_addresses_are_known(void **state) {
        _cleanup_(host_freep) Host *h = open_host();
        Address which;
        const Address around = netns_address("192.0.2.0/28"), mine = netns_address(HOST4);

        (void) state;

        assert_int_equal(role_of(h, HOST4), HOST_ROLE_OWN);
        assert_int_equal(role_of(h, HOST6), HOST_ROLE_OWN);
        assert_int_equal(role_of(h, "::ffff:192.0.2.1"), HOST_ROLE_OWN);
        assert_int_equal(role_of(h, "127.0.0.1"), HOST_ROLE_OWN);
        assert_int_equal(role_of(h, "127.200.0.1"), HOST_ROLE_OWN);
        assert_int_equal(role_of(h, "::1"), HOST_ROLE_OWN);
        assert_int_equal(role_of(h, "0.0.0.0/0"), HOST_ROLE_OWN);
        assert_int_equal(role_of(h, "::/0"), HOST_ROLE_OWN);
        assert_int_equal(role_of(h, "2001:db8::/64"), HOST_ROLE_OWN);
        assert_int_equal(role_of(h, PEER4), HOST_ROLE_NONE);
        assert_int_equal(role_of(h, PEER6), HOST_ROLE_NONE);
        assert_int_equal(role_of(h, "192.0.2.16/28"), HOST_ROLE_NONE);

        assert_int_equal(host_get_role(h, &around, true, &which), HOST_ROLE_OWN);
        assert_true(address_equal(&which, &mine));
}

static HostRole role_without_own(const Host *h, const char *address) {
        const Address a = netns_address(address);

        return host_get_role(h, &a, false, NULL);
}

static void own_addresses_can_be_left_out(void **state) {
        _cleanup_(host_freep) Host *h = NULL;

        (void) state;

        netns_run("ip route add default via " PEER4 " proto static");
        h = open_host();
        assert_int_equal(role_without_own(h, HOST4), HOST_ROLE_NONE);
        assert_int_equal(role_without_own(h, HOST6), HOST_ROLE_NONE);
        assert_int_equal(role_without_own(h, PEER4), HOST_ROLE_GATEWAY);
        assert_int_equal(role_without_own(h, "192.0.2.0/24"), HOST_ROLE_GATEWAY);
        assert_int_equal(role_without_own(h, "127.0.0.1"), HOST_ROLE_OWN);
        assert_int_equal(role_without_own(h, "::/0"), HOST_ROLE_OWN);
}

typedef struct Seen {
        size_t n_own;
        size_t n_gateways;
        size_t n_resolvers;
} Seen;

static int see(HostRole role, const Address *address, void *userdata) {
        const Address loopback = netns_address("127.0.0.0/8");
        Seen *seen = userdata;

        assert_true(address_is_host(address));
        assert_false(address_covers(&loopback, address));
        seen->n_own += role == HOST_ROLE_OWN;
        seen->n_gateways += role == HOST_ROLE_GATEWAY;
        seen->n_resolvers += role == HOST_ROLE_RESOLVER;
        return seen->n_resolvers == 2 ? -ECANCELED : 0;
}

static void every_role_is_walked_through(void **state) {
        _cleanup_(host_freep) Host *h = NULL;
        Seen seen = {};

        (void) state;

        write_resolv_conf("nameserver 192.0.2.53\n");
        netns_run("ip route add default via " PEER4 " proto static");
        h = open_host();
        assert_ok(host_foreach(h, see, &seen));
        assert_true(seen.n_own >= 2);
        assert_int_equal(seen.n_gateways, 1);
        assert_int_equal(seen.n_resolvers, 1);
        assert_fails(host_foreach(h, see, &seen), ECANCELED);
}

static void gateways_are_known_wherever_they_are(void **state) {
        _cleanup_(host_freep) Host *h = NULL;

        (void) state;

        netns_run("ip route add default via 192.0.2.10 proto static");
        netns_run("ip route add 198.51.100.0/24 proto static "
                  "nexthop via 192.0.2.11 nexthop via 192.0.2.12");
        netns_run("ip route add 203.0.113.0/24 via inet6 2001:db8::13 dev veth0 proto static");
        netns_run("ip route add 203.0.113.0/24 via 192.0.2.14 table 100 proto static");
        netns_run("ip -6 route add default via 2001:db8::15 proto static");
        netns_run("ip -6 route add 2001:db8:f000::/36 proto static "
                  "nexthop via 2001:db8::16 nexthop via 2001:db8::17");
        netns_run("ip route add blackhole 198.51.100.128/25 proto static");

        h = open_host();
        assert_int_equal(role_of(h, "192.0.2.10"), HOST_ROLE_GATEWAY);
        assert_int_equal(role_of(h, "192.0.2.11"), HOST_ROLE_GATEWAY);
        assert_int_equal(role_of(h, "192.0.2.12"), HOST_ROLE_GATEWAY);
        assert_int_equal(role_of(h, "2001:db8::13"), HOST_ROLE_GATEWAY);
        assert_int_equal(role_of(h, "192.0.2.14"), HOST_ROLE_GATEWAY);
        assert_int_equal(role_of(h, "2001:db8::15"), HOST_ROLE_GATEWAY);
        assert_int_equal(role_of(h, "2001:db8::16"), HOST_ROLE_GATEWAY);
        assert_int_equal(role_of(h, "2001:db8::17"), HOST_ROLE_GATEWAY);
        assert_int_equal(role_of(h, "192.0.2.15"), HOST_ROLE_NONE);
        assert_int_equal(role_of(h, "192.0.2.8/30"), HOST_ROLE_GATEWAY);
        assert_int_equal(role_of(h, "198.51.100.1"), HOST_ROLE_NONE);
}

static void networks_attached_are_on_link(void **state) {
        _cleanup_(host_freep) Host *h = NULL;

        (void) state;

        netns_run("ip route add default via 192.0.2.10 proto static");
        netns_run("ip route add 198.51.100.0/24 via 192.0.2.10 proto static");
        netns_run("ip route add 203.0.113.7/32 dev veth0 proto static");
        netns_run("ip -6 route add default dev veth0 proto static");
        netns_run("ip route add 203.0.113.64/26 dev veth0 proto static");

        h = open_host();
        assert_true(is_on_link(h, PEER4));
        assert_true(is_on_link(h, "192.0.2.0/24"));
        assert_true(is_on_link(h, "192.0.0.0/16"));
        assert_true(is_on_link(h, PEER6));
        assert_true(is_on_link(h, "2001:db8:0:a::/64"));
        assert_true(is_on_link(h, "fe80::1"));
        assert_true(is_on_link(h, "203.0.113.65"));
        assert_false(is_on_link(h, "198.51.100.1"));
        assert_false(is_on_link(h, "203.0.113.7"));
        assert_false(is_on_link(h, "127.0.0.1"));
        assert_false(is_on_link(h, "fd00:9::1"));
}

static void resolvers_are_known(void **state) {
        _cleanup_(host_freep) Host *h = NULL;

        (void) state;

        write_resolv_conf("# nameserver 203.0.113.1\n"
                          "domain example.org\n"
                          "nameserver 203.0.113.53\n"
                          "nameserver\t2001:db8:53::1  \n"
                          " nameserver 203.0.113.2\n"
                          "nameserver fe80::53%veth0\r\n"
                          "nameserver nonsense\n"
                          "nameserver 127.0.0.1\n"
                          "nameservers 203.0.113.3\n"
                          "nameserver 203.0.113.54");
        h = open_host();
        assert_int_equal(role_of(h, "203.0.113.53"), HOST_ROLE_RESOLVER);
        assert_int_equal(role_of(h, "203.0.113.54"), HOST_ROLE_RESOLVER);
        assert_int_equal(role_of(h, "2001:db8:53::1"), HOST_ROLE_RESOLVER);
        assert_int_equal(role_of(h, "fe80::53"), HOST_ROLE_RESOLVER);
        assert_int_equal(role_of(h, "203.0.113.1"), HOST_ROLE_NONE);
        assert_int_equal(role_of(h, "203.0.113.2"), HOST_ROLE_NONE);
        assert_int_equal(role_of(h, "203.0.113.3"), HOST_ROLE_NONE);

        /* Another file in its place, and none. */
        assert_int_equal(host_refresh(h), 0);
        write_resolv_conf("nameserver 203.0.113.99\n");
        assert_int_equal(host_refresh(h), 1);
        assert_int_equal(role_of(h, "203.0.113.99"), HOST_ROLE_RESOLVER);
        assert_int_equal(role_of(h, "203.0.113.53"), HOST_ROLE_NONE);

        assert_ok(unlink(resolv_conf));
        assert_int_equal(host_refresh(h), 1);
        assert_int_equal(role_of(h, "203.0.113.99"), HOST_ROLE_NONE);
        assert_int_equal(host_refresh(h), 0);
}

static void changes_are_noticed(void **state) {
        _cleanup_(host_freep) Host *h = open_host();

        (void) state;

        assert_false(has_news(h));
        assert_int_equal(host_refresh(h), 0);

        netns_run("ip address add 198.51.100.1/24 dev veth0 &&"
                  "ip address add fd00:9::1/64 dev veth0 nodad");
        await_told("fd00:9::1 ");
        assert_true(has_news(h));
        assert_int_equal(host_refresh(h), 1);
        assert_false(has_news(h));
        assert_int_equal(role_of(h, "198.51.100.1"), HOST_ROLE_OWN);
        assert_int_equal(role_of(h, "fd00:9::1"), HOST_ROLE_OWN);
        assert_true(is_on_link(h, "198.51.100.2"));

        netns_run("ip route add default via 198.51.100.2 proto static");
        assert_int_equal(host_refresh(h), 1);
        assert_int_equal(role_of(h, "198.51.100.2"), HOST_ROLE_GATEWAY);

        /* Nothing new, though the kernel tells of it. */
        netns_run("ip route add 203.0.113.0/24 via 198.51.100.2 proto static");
        assert_true(has_news(h));
        assert_int_equal(host_refresh(h), 0);
        netns_run("ip route del 203.0.113.0/24");
        assert_int_equal(host_refresh(h), 0);

        /* A gateway that is one no more is spared until something else changes. */
        netns_run("ip route del default");
        assert_int_equal(host_refresh(h), 0);
        assert_int_equal(role_of(h, "198.51.100.2"), HOST_ROLE_GATEWAY);

        netns_run("ip address del 198.51.100.1/24 dev veth0 &&"
                  "ip address del fd00:9::1/64 dev veth0");
        assert_int_equal(host_refresh(h), 1);
        assert_int_equal(role_of(h, "198.51.100.1"), HOST_ROLE_NONE);
        assert_int_equal(role_of(h, "198.51.100.2"), HOST_ROLE_NONE);
        assert_int_equal(role_of(h, "fd00:9::1"), HOST_ROLE_NONE);
        assert_false(is_on_link(h, "198.51.100.2"));
}

static void many_routes_do_no_harm(void **state) {
        _cleanup_(host_freep) Host *h = open_host();
        FILE *f;

        (void) state;

        netns_run("ip address add 2001:db8:f000::1/64 dev veth0 nodad");
        assert_int_equal(host_refresh(h), 1);
        netns_run("ip -6 route add default via 2001:db8:f000::ffff proto static");

        /* More changes than the socket holds, more gateways than are kept. */
        f = popen("ip -6 -batch -", "we");
        assert_non_null(f);
        for (unsigned i = 0; i < 6000; i++)
                fprintf(f,
                                "route add 2001:db8:%x::/48 via 2001:db8:f000::1:%x proto static\n",
                                i + 0x100,
                                i + 1);
        assert_int_equal(pclose(f), 0);

        assert_int_equal(host_refresh(h), 1);
        assert_int_equal(role_of(h, "2001:db8:f000::ffff"), HOST_ROLE_GATEWAY);
        assert_int_equal(role_of(h, "2001:db8:f000::1:1"), HOST_ROLE_GATEWAY);

        /* The list is full, so what is new is no news. */
        while (has_news(h))
                assert_ok(host_refresh(h));
        netns_run("ip -6 route add 2001:db8:e000::/48 via 2001:db8:f000::2:ffff proto static");
        assert_int_equal(host_refresh(h), 0);

        netns_run("ip -6 route flush proto static");
        netns_run("ip address del 2001:db8:f000::1/64 dev veth0");
        while (has_news(h))
                assert_ok(host_refresh(h));
        assert_int_equal(role_of(h, "2001:db8:f000::1:1"), HOST_ROLE_NONE);
}

static void roles_have_names(void **state) {
        (void) state;

        assert_null(host_role_to_string(HOST_ROLE_NONE));
        assert_string_equal(host_role_to_string(HOST_ROLE_OWN), "own address");
        assert_string_equal(host_role_to_string(HOST_ROLE_GATEWAY), "gateway");
        assert_string_equal(host_role_to_string(HOST_ROLE_RESOLVER), "resolver");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(own_addresses_are_known, undo),
                cmocka_unit_test_teardown(own_addresses_can_be_left_out, undo),
                cmocka_unit_test_teardown(every_role_is_walked_through, undo),
                cmocka_unit_test_teardown(gateways_are_known_wherever_they_are, undo),
                cmocka_unit_test_teardown(networks_attached_are_on_link, undo),
                cmocka_unit_test_teardown(resolvers_are_known, undo),
                cmocka_unit_test_teardown(changes_are_noticed, undo),
                cmocka_unit_test_teardown(many_routes_do_no_harm, undo),
                cmocka_unit_test_teardown(roles_have_names, undo),
        };
        int r;

        netns_enter();
        netns_make_peer();
        await_told("fe80:");
        if (mkstemp(resolv_conf) < 0)
                return 1;

        r = cmocka_run_group_tests(tests, NULL, NULL);
        (void) unlink(resolv_conf);
        return r;
}
