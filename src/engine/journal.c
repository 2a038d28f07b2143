/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Each namespace has a source of its own (journal-source.h), and of their next entries the earliest
 * is handed out. libsystemd could interleave all namespaces itself, but it goes by time alone: what
 * one journald writes a moment later, with an earlier time than what was read of another, would
 * never be seen. So each source has a place of its own as well, and with a single one nothing is
 * looked for in advance.
 *
 * libsystemd watches the directories that exist when it opens the journal. It does not see that
 * /var/log/journal is made later, or the directory of a namespace in it, and the entries with them:
 * so the parents of both are watched here. All descriptors are behind one epoll descriptor, which
 * callers wait for.
 */

#include "engine/journal.h"

#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <systemd/sd-id128.h>

#include "engine/journal-source.h"

/* There is one for each namespace, and a new one where a journal was lost. Of entries beyond so
 * many there is no place, but a time. */
#define JOURNALDS_MAX 1024

/* Where journals are, and what is watched for them to come and go. */
static const char *const roots[] = SOURCE_ROOTS;
static const char *const parents[] = { "/var/log", "/run/log" };

struct Journal {
        const char *path; /* borrowed; NULL for this machine's */
        Source **sources; /* one for each namespace that is wanted */
        size_t n_sources;
        int epoll_fd;          /* -1 if there is nothing to wait for */
        int inotify_fd;        /* parents and roots; -1 for another journal than this machine's */
        bool is_past;          /* of the entry read last... */
        usec_t lookback;       /* ...which comes again for wants that look back at least so far */
        Source *current;       /* that the entry read last is of */
        sd_id128_t *journalds; /* whose entries had to have a place; EntryPlace counts from 1 */
        size_t n_journalds;
        HandleBuffers buffers;
};

