/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the store knows of the past, on a real database. */

#include "database.h"

#include <inttypes.h>

#include "engine/store-history.h"

static Store *begin_store(const Files *f) {
        Store *s = open_store(f);

        assert_int_equal(store_begin(s, false), 0);
        return s;
}

static Ban make_ban(const char *address, uint64_t id, usec_t start) {
        return (Ban){
                .address = addr(address),
                .failures = 5,
                .pattern = "password",
                .id = id,
                .start = T0 + start,
                .end = T0 + start + 1000,
                .n_leaks = 7,
        };
}

static void running(Store *s, const char *jail, const char *address, uint64_t id, usec_t start) {
        Ban ban = make_ban(address, id, start);

        assert_ok(store_add_ban(s, jail, &ban));
}

static void ended(Store *s, const char *jail, const char *address, uint64_t id, usec_t start) {
        Ban ban = make_ban(address, id, start);

        assert_ok(store_add_ban(s, jail, &ban));
        assert_ok(store_end_ban(s, jail, &ban, T0 + start + 10, "expired", false));
}

typedef struct Listing {
        char text[4096];
        unsigned n;
} Listing;

static int list_one(const HistoryBan *b, void *userdata) {
        Listing *l = userdata;
        size_t used = strlen(l->text);
        char address[ADDRESS_STR_SIZE];

        l->n++;
        if (used < sizeof(l->text) - 200)
                (void) snprintf(l->text + used,
                                sizeof(l->text) - used,
                                "%" PRIu64 " %s %s %" PRIu64 "-%" PRIu64 " %s%s\n",
                                b->ban.id,
                                b->jail,
                                address_format(&b->ban.address, address),
                                b->ban.start - T0,
                                b->ban.end - T0,
                                b->cause,
                                b->counts ? "" : " (does not count)");
        assert_int_equal(b->ban.n_leaks, 7);
        return 0;
}

static HistoryQuery all(size_t max) {
        return (HistoryQuery){ .until = USEC_INFINITY, .max = max };
}

static void assert_history(Store *s, HistoryQuery q, int wanted_result, const char *wanted) {
        Listing l = {};

        assert_int_equal(store_history(s, &q, list_one, &l), wanted_result);
        assert_string_equal(l.text, wanted);
}

static void running_and_ended_bans_come_in_order(void **state) {
        _cleanup_(store_closep) Store *s = begin_store(*state);
        Ban ban = make_ban("192.0.2.9", 5, 400);

        ended(s, "sshd", "192.0.2.1", 1, 100);
        running(s, "sshd", "192.0.2.1", 3, 300);
        ended(s, "mail", "2001:db8::/64", 2, 200);
        running(s, "mail", "192.0.2.2", 4, 50); /* decided late */
        assert_ok(store_add_ended(s, "sshd", &ban, T0 + 500, "over when decided"));

        assert_history(s,
                        all(100),
                        0,
                        "4 mail 192.0.2.2 50-1050 \n"
                        "1 sshd 192.0.2.1 100-110 expired\n"
                        "2 mail 2001:db8::/64 200-210 expired\n"
                        "3 sshd 192.0.2.1 300-1300 \n"
                        "5 sshd 192.0.2.9 400-500 over when decided (does not count)\n");
        assert_history(s,
                        (HistoryQuery){ .since = T0 + 100,
                                        .after = 1,
                                        .until = T0 + 400,
                                        .max = 100,
                                        .jail = "sshd" },
                        0,
                        "3 sshd 192.0.2.1 300-1300 \n");
}

static void pages_leave_nothing_out(void **state) {
        _cleanup_(store_closep) Store *s = begin_store(*state);
        HistoryQuery q = all(7);
        Listing l = {};
        unsigned calls = 0;
        int r;

        /* Many begin at the same time, and some are of another jail. */
        for (uint64_t id = 1; id <= 100; id++) {
                if (id % 3 == 0)
                        running(s, "mail", "192.0.2.1", id, id / 10);
                else
                        ended(s, "sshd", "192.0.2.1", id, id / 10);
        }
        q.jail = "sshd";
        do {
                r = store_history(s, &q, list_one, &l);
                assert_true(r >= 0);
        } while (r > 0 && ++calls < 1000);
        assert_int_equal(l.n, 67);
}

