/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "base/suggest.h"

static const char *const verbs[] = {
        "status",
        "list",
        "jails",
        "ban",
        "unban",
        "reload",
        "flush",
        NULL,
};

static void slips_of_the_finger_are_recognised(void **state) {
        assert_string_equal(suggest_word("stauts", verbs), "status"); /* swapped */
        assert_string_equal(suggest_word("unbann", verbs), "unban");  /* one too many */
        assert_string_equal(suggest_word("relod", verbs), "reload");  /* one missing */
        assert_string_equal(suggest_word("lust", verbs), "list");     /* another one */
        assert_string_equal(suggest_word("jail", verbs), "jails");
}

static void beginnings_are_recognised(void **state) {
        assert_string_equal(suggest_word("stat", verbs), "status");
        assert_string_equal(suggest_word("f", verbs), "flush");
}

static void far_words_are_not(void **state) {
        assert_null(suggest_word("xyzzy", verbs));
        assert_null(suggest_word("", verbs));
        assert_null(suggest_word("pneumonoultramicroscopicsilicovolcanoconiosis", verbs));
        assert_null(suggest_word("status", (const char *const[]){ NULL }));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(slips_of_the_finger_are_recognised),
                cmocka_unit_test(beginnings_are_recognised),
                cmocka_unit_test(far_words_are_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
