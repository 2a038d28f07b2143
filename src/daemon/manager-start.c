/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Starting.
 *
 * The stored bans go into their lists, and into the kernel, in chunks from the event loop, so that
 * an attacker who is recognised meanwhile need not wait for them (manager-load.c). systemd is told
 * "ready" when all are in.
 *
 * The journal is read from before the stored position, as far back as any decision can reach: what
 * failed up to the position only fills the windows and sessions anew, because the decisions it led
 * to were taken and stored. What comes after it is decided as usual. Jails that count bans find
 * theirs in the store.
 */

#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/strv.h"
#include "daemon/announce.h"
#include "daemon/manager-private.h"
#include "engine/policy.h"

static int open_store(Manager *m, char **ret_aside) {
        int r;

        r = store_open(&m->store, m->params.state_dir, ret_aside);
        if (r == -ENOTSUP)
                return manager_fail(m,
                                EX_CANTCREAT,
                                log_error_errno(r,
                                                "The database %s/" STORE_FILE
                                                " is of a newer banjo.",
                                                m->params.state_dir));
        if (r < 0)
                return manager_fail(m,
                                EX_CANTCREAT,
                                log_error_errno(r,
                                                "Cannot write the database %s/" STORE_FILE
                                                " (the directory must exist and belong to the user "
                                                "that banjod runs as): %m",
                                                m->params.state_dir));

        return r;
}

/* The time of the entry up to which a namespace was handled. */
static usec_t get_position(const Manager *m, const char *name_space) {
        const StorePosition *p = &m->position;
        usec_t own;

        return p->cursor && journal_position_realtime(p->cursor, name_space, &own) >= 0
                               ? own
                               : p->realtime;
}

/* How far reading has come in a namespace. If the clock was ahead there, no further than now, and
 * than what comes next, once the journal knows that. */
static usec_t get_past(const Manager *m, const char *name_space) {
        usec_t past = MIN(get_position(m, name_space), manager_now());

        return MIN(past, journal_get_earliest(m->journal, name_space));
}

usec_t manager_get_refill_start(const Manager *m, const Jail *jail) {
        const JailConfig *config = jail_get_config(jail);
        usec_t past = USEC_INFINITY;

        if (config->source == JAIL_SOURCE_JOURNAL)
                return usec_sub(get_past(m, config->journal_namespace), jail_lookback(jail));

        /* The next ban may come out of any of them. */
        for (size_t i = 0; i < m->n_jails; i++) {
                const JailConfig *other = jail_get_config(m->jails[i]);

                if (other->source == JAIL_SOURCE_JOURNAL)
                        past = MIN(past, get_past(m, other->journal_namespace));
        }

        return usec_sub(past, config->findtime);
}

/* What was over so far ahead of the clock was by one that was wrong: until that gets there again,
 * it would hide all that the address does. */
#define AHEAD_MAX USEC_PER_DAY

static usec_t cut_moment(usec_t until) {
        usec_t now = manager_now();

        return now >= POLICY_CLOCK_EPOCH && until > usec_add(now, AHEAD_MAX) ? now : until;
}

typedef struct Forgetting {
        Manager *manager;
        usec_t *since; /* for each jail, when its windows begin */
} Forgetting;

/* The jail of this name, if its windows began before the moment. */
static Jail *find_refilled(const Forgetting *f, const char *name, usec_t until) {
        for (size_t i = 0; i < f->manager->n_jails; i++)
                if (streq(jail_get_config(f->manager->jails[i])->name, name))
                        return until < f->since[i] ? NULL : f->manager->jails[i];

        return NULL;
}

static int forget_ended(const char *name, const Ban *ban, const char *cause, void *userdata) {
        usec_t until = cut_moment(ban->end);
        Jail *jail = find_refilled(userdata, name, until);

        if (!jail)
                return 0;
        if (manager_is_lifted(ban, ban->end, cause))
                return jail_forget_lifted(jail, &ban->address, until);
        if (ban->start == ban->end)
                return jail_forget_spared(jail, &ban->address, until);
        return jail_forget(jail, &ban->address, until);
}

static int forget_lifted(const char *name, const Address *a, usec_t until, void *userdata) {
        Jail *jail;

        until = cut_moment(until);
        jail = find_refilled(userdata, name, until);

        return jail ? jail_forget_lifted(jail, a, until) : 0;
}

/* Tells the jails which bans ended within their windows and what is forgotten. Returns 0 or a
 * negative errno. */
static int load_ended(Manager *m) {
        _cleanup_(freep) usec_t *since = NULL;
        Forgetting f = { .manager = m };
        usec_t first = USEC_INFINITY;
        int r;

        since = calloc(m->n_jails + 1, sizeof(*since));
        if (!since)
                return -ENOMEM;
        f.since = since;
        for (size_t i = 0; i < m->n_jails; i++) {
                since[i] = manager_get_refill_start(m, m->jails[i]);
                first = MIN(first, since[i]);
        }

        r = store_foreach_ended(m->store, first, forget_ended, &f);
        return r < 0 ? r : store_foreach_unban(m->store, forget_lifted, &f);
}

