/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"

#include "base/strv.h"
#include "model/allow-source.h"

typedef struct Fixture {
        Allowlist addresses;
        char **names;
} Fixture;

static void fixture_done(Fixture *f) {
        allowlist_done(&f->addresses);
        strv_free(f->names);
}

static int add(Fixture *f, const char *word) {
        return allow_add_word(&f->addresses, &f->names, word, strlen(word));
}

static void host_names_end_in_no_number(void **state) {
        static const char *const good[] = {
                "localhost",
                "host.example.org",
                "host.example.org.",
                "a-b_c.example.org",
                "1host",
                "7.example.org",
                "xn--bcher-kva.example.org",
        };
        static const char *const bad[] = {
                "",
                ".",
                "192.0.2.300",
                "192.0.2",
                "1",
                "a..b",
                ".a",
                "a/b",
                "a b",
                "2001:db8::x",
                "example.123",
                "b\303\274cher.example.org",
        };
        char label[70];

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(allow_is_host_name(good[i], strlen(good[i])));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(allow_is_host_name(bad[i], strlen(bad[i])));

        memset(label, 'a', sizeof(label));
        assert_true(allow_is_host_name(label, 63));
        assert_false(allow_is_host_name(label, 64));
}

static void words_are_addresses_or_names(void **state) {
        _cleanup_(fixture_done) Fixture f = {};
        Address a = addr("192.0.2.7"), b = addr("2001:db8::1");

        assert_int_equal(add(&f, "192.0.2.0/24"), 0);
        assert_int_equal(add(&f, "2001:db8::1"), 0);
        assert_int_equal(add(&f, "host.example.org"), 0);
        assert_fails(add(&f, "192.0.2.0/33"), EINVAL);
        assert_fails(add(&f, "/etc/hosts"), EINVAL);
        assert_true(allowlist_covers(&f.addresses, &a));
        assert_true(allowlist_covers(&f.addresses, &b));
        assert_int_equal(strv_length(f.names), 1);
        assert_string_equal(f.names[0], "host.example.org");
}

static void names_are_bounded(void **state) {
        _cleanup_(fixture_done) Fixture f = {};

        for (unsigned i = 0; i < ALLOW_NAMES_MAX; i++)
                assert_int_equal(add(&f, "host.example.org"), 0);
        assert_fails(add(&f, "host.example.org"), E2BIG);
}

static void lines_have_one_word_and_comments(void **state) {
        _cleanup_(fixture_done) Fixture f = {};
        char error[ALLOW_ERROR_SIZE];
        const char *path = files_write(*state,
                        "x",
                        "# all of them\n\n192.0.2.1\n\t198.51.100.0/24 # office\r\n"
                        "host.example.org#home\n203.0.113.1");

        assert_int_equal(allow_add_file(&f.addresses, &f.names, path, error), 0);
        assert_int_equal(f.addresses.n_addresses, 3);
        assert_int_equal(strv_length(f.names), 1);
        assert_string_equal(f.names[0], "host.example.org");
}

static void wrong_line_is_told(void **state) {
        _cleanup_(fixture_done) Fixture f = {};
        char error[ALLOW_ERROR_SIZE];
        const char *path = files_write(*state, "x", "192.0.2.1\n/etc/other\n");

        assert_fails(allow_add_file(&f.addresses, &f.names, path, error), EBADMSG);
        assert_string_equal(error,
                        "is wrong in line 2: \"/etc/other\" should be one address, prefix or host "
                        "name.");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(host_names_end_in_no_number),
                cmocka_unit_test(words_are_addresses_or_names),
                cmocka_unit_test(names_are_bounded),
                cmocka_file_test(lines_have_one_word_and_comments),
                cmocka_file_test(wrong_line_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
