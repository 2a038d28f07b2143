/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include <stdio.h>

#include "engine/port-groups.h"

static FirewallJail make_jail(const char *name, const char *ports, unsigned protocols) {
        FirewallJail jail = { .name = name, .ports = { .protocols = protocols } };
        const char *bad = NULL;

        assert_ok(ports_parse(ports, &jail.ports, &bad));
        return jail;
}

static void ports_lead_to_the_chain_of_their_jail(void **state) {
        const FirewallJail jails[] = {
                make_jail("sshd", "22,2222", PORT_TCP),
                make_jail("dns", "53", PORT_TCP | PORT_UDP),
        };
        _cleanup_(port_groups_freep) PortGroups *tcp = NULL, *udp = NULL;

        assert_ok(port_groups_new(&tcp, jails, 2, PORT_TCP));
        assert_string_equal(port_groups_get_chain(tcp, 22), "jail-sshd");
        assert_string_equal(port_groups_get_chain(tcp, 2222), "jail-sshd");
        assert_string_equal(port_groups_get_chain(tcp, 53), "jail-dns");
        assert_null(port_groups_get_chain(tcp, 23));
        assert_null(port_groups_get_chain(tcp, 0));
        assert_true(port_groups_have_chain(tcp, "jail-sshd"));
        assert_true(port_groups_guard_any(tcp));

        assert_ok(port_groups_new(&udp, jails, 2, PORT_UDP));
        assert_null(port_groups_get_chain(udp, 22));
        assert_string_equal(port_groups_get_chain(udp, 53), "jail-dns");
        assert_false(port_groups_have_chain(udp, "jail-sshd"));
}

static void ports_of_several_jails_lead_to_all_of_them(void **state) {
        const FirewallJail jails[] = {
                make_jail("a", "1-10", PORT_TCP),
                make_jail("b", "5-15", PORT_TCP),
                make_jail("c", "10-20", PORT_TCP),
                make_jail("d", "any", PORT_TCP),
        };
        static const struct {
                unsigned first, last;
                const char *chain;
        } expected[] = {
                { 0, 0, NULL },
                { 1, 4, "jail-a" },
                { 5, 9, "ports-b.a" },
                { 10, 10, "ports-c.b.a" },
                { 11, 15, "ports-c.b" },
                { 16, 20, "jail-c" },
                { 21, 65535, NULL },
        };
        _cleanup_(port_groups_freep) PortGroups *g = NULL;
        size_t n_ports = 0;

        assert_ok(port_groups_new(&g, jails, ELEMENTSOF(jails), PORT_TCP));

        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                for (unsigned port = expected[i].first; port <= expected[i].last; port++) {
                        const char *chain = port_groups_get_chain(g, (uint16_t) port);

                        assert_int_equal(chain != NULL, expected[i].chain != NULL);
                        if (chain)
                                assert_string_equal(chain, expected[i].chain);
                }

        /* Each port is in one group, and a jail whose ports others share needs no group alone. */
        for (size_t i = 0; i < g->n_groups; i++)
                n_ports += g->groups[i].n_ports;
        assert_int_equal(n_ports, 65536);
        assert_false(port_groups_have_chain(g, "jail-b"));
}

static void wide_ranges_are_left_out(void **state) {
        const FirewallJail jails[] = {
                make_jail("narrow", "1000-1255", PORT_TCP),
                make_jail("wide", "2000-2256,22", PORT_TCP),
        };
        const FirewallJail whole = make_jail("whole", "1-65535", PORT_TCP);
        _cleanup_(port_groups_freep) PortGroups *g = NULL, *none = NULL, *empty = NULL;

        assert_ok(port_groups_new(&g, jails, 2, PORT_TCP));
        assert_string_equal(port_groups_get_chain(g, 1000), "jail-narrow");
        assert_string_equal(port_groups_get_chain(g, 1255), "jail-narrow");
        assert_null(port_groups_get_chain(g, 2000));
        assert_string_equal(port_groups_get_chain(g, 22), "jail-wide");

        assert_ok(port_groups_new(&none, &whole, 1, PORT_TCP));
        assert_false(port_groups_guard_any(none));
        assert_ok(port_groups_new(&empty, NULL, 0, PORT_TCP));
        assert_false(port_groups_guard_any(empty));
}

static void long_names_stay_apart(void **state) {
        FirewallJail jails[40];
        char names[ELEMENTSOF(jails)][33];
        _cleanup_(port_groups_freep) PortGroups *g = NULL, *again = NULL;

        /* Port 100 + i is guarded by all jails up to i. */
        for (size_t i = 0; i < ELEMENTSOF(jails); i++) {
                char ports[16];

                (void) snprintf(names[i], sizeof(names[i]), "jail-with-quite-a-long-name-%02zu", i);
                (void) snprintf(ports, sizeof(ports), "%zu-139", 100 + i);
                jails[i] = make_jail(names[i], ports, PORT_TCP);
        }

        assert_ok(port_groups_new(&g, jails, ELEMENTSOF(jails), PORT_TCP));
        assert_ok(port_groups_new(&again, jails, ELEMENTSOF(jails), PORT_TCP));
        for (uint16_t i = 100; i < 140; i++) {
                const char *chain = port_groups_get_chain(g, i);

                assert_true(strlen(chain) < PORT_CHAIN_SIZE);
                assert_string_equal(chain, port_groups_get_chain(again, i));
                for (uint16_t k = 100; k < i; k++)
                        assert_string_not_equal(chain, port_groups_get_chain(g, k));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ports_lead_to_the_chain_of_their_jail),
                cmocka_unit_test(ports_of_several_jails_lead_to_all_of_them),
                cmocka_unit_test(wide_ranges_are_left_out),
                cmocka_unit_test(long_names_stay_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
