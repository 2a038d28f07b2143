/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "ctl/unit-files.h"

static void instances_have_a_template(void **state) {
        char buf[64];

        assert_true(unit_template("ssh@1-2.service", buf, sizeof(buf)));
        assert_string_equal(buf, "ssh@.service");
        assert_true(unit_template("ssh@.service", buf, sizeof(buf)));
        assert_string_equal(buf, "ssh@.service");
        assert_false(unit_template("ssh.service", buf, sizeof(buf)));
        assert_false(unit_template("ssh@1", buf, sizeof(buf)));
        assert_false(unit_template("ssh@1.service", buf, 12));
}

static void unit_that_is_nowhere_does_not_exist(void **state) {
        assert_false(unit_exists(NULL, "no-such-unit-of-banjo.service"));
        assert_false(unit_exists(NULL, "no-such-unit-of-banjo@1.service"));
        assert_false(unit_exists(NULL, "no-such-unit-of-banjo*.service"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(instances_have_a_template),
                cmocka_unit_test(unit_that_is_nowhere_does_not_exist),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
