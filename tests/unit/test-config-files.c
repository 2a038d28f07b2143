/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"
#include "problems.h"

#include "model/config-files.h"

/* Two directories, the administrator's over the vendor's. */
typedef struct Directories {
        const char *list[3];
} Directories;

static Directories directories(const Files *f) {
        return (Directories){ { files_path(f, "etc"), files_path(f, "usr"), NULL } };
}

static void highest_file_counts(void **state) {
        Directories d = directories(*state);
        _cleanup_(freep) char *high = NULL, *low = NULL;
        char *none = NULL;

        (void) files_write(*state, "usr/filters/a.conf", "");
        (void) files_write(*state, "usr/filters/b.conf", "");
        (void) files_write(*state, "etc/filters/a.conf", "");
        assert_int_equal(config_files_find(&high, d.list, "filters/a.conf"), 0);
        assert_string_equal(high, files_path(*state, "etc/filters/a.conf"));
        assert_int_equal(config_files_find(&low, d.list, "filters/b.conf"), 0);
        assert_string_equal(low, files_path(*state, "usr/filters/b.conf"));
        assert_fails(config_files_find(&none, d.list, "filters/c.conf"), ENOENT);
        assert_null(none);
}

static void masked_file_is_none(void **state) {
        Directories d = directories(*state);
        _cleanup_(config_files_done) ConfigFiles files = {};
        ProblemSink sink = {};
        char *path = NULL;

        (void) files_write(*state, "usr/conf.d/a.conf", "");
        (void) files_write(*state, "usr/conf.d/b.conf", "");
        (void) files_make_parents(*state, "etc/conf.d/a.conf");
        assert_int_equal(symlink("/dev/null", files_path(*state, "etc/conf.d/a.conf")), 0);
        assert_fails(config_files_find(&path, d.list, "conf.d/a.conf"), ENOENT);

        assert_int_equal(config_files_add(&files, d.list, "conf.d", &sink), 0);
        assert_int_equal(files.n_paths, 1);
        assert_string_equal(files.paths[0], files_path(*state, "usr/conf.d/b.conf"));
}

static void folder_is_read_in_the_order_of_names(void **state) {
        Directories d = directories(*state);
        _cleanup_(config_files_done) ConfigFiles files = {};
        ProblemSink sink = {};

        (void) files_write(*state, "usr/conf.d/c.conf", "");
        (void) files_write(*state, "usr/conf.d/a.conf", "");
        (void) files_write(*state, "etc/conf.d/b.conf", "");
        (void) files_write(*state, "etc/conf.d/a.conf", "");
        (void) files_write(*state, "etc/conf.d/README", "");
        assert_int_equal(config_files_add(&files, d.list, "conf.d", &sink), 0);
        assert_int_equal(files.n_paths, 3);
        assert_string_equal(files.paths[0], files_path(*state, "etc/conf.d/a.conf"));
        assert_string_equal(files.paths[1], files_path(*state, "etc/conf.d/b.conf"));
        assert_string_equal(files.paths[2], files_path(*state, "usr/conf.d/c.conf"));
        assert_int_equal(sink.n_problems, 0);
}

static void folder_that_is_none_is_told(void **state) {
        Directories d = directories(*state);
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        _cleanup_(config_files_done) ConfigFiles files = {};
        const char *path = files_write(*state, "usr/conf.d", "");
        char wanted[512];

        assert_int_equal(config_files_add(&files, d.list, "conf.d", &sink), 0);
        (void) snprintf(wanted, sizeof(wanted), "%s: cannot be read: Not a directory.", path);
        problems_assert(&problems, wanted);
}

static void names_are_what_follows_the_last_slash(void **state) {
        assert_string_equal(config_file_name("/a/b.conf"), "b.conf");
        assert_string_equal(config_file_name("b.conf"), "b.conf");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(highest_file_counts),
                cmocka_file_test(masked_file_is_none),
                cmocka_file_test(folder_is_read_in_the_order_of_names),
                cmocka_file_test(folder_that_is_none_is_told),
                cmocka_unit_test(names_are_what_follows_the_last_slash),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
