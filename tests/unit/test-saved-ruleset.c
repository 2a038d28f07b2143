/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"

#include "engine/saved-ruleset.h"

/* The file that has the table, relative to the directory; "" for none. Valid until the next call.
 */
static const char *find(const Files *f) {
        static char found[256];
        _cleanup_(freep) char *path = NULL;
        int r;

        r = saved_ruleset_find(f->directory, &path);
        assert_ok(r);
        if (r == 0)
                return "";

        (void) snprintf(found, sizeof(found), "%s", path + strlen(f->directory));
        return found;
}

static void no_file_has_no_table(void **state) {
        assert_string_equal(find(*state), "");
}

static void table_is_found_however_it_is_written(void **state) {
        static const char *const with[] = {
                "table inet banjo {\n}\n",
                "flush ruleset\ntable inet filter {\n}\ntable  inet\tbanjo{ flags owner, persist; }",
                "add table inet banjo;",
                "delete table inet banjo",
                "# comment table\ntable inet banjo { }",
                "table table inet banjo",
        };
        static const char *const without[] = {
                "",
                "flush ruleset\n",
                "# table inet banjo {\n",
                "table inet filter { # table inet banjo\n}\n",
                "table ip banjo { }",
                "table inet banjos { }",
                "table inet \n filter { chain banjo { } }",
                "define x = \"table inet banjo\"",
                "include \"/etc/nftables.conf\"",
                "include \"/etc/none.nft\"\ninclude",
                "\"never closed",
        };

        for (size_t i = 0; i < ELEMENTSOF(with); i++) {
                (void) files_write(*state, "etc/nftables.conf", with[i]);
                assert_string_equal(find(*state), "/etc/nftables.conf");
        }
        for (size_t i = 0; i < ELEMENTSOF(without); i++) {
                (void) files_write(*state, "etc/nftables.conf", without[i]);
                assert_string_equal(find(*state), "");
        }
}

static void other_places_are_looked_at(void **state) {
        (void) files_write(*state, "etc/nftables/x.conf", "table inet banjo { }");
        assert_string_equal(find(*state), "");
        (void) files_write(*state, "etc/nftables/x.nft", "table inet banjo { }");
        assert_string_equal(find(*state), "/etc/nftables/x.nft");
        (void) files_write(*state, "etc/sysconfig/nftables.conf", "table inet banjo { }");
        assert_string_equal(find(*state), "/etc/sysconfig/nftables.conf");
}

static void includes_are_followed(void **state) {
        (void) files_write(*state, "etc/nftables.conf", "include \"/etc/nftables.d/*.nft\"\n");
        (void) files_write(*state, "etc/nftables.d/a.nft", "include \"more/b.nft\";");
        assert_string_equal(find(*state), "");
        (void) files_write(*state, "etc/more/b.nft", "table inet banjo { }");
        assert_string_equal(find(*state), "/etc/more/b.nft");
        (void) files_write(*state, "etc/nftables.d/0.nft", "table inet banjo { }");
        assert_string_equal(find(*state), "/etc/nftables.d/0.nft");
}

static void unreadable_file_is_passed_over(void **state) {
        (void) files_make_parents(*state, "etc/nftables.conf/x");
        assert_string_equal(find(*state), "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(no_file_has_no_table),
                cmocka_file_test(table_is_found_however_it_is_written),
                cmocka_file_test(other_places_are_looked_at),
                cmocka_file_test(includes_are_followed),
                cmocka_file_test(unreadable_file_is_passed_over),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
