/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "base/utf8.h"

static void text_is_valid(void **state) {
        assert_true(utf8_is_valid(""));
        assert_true(utf8_is_valid("plain \t\x7f"));
        assert_true(utf8_is_valid("größer, ежик, 日本, \xf0\x9f\xaa\x95"));
        assert_true(utf8_is_valid("\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80"));
        assert_true(utf8_is_valid("\xf4\x8f\xbf\xbf")); /* U+10FFFF */
}

static void wrong_bytes_are_not(void **state) {
        static const char *const wrong[] = {
                "\x80",             /* a continuation byte alone */
                "\xff",             /* no such byte */
                "a\xc3",            /* cut off */
                "\xe2\x82",         /* cut off */
                "\xf0\x9f\xaa",     /* cut off */
                "\xc3(",            /* no continuation */
                "\xe2(\xa1",        /* no continuation */
                "\xc0\xaf",         /* overlong */
                "\xe0\x80\xaf",     /* overlong */
                "\xf0\x80\x80\xaf", /* overlong */
                "\xed\xa0\x80",     /* a surrogate */
                "\xf4\x90\x80\x80", /* above U+10FFFF */
                "\xf8\x88\x80\x80\x80",
        };

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                assert_false(utf8_is_valid(wrong[i]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(text_is_valid),
                cmocka_unit_test(wrong_bytes_are_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
