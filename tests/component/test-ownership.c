/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Who owns the table, how that changes while packets arrive, and what is noticed of others who
 * change a table that nobody owns. Against the kernel, in network namespaces of its own.
 */

#include "test.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/macro.h"
#include "firewalls.h"
#include "netns.h"

#define DNS 53

/* helpers */

static FirewallJail dns_jail(void) {
        return make_jail("dns", "53", PORT_UDP);
}

static Firewall *open_dns(FirewallOwning ownership) {
        const FirewallJail jail = dns_jail();

        settings.ownership = ownership;
        return open_firewall(&jail, 1);
}

static void configure_dns(Firewall *f, FirewallOwning ownership) {
        const FirewallJail jail = dns_jail();

        settings.ownership = ownership;
        assert_ok(firewall_configure(f, &settings, &jail, 1));
}

/* What the caller of the firewall does until it is settled: it puts in its only ban. Returns how
 * often. */
static int settle(Firewall *f) {
        const Address a = netns_address(PEER4);
        int n = 0, r;

        for (;;) {
                assert_ok(firewall_add(f, "dns", &a, USEC_PER_HOUR, 0));
                assert_ok(firewall_commit(f, NULL, NULL));
                n++;

                r = firewall_settle(f);
                assert_ok(r);
                if (r == 0)
                        return n;
                configure_dns(f, settings.ownership);
        }
}

static bool has_table(const char *name) {
        char command[128];

        (void) snprintf(command, sizeof(command), "nft list table inet %s >/dev/null 2>&1", name);
        return system(command) == 0;
}

/* Whether somebody else may change the table. */
static bool is_open(void) {
        return system("nft add set inet banjo theirs '{ type ipv4_addr; }' 2>/dev/null && "
                      "nft delete set inet banjo theirs") == 0;
}

static int reset(void **state) {
        settings = (FirewallSettings){};
        (void) remove_table(state);
        return 0;
}

static int reset_and_age(void **state) {
        (void) reset(state);
        kernel_is_old = true;
        return 0;
}

static int reset_to_input(void **state) {
        (void) reset(state);
        settings.hook = FIREWALL_INPUT;
        return 0;
}

static void wait_for_drops(Firewall *f) {
        (void) await_flood(f, "dns", packets_dropped(f, "dns"));
}

/* ownership */

static void ownership_is_as_asked_for(void **state) {
        Firewall *f;

        (void) state;

        f = open_dns(OWNERSHIP_NO);
        assert_int_equal(firewall_get_ownership(f), FIREWALL_UNOWNED);
        assert_true(is_open());
        assert_true(firewall_get_watch(f) >= 0);
        assert_int_equal(firewall_settle(f), 0);
        assert_ok(firewall_destroy(f));
        close_firewall(f);

        f = open_dns(OWNERSHIP_YES);
        assert_int_equal(firewall_get_ownership(f), FIREWALL_OWNED);
        assert_false(is_open());
        assert_int_equal(firewall_get_watch(f), -1);
        assert_int_equal(firewall_settle(f), 0);
}

static void ownership_changes_both_ways_while_no_packet_passes(void **state) {
        static const FirewallOwning owning[] = { OWNERSHIP_YES, OWNERSHIP_NO };
        Firewall *f;

        (void) state;

        start_flood();
        f = open_dns(OWNERSHIP_NO);
        assert_int_equal(settle(f), 1);
        forget_early_ones(f, "dns");

        for (size_t i = 0; i < 20; i++) {
                bool owned = owning[i % 2] == OWNERSHIP_YES;
                int times = 2;

                /* By a reload, or by a restart, before which some kernels want half of the way to
                 * be gone. */
                if (i % 4 >= 2) {
                        if (firewall_hand_over(f) > 0) {
                                configure_dns(f, settings.ownership);
                                assert_int_equal(settle(f), 1);
                                times = 1;
                        }
                        close_firewall(f);
                        f = open_dns(owning[i % 2]);
                } else
                        configure_dns(f, owning[i % 2]);

                assert_int_equal(settle(f), times);
                assert_int_equal(firewall_get_ownership(f),
                                owned ? FIREWALL_OWNED : FIREWALL_UNOWNED);
                assert_int_equal(is_open(), !owned);
                assert_false(has_table("banjo-kept"));

                wait_for_drops(f);
        }

        assert_false(stop_flood());
}

