/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Jails that share ports, against the kernel: who is banned by one of them, and for how long, and
 * that no packet notices how the kernel finds out.
 */

#include "test.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "engine/firewall-ops.h"
#include "engine/nft-elements.h"
#include "engine/nft-table.h"
#include "firewalls.h"
#include "netns.h"

#define SSH 22
#define DNS 53
#define HTTP 80

/* all bans, as a daemon knows them */

typedef struct Known {
        const char *jail;
        Address address;
        usec_t end; /* by the monotonic clock; 0: free */
} Known;

static Known book[65536];

static usec_t now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;
}

static usec_t longest(const Address *a, void *userdata) {
        usec_t end = 0;

        (void) userdata;

        for (const Known *k = book; k->jail; k++)
                if (address_equal(&k->address, a))
                        end = MAX(end, k->end);

        return end == USEC_INFINITY ? end : usec_sub(end, now());
}

static void know(const char *jail, const Address *a, usec_t end) {
        Known *k = book;

        while (k->jail && !(streq(k->jail, jail) && address_equal(&k->address, a)))
                k++;
        *k = (Known){ jail, *a, end };
}

static Firewall *open_gated(const FirewallJail *jails, size_t n) {
        Firewall *f = open_firewall(jails, n);

        firewall_set_longest(f, longest, NULL);
        return f;
}

static void ban_known(Firewall *f, const char *jail, const char *address, usec_t remaining) {
        const Address a = netns_address(address);

        know(jail, &a, usec_add(now(), remaining));
        ban(f, jail, address, remaining);
}

static void unban_known(Firewall *f, const char *jail, const char *address) {
        const Address a = netns_address(address);

        know(jail, &a, 0);
        unban(f, jail, address);
}

/* Puts all bans in again, as after a restart. */
static void restore(Firewall *f) {
        for (const Known *k = book; k->jail; k++) {
                usec_t remaining = k->end == USEC_INFINITY ? k->end : usec_sub(k->end, now());
                int r;

                if (remaining == 0)
                        continue;
                r = firewall_add(f, k->jail, &k->address, remaining, FIREWALL_KEEP);
                if (r != -ENOENT)
                        assert_ok(r);
        }

        assert_ok(firewall_commit(f, NULL, NULL));
        assert_int_equal(firewall_settle(f), 0);
}

/* the kernel's gate */

static usec_t gate_remaining(const char *set, const char *address) {
        _cleanup_(nft_link_freep) NftLink *l = NULL;
        const Address a = netns_address(address);
        FirewallElement element = {};

        assert_ok(nft_link_new(&l, NFT_TABLE));
        assert_ok(nft_get_element(l, set, &a, &element));
        return element.remaining;
}

static bool is_gate_used(const char *chain) {
        char command[256];

        (void) snprintf(command,
                        sizeof(command),
                        "nft list chain inet banjo %s | grep -q 'saddr @.gate-v4 goto hit-%s'",
                        chain,
                        chain);
        return system(command) == 0;
}

static size_t count_gate(const char *set, int family, unsigned prefixlen) {
        NftElement *elements;
        size_t n;

        assert_ok(nft_list_set(NFT_TABLE, set, family, prefixlen, SIZE_MAX, &elements, &n));
        free(elements);
        return n;
}

static int begin(void **state) {
        memset(book, 0, sizeof(book));
        return remove_table(state);
}

static int begin_old(void **state) {
        (void) begin(state);
        kernel_is_old = true;
        return 0;
}

/* times */

