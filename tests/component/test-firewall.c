/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The firewall against the kernel it runs on, in network namespaces of its own. What matters is
 * shown with packets from the peer.
 */

#include "test.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/firewall-ops.h"
#include "engine/nft-layout.h"
#include "engine/nft-table.h"
#include "firewalls.h"
#include "netns.h"

#define SSH 22
#define SMTP 25
#define HTTP 80

/* helpers */

/* A firewall with the jail sshd at port 22. */
static Firewall *open_sshd(void) {
        const FirewallJail jail = make_jail("sshd", "22", PORT_TCP);

        return open_firewall(&jail, 1);
}

static int remove_table_and_age(void **state) {
        (void) remove_table(state);
        kernel_is_old = true;
        return 0;
}

/* Makes a table that nobody owns, as on an older kernel. */
static void make_unowned_table(void) {
        _cleanup_(nft_link_freep) NftLink *l = NULL;

        assert_ok(nft_link_new(&l, NFT_TABLE));
        nft_link_begin(l);
        nft_add_table(l, 0);
        assert_ok(nft_link_commit(l, NULL, NULL));
}

/* drops */

static void banned_address_is_out_and_others_are_not(void **state) {
        Firewall *f = open_sshd();
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int http = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, HTTP, true);

        (void) state;

        assert_true(netns_can_connect(PEER4, HOST4, SSH));

        ban(f, "sshd", PEER4, USEC_PER_HOUR);
        assert_int_equal(packets_dropped(f, "sshd"), 0);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        assert_true(packets_dropped(f, "sshd") > 0);
        assert_true(netns_can_connect(OTHER4, HOST4, SSH));
        assert_true(netns_can_connect(PEER4, HOST4, HTTP));

        unban(f, "sshd", PEER4);
        assert_true(netns_can_connect(PEER4, HOST4, SSH));

        close(ssh);
        close(http);
}

static void ipv6_prefix_is_out_and_the_next_is_not(void **state) {
        Firewall *f = open_sshd();
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, SSH, true);

        (void) state;

        ban(f, "sshd", "2001:db8:0:a::/64", USEC_PER_HOUR);
        assert_false(netns_can_connect(PEER6, HOST6, SSH));
        assert_false(netns_can_connect(SAME_64, HOST6, SSH));
        assert_true(netns_can_connect(OTHER_64, HOST6, SSH));

        unban(f, "sshd", "2001:db8:0:a::/64");
        ban(f, "sshd", PEER6, USEC_PER_HOUR);
        assert_false(netns_can_connect(PEER6, HOST6, SSH));
        assert_true(netns_can_connect(SAME_64, HOST6, SSH));

        close(ssh);
}

static void first_ban_of_a_prefix_length_makes_its_set(void **state) {
        Firewall *f = open_sshd();
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);

        (void) state;

        unban(f, "sshd", "192.0.2.64/27"); /* nothing to lift, and no set to lift it from */
        assert_int_equal(remaining_of(f, "sshd", "192.0.2.64/27"), 0);

        ban(f, "sshd", "192.0.2.64/27", USEC_PER_HOUR);
        assert_about(remaining_of(f, "sshd", "192.0.2.64/27"), USEC_PER_HOUR);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        assert_false(netns_can_connect(OTHER4, HOST4, SSH));
        assert_true(netns_can_connect(FAR4, HOST4, SSH));

        /* The set outlives its last ban, and a second firewall finds it. */
        unban(f, "sshd", "192.0.2.64/27");
        assert_true(netns_can_connect(PEER4, HOST4, SSH));
        ban(f, "sshd", "192.0.2.64/27", USEC_PER_HOUR);
        close_firewall(f);
        f = open_sshd();
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        assert_true(netns_can_connect(FAR4, HOST4, SSH));

        close(ssh);
}

static void allowed_address_passes_in_a_banned_prefix(void **state) {
        const Address allow[] = {
                netns_address(OTHER4),
                netns_address("192.0.2.128/25"),
                netns_address(SAME_64),
        };
        int ssh4 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int ssh6 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, SSH, true);
        Firewall *f = NULL;
        FirewallJail jails[2];

        (void) state;

        jails[0] = make_jail("sshd", "22", PORT_TCP);
        jails[0].allow = allow;
        jails[0].n_allow = ELEMENTSOF(allow);
        jails[1] = make_jail("strict", "22", PORT_TCP);
        f = open_firewall(jails, 2);

        ban(f, "sshd", "192.0.2.0/24", USEC_PER_HOUR);
        ban(f, "sshd", "2001:db8:0:a::/64", USEC_PER_HOUR);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        assert_true(netns_can_connect(OTHER4, HOST4, SSH));
        assert_true(netns_can_connect(FAR4, HOST4, SSH));
        assert_false(netns_can_connect(PEER6, HOST6, SSH));
        assert_true(netns_can_connect(SAME_64, HOST6, SSH));

        /* What one jail allows is not allowed by another. */
        ban(f, "strict", OTHER4, USEC_PER_HOUR);
        assert_false(netns_can_connect(OTHER4, HOST4, SSH));

        close(ssh4);
        close(ssh6);
}

