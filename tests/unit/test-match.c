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
        static const char *const bad[] = { "ssh", "ssh*", "a/b.service", "_UID=0.service", "*" };

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

static Match *units(const char *text, const Match *require) {
        const char *bad;
        Match *m;

        assert_int_equal(match_new(&m), 0);
        assert_int_equal(match_add_units(m, text, require, &bad), 0);
        return m;
}

static void assert_unit(const Match *m, const char *unit, bool fits) {
        Entry e = {};

        set(&e, ENTRY_SYSTEMD_UNIT, unit);
        set(&e, ENTRY_SYSTEMD_SLICE, "system.slice");
        assert_int_equal(match_fits(m, &e), fits);
}

static void globs_are_compared_with_the_unit(void **state) {
        _cleanup_(match_freep) Match *php =
                        units("php*-fpm.service a?c.service [xy].service", NULL);
        _cleanup_(match_freep) Match *ssh = units("ssh@?*.service", NULL);
        _cleanup_(match_freep) Match *dash = units("my\\x2d*.service", NULL);
        Entry e = {};

        assert_true(match_has_glob(php));
        assert_unit(php, "php8.2-fpm.service", true);
        assert_unit(php, "php-fpm.service", true);
        assert_unit(php, "abc.service", true);
        assert_unit(php, "y.service", true);
        assert_unit(php, "z.service", false);
        assert_unit(php, "php8.2-fpm.service2", false);
        assert_unit(php, "xphp8.2-fpm.service", false);
        assert_unit(php, "ac.service", false);
        assert_unit(ssh, "ssh@7-192.0.2.1:22-198.51.100.66:40000.service", true);
        assert_unit(ssh, "ssh.service", false);
        assert_unit(dash, "my\\x2down.service", true);
        assert_unit(dash, "myx2down.service", false);

        /* Neither an entry without a unit nor one whose unit is none. */
        assert_false(match_fits(php, &e));
        e.fields[ENTRY_SYSTEMD_UNIT] = (EntryValue){ "php\0-fpm.service", 16 };
        assert_false(match_fits(php, &e));
}

static void globs_need_what_is_required(void **state) {
        _cleanup_(match_freep) Match *require = parse("_UID=0");
        _cleanup_(match_freep) Match *m = units("a*.service", require);
        Entry e = {};

        set(&e, ENTRY_SYSTEMD_UNIT, "ab.service");
        set(&e, ENTRY_UID, "7");
        assert_false(match_fits(m, &e));
        set(&e, ENTRY_UID, "0");
        assert_true(match_fits(m, &e));
}

static void all_instances_are_told_by_their_slice(void **state) {
        _cleanup_(match_freep) Match *m = units(
                        "ssh@*.service postgresql@.service user@.service ssh@*-x.service", NULL);

        assert_text(m,
                        "_SYSTEMD_SLICE=system-ssh.slice + _SYSTEMD_SLICE=system-postgresql.slice + "
                        "_SYSTEMD_UNIT=user@*.service + _SYSTEMD_UNIT=ssh@*-x.service");
        assert_unit(m, "user@1000.service", true);
        assert_unit(m, "ssh@1-x.service", true);
}

static void units_are_named_in_words_by_globs_and_templates(void **state) {
        _cleanup_(match_freep) Match *m = units("a.service my-own@.service php*-fpm.service", NULL);

        (void) state;
        assert_true(match_names_unit(m, "a.service"));
        assert_true(match_names_unit(m, "my-own@4711.service"));
        assert_true(match_names_unit(m, "php8.2-fpm.service"));
        assert_false(match_names_unit(m, "b.service"));
        assert_false(match_names_unit(m, "a.service.d"));
        assert_false(match_names_unit(m, "my@4711.service"));
        assert_false(match_names_unit(m, "@.service"));
        assert_false(match_names_unit(m, ""));
}

static void terms_of_journalctl_are_no_globs(void **state) {
        _cleanup_(match_freep) Match *m = parse("_SYSTEMD_UNIT=a*.service");

        assert_false(match_has_glob(m));
        assert_unit(m, "ab.service", false);
        assert_unit(m, "a*.service", true);
}

static void globs_that_take_in_users_are_not_trusted(void **state) {
        static const struct {
                const char *units;
                bool trusted;
        } cases[] = {
                { "php*-fpm.service", true },
                { "ssh@?*.service", true },
                { "*.service", false },
                { "u*.service", false },
                { "user@.service", false },
                { "ssh.service *.scope", false },
        };
        _cleanup_(match_freep) Match *root = parse("_UID=0");

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(match_freep) Match *m = units(cases[i].units, NULL);
                _cleanup_(match_freep) Match *of_root = units(cases[i].units, root);

                assert_int_equal(match_is_trusted(m), cases[i].trusted);
                assert_true(match_is_trusted(of_root));
        }
}

static void assert_journalctl(const Match *m, const char *wanted, bool exact) {
        bool is_exact;
        char *text = match_to_journalctl(m, &is_exact);

        assert_non_null(text);
        assert_string_equal(text, wanted);
        assert_int_equal(is_exact, exact);
        free(text);
}

static void journalctl_is_told_terms_or_units(void **state) {
        _cleanup_(match_freep) Match *require = parse("_UID=0 _COMM='it is'");
        _cleanup_(match_freep) Match *plain = units("ssh.service ssh@.service", require);
        _cleanup_(match_freep) Match *globs = units("php*.service ssh@.service a.service", require);
        _cleanup_(match_freep) Match *quoted = parse("_COMM=\"it's\" _EXE=/bin/$x");
        _cleanup_(match_freep) Match *mixed = units("php*.service", require);
        const char *bad;

        assert_journalctl(plain,
                        "_SYSTEMD_UNIT=ssh.service _UID=0 '_COMM=it is' + "
                        "_SYSTEMD_SLICE=system-ssh.slice _UID=0 '_COMM=it is'",
                        true);
        assert_journalctl(globs,
                        "-u 'php*.service' -u system-ssh.slice -u a.service _UID=0 '_COMM=it is'",
                        false);
        assert_journalctl(quoted, "'_COMM=it'\\''s' '_EXE=/bin/$x'", true);

        /* No command line says this. */
        assert_int_equal(match_parse(mixed, "_UID=7", &bad), 0);
        assert_journalctl(mixed, "", false);
}

static void group_without_terms_is_fitted_by_everything(void **state) {
        MatchGroup none = {};
        Match all = { .groups = &none, .n_groups = 1 };
        _cleanup_(match_freep) Match *m = NULL;
        const char *bad;
        Entry e = {};

        assert_ok(match_new(&m));
        assert_false(match_fits_all(m));
        assert_ok(match_parse(m, "_UID=0", &bad));
        assert_false(match_fits_all(m));
        assert_false(match_fits(m, &e));
        assert_true(match_fits_all(&all));
        assert_true(match_fits(&all, &e));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(group_without_terms_is_fitted_by_everything),
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
                cmocka_unit_test(globs_are_compared_with_the_unit),
                cmocka_unit_test(globs_need_what_is_required),
                cmocka_unit_test(all_instances_are_told_by_their_slice),
                cmocka_unit_test(units_are_named_in_words_by_globs_and_templates),
                cmocka_unit_test(terms_of_journalctl_are_no_globs),
                cmocka_unit_test(globs_that_take_in_users_are_not_trusted),
                cmocka_unit_test(journalctl_is_told_terms_or_units),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
