/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/test-formats.h"

#include <ctype.h>
#include <endian.h>
#include <time.h>

#include "ctl/output.h"

/* Lines of syslog */

static const char *take_digits(const char *s, size_t n, int *ret) {
        int value = 0;

        for (size_t i = 0; i < n; i++) {
                if (!isdigit((unsigned char) s[i]))
                        return NULL;
                value = value * 10 + (s[i] - '0');
        }

        *ret = value;
        return s + n;
}

/* "10:00:00", ".123456" or ",123" behind it. */
static const char *take_time_of_day(const char *s, CivilTime *t, usec_t *ret_fraction) {
        size_t n;

        s = take_digits(s, 2, &t->hour);
        s = s && *s == ':' ? take_digits(s + 1, 2, &t->minute) : NULL;
        s = s && *s == ':' ? take_digits(s + 1, 2, &t->second) : NULL;
        if (!s)
                return NULL;

        if (*s == '.' || *s == ',') {
                n = timestamp_parse_fraction(s + 1, ret_fraction);
                if (n > 0)
                        s += n + 1;
        }
        return s;
}

/* The time of a line, which is valid. */
static int get_time(LineClock *c, const CivilTime *t, const int *offset, usec_t *ret) {
        CivilTime minute = *t;
        int r;

        minute.second = 0;
        if (!c->has_minute || memcmp(&minute, &c->minute, sizeof(minute)) != 0 ||
                        c->has_offset != !!offset || (offset && c->offset != *offset)) {
                r = offset ? civil_time_to_usec_at(&minute, *offset, &c->begin)
                           : civil_time_to_usec(&minute, &c->begin);
                if (r < 0)
                        return r;

                c->has_minute = true;
                c->minute = minute;
                c->has_offset = offset;
                c->offset = offset ? *offset : 0;
        }

        *ret = c->begin + (usec_t) t->second * USEC_PER_SEC;
        return 0;
}

/* "Nov 24 10:00:00", of this year or the one before. */
static const char *take_bsd_time(const char *s, LineClock *c, usec_t *ret) {
        static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        time_t now = (time_t) (c->now / USEC_PER_SEC);
        CivilTime t = {};
        usec_t fraction = 0;
        struct tm tm;

        for (size_t i = 0; i < 12 && t.month == 0; i++)
                if (strncmp(s, names + 3 * i, 3) == 0)
                        t.month = (int) i + 1;
        if (t.month == 0 || s[3] != ' ')
                return NULL;
        s += 4;

        s = *s == ' ' ? take_digits(s + 1, 1, &t.day) : take_digits(s, 2, &t.day);
        s = s && *s == ' ' ? take_time_of_day(s + 1, &t, &fraction) : NULL;
        if (!s)
                return NULL;

        /* Of the same minute as the line before, as nearly all are. */
        t.year = c->minute.year;
        if (!c->has_minute || c->has_offset || t.month != c->minute.month ||
                        t.day != c->minute.day) {
                if (!localtime_r(&now, &tm))
                        return NULL;
                t.year = tm.tm_year + 1900;
                if (t.month > tm.tm_mon + 1 || (t.month == tm.tm_mon + 1 && t.day > tm.tm_mday + 1))
                        t.year--;
        }

        if (!civil_time_is_valid(&t) || get_time(c, &t, NULL, ret) < 0)
                return NULL;
        *ret += fraction;
        return s;
}

/* "2026-11-24T10:00:00.123456+01:00", and "Tue 2026-11-24 10:00:00 CET" as `-o short-full` has it:
 * the zone is this host's there, or UTC. */
static const char *take_iso_time(const char *s, LineClock *c, usec_t *ret) {
        bool has_weekday = isalpha((unsigned char) s[0]) && isalpha((unsigned char) s[1]) &&
                           isalpha((unsigned char) s[2]) && s[3] == ' ';
        usec_t fraction = 0;
        CivilTime t = {};
        int offset = 0;
        size_t n;

        s = take_digits(has_weekday ? s + 4 : s, 4, &t.year);
        s = s && *s == '-' ? take_digits(s + 1, 2, &t.month) : NULL;
        s = s && *s == '-' ? take_digits(s + 1, 2, &t.day) : NULL;
        s = s && (*s == 'T' || *s == ' ') ? take_time_of_day(s + 1, &t, &fraction) : NULL;
        if (!s || !civil_time_is_valid(&t))
                return NULL;

        if (has_weekday && *s == ' ')
                s++;
        n = timestamp_parse_offset(s, &offset);
        s += n;
        if (has_weekday && n == 0)
                s += strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ+-0123456789");

        if (get_time(c, &t, n > 0 ? &offset : NULL, ret) < 0)
                return NULL;
        *ret += fraction;
        return s;
}

