/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Stages. What is past is read from as long before the position as a want looks back, and wants
 * differ: days of all that everybody wants would be read for the one that looks back so far. So it
 * is read alone at first, and at the times that the others begin at, they join. Where times are not
 * in order, because the clock was set, a search for a time may go past entries that have to come,
 * or to such as came already. So what is found must lie between the entry taken last and the next
 * one without the search; if it does not, nothing is skipped.
 *
 * Places. A rotation makes libsystemd forget the file it stands in, and with it the cursor and the
 * fields of the entry it is at. So the place is written down before libsystemd is told to look for
 * changes, and before it goes on to an entry that might not be taken for long.
 *
 * Damaged files. libsystemd passes over a file from the first damage on that it meets in it, and
 * forgets that it stands there. The place is made up then from what is known of the entry.
 *
 * Missed entries. journald first counts an entry in its file, and then adds it to the lists of all
 * that have the same field, which is where libsystemd looks for matches. Whoever looks in between
 * does not find it, and libsystemd looks into that file no more before there are more entries: for
 * as long as it is quiet then, the last failure of an attack would not be seen. A search from the
 * last entry on does find it. If the clock was set between two boots, such a search may also find
 * what was read before; but what is being written is of the boot that is running.
 *
 * Removed files. libsystemd has them open and lets go of them when it is told to look for changes.
 * Then nobody can tell any more whether they were read, so the end is marked before. That takes
 * time, and is done only if the times of the directories say that files came or went.
 */

#include "engine/journal-source.h"

#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>

#include "engine/journal-gap.h"

/* Opening */

/* Opens libsystemd's handle and waits for it instead of the old one. Returns as source_new(). */
static int open_handle(Source *s) {
        sd_journal *handle = NULL;
        int r, fd;

        r = handle_open(&handle, s->path, s->name_space, 0);
        if (r < 0)
                return r;

        /* Before anything is read, so that no change after that goes unnoticed. */
        fd = sd_journal_get_fd(handle);
        if (fd < 0 && fd != -EMEDIUMTYPE) {
                r = fd;
                goto fail;
        }
        if (fd >= 0 && epoll_ctl(s->epoll_fd,
                                       EPOLL_CTL_ADD,
                                       fd,
                                       &(struct epoll_event){ .events = EPOLLIN }) < 0) {
                r = -errno;
                goto fail;
        }

        /* Closing the old one takes it out of the epoll set. */
        sd_journal_close(s->handle);
        s->handle = handle;
        return fd >= 0;

fail:
        sd_journal_close(handle);
        return r;
}

/* Names the directories that the files of the source are in. Returns 0 or a negative errno. */
static int name_directories(Source *s) {
        static const char *const roots[] = SOURCE_ROOTS;
        sd_id128_t machine;

        if (s->path) {
                s->directories[0] = realpath(s->path, NULL);
                return s->directories[0] ? 0 : -errno;
        }

        /* A host without an id has no journal either. */
        if (sd_id128_get_machine(&machine) < 0)
                return 0;

        for (size_t i = 0; i < ELEMENTSOF(roots); i++)
                if (asprintf(&s->directories[i],
                                    "%s/" SD_ID128_FORMAT_STR "%s%s",
                                    roots[i],
                                    SD_ID128_FORMAT_VAL(machine),
                                    isempty(s->name_space) ? "" : ".",
                                    s->name_space) < 0) {
                        s->directories[i] = NULL;
                        return -ENOMEM;
                }

        return 0;
}

/* Whether files came or went since this was asked last. */
static bool have_files_moved(Source *s) {
        bool moved = false;

        for (size_t i = 0; i < ELEMENTSOF(s->directories); i++) {
                struct timespec *stamp = &s->stamps[i];
                struct stat st = {};

                if (s->directories[i] && stat(s->directories[i], &st) < 0)
                        st = (struct stat){};
                moved = moved || st.st_mtim.tv_sec != stamp->tv_sec ||
                        st.st_mtim.tv_nsec != stamp->tv_nsec;
                *stamp = st.st_mtim;
        }

        return moved;
}

int source_new(Source **ret, const char *path, const char *name_space, int epoll_fd) {
        _cleanup_(source_freep) Source *s = NULL;
        int r;

        assert(ret);
        assert(name_space);

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->path = path;
        s->epoll_fd = epoll_fd;
        s->name_space = strdup(name_space);
        if (!s->name_space)
                return -ENOMEM;

        r = name_directories(s);
        if (r < 0)
                return r;
        (void) have_files_moved(s);

        r = open_handle(s);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return r;
}

