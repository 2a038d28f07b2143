/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"
#include "problems.h"

#include "engine/jail.h"

/* A jail with the shipped filter of sshd, as its file would make it, and settings added to it. */
typedef struct Fixture {
        Config *config;
        Jail *jail;
        usec_t now;       /* each entry comes a second after the one before */
        JailFailure last; /* of the last entry that counted */
} Fixture;

static void fixture_done(Fixture *f) {
        jail_free(f->jail);
        config_free(f->config);
}

/* Jails of this text, and the one of this name. */
static Fixture
make_jail(const Files *files, const char *filters, const char *text, const char *name) {
        const char *const directories[] = { files_path(files, "etc"), NULL };
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        Fixture f = { .now = T0 };
        MatcherError error;

        (void) files_write(files, "etc/conf.d/sshd.conf", text);
        (void) unlink(files_path(files, "etc/filters"));
        assert_int_equal(symlink(filters, files_path(files, "etc/filters")), 0);

        assert_ok(config_load(&f.config, directories, &sink));
        problems_assert(&problems, "");
        assert_int_equal(jail_new(&f.jail, config_get_jail(f.config, name), &error), 0);
        return f;
}

#define SSHD "[sshd]\nenabled = yes\nports = 22\n"

static Fixture make_with(const Files *files, const char *filters, const char *settings) {
        char text[2048];

        (void) snprintf(text, sizeof(text), SSHD "%s\n", settings);
        return make_jail(files, filters, text, "sshd");
}

static Fixture make(const Files *files, const char *settings) {
        return make_with(files, SOURCE_DIR "/filters", settings);
}

static void set(Entry *e, EntryField field, const char *value) {
        e->fields[field] = value ? (EntryValue){ value, strlen(value) } : (EntryValue){};
}

/* What sshd's process of this id says, as journald keeps it. */
static Entry entry(const char *pid, const char *message) {
        Entry e = {};

        set(&e, ENTRY_MESSAGE, message);
        set(&e, ENTRY_SYSTEMD_UNIT, "ssh.service");
        set(&e, ENTRY_UID, "0");
        set(&e, ENTRY_PID, pid);
        set(&e, ENTRY_COMM, "sshd");
        set(&e, ENTRY_SYSLOG_IDENTIFIER, "sshd");
        return e;
}

static int process(Fixture *f, Entry e) {
        if (e.realtime == 0)
                e.realtime = f->now += USEC_PER_SEC;
        return jail_process(f->jail, &e, &f->last);
}

static int say(Fixture *f, const char *pid, const char *message) {
        return process(f, entry(pid, message));
}

static int say_at(Fixture *f, usec_t when, const char *pid, const char *message) {
        Entry e = entry(pid, message);

        e.realtime = when;
        return process(f, e);
}

/* A wrong password in a connection of its own. */
static int fail_from(Fixture *f, const char *address) {
        static unsigned next_pid = 1000;
        char pid[16], message[256];

        (void) snprintf(pid, sizeof(pid), "%u", next_pid++);
        (void) snprintf(message,
                        sizeof(message),
                        "Failed password for root from %s port 4711 ssh2",
                        address);
        return say(f, pid, message);
}

static void assert_address(const Address *a, const char *wanted) {
        char buf[ADDRESS_STR_SIZE];

        assert_string_equal(address_format(a, buf), wanted);
}

static JailStats stats(const Fixture *f) {
        JailStats s;

        jail_get_stats(f->jail, &s);
        return s;
}

static void ban(Fixture *f, const char *address, usec_t end) {
        assert_ok(ban_list_add(jail_get_bans(f->jail),
                        &(const Ban){ .address = addr(address),
                                        .pattern = "",
                                        .start = T0,
                                        .end = end },
                        NULL));
}

/* The way to a ban */

/* Entries are numbered by their pid. */
static EntryPlace place_by_pid(void *userdata) {
        return (EntryPlace){ strtoull(userdata, NULL, 10), 7 };
}

static int say_placed(Fixture *f, const char *pid, const char *message) {
        Entry e = entry(pid, message);

        e.get_place = place_by_pid;
        e.userdata = (char *) pid;
        return process(f, e);
}

static void ban_tells_the_entries_that_made_it(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 3");

        (void) say_placed(&f, "11", "Failed password for root from 192.0.2.1 port 1 ssh2");
        assert_int_equal(f.last.n_evidence, 0);
        (void) say_placed(&f,
                        "12",
                        "administratively prohibited connection for root from 192.0.2.1 port 2");
        assert_int_equal(
                        say_placed(&f, "13", "Failed password for root from 192.0.2.1 port 3 ssh2"),
                        JAIL_BAN);

        assert_int_equal(f.last.n_evidence, 3);
        for (unsigned i = 0; i < 3; i++) {
                const JailEvidence *e = &f.last.evidence[i];

                assert_int_equal(e->place.seqnum, 11 + i);
                assert_int_equal(e->place.journal, 7);
                assert_int_equal(e->when, f.now - (2 - i) * USEC_PER_SEC);
                assert_string_equal(e->pattern, i == 1 ? "refused" : "password");
        }
        assert_int_equal(f.last.n_counts, 1);
        assert_string_equal(f.last.counts[0].pattern, "password");
        assert_int_equal(f.last.counts[0].n, 1);
}