static int load_ban(const char *name, const Ban *ban, void *userdata) {
        Manager *m = userdata;
        Jail *jail = manager_find_jail(m, name);
        int r;

        r = jail ? jail_load_ban(jail, ban, false, NULL) : 0;
        return MIN(r, 0);
}

int manager_load_bans(Manager *m) {
        return store_foreach_ban(m->store, load_ban, m);
}

static int load_in_kernel(const char *name, const Ban *ban, void *userdata) {
        Manager *m = userdata;
        int r;

        m->clear_in_kernel = true;
        r = firewall_remove(m->firewall, name, &ban->address);
        return r == -ENOENT ? 0 : r; /* its set went with the jail */
}

static int start_store(Manager *m) {
        _cleanup_(freep) char *aside = NULL;
        int r, k;

        k = open_store(m, &aside);
        if (k < 0)
                return k;

        r = store_get_position(m->store, &m->position);
        if (r < 0)
                return log_error_errno(r, "Failed to read the database: %m");
        m->next_id = m->position.last_id + 1;
        m->status.newest = m->position.realtime;

        r = pseudonym_load(&m->pseudonyms, m->params.state_dir);
        if (r < 0)
                (void) log_warning_errno(r,
                                "User names cannot be counted over a restart: failed to keep "
                                "%s/" PSEUDONYM_FILE ": %m",
                                m->params.state_dir);

        r = k > 0 ? manager_recover_bans(m) : manager_load_begin(m);
        if (r >= 0 && k > 0)
                announce_store_recovered(aside, (size_t) r, false);
        if (r >= 0)
                r = manager_load_exemptions(m);
        if (r >= 0)
                r = load_ended(m);
        if (r < 0)
                return log_error_errno(r, "Failed to read the bans from the database: %m");

        return 0;
}

static int start_firewall(Manager *m) {
        int r;

        r = manager_configure_firewall(m);
        if (r == -EPERM)
                return log_error_errno(r,
                                "Another process owns the nftables table inet banjo, so that it "
                                "cannot be set up. Is there a second banjod?");
        if (r < 0)
                return log_error_errno(r, "Failed to set up the nftables table: %m");

        r = store_foreach_in_kernel(m->store, load_in_kernel, m);
        if (r < 0)
                return log_error_errno(r, "Failed to read the database: %m");

        if (firewall_get_ownership(m->firewall) != FIREWALL_NONE && !m->params.once)
                manager_warn_of_rulesets();
        return 0;
}

static int set_wants(Manager *m) {
        _cleanup_(freep) JournalWant *wants = NULL;
        size_t n = 0;

        wants = calloc(m->n_jails + 1, sizeof(*wants));
        if (!wants)
                return -ENOMEM;

        for (size_t i = 0; i < m->n_jails; i++) {
                const JailConfig *c = jail_get_config(m->jails[i]);

                if (!c->refused && c->match)
                        wants[n++] = (JournalWant){
                                .name_space = c->journal_namespace,
                                .match = c->match,
                                .identifiers = c->filter->identifiers,
                                .n_identifiers = c->filter->n_identifiers,
                                .lookback = jail_lookback(m->jails[i]),
                        };
        }

        return journal_set_wants(m->journal, wants, n);
}

static void on_gap(const JournalGap *gap, void *userdata) {
        Manager *m = userdata;

        announce_gap(gap);
        m->marked = 0; /* so that it is not told again */
}

void manager_report_gaps(Manager *m) {
        int r;

        r = journal_find_gaps(m->journal, on_gap, m);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to find out whether the journal has a gap: %m");
}

/* True if the clock was ahead at the position of a namespace, so that windows begin earlier than
 * its time says. */
static bool was_clock_ahead(const Manager *m) {
        for (size_t i = 0; i < m->n_jails; i++) {
                const char *name_space = jail_get_config(m->jails[i])->journal_namespace;

                if (journal_get_earliest(m->journal, name_space) < get_position(m, name_space))
                        return true;
        }

        return false;
}

/* Makes the journal hand out what the jails want, from before the position, so that their windows
 * are filled anew; windows have to be empty. Returns 0 or a negative errno. */
static int start_journal(Manager *m) {
        int r;

        manager_set_reading_past(m, false);
        r = set_wants(m);
        if (r < 0)
                return r;

        /* What is read for the first time begins so early that on a running host those who failed
         * just now are caught, too. Whoever wants to see what comes of a journal means all of it.
         */
        r = journal_seek(m->journal,
                        m->position.cursor,
                        m->params.journal || m->params.once ? 0 : manager_now());
        if (r >= 0 && was_clock_ahead(m))
                r = load_ended(m);
        return r;
}