static void drop_stages(Source *s) {
        for (size_t i = 0; i < s->n_stages; i++)
                terms_free(s->stages[i].terms);
        s->n_stages = 0;
}

Source *source_free(Source *s) {
        if (!s)
                return NULL;

        sd_journal_close(s->handle);
        drop_stages(s);
        for (size_t i = 0; i < ELEMENTSOF(s->directories); i++)
                free(s->directories[i]);
        free(s->name_space);
        free(s->position);
        free(s->place);
        free(s->mark);
        free(s);
        return NULL;
}

/* Matches */

static int apply_terms(Source *s) {
        return s->n_stages > 0 ? terms_apply(s->stages[s->stage].terms, s->handle) : 0;
}

/* Enters a stage; the place is lost. */
static int enter_stage(Source *s, size_t stage) {
        s->stage = stage;
        return apply_terms(s);
}

static int compare_wants(const void *a, const void *b) {
        usec_t x = (*(const JournalWant *const *) a)->lookback;
        usec_t y = (*(const JournalWant *const *) b)->lookback;

        return (x < y) - (x > y);
}

/* Of wants in order, those of a stage look back at most so many times further than another of it.
 * Finds where the stages end, and returns how many there are; 0 if they would be too many. */
static size_t divide(const JournalWant *const *wants,
                size_t n_wants,
                usec_t factor,
                size_t ends[SOURCE_STAGES_MAX]) {
        usec_t longest = 0;
        size_t n = 0;

        for (size_t i = 0; i < n_wants; i++) {
                if (n == 0 || longest / factor > wants[i]->lookback) {
                        if (n == SOURCE_STAGES_MAX)
                                return 0;
                        longest = wants[i]->lookback;
                        n++;
                }
                ends[n - 1] = i + 1;
        }

        return n;
}

static int add_stage(Source *s, const JournalWant *const *wants, size_t end, size_t before) {
        SourceStage *stage = &s->stages[s->n_stages];
        int r;

        r = terms_new(&stage->terms, wants, end);
        if (r < 0)
                return r;

        stage->lookback = end > before ? wants[before]->lookback : 0;
        stage->shortest = end > before ? wants[end - 1]->lookback : 0;
        s->n_stages++;
        return 0;
}

int source_set_wants(Source *s, const JournalWant **wants, size_t n_wants) {
        size_t ends[SOURCE_STAGES_MAX] = {}, n = 0;

        drop_stages(s);
        qsort(wants, n_wants, sizeof(*wants), compare_wants);
        for (usec_t factor = 1; n == 0 && n_wants > 0; factor *= 2)
                n = divide(wants, n_wants, factor, ends);

        for (size_t i = 0; i < MAX(n, (size_t) 1); i++) {
                int r = add_stage(s, wants, ends[i], i > 0 ? ends[i - 1] : 0);

                if (r < 0)
                        return r;
        }

        return enter_stage(s, s->n_stages - 1);
}

usec_t source_get_lookback(const Source *s) {
        return s->stage + 1 < s->n_stages ? s->stages[s->stage].shortest : 0;
}

/* Places */

int source_position_realtime(const char *position, usec_t *ret) {
        Cursor cursor;
        int r;

        if (position[0] == '@')
                return sscanf(position, "@%" SCNu64, ret) == 1 ? 0 : -EINVAL;

        r = cursor_parse(&cursor, position);
        if (r >= 0)
                *ret = cursor.realtime;
        return r;
}

/* Begins behind the entry of a cursor. Returns 0; 1 if that entry is gone, or is none that is
 * wanted now, and reading begins behind where it was; or a negative errno. */
static int seek_behind(Source *s, const char *cursor) {
        int r;

        r = sd_journal_seek_cursor(s->handle, cursor);
        if (r < 0)
                return r;

        /* The next entry is that of the cursor, which was handled, or a later one, which was not
         * and has to come again. At the end of the journal there is none yet. */
        r = sd_journal_next(s->handle);
        if (r < 0)
                return r;
        if (r == 0)
                return 1;
        if (cursor_is_at(cursor, s->handle))
                return 0;

        r = sd_journal_previous(s->handle);
        if (r == 0)
                r = sd_journal_seek_head(s->handle);
        return r < 0 ? r : 1;
}

static int seek_time(Source *s, usec_t time) {
        return time == 0 ? sd_journal_seek_head(s->handle)
                         : sd_journal_seek_realtime_usec(s->handle, time);
}