static void jails_may_share_a_port(void **state) {
        const FirewallJail jails[] = {
                make_jail("one", "22,25", PORT_TCP),
                make_jail("two", "22,80", PORT_TCP),
                make_jail("three", "22,20-30", PORT_TCP),
        };
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int smtp = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SMTP, true);
        int http = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, HTTP, true);
        Firewall *f = NULL;

        (void) state;

        f = open_firewall(jails, ELEMENTSOF(jails));

        ban(f, "one", PEER4, USEC_PER_HOUR);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        assert_false(netns_can_connect(PEER4, HOST4, SMTP));
        assert_true(netns_can_connect(PEER4, HOST4, HTTP));

        ban(f, "two", PEER4, USEC_PER_HOUR);
        unban(f, "one", PEER4);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        assert_true(netns_can_connect(PEER4, HOST4, SMTP));
        assert_false(netns_can_connect(PEER4, HOST4, HTTP));

        ban(f, "three", OTHER4, USEC_PER_HOUR);
        assert_false(netns_can_connect(OTHER4, HOST4, SSH));
        assert_false(netns_can_connect(OTHER4, HOST4, SMTP));
        assert_true(netns_can_connect(OTHER4, HOST4, HTTP));

        close(ssh);
        close(smtp);
        close(http);
}

static void wide_range_of_ports_is_guarded(void **state) {
        const FirewallJail jail = make_jail("wide", "22,1000-30000", PORT_TCP | PORT_UDP);
        int inside = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, 30000, true);
        int outside = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, 30001, true);
        Firewall *f = open_firewall(&jail, 1);

        (void) state;

        ban(f, "wide", PEER4, USEC_PER_HOUR);
        assert_false(netns_can_connect(PEER4, HOST4, 30000));
        assert_true(netns_can_connect(PEER4, HOST4, 30001));
        assert_true(netns_can_connect(OTHER4, HOST4, 30000));

        close(inside);
        close(outside);
}

static void whole_range_of_ports_is_guarded(void **state) {
        const FirewallJail jail = make_jail("all", "1-65535", PORT_TCP);
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int own = netns_socket(SIDE_PEER, SOCK_STREAM, PEER4, HTTP, true);
        Firewall *f = open_firewall(&jail, 1);
        int fd;

        (void) state;

        ban(f, "all", PEER4, USEC_PER_HOUR);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));

        /* The ports of this host's own connections are among them. */
        fd = netns_connect(SIDE_HOST, HOST4, PEER4, HTTP);
        assert_true(fd >= 0);

        close(fd);
        close(ssh);
        close(own);
}

static void udp_is_dropped_at_its_port(void **state) {
        const FirewallJail jail = make_jail("dns", "53", PORT_UDP);
        int dns = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, 53, false);
        int peer = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, 0, false);
        int tcp = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, 53, true);
        Firewall *f = open_firewall(&jail, 1);

        (void) state;

        netns_send(peer, HOST4, 53);
        assert_true(netns_receive(dns));

        ban(f, "dns", PEER4, USEC_PER_HOUR);
        netns_send(peer, HOST4, 53);
        assert_false(netns_receive(dns));
        assert_int_equal(packets_dropped(f, "dns"), 1);
        assert_true(netns_can_connect(PEER4, HOST4, 53));

        close(dns);
        close(peer);
        close(tcp);
}

/* every port */

static void every_port_is_guarded_for_what_comes_from_outside(void **state) {
        const FirewallJail jail = make_jail("scan", "any", PORT_TCP | PORT_UDP);
        int http = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, HTTP, true);
        int http6 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, HTTP, true);
        int udp = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, 5060, false);
        int peer = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, 0, false);
        Firewall *f = open_firewall(&jail, 1);

        (void) state;

        ban(f, "scan", PEER4, USEC_PER_HOUR);
        ban(f, "scan", "2001:db8:0:a::/64", USEC_PER_HOUR);
        assert_false(netns_can_connect(PEER4, HOST4, HTTP));
        assert_true(netns_can_connect(OTHER4, HOST4, HTTP));
        assert_false(netns_can_connect(PEER6, HOST6, HTTP));
        assert_true(netns_can_connect(OTHER_64, HOST6, HTTP));

        netns_send(peer, HOST4, 5060);
        assert_false(netns_receive(udp));

        /* A prefix of a new length goes through the same chains. */
        ban(f, "scan", "192.0.2.67/31", USEC_PER_HOUR);
        assert_false(netns_can_connect(OTHER4, HOST4, HTTP));

        assert_true(netns_can_ping(PEER4, HOST4));

        close(http);
        close(http6);
        close(udp);
        close(peer);
}

static void every_port_spares_what_this_host_began(void **state) {
        const FirewallJail jail = make_jail("scan", "any", PORT_TCP | PORT_UDP);
        int http = netns_socket(SIDE_PEER, SOCK_STREAM, PEER4, HTTP, true);
        int dns4 = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, 53, false);
        int dns6 = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER6, 53, false);
        int own4 = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, 0, false);
        int own6 = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST6, 0, false);
        Firewall *f = open_firewall(&jail, 1);
        int fd;

        (void) state;

        ban(f, "scan", "192.0.2.64/27", USEC_PER_HOUR);
        ban(f, "scan", "2001:db8:0:a::/64", USEC_PER_HOUR);

        fd = netns_connect(SIDE_HOST, HOST4, PEER4, HTTP);
        assert_true(fd >= 0);

        /* Before the question there is no answer. */
        netns_send(dns4, HOST4, netns_socket_port(own4));
        assert_false(netns_receive(own4));

        netns_send(own4, PEER4, 53);
        assert_true(netns_receive(dns4));
        netns_send(dns4, HOST4, netns_socket_port(own4));
        assert_true(netns_receive(own4));

        netns_send(own6, PEER6, 53);
        assert_true(netns_receive(dns6));
        netns_send(dns6, HOST6, netns_socket_port(own6));
        assert_true(netns_receive(own6));

        close(fd);
        close(http);
        close(dns4);
        close(dns6);
        close(own4);
        close(own6);
}

