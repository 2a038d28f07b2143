/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What jails make of networks, and of users under attack. */

#include "files.h"
#include "problems.h"

#include "engine/jail.h"

typedef struct Fixture {
        Config *config;
        Jail *jail;
        usec_t now; /* each entry comes a second after the one before */
        uint64_t seqnum;
        JailFailure last;
} Fixture;

static void fixture_done(Fixture *f) {
        jail_free(f->jail);
        config_free(f->config);
}

#define FINDTIME USEC_PER_MINUTE

static void renew(Fixture *f) {
        MatcherError error;

        f->jail = jail_free(f->jail);
        assert_int_equal(jail_new(&f->jail, &f->config->jails[0], &error), 0);
}

/* Failures of users that may wait for their address, and logins. */
static Fixture make(const Files *files, const char *settings) {
        const char *const directories[] = { files_path(files, "etc"), NULL };
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        Fixture f = { .now = T0 };
        char text[2048];

        (void) snprintf(text,
                        sizeof(text),
                        "[x]\nenabled = yes\nfilter = x\nports = 22\nfindtime = 1min\n%s\n",
                        settings);
        (void) files_write(files, "etc/conf.d/x.conf", text);
        (void) files_write(files,
                        "etc/filters/x.conf",
                        "[filter]\nunits = x.service\nsession = _PID\nclear = address\n"
                        "[fail]\nbad = 'bad <USER> from <ADDR>'\nlight = 'light <USER> from <ADDR>'\n"
                        "nobody = 'bad from <ADDR>'\nwait = 'bad <USER>'\n"
                        "[clear]\ngood = 'good <USER> from <ADDR>'\n[context]\npeer = 'peer <ADDR>'\n");

        assert_ok(config_load(&f.config, directories, &sink));
        problems_assert(&problems, "");
        renew(&f);
        return f;
}

static void set(Entry *e, EntryField field, const char *value) {
        e->fields[field] = (EntryValue){ value, strlen(value) };
}

static EntryPlace get_place(void *userdata) {
        const Fixture *f = userdata;

        return (EntryPlace){ f->seqnum, 1 };
}

static int say_at(Fixture *f, usec_t when, const char *pid, const char *message) {
        Entry e = { .realtime = when, .get_place = get_place, .userdata = f };

        f->seqnum++;
        set(&e, ENTRY_SYSTEMD_UNIT, "x.service");
        set(&e, ENTRY_PID, pid);
        set(&e, ENTRY_MESSAGE, message);
        f->last = (JailFailure){};
        return jail_process(f->jail, &e, &f->last);
}

/* A failure in a connection of its own. */
static int fail_at(Fixture *f, usec_t when, const char *address) {
        static unsigned next_pid = 1000;
        char pid[16], message[128];

        (void) snprintf(pid, sizeof(pid), "%u", next_pid++);
        (void) snprintf(message, sizeof(message), "bad root from %s", address);
        return say_at(f, when, pid, message);
}

static int fail_from(Fixture *f, const char *address) {
        return fail_at(f, f->now += USEC_PER_SEC, address);
}

static void assert_network(const Fixture *f, const char *wanted) {
        char buf[ADDRESS_STR_SIZE];

        assert_true(f->last.network.due);
        assert_string_equal(address_format(&f->last.network.address, buf), wanted);
}

static JailStats stats(const Fixture *f) {
        JailStats s;

        jail_get_stats(f->jail, &s);
        return s;
}

static Ban *ban(Fixture *f, const char *address, usec_t end) {
        Ban *added;

        assert_ok(ban_list_add(jail_get_bans(f->jail),
                        &(const Ban){ .address = addr(address),
                                        .pattern = "",
                                        .start = f->now,
                                        .end = end },
                        &added));
        return added;
}

