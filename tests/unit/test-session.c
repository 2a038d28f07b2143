/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "engine/session.h"

static SessionTable *new_table(size_t n_max) {
        SessionTable *t;

        assert_int_equal(session_table_new(&t, n_max, SESSION_AGE_MAX), 0);
        return t;
}

static Session *get(SessionTable *t, const char *key, usec_t when) {
        Session *s = session_table_get(t, key, strlen(key), when);

        assert_non_null(s);
        return s;
}

static void session_remembers(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(4);
        Session *s = get(t, "100", T0);

        assert_false(s->has_address);
        assert_int_equal(s->n_failures, 0);
        s->n_failures = 2;

        assert_int_equal(get(t, "101", T0)->n_failures, 0);
        assert_int_equal(get(t, "10", T0)->n_failures, 0);
        assert_int_equal(get(t, "100", T0 + 1)->n_failures, 2);
        assert_int_equal(session_table_size(t), 3);
}

static void session_is_over_when_it_was_quiet_for_too_long(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(4);
        usec_t when = T0;

        get(t, "100", when)->n_failures = 1;
        for (unsigned i = 0; i < 10; i++) {
                when += SESSION_AGE_MAX; /* just within, again and again */
                assert_int_equal(get(t, "100", when)->n_failures, 1);
        }
        when += SESSION_AGE_MAX + 1;
        assert_int_equal(get(t, "100", when)->n_failures, 0);
        assert_int_equal(session_table_size(t), 1);
}

static void session_of_a_clock_that_was_ahead_is_over(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(4);

        get(t, "100", T0 + SESSION_AGE_MAX + 1)->n_failures = 1;
        assert_int_equal(get(t, "100", T0)->n_failures, 0);
}

static void session_may_be_quiet_for_ever(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = NULL;

        assert_int_equal(session_table_new(&t, 4, USEC_INFINITY), 0);
        get(t, "100", T0)->n_failures = 1;
        assert_int_equal(get(t, "100", T0 + 1000 * SESSION_AGE_MAX)->n_failures, 1);
}

static void session_that_is_removed_takes_no_place(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(2);

        get(t, "a", T0)->n_failures = 1;
        session_table_remove(t, get(t, "b", T0));
        session_table_remove(t, get(t, "c", T0));
        assert_int_equal(session_table_size(t), 1);
        assert_int_equal(get(t, "b", T0)->n_failures, 0);
        assert_int_equal(get(t, "a", T0)->n_failures, 1);
}

static void entries_out_of_order_do_not_end_a_session(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(4);

        get(t, "100", T0 + SESSION_AGE_MAX)->n_failures = 1;
        assert_int_equal(get(t, "100", T0)->n_failures, 1);
}

static void full_table_forgets_the_quietest(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(2);

        get(t, "a", T0)->n_failures = 1;
        get(t, "b", T0)->n_failures = 1;
        assert_int_equal(get(t, "a", T0)->n_failures, 1); /* touched: b is the quietest now */
        get(t, "c", T0)->n_failures = 1;
        assert_int_equal(session_table_size(t), 2);
        assert_int_equal(get(t, "a", T0)->n_failures, 1);
        assert_int_equal(get(t, "c", T0)->n_failures, 1);
        assert_int_equal(get(t, "b", T0)->n_failures, 0);
}

static void number_of_sessions_is_bounded(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(100);

        for (unsigned i = 0; i < 10000; i++) {
                char key[16];

                (void) snprintf(key, sizeof(key), "%u", i);
                get(t, key, T0 + i)->n_failures = i;
        }
        assert_int_equal(session_table_size(t), 100);
        assert_int_equal(get(t, "9900", T0 + 10000)->n_failures, 9900);
}

static void long_keys_are_cut_and_bytes_are_bytes(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(8);
        char key[SESSION_KEY_MAX + 10];

        memset(key, 'k', sizeof(key));
        session_table_get(t, key, sizeof(key), T0)->n_failures = 1;
        assert_int_equal(session_table_get(t, key, SESSION_KEY_MAX, T0)->n_failures, 1);
        assert_int_equal(session_table_get(t, key, SESSION_KEY_MAX - 1, T0)->n_failures, 0);

        session_table_get(t, "a\0b", 3, T0)->n_failures = 2;
        assert_int_equal(session_table_get(t, "a\0c", 3, T0)->n_failures, 0);
        assert_int_equal(session_table_get(t, "a", 1, T0)->n_failures, 0);
        assert_int_equal(session_table_get(t, "a\0b", 3, T0)->n_failures, 2);
}