static void late_answer_of_a_server_opens_no_door(void **state) {
        const FirewallJail jail = make_jail("scan", "any", PORT_TCP | PORT_UDP);
        int sip = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, 5060, false);
        int peer = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, 5060, false);
        Firewall *f = open_firewall(&jail, 1);

        (void) state;

        ban(f, "scan", PEER4, USEC_PER_HOUR);
        netns_send(sip, PEER4, 5060);
        assert_true(netns_receive(peer));
        netns_send(peer, HOST4, 5060);
        assert_false(netns_receive(sip));

        close(sip);
        close(peer);
}

static void jails_for_every_port_do_not_lift_each_others_bans(void **state) {
        const FirewallJail jails[] = {
                make_jail("scan", "any", PORT_TCP),
                make_jail("repeat", "any", PORT_TCP | PORT_UDP),
        };
        int http = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, HTTP, true);
        Firewall *f = open_firewall(jails, ELEMENTSOF(jails));

        (void) state;

        ban(f, "scan", PEER4, USEC_PER_HOUR);
        ban(f, "repeat", PEER4, USEC_PER_DAY);
        unban(f, "scan", PEER4);
        assert_false(netns_can_connect(PEER4, HOST4, HTTP));
        unban(f, "repeat", PEER4);
        assert_true(netns_can_connect(PEER4, HOST4, HTTP));

        close(http);
}

/* times */

static void ban_again_takes_the_new_time(void **state) {
        Firewall *f = open_sshd();

        (void) state;

        ban(f, "sshd", PEER4, USEC_PER_HOUR);
        assert_about(remaining_of(f, "sshd", PEER4), USEC_PER_HOUR);

        ban(f, "sshd", PEER4, USEC_PER_DAY);
        assert_about(remaining_of(f, "sshd", PEER4), USEC_PER_DAY);

        ban(f, "sshd", PEER4, USEC_PER_MINUTE);
        assert_about(remaining_of(f, "sshd", PEER4), USEC_PER_MINUTE);

        ban(f, "sshd", PEER4, USEC_INFINITY);
        assert_true(remaining_of(f, "sshd", PEER4) == USEC_INFINITY);

        ban(f, "sshd", PEER4, USEC_PER_HOUR);
        assert_about(remaining_of(f, "sshd", PEER4), USEC_PER_HOUR);
}

static void limited_ban_is_never_for_good(void **state) {
        Firewall *f = open_sshd();

        (void) state;

        ban(f, "sshd", PEER4, USEC_INFINITY - 1);
        assert_true(remaining_of(f, "sshd", PEER4) != USEC_INFINITY);
        assert_true(remaining_of(f, "sshd", PEER4) > 299 * 365 * USEC_PER_DAY);

        /* Over within a few ticks of the kernel. */
        ban(f, "sshd", OTHER4, 0);
        ban(f, "sshd", FAR4, 1);
        for (int i = 0; i < 10000 && count_elements(f) > 1; i++)
                usleep(1000);
        assert_int_equal(remaining_of(f, "sshd", OTHER4), 0);
        assert_int_equal(remaining_of(f, "sshd", FAR4), 0);

        /* The element may still be there, waiting to be collected. */
        ban(f, "sshd", FAR4, USEC_PER_HOUR);
        assert_about(remaining_of(f, "sshd", FAR4), USEC_PER_HOUR);
}

/* counters of bans */

static void ban_as(Firewall *f, const char *address, usec_t remaining, unsigned flags) {
        const Address a = netns_address(address);

        assert_ok(firewall_add(f, "sshd", &a, remaining, flags));
        assert_int_equal(firewall_commit(f, NULL, NULL), 1);
}

static void counted_ban_counts_its_packets(void **state) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        Firewall *f = open_sshd();
        FirewallElement element;

        (void) state;

        ban_as(f, PEER4, USEC_PER_HOUR, FIREWALL_COUNTED);
        ban_as(f, OTHER4, USEC_PER_HOUR, 0);
        element = element_of(f, "sshd", PEER4);
        assert_true(element.is_counted);
        assert_int_equal(element.dropped.packets, 0);
        assert_int_equal(element.dropped.bytes, 0);

        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        assert_false(netns_can_connect(OTHER4, HOST4, SSH));
        element = element_of(f, "sshd", PEER4);
        assert_about(element.remaining, USEC_PER_HOUR);
        assert_true(element.dropped.packets > 0);
        assert_true(element.dropped.bytes >= 40 * element.dropped.packets);
        assert_true(packets_dropped(f, "sshd") > element.dropped.packets);

        element = element_of(f, "sshd", OTHER4);
        assert_false(element.is_counted);
        assert_int_equal(element.dropped.packets, 0);

        close(ssh);
}

