/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Forgetting what is old.
 *
 * Once a minute it is looked whether there is something to forget. If so, small steps follow each
 * other with pauses that are long beside them, so that other events do not wait, and no core is
 * busy with it: a million bans are gone in five minutes. A step that fails is tried again with the
 * next look.
 *
 * All times are those of the position, not of the clock: what is decided after a long pause counts
 * the bans that were remembered then. The position is written before, because after a crash the
 * windows are filled anew from where it was written.
 */

#include <inttypes.h>

#include "base/log.h"
#include "daemon/manager-private.h"
#include "engine/store-prune.h"

/* The first look comes soon: whoever changed the limit wants to see it. */
#define FIRST_USEC (2 * USEC_PER_SEC)
#define LOOK_USEC USEC_PER_MINUTE
#define PAUSE_USEC (50 * USEC_PER_MSEC)

/* So often it is said how many bans were forgotten. */
#define SAY_USEC (24 * USEC_PER_HOUR)

usec_t manager_get_needed(const Manager *m) {
        usec_t needed = manager_now();

        for (size_t i = 0; i < m->n_jails; i++)
                needed = MIN(needed, manager_get_refill_start(m, m->jails[i]));
        return needed;
}

static PruneLimits get_limits(const Manager *m) {
        PruneLimits l = { .size = m->config->history_size, .needed = manager_get_needed(m) };
        usec_t memory = 0;

        for (size_t i = 0; i < m->n_jails; i++)
                memory = MAX(memory, jail_get_config(m->jails[i])->memory);
        l.since = usec_sub(l.needed, memory);
        return l;
}

/* Not while something else is to be done first. */
static bool is_ready(const Manager *m) {
        return m->restored && !m->reading_past && !m->status.catching_up &&
               !m->status.firewall_failed && !m->status.store_failed;
}

/* Returns 1 if there may be more to forget; 0; or a negative errno. */
static int prune(Manager *m) {
        PruneLimits limits;
        int r;

        if (!is_ready(m))
                return 0;

        limits = get_limits(m);
        r = store_prune_due(m->store, &limits);
        if (r <= 0)
                return r;

        r = manager_save_counts(m);
        if (r < 0)
                return 0; /* reported */

        return store_prune(m->store, &limits, &m->pruned);
}

static void report(Manager *m) {
        usec_t now = 0;

        (void) sd_event_now(m->event, CLOCK_MONOTONIC, &now);
        if (m->pruned.by_age + m->pruned.by_size == 0 ||
                        (m->prune_said > 0 && now - m->prune_said < SAY_USEC))
                return;

        log_info("Bans that ended were removed from the database: %" PRIu64
                 " because they are older than what is remembered, %" PRIu64
                 " because it was larger than history_size.",
                        m->pruned.by_age,
                        m->pruned.by_size);
        m->pruned = (PruneCount){};
        m->prune_said = now;
}

static int on_prune(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;
        int r;

        (void) usec;

        r = prune(m);
        if (r < 0 && !m->prune_failed)
                (void) log_warning_errno(
                                r, "Failed to remove old bans from the database, trying again: %m");
        m->prune_failed = r < 0;
        if (r == -EBADMSG) {
                m->store_damaged = true;
                (void) manager_commit(m, false);
        }
        if (r <= 0)
                report(m);

        (void) sd_event_source_set_time_relative(s, r > 0 ? PAUSE_USEC : LOOK_USEC);
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

int manager_start_pruning(Manager *m) {
        int r;

        r = sd_event_add_time_relative(
                        m->event, &m->prune_timer, CLOCK_MONOTONIC, FIRST_USEC, 0, on_prune, m);
        return r < 0 ? r : sd_event_source_set_priority(m->prune_timer, SD_EVENT_PRIORITY_IDLE);
}
