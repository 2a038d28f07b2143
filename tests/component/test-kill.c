/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Connections between two network namespaces, and their end.
 */

#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/kill.h"
#include "netns.h"

#define SSH 22
#define HTTP 80

static PortSet make_ports(const char *s, unsigned protocols) {
        PortSet ports = { .protocols = protocols };
        const char *bad = NULL;

        assert_ok(ports_parse(s, &ports, &bad));
        return ports;
}

static int run(Killer *k, const char *address, const char *ports) {
        const PortSet set = make_ports(ports, PORT_TCP);
        const Address a = netns_address(address);

        return killer_run(k, &a, &set);
}

/* A connection, with both ends. */
typedef struct Pair {
        int client;
        int server;
} Pair;

static Pair connect_pair(int listener, Side side, const char *from, const char *to, uint16_t port) {
        Pair pair;

        pair.client = netns_connect(side, from, to, port);
        assert_true(pair.client >= 0);
        pair.server = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        assert_true(pair.server >= 0);
        return pair;
}

static void close_pair(Pair pair) {
        (void) close(pair.client);
        (void) close(pair.server);
}

static bool is_open(int fd) {
        char c;

        return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void assert_destroyed(Pair pair) {
        char c;

        netns_settle();
        assert_int_equal(recv(pair.server, &c, 1, 0), -1);
        assert_int_equal(errno, ECONNABORTED);
        assert_int_equal(recv(pair.client, &c, 1, 0), -1);
        assert_int_equal(errno, ECONNRESET);
}

static void assert_alive(Pair pair) {
        netns_settle();
        assert_true(is_open(pair.server));
        assert_true(is_open(pair.client));
}

static void connections_of_the_address_end_and_others_do_not(void **state) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int http = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, HTTP, true);
        Pair first = connect_pair(ssh, SIDE_PEER, PEER4, HOST4, SSH);
        Pair second = connect_pair(ssh, SIDE_PEER, PEER4, HOST4, SSH);
        Pair other = connect_pair(ssh, SIDE_PEER, OTHER4, HOST4, SSH);
        Pair web = connect_pair(http, SIDE_PEER, PEER4, HOST4, HTTP);
        _cleanup_(killer_freep) Killer *k = NULL;
        Pair third;

        (void) state;

        assert_ok(killer_new(&k));
        assert_int_equal(run(k, "192.0.2.99", "22"), 0);
        assert_int_equal(run(k, PEER4, "23"), 0);

        assert_int_equal(run(k, PEER4, "20-22"), 2);
        assert_destroyed(first);
        assert_destroyed(second);
        assert_alive(other);
        assert_alive(web);
        assert_int_equal(run(k, PEER4, "22"), 0);

        /* Those who listen go on listening. */
        third = connect_pair(ssh, SIDE_PEER, PEER4, HOST4, SSH);
        assert_alive(third);

        close_pair(first);
        close_pair(second);
        close_pair(third);
        close_pair(other);
        close_pair(web);
        (void) close(ssh);
        (void) close(http);
}

static void prefix_takes_all_its_connections(void **state) {
        int ssh4 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int ssh6 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, SSH, true);
        Pair a = connect_pair(ssh6, SIDE_PEER, PEER6, HOST6, SSH);
        Pair b = connect_pair(ssh6, SIDE_PEER, SAME_64, HOST6, SSH);
        Pair c = connect_pair(ssh6, SIDE_PEER, OTHER_64, HOST6, SSH);
        Pair d = connect_pair(ssh4, SIDE_PEER, PEER4, HOST4, SSH);
        Pair e = connect_pair(ssh4, SIDE_PEER, OTHER4, HOST4, SSH);
        Pair f = connect_pair(ssh4, SIDE_PEER, FAR4, HOST4, SSH);
        _cleanup_(killer_freep) Killer *k = NULL;

        (void) state;

        assert_ok(killer_new(&k));
        assert_int_equal(run(k, "2001:db8:0:a::/64", "22"), 2);
        assert_destroyed(a);
        assert_destroyed(b);
        assert_alive(c);

        assert_int_equal(run(k, "192.0.2.64/27", "22"), 2);
        assert_destroyed(d);
        assert_destroyed(e);
        assert_alive(f);

        close_pair(a);
        close_pair(b);
        close_pair(c);
        close_pair(d);
        close_pair(e);
        close_pair(f);
        (void) close(ssh4);
        (void) close(ssh6);
}