static void ban_that_is_kept_keeps_its_counter(void **state) {
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        bool is_old = kernel_is_old;
        Firewall *f = open_sshd();
        uint64_t packets;
        usec_t expected;

        (void) state;

        ban_as(f, PEER4, USEC_PER_HOUR, FIREWALL_COUNTED);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        packets = element_of(f, "sshd", PEER4).dropped.packets;
        assert_true(packets > 0);

        close_firewall(f);
        f = open_sshd();
        ban_as(f, PEER4, USEC_PER_DAY, FIREWALL_KEEP | FIREWALL_COUNTED);
        assert_int_equal(element_of(f, "sshd", PEER4).dropped.packets, packets);

        /* Whether the kernel can is found out only after the test may have made it old. */
        expected = remaining_of(f, "sshd", PEER4) > USEC_PER_HOUR ? USEC_PER_DAY : USEC_PER_HOUR;
        assert_about(remaining_of(f, "sshd", PEER4), expected);

        /* Without it, the new time is what counts. */
        ban_as(f, PEER4, USEC_PER_MINUTE, FIREWALL_COUNTED);
        assert_about(remaining_of(f, "sshd", PEER4), USEC_PER_MINUTE);
        assert_true(element_of(f, "sshd", PEER4).is_counted);
        if (!is_old && expected == USEC_PER_DAY)
                assert_int_equal(element_of(f, "sshd", PEER4).dropped.packets, packets);

        close(ssh);
}

static void nothing_is_kept_that_was_changed_in_the_same_batch(void **state) {
        const Address a = netns_address(PEER4), b = netns_address(OTHER4), c = netns_address(FAR4);
        Firewall *f = open_sshd();

        (void) state;

        ban(f, "sshd", PEER4, USEC_PER_HOUR);
        ban(f, "sshd", OTHER4, USEC_PER_HOUR);
        assert_ok(firewall_remove(f, "sshd", &a));
        assert_ok(firewall_add(f, "sshd", &a, USEC_PER_DAY, FIREWALL_KEEP));
        assert_ok(firewall_add(f, "sshd", &b, USEC_PER_MINUTE, 0));
        assert_ok(firewall_add(f, "sshd", &b, USEC_PER_DAY, FIREWALL_KEEP));
        assert_ok(firewall_add(f, "sshd", &c, USEC_PER_DAY, FIREWALL_KEEP));
        assert_int_equal(firewall_commit(f, NULL, NULL), 5);

        assert_about(remaining_of(f, "sshd", PEER4), USEC_PER_DAY);
        assert_about(remaining_of(f, "sshd", OTHER4), USEC_PER_DAY);
        assert_about(remaining_of(f, "sshd", FAR4), USEC_PER_DAY);
}

/* batches */

static void last_change_of_a_batch_counts(void **state) {
        Firewall *f = open_sshd();
        const Address a = netns_address(PEER4), b = netns_address(OTHER4), c = netns_address(FAR4);

        (void) state;

        assert_ok(firewall_add(f, "sshd", &a, USEC_PER_HOUR, 0));
        assert_ok(firewall_add(f, "sshd", &b, USEC_PER_HOUR, 0));
        assert_ok(firewall_remove(f, "sshd", &a));
        assert_ok(firewall_add(f, "sshd", &b, USEC_PER_DAY, 0));
        assert_ok(firewall_add(f, "sshd", &b, USEC_PER_MINUTE, 0));
        assert_ok(firewall_remove(f, "sshd", &c));
        assert_ok(firewall_add(f, "sshd", &c, USEC_PER_HOUR, 0));
        assert_int_equal(firewall_n_queued(f), 7);
        assert_int_equal(firewall_commit(f, NULL, NULL), 7);
        assert_int_equal(firewall_n_queued(f), 0);

        assert_int_equal(remaining_of(f, "sshd", PEER4), 0);
        assert_about(remaining_of(f, "sshd", OTHER4), USEC_PER_MINUTE);
        assert_about(remaining_of(f, "sshd", FAR4), USEC_PER_HOUR);

        /* The same when they were banned before. */
        assert_ok(firewall_add(f, "sshd", &c, USEC_PER_DAY, 0));
        assert_ok(firewall_remove(f, "sshd", &c));
        assert_ok(firewall_remove(f, "sshd", &b));
        assert_ok(firewall_add(f, "sshd", &b, USEC_PER_DAY, 0));
        assert_ok(firewall_add(f, "sshd", &a, USEC_INFINITY, 0));
        assert_int_equal(firewall_commit(f, NULL, NULL), 5);

        assert_true(remaining_of(f, "sshd", PEER4) == USEC_INFINITY);
        assert_about(remaining_of(f, "sshd", OTHER4), USEC_PER_DAY);
        assert_int_equal(remaining_of(f, "sshd", FAR4), 0);
}

static void unbanning_who_is_not_banned_is_no_error(void **state) {
        Firewall *f = open_sshd();
        const Address a = netns_address(PEER4), b = netns_address(OTHER4);

        (void) state;

        ban(f, "sshd", OTHER4, USEC_PER_HOUR);
        assert_ok(firewall_remove(f, "sshd", &a));
        assert_ok(firewall_remove(f, "sshd", &b));
        assert_int_equal(firewall_commit(f, NULL, NULL), 2);
        assert_int_equal(count_elements(f), 0);

        assert_int_equal(firewall_commit(f, NULL, NULL), 0);
}

/* Hosts and networks in turn. */
static Address numbered_address(unsigned i) {
        Address a = netns_address(i % 2 ? "2001:db8::1" : "2001:db8::/64");

        a.bytes[4] = (uint8_t) (i >> 16);
        a.bytes[5] = (uint8_t) (i >> 8);
        a.bytes[6] = (uint8_t) i;
        return a;
}

