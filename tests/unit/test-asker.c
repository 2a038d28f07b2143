/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "ctl/asker.h"

static void variables_begin_with_the_clients_address(void **state) {
        Address a, expected;

        expected = addr("203.0.113.5");
        assert_ok(asker_parse_variable("203.0.113.5 50022 192.0.2.2 22", &a));
        assert_true(address_equal(&a, &expected));

        expected = addr("2001:db8::7");
        assert_ok(asker_parse_variable("2001:db8::7 50022 22", &a));
        assert_true(address_equal(&a, &expected));

        /* What is scoped or mapped is the same peer. */
        expected = addr("fe80::1");
        assert_ok(asker_parse_variable("fe80::1%eth0 50022 fe80::2%eth0 22", &a));
        assert_true(address_equal(&a, &expected));
        expected = addr("203.0.113.5");
        assert_ok(asker_parse_variable("::ffff:203.0.113.5 50022 22", &a));
        assert_true(address_equal(&a, &expected));
}

static void nonsense_in_variables_is_none(void **state) {
        Address a;

        assert_fails(asker_parse_variable("", &a), EINVAL);
        assert_fails(asker_parse_variable(" 203.0.113.5 1", &a), EINVAL);
        assert_fails(asker_parse_variable("UNKNOWN 65535 UNKNOWN 65535", &a), EINVAL);
}

static void parent_is_read_whatever_the_program_is_called(void **state) {
        assert_int_equal(asker_parse_parent("4711 (bash) S 4710 4711 4711 34816"), 4710);
        assert_int_equal(asker_parse_parent("4711 (a) S 1 (b) R 17 1"), 17);
        assert_int_equal(asker_parse_parent("4711 (x) y ) S 99 1"), 99);
        assert_int_equal(asker_parse_parent("1 (systemd) S 0 1 1"), 0);
}

static void nonsense_in_stat_has_no_parent(void **state) {
        assert_fails(asker_parse_parent(""), EINVAL);
        assert_fails(asker_parse_parent("4711 (bash"), EINVAL);
        assert_fails(asker_parse_parent("4711 (bash) S"), EINVAL);
        assert_fails(asker_parse_parent("4711 (bash) S -3 1"), EINVAL);
}

static void own_environment_is_looked_at(void **state) {
        Address askers[ASKERS_MAX], expected = addr("203.0.113.77");
        bool found = false;
        size_t n;

        assert_int_equal(setenv("SSH_CONNECTION", "203.0.113.77 1 192.0.2.2 22", true), 0);
        n = askers_get(askers);
        for (size_t i = 0; i < n; i++)
                found |= address_equal(&askers[i], &expected);
        assert_true(found);
        assert_int_equal(unsetenv("SSH_CONNECTION"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(variables_begin_with_the_clients_address),
                cmocka_unit_test(nonsense_in_variables_is_none),
                cmocka_unit_test(parent_is_read_whatever_the_program_is_called),
                cmocka_unit_test(nonsense_in_stat_has_no_parent),
                cmocka_unit_test(own_environment_is_looked_at),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
