/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What jails make of sessions, logins, prefixes, groups and weights. */

#include "files.h"
#include "problems.h"

#include "engine/jail.h"
#include "engine/session.h"

typedef struct Fixture {
        Config *config;
        Jail *jail;
        usec_t now; /* each entry comes a second after the one before */
        JailFailure last;
} Fixture;

static void fixture_done(Fixture *f) {
        jail_free(f->jail);
        config_free(f->config);
}

/* A jail with a filter of this text. Its findtime is a minute. */
static Fixture make(const Files *files, const char *filter, const char *settings) {
        const char *const directories[] = { files_path(files, "etc"), NULL };
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        Fixture f = { .now = T0 };
        MatcherError error;
        char text[2048];

        (void) snprintf(text,
                        sizeof(text),
                        "[x]\nenabled = yes\nfilter = x\nports = 22\nfindtime = 1min\n%s\n",
                        settings);
        (void) files_write(files, "etc/conf.d/x.conf", text);
        (void) snprintf(text, sizeof(text), "[filter]\nunits = x.service\n%s\n", filter);
        (void) files_write(files, "etc/filters/x.conf", text);

        assert_ok(config_load(&f.config, directories, &sink));
        problems_assert(&problems, "");
        assert_int_equal(jail_new(&f.jail, &f.config->jails[0], &error), 0);
        return f;
}

static void set(Entry *e, EntryField field, const char *value) {
        e->fields[field] = (EntryValue){ value, strlen(value) };
}

static int say(Fixture *f, const char *pid, const char *message) {
        Entry e = { .realtime = f->now += USEC_PER_SEC };

        set(&e, ENTRY_SYSTEMD_UNIT, "x.service");
        set(&e, ENTRY_HOSTNAME, "here");
        set(&e, ENTRY_SYSLOG_IDENTIFIER, "xd");
        set(&e, ENTRY_PID, pid);
        set(&e, ENTRY_MESSAGE, message);
        return jail_process(f->jail, &e, &f->last);
}

static void assert_host(const Fixture *f, const char *wanted) {
        char buf[ADDRESS_STR_SIZE];

        assert_string_equal(address_format(&f->last.host, buf), wanted);
}

/* How many failures the address has when it fails once more. */
static unsigned count_next(Fixture *f, const char *address) {
        char message[128];

        (void) snprintf(message, sizeof(message), "bad z from %s", address);
        assert_int_equal(say(f, "999", message), JAIL_FAILURE);
        return f->last.failures;
}

#define PATTERNS                                                                                    \
        "[fail]\nbad = 'bad <USER> from <ADDR>'\nnobody = 'bad from <ADDR>'\nwait = 'bad <USER>'\n" \
        "[clear]\ngood = 'good <USER> from <ADDR>'\nknown = 'good <USER>'\n[context]\npeer = 'peer <ADDR>'\n"
#define BY_PROCESS "session = _PID\n" PATTERNS
#define BY_ADDRESS "session = _PID\nclear = address\n" PATTERNS

/* Leaks */

#define WITHOUT_SESSION "[fail]\nbad = 'bad <USER> from <ADDR>'\n"

/* Bans 192.0.2.1 as of now. */
static void ban(Fixture *f, usec_t acknowledged) {
        Ban b = { .pattern = "bad", .failures = 1, .id = 1, .start = f->now, .end = USEC_INFINITY };
        Ban *added;

        b.acknowledged = acknowledged;
        assert_ok(address_parse("192.0.2.1", 9, &b.address));
        assert_int_equal(ban_list_add(jail_get_bans(f->jail), &b, &added), 1);
}

static uint64_t n_leaks(const Fixture *f) {
        JailStats stats;

        jail_get_stats(f->jail, &stats);
        return stats.n_leaks;
}

