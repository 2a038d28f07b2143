/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"

#include <sys/stat.h>

#include "engine/pseudonym.h"

static PseudonymKey load(const Files *f) {
        PseudonymKey key;

        assert_ok(pseudonym_load(&key, f->directory));
        return key;
}

static void key_is_made_once_and_for_the_daemon_alone(void **state) {
        PseudonymKey one = load(*state), two = load(*state);
        struct stat st;

        assert_memory_equal(one.bytes, two.bytes, PSEUDONYM_KEY_SIZE);
        assert_int_equal(stat(files_path(*state, PSEUDONYM_FILE), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(st.st_size, PSEUDONYM_KEY_SIZE);
}

static void names_have_pseudonyms_of_their_own_by_key(void **state) {
        PseudonymKey key = load(*state), other;

        assert_true(pseudonym_of(&key, "root", 4) == pseudonym_of(&key, "root", 4));
        assert_true(pseudonym_of(&key, "root", 4) != pseudonym_of(&key, "roo", 3));
        assert_true(pseudonym_of(&key, "", 0) != 0);

        assert_int_equal(unlink(files_path(*state, PSEUDONYM_FILE)), 0);
        other = load(*state);
        assert_true(pseudonym_of(&key, "root", 4) != pseudonym_of(&other, "root", 4));
}

static void what_is_no_key_is_replaced(void **state) {
        PseudonymKey key;

        (void) files_write(*state, PSEUDONYM_FILE, "short");
        key = load(*state);
        assert_memory_equal(key.bytes, load(*state).bytes, PSEUDONYM_KEY_SIZE);
}

static void without_a_place_there_is_a_key_all_the_same(void **state) {
        PseudonymKey one, two;

        assert_fails(pseudonym_load(&one, files_path(*state, "nowhere")), ENOENT);
        assert_fails(pseudonym_load(&two, files_path(*state, "nowhere")), ENOENT);
        assert_memory_not_equal(one.bytes, two.bytes, PSEUDONYM_KEY_SIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(key_is_made_once_and_for_the_daemon_alone),
                cmocka_file_test(names_have_pseudonyms_of_their_own_by_key),
                cmocka_file_test(what_is_no_key_is_replaced),
                cmocka_file_test(without_a_place_there_is_a_key_all_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