/* What has passed the place of one table before that was there may come to the other's when that is
 * gone. */
static void no_packet_passes_that_is_between_the_tables(void **state) {
        Firewall *f;

        (void) state;

        netns_run("nft 'add table inet early;"
                  "add chain inet early first { type filter hook prerouting priority -301; }'");
        slow_down("early", "first");
        start_flood();
        f = open_dns(OWNERSHIP_NO);
        assert_int_equal(settle(f), 1);
        forget_early_ones(f, "dns");

        for (unsigned i = 0; i < 20; i++) {
                configure_dns(f, i % 2 ? OWNERSHIP_NO : OWNERSHIP_YES);
                assert_int_equal(settle(f), 2);
                wait_for_drops(f);
        }

        assert_false(stop_flood());
        netns_run("nft delete table inet early");
}

static void counter_goes_on_when_the_owner_changes(void **state) {
        Firewall *f = open_dns(OWNERSHIP_NO);
        int server = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, DNS, false);
        int peer = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, 0, false);

        (void) state;

        (void) settle(f);
        for (int i = 0; i < 7; i++)
                netns_send(peer, HOST4, DNS);
        while (packets_dropped(f, "dns") < 7)
                ;
        configure_dns(f, OWNERSHIP_YES);
        (void) settle(f);
        assert_int_equal(packets_dropped(f, "dns"), 7);

        close(server);
        close(peer);
}

static void changes_of_before_it_is_settled_hold(void **state) {
        const Address a = netns_address(OTHER4);
        Firewall *f = open_dns(OWNERSHIP_NO);
        int server = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, DNS, false);
        int peer = netns_socket(SIDE_PEER, SOCK_DGRAM, OTHER4, 0, false);

        (void) state;

        (void) settle(f);
        ban(f, "dns", OTHER4, USEC_PER_HOUR);

        /* With two tables, of which the second is full and the first empty. */
        configure_dns(f, OWNERSHIP_YES);
        assert_ok(firewall_add(f, "dns", &a, USEC_PER_HOUR, 0));
        assert_ok(firewall_commit(f, NULL, NULL));
        assert_int_equal(firewall_settle(f), 1);
        configure_dns(f, OWNERSHIP_YES);
        netns_send(peer, HOST4, DNS);
        assert_false(netns_receive(server));

        unban(f, "dns", OTHER4);
        netns_send(peer, HOST4, DNS);
        assert_true(netns_receive(server));

        ban(f, "dns", OTHER4, USEC_PER_HOUR);
        netns_send(peer, HOST4, DNS);
        assert_false(netns_receive(server));

        assert_int_equal(firewall_settle(f), 0);
        netns_send(peer, HOST4, DNS);
        assert_false(netns_receive(server));

        close(server);
        close(peer);
}

static void second_table_left_by_a_crash_is_taken_over(void **state) {
        Firewall *f;

        (void) state;

        start_flood();
        f = open_dns(OWNERSHIP_NO);
        (void) settle(f);
        forget_early_ones(f, "dns");

        /* In either step. */
        for (int steps = 1; steps <= 2; steps++) {
                configure_dns(f, OWNERSHIP_YES);
                for (int i = 1; i <= steps; i++) {
                        const Address a = netns_address(PEER4);

                        if (i == 1) {
                                assert_ok(firewall_add(f, "dns", &a, USEC_PER_HOUR, 0));
                                assert_ok(firewall_commit(f, NULL, NULL));
                        } else {
                                assert_int_equal(firewall_settle(f), 1);
                                configure_dns(f, OWNERSHIP_YES);
                        }
                }
                assert_true(has_table("banjo-kept"));
                close_firewall(f);

                f = open_dns(steps == 1 ? OWNERSHIP_NO : OWNERSHIP_YES);
                assert_int_equal(settle(f), 1);
                assert_false(has_table("banjo-kept"));
        }

        assert_false(stop_flood());
        assert_int_equal(firewall_destroy(f), 1);
        assert_false(has_table("banjo"));
}

