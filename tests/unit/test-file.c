/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"

#include "base/file.h"

static void file_is_read_as_it_is(void **state) {
        static const char bytes[] = { 'a', '\0', '\n', (char) 0xff };
        _cleanup_(freep) char *text = NULL;
        size_t size;

        assert_int_equal(file_read(files_write_bytes(*state, "x", bytes, sizeof(bytes)),
                                         sizeof(bytes),
                                         &text,
                                         &size),
                        0);
        assert_int_equal(size, sizeof(bytes));
        assert_memory_equal(text, bytes, sizeof(bytes));
        assert_int_equal(text[size], '\0');
}

static void empty_file_is_an_empty_text(void **state) {
        _cleanup_(freep) char *text = NULL;
        size_t size;

        assert_int_equal(file_read(files_write(*state, "x", ""), 0, &text, &size), 0);
        assert_int_equal(size, 0);
        assert_string_equal(text, "");
}

static void what_cannot_be_read_is_told_apart(void **state) {
        char *text = NULL;
        size_t size;

        assert_fails(file_read(files_write(*state, "x", "abc"), 2, &text, &size), EFBIG);
        assert_fails(file_read(files_path(*state, "nosuch"), 2, &text, &size), ENOENT);
        assert_int_equal(mkfifo(files_path(*state, "fifo"), 0600), 0);
        assert_fails(file_read(files_path(*state, "fifo"), 2, &text, &size), EINVAL);
        assert_fails(file_read("/dev", 2, &text, &size), EINVAL);
        assert_null(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(file_is_read_as_it_is),
                cmocka_file_test(empty_file_is_an_empty_text),
                cmocka_file_test(what_cannot_be_read_is_told_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
