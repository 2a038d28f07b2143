/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From a decision to its effect.
 *
 * A ban is entered in its jail's list at once, so that the next entry of the batch sees it, and is
 * queued for the kernel. What has to be written and announced is queued as a change.
 * manager_commit() does all of it, and the order matters: the firewall comes first, because it
 * protects the host; the store comes second, and writes the position in the journal with the bans
 * that led up to it, so that after a crash in between the same entries lead to the same bans; the
 * announcement comes last, so that it is true. A ban lifted by hand is the other way round, in
 * manager-commands.c.
 *
 * The lists are the truth while the daemon runs. When the firewall or the store fail, changes wait
 * and are tried again; when a table or too many changes were lost, all bans are put in anew
 * (manager-restore.c). What concerns the store alone is in manager-store.c, what concerns the
 * firewall alone in manager-firewall.c.
 */

#include "daemon/manager-private.h"

#include "base/log.h"
#include "daemon/announce.h"
#include "daemon/clock.h"
#include "engine/policy.h"

/* A list of addresses that was banned at once ends at once, and each end is written and announced:
 * a few milliseconds, and then others have their turn. */
#define EXPIRE_MAX 250

usec_t manager_now(void) {
        return clock_now(CLOCK_REALTIME);
}

usec_t manager_get_remaining(const Manager *m, const Ban *ban) {
        return policy_remaining(ban->start, ban->end, manager_now(), m->status.newest);
}

static const char *jail_name(const Jail *j) {
        return jail_get_config(j)->name;
}

int manager_add_change(Manager *m,
                ChangeKind kind,
                Jail *jail,
                const Ban *ban,
                usec_t when,
                const char *cause) {
        Change *c;

        if (m->n_changes == m->n_changes_allocated) {
                size_t n = MAX(m->n_changes_allocated * 2, (size_t) 64);
                Change *changes;

                changes = reallocarray(m->changes, n, sizeof(*changes));
                if (!changes)
                        return log_oom();
                m->changes = changes;
                m->n_changes_allocated = n;
        }

        c = &m->changes[m->n_changes];
        *c = (Change){
                .kind = kind,
                .jail = jail,
                .ban = *ban,
                .when = when,
                .cause = cause,
                .caller = m->caller,
        };
        if (ban->reason) {
                c->ban.reason = strdup(ban->reason);
                if (!c->ban.reason)
                        return log_oom();
        }

        m->n_changes++;
        return 0;
}

void manager_clear_changes(Manager *m) {
        for (size_t i = 0; i < m->n_changes; i++) {
                free(m->changes[i].ban.reason);
                free(m->changes[i].entries);
                free(m->changes[i].fields);
        }
        m->n_changes = 0;
}

/* Making and ending bans */

int manager_queue_ban(Manager *m, Jail *jail, Ban *ban, unsigned flags) {
        usec_t now = manager_now(), remaining, expiry = ban->end;
        int r;

        remaining = policy_remaining(ban->start, ban->end, now, m->status.newest);
        if (remaining == 0)
                return 0; /* over before it began; the timer will say so */

        /* One that begins in the future is of a clock that was ahead. The kernel has it for its
         * length, and afterwards the address is not to pass for banned until the clock gets there.
         */
        if (expiry != USEC_INFINITY && ban->start > now)
                expiry = usec_add(now, remaining);
        if (expiry != USEC_INFINITY && expiry != ban->expiry.when)
                ban_list_set_expiry(jail_get_bans(jail), ban, expiry);

        if (ban_list_count(jail_get_bans(jail), ban, jail_get_config(jail)->counters))
                flags |= FIREWALL_COUNTED;
        r = firewall_add(m->firewall, jail_name(jail), &ban->address, remaining, flags);
        if (r < 0)
                return log_error_errno(r, "Failed to queue a ban for the firewall: %m");

        ban->in_kernel = true;
        ban->acknowledged = now; /* or a little later: acknowledge() */
        return 0;
}

/* The kernel has the bans of this batch. */
static void acknowledge(Manager *m) {
        usec_t now = manager_now();

        for (size_t i = 0; i < m->n_changes; i++) {
                const Change *c = &m->changes[i];
                Ban *ban = NULL;

                if (c->kind == CHANGE_BAN && !c->announced)
                        ban = ban_list_peek(jail_get_bans(c->jail), &c->ban.address);
                if (ban && ban->id == c->ban.id && ban->in_kernel)
                        ban->acknowledged = now;
        }
}

