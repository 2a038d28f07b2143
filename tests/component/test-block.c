/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What becomes of the packets of a banned address: the block and the scope of a jail. The answers
 * are those that the peer's kernel understood.
 */

#include "test.h"

#include <sys/socket.h>
#include <unistd.h>

#include "engine/firewall-ops.h"
#include "firewalls.h"
#include "netns.h"

#define SSH 22
#define DNS 53
#define HTTP 80
#define PUBLISHED 8080

#define PEER_NET6 "2001:db8:0:a::/64"

static FirewallJail
make_block(const char *ports, unsigned protocols, BlockKind block, BlockScope scope) {
        FirewallJail jail = make_jail("jail", ports, protocols);

        jail.block = block;
        jail.scope = scope;
        return jail;
}

/* A firewall with one jail, in which the peer is banned. */
static Firewall *
open_block(const char *ports, unsigned protocols, BlockKind block, BlockScope scope) {
        const FirewallJail jail = make_block(ports, protocols, block, scope);
        Firewall *f = open_firewall(&jail, 1);

        assert_int_equal(firewall_get_lacks(f), 0);
        ban(f, "jail", PEER4, USEC_PER_HOUR);
        ban(f, "jail", PEER_NET6, USEC_PER_HOUR);
        return f;
}

/* What becomes of a datagram from the peer, which must not arrive: the error that comes back. */
static int try_datagram(const char *from, const char *to, uint16_t port) {
        int server = netns_socket(SIDE_HOST, SOCK_DGRAM, to, port, false);
        int fd = netns_socket(SIDE_PEER, SOCK_DGRAM, from, 0, false);
        int error;

        netns_associate(fd, to, port);
        netns_send(fd, to, port);
        error = netns_error(fd);
        assert_false(netns_receive(server));

        close(fd);
        close(server);
        return error;
}

/* answers */

static void drop_answers_nothing(void **state) {
        int ssh4 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int ssh6 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, SSH, true);

        (void) state;

        (void) open_block("22,53", PORT_TCP | PORT_UDP, BLOCK_DROP, SCOPE_ALL);
        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ETIMEDOUT);
        assert_fails(netns_try_connect(PEER6, HOST6, SSH), ETIMEDOUT);
        assert_int_equal(try_datagram(PEER4, HOST4, DNS), 0);
        assert_int_equal(try_datagram(PEER6, HOST6, DNS), 0);

        close(ssh4);
        close(ssh6);
}

static void check_answers(BlockKind block) {
        int ssh4 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int ssh6 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, SSH, true);
        Firewall *f = open_block("22,53", PORT_TCP | PORT_UDP, block, SCOPE_ALL);
        uint64_t before = netns_n_sent_again(SIDE_PEER), n;

        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ECONNREFUSED);
        assert_fails(netns_try_connect(PEER6, HOST6, SSH), ECONNREFUSED);

        /* After a second, those are sent again that ICMP refused. */
        n = 2 + netns_n_sent_again(SIDE_PEER) - before;
        assert_int_equal(packets_dropped(f, "jail"), n);
        assert_int_equal(try_datagram(PEER4, HOST4, DNS), ECONNREFUSED);
        assert_int_equal(try_datagram(PEER6, HOST6, DNS), ECONNREFUSED);
        assert_int_equal(packets_dropped(f, "jail"), n + 2);

        assert_ok(netns_try_connect(OTHER4, HOST4, SSH));
        assert_ok(netns_try_connect(OTHER_64, HOST6, SSH));

        close(ssh4);
        close(ssh6);
}

static void reject_answers_at_once(void **state) {
        (void) state;

        check_answers(BLOCK_REJECT);
}

static void reset_answers_at_once(void **state) {
        (void) state;

        check_answers(BLOCK_RESET);
}

/* The error by which an open connection of the peer ends when it goes on sending. */
static int error_of_open_connection(const char *from, const char *to, BlockKind block) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, to, SSH, true);
        int fd = netns_connect(SIDE_PEER, from, to, SSH), error;

        assert_true(fd >= 0);
        (void) open_block("22", PORT_TCP, block, SCOPE_ALL);
        assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
        error = netns_error(fd);

        (void) remove_table(NULL);
        close(fd);
        close(ssh);
        return error;
}

static void reset_ends_what_is_open_at_the_peer(void **state) {
        (void) state;

        assert_int_equal(error_of_open_connection(PEER4, HOST4, BLOCK_RESET), ECONNRESET);
        assert_int_equal(error_of_open_connection(PEER6, HOST6, BLOCK_RESET), ECONNRESET);

        /* To an open connection, ICMP is a hint only. */
        assert_int_equal(error_of_open_connection(PEER4, HOST4, BLOCK_REJECT), 0);
        assert_int_equal(error_of_open_connection(PEER4, HOST4, BLOCK_DROP), 0);
}

