/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "model/ban.h"

static BanList *new_list(void) {
        BanList *l;

        assert_int_equal(ban_list_new(&l), 0);
        return l;
}

static Ban *add(BanList *l, const char *address, usec_t start, usec_t end) {
        static uint64_t id = 0;
        Ban *ban = NULL;

        assert_ok(ban_list_add(l,
                        &(const Ban){
                                        .address = addr(address),
                                        .failures = 5,
                                        .pattern = "password",
                                        .id = ++id,
                                        .start = start,
                                        .end = end,
                        },
                        &ban));
        return ban;
}

static void ban_keeps_what_it_was_given(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        char reason[] = "port scan", pattern[] = "password";
        Ban *ban;
        const Ban wanted = {
                .address = addr("192.0.2.1"),
                .in_kernel = true,
                .failures = 3,
                .pattern = pattern,
                .reason = reason,
                .id = 7,
                .start = T0,
                .end = T0 + 10,
        };

        assert_int_equal(ban_list_add(l, &wanted, &ban), 1);
        memset(reason, 'x', strlen(reason));
        memset(pattern, 'x', strlen(pattern));

        assert_string_equal(ban->reason, "port scan");
        assert_string_equal(ban->pattern, "password");
        assert_int_equal(ban->failures, 3);
        assert_int_equal(ban->id, 7);
        assert_int_equal(ban->start, T0);
        assert_int_equal(ban->end, T0 + 10);
        assert_true(ban->in_kernel);
        assert_int_equal(ban_list_size(l), 1);
        assert_ptr_equal(ban_list_get(l, &wanted.address), ban);
}

static void banning_again_replaces(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        Ban *first, *second, wanted;

        first = add(l, "192.0.2.1", T0, T0 + 10);
        wanted = (Ban){
                .address = addr("192.0.2.1"),
                .pattern = "",
                .reason = (char *) "by hand",
                .id = 99,
                .start = T0 + 1,
                .end = USEC_INFINITY,
        };
        assert_int_equal(ban_list_add(l, &wanted, &second), 0);
        assert_ptr_equal(first, second);
        assert_int_equal(ban_list_size(l), 1);
        assert_int_equal(second->end, USEC_INFINITY);
        assert_string_equal(second->reason, "by hand");
        assert_string_equal(second->pattern, "");
        assert_null(ban_list_first_to_end(l));

        /* Its own values, as when a ban is written once more. */
        assert_int_equal(ban_list_add(l, second, NULL), 0);
        assert_string_equal(second->reason, "by hand");

        /* And back to one that ends. */
        wanted.end = T0 + 5;
        wanted.reason = NULL;
        assert_int_equal(ban_list_add(l, &wanted, NULL), 0);
        assert_null(second->reason);
        assert_ptr_equal(ban_list_first_to_end(l), second);
}

static void long_reasons_are_cut(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        char reason[BAN_REASON_MAX * 2];
        Ban *ban, wanted = { .address = addr("192.0.2.1"), .reason = reason, .end = T0 };

        memset(reason, 'x', sizeof(reason) - 1);
        reason[sizeof(reason) - 1] = '\0';
        assert_int_equal(ban_list_add(l, &wanted, &ban), 1);
        assert_int_equal(strlen(ban->reason), BAN_REASON_MAX);
}

static void prefix_bans_whom_it_covers(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        Address in = addr("2001:db8::7"), out = addr("2001:db8:0:1::7"), v4 = addr("32.1.13.184");
        Ban *ban = add(l, "2001:db8::/64", T0, T0 + 100);

        assert_ptr_equal(ban_list_find(l, &in, T0), ban);
        assert_null(ban_list_find(l, &out, T0));
        assert_null(ban_list_find(l, &v4, T0)); /* the same bytes in the other family */
        assert_null(ban_list_get(l, &in));
}

static void ban_covers_until_its_end_and_not_then(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        Address a = addr("192.0.2.1");
        Ban *ban = add(l, "192.0.2.1", T0, T0 + 100);

        assert_ptr_equal(ban_list_find(l, &a, T0 + 99), ban);
        assert_null(ban_list_find(l, &a, T0 + 100));
        assert_ptr_equal(ban_list_get(l, &a), ban);
}

static void of_several_the_last_to_end_is_found(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        Address a = addr("192.0.2.1");
        Ban *wide;

        (void) add(l, "192.0.2.1", T0, T0 + 100);
        wide = add(l, "192.0.2.0/24", T0, T0 + 200);
        (void) add(l, "192.0.2.0/25", T0, T0 + 50);
        assert_ptr_equal(ban_list_find(l, &a, T0), wide);

        (void) add(l, "0.0.0.0/0", T0, USEC_INFINITY);
        assert_int_equal(ban_list_find(l, &a, T0)->address.prefixlen, 0);
}