static void ipv4_ends_on_a_socket_for_both_families(void **state) {
        int both = netns_socket(SIDE_HOST, SOCK_STREAM, "::", SSH, true);
        Pair a = connect_pair(both, SIDE_PEER, PEER4, HOST4, SSH);
        Pair b = connect_pair(both, SIDE_PEER, OTHER4, HOST4, SSH);
        Pair c = connect_pair(both, SIDE_PEER, PEER6, HOST6, SSH);
        _cleanup_(killer_freep) Killer *k = NULL;

        (void) state;

        assert_ok(killer_new(&k));
        assert_int_equal(run(k, PEER4, "22"), 1);
        assert_destroyed(a);
        assert_alive(b);
        assert_alive(c);
        assert_int_equal(run(k, "192.0.2.0/24", "22"), 1);
        assert_destroyed(b);
        assert_alive(c);

        close_pair(a);
        close_pair(b);
        close_pair(c);
        (void) close(both);
}

static uint16_t tcp_checksum(uint32_t from, uint32_t to, const struct tcphdr *tcp) {
        struct {
                uint32_t from;
                uint32_t to;
                uint16_t protocol;
                uint16_t size;
                struct tcphdr tcp;
        } p = { from, to, htons(IPPROTO_TCP), htons(sizeof(*tcp)), *tcp };
        uint32_t sum = 0;
        uint16_t word;

        for (size_t i = 0; i < sizeof(p); i += sizeof(word)) {
                memcpy(&word, (uint8_t *) &p + i, sizeof(word));
                sum += word;
        }
        sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t) ~(sum + (sum >> 16));
}

/* Sends a SYN from an address that nobody answers for, so that the connection stays half open. */
static void send_syn(const char *from, const char *to, uint16_t port) {
        struct {
                struct iphdr ip;
                struct tcphdr tcp;
        } packet = {
                .ip = {
                        .version = 4,
                        .ihl = 5,
                        .ttl = 64,
                        .protocol = IPPROTO_TCP,
                        .saddr = netns_address(from).in.s_addr,
                        .daddr = netns_address(to).in.s_addr,
                },
                .tcp = {
                        .source = htons(40000),
                        .dest = htons(port),
                        .seq = htonl(1),
                        .doff = 5,
                        .syn = 1,
                        .window = htons(1024),
                },
        };
        struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = packet.ip.daddr };
        int fd;

        packet.tcp.check = tcp_checksum(packet.ip.saddr, packet.ip.daddr, &packet.tcp);
        fd = netns_raw_socket(SIDE_PEER);
        assert_int_equal(
                        sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *) &sa, sizeof(sa)),
                        sizeof(packet));
        netns_close(fd);
}

static void half_open_connections_end(void **state) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        _cleanup_(killer_freep) Killer *k = NULL;

        (void) state;

        netns_run("ip neighbour add 192.0.2.200 lladdr 02:00:00:00:00:02 dev veth0");
        assert_ok(killer_new(&k));
        send_syn("192.0.2.200", HOST4, SSH);
        assert_int_equal(run(k, "192.0.2.200", "22"), 1);
        assert_int_equal(run(k, "192.0.2.200", "22"), 0);

        (void) close(ssh);
}

