/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Sockets come first: the reset that their peers get still passes as part of a connection that is
 * tracked, and is translated back.
 *
 * To find entries of conntrack the kernel walks through its whole table, which takes milliseconds
 * even if it is almost empty, whether for one address or for many. So after a walk there is a pause
 * many times as long, and the bans made meanwhile are looked for together.
 */

#include "daemon/ender.h"

#include "base/log.h"
#include "base/usec.h"
#include "daemon/clock.h"
#include "engine/conntrack.h"

/* A pause is so many times as long as the walk before it. */
#define PAUSE_FACTOR 20

/* Addresses that wait for the end of the pause. With more of them it is not waited for. */
#define WAITING_MAX 1024

/* The ports are copied, as a jail may have others by then. */
typedef struct Waiting {
        Address address;
        PortSet ports;
} Waiting;

struct Ender {
        sd_event *event;
        sd_event_source *timer; /* enabled during the pause */

        Killer *killer;
        Conntrack *conntrack;
        bool killer_failed;
        bool conntrack_failed;

        Waiting *waiting;
        size_t n_waiting;
};

static void end_waiting(Ender *e);

static int on_pause_over(sd_event_source *s, uint64_t usec, void *userdata) {
        Ender *e = userdata;

        (void) s;
        (void) usec;

        if (e->conntrack && e->n_waiting > 0)
                end_waiting(e);
        return 0;
}

int ender_new(Ender **ret, sd_event *event) {
        _cleanup_(ender_freep) Ender *e = NULL;
        int r;

        assert(ret);
        assert(event);

        e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;

        e->event = sd_event_ref(event);
        e->waiting = calloc(WAITING_MAX, sizeof(*e->waiting));
        if (!e->waiting)
                return -ENOMEM;

        r = sd_event_add_time_relative(event, &e->timer, CLOCK_MONOTONIC, 0, 0, on_pause_over, e);
        if (r < 0)
                return r;
        (void) sd_event_source_set_enabled(e->timer, SD_EVENT_OFF);

        r = killer_new(&e->killer);
        if (r < 0)
                (void) log_warning_errno(r, "Open connections of banned addresses will stay: %m");
        r = conntrack_new(&e->conntrack);
        if (r < 0)
                (void) log_warning_errno(
                                r, "What conntrack knows of banned addresses will stay: %m");

        *ret = TAKE_PTR(e);
        return 0;
}

Ender *ender_free(Ender *e) {
        if (!e)
                return NULL;

        if (e->conntrack && e->n_waiting > 0)
                end_waiting(e);
        sd_event_source_disable_unref(e->timer);
        sd_event_unref(e->event);
        killer_free(e->killer);
        conntrack_free(e->conntrack);
        free(e->waiting);
        free(e);
        return NULL;
}

static void end_connections(Ender *e, const KillerTarget *targets, size_t n) {
        int r;

        if (!e->killer)
                return;

        r = killer_run_many(e->killer, targets, n);
        if (r == -EOPNOTSUPP) {
                log_warning("The kernel cannot end open connections of banned addresses "
                            "(CONFIG_INET_DIAG_DESTROY is missing).");
                e->killer = killer_free(e->killer);
        } else if (r < 0 && !e->killer_failed)
                (void) log_warning_errno(r, "Failed to end connections of banned addresses: %m");
        e->killer_failed = r < 0;
}

/* Ends what conntrack knows of those that wait, and pauses. */
static void end_waiting(Ender *e) {
        KillerTarget targets[WAITING_MAX];
        usec_t begin = clock_now(CLOCK_MONOTONIC);
        int r;

        for (size_t i = 0; i < e->n_waiting; i++)
                targets[i] = (KillerTarget){ e->waiting[i].address, &e->waiting[i].ports };

        r = conntrack_end_many(e->conntrack, targets, e->n_waiting);
        e->n_waiting = 0;
        if (r == -EOPNOTSUPP) {
                log_warning("The kernel does not tell what it tracks (CONFIG_NF_CT_NETLINK is "
                            "missing), so that what it knows of banned addresses stays.");
                e->conntrack = conntrack_free(e->conntrack);
        } else if (r < 0 && !e->conntrack_failed)
                (void) log_warning_errno(
                                r, "Failed to end what conntrack knows of banned addresses: %m");
        e->conntrack_failed = r < 0;

        (void) sd_event_source_set_time_relative(
                        e->timer, (clock_now(CLOCK_MONOTONIC) - begin) * PAUSE_FACTOR);
        (void) sd_event_source_set_enabled(e->timer, SD_EVENT_ONESHOT);
}

static bool is_pausing(const Ender *e) {
        int enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(e->timer, &enabled);
        return enabled != SD_EVENT_OFF;
}

void ender_run(Ender *e, const KillerTarget *targets, size_t n_targets) {
        assert(e);
        assert(targets || n_targets == 0);

        if (n_targets == 0)
                return;

        end_connections(e, targets, n_targets);

        for (size_t i = 0; i < n_targets && e->conntrack; i++) {
                if (e->n_waiting == WAITING_MAX)
                        end_waiting(e);
                e->waiting[e->n_waiting++] = (Waiting){ targets[i].address, *targets[i].ports };
        }

        if (e->conntrack && !is_pausing(e))
                end_waiting(e);
}
