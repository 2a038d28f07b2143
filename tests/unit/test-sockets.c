/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "ctl/sockets.h"

static void port_is_read_behind_an_address(void **state) {
        assert_int_equal(sockets_parse_listen("[::]:22"), 22);
        assert_int_equal(sockets_parse_listen("[2001:db8::1]:2222"), 2222);
        assert_int_equal(sockets_parse_listen("0.0.0.0:65535"), 65535);
        assert_int_equal(sockets_parse_listen("192.0.2.1:1"), 1);
}

static void other_sockets_have_none(void **state) {
        assert_fails(sockets_parse_listen(""), EINVAL);
        assert_fails(sockets_parse_listen("/run/banjo.socket"), EINVAL);
        assert_fails(sockets_parse_listen("@abstract:22"), EINVAL);
        assert_fails(sockets_parse_listen("vsock:2:22"), EINVAL);
        assert_fails(sockets_parse_listen("[::]"), EINVAL);
        assert_fails(sockets_parse_listen("192.0.2.1:0"), EINVAL);
        assert_fails(sockets_parse_listen("192.0.2.1:65536"), EINVAL);
        assert_fails(sockets_parse_listen("192.0.2.1:"), EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(port_is_read_behind_an_address),
                cmocka_unit_test(other_sockets_have_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
