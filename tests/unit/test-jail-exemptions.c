/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What jails make of what administrators say while they run. */

#include "files.h"
#include "problems.h"

#include "engine/jail.h"

typedef struct Fixture {
        Config *config;
        Jail *jail;
        Exemptions exemptions;
        JailFailure last;
} Fixture;

static void fixture_done(Fixture *f) {
        jail_free(f->jail);
        exemptions_done(&f->exemptions);
        config_free(f->config);
}

static void make(Fixture *f, const Files *files, const char *settings) {
        const char *const directories[] = { files_path(files, "etc"), NULL };
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        MatcherError error;
        char text[2048];

        (void) snprintf(text,
                        sizeof(text),
                        "[x]\nenabled = yes\nfilter = x\nports = 22\nmaxretry = 3\n%s\n",
                        settings);
        (void) files_write(files, "etc/conf.d/x.conf", text);
        (void) files_write(files,
                        "etc/filters/x.conf",
                        "[filter]\nunits = x.service\n[fail]\nbad = 'bad <ADDR>'\n");

        assert_ok(config_load(&f->config, directories, &sink));
        problems_assert(&problems, "");
        assert_int_equal(jail_new(&f->jail, &f->config->jails[0], &error), 0);
        jail_set_exemptions(f->jail, &f->exemptions);
}

static void allow(Fixture *f, const char *address, usec_t since, usec_t until) {
        const Exemption x = { .address = addr(address), .since = since, .until = until };

        assert_ok(exemptions_add(&f->exemptions, &x));
}

static void set(Entry *e, EntryField field, const char *value) {
        e->fields[field] = (EntryValue){ value, strlen(value) };
}

static int fail_at(Fixture *f, usec_t when, const char *address) {
        Entry e = { .realtime = when };
        char message[128];

        (void) snprintf(message, sizeof(message), "bad %s", address);
        set(&e, ENTRY_SYSTEMD_UNIT, "x.service");
        set(&e, ENTRY_MESSAGE, message);
        f->last = (JailFailure){};
        return jail_process(f->jail, &e, &f->last);
}

static unsigned window(Fixture *f, const char *address, usec_t now) {
        Address a = addr(address);
        JailWindow w;

        return jail_get_window(f->jail, &a, now, &w) ? w.n_failures : 0;
}

static void assert_target(const Fixture *f, const char *wanted) {
        char buf[ADDRESS_STR_SIZE];

        assert_true(f->last.due);
        assert_string_equal(address_format(&f->last.target, buf), wanted);
}

static void allowed_address_counts_nothing_meanwhile(void **state) {
        _cleanup_(fixture_done) Fixture f = {};

        make(&f, *state, "");
        assert_int_equal(fail_at(&f, T0, "192.0.2.1"), JAIL_FAILURE);
        allow(&f, "192.0.2.1", T0 + 10, T0 + 20);
        assert_int_equal(fail_at(&f, T0 + 9, "192.0.2.1"), JAIL_FAILURE);
        for (unsigned i = 10; i < 20; i++)
                assert_int_equal(fail_at(&f, T0 + i, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(window(&f, "192.0.2.1", T0 + 20), 2);
        assert_int_equal(fail_at(&f, T0 + 15, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 20, "192.0.2.1"), JAIL_BAN);
        assert_int_equal(window(&f, "192.0.2.1", T0 + 20), 0);
}

static void window_is_the_same_when_read_again(void **state) {
        _cleanup_(fixture_done) Fixture f = {};

        make(&f, *state, "");
        allow(&f, "192.0.2.1", T0 + 10, T0 + 20);
        jail_set_refilling(f.jail, true);
        assert_int_equal(fail_at(&f, T0, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 12, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(fail_at(&f, T0 + 13, "192.0.2.1"), JAIL_NOTHING);
        jail_set_refilling(f.jail, false);
        assert_int_equal(window(&f, "192.0.2.1", T0 + 20), 1);
        assert_int_equal(fail_at(&f, T0 + 21, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 22, "192.0.2.1"), JAIL_BAN);
}

static void jail_that_pauses_counts_nothing(void **state) {
        _cleanup_(fixture_done) Fixture f = {};
        const Exemption other = { .jail = (char *) "y", .since = T0, .until = USEC_INFINITY };
        const Exemption own = { .jail = (char *) "x", .since = T0 + 10, .until = T0 + 20 };

        make(&f, *state, "");
        assert_ok(exemptions_add(&f.exemptions, &other));
        assert_ok(exemptions_add(&f.exemptions, &own));
        assert_int_equal(fail_at(&f, T0 + 9, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 10, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(fail_at(&f, T0 + 19, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(fail_at(&f, T0 + 20, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 21, "192.0.2.1"), JAIL_BAN);
}

static void who_shares_a_64_with_an_allowed_one_is_banned_alone(void **state) {
        _cleanup_(fixture_done) Fixture f = {};

        make(&f, *state, "");
        allow(&f, "2001:db8::5", T0, T0 + 100);
        assert_int_equal(fail_at(&f, T0 + 1, "2001:db8::6"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 2, "2001:db8::7"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 3, "2001:db8::6"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 4, "2001:db8::6"), JAIL_BAN);
        assert_target(&f, "2001:db8::6");
        assert_int_equal(fail_at(&f, T0 + 5, "2001:db8::5"), JAIL_NOTHING);

        assert_int_equal(fail_at(&f, T0 + 101, "2001:db8::6"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 102, "2001:db8::7"), JAIL_FAILURE);
        assert_int_equal(fail_at(&f, T0 + 103, "2001:db8::8"), JAIL_BAN);
        assert_target(&f, "2001:db8::/64");
}

static void network_with_an_allowed_address_is_not_due(void **state) {
        _cleanup_(fixture_done) Fixture f = {};

        make(&f, *state, "networks = 24:4");
        allow(&f, "192.0.2.200", T0, T0 + 100);
        for (unsigned i = 1; i < 10; i++) {
                char address[32];

                (void) snprintf(address, sizeof(address), "192.0.2.%u", i);
                (void) fail_at(&f, T0 + i, address);
                assert_false(f.last.network.due);
                (void) snprintf(address, sizeof(address), "198.51.100.%u", i);
                (void) fail_at(&f, T0 + i, address);
                assert_int_equal(f.last.network.due, i % 4 == 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(allowed_address_counts_nothing_meanwhile),
                cmocka_file_test(window_is_the_same_when_read_again),
                cmocka_file_test(jail_that_pauses_counts_nothing),
                cmocka_file_test(who_shares_a_64_with_an_allowed_one_is_banned_alone),
                cmocka_file_test(network_with_an_allowed_address_is_not_due),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
