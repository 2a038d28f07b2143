/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the kernel can, compared with BANJO_ABILITIES, by which tests/kernels/run tells what is
 * known of the kernel that it boots. So where the other tests ran on an old one it is certain that
 * they went the ways that are for old ones. Elsewhere it has to be found out, and that is all.
 */

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/nft-probe.h"
#include "firewalls.h"
#include "netns.h"

static void assert_ability(const char *name, int can) {
        const char *abilities = getenv("BANJO_ABILITIES");
        char key[32];

        assert_ok(can);
        if (!abilities)
                return;

        /* Between commas, also the first and the last. */
        (void) snprintf(key, sizeof(key), ",%s,", name);
        assert_int_equal(can > 0, strstr(abilities, key) != NULL);
}

static void another_time_for_an_element(void **state) {
        NftAbilities can;

        (void) state;

        assert_ok(nft_probe(&can));
        assert_ability("update", can.update);
}

static void removal_of_what_may_be_absent(void **state) {
        NftAbilities can;

        (void) state;

        assert_ok(nft_probe(&can));
        assert_ability("destroy", can.destroy);
}

static void table_that_outlives_its_owner(void **state) {
        const FirewallJail jail = make_jail("sshd", "22", PORT_TCP);
        Firewall *f = open_firewall(&jail, 1);

        (void) state;

        assert_ability("persist", firewall_get_ownership(f) == FIREWALL_OWNED);
}

static void answers_at_prerouting(void **state) {
        (void) state;

        assert_ability("reject", nft_probe_reject(FIREWALL_PREROUTING));
}

static void destinations_at_prerouting(void **state) {
        (void) state;

        assert_ability("transit", nft_probe_transit(FIREWALL_PREROUTING));
}

#define test(f) cmocka_unit_test_setup_teardown(f, remove_table, remove_table)

int main(void) {
        const struct CMUnitTest tests[] = {
                test(another_time_for_an_element),
                test(removal_of_what_may_be_absent),
                test(table_that_outlives_its_owner),
                test(answers_at_prerouting),
                test(destinations_at_prerouting),
        };

        netns_enter();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