static void session_that_began_after_the_ban_is_a_leak(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, BY_PROCESS, "maxretry = 10");

        assert_int_equal(say(&f, "1", "peer 192.0.2.1"), JAIL_NOTHING);
        ban(&f, f.now);
        assert_int_equal(say(&f, "2", "peer 192.0.2.1"), JAIL_NOTHING); /* 1 s */
        assert_int_equal(say(&f, "3", "bad a from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_NOTHING); /* began before */
        assert_int_equal(say(&f, "2", "bad a from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "4", "peer 192.0.2.1"), JAIL_NOTHING); /* no failure */
        assert_int_equal(say(&f, "5", "bad a from 192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(n_leaks(&f), 0);

        assert_int_equal(say(&f, "4", "bad a from 192.0.2.1"), JAIL_LEAK);
        assert_host(&f, "192.0.2.1");
        assert_int_equal(f.last.n, 1);
        assert_int_equal(f.last.ban->n_leaks, 1);
        assert_int_equal(say(&f, "4", "bad"), JAIL_NOTHING); /* recognised by no pattern */
        assert_int_equal(say(&f, "4", "bad b"), JAIL_LEAK);
        assert_int_equal(f.last.ban->n_leaks, 2);
        assert_int_equal(n_leaks(&f), 2);
}

static void leaks_begin_two_seconds_after_the_ban(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, WITHOUT_SESSION, "maxretry = 10");

        ban(&f, f.now);
        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_NOTHING); /* 2 s */
        f.now++;
        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_LEAK);
}

static void no_leak_while_the_firewall_may_not_have_the_ban(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, WITHOUT_SESSION, "maxretry = 10");

        ban(&f, 0);
        f.now += USEC_PER_MINUTE;
        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_NOTHING);

        ban_list_next(jail_get_bans(f.jail), NULL)->acknowledged = f.now;
        f.now += USEC_PER_MINUTE;
        jail_set_guarded(f.jail, USEC_INFINITY);
        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_NOTHING);
        jail_set_guarded(f.jail, f.now);
        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_NOTHING);
        f.now += USEC_PER_MINUTE;
        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_LEAK);

        /* Nor what is read a second time. */
        jail_set_refilling(f.jail, true);
        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_NOTHING);
        jail_set_refilling(f.jail, false);
        assert_int_equal(n_leaks(&f), 1);
}

static void closing_line_does_not_tell_when_its_session_began(void **state) {
        _cleanup_(fixture_done) Fixture f = make(
                        *state, BY_PROCESS "[once]\nclosed = 'closed <ADDR>'\n", "maxretry = 10");

        ban(&f, f.now);
        f.now += USEC_PER_MINUTE;
        assert_int_equal(say(&f, "1", "closed 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "2", "peer 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "2", "closed 192.0.2.1"), JAIL_LEAK);
}

/* Logins */

static void login_forgives_its_session_what_failed_under_its_name(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, BY_PROCESS, "maxretry = 10");

        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "2", "bad a from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "1", "good a from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(count_next(&f, "192.0.2.1"), 2); /* that of the other session stays */
}

static void login_under_another_name_earns_nothing(void **state) {
        static const char *const filters[] = { BY_PROCESS, BY_ADDRESS };

        for (size_t i = 0; i < ELEMENTSOF(filters); i++) {
                _cleanup_(fixture_done) Fixture f = make(*state, filters[i], "maxretry = 10");

                assert_int_equal(say(&f, "1", "bad root from 192.0.2.1"), JAIL_FAILURE);
                assert_int_equal(say(&f, "1", "bad admin from 192.0.2.1"), JAIL_FAILURE);
                assert_int_equal(say(&f, "1", "bad mallory from 192.0.2.1"), JAIL_FAILURE);
                assert_int_equal(say(&f, "1", "good mallory from 192.0.2.1"), JAIL_NOTHING);
                assert_int_equal(count_next(&f, "192.0.2.1"), 3);
        }
}

