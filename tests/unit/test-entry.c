/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "model/entry.h"

static void fields_have_names(void **state) {
        for (int i = 0; i < _ENTRY_FIELD_MAX; i++) {
                const char *name = entry_field_to_string((EntryField) i);

                assert_non_null(name);
                assert_int_equal(entry_field_from_string(name, strlen(name)), i);
        }

        assert_int_equal(entry_field_from_string("_UID=0", 4), ENTRY_UID);
        assert_fails(entry_field_from_string("_UI", 3), EINVAL);
        assert_fails(entry_field_from_string("_UIDX", 5), EINVAL);
        assert_fails(entry_field_from_string("", 0), EINVAL);
        assert_fails(entry_field_from_string("_uid", 4), EINVAL);
}

static void only_what_the_sender_cannot_choose_is_trusted(void **state) {
        for (int i = 0; i < _ENTRY_FIELD_MAX; i++)
                if (entry_field_is_trusted((EntryField) i))
                        assert_int_equal(entry_field_to_string((EntryField) i)[0], '_');

        assert_true(entry_field_is_trusted(ENTRY_SYSTEMD_UNIT));
        assert_true(entry_field_is_trusted(ENTRY_UID));
        assert_false(entry_field_is_trusted(ENTRY_COMM));
        assert_false(entry_field_is_trusted(ENTRY_EXE));
        assert_false(entry_field_is_trusted(ENTRY_SYSLOG_IDENTIFIER));
        assert_false(entry_field_is_trusted(ENTRY_MESSAGE_ID));
}

static void values_are_compared_as_a_whole(void **state) {
        Entry e = {};

        assert_false(entry_has(&e, ENTRY_UID));
        assert_false(entry_is(&e, ENTRY_UID, "", 0));

        e.fields[ENTRY_UID] = (EntryValue){ "0\0x", 3 };
        assert_true(entry_has(&e, ENTRY_UID));
        assert_false(entry_is(&e, ENTRY_UID, "0", 1));
        assert_true(entry_is(&e, ENTRY_UID, "0\0x", 3));
        assert_false(entry_is(&e, ENTRY_UID, "0\0y", 3));
        assert_false(entry_is(&e, ENTRY_GID, "0\0x", 3));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fields_have_names),
                cmocka_unit_test(only_what_the_sender_cannot_choose_is_trusted),
                cmocka_unit_test(values_are_compared_as_a_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
