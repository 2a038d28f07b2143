/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include <sys/prctl.h>

#include "ctl/rivals.h"

static void names_of_processes_are_known(void **state) {
        assert_string_equal(rivals_from_comm("fail2ban-server"), "fail2ban");
        assert_string_equal(rivals_from_comm("sshg-parser"), "sshguard");
        assert_string_equal(rivals_from_comm("crowdsec"), "CrowdSec");
        assert_null(rivals_from_comm("fail2ban-client"));
        assert_null(rivals_from_comm("banjod"));
        assert_null(rivals_from_comm(""));
}

static void running_rival_is_found_once(void **state) {
        const char *names[4];
        size_t before, after;

        before = rivals_find(names, 4);
        assert_int_equal(prctl(PR_SET_NAME, "crowdsec"), 0);
        after = rivals_find(names, 4);
        assert_int_equal(prctl(PR_SET_NAME, "test-rivals"), 0);

        /* Unless one runs on this machine anyway. */
        assert_true(after == before + 1 || after == before);
        assert_true(after > 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_of_processes_are_known),
                cmocka_unit_test(running_rival_is_found_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
