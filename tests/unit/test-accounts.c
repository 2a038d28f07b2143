/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"

#include "engine/accounts.h"

static bool has(const Accounts *a, const char *name) {
        return accounts_has(a, name, strlen(name));
}

static void names_of_the_file_are_accounts(void **state) {
        _cleanup_(accounts_freep) Accounts *a = NULL;
        const char *path = files_write(*state,
                        "passwd",
                        "root:x:0:0:root:/root:/bin/sh\n"
                        "alice:x:1000:1000::/home/alice:/bin/sh\n"
                        "+netgroup:::::\n# comment:\n\nno colon\n:nameless\n"
                        "zed:x");

        assert_ok(accounts_new(&a, path));
        assert_false(has(a, "root"));
        assert_ok(accounts_refresh(a));
        assert_int_equal(accounts_size(a), 3);
        assert_true(has(a, "root"));
        assert_true(has(a, "alice"));
        assert_true(has(a, "zed"));
        for (size_t i = 0; i < 3; i++)
                assert_true(has(a, accounts_get(a, i)));

        assert_false(has(a, ""));
        assert_false(has(a, "roo"));
        assert_false(has(a, "rootx"));
        assert_false(has(a, "x"));
        assert_false(has(a, "no colon"));
        assert_false(accounts_has(a, "root\0", 5));
        assert_true(accounts_has(a, "rootkit", 4)); /* texts from a log are not terminated */
}

static void file_is_read_again_when_it_changed(void **state) {
        _cleanup_(accounts_freep) Accounts *a = NULL;
        const char *path = files_write(*state, "passwd", "root:x\n");

        assert_ok(accounts_new(&a, path));
        assert_ok(accounts_refresh(a));
        (void) files_write(*state, "passwd", "toor:x:\nalice:x\n");
        assert_ok(accounts_refresh(a));
        assert_false(has(a, "root"));
        assert_true(has(a, "toor"));

        /* What is gone leaves what was known. */
        assert_int_equal(unlink(path), 0);
        assert_fails(accounts_refresh(a), ENOENT);
        assert_true(has(a, "alice"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(names_of_the_file_are_accounts),
                cmocka_file_test(file_is_read_again_when_it_changed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
