/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Keeping a table that nobody owns as it has to be.
 *
 * What others do to it is undone at once. Bans that they touched are put right one by one; for
 * anything else the table is configured anew and every ban put in again. Then the watch pauses, for
 * a tenth of a second, and for twice as long each time that there is something to undo again
 * within a minute, up to ten seconds. What is done meanwhile is undone afterwards. So a process
 * that changes the table in a loop costs a repair now and then and no more, and whoever does so
 * once or twice finds it undone.
 */

#include "base/log.h"
#include "daemon/announce.h"
#include "daemon/clock.h"
#include "daemon/manager-private.h"

#define PAUSE_MIN (100 * USEC_PER_MSEC)
#define PAUSE_MAX (10 * USEC_PER_SEC)

/* After so long without anything to undo the next pause is a short one again. */
#define CALM_USEC USEC_PER_MINUTE

bool manager_watch_pauses(Manager *m) {
        int enabled;

        return m->watch_timer && sd_event_source_get_enabled(m->watch_timer, &enabled) >= 0 &&
               enabled != SD_EVENT_OFF;
}

static void wait_for(Manager *m, usec_t pause) {
        (void) sd_event_source_set_time_relative(m->watch_timer, pause);
        (void) sd_event_source_set_enabled(m->watch_timer, SD_EVENT_ONESHOT);
        if (m->watch_source)
                (void) sd_event_source_set_enabled(m->watch_source, SD_EVENT_OFF);
}

void manager_pause_watch(Manager *m) {
        usec_t now = clock_now(CLOCK_MONOTONIC);

        if (!m->watch_timer)
                return;

        m->watch_pause = m->repaired > 0 && now - m->repaired < CALM_USEC
                                         ? MIN(2 * m->watch_pause, PAUSE_MAX)
                                         : PAUSE_MIN;
        m->repaired = now;
        wait_for(m, m->watch_pause);
}

static int on_watch_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        (void) s;
        (void) usec;

        /* A repair is not over before all bans are back. */
        if (!m->restored)
                wait_for(m, PAUSE_MIN);
        else if (m->watch_source)
                (void) sd_event_source_set_enabled(m->watch_source, SD_EVENT_ON);
        return 0;
}

/* Has the kernel say of this prefix what we say. */
static void on_touched(const Address *address, void *userdata) {
        Manager *m = userdata;

        for (size_t i = 0; i < m->n_jails; i++) {
                Ban *ban = ban_list_get(jail_get_bans(m->jails[i]), address);

                if (ban)
                        (void) manager_queue_ban(m, m->jails[i], ban, 0);
                else
                        (void) firewall_remove(
                                        m->firewall, jail_get_config(m->jails[i])->name, address);
        }
}

/* Returns 1 and what was done, 0 if nothing was. */
static int read_meddling(Manager *m, FirewallMeddling *ret) {
        int r;

        r = firewall_read_meddling(m->firewall, on_touched, m, ret);
        if (r < 0) {
                (void) log_warning_errno(r, "Failed to read what others do at nftables: %m");
                /* It may have been anything. */
                *ret = (FirewallMeddling){ .lost = true };
                r = 1;
        }
        if (r > 0 && (ret->structure || ret->lost))
                m->firewall_wrong = true;

        return r;
}

void manager_report_meddling(Manager *m) {
        FirewallMeddling meddling;

        if (read_meddling(m, &meddling) > 0)
                announce_repaired(m->bus, &meddling);
}

static int on_watch(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Manager *m = userdata;
        FirewallMeddling meddling;

        (void) s;
        (void) fd;
        (void) revents;

        if (read_meddling(m, &meddling) == 0)
                return 0;

        manager_pause_watch(m);

        /* What fails is reported and tried again. */
        if (manager_commit(m, false) >= 0 || !m->status.firewall_failed)
                announce_repaired(m->bus, &meddling);
        /* A host with few bans has all of them back before anything else happens. */
        if (!m->restored)
                (void) manager_restore_step(m);
        return 0;
}

int manager_watch_firewall(Manager *m) {
        int fd, r;

        m->watch_source = sd_event_source_disable_unref(m->watch_source);

        fd = firewall_get_watch(m->firewall);
        if (fd < 0 || m->params.once)
                return 0;

        if (!m->watch_timer) {
                r = sd_event_add_time(m->event,
                                &m->watch_timer,
                                CLOCK_MONOTONIC,
                                0,
                                1,
                                on_watch_timer,
                                m);
                if (r >= 0)
                        r = sd_event_source_set_enabled(m->watch_timer, SD_EVENT_OFF);
                if (r < 0)
                        return r;
        }

        r = sd_event_add_io(m->event, &m->watch_source, fd, EPOLLIN, on_watch, m);
        if (r >= 0 && manager_watch_pauses(m))
                r = sd_event_source_set_enabled(m->watch_source, SD_EVENT_OFF);
        return r;
}
