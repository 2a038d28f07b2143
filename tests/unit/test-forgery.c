/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "engine/forgery.h"

#define ADDR "(?<addr>[0-9A-Fa-f:.]{2,45})"
#define USER "(?<user>.*)"
#define TEXT "(?:(?#server).*)"

static void assert_safe(const char *regex) {
        _cleanup_(freep) char *message = NULL;
        int r;

        r = forgery_find(regex, &message);
        if (r != 0)
                fail_msg("%s: %d: %s", regex, r, r > 0 ? message : "");
}

static void assert_forgeable(const char *regex, const char *example) {
        _cleanup_(freep) char *message = NULL;
        int r;

        r = forgery_find(regex, &message);
        if (r != 1)
                fail_msg("%s: %d", regex, r);
        assert_string_equal(message, example);
}

static void greedy_name_before_the_servers_words_is_safe(void **state) {
        assert_safe("Failed password for (?:invalid user )?" USER " from " ADDR
                    " port [0-9]{1,5} ssh2");
        assert_safe("login of \"" USER "\" from " ADDR " failed: (?:wrong password|no such user)");
        assert_safe("login failure from " ADDR ": user=" USER);
}

static void text_that_excludes_what_surrounds_the_address_is_safe(void **state) {
        assert_safe("warning: [^\\[\\]]*\\[" ADDR
                    "\\]: SASL [A-Z0-9_-]+ authentication failed: .*");
        assert_safe("rejected \\([^()]*\\) from \\(" ADDR "\\)[^()]*");
}

static void wild_text_on_both_sides_is_forgeable(void **state) {
        assert_forgeable("Login failed for " USER " from " ADDR ".*",
                        "Login failed for x from 198.51.100.66x from 203.0.113.9");
        assert_forgeable("refused: .* client " ADDR ": .*",
                        "refused: x client 198.51.100.66: x client 203.0.113.9: ");
}

static void a_reluctant_name_is_forgeable(void **state) {
        assert_forgeable("Failed password for (?<user>.*?) from " ADDR " port 22.*",
                        "Failed password for x from 203.0.113.9 port 22 from 198.51.100.66 port 22x");
        assert_safe("Failed password for (?<user>.*?) from " ADDR " port 22");
}

/* The class says what the author expects; the owner of the name writes what he likes. */
static void a_name_is_not_held_back_by_its_class(void **state) {
        assert_forgeable("user (?<user>\\S+) from " ADDR "(?: .*)?",
                        "user x from 203.0.113.9 from 198.51.100.66 x");
}

static void a_pattern_that_begins_with_anything_is_forgeable(void **state) {
        assert_forgeable(".*authentication failure; rhost=" ADDR " user=" USER,
                        "xauthentication failure; rhost=198.51.100.66 user=x"
                        "authentication failure; rhost=203.0.113.9 user=");
}

static void what_the_program_itself_writes_is_not_the_peers(void **state) {
        assert_forgeable("denied by (?:.*) \\(client " ADDR "\\), .*",
                        "denied by x (client 198.51.100.66), x (client 203.0.113.9), ");
        assert_safe("denied by " TEXT " \\(client " ADDR "\\), " TEXT);
        assert_safe("denied by rule \\(client " ADDR "\\), " TEXT);
        /* Behind the group everything is as before. */
        assert_forgeable("at " TEXT ": client " ADDR " said .*",
                        "at x: client 198.51.100.66 said x: client 203.0.113.9 said ");
}

static void alternatives_are_all_tried(void **state) {
        assert_forgeable("(?:closed by|reset by|lost: .* from) " ADDR "(?:, .*)?",
                        "lost: x from 198.51.100.66, x from 203.0.113.9");
        assert_safe("(?:closed by|reset by|lost from) " ADDR "(?:, .*)?");
}

static void addresses_of_one_family_are_tried_as_well(void **state) {
        assert_forgeable("from .* \\[(?<addr>[0-9a-f:]{2,39})\\].*",
                        "from x [2001:db8:a::66]x [2001:db8:b::9]");
}

static void classes_and_escapes_are_understood(void **state) {
        assert_safe("[[:alpha:]]+ \\d+\\.\\x41\\x{42} [^]x]* [\\w-]+\\t" ADDR "\\ $");
        assert_safe("(?i)login (?:failed|refused)(?!x) for user '[^']*+' at " ADDR);
        assert_safe("(?P<method>[A-Z]{3,7}) {1} a{,2} " ADDR);
        assert_forgeable("(?'method'GET) [ -~]* " ADDR " [ -~]{0,200}",
                        "GET x 198.51.100.66 x 203.0.113.9 ");
}

static void a_pattern_without_address_has_nothing_to_forge(void **state) {
        assert_safe("Failed password for .* from .*");
}

static void what_is_not_understood_is_said(void **state) {
        _cleanup_(freep) char *message = NULL;

        assert_int_equal(forgery_find("(a)\\1 " ADDR, &message), -EOPNOTSUPP);
        assert_int_equal(forgery_find("(?(1)a|b) " ADDR, &message), -EOPNOTSUPP);
        assert_int_equal(forgery_find("\\Qa.\\E " ADDR, &message), -EOPNOTSUPP);
        assert_int_equal(forgery_find("(a " ADDR, &message), -EINVAL);
        assert_null(message);
}

static void patterns_made_to_take_long_do_not(void **state) {
        _cleanup_(freep) char *message = NULL;

        assert_int_equal(forgery_find("(?:(?:(?:){20}){20}){20}" ADDR, &message), 0);
        assert_int_equal(forgery_find("(?:x{0,600}y){30}" ADDR, &message), 0);
        assert_null(message);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(greedy_name_before_the_servers_words_is_safe),
                cmocka_unit_test(text_that_excludes_what_surrounds_the_address_is_safe),
                cmocka_unit_test(wild_text_on_both_sides_is_forgeable),
                cmocka_unit_test(a_reluctant_name_is_forgeable),
                cmocka_unit_test(a_name_is_not_held_back_by_its_class),
                cmocka_unit_test(a_pattern_that_begins_with_anything_is_forgeable),
                cmocka_unit_test(what_the_program_itself_writes_is_not_the_peers),
                cmocka_unit_test(alternatives_are_all_tried),
                cmocka_unit_test(addresses_of_one_family_are_tried_as_well),
                cmocka_unit_test(classes_and_escapes_are_understood),
                cmocka_unit_test(a_pattern_without_address_has_nothing_to_forge),
                cmocka_unit_test(what_is_not_understood_is_said),
                cmocka_unit_test(patterns_made_to_take_long_do_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
