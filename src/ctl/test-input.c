/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A format is recognised by what comes first: journalctl begins each entry with fields of its own.
 * An application's own log may be JSON, too, and its lines are messages then. Whether a line of
 * text has a time and a sender in front is asked of each line, since files get mixed up.
 */

#include "ctl/test-input.h"

#include <sys/stat.h>

#include "ctl/test-formats.h"
#include "ctl/test-reader.h"
#include "engine/jail.h"

/* An object as journalctl writes it has twenty fields and more; a message that is no text takes
 * five bytes for each of its bytes. */
#define JSON_LINE_MAX ((size_t) 1024 * 1024)

/* With room for what stands in front of a message. */
#define TEXT_LINE_MAX ((size_t) ENTRY_MESSAGE_MAX + 512)

#define PEEK_MAX ((size_t) 64 * 1024)

struct Input {
        InputFormat format;
        Reader *reader;
        uint64_t size; /* of the file; 0 if it is none */
        EntryBuffer buffer;
        LineClock clock;
        usec_t last; /* time of the entry before */

        Journal *journal;
        const JournalWant *want;
        usec_t since, until;

        InputStats stats;
};

static const char *const names[_INPUT_FORMAT_MAX] = {
        [INPUT_AUTO] = "auto",
        [INPUT_JSON] = "json",
        [INPUT_EXPORT] = "export",
        [INPUT_SHORT] = "short",
        [INPUT_CAT] = "cat",
        [INPUT_JOURNAL] = "journal",
};

const char *input_format_to_string(InputFormat format) {
        assert(format < _INPUT_FORMAT_MAX);

        return names[format];
}

int input_format_from_string(const char *s) {
        assert(s);

        for (int i = 0; i < INPUT_JOURNAL; i++)
                if (streq(s, names[i]))
                        return i;

        return startswith(s, "short-") ? INPUT_SHORT : -EINVAL;
}

int input_new(Input **ret, int fd, InputFormat format, usec_t now) {
        _cleanup_(input_freep) Input *i = NULL;
        struct stat st;
        int r;

        assert(ret);
        assert(format != INPUT_JOURNAL);

        i = calloc(1, sizeof(*i));
        if (!i) {
                (void) close(fd);
                return -ENOMEM;
        }
        i->format = format;
        i->clock.now = i->last = now;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                i->size = (uint64_t) st.st_size;

        r = reader_new(&i->reader, fd);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(i);
        return 0;
}

int input_new_journal(Input **ret,
                const char *path,
                const JournalWant *want,
                usec_t since,
                usec_t until) {
        _cleanup_(input_freep) Input *i = NULL;
        int r;

        assert(ret);
        assert(want);

        i = calloc(1, sizeof(*i));
        if (!i)
                return -ENOMEM;
        i->format = INPUT_JOURNAL;
        i->want = want;
        i->since = since;
        i->until = until;

        r = journal_open(&i->journal, path);
        if (r >= 0)
                r = journal_set_wants(i->journal, want, 1);
        if (r >= 0)
                r = journal_seek(i->journal, NULL, since);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(i);
        return 0;
}

Input *input_free(Input *i) {
        if (!i)
                return NULL;

        reader_free(i->reader);
        journal_close(i->journal);
        free(i);
        return NULL;
}

/* Formats */

static bool contains(const char *s, size_t size, const char *what) {
        return memmem(s, size, what, strlen(what));
}

static bool begins(const char *s, size_t size, const char *what) {
        return size >= strlen(what) && memcmp(s, what, strlen(what)) == 0;
}

static int recognise(Input *i) {
        const char *s;
        size_t n;
        int r;

        r = reader_peek(i->reader, PEEK_MAX, &s, &n);
        if (r <= 0)
                return r;

        if (begins(s, n, "{") && (contains(s, n, "\"__REALTIME_TIMESTAMP\"") ||
                                                 contains(s, n, "\"__CURSOR\"") ||
                                                 contains(s, n, "\"MESSAGE\"")))
                i->format = INPUT_JSON;
        else if (begins(s, n, "__CURSOR=") || begins(s, n, "__REALTIME_TIMESTAMP="))
                i->format = INPUT_EXPORT;
        else
                i->format = INPUT_SHORT;
        return 1;
}

/* What journalctl says itself in between. */
static bool is_remark(const ReaderLine *line) {
        static const char *const remarks[] = {
                "-- Journal begins at ",
                "-- Logs begin at ",
                "-- Boot ",
                "-- No entries --",
        };

        for (size_t k = 0; k < ELEMENTSOF(remarks); k++)
                if (startswith(line->data, remarks[k]))
                        return true;

        return false;
}