static void newest_entries_of_many_are_told(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 30\nfindtime = 1h");
        char pid[16];

        for (unsigned i = 1; i <= 30; i++) {
                (void) snprintf(pid, sizeof(pid), "%u", i);
                (void) say_placed(&f, pid, "Failed password for root from 192.0.2.1 port 1 ssh2");
        }

        assert_int_equal(f.last.failures, 30);
        assert_int_equal(f.last.n_evidence, JAIL_EVIDENCE_MAX);
        assert_int_equal(f.last.evidence[0].place.seqnum, 30 - JAIL_EVIDENCE_MAX + 1);
        assert_int_equal(f.last.evidence[JAIL_EVIDENCE_MAX - 1].place.seqnum, 30);
}

static void fifth_wrong_password_bans(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "");

        for (unsigned i = 1; i <= 4; i++) {
                assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
                assert_int_equal(f.last.failures, i);
        }
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_BAN);
        assert_address(&f.last.host, "192.0.2.1");
        assert_address(&f.last.target, "192.0.2.1");
        assert_int_equal(f.last.failures, 5);
        assert_int_equal(f.last.when, f.now);
        assert_string_equal(f.last.pattern, "password");
        assert_int_equal(stats(&f).n_failures, 5);
        assert_int_equal(stats(&f).n_entries, 5);
        assert_int_equal(stats(&f).last_failure, f.now);

        /* And it begins from zero. */
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
}

static void jail_reads_one_namespace(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "");
        Entry e = entry("1", "Failed password for root from 192.0.2.1 port 1 ssh2");

        set(&e, ENTRY_NAMESPACE, "web");
        assert_int_equal(process(&f, e), JAIL_NOTHING);
        set(&e, ENTRY_SYSTEMD_UNIT, NULL);
        assert_int_equal(process(&f, e), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_entries, 0);

        free(f.config->jails[0].journal_namespace);
        f.config->jails[0].journal_namespace = strdup("web");
        assert_int_equal(process(&f, e), JAIL_FAILURE);
        set(&e, ENTRY_NAMESPACE, "webs");
        assert_int_equal(process(&f, e), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_NOTHING);
}

static void five_passwords_in_one_connection_ban(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "");
        static const char line[] = "Failed password for invalid user x from 192.0.2.1 port 1 ssh2";

        assert_int_equal(say(&f, "7", "Invalid user x from 192.0.2.1 port 1"), JAIL_NOTHING);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(say(&f, "7", line), JAIL_FAILURE);
        assert_int_equal(say(&f, "7", line), JAIL_BAN);
}

static void others_do_not_count_for_it(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 2");

        for (unsigned i = 1; i < 200; i++) {
                char text[32];

                (void) snprintf(text, sizeof(text), "192.0.2.%u", i);
                assert_int_equal(fail_from(&f, text), JAIL_FAILURE);
        }
}

static void failures_beyond_findtime_do_not_count(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 2\nfindtime = 10s");
        static const char line[] = "Failed password for x from 192.0.2.1 port 1 ssh2";

        assert_int_equal(say_at(&f, T0, "1", line), JAIL_FAILURE);
        assert_int_equal(say_at(&f, T0 + 10 * USEC_PER_SEC + 1, "2", line), JAIL_FAILURE);
        assert_int_equal(say_at(&f, T0 + 20 * USEC_PER_SEC + 1, "3", line), JAIL_BAN);
}

static void right_password_is_no_failure(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 1");

        assert_int_equal(say(&f, "7", "Accepted password for alice from 192.0.2.1 port 1 ssh2"),
                        JAIL_NOTHING);
        assert_int_equal(say(&f, "7", "Disconnected from user alice 192.0.2.1 port 1"),
                        JAIL_NOTHING);
        assert_int_equal(stats(&f).n_entries, 2);
        assert_int_equal(stats(&f).n_failures, 0);
}

/* Which entries */

static void entries_of_other_units_are_not_read(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 1");
        Entry e = entry("1", "Failed password for root from 192.0.2.1 port 1 ssh2");

        set(&e, ENTRY_SYSTEMD_UNIT, "cron.service");
        assert_int_equal(process(&f, e), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_entries, 0);
        set(&e, ENTRY_SYSTEMD_UNIT, "sshd.service");
        assert_int_equal(process(&f, e), JAIL_BAN);
}

static void shells_of_users_inside_the_unit_are_not_believed(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 1");
        Entry e = entry("1", "Failed password for root from 192.0.2.1 port 1 ssh2");

        set(&e, ENTRY_UID, "1000");
        assert_int_equal(process(&f, e), JAIL_NOTHING);
        set(&e, ENTRY_UID, NULL);
        assert_int_equal(process(&f, e), JAIL_NOTHING);
        set(&e, ENTRY_UID, "00");
        assert_int_equal(process(&f, e), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_entries, 0);
}