/* "<38>" as syslog daemons send it and some write it. */
static const char *skip_priority(const char *s) {
        size_t n;

        if (*s != '<')
                return s;

        n = strspn(s + 1, "0123456789");
        return n >= 1 && n <= 3 && s[n + 1] == '>' ? s + n + 2 : s;
}

/* "IDENT[PID]:" of so many bytes, the colon included. */
static void set_sender(const char *s, size_t size, Entry *e) {
        const char *bracket;

        size--;
        bracket = s[size - 1] == ']' ? memrchr(s, '[', size) : NULL;
        if (bracket && bracket > s) {
                EntryValue pid = { bracket + 1, (size_t) (s + size - 1 - (bracket + 1)) };

                if (pid.size > 0 && strspn(pid.data, "0123456789") >= pid.size) {
                        e->fields[ENTRY_PID] = e->fields[ENTRY_SYSLOG_PID] = pid;
                        size = (size_t) (bracket - s);
                }
        }

        e->fields[ENTRY_SYSLOG_IDENTIFIER] = (EntryValue){ s, size };
}

static bool ends_in_colon(const char *s, size_t size) {
        return size >= 2 && s[size - 1] == ':';
}

bool parse_syslog_line(const char *line, size_t size, LineClock *clock, Entry *ret) {
        const char *end = line + size, *s;
        Entry e = {};
        size_t n;

        assert(line);
        assert(clock);
        assert(ret);

        line = skip_priority(line);
        s = take_bsd_time(line, clock, &e.realtime);
        if (!s)
                s = take_iso_time(line, clock, &e.realtime);
        if (!s || *s != ' ')
                return false;
        s += strspn(s, " ");

        n = strcspn(s, " ");
        if (!ends_in_colon(s, n)) {
                if (n == 0 || s[n] != ' ')
                        return false;
                e.fields[ENTRY_HOSTNAME] = (EntryValue){ s, n };
                s += n + 1;
                n = strcspn(s, " ");
                if (!ends_in_colon(s, n))
                        return false;
        }

        set_sender(s, n, &e);
        s += n;
        if (*s == ' ')
                s++;
        e.fields[ENTRY_MESSAGE] = (EntryValue){ s, (size_t) (end - s) };

        *ret = e;
        return true;
}

/* Values that are copied */

static void put_field(EntryBuffer *b, Entry *e, EntryField field, const char *data, size_t size) {
        char *room = field == ENTRY_MESSAGE ? b->message : b->fields[field];
        size_t max = field == ENTRY_MESSAGE ? sizeof(b->message) : sizeof(b->fields[field]);

        if (e->fields[field].data)
                return;

        if (field == ENTRY_MESSAGE)
                b->cut = size > max;
        size = MIN(size, max);
        memcpy(room, data, size);
        e->fields[field] = (EntryValue){ room, size };
}

static int parse_realtime(const char *s, size_t size, usec_t *ret) {
        usec_t t = 0;

        if (size == 0)
                return -EINVAL;
        for (size_t i = 0; i < size; i++)
                if (!isdigit((unsigned char) s[i]) || __builtin_mul_overflow(t, 10, &t) ||
                                __builtin_add_overflow(t, (usec_t) (s[i] - '0'), &t))
                        return -EINVAL;

        *ret = t;
        return 0;
}

/* JSON */

/* What is no text stands there as an array of its bytes. */
static void put_bytes(EntryBuffer *b, Entry *e, EntryField field, const json_t *array) {
        char bytes[ENTRY_MESSAGE_MAX + 1]; /* one more than fits, so that it is seen to be cut */
        size_t n = 0, i;
        json_t *byte;

        json_array_foreach(array, i, byte) {
                json_int_t value = json_integer_value(byte);

                if (n == sizeof(bytes))
                        break;
                if (!json_is_integer(byte) || value < 0 || value > 255)
                        return;
                bytes[n++] = (char) (unsigned char) value;
        }

        put_field(b, e, field, bytes, n);
}

