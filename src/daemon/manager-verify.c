/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Comparing lists, kernel and database.
 *
 * Each ban of the lists is looked up in the kernel and in the database, by itself: a list of what
 * the kernel has would take it quadratic time. What is there and should not be is found the other
 * way round, as far as that can be had: rows of the database one after the other, bans that ended
 * lately, and the elements of sets as far as they are cheap to list.
 *
 * A comparison goes on for so many bans, then other events have their turn. In between bans begin
 * and end; each is compared as it is at that moment, when nothing is underway. So there is no
 * comparing while bans are put back, and it begins anew when the jails are replaced.
 *
 * What is repaired goes the way of a change that everybody knows of already, so that a database
 * that fails is tried again as always.
 */

#include "daemon/manager-verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/log.h"
#include "daemon/announce.h"
#include "daemon/manager-private.h"

/* Bans between other events: about 2 ms. */
#define STEP_BANS 100u

/* Of a sample. The pauses keep it from being felt. */
#define SAMPLE_BANS 1000u
#define SAMPLE_PAUSE_USEC (10 * USEC_PER_MSEC)

/* A sample is taken so often, and at a time that is another on each host. */
#define SAMPLE_USEC USEC_PER_HOUR
#define SAMPLE_ACCURACY_USEC USEC_PER_MINUTE

/* How long bans that ended are looked for in the kernel, and how many of them. */
#define ENDED_USEC (2 * USEC_PER_HOUR)
#define ENDED_MAX 10000u

/* What is listed of each set, at most. */
#define LISTED_MAX 5000u

/* While bans are put back. */
#define WAIT_USEC (50 * USEC_PER_MSEC)

/* Ends that differ by less are the same: the kernel counts by itself, from a moment later, and in
 * ticks. What ends within this time is not looked at. */
#define TOLERANCE_USEC (2 * USEC_PER_SEC)

typedef enum Phase {
        PHASE_TABLE,
        PHASE_BANS,
        PHASE_ROWS,
        PHASE_ENDED,
        PHASE_ELEMENTS,
        PHASE_OVER,
} Phase;

typedef struct Caller {
        bool all;
        bool served; /* by the comparison that runs */
        VerifyHandler handler;
        void *userdata;
} Caller;

typedef struct Key {
        char jail[DIFFERENCE_JAIL_SIZE];
        Address address;
} Key;

struct Verifier {
        sd_event_source *step_timer;
        sd_event_source *sample_timer;

        Caller callers[MANAGER_VERIFIERS_MAX];
        size_t n_callers;
        bool repair_due; /* somebody wants everything put right */
        bool sample_due;

        /* The comparison that runs. */
        bool running;
        bool all;
        bool repair;
        bool whole; /* every ban is looked at, as there are so few, or all are to be */
        Phase phase;
        size_t n_to_pick; /* of a sample */
        size_t jail;      /* of all: the next to look at is... */
        Ban *next;        /* ...this one, or the jail's first with NULL */
        StorePlace *row;  /* up to where rows of the database were read */
        size_t n_rows;    /* to be read, of a sample */
        Key *ended;       /* NULL before they are read */
        size_t n_ended;   /* still to be looked at */
        Verification result;
        Difference told[VERIFICATION_TOLD_MAX];
};

const char *difference_kind_to_string(DifferenceKind kind) {
        static const char *const names[_DIFFERENCE_MAX] = {
                [DIFFERENCE_TABLE] = "changed-table",
                [DIFFERENCE_KERNEL_MISSING] = "missing-in-kernel",
                [DIFFERENCE_KERNEL_END] = "other-end-in-kernel",
                [DIFFERENCE_KERNEL_UNKNOWN] = "unknown-in-kernel",
                [DIFFERENCE_STORE_MISSING] = "missing-in-store",
                [DIFFERENCE_STORE_END] = "other-in-store",
                [DIFFERENCE_STORE_UNKNOWN] = "unknown-in-store",
        };

        assert(kind < _DIFFERENCE_MAX);
        return names[kind];
}

static uint64_t pick_luck(void) {
        uint64_t luck = 0;

        (void) getrandom(&luck, sizeof(luck), 0);
        return luck;
}

