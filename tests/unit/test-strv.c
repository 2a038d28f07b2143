/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "base/strv.h"

static void null_is_the_empty_list(void **state) {
        assert_int_equal(strv_length(NULL), 0);
        assert_false(strv_contains(NULL, ""));
        assert_null(strv_free(NULL));
}

static void strings_are_appended_as_copies(void **state) {
        _cleanup_(strv_freep) char **list = NULL;
        char text[] = "onetwo";

        assert_int_equal(strv_append(&list, 2, text, 3), 0);
        assert_int_equal(strv_append(&list, 2, text + 3, 3), 0);
        memset(text, 'x', 6);
        assert_int_equal(strv_length(list), 2);
        assert_string_equal(list[0], "one");
        assert_string_equal(list[1], "two");
        assert_null(list[2]);
        assert_true(strv_contains(list, "two"));
        assert_false(strv_contains(list, "tw"));
}

static void more_than_allowed_is_refused(void **state) {
        _cleanup_(strv_freep) char **list = NULL;

        assert_int_equal(strv_append(&list, 1, "a", 1), 0);
        assert_fails(strv_append(&list, 1, "b", 1), E2BIG);
        assert_int_equal(strv_length(list), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(null_is_the_empty_list),
                cmocka_unit_test(strings_are_appended_as_copies),
                cmocka_unit_test(more_than_allowed_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