/* Takes a ban off the list that is over. */
static void end(Fixture *f, const char *address, usec_t when) {
        Address a = addr(address);

        ban_list_remove(jail_get_bans(f->jail), ban_list_get(jail_get_bans(f->jail), &a));
        assert_int_equal(jail_forget(f->jail, &a, when), 0);
}

/* Networks */

static void failures_of_three_hosts_ban_their_network(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:5");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.3.1"), JAIL_FAILURE); /* beside it */
        assert_false(f.last.network.due);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_BAN);
        assert_network(&f, "192.0.2.0/24");
        assert_false(f.last.due);
        assert_int_equal(f.last.failures, 3);
        assert_int_equal(f.last.n, 1);
        assert_int_equal(f.last.network.failures, 5);
        assert_string_equal(f.last.network.pattern, "bad");
        assert_int_equal(f.last.network.n_evidence, 5);
        assert_int_equal(f.last.network.evidence[0].place.seqnum, 1);
        assert_int_equal(f.last.network.evidence[4].place.seqnum, 6);
        assert_int_equal(f.last.network.evidence[4].when, f.now);
        assert_int_equal(f.last.n_evidence, 0);

        /* And it begins from zero, as the host does not. */
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 2);
}

static void newest_entries_are_told_of_many(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:25\nmaxretry = 100");
        static const char *const hosts[3] = { "192.0.2.1", "192.0.2.2", "192.0.2.3" };

        for (unsigned i = 0; i < 24; i++)
                assert_int_equal(fail_from(&f, hosts[i % 3]), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.4"), JAIL_BAN);
        assert_int_equal(f.last.network.failures, 25);
        assert_int_equal(f.last.network.n_evidence, JAIL_EVIDENCE_MAX);
        assert_int_equal(f.last.network.evidence[0].place.seqnum, 16);
        assert_int_equal(f.last.network.evidence[9].place.seqnum, 25);
}

static void failure_may_complete_host_and_network(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:4\nmaxretry = 2");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_BAN);
        assert_network(&f, "192.0.2.0/24");
        assert_int_equal(f.last.network.failures, 4);
        assert_int_equal(f.last.network.n_evidence, 4);
        assert_true(f.last.due);
        assert_int_equal(f.last.failures, 2);
        assert_int_equal(f.last.n_evidence, 2);
        assert_int_equal(f.last.evidence[0].place.seqnum, 3);

        /* Its window, too, begins from zero. */
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
}

static void smallest_network_is_due_and_the_next_by_the_next(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 16:3 24:3 28:3");

        for (unsigned i = 0; i < 2; i++)
                assert_int_equal(fail_from(&f, i ? "192.0.2.1" : "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_BAN);
        assert_network(&f, "192.0.2.0/28");
        (void) ban(&f, "192.0.2.0/28", f.now + FINDTIME);
        assert_int_equal(fail_from(&f, "192.0.2.77"), JAIL_BAN);
        assert_network(&f, "192.0.2.0/24");
        assert_int_equal(f.last.network.failures, 4);
        (void) ban(&f, "192.0.2.0/24", f.now + FINDTIME);
        assert_int_equal(fail_from(&f, "192.0.3.1"), JAIL_BAN);
        assert_network(&f, "192.0.0.0/16");
        assert_int_equal(f.last.network.failures, 5);
}

static void failures_of_banned_hosts_count_in_networks(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:4");

        (void) ban(&f, "192.0.2.1", USEC_INFINITY);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_BAN);
        assert_network(&f, "192.0.2.0/24");
        assert_false(f.last.due);
        assert_int_equal(f.last.n, 0);
        assert_null(f.last.ban);
        assert_int_equal(stats(&f).n_banned, 2);
        assert_int_equal(stats(&f).n_failures, 2);
}

static void nothing_counts_for_a_banned_network_nor_within_it(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 16:6 24:3 28:3\nmaxretry = 2");
        usec_t until;

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        until = f.now + 4 * USEC_PER_SEC;
        (void) ban(&f, "192.0.2.0/24", until);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "192.0.2.4"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_NOTHING);
        f.now = until;

        /* Nor does what was before, in hosts and smaller networks, as soon as it is over, whether
         * or not the clock has come to it. */
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_BAN);
        assert_network(&f, "192.0.0.0/16"); /* of which the network is a part */
        assert_int_equal(f.last.network.failures, 6);
        assert_int_equal(f.last.failures, 1);
        assert_false(f.last.due);
        end(&f, "192.0.2.0/24", until);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_BAN);
        assert_network(&f, "192.0.2.0/28");
        assert_int_equal(f.last.network.failures, 3);
}