int manager_add_ban(Manager *m, Jail *jail, const Ban *wanted) {
        BanList *bans = jail_get_bans(jail);
        Ban *ban;
        int r;

        r = manager_make_room(m, jail, &wanted->address);
        if (r <= 0)
                return r;

        ban = ban_list_get(bans, &wanted->address);
        r = ban ? manager_add_change(m, CHANGE_REPLACE, jail, ban, wanted->start, "replaced") : 0;
        if (r < 0)
                return r;

        r = ban_list_add(bans, wanted, &ban);
        if (r < 0)
                return log_oom();

        r = manager_queue_ban(m, jail, ban, 0);
        if (r >= 0)
                r = manager_add_change(m, CHANGE_BAN, jail, ban, ban->start, NULL);
        return r < 0 ? r : 1;
}

bool manager_is_lifted(const Ban *ban, usec_t end, const char *cause) {
        static const char *const others[] = {
                "expired",
                CAUSE_IN_NETWORK,
                "jail removed",
                "over when decided",
                "replaced",
                "room for a new ban",
        };

        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (streq(cause, others[i]))
                        return false;

        /* What was spared never began. */
        return ban->start != end;
}

static int
end_ban(Manager *m, Jail *jail, Ban *ban, ChangeKind kind, usec_t when, const char *cause) {
        int r, k;

        manager_restore_skip(m, jail, ban);

        manager_verify_pass(m, ban);

        r = manager_add_change(m, kind, jail, ban, when, cause);
        k = manager_is_lifted(ban, when, cause) ? jail_forget_lifted(jail, &ban->address, when)
                                                : jail_forget(jail, &ban->address, when);
        if (r >= 0 && k < 0)
                r = log_oom();
        if (r >= 0) {
                r = firewall_remove(m->firewall, jail_name(jail), &ban->address);
                if (r == -ENOENT)
                        r = 0; /* the jail is gone, and its sets with it */
                if (r < 0)
                        (void) log_error_errno(r, "Failed to queue an unban: %m");
        }

        ban_list_remove(jail_get_bans(jail), ban);
        return r;
}

int manager_end_ban(Manager *m, Jail *jail, Ban *ban, usec_t when, const char *cause) {
        return end_ban(m, jail, ban, CHANGE_END, when, cause);
}

int manager_lift_ban(Manager *m, Jail *jail, Ban *ban, usec_t when, const char *cause) {
        int r;

        r = manager_clear_offender(m, jail, ban);
        return r < 0 ? r : end_ban(m, jail, ban, CHANGE_LIFT, when, cause);
}

