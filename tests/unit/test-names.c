/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "engine/names.h"

#define OFFICE "office.example.org"

static char *const office[] = { (char *) OFFICE, NULL };

static Names *new_names(void) {
        Names *n;

        assert_ok(names_new(&n));
        assert_ok(names_add(n, OFFICE));
        return n;
}

static unsigned answer(Names *n, const char *address, usec_t ttl, usec_t now) {
        Address a = addr(address);

        return names_answer(n, OFFICE, &a, 1, ttl, now);
}

static bool has(const Names *n, const char *address) {
        Address a = addr(address), which;

        return names_find(n, office, &a, &which);
}

static void a_new_name_is_due_at_once_and_asked_once(void **state) {
        _cleanup_(names_freep) Names *n = new_names();

        assert_int_equal(names_get_due(n), 0);
        assert_string_equal(names_take_due(n, T0), OFFICE);
        assert_null(names_take_due(n, T0));
        assert_int_equal(names_get_due(n), USEC_INFINITY);
}

static void an_answer_holds_for_its_time(void **state) {
        static const struct {
                usec_t ttl, interval;
        } cases[] = {
                { 0, NAMES_INTERVAL_DEFAULT },
                { 1, NAMES_INTERVAL_MIN },
                { 20 * USEC_PER_MINUTE, 20 * USEC_PER_MINUTE },
                { USEC_PER_DAY, NAMES_INTERVAL_MAX },
                { USEC_INFINITY, NAMES_INTERVAL_MAX },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(names_freep) Names *n = new_names();

                (void) names_take_due(n, T0);
                assert_int_equal(answer(n, "192.0.2.1", cases[i].ttl, T0), NAMES_CHANGED);
                assert_int_equal(names_get_due(n), T0 + cases[i].interval);
                assert_null(names_take_due(n, T0 + cases[i].interval - 1));
                assert_non_null(names_take_due(n, T0 + cases[i].interval));
        }
}

static void an_answer_replaces_the_one_before(void **state) {
        _cleanup_(names_freep) Names *n = new_names();
        const Address both[] = { addr("192.0.2.1"), addr("2001:db8::1") };
        const Address turned[] = { both[1], both[0], both[1] };

        assert_int_equal(names_answer(n, OFFICE, both, 2, 0, T0), NAMES_CHANGED);
        assert_int_equal(names_answer(n, OFFICE, turned, 3, 0, T0), 0);
        assert_int_equal(names_count(n, OFFICE), 2);
        assert_true(has(n, "192.0.2.1"));

        assert_int_equal(answer(n, "192.0.2.2", 0, T0), NAMES_CHANGED);
        assert_false(has(n, "192.0.2.1"));
        assert_false(has(n, "2001:db8::1"));
        assert_true(has(n, "192.0.2.2"));
        assert_int_equal(answer(n, "192.0.2.2", 0, T0), 0);
}

static void what_was_known_stays_while_a_name_fails(void **state) {
        _cleanup_(names_freep) Names *n = new_names();

        (void) answer(n, "192.0.2.1", 0, T0);
        assert_int_equal(names_fail(n, OFFICE, true, T0 + 1), NAMES_FAILED);
        assert_true(has(n, "192.0.2.1"));
        assert_int_equal(answer(n, "192.0.2.1", 0, T0 + 2), NAMES_RECOVERED);
}

static void a_name_that_does_not_exist_is_told_once(void **state) {
        _cleanup_(names_freep) Names *n = new_names();

        assert_int_equal(names_fail(n, OFFICE, true, T0), NAMES_FAILED);
        for (unsigned i = 1; i < 100; i++)
                assert_int_equal(names_fail(n, OFFICE, true, T0 + i * USEC_PER_MINUTE), 0);
        assert_int_equal(answer(n, "192.0.2.1", 0, T0), NAMES_CHANGED | NAMES_RECOVERED);
        assert_int_equal(names_fail(n, OFFICE, true, T0), NAMES_FAILED);
}