/* Has the entry behind the one that was taken last come again. */
static int seek_place(Source *s) {
        int r;

        s->waiting = s->again = false;
        r = s->place ? seek_behind(s, s->place) : seek_time(s, s->start);
        return r < 0 ? r : 0;
}

static int save_place(Source *s) {
        char *cursor;
        int r;

        if (!s->place_is_stale)
                return 0;

        r = sd_journal_get_cursor(s->handle, &cursor);
        if (r == -EADDRNOTAVAIL)
                r = asprintf(&cursor,
                                    "b=" SD_ID128_FORMAT_STR ";m=%" PRIx64 ";t=%" PRIx64,
                                    SD_ID128_FORMAT_VAL(s->taken.boot),
                                    s->taken.monotonic,
                                    s->taken.realtime) < 0
                                    ? -ENOMEM
                                    : 0;
        if (r < 0)
                return r;

        free(s->place);
        s->place = cursor;
        s->place_is_stale = false;
        return 0;
}

/* Whether the entry that the handle stands at is of neither the boot that is running nor that of
 * the entry taken last, which it is compared with by more than the time of day. */
static bool is_of_old(Source *s) {
        sd_id128_t boot, running;
        usec_t monotonic;

        return sd_journal_get_monotonic_usec(s->handle, &monotonic, &boot) >= 0 &&
               sd_id128_get_boot(&running) >= 0 && !sd_id128_equal(boot, running) &&
               !sd_id128_equal(boot, s->taken.boot);
}

/* Goes on to the next entry the wants of the stage have. Returns 1, 0 at the end, or a negative
 * errno. */
static int step(Source *s) {
        int r;

        do
                r = sd_journal_next(s->handle);
        while (r > 0 && s->again && is_of_old(s));
        if (r <= 0) {
                s->again = false;
                return r;
        }

        r = sd_journal_get_realtime_usec(s->handle, &s->realtime);
        return r < 0 ? r : 1;
}

static usec_t stage_start(const Source *s, size_t stage) {
        return usec_sub(s->earliest, s->stages[stage].lookback);
}

/* Passes on what the cursor of the same entry is now, wanted or not, or a copy of the cursor if it
 * is gone. Where entries have new numbers, as after journald moved them to disk, and for a match
 * without entries of the same boot, libsystemd searches by time, which a clock that was ahead leads
 * astray. The place is lost. Returns 0 or a negative errno. */
static int find_again(Source *s, const char *cursor, char **ret) {
        int r, k;

        *ret = NULL;
        sd_journal_flush_matches(s->handle);
        r = sd_journal_seek_cursor(s->handle, cursor);
        if (r >= 0)
                r = sd_journal_next(s->handle);
        if (r > 0 && cursor_is_at(cursor, s->handle))
                r = sd_journal_get_cursor(s->handle, ret);
        if (r >= 0 && !*ret) {
                *ret = strdup(cursor);
                if (!*ret)
                        return -ENOMEM;
        }

        k = apply_terms(s);
        return r < 0 ? r : k;
}

/* Begins at a cursor of which everything is handled already. */
static int begin_at_cursor(Source *s, const char *cursor, usec_t now) {
        int r;

        r = source_position_realtime(cursor, &s->position_realtime);
        if (r < 0)
                return r;
        r = find_again(s, cursor, &s->position);
        if (r >= 0)
                r = seek_behind(s, s->position);
        if (r < 0)
                return r;
        s->by_order = r > 0;

        /* If the clock was ahead at the position, what comes behind it is earlier. */
        s->earliest = s->position_realtime;
        r = step(s);
        if (r < 0)
                return r;
        if (r > 0)
                s->earliest = MIN(s->earliest, s->realtime);
        if (now > 0)
                s->earliest = MIN(s->earliest, now);

        s->past = true;
        s->start = stage_start(s, 0);
        r = enter_stage(s, 0);
        return r < 0 ? r : seek_time(s, s->start);
}

int source_seek(Source *s, const char *word, usec_t since) {
        const char *mark = word ? strchr(word, CURSOR_MARK) : NULL;
        _cleanup_(freep) char *position = NULL;
        int r;

        free(s->position);
        free(s->place);
        free(s->mark);
        s->position = s->place = s->mark = NULL;
        s->place_is_stale = s->waiting = s->again = s->past = false;

        r = enter_stage(s, MAX(s->n_stages, (size_t) 1) - 1);
        if (r < 0)
                return r;

        if (word) {
                position = strndup(word, mark ? (size_t) (mark - word) : strlen(word));
                s->mark = mark ? strdup(mark + 1) : NULL;
                if (!position || (mark && !s->mark))
                        return -ENOMEM;
        }

        if (position && position[0] != '@')
                return begin_at_cursor(s, position, since);

        s->start = usec_sub(since, s->n_stages > 0 ? s->stages[0].lookback : 0);
        if (position) {
                r = source_position_realtime(position, &s->start);
                if (r < 0)
                        return r;
        }
        return seek_time(s, s->start);
}

