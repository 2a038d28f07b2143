/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "engine/tracker.h"

#define FINDTIME (60 * USEC_PER_SEC)

static Tracker *new_tracker(unsigned maxretry, usec_t findtime, size_t max_addresses) {
        Tracker *t;

        assert_int_equal(tracker_new(&t,
                                         &(const TrackerParams){
                                                         maxretry, findtime, max_addresses }),
                        0);
        return t;
}

static int hit(Tracker *t, const Address *a, usec_t when, unsigned *ret) {
        return tracker_hit(t, a, &(const TrackerFailure){ .when = when, .weight = 1 }, ret);
}

static int record(Tracker *t, const Address *a, usec_t when) {
        return tracker_record(t, a, &(const TrackerFailure){ .when = when, .weight = 1 });
}

static void third_failure_within_findtime_bans(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(3, FINDTIME, 16);
        Address a = addr("192.0.2.1"), b = addr("192.0.2.2");
        unsigned n;

        assert_int_equal(hit(t, &a, T0, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(hit(t, &b, T0, NULL), 0); /* someone else */
        assert_int_equal(hit(t, &a, T0 + FINDTIME / 2, NULL), 0);
        assert_int_equal(hit(t, &a, T0 + FINDTIME - 1, &n), 1);
        assert_int_equal(n, 3);

        /* One burst, one ban. */
        assert_int_equal(hit(t, &a, T0 + FINDTIME - 1, &n), 0);
        assert_int_equal(n, 1);
}

static void recorded_failures_are_decided_by_the_next(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(3, FINDTIME, 16);
        Address a = addr("192.0.2.1");

        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(record(t, &a, T0 + i), 0);
        assert_int_equal(hit(t, &a, T0 + 5, NULL), 1);

        /* A full window of before convicts nobody who fails once more, long after. */
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(record(t, &a, T0 + i), 0);
        assert_int_equal(hit(t, &a, T0 + 10 * FINDTIME, NULL), 0);
}

static void one_failure_is_enough_where_maxretry_is_one(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(1, FINDTIME, 16);
        Address a = addr("192.0.2.1");
        unsigned n;

        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(hit(t, &a, T0, &n), 1);
                assert_int_equal(n, 1);
        }
}

static void clock_that_was_ahead_hides_nobody(void **state) {
        Address a = addr("192.0.2.1");

        for (unsigned refill = 0; refill < 2; refill++) {
                _cleanup_(tracker_freep) Tracker *t = new_tracker(5, FINDTIME, 16);

                for (unsigned i = 0; i < 4; i++)
                        assert_int_equal(hit(t, &a, T0 + 365 * USEC_PER_DAY + i, NULL), 0);
                for (unsigned i = 0; i < 4; i++)
                        assert_int_equal(refill ? record(t, &a, T0 + i) : hit(t, &a, T0 + i, NULL),
                                        0);
                assert_int_equal(hit(t, &a, T0 + 4, NULL), 1);
        }
}

static void failures_that_made_the_ban_are_told(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(5, FINDTIME, 16);
        Address a = addr("192.0.2.1");
        const TrackerFailure *made;
        unsigned n;

        /* Only what lies within the window of the one that completes it, which comes late. */
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(
                                tracker_hit(t,
                                                &a,
                                                &(const TrackerFailure){
                                                                .when = T0 +
                                                                        (i == 0 ? 0
                                                                                : (i + 1) * FINDTIME / 2),
                                                                .seqnum = i,
                                                                .weight = 1 + (i == 1),
                                                },
                                                NULL),
                                0);
        assert_int_equal(tracker_hit(t,
                                         &a,
                                         &(const TrackerFailure){
                                                         .when = T0 + FINDTIME + 1,
                                                         .seqnum = 9,
                                                         .weight = 1,
                                         },
                                         &n),
                        1);

        made = tracker_get_convicting(t);
        assert_int_equal(n, 4);
        assert_int_equal(made[0].seqnum, 1);
        assert_int_equal(made[1].seqnum, 9);
        assert_int_equal(made[2].seqnum, 2);
        assert_int_equal(made[3].seqnum, 3);
}

static void window_is_findtime_long_to_the_microsecond(void **state) {
        Address a = addr("192.0.2.1");

        for (usec_t late = 0; late < 2; late++) {
                _cleanup_(tracker_freep) Tracker *t = new_tracker(3, FINDTIME, 16);

                assert_int_equal(hit(t, &a, T0, NULL), 0);
                assert_int_equal(hit(t, &a, T0 + 1, NULL), 0);
                assert_int_equal(hit(t, &a, T0 + FINDTIME + late, NULL), late ? 0 : 1);
        }
}

static void window_slides_failure_by_failure(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(5, 600 * USEC_PER_SEC, 16);
        Address a = addr("192.0.2.1");
        unsigned n;

        /* One every 151 seconds: five of them never lie within ten minutes. */
        for (unsigned i = 0; i < 5000; i++) {
                assert_int_equal(hit(t, &a, T0 + i * 151 * USEC_PER_SEC, &n), 0);
                assert_int_equal(n, MIN(i + 1, 4u));
        }
}

static void failures_outside_findtime_do_not_add_up(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(2, FINDTIME, 16);
        Address a = addr("2001:db8::1");

        /* A week of one failure every two minutes, in no time at all. */
        for (usec_t when = T0; when < T0 + 7 * USEC_PER_DAY; when += 2 * FINDTIME)
                assert_int_equal(hit(t, &a, when, NULL), 0);
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
        Address a = addr("192.0.2.1");

        for (size_t i = 0; i < ELEMENTSOF(orders); i++) {
                _cleanup_(tracker_freep) Tracker *t = new_tracker(3, FINDTIME, 16);

                for (unsigned k = 0; k < 3; k++)
                        assert_int_equal(hit(t, &a, T0 + orders[i][k] * (FINDTIME / 2), NULL),
                                        k == 2);
        }
}

static void late_failure_joins_those_around_it(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(3, FINDTIME, 16);
        Address a = addr("192.0.2.1");
        unsigned n;

        assert_int_equal(hit(t, &a, T0, NULL), 0);
        assert_int_equal(hit(t, &a, T0 + 2 * FINDTIME, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(hit(t, &a, T0 + FINDTIME / 4, &n), 0);
        assert_int_equal(n, 1); /* the newest stands alone */
        assert_int_equal(hit(t, &a, T0 + FINDTIME / 2, NULL), 1);
}

static void full_table_forgets_the_quietest(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(2, FINDTIME, 2);
        Address a = addr("192.0.2.1"), b = addr("192.0.2.2"), c = addr("192.0.2.3");
        TrackerStats stats;

        assert_ok(hit(t, &a, T0 + 1, NULL));
        assert_ok(hit(t, &b, T0 + 2, NULL));
        assert_ok(hit(t, &c, T0 + 3, NULL));

        tracker_get_stats(t, &stats);
        assert_int_equal(stats.n_addresses, 2);
        assert_int_equal(stats.n_forgotten, 1);
        assert_int_equal(stats.n_failures, 3);
        assert_int_equal(hit(t, &b, T0 + 4, NULL), 1);
        assert_int_equal(hit(t, &a, T0 + 5, NULL), 0);
}

static void whose_failures_made_a_ban_makes_room_first(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(2, FINDTIME, 2);
        Address a = addr("192.0.2.1"), b = addr("192.0.2.2"), c = addr("192.0.2.3");
        TrackerStats stats;

        assert_int_equal(hit(t, &a, T0 + 1, NULL), 0);
        assert_ok(hit(t, &b, T0 + 2, NULL));
        assert_int_equal(hit(t, &b, T0 + 3, NULL), 1);
        assert_int_equal(hit(t, &c, T0 + 4, NULL), 0);
        assert_int_equal(hit(t, &a, T0 + 5, NULL), 1);
        tracker_get_stats(t, &stats);
        assert_int_equal(stats.n_forgotten, 0);
}

static void who_was_quiet_for_too_long_to_count_is_not_missed(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(2, FINDTIME, 1);
        Address a = addr("192.0.2.1"), b = addr("192.0.2.2"), c = addr("192.0.2.3");
        TrackerStats stats;

        assert_ok(hit(t, &a, T0, NULL));
        assert_ok(hit(t, &b, T0 + FINDTIME + 1, NULL));
        tracker_get_stats(t, &stats);
        assert_int_equal(stats.n_forgotten, 0);

        assert_ok(hit(t, &c, T0 + 2 * FINDTIME + 1, NULL));
        tracker_get_stats(t, &stats);
        assert_int_equal(stats.n_forgotten, 1);
}

static void failing_again_makes_an_address_less_quiet(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(3, FINDTIME, 2);
        Address a = addr("192.0.2.1"), b = addr("192.0.2.2"), c = addr("192.0.2.3");

        assert_ok(hit(t, &a, T0 + 1, NULL));
        assert_ok(hit(t, &b, T0 + 2, NULL));
        assert_ok(hit(t, &a, T0 + 3, NULL));
        assert_ok(hit(t, &b, T0 + 1, NULL)); /* a late one changes nothing */
        assert_ok(hit(t, &c, T0 + 4, NULL));
        assert_int_equal(hit(t, &a, T0 + 5, NULL), 1);
}

static void number_of_addresses_is_bounded_in_a_flood(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(5, FINDTIME, 1000);
        TrackerStats stats;

        for (unsigned i = 0; i < 50000; i++) {
                const uint8_t bytes[16] = {
                        0x20, 1, 0xd, 0xb8, (uint8_t) (i >> 16), (uint8_t) (i >> 8), (uint8_t) i
                };
                Address a;

                assert_ok(address_from_bytes(AF_INET6, bytes, 64, &a));
                assert_int_equal(hit(t, &a, T0 + i, NULL), 0);
        }
        tracker_get_stats(t, &stats);
        assert_int_equal(stats.n_addresses, 1000);
        assert_int_equal(stats.n_forgotten, 49000);
}

static void forgotten_failures_do_not_count_and_later_ones_do(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(2, FINDTIME, 16);
        Address a = addr("192.0.2.1");
        unsigned n;

        assert_int_equal(hit(t, &a, T0, NULL), 0);
        assert_int_equal(tracker_forget(t, &a, T0 + 10), 0);
        assert_int_equal(hit(t, &a, T0 + 5, &n), 0); /* told late */
        assert_int_equal(n, 0);
        assert_int_equal(hit(t, &a, T0 + 10, &n), 0); /* the end itself is within */
        assert_int_equal(n, 0);
        assert_int_equal(hit(t, &a, T0 + 11, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(hit(t, &a, T0 + 12, NULL), 1);
}

static void forgetting_keeps_what_came_after(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(3, FINDTIME, 16);
        Address a = addr("192.0.2.1");
        unsigned n;

        assert_int_equal(hit(t, &a, T0, NULL), 0);
        assert_int_equal(hit(t, &a, T0 + 20, NULL), 0);
        assert_int_equal(tracker_forget(t, &a, T0 + 10), 0);
        assert_int_equal(tracker_forget(t, &a, T0 + 5), 0); /* an earlier end takes nothing back */
        assert_int_equal(hit(t, &a, T0 + 8, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(hit(t, &a, T0 + 21, &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(hit(t, &a, T0 + 22, &n), 1);
}

static void failures_are_counted_from_a_time_on(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(4, FINDTIME, 16);
        Address a = addr("192.0.2.1"), b = addr("192.0.2.2");
        usec_t newest = 0;

        assert_int_equal(tracker_count(t, &a, 0, &newest), 0);
        (void) hit(t, &a, T0, NULL);
        (void) hit(t, &a, T0 + 20, NULL);
        (void) hit(t, &a, T0 + 10, NULL);
        assert_int_equal(tracker_count(t, &a, 0, &newest), 3);
        assert_int_equal(newest, T0 + 20);
        assert_int_equal(tracker_count(t, &a, T0 + 10, &newest), 2);
        assert_int_equal(tracker_count(t, &a, T0 + 21, &newest), 0);
        assert_int_equal(tracker_count(t, &b, 0, &newest), 0);
        assert_int_equal(hit(t, &a, T0 + 21, NULL), 1);
        assert_int_equal(tracker_count(t, &a, 0, &newest), 0);
}

static void address_can_be_forgotten_before_it_is_known(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(1, FINDTIME, 16);
        Address a = addr("192.0.2.1");

        assert_false(tracker_has_forgotten(t, &a, T0));
        assert_int_equal(tracker_forget(t, &a, T0), 0);
        assert_true(tracker_has_forgotten(t, &a, T0));
        assert_false(tracker_has_forgotten(t, &a, T0 + 1));
        assert_int_equal(hit(t, &a, T0, NULL), 0);
        assert_int_equal(hit(t, &a, T0 + 1, NULL), 1);
}

static void quiet_addresses_expire(void **state) {
        _cleanup_(tracker_freep) Tracker *t = new_tracker(2, FINDTIME, 16);
        Address a = addr("192.0.2.1"), b = addr("192.0.2.2");
        TrackerStats stats;

        assert_ok(hit(t, &a, T0, NULL));
        assert_ok(hit(t, &b, T0 + 1, NULL));
        assert_int_equal(tracker_expire(t, T0 + FINDTIME), 0);
        assert_int_equal(tracker_expire(t, T0 + FINDTIME + 1), 1);
        tracker_get_stats(t, &stats);
        assert_int_equal(stats.n_addresses, 1);
        assert_int_equal(stats.n_forgotten, 0); /* its time was over: nothing was lost */
        assert_int_equal(hit(t, &b, T0 + FINDTIME + 1, NULL), 1);
}

static void expiring_changes_no_answer(void **state) {
        Random random = { 5 };

        for (unsigned history = 0; history < 300; history++) {
                unsigned maxretry = 1 + (unsigned) random_below(&random, 5);
                _cleanup_(tracker_freep) Tracker *with = new_tracker(maxretry, 20, 100);
                _cleanup_(tracker_freep) Tracker *without = new_tracker(maxretry, 20, 100);
                usec_t now = T0;

                for (unsigned i = 0; i < 100; i++) {
                        const uint8_t bytes[4] = { 192, 0, 2, (uint8_t) random_below(&random, 4) };
                        unsigned n, m;
                        Address a;

                        now += random_below(&random, 12);
                        assert_ok(address_from_bytes(AF_INET, bytes, 32, &a));
                        (void) tracker_expire(with, now);
                        assert_int_equal(hit(with, &a, now, &n), hit(without, &a, now, &m));
                        assert_int_equal(n, m);
                }
        }
}

/* The naive model: keeps every failure since the last ban, and looks whether any maxretry of them,
 * the new one among them, lie within findtime. */
typedef struct Model {
        unsigned maxretry;
        usec_t findtime;
        usec_t times[512];
        unsigned n_times;
} Model;

static int compare_times(const void *a, const void *b) {
        const usec_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static int model_hit(Model *m, usec_t when) {
        m->times[m->n_times++] = when;
        qsort(m->times, m->n_times, sizeof(usec_t), compare_times);

        for (unsigned i = 0; i < m->n_times; i++) {
                unsigned n = 0;
                bool has_new = false;

                for (unsigned k = i; k < m->n_times && m->times[k] - m->times[i] <= m->findtime;
                                k++) {
                        has_new |= m->times[k] == when;
                        n++;
                }
                if (has_new && n >= m->maxretry) {
                        m->n_times = 0;
                        return 1;
                }
        }

        return 0;
}

static void agrees_with_a_naive_model_in_order(void **state) {
        Random random = { 6 };
        unsigned n_bans = 0;

        for (unsigned history = 0; history < 5000; history++) {
                Model model = {
                        .maxretry = 1 + (unsigned) random_below(&random, 8),
                        .findtime = 1 + random_below(&random, 100),
                };
                _cleanup_(tracker_freep) Tracker *t =
                                new_tracker(model.maxretry, model.findtime, 4);
                usec_t step = 1 + random_below(&random, 40), now = T0;
                Address a = addr("192.0.2.1");

                for (unsigned i = 0; i < 100; i++) {
                        int r;

                        now += random_below(&random, step);
                        r = hit(t, &a, now, NULL);
                        assert_int_equal(r, model_hit(&model, now));
                        n_bans += (unsigned) r;
                }
        }

        assert_true(n_bans > 10000);
}

/* Out of order as well, for a small maxretry and failures that are late by findtime at most. With
 * more the tracker, which keeps only the newest maxretry, may miss a ban, but makes up none. */
static void agrees_with_a_naive_model_out_of_order(void **state) {
        Random random = { 7 };
        unsigned n_bans = 0, n_missed = 0;

        for (unsigned history = 0; history < 5000; history++) {
                Model model = {
                        .maxretry = 1 + (unsigned) random_below(&random, 8),
                        .findtime = 1 + random_below(&random, 100),
                };
                _cleanup_(tracker_freep) Tracker *t =
                                new_tracker(model.maxretry, model.findtime, 4);
                usec_t step = 1 + random_below(&random, 40), newest = T0 + 1000;
                Address a = addr("192.0.2.1");

                for (unsigned i = 0; i < 100; i++) {
                        usec_t when = newest + random_below(&random, step);
                        int r, wanted;

                        when -= random_below(&random, model.findtime + 1);
                        when = MAX(when, newest - model.findtime);
                        newest = MAX(newest, when);

                        wanted = model_hit(&model, when);
                        r = hit(t, &a, when, NULL);
                        assert_true(r <= wanted);
                        if (model.maxretry <= 3)
                                assert_int_equal(r, wanted);
                        n_bans += (unsigned) r;

                        /* Then both know different things from now on. */
                        if (r != wanted) {
                                n_missed++;
                                break;
                        }
                }
        }

        assert_true(n_bans > 10000);
        assert_true(n_missed < n_bans / 1000);
}

/* The naive model of weights and logins. It forgets nothing but by bans and logins. */
typedef struct WeighedModel {
        unsigned maxretry;
        usec_t findtime;
        usec_t cleared;
        TrackerFailure failures[512]; /* in order of time */
        unsigned n;
} WeighedModel;

static int weighed_hit(WeighedModel *m, const TrackerFailure *f) {
        unsigned weight = 0;

        m->failures[m->n++] = *f;
        for (unsigned i = 0; i < m->n; i++)
                if (m->failures[i].when + m->findtime >= f->when)
                        weight += m->failures[i].weight;
        if (weight < m->maxretry)
                return 0;

        m->n = 0;
        m->cleared = 0;
        return 1;
}

static void
weighed_clear(WeighedModel *m, unsigned user, uint32_t session, bool everywhere, usec_t when) {
        bool may = m->cleared == 0 || when >= m->cleared + m->findtime, found = false;
        unsigned n = 0;

        for (unsigned i = 0; i < m->n; i++) {
                TrackerFailure f = m->failures[i];
                bool keep = f.user != user;

                if (!everywhere)
                        keep |= f.session != session;
                else if (!keep && f.when + m->findtime >= when) {
                        found = true;
                        f.user = 0; /* nobody forgives it later */
                        keep = !may;
                }
                if (keep)
                        m->failures[n++] = f;
        }

        m->n = n;
        if (found)
                m->cleared = when;
}

static void agrees_with_a_naive_model_of_weights_and_logins(void **state) {
        unsigned n_bans = 0, n_forgiven = 0;
        Random random = { 8 };

        for (unsigned history = 0; history < 5000; history++) {
                WeighedModel model = {
                        .maxretry = 1 + (unsigned) random_below(&random, 12),
                        .findtime = 1 + random_below(&random, 100),
                };
                _cleanup_(tracker_freep) Tracker *t =
                                new_tracker(model.maxretry, model.findtime, 4);
                usec_t step = 1 + random_below(&random, 40), now = T0;
                Address a = addr("192.0.2.1");

                for (unsigned i = 0; i < 100; i++) {
                        TrackerFailure f = {
                                .weight = 1 + (unsigned) random_below(&random, 5),
                                .user = (unsigned) random_below(&random, 3),
                                .session = (uint32_t) random_below(&random, 3),
                        };
                        uint64_t what = random_below(&random, 8);
                        int r;

                        now += random_below(&random, step);
                        f.when = now;
                        if (what < 2 && f.user > 0 && (what == 1 || f.session > 0)) {
                                if (what == 0)
                                        n_forgiven += tracker_clear_session(
                                                        t, &a, f.user, f.session, now);
                                else
                                        n_forgiven += tracker_clear_address(t, &a, f.user, now);
                                weighed_clear(&model, f.user, f.session, what == 1, now);
                                continue;
                        }

                        r = tracker_hit(t, &a, &f, NULL);
                        assert_int_equal(r, weighed_hit(&model, &f));
                        n_bans += (unsigned) r;
                }
        }

        assert_true(n_bans > 10000);
        assert_true(n_forgiven > 10000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(third_failure_within_findtime_bans),
                cmocka_unit_test(recorded_failures_are_decided_by_the_next),
                cmocka_unit_test(one_failure_is_enough_where_maxretry_is_one),
                cmocka_unit_test(clock_that_was_ahead_hides_nobody),
                cmocka_unit_test(failures_that_made_the_ban_are_told),
                cmocka_unit_test(window_is_findtime_long_to_the_microsecond),
                cmocka_unit_test(window_slides_failure_by_failure),
                cmocka_unit_test(failures_outside_findtime_do_not_add_up),
                cmocka_unit_test(order_of_arrival_does_not_matter_within_the_window),
                cmocka_unit_test(late_failure_joins_those_around_it),
                cmocka_unit_test(full_table_forgets_the_quietest),
                cmocka_unit_test(whose_failures_made_a_ban_makes_room_first),
                cmocka_unit_test(who_was_quiet_for_too_long_to_count_is_not_missed),
                cmocka_unit_test(failing_again_makes_an_address_less_quiet),
                cmocka_unit_test(number_of_addresses_is_bounded_in_a_flood),
                cmocka_unit_test(forgotten_failures_do_not_count_and_later_ones_do),
                cmocka_unit_test(forgetting_keeps_what_came_after),
                cmocka_unit_test(failures_are_counted_from_a_time_on),
                cmocka_unit_test(address_can_be_forgotten_before_it_is_known),
                cmocka_unit_test(quiet_addresses_expire),
                cmocka_unit_test(expiring_changes_no_answer),
                cmocka_unit_test(agrees_with_a_naive_model_in_order),
                cmocka_unit_test(agrees_with_a_naive_model_out_of_order),
                cmocka_unit_test(agrees_with_a_naive_model_of_weights_and_logins),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
