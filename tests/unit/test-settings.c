/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"
#include "problems.h"

#include "model/settings.h"

static Settings *load(const Files *f, Problems *problems) {
        const char *const directories[] = { files_path(f, "etc"), files_path(f, "usr"), NULL };
        ProblemSink sink = { .handler = problems_collect, .userdata = problems };
        Settings *s = NULL;

        assert_int_equal(settings_load(&s, directories, &sink), 0);
        return s;
}

static void last_value_counts_with_its_file(void **state) {
        Problems problems = {};
        _cleanup_(settings_freep) Settings *s = NULL;
        const char *last;

        (void) files_write(*state, "usr/banjo.conf", "[a]\nx = 1\ny = 1\n");
        (void) files_write(*state, "usr/conf.d/1.conf", "[a]\nx = 2\n");
        last = files_write(*state, "etc/conf.d/2.conf", "[a]\nx = 3\n");
        s = load(*state, &problems);
        problems_assert(&problems, "");

        assert_string_equal(settings_find(s, "a", "x")->value, "3");
        assert_string_equal(settings_find(s, "a", "x")->file, last);
        assert_string_equal(settings_find(s, "a", "x")->section, "a");
        assert_string_equal(settings_find(s, "a", "y")->value, "1");
        assert_string_equal(settings_find_section(s, "a")->file, last);
        assert_null(settings_find(s, "a", "z"));
        assert_null(settings_find(s, "b", "x"));
        assert_null(settings_find_section(s, "b"));
}

static void sections_come_in_the_order_of_their_first_mention(void **state) {
        Problems problems = {};
        _cleanup_(settings_freep) Settings *s = NULL;
        const Section *section;

        (void) files_write(*state, "usr/conf.d/1.conf", "[c]\nx = 1\n[a]\nx = 1\n");
        (void) files_write(*state, "usr/conf.d/2.conf", "[b]\n[a]\ny = 1\n");
        s = load(*state, &problems);

        section = settings_get_sections(s);
        assert_string_equal(section->name, "c");
        section = section->hh.next;
        assert_string_equal(section->name, "a");
        section = section->hh.next;
        assert_string_equal(section->name, "b");
        assert_null(section->settings);
        assert_null(section->hh.next);
}

static void what_does_not_fit_is_told_once_and_marks_the_section(void **state) {
        Problems problems = {};
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_(freep) char *text = NULL;
        char wanted[512];
        const char *path;
        size_t size;
        FILE *f;

        f = open_memstream(&text, &size);
        assert_non_null(f);
        (void) fputs("[a]\n", f);
        for (unsigned i = 0; i < SETTINGS_MAX; i++)
                (void) fprintf(f, "k%u = 1\n", i);
        (void) fputs("[b]\nx = 1\ny = 1\n", f);
        assert_int_equal(fclose(f), 0);

        path = files_write(*state, "usr/conf.d/1.conf", text);
        (void) files_write(*state, "usr/conf.d/2.conf", "[a]\nk7 = 2\n");
        s = load(*state, &problems);
        (void) snprintf(wanted,
                        sizeof(wanted),
                        "%s: [b] x: not read: there are more than 16384 settings.",
                        path);
        problems_assert(&problems, wanted);
        assert_false(settings_find_section(s, "a")->incomplete);
        assert_true(settings_find_section(s, "b")->incomplete);
        assert_string_equal(settings_find(s, "a", "k7")->value, "2");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(last_value_counts_with_its_file),
                cmocka_file_test(sections_come_in_the_order_of_their_first_mention),
                cmocka_file_test(what_does_not_fit_is_told_once_and_marks_the_section),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
