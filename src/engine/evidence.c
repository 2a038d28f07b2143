/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Log messages hold any bytes and JSON does not, so that values are made UTF-8 first, byte by byte:
 * what is shown later should say that there was something odd, not hide the rest.
 *
 * Texts are written by hand, since that is done for every ban: jansson, which reads them, takes two
 * and a half times as long.
 */

#include "engine/evidence.h"

#include <inttypes.h>
#include <jansson.h>

#include "base/utf8.h"

/* A byte becomes six at most. */
#define ESCAPED_MAX 6

static void write_text(FILE *f, const char *data, size_t size) {
        char copy[EVIDENCE_VALUE_MAX + 1] = "", text[EVIDENCE_VALUE_MAX * ESCAPED_MAX + 3];
        size_t used = 0, n;

        size = MIN(size, (size_t) EVIDENCE_VALUE_MAX);
        memcpy(copy, data, size);

        text[used++] = '"';
        for (size_t i = 0; i < size; i += MAX(n, (size_t) 1)) {
                n = copy[i] ? utf8_character_size(copy + i) : 0;
                if (n == 0) {
                        memcpy(text + used, "\xef\xbf\xbd", 3);
                        used += 3;
                } else if ((unsigned char) copy[i] < 0x20)
                        used += (size_t) sprintf(text + used, "\\u%04x", (unsigned) copy[i]);
                else {
                        if (copy[i] == '"' || copy[i] == '\\')
                                text[used++] = '\\';
                        memcpy(text + used, copy + i, n);
                        used += n;
                }
        }
        text[used++] = '"';
        (void) fwrite(text, 1, used, f);
}

/* Ends a text that was written to memory. */
static char *end_text(FILE *f, char **text) {
        bool failed = ferror(f);

        if (fclose(f) != 0 || failed) {
                free(*text);
                return NULL;
        }

        return *text;
}

char *evidence_format_entries(const EvidenceEntry *entries, size_t n) {
        char *text = NULL;
        size_t size;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;

        (void) fputc('[', f);
        for (size_t i = 0; i < n; i++) {
                const EvidenceEntry *e = &entries[i];

                (void) fprintf(f,
                                "%s{\"time\":%" PRIu64 ",\"pattern\":",
                                i > 0 ? "," : "",
                                MIN(e->when, (usec_t) INT64_MAX));
                write_text(f, e->pattern, strlen(e->pattern));
                if (!isempty(e->cursor)) {
                        (void) fputs(",\"cursor\":", f);
                        write_text(f, e->cursor, strlen(e->cursor));
                }
                (void) fputc('}', f);
        }
        (void) fputc(']', f);

        return end_text(f, &text);
}

char *evidence_format_fields(const EvidenceField *fields, size_t n) {
        char *text = NULL;
        size_t size;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;

        (void) fputc('{', f);
        for (size_t i = 0; i < n; i++) {
                if (i > 0)
                        (void) fputc(',', f);
                write_text(f, fields[i].name, strlen(fields[i].name));
                (void) fputc(':', f);
                write_text(f, fields[i].value.data, fields[i].value.size);
        }
        (void) fputc('}', f);

        return end_text(f, &text);
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