static void removing_leaves_neither_table(void **state) {
        Firewall *f = open_dns(OWNERSHIP_NO);

        (void) state;

        (void) settle(f);
        configure_dns(f, OWNERSHIP_YES);
        assert_true(has_table("banjo") && has_table("banjo-kept"));
        assert_int_equal(firewall_destroy(f), 1);
        assert_false(has_table("banjo") || has_table("banjo-kept"));
        assert_int_equal(firewall_destroy(f), 0);
}

/* kernels that own without persisting */

static void nobody_owns_by_default_where_the_table_would_go_with_its_owner(void **state) {
        Firewall *f = open_dns(OWNERSHIP_AUTO);

        (void) state;

        assert_int_equal(firewall_get_ownership(f), FIREWALL_UNOWNED);
        assert_int_equal(firewall_get_socket(f), -1);
        assert_int_equal(firewall_hand_over(f), 0);
}

static void table_lives_as_long_as_its_socket(void **state) {
        Firewall *f = open_dns(OWNERSHIP_YES);
        int fd;

        (void) state;

        (void) settle(f);
        assert_int_equal(firewall_get_ownership(f), FIREWALL_OWNED);
        assert_false(is_open());

        fd = fcntl(firewall_get_socket(f), F_DUPFD_CLOEXEC, 3);
        assert_true(fd >= 0);
        close_firewall(f);
        assert_true(has_table("banjo"));
        assert_false(is_open());
        close(fd);
        assert_false(has_table("banjo"));
}

static void socket_is_passed_on_while_no_packet_passes(void **state) {
        Firewall *f;

        (void) state;

        start_flood();
        f = open_dns(OWNERSHIP_YES);
        (void) settle(f);
        forget_early_ones(f, "dns");

        for (int i = 0; i < 10; i++) {
                int fd = fcntl(firewall_get_socket(f), F_DUPFD_CLOEXEC, 3);

                /* As kill -9 would. */
                assert_true(fd >= 0);
                close_firewall(f);

                f = open_unconfigured();
                assert_ok(firewall_take_socket(f, fd));
                configure_dns(f, OWNERSHIP_YES);
                assert_int_equal(firewall_get_ownership(f), FIREWALL_OWNED);
                assert_int_equal(firewall_get_socket(f), fd);
                assert_about(remaining_of(f, "dns", PEER4), USEC_PER_HOUR);
                assert_int_equal(settle(f), 1);
                assert_false(is_open());
        }

        assert_false(stop_flood());
}

static void table_is_handed_over_and_taken_back_while_no_packet_passes(void **state) {
        Firewall *f;

        (void) state;

        start_flood();
        f = open_dns(OWNERSHIP_YES);
        (void) settle(f);
        forget_early_ones(f, "dns");

        for (int i = 0; i < 10; i++) {
                size_t n = 0;

                assert_int_equal(firewall_hand_over(f), 1);
                configure_dns(f, OWNERSHIP_YES);
                assert_int_equal(settle(f), 1);
                close_firewall(f);
                assert_false(has_table("banjo"));
                assert_true(has_table("banjo-kept"));

                f = open_unconfigured();
                assert_int_equal(firewall_list(f, 100, count_element, &n), 1);
                configure_dns(f, OWNERSHIP_YES);
                assert_int_equal(settle(f), 1);
                assert_false(has_table("banjo-kept"));
                assert_false(is_open());
        }

        assert_false(stop_flood());
}

static void other_descriptors_are_refused(void **state) {
        Firewall *f = open_unconfigured();
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        (void) state;

        assert_fails(firewall_take_socket(f, fd), EINVAL);
        assert_int_equal(close(fd), 0);
}

/* watching */

typedef struct Seen {
        int n;
        char last[ADDRESS_STR_SIZE];
} Seen;

static void on_touched(const Address *address, void *userdata) {
        Seen *seen = userdata;

        seen->n++;
        address_format(address, seen->last);
}

static FirewallMeddling meddling_with(Firewall *f, Seen *seen) {
        FirewallMeddling m;

        *seen = (Seen){};
        assert_int_equal(firewall_read_meddling(f, on_touched, seen, &m), 1);
        return m;
}

static void nothing_seen(Firewall *f) {
        FirewallMeddling m;
        Seen seen = {};

        assert_int_equal(firewall_read_meddling(f, on_touched, &seen, &m), 0);
        assert_int_equal(seen.n, 0);
}