static void check_longest(const char *first_ports, const char *second_ports, const char *chain) {
        const FirewallJail jails[] = {
                make_jail("one", first_ports, PORT_TCP),
                make_jail("two", second_ports, PORT_TCP),
        };
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        Firewall *f = open_gated(jails, ELEMENTSOF(jails));

        for (int settled = 0; settled < 2; settled++) {
                assert_int_equal(is_gate_used(chain), settled);

                ban_known(f, "one", PEER4, USEC_PER_HOUR);
                assert_about(gate_remaining(".gate-v4", PEER4), USEC_PER_HOUR);
                assert_false(netns_can_connect(PEER4, HOST4, SSH));
                assert_true(netns_can_connect(OTHER4, HOST4, SSH));

                ban_known(f, "two", PEER4, USEC_PER_MINUTE); /* shorter */
                assert_about(gate_remaining(".gate-v4", PEER4), USEC_PER_HOUR);
                ban_known(f, "two", PEER4, USEC_PER_DAY); /* extended */
                assert_about(gate_remaining(".gate-v4", PEER4), USEC_PER_DAY);
                ban_known(f, "one", PEER4, USEC_INFINITY);
                assert_true(gate_remaining(".gate-v4", PEER4) == USEC_INFINITY);
                ban_known(f, "one", PEER4, USEC_PER_MINUTE); /* shortened */
                assert_about(gate_remaining(".gate-v4", PEER4), USEC_PER_DAY);
                assert_about(remaining_of(f, "one", PEER4), USEC_PER_MINUTE);
                assert_about(remaining_of(f, "two", PEER4), USEC_PER_DAY);
                assert_false(netns_can_connect(PEER4, HOST4, SSH));

                unban_known(f, "two", PEER4);
                assert_about(gate_remaining(".gate-v4", PEER4), USEC_PER_MINUTE);
                assert_false(netns_can_connect(PEER4, HOST4, SSH));
                unban_known(f, "one", PEER4);
                assert_int_equal(gate_remaining(".gate-v4", PEER4), 0);
                assert_true(netns_can_connect(PEER4, HOST4, SSH));

                assert_int_equal(firewall_settle(f), 0);
        }

        (void) remove_table(NULL);
        memset(book, 0, sizeof(book));
        close(ssh);
}

static void gate_holds_whom_a_port_is_closed_to_for_longest(void **state) {
        (void) state;

        check_longest("22", "22,80", "ports-two.one");
}

static void gate_holds_whom_every_port_is_closed_to_for_longest(void **state) {
        (void) state;

        check_longest("any", "any", "any-tcp");
}

static void other_ban_goes_on_when_one_expires(void **state) {
        const FirewallJail jails[] = {
                make_jail("one", "22", PORT_TCP),
                make_jail("two", "22", PORT_TCP),
        };
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        Firewall *f = open_gated(jails, ELEMENTSOF(jails));

        (void) state;

        restore(f);
        ban_known(f, "one", PEER4, USEC_PER_HOUR);
        ban_known(f, "two", PEER4, 50 * USEC_PER_MSEC);
        while (remaining_of(f, "two", PEER4) > 0)
                usleep(10000);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        assert_about(gate_remaining(".gate-v4", PEER4), USEC_PER_HOUR);

        /* What the longer one leaves behind is not longer than the shorter. */
        ban_known(f, "two", PEER4, 50 * USEC_PER_MSEC);
        unban_known(f, "one", PEER4);
        while (gate_remaining(".gate-v4", PEER4) > 0)
                usleep(10000);
        while (remaining_of(f, "two", PEER4) > 0)
                usleep(10000);
        assert_true(netns_can_connect(PEER4, HOST4, SSH));

        close(ssh);
}

/* prefixes */

static void overlapping_prefixes_are_kept_apart(void **state) {
        const FirewallJail jails[] = {
                make_jail("one", "22", PORT_TCP),
                make_jail("two", "22", PORT_TCP),
                make_jail("three", "any", PORT_TCP),
                make_jail("four", "any", PORT_TCP),
        };
        int ssh4 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int ssh6 = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, SSH, true);
        Firewall *f = open_gated(jails, ELEMENTSOF(jails));

        (void) state;

        ban_known(f, "one", "192.0.2.64/27", USEC_PER_HOUR);
        restore(f);

        /* The first of its length comes when the gate is in use. */
        ban_known(f, "two", "192.0.2.64/26", USEC_PER_HOUR);
        ban_known(f, "three", "192.0.2.0/24", USEC_PER_HOUR);
        ban_known(f, "four", PEER4, USEC_PER_HOUR);
        assert_false(netns_can_connect(FAR4, HOST4, SSH));
        unban_known(f, "three", "192.0.2.0/24");
        assert_true(netns_can_connect(FAR4, HOST4, SSH));
        assert_false(netns_can_connect(OTHER4, HOST4, SSH));
        unban_known(f, "one", "192.0.2.64/27");
        assert_false(netns_can_connect(OTHER4, HOST4, SSH));
        unban_known(f, "two", "192.0.2.64/26");
        assert_true(netns_can_connect(OTHER4, HOST4, SSH));
        assert_false(netns_can_connect(PEER4, HOST4, SSH));
        unban_known(f, "four", PEER4);
        assert_true(netns_can_connect(PEER4, HOST4, SSH));

        ban_known(f, "one", "2001:db8::/56", USEC_PER_HOUR);
        ban_known(f, "two", "2001:db8:0:a::/64", USEC_PER_HOUR);
        ban_known(f, "three", "2001:db8:0:a::/64", USEC_PER_HOUR);
        ban_known(f, "four", SAME_64, USEC_PER_HOUR);
        assert_false(netns_can_connect(OTHER_64, HOST6, SSH));
        unban_known(f, "one", "2001:db8::/56");
        assert_true(netns_can_connect(OTHER_64, HOST6, SSH));
        unban_known(f, "two", "2001:db8:0:a::/64");
        assert_false(netns_can_connect(PEER6, HOST6, SSH));
        unban_known(f, "three", "2001:db8:0:a::/64");
        assert_true(netns_can_connect(PEER6, HOST6, SSH));
        assert_false(netns_can_connect(SAME_64, HOST6, SSH));

        /* A host within a prefix: the end of one is not the end of the other. */
        ban_known(f, "four", "2001:db8:0:a::/64", USEC_PER_HOUR);
        unban_known(f, "four", SAME_64);
        assert_false(netns_can_connect(SAME_64, HOST6, SSH));

        close(ssh4);
        close(ssh6);
}

