/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "model/match.h"

static Match *parse(const char *text) {
        const char *bad;
        Match *m;

        assert_int_equal(match_new(&m), 0);
        assert_int_equal(match_parse(m, text, &bad), 0);
        return m;
}

static void set(Entry *e, EntryField field, const char *value) {
        e->fields[field] = (EntryValue){ value, strlen(value) };
}

static void assert_text(const Match *m, const char *wanted) {
        char *text = match_to_string(m);

        assert_non_null(text);
        assert_string_equal(text, wanted);
        free(text);
}

static void terms_of_one_field_are_alternatives(void **state) {
        _cleanup_(match_freep) Match *m =
                        parse("_SYSTEMD_UNIT=ssh.service _UID=0 _SYSTEMD_UNIT=sshd.service");
        Entry e = {};

        assert_false(match_fits(m, &e));
        set(&e, ENTRY_SYSTEMD_UNIT, "sshd.service");
        assert_false(match_fits(m, &e));
        set(&e, ENTRY_UID, "0");
        assert_true(match_fits(m, &e));
        set(&e, ENTRY_SYSTEMD_UNIT, "ssh.service");
        assert_true(match_fits(m, &e));
        set(&e, ENTRY_UID, "00");
        assert_false(match_fits(m, &e));
        set(&e, ENTRY_UID, "0");
        set(&e, ENTRY_SYSTEMD_UNIT, "ssh.service2");
        assert_false(match_fits(m, &e));
}

static void plus_joins_groups(void **state) {
        _cleanup_(match_freep) Match *m =
                        parse("_SYSTEMD_UNIT=a.service _UID=0 + _SYSTEMD_UNIT=b.service");
        Entry e = {};

        set(&e, ENTRY_SYSTEMD_UNIT, "b.service");
        assert_true(match_fits(m, &e));
        set(&e, ENTRY_SYSTEMD_UNIT, "a.service");
        assert_false(match_fits(m, &e));
        set(&e, ENTRY_UID, "0");
        assert_true(match_fits(m, &e));
}

static void new_match_fits_nothing(void **state) {
        _cleanup_(match_freep) Match *m = NULL;
        Entry e = {};

        assert_int_equal(match_new(&m), 0);
        assert_false(match_fits(m, &e));
        assert_false(match_is_trusted(m));
}

static void quotes_hold_values_with_spaces(void **state) {
        _cleanup_(match_freep) Match *m = parse("_COMM='a b' SYSLOG_IDENTIFIER=\"c + d\"");
        Entry e = {};

        set(&e, ENTRY_COMM, "a b");
        set(&e, ENTRY_SYSLOG_IDENTIFIER, "c + d");
        assert_true(match_fits(m, &e));
        assert_text(m, "_COMM='a b' SYSLOG_IDENTIFIER='c + d'");
}

static void text_can_be_read_again(void **state) {
        static const char *const texts[] = {
                "_SYSTEMD_UNIT=ssh.service",
                "_SYSTEMD_UNIT=ssh.service _UID=0",
                "_SYSTEMD_UNIT=ssh.service + _UID=0 _COMM=sshd + _SYSTEMD_SLICE=system-ssh.slice",
                "_COMM='a b' _UID=0",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_(match_freep) Match *m = parse(texts[i]);

                assert_text(m, texts[i]);
        }
}

