/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "model/exemptions.h"

static void allow(Exemptions *e, const char *text, usec_t since, usec_t until) {
        const Exemption x = { .address = addr(text), .since = since, .until = until };

        assert_int_equal(exemptions_add(e, &x), 0);
}

static bool covers(const Exemptions *e, const char *text, usec_t when) {
        Address a = addr(text);

        return exemptions_cover(e, &a, when);
}

static bool overlaps(const Exemptions *e, const char *text, usec_t when) {
        Address a = addr(text);

        return exemptions_overlap(e, &a, when);
}

static void address_is_allowed_from_one_moment_to_another(void **state) {
        _cleanup_(exemptions_done) Exemptions e = {};

        allow(&e, "192.0.2.0/24", T0, T0 + 10);
        assert_false(covers(&e, "192.0.2.1", T0 - 1));
        assert_true(covers(&e, "192.0.2.1", T0));
        assert_true(covers(&e, "192.0.2.128/25", T0 + 9));
        assert_false(covers(&e, "192.0.2.1", T0 + 10));
        assert_false(covers(&e, "192.0.0.0/16", T0));
        assert_false(covers(&e, "2001:db8::1", T0));

        assert_true(overlaps(&e, "192.0.0.0/16", T0));
        assert_true(overlaps(&e, "192.0.2.1", T0));
        assert_false(overlaps(&e, "192.0.0.0/16", T0 + 10));
        assert_false(overlaps(&e, "198.51.100.0/24", T0));
}

static void one_that_is_ended_held_until_then(void **state) {
        _cleanup_(exemptions_done) Exemptions e = {};
        Address a = addr("192.0.2.1"), around = addr("192.0.2.0/24");

        allow(&e, "192.0.2.1", T0, USEC_INFINITY);
        assert_int_equal(exemptions_next_end(&e, T0), USEC_INFINITY);
        assert_int_equal(exemptions_end_address(&e, &around, T0 + 5), 0);
        assert_int_equal(exemptions_end_address(&e, &a, T0 + 5), 1);
        assert_int_equal(exemptions_end_address(&e, &a, T0 + 6), 0);
        assert_true(covers(&e, "192.0.2.1", T0 + 4));
        assert_false(covers(&e, "192.0.2.1", T0 + 5));

        /* Another one may begin. */
        allow(&e, "192.0.2.1", T0 + 7, T0 + 9);
        assert_int_equal(exemptions_next_end(&e, T0 + 8), T0 + 9);
        exemptions_expire(&e, T0 + 6);
        assert_int_equal(e.n_exemptions, 1);
        assert_false(covers(&e, "192.0.2.1", T0 + 4));
        assert_true(covers(&e, "192.0.2.1", T0 + 8));
}

static void pause_is_of_one_jail_and_allows_nobody(void **state) {
        _cleanup_(exemptions_done) Exemptions e = {};
        const Exemption x = { .jail = (char *) "sshd", .since = T0, .until = USEC_INFINITY };
        Address a = addr("0.0.0.0/0");

        assert_int_equal(exemptions_add(&e, &x), 0);
        assert_true(exemptions_have_pause(&e, "sshd", T0));
        assert_false(exemptions_have_pause(&e, "sshd", T0 - 1));
        assert_false(exemptions_have_pause(&e, "mail", T0));
        assert_false(covers(&e, "192.0.2.1", T0));
        assert_false(exemptions_overlap(&e, &a, T0));

        assert_int_equal(exemptions_end_pause(&e, "mail", T0 + 1), 0);
        assert_int_equal(exemptions_end_pause(&e, "sshd", T0 + 1), 1);
        assert_false(exemptions_have_pause(&e, "sshd", T0 + 1));
        assert_true(exemptions_have_pause(&e, "sshd", T0));
}

static void there_are_not_more_than_the_limit(void **state) {
        _cleanup_(exemptions_done) Exemptions e = {};
        const Exemption x = { .address = addr("192.0.2.1"), .since = T0, .until = T0 + 1 };

        for (unsigned i = 0; i < EXEMPTIONS_MAX; i++)
                assert_int_equal(exemptions_add(&e, &x), 0);
        assert_int_equal(exemptions_add(&e, &x), -E2BIG);
        exemptions_expire(&e, T0 + 2);
        assert_int_equal(exemptions_add(&e, &x), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(address_is_allowed_from_one_moment_to_another),
                cmocka_unit_test(one_that_is_ended_held_until_then),
                cmocka_unit_test(pause_is_of_one_jail_and_allows_nobody),
                cmocka_unit_test(there_are_not_more_than_the_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