static void what_is_ours_or_no_business_of_ours_is_not_seen(void **state) {
        Firewall *f = open_dns(OWNERSHIP_NO);

        (void) state;

        ban(f, "dns", PEER4, USEC_PER_HOUR);
        ban(f, "dns", "2001:db8:0:a::/64", USEC_PER_HOUR);
        unban(f, "dns", PEER4);
        configure_dns(f, OWNERSHIP_NO);
        netns_run("nft add table inet other '{ set banned { type ipv4_addr; elements = { 192.0.2.1 }; }; }'");
        netns_run("nft add table ip banjo '{ chain prerouting { }; }'");
        netns_run("nft delete table inet other");
        netns_run("nft delete table ip banjo");
        nothing_seen(f);

        /* Nor with a second table. */
        assert_ok(firewall_destroy(f));
        configure_dns(f, OWNERSHIP_NO);
        configure_dns(f, OWNERSHIP_YES);
        ban(f, "dns", PEER4, USEC_PER_HOUR);
        nothing_seen(f);
}

static void elements_that_others_touch_are_seen(void **state) {
        Firewall *f = open_dns(OWNERSHIP_NO);
        FirewallMeddling m;
        Seen seen;

        (void) state;

        ban(f, "dns", PEER4, USEC_PER_HOUR);
        netns_run("nft delete element inet banjo dns-v4 '{ " PEER4 " }'");
        m = meddling_with(f, &seen);
        assert_false(m.structure || m.lost);
        assert_string_equal(m.process, "nft");
        assert_true(m.pid > 0);
        assert_int_equal(seen.n, 1);
        assert_string_equal(seen.last, PEER4);

        netns_run("nft add element inet banjo dns-v6 '{ 2001:db8::5 timeout 1h }'");
        m = meddling_with(f, &seen);
        assert_false(m.structure || m.lost);
        assert_int_equal(seen.n, 1);
        assert_string_equal(seen.last, "2001:db8::5");
        nothing_seen(f);

        ban(f, "dns", PEER4, USEC_PER_HOUR);
        netns_run("nft flush set inet banjo dns-v4");
        m = meddling_with(f, &seen);
        assert_false(m.structure || m.lost);
        assert_string_equal(seen.last, PEER4);
}

static void what_others_do_to_the_shape_is_seen_and_mended(void **state) {
        static const char *const commands[] = {
                "nft flush ruleset",
                "nft delete table inet banjo",
                "nft flush chain inet banjo prerouting",
                "nft insert rule inet banjo prerouting accept",
                "nft flush map inet banjo udp-ports",
                "nft add table inet banjo '{ flags dormant; }'",
                "nft add chain inet banjo theirs",
                "nft add set inet banjo theirs '{ type ipv4_addr; }'",
                "nft -f - <<EOF\nflush chain inet banjo jail-dns\ndelete set inet banjo dns-v4\nEOF",
                ("saved=$(nft list table inet banjo); nft flush ruleset; "
                 "nft -f - <<EOF\n$saved\nEOF"),
        };
        int server = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, DNS, false);
        int peer = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, 0, false);
        Firewall *f = open_dns(OWNERSHIP_NO);

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                FirewallMeddling m;
                Seen seen;

                (void) settle(f);
                netns_send(peer, HOST4, DNS);
                if (netns_receive(server))
                        fail_msg("not mended before: %s", commands[i]);

                netns_run("%s", commands[i]);
                m = meddling_with(f, &seen);
                if (!m.structure)
                        fail_msg("not seen: %s", commands[i]);
                configure_dns(f, OWNERSHIP_NO);
        }
        (void) settle(f);
        netns_send(peer, HOST4, DNS);
        assert_false(netns_receive(server));
        assert_false(has_table("banjo-kept"));

        close(server);
        close(peer);
}

