/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "model/ports.h"

static PortSet ports(const char *text, unsigned protocols) {
        PortSet p = { .protocols = protocols };
        const char *bad;

        assert_int_equal(ports_parse(text, &p, &bad), 0);
        return p;
}

static void assert_shown(const char *text, const char *shown) {
        PortSet p = ports(text, PORT_TCP);
        char buf[128];

        assert_string_equal(ports_format(&p, buf, sizeof(buf)), shown);
}

static void numbers_ranges_and_names_are_ports(void **state) {
        assert_shown("22", "22");
        assert_shown("6000-6010", "6000-6010");
        assert_shown("ssh", "22");
        assert_shown("smtp submission submissions", "25,465,587");
        assert_shown("1 65535", "1,65535");
        assert_shown("1-65535", "1-65535");
        assert_shown("443, 80\t22", "22,80,443");
}

static void service_with_a_dash_is_a_name(void **state) {
        assert_shown("iso-tsap", "102");
}

static void ranges_are_sorted_and_merged(void **state) {
        assert_shown("30-40 10-20 15-35", "10-40");
        assert_shown("10 11 12", "10-12");
        assert_shown("10-20 21-30", "10-30");
        assert_shown("10-20 22-30", "10-20,22-30");
        assert_shown("10-40 15-20", "10-40");
        assert_shown("22 22 ssh", "22");
        assert_shown("65535 65534", "65534-65535");
}

static void any_is_every_port(void **state) {
        PortSet p = ports("22 any 80", PORT_TCP);
        char buf[16];

        assert_true(p.any);
        assert_int_equal(p.n_ranges, 0);
        assert_true(ports_contains(&p, 1));
        assert_true(ports_contains(&p, 65535));
        assert_string_equal(ports_format(&p, buf, sizeof(buf)), "any");
}

static void what_is_no_port_is_refused_and_pointed_to(void **state) {
        static const char *const bad[] = {
                "",
                " ",
                "0",
                "65536",
                "22-",
                "-22",
                "30-20",
                "22-80-90",
                "22x",
                "nosuchservice",
                "0-5",
                "1-65536",
                "ANY",
                "22:80",
                "a-name-that-is-longer-than-any-service-in-the-world-could-ever-be-named",
        };
        PortSet p = ports("22", PORT_TCP), before;

        memcpy(&before, &p, sizeof(p));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                char text[128];
                const char *where;

                assert_fails(ports_parse(bad[i], &p, &where), EINVAL);
                if (isempty(bad[i] + strspn(bad[i], " ")))
                        continue;

                (void) snprintf(text, sizeof(text), "22 %s 80", bad[i]);
                assert_fails(ports_parse(text, &p, &where), EINVAL);
                assert_ptr_equal(where, text + 3);
        }
        assert_memory_equal(&p, &before, sizeof(p));
}

static void name_has_to_be_known_for_a_protocol(void **state) {
        PortSet udp = { .protocols = PORT_UDP }, both;
        const char *bad;

        assert_fails(ports_parse("ssh", &udp, &bad), EINVAL);
        both = ports("ssh domain", PORT_TCP | PORT_UDP);
        assert_true(ports_contains(&both, 22));
        assert_true(ports_contains(&both, 53));
        assert_int_equal(both.n_ranges, 2);
}

static void too_many_ranges_are_refused(void **state) {
        char text[1024] = "", *end = text;
        PortSet p = { .protocols = PORT_TCP };
        const char *bad;

        for (unsigned i = 0; i < PORTS_RANGES_MAX; i++)
                end += sprintf(end, "%u ", 2 * i + 1);
        assert_int_equal(ports_parse(text, &p, &bad), 0);
        assert_int_equal(p.n_ranges, PORTS_RANGES_MAX);

        (void) sprintf(end, "1000");
        assert_fails(ports_parse(text, &p, &bad), E2BIG);
        assert_int_equal(p.n_ranges, PORTS_RANGES_MAX);
}

