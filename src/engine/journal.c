/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The fields of an entry are enumerated once and those that are wanted are copied: asking for each
 * field by name walks nearly all items each time, and what libsystemd hands out is valid only until
 * the next such call.
 *
 * libsystemd watches the directories that exist when it opens the journal. It does not see that
 * /var/log/journal is made later, and the entries with it: so the parents are watched here. Both
 * descriptors are behind one epoll descriptor, which callers wait for.
 *
 * Matches. libsystemd keeps a list of entries for each value of a field; one field's values
 * together cost little, but every "and" has it walk two lists side by side. So of a group that
 * names units only these are handed on, and the units of all groups together.
 *
 * A message beyond ENTRY_MESSAGE_MAX is cut. libsystemd is told to hand out no more than that, so
 * that a huge field is not unpacked as a whole.
 */

#include "engine/journal.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>

/* Of other fields than the message; what is longer is cut, which makes it fit no match. */
#define FIELD_MAX 512

/* "MESSAGE=" and the like come in front of a value. */
#define DATA_THRESHOLD (ENTRY_MESSAGE_MAX + 64)

/* Where journals are, and what is watched for them to come and go. */
static const char *const roots[] = { "/var/log/journal", "/run/log/journal" };
static const char *const parents[] = { "/var/log", "/run/log" };

struct Journal {
        const char *path; /* borrowed; NULL for this machine's */
        sd_journal *journal;
        int epoll_fd;   /* -1 if there is nothing to wait for */
        int inotify_fd; /* the parents; -1 for another journal than this machine's */
        char message[ENTRY_MESSAGE_MAX];
        char fields[_ENTRY_FIELD_MAX][FIELD_MAX];
};

/* sd_journal_open() leaves out what it may not read and reports nothing. */
static int check_access(void) {
        sd_id128_t machine;
        int r = 0;

        if (sd_id128_get_machine(&machine) < 0)
                return 0;

        for (size_t i = 0; i < ELEMENTSOF(roots); i++) {
                char path[128];

                (void) snprintf(path,
                                sizeof(path),
                                "%s/" SD_ID128_FORMAT_STR "/system.journal",
                                roots[i],
                                SD_ID128_FORMAT_VAL(machine));
                if (access(path, R_OK) == 0)
                        return 0;
                if (errno == EACCES)
                        r = -EACCES;
        }

        return r;
}

