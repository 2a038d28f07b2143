/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"

#include "model/ini.h"

static Ini *load(const Files *f, const char *text) {
        char error[INI_ERROR_SIZE] = "";
        Ini *ini = NULL;
        int r;

        r = ini_load(&ini, files_write(f, "x.conf", text), error);
        if (r < 0)
                fail_msg("not loaded: %s", error);
        return ini;
}

static void assert_refused(const Files *f, const char *text, int error, const char *wanted) {
        char got[INI_ERROR_SIZE] = "";
        Ini *ini = NULL;

        assert_fails(ini_load(&ini, files_write(f, "x.conf", text), got), error);
        assert_null(ini);
        if (!strstr(got, wanted))
                fail_msg("\"%s\" does not say \"%s\"", got, wanted);
}

static void values_are_found_by_section_and_key(void **state) {
        _cleanup_(ini_freep) Ini *ini = load(
                        *state, "# comment\n[sshd]\nmaxretry = 5\nempty =\n\n[b]\nmaxretry=7\n");

        assert_int_equal(ini_n_sections(ini), 2);
        assert_string_equal(ini_get_section(ini, 0), "sshd");
        assert_string_equal(ini_get_section(ini, 1), "b");
        assert_string_equal(ini_get(ini, "sshd", "maxretry"), "5");
        assert_string_equal(ini_get(ini, "b", "maxretry"), "7");
        assert_string_equal(ini_get(ini, "sshd", "empty"), "");
        assert_null(ini_get(ini, "sshd", "findtime"));
        assert_null(ini_get(ini, "c", "maxretry"));
}

static void sections_and_keys_are_in_lower_case(void **state) {
        _cleanup_(ini_freep) Ini *ini = load(*state, "[SSHD]\nMaxRetry = AbC\n");

        assert_string_equal(ini_get_section(ini, 0), "sshd");
        assert_string_equal(ini_get(ini, "sshd", "maxretry"), "AbC");
}

static void unquoted_values_end_at_a_comment(void **state) {
        _cleanup_(ini_freep) Ini *ini = load(*state,
                        "[a]\none = x # y\ntwo = x ; y\nthree = 'x # y'\nfour = \"x ; y\"\n");

        assert_string_equal(ini_get(ini, "a", "one"), "x");
        assert_string_equal(ini_get(ini, "a", "two"), "x");
        assert_string_equal(ini_get(ini, "a", "three"), "x # y");
        assert_string_equal(ini_get(ini, "a", "four"), "x ; y");
}

static void quotes_are_literal(void **state) {
        _cleanup_(ini_freep) Ini *ini = load(*state,
                        "[a]\nsingle = '\\[(?<x>\\d+)\\] \"%s\" = \\\\ '\ndouble = \"it's \\d\"\n");

        assert_string_equal(ini_get(ini, "a", "single"), "\\[(?<x>\\d+)\\] \"%s\" = \\\\ ");
        assert_string_equal(ini_get(ini, "a", "double"), "it's \\d");
}

/* As iniparser 4.2 would not have it. */
static void backslashes_are_kept(void **state) {
        _cleanup_(ini_freep) Ini *ini = load(*state,
                        "[a]\none = '\\[\\d\\]'\ntwo = \"\\(x\\)\"\nthree = \\w\nfour = '\\\\'\n");

        assert_string_equal(ini_get(ini, "a", "one"), "\\[\\d\\]");
        assert_string_equal(ini_get(ini, "a", "two"), "\\(x\\)");
        assert_string_equal(ini_get(ini, "a", "three"), "\\w");
        assert_string_equal(ini_get(ini, "a", "four"), "\\\\");
}

static void control_characters_are_refused(void **state) {
        assert_refused(*state, "[a]\nb = 1\nc = \x01\n", EINVAL, "line 3");
}

static void lines_are_continued_by_a_backslash(void **state) {
        _cleanup_(ini_freep) Ini *ini =
                        load(*state, "[a]\nunits = one.service \\\n  two.service\nb = 1\n");
        const char *units = ini_get(ini, "a", "units");

        assert_non_null(strstr(units, "one.service"));
        assert_non_null(strstr(units, "two.service"));
        assert_string_equal(ini_get(ini, "a", "b"), "1");
}

static void of_equal_keys_the_last_wins(void **state) {
        _cleanup_(ini_freep) Ini *ini = load(*state, "[a]\nx = 1\nx = 2\n[b]\n[a]\nx = 3\n");

        assert_string_equal(ini_get(ini, "a", "x"), "3");
        assert_int_equal(ini_n_sections(ini), 2);
}

static int collect(const char *key, const char *value, void *userdata) {
        char *text = userdata;

        (void) sprintf(text + strlen(text), "%s=%s;", key, value);
        return streq(value, "stop") ? -ECANCELED : 0;
}