static void many_changes_go_through(void **state) {
        Firewall *f = open_sshd();
        const int n = 30000;

        (void) state;

        for (int i = 0; i < n; i++) {
                const Address a = numbered_address((unsigned) i);

                assert_ok(firewall_add(f, "sshd", &a, USEC_PER_HOUR, 0));
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), n);
        assert_int_equal(count_elements(f), n);

        /* Again, over what is there, as after a restart, and with new ones and unbans between. */
        for (int i = 0; i < n; i++) {
                const Address a = numbered_address((unsigned) i),
                              b = numbered_address((unsigned) (i + n));

                if (i % 3 == 0)
                        assert_ok(firewall_remove(f, "sshd", &a));
                else
                        assert_ok(firewall_add(f, "sshd", &a, USEC_PER_DAY, 0));
                if (i % 5 == 0)
                        assert_ok(firewall_add(f, "sshd", &b, USEC_PER_DAY, 0));
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), n + n / 5);
        assert_int_equal(count_elements(f), n - n / 3 + n / 5);

        {
                const Address a = numbered_address(1);
                FirewallElement element;

                assert_int_equal(firewall_lookup(f, "sshd", &a, &element), 1);
                assert_about(element.remaining, USEC_PER_DAY);
        }

        for (int i = 0; i < 2 * n; i++) {
                const Address a = numbered_address((unsigned) i);

                assert_ok(firewall_remove(f, "sshd", &a));
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), 2 * n);
        assert_int_equal(count_elements(f), 0);
}

typedef struct Refused {
        int n;
        int error;
} Refused;

static void
on_refused(const char *jail, const Address *address, int error, const char *text, void *userdata) {
        Refused *refused = userdata;

        assert_string_equal(jail, "sshd");
        assert_int_equal(address->family, AF_INET);
        assert_non_null(text);
        refused->n++;
        refused->error = error;
}

static void refused_element_keeps_nobody_back(void **state) {
        const NftSetParams small = {
                .flags = NFT_SET_TIMEOUT,
                .key_type = NFT_TYPE_IPV4_ADDR,
                .key_size = 4,
                .size = 20,
        };
        Firewall *f = NULL;
        _cleanup_(nft_link_freep) NftLink *l = NULL;
        Refused refused = {};

        (void) state;

        make_unowned_table();
        f = open_sshd();
        assert_int_equal(firewall_get_ownership(f), FIREWALL_UNOWNED);

        /* Somebody puts a set in place that is soon full. */
        assert_ok(nft_link_new(&l, NFT_TABLE));
        nft_link_begin(l);
        nft_flush_rules(l);
        nft_delete_set(l, "sshd-v4");
        nft_add_set(l, "sshd-v4", &small);
        assert_ok(nft_link_commit(l, NULL, NULL));

        for (uint8_t i = 0; i < 100; i++) {
                Address a = netns_address(i % 2 ? "198.51.100.0" : "2001:db8::");

                a.bytes[3] = i;
                assert_ok(firewall_add(f, "sshd", &a, USEC_PER_HOUR, 0));
        }
        assert_int_equal(firewall_commit(f, on_refused, &refused), 70);
        assert_int_equal(refused.n, 30);
        assert_int_equal(refused.error, -ENFILE);
        assert_int_equal(firewall_n_queued(f), 0);

        /* The next configuration does away with it. */
        assert_ok(firewall_configure(
                        f, &settings, (FirewallJail[]){ make_jail("sshd", "22", PORT_TCP) }, 1));
        for (uint8_t i = 1; i < 100; i += 2) {
                Address a = netns_address("198.51.100.0");

                a.bytes[3] = i;
                assert_ok(firewall_add(f, "sshd", &a, USEC_PER_HOUR, 0));
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), 50);
        assert_int_equal(count_elements(f), 100);
}

static void lost_table_is_told_and_can_be_made_again(void **state) {
        Firewall *f = NULL, *other = NULL;
        const FirewallJail jail = make_jail("sshd", "22", PORT_TCP);
        const Address a = netns_address(PEER4), b = netns_address(OTHER4);
        FirewallCounter counter;

        (void) state;

        make_unowned_table();
        f = open_firewall(&jail, 1);
        ban(f, "sshd", PEER4, USEC_PER_HOUR);

        other = open_unconfigured();
        assert_int_equal(firewall_destroy(other), 1);
        assert_int_equal(firewall_destroy(other), 0);

        assert_int_equal(remaining_of(f, "sshd", PEER4), 0);
        assert_fails(firewall_get_counter(f, "sshd", &counter), ENOENT);
        assert_int_equal(count_elements(f), 0);

        assert_ok(firewall_add(f, "sshd", &b, USEC_PER_HOUR, 0));
        assert_ok(firewall_remove(f, "sshd", &a));
        assert_fails(firewall_commit(f, NULL, NULL), ENOENT);
        assert_int_equal(firewall_n_queued(f), 2);

        assert_ok(firewall_configure(f, &settings, &jail, 1));
        assert_int_equal(firewall_commit(f, NULL, NULL), 2);
        assert_int_equal(count_elements(f), 1);
}

/* the table */