static void set_key(Key *key, const char *jail, const Address *a) {
        (void) snprintf(key->jail, sizeof(key->jail), "%s", jail);
        key->address = *a;
}

static bool has_kernel(const Manager *m) {
        return firewall_get_ownership(m->firewall) != FIREWALL_NONE;
}

/* What differs, and putting it right */

static void note(Verifier *v,
                DifferenceKind kind,
                const char *jail,
                const Address *a,
                usec_t end,
                usec_t found) {
        Verification *r = &v->result;

        /* A sample may have the same ban in it again. */
        for (size_t i = 0; i < r->n_told && !v->whole; i++)
                if (v->told[i].kind == kind && streq(v->told[i].jail, jail) && a &&
                                address_equal(&v->told[i].address, a))
                        return;

        r->n_found++;
        r->n_by_kind[kind]++;
        if (r->n_told == ELEMENTSOF(v->told))
                return;

        v->told[r->n_told] = (Difference){ .kind = kind, .end = end, .found = found };
        (void) snprintf(v->told[r->n_told].jail, DIFFERENCE_JAIL_SIZE, "%s", jail);
        if (a)
                v->told[r->n_told].address = *a;
        r->n_told++;
}

/* Has the database get it, and nobody be told. While it fails it has what waits tried again. */
static int
store_quietly(Manager *m, ChangeKind kind, Jail *jail, const Ban *ban, const char *cause) {
        int r;

        if (m->status.store_failed)
                return 0;

        r = manager_add_change(m, kind, jail, ban, manager_now(), cause);
        if (r >= 0)
                m->changes[m->n_changes - 1].announced = true;
        return r;
}

static int remove_element(Manager *m, const char *jail, const Address *a) {
        int r;

        r = firewall_remove(m->firewall, jail, a);
        return r == -ENOENT ? 0 : r;
}

/* Comparing */

static bool is_about(usec_t a, usec_t b) {
        if (a == USEC_INFINITY || b == USEC_INFINITY)
                return a == b;
        return (a > b ? a - b : b - a) <= TOLERANCE_USEC;
}

static int check_kernel(Manager *m, Verifier *v, Jail *jail, Ban *ban) {
        const char *name = jail_get_config(jail)->name;
        usec_t remaining = manager_get_remaining(m, ban), now = manager_now();
        FirewallElement element;
        int r;

        r = firewall_lookup(m->firewall, name, &ban->address, &element);
        if (r < 0)
                return r;
        if (r > 0 && (is_about(element.remaining, remaining) ||
                                     is_about(element.remaining, usec_sub(ban->expiry.when, now))))
                return 0;

        if (r == 0)
                note(v, DIFFERENCE_KERNEL_MISSING, name, &ban->address, ban->end, 0);
        else
                note(v,
                                DIFFERENCE_KERNEL_END,
                                name,
                                &ban->address,
                                ban->end,
                                usec_add(now, element.remaining));
        return v->repair ? manager_queue_ban(m, jail, ban, 0) : 0;
}

/* SQLite's integers are signed. */
static bool is_stored_as(usec_t t, usec_t stored) {
        return t == stored || (t != USEC_INFINITY && MIN(t, (usec_t) INT64_MAX) == stored);
}

static int check_store(Manager *m, Verifier *v, Jail *jail, const Ban *ban) {
        const char *name = jail_get_config(jail)->name;
        Ban row;
        int r;

        r = store_get_ban(m->store, name, &ban->address, &row);
        if (r < 0)
                return r;
        if (r > 0 && row.id == ban->id && is_stored_as(ban->start, row.start) &&
                        is_stored_as(ban->end, row.end))
                return 0;

        note(v,
                        r == 0 ? DIFFERENCE_STORE_MISSING : DIFFERENCE_STORE_END,
                        name,
                        &ban->address,
                        ban->end,
                        r == 0 ? 0 : row.end);
        return v->repair ? store_quietly(m, CHANGE_BAN, jail, ban, NULL) : 0;
}

static int check_ban(Manager *m, Verifier *v, Jail *jail, Ban *ban) {
        int r = 0;

        v->result.n_checked++;
        if (manager_get_remaining(m, ban) <= TOLERANCE_USEC)
                return 0;

        if (has_kernel(m))
                r = check_kernel(m, v, jail, ban);
        return r < 0 ? r : check_store(m, v, jail, ban);
}

