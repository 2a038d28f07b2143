/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One source of the journal
 *
 * What one journald writes: a handle of libsystemd with its matches, and how far it was read. The
 * reader (journal.h) merges several of them. A source can be asked for the time of its next entry
 * before that is taken, so the handle may stand at an entry that nobody has got yet.
 */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "engine/journal-cursor.h"
#include "engine/journal-handle.h"
#include "engine/journal-terms.h"
#include "engine/journal.h"

/* Where journals are: in memory and on disk. */
#define SOURCE_ROOTS                                                                               \
        { "/var/log/journal", "/run/log/journal" }

/* Wants that look back differently far are read one after the other: in each stage those of one
 * more lookback. */
#define SOURCE_STAGES_MAX 6

typedef struct SourceStage {
        usec_t lookback; /* so long before the position it begins */
        usec_t shortest; /* of the wants that take part, none looks back less; 0 in the last stage
                          */
        Terms *terms;    /* of all wants that take part */
} SourceStage;

typedef struct Source {
        const char *path; /* borrowed; NULL for this machine's journal */
        char *name_space; /* "" for the default one */
        int epoll_fd;     /* borrowed */
        sd_journal *handle;

        SourceStage stages[SOURCE_STAGES_MAX]; /* the one that looks back the furthest first */
        size_t n_stages;
        size_t stage; /* that it is in */

        usec_t start;   /* the stage began at the first entry of this time; 0: at the very first */
        char *position; /* a cursor: entries up to there are past; NULL if none are */
        usec_t position_realtime;
        usec_t earliest; /* the time, as far as is known, of what is decided first */
        bool past;       /* the next entry is such a one, as far as is known */
        bool by_order;   /* the entry of the cursor is gone, and its place tells which are past */
        char *mark;      /* the cursor of an entry, wanted or not, up to which all was seen; NULL */
        bool changed;    /* files came or went since the mark was made */
        bool unchecked;  /* or since gaps were looked for */

        char *directories[2];      /* that the files are in, or NULL */
        struct timespec stamps[2]; /* when these changed last */

        char *place;         /* the cursor of the entry taken last; NULL if none was */
        bool place_is_stale; /* the handle stands at that entry, and `place` does not say so yet */

        struct { /* what is known of it besides */
                sd_id128_t boot;
                usec_t monotonic; /* since that boot */
                usec_t realtime;
        } taken;

        bool again; /* looking for what was missed: all else up to the end was taken */

        bool waiting;    /* the handle stands at an entry that was not taken yet... */
        usec_t realtime; /* ...of this time */
} Source;

/* Opens what a path names, or with NULL a namespace of this machine's journal, which need not exist
 * yet. Changes make the epoll descriptor readable. Returns 1 and passes ownership; 0, the same, if
 * there is no descriptor that could tell of changes; or a negative errno. */
int source_new(Source **ret, const char *path, const char *name_space, int epoll_fd);

Source *source_free(Source *s);
DEFINE_CLEANUP(Source *, source_free)

/* Which entries it hands out: journal_set_wants(). Sorts the wants; the place is lost. */
int source_set_wants(Source *s, const JournalWant **wants, size_t n_wants);

/* Where reading begins, as journal_seek() says. */
int source_seek(Source *s, const char *position, usec_t since);

/* Looks for the next entry. Returns 1 if there is one, with its time in s->realtime; 0 at the end;
 * JOURNAL_MISSED, as journal_next(); or a negative errno. */
int source_peek(Source *s, bool keep_place);

/* Reads the entry that was found. *ret_past is whether it lies before the position. */
void source_take(Source *s, HandleBuffers *buffers, Entry *ret, bool *ret_past);

/* What the entry taken last is counted as: a number that is its own among those of one journald,
 * and that journald's id. Returns 0 or a negative errno. */
int source_get_seqnum(Source *s, sd_id128_t *ret_journald, uint64_t *ret);

/* The shortest lookback of the wants that take part in what is read. */
usec_t source_get_lookback(const Source *s);

/* How far everything was handled: a cursor, or "@" and the time that reading began at; and behind
 * CURSOR_MARK the cursor of the mark, if there is one. Returns 0 and an allocated string, or a
 * negative errno. */
int source_get_position(Source *s, char **ret);

/* As journal_mark_end(). */
int source_mark_end(Source *s);

/* As journal_find_gaps(), of this source: returns 1 and fills the times; 0; or a negative errno. */
int source_find_gap(Source *s, JournalGap *ret);

/* The time that such a position speaks of. Returns 0 or -EINVAL. */
int source_position_realtime(const char *position, usec_t *ret);

/* Looks for files that came or went. Returns 0 or a negative errno. */
int source_process(Source *s);

/* As journal_look_again(). */
int source_look_again(Source *s);

/* Opens the handle anew and goes on where it was. Returns 0, or a negative errno with everything as
 * it was. */
int source_reopen(Source *s);