int journal_check_access(void) {
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

/* A directory that is missing has no journal either; the roots are tried again when something
 * happens in their parents. */
static void watch_roots(Journal *j) {
        for (size_t i = 0; i < ELEMENTSOF(roots); i++)
                (void) inotify_add_watch(
                                j->inotify_fd, roots[i], IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

static int watch_parents(Journal *j) {
        j->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (j->inotify_fd < 0)
                return -errno;

        /* A parent that is missing hardly ever appears. */
        for (size_t i = 0; i < ELEMENTSOF(parents); i++)
                (void) inotify_add_watch(j->inotify_fd,
                                parents[i],
                                IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR);
        watch_roots(j);

        if (epoll_ctl(j->epoll_fd,
                            EPOLL_CTL_ADD,
                            j->inotify_fd,
                            &(struct epoll_event){ .events = EPOLLIN }) < 0)
                return -errno;

        return 0;
}

static int add_source(Journal *j, const char *name_space) {
        Source **sources;
        int r;

        sources = reallocarray(j->sources, j->n_sources + 1, sizeof(Source *));
        if (!sources)
                return -ENOMEM;
        j->sources = sources;

        r = source_new(&j->sources[j->n_sources], j->path, name_space, j->epoll_fd);
        if (r < 0)
                return r;
        j->n_sources++;

        if (r == 0)
                closep(&j->epoll_fd);
        return 0;
}

int journal_open(Journal **ret, const char *path) {
        _cleanup_(journal_closep) Journal *j = NULL;
        int r;

        assert(ret);

        if (!path) {
                r = journal_check_access();
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

        r = add_source(j, "");
        if (r < 0)
                return r;

        *ret = TAKE_PTR(j);
        return 0;
}

Journal *journal_close(Journal *j) {
        if (!j)
                return NULL;

        for (size_t i = 0; i < j->n_sources; i++)
                source_free(j->sources[i]);
        free(j->sources);
        free(j->journalds);
        closep(&j->inotify_fd);
        closep(&j->epoll_fd);
        free(j);
        return NULL;
}

/* A path is one source, whatever namespaces its entries are from. */
static bool is_of_source(const Journal *j, const Source *s, const char *name_space) {
        return j->path || streq(s->name_space, name_space);
}

static Source *find_source(const Journal *j, const char *name_space) {
        for (size_t i = 0; i < j->n_sources; i++)
                if (is_of_source(j, j->sources[i], name_space))
                        return j->sources[i];

        return NULL;
}

/* Hands the wants of a source to it, or does away with a source that has none. */
static int set_wants_of(Journal *j,
                size_t i,
                const JournalWant *wants,
                size_t n_wants,
                const JournalWant **scratch) {
        size_t n = 0;

        for (size_t k = 0; k < n_wants; k++)
                if (is_of_source(j, j->sources[i], wants[k].name_space))
                        scratch[n++] = &wants[k];

        if (n > 0 || j->path)
                return source_set_wants(j->sources[i], scratch, n);

        source_free(j->sources[i]);
        j->n_sources--;
        memmove(&j->sources[i], &j->sources[i + 1], (j->n_sources - i) * sizeof(Source *));
        return 0;
}

int journal_set_wants(Journal *j, const JournalWant *wants, size_t n_wants) {
        _cleanup_(freep) const JournalWant **scratch = NULL;
        int r;

        assert(j);
        assert(wants);

        scratch = calloc(n_wants + 1, sizeof(*scratch));
        if (!scratch)
                return -ENOMEM;

        for (size_t k = 0; k < n_wants; k++)
                if (!find_source(j, wants[k].name_space)) {
                        r = add_source(j, wants[k].name_space);
                        if (r < 0)
                                return r;
                }

        for (size_t i = j->n_sources; i-- > 0;) {
                r = set_wants_of(j, i, wants, n_wants, scratch);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* What a position says of a source: the word of its namespace. Returns 1 and a string to free; 0 if
 * there is none; -ENOMEM. */
static int find_word(const char *position, const char *name_space, char **ret) {
        size_t size = strlen(name_space);

        for (const char *word = position; *word;) {
                size_t n = strcspn(word, " ");
                const char *slash = memchr(word, '/', n);
                const char *value = slash ? slash + 1 : word;

                if (size == (slash ? (size_t) (slash - word) : 0) &&
                                memcmp(word, name_space, size) == 0) {
                        *ret = strndup(value, (size_t) (word + n - value));
                        return *ret ? 1 : -ENOMEM;
                }

                word += n + strspn(word + n, " ");
        }

        return 0;
}

int journal_seek(Journal *j, const char *position, usec_t since) {
        assert(j);

        j->is_past = false;

        for (size_t i = 0; i < j->n_sources; i++) {
                _cleanup_(freep) char *word = NULL;
                int r = 0;

                if (position)
                        r = find_word(position, j->sources[i]->name_space, &word);
                if (r >= 0)
                        r = source_seek(j->sources[i], word, since);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Does something to all sources, whatever becomes of it with one. Returns 0 or a negative errno. */
static int do_to_all(Journal *j, int (*what)(Source *s)) {
        int r = 0;

        for (size_t i = 0; i < j->n_sources; i++) {
                int k = what(j->sources[i]);

                if (k < 0)
                        r = k;
        }

        return r;
}

int journal_mark_end(Journal *j) {
        assert(j);

        return do_to_all(j, source_mark_end);
}

bool journal_has_changed(const Journal *j) {
        assert(j);

        for (size_t i = 0; i < j->n_sources; i++)
                if (j->sources[i]->changed)
                        return true;

        return false;
}

bool journal_may_have_gaps(const Journal *j) {
        assert(j);

        for (size_t i = 0; i < j->n_sources; i++)
                if (j->sources[i]->unchecked)
                        return true;

        return false;
}

int journal_find_gaps(Journal *j, JournalGapHandler handler, void *userdata) {
        int r = 0;

        assert(j);
        assert(handler);

        for (size_t i = 0; i < j->n_sources; i++) {
                JournalGap gap = { .name_space = j->sources[i]->name_space };
                int k;

                k = source_find_gap(j->sources[i], &gap);
                if (k < 0)
                        r = k;
                if (k > 0)
                        handler(&gap, userdata);
        }

        return r;
}

int journal_position_realtime(const char *position, const char *name_space, usec_t *ret) {
        _cleanup_(freep) char *word = NULL;
        int r;

        assert(position);
        assert(name_space);
        assert(ret);

        r = find_word(position, name_space, &word);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;

        return source_position_realtime(word, ret);
}

usec_t journal_get_earliest(const Journal *j, const char *name_space) {
        const Source *s;

        assert(j);
        assert(name_space);

        s = find_source(j, name_space);
        return s && s->past ? s->earliest : USEC_INFINITY;
}

/* The source with the earliest entry. Returns 1; 0 if all are at their ends; JOURNAL_MISSED, with
 * the source that it is about; or a negative errno. */
static int find_earliest(Journal *j, Source **ret) {
        Source *earliest = NULL;
        int error = 0;

        for (size_t i = 0; i < j->n_sources; i++) {
                Source *s = j->sources[i];
                int r = source_peek(s, j->n_sources > 1);

                if (r == JOURNAL_MISSED) {
                        *ret = s;
                        return r;
                }

                /* One that cannot be read does not keep the others from being read. */
                if (r < 0)
                        error = r;
                if (r > 0 && (!earliest || s->realtime < earliest->realtime))
                        earliest = s;
        }

        *ret = earliest;
        return earliest ? 1 : error;
}

/* The number of a journald, made if there is none yet; 0 if there is no room. */
static uint32_t number_journald(Journal *j, sd_id128_t id) {
        sd_id128_t *journalds;

        for (size_t i = j->n_journalds; i > 0; i--)
                if (sd_id128_equal(j->journalds[i - 1], id))
                        return (uint32_t) i;

        if (j->n_journalds == JOURNALDS_MAX)
                return 0;
        journalds = reallocarray(j->journalds, j->n_journalds + 1, sizeof(*journalds));
        if (!journalds)
                return 0;
        j->journalds = journalds;
        journalds[j->n_journalds++] = id;
        return (uint32_t) j->n_journalds;
}

static EntryPlace get_place(void *userdata) {
        Journal *j = userdata;
        EntryPlace place = {};
        sd_id128_t id;

        if (source_get_seqnum(j->current, &id, &place.seqnum) < 0)
                return (EntryPlace){};

        place.journal = number_journald(j, id);
        return place.journal > 0 ? place : (EntryPlace){};
}

const char *journal_format_cursor(const Journal *j,
                EntryPlace place,
                usec_t realtime,
                char buf[static JOURNAL_CURSOR_SIZE]) {
        char id[SD_ID128_STRING_MAX];

        assert(j);

        buf[0] = '\0';
        if (place.journal > 0 && place.journal <= j->n_journalds)
                (void) snprintf(buf,
                                JOURNAL_CURSOR_SIZE,
                                "s=%s;i=%" PRIx64 ";t=%" PRIx64,
                                sd_id128_to_string(j->journalds[place.journal - 1], id),
                                place.seqnum,
                                realtime);
        return buf;
}

int journal_next(Journal *j, Entry *ret) {
        Source *s;
        int r;

        assert(j);
        assert(ret);

        r = find_earliest(j, &s);
        if (r == JOURNAL_MISSED)
                *ret = (Entry){
                        .fields[ENTRY_NAMESPACE] = { s->name_space, strlen(s->name_space) },
                };
        if (r != 1)
                return r;

        source_take(s, &j->buffers, ret, &j->is_past);
        j->lookback = source_get_lookback(s);
        ret->get_place = get_place;
        ret->userdata = j;
        j->current = s;
        return 1;
}

bool journal_is_past(const Journal *j) {
        assert(j);

        return j->is_past;
}

bool journal_comes_again_for(const Journal *j, usec_t lookback) {
        assert(j);

        return lookback >= j->lookback;
}

int journal_get_position(Journal *j, char **ret) {
        char *text = NULL;
        size_t size;
        FILE *f;
        int r = 0;

        assert(j);
        assert(ret);

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;

        for (size_t i = 0; i < j->n_sources && r >= 0; i++) {
                const Source *s = j->sources[i];
                _cleanup_(freep) char *word = NULL;

                r = source_get_position(j->sources[i], &word);
                if (r >= 0)
                        (void) fprintf(f,
                                        "%s%s%s%s",
                                        i > 0 ? " " : "",
                                        s->name_space,
                                        isempty(s->name_space) ? "" : "/",
                                        word);
        }

        if (fclose(f) != 0 && r >= 0)
                r = -ENOMEM;
        if (r < 0) {
                free(text);
                return r;
        }

        *ret = text;
        return 0;
}

int journal_get_fd(Journal *j) {
        assert(j);

        return j->epoll_fd;
}

/* What came or went in a watched directory: a root, or the directory of a namespace, called
 * MACHINE.NAME. */
static int on_name(Journal *j, const char *name) {
        const char *dot = strchr(name, '.');
        bool root = streq(name, "journal");
        int r, k = 0;

        if (root)
                watch_roots(j);

        for (size_t i = 0; i < j->n_sources; i++) {
                if (!root && (!dot || !streq(dot + 1, j->sources[i]->name_space)))
                        continue;

                r = source_reopen(j->sources[i]);
                if (r < 0)
                        return r;
                k = 1;
        }

        return k;
}

static int process_inotify(Journal *j) {
        char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        int r, k = 0;
        ssize_t n;

        while ((n = read(j->inotify_fd, buf, sizeof(buf))) > 0)
                for (char *p = buf; p < buf + n;) {
                        const struct inotify_event *e = (const struct inotify_event *) p;

                        /* After an overflow nobody knows. */
                        r = e->mask & IN_Q_OVERFLOW ? on_name(j, "journal")
                            : e->len > 0            ? on_name(j, e->name)
                                                    : 0;
                        if (r < 0)
                                return r;
                        k |= r;
                        p += sizeof(*e) + e->len;
                }

        return k;
}

int journal_process(Journal *j) {
        int r, k = 0;

        assert(j);

        for (size_t i = 0; i < j->n_sources; i++) {
                r = source_process(j->sources[i]);
                if (r < 0)
                        return r;
        }

        if (j->inotify_fd >= 0) {
                k = process_inotify(j);
                if (k < 0)
                        return k;
        }

        return k;
}

int journal_look_again(Journal *j) {
        assert(j);

        return do_to_all(j, source_look_again);
}