static void contains_knows_both_ends(void **state) {
        PortSet p = ports("10-20 30", PORT_TCP);

        assert_false(ports_contains(&p, 9));
        assert_true(ports_contains(&p, 10));
        assert_true(ports_contains(&p, 20));
        assert_false(ports_contains(&p, 21));
        assert_true(ports_contains(&p, 30));
        assert_false(ports_contains(&p, 0));
}

static void text_that_does_not_fit_ends_in_dots(void **state) {
        PortSet p = ports("1-2 1001 2001-3000 5000", PORT_TCP);

        for (size_t size = sizeof("..."); size < 40; size++) {
                char *buf = malloc(size); /* of exactly this size, for the sanitizers */
                size_t n;

                assert_non_null(buf);
                n = strlen(ports_format(&p, buf, size));
                assert_true(n < size);
                if (strcmp(buf, "1-2,1001,2001-3000,5000") != 0)
                        assert_string_equal(buf + n - 3, "...");
                free(buf);
        }
}

static void protocols_are_tcp_and_udp(void **state) {
        assert_int_equal(ports_parse_protocols("tcp"), PORT_TCP);
        assert_int_equal(ports_parse_protocols("udp"), PORT_UDP);
        assert_int_equal(ports_parse_protocols("udp, tcp"), PORT_TCP | PORT_UDP);
        assert_int_equal(ports_parse_protocols("tcp tcp"), PORT_TCP);
        assert_fails(ports_parse_protocols(""), EINVAL);
        assert_fails(ports_parse_protocols("TCP"), EINVAL);
        assert_fails(ports_parse_protocols("tcp sctp"), EINVAL);
}

static void ports_are_added_one_by_one(void **state) {
        PortSet p = { .protocols = PORT_TCP };
        char buf[64];

        assert_ok(ports_add(&p, 22));
        assert_ok(ports_add(&p, 65535));
        assert_ok(ports_add(&p, 24));
        assert_ok(ports_add(&p, 22));
        assert_string_equal(ports_format(&p, buf, sizeof(buf)), "22,24,65535");
        assert_ok(ports_add(&p, 23));
        assert_ok(ports_add(&p, 1));
        assert_ok(ports_add(&p, 25));
        assert_string_equal(ports_format(&p, buf, sizeof(buf)), "1,22-25,65535");

        p = (PortSet){ .protocols = PORT_TCP };
        for (uint16_t i = 0; i < PORTS_RANGES_MAX; i++)
                assert_ok(ports_add(&p, (uint16_t) (1000 + 2 * i)));
        assert_fails(ports_add(&p, 22), E2BIG);
        assert_false(ports_contains(&p, 22));
        assert_ok(ports_add(&p, 1001)); /* which closes a gap */
        assert_int_equal(p.n_ranges, PORTS_RANGES_MAX - 1);
}

static void equal_ports_are_the_same_everywhere(void **state) {
        PortSet a = { .protocols = PORT_TCP }, b = a;

        assert_true(ports_equal(&a, &b));
        assert_ok(ports_add(&a, 22));
        assert_false(ports_equal(&a, &b));
        assert_ok(ports_add(&b, 23));
        assert_false(ports_equal(&a, &b));
        assert_ok(ports_add(&a, 23));
        assert_ok(ports_add(&b, 22));
        assert_true(ports_equal(&a, &b));
        b.protocols = PORT_UDP;
        assert_false(ports_equal(&a, &b));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_ranges_and_names_are_ports),
                cmocka_unit_test(service_with_a_dash_is_a_name),
                cmocka_unit_test(ranges_are_sorted_and_merged),
                cmocka_unit_test(any_is_every_port),
                cmocka_unit_test(what_is_no_port_is_refused_and_pointed_to),
                cmocka_unit_test(name_has_to_be_known_for_a_protocol),
                cmocka_unit_test(too_many_ranges_are_refused),
                cmocka_unit_test(contains_knows_both_ends),
                cmocka_unit_test(text_that_does_not_fit_ends_in_dots),
                cmocka_unit_test(protocols_are_tcp_and_udp),
                cmocka_unit_test(ports_are_added_one_by_one),
                cmocka_unit_test(equal_ports_are_the_same_everywhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