static void what_is_no_term_is_pointed_to(void **state) {
        static const struct {
                const char *text;
                int error;
                size_t where;
        } cases[] = {
                { "", EINVAL, 0 },
                { "   ", EINVAL, 3 },
                { "ssh.service", EINVAL, 0 },
                { "=x", EINVAL, 0 },
                { "_UID=", EINVAL, 0 },
                { "_UID=''", EINVAL, 0 },
                { "_UID=0 +", EINVAL, 8 },
                { "+ _UID=0", EINVAL, 0 },
                { "_UID=0 + + _UID=1", EINVAL, 9 },
                { "_UID=0 _NOSUCH=1", ENOENT, 7 },
                { "_uid=0", ENOENT, 0 },
                { "_UID=0 x", EINVAL, 7 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(match_freep) Match *m = NULL;
                const char *bad = NULL;

                assert_int_equal(match_new(&m), 0);
                assert_fails(match_parse(m, cases[i].text, &bad), cases[i].error);
                assert_ptr_equal(bad, cases[i].text + cases[i].where);
        }
}

static void groups_and_terms_are_bounded(void **state) {
        char text[4096] = "_UID=0", *end = text + strlen(text);
        _cleanup_(match_freep) Match *many_groups = NULL, *many_terms = NULL;
        const char *bad;

        for (unsigned i = 0; i < 100; i++)
                end += sprintf(end, " + _UID=%u", i);
        assert_int_equal(match_new(&many_groups), 0);
        assert_fails(match_parse(many_groups, text, &bad), EINVAL);

        end = text;
        for (unsigned i = 0; i < 100; i++)
                end += sprintf(end, "_UID=%u ", i);
        assert_int_equal(match_new(&many_terms), 0);
        assert_fails(match_parse(many_terms, text, &bad), EINVAL);
}

static void units_become_groups_with_what_is_required(void **state) {
        _cleanup_(match_freep) Match *m = NULL, *require = parse("_UID=0");
        const char *bad;

        assert_int_equal(match_new(&m), 0);
        assert_int_equal(match_add_units(m,
                                         "ssh.service, ssh@.service sshd@a-b.service",
                                         require,
                                         &bad),
                        0);
        assert_text(m,
                        "_SYSTEMD_UNIT=ssh.service _UID=0 + _SYSTEMD_SLICE=system-ssh.slice _UID=0 + "
                        "_SYSTEMD_UNIT=sshd@a-b.service _UID=0");
}

static void slices_of_templates_are_escaped(void **state) {
        _cleanup_(match_freep) Match *m = NULL;
        const char *bad;

        assert_int_equal(match_new(&m), 0);
        assert_int_equal(match_add_units(m, "my-own@.service postfix@-.service", NULL, &bad), 0);
        assert_text(m, "_SYSTEMD_SLICE=system-my\\x2down.slice + _SYSTEMD_UNIT=postfix@-.service");
}

static void what_is_no_unit_is_pointed_to(void **state) {
        static const char *const bad[] = {
                "ssh", "ssh*.service", "a/b.service", "_UID=0.service", "*"
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_(match_freep) Match *m = NULL;
                char text[64];
                const char *where;

                (void) snprintf(text, sizeof(text), "ssh.service %s", bad[i]);
                assert_int_equal(match_new(&m), 0);
                assert_fails(match_add_units(m, text, NULL, &where), EINVAL);
                assert_ptr_equal(where, text + strlen("ssh.service "));
        }
}

static void no_unit_at_all_is_refused(void **state) {
        _cleanup_(match_freep) Match *m = NULL;
        const char *bad;

        assert_int_equal(match_new(&m), 0);
        assert_fails(match_add_units(m, " ", NULL, &bad), EINVAL);
}

static void overlong_units_are_refused(void **state) {
        _cleanup_(match_freep) Match *m = NULL;
        char text[600];
        const char *bad;

        assert_int_equal(match_new(&m), 0);
        memset(text, 'a', sizeof(text));
        strcpy(text + sizeof(text) - sizeof(".service"), ".service");
        assert_fails(match_add_units(m, text, NULL, &bad), EINVAL);

        /* Short enough itself, but not once its dashes are escaped. */
        memset(text, '-', 100);
        text[0] = 'a';
        strcpy(text + 100, "@.service");
        assert_fails(match_add_units(m, text, NULL, &bad), EINVAL);
}

static void every_alternative_needs_a_trusted_field(void **state) {
        static const struct {
                const char *text;
                bool trusted;
        } cases[] = {
                { "_SYSTEMD_UNIT=ssh.service", true },
                { "_SYSTEMD_SLICE=system-ssh.slice", true },
                { "_UID=0 SYSLOG_IDENTIFIER=sshd", true },
                { "SYSLOG_IDENTIFIER=sshd", false },
                { "_COMM=sshd", false },
                { "_EXE=/usr/sbin/sshd", false },
                { "_TRANSPORT=syslog", false },
                { "_HOSTNAME=a", false },
                { "_PID=1", false },
                { "_SYSTEMD_UNIT=ssh.service + _COMM=sshd", false },
                { "_COMM=sshd + _SYSTEMD_UNIT=ssh.service", false },
                { "_SYSTEMD_UNIT=ssh.service + _UID=0", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(match_freep) Match *m = parse(cases[i].text);

                assert_int_equal(match_is_trusted(m), cases[i].trusted);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(terms_of_one_field_are_alternatives),
                cmocka_unit_test(plus_joins_groups),
                cmocka_unit_test(new_match_fits_nothing),
                cmocka_unit_test(quotes_hold_values_with_spaces),
                cmocka_unit_test(text_can_be_read_again),
                cmocka_unit_test(what_is_no_term_is_pointed_to),
                cmocka_unit_test(groups_and_terms_are_bounded),
                cmocka_unit_test(units_become_groups_with_what_is_required),
                cmocka_unit_test(slices_of_templates_are_escaped),
                cmocka_unit_test(what_is_no_unit_is_pointed_to),
                cmocka_unit_test(no_unit_at_all_is_refused),
                cmocka_unit_test(overlong_units_are_refused),
                cmocka_unit_test(every_alternative_needs_a_trusted_field),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