int source_get_seqnum(Source *s, sd_id128_t *ret_journald, uint64_t *ret) {
        _cleanup_(freep) char *cursor = NULL;
        char id[SD_ID128_STRING_MAX] = "";
        const char *number;
        int r;

        assert(s);
        assert(ret_journald);
        assert(ret);

        /* sd_journal_get_seqnum() came with systemd 254. A cursor begins "s=ID;i=NUMBER;", and this
         * is done for every failure, so sscanf() is too slow. */
        r = sd_journal_get_cursor(s->handle, &cursor);
        if (r < 0)
                return r;
        number = startswith(cursor, "s=") ? strstr(cursor, ";i=") : NULL;
        if (!number || number - cursor - 2 != SD_ID128_STRING_MAX - 1)
                return -EINVAL;

        memcpy(id, cursor + 2, SD_ID128_STRING_MAX - 1);
        *ret = strtoull(number + 3, NULL, 16);
        return sd_id128_from_string(id, ret_journald);
}

int source_get_position(Source *s, char **ret) {
        const char *separator = (const char[]){ s->mark ? CURSOR_MARK : '\0', '\0' };
        const char *mark = s->mark ?: "", *cursor;
        char *position;
        int r;

        r = save_place(s);
        if (r < 0)
                return r;

        /* Where reading what is past has got to is no position. */
        cursor = !s->past && s->place ? s->place : s->position;
        if (cursor)
                r = asprintf(&position, "%s%s%s", cursor, separator, mark);
        else
                r = asprintf(&position, "@%" PRIu64 "%s%s", s->start, separator, mark);
        if (r < 0)
                return -ENOMEM;

        *ret = position;
        return 0;
}

/* The cursor of the last entry of all. Returns 0; -ENOENT if there is none; a negative errno. The
 * handle has no matches afterwards, and no place. */
static int find_last(Source *s, char **ret) {
        int r;

        sd_journal_flush_matches(s->handle);
        r = sd_journal_seek_tail(s->handle);
        if (r >= 0)
                r = sd_journal_previous(s->handle);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;

        return sd_journal_get_cursor(s->handle, ret);
}

int source_mark_end(Source *s) {
        char *last = NULL;
        int r, k;

        if (s->past || s->waiting)
                return 0;

        r = save_place(s);
        if (r < 0)
                return r;

        k = find_last(s, &last);
        if (k >= 0) {
                free(s->mark);
                s->mark = last;
        }
        s->changed = false;

        r = apply_terms(s);
        if (r >= 0)
                r = seek_place(s);
        return r < 0 ? r : k == -ENOENT ? 0 : k;
}

/* Reading */

/* The end. What was past was all before it; if the position was not met on the way, a clock that
 * was set back hides it. */
static int reach_end(Source *s) {
        char *place;
        int r;

        if (!s->past)
                return 0;

        place = strdup(s->position);
        if (!place)
                return -ENOMEM;
        free(s->place);
        s->place = place;
        s->place_is_stale = false;
        s->past = false;
        if (s->by_order)
                return 0;

        r = seek_place(s);
        return r < 0 ? r : JOURNAL_MISSED;
}

/* True if there are stages to come. */
static bool is_in_stages(const Source *s) {
        return s->past && s->stage + 1 < s->n_stages;
}

/* Whether the entry that the handle stands at is behind the one that was taken last, and none that
 * has to come is in front of it, up to the one that would come next. */
static bool leaves_out_nothing(Source *s, const Cursor *next) {
        Cursor here, last;

        if (cursor_of(&here, s->handle) < 0)
                return false;
        if (s->place && (cursor_parse(&last, s->place) < 0 || cursor_is_up_to(&here, &last)))
                return false;

        return !next || cursor_is_up_to(&here, next);
}

/* Whether the entry that the handle stands at was not handled before, if that of the position is
 * gone. */
static bool is_behind_position(Source *s) {
        Cursor here, position;

        return cursor_of(&here, s->handle) < 0 || cursor_parse(&position, s->position) < 0 ||
               !cursor_is_up_to(&here, &position);
}

