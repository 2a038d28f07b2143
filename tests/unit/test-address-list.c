/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/address-list.h"

#include "test.h"

/* What comes of a text, of this size. */
static AddressList read_text(const char *text, size_t size) {
        _cleanup_(fclosep) FILE *f = fmemopen((void *) text, size, "r");
        AddressList l = {};

        assert_non_null(f);
        assert_int_equal(address_list_append(&l, f, "list"), 0);
        return l;
}

static void assert_addresses(const AddressList *l, const char *const *texts, size_t n) {
        char buf[ADDRESS_STR_SIZE];

        assert_int_equal(l->n, n);
        for (size_t i = 0; i < n; i++)
                assert_string_equal(address_format(&l->addresses[i], buf), texts[i]);
}

static void a_line_has_an_address_and_perhaps_a_comment(void **state) {
        static const char text[] = "192.0.2.1\n"
                                   "\t2001:db8::/32 ; SBL1\r\n"
                                   "\n"
                                   "  \t\n"
                                   "# nothing\n"
                                   "198.51.100.7#x\n"
                                   "203.0.113.9";
        static const char *const expected[] = {
                "192.0.2.1", "2001:db8::/32", "198.51.100.7", "203.0.113.9"
        };
        AddressList l = read_text(text, strlen(text));

        assert_addresses(&l, expected, ELEMENTSOF(expected));
        assert_int_equal(l.n_mistakes, 0);
        address_list_done(&l);
}

static void what_is_no_address_is_counted(void **state) {
        static const char text[] = "192.0.2.1 192.0.2.2\nhost.example\n192.0.2.3\n192.0.2.0/33\n";
        static const char *const expected[] = { "192.0.2.3" };
        AddressList l = read_text(text, strlen(text));

        assert_addresses(&l, expected, 1);
        assert_int_equal(l.n_mistakes, 3);
        address_list_done(&l);
}

static void a_line_may_be_longer_than_any_buffer(void **state) {
        size_t size = 20000;
        char *text = malloc(size);
        AddressList l;

        assert_non_null(text);
        memset(text, '1', size);
        memcpy(text, "192.0.2.1 #", strlen("192.0.2.1 #"));
        memcpy(text + size - strlen("\n192.0.2.2"), "\n192.0.2.2", strlen("\n192.0.2.2"));
        l = read_text(text, size);
        assert_int_equal(l.n, 2);
        assert_int_equal(l.n_mistakes, 0);
        address_list_done(&l);

        /* No address begins in the middle of a line. */
        memset(text, ' ', size);
        memcpy(text + 10000, "192.0.2.3", strlen("192.0.2.3"));
        l = read_text(text, size);
        assert_int_equal(l.n, 0);
        address_list_done(&l);
        free(text);
}

static void bytes_of_all_kinds_are_survived(void **state) {
        static const char text[] = "\0\0\n\xff\xfe\n192.0.2.1\0garbage\n192.0.2.2\n";
        AddressList l = read_text(text, sizeof(text) - 1);

        assert_true(l.n >= 1);
        address_list_done(&l);
}

static void many_addresses_are_kept(void **state) {
        AddressList l = {};
        char text[32];

        for (unsigned i = 0; i < 1000; i++) {
                FILE *f;

                (void) snprintf(text, sizeof(text), "198.18.%u.%u\n", i / 250, i % 250);
                f = fmemopen(text, strlen(text), "r");
                assert_non_null(f);
                assert_int_equal(address_list_append(&l, f, "list"), 0);
                (void) fclose(f);
        }

        assert_int_equal(l.n, 1000);
        assert_int_equal(l.addresses[999].bytes[3], 249);
        address_list_done(&l);
}

static void the_worst_result_is_told(void **state) {
        assert_int_equal(worst_result(EXIT_DONE, EXIT_DONE), EXIT_DONE);
        assert_int_equal(worst_result(EXIT_FAILED, EXIT_REFUSED), EXIT_REFUSED);
        assert_int_equal(worst_result(EXIT_NOT_STORED, EXIT_DONE), EXIT_NOT_STORED);
        assert_int_equal(worst_result(EXIT_NOT_STORED, EXIT_FAILED), EXIT_FAILED);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_line_has_an_address_and_perhaps_a_comment),
                cmocka_unit_test(what_is_no_address_is_counted),
                cmocka_unit_test(a_line_may_be_longer_than_any_buffer),
                cmocka_unit_test(bytes_of_all_kinds_are_survived),
                cmocka_unit_test(many_addresses_are_kept),
                cmocka_unit_test(the_worst_result_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
