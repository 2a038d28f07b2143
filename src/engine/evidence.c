/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Log messages hold any bytes and JSON does not, so that values are made UTF-8 first, byte by byte:
 * what is shown later should say that there was something odd, not hide the rest.
 */

#include "engine/evidence.h"

#include <inttypes.h>
#include <jansson.h>

#include "base/utf8.h"

static json_t *text_to_json(const char *data, size_t size) {
        static const char replacement[] = "\xef\xbf\xbd";
        char text[EVIDENCE_VALUE_MAX * 3 + 1], copy[EVIDENCE_VALUE_MAX + 1] = "";
        size_t used = 0, n;

        size = MIN(size, (size_t) EVIDENCE_VALUE_MAX);
        memcpy(copy, data, size);

        for (size_t i = 0; i < size; i += MAX(n, (size_t) 1)) {
                n = copy[i] ? utf8_character_size(copy + i) : 0;
                memcpy(text + used, n > 0 ? copy + i : replacement, n > 0 ? n : 3);
                used += n > 0 ? n : 3;
        }

        return json_stringn(text, used);
}

static char *dump(json_t *value) {
        char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

        json_decref(value);
        return text;
}

char *evidence_format_entries(const EvidenceEntry *entries, size_t n) {
        json_t *array = json_array();

        for (size_t i = 0; i < n; i++) {
                const EvidenceEntry *e = &entries[i];
                json_t *object = json_pack("{s:I, s:o}",
                                "time",
                                (json_int_t) e->when,
                                "pattern",
                                text_to_json(e->pattern, strlen(e->pattern)));

                if (!isempty(e->cursor))
                        (void) json_object_set_new(object, "cursor", json_string(e->cursor));
                if (json_array_append_new(array, object) < 0) {
                        json_decref(array);
                        return NULL;
                }
        }

        return dump(array);
}

char *evidence_format_fields(const EvidenceField *fields, size_t n) {
        json_t *object = json_object();

        for (size_t i = 0; i < n; i++)
                if (json_object_set_new(object,
                                    fields[i].name,
                                    text_to_json(fields[i].value.data, fields[i].value.size)) < 0) {
                        json_decref(object);
                        return NULL;
                }

        return dump(object);
}

int evidence_foreach_entry(const char *entries, EvidenceEntryHandler handler, void *userdata) {
        json_t *array, *object;
        size_t i;
        int r = 0;

        assert(entries);
        assert(handler);

        array = json_loads(entries, 0, NULL);
        if (!json_is_array(array))
                r = -EBADMSG;

        json_array_foreach(array, i, object) {
                json_int_t when;
                const char *pattern, *cursor = "";

                if (json_unpack(object,
                                    "{s:I, s:s, s?:s}",
                                    "time",
                                    &when,
                                    "pattern",
                                    &pattern,
                                    "cursor",
                                    &cursor) < 0 ||
                                when < 0)
                        r = -EBADMSG;
                else
                        r = handler(&(const EvidenceEntry){ (usec_t) when, pattern, cursor },
                                        userdata);
                if (r < 0)
                        break;
        }

        json_decref(array);
        return MIN(r, 0);
}

int evidence_foreach_field(const char *fields, EvidenceFieldHandler handler, void *userdata) {
        const char *name;
        json_t *object, *value;
        int r = 0;

        assert(fields);
        assert(handler);

        object = json_loads(fields, 0, NULL);
        if (!json_is_object(object))
                r = -EBADMSG;

        json_object_foreach(object, name, value) {
                r = json_is_string(value) ? handler(name, json_string_value(value), userdata)
                                          : -EBADMSG;
                if (r < 0)
                        break;
        }

        json_decref(object);
        return MIN(r, 0);
}