static void end_that_nobody_has_noticed_is_found(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        Address a = addr("192.0.2.1"), net = addr("192.0.2.0/24"), other = addr("192.0.3.1");

        (void) add(l, "192.0.2.1", T0, T0 + 100);
        (void) add(l, "192.0.2.0/24", T0, T0 + 200);
        (void) add(l, "192.0.0.0/16", T0, USEC_INFINITY);
        assert_int_equal(ban_list_find_end(l, &a, T0 + 99), 0);
        assert_int_equal(ban_list_find_end(l, &a, T0 + 100), T0 + 100);
        assert_int_equal(ban_list_find_end(l, &a, T0 + 200), T0 + 200);
        assert_int_equal(ban_list_find_end(l, &net, T0 + 199), 0);
        assert_int_equal(ban_list_find_end(l, &net, T0 + 300), T0 + 200);
        assert_int_equal(ban_list_find_end(l, &other, T0 + 300), 0);
}

static void permanent_bans_never_come_first_to_end(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        Ban *a, *b;

        (void) add(l, "192.0.2.9", T0, USEC_INFINITY);
        assert_null(ban_list_first_to_end(l));
        a = add(l, "192.0.2.1", T0, T0 + 2);
        b = add(l, "192.0.2.2", T0, T0 + 1);
        assert_ptr_equal(ban_list_first_to_end(l), b);
        ban_list_remove(l, b);
        assert_ptr_equal(ban_list_first_to_end(l), a);
        ban_list_remove(l, a);
        assert_null(ban_list_first_to_end(l));
        assert_int_equal(ban_list_size(l), 1);
}

static void walk_goes_in_order_and_survives_removals(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        unsigned n = 0;
        Ban *ban, *next;

        for (unsigned i = 0; i < 100; i++) {
                char text[32];

                (void) snprintf(text, sizeof(text), "192.0.2.%u", i);
                (void) add(l, text, T0, T0 + i);
        }

        for (ban = ban_list_next(l, NULL); ban; ban = next, n++) {
                next = ban_list_next(l, ban);
                assert_int_equal(ban->address.bytes[3], n);
                if (n % 2)
                        ban_list_remove(l, ban);
        }

        assert_int_equal(n, 100);
        assert_int_equal(ban_list_size(l), 50);
}

static void walk_within_a_prefix_goes_in_order_and_survives_removals(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        Address net = addr("192.0.2.0/24"), wide = addr("192.0.0.0/9"), none = addr("192.1.0.0/16");
        unsigned n = 0;
        Ban *ban, *next;

        for (unsigned i = 0; i < 100; i++) {
                char text[32];

                (void) snprintf(text, sizeof(text), "192.0.%u.%u", 2 + i % 2, i);
                (void) add(l, text, T0, T0 + i);
        }
        (void) add(l, "192.0.2.0/24", T0, T0 + 1);
        (void) add(l, "192.0.2.0/25", T0, T0 + 1);
        (void) add(l, "192.0.0.0/8", T0, T0 + 1);
        (void) add(l, "192.0.0.0/16", T0, T0 + 1);

        for (ban = ban_list_next_within(l, &net, NULL); ban; ban = next, n++) {
                next = ban_list_next_within(l, &net, ban);
                if (n < 50)
                        assert_int_equal(ban->address.bytes[3], 2 * n);
                if (n % 2)
                        ban_list_remove(l, ban);
        }
        assert_int_equal(n, 52);
        assert_int_equal(ban_list_size(l), 104 - 26);

        n = 0;
        for (ban = ban_list_next_within(l, &wide, NULL); ban;
                        ban = ban_list_next_within(l, &wide, ban))
                n++;
        assert_int_equal(n, 104 - 26 - 1);
        assert_null(ban_list_next_within(l, &none, NULL));
}