static void no_answer_is_told_after_a_minute(void **state) {
        _cleanup_(names_freep) Names *n = new_names();

        assert_int_equal(names_fail(n, OFFICE, false, T0), 0);
        assert_int_equal(names_fail(n, OFFICE, false, T0 + USEC_PER_MINUTE - 1), 0);
        assert_int_equal(names_fail(n, OFFICE, false, T0 + USEC_PER_MINUTE), NAMES_FAILED);
        assert_int_equal(names_fail(n, OFFICE, false, T0 + 2 * USEC_PER_MINUTE), 0);

        /* A gap that an answer ended begins anew, and is told by nobody if it is short. */
        assert_int_equal(answer(n, "192.0.2.1", 0, T0), NAMES_CHANGED | NAMES_RECOVERED);
        assert_int_equal(names_fail(n, OFFICE, false, T0 + USEC_PER_HOUR), 0);
        assert_int_equal(answer(n, "192.0.2.1", 0, T0 + USEC_PER_HOUR), 0);
}

static void a_failing_name_is_tried_again_ever_less_often(void **state) {
        _cleanup_(names_freep) Names *n = new_names();
        usec_t now = T0, before = 0;

        for (unsigned i = 0; i < 20; i++) {
                usec_t wait;

                (void) names_fail(n, OFFICE, i % 2, now);
                wait = names_get_due(n) - now;
                assert_true(wait >= before);
                assert_true(wait >= 2 * USEC_PER_SEC && wait <= USEC_PER_MINUTE);
                before = wait;
                now = names_get_due(n);
        }
        assert_int_equal(before, USEC_PER_MINUTE);

        (void) answer(n, "192.0.2.1", 0, now);
        (void) names_fail(n, OFFICE, false, now);
        assert_int_equal(names_get_due(n) - now, 2 * USEC_PER_SEC);
}

static void failing_names_keep_no_other_from_its_turn(void **state) {
        _cleanup_(names_freep) Names *n = NULL;
        usec_t now = T0;
        bool met = false;
        char name[32];

        assert_ok(names_new(&n));
        for (unsigned i = 1; i < NAMES_MAX; i++) {
                (void) snprintf(name, sizeof(name), "h%u.example.org", i);
                assert_ok(names_add(n, name));
        }
        assert_ok(names_add(n, OFFICE));

        /* One after the other, so slowly that the first is due again before the last had its turn.
         */
        for (unsigned i = 0; i < NAMES_MAX && !met; i++) {
                const char *due = names_take_due(n, now);

                assert_non_null(due);
                met = streq(due, OFFICE);
                (void) names_fail(n, due, true, now);
                now += USEC_PER_SEC;
        }
        assert_true(met);
}

static void answers_that_stand_for_no_host_are_ignored(void **state) {
        static const char *const useless[] = {
                "0.0.0.0",
                "0.1.2.3",
                "127.0.0.1",
                "127.255.0.1",
                "::",
                "::1",
                "::ffff:127.0.0.1",
                "224.0.0.1",
                "255.255.255.255",
                "ff02::1",
                "192.0.2.0/24",
        };
        _cleanup_(names_freep) Names *n = new_names();
        Address all[ELEMENTSOF(useless) + 1];

        for (size_t i = 0; i < ELEMENTSOF(useless); i++) {
                all[i] = addr(useless[i]);
                assert_int_equal(answer(n, useless[i], 0, T0), i == 0 ? NAMES_FAILED : 0);
                names_add_known(n, OFFICE, &all[i]);
        }
        assert_int_equal(names_count(n, OFFICE), 0);

        all[ELEMENTSOF(useless)] = addr("192.0.2.1");
        assert_int_equal(names_answer(n, OFFICE, all, ELEMENTSOF(all), 0, T0),
                        NAMES_CHANGED | NAMES_RECOVERED);
        assert_int_equal(names_count(n, OFFICE), 1);
}

static void an_endless_answer_is_cut(void **state) {
        _cleanup_(names_freep) Names *n = new_names();
        Address many[10 * NAMES_ADDRESSES_MAX];

        for (size_t i = 0; i < ELEMENTSOF(many); i++) {
                many[i] = addr("2001:db8::1");
                many[i].bytes[8] = (uint8_t) (i / 256);
                many[i].bytes[9] = (uint8_t) i;
        }
        (void) names_answer(n, OFFICE, many, ELEMENTSOF(many), 0, T0);
        assert_int_equal(names_count(n, OFFICE), NAMES_ADDRESSES_MAX);
        names_add_known(n, OFFICE, &(Address[]){ addr("192.0.2.1") }[0]);
        assert_int_equal(names_count(n, OFFICE), NAMES_ADDRESSES_MAX);
}

