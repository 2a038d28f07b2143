/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Writing to the store, and what to do when that fails.
 *
 * A disk that is full, a file system that became read-only, or somebody else's lock keep no ban
 * from the kernel. Changes wait in memory. Writing them is tried again after two seconds, and then
 * after twice as long each time, up to a minute, because a try takes the loop's time: for waiting
 * for the lock, or for writing much of what waits before the disk is full. A command by hand does
 * not wait, so that its answer says how things are.
 *
 * A database that turns out to be damaged is replaced at once. The lists are the truth, so all that
 * runs is written into the new one; what ended is lost to it.
 */

#include "base/log.h"
#include "daemon/announce.h"
#include "daemon/manager-private.h"

/* The position in the journal is written with each ban, and else so often: reading the entries
 * since then again leads to the same decisions. */
#define SAVE_ENTRIES 20000

#define RETRY_MIN_USEC (2 * USEC_PER_SEC)
#define RETRY_MAX_USEC USEC_PER_MINUTE

/* As many as there are by now. */
static int write_leaks(Manager *m, const Change *c) {
        Ban *ban = ban_list_peek(jail_get_bans(c->jail), &c->ban.address);

        if (!ban || ban->id != c->ban.id)
                return 0;

        ban->leaks_unsaved = false;
        return store_set_leaks(m->store, jail_get_config(c->jail)->name, ban);
}

static int write_change(Manager *m, const Change *c) {
        const char *name = jail_get_config(c->jail)->name;
        int r;

        if (c->entries) {
                r = store_add_evidence(m->store, c->ban.id, c->entries, c->fields);
                if (r < 0)
                        return r;
        }

        switch (c->kind) {
        case CHANGE_BAN:
                return store_add_ban(m->store, name, &c->ban);
        case CHANGE_REPLACE:
                return store_replace_ban(m->store, name, &c->ban, c->when, c->cause);
        case CHANGE_LEAKS:
                return write_leaks(m, c);
        case CHANGE_END:
                return store_end_ban(m->store, name, &c->ban, c->when, c->cause, false);
        case CHANGE_LIFT:
                return store_lift_ban(m->store, name, &c->ban, c->when, c->cause);
        case CHANGE_RECORD:
                return store_add_ended(m->store, name, &c->ban, c->when, c->cause);
        case CHANGE_FORGET:
                return store_add_unban(m->store, name, &c->ban.address, c->when);
        }

        return -EINVAL;
}

/* Everything that runs, after changes were lost of which it is not known what the store has. */
static int write_all(Manager *m) {
        int r = 0;

        for (size_t i = 0; i < m->n_jails && r >= 0; i++) {
                const char *name = jail_get_config(m->jails[i])->name;
                BanList *bans = jail_get_bans(m->jails[i]);

                r = store_clear_bans(m->store, name);
                for (Ban *b = ban_list_next(bans, NULL); b && r >= 0; b = ban_list_next(bans, b))
                        r = store_add_ban(m->store, name, b);
        }

        return r;
}

static int write_transaction(Manager *m, bool durable) {
        int r;

        r = m->store_incomplete ? manager_load_rest(m) : 0;
        if (r < 0)
                return r;
        r = store_begin(m->store, durable);
        if (r < 0)
                return r;

        for (size_t i = 0; i < m->n_changes && r >= 0; i++)
                if (!m->changes[i].stored)
                        r = write_change(m, &m->changes[i]);
        if (r >= 0 && m->store_incomplete)
                r = write_all(m);
        if (r >= 0 && (m->store_incomplete || m->exemptions_unsaved))
                r = manager_write_exemptions(m);
        if (r >= 0 && m->clear_in_kernel)
                r = store_clear_in_kernel(m->store);
        if (r >= 0)
                r = manager_save_progress(m);
        if (r >= 0)
                return store_commit(m->store);

        store_rollback(m->store);
        return r;
}

static int replace(Manager *m) {
        _cleanup_(freep) char *aside = NULL;
        size_t n = 0;
        int r;

        r = manager_load_rest(m);
        if (r < 0)
                return r;

        manager_drop_check(m);
        r = store_replace(m->store, &aside);
        m->store_incomplete = true;
        m->store_damaged = false;

        for (size_t i = 0; i < m->n_jails; i++)
                n += ban_list_size(jail_get_bans(m->jails[i]));
        if (aside)
                announce_store_recovered(aside, n, true);
        return r;
}

static void retry_later(Manager *m) {
        m->store_waits = true;
        if (!m->store_timer || sd_event_source_get_enabled(m->store_timer, NULL) > 0)
                return;

        m->store_delay = m->store_delay == 0 ? RETRY_MIN_USEC
                                             : MIN(m->store_delay * 2, RETRY_MAX_USEC);
        (void) sd_event_source_set_time_relative(m->store_timer, m->store_delay);
        (void) sd_event_source_set_enabled(m->store_timer, SD_EVENT_ONESHOT);
}

int manager_commit_store(Manager *m, bool durable) {
        bool failed_before = m->status.store_failed;
        int r;

        if (m->n_changes == 0 && !m->clear_in_kernel && !failed_before && !m->store_damaged &&
                        !m->store_incomplete && !durable && m->n_unsaved < SAVE_ENTRIES)
                return 0;
        if (m->store_waits && !durable)
                return m->status.store_error;

        r = m->store_damaged ? -EBADMSG : write_transaction(m, durable);
        if (r == -EBADMSG) {
                r = replace(m);
                if (r >= 0)
                        r = write_transaction(m, durable);
        }

        if (r < 0) {
                if (!failed_before)
                        (void) log_error_errno(r,
                                        "Failed to write to the database, trying again (bans are in "
                                        "force all the same): %m");
                m->status.store_failed = true;
                m->status.store_error = r;
                retry_later(m);
                return r;
        }

        if (failed_before)
                log_notice("The database can be written again.");
        if (m->store_incomplete)
                surroundings_save(m->surroundings);
        m->status.store_failed = false;
        m->status.store_error = 0;
        m->store_waits = false;
        m->store_delay = 0;
        (void) sd_event_source_set_enabled(m->store_timer, SD_EVENT_OFF);
        m->store_incomplete = false;
        m->exemptions_unsaved = false;
        m->clear_in_kernel = false;
        manager_saved(m);
        return 0;
}

void manager_retry_store(Manager *m) {
        m->store_waits = false;
        (void) manager_commit(m, false);
}
