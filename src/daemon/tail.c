/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two things are waited for. The journal's descriptor becomes readable when files changed, and only
 * then sd_journal_process() is called: without it a rotation would go unnoticed. It lets go of
 * files that were removed, so what they have is read before. A timer looks for entries alone, which
 * libsystemd sees in the mapped files at once, and which costs a few microseconds.
 *
 * An entry that is being written at that moment can be missed (journal_look_again()). So after the
 * descriptor was readable, the journal is searched for such once more.
 *
 * The pace falls with the time since the last failure. Whatever it is, the next look comes no
 * sooner than fifty times what the last one in vain cost, and the same holds for searches, so that
 * neither costs more than 2 % of a processor, however many files the journal has. That counts time
 * on the processor: while it is busy with others, a look that had to wait for it is no reason to
 * look less often.
 */

#include "daemon/tail.h"

#include "base/log.h"
#include "daemon/clock.h"
#include "daemon/turn.h"

#define COST_FACTOR 50

/* For a journal without a descriptor. */
#define POLL_USEC (250 * USEC_PER_MSEC)

static const struct {
        usec_t quiet_for; /* up to so long after the last failure... */
        usec_t pace;      /* ...look so often */
} paces[] = {
        { 2 * USEC_PER_SEC, 1 * USEC_PER_MSEC },
        { 10 * USEC_PER_SEC, 5 * USEC_PER_MSEC },
        { 30 * USEC_PER_SEC, 20 * USEC_PER_MSEC },
};

struct Tail {
        sd_event *event;
        Journal *journal;
        TailHandler handler;
        void *userdata;
        sd_event_source *io;
        sd_event_source *timer;
        sd_event_source *again; /* enabled while there is more to read */
        bool changed;      /* the descriptor was readable, and waits until the end is reached */
        bool excited;      /* since the time below */
        usec_t excited_at; /* CLOCK_MONOTONIC */
        usec_t cost;       /* of the last look in vain, on the processor */
        bool unsearched;   /* something may have been missed... */
        usec_t search_at;  /* CLOCK_MONOTONIC: ...which is not searched for before then */
};

/* The time until the next look, or USEC_INFINITY. */
static usec_t get_pace(Tail *t, usec_t now) {
        usec_t pace = journal_get_fd(t->journal) < 0 ? POLL_USEC : USEC_INFINITY;

        if (!t->excited)
                return pace;

        for (size_t i = 0; i < ELEMENTSOF(paces); i++)
                if (now - t->excited_at <= paces[i].quiet_for)
                        return MAX(paces[i].pace, COST_FACTOR * t->cost);

        t->excited = false;
        return pace;
}

static int arm_timer(Tail *t, usec_t now) {
        usec_t pace = get_pace(t, now), next;
        int r;

        next = pace == USEC_INFINITY ? USEC_INFINITY : now + pace;
        if (t->unsearched)
                next = MIN(next, t->search_at);
        if (next == USEC_INFINITY)
                return sd_event_source_set_enabled(t->timer, SD_EVENT_OFF);

        r = sd_event_source_set_time(t->timer, next);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(t->timer, SD_EVENT_ONESHOT);
}

/* Asks the handler, and measures what it looks for in vain. */
static int ask(Tail *t) {
        usec_t before = clock_now(CLOCK_THREAD_CPUTIME_ID);
        int r;

        r = t->handler(t->userdata);
        if (r == TAIL_NOTHING)
                t->cost = clock_now(CLOCK_THREAD_CPUTIME_ID) - before;
        return r;
}

/* Notices what became of the journal's files. */
static int process(Tail *t) {
        int r;

        t->changed = false;
        t->unsearched = true;
        r = journal_process(t->journal);
        if (r < 0)
                return log_error_errno(r, "Failed to follow the journal: %m");
        if (r > 0)
                log_info("A journal has appeared or moved; reading goes on where it was.");

        return sd_event_source_set_enabled(t->io, SD_EVENT_ON);
}

/* Looks for what was missed. */
static int search(Tail *t) {
        usec_t before = clock_now(CLOCK_THREAD_CPUTIME_ID);
        int r;

        t->unsearched = false;
        r = journal_look_again(t->journal);
        if (r < 0)
                return log_error_errno(r, "Failed to follow the journal: %m");

        r = t->handler(t->userdata);
        if (r == TAIL_NOTHING)
                t->search_at = clock_now(CLOCK_MONOTONIC) +
                               COST_FACTOR * (clock_now(CLOCK_THREAD_CPUTIME_ID) - before);
        return r;
}

static bool is_at_end(int r) {
        return r == TAIL_NOTHING || r == TAIL_SOME;
}

static int look(Tail *t) {
        int r;

        if (journal_get_fd(t->journal) < 0)
                t->unsearched = true;

        r = ask(t);
        if (t->changed && is_at_end(r)) {
                r = process(t);
                if (r >= 0)
                        r = ask(t);
        }
        if (t->unsearched && is_at_end(r) && clock_now(CLOCK_MONOTONIC) >= t->search_at)
                r = search(t);
        if (r < 0)
                return sd_event_exit(t->event, r);

        if (r == TAIL_MORE)
                return sd_event_source_set_enabled(t->again, SD_EVENT_ONESHOT);

        return arm_timer(t, clock_now(CLOCK_MONOTONIC));
}

static int on_io(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        Tail *t = userdata;
        int r;

        (void) s;
        (void) fd;
        (void) events;

        t->changed = true;
        r = sd_event_source_set_enabled(t->io, SD_EVENT_OFF);
        return r < 0 ? r : look(t);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;

        return look(userdata);
}

static int on_again(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;

        return look(userdata);
}

int tail_new(Tail **ret, sd_event *event, Journal *journal, TailHandler handler, void *userdata) {
        _cleanup_(tail_freep) Tail *t = NULL;
        int r;

        assert(ret);
        assert(event);
        assert(journal);
        assert(handler);

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->event = sd_event_ref(event);
        t->journal = journal;
        t->handler = handler;
        t->userdata = userdata;

        if (journal_get_fd(journal) >= 0) {
                r = sd_event_add_io(event, &t->io, journal_get_fd(journal), EPOLLIN, on_io, t);
                if (r < 0)
                        return r;
        }

        r = sd_event_add_time(event, &t->timer, CLOCK_MONOTONIC, 0, 1, on_timer, t);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(t->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        /* Reading on after a full batch takes turns with bus calls. Behind them it would have none
         * while somebody keeps the bus busy, and before them they would while there is much to
         * read. */
        r = turn_new(&t->again, event, on_again, t);
        if (r < 0)
                return r;
        tail_wake(t); /* for what is there already */

        *ret = TAKE_PTR(t);
        return 0;
}

Tail *tail_free(Tail *t) {
        if (!t)
                return NULL;

        sd_event_source_disable_unref(t->again);
        sd_event_source_disable_unref(t->timer);
        sd_event_source_disable_unref(t->io);
        sd_event_unref(t->event);
        free(t);
        return NULL;
}

void tail_excite(Tail *t) {
        assert(t);

        t->excited = true;
        t->excited_at = clock_now(CLOCK_MONOTONIC);
}

void tail_wake(Tail *t) {
        assert(t);

        (void) sd_event_source_set_enabled(t->again, SD_EVENT_ONESHOT);
}