/* Thousands of random bans of all lengths against a search through all of them. */
static void find_agrees_with_a_search_through_all(void **state) {
        enum { N = 200 };
        _cleanup_(ban_list_freep) BanList *l = new_list();
        Random random = { 4 };

        for (unsigned step = 0; step < 5000; step++) {
                uint8_t bytes[16] = { 0x20, 0x01, 0x0d, 0xb8 };
                int family = random_below(&random, 2) ? AF_INET : AF_INET6;
                unsigned bits = address_family_bits(family);
                Ban *best = NULL, *found;
                usec_t when;
                Address a;

                bytes[random_below(&random, 5)] ^= (uint8_t) (1 << random_below(&random, 8));
                assert_ok(address_from_bytes(
                                family, bytes, (unsigned) random_below(&random, bits + 1), &a));

                found = ban_list_get(l, &a);
                if (found && random_below(&random, 2))
                        ban_list_remove(l, found);
                else if (ban_list_size(l) < N)
                        assert_ok(ban_list_add(l,
                                        &(const Ban){ .address = a,
                                                        .pattern = "",
                                                        .end = random_below(&random, 100) },
                                        NULL));
                else
                        ban_list_remove(l, ban_list_first_to_end(l));

                assert_ok(address_from_bytes(family, bytes, bits, &a));
                when = random_below(&random, 100);
                for (Ban *b = ban_list_next(l, NULL); b; b = ban_list_next(l, b))
                        if (address_covers(&b->address, &a) && when < b->end &&
                                        (!best || b->end > best->end))
                                best = b;

                found = ban_list_find(l, &a, when);
                assert_int_equal(!found, !best);
                if (found)
                        assert_int_equal(found->end, best->end);

                address_widen(&a, (unsigned) random_below(&random, bits + 1));
                found = ban_list_next_within(l, &a, NULL);
                for (Ban *b = ban_list_next(l, NULL); b; b = ban_list_next(l, b)) {
                        if (!address_covers(&a, &b->address))
                                continue;
                        assert_ptr_equal(found, b);
                        found = ban_list_next_within(l, &a, found);
                }
                assert_null(found);
        }
}

static void names_of_patterns_are_kept_once_and_bounded(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        Ban *first, *second, *last = NULL;

        first = add(l, "192.0.2.1", T0, T0 + 1);
        second = add(l, "192.0.2.2", T0, T0 + 1);
        assert_ptr_equal(first->pattern, second->pattern);

        for (unsigned i = 0; i < 2000; i++) {
                char name[16];

                (void) snprintf(name, sizeof(name), "p%u", i);
                assert_ok(ban_list_add(l,
                                &(const Ban){ .address = addr("192.0.2.3"),
                                                .pattern = name,
                                                .end = T0 },
                                &last));
        }
        assert_string_equal(last->pattern, ""); /* the name is lost, the ban is not */
        assert_string_equal(first->pattern, "password");
}

static void any_ban_may_be_picked(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        unsigned n_picked[100] = {}, n_least = UINT32_MAX, n_most = 0;

        (void) state;

        assert_null(ban_list_pick(l, 4711));

        for (unsigned i = 0; i < ELEMENTSOF(n_picked); i++) {
                char text[32];

                (void) snprintf(text, sizeof(text), "192.0.2.%u", i);
                (void) add(l, text, T0, T0 + 10);
        }
        for (uint64_t i = 1; i <= 100000; i++) {
                const Ban *ban = ban_list_pick(l, i * UINT64_C(0x9e3779b97f4a7c15));

                n_picked[ban->address.bytes[3]]++;
        }

        for (unsigned i = 0; i < ELEMENTSOF(n_picked); i++) {
                n_least = MIN(n_least, n_picked[i]);
                n_most = MAX(n_most, n_picked[i]);
        }
        assert_true(n_least > 50);
        assert_true(n_most < 20000);
}

static void what_is_loaded_is_found_like_what_is_added(void **state) {
        static const char *const texts[] = {
                "198.51.100.1",
                "198.51.100.2",
                "198.51.100.0/24",
                "203.0.113.1",
                "2001:db8::/64",
        };
        _cleanup_(ban_list_freep) BanList *l = new_list();
        const Address net = addr("198.51.100.0/24");
        const Ban *ban = NULL;
        size_t n = 0;

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                const Ban wanted = {
                        .address = addr(texts[i]), .pattern = "", .start = T0, .end = T0 + 10 + i
                };

                assert_int_equal(ban_list_load(l, &wanted, NULL), 1);
                assert_int_equal(ban_list_size(l), i + 1);

                /* The one before goes, and what comes next may lie near it. */
                if (i == 0) {
                        ban_list_remove(l, ban_list_get(l, &wanted.address));
                        assert_int_equal(ban_list_load(l, &wanted, NULL), 1);
                }
        }

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                const Address a = addr(texts[i]);

                assert_non_null(ban_list_get(l, &a));
        }
        while ((ban = ban_list_next_within(l, &net, ban)))
                n++;
        assert_int_equal(n, 3);
        assert_int_equal(ban_list_first_to_end(l)->end, T0 + 10);
}