int manager_end_all(Manager *m, Jail *jail, usec_t when, const char *cause) {
        Ban *ban;

        while ((ban = ban_list_next(jail_get_bans(jail), NULL))) {
                int r;

                r = manager_end_ban(m, jail, ban, when, cause);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Ends the bans that hit one address. What somebody banned by hand he lets free by hand: he may
 * have meant it. */
static int lift_spared(const Address *a, void *userdata) {
        Manager *m = userdata;

        for (size_t i = 0; i < m->n_jails; i++) {
                const JailConfig *config = jail_get_config(m->jails[i]);
                BanList *bans = jail_get_bans(m->jails[i]);
                Ban *ban;

                while ((ban = ban_list_find(bans, a, 0)) && ban->failures > 0) {
                        char text[ADDRESS_STR_SIZE], other[ADDRESS_STR_SIZE];
                        Spared spared;
                        int r;

                        if (!surroundings_spare(m->surroundings, config, a, &spared))
                                break;

                        log_info("The ban of %s in jail %s is lifted: %s is %s.",
                                        address_format(&ban->address, text),
                                        config->name,
                                        address_format(a, other),
                                        spared.text);
                        r = manager_lift_ban(m, m->jails[i], ban, manager_now(), spared.cause);
                        if (r < 0)
                                return r;
                }
        }

        return 0;
}

void manager_lift_spared(void *userdata) {
        Manager *m = userdata;

        if (surroundings_foreach(m->surroundings, lift_spared, m) >= 0)
                (void) manager_commit(m, false);
}

int manager_expire(Manager *m) {
        usec_t now = manager_now();
        size_t n = 0;

        for (size_t i = 0; i < m->n_jails; i++) {
                Ban *ban;

                while ((ban = ban_list_first_to_end(jail_get_bans(m->jails[i]))) &&
                                ban->expiry.when <= now) {
                        int r;

                        if (n++ == EXPIRE_MAX)
                                return 1;

                        r = manager_end_ban(m, m->jails[i], ban, ban->expiry.when, "expired");
                        if (r < 0)
                                return r;
                }
        }

        return 0;
}

/* Whether the timer waits for its turn already: set anew, it would begin to wait anew, and come
 * behind whatever sets it again and again. */
static bool is_expiry_due(const Manager *m, usec_t now) {
        int enabled = SD_EVENT_OFF;
        uint64_t when = USEC_INFINITY;

        (void) sd_event_source_get_enabled(m->expiry_timer, &enabled);
        (void) sd_event_source_get_time(m->expiry_timer, &when);
        return enabled != SD_EVENT_OFF && when <= now;
}

void manager_arm_expiry(Manager *m) {
        usec_t first = USEC_INFINITY, now = manager_now();

        if (!m->expiry_timer)
                return;

        for (size_t i = 0; i < m->n_jails; i++) {
                const Ban *ban = ban_list_first_to_end(jail_get_bans(m->jails[i]));

                if (ban)
                        first = MIN(first, ban->expiry.when);
        }

        if (first == USEC_INFINITY) {
                (void) sd_event_source_set_enabled(m->expiry_timer, SD_EVENT_OFF);
                return;
        }

        if (first <= now && is_expiry_due(m, now))
                return;

        (void) sd_event_source_set_time(m->expiry_timer, first);
        (void) sd_event_source_set_enabled(m->expiry_timer, SD_EVENT_ONESHOT);
}

/* Committing */

/* A silent drop would leave the connections that are open; sshd's half-open logins for example fill
 * MaxStartups. */
static void end_connections(Manager *m) {
        _cleanup_(freep) KillerTarget *targets = NULL;
        size_t n = 0;

        if (!m->ender || !m->config->kill || m->n_changes == 0)
                return;

        targets = calloc(m->n_changes, sizeof(*targets));
        if (!targets) {
                (void) log_oom();
                return;
        }

        for (size_t i = 0; i < m->n_changes; i++) {
                const Change *c = &m->changes[i];

                if (c->kind == CHANGE_BAN && !c->announced)
                        targets[n++] = (KillerTarget){
                                c->ban.address,
                                &jail_get_config(c->jail)->ports,
                        };
        }

        ender_run(m->ender, targets, n);
}

/* Whose command made a change; NULL for nobody's. */
static const uid_t *get_caller(const Change *c) {
        bool by_hand = c->kind == CHANGE_BAN ? c->ban.failures == 0
                                             : streq(c->cause, CAUSE_BY_HAND) ||
                                                               streq(c->cause, CAUSE_FLUSHED);

        return by_hand ? &c->caller : NULL;
}

static void announce_changes(Manager *m) {
        for (size_t i = 0; i < m->n_changes; i++) {
                Change *c = &m->changes[i];

                if (c->announced)
                        continue;
                c->announced = true;

                if (c->kind == CHANGE_BAN)
                        announce_ban(m->bus, jail_name(c->jail), &c->ban, get_caller(c));
                else if (c->kind == CHANGE_END || c->kind == CHANGE_LIFT)
                        announce_unban(m->bus,
                                        jail_name(c->jail),
                                        &c->ban,
                                        c->cause,
                                        get_caller(c));

                /* Of those of before, who has been told is known when all have been read. */
                if (!m->loader)
                        m->position.announced = MAX(m->position.announced, c->ban.id);
        }
}

int manager_commit(Manager *m, bool durable) {
        int r;

        /* What was decided without knowing all is not carried out. */
        r = manager_get_load_error(m);
        if (r < 0)
                return r;

        bus_note_changes(m->bus);

        /* What the kernel does not have is neither written nor announced. The changes wait, and
         * with them the place in the journal: after a crash the entries are read again. */
        r = manager_commit_firewall(m);
        if (r < 0)
                return r;

        acknowledge(m);
        end_connections(m);
        r = manager_commit_store(m, durable);
        announce_changes(m);
        if (r < 0 && m->n_changes > MANAGER_CHANGES_MAX)
                m->store_incomplete = true;
        if (r >= 0 || m->store_incomplete)
                manager_clear_changes(m);
        manager_arm_expiry(m);
        return r;
}