/* More than there is room for: the table is made anew, and what others put into it is gone. */
static void what_cannot_be_followed_is_made_anew(void **state) {
        Firewall *f;
        FirewallMeddling m;
        Seen seen;

        (void) state;

        start_flood();
        f = open_dns(OWNERSHIP_NO);
        (void) settle(f);
        forget_early_ones(f, "dns");

        netns_run("for a in $(seq 0 3); do (echo 'add element inet banjo dns-v4 {'; "
                  "for b in $(seq 0 19); do for c in $(seq 0 249); do "
                  "echo 198.$((18 + a / 2)).$((a %% 2 * 20 + b)).$c,; done; done; echo '}') | "
                  "nft -f -; done");
        m = meddling_with(f, &seen);
        assert_true(m.lost);
        configure_dns(f, OWNERSHIP_NO);
        assert_int_equal(settle(f), 2);
        assert_int_equal(count_elements(f), 1);
        assert_int_equal(firewall_read_meddling(f, on_touched, &seen, &m), 0);

        assert_false(stop_flood());
}

/* What is done while many changes are carried out: once, when the firewall asks about an address.
 */
static const char *command_between;

static usec_t do_between(const Address *address, void *userdata) {
        (void) address;
        (void) userdata;

        if (command_between)
                netns_run("%s", command_between);
        command_between = NULL;
        return USEC_PER_HOUR;
}

static int commit_many(Firewall *f, const char *between) {
        Address a = netns_address("198.51.100.0");

        command_between = between;
        for (int i = 0; i < 1024; i++) {
                a.bytes[2] = (uint8_t) (100 + (i / 256) % 2);
                a.bytes[3] = (uint8_t) i;
                if (i < 512)
                        assert_ok(firewall_add(f, "one", &a, USEC_PER_HOUR, 0));
                else
                        assert_ok(firewall_remove(f, "two", &a));
        }
        return firewall_commit(f, NULL, NULL);
}

static void what_is_done_while_nobody_listens_is_found_afterwards(void **state) {
        const FirewallJail jails[] = {
                make_jail("one", "22", PORT_TCP),
                make_jail("two", "22", PORT_TCP),
        };
        Firewall *f;

        (void) state;

        settings.ownership = OWNERSHIP_NO;
        f = open_firewall(jails, ELEMENTSOF(jails));
        firewall_set_longest(f, do_between, NULL);

        assert_int_equal(firewall_check(f), 1);
        assert_int_equal(commit_many(f, NULL), 1024);
        assert_int_equal(firewall_check(f), 1);
        assert_int_equal(commit_many(f, "nft add table inet other; nft delete table inet other"),
                        1024);
        nothing_seen(f);

        assert_int_equal(commit_many(f, "nft flush chain inet banjo prerouting"), 1024);
        assert_null(command_between);
        nothing_seen(f);
        assert_int_equal(firewall_check(f), 0);
        assert_ok(firewall_configure(f, &settings, jails, ELEMENTSOF(jails)));
        assert_int_equal(commit_many(f, NULL), 1024);

        /* And it listens again. */
        netns_run("nft delete element inet banjo one-v4 '{ 198.51.100.1 }'");
        (void) meddling_with(f, &(Seen){});
}

#define test(f) cmocka_unit_test_setup_teardown(f, reset, reset)
#define test_input(f)                                                                              \
        { #f " (input)", f, reset_to_input, reset, NULL }
#define test_old(f) cmocka_unit_test_setup_teardown(f, reset_and_age, reset)

int main(void) {
        const struct CMUnitTest tests[] = {
                test(ownership_is_as_asked_for),
                test(ownership_changes_both_ways_while_no_packet_passes),
                test(no_packet_passes_that_is_between_the_tables),
                test_input(ownership_changes_both_ways_while_no_packet_passes),
                test(counter_goes_on_when_the_owner_changes),
                test(changes_of_before_it_is_settled_hold),
                test(second_table_left_by_a_crash_is_taken_over),
                test_input(second_table_left_by_a_crash_is_taken_over),
                test(removing_leaves_neither_table),
                test_old(nobody_owns_by_default_where_the_table_would_go_with_its_owner),
                test_old(table_lives_as_long_as_its_socket),
                test_old(socket_is_passed_on_while_no_packet_passes),
                test_old(table_is_handed_over_and_taken_back_while_no_packet_passes),
                test(other_descriptors_are_refused),
                test(what_is_ours_or_no_business_of_ours_is_not_seen),
                test(elements_that_others_touch_are_seen),
                test(what_others_do_to_the_shape_is_seen_and_mended),
                test(what_cannot_be_followed_is_made_anew),
                test(what_is_done_while_nobody_listens_is_found_afterwards),
        };

        netns_enter();
        netns_make_peer();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
