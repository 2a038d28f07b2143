/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is read ahead is what a walk through all bans finds. */

#include "database.h"

#include <fcntl.h>

#include "engine/store-reader.h"

/* More than are read ahead. */
#define N_BANS 20000

typedef struct Sum {
        Store *store;
        size_t n;
        size_t n_wanted; /* then it is enough; 0 for all */
        uint64_t ids;
        uint64_t hash;
} Sum;

static uint64_t mix(uint64_t hash, const char *text) {
        if (!text)
                return hash * 31 + 7;
        for (; *text; text++)
                hash = hash * 31 + (uint8_t) *text;
        return hash * 31;
}

/* Of everything, in this order. */
static int sum_up(const char *jail, const Ban *ban, void *userdata) {
        Sum *sum = userdata;
        char text[ADDRESS_STR_SIZE];

        if (sum->n_wanted > 0 && sum->n == sum->n_wanted)
                return -ECANCELED;

        sum->n++;
        sum->ids += ban->id;
        sum->hash = mix(sum->hash, jail);
        sum->hash = mix(sum->hash, ban->pattern);
        sum->hash = mix(sum->hash, ban->reason);
        sum->hash = mix(sum->hash, address_format(&ban->address, text));
        sum->hash = sum->hash * 31 + ban->id;
        sum->hash = sum->hash * 31 + ban->start;
        sum->hash = sum->hash * 31 + ban->end;
        sum->hash = sum->hash * 31 + ban->failures;
        sum->hash = sum->hash * 31 + ban->n_leaks;
        return 0;
}

static void fill(Store *s, unsigned n) {
        static const char *const jails[] = { "mail", "sshd" };
        static const char *const patterns[] = { "", "password", "preauth" };

        assert_ok(store_begin(s, false));
        for (unsigned i = 0; i < n; i++) {
                char reason[32];
                Ban ban = {
                        .address = nth_network(i),
                        .failures = i % 7,
                        .n_leaks = i % 3,
                        .pattern = patterns[i % ELEMENTSOF(patterns)],
                        .reason = i % 5 == 0 ? reason : NULL,
                        .id = i + 1,
                        .start = i,
                        .end = i % 2 ? USEC_INFINITY : i * USEC_PER_SEC,
                };

                (void) snprintf(reason, sizeof(reason), "by hand %u", i);
                assert_ok(store_add_ban(s, jails[i / 3 % 2], &ban));
        }
        assert_ok(store_commit(s));
}

static void all_are_handed_out_in_their_order(void **state) {
        static const char garbage[] =
                        "INSERT INTO bans SELECT 'x', address, 1000 + prefixlen, 0, 0, 0, 0, '', NULL, 0"
                        " FROM bans WHERE id BETWEEN 1000 AND 4000;"
                        "INSERT INTO bans VALUES ('x', x'', 0, 0, 0, 0, 0, '', NULL, 0)";
        static const size_t pieces[] = { 1, 999, 1000, 2500, N_BANS, N_BANS + 1 };
        _cleanup_(store_closep) Store *s = open_store(*state);
        Sum wanted = {};

        fill(s, N_BANS);
        assert_int_equal(sqlite3_exec(s->db, garbage, NULL, NULL, NULL), SQLITE_OK);
        assert_ok(store_foreach_ban(s, sum_up, &wanted));
        assert_int_equal(wanted.n, N_BANS);

        for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                _cleanup_(store_reader_freep) StoreReader *r = NULL;
                Sum sum = {};
                int n;

                assert_ok(store_reader_new(&r, s));
                do {
                        size_t before = sum.n;

                        n = store_reader_next(r, pieces[i], sum_up, &sum);
                        assert_ok(n);
                        assert_int_equal(n, sum.n - before);
                        assert_true((size_t) n == pieces[i] || sum.n == N_BANS);
                } while ((size_t) n == pieces[i]);

                assert_int_equal(sum.hash, wanted.hash);
                assert_int_equal(store_reader_next(r, 1, sum_up, &sum), 0);
        }
}

typedef struct Ahead {
        const StoreReader *reader;
        Address expected[N_BANS];
        size_t n, n_expected;
} Ahead;

#define AHEAD 3u

