/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "engine/networks.h"

#define FINDTIME (60 * USEC_PER_SEC)

static Networks *new_with(const char *limits, usec_t findtime, size_t max_networks) {
        NetworksParams params = {
                .findtime = findtime, .ipv6_prefix = 64, .max_networks = max_networks
        };
        const char *bad;
        Networks *n;
        size_t size;

        assert_int_equal(network_limits_parse(&params.limits, limits, &bad, &size), 0);
        assert_int_equal(networks_new(&n, &params), 0);
        return n;
}

static Networks *new_networks(const char *limits) {
        return new_with(limits, FINDTIME, 16);
}

static int
hit_weighing(Networks *n, const char *net, const char *host, usec_t when, uint16_t weight) {
        Address a = addr(net), b = addr(host);

        return networks_hit(n, &a, &b, &(const TrackerFailure){ .when = when, .weight = weight });
}

static int hit(Networks *n, const char *net, const char *host, usec_t when) {
        return hit_weighing(n, net, host, when, 1);
}

static int record(Networks *n, const char *net, const char *host, usec_t when) {
        Address a = addr(net), b = addr(host);

        return networks_record(n, &a, &b, &(const TrackerFailure){ .when = when, .weight = 1 });
}

static size_t n_convicting(const Networks *n) {
        size_t size;

        (void) networks_get_convicting(n, &size);
        return size;
}

#define NET "192.0.2.0/24"

static void limit_from_three_addresses_convicts(void **state) {
        _cleanup_(networks_freep) Networks *n = new_networks("24:5");
        const TrackerFailure *f;
        size_t size;

        assert_int_equal(hit(n, NET, "192.0.2.1", T0), 0);
        assert_int_equal(hit(n, NET, "192.0.2.1", T0 + 1), 0);
        assert_int_equal(hit(n, NET, "192.0.2.2", T0 + 2), 0);
        assert_int_equal(hit(n, NET, "192.0.2.3", T0 + 3), 0);
        assert_int_equal(hit(n, "198.51.100.0/24", "198.51.100.3", T0 + 3), 0); /* another one */
        assert_int_equal(hit(n, NET, "192.0.2.1", T0 + 4), 1);
        f = networks_get_convicting(n, &size);
        assert_int_equal(size, 5);
        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(f[i].when, T0 + i);

        /* And it begins from zero. */
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(hit(n, NET, i % 2 ? "192.0.2.1" : "192.0.2.2", T0 + 5 + i), 0);
        assert_int_equal(hit(n, NET, "192.0.2.3", T0 + 10), 1);
}

static void two_addresses_are_dealt_with_by_themselves(void **state) {
        _cleanup_(networks_freep) Networks *n = new_networks("24:5");

        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(hit(n, NET, i % 2 ? "192.0.2.1" : "192.0.2.2", T0 + i), 0);
        assert_int_equal(hit(n, NET, "192.0.2.3", T0 + 100), 1);
        /* Of each of the two as many were kept as are enough by themselves. */
        assert_int_equal(n_convicting(n), 11);
}

static void ipv6_addresses_are_networks_of_its_prefix(void **state) {
        _cleanup_(networks_freep) Networks *n = new_networks("48:3");

        for (unsigned i = 0; i < 10; i++) {
                char host[40];

                (void) snprintf(host, sizeof(host), "2001:db8:0:%u::%u", i % 2, i);
                assert_int_equal(hit(n, "2001:db8::/48", host, T0 + i), 0);
        }
        assert_int_equal(hit(n, "2001:db8::/48", "2001:db8:0:2::1", T0 + 10), 1);
}

static void network_has_to_be_wider_than_an_address(void **state) {
        NetworksParams params = { .findtime = FINDTIME, .ipv6_prefix = 48, .max_networks = 16 };
        const char *bad;
        Networks *n;
        size_t size;

        assert_int_equal(network_limits_parse(&params.limits, "56:3 48:3 47:3 31:3", &bad, &size),
                        0);
        assert_int_equal(networks_new(&n, &params), 0);
        assert_false(networks_can_hold(n, &params.limits.limits[0]));
        assert_false(networks_can_hold(n, &params.limits.limits[1]));
        assert_true(networks_can_hold(n, &params.limits.limits[2]));
        assert_true(networks_can_hold(n, &params.limits.limits[3]));
        networks_free(n);
}