static void connections_of_this_host_are_left_alone(void **state) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int high = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, 40001, true);
        int peer = netns_socket(SIDE_PEER, SOCK_STREAM, PEER4, SSH, true);
        Pair out = connect_pair(peer, SIDE_HOST, HOST4, PEER4, SSH);
        Pair in = connect_pair(ssh, SIDE_PEER, PEER4, HOST4, SSH);
        Pair in_high = connect_pair(high, SIDE_PEER, PEER4, HOST4, 40001);
        _cleanup_(killer_freep) Killer *k = NULL;

        (void) state;

        assert_ok(killer_new(&k));
        assert_int_equal(run(k, PEER4, "22"), 1);
        assert_destroyed(in);
        assert_alive(out);
        close_pair(in);

        in = connect_pair(ssh, SIDE_PEER, PEER4, HOST4, SSH);
        assert_int_equal(run(k, PEER4, "1024-65535"), 1);
        assert_destroyed(in_high);
        assert_alive(in);
        assert_alive(out);

        assert_int_equal(run(k, PEER4, "any"), 1);
        assert_destroyed(in);
        assert_alive(out);

        close_pair(in);
        close_pair(in_high);
        close_pair(out);
        (void) close(ssh);
        (void) close(high);
        (void) close(peer);
}

static void many_targets_at_a_time(void **state) {
        const PortSet ssh_ports = make_ports("22", PORT_TCP);
        const PortSet http_ports = make_ports("80", PORT_TCP), udp = make_ports("any", PORT_UDP);
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int ssh6 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, SSH, true);
        int http = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, HTTP, true);
        Pair a = connect_pair(ssh, SIDE_PEER, PEER4, HOST4, SSH);
        Pair b = connect_pair(http, SIDE_PEER, PEER4, HOST4, HTTP);
        Pair c = connect_pair(ssh, SIDE_PEER, OTHER4, HOST4, SSH);
        Pair d = connect_pair(http, SIDE_PEER, OTHER4, HOST4, HTTP);
        Pair e = connect_pair(ssh6, SIDE_PEER, PEER6, HOST6, SSH);
        _cleanup_(killer_freep) Killer *k = NULL;
        KillerTarget targets[700];

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
                Address other = netns_address(i % 2 ? "198.51.100.0" : "2001:db8:ff::");

                other.bytes[3] = (uint8_t) i;
                targets[i] = (KillerTarget){ .address = other, .ports = &ssh_ports };
        }

        assert_ok(killer_new(&k));
        assert_int_equal(killer_run_many(k, targets, ELEMENTSOF(targets)), 0);
        assert_int_equal(killer_run_many(k, NULL, 0), 0);

        /* The first, the last and one between of a question, and one that meets no TCP. */
        targets[0] = (KillerTarget){ netns_address(PEER4), &ssh_ports };
        targets[255] = (KillerTarget){ netns_address(OTHER4), &http_ports };
        targets[300] = (KillerTarget){ netns_address("2001:db8:0:a::/64"), &ssh_ports };
        targets[699] = (KillerTarget){ netns_address("192.0.2.0/24"), &udp };
        assert_int_equal(killer_run_many(k, targets, ELEMENTSOF(targets)), 3);
        assert_destroyed(a);
        assert_alive(b);
        assert_alive(c);
        assert_destroyed(d);
        assert_destroyed(e);

        close_pair(a);
        close_pair(b);
        close_pair(c);
        close_pair(d);
        close_pair(e);
        (void) close(ssh);
        (void) close(ssh6);
        (void) close(http);
}

static int run_on_peer(void) {
        const PortSet ports = make_ports("22", PORT_TCP);
        const Address a = netns_address(PEER4);
        Killer *k = NULL;
        int r;

        r = killer_new(&k);
        if (r >= 0)
                r = killer_run(k, &a, &ports);
        killer_free(k);
        return r;
}

static void no_privilege_is_told(void **state) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        Pair pair = connect_pair(ssh, SIDE_PEER, PEER4, HOST4, SSH);

        (void) state;

        assert_fails(netns_without_capabilities(run_on_peer), EPERM);
        assert_alive(pair);

        close_pair(pair);
        (void) close(ssh);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(connections_of_the_address_end_and_others_do_not),
                cmocka_unit_test(prefix_takes_all_its_connections),
                cmocka_unit_test(ipv4_ends_on_a_socket_for_both_families),
                cmocka_unit_test(half_open_connections_end),
                cmocka_unit_test(connections_of_this_host_are_left_alone),
                cmocka_unit_test(many_targets_at_a_time),
                cmocka_unit_test(no_privilege_is_told),
        };

        netns_enter();
        netns_make_peer();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