static void entry_of_root_without_unit_fits_by_its_identifier(void **state) {
        static const char *const identifiers[] = { "sshd", "sshd-session", "sshd-auth" };
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 1");

        for (size_t i = 0; i < ELEMENTSOF(identifiers); i++) {
                Entry e = entry("1", "Failed password for root from 192.0.2.1 port 1 ssh2");

                set(&e, ENTRY_SYSTEMD_UNIT, NULL);
                set(&e, ENTRY_COMM, NULL);
                set(&e, ENTRY_SYSLOG_IDENTIFIER, identifiers[i]);
                assert_int_equal(process(&f, e), JAIL_BAN);
        }
}

static void entry_of_a_user_without_unit_fits_nothing(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 1");
        Entry e = entry("1", "Failed password for root from 192.0.2.1 port 1 ssh2");

        set(&e, ENTRY_SYSTEMD_UNIT, NULL);
        set(&e, ENTRY_UID, "1000");
        assert_int_equal(process(&f, e), JAIL_NOTHING);
        set(&e, ENTRY_UID, NULL);
        assert_int_equal(process(&f, e), JAIL_NOTHING);
        set(&e, ENTRY_UID, "0");
        set(&e, ENTRY_SYSLOG_IDENTIFIER, "su");
        assert_int_equal(process(&f, e), JAIL_NOTHING);
        set(&e, ENTRY_SYSLOG_IDENTIFIER, NULL);
        assert_int_equal(process(&f, e), JAIL_NOTHING);
}

static void root_in_another_unit_does_not_pass_for_sshd(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 1");
        Entry e = entry("1", "Failed password for root from 192.0.2.1 port 1 ssh2");

        set(&e, ENTRY_SYSTEMD_UNIT, "session-3.scope");
        assert_int_equal(process(&f, e), JAIL_NOTHING);
}

static void entry_without_a_message_is_nothing(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 1");
        Entry e = entry("1", NULL);

        assert_int_equal(process(&f, e), JAIL_NOTHING);
        set(&e, ENTRY_MESSAGE, "");
        assert_int_equal(process(&f, e), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_entries, 2);
}

/* Sessions */

static void connection_that_ends_before_its_first_password_fails_once(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "");

        assert_int_equal(
                        say(&f, "7", "Connection closed by authenticating user root 192.0.2.1 port 1 [preauth]"),
                        JAIL_FAILURE);
        assert_string_equal(f.last.pattern, "closed");
        assert_int_equal(f.last.failures, 1);

        assert_int_equal(say(&f, "8", "Invalid user x from 192.0.2.1 port 2"), JAIL_NOTHING);
        assert_int_equal(
                        say(&f, "8", "Connection closed by invalid user x 192.0.2.1 port 2 [preauth]"),
                        JAIL_FAILURE);
        assert_int_equal(f.last.failures, 2);
}

static void end_of_a_connection_that_failed_adds_nothing(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "");

        assert_int_equal(say(&f, "7", "Failed password for root from 192.0.2.1 port 1 ssh2"),
                        JAIL_FAILURE);
        assert_int_equal(
                        say(&f, "7", "Connection closed by authenticating user root 192.0.2.1 port 1 [preauth]"),
                        JAIL_NOTHING);
        assert_int_equal(stats(&f).n_failures, 1);
}

static void several_ends_of_one_connection_are_one_failure(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "");

        assert_int_equal(
                        say(&f,
                                        "7",
                                        "error: maximum authentication attempts exceeded for alice from 192.0.2.1 port 1 "
                                        "ssh2 [preauth]"),
                        JAIL_FAILURE);
        assert_int_equal(
                        say(&f,
                                        "7",
                                        "Disconnecting authenticating user alice 192.0.2.1 port 1: Too many authentication "
                                        "failures [preauth]"),
                        JAIL_NOTHING);
        assert_int_equal(stats(&f).n_failures, 1);
}

static void process_id_that_comes_round_with_another_address_is_another_session(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "");

        assert_int_equal(say(&f, "7", "Failed password for root from 192.0.2.1 port 1 ssh2"),
                        JAIL_FAILURE);
        assert_int_equal(
                        say(&f, "7", "Connection closed by authenticating user root 192.0.2.2 port 1 [preauth]"),
                        JAIL_FAILURE);
        assert_address(&f.last.host, "192.0.2.2");
}

static void process_id_that_comes_round_after_long_is_another_session(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "findtime = 1h");
        static const char closed[] =
                        "Connection closed by authenticating user root 192.0.2.1 port 1 [preauth]";

        assert_int_equal(say_at(&f, T0, "7", closed), JAIL_FAILURE);
        assert_int_equal(say_at(&f, T0 + 10 * USEC_PER_MINUTE, "7", closed), JAIL_NOTHING);
        assert_int_equal(say_at(&f, T0 + 20 * USEC_PER_MINUTE + 1, "7", closed), JAIL_FAILURE);
}