static void batch_leaves_the_gate_as_the_bans_say(void **state) {
        const FirewallJail jails[] = {
                make_jail("one", "22", PORT_TCP),
                make_jail("two", "22", PORT_TCP),
                make_jail("alone", "25", PORT_TCP),
        };
        Firewall *f = open_gated(jails, ELEMENTSOF(jails));
        const int n = 6000;
        size_t expected = 0;

        (void) state;

        restore(f);
        firewall_set_longest(f, NULL, NULL); /* no two ban the same, and the book is slow */
        for (int i = 0; i < n; i++) {
                Address a = netns_address("198.51.100.0");

                a.bytes[2] = (uint8_t) (i >> 8);
                a.bytes[3] = (uint8_t) i;
                assert_ok(firewall_add(f, jails[i % 3].name, &a, USEC_PER_HOUR, 0));
                expected += i % 3 < 2;
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), n);
        assert_int_equal(count_gate(".gate-v4", AF_INET, 32), expected);

        for (int i = 0; i < n; i++) {
                Address a = netns_address("198.51.100.0");

                a.bytes[2] = (uint8_t) (i >> 8);
                a.bytes[3] = (uint8_t) i;
                if (i % 2)
                        assert_ok(firewall_remove(f, jails[i % 3].name, &a));
                else
                        assert_ok(firewall_add(f, jails[i % 3].name, &a, USEC_PER_DAY, 0));
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), n);
        assert_int_equal(count_gate(".gate-v4", AF_INET, 32), expected / 2);
        assert_about(gate_remaining(".gate-v4", "198.51.0.0"), USEC_PER_DAY);
}

static void refused_element_is_not_in_the_gate_and_keeps_nobody_back(void **state) {
        const NftSetParams small = {
                .flags = NFT_SET_TIMEOUT,
                .key_type = NFT_TYPE_IPV4_ADDR,
                .key_size = 4,
                .size = 20,
        };
        const FirewallJail jails[] = {
                make_jail("one", "22", PORT_TCP),
                make_jail("two", "22", PORT_TCP),
        };
        _cleanup_(nft_link_freep) NftLink *l = NULL;
        Firewall *f = NULL;

        (void) state;

        settings.ownership = OWNERSHIP_NO;
        f = open_firewall(jails, 2);
        assert_ok(nft_link_new(&l, NFT_TABLE));
        nft_link_begin(l);
        nft_flush_rules(l);
        nft_delete_set(l, "one-v4");
        nft_add_set(l, "one-v4", &small);
        assert_ok(nft_link_commit(l, NULL, NULL));

        for (uint8_t i = 0; i < 100; i++) {
                Address a = netns_address("198.51.100.0");

                a.bytes[3] = i;
                assert_ok(firewall_add(f, i % 2 ? "one" : "two", &a, USEC_PER_HOUR, 0));
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), 70);
        assert_int_equal(count_gate(".gate-v4", AF_INET, 32), 70);
}

static void lookup_knows_what_the_gate_lacks(void **state) {
        const FirewallJail jails[] = {
                make_jail("one", "22", PORT_TCP),
                make_jail("two", "22", PORT_TCP),
        };
        Firewall *f = NULL;

        (void) state;

        settings.ownership = OWNERSHIP_NO;
        f = open_gated(jails, 2);
        restore(f);
        ban_known(f, "one", PEER4, USEC_PER_HOUR);
        assert_about(remaining_of(f, "one", PEER4), USEC_PER_HOUR);

        netns_run("nft delete element inet banjo .gate-v4 { " PEER4 " }");
        assert_int_equal(remaining_of(f, "one", PEER4), 0);
        ban_known(f, "one", PEER4, USEC_PER_HOUR);
        assert_about(remaining_of(f, "one", PEER4), USEC_PER_HOUR);
}