static void walk_goes_in_the_order_of_the_file(void **state) {
        _cleanup_(ini_freep) Ini *ini = load(*state, "[a]\nz = 1\nb =\n[b]\nq = 7\n[a]\na = 3\n");
        char text[256] = "";

        assert_int_equal(ini_foreach(ini, "a", collect, text), 0);
        assert_string_equal(text, "z=1;b=;a=3;");

        text[0] = '\0';
        assert_int_equal(ini_foreach(ini, "nosuch", collect, text), 0);
        assert_string_equal(text, "");
}

static void walk_ends_at_the_first_error(void **state) {
        _cleanup_(ini_freep) Ini *ini = load(*state, "[a]\nx = 1\ny = stop\nz = 3\n");
        char text[256] = "";

        assert_fails(ini_foreach(ini, "a", collect, text), ECANCELED);
        assert_string_equal(text, "x=1;y=stop;");
}

static void sections_whose_names_begin_alike_are_apart(void **state) {
        _cleanup_(ini_freep) Ini *ini = load(*state, "[ab]\nx = 1\n[a]\ny = 2\n");
        char text[256] = "";

        assert_int_equal(ini_foreach(ini, "a", collect, text), 0);
        assert_string_equal(text, "y=2;");
}

static void wrong_lines_are_named_by_number(void **state) {
        assert_refused(*state, "[a]\nx = 1\nthis is no setting\n", EINVAL, "line 3: ");
        assert_refused(*state, "[a\nx = 1\n", EINVAL, "line 1: ");
}

static void overlong_lines_are_refused_and_named(void **state) {
        char text[3000] = "[a]\nx = ";

        memset(text + strlen(text), 'y', 2000);
        strcpy(text + 2008, "\n");
        assert_refused(*state, text, EINVAL, "line ");
}

static void first_of_several_errors_is_told(void **state) {
        assert_refused(*state, "[a]\nfirst wrong\nsecond wrong\n", EINVAL, "line 2: ");
        /* And nothing of it is left for the next file. */
        assert_refused(*state, "[a]\nx = 1\nx = 2\nthird wrong\n", EINVAL, "line 4: ");
}

static void key_in_front_of_the_first_section_is_refused(void **state) {
        assert_refused(*state, "maxretry = 3\n[sshd]\nenabled = yes\n", EINVAL, "maxretry");
}

static void what_is_no_regular_file_is_refused(void **state) {
        char error[INI_ERROR_SIZE];
        const char *fifo = files_path(*state, "fifo");
        Ini *ini = NULL;

        assert_fails(ini_load(&ini, files_path(*state, "nosuch.conf"), error), ENOENT);
        assert_string_equal(error, "cannot be read: No such file or directory.");
        assert_fails(ini_load(&ini, files_path(*state, "."), error), EINVAL);
        assert_string_equal(error, "not a regular file.");
        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_fails(ini_load(&ini, fifo, error), EINVAL);
        assert_string_equal(error, "not a regular file.");
}

static void huge_files_are_refused(void **state) {
        char error[INI_ERROR_SIZE];
        const char *path = files_write(*state, "huge.conf", "[a]\n");
        Ini *ini = NULL;

        assert_int_equal(truncate(path, INI_FILE_MAX + 1), 0);
        assert_fails(ini_load(&ini, path, error), EFBIG);
        assert_string_equal(error, "cannot be read: File too large.");
}

static void empty_file_has_nothing(void **state) {
        _cleanup_(ini_freep) Ini *ini = load(*state, "");

        assert_int_equal(ini_n_sections(ini), 0);
        assert_null(ini_get(ini, "a", "b"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(values_are_found_by_section_and_key),
                cmocka_file_test(sections_and_keys_are_in_lower_case),
                cmocka_file_test(unquoted_values_end_at_a_comment),
                cmocka_file_test(quotes_are_literal),
                cmocka_file_test(backslashes_are_kept),
                cmocka_file_test(control_characters_are_refused),
                cmocka_file_test(lines_are_continued_by_a_backslash),
                cmocka_file_test(of_equal_keys_the_last_wins),
                cmocka_file_test(walk_goes_in_the_order_of_the_file),
                cmocka_file_test(walk_ends_at_the_first_error),
                cmocka_file_test(sections_whose_names_begin_alike_are_apart),
                cmocka_file_test(wrong_lines_are_named_by_number),
                cmocka_file_test(overlong_lines_are_refused_and_named),
                cmocka_file_test(first_of_several_errors_is_told),
                cmocka_file_test(key_in_front_of_the_first_section_is_refused),
                cmocka_file_test(what_is_no_regular_file_is_refused),
                cmocka_file_test(huge_files_are_refused),
                cmocka_file_test(empty_file_has_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
