/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include <sys/mman.h>

#include "base/log.h"

/* What is written to stderr meanwhile. */
static int saved_stderr, captured;

static void capture_begin(void) {
        saved_stderr = dup(STDERR_FILENO);
        captured = memfd_create("stderr", MFD_CLOEXEC);
        assert_true(saved_stderr >= 0 && captured >= 0);
        assert_ok(dup2(captured, STDERR_FILENO));
}

static const char *capture_end(void) {
        static char text[8192];
        ssize_t n;

        assert_ok(dup2(saved_stderr, STDERR_FILENO));
        n = pread(captured, text, sizeof(text) - 1, 0);
        assert_true(n >= 0);
        text[n] = '\0';
        (void) close(captured);
        (void) close(saved_stderr);
        return text;
}

static void error_is_printed_and_returned(void **state) {
        const char *text;
        int r;

        capture_begin();
        r = log_error_errno(-ENOENT, "Failed to open %s: %m", "x");
        text = capture_end();

        assert_fails(r, ENOENT);
        assert_string_equal(text, "test: Failed to open x: No such file or directory\n");
}

static void what_is_above_the_level_is_dropped_and_still_returned(void **state) {
        const char *text;
        int r;

        log_set_max_level(LOG_WARNING);
        assert_int_equal(log_get_max_level(), LOG_WARNING);

        capture_begin();
        log_info("one");
        log_debug("two");
        log_notice("three");
        log_warning("four");
        log_error("five");
        r = log_internal(LOG_INFO, -EIO, "six");
        text = capture_end();

        log_set_max_level(LOG_INFO);
        assert_fails(r, EIO);
        assert_string_equal(text, "test: four\ntest: five\n");
}

static void fields_do_not_show_in_plain_text(void **state) {
        const char *const fields[] = { "BANJO_JAIL=sshd", NULL };
        const char *text;

        capture_begin();
        (void) log_with_fields(LOG_NOTICE, fields, "Banned %s.", "192.0.2.1");
        text = capture_end();

        assert_string_equal(text, "test: Banned 192.0.2.1.\n");
}

static void long_lines_are_cut(void **state) {
        static char line[5000];
        const char *text;

        memset(line, 'x', sizeof(line) - 1);
        capture_begin();
        log_error("%s", line);
        text = capture_end();

        assert_true(strlen(text) < 2100);
        assert_int_equal(text[strlen(text) - 1], '\n');
}

static void stream_of_somebody_else_is_not_taken_for_ours(void **state) {
        const char *text;

        assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
        log_setup("test");
        capture_begin();
        log_error("here");
        text = capture_end();
        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);

        assert_string_equal(text, "test: here\n");
}

static void levels_have_names(void **state) {
        for (int level = LOG_EMERG; level <= LOG_DEBUG; level++)
                assert_int_equal(log_level_from_string(log_level_to_string(level)), level);

        assert_fails(log_level_from_string("loud"), EINVAL);
        assert_fails(log_level_from_string(""), EINVAL);
}

static int setup(void **state) {
        (void) state;

        log_setup("test");
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(error_is_printed_and_returned),
                cmocka_unit_test(what_is_above_the_level_is_dropped_and_still_returned),
                cmocka_unit_test(fields_do_not_show_in_plain_text),
                cmocka_unit_test(long_lines_are_cut),
                cmocka_unit_test(stream_of_somebody_else_is_not_taken_for_ours),
                cmocka_unit_test(levels_have_names),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
