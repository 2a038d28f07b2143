/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "ctl/period.h"

static int parse(const char *since, const char *until, usec_t *ret_since, usec_t *ret_until) {
        const Options options = { .since = since, .until = until };

        *ret_since = 1;
        *ret_until = USEC_INFINITY;
        return period_parse(&options, T0, ret_since, ret_until);
}

static void what_is_not_said_stays(void **state) {
        usec_t since, until;

        assert_ok(parse(NULL, NULL, &since, &until));
        assert_int_equal(since, 1);
        assert_int_equal(until, USEC_INFINITY);

        assert_ok(parse("-2h", NULL, &since, &until));
        assert_int_equal(since, T0 - 2 * USEC_PER_HOUR);
        assert_int_equal(until, USEC_INFINITY);

        assert_ok(parse(NULL, "1h ago", &since, &until));
        assert_int_equal(since, 1);
        assert_int_equal(until, T0 - USEC_PER_HOUR);
}

static void wrong_times_are_refused(void **state) {
        usec_t since, until;

        assert_fails(parse("soon", NULL, &since, &until), EINVAL);
        assert_fails(parse(NULL, "", &since, &until), EINVAL);
        assert_fails(parse("-1h", "-2h", &since, &until), EINVAL);
        assert_ok(parse("-2h", "-2h", &since, &until));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_not_said_stays),
                cmocka_unit_test(wrong_times_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