/* A field with several values is an array of these; the first counts. */
static void put_json(EntryBuffer *b, Entry *e, EntryField field, const json_t *value) {
        if (json_is_array(value) && !json_is_integer(json_array_get(value, 0)))
                value = json_array_get(value, 0);

        if (json_is_string(value))
                put_field(b, e, field, json_string_value(value), json_string_length(value));
        else if (json_is_array(value))
                put_bytes(b, e, field, value);
}

int parse_json_entry(const char *line, size_t size, EntryBuffer *buffer, Entry *ret) {
        const char *key;
        json_t *root, *value;
        Entry e = {};

        assert(line);
        assert(buffer);
        assert(ret);

        root = json_loadb(line, size, JSON_ALLOW_NUL, NULL);
        if (!json_is_object(root)) {
                json_decref(root);
                return -EINVAL;
        }

        buffer->cut = false;
        json_object_foreach(root, key, value) {
                int field = entry_field_from_string(key, strlen(key));

                if (field >= 0)
                        put_json(buffer, &e, (EntryField) field, value);
                else if (streq(key, "__REALTIME_TIMESTAMP") && json_is_string(value))
                        (void) parse_realtime(json_string_value(value),
                                        json_string_length(value),
                                        &e.realtime);
        }

        json_decref(root);
        *ret = e;
        return 0;
}

/* The Journal Export Format */

/* Longer than any message that is not cut, with its name. */
#define EXPORT_LINE_MAX ((size_t) 2 * ENTRY_MESSAGE_MAX)

static bool is_field_name(const char *s, size_t size) {
        return size >= 1 && size <= 64 &&
               strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") >= size;
}

/* The name stood on a line of its own: now come a size and so many bytes. */
static int read_binary(Reader *reader, EntryBuffer *buffer, Entry *e, int field) {
        char data[ENTRY_MESSAGE_MAX + 1], newline;
        uint64_t size;
        int r;

        r = reader_bytes(reader, sizeof(size), (char *) &size, sizeof(size));
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        size = le64toh(size);

        r = reader_bytes(reader, size, data, field >= 0 ? sizeof(data) : 0);
        if (r > 0)
                r = reader_bytes(reader, 1, &newline, 1);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        if (newline != '\n')
                return -EBADMSG;

        if (field >= 0)
                put_field(buffer,
                                e,
                                (EntryField) field,
                                data,
                                (size_t) MIN(size, (uint64_t) sizeof(data)));
        return 0;
}

static int read_field(Reader *reader, const ReaderLine *line, EntryBuffer *buffer, Entry *e) {
        const char *equals = memchr(line->data, '=', line->size), *value;
        size_t name_size = equals ? (size_t) (equals - line->data) : line->size;
        int field;

        if (!is_field_name(line->data, name_size))
                return -EBADMSG;

        field = entry_field_from_string(line->data, name_size);
        if (!equals)
                return read_binary(reader, buffer, e, field);

        value = equals + 1;
        if (field >= 0)
                put_field(buffer,
                                e,
                                (EntryField) field,
                                value,
                                (size_t) (line->data + line->size - value));
        else if (startswith(line->data, "__REALTIME_TIMESTAMP="))
                return parse_realtime(value,
                                       (size_t) (line->data + line->size - value),
                                       &e->realtime) < 0
                                       ? -EBADMSG
                                       : 0;
        return 0;
}

int read_export_entry(Reader *reader, EntryBuffer *buffer, Entry *ret) {
        bool has_field = false;
        Entry e = {};
        ReaderLine line;
        int r;

        assert(reader);
        assert(buffer);
        assert(ret);

        buffer->cut = false;
        while ((r = reader_line(reader, EXPORT_LINE_MAX, &line)) > 0) {
                if (line.size == 0 && has_field)
                        break;
                if (line.size == 0)
                        continue;

                has_field = true;
                r = read_field(reader, &line, buffer, &e);
                if (r < 0)
                        return r;
        }
        if (r < 0 || !has_field)
                return r;

        *ret = e;
        return 1;
}
