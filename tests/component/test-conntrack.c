/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the kernel tracks between three network namespaces, and its end.
 */

#include "test.h"

#include <sys/socket.h>
#include <unistd.h>

#include "engine/conntrack.h"
#include "netns.h"

#define SSH 22
#define DNS 53
#define HTTP 80
#define FORWARDED 8022

#define TRACK                                                                                      \
        "nft -f - <<'END'\n"                                                                       \
        "table inet tracking {\n"                                                                  \
        "        chain raw { type filter hook prerouting priority -300;\n"                         \
        "                udp dport 5353 ct zone set 7\n"                                           \
        "        }\n"                                                                              \
        "        chain track { type filter hook prerouting priority 0; ct state new accept\n"      \
        "        }\n"                                                                              \
        "        chain forwarded { type nat hook prerouting priority -100;\n"                      \
        "                ip daddr " HOST4 " tcp dport 8022 dnat ip to " INNER4 ":22\n"             \
        "        }\n"                                                                              \
        "}\n"                                                                                      \
        "END\n"

static PortSet make_ports(const char *s, unsigned protocols) {
        PortSet ports = { .protocols = protocols };
        const char *bad = NULL;

        assert_ok(ports_parse(s, &ports, &bad));
        return ports;
}

static int end(const char *address, const char *ports, unsigned protocols) {
        _cleanup_(conntrack_freep) Conntrack *c = NULL;
        const PortSet set = make_ports(ports, protocols);
        const KillerTarget target = { netns_address(address), &set };

        assert_ok(conntrack_new(&c));
        return conntrack_end_many(c, &target, 1);
}

/* How many connections are tracked. */
static unsigned n_tracked(void) {
        unsigned n;
        FILE *f;

        f = fopen("/proc/sys/net/netfilter/nf_conntrack_count", "re");
        if (!f && errno == ENOENT)
                return 0; /* what tracks is not even loaded */
        assert_non_null(f);
        assert_int_equal(fscanf(f, "%u", &n), 1);
        (void) fclose(f);
        return n;
}

static void begin_tcp(Side side, const char *from, const char *to, uint16_t port) {
        int fd = netns_connect(side, from, to, port);

        assert_true(fd >= 0);
        netns_close(fd);
}

static void begin_udp(Side side, const char *from, const char *to, uint16_t port) {
        int fd = netns_socket(side, SOCK_DGRAM, from, 0, false);

        netns_send(fd, to, port);
        netns_close(fd);
}

/* Nothing is tracked at first, and asking does not change that. */
static void tracking_is_not_switched_on(void **state) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);

        (void) state;

        begin_tcp(SIDE_PEER, PEER4, HOST4, SSH);
        assert_int_equal(end(PEER4, "any", PORT_TCP | PORT_UDP), 0);
        begin_tcp(SIDE_PEER, PEER4, HOST4, SSH);
        assert_int_equal(n_tracked(), 0);

        netns_close(ssh);
        netns_run(TRACK);
        /* What a connection still has to say after its entry has ended makes no new one. */
        netns_run("echo 0 >/proc/sys/net/netfilter/nf_conntrack_tcp_loose");
}

static void entries_of_the_address_end_and_others_do_not(void **state) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int http = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, HTTP, true);
        int dns = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, DNS, false);

        (void) state;

        begin_tcp(SIDE_PEER, PEER4, HOST4, SSH);
        begin_tcp(SIDE_PEER, PEER4, HOST4, SSH);
        begin_tcp(SIDE_PEER, PEER4, HOST4, HTTP);
        begin_tcp(SIDE_PEER, OTHER4, HOST4, SSH);
        begin_udp(SIDE_PEER, PEER4, HOST4, DNS);
        assert_int_equal(n_tracked(), 5);

        assert_int_equal(end("192.0.2.99", "any", PORT_TCP | PORT_UDP), 0);
        assert_int_equal(end(PEER4, "23,53", PORT_TCP), 0);
        assert_int_equal(end(PEER4, "22,80", PORT_UDP), 0);
        assert_int_equal(n_tracked(), 5);

        assert_int_equal(end(PEER4, "20-22", PORT_TCP), 2);
        assert_int_equal(n_tracked(), 3);
        assert_int_equal(end(PEER4, "53", PORT_TCP | PORT_UDP), 1);
        assert_int_equal(n_tracked(), 2);
        assert_int_equal(end(PEER4, "any", PORT_TCP | PORT_UDP), 1);
        assert_int_equal(end(OTHER4, "22", PORT_TCP), 1);
        assert_int_equal(n_tracked(), 0);

        (void) close(ssh);
        (void) close(http);
        (void) close(dns);
}

static void prefixes_and_ipv6(void **state) {
        int ssh4 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int ssh6 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, SSH, true);

        (void) state;

        begin_tcp(SIDE_PEER, PEER4, HOST4, SSH);
        begin_tcp(SIDE_PEER, OTHER4, HOST4, SSH);
        begin_tcp(SIDE_PEER, FAR4, HOST4, SSH);
        begin_tcp(SIDE_PEER, PEER6, HOST6, SSH);
        begin_tcp(SIDE_PEER, SAME_64, HOST6, SSH);
        begin_tcp(SIDE_PEER, OTHER_64, HOST6, SSH);
        assert_int_equal(n_tracked(), 6);

        assert_int_equal(end("192.0.2.64/26", "22", PORT_TCP), 2);
        assert_int_equal(n_tracked(), 4);
        assert_int_equal(end(PEER6, "22", PORT_TCP), 1);
        assert_int_equal(n_tracked(), 3);
        assert_int_equal(end("2001:db8:0:a::/64", "22", PORT_TCP), 1);
        assert_int_equal(n_tracked(), 2);
        assert_int_equal(end(OTHER_64, "any", PORT_TCP), 1);
        assert_int_equal(end(FAR4, "any", PORT_TCP), 1);

        (void) close(ssh4);
        (void) close(ssh6);
}