int manager_forget_past(Manager *m, const Entry *e) {
        const EntryValue *v = &e->fields[ENTRY_NAMESPACE];
        int r = 0;

        for (size_t i = 0; i < m->n_jails && r >= 0; i++) {
                const JailConfig *config = jail_get_config(m->jails[i]);
                const char *name = config->journal_namespace;

                /* Of a path, all entries are one journal. */
                if (config->source == JAIL_SOURCE_JOURNAL &&
                                (m->params.journal ||
                                                (v->size == strlen(name) &&
                                                                memcmp(v->data, name, v->size) ==
                                                                                0)))
                        r = jail_clear(m->jails[i]);
        }
        if (r >= 0)
                r = load_ended(m);
        if (r < 0)
                return log_error_errno(r, "Failed to go on in the journal where it was left: %m");

        log_debug("The place in the journal was not met on the way to its end; going there.");
        return 0;
}

int manager_fill_windows(Manager *m) {
        int r;

        r = load_ended(m);
        if (r >= 0)
                r = manager_load_offenders(m);
        return r < 0 ? r : start_journal(m);
}

void manager_set_back(Manager *m, usec_t by) {
        int r;

        /* What waits to be written would be missing. */
        if (by < AHEAD_MAX || manager_commit(m, false) < 0)
                return;

        r = 0;
        for (size_t i = 0; i < m->n_jails && r >= 0; i++)
                r = jail_clear(m->jails[i]);
        if (r >= 0)
                r = manager_fill_windows(m);
        if (r < 0)
                (void) log_error_errno(r, "Failed to read again what counts: %m");
        if (m->tail)
                tail_wake(m->tail);
}

/* What systemd hands to us: the socket that listens, and what it kept of the process before. */
static void take_descriptors(Manager *m, int *ret_listening) {
        char **names = NULL;
        int n, r;

        *ret_listening = -1;

        n = sd_listen_fds_with_names(true, &names);
        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;

                if (!streq(names[i], MANAGER_SOCKET_NAME)) {
                        *ret_listening = fd;
                        continue;
                }

                r = firewall_take_socket(m->firewall, fd);
                if (r < 0) {
                        (void) log_warning_errno(
                                        r, "Cannot go on with the socket that systemd kept: %m");
                        (void) close(fd);
                }
                m->socket_kept = true;
        }

        strv_free(names);
}

/* Without an event loop, and in turns all the same. */
static int run_once(Manager *m) {
        int r, k;

        do {
                r = m->restored ? 0 : manager_restore_step(m);
                if (r < 0)
                        return r;

                k = manager_look(m);
                if (k < 0)
                        return k;
        } while (r > 0 || k == TAIL_MORE);

        do
                r = manager_expire(m);
        while (r > 0);
        if (r < 0)
                return r;

        (void) manager_end_check(m);
        r = manager_commit(m, false);
        return r < 0 ? r : sd_event_exit(m->event, 0);
}

int manager_start(Manager *m) {
        int r, listening;

        assert(m);

        take_descriptors(m, &listening);

        r = start_store(m);
        if (r < 0)
                return r;

        r = start_firewall(m);
        if (r < 0)
                return r;

        r = bus_new(&m->bus, m->event, m, m->params.bus, listening);
        if (r < 0)
                return r;

        r = manager_load_offenders(m);
        if (r < 0)
                return log_error_errno(r, "Failed to read the bans from the database: %m");

        surroundings_start(m->surroundings, m->store, m->bus, !m->params.once);
        r = unit_ports_follow(m->unit_ports, m->config);
        if (r < 0)
                return log_error_errno(r, "Failed to follow the ports of units: %m");

        r = start_journal(m);
        if (r < 0)
                return log_error_errno(r, "Failed to find the place to begin in the journal: %m");
        manager_report_gaps(m);
        m->status.catching_up = true;

        if (m->store_incomplete)
                (void) manager_commit(m, true); /* tried again by its own clock */
        r = manager_expire(m);
        if (r < 0)
                return r;
        manager_lift_spared(m);

        if (m->params.once) {
                m->status.started = manager_now();
                return run_once(m);
        }

        r = manager_start_pruning(m);
        if (r >= 0)
                r = manager_start_exemptions(m);
        if (r < 0)
                return log_error_errno(r, "Failed to set up the event loop: %m");

        r = manager_start_verifying(m);
        if (r < 0)
                return log_error_errno(r, "Failed to set up the event loop: %m");

        r = tail_new(&m->tail, m->event, m->journal, manager_look, m);
        if (r < 0)
                return log_error_errno(r, "Failed to follow the journal: %m");

        return 0;
}

void manager_stop(Manager *m, bool clean) {
        assert(m);

        if (!m->store)
                return;

        if (m->marked > 0)
                manager_mark_end(m);
        m->n_unsaved = SIZE_MAX;
        manager_retry_store(m);
        if (clean && !m->params.once)
                manager_leave_firewall(m);
}
