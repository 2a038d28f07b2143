/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Counts by the hour, from the daemon into a real database. */

#include "database.h"

#include <inttypes.h>

#include "daemon/tally.h"

#define HOUR (T0 - T0 % USEC_PER_HOUR)

static void write_all(Tally *t, Store *s) {
        assert_ok(store_begin(s, false));
        assert_ok(tally_write(t, s));
        assert_ok(store_commit(s));
        tally_clear(t);
}

static int
list_pattern(const char *jail, const char *pattern, const HistoryCount *c, void *userdata) {
        char *text = userdata;

        (void) snprintf(text + strlen(text),
                        256,
                        "%s %s %" PRIu64 " %" PRIu64 "\n",
                        jail,
                        pattern,
                        c->failures,
                        c->bans);
        return 0;
}

static int list_network(const Address *net, const HistoryCount *c, void *userdata) {
        char *text = userdata, address[ADDRESS_STR_SIZE];

        (void) snprintf(text + strlen(text),
                        256,
                        "%s %" PRIu64 " %" PRIu64 "\n",
                        address_format(net, address),
                        c->failures,
                        c->bans);
        return 0;
}

static int count_user(uint64_t user, const HistoryCount *c, void *userdata) {
        ++*(unsigned *) userdata;
        return 0;
}

static int count_network(const Address *net, const HistoryCount *c, void *userdata) {
        ++*(unsigned *) userdata;
        return 0;
}

static void failures_add_up_within_their_hour(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        _cleanup_(tally_freep) Tally *t = NULL;
        char hour[1024] = "", both[1024] = "", networks[1024] = "";
        HistoryCount one = { 1, 0 }, ban = { 0, 1 };

        assert_ok(tally_new(&t));
        for (unsigned round = 0; round < 2; round++) {
                tally_add_pattern(t, HOUR, "sshd", "password", &one);
                tally_add_pattern(t, HOUR + USEC_PER_HOUR - 1, "sshd", "password", &one);
                tally_add_pattern(t, HOUR + USEC_PER_HOUR, "sshd", "password", &one);
                tally_add_pattern(t, HOUR, "sshd", "pam", &one);
                tally_add_pattern(t, HOUR, "sshd", "password", &ban);
                tally_add_host(t, HOUR, &(Address[]){ addr("198.51.100.7") }[0], &one);
                tally_add_host(t, HOUR, &(Address[]){ addr("198.51.100.9") }[0], &ban);
                tally_add_host(t, HOUR, &(Address[]){ addr("2001:db8:1:2::3") }[0], &one);
                write_all(t, s);
        }

        assert_ok(store_foreach_pattern(s, HOUR, HOUR + 1, list_pattern, hour));
        assert_string_equal(hour, "sshd password 4 2\nsshd pam 2 0\n");
        assert_ok(store_foreach_pattern(s, HOUR, USEC_INFINITY, list_pattern, both));
        assert_string_equal(both, "sshd password 6 2\nsshd pam 2 0\n");
        assert_ok(store_foreach_network(s, HOUR, HOUR + 1, 10, list_network, networks));
        assert_string_equal(networks, "198.51.100.0/24 2 2\n2001:db8:1::/48 2 0\n");
}

static void what_is_not_committed_is_written_again(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        _cleanup_(tally_freep) Tally *t = NULL;
        char text[1024] = "";

        assert_ok(tally_new(&t));
        tally_add_pattern(t, HOUR, "sshd", "password", &(const HistoryCount){ 1, 0 });
        assert_ok(store_begin(s, false));
        assert_ok(tally_write(t, s));
        store_rollback(s);
        write_all(t, s);
        assert_ok(store_foreach_pattern(s, 0, USEC_INFINITY, list_pattern, text));
        assert_string_equal(text, "sshd password 1 0\n");
}

/* However many names there are, an hour has few of them when it is over, and those are the ones
 * that were tried most. */
static void hours_do_not_grow_without_end(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        _cleanup_(tally_freep) Tally *t = NULL;
        unsigned n = 0;

        assert_ok(tally_new(&t));
        for (unsigned i = 0; i < 3 * TALLY_TRIM; i++) {
                tally_add_user(t, HOUR, i, &(const HistoryCount){ i == 5 ? 1000 : 1, 0 });
                if (i % 500 == 0)
                        write_all(t, s);
        }
        assert_ok(store_foreach_user(s, HOUR, HOUR + 1, count_user, &n));
        assert_true(n <= TALLY_TRIM + TALLY_KEEP);

        tally_add_user(t, HOUR + USEC_PER_HOUR, 7, &(const HistoryCount){ 1, 0 });
        write_all(t, s);
        n = 0;
        assert_ok(store_foreach_user(s, HOUR, HOUR + 1, count_user, &n));
        assert_int_equal(n, TALLY_KEEP);
}

static void between_two_commits_there_is_a_limit(void **state) {
        _cleanup_(store_closep) Store *s = open_store(*state);
        _cleanup_(tally_freep) Tally *t = NULL;
        char text[1024] = "";
        unsigned n = 0;

        assert_ok(tally_new(&t));
        for (unsigned i = 0; i < TALLY_ITEMS_MAX + 1000; i++) {
                const uint8_t bytes[4] = { 198, (uint8_t) (i >> 8), (uint8_t) i, 1 };
                Address host;

                assert_ok(address_from_bytes(AF_INET, bytes, 32, &host));
                tally_add_host(t, HOUR, &host, &(const HistoryCount){ 1, 0 });
        }
        tally_add_pattern(t, HOUR, "sshd", "password", &(const HistoryCount){ 1, 0 });

        assert_ok(store_begin(s, false));
        assert_ok(tally_write(t, s));
        assert_ok(store_foreach_network(s, HOUR, HOUR + 1, SIZE_MAX / 2, count_network, &n));
        assert_true(n <= TALLY_ITEMS_MAX);
        assert_ok(store_foreach_pattern(s, 0, USEC_INFINITY, list_pattern, text));
        assert_string_equal(text, "sshd password 1 0\n");
        assert_ok(store_commit(s));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(failures_add_up_within_their_hour),
                cmocka_file_test(what_is_not_committed_is_written_again),
                cmocka_file_test(hours_do_not_grow_without_end),
                cmocka_file_test(between_two_commits_there_is_a_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