static void what_this_host_began_stays(void **state) {
        int ssh = netns_socket(SIDE_PEER, SOCK_STREAM, PEER4, SSH, true);

        (void) state;

        begin_tcp(SIDE_HOST, HOST4, PEER4, SSH);
        assert_int_equal(n_tracked(), 1);
        assert_int_equal(end(PEER4, "any", PORT_TCP | PORT_UDP), 0);
        assert_int_equal(end(PEER4, "22", PORT_TCP), 0);
        assert_int_equal(n_tracked(), 1);
        assert_int_equal(end(HOST4, "22", PORT_TCP), 1);

        (void) close(ssh);
}

/* The port that was sent to counts, as it does for the ban. */
static void forwarded_connections_end(void **state) {
        int ssh = netns_socket(SIDE_INNER, SOCK_STREAM, INNER4, SSH, true);

        (void) state;

        begin_tcp(SIDE_PEER, PEER4, HOST4, FORWARDED);
        begin_tcp(SIDE_PEER, PEER4, INNER4, SSH);
        assert_int_equal(n_tracked(), 2);
        assert_int_equal(end(INNER4, "any", PORT_TCP), 0);
        assert_int_equal(end(PEER4, "8022", PORT_TCP), 1);
        assert_int_equal(end(PEER4, "8022", PORT_TCP), 0);
        assert_int_equal(end(PEER4, "22", PORT_TCP), 1);
        assert_int_equal(n_tracked(), 0);

        (void) close(ssh);
}

static void entries_in_a_zone_end(void **state) {
        int mdns = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, 5353, false);

        (void) state;

        begin_udp(SIDE_PEER, PEER4, HOST4, 5353);
        assert_int_equal(n_tracked(), 1);
        assert_int_equal(end(PEER4, "5353", PORT_UDP), 1);
        assert_int_equal(n_tracked(), 0);

        (void) close(mdns);
}

static void many_targets_at_a_time(void **state) {
        const PortSet ssh_ports = make_ports("22", PORT_TCP), udp = make_ports("any", PORT_UDP);
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int ssh6 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, SSH, true);
        _cleanup_(conntrack_freep) Conntrack *c = NULL;
        KillerTarget targets[700];

        (void) state;

        begin_tcp(SIDE_PEER, PEER4, HOST4, SSH);
        begin_tcp(SIDE_PEER, OTHER4, HOST4, SSH);
        begin_tcp(SIDE_PEER, PEER6, HOST6, SSH);
        assert_int_equal(n_tracked(), 3);

        for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
                Address other = netns_address(i % 2 ? "198.51.100.0" : "2001:db8:ff::");

                other.bytes[i % 2 ? 3 : 15] = (uint8_t) i;
                targets[i] = (KillerTarget){ .address = other, .ports = &ssh_ports };
        }

        assert_ok(conntrack_new(&c));
        assert_int_equal(conntrack_end_many(c, targets, ELEMENTSOF(targets)), 0);
        assert_int_equal(conntrack_end_many(c, targets, 10), 0);
        assert_int_equal(conntrack_end_many(c, NULL, 0), 0);

        targets[0] = (KillerTarget){ netns_address(PEER4), &ssh_ports };
        targets[300] = (KillerTarget){ netns_address("2001:db8:0:a::/64"), &ssh_ports };
        targets[699] = (KillerTarget){ netns_address("192.0.2.0/24"), &udp };
        assert_int_equal(conntrack_end_many(c, targets, ELEMENTSOF(targets)), 2);

        targets[7] = (KillerTarget){ netns_address(OTHER4), &ssh_ports };
        assert_int_equal(conntrack_end_many(c, targets, 10), 1);
        assert_int_equal(n_tracked(), 0);

        (void) close(ssh);
        (void) close(ssh6);
}

static int end_on_peer(void) {
        return end(PEER4, "22", PORT_TCP);
}

static void no_privilege_is_told(void **state) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);

        (void) state;

        begin_tcp(SIDE_PEER, PEER4, HOST4, SSH);
        assert_fails(netns_without_capabilities(end_on_peer), EPERM);
        assert_int_equal(n_tracked(), 1);

        (void) close(ssh);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tracking_is_not_switched_on), /* until here */
                cmocka_unit_test(entries_of_the_address_end_and_others_do_not),
                cmocka_unit_test(prefixes_and_ipv6),
                cmocka_unit_test(what_this_host_began_stays),
                cmocka_unit_test(forwarded_connections_end),
                cmocka_unit_test(entries_in_a_zone_end),
                cmocka_unit_test(many_targets_at_a_time),
                cmocka_unit_test(no_privilege_is_told),
        };

        netns_enter();
        netns_make_peer();
        netns_make_inner();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