static void restart_adopts_bans_and_counters(void **state) {
        const FirewallJail jails[] = {
                make_jail("sshd", "22", PORT_TCP),
                make_jail("smtp", "25", PORT_TCP),
        };
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int http = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, HTTP, true);
        Firewall *f = open_firewall(jails, 2);
        FirewallOwnership ownership = firewall_get_ownership(f);
        const FirewallJail moved = make_jail("sshd", "80", PORT_TCP);
        uint64_t dropped;

        (void) state;

        ban(f, "sshd", PEER4, USEC_PER_HOUR);
        ban(f, "sshd", "2001:db8:0:a::/64", USEC_INFINITY);
        ban(f, "smtp", OTHER4, USEC_PER_HOUR);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        dropped = packets_dropped(f, "sshd");
        assert_true(dropped > 0);

        /* Nobody is there to care, and the ban holds. */
        close_firewall(f);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));

        f = open_firewall(jails, 2);
        assert_int_equal(firewall_get_ownership(f), ownership);
        assert_int_equal(count_elements(f), 3);
        assert_about(remaining_of(f, "sshd", PEER4), USEC_PER_HOUR);
        assert_true(remaining_of(f, "sshd", "2001:db8:0:a::/64") == USEC_INFINITY);
        assert_true(packets_dropped(f, "sshd") > dropped);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));

        /* Another port, and a jail less. */
        assert_ok(firewall_configure(f, &settings, &moved, 1));
        assert_int_equal(count_elements(f), 2);
        assert_true(netns_can_connect(PEER4, HOST4, SSH));
        assert_false(netns_can_connect(PEER4, HOST4, HTTP));
        assert_true(netns_can_connect(OTHER4, HOST4, HTTP));
        assert_fails(firewall_add(f, "smtp", &(Address){ .family = AF_INET }, 1, 0), ENOENT);

        close(ssh);
        close(http);
}

static void no_packet_passes_while_configuring(void **state) {
        const FirewallJail jails[] = {
                make_jail("dns", "53", PORT_UDP),
                make_jail("other", "53,1000-2000", PORT_UDP | PORT_TCP),
                make_jail("any", "any", PORT_UDP | PORT_TCP),
        };
        uint64_t dropped = 0;
        Firewall *f;

        (void) state;

        start_flood();
        f = open_firewall(jails, 1);
        ban(f, "dns", PEER4, USEC_PER_HOUR);
        forget_early_ones(f, "dns");

        /* Each time, wait until some have come and gone. */
        for (size_t i = 0; i < 50; i++) {
                if (i % 10 == 9) {
                        close_firewall(f);
                        f = open_unconfigured();
                }
                assert_ok(firewall_configure(f, &settings, jails, 1 + i % 3));
                dropped = await_flood(f, "dns", dropped);
        }

        assert_false(stop_flood());
}

static void owned_table_is_closed_to_others(void **state) {
        Firewall *f = open_sshd(), *other = NULL;
        const FirewallJail jail = make_jail("sshd", "22", PORT_TCP);

        (void) state;

        if (firewall_get_ownership(f) != FIREWALL_OWNED)
                skip();

        other = open_unconfigured();
        assert_fails(firewall_destroy(other), EPERM);
        assert_fails(firewall_configure(other, &settings, &jail, 1), EPERM);

        /* But they may look. */
        ban(f, "sshd", PEER4, USEC_PER_HOUR);
        assert_int_equal(count_elements(other), 1);

        close_firewall(f);
        assert_ok(firewall_configure(other, &settings, &jail, 1));
        assert_int_equal(firewall_get_ownership(other), FIREWALL_OWNED);
        assert_int_equal(count_elements(other), 1);
}

static void foreign_contents_make_way(void **state) {
        const NftSetParams interval = {
                .flags = NFT_SET_INTERVAL,
                .key_type = NFT_TYPE_IPV4_ADDR,
                .key_size = 4,
        };
        const NftSetParams map = {
                .flags = NFT_SET_MAP,
                .key_type = NFT_TYPE_INET_SERVICE,
                .key_size = 2,
        };
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        Firewall *f = NULL;
        _cleanup_(nft_link_freep) NftLink *l = NULL;
        struct nftnl_set *elements;
        struct nftnl_set_elem *e;
        NftRule r;

        (void) state;

        /* Our names, other things; chains that refer to each other, and a map that refers to one.
         */
        make_unowned_table();
        assert_ok(nft_link_new(&l, NFT_TABLE));
        nft_link_begin(l);
        nft_add_set(l, "sshd-v4", &interval);
        nft_add_set(l, "sshd-v6-12", &interval);
        nft_add_set(l, "tcp-ports", &map);
        nft_add_base_chain(l, "prerouting", NF_INET_LOCAL_IN, 0, NULL);
        nft_add_chain(l, "jail-sshd");
        nft_add_chain(l, "mine");
        nft_add_counter(l, "theirs");
        r = nft_rule_begin(l, "jail-sshd");
        nft_rule_verdict(&r, NFT_JUMP, "mine");
        nft_rule_end(&r);
        elements = nft_elements_new(l, "tcp-ports");
        e = nft_elements_add(l, elements, "\0\x16", 2);
        nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t) NFT_JUMP);
        nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, "mine");
        nft_put_elements(l, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements);
        nftnl_set_free(elements);
        assert_ok(nft_link_commit(l, NULL, NULL));

        f = open_sshd();
        ban(f, "sshd", PEER4, USEC_PER_HOUR);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        assert_true(netns_can_connect(OTHER4, HOST4, SSH));

        close(ssh);
}