/* "[42B blob data]" */
static bool is_left_out(const EntryValue *message) {
        return message->size >= strlen("[1B blob data]") && message->data[0] == '[' &&
               memcmp(message->data + message->size - strlen(" blob data]"),
                               " blob data]",
                               strlen(" blob data]")) == 0;
}

static void set_plain(Input *i, const ReaderLine *line, Entry *ret) {
        *ret = (Entry){ .realtime = i->last + USEC_PER_SEC };
        ret->fields[ENTRY_MESSAGE] = (EntryValue){ line->data, line->size };
}

/* Returns 1 for an entry, 0 for a line that is none. */
static int read_text(Input *i, const ReaderLine *line, Entry *ret) {
        EntryValue *message = &ret->fields[ENTRY_MESSAGE];

        if (i->format == INPUT_CAT) {
                set_plain(i, line, ret);
                i->stats.n_plain++;
        } else if (is_remark(line))
                return 0;
        else if (!parse_syslog_line(line->data, line->size, &i->clock, ret)) {
                set_plain(i, line, ret);
                i->stats.n_plain++;
        } else if (is_left_out(message)) {
                i->stats.n_left_out++;
                return 0;
        }

        i->buffer.cut = line->cut || message->size > ENTRY_MESSAGE_MAX;
        message->size = MIN(message->size, (size_t) ENTRY_MESSAGE_MAX);
        return 1;
}

/* Returns 1 for an entry, 0 for a line that is none, -ENODATA at the end. */
static int read_line(Input *i, Entry *ret, EntryValue *ret_line) {
        ReaderLine line;
        int r;

        r = reader_line(i->reader, i->format == INPUT_JSON ? JSON_LINE_MAX : TEXT_LINE_MAX, &line);
        if (r <= 0)
                return r < 0 ? r : -ENODATA;

        /* Files of other systems. */
        if (!line.cut && line.size > 0 && line.data[line.size - 1] == '\r')
                line.size--;
        if (line.size == 0)
                return 0;

        if (i->format == INPUT_JSON) {
                if (line.cut || parse_json_entry(line.data, line.size, &i->buffer, ret) < 0) {
                        i->stats.n_broken++;
                        return 0;
                }
                return 1;
        }

        *ret_line = (EntryValue){ line.data, line.size };
        return read_text(i, &line, ret);
}

static int read_export(Input *i, Entry *ret) {
        int r = read_export_entry(i->reader, &i->buffer, ret);

        if (r != -EBADMSG)
                return r == 0 ? -ENODATA : r;

        i->stats.n_broken++;
        return 0;
}

static int read_journal(Input *i, Entry *ret) {
        int r;

        r = journal_next(i->journal, ret);
        if (r <= 0)
                return r < 0 ? r : -ENODATA;
        if (r == JOURNAL_MISSED)
                return 0;
        if (ret->realtime > i->until)
                return -ENODATA;
        i->buffer.cut = ret->is_cut;
        return match_fits(i->want->match, ret) ||
               jail_fits_without_unit(i->want->identifiers, i->want->n_identifiers, ret);
}

int input_next(Input *i, Entry *ret, EntryValue *ret_line) {
        int r;

        assert(i);
        assert(ret);
        assert(ret_line);

        if (i->format == INPUT_AUTO) {
                r = recognise(i);
                if (r <= 0)
                        return r;
        }

        for (;;) {
                *ret_line = (EntryValue){};
                if (i->format == INPUT_JOURNAL)
                        r = read_journal(i, ret);
                else if (i->format == INPUT_EXPORT)
                        r = read_export(i, ret);
                else
                        r = read_line(i, ret, ret_line);
                if (r < 0)
                        return r == -ENODATA ? 0 : r;
                if (r == 0)
                        continue;

                if (entry_has(ret, ENTRY_MESSAGE) && ret->fields[ENTRY_MESSAGE].size > 0)
                        break;
                i->stats.n_empty++;
        }

        if (ret->realtime == 0)
                ret->realtime = i->last + USEC_PER_SEC;
        i->last = ret->realtime;
        if (!ret_line->data)
                *ret_line = ret->fields[ENTRY_MESSAGE];
        ret->is_cut = i->buffer.cut;
        i->stats.n_entries++;
        i->stats.n_cut += i->buffer.cut;
        return 1;
}

InputFormat input_get_format(const Input *i) {
        assert(i);

        return i->format;
}

void input_get_stats(const Input *i, InputStats *ret) {
        assert(i);
        assert(ret);

        *ret = i->stats;
}

double input_progress(const Input *i) {
        assert(i);

        if (i->format == INPUT_JOURNAL || i->size == 0)
                return -1;
        return MIN((double) reader_position(i->reader) / (double) i->size, 1.0);
}