#define N_STORED 60

/* Bans of before, and the list that has not got all of them yet. */
typedef struct Filling {
        BanList *list;
        Ban stored[N_STORED];
        size_t n_stored;
        unsigned n_asked;
} Filling;

static void fill(const Address *a, BanListWanted wanted, void *userdata) {
        Filling *f = userdata;

        f->n_asked++;
        for (size_t i = 0; i < f->n_stored; i++) {
                const Address *b = &f->stored[i].address;

                if (wanted == BAN_LIST_AROUND ? address_covers(b, a) : address_covers(a, b))
                        assert_ok(ban_list_load(f->list, &f->stored[i], NULL));
        }
}

static const Ban *find_stored(const Filling *f, const Address *a) {
        for (size_t i = 0; i < f->n_stored; i++)
                if (address_equal(&f->stored[i].address, a))
                        return &f->stored[i];

        return NULL;
}

static Address some_address(void) {
        static const uint8_t lengths[] = { 32, 32, 32, 31, 30, 28, 24, 16, 8, 0 };
        const uint8_t bytes[] = { 192, 0, 2, (uint8_t) (rand() % 64) };
        Address a;

        assert_ok(address_from_bytes(
                        AF_INET, bytes, lengths[(size_t) rand() % sizeof(lengths)], &a));
        return a;
}

static Ban some_ban(uint64_t id) {
        return (Ban){
                .address = some_address(),
                .pattern = "",
                .id = id,
                .end = T0 + (usec_t) rand() % 100,
        };
}

static void assert_same(const Ban *a, const Ban *b) {
        assert_int_equal(!a, !b);
        if (a)
                assert_int_equal(a->id, b->id);
}

/* Does something to both lists, and compares what there is to see. */
static void do_something(BanList *whole, BanList *filled, uint64_t id) {
        const Ban ban = some_ban(id);
        const Address *a = &ban.address;
        const usec_t when = T0 + (usec_t) rand() % 100;
        size_t n[2] = { 0, 0 };

        switch (rand() % 6) {
        case 0:
                assert_int_equal(ban_list_add(whole, &ban, NULL), ban_list_add(filled, &ban, NULL));
                return;
        case 1:
                assert_same(ban_list_get(whole, a), ban_list_get(filled, a));
                if (ban_list_get(whole, a)) {
                        ban_list_remove(whole, ban_list_get(whole, a));
                        ban_list_remove(filled, ban_list_get(filled, a));
                }
                return;
        case 2:
                assert_same(ban_list_get(whole, a), ban_list_get(filled, a));
                return;
        case 3:
                /* Of two that end at once either is found. */
                assert_int_equal(!ban_list_find(whole, a, when), !ban_list_find(filled, a, when));
                return;
        case 4:
                assert_int_equal(ban_list_find_end(whole, a, when),
                                ban_list_find_end(filled, a, when));
                return;
        case 5:
                for (Ban *b = ban_list_next_within(whole, a, NULL); b;
                                b = ban_list_next_within(whole, a, b))
                        n[0] += b->id;
                for (Ban *b = ban_list_next_within(filled, a, NULL); b;
                                b = ban_list_next_within(filled, a, b))
                        n[1] += b->id;
                assert_int_equal(n[0], n[1]);
                return;
        }
}

static void while_it_is_filled_a_list_answers_as_if_it_were_complete(void **state) {
        (void) state;

        for (unsigned seed = 1; seed <= 300; seed++) {
                _cleanup_(ban_list_freep) BanList *whole = new_list(), *filled = new_list();
                Filling f = { .list = filled };
                size_t n_loaded = 0;

                srand(seed);
                for (size_t i = 0; i < N_STORED; i++) {
                        const Ban ban = some_ban(i + 1);

                        if (ban_list_add(whole, &ban, NULL) > 0)
                                f.stored[f.n_stored++] = ban;
                        else
                                assert_ok(ban_list_add(whole, find_stored(&f, &ban.address), NULL));
                }

                ban_list_begin_filling(filled, fill, &f);
                for (unsigned i = 0; i < 200; i++) {
                        do_something(whole, filled, 1000 + i);
                        if (n_loaded < f.n_stored && rand() % 4 == 0)
                                assert_ok(ban_list_load_next(filled, &f.stored[n_loaded++], NULL));
                }
                while (n_loaded < f.n_stored)
                        assert_ok(ban_list_load_next(filled, &f.stored[n_loaded++], NULL));
                ban_list_end_filling(filled);

                assert_int_equal(ban_list_size(whole), ban_list_size(filled));
                for (Ban *b = ban_list_next(whole, NULL); b; b = ban_list_next(whole, b))
                        assert_same(b, ban_list_get(filled, &b->address));
        }
}