/* Whether it is time for the next stage. */
static bool is_stage_over(Source *s, bool has_next) {
        return is_in_stages(s) && (!has_next || s->realtime >= stage_start(s, s->stage + 1) ||
                                                  (s->by_order && is_behind_position(s)));
}

/* Enters the next stage: at its time, instead of at the entry that would come next, if there is
 * one. Returns as step(). */
static int join_next_stage(Source *s, bool has_next) {
        Cursor next;
        int r;

        r = has_next ? cursor_of(&next, s->handle) : 0;
        if (r >= 0)
                r = enter_stage(s, s->stage + 1);
        if (r >= 0)
                r = seek_time(s, stage_start(s, s->stage));
        if (r >= 0)
                r = step(s);
        if (r < 0)
                return r;

        if (r == 0 ? !has_next : leaves_out_nothing(s, has_next ? &next : NULL)) {
                s->start = stage_start(s, s->stage);
                free(s->place);
                s->place = NULL;
                return r;
        }

        /* The clock was set, and times are not in order: they all have to be read. */
        r = seek_place(s);
        return r < 0 ? r : step(s);
}

int source_peek(Source *s, bool keep_place) {
        int r;

        if (s->waiting)
                return 1;

        if (keep_place || is_in_stages(s)) {
                r = save_place(s);
                if (r < 0)
                        return r;
        }

        r = step(s);
        while (r >= 0 && is_stage_over(s, r > 0))
                r = join_next_stage(s, r > 0);
        if (r < 0)
                return r;
        if (r == 0)
                return reach_end(s);

        s->waiting = true;
        return 1;
}

/* Whether the entry that the handle stands at was handled before. */
static bool is_past(Source *s) {
        if (s->by_order && s->past)
                s->past = !is_behind_position(s);
        if (s->by_order || !s->past)
                return s->past;

        /* The last one of them. */
        if (cursor_is_at(s->position, s->handle))
                s->past = false;
        return true;
}

void source_take(Source *s, HandleBuffers *buffers, Entry *ret, bool *ret_past) {
        assert(s->waiting);

        s->waiting = false;
        s->place_is_stale = true;
        s->taken.realtime = s->realtime;
        if (sd_journal_get_monotonic_usec(s->handle, &s->taken.monotonic, &s->taken.boot) < 0)
                s->taken.monotonic = 0;
        *ret_past = is_past(s);
        *ret = (Entry){ .realtime = s->realtime };
        handle_read_fields(s->handle, buffers, ret);

        /* Of a namespace's entries all are in it, whatever they say; the default one has no name.
         */
        if (!s->path)
                ret->fields[ENTRY_NAMESPACE] = isempty(s->name_space)
                                                               ? (EntryValue){}
                                                               : (EntryValue){ s->name_space,
                                                                         strlen(s->name_space) };
}

/* Changes */

int source_process(Source *s) {
        int r;

        if (have_files_moved(s) && !s->past && source_peek(s, true) == 0)
                (void) source_mark_end(s);

        (void) save_place(s);
        r = sd_journal_process(s->handle);
        if (r == SD_JOURNAL_INVALIDATE)
                s->changed = s->unchecked = true;
        if (r == SD_JOURNAL_INVALIDATE && s->waiting)
                r = seek_place(s);
        return MIN(r, 0);
}

int source_look_again(Source *s) {
        int r;

        /* Before the end nothing is missed. */
        if (s->waiting || s->past)
                return 0;

        r = save_place(s);
        if (r >= 0)
                r = seek_place(s);
        /* The journals of a path may be of any machine. */
        s->again = r >= 0 && !s->path;
        return r;
}

int source_find_gap(Source *s, JournalGap *ret) {
        _cleanup_(freep) char *position = NULL;
        char *oldest;
        int r;

        r = source_get_position(s, &position);
        if (r >= 0)
                r = gap_find(s->path, s->name_space, position, ret, &oldest);
        s->unchecked = false;
        if (r <= 0)
                return r;

        free(s->mark);
        s->mark = oldest;
        return 1;
}

int source_reopen(Source *s) {
        sd_journal *old = s->handle;
        int r;

        (void) save_place(s);

        s->handle = NULL;
        r = open_handle(s);
        if (r < 0) {
                s->handle = old;
                return r;
        }
        sd_journal_close(old);

        s->place_is_stale = false;
        r = apply_terms(s);
        return r < 0 ? r : seek_place(s);
}