static void entry_without_a_process_id_has_no_session(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "");

        assert_int_equal(say(&f, NULL, "Failed password for root from 192.0.2.1 port 1 ssh2"),
                        JAIL_FAILURE);
        assert_int_equal(
                        say(&f, NULL, "Connection closed by authenticating user root 192.0.2.1 port 1 [preauth]"),
                        JAIL_FAILURE);
}

#define WAITING_FILTER                                                                             \
        "[filter]\nunits = ssh.service\nsession = _PID\n"                                          \
        "[fail]\nbad = 'bad'\nbadfrom = 'bad from <ADDR>'\n[once]\nend = 'end(?: <ADDR>)?'\n[context]\npeer = 'peer <ADDR>'\n"

static Fixture make_waiting(const Files *files, const char *settings) {
        (void) files_write(files, "filters/sshd.conf", WAITING_FILTER);
        return make_with(files, files_path(files, "filters"), settings);
}

static void address_told_first_serves_failures_without_one(void **state) {
        _cleanup_(fixture_done) Fixture f = make_waiting(*state, "");

        assert_int_equal(say(&f, "7", "peer 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "7", "bad"), JAIL_FAILURE);
        assert_address(&f.last.host, "192.0.2.1");
        assert_int_equal(say(&f, "8", "bad"), JAIL_NOTHING); /* another session */
}

static void failures_wait_for_the_address_and_count_when_it_is_told(void **state) {
        _cleanup_(fixture_done) Fixture f = make_waiting(*state, "");

        assert_int_equal(say(&f, "7", "bad"), JAIL_NOTHING);
        assert_int_equal(say(&f, "7", "bad"), JAIL_NOTHING);
        assert_int_equal(say(&f, "7", "bad"), JAIL_NOTHING);
        assert_int_equal(say(&f, "7", "peer 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 3);
        assert_int_equal(f.last.when, f.now); /* of the line that completes them */
        assert_int_equal(say(&f, "7", "peer 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "7", "bad from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 4);
        assert_int_equal(say(&f, "7", "end"), JAIL_NOTHING);
}

static void more_that_wait_than_are_needed_ban_once(void **state) {
        _cleanup_(fixture_done) Fixture f = make_waiting(*state, "maxretry = 3");

        for (unsigned i = 0; i < 3000; i++)
                assert_int_equal(say(&f, "7", "bad"), JAIL_NOTHING);
        assert_int_equal(say(&f, "7", "peer 192.0.2.1"), JAIL_BAN);
        assert_int_equal(f.last.failures, 3);
        assert_int_equal(say(&f, "7", "bad"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
}

static void once_without_address_waits_as_well(void **state) {
        _cleanup_(fixture_done) Fixture f = make_waiting(*state, "");

        assert_int_equal(say(&f, "7", "end"), JAIL_NOTHING);
        assert_int_equal(say(&f, "7", "end"), JAIL_NOTHING);
        assert_int_equal(say(&f, "7", "end 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
}

/* Whom it may not hit, and who is hit already */

static void allowed_addresses_never_fail(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make(*state, "maxretry = 1\nallow = 192.0.2.0/28 2001:db8::1");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "::ffff:192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "2001:db8::1"), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_allowed, 3);
        assert_int_equal(stats(&f).n_failures, 0);
        assert_int_equal(fail_from(&f, "192.0.2.16"), JAIL_BAN);
}

static void banned_addresses_are_not_counted(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 1");

        ban(&f, "192.0.2.0/24", USEC_INFINITY);
        ban(&f, "198.51.100.1", T0 + USEC_PER_HOUR);
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "198.51.100.1"), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_banned, 2);
        assert_int_equal(stats(&f).n_failures, 0);
        assert_int_equal(fail_from(&f, "198.51.100.2"), JAIL_BAN);

        /* Whose ban ended and is only not taken off the list yet counts. */
        assert_int_equal(say_at(&f,
                                         T0 + USEC_PER_HOUR + 1,
                                         "9",
                                         "Failed password for x from 198.51.100.1 port 1 ssh2"),
                        JAIL_BAN);
}

/* IPv6 */

static void failures_of_a_64_count_together(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 3");

        assert_int_equal(fail_from(&f, "2001:db8:1:2::1"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "2001:db8:1:3::1"), JAIL_FAILURE); /* the next one */
        assert_int_equal(fail_from(&f, "2001:db8:1:2:a:b:c:d"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 2);
        assert_int_equal(fail_from(&f, "2001:db8:1:2:ffff::"), JAIL_BAN);
        assert_address(&f.last.host, "2001:db8:1:2:ffff::");
        assert_address(&f.last.target, "2001:db8:1:2::/64");
}

static void ban_of_the_64_covers_all_of_it(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 1");

        ban(&f, "2001:db8:1:2::/64", USEC_INFINITY);
        assert_int_equal(fail_from(&f, "2001:db8:1:2::77"), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_banned, 1);
        assert_int_equal(fail_from(&f, "2001:db8:1:3::77"), JAIL_BAN);
}

static void allowed_address_keeps_its_64_from_being_counted_together(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 2\nallow = 2001:db8::1");

        assert_int_equal(fail_from(&f, "2001:db8::2"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "2001:db8::3"), JAIL_FAILURE);
        assert_int_equal(fail_from(&f, "2001:db8::1"), JAIL_NOTHING);
        assert_int_equal(fail_from(&f, "2001:db8::2"), JAIL_BAN);
        assert_address(&f.last.target, "2001:db8::2");
}

/* The end of a ban */

static void failures_before_the_end_of_a_ban_do_not_count(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 2");
        static const char line[] = "Failed password for root from 192.0.2.1 port 1 ssh2";
        Address a = addr("192.0.2.1");

        assert_int_equal(say_at(&f, T0, "1", line), JAIL_FAILURE);
        assert_int_equal(jail_forget(f.jail, &a, T0 + 100), 0);
        assert_int_equal(say_at(&f, T0 + 50, "2", line), JAIL_NOTHING); /* told late */
        assert_int_equal(stats(&f).n_failures, 1);
        assert_int_equal(say_at(&f, T0 + 101, "3", line), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
        assert_int_equal(say_at(&f, T0 + 102, "4", line), JAIL_BAN);
}

static void failure_at_the_end_of_a_ban_does_not_count(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 1");
        static const char line[] = "Failed password for root from 192.0.2.1 port 1 ssh2";
        const Ban ban = { .address = addr("192.0.2.1"), .start = T0, .end = T0 + 100 };
        Ban *added;

        assert_int_equal(ban_list_add(jail_get_bans(f.jail), &ban, &added), 1);
        assert_int_equal(say_at(&f, T0 + 100, "1", line), JAIL_NOTHING);

        ban_list_remove(jail_get_bans(f.jail), added);
        assert_int_equal(jail_forget(f.jail, &ban.address, T0 + 100), 0);
        assert_int_equal(say_at(&f, T0 + 100, "2", line), JAIL_NOTHING);
        assert_int_equal(say_at(&f, T0 + 101, "3", line), JAIL_BAN);
}

static void end_of_a_ban_by_hand_of_a_host_forgets_its_64(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 2");
        Address a = addr("2001:db8::1");

        assert_int_equal(fail_from(&f, "2001:db8::1"), JAIL_FAILURE);
        assert_int_equal(jail_forget(f.jail, &a, f.now), 0);
        assert_int_equal(fail_from(&f, "2001:db8::1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
}

static void end_of_a_prefix_forgets_all_within_also_what_is_told_late(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 2");
        Address net = addr("192.0.2.0/24");

        assert_int_equal(say_at(&f, T0, "1", "Failed password for x from 192.0.2.1 port 1 ssh2"),
                        JAIL_FAILURE);
        assert_int_equal(jail_forget(f.jail, &net, T0 + 100), 0);
        assert_int_equal(say_at(&f,
                                         T0 + 50,
                                         "2",
                                         "Failed password for x from 192.0.2.1 port 1 ssh2"),
                        JAIL_NOTHING);
        assert_int_equal(say_at(&f,
                                         T0 + 100,
                                         "3",
                                         "Failed password for x from 192.0.2.2 port 1 ssh2"),
                        JAIL_NOTHING);
        assert_int_equal(say_at(&f,
                                         T0 + 101,
                                         "4",
                                         "Failed password for x from 192.0.2.1 port 1 ssh2"),
                        JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
        assert_int_equal(say_at(&f,
                                         T0 + 50,
                                         "5",
                                         "Failed password for x from 198.51.100.1 port 1 ssh2"),
                        JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
}

/* Bans of a /64 end by the thousand, those of other prefixes were made by hand. */
static void ends_of_many_64s_do_not_push_out_a_prefix_lifted_by_hand(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 2");
        Address net = addr("192.0.2.0/24");

        assert_int_equal(jail_forget(f.jail, &net, T0 + 100), 0);
        for (unsigned i = 0; i < 1000; i++) {
                const uint8_t bytes[16] = { 0x20, 1, 0xd, 0xb8, (uint8_t) (i >> 8), (uint8_t) i };
                Address a;

                assert_ok(address_from_bytes(AF_INET6, bytes, 64, &a));
                assert_int_equal(jail_forget(f.jail, &a, T0 + 1000), 0);
        }
        assert_int_equal(say_at(&f,
                                         T0 + 50,
                                         "1",
                                         "Failed password for x from 192.0.2.1 port 1 ssh2"),
                        JAIL_NOTHING);
        assert_int_equal(say_at(&f,
                                         T0 + 50,
                                         "2",
                                         "Failed password for x from 2001:db8:1::1 port 1 ssh2"),
                        JAIL_NOTHING);
}

static void quiet_addresses_give_their_memory_back(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 2\nfindtime = 10s");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        jail_expire(f.jail, f.now + 11 * USEC_PER_SEC);
        assert_int_equal(stats(&f).n_forgotten, 0);
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
}

/* Replacing and refusing */

static void replaced_jail_hands_over_bans_and_counters(void **state) {
        _cleanup_(fixture_done) Fixture old = make(*state, "maxretry = 3");
        _cleanup_(fixture_done) Fixture new = make(*state, "maxretry = 2");
        Address banned = addr("198.51.100.1");

        ban(&old, "198.51.100.1", USEC_INFINITY);
        assert_int_equal(fail_from(&old, "192.0.2.1"), JAIL_FAILURE);
        jail_inherit(new.jail, old.jail);
        assert_non_null(ban_list_get(jail_get_bans(new.jail), &banned));
        assert_int_equal(stats(&new).n_failures, 1);
        assert_int_equal(fail_from(&new, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(new.last.failures, 1);
}

static void refilling_fills_windows_and_counts_nothing(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 3");

        assert_int_equal(fail_from(&f, "192.0.2.9"), JAIL_FAILURE);
        jail_set_refilling(f.jail, true);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_FAILURE);
        jail_set_refilling(f.jail, false);
        assert_int_equal(stats(&f).n_failures, 1);
        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_BAN);
        assert_int_equal(stats(&f).n_failures, 2);
}

/* Bans as failures */

static Fixture make_counting(const Files *files, const char *settings) {
        char text[512];

        (void) snprintf(text,
                        sizeof(text),
                        SSHD "[bans]\nenabled = yes\nsource = bans\nports = any\n%s\n",
                        settings);
        return make_jail(files, SOURCE_DIR "/filters", text, "bans");
}

/* Another jail makes a ban. */
static int count_ban_at(Fixture *f, usec_t when, const char *address) {
        const Ban ban = {
                .address = addr(address),
                .failures = 5,
                .pattern = "password",
                .id = when - T0 + 7,
                .start = when,
        };

        return jail_count_ban(f->jail, &f->config->jails[0], &ban, &f->last);
}

static int count_ban(Fixture *f, const char *address) {
        return count_ban_at(f, f->now += USEC_PER_SEC, address);
}

static void bans_within_findtime_ban(void **state) {
        _cleanup_(fixture_done) Fixture f = make_counting(*state, "maxretry = 3\nfindtime = 366d");
        const usec_t findtime = 366 * USEC_PER_DAY;

        assert_int_equal(count_ban_at(&f, T0, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
        assert_int_equal(count_ban_at(&f, T0, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(count_ban_at(&f, T0 + 5, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(count_ban_at(&f, T0 + 5, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(count_ban_at(&f, T0 + findtime + 1, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 2);
        assert_int_equal(count_ban_at(&f, T0 + findtime, "192.0.2.2"), JAIL_BAN);
        assert_address(&f.last.host, "192.0.2.2");
        assert_address(&f.last.target, "192.0.2.2");
        assert_int_equal(f.last.failures, 3);
        assert_int_equal(f.last.when, T0 + findtime);
        assert_string_equal(f.last.pattern, "ban");
        assert_int_equal(f.last.n_fields, 0);
        assert_int_equal(f.last.n_evidence, 3);
        assert_int_equal(f.last.evidence[1].when, T0 + 5);
        assert_string_equal(f.last.evidence[1].pattern, "ban");
        assert_int_equal(f.last.evidence[1].place.journal, ENTRY_PLACE_BAN);
        assert_int_equal(f.last.evidence[1].place.seqnum, 12);
        assert_int_equal(stats(&f).n_failures, 6);
        assert_int_equal(stats(&f).n_entries, 0);
        assert_int_equal(stats(&f).last_failure, T0 + findtime);
}

static void jail_that_counts_bans_reads_nothing(void **state) {
        _cleanup_(fixture_done) Fixture f = make_counting(*state, "findtime = 4w");

        assert_int_equal(fail_from(&f, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_entries, 0);
        assert_int_equal(jail_lookback(f.jail), 0);
        assert_ok(jail_clear(f.jail));
}

static void bans_by_hand_or_for_another_jail_are_no_failures(void **state) {
        _cleanup_(fixture_done) Fixture f = make_counting(*state, "maxretry = 1");
        _cleanup_(fixture_done) Fixture reading = make(*state, "maxretry = 1");
        Ban ban = { .address = addr("192.0.2.1"), .pattern = "", .start = T0 };
        const JailConfig *sshd = &f.config->jails[0], *bans = jail_get_config(f.jail);

        assert_int_equal(jail_count_ban(f.jail, sshd, &ban, &f.last), JAIL_NOTHING);
        ban.failures = 5;
        assert_int_equal(jail_count_ban(f.jail, bans, &ban, &f.last), JAIL_NOTHING);
        assert_int_equal(jail_count_ban(reading.jail, sshd, &ban, &f.last), JAIL_NOTHING);
        assert_int_equal(jail_count_ban(f.jail, sshd, &ban, &f.last), JAIL_BAN);
}

static void allowed_and_banned_addresses_are_not_counted_for_bans_either(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make_counting(*state, "maxretry = 2\nallow = 192.0.2.0/28");
        Ban *running;

        assert_int_equal(count_ban(&f, "192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_allowed, 1);

        /* That it does not hold is for others to say, who see connections. */
        ban(&f, "192.0.2.100", T0 + 100 * USEC_PER_SEC);
        running = ban_list_get(jail_get_bans(f.jail), &(Address[]){ addr("192.0.2.100") }[0]);
        running->acknowledged = T0;
        f.now = T0 + 50 * USEC_PER_SEC;
        assert_int_equal(count_ban(&f, "192.0.2.100"), JAIL_NOTHING);
        assert_int_equal(stats(&f).n_banned, 1);
        assert_int_equal(stats(&f).n_leaks, 0);

        ban_list_remove(jail_get_bans(f.jail), running);
        assert_ok(jail_forget(
                        f.jail, &(Address[]){ addr("192.0.2.100") }[0], T0 + 100 * USEC_PER_SEC));
        assert_int_equal(count_ban_at(&f, T0 + 100 * USEC_PER_SEC, "192.0.2.100"), JAIL_NOTHING);
        assert_int_equal(
                        count_ban_at(&f, T0 + 100 * USEC_PER_SEC + 1, "192.0.2.100"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
}

static void ban_counts_for_whom_all_its_addresses_count(void **state) {
        _cleanup_(fixture_done) Fixture f = make_counting(*state,
                        "maxretry = 1000\nipv4_prefix = 28\nipv6_prefix = 56\nallow = 2001:db8:a::1");
        static const struct {
                const char *banned, *target;
        } cases[] = {
                { "192.0.2.7", "192.0.2.0/28" },
                { "192.0.2.16/28", "192.0.2.16/28" },
                { "192.0.2.16/29", "192.0.2.16/28" },
                { "192.0.2.0/27", NULL },
                { "2001:db8:1:2::3", "2001:db8:1::/56" },
                { "2001:db8:1:2::/64", "2001:db8:1::/56" },
                { "2001:db8:1::/56", "2001:db8:1::/56" },
                { "2001:db8:1::/48", NULL },
                { "2001:db8:a::2", "2001:db8:a::2" },
                { "2001:db8:a::/64", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int r = count_ban(&f, cases[i].banned);

                assert_int_equal(r, cases[i].target ? JAIL_FAILURE : JAIL_NOTHING);
                if (cases[i].target)
                        assert_address(&f.last.target, cases[i].target);
        }

        /* What is forgotten of a part is forgotten of whom it counts for. */
        assert_ok(jail_forget(f.jail, &(Address[]){ addr("2001:db8:1:9::/64") }[0], f.now));
        assert_int_equal(count_ban(&f, "2001:db8:1::/64"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
}

static void refilling_with_bans_fills_windows_and_counts_nothing(void **state) {
        _cleanup_(fixture_done) Fixture f = make_counting(*state, "maxretry = 3");

        jail_set_refilling(f.jail, true);
        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(count_ban(&f, "192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(count_ban(&f, "192.0.2.2"), JAIL_FAILURE);
        jail_set_refilling(f.jail, false);
        assert_int_equal(stats(&f).n_failures, 0);
        assert_int_equal(count_ban(&f, "192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 2);
        assert_int_equal(count_ban(&f, "192.0.2.1"), JAIL_BAN);
}

static void refused_jail_keeps_its_bans_and_recognises_nothing(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "maxretry = 1");
        Address banned = addr("192.0.2.1");
        JailConfig refused = f.config->jails[0];
        MatcherError error;
        Jail *jail;
        Entry e = entry("1", "Failed password for x from 192.0.2.2 port 1 ssh2");

        refused.refused = true;
        refused.filter = NULL;
        refused.match = NULL;
        assert_int_equal(jail_new(&jail, &refused, &error), 0);
        ban(&f, "192.0.2.1", USEC_INFINITY);
        jail_inherit(jail, f.jail);
        assert_non_null(ban_list_get(jail_get_bans(jail), &banned));
        assert_int_equal(jail_process(jail, &e, &f.last), JAIL_NOTHING);
        assert_int_equal(jail_lookback(jail), refused.findtime);
        jail_free(jail);
}

static void lookback_is_findtime_and_the_longest_session(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "findtime = 5min");

        assert_int_equal(jail_lookback(f.jail), 15 * USEC_PER_MINUTE);
        assert_string_equal(jail_get_config(f.jail)->name, "sshd");
}

/* User names */

static void names_that_hold_addresses_convict_nobody_else(void **state) {
        static const char *const lines[] = {
                "Failed password for invalid user root from 203.0.113.9 port 1 ssh2 from 192.0.2.1 port 5 ssh2",
                "Failed password for invalid user from 203.0.113.9 port 1 ssh2 from 192.0.2.1 port 5 ssh2",
                "Connection closed by invalid user root from 203.0.113.9 port 1 ssh2 192.0.2.1 port 5 [preauth]",
                "Connection closed by invalid user x 203.0.113.9 port 1 [preauth] 192.0.2.1 port 5 [preauth]",
                "Disconnected from invalid user 203.0.113.9 port 1 192.0.2.1 port 5 [preauth]",
                "error: PAM: Authentication failure for illegal user x from 203.0.113.9 from 192.0.2.1",
                ("error: maximum authentication attempts exceeded for invalid user x from 203.0.113.9 port 1 ssh2 "
                 "[preauth] from 192.0.2.1 port 5 ssh2 [preauth]"),
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                _cleanup_(fixture_done) Fixture f = make(*state, "");

                assert_int_equal(say(&f, "7", lines[i]), JAIL_FAILURE);
                assert_address(&f.last.host, "192.0.2.1");
        }
}

static void address_in_a_name_does_not_change_the_session(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, "");

        assert_int_equal(
                        say(&f, "7", "Invalid user x from 203.0.113.9 port 1 from 192.0.2.1 port 5"),
                        JAIL_NOTHING);
        assert_int_equal(
                        say(&f, "7", "Connection closed by invalid user x from 203.0.113.9 port 1 192.0.2.1 port 5 [preauth]"),
                        JAIL_FAILURE);
        assert_address(&f.last.host, "192.0.2.1");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(ban_tells_the_entries_that_made_it),
                cmocka_file_test(newest_entries_of_many_are_told),
                cmocka_file_test(fifth_wrong_password_bans),
                cmocka_file_test(jail_reads_one_namespace),
                cmocka_file_test(five_passwords_in_one_connection_ban),
                cmocka_file_test(others_do_not_count_for_it),
                cmocka_file_test(failures_beyond_findtime_do_not_count),
                cmocka_file_test(right_password_is_no_failure),
                cmocka_file_test(entries_of_other_units_are_not_read),
                cmocka_file_test(shells_of_users_inside_the_unit_are_not_believed),
                cmocka_file_test(entry_of_root_without_unit_fits_by_its_identifier),
                cmocka_file_test(entry_of_a_user_without_unit_fits_nothing),
                cmocka_file_test(root_in_another_unit_does_not_pass_for_sshd),
                cmocka_file_test(entry_without_a_message_is_nothing),
                cmocka_file_test(connection_that_ends_before_its_first_password_fails_once),
                cmocka_file_test(end_of_a_connection_that_failed_adds_nothing),
                cmocka_file_test(several_ends_of_one_connection_are_one_failure),
                cmocka_file_test(
                                process_id_that_comes_round_with_another_address_is_another_session),
                cmocka_file_test(process_id_that_comes_round_after_long_is_another_session),
                cmocka_file_test(entry_without_a_process_id_has_no_session),
                cmocka_file_test(address_told_first_serves_failures_without_one),
                cmocka_file_test(failures_wait_for_the_address_and_count_when_it_is_told),
                cmocka_file_test(more_that_wait_than_are_needed_ban_once),
                cmocka_file_test(once_without_address_waits_as_well),
                cmocka_file_test(allowed_addresses_never_fail),
                cmocka_file_test(banned_addresses_are_not_counted),
                cmocka_file_test(failures_of_a_64_count_together),
                cmocka_file_test(ban_of_the_64_covers_all_of_it),
                cmocka_file_test(allowed_address_keeps_its_64_from_being_counted_together),
                cmocka_file_test(failures_before_the_end_of_a_ban_do_not_count),
                cmocka_file_test(failure_at_the_end_of_a_ban_does_not_count),
                cmocka_file_test(end_of_a_ban_by_hand_of_a_host_forgets_its_64),
                cmocka_file_test(end_of_a_prefix_forgets_all_within_also_what_is_told_late),
                cmocka_file_test(ends_of_many_64s_do_not_push_out_a_prefix_lifted_by_hand),
                cmocka_file_test(quiet_addresses_give_their_memory_back),
                cmocka_file_test(replaced_jail_hands_over_bans_and_counters),
                cmocka_file_test(refilling_fills_windows_and_counts_nothing),
                cmocka_file_test(bans_within_findtime_ban),
                cmocka_file_test(jail_that_counts_bans_reads_nothing),
                cmocka_file_test(bans_by_hand_or_for_another_jail_are_no_failures),
                cmocka_file_test(allowed_and_banned_addresses_are_not_counted_for_bans_either),
                cmocka_file_test(ban_counts_for_whom_all_its_addresses_count),
                cmocka_file_test(refilling_with_bans_fills_windows_and_counts_nothing),
                cmocka_file_test(refused_jail_keeps_its_bans_and_recognises_nothing),
                cmocka_file_test(lookback_is_findtime_and_the_longest_session),
                cmocka_file_test(names_that_hold_addresses_convict_nobody_else),
                cmocka_file_test(address_in_a_name_does_not_change_the_session),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