static size_t count_bans(const Manager *m) {
        size_t n = 0;

        for (size_t i = 0; i < m->n_jails; i++)
                n += ban_list_size(jail_get_bans(m->jails[i]));
        return n;
}

/* Some ban of any jail. */
static Ban *pick_ban(Manager *m, Jail **ret_jail) {
        size_t n = count_bans(m), at;

        if (n == 0)
                return NULL;

        at = pick_luck() % n;
        for (size_t i = 0; i < m->n_jails; i++) {
                const BanList *bans = jail_get_bans(m->jails[i]);

                if (at < ban_list_size(bans)) {
                        *ret_jail = m->jails[i];
                        return ban_list_pick(bans, pick_luck());
                }
                at -= ban_list_size(bans);
        }

        return NULL;
}

/* These return 1 if there is more to do in the phase, 0 if not, or a negative errno. */

static int check_sample(Manager *m, Verifier *v) {
        for (size_t i = 0; i < STEP_BANS; i++) {
                Jail *jail;
                Ban *ban;
                int r;

                ban = v->n_to_pick > 0 ? pick_ban(m, &jail) : NULL;
                if (!ban)
                        return 0;

                v->n_to_pick--;
                r = check_ban(m, v, jail, ban);
                if (r < 0)
                        return r;
        }

        return 1;
}

static int check_bans(Manager *m, Verifier *v) {
        size_t n = 0;

        if (!v->whole)
                return check_sample(m, v);

        while (v->jail < m->n_jails && n < STEP_BANS) {
                Jail *jail = m->jails[v->jail];
                Ban *ban = v->next ?: ban_list_next(jail_get_bans(jail), NULL);

                for (; ban && n < STEP_BANS; ban = ban_list_next(jail_get_bans(jail), ban), n++) {
                        int r;

                        r = check_ban(m, v, jail, ban);
                        if (r < 0)
                                return r;
                }

                v->next = ban;
                if (!ban)
                        v->jail++;
        }

        return v->jail < m->n_jails;
}

typedef struct Context {
        Manager *m;
        Verifier *v;
        int error;
} Context;

static int check_row(const char *name, const Ban *row, void *userdata) {
        Context *c = userdata;
        Jail *jail = manager_find_jail(c->m, name);
        Ban ban = *row;

        /* Bans of jails that are not there at present are kept for when they are. */
        if (!jail || ban_list_get(jail_get_bans(jail), &row->address))
                return 0;

        note(c->v, DIFFERENCE_STORE_UNKNOWN, name, &row->address, 0, row->end);
        ban.pattern = ""; /* the row's is gone when this is written */
        return c->v->repair ? store_quietly(c->m, CHANGE_LIFT, jail, &ban, "not running") : 0;
}

static int check_rows(Manager *m, Verifier *v) {
        size_t max = v->all ? STEP_BANS : MIN(v->n_rows, (size_t) STEP_BANS);
        Context c = { .m = m, .v = v };
        StorePlace *place = NULL;
        int r;

        if (max == 0)
                return 0;

        r = store_foreach_ban_from(m->store, v->row, max, check_row, &c, &place);
        if (r < 0)
                return r;

        store_place_free(v->row);
        v->row = place;
        v->n_rows -= MIN(v->n_rows, (size_t) r);
        return place != NULL;
}

static int keep_ended(const char *jail, const Ban *ban, const char *cause, void *userdata) {
        Verifier *v = userdata;

        (void) cause;

        if (v->n_ended == ENDED_MAX)
                return -ECANCELED;

        set_key(&v->ended[v->n_ended++], jail, &ban->address);
        return 0;
}

static int read_ended(Manager *m, Verifier *v) {
        usec_t since = usec_sub(manager_now(), ENDED_USEC);
        int r;

        v->ended = calloc(ENDED_MAX, sizeof(*v->ended));
        if (!v->ended)
                return -ENOMEM;

        r = store_foreach_ended(m->store, since, keep_ended, v);
        return r == -ECANCELED ? 0 : r;
}