static void allowed_address_is_not_answered(void **state) {
        const Address allow = netns_address(OTHER4);
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        FirewallJail jail = make_block("22", PORT_TCP, BLOCK_RESET, SCOPE_ALL);
        Firewall *f = NULL;

        (void) state;

        jail.allow = &allow;
        jail.n_allow = 1;
        f = open_firewall(&jail, 1);
        ban(f, "jail", "192.0.2.64/26", USEC_PER_HOUR);
        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ECONNREFUSED);
        assert_ok(netns_try_connect(OTHER4, HOST4, SSH));

        close(ssh);
}

/* every port */

static void check_every_port(BlockKind block) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int http = netns_socket(SIDE_PEER, SOCK_STREAM, PEER4, HTTP, true);
        int dns4 = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, DNS, false);
        int dns6 = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER6, DNS, false);
        int own4 = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, 0, false);
        int own6 = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST6, 0, false);
        int fd;

        (void) open_block("any", PORT_TCP | PORT_UDP, block, SCOPE_ALL);
        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ECONNREFUSED);
        assert_int_equal(try_datagram(PEER4, HOST4, 5060), ECONNREFUSED);
        assert_int_equal(try_datagram(PEER6, HOST6, 5060), ECONNREFUSED);

        /* What this host begins goes on, and is neither reset nor refused. */
        fd = netns_connect(SIDE_HOST, HOST4, PEER4, HTTP);
        assert_true(fd >= 0);

        netns_send(own4, PEER4, DNS);
        assert_true(netns_receive(dns4));
        netns_send(dns4, HOST4, netns_socket_port(own4));
        assert_true(netns_receive(own4));

        netns_send(own6, PEER6, DNS);
        assert_true(netns_receive(dns6));
        netns_send(dns6, HOST6, netns_socket_port(own6));
        assert_true(netns_receive(own6));

        close(fd);
        close(ssh);
        close(http);
        close(dns4);
        close(dns6);
        close(own4);
        close(own6);
}

static void every_port_is_rejected_but_for_what_this_host_began(void **state) {
        (void) state;

        check_every_port(BLOCK_REJECT);
}

static void every_port_is_reset_but_for_what_this_host_began(void **state) {
        (void) state;

        check_every_port(BLOCK_RESET);
}

/* scope */

static void transit_is_blocked_unless_spared(void **state) {
        int inner4 = netns_socket(SIDE_INNER, SOCK_STREAM, INNER4, SSH, true);
        int inner6 = netns_socket(SIDE_INNER, SOCK_STREAM, INNER6, SSH, true);
        int host4 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int host6 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, SSH, true);

        (void) state;

        assert_ok(netns_try_connect(PEER4, INNER4, SSH));
        assert_ok(netns_try_connect(PEER6, INNER6, SSH));

        (void) open_block("22", PORT_TCP, BLOCK_DROP, SCOPE_ALL);
        assert_fails(netns_try_connect(PEER4, INNER4, SSH), ETIMEDOUT);
        assert_fails(netns_try_connect(PEER6, INNER6, SSH), ETIMEDOUT);
        (void) remove_table(NULL);

        (void) open_block("22", PORT_TCP, BLOCK_DROP, SCOPE_LOCAL);
        assert_ok(netns_try_connect(PEER4, INNER4, SSH));
        assert_ok(netns_try_connect(PEER6, INNER6, SSH));
        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ETIMEDOUT);
        assert_fails(netns_try_connect(PEER6, HOST6, SSH), ETIMEDOUT);

        /* The host's address on the other side is its own, too. */
        assert_fails(netns_try_connect(PEER4, "198.51.100.1", SSH), ETIMEDOUT);
        (void) remove_table(NULL);

        (void) open_block("any", PORT_TCP, BLOCK_DROP, SCOPE_LOCAL);
        assert_ok(netns_try_connect(PEER4, INNER4, SSH));
        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ETIMEDOUT);

        close(inner4);
        close(inner6);
        close(host4);
        close(host6);
}

static void transit_is_answered_for_its_destination(void **state) {
        int inner4 = netns_socket(SIDE_INNER, SOCK_STREAM, INNER4, SSH, true);
        int inner6 = netns_socket(SIDE_INNER, SOCK_STREAM, INNER6, SSH, true);

        (void) state;

        (void) open_block("22", PORT_TCP, BLOCK_RESET, SCOPE_ALL);
        assert_fails(netns_try_connect(PEER4, INNER4, SSH), ECONNREFUSED);
        assert_fails(netns_try_connect(PEER6, INNER6, SSH), ECONNREFUSED);
        (void) remove_table(NULL);

        (void) open_block("22", PORT_TCP, BLOCK_REJECT, SCOPE_ALL);
        assert_fails(netns_try_connect(PEER4, INNER4, SSH), ECONNREFUSED);
        assert_fails(netns_try_connect(PEER6, INNER6, SSH), ECONNREFUSED);

        close(inner4);
        close(inner6);
}

