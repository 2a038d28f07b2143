/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Putting all bans into the kernel: at a start, when they are still to be read (manager-load.c),
 * after a reload, when somebody removed the table, and when the clock was set.
 *
 * The kernel carries out one transaction at a time, and a ban that is decided meanwhile has to wait
 * for it. So they go in chunks, and between two of them everything else has its turn: the journal,
 * the bus and the timers. None of them can keep a chunk waiting for longer than one of its own:
 * what goes only when nothing else does, a client that keeps the bus busy could hold up for ever.
 * How many bans make a chunk is found by the clock, since it depends on the machine, its load, and
 * how the table is made.
 *
 * What a chunk needs besides the kernel is done while the kernel works on the one before.
 *
 * Whoever attacks now shall not have to wait until journald tells of his failures, half a second
 * late, so the journal is looked at on a tick meanwhile.
 */

#include "daemon/clock.h"
#include "daemon/manager-private.h"

/* What a chunk is to take, of which nearly all is the kernel's. */
#define CHUNK_USEC (5 * USEC_PER_MSEC)

/* What it takes to pass so many bans by that are there is what it takes to put one back. */
#define PASSED_COST 16

#define CHUNK_FIRST 1000
#define CHUNK_MIN 100
#define CHUNK_MAX 10000

static void enable(Manager *m, int enabled) {
        if (m->restore_source)
                (void) sd_event_source_set_enabled(m->restore_source, enabled);
}

void manager_restore_begin(Manager *m, bool keep) {
        usec_t now = manager_now();

        for (size_t i = 0; i < m->n_jails; i++) {
                BanList *bans = jail_get_bans(m->jails[i]);

                for (Ban *b = ban_list_next(bans, NULL); b; b = ban_list_next(bans, b)) {
                        b->in_kernel = false;
                        /* By what the clock says now; manager_queue_ban() has when it is over
                         * otherwise. */
                        if (b->end != USEC_INFINITY && b->start <= now && b->expiry.when != b->end)
                                ban_list_set_expiry(bans, b, b->end);
                }
        }

        m->restore_jail = 0;
        m->restore_next = NULL;
        m->restore_keep = keep;
        m->restored = false;
        manager_set_guarded(m, USEC_INFINITY);
        manager_restore_resume(m);
}

void manager_restore_again(Manager *m) {
        m->restore_jail = 0;
        m->restore_next = NULL;
        m->restored = false;
        manager_restore_resume(m);
}

void manager_restore_resume(Manager *m) {
        if (!m->restored)
                enable(m, SD_EVENT_ON);
}

void manager_restore_skip(Manager *m, Jail *jail, const Ban *ban) {
        manager_load_skip(m, ban);
        if (m->restore_next != ban)
                return;

        m->restore_next = ban_list_next(jail_get_bans(jail), ban);
        if (!m->restore_next)
                m->restore_jail++;
}

/* Those in the lists first, then those that have not been read yet. Returns how many, or a negative
 * errno. */
static int queue_chunk(Manager *m, size_t size) {
        unsigned flags = m->restore_keep ? FIREWALL_KEEP : 0;
        size_t n = 0, n_passed = 0;
        int r;

        while (m->restore_jail < m->n_jails && n < size) {
                Jail *jail = m->jails[m->restore_jail];
                Ban *ban = m->restore_next ?: ban_list_next(jail_get_bans(jail), NULL);

                for (; ban && n < size; ban = ban_list_next(jail_get_bans(jail), ban)) {
                        if (ban->in_kernel) {
                                n += ++n_passed % PASSED_COST == 0;
                                continue;
                        }
                        r = manager_queue_ban(m, jail, ban, flags);
                        if (r < 0)
                                return r;
                        n++;
                }

                m->restore_next = ban;
                if (!ban)
                        m->restore_jail++;
        }

        if (n == size)
                return (int) n;

        r = manager_load_some(m, size - n);
        if (r < 0)
                return r;

        manager_arm_expiry(m); /* some may be over */
        return (int) n + r;
}

/* Doubled at most, so that one measurement does not lead far astray; cut at once. */
static size_t next_size(size_t size, usec_t took) {
        size = took > CHUNK_USEC / 2 ? size * CHUNK_USEC / took : 2 * size;
        size = MAX(size, (size_t) CHUNK_MIN);

        return MIN(size, (size_t) CHUNK_MAX);
}

/* A FirewallMeanwhileHandler. */
static void on_meanwhile(void *userdata) {
        Manager *m = userdata;

        /* The next chunk may be twice as large. */
        manager_load_ahead(m, m->restore_size ? 2 * m->restore_size : CHUNK_FIRST);
}

/* While the kernel carries out this chunk the next one is prepared. */
static int commit_chunk(Manager *m) {
        int r;

        firewall_set_meanwhile(m->firewall, on_meanwhile, m);
        r = manager_commit_firewall(m);
        firewall_set_meanwhile(m->firewall, NULL, NULL);
        return r;
}

int manager_restore_step(Manager *m) {
        size_t size = m->restore_size ?: CHUNK_FIRST;
        usec_t before;
        int r, n;

        if (m->tail)
                tail_excite(m->tail);

        before = clock_now(CLOCK_MONOTONIC);
        r = n = queue_chunk(m, size);
        if (r >= 0)
                r = commit_chunk(m);
        if (r < 0) {
                /* It is tried again by its own clock. */
                enable(m, m->status.firewall_failed ? SD_EVENT_OFF : SD_EVENT_ON);
                return r;
        }

        if (m->store_damaged)
                (void) manager_commit(m, false); /* reading found it */

        m->restored = m->restore_jail >= m->n_jails && !m->loader;
        if (m->restored && manager_settle_firewall(m) > 0)
                return 1;
        if (m->restored) {
                manager_set_guarded(m, manager_now());
                enable(m, SD_EVENT_OFF);
                if (m->allowed_changed)
                        manager_tell_allowed(m);
        } else if ((size_t) n == size)
                m->restore_size = next_size(size, clock_now(CLOCK_MONOTONIC) - before);

        return !m->restored;
}