static void wrong_jails_are_refused(void **state) {
        Firewall *f = NULL;
        const FirewallJail twice[] = {
                make_jail("sshd", "22", PORT_TCP),
                make_jail("sshd", "25", PORT_TCP),
        };
        const FirewallJail longer = make_jail("a234567890b234567890c234567890d23", "22", PORT_TCP);
        const FirewallJail longest = make_jail("a234567890b234567890c234567890d2", "22", PORT_TCP);
        const Address a = netns_address(PEER4);
        FirewallCounter counter;

        (void) state;

        f = open_unconfigured();
        assert_fails(firewall_configure(f, &settings, twice, 2), EEXIST);
        assert_fails(firewall_configure(f, &settings, &longer, 1), EINVAL);
        assert_fails(firewall_add(f, "sshd", &a, 1, 0), ENOENT);
        assert_fails(firewall_remove(f, "sshd", &a), ENOENT);
        assert_fails(firewall_get_counter(f, "sshd", &counter), ENOENT);
        assert_int_equal(firewall_lookup(f, "sshd", &a, NULL), 0);

        assert_ok(firewall_configure(f, &settings, &longest, 1));
        ban(f, longest.name, "2001:db8:0:a::/64", USEC_PER_HOUR);
        assert_about(remaining_of(f, longest.name, "2001:db8:0:a::/64"), USEC_PER_HOUR);

        /* No jail at all is right. */
        assert_ok(firewall_configure(f, &settings, NULL, 0));
        assert_int_equal(count_elements(f), 0);
}

static void changes_follow_their_jail(void **state) {
        const FirewallJail before[] = {
                make_jail("one", "22", PORT_TCP),
                make_jail("two", "23", PORT_TCP),
                make_jail("three", "24", PORT_TCP),
        };
        const FirewallJail after[] = { before[2], before[0] };
        Firewall *f = open_firewall(before, 3);
        const Address a = netns_address(PEER4);

        (void) state;

        assert_ok(firewall_add(f, "one", &a, USEC_PER_HOUR, 0));
        assert_ok(firewall_add(f, "two", &a, USEC_PER_HOUR, 0));
        assert_ok(firewall_add(f, "three", &a, USEC_PER_DAY, 0));
        assert_ok(firewall_configure(f, &settings, after, 2));
        assert_int_equal(firewall_commit(f, NULL, NULL), 2);
        assert_about(remaining_of(f, "one", PEER4), USEC_PER_HOUR);
        assert_about(remaining_of(f, "three", PEER4), USEC_PER_DAY);

        assert_ok(firewall_add(f, "one", &a, 1, 0));
        firewall_discard(f);
        assert_int_equal(firewall_commit(f, NULL, NULL), 0);
        assert_about(remaining_of(f, "one", PEER4), USEC_PER_HOUR);
}

typedef struct Found {
        const char *jail;
        const char *address;
        usec_t remaining;
        int n;
} Found;

static void find_element(const char *jail,
                const Address *address,
                const FirewallElement *element,
                void *userdata) {
        char text[ADDRESS_STR_SIZE];
        Found *found = userdata;

        for (Found *p = found; p->jail; p++)
                if (streq(p->jail, jail) && streq(p->address, address_format(address, text))) {
                        p->n++;
                        p->remaining = element->remaining;
                }
}

static void list_tells_jail_address_and_time(void **state) {
        const FirewallJail jails[] = {
                make_jail("a", "22", PORT_TCP),
                make_jail("a-v4", "25", PORT_TCP),
                make_jail("a-v4-24", "any", PORT_TCP),
        };
        Firewall *f = open_firewall(jails, 3), *other = NULL;
        Found found[] = {
                { "a", PEER4, 0, 0 },
                { "a", "192.0.2.0/24", 0, 0 },
                { "a-v4", PEER4, 0, 0 },
                { "a-v4", "2001:db8:0:a::/64", 0, 0 },
                { "a-v4-24", PEER6, 0, 0 },
                {},
        };
        size_t n = 0;

        (void) state;

        for (Found *p = found; p->jail; p++)
                ban(f, p->jail, p->address, p == found ? USEC_INFINITY : USEC_PER_HOUR);
        close_firewall(f);

        /* Without being told the jails. */
        other = open_unconfigured();
        assert_int_equal(firewall_list(other, 1000, find_element, found), 5);
        for (Found *p = found; p->jail; p++) {
                assert_int_equal(p->n, 1);
                if (p == found)
                        assert_true(p->remaining == USEC_INFINITY);
                else
                        assert_about(p->remaining, USEC_PER_HOUR);
        }

        f = open_firewall(jails, 3);
        ban(f, "a", OTHER4, USEC_PER_HOUR);
        ban(f, "a", FAR4, USEC_PER_HOUR);
        assert_int_equal(firewall_list(other, 2, count_element, &n), 6);
        assert_int_equal(n, 6);
        assert_int_equal(firewall_list(other, 0, count_element, &n), 0);
}

static void names_of_sets_are_read_as_written(void **state) {
        static const struct {
                const char *name;
                const char *jail; /* NULL if it is none of ours */
                int family;
                unsigned prefixlen;
        } cases[] = {
                { "sshd-v4", "sshd", AF_INET, 32 },
                { "sshd-v6", "sshd", AF_INET6, 128 },
                { "sshd-v6-64", "sshd", AF_INET6, 64 },
                { "sshd-v4-0", "sshd", AF_INET, 0 },
                { "a-v4-24-v6-48", "a-v4-24", AF_INET6, 48 },
                { "-v4", NULL, 0, 0 },
                { "sshd", NULL, 0, 0 },
                { "sshd-v5", NULL, 0, 0 },
                { "sshd-v4-32", NULL, 0, 0 },
                { "sshd-v4-33", NULL, 0, 0 },
                { "sshd-v4-024", NULL, 0, 0 },
                { "sshd-v4-+1", NULL, 0, 0 },
                { "sshd-v4- 1", NULL, 0, 0 },
                { "sshd-v4-1x", NULL, 0, 0 },
                { "sshd-v4x", NULL, 0, 0 },
                { "sshd-v6-1280", NULL, 0, 0 },
                { "sshd.allow-v4", NULL, 0, 0 },
                { "udp-out.v4", NULL, 0, 0 },
                { "tcp-ports", NULL, 0, 0 },
                { "a234567890b234567890c234567890d23-v4", NULL, 0, 0 },
        };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                FirewallName jail;
                unsigned prefixlen;
                int family;

                assert_int_equal(nft_parse_set_name(cases[i].name, jail, &family, &prefixlen),
                                cases[i].jail != NULL);
                if (!cases[i].jail)
                        continue;
                assert_string_equal(jail, cases[i].jail);
                assert_int_equal(family, cases[i].family);
                assert_int_equal(prefixlen, cases[i].prefixlen);
        }
}

