/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The fields of an entry are enumerated once and those that are wanted are copied: asking for each
 * field by name walks nearly all items each time, and what libsystemd hands out is valid only until
 * the next such call.
 *
 * A message beyond ENTRY_MESSAGE_MAX is cut. libsystemd is told to hand out no more than that, so
 * that a huge field is not unpacked as a whole.
 */

#include "engine/journal.h"

#include <sys/stat.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>

/* Of other fields than the message; what is longer is cut, which makes it fit no match. */
#define FIELD_MAX 512

/* "MESSAGE=" and the like come in front of a value. */
#define DATA_THRESHOLD (ENTRY_MESSAGE_MAX + 64)

struct Journal {
        sd_journal *journal;
        int fd;
        char message[ENTRY_MESSAGE_MAX];
        char fields[_ENTRY_FIELD_MAX][FIELD_MAX];
};

/* sd_journal_open() leaves out what it may not read and reports nothing. */
static int check_access(void) {
        static const char *const places[] = { "/var/log/journal", "/run/log/journal" };
        sd_id128_t machine;
        int r = 0;

        if (sd_id128_get_machine(&machine) < 0)
                return 0;

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                char path[128];

                (void) snprintf(path,
                                sizeof(path),
                                "%s/" SD_ID128_FORMAT_STR "/system.journal",
                                places[i],
                                SD_ID128_FORMAT_VAL(machine));
                if (access(path, R_OK) == 0)
                        return 0;
                if (errno == EACCES)
                        r = -EACCES;
        }

        return r;
}

static int open_path(sd_journal **ret, const char *path) {
        const char *files[] = { path, NULL };
        struct stat st;

        if (!path)
                return sd_journal_open(ret, SD_JOURNAL_LOCAL_ONLY);
        if (stat(path, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return sd_journal_open_directory(ret, path, 0);
        return sd_journal_open_files(ret, files, 0);
}

int journal_open(Journal **ret, const char *path) {
        _cleanup_(journal_closep) Journal *j = NULL;
        int r;

        assert(ret);

        if (!path) {
                r = check_access();
                if (r < 0)
                        return r;
        }

        j = calloc(1, sizeof(*j));
        if (!j)
                return -ENOMEM;

        r = open_path(&j->journal, path);
        if (r < 0)
                return r;

        r = sd_journal_set_data_threshold(j->journal, DATA_THRESHOLD);
        if (r < 0)
                return r;

        /* Before anything is read, so that no change after that goes unnoticed. */
        r = sd_journal_get_fd(j->journal);
        if (r < 0 && r != -EMEDIUMTYPE)
                return r;
        j->fd = r < 0 ? -1 : r;

        *ret = TAKE_PTR(j);
        return 0;
}

Journal *journal_close(Journal *j) {
        if (!j)
                return NULL;

        sd_journal_close(j->journal);
        free(j);
        return NULL;
}

void journal_clear_matches(Journal *j) {
        assert(j);

        sd_journal_flush_matches(j->journal);
}

static int add_term(Journal *j, const char *field, const char *value) {
        char term[1024];
        int n;

        n = snprintf(term, sizeof(term), "%s=%s", field, value);
        if (n < 0 || (size_t) n >= sizeof(term))
                return -EINVAL;

        return sd_journal_add_match(j->journal, term, (size_t) n);
}

int journal_add_match(Journal *j, const Match *m) {
        int r;

        assert(j);
        assert(m);

        for (size_t i = 0; i < m->n_groups; i++) {
                for (size_t k = 0; k < m->groups[i].n_terms; k++) {
                        const MatchTerm *t = &m->groups[i].terms[k];

                        r = add_term(j, entry_field_to_string(t->field), t->value);
                        if (r < 0)
                                return r;
                }

                r = sd_journal_add_disjunction(j->journal);
                if (r < 0)
                        return r;
        }

        return 0;
}

int journal_add_root_identifier(Journal *j, const char *identifier) {
        int r;

        assert(j);
        assert(identifier);

        r = add_term(j, "_UID", "0");
        if (r >= 0)
                r = add_term(j, "SYSLOG_IDENTIFIER", identifier);
        if (r >= 0)
                r = sd_journal_add_disjunction(j->journal);
        return r;
}

int journal_seek_head(Journal *j) {
        assert(j);

        return sd_journal_seek_head(j->journal);
}

int journal_seek_realtime(Journal *j, usec_t when) {
        assert(j);

        return sd_journal_seek_realtime_usec(j->journal, when);
}

int journal_seek_behind(Journal *j, const char *cursor) {
        int r;

        assert(j);
        assert(cursor);

        r = sd_journal_seek_cursor(j->journal, cursor);
        if (r < 0)
                return r;

        /* The next entry is that of the cursor, which was handled, or a later one, which was not
         * and has to come again. At the end of the journal there is none yet. */
        r = sd_journal_next(j->journal);
        if (r < 0)
                return r;
        if (r == 0)
                return 1;
        if (journal_is_at(j, cursor))
                return 0;

        r = sd_journal_previous(j->journal);
        if (r == 0)
                r = sd_journal_seek_head(j->journal);
        return r < 0 ? r : 1;
}

static void store_field(Journal *j, const char *data, size_t size, Entry *ret) {
        const char *eq = memchr(data, '=', size);
        EntryValue *value;
        char *buf;
        size_t n;
        int field;

        if (!eq)
                return;
        field = entry_field_from_string(data, (size_t) (eq - data));
        if (field < 0 || ret->fields[field].data)
                return;

        n = size - (size_t) (eq + 1 - data);
        if (field == ENTRY_MESSAGE) {
                buf = j->message;
                n = MIN(n, sizeof(j->message));
        } else {
                buf = j->fields[field];
                n = MIN(n, sizeof(j->fields[field]));
        }

        memcpy(buf, eq + 1, n);
        value = &ret->fields[field];
        *value = (EntryValue){ buf, n };
}

int journal_next(Journal *j, Entry *ret) {
        const void *data;
        size_t size;
        int r;

        assert(j);
        assert(ret);

        r = sd_journal_next(j->journal);
        if (r <= 0)
                return r;

        *ret = (Entry){};

        r = sd_journal_get_realtime_usec(j->journal, &ret->realtime);
        if (r < 0)
                return r;

        /* What a damaged file does not give is left out. */
        sd_journal_restart_data(j->journal);
        while (sd_journal_enumerate_available_data(j->journal, &data, &size) > 0)
                store_field(j, data, size, ret);

        return 1;
}

int journal_get_cursor(Journal *j, char **ret) {
        assert(j);
        assert(ret);

        return sd_journal_get_cursor(j->journal, ret);
}

bool journal_is_at(Journal *j, const char *cursor) {
        assert(j);
        assert(cursor);

        return sd_journal_test_cursor(j->journal, cursor) > 0;
}

int journal_get_fd(Journal *j) {
        assert(j);

        return j->fd;
}

int journal_process(Journal *j) {
        int r;

        assert(j);

        r = sd_journal_process(j->journal);
        return r < 0 ? r : 0;
}
