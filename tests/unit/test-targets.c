/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "engine/targets.h"

#define FINDTIME (60 * USEC_PER_SEC)

static Targets *new_targets(unsigned n_addresses, usec_t findtime, size_t max_users) {
        Targets *t;

        assert_int_equal(
                        targets_new(&t, &(const TargetsParams){ n_addresses, findtime, max_users }),
                        0);
        return t;
}

static int hit(Targets *t, unsigned user, const char *text, usec_t when) {
        Address a = addr(text);

        return targets_hit(t, user, &a, when);
}

static void user_is_attacked_after_enough_addresses(void **state) {
        _cleanup_(targets_freep) Targets *t = new_targets(3, FINDTIME, 16);

        assert_int_equal(hit(t, 1, "192.0.2.1", T0), 0);
        assert_int_equal(hit(t, 1, "192.0.2.2", T0 + 1), 0);
        assert_int_equal(hit(t, 1, "192.0.2.2", T0 + 2), 0); /* no other one */
        assert_int_equal(hit(t, 1, "192.0.2.3", T0 + 3), 0); /* two were before it */
        assert_int_equal(hit(t, 2, "192.0.2.3", T0 + 3), 0); /* another user */
        assert_int_equal(hit(t, 1, "192.0.2.3", T0 + 3), 1); /* in the same moment, and the third */
        assert_int_equal(hit(t, 1, "192.0.2.1", T0 + 4), 1);
        assert_int_equal(hit(t, 1, "2001:db8::1", T0 + 5), 1);
}

static void one_address_is_enough_where_one_is_asked_for(void **state) {
        _cleanup_(targets_freep) Targets *t = new_targets(1, FINDTIME, 16);

        assert_int_equal(hit(t, 1, "192.0.2.1", T0), 0);
        assert_int_equal(hit(t, 1, "192.0.2.1", T0), 1);
        assert_int_equal(hit(t, 1, "192.0.2.2", T0 + FINDTIME), 1);
        assert_int_equal(hit(t, 1, "192.0.2.2", T0 + 2 * FINDTIME + 1), 0);
}

static void window_is_findtime_long_to_the_microsecond(void **state) {
        for (usec_t late = 0; late < 2; late++) {
                _cleanup_(targets_freep) Targets *t = new_targets(2, FINDTIME, 16);

                assert_int_equal(hit(t, 1, "192.0.2.1", T0), 0);
                assert_int_equal(hit(t, 1, "192.0.2.2", T0 + 1), 0);
                assert_int_equal(hit(t, 1, "192.0.2.3", T0 + FINDTIME + late), late ? 0 : 1);
        }
}

static void what_lies_behind_is_not_asked(void **state) {
        _cleanup_(targets_freep) Targets *t = new_targets(2, FINDTIME, 16);

        assert_int_equal(hit(t, 1, "192.0.2.1", T0 + 10), 0);
        assert_int_equal(hit(t, 1, "192.0.2.2", T0 + 20), 0);
        assert_int_equal(hit(t, 1, "192.0.2.3", T0 + 19), 0);
        assert_int_equal(hit(t, 1, "192.0.2.3", T0 + 20), 1);
}

static void user_left_alone_for_longest_makes_room(void **state) {
        _cleanup_(targets_freep) Targets *t = new_targets(1, FINDTIME, 2);
        TargetsStats stats;

        assert_int_equal(hit(t, 1, "192.0.2.1", T0), 0);
        assert_int_equal(hit(t, 2, "192.0.2.1", T0 + 1), 0);
        assert_int_equal(hit(t, 1, "192.0.2.1", T0 + 2), 1);
        assert_int_equal(hit(t, 3, "192.0.2.1", T0 + 3), 0);
        targets_get_stats(t, &stats);
        assert_int_equal(stats.n_users, 2);
        assert_int_equal(stats.n_forgotten, 1);
        assert_int_equal(hit(t, 1, "192.0.2.1", T0 + 4), 1);
        assert_int_equal(hit(t, 2, "192.0.2.1", T0 + 5), 0);
}

static void users_expire(void **state) {
        _cleanup_(targets_freep) Targets *t = new_targets(1, FINDTIME, 16);
        TargetsStats stats;

        assert_int_equal(hit(t, 1, "192.0.2.1", T0), 0);
        assert_int_equal(hit(t, 2, "192.0.2.1", T0 + 1), 0);
        targets_expire(t, T0 + FINDTIME);
        targets_get_stats(t, &stats);
        assert_int_equal(stats.n_users, 2);
        targets_expire(t, T0 + FINDTIME + 1);
        targets_get_stats(t, &stats);
        assert_int_equal(stats.n_users, 1);
        assert_int_equal(stats.n_forgotten, 0);
        assert_int_equal(hit(t, 2, "192.0.2.1", T0 + FINDTIME + 1), 1);
}

/* The naive model: keeps everything. */
static void agrees_with_a_naive_model(void **state) {
        Random random = { 11 };
        unsigned n_hot = 0;

        for (unsigned history = 0; history < 2000; history++) {
                unsigned n_addresses = 1 + (unsigned) random_below(&random, 6);
                usec_t findtime = 1 + random_below(&random, 100), now = T0;
                usec_t step = 1 + random_below(&random, 30);
                _cleanup_(targets_freep) Targets *t = new_targets(n_addresses, findtime, 4);
                struct {
                        unsigned user;
                        uint8_t host;
                        usec_t when;
                } all[100];

                for (unsigned i = 0; i < ELEMENTSOF(all); i++) {
                        bool seen[10] = {};
                        unsigned n = 0;
                        uint8_t bytes[4] = { 192, 0, 2, 0 };
                        Address a;

                        now += random_below(&random, step);
                        all[i].user = 1 + (unsigned) random_below(&random, 2);
                        all[i].host = bytes[3] = (uint8_t) random_below(&random, 10);
                        all[i].when = now;
                        for (unsigned k = 0; k < i; k++)
                                if (all[k].user == all[i].user && all[k].when + findtime >= now &&
                                                !seen[all[k].host]) {
                                        seen[all[k].host] = true;
                                        n++;
                                }

                        if (random_below(&random, 10) == 0)
                                targets_expire(t, now);
                        assert_ok(address_from_bytes(AF_INET, bytes, 32, &a));
                        assert_int_equal(targets_hit(t, all[i].user, &a, now), n >= n_addresses);
                        n_hot += n >= n_addresses;
                }
        }

        assert_in_range(n_hot, 20000, 180000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(user_is_attacked_after_enough_addresses),
                cmocka_unit_test(one_address_is_enough_where_one_is_asked_for),
                cmocka_unit_test(window_is_findtime_long_to_the_microsecond),
                cmocka_unit_test(what_lies_behind_is_not_asked),
                cmocka_unit_test(user_left_alone_for_longest_makes_room),
                cmocka_unit_test(users_expire),
                cmocka_unit_test(agrees_with_a_naive_model),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