static void so_many_are_looked_at(void **state) {
        _cleanup_(store_closep) Store *s = begin_store(*state);
        HistoryQuery q = all(10);
        Address net = addr("198.51.100.0/24");
        Listing l = {};

        for (uint64_t id = 1; id <= HISTORY_LOOK_MAX; id++)
                ended(s, "sshd", "192.0.2.1", id, id);
        ended(s, "sshd", "198.51.100.7", HISTORY_LOOK_MAX + 1, HISTORY_LOOK_MAX + 1);

        q.address = &net;
        assert_int_equal(store_history(s, &q, list_one, &l), 1);
        assert_int_equal(l.n, 0);
        assert_int_equal(store_history(s, &q, list_one, &l), 0);
        assert_int_equal(l.n, 1);
}

static void address_has_the_bans_of_networks_around_it(void **state) {
        _cleanup_(store_closep) Store *s = begin_store(*state);
        Address host = addr("192.0.2.1"), net = addr("192.0.2.0/24"), other = addr("192.0.2.0/32");
        HistoryQuery q = all(2);

        ended(s, "sshd", "192.0.2.1", 1, 10);
        running(s, "sshd", "192.0.2.0/24", 2, 20);
        ended(s, "mail", "192.0.2.0/30", 3, 15);
        ended(s, "sshd", "192.0.2.2", 4, 5);
        ended(s, "sshd", "2001:db8::1", 5, 1);
        ended(s, "sshd", "192.0.3.1", 6, 1);

        q.address = &host;
        {
                Listing l = {};

                assert_int_equal(store_history(s, &q, list_one, &l), 1);
                assert_int_equal(store_history(s, &q, list_one, &l), 0);
                assert_string_equal(l.text,
                                "1 sshd 192.0.2.1 10-20 expired\n"
                                "3 mail 192.0.2.0/30 15-25 expired\n"
                                "2 sshd 192.0.2.0/24 20-1020 \n");
        }

        q = all(100);
        q.address = &net;
        assert_history(s,
                        q,
                        0,
                        "4 sshd 192.0.2.2 5-15 expired\n"
                        "1 sshd 192.0.2.1 10-20 expired\n"
                        "3 mail 192.0.2.0/30 15-25 expired\n"
                        "2 sshd 192.0.2.0/24 20-1020 \n");

        q.address = &other;
        assert_history(s,
                        q,
                        0,
                        "3 mail 192.0.2.0/30 15-25 expired\n"
                        "2 sshd 192.0.2.0/24 20-1020 \n");
}

static void newest_are_told_oldest_first(void **state) {
        _cleanup_(store_closep) Store *s = begin_store(*state);
        Address host = addr("192.0.2.1"), net = addr("192.0.2.0/25");
        Listing l = {}, within = {};

        for (uint64_t id = 1; id <= 20; id++)
                ended(s, "sshd", "192.0.2.1", id, id * 10);
        running(s, "sshd", "192.0.2.1", 21, 500);
        ended(s, "sshd", "192.0.2.0/24", 22, 195);
        ended(s, "sshd", "192.0.2.200", 23, 600);

        assert_int_equal(store_newest(s, &host, 3, list_one, &l), 0);
        assert_string_equal(l.text,
                        "22 sshd 192.0.2.0/24 195-205 expired\n"
                        "20 sshd 192.0.2.1 200-210 expired\n"
                        "21 sshd 192.0.2.1 500-1500 \n");
        assert_int_equal(store_newest(s, &net, 2, list_one, &within), 0);
        assert_string_equal(within.text,
                        "20 sshd 192.0.2.1 200-210 expired\n"
                        "21 sshd 192.0.2.1 500-1500 \n");
}

static void ban_that_is_replaced_stays_in_the_history(void **state) {
        _cleanup_(store_closep) Store *s = begin_store(*state);
        Ban before = make_ban("192.0.2.1", 1, 100);
        Address a = addr("192.0.2.1");
        unsigned n;

        running(s, "sshd", "192.0.2.1", 1, 100);
        assert_ok(store_replace_ban(s, "sshd", &before, T0 + 200, "replaced"));
        running(s, "sshd", "192.0.2.1", 2, 200);
        assert_history(s,
                        all(10),
                        0,
                        "1 sshd 192.0.2.1 100-200 replaced\n2 sshd 192.0.2.1 200-1200 \n");
        assert_ok(store_count_earlier(s, "sshd", &a, 0, T0 + 5000, 10, &n));
        assert_int_equal(n, 1);
}