static void nobody_is_asked_for_a_ban_that_is_there_nor_by_a_list_that_is_complete(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        Filling f = { .list = l };
        const Ban ban = { .address = addr("192.0.2.1"), .pattern = "", .end = T0 };
        const Address other = addr("192.0.2.2");

        (void) state;

        ban_list_begin_filling(l, fill, &f);
        assert_null(ban_list_peek(l, &ban.address));
        assert_int_equal(f.n_asked, 0);
        assert_int_equal(ban_list_load(l, &ban, NULL), 1);
        assert_int_equal(ban_list_load(l, &ban, NULL), 0);
        assert_non_null(ban_list_get(l, &ban.address));
        assert_int_equal(f.n_asked, 0);
        assert_null(ban_list_get(l, &other));
        assert_int_equal(f.n_asked, 1);

        ban_list_end_filling(l);
        assert_null(ban_list_get(l, &other));
        assert_null(ban_list_find(l, &other, T0));
        assert_int_equal(f.n_asked, 1);
}

static void room_is_made_once(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        UT_hash_table *table;
        unsigned n_buckets;
        const Ban *first;

        (void) state;

        ban_list_reserve(l, 100); /* not before there is one */
        first = add(l, "192.0.2.0", T0, T0 + 1);
        ban_list_reserve(l, 256);
        table = first->hh.tbl;
        n_buckets = table->num_buckets;
        assert_true(n_buckets >= 128);
        for (unsigned i = 1; i < 256; i++) {
                char text[ADDRESS_STR_SIZE];

                (void) snprintf(text, sizeof(text), "192.0.2.%u", i);
                add(l, text, T0, T0 + 1);
        }
        assert_int_equal(table->num_buckets, n_buckets);
        ban_list_reserve(l, 256);
        assert_int_equal(table->num_buckets, n_buckets);
}

static void so_many_bans_are_counted(void **state) {
        _cleanup_(ban_list_freep) BanList *l = new_list();
        Ban *a = add(l, "192.0.2.1", T0, T0 + 10), *b = add(l, "192.0.2.2", T0, T0 + 10);
        Ban *c = add(l, "192.0.2.3", T0, T0 + 10);

        (void) state;

        assert_false(ban_list_count(l, a, 0));
        assert_true(ban_list_count(l, a, 2));
        assert_true(ban_list_count(l, b, 2));
        assert_false(ban_list_count(l, c, 2));
        assert_true(ban_list_count(l, a, 0)); /* it stays so */
        assert_int_equal(ban_list_n_counted(l), 2);

        /* One that ends makes room, one that is made longer does not. */
        ban_list_remove(l, b);
        assert_ptr_equal(add(l, "192.0.2.1", T0, T0 + 20), a);
        assert_int_equal(ban_list_n_counted(l), 1);
        assert_true(ban_list_count(l, c, 2));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ban_keeps_what_it_was_given),
                cmocka_unit_test(banning_again_replaces),
                cmocka_unit_test(long_reasons_are_cut),
                cmocka_unit_test(prefix_bans_whom_it_covers),
                cmocka_unit_test(ban_covers_until_its_end_and_not_then),
                cmocka_unit_test(of_several_the_last_to_end_is_found),
                cmocka_unit_test(end_that_nobody_has_noticed_is_found),
                cmocka_unit_test(permanent_bans_never_come_first_to_end),
                cmocka_unit_test(walk_goes_in_order_and_survives_removals),
                cmocka_unit_test(walk_within_a_prefix_goes_in_order_and_survives_removals),
                cmocka_unit_test(find_agrees_with_a_search_through_all),
                cmocka_unit_test(so_many_bans_are_counted),
                cmocka_unit_test(any_ban_may_be_picked),
                cmocka_unit_test(what_is_loaded_is_found_like_what_is_added),
                cmocka_unit_test(while_it_is_filled_a_list_answers_as_if_it_were_complete),
                cmocka_unit_test(
                                nobody_is_asked_for_a_ban_that_is_there_nor_by_a_list_that_is_complete),
                cmocka_unit_test(room_is_made_once),
                cmocka_unit_test(names_of_patterns_are_kept_once_and_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