/* As containers publish theirs. */
static void forwarded_port_is_of_this_host(void **state) {
        int inner = netns_socket(SIDE_INNER, SOCK_STREAM, INNER4, HTTP, true);
        Firewall *f = NULL;

        (void) state;

        netns_run("nft add table ip nat &&"
                  "nft 'add chain ip nat pre { type nat hook prerouting priority dstnat; }' &&"
                  "nft add rule ip nat pre tcp dport 8080 dnat to " INNER4 ":80");

        f = open_block("8080", PORT_TCP, BLOCK_DROP, SCOPE_LOCAL);
        assert_fails(netns_try_connect(PEER4, HOST4, PUBLISHED), ETIMEDOUT);
        assert_ok(netns_try_connect(OTHER4, HOST4, PUBLISHED));
        unban(f, "jail", PEER4);
        assert_ok(netns_try_connect(PEER4, HOST4, PUBLISHED));

        netns_run("nft delete table ip nat");
        close(inner);
}

static void broadcast_is_no_transit(void **state) {
        int server = netns_socket(SIDE_HOST, SOCK_DGRAM, "192.0.2.255", DNS, false);
        int fd = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, 0, false), yes = 1;

        (void) state;

        assert_ok(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)));
        netns_send(fd, "192.0.2.255", DNS);
        assert_true(netns_receive(server));

        (void) open_block("53", PORT_UDP, BLOCK_DROP, SCOPE_LOCAL);
        netns_send(fd, "192.0.2.255", DNS);
        assert_false(netns_receive(server));

        close(fd);
        close(server);
}

/* changes */

static void no_packet_passes_while_the_block_changes(void **state) {
        uint64_t dropped = 0;
        FirewallJail jail;
        Firewall *f;

        (void) state;

        start_flood();
        f = open_block("53", PORT_UDP, BLOCK_DROP, SCOPE_ALL);
        forget_early_ones(f, "jail");

        /* Each time, wait until some have come and gone. The counter goes on. */
        for (unsigned i = 0; i < 60; i++) {
                jail = make_block("53",
                                PORT_UDP,
                                (BlockKind) (i % 3),
                                i % 2 ? SCOPE_LOCAL : SCOPE_ALL);
                assert_ok(firewall_configure(f, &settings, &jail, 1));
                dropped = await_flood(f, "jail", dropped);
        }

        assert_false(stop_flood());
}

static void kernel_without_answers_drops(void **state) {
        int inner = netns_socket(SIDE_INNER, SOCK_STREAM, INNER4, SSH, true);
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        FirewallJail jail = make_block("22", PORT_TCP, BLOCK_RESET, SCOPE_ALL);
        Firewall *f = NULL;

        (void) state;

        kernel_is_old = true;
        f = open_firewall(&jail, 1);
        assert_int_equal(firewall_get_lacks(f), FIREWALL_LACKS_REJECT);
        ban(f, "jail", PEER4, USEC_PER_HOUR);
        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ETIMEDOUT);

        /* More is blocked than was asked for, and not less. */
        jail = make_block("22", PORT_TCP, BLOCK_DROP, SCOPE_LOCAL);
        assert_ok(firewall_configure(f, &settings, &jail, 1));
        assert_int_equal(firewall_get_lacks(f), FIREWALL_LACKS_SCOPE);
        assert_fails(netns_try_connect(PEER4, HOST4, SSH), ETIMEDOUT);
        assert_fails(netns_try_connect(PEER4, INNER4, SSH), ETIMEDOUT);

        jail = make_block("22", PORT_TCP, BLOCK_DROP, SCOPE_ALL);
        assert_ok(firewall_configure(f, &settings, &jail, 1));
        assert_int_equal(firewall_get_lacks(f), 0);

        close(inner);
        close(ssh);
}

#define test(f) cmocka_unit_test_setup_teardown(f, remove_table, remove_table)

int main(void) {
        const struct CMUnitTest tests[] = {
                test(drop_answers_nothing),
                test(reject_answers_at_once),
                test(reset_answers_at_once),
                test(reset_ends_what_is_open_at_the_peer),
                test(allowed_address_is_not_answered),
                test(every_port_is_rejected_but_for_what_this_host_began),
                test(every_port_is_reset_but_for_what_this_host_began),
                test(transit_is_blocked_unless_spared),
                test(transit_is_answered_for_its_destination),
                test(forwarded_port_is_of_this_host),
                test(broadcast_is_no_transit),
                test(no_packet_passes_while_the_block_changes),
                test(kernel_without_answers_drops),
        };

        netns_enter();
        netns_make_peer();
        netns_make_inner();

        /* Or the kernel would answer a few times only. */
        netns_run("echo 0 >/proc/sys/net/ipv4/icmp_ratelimit &&"
                  "echo 0 >/proc/sys/net/ipv6/icmp/ratelimit");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
