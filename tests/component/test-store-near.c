/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Bans near an address are those that a search through all of them finds. */

#include "database.h"

#define N_BANS 300
#define N_QUESTIONS 2000

/* Prefixes that lie in each other, of few bytes. With one in four the bytes are those of an IPv4
 * address with which IPv6 ones begin, since the database sorts both as bytes. */
static Address some_address(void) {
        uint8_t bytes[16] = { 0x20, 0x01, 0x0d, 0xb8 };
        unsigned bits;
        Address a;

        for (size_t i = 4; i < sizeof(bytes); i++)
                bytes[i] = rand() % 3 == 0 ? (uint8_t) (rand() % 4 * 0x55) : 0;

        bits = rand() % 4 == 0 ? 32 : 128;
        if (bits == 32)
                bytes[3] = (uint8_t) (0xb8 + rand() % 3 - 1);
        assert_ok(address_from_bytes(bits == 32 ? AF_INET : AF_INET6,
                        bytes,
                        rand() % 2 ? bits : (unsigned) rand() % (bits + 1),
                        &a));
        return a;
}

static int sum_up(const char *jail, const Ban *ban, void *userdata) {
        uint64_t *sum = userdata;

        (void) jail;
        *sum += ban->id * ban->id;
        return 0;
}

static void bans_around_and_within_are_all_found(void **state) {
        static const char *const jails[] = { "mail", "sshd" };
        _cleanup_(store_closep) Store *s = open_store(*state);
        Ban bans[N_BANS];
        size_t n = 0;

        srand(1);
        assert_ok(store_begin(s, false));
        for (unsigned i = 0; i < N_BANS; i++) {
                const char *jail = jails[rand() % 2];
                Ban found;

                bans[n] = (Ban){ .address = some_address(), .pattern = "", .id = i + 1 };
                if (store_get_ban(s, jail, &bans[n].address, &found) > 0)
                        continue;
                assert_ok(store_add_ban(s, jail, &bans[n++]));
        }
        assert_ok(store_commit(s));

        for (unsigned i = 0; i < N_QUESTIONS; i++) {
                const Address a = some_address();
                uint64_t around = 0, within = 0, sum = 0;

                for (size_t j = 0; j < n; j++) {
                        if (address_covers(&bans[j].address, &a))
                                around += bans[j].id * bans[j].id;
                        if (address_covers(&a, &bans[j].address))
                                within += bans[j].id * bans[j].id;
                }

                assert_ok(store_foreach_ban_around(s, &a, sum_up, &sum));
                assert_int_equal(sum, around);
                sum = 0;
                assert_ok(store_foreach_ban_within(s, &a, sum_up, &sum));
                assert_int_equal(sum, within);
        }
}

static int stop(const char *jail, const Ban *ban, void *userdata) {
        (void) jail, (void) ban, (void) userdata;

        return -ECANCELED;
}

static int count_rows(const char *jail, const Ban *ban, void *userdata) {
        size_t *n = userdata;

        (void) jail, (void) ban;
        (*n)++;
        return 0;
}

/* Pieces of one and of a few, with rows in between that only somebody else can have written. */
static void pieces_have_all_whatever_lies_between(void **state) {
        static const char garbage[] =
                        "INSERT INTO bans SELECT 'x', address, 1000 + prefixlen, 0, 0, 0, 0, '', NULL, 0"
                        " FROM bans;"
                        "INSERT INTO bans VALUES ('x', x'00000000000000000000FFFFC0000201', 128, 0, 0, 0,"
                        " 0, '', NULL, 0), ('x', x'C000024D', 24, 0, 0, 0, 0, '', NULL, 0),"
                        " ('x', x'', 0, 0, 0, 0, 0, '', NULL, 0)";
        _cleanup_(store_closep) Store *s = open_store(*state);

        assert_ok(store_begin(s, false));
        for (unsigned i = 0; i < 20; i++) {
                Ban ban = { .address = some_address(), .pattern = "", .id = i };

                assert_ok(store_add_ban(s, i % 2 ? "sshd" : "mail", &ban));
        }
        assert_ok(store_commit(s));
        assert_int_equal(sqlite3_exec(s->db, garbage, NULL, NULL, NULL), SQLITE_OK);

        for (size_t max = 1; max < 50; max += 7) {
                size_t n = 0, n_rows = 0, wanted = 0;
                StorePlace *place = NULL;

                do {
                        StorePlace *before = place;
                        int r;

                        r = store_foreach_ban_from(s, before, max, count_rows, &n, &place);
                        assert_ok(r);
                        n_rows += (size_t) r;
                        assert_true(n_rows < 100);
                        store_place_free(before);
                } while (place);

                assert_ok(store_foreach_ban(s, count_rows, &wanted));
                assert_int_equal(n, wanted);
        }
}

static void bans_are_counted(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        const Ban ban = { .address = addr("192.0.2.1"), .pattern = "" };
        size_t n;

        assert_ok(store_count_bans(s, NULL, &n));
        assert_int_equal(n, 0);
        assert_ok(store_begin(s, false));
        assert_ok(store_add_ban(s, "sshd", &ban));
        assert_ok(store_add_ban(s, "mail", &ban));
        assert_ok(store_commit(s));
        assert_ok(store_count_bans(s, NULL, &n));
        assert_int_equal(n, 2);
        assert_ok(store_count_bans(s, "mail", &n));
        assert_int_equal(n, 1);

        assert_fails(store_foreach_ban_around(s, &ban.address, stop, NULL), ECANCELED);
        assert_fails(store_foreach_ban_within(s, &ban.address, stop, NULL), ECANCELED);
}

static void nothing_near_an_address_needs_a_look_at_all(void **state) {
        static const Statement statements[] = {
                STATEMENT_BANS_BEFORE,
                STATEMENT_BANS_BEHIND,
                STATEMENT_BANS_WITHIN,
        };
        static const char *const unwanted[] = { "SCAN", "TEMP B-TREE", NULL };
        _cleanup_(store_closep) Store *s = open_store(*state);

        assert_plans(s, statements, ELEMENTSOF(statements), unwanted);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(bans_around_and_within_are_all_found),
                cmocka_file_test(pieces_have_all_whatever_lies_between),
                cmocka_file_test(bans_are_counted),
                cmocka_file_test(nothing_near_an_address_needs_a_look_at_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