static void key_may_be_whatever_was_captured(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(4);

        /* Pieces of one message, that nothing ends. */
        get(t, "192.0.2.1:4711", T0)->n_failures = 1;
        assert_int_equal(session_table_get(t, "192.0.2.1:47119", 14, T0)->n_failures, 1);
        assert_int_equal(session_table_get(t, "192.0.2.1:47119", 15, T0)->n_failures, 0);
        assert_int_equal(session_table_size(t), 2);
}

static void restarted_session_is_another_one(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(4);
        const Pattern pattern = {};
        Session *s = get(t, "a", T0);
        uint32_t number = s->number, other = get(t, "b", T0)->number;

        assert_int_not_equal(number, other);
        s = get(t, "a", T0);
        assert_int_equal(s->number, number);
        s->has_address = true;
        s->address = addr("192.0.2.1");
        s->began = T0;
        s->user = 7;
        s->n_failures = 1;
        assert_ok(session_add_pending(s, &pattern, 7));

        session_restart(t, s);
        assert_false(s->has_address);
        assert_int_equal(s->began, 0);
        assert_int_equal(s->user, 0);
        assert_int_equal(s->n_failures, 0);
        assert_int_equal(s->n_waiting, 0);
        assert_int_equal(s->n_pending, 0);
        assert_int_not_equal(s->number, number);
        assert_int_not_equal(s->number, other);
        assert_int_equal(session_table_size(t), 2);
}

static void login_takes_back_what_waits_of_its_user(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(4);
        const Pattern one = {}, two = {};
        Session *s = get(t, "a", T0);

        assert_ok(session_add_pending(s, &one, 1));
        assert_ok(session_add_pending(s, &one, 1));
        assert_ok(session_add_pending(s, &two, 1));
        assert_ok(session_add_pending(s, &one, 2));
        assert_ok(session_add_pending(s, &one, 0));
        assert_int_equal(s->n_pending, 4);
        assert_int_equal(s->n_waiting, 5);

        session_forgive_pending(s, 1);
        assert_int_equal(s->n_pending, 2);
        assert_int_equal(s->n_waiting, 2);
        assert_int_equal(s->pending[0].user, 2);
        assert_int_equal(s->pending[1].user, 0);

        session_drop_pending(s);
        assert_int_equal(s->n_pending, 0);
        assert_int_equal(s->n_waiting, 0);
}

static void more_names_than_fit_count_and_are_never_forgiven(void **state) {
        _cleanup_(session_table_freep) SessionTable *t = new_table(4);
        const Pattern pattern = {};
        Session *s = get(t, "a", T0);

        for (unsigned user = 1; user <= SESSION_PENDING_MAX + 10; user++)
                assert_ok(session_add_pending(s, &pattern, user));
        assert_int_equal(s->n_pending, SESSION_PENDING_MAX);
        assert_int_equal(s->n_waiting, SESSION_PENDING_MAX + 10);

        for (unsigned user = 1; user <= SESSION_PENDING_MAX + 10; user++)
                session_forgive_pending(s, user);
        assert_int_equal(s->n_pending, 1);
        assert_int_equal(s->pending[0].user, 0);
        assert_int_equal(s->n_waiting, 11); /* the last that had a place, and those beyond */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(session_remembers),
                cmocka_unit_test(session_is_over_when_it_was_quiet_for_too_long),
                cmocka_unit_test(session_of_a_clock_that_was_ahead_is_over),
                cmocka_unit_test(session_may_be_quiet_for_ever),
                cmocka_unit_test(session_that_is_removed_takes_no_place),
                cmocka_unit_test(entries_out_of_order_do_not_end_a_session),
                cmocka_unit_test(full_table_forgets_the_quietest),
                cmocka_unit_test(number_of_sessions_is_bounded),
                cmocka_unit_test(long_keys_are_cut_and_bytes_are_bytes),
                cmocka_unit_test(key_may_be_whatever_was_captured),
                cmocka_unit_test(restarted_session_is_another_one),
                cmocka_unit_test(login_takes_back_what_waits_of_its_user),
                cmocka_unit_test(more_names_than_fit_count_and_are_never_forgiven),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