/* Whatever is said of one to come is true. */
static int expect(const char *jail, const Ban *ban, void *userdata) {
        Ahead *ahead = userdata;
        const Address *a = store_reader_ahead(ahead->reader, AHEAD);

        (void) jail;
        if (ahead->expected[ahead->n].family != 0)
                assert_true(address_equal(&ahead->expected[ahead->n], &ban->address));
        if (a) {
                ahead->expected[ahead->n + AHEAD] = *a;
                ahead->n_expected++;
        }
        ahead->n++;
        return 0;
}

static void some_of_what_comes_is_known_before(void **state) {
        _cleanup_(store_reader_freep) StoreReader *r = NULL;
        _cleanup_(store_closep) Store *s = open_store(*state);
        static Ahead ahead;

        fill(s, N_BANS);
        assert_ok(store_reader_new(&r, s));
        ahead.reader = r;
        assert_int_equal(store_reader_next(r, N_BANS, expect, &ahead), N_BANS);
        assert_in_range(ahead.n_expected, N_BANS / 2, N_BANS - AHEAD);
}

static void none_is_the_end(void **state) {
        _cleanup_(store_reader_freep) StoreReader *r = NULL;
        _cleanup_(store_closep) Store *s = open_store(*state);
        Sum sum = {};

        assert_ok(store_reader_new(&r, s));
        assert_int_equal(store_reader_next(r, 10, sum_up, &sum), 0);
        assert_int_equal(sum.n, 0);
}

static void reading_can_be_broken_off(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        Sum sum = { .n_wanted = 1500 };
        StoreReader *r;

        fill(s, N_BANS);
        assert_ok(store_reader_new(&r, s));
        store_reader_free(r);

        assert_ok(store_reader_new(&r, s));
        assert_fails(store_reader_next(r, 5000, sum_up, &sum), ECANCELED);
        assert_int_equal(sum.n, 1500);
        store_reader_free(r);
}

static int end_it(const char *jail, const Ban *ban, void *userdata) {
        Sum *sum = userdata;

        sum->n++;
        return store_end_ban(sum->store, jail, ban, 1, "expired", false);
}

static void store_can_be_changed_meanwhile(void **state) {
        _cleanup_(store_reader_freep) StoreReader *r = NULL;
        _cleanup_(store_closep) Store *s = open_store(*state);
        Sum sum = { .store = s };
        size_t n;

        fill(s, N_BANS);
        assert_ok(store_reader_new(&r, s));
        assert_ok(store_begin(s, false));
        assert_int_equal(store_reader_next(r, 100, end_it, &sum), 100);
        assert_ok(store_commit(s));
        assert_ok(store_count_bans(s, NULL, &n));
        assert_int_equal(n, N_BANS - 100);

        /* Neither does it keep the log from being written back, which waits for whoever reads. */
        write_back(s->path, SQLITE_CHECKPOINT_TRUNCATE);

        assert_int_equal(store_reader_next(r, N_BANS, sum_up, &sum), N_BANS - 100);
}

static void what_comes_before_damage_is_handed_out(void **state) {
        _cleanup_(store_reader_freep) StoreReader *r = NULL;
        _cleanup_(store_closep) Store *s = open_store(*state);
        Sum sum = {};
        off_t size;
        int fd;

        fill(s, N_BANS);
        write_back(s->path, SQLITE_CHECKPOINT_TRUNCATE);

        fd = open(s->path, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        size = lseek(fd, 0, SEEK_END);
        assert_true(size > 1000000);
        for (off_t at = size / 4 * 3; at < size; at += 4)
                assert_int_equal(pwrite(fd, "junk", 4, at), 4);
        (void) close(fd);

        assert_ok(store_reader_new(&r, s));
        assert_fails(store_reader_next(r, N_BANS, sum_up, &sum), EBADMSG);
        assert_in_range(sum.n, 1, N_BANS - 1);
        assert_fails(store_reader_next(r, 1, sum_up, &sum), EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(all_are_handed_out_in_their_order),
                cmocka_file_test(some_of_what_comes_is_known_before),
                cmocka_file_test(none_is_the_end),
                cmocka_file_test(reading_can_be_broken_off),
                cmocka_file_test(store_can_be_changed_meanwhile),
                cmocka_file_test(what_comes_before_damage_is_handed_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