static void evidence_is_kept_with_its_ban_and_forgotten_with_it(void **state) {
        _cleanup_(freep) char *entries = NULL, *fields = NULL;
        _cleanup_(store_closep) Store *s = begin_store(*state);
        Address host = addr("192.0.2.1"), net = addr("192.0.2.0/24");

        ended(s, "sshd", "192.0.2.1", 1, 100);
        ended(s, "sshd", "192.0.2.2", 2, 100);
        ended(s, "mail", "192.0.2.1", 3, 100);
        running(s, "sshd", "192.0.2.1", 4, 200);
        for (uint64_t id = 1; id <= 4; id++)
                assert_ok(store_add_evidence(s, id, "[1]", "{2}"));

        assert_int_equal(store_get_evidence(s, 3, &entries, &fields), 0);
        assert_string_equal(entries, "[1]");
        assert_string_equal(fields, "{2}");
        free(TAKE_PTR(entries));
        free(TAKE_PTR(fields));

        assert_int_equal(store_forget(s, &host), 2);
        assert_int_equal(store_get_evidence(s, 3, &entries, &fields), 0);
        assert_null(entries);
        assert_history(s,
                        all(10),
                        0,
                        "2 sshd 192.0.2.2 100-110 expired\n4 sshd 192.0.2.1 200-1200 \n");
        assert_int_equal(store_get_evidence(s, 4, &entries, &fields), 0);
        assert_non_null(entries);

        assert_int_equal(store_forget(s, &net), 1);
        assert_int_equal(store_forget(s, &net), 0);
}

static int list_unban(const char *jail, const Address *a, usec_t when, void *userdata) {
        Listing *l = userdata;
        size_t used = strlen(l->text);
        char address[ADDRESS_STR_SIZE];

        (void) snprintf(l->text + used,
                        sizeof(l->text) - used,
                        "%s %s %" PRIu64 "\n",
                        jail,
                        address_format(a, address),
                        when - T0);
        return 0;
}

static void unbans_are_kept(void **state) {
        _cleanup_(store_closep) Store *s = begin_store(*state);
        Listing l = {};

        assert_ok(store_add_unban(s, "sshd", &(Address[]){ addr("192.0.2.1") }[0], T0 + 1));
        assert_ok(store_add_unban(s, "mail", &(Address[]){ addr("192.0.2.1") }[0], T0 + 2));
        assert_ok(store_add_unban(s, "sshd", &(Address[]){ addr("192.0.2.1") }[0], T0 + 3));
        assert_ok(store_add_unban(s, "sshd", &(Address[]){ addr("192.0.2.0/24") }[0], T0 + 4));
        assert_ok(store_foreach_unban(s, list_unban, &l));
        assert_string_equal(l.text, "sshd 192.0.2.0/24 4\nmail 192.0.2.1 2\nsshd 192.0.2.1 3\n");
}

/* Counts */

static void add_line(Listing *l, const char *what, const HistoryCount *c) {
        size_t used = strlen(l->text);

        (void) snprintf(l->text + used,
                        sizeof(l->text) - used,
                        "%s %" PRIu64 " %" PRIu64 "\n",
                        what,
                        c->failures,
                        c->bans);
}

static int list_time(usec_t step, const char *jail, const HistoryCount *c, void *userdata) {
        char what[64];

        (void) snprintf(what, sizeof(what), "%" PRIu64 " %s", step / USEC_PER_HOUR, jail);
        add_line(userdata, what, c);
        return 0;
}

static int
list_pattern(const char *jail, const char *pattern, const HistoryCount *c, void *userdata) {
        char what[64];

        (void) snprintf(what, sizeof(what), "%s %s", jail, pattern);
        add_line(userdata, what, c);
        return 0;
}

static int list_user(uint64_t user, const HistoryCount *c, void *userdata) {
        char what[32];

        (void) snprintf(what, sizeof(what), "%" PRIx64, user);
        add_line(userdata, what, c);
        return 0;
}

static int list_network(const Address *net, const HistoryCount *c, void *userdata) {
        char address[ADDRESS_STR_SIZE];

        add_line(userdata, address_format(net, address), c);
        return 0;
}