static void note_element(Context *c, Jail *jail, const Address *a, const FirewallElement *e) {
        const char *name = jail_get_config(jail)->name;

        if (e->remaining <= TOLERANCE_USEC || ban_list_get(jail_get_bans(jail), a))
                return;

        note(c->v, DIFFERENCE_KERNEL_UNKNOWN, name, a, 0, usec_add(manager_now(), e->remaining));
        if (c->v->repair && c->error >= 0)
                c->error = remove_element(c->m, name, a);
}

static int check_ended(Manager *m, Verifier *v) {
        Context c = { .m = m, .v = v };
        int r;

        if (!has_kernel(m))
                return 0;

        if (!v->ended) {
                r = read_ended(m, v);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < STEP_BANS && v->n_ended > 0; i++) {
                const Key *key = &v->ended[--v->n_ended];
                Jail *jail = manager_find_jail(m, key->jail);
                FirewallElement element;

                if (!jail || ban_list_get(jail_get_bans(jail), &key->address))
                        continue;

                r = firewall_lookup(m->firewall, key->jail, &key->address, &element);
                if (r < 0)
                        return r;
                if (r > 0)
                        note_element(&c, jail, &key->address, &element);
        }

        return c.error < 0 ? c.error : v->n_ended > 0;
}

static void
on_element(const char *name, const Address *a, const FirewallElement *element, void *userdata) {
        Context *c = userdata;
        Jail *jail = manager_find_jail(c->m, name);

        if (jail)
                note_element(c, jail, a, element);
}

static int check_elements(Manager *m, Verifier *v) {
        Context c = { .m = m, .v = v };
        int r;

        if (!has_kernel(m))
                return 0;

        r = firewall_list(m->firewall, LISTED_MAX, on_element, &c);
        if (r < 0)
                return r;

        return c.error < 0 ? c.error : 0;
}

static int check_table(Manager *m, Verifier *v) {
        int r;

        if (!has_kernel(m))
                return 0;

        r = firewall_check(m->firewall);
        if (r != 0)
                return r == -EINTR ? 0 : MIN(r, 0);

        note(v, DIFFERENCE_TABLE, "", NULL, 0, 0);
        if (v->repair)
                m->firewall_wrong = true; /* the next commit does the rest */
        return 0;
}

static int check_some(Manager *m, Verifier *v) {
        switch (v->phase) {
        case PHASE_TABLE:
                return check_table(m, v);
        case PHASE_BANS:
                return check_bans(m, v);
        case PHASE_ROWS:
                return check_rows(m, v);
        case PHASE_ENDED:
                return check_ended(m, v);
        case PHASE_ELEMENTS:
                return check_elements(m, v);
        case PHASE_OVER:
                return 0;
        }

        return -EINVAL;
}

/* Beginning and ending */

static void arm(Verifier *v, usec_t delay) {
        (void) sd_event_source_set_time_relative(v->step_timer, delay);
        (void) sd_event_source_set_enabled(v->step_timer, SD_EVENT_ONESHOT);
}

/* From the beginning. */
static void reset(Manager *m, Verifier *v) {
        v->phase = PHASE_TABLE;
        v->jail = 0;
        v->next = NULL;
        v->n_to_pick = v->n_rows = SAMPLE_BANS;
        v->row = store_place_free(v->row);
        free(v->ended);
        v->ended = NULL;
        v->n_ended = 0;
        v->result = (Verification){ .told = v->told };

        v->whole = v->all || count_bans(m) <= SAMPLE_BANS;
        if (!v->whole) {
                Jail *jail;
                const Ban *ban = pick_ban(m, &jail);

                /* Rows from somewhere on. */
                (void) store_get_place(
                                m->store, jail_get_config(jail)->name, &ban->address, &v->row);
        }
}

static void begin(Manager *m, bool all, bool repair) {
        Verifier *v = m->verifier;

        v->running = true;
        v->all = all;
        v->repair = repair;
        for (size_t i = 0; i < v->n_callers; i++)
                v->callers[i].served = !repair && v->callers[i].all == all;

        reset(m, v);
        arm(v, 0);
}

/* What has to be done next. */
static void begin_next(Manager *m) {
        Verifier *v = m->verifier;

        if (v->running)
                return;

        if (v->repair_due) {
                v->repair_due = false;
                begin(m, true, true);
        } else if (v->n_callers > 0)
                begin(m, v->callers[0].all, false);
        else if (v->sample_due) {
                v->sample_due = false;
                begin(m, false, true);
        }
}