static void weights_add_up(void **state) {
        _cleanup_(networks_freep) Networks *n = new_networks("24:10");

        assert_int_equal(hit_weighing(n, NET, "192.0.2.1", T0, 5), 0);
        assert_int_equal(hit_weighing(n, NET, "192.0.2.2", T0, 4), 0);
        assert_int_equal(hit_weighing(n, NET, "192.0.2.3", T0, 1), 1);
        assert_int_equal(n_convicting(n), 3);
}

static void window_is_findtime_long_to_the_microsecond(void **state) {
        for (usec_t late = 0; late < 2; late++) {
                _cleanup_(networks_freep) Networks *n = new_networks("24:4");

                /* What is too old is one of four failures, or one of three addresses. */
                assert_int_equal(hit(n, NET, "192.0.2.1", T0), 0);
                assert_int_equal(hit(n, NET, "192.0.2.2", T0 + 1), 0);
                assert_int_equal(hit(n, NET, "192.0.2.3", T0 + 2), 0);
                assert_int_equal(hit(n, NET, "192.0.2.3", T0 + FINDTIME + late), late ? 0 : 1);
        }
        for (usec_t late = 0; late < 2; late++) {
                _cleanup_(networks_freep) Networks *n = new_networks("24:4");

                assert_int_equal(hit(n, NET, "192.0.2.1", T0), 0);
                for (unsigned i = 0; i < 9; i++)
                        assert_int_equal(hit(n, NET, "192.0.2.2", T0 + 1 + i), 0);
                assert_int_equal(hit(n, NET, "192.0.2.3", T0 + FINDTIME + late), late ? 0 : 1);
        }
}

static void order_of_arrival_does_not_matter_within_the_window(void **state) {
        static const unsigned orders[6][3] = {
                { 0, 1, 2 },
                { 0, 2, 1 },
                { 1, 0, 2 },
                { 1, 2, 0 },
                { 2, 0, 1 },
                { 2, 1, 0 },
        };
        static const char *const hosts[3] = { "192.0.2.1", "192.0.2.2", "192.0.2.3" };

        for (size_t i = 0; i < ELEMENTSOF(orders); i++) {
                _cleanup_(networks_freep) Networks *n = new_networks("24:3");

                for (unsigned k = 0; k < 3; k++)
                        assert_int_equal(hit(n, NET, hosts[k], T0 + orders[i][k] * (FINDTIME / 2)),
                                        k == 2);
        }
}

static void entry_from_a_clock_that_was_ahead_hides_nothing(void **state) {
        _cleanup_(networks_freep) Networks *n = new_networks("24:3");

        assert_int_equal(hit(n, NET, "192.0.2.1", T0 + USEC_PER_DAY), 0);
        assert_int_equal(hit(n, NET, "192.0.2.1", T0), 0);
        assert_int_equal(hit(n, NET, "192.0.2.2", T0 + 1), 0);
        assert_int_equal(hit(n, NET, "192.0.2.3", T0 + 2), 1);
}

static void recorded_failures_are_decided_by_the_next(void **state) {
        _cleanup_(networks_freep) Networks *n = new_networks("24:3");

        assert_int_equal(record(n, NET, "192.0.2.1", T0), 0);
        assert_int_equal(record(n, NET, "192.0.2.2", T0 + 1), 0);
        assert_int_equal(record(n, NET, "192.0.2.3", T0 + 2), 0);
        assert_int_equal(record(n, NET, "192.0.2.4", T0 + 3), 0);
        assert_int_equal(hit(n, NET, "192.0.2.4", T0 + FINDTIME + 1), 1);
        assert_int_equal(n_convicting(n), 4);
}

static void forgotten_failures_do_not_count_and_later_ones_do(void **state) {
        _cleanup_(networks_freep) Networks *n = new_networks("24:3");
        Address net = addr(NET);

        assert_int_equal(hit(n, NET, "192.0.2.1", T0), 0);
        assert_int_equal(hit(n, NET, "192.0.2.2", T0 + 10), 0);
        assert_int_equal(hit(n, NET, "192.0.2.3", T0 + 11 + FINDTIME), 0);
        assert_int_equal(networks_forget(n, &net, T0 + 10), 0);
        assert_int_equal(networks_forget(n, &net, T0 + 5), 0);  /* takes nothing back */
        assert_int_equal(hit(n, NET, "192.0.2.4", T0 + 10), 0); /* told late */
        assert_int_equal(hit(n, NET, "192.0.2.4", T0 + 11), 0);
        assert_int_equal(hit(n, NET, "192.0.2.5", T0 + 12), 1);

        /* Before it is known, too. */
        net = addr("198.51.100.0/24");
        assert_int_equal(networks_forget(n, &net, T0), 0);
        assert_int_equal(hit(n, "198.51.100.0/24", "198.51.100.1", T0), 0);
        assert_int_equal(hit(n, "198.51.100.0/24", "198.51.100.2", T0 + 1), 0);
        assert_int_equal(hit(n, "198.51.100.0/24", "198.51.100.3", T0 + 1), 0);
        assert_int_equal(hit(n, "198.51.100.0/24", "198.51.100.4", T0 + 1), 1);
}

