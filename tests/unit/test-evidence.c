/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "engine/evidence.h"

static EvidenceField field(const char *name, const char *data, size_t size) {
        return (EvidenceField){ name, { data, size } };
}

static int add_entry(const EvidenceEntry *e, void *userdata) {
        char *text = userdata;

        (void) snprintf(text + strlen(text),
                        256,
                        "%llu %s %s\n",
                        (unsigned long long) e->when,
                        e->pattern,
                        e->cursor);
        return 0;
}

static int add_field(const char *name, const char *value, void *userdata) {
        char *text = userdata;

        (void) snprintf(text + strlen(text), 1024, "%s=%s\n", name, value);
        return 0;
}

static int stop(const EvidenceEntry *e, void *userdata) {
        ++*(unsigned *) userdata;
        return -ECANCELED;
}

static void entries_come_back_as_they_were(void **state) {
        const EvidenceEntry entries[] = {
                { T0, "password", "s=1;i=2;t=3" },
                { T0 + 1, "it's \"\\", "" },
        };
        _cleanup_(freep) char *text = evidence_format_entries(entries, 2);
        char found[1024] = "";
        unsigned n = 0;

        assert_non_null(text);
        assert_int_equal(evidence_foreach_entry(text, add_entry, found), 0);
        assert_string_equal(found,
                        "1700000000000000 password s=1;i=2;t=3\n"
                        "1700000000000001 it's \"\\ \n");
        assert_fails(evidence_foreach_entry(text, stop, &n), ECANCELED);
        assert_int_equal(n, 1);
}

static void fields_come_back_and_hold_no_odd_bytes(void **state) {
        const EvidenceField fields[] = {
                field("port", "4711", 4),
                field("odd", "a\xff\0b\xc3\xa4\xc3", 7),
                field("none", "", 0),
        };
        _cleanup_(freep) char *text = evidence_format_fields(fields, 3);
        char found[4096] = "";

        assert_non_null(text);
        assert_int_equal(evidence_foreach_field(text, add_field, found), 0);
        assert_string_equal(found,
                        "port=4711\nodd=a\xef\xbf\xbd\xef\xbf\xbd"
                        "b\xc3\xa4\xef\xbf\xbd\nnone=\n");
}

static void long_values_are_cut(void **state) {
        char value[EVIDENCE_VALUE_MAX + 10], found[4096] = "";
        const EvidenceField fields[] = { field("x", value, sizeof(value)) };
        _cleanup_(freep) char *text = NULL;

        memset(value, '\xff', sizeof(value));
        text = evidence_format_fields(fields, 1);
        assert_non_null(text);
        assert_int_equal(evidence_foreach_field(text, add_field, found), 0);
        assert_int_equal(strlen(found), strlen("x=\n") + EVIDENCE_VALUE_MAX * 3);
}

static void other_texts_are_refused(void **state) {
        static const char *const texts[] = { "", "{", "7", "[1]", "[{}]", "[{\"time\": -1}]" };
        char found[1024] = "";

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                assert_fails(evidence_foreach_entry(texts[i], add_entry, found), EBADMSG);
                assert_fails(evidence_foreach_field(texts[i], add_field, found), EBADMSG);
        }
        assert_fails(evidence_foreach_field("{\"a\": 1}", add_field, found), EBADMSG);
        assert_int_equal(evidence_foreach_entry("[]", add_entry, found), 0);
        assert_int_equal(evidence_foreach_field("{}", add_field, found), 0);
        assert_string_equal(found, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(entries_come_back_as_they_were),
                cmocka_unit_test(fields_come_back_and_hold_no_odd_bytes),
                cmocka_unit_test(long_values_are_cut),
                cmocka_unit_test(other_texts_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