/* what this host began */

static void host_is_answered_by_who_is_banned_for_every_port(void **state) {
        const FirewallJail jails[] = {
                make_jail("one", "any", PORT_TCP | PORT_UDP),
                make_jail("two", "any", PORT_TCP | PORT_UDP),
        };
        int ssh = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, SSH, true);
        int web = netns_socket(SIDE_PEER, SOCK_STREAM, PEER4, HTTP, true);
        int resolver = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, DNS, false);
        int own = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, 0, false);
        Firewall *f = open_gated(jails, 2);
        int fd;

        (void) state;

        ban_known(f, "one", PEER4, USEC_PER_HOUR);
        ban_known(f, "two", "192.0.2.64/27", USEC_PER_HOUR);
        restore(f);
        assert_true(is_gate_used("any-tcp"));
        assert_true(is_gate_used("any-udp"));

        netns_send(resolver, HOST4, netns_socket_port(own));
        assert_false(netns_receive(own));
        netns_send(own, PEER4, DNS);
        assert_true(netns_receive(resolver));
        netns_send(resolver, HOST4, netns_socket_port(own));
        assert_true(netns_receive(own));

        fd = netns_connect(SIDE_HOST, HOST4, PEER4, HTTP);
        assert_true(fd >= 0);
        assert_false(netns_can_connect(PEER4, HOST4, SSH));

        close(fd);
        close(ssh);
        close(web);
        close(resolver);
        close(own);
}

/* changes */

static void no_packet_passes_while_jails_begin_and_cease_to_share(void **state) {
        const FirewallJail alone[] = { make_jail("one", "53", PORT_UDP) };
        const FirewallJail apart[] = {
                make_jail("one", "53", PORT_UDP),
                make_jail("two", "54", PORT_UDP),
        };
        const FirewallJail sharing[] = {
                make_jail("one", "53", PORT_UDP),
                make_jail("two", "53,54", PORT_UDP),
        };
        const FirewallJail more[] = {
                make_jail("one", "53", PORT_UDP),
                make_jail("three", "53", PORT_UDP),
                make_jail("two", "53,54", PORT_UDP),
        };
        const FirewallJail every[] = {
                make_jail("one", "any", PORT_UDP),
                make_jail("two", "any", PORT_UDP | PORT_TCP),
        };
        const struct {
                const FirewallJail *jails;
                size_t n;
        } steps[] = {
                { sharing, 2 },
                { apart, 2 },
                { more, 3 },
                { sharing, 2 },
                { every, 2 },
                { alone, 1 },
                { every, 2 },
                { apart, 2 },
        };
        uint64_t dropped = 0;
        Firewall *f;

        (void) state;

        start_flood();
        f = open_gated(alone, 1);

        ban_known(f, "one", PEER4, USEC_PER_HOUR);
        forget_early_ones(f, "one");

        for (size_t i = 0; i < 64; i++) {
                const FirewallJail *jails = steps[i % ELEMENTSOF(steps)].jails;
                size_t n = steps[i % ELEMENTSOF(steps)].n;

                /* At times a crash comes before the bans are back, and the next one adopts it. */
                assert_ok(firewall_configure(f, &settings, jails, n));
                dropped = await_flood(f, "one", dropped);
                if (i % 3 == 2) {
                        close_firewall(f);
                        f = open_gated(jails, n);
                        dropped = await_flood(f, "one", dropped);
                }
                restore(f);
                dropped = await_flood(f, "one", dropped);
                if (i % 5 == 4) {
                        close_firewall(f);
                        f = open_gated(jails, n);
                        dropped = await_flood(f, "one", dropped);
                }
        }

        assert_false(stop_flood());
}