static void finish(Manager *m, int error) {
        Verifier *v = m->verifier;
        size_t n = 0;

        v->running = false;
        v->result.error = error;
        v->result.n_bans = count_bans(m);

        if (v->repair)
                announce_verified(&v->result, v->all);

        for (size_t i = 0; i < v->n_callers; i++)
                if (v->callers[i].served)
                        v->callers[i].handler(&v->result, v->callers[i].userdata);
                else
                        v->callers[n++] = v->callers[i];
        v->n_callers = n;

        begin_next(m);
}

static int on_step(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;
        Verifier *v = m->verifier;
        int r;

        (void) s;
        (void) usec;

        if (m->status.firewall_failed) {
                finish(m, -EAGAIN);
                return 0;
        }
        if (!m->restored) {
                arm(v, WAIT_USEC);
                return 0;
        }

        r = check_some(m, v);
        if (r == -EBADMSG)
                m->store_damaged = true;
        if (v->repair)
                (void) manager_commit(m, false);
        if (r < 0) {
                finish(m, r);
                return 0;
        }

        if (r == 0)
                v->phase++;
        if (v->phase == PHASE_OVER)
                finish(m, 0);
        else
                arm(v, v->all ? 0 : SAMPLE_PAUSE_USEC);
        return 0;
}

static int on_sample(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        (void) usec;

        manager_note_counters(m);
        m->verifier->sample_due = true;
        begin_next(m);
        (void) sd_event_source_set_time_relative(s, SAMPLE_USEC);
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

int manager_start_verifying(Manager *m) {
        Verifier *v;
        int r;

        v = calloc(1, sizeof(*v));
        if (!v)
                return -ENOMEM;
        m->verifier = v;

        r = sd_event_add_time_relative(m->event, &v->step_timer, CLOCK_MONOTONIC, 0, 1, on_step, m);
        if (r >= 0)
                r = sd_event_source_set_enabled(v->step_timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(v->step_timer, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_add_time_relative(m->event,
                                &v->sample_timer,
                                CLOCK_MONOTONIC,
                                SAMPLE_USEC / 2 + pick_luck() % SAMPLE_USEC,
                                SAMPLE_ACCURACY_USEC,
                                on_sample,
                                m);
        return r;
}

void manager_stop_verifying(Manager *m) {
        Verifier *v = m->verifier;

        if (!v)
                return;

        for (size_t i = 0; i < v->n_callers; i++)
                v->callers[i].handler(NULL, v->callers[i].userdata);
        sd_event_source_disable_unref(v->step_timer);
        sd_event_source_disable_unref(v->sample_timer);
        store_place_free(v->row);
        free(v->ended);
        free(v);
        m->verifier = NULL;
}

void manager_verify_pass(Manager *m, const Ban *ban) {
        Verifier *v = m->verifier;

        if (!v || !v->running || v->next != ban)
                return;

        v->next = ban_list_next(jail_get_bans(m->jails[v->jail]), ban);
        if (!v->next)
                v->jail++;
}

void manager_verify_anew(Manager *m) {
        if (m->verifier && m->verifier->running)
                reset(m, m->verifier);
}

int manager_verify(Manager *m, bool all, VerifyHandler handler, void *userdata) {
        Verifier *v;

        assert(m);
        assert(handler);

        v = m->verifier;
        if (!v || v->n_callers == MANAGER_VERIFIERS_MAX)
                return -EBUSY;

        v->callers[v->n_callers++] = (Caller){
                .all = all,
                .handler = handler,
                .userdata = userdata,
        };
        begin_next(m);
        return 0;
}

void manager_get_verify_progress(const Manager *m, uint64_t *ret_n_done, uint64_t *ret_n_all) {
        const Verifier *v;

        assert(m);

        v = m->verifier;
        *ret_n_done = *ret_n_all = 0;
        if (!v || !v->running)
                return;

        *ret_n_all = v->whole ? count_bans(m) : SAMPLE_BANS;
        *ret_n_done = MIN((uint64_t) v->result.n_checked, *ret_n_all);
}

void manager_repair(Manager *m) {
        assert(m);

        if (!m->verifier)
                return;

        m->verifier->repair_due = true;
        begin_next(m);
}