static int open_path(sd_journal **ret, const char *path) {
        _cleanup_(freep) char *absolute = NULL;
        struct stat st;

        if (!path)
                return sd_journal_open(ret, SD_JOURNAL_LOCAL_ONLY);

        /* Of files libsystemd wants absolute paths. */
        absolute = realpath(path, NULL);
        if (!absolute || stat(absolute, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return sd_journal_open_directory(ret, absolute, 0);
        return sd_journal_open_files(ret, (const char *[]){ absolute, NULL }, 0);
}

/* Opens libsystemd's handle and waits for it instead of the old one. */
static int open_handle(Journal *j) {
        sd_journal *journal = NULL;
        int r, fd;

        r = open_path(&journal, j->path);
        if (r < 0)
                return r;

        r = sd_journal_set_data_threshold(journal, DATA_THRESHOLD);
        if (r < 0)
                goto fail;

        /* Before anything is read, so that no change after that goes unnoticed. */
        fd = sd_journal_get_fd(journal);
        if (fd >= 0 && j->epoll_fd >= 0 &&
                        epoll_ctl(j->epoll_fd,
                                        EPOLL_CTL_ADD,
                                        fd,
                                        &(struct epoll_event){ .events = EPOLLIN }) < 0) {
                r = -errno;
                goto fail;
        }
        if (fd < 0 && fd != -EMEDIUMTYPE) {
                r = fd;
                goto fail;
        }
        if (fd < 0 && j->epoll_fd >= 0) {
                (void) close(j->epoll_fd);
                j->epoll_fd = -1;
        }

        /* Closing the old one takes it out of the epoll set. */
        sd_journal_close(j->journal);
        j->journal = journal;
        return 0;

fail:
        sd_journal_close(journal);
        return r;
}

static int watch_parents(Journal *j) {
        j->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (j->inotify_fd < 0)
                return -errno;

        /* A parent that is missing has no journal either, and hardly ever gets one. */
        for (size_t i = 0; i < ELEMENTSOF(parents); i++)
                (void) inotify_add_watch(j->inotify_fd,
                                parents[i],
                                IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR);

        if (epoll_ctl(j->epoll_fd,
                            EPOLL_CTL_ADD,
                            j->inotify_fd,
                            &(struct epoll_event){ .events = EPOLLIN }) < 0)
                return -errno;

        return 0;
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
        j->path = path;
        j->inotify_fd = -1;

        j->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (j->epoll_fd < 0)
                return -errno;

        if (!path) {
                r = watch_parents(j);
                if (r < 0)
                        return r;
        }

        r = open_handle(j);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(j);
        return 0;
}

int journal_reopen(Journal *j) {
        assert(j);

        return open_handle(j);
}

Journal *journal_close(Journal *j) {
        if (!j)
                return NULL;

        sd_journal_close(j->journal);
        closep(&j->inotify_fd);
        closep(&j->epoll_fd);
        free(j);
        return NULL;
}

static int add_term(Journal *j, const char *field, const char *value) {
        char term[1024];
        int n;

        n = snprintf(term, sizeof(term), "%s=%s", field, value);
        if (n < 0 || (size_t) n >= sizeof(term))
                return -EINVAL;

        return sd_journal_add_match(j->journal, term, (size_t) n);
}

static bool has_field(const MatchGroup *g, EntryField field) {
        for (size_t i = 0; i < g->n_terms; i++)
                if (g->terms[i].field == field)
                        return true;

        return false;
}

/* Adds a group's terms: all of them, or those of one field alone. */
static int add_terms(Journal *j, const MatchGroup *g, const EntryField *only) {
        for (size_t i = 0; i < g->n_terms; i++) {
                const MatchTerm *t = &g->terms[i];
                int r;

                if (only && t->field != *only)
                        continue;

                r = add_term(j, entry_field_to_string(t->field), t->value);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* The fields that stand for a whole group, the best first. */
static const EntryField leading_fields[] = { ENTRY_SYSTEMD_UNIT, ENTRY_SYSTEMD_SLICE };

/* The field that stands for the group, or NULL. */
static const EntryField *find_leading_field(const MatchGroup *g) {
        for (size_t i = 0; i < ELEMENTSOF(leading_fields); i++)
                if (has_field(g, leading_fields[i]))
                        return &leading_fields[i];

        return NULL;
}

/* Adds the groups that this field stands for as alternatives of one group; for NULL, those that no
 * field stands for one by one. */
static int
add_groups(Journal *j, const Match *const *matches, size_t n_matches, const EntryField *leading) {
        int r;

        for (size_t i = 0; i < n_matches; i++)
                for (size_t k = 0; k < matches[i]->n_groups; k++) {
                        const MatchGroup *g = &matches[i]->groups[k];

                        if (find_leading_field(g) != leading)
                                continue;

                        r = add_terms(j, g, leading);
                        if (r >= 0 && !leading)
                                r = sd_journal_add_disjunction(j->journal);
                        if (r < 0)
                                return r;
                }

        return leading ? sd_journal_add_disjunction(j->journal) : 0;
}

int journal_set_matches(Journal *j,
                const Match *const *matches,
                size_t n_matches,
                const char *const *identifiers,
                size_t n_identifiers) {
        int r;

        assert(j);
        assert(matches);

        sd_journal_flush_matches(j->journal);

        /* libsystemd knows no globs: everything is read then, and compared. */
        for (size_t i = 0; i < n_matches; i++)
                if (match_has_glob(matches[i]))
                        return 0;

        for (size_t i = 0; i < ELEMENTSOF(leading_fields); i++) {
                r = add_groups(j, matches, n_matches, &leading_fields[i]);
                if (r < 0)
                        return r;
        }

        r = add_groups(j, matches, n_matches, NULL);
        if (r < 0 || n_identifiers == 0)
                return r;

        r = add_term(j, "_UID", "0");
        for (size_t i = 0; i < n_identifiers && r >= 0; i++)
                r = add_term(j, "SYSLOG_IDENTIFIER", identifiers[i]);
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

/* What a cursor says of the entry itself: boot, times and a hash of the contents. In front of it
 * stands the number that the entry has in its file, which changes when journald moves it to disk.
 */
static const char *entry_identity(const char *cursor) {
        return strstr(cursor, ";b=");
}

bool journal_is_at(Journal *j, const char *cursor) {
        _cleanup_(freep) char *here = NULL;
        const char *a, *b;

        assert(j);
        assert(cursor);

        if (sd_journal_test_cursor(j->journal, cursor) > 0)
                return true;
        if (sd_journal_get_cursor(j->journal, &here) < 0)
                return false;

        a = entry_identity(here);
        b = entry_identity(cursor);
        return a && b && streq(a, b);
}

int journal_get_fd(Journal *j) {
        assert(j);

        return j->epoll_fd;
}

/* True if a journal's root came or went in one of the parents. */
static bool has_moved(Journal *j) {
        char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        bool moved = false;
        ssize_t n;

        if (j->inotify_fd < 0)
                return false;

        while ((n = read(j->inotify_fd, buf, sizeof(buf))) > 0)
                for (char *p = buf; p < buf + n;) {
                        const struct inotify_event *e = (const struct inotify_event *) p;

                        /* After an overflow nobody knows. */
                        moved |= (e->mask & IN_Q_OVERFLOW) ||
                                 (e->len > 0 && streq(e->name, "journal"));
                        p += sizeof(*e) + e->len;
                }

        return moved;
}

int journal_process(Journal *j) {
        bool moved;
        int r;

        assert(j);

        moved = has_moved(j);
        r = sd_journal_process(j->journal);
        return r < 0 ? r : moved;
}