static void what_an_address_did_is_forgotten_in_the_networks_around_it(void **state) {
        _cleanup_(networks_freep) Networks *n = new_networks("24:4 16:4 28:4");
        Address a = addr("192.0.2.1"), part = addr("192.0.2.0/28");

        for (unsigned i = 0; i < 20; i++) {
                assert_int_equal(hit(n, NET, i % 2 ? "192.0.2.1" : "192.0.2.77", T0 + i), 0);
                assert_int_equal(hit(n, "192.0.0.0/16", "192.0.2.1", T0 + i), 0);
        }
        networks_forget_member(n, &a, T0 + 17);

        /* There is one failure of it left, and all of the other that are needed. */
        assert_int_equal(hit(n, NET, "192.0.2.2", T0 + 20), 1);
        assert_int_equal(n_convicting(n), 6);
        assert_int_equal(hit(n, "192.0.0.0/16", "192.0.3.1", T0 + 20), 0);
        assert_int_equal(hit(n, "192.0.0.0/16", "192.0.4.1", T0 + 20), 1);
        assert_int_equal(n_convicting(n), 4);

        /* A prefix, and it spares its neighbours. */
        assert_int_equal(hit(n, NET, "192.0.2.15", T0 + 21), 0);
        assert_int_equal(hit(n, NET, "192.0.2.16", T0 + 21), 0);
        assert_int_equal(hit(n, NET, "192.0.2.17", T0 + 21), 0);
        networks_forget_member(n, &part, T0 + 21);
        assert_int_equal(hit(n, NET, "192.0.2.16", T0 + 22), 0);
        assert_int_equal(hit(n, NET, "192.0.2.15", T0 + 22), 1);
}

static void full_table_forgets_the_quietest(void **state) {
        _cleanup_(networks_freep) Networks *n = new_with("24:3 16:3", FINDTIME, 2);
        NetworksStats stats;

        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(hit(n, "192.0.2.0/24", i ? "192.0.2.1" : "192.0.2.2", T0 + i), 0);
                assert_int_equal(hit(n, "192.0.0.0/16", i ? "192.0.2.1" : "192.0.2.2", T0 + i), 0);
        }
        assert_int_equal(hit(n, "192.0.2.0/24", "192.0.2.1", T0 + 2), 0);
        assert_int_equal(hit(n, "192.0.3.0/24", "192.0.3.1", T0 + 3), 0);
        networks_get_stats(n, &stats);
        assert_int_equal(stats.n_networks, 2);
        assert_int_equal(stats.n_forgotten, 1);
        assert_int_equal(hit(n, "192.0.2.0/24", "192.0.2.3", T0 + 4), 1);
        assert_int_equal(hit(n, "192.0.0.0/16", "192.0.2.3", T0 + 5), 0);
}

static void quiet_networks_expire(void **state) {
        _cleanup_(networks_freep) Networks *n = new_networks("24:3");
        NetworksStats stats;

        assert_int_equal(hit(n, NET, "192.0.2.1", T0), 0);
        assert_int_equal(hit(n, "192.0.3.0/24", "192.0.3.1", T0 + 1), 0);
        networks_expire(n, T0 + FINDTIME);
        networks_get_stats(n, &stats);
        assert_int_equal(stats.n_networks, 2);
        networks_expire(n, T0 + FINDTIME + 1);
        networks_get_stats(n, &stats);
        assert_int_equal(stats.n_networks, 1);
        assert_int_equal(stats.n_forgotten, 0);
}

/* The naive model: keeps every failure since the network began from zero, and looks whether those
 * within findtime are enough. */
typedef struct Model {
        unsigned limit;
        usec_t findtime;
        struct {
                usec_t when;
                uint8_t host;
                unsigned weight;
        } all[512];
        unsigned n;
} Model;

