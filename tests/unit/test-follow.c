/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"

#include "tail/follow.h"

/* What was handed on, each line in brackets. */
typedef struct Heard {
        char text[100000];
        size_t n;
        size_t n_flushed;
} Heard;

static Heard heard;

static int on_line(const char *line, size_t size, void *userdata) {
        Heard *h = userdata;

        assert_true(size > 0);
        assert_true(h->n + size + 3 < sizeof(h->text));
        h->text[h->n++] = '[';
        memcpy(h->text + h->n, line, size);
        h->n += size;
        h->text[h->n++] = ']';
        h->text[h->n] = '\0';
        return 0;
}

static int on_flush(void *userdata) {
        Heard *h = userdata;

        h->n_flushed = h->n;
        return 0;
}

static void append_bytes(const Files *files, const void *bytes, size_t n) {
        FILE *f = fopen(files_path(files, "log"), "ae");

        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
}

static void append(const Files *files, const char *text) {
        append_bytes(files, text, strlen(text));
}

static void append_many(const Files *files, char c, size_t n) {
        _cleanup_(freep) char *bytes = malloc(n);

        assert_non_null(bytes);
        memset(bytes, c, n);
        append_bytes(files, bytes, n);
}

static int open_log(const Files *files) {
        int fd = open(files_path(files, "log"), O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

/* Reads, and forgets what was heard before. */
static void assert_heard(Follow *f, const char *wanted) {
        heard.n = heard.n_flushed = 0;
        heard.text[0] = '\0';
        assert_ok(follow_read(f, on_line, on_flush, &heard));
        assert_string_equal(heard.text, wanted);
        assert_int_equal(heard.n_flushed, heard.n);
}

static void complete_lines_are_handed_on_once(void **state) {
        Follow f;

        append(*state, "one\ntwo\nthr");
        follow_begin(&f, open_log(*state));
        assert_heard(&f, "[one][two]");
        assert_heard(&f, "");
        append(*state, "ee");
        assert_heard(&f, "");
        append(*state, "\n\nfour\r\n");
        assert_heard(&f, "[three][four\r]");
        follow_end(&f);
        assert_int_equal(f.fd, -1);
}

static void reading_begins_at_the_offset_but_never_within_a_line(void **state) {
        Follow f;
        int fd;

        append(*state, "one\ntwo 192.0.2.1");
        fd = open_log(*state);
        assert_int_equal(lseek(fd, 8, SEEK_SET), 8);
        follow_begin(&f, fd);
        append(*state, " fails\nthree\n");
        assert_heard(&f, "[three]");
        follow_end(&f);

        fd = open_log(*state);
        assert_int_equal(lseek(fd, 4, SEEK_SET), 4);
        follow_begin(&f, fd);
        assert_heard(&f, "[two 192.0.2.1 fails][three]");
        follow_end(&f);
}

static void whoever_gets_the_descriptor_goes_on(void **state) {
        Follow f, next;

        append(*state, "one\ntwo");
        follow_begin(&f, open_log(*state));
        assert_heard(&f, "[one]");
        follow_begin(&next, dup(f.fd));
        follow_end(&f);
        append(*state, "\nthree\n");
        assert_heard(&next, "[two][three]");

        /* Also within a line that is too long. */
        append_many(*state, 'x', FOLLOW_LINE_MAX + 1);
        heard.n = 0;
        assert_ok(follow_read(&next, on_line, on_flush, &heard));
        assert_int_equal(heard.n, FOLLOW_LINE_MAX + 2);
        follow_begin(&f, dup(next.fd));
        follow_end(&next);
        append(*state, "y\nfour\n");
        assert_heard(&f, "[four]");
        follow_end(&f);
}

static void long_line_is_cut_and_never_becomes_two(void **state) {
        Follow f;

        append_many(*state, 'x', FOLLOW_LINE_MAX);
        append(*state, "\n");
        append_many(*state, 'y', 300000);
        follow_begin(&f, open_log(*state));
        heard.n = 0;
        assert_ok(follow_read(&f, on_line, on_flush, &heard));
        assert_int_equal(heard.n, 2 * (FOLLOW_LINE_MAX + 2));
        assert_int_equal(heard.text[FOLLOW_LINE_MAX + 3], 'y');

        append(*state, "192.0.2.1 fails");
        assert_heard(&f, "");
        append(*state, "\nnext\n");
        assert_heard(&f, "[next]");
        follow_end(&f);
}

static void truncated_file_is_read_from_its_beginning(void **state) {
        const char *path = files_path(*state, "log");
        Follow f;

        append(*state, "one\ntwo\nhalf");
        follow_begin(&f, open_log(*state));
        assert_heard(&f, "[one][two]");
        assert_int_equal(truncate(path, 0), 0);
        assert_heard(&f, "");
        append(*state, "three\n");
        assert_heard(&f, "[three]");

        /* Within a long line. */
        append_many(*state, 'x', 2 * FOLLOW_LINE_MAX);
        assert_ok(follow_read(&f, on_line, on_flush, &heard));
        assert_int_equal(truncate(path, 0), 0);
        append(*state, "four\n");
        assert_heard(&f, "[four]");
        follow_end(&f);
}

static void file_that_was_rewritten_is_not_read_from_within_a_line(void **state) {
        Follow f;

        append(*state, "one\n");
        follow_begin(&f, open_log(*state));
        assert_heard(&f, "[one]");
        assert_int_equal(truncate(files_path(*state, "log"), 0), 0);
        append(*state, "GET /192.0.2.1 fails\nnext\n");
        assert_heard(&f, "[GET /192.0.2.1 fails][next]");
        follow_end(&f);
}

static void gap_of_a_writer_that_went_on_at_its_old_place_is_passed_over(void **state) {
        Follow f;
        int fd;

        append(*state, "one\n");
        follow_begin(&f, open_log(*state));
        assert_heard(&f, "[one]");
        assert_int_equal(truncate(files_path(*state, "log"), 0), 0);
        assert_heard(&f, "");
        fd = open(files_path(*state, "log"), O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, "two\n", 4, 10000), 4);
        assert_int_equal(close(fd), 0);
        assert_heard(&f, "[two]");
        follow_end(&f);
}

/* To journald a NUL ends a line. */
static void nuls_make_no_lines(void **state) {
        static const char bytes[] = "a\0"
                                    "192.0.2.1 fails\n\0\0\nb\n";
        Follow f;

        append_bytes(*state, bytes, sizeof(bytes) - 1);
        follow_begin(&f, open_log(*state));
        assert_heard(&f, "[a?192.0.2.1 fails][b]");
        follow_end(&f);
}

static int refuse(const char *line, size_t size, void *userdata) {
        (void) line;
        (void) size;
        (void) userdata;

        return -EPIPE;
}

static void what_is_not_taken_comes_again(void **state) {
        Follow f;

        append(*state, "one\n");
        follow_begin(&f, open_log(*state));
        assert_fails(follow_read(&f, refuse, on_flush, &heard), EPIPE);
        assert_heard(&f, "[one]");
        follow_end(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(complete_lines_are_handed_on_once),
                cmocka_file_test(reading_begins_at_the_offset_but_never_within_a_line),
                cmocka_file_test(whoever_gets_the_descriptor_goes_on),
                cmocka_file_test(long_line_is_cut_and_never_becomes_two),
                cmocka_file_test(truncated_file_is_read_from_its_beginning),
                cmocka_file_test(file_that_was_rewritten_is_not_read_from_within_a_line),
                cmocka_file_test(gap_of_a_writer_that_went_on_at_its_old_place_is_passed_over),
                cmocka_file_test(nuls_make_no_lines),
                cmocka_file_test(what_is_not_taken_comes_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