static void end_of_a_network_is_known_to_what_is_told_late(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:3 28:3");
        Address net = addr("192.0.2.0/24");

        assert_int_equal(jail_forget(f.jail, &net, T0 + 100), 0);
        assert_int_equal(fail_at(&f, T0 + 100, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(fail_at(&f, T0 + 100, "192.0.2.2"), JAIL_NOTHING);
        assert_int_equal(fail_at(&f, T0 + 101, "192.0.2.3"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 101, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 101, "192.0.2.2"), JAIL_BAN);
}

static void end_of_a_hosts_ban_changes_nothing_in_networks(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:3");
        Address a = addr("192.0.2.1");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(jail_forget(f.jail, &a, f.now + 100 * USEC_PER_SEC), 0);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_BAN);
}

static void end_of_a_smaller_network_changes_nothing_in_larger_ones(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:3 28:3");
        Address net = addr("192.0.2.0/28");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(jail_forget(f.jail, &net, f.now + 100 * USEC_PER_SEC), 0);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_BAN);
        assert_network(&f, "192.0.2.0/24");
}

static void what_is_lifted_counts_in_no_network(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:3 16:3 60:3");
        Address a = addr("192.0.2.1"), part = addr("192.0.2.0/28"), six = addr("2001:db8::1");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(jail_forget_lifted(f.jail, &a, f.now), 0);
        assert_int_equal(fail_at(&f, f.now - 1, "192.0.2.1"), JAIL_NOTHING); /* told late */
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_FAILURE);
        assert_int_equal(jail_forget_lifted(f.jail, &part, f.now), 0);
        assert_int_equal(fail_from(&f, "192.0.2.16"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_BAN);
        assert_network(&f, "192.0.2.0/24");

        /* Of an IPv6 host, its /64 is. */
        assert_int_equal(fail_from(&f, "2001:db8::2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "2001:db8:0:1::2"), JAIL_FAILURE);
        assert_int_equal(jail_forget_lifted(f.jail, &six, f.now), 0);
        assert_int_equal(fail_from(&f, "2001:db8:0:2::2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "2001:db8::3"), JAIL_BAN);
        assert_network(&f, "2001:db8::/60");
}

static void what_is_spared_begins_from_zero_and_the_rest_does_not(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:3 28:3 16:4\nmaxretry = 2");
        Address net = addr("192.0.2.0/24");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(jail_forget_spared(f.jail, &net, f.now), 0);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_BAN);
        assert_network(&f, "192.0.2.0/28");
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_BAN);
        assert_network(&f, "192.0.0.0/16");
        assert_true(f.last.due); /* what it did before counts */
}

static void allowed_addresses_keep_networks_from_being_banned(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make(*state, "networks = 24:3 28:3\nallow = 192.0.2.77 198.51.100.1");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.33"), JAIL_FAILURE); /* the /24 would be due */
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_BAN);
        assert_network(&f, "192.0.2.0/28");

        assert_int_equal(fail_from(&f, "198.51.100.1"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "198.51.100.17"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "198.51.100.18"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "198.51.100.33"), JAIL_FAILURE);
}

static void networks_of_strangers_are_not_banned(void **state) {
        static const char *const prefixes[] = {
                "64:ff9b::c000:2", "2001:0:0:", "2002:c000:2", "fe80::"
        };
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 32:3 48:3 60:3 24:3");

        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                for (unsigned k = 1; k <= 4; k++) {
                        char text[64];

                        (void) snprintf(text,
                                        sizeof(text),
                                        "%s%02u%s",
                                        prefixes[i],
                                        k,
                                        i == 1 || i == 2 ? "::1" : "");
                        assert_int_equal(fail_from(&f, text), JAIL_FAILURE);
                }

        /* A network around one is none either. */
        for (unsigned k = 1; k <= 4; k++) {
                char text[64];

                (void) snprintf(text, sizeof(text), "64:ff9b:%u00::1", k);
                assert_int_equal(fail_from(&f, text), JAIL_FAILURE);
        }
}

static void different_addresses_of_ipv6_are_64s(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 56:3 63:3\nmaxretry = 100");

        for (unsigned i = 1; i < 10; i++) {
                char text[64];

                (void) snprintf(text, sizeof(text), "2001:db8:0:%u::%u", i % 2, i);
                assert_int_equal(fail_from(&f, text), JAIL_FAILURE);
        }
        assert_int_equal(fail_from(&f, "2001:db8:0:5::1"), JAIL_BAN);
        assert_network(&f, "2001:db8::/56");
}

static void banned_64s_count_in_their_networks(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 56:3");

        (void) ban(&f, "2001:db8::/64", USEC_INFINITY);
        assert_int_equal(fail_from(&f, "2001:db8::1"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "2001:db8:0:1::1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "2001:db8:0:2::1"), JAIL_BAN);
        assert_network(&f, "2001:db8::/56");
}

static void weights_count_in_networks(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make(*state, "networks = 24:7\nmaxretry = 100\nweight = bad:3 light:0");

        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(say_at(&f, f.now, "1", "light x from 192.0.2.9"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(say_at(&f, f.now, "2", "bad from 192.0.2.3"), JAIL_BAN);
        assert_string_equal(f.last.network.pattern, "nobody");
}

static void logins_forgive_nothing_in_networks(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:3\nmaxretry = 2");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say_at(&f, f.now, "1", "good root from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_forgiven, 1);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_BAN);
}

static void failures_that_waited_count_in_networks(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:6\nmaxretry = 2");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(say_at(&f, f.now, "7", "bad alice"), JAIL_NOTHING);

        /* The host is due by the second of them, and the others count all the same. */
        assert_int_equal(say_at(&f, f.now, "7", "peer 192.0.2.3"), JAIL_BAN);
        assert_true(f.last.due);
        assert_int_equal(f.last.n, 2);
        assert_int_equal(f.last.failures, 2);
        assert_int_equal(f.last.counts[0].n, 2);
        assert_network(&f, "192.0.2.0/24");
        assert_int_equal(f.last.network.failures, 6);
        assert_string_equal(f.last.network.pattern, "wait");
}

static void leaks_are_told_within_banned_networks(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:3");
        Ban *b = ban(&f, "192.0.2.0/24", USEC_INFINITY);

        b->acknowledged = f.now;
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_NOTHING);
        f.now += JAIL_LEAK_USEC;
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_LEAK);
        assert_ptr_equal(f.last.ban, b);
        assert_int_equal(b->n_leaks, 1);
}

static void leak_may_complete_a_network(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "networks = 24:3");
        Ban *b = ban(&f, "192.0.2.1", USEC_INFINITY);

        b->acknowledged = f.now;
        f.now += JAIL_LEAK_USEC;
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_BAN);
        assert_network(&f, "192.0.2.0/24");
        assert_ptr_equal(f.last.ban, b);
        assert_int_equal(f.last.n, 1);
        assert_int_equal(b->n_leaks, 1);
}

