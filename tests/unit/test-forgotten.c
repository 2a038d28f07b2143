/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "engine/forgotten.h"

static Forgotten *new_forgotten(size_t n_max) {
        Forgotten *f;

        assert_int_equal(forgotten_new(&f, n_max), 0);
        return f;
}

static usec_t find(const Forgotten *f, const char *text) {
        Address a = addr(text);

        return forgotten_find(f, &a);
}

static void add(Forgotten *f, const char *text, usec_t until) {
        Address a = addr(text);

        assert_int_equal(forgotten_add(f, &a, until), 0);
}

static void prefix_is_found_from_within_and_not_from_beside(void **state) {
        _cleanup_(forgotten_freep) Forgotten *f = new_forgotten(16);

        assert_int_equal(find(f, "192.0.2.1"), 0);
        add(f, "192.0.2.0/24", T0);
        assert_int_equal(find(f, "192.0.2.1"), T0);
        assert_int_equal(find(f, "192.0.2.128/25"), T0);
        assert_int_equal(find(f, "192.0.2.0/24"), T0);
        assert_int_equal(find(f, "192.0.2.0/23"), 0);
        assert_int_equal(find(f, "192.0.3.1"), 0);
        assert_int_equal(find(f, "2001:db8::1"), 0);
        add(f, "2001:db8::1", T0 + 1);
        assert_int_equal(find(f, "2001:db8::1"), T0 + 1);
        assert_int_equal(find(f, "2001:db8::2"), 0);
}

static void latest_moment_counts(void **state) {
        _cleanup_(forgotten_freep) Forgotten *f = new_forgotten(16);

        add(f, "192.0.2.0/24", T0 + 5);
        add(f, "192.0.0.0/16", T0 + 3);
        assert_int_equal(find(f, "192.0.2.1"), T0 + 5);
        assert_int_equal(find(f, "192.0.3.1"), T0 + 3);
        add(f, "192.0.2.0/24", T0 + 4); /* an earlier one takes nothing back */
        assert_int_equal(find(f, "192.0.2.1"), T0 + 5);
        add(f, "192.0.0.0/16", T0 + 9);
        assert_int_equal(find(f, "192.0.2.1"), T0 + 9);
        assert_int_equal(forgotten_size(f), 2);
}

static void oldest_moment_makes_room(void **state) {
        _cleanup_(forgotten_freep) Forgotten *f = new_forgotten(2);

        add(f, "192.0.2.1", T0 + 2);
        add(f, "192.0.2.2", T0 + 1);
        add(f, "192.0.2.3", T0 + 3);
        assert_int_equal(find(f, "192.0.2.2"), 0);
        assert_int_equal(find(f, "192.0.2.1"), T0 + 2);
        assert_int_equal(find(f, "192.0.2.3"), T0 + 3);
        assert_int_equal(forgotten_size(f), 2);
        assert_int_equal(forgotten_get_n_dropped(f), 1);
}

static void what_is_long_ago_expires(void **state) {
        _cleanup_(forgotten_freep) Forgotten *f = new_forgotten(16);

        add(f, "192.0.2.1", T0);
        add(f, "192.0.2.0/24", T0 + 1);
        forgotten_expire(f, T0);
        assert_int_equal(forgotten_size(f), 2);
        forgotten_expire(f, T0 + 1);
        assert_int_equal(forgotten_size(f), 1);
        assert_int_equal(find(f, "192.0.2.1"), T0 + 1); /* by the prefix */
        forgotten_expire(f, T0 + 2);
        assert_int_equal(find(f, "192.0.2.1"), 0);
        assert_int_equal(forgotten_get_n_dropped(f), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(prefix_is_found_from_within_and_not_from_beside),
                cmocka_unit_test(latest_moment_counts),
                cmocka_unit_test(oldest_moment_makes_room),
                cmocka_unit_test(what_is_long_ago_expires),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