static void a_prefix_is_found_by_an_address_in_it(void **state) {
        _cleanup_(names_freep) Names *n = new_names();
        Address net = addr("2001:db8:a::/64"), other = addr("2001:db8:b::/64"), which;
        char *const elsewhere[] = { (char *) "home.example.org", NULL };

        (void) answer(n, "2001:db8:a::7", 0, T0);
        assert_string_equal(names_find(n, office, &net, &which), OFFICE);
        assert_true(address_equal(&which, &(Address[]){ addr("2001:db8:a::7") }[0]));
        assert_null(names_find(n, office, &other, &which));

        /* What another jail allows is not meant. */
        assert_null(names_find(n, elsewhere, &net, &which));
        assert_null(names_find(n, NULL, &net, &which));
}

static void a_new_configuration_keeps_what_is_known(void **state) {
        _cleanup_(names_freep) Names *old = new_names(), *n = NULL;

        assert_ok(names_add(old, "home.example.org"));
        (void) answer(old, "192.0.2.1", 0, T0);
        assert_ok(names_new(&n));
        assert_ok(names_add(n, "OFFICE.example.org"));
        assert_ok(names_add(n, "new.example.org"));
        names_inherit(n, old);

        assert_true(has(n, "192.0.2.1"));
        assert_int_equal(names_count(n, "new.example.org"), 0);
        assert_int_equal(names_count(n, "home.example.org"), 0);
        assert_int_equal(names_get_due(n), 0);
}

static void what_is_asked_stays_asked_over_a_new_configuration(void **state) {
        _cleanup_(names_freep) Names *old = new_names(), *n = new_names();

        (void) names_take_due(old, T0);
        names_inherit(n, old);
        assert_null(names_take_due(n, T0));
        (void) names_fail(n, OFFICE, false, T0);
        assert_non_null(names_take_due(n, T0 + USEC_PER_MINUTE));
}

static int count_address(const char *name, const Address *a, void *userdata) {
        size_t *count = userdata;

        assert_string_equal(name, OFFICE);
        assert_true(address_is_host(a));
        return ++*count == 2 ? -ECANCELED : 0;
}

static void every_address_is_walked_through(void **state) {
        _cleanup_(names_freep) Names *n = new_names();
        const Address both[] = { addr("192.0.2.1"), addr("2001:db8::1") };
        size_t count = 0;

        assert_ok(names_foreach(n, count_address, &count));
        assert_int_equal(count, 0);
        (void) names_answer(n, OFFICE, both, 2, 0, T0);
        assert_fails(names_foreach(n, count_address, &count), ECANCELED);
        assert_int_equal(count, 2);
}

static void there_is_a_limit_to_names(void **state) {
        _cleanup_(names_freep) Names *n = new_names();
        char name[32];

        for (unsigned i = 1; i < NAMES_MAX; i++) {
                (void) snprintf(name, sizeof(name), "h%u.example.org", i);
                assert_ok(names_add(n, name));
        }
        assert_fails(names_add(n, "one.more.example.org"), E2BIG);
        assert_ok(names_add(n, OFFICE));

        /* Late answers for names that are configured no more. */
        assert_int_equal(names_fail(n, "gone.example.org", true, T0), 0);
        assert_int_equal(names_answer(n, "gone.example.org", NULL, 0, 0, T0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_new_name_is_due_at_once_and_asked_once),
                cmocka_unit_test(an_answer_holds_for_its_time),
                cmocka_unit_test(an_answer_replaces_the_one_before),
                cmocka_unit_test(what_was_known_stays_while_a_name_fails),
                cmocka_unit_test(a_name_that_does_not_exist_is_told_once),
                cmocka_unit_test(no_answer_is_told_after_a_minute),
                cmocka_unit_test(a_failing_name_is_tried_again_ever_less_often),
                cmocka_unit_test(failing_names_keep_no_other_from_its_turn),
                cmocka_unit_test(answers_that_stand_for_no_host_are_ignored),
                cmocka_unit_test(an_endless_answer_is_cut),
                cmocka_unit_test(a_prefix_is_found_by_an_address_in_it),
                cmocka_unit_test(a_new_configuration_keeps_what_is_known),
                cmocka_unit_test(what_is_asked_stays_asked_over_a_new_configuration),
                cmocka_unit_test(every_address_is_walked_through),
                cmocka_unit_test(there_is_a_limit_to_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