static void counts_add_up_by_hours_and_days(void **state) {
        _cleanup_(store_closep) Store *s = begin_store(*state);
        Listing hours = {}, days = {}, patterns = {};

        for (unsigned hour = 22; hour < 26; hour++) {
                usec_t when = hour * USEC_PER_HOUR;

                assert_ok(store_count_pattern(
                                s, when, "sshd", "password", &(const HistoryCount){ hour, 1 }));
                assert_ok(store_count_pattern(
                                s, when, "sshd", "password", &(const HistoryCount){ 1, 0 }));
                assert_ok(store_count_pattern(
                                s, when, "sshd", "pam", &(const HistoryCount){ 1000, 0 }));
                assert_ok(store_count_pattern(
                                s, when, "mail", "sasl", &(const HistoryCount){ 1, 1 }));
        }

        assert_ok(store_foreach_time(s,
                        23 * USEC_PER_HOUR,
                        25 * USEC_PER_HOUR,
                        USEC_PER_HOUR,
                        list_time,
                        &hours));
        assert_string_equal(
                        hours.text, "23 mail 1 1\n23 sshd 1024 1\n24 mail 1 1\n24 sshd 1025 1\n");
        assert_ok(store_foreach_time(s, 0, USEC_INFINITY, USEC_PER_DAY, list_time, &days));
        assert_string_equal(days.text, "0 mail 2 2\n0 sshd 2047 2\n24 mail 2 2\n24 sshd 2051 2\n");
        assert_ok(store_foreach_pattern(s, 0, 24 * USEC_PER_HOUR, list_pattern, &patterns));
        assert_string_equal(patterns.text, "sshd pam 2000 0\nsshd password 47 2\nmail sasl 2 2\n");
}

static void users_and_networks_that_failed_most_stay(void **state) {
        _cleanup_(store_closep) Store *s = begin_store(*state);
        Listing users = {}, networks = {}, few = {};

        for (unsigned i = 1; i <= 5; i++) {
                uint8_t bytes[4] = { 198, 51, 100, 0 };
                HistoryCount c = { i == 2 ? 100 : i, i };
                Address net;

                bytes[2] = (uint8_t) i;
                assert_ok(address_from_bytes(AF_INET, bytes, 24, &net));
                for (usec_t hour = 0; hour < 2; hour++) {
                        assert_ok(store_count_user(s, hour, UINT64_MAX - i, &c));
                        assert_ok(store_count_network(s, hour, &net, &c));
                }
        }
        assert_ok(store_trim_users(s, 0, 2));
        assert_ok(store_trim_networks(s, 0, 2));

        assert_ok(store_foreach_user(s, 0, 1, list_user, &users));
        assert_string_equal(users.text, "fffffffffffffffd 100 2\nfffffffffffffffa 5 5\n");
        assert_ok(store_foreach_network(s, 0, 1, 10, list_network, &networks));
        assert_string_equal(networks.text, "198.51.2.0/24 100 2\n198.51.5.0/24 5 5\n");
        assert_ok(store_foreach_network(s, 0, 2, 3, list_network, &few));
        assert_string_equal(
                        few.text, "198.51.2.0/24 200 4\n198.51.5.0/24 10 10\n198.51.4.0/24 4 4\n");
}

/* A question may take time with the answer, and not with all that is kept. */
static void questions_are_answered_by_an_index(void **state) {
        static const Statement statements[] = {
                STATEMENT_BAN,
                STATEMENT_BANS_BEHIND,
                STATEMENT_HISTORY,
                STATEMENT_HISTORY_OF,
                STATEMENT_NEWEST_OF,
                STATEMENT_NEWEST_WITHIN,
                STATEMENT_FORGET,
                STATEMENT_COUNT_EARLIER,
                STATEMENT_STATISTICS_TIMES,
                STATEMENT_STATISTICS_PATTERNS,
                STATEMENT_STATISTICS_USERS,
                STATEMENT_STATISTICS_NETWORKS,
        };
        /* A scan of what another part of the question found is none. */
        static const char *const unwanted[] = {
                "SCAN bans",
                "SCAN ended",
                "SCAN hours",
                "SCAN evidence",
                NULL,
        };
        _cleanup_(store_closep) Store *s = begin_store(*state);

        assert_plans(s, statements, ELEMENTSOF(statements), unwanted);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(running_and_ended_bans_come_in_order),
                cmocka_file_test(pages_leave_nothing_out),
                cmocka_file_test(so_many_are_looked_at),
                cmocka_file_test(address_has_the_bans_of_networks_around_it),
                cmocka_file_test(newest_are_told_oldest_first),
                cmocka_file_test(ban_that_is_replaced_stays_in_the_history),
                cmocka_file_test(evidence_is_kept_with_its_ban_and_forgotten_with_it),
                cmocka_file_test(unbans_are_kept),
                cmocka_file_test(counts_add_up_by_hours_and_days),
                cmocka_file_test(users_and_networks_that_failed_most_stay),
                cmocka_file_test(questions_are_answered_by_an_index),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
