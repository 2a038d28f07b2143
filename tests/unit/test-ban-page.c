/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "daemon/ban-page.h"

#define N_BANS 500

/* Bans with the ids 1 to N_BANS, in an order that is none. */
static void make_bans(Ban *bans) {
        for (size_t i = 0; i < N_BANS; i++)
                bans[i] = (Ban){ .id = (i * 263) % N_BANS + 1 };
}

static void fill(BanPage *p, const Ban *bans, uint64_t after, size_t max) {
        assert_ok(ban_page_init(p, after, max));
        for (size_t i = 0; i < N_BANS; i++)
                ban_page_offer(p, i % 2 ? "a" : "b", &bans[i]);
        ban_page_sort(p);
}

static void lowest_ids_are_picked_in_order(void **state) {
        _cleanup_(ban_page_done) BanPage p = {};
        Ban bans[N_BANS];

        make_bans(bans);
        fill(&p, bans, 0, 7);
        assert_int_equal(p.n_entries, 7);
        for (size_t i = 0; i < p.n_entries; i++)
                assert_int_equal(p.entries[i].ban->id, i + 1);
}

static void pages_together_are_everything_once(void **state) {
        Ban bans[N_BANS];
        uint64_t last = 0;
        size_t n;

        make_bans(bans);
        do {
                _cleanup_(ban_page_done) BanPage p = {};

                fill(&p, bans, last, 64);
                n = p.n_entries;
                for (size_t i = 0; i < n; i++) {
                        assert_int_equal(p.entries[i].ban->id, last + 1);
                        last++;
                }
        } while (n == 64);

        assert_int_equal(last, N_BANS);
}

static void ban_keeps_its_jail(void **state) {
        _cleanup_(ban_page_done) BanPage p = {};
        Ban bans[N_BANS];

        make_bans(bans);
        fill(&p, bans, 0, N_BANS);
        for (size_t i = 0; i < p.n_entries; i++)
                assert_string_equal(p.entries[i].jail, (p.entries[i].ban - bans) % 2 ? "a" : "b");
}

static void nothing_behind_the_last(void **state) {
        _cleanup_(ban_page_done) BanPage p = {};
        Ban bans[N_BANS];

        make_bans(bans);
        fill(&p, bans, N_BANS, 10);
        assert_int_equal(p.n_entries, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lowest_ids_are_picked_in_order),
                cmocka_unit_test(pages_together_are_everything_once),
                cmocka_unit_test(ban_keeps_its_jail),
                cmocka_unit_test(nothing_behind_the_last),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