/* What has met the last rules may be about to look into maps and sets that are to go. */
static void no_packet_passes_that_takes_its_time(void **state) {
        const FirewallJail alone[] = { make_jail("one", "53", PORT_UDP) };
        const FirewallJail sharing[] = {
                make_jail("one", "53", PORT_UDP),
                make_jail("two", "53,54", PORT_UDP),
        };
        uint64_t dropped = 0;
        Firewall *f;

        (void) state;

        settings.ownership = OWNERSHIP_NO;
        start_flood();
        f = open_gated(alone, 1);
        ban_known(f, "one", PEER4, USEC_PER_HOUR);
        forget_early_ones(f, "one");

        for (unsigned i = 0; i < 20; i++) {
                slow_down("banjo", "prerouting");
                dropped = await_flood(f, "one", packets_dropped(f, "one") + 3);
                assert_ok(firewall_configure(f, &settings, i % 2 ? alone : sharing, i % 2 ? 1 : 2));
                restore(f);
                dropped = await_flood(f, "one", dropped);
        }

        assert_false(stop_flood());
}

/* As it was written before there was a gate. */
static void make_table_without_gate(const FirewallJail *jails, size_t n) {
        Firewall *f = open_gated(jails, n);

        ban_known(f, "one", PEER4, USEC_PER_HOUR);
        forget_early_ones(f, "one");
        close_firewall(f);
        netns_run("nft '"
                  "flush chain inet banjo ports-two.one;"
                  "add rule inet banjo ports-two.one jump jail-two;"
                  "add rule inet banjo ports-two.one jump jail-one;"
                  "delete chain inet banjo hit-ports-two.one;"
                  "delete set inet banjo .gate-v4;'");
}

static void no_packet_passes_while_a_table_without_gate_is_adopted(void **state) {
        const FirewallJail jails[] = {
                make_jail("one", "53", PORT_UDP),
                make_jail("two", "53", PORT_UDP),
        };
        uint64_t dropped = 0;
        Firewall *f = NULL;

        (void) state;

        start_flood();

        settings.ownership = OWNERSHIP_NO;
        make_table_without_gate(jails, 2);

        f = open_gated(jails, 2);
        dropped = await_flood(f, "one", dropped);
        restore(f);
        assert_true(is_gate_used("ports-two.one"));
        dropped = await_flood(f, "one", dropped);
        assert_false(stop_flood());
}

static void gate_forgets_who_is_not_banned_any_more(void **state) {
        const FirewallJail jails[] = {
                make_jail("one", "22", PORT_TCP),
                make_jail("two", "22", PORT_TCP),
        };
        Firewall *f = open_gated(jails, 2);

        (void) state;

        ban_known(f, "one", PEER4, USEC_INFINITY);
        ban_known(f, "one", OTHER4, USEC_PER_HOUR);
        restore(f);

        /* Without the gate's knowing. */
        assert_ok(firewall_configure(f, &settings, jails, 1));
        unban_known(f, "one", PEER4);
        ban_known(f, "one", OTHER4, USEC_PER_DAY);
        assert_ok(firewall_configure(f, &settings, jails, 2));
        restore(f);
        assert_int_equal(gate_remaining(".gate-v4", PEER4), 0);
        assert_about(gate_remaining(".gate-v4", OTHER4), USEC_PER_DAY);
}

#define test(f) cmocka_unit_test_setup_teardown(f, begin, remove_table)
#define test_old(f)                                                                                \
        { #f "_on_older_kernels", f, begin_old, remove_table, NULL }

int main(void) {
        const struct CMUnitTest tests[] = {
                test(gate_holds_whom_a_port_is_closed_to_for_longest),
                test(gate_holds_whom_every_port_is_closed_to_for_longest),
                test(other_ban_goes_on_when_one_expires),
                test(overlapping_prefixes_are_kept_apart),
                test(batch_leaves_the_gate_as_the_bans_say),
                test(refused_element_is_not_in_the_gate_and_keeps_nobody_back),
                test(lookup_knows_what_the_gate_lacks),
                test(host_is_answered_by_who_is_banned_for_every_port),
                test(no_packet_passes_while_jails_begin_and_cease_to_share),
                test(no_packet_passes_that_takes_its_time),
                test(no_packet_passes_while_a_table_without_gate_is_adopted),
                test(gate_forgets_who_is_not_banned_any_more),
                test_old(gate_holds_whom_a_port_is_closed_to_for_longest),
                test_old(gate_holds_whom_every_port_is_closed_to_for_longest),
                test_old(other_ban_goes_on_when_one_expires),
                test_old(overlapping_prefixes_are_kept_apart),
                test_old(batch_leaves_the_gate_as_the_bans_say),
                test_old(refused_element_is_not_in_the_gate_and_keeps_nobody_back),
                test_old(no_packet_passes_while_jails_begin_and_cease_to_share),
                test_old(gate_forgets_who_is_not_banned_any_more),
        };

        netns_enter();
        netns_make_peer();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