static void quiet_networks_and_users_give_memory_back(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make(*state, "networks = 48:3\nuser_maxretry = 2\nmax_addresses = 1000");

        for (unsigned i = 0; i < 1010; i++) {
                char text[32];

                (void) snprintf(text, sizeof(text), "2001:db8:%x::1", i);
                assert_int_equal(fail_at(&f, T0 + i, text), JAIL_FAILURE);
        }
        assert_int_equal(stats(&f).n_networks_forgotten, 10);
        jail_expire(f.jail, T0 + 2 * FINDTIME);
        for (unsigned i = 0; i < 1000; i++) {
                char text[32];

                (void) snprintf(text, sizeof(text), "2001:db8:%x::1", i);
                assert_int_equal(fail_at(&f, T0 + 2 * FINDTIME + i, text), JAIL_FAILURE);
        }
        assert_int_equal(stats(&f).n_networks_forgotten, 10);

        for (unsigned i = 0; i < 10010; i++) {
                char text[64];

                (void) snprintf(text, sizeof(text), "bad u%u from 192.0.2.1", i);
                assert_ok(say_at(&f, T0 + 4 * FINDTIME + i, "1", text));
        }
        /* Root is one of them, and some may have the same hash. */
        assert_in_range(stats(&f).n_users_forgotten, 1, 10 + 1);
}

