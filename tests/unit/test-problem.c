/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "model/problem.h"

static void format(const Problem *p, void *userdata) {
        problem_format(p, userdata);
}

static void problem_names_file_section_and_key(void **state) {
        char text[PROBLEM_STR_SIZE];
        ProblemSink sink = { .handler = format, .userdata = text };

        problem_report(&sink, "/etc/x.conf", "sshd", "maxretry", "\"%s\" is wrong.", "many");
        assert_string_equal(text, "/etc/x.conf: [sshd] maxretry: \"many\" is wrong.");
        problem_report(&sink, "/etc/x.conf", "sshd", NULL, "is wrong.");
        assert_string_equal(text, "/etc/x.conf: [sshd] is wrong.");
        problem_report(&sink, "/etc/x.conf", NULL, NULL, "is wrong.");
        assert_string_equal(text, "/etc/x.conf: is wrong.");
        assert_int_equal(sink.n_problems, 3);
}

static void problems_are_counted_without_a_handler(void **state) {
        ProblemSink sink = {};

        problem_report(&sink, "x", NULL, NULL, "y");
        assert_int_equal(sink.n_problems, 1);
}

static void long_problems_are_cut(void **state) {
        char text[PROBLEM_STR_SIZE], value[3 * PROBLEM_STR_SIZE];
        ProblemSink sink = { .handler = format, .userdata = text };

        memset(value, 'v', sizeof(value) - 1);
        value[sizeof(value) - 1] = '\0';
        problem_report(&sink, "file", "section", "key", "%s", value);
        assert_int_equal(strlen(text), PROBLEM_STR_SIZE - 1);
        assert_memory_equal(text, "file: [section] key: vvv", 24);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(problem_names_file_section_and_key),
                cmocka_unit_test(problems_are_counted_without_a_handler),
                cmocka_unit_test(long_problems_are_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