static bool model_asks(const Model *m, usec_t now) {
        unsigned weight = 0, n_hosts = 0;
        bool seen[8] = {};

        for (unsigned i = 0; i < m->n; i++) {
                if (m->all[i].when + m->findtime < now)
                        continue;
                weight += m->all[i].weight;
                if (!seen[m->all[i].host])
                        n_hosts++;
                seen[m->all[i].host] = true;
        }

        return weight >= m->limit && n_hosts >= NETWORK_ADDRESSES;
}

static void model_forget(Model *m, uint8_t first, uint8_t last) {
        unsigned n = 0;

        for (unsigned i = 0; i < m->n; i++)
                if (m->all[i].host < first || m->all[i].host > last)
                        m->all[n++] = m->all[i];
        m->n = n;
}

static void model_history(Random *random, Networks *n, Model *m, unsigned *n_bans) {
        usec_t now = T0, step = 1 + random_below(random, 40);
        /* Often there are two addresses, whose failures are more than the network's limit. */
        unsigned n_hosts = 2 + (unsigned) random_below(random, 6);
        uint16_t heaviest = (uint16_t) (1 + random_below(random, 4));
        Address net = addr(NET);

        for (unsigned i = 0; i < 200; i++) {
                uint8_t bytes[4] = { 192, 0, 2, 0 };
                TrackerFailure f;
                bool wanted;
                Address a;

                now += random_below(random, step);
                bytes[3] = (uint8_t) random_below(
                                random, random_below(random, 20) == 0 ? 8 : n_hosts);
                assert_ok(address_from_bytes(AF_INET, bytes, 32, &a));
                f = (TrackerFailure){
                        .when = now,
                        .weight = (uint16_t) (1 + random_below(random, heaviest)),
                };

                if (random_below(random, 30) == 0) { /* a host, or a quarter of them */
                        unsigned bits = random_below(random, 2) ? 32 : 31;
                        uint8_t first = bytes[3] & (bits == 32 ? 0xff : 0xfe);

                        address_widen(&a, bits);
                        networks_forget_member(n, &a, now);
                        model_forget(m, first, bits == 32 ? first : first + 1);
                        now++;
                        continue;
                }
                if (random_below(random, 60) == 0) {
                        assert_int_equal(networks_forget(n, &net, now), 0);
                        m->n = 0;
                        now++;
                        continue;
                }
                if (random_below(random, 10) == 0)
                        networks_expire(n, now);

                m->all[m->n].when = now;
                m->all[m->n].host = bytes[3];
                m->all[m->n++].weight = f.weight;
                wanted = model_asks(m, now);
                assert_int_equal(networks_hit(n, &net, &a, &f), wanted);
                if (wanted) {
                        m->n = 0;
                        (*n_bans)++;
                }
        }
}

static void agrees_with_a_naive_model(void **state) {
        Random random = { 9 };
        unsigned n_bans = 0;

        for (unsigned history = 0; history < 3000; history++) {
                Model model = {
                        .limit = 1 + (unsigned) random_below(&random, 12),
                        .findtime = 1 + random_below(&random, 300),
                };
                char limits[16];

                (void) snprintf(limits, sizeof(limits), "24:%u", model.limit);
                _cleanup_(networks_freep) Networks *n = new_with(limits, model.findtime, 4);
                model_history(&random, n, &model, &n_bans);
        }

        assert_in_range(n_bans, 10000, 300000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(limit_from_three_addresses_convicts),
                cmocka_unit_test(two_addresses_are_dealt_with_by_themselves),
                cmocka_unit_test(ipv6_addresses_are_networks_of_its_prefix),
                cmocka_unit_test(network_has_to_be_wider_than_an_address),
                cmocka_unit_test(weights_add_up),
                cmocka_unit_test(window_is_findtime_long_to_the_microsecond),
                cmocka_unit_test(order_of_arrival_does_not_matter_within_the_window),
                cmocka_unit_test(entry_from_a_clock_that_was_ahead_hides_nothing),
                cmocka_unit_test(recorded_failures_are_decided_by_the_next),
                cmocka_unit_test(forgotten_failures_do_not_count_and_later_ones_do),
                cmocka_unit_test(what_an_address_did_is_forgotten_in_the_networks_around_it),
                cmocka_unit_test(full_table_forgets_the_quietest),
                cmocka_unit_test(quiet_networks_expire),
                cmocka_unit_test(agrees_with_a_naive_model),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