/* Users */

static void user_tried_from_everywhere_counts_more(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make(*state, "user_maxretry = 3\nuser_weight = 4\nmaxretry = 5");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "2001:db8::1"), JAIL_FAILURE);
        assert_int_equal(f.last.weight, 1);
        assert_int_equal(say_at(&f, f.now, "5", "bad alice from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.weight, 1); /* another user */
        assert_int_equal(say_at(&f, f.now, "6", "bad from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.weight, 1); /* nobody */
        assert_int_equal(fail_from(&f, "192.0.2.4"), JAIL_FAILURE);
        assert_int_equal(f.last.weight, 4);
        assert_int_equal(fail_from(&f, "192.0.2.4"), JAIL_BAN);

        /* It is over findtime after they went on. */
        f.now += FINDTIME;
        assert_int_equal(fail_from(&f, "192.0.2.5"), JAIL_FAILURE);
        assert_int_equal(f.last.weight, 1);
}

static void weights_of_patterns_are_kept_if_larger_or_none(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state,
                        "user_maxretry = 1\nuser_weight = 3\nweight = bad:4 light:0\nmaxretry = 100");

        assert_int_equal(say_at(&f, T0, "1", "light x from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say_at(&f, T0, "2", "bad x from 192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(f.last.weight, 4);
        assert_int_equal(say_at(&f, T0, "2", "bad x from 192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(f.last.weight, 4);
        assert_int_equal(say_at(&f, T0, "3", "light x from 192.0.2.3"), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_failures, 2);
}

static void allowed_addresses_put_nobody_under_attack(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "user_maxretry = 1\nallow = 192.0.2.1");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(f.last.weight, 1);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_FAILURE);
        assert_int_equal(f.last.weight, 3);
}

static void banned_addresses_do(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "user_maxretry = 1");

        (void) ban(&f, "192.0.2.1", USEC_INFINITY);
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(f.last.weight, 3);
}

static void failures_that_waited_have_their_users(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "user_maxretry = 2\nmaxretry = 100");

        assert_int_equal(say_at(&f, T0, "1", "bad x from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say_at(&f, T0, "2", "bad x from 192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(say_at(&f, T0, "3", "bad x"), JAIL_NOTHING);
        assert_int_equal(say_at(&f, T0, "3", "bad y"), JAIL_NOTHING);
        assert_int_equal(say_at(&f, T0, "3", "peer 192.0.2.3"), JAIL_FAILURE);
        assert_int_equal(f.last.n, 2);
        assert_int_equal(f.last.weight, 3 + 1);
}

static void users_count_in_networks_with_their_weight(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make(*state, "user_maxretry = 2\nnetworks = 24:5\nuser_weight = 3");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "192.0.2.3"), JAIL_BAN);
        assert_int_equal(f.last.network.failures, 3);
}

static void users_make_the_journal_matter_for_longer(void **state) {
        _cleanup_(fixture_done) Fixture without = make(*state, ""),
                                        with = make(*state, "user_maxretry = 2");

        assert_int_equal(jail_lookback(with.jail), jail_lookback(without.jail) + FINDTIME);
}

/* A daemon in small: it carries out what is due, and remembers it as the database does. */

typedef enum Ending {
        ENDING_ENDED,
        ENDING_LIFTED,
        ENDING_SPARED,
} Ending;

typedef struct Row {
        Address address;
        usec_t start;
        usec_t end;
        unsigned failures;
        Ending ending;
} Row;

#define EVENTS 400

typedef struct Event {
        usec_t when;
        uint8_t host; /* 0 to 47, of which a third is IPv6 */
        char user;
        bool unban; /* by hand, if somebody is banned there */
} Event;

typedef struct Daemon {
        Fixture *f;
        usec_t bantime;
        Random *sloth; /* ends bans late, if there is one */
        bool too_late; /* the clock is behind all events already */
        Row ended[EVENTS * 2];
        size_t n_ended;
        Row made[EVENTS];
        size_t n_made;
} Daemon;

static const char *event_address(const Event *e, char text[static 48]) {
        if (e->host % 3 == 0)
                (void) snprintf(text, 48, "2001:db8:0:%u::%u", e->host / 6, e->host);
        else
                (void) snprintf(text, 48, "192.0.2.%u", e->host);
        return text;
}

static void end_row(Daemon *d, const Ban *b, usec_t when, Ending ending) {
        Jail *j = d->f->jail;

        d->ended[d->n_ended++] = (Row){ b->address, b->start, when, b->failures, ending };
        switch (ending) {
        case ENDING_ENDED:
                assert_ok(jail_forget(j, &b->address, when));
                break;
        case ENDING_LIFTED:
                assert_ok(jail_forget_lifted(j, &b->address, when));
                break;
        case ENDING_SPARED:
                assert_ok(jail_forget_spared(j, &b->address, when));
                break;
        }
}

static void end_ban(Daemon *d, Ban *b, usec_t when, Ending ending) {
        end_row(d, b, when, ending);
        ban_list_remove(jail_get_bans(d->f->jail), b);
}

static void make_ban(Daemon *d, const Address *a, unsigned failures, usec_t when) {
        BanList *bans = jail_get_bans(d->f->jail);
        Ban b = { .address = *a,
                .pattern = "",
                .failures = failures,
                .start = when,
                .end = usec_add(when, d->bantime) };
        Ban *before = ban_list_get(bans, a), *next;

        if (before)
                end_ban(d, before, before->end, ENDING_ENDED);
        d->made[d->n_made++] = (Row){ *a, when, b.end, failures, ENDING_ENDED };
        if (d->too_late)
                end_row(d, &b, b.end, ENDING_ENDED);
        else
                assert_ok(ban_list_add(bans, &b, NULL));

        for (Ban *member = ban_list_next(bans, NULL); member; member = next) {
                next = ban_list_next(bans, member);
                if (!address_equal(a, &member->address) && address_covers(a, &member->address) &&
                                member->end <= b.end)
                        end_ban(d, member, MIN(member->end, when), ENDING_ENDED);
        }
}

/* Some networks are not banned. */
static bool is_spared(const Address *net) {
        return net->prefixlen == 28 && net->bytes[3] == 16;
}

static void apply(Daemon *d, const JailFailure *f) {
        if (f->network.due && !is_spared(&f->network.address)) {
                make_ban(d, &f->network.address, f->network.failures, f->when);
                return;
        }
        if (f->network.due)
                end_row(d,
                                &(const Ban){ .address = f->network.address, .start = f->when },
                                f->when,
                                ENDING_SPARED);
        if (f->due)
                make_ban(d, &f->target, f->failures, f->when);
}

static void expire(Daemon *d, usec_t now) {
        BanList *bans = jail_get_bans(d->f->jail);
        Ban *b;

        while ((b = ban_list_first_to_end(bans)) && b->end <= now) {
                if (d->sloth && random_below(d->sloth, 3) > 0)
                        break;
                end_ban(d, b, b->end, ENDING_ENDED);
        }
}

static void unban(Daemon *d, const Event *e) {
        char text[48];
        Address a = addr(event_address(e, text));
        Ban *b;

        while ((b = ban_list_find(jail_get_bans(d->f->jail), &a, e->when)))
                end_ban(d, b, e->when, ENDING_LIFTED);
}

static int feed(Daemon *d, const Event *e) {
        char text[48], message[128], pid[8];

        (void) snprintf(message,
                        sizeof(message),
                        "bad %c from %s",
                        e->user,
                        event_address(e, text));
        (void) snprintf(pid, sizeof(pid), "%u", e->host);
        return say_at(d->f, e->when, pid, message);
}

static void play(Daemon *d, const Event *events, size_t first, size_t last) {
        for (size_t i = first; i < last; i++) {
                expire(d, events[i].when);
                if (events[i].unban)
                        unban(d, &events[i]);
                else if (feed(d, &events[i]) == JAIL_BAN)
                        apply(d, &d->f->last);
                if (!d->sloth || random_below(d->sloth, 2))
                        jail_expire(d->f->jail, events[i].when);
        }
}

/* Begins anew in front of an event, as manager-start.c does. */
static void restart(Daemon *d, const Event *events, size_t next) {
        _cleanup_(ban_list_freep) BanList *running = NULL;
        usec_t since = events[next - 1].when - jail_lookback(d->f->jail);
        BanList *bans = jail_get_bans(d->f->jail);

        assert_ok(ban_list_new(&running));
        for (Ban *b = ban_list_next(bans, NULL); b; b = ban_list_next(bans, b))
                assert_ok(ban_list_add(running, b, NULL));

        renew(d->f);
        bans = jail_get_bans(d->f->jail);
        for (Ban *b = ban_list_next(running, NULL); b; b = ban_list_next(running, b))
                assert_ok(ban_list_add(bans, b, NULL));
        for (size_t i = 0, n = d->n_ended; i < n; i++)
                if (d->ended[i].end >= since) {
                        end_row(d,
                                        &(const Ban){ .address = d->ended[i].address },
                                        d->ended[i].end,
                                        d->ended[i].ending);
                        d->n_ended--;
                }

        jail_set_refilling(d->f->jail, true);
        for (size_t i = 0; i < next; i++)
                if (events[i].when >= since && !events[i].unban)
                        assert_int_not_equal(feed(d, &events[i]), JAIL_BAN);
        jail_set_refilling(d->f->jail, false);
}

static void make_history(Random *random, Event *events, bool unbans) {
        usec_t now = T0;

        for (size_t i = 0; i < EVENTS; i++) {
                now += 1 + random_below(random, 2 * USEC_PER_SEC);
                events[i] = (Event){
                        .when = now,
                        .host = (uint8_t) random_below(random, 48),
                        .user = (char) ('a' + random_below(random, 8)),
                        .unban = unbans && random_below(random, 15) == 0,
                };
        }
}

static void assert_same(const Daemon *a, const Daemon *b) {
        assert_int_equal(a->n_made, b->n_made);
        for (size_t i = 0; i < a->n_made; i++) {
                assert_true(address_equal(&a->made[i].address, &b->made[i].address));
                assert_int_equal(a->made[i].start, b->made[i].start);
                assert_int_equal(a->made[i].failures, b->made[i].failures);
        }
}

static void restarts_and_late_clocks_change_no_ban(void **state) {
        Random random = { 12 };
        size_t n_hosts = 0, n_networks = 0;

        for (unsigned history = 0; history < 60; history++) {
                char settings[128];
                Event events[EVENTS];
                bool unbans = random_below(&random, 2);

                (void) snprintf(settings,
                                sizeof(settings),
                                "networks = 28:%u 24:%u 62:%u 48:%u\nmaxretry = %u\n"
                                "user_maxretry = %u\nuser_weight = %u",
                                5 + (unsigned) random_below(&random, 5),
                                15 + (unsigned) random_below(&random, 10),
                                4 + (unsigned) random_below(&random, 4),
                                10 + (unsigned) random_below(&random, 8),
                                2 + (unsigned) random_below(&random, 4),
                                (unsigned) random_below(&random, 6),
                                1 + (unsigned) random_below(&random, 4));
                _cleanup_(fixture_done) Fixture f = make(*state, settings);
                Daemon always = { .f = &f,
                        .bantime = (5 + random_below(&random, 100)) * USEC_PER_SEC };

                make_history(&random, events, unbans);
                play(&always, events, 0, EVENTS);
                for (size_t i = 0; i < always.n_made; i++)
                        *(always.made[i].address.prefixlen == 32 ? &n_hosts : &n_networks) += 1;

                for (unsigned way = 0; way < 3; way++) {
                        Daemon d = { .f = &f, .bantime = always.bantime };
                        size_t place = 0;

                        /* Bans end when the clock says so, or some time later, or long ago. */
                        d.sloth = way == 1 ? &random : NULL;
                        d.too_late = way == 2;
                        if (way == 2 && unbans)
                                continue;

                        renew(&f);
                        while (place < EVENTS) {
                                size_t next = place + 1 + random_below(&random, 150);

                                if (place > 0)
                                        restart(&d, events, place);
                                play(&d, events, place, MIN(next, (size_t) EVENTS));
                                place = next;
                        }
                        assert_same(&always, &d);
                }
        }

        assert_in_range(n_hosts, 200, 20000);
        assert_in_range(n_networks, 200, 20000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(failures_of_three_hosts_ban_their_network),
                cmocka_file_test(newest_entries_are_told_of_many),
                cmocka_file_test(failure_may_complete_host_and_network),
                cmocka_file_test(smallest_network_is_due_and_the_next_by_the_next),
                cmocka_file_test(failures_of_banned_hosts_count_in_networks),
                cmocka_file_test(nothing_counts_for_a_banned_network_nor_within_it),
                cmocka_file_test(end_of_a_network_is_known_to_what_is_told_late),
                cmocka_file_test(end_of_a_hosts_ban_changes_nothing_in_networks),
                cmocka_file_test(end_of_a_smaller_network_changes_nothing_in_larger_ones),
                cmocka_file_test(what_is_lifted_counts_in_no_network),
                cmocka_file_test(what_is_spared_begins_from_zero_and_the_rest_does_not),
                cmocka_file_test(allowed_addresses_keep_networks_from_being_banned),
                cmocka_file_test(networks_of_strangers_are_not_banned),
                cmocka_file_test(different_addresses_of_ipv6_are_64s),
                cmocka_file_test(banned_64s_count_in_their_networks),
                cmocka_file_test(weights_count_in_networks),
                cmocka_file_test(logins_forgive_nothing_in_networks),
                cmocka_file_test(failures_that_waited_count_in_networks),
                cmocka_file_test(leaks_are_told_within_banned_networks),
                cmocka_file_test(leak_may_complete_a_network),
                cmocka_file_test(quiet_networks_and_users_give_memory_back),
                cmocka_file_test(user_tried_from_everywhere_counts_more),
                cmocka_file_test(weights_of_patterns_are_kept_if_larger_or_none),
                cmocka_file_test(allowed_addresses_put_nobody_under_attack),
                cmocka_file_test(banned_addresses_do),
                cmocka_file_test(failures_that_waited_have_their_users),
                cmocka_file_test(users_count_in_networks_with_their_weight),
                cmocka_file_test(users_make_the_journal_matter_for_longer),
                cmocka_file_test(restarts_and_late_clocks_change_no_ban),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