/* surroundings */

static int try_new(void) {
        Firewall *f = NULL;
        int r;

        r = firewall_nft_new(&f);
        firewall_free(f);
        return r;
}

static void no_privilege_is_told(void **state) {
        (void) state;

        assert_fails(netns_without_capabilities(try_new), EPERM);
}

static void table_of_an_older_kernel_is_used_as_it_is(void **state) {
        Firewall *f;

        (void) state;

        kernel_is_old = true;
        f = open_sshd();
        assert_int_equal(firewall_get_ownership(f), FIREWALL_UNOWNED);
        ban(f, "sshd", PEER4, USEC_PER_HOUR);
        close_firewall(f);

        kernel_is_old = false;
        f = open_sshd();
        assert_int_equal(firewall_get_ownership(f), FIREWALL_UNOWNED);
        assert_about(remaining_of(f, "sshd", PEER4), USEC_PER_HOUR);
}

static void log_touches_nothing(void **state) {
        const FirewallJail jail = make_jail("sshd", "22", PORT_TCP);
        Firewall *f = NULL, *nft = NULL;
        const Address a = netns_address(PEER4);
        FirewallCounter counter;

        (void) state;

        assert_ok(firewall_log_new(&f));
        assert_int_equal(firewall_get_ownership(f), FIREWALL_NONE);
        assert_fails(firewall_add(f, "sshd", &a, 1, 0), ENOENT);
        assert_ok(firewall_configure(f, &settings, &jail, 1));
        assert_ok(firewall_add(f, "sshd", &a, USEC_PER_HOUR, 0));
        assert_int_equal(firewall_n_queued(f), 1);
        assert_int_equal(firewall_commit(f, NULL, NULL), 1);
        assert_int_equal(firewall_n_queued(f), 0);
        assert_int_equal(firewall_lookup(f, "sshd", &a, NULL), 0);
        assert_ok(firewall_get_counter(f, "sshd", &counter));
        assert_int_equal(counter.packets, 0);
        assert_int_equal(count_elements(f), 0);
        assert_int_equal(firewall_destroy(f), 0);
        firewall_free(f);

        nft = open_unconfigured();
        assert_int_equal(firewall_destroy(nft), 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, remove_table, remove_table)
#define test_old(f)                                                                                \
        { #f "_on_older_kernels", f, remove_table_and_age, remove_table, NULL }

int main(void) {
        const struct CMUnitTest tests[] = {
                test(banned_address_is_out_and_others_are_not),
                test(ipv6_prefix_is_out_and_the_next_is_not),
                test(first_ban_of_a_prefix_length_makes_its_set),
                test(allowed_address_passes_in_a_banned_prefix),
                test(jails_may_share_a_port),
                test(wide_range_of_ports_is_guarded),
                test(whole_range_of_ports_is_guarded),
                test(udp_is_dropped_at_its_port),
                test(every_port_is_guarded_for_what_comes_from_outside),
                test(every_port_spares_what_this_host_began),
                test(late_answer_of_a_server_opens_no_door),
                test(jails_for_every_port_do_not_lift_each_others_bans),
                test(ban_again_takes_the_new_time),
                test(limited_ban_is_never_for_good),
                test(counted_ban_counts_its_packets),
                test(ban_that_is_kept_keeps_its_counter),
                test(nothing_is_kept_that_was_changed_in_the_same_batch),
                test(last_change_of_a_batch_counts),
                test(unbanning_who_is_not_banned_is_no_error),
                test(many_changes_go_through),
                test(refused_element_keeps_nobody_back),
                test(lost_table_is_told_and_can_be_made_again),
                test(restart_adopts_bans_and_counters),
                test(no_packet_passes_while_configuring),
                test(owned_table_is_closed_to_others),
                test(foreign_contents_make_way),
                test(wrong_jails_are_refused),
                test(changes_follow_their_jail),
                test(list_tells_jail_address_and_time),
                test(names_of_sets_are_read_as_written),
                test(no_privilege_is_told),
                test(table_of_an_older_kernel_is_used_as_it_is),
                test(log_touches_nothing),
                test_old(banned_address_is_out_and_others_are_not),
                test_old(first_ban_of_a_prefix_length_makes_its_set),
                test_old(ban_again_takes_the_new_time),
                test_old(limited_ban_is_never_for_good),
                test_old(counted_ban_counts_its_packets),
                test_old(ban_that_is_kept_keeps_its_counter),
                test_old(nothing_is_kept_that_was_changed_in_the_same_batch),
                test_old(last_change_of_a_batch_counts),
                test_old(unbanning_who_is_not_banned_is_no_error),
                test_old(many_changes_go_through),
                test_old(refused_element_keeps_nobody_back),
                test_old(lost_table_is_told_and_can_be_made_again),
                test_old(restart_adopts_bans_and_counters),
                test_old(no_packet_passes_while_configuring),
        };

        netns_enter();
        netns_make_peer();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