static void failure_without_a_name_is_forgiven_by_nobody(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, BY_ADDRESS, "maxretry = 10");

        assert_int_equal(say(&f, "1", "bad from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "1", "good a from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "good  from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(count_next(&f, "192.0.2.1"), 2);
}

static void login_without_a_name_is_not_that_of_the_name_before(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, BY_PROCESS, "maxretry = 10");

        assert_int_equal(say(&f, "1", "bad root from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "1", "good  from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "bad root from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "1", "bad  from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "1", "good root from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(count_next(&f, "192.0.2.1"), 2);
}

static void login_forgives_the_address_once_per_findtime(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, BY_ADDRESS, "maxretry = 10");

        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "2", "good a from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "3", "bad a from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
        assert_int_equal(say(&f, "4", "good a from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "5", "bad a from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 2);

        /* Others have their own. */
        assert_int_equal(say(&f, "6", "bad a from 192.0.2.2"), JAIL_FAILURE);
        assert_int_equal(say(&f, "7", "good a from 192.0.2.2"), JAIL_NOTHING);
        assert_int_equal(count_next(&f, "192.0.2.2"), 1);

        f.now += 2 * USEC_PER_MINUTE;
        assert_int_equal(say(&f, "8", "bad a from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "9", "good a from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(count_next(&f, "192.0.2.1"), 1);
}

static void logins_with_nothing_to_forgive_use_nothing_up(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, BY_ADDRESS, "maxretry = 10");

        for (unsigned i = 0; i < 10; i++)
                assert_int_equal(say(&f, "1", "good a from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "2", "bad a from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "3", "good a from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(count_next(&f, "192.0.2.1"), 1);
}

static void what_one_login_may_not_forgive_no_later_one_does(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make(*state, BY_ADDRESS, "maxretry = 10\nfindtime = 30s");

        assert_int_equal(say(&f, "1", "bad a from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "2", "good a from 192.0.2.1"), JAIL_NOTHING);
        f.now += 25 * USEC_PER_SEC;
        assert_int_equal(say(&f, "3", "bad a from 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "4", "good a from 192.0.2.1"), JAIL_NOTHING);
        f.now += 10 * USEC_PER_SEC;
        assert_int_equal(say(&f, "5", "good a from 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(count_next(&f, "192.0.2.1"), 2);
}

static void failures_that_wait_are_forgiven_by_name(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, BY_PROCESS, "maxretry = 10");

        assert_int_equal(say(&f, "1", "bad a"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "bad b"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "good a"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "peer 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
        assert_string_equal(f.last.pattern, "wait"); /* what failed, not what told the address */
}

static void names_beyond_number_are_forgiven_nowhere_and_all_count(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, BY_PROCESS, "maxretry = 1000");

        for (unsigned i = 0; i < 100; i++) {
                char message[32];

                (void) snprintf(message, sizeof(message), "bad u%u", i);
                assert_int_equal(say(&f, "1", message), JAIL_NOTHING);
        }
        assert_int_equal(say(&f, "1", "good u99"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "peer 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 100);
        assert_int_equal(f.last.n, 100);
}

static void logins_act_in_a_refill_as_in_one_run(void **state) {
        static const char *const lines[][2] = {
                { "1", "bad a from 192.0.2.1" },
                { "2", "good a from 192.0.2.1" },
                { "3", "bad a from 192.0.2.1" },
                { "4", "good a from 192.0.2.1" },
                { "5", "bad a from 192.0.2.1" },
                { "5", "good a from 192.0.2.1" },
        };

        for (size_t cut = 0; cut <= ELEMENTSOF(lines); cut++) {
                _cleanup_(fixture_done) Fixture f = make(*state, BY_ADDRESS, "maxretry = 10");

                jail_set_refilling(f.jail, true);
                for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                        if (i == cut)
                                jail_set_refilling(f.jail, false);
                        assert_ok(say(&f, lines[i][0], lines[i][1]));
                }
                jail_set_refilling(f.jail, false);
                assert_int_equal(count_next(&f, "192.0.2.1"), 2);
        }
}

static void lookback_reaches_what_forgiving_depends_on(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, BY_ADDRESS, "");

        assert_int_equal(jail_lookback(f.jail), 13 * USEC_PER_MINUTE);
}

/* Sessions by capture, beginnings, prefixes */

#define WORKERS                                                                                    \
        "session = capture\n[prefix]\nid = 'conn=<SESSION> (?:ip=<ADDR> )?<CONTENT>'\n"            \
        "[fail]\nbad = 'bad <USER>'\nfrom = 'failed <USER> from <ADDR>'\n[once]\nend = 'end'\n"    \
        "[context]\nopen = 'open'\n"

static void clients_of_one_worker_are_told_apart(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, WORKERS, "");

        assert_int_equal(say(&f, "1", "conn=7 ip=192.0.2.1 open"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "conn=8 ip=192.0.2.2 open"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "conn=7 bad a"), JAIL_FAILURE);
        assert_host(&f, "192.0.2.1");
        assert_int_equal(say(&f, "1", "conn=8 bad a"), JAIL_FAILURE);
        assert_host(&f, "192.0.2.2");
        assert_int_equal(say(&f, "1", "conn=7 end"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "conn=9 bad a"), JAIL_NOTHING); /* nobody's yet */
        assert_int_equal(say(&f, "1", "conn=9 ip=192.0.2.3 end"), JAIL_FAILURE);
        assert_host(&f, "192.0.2.3");
        assert_int_equal(f.last.failures, 1);
}

static void pattern_has_the_last_word_over_its_prefix(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, WORKERS, "");

        assert_int_equal(say(&f, "1", "conn=7 ip=192.0.2.1 failed a from 192.0.2.9"), JAIL_FAILURE);
        assert_host(&f, "192.0.2.9");
        assert_int_equal(f.last.n_fields, 2);
        assert_string_equal(f.last.fields[0].name, "session");
        assert_memory_equal(f.last.fields[0].value.data, "7", 1);
        assert_string_equal(f.last.fields[1].name, "user");
        assert_int_equal(say(&f, "1", "ip=192.0.2.1 failed a from 192.0.2.9"), JAIL_NOTHING);
}

static void beginning_ends_what_was(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state,
                        "session = _PID\n[begin]\nopen = 'open(?: <ADDR>)?'\n[fail]\nbad = 'bad'\n"
                        "[once]\nend = 'end <ADDR>'\n",
                        "");

        assert_int_equal(say(&f, "1", "open 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "bad"), JAIL_FAILURE);
        assert_host(&f, "192.0.2.1");
        assert_int_equal(say(&f, "1", "open"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "bad"), JAIL_NOTHING); /* of whoever came next */
        assert_int_equal(say(&f, "1", "open 192.0.2.3"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "bad"), JAIL_FAILURE);
        assert_host(&f, "192.0.2.3");
        assert_int_equal(f.last.failures, 1);
        assert_int_equal(say(&f, "1", "open 192.0.2.3"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "end 192.0.2.3"), JAIL_FAILURE); /* a new one told none */
}

#define CONNECTIONS                                                                                \
        "session = capture\n[begin]\nopen = 'conn=<SESSION> open <ADDR>'\n"                        \
        "shut = 'conn=<SESSION> closed'\n[fail]\nbad = 'conn=<SESSION> bad'\n"

static void silence_hides_nobody_whose_beginning_was_told(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, CONNECTIONS, "");

        assert_int_equal(say(&f, "1", "conn=7 open 192.0.2.1"), JAIL_NOTHING);
        f.now += 100 * SESSION_AGE_MAX;
        assert_int_equal(say(&f, "1", "conn=7 bad"), JAIL_FAILURE);
        assert_host(&f, "192.0.2.1");
}

static void beginning_may_be_told_a_moment_late(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, CONNECTIONS, "");

        assert_int_equal(say(&f, "1", "conn=7 bad"), JAIL_NOTHING);
        f.now -= USEC_PER_SEC;
        f.now += BEGINNING_LATE_MAX;
        assert_int_equal(say(&f, "1", "conn=7 open 192.0.2.1"), JAIL_FAILURE);
        assert_host(&f, "192.0.2.1");
        assert_int_equal(f.last.failures, 1);

        /* Another one of the same number. */
        assert_int_equal(say(&f, "1", "conn=8 bad"), JAIL_NOTHING);
        f.now -= USEC_PER_SEC;
        f.now += BEGINNING_LATE_MAX + 1;
        assert_int_equal(say(&f, "1", "conn=8 open 192.0.2.2"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "conn=8 bad"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 1);
}

static void connections_that_ended_push_out_none_that_is_open(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state, CONNECTIONS, "");

        assert_int_equal(say(&f, "1", "conn=7 open 192.0.2.1"), JAIL_NOTHING);
        for (unsigned i = 0; i <= SESSIONS_MAX; i++) {
                char message[64];

                (void) snprintf(message, sizeof(message), "conn=%u open 192.0.2.1", 100 + i);
                assert_int_equal(say(&f, "1", message), JAIL_NOTHING);
                (void) snprintf(message, sizeof(message), "conn=%u closed", 100 + i);
                assert_int_equal(say(&f, "1", message), JAIL_NOTHING);
        }
        assert_int_equal(say(&f, "1", "conn=7 bad"), JAIL_FAILURE);
        assert_host(&f, "192.0.2.1");
}

/* Settings of the jail */

static void weights_add_up_to_maxretry(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state,
                        "[fail]\nsmall = 'small <ADDR>'\nlarge = 'large <ADDR>'\nnone = 'none <ADDR>'\n",
                        "maxretry = 5\nweight = large:3 none:0");

        for (unsigned i = 0; i < 20; i++)
                assert_int_equal(say(&f, "1", "none 192.0.2.1"), JAIL_NOTHING);
        assert_int_equal(say(&f, "1", "large 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.weight, 3);
        assert_int_equal(say(&f, "1", "small 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(f.last.failures, 2);
        assert_int_equal(say(&f, "1", "small 192.0.2.1"), JAIL_BAN);
        assert_int_equal(f.last.failures, 3);
}

static void groups_are_used_where_the_jail_names_them(void **state) {
        static const struct {
                const char *settings;
                int one, two;
        } cases[] = {
                { "", JAIL_NOTHING, JAIL_NOTHING },
                { "groups = normal", JAIL_NOTHING, JAIL_NOTHING },
                { "groups = one", JAIL_FAILURE, JAIL_NOTHING },
                { "groups = one two", JAIL_FAILURE, JAIL_FAILURE },
                { "groups = all", JAIL_FAILURE, JAIL_FAILURE },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(fixture_done) Fixture f = make(*state,
                                "[fail]\na = 'a <ADDR>'\n[fail.one]\nb = 'b <ADDR>'\n"
                                "[fail.two]\nc = 'c <ADDR>'\n",
                                cases[i].settings);

                assert_int_equal(say(&f, "1", "a 192.0.2.1"), JAIL_FAILURE);
                assert_int_equal(say(&f, "1", "b 192.0.2.1"), cases[i].one);
                assert_int_equal(say(&f, "1", "c 192.0.2.1"), cases[i].two);
        }
}

/* What patterns run over */

static void whole_line_is_as_in_a_log_file(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state,
                        "text = line\n[fail]\na = 'here xd\\[42\\]: bad\\\\nline <ADDR>'\n",
                        "maxretry = 10");

        assert_int_equal(say(&f, "42", "bad\nline 192.0.2.1"), JAIL_FAILURE);
        assert_int_equal(say(&f, "43", "bad\nline 192.0.2.1"), JAIL_NOTHING);
}

static void nobody_chooses_an_address_by_where_a_message_is_cut(void **state) {
        _cleanup_(fixture_done) Fixture f = make(*state,
                        "[fail]\nend = 'bad <USER> from <ADDR>'\nfront = 'worse <ADDR> .*'\n",
                        "maxretry = 10");
        Entry e = { .realtime = T0, .is_cut = true };
        JailStats stats;

        set(&e, ENTRY_SYSTEMD_UNIT, "x.service");
        set(&e, ENTRY_MESSAGE, "bad aaaaaaaa from 203.0.113.9");
        assert_int_equal(jail_process(f.jail, &e, &f.last), JAIL_NOTHING);
        set(&e, ENTRY_MESSAGE, "worse 192.0.2.1 aaaaaaaaaaaaa");
        assert_int_equal(jail_process(f.jail, &e, &f.last), JAIL_FAILURE);
        assert_host(&f, "192.0.2.1");
        jail_get_stats(f.jail, &stats);
        assert_int_equal(stats.n_cut, 2);
}

static void name_in_place_of_an_address_is_recognised_and_counts_for_nobody(void **state) {
        _cleanup_(fixture_done) Fixture f =
                        make(*state, "[fail]\na = 'bad from <HOST> end'\n", "maxretry = 10");
        MatcherResult result;
        Entry e = {};

        assert_int_equal(say(&f, "1", "bad from 192.0.2.1 end"), JAIL_FAILURE);
        assert_int_equal(f.last.n_fields, 0);
        assert_int_equal(say(&f, "1", "bad from mail.example.org end"), JAIL_NOTHING);
        set(&e, ENTRY_MESSAGE, "bad from mail.example.org end");
        assert_int_equal(jail_match(f.jail, &e, &result), 1);
        assert_false(result.has_address);
        assert_int_equal(result.n_fields, 1);
        assert_string_equal(result.fields[0].name, "host");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(session_that_began_after_the_ban_is_a_leak),
                cmocka_file_test(leaks_begin_two_seconds_after_the_ban),
                cmocka_file_test(no_leak_while_the_firewall_may_not_have_the_ban),
                cmocka_file_test(closing_line_does_not_tell_when_its_session_began),
                cmocka_file_test(login_forgives_its_session_what_failed_under_its_name),
                cmocka_file_test(login_under_another_name_earns_nothing),
                cmocka_file_test(failure_without_a_name_is_forgiven_by_nobody),
                cmocka_file_test(login_without_a_name_is_not_that_of_the_name_before),
                cmocka_file_test(login_forgives_the_address_once_per_findtime),
                cmocka_file_test(logins_with_nothing_to_forgive_use_nothing_up),
                cmocka_file_test(what_one_login_may_not_forgive_no_later_one_does),
                cmocka_file_test(failures_that_wait_are_forgiven_by_name),
                cmocka_file_test(names_beyond_number_are_forgiven_nowhere_and_all_count),
                cmocka_file_test(logins_act_in_a_refill_as_in_one_run),
                cmocka_file_test(lookback_reaches_what_forgiving_depends_on),
                cmocka_file_test(clients_of_one_worker_are_told_apart),
                cmocka_file_test(pattern_has_the_last_word_over_its_prefix),
                cmocka_file_test(beginning_ends_what_was),
                cmocka_file_test(beginning_may_be_told_a_moment_late),
                cmocka_file_test(silence_hides_nobody_whose_beginning_was_told),
                cmocka_file_test(connections_that_ended_push_out_none_that_is_open),
                cmocka_file_test(weights_add_up_to_maxretry),
                cmocka_file_test(groups_are_used_where_the_jail_names_them),
                cmocka_file_test(whole_line_is_as_in_a_log_file),
                cmocka_file_test(nobody_chooses_an_address_by_where_a_message_is_cut),
                cmocka_file_test(name_in_place_of_an_address_is_recognised_and_counts_for_nobody),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
