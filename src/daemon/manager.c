/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Making the manager, reading the journal, and what there is to show.
 */

#include "daemon/manager.h"

#include <inttypes.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "daemon/announce.h"
#include "daemon/clock.h"
#include "daemon/manager-private.h"
#include "daemon/turn.h"

/* Entries between two commits: a few milliseconds. */
#define BATCH_MAX 1000

/* So often the end of the journal is marked, and so often at most when files of it went: what the
 * mark does not know as seen would be a gap after a crash. */
#define MARK_USEC USEC_PER_HOUR
#define MARK_CHANGED_USEC (10 * USEC_PER_SEC)

/* A failure so long ago says nothing about an attack going on now. */
#define RECENT_USEC (10 * USEC_PER_SEC)

/* So far the clock may drift until what remains of bans is told anew. */
#define CLOCK_STEP_USEC (10 * USEC_PER_SEC)

/* Tells the key of the jitter apart from what others make of the machine's id. */
#define LUCK_ID SD_ID128_MAKE(57, 06, cd, e4, 4b, 61, 4f, 07, a6, 3d, c4, ee, 69, 05, 12, 75)

int manager_fail(Manager *m, int status, int r) {
        m->exit_status = status;
        return r;
}

/* Jails */

void manager_free_jails(Jail **jails, size_t n) {
        for (size_t i = 0; i < n; i++)
                jail_free(jails[i]);
        free(jails);
}

int manager_build_jails(Config *config, ProblemSink *sink, Jail ***ret, size_t *ret_n) {
        Jail **jails;
        size_t n = 0;

        jails = calloc(config->n_jails + 1, sizeof(*jails));
        if (!jails)
                return -ENOMEM;

        for (size_t i = 0; i < config->n_jails; i++) {
                JailConfig *c = &config->jails[i];
                MatcherError error;
                int r;

                if (!c->enabled)
                        continue;

                r = jail_new(&jails[n], c, &error);
                if (r == -EINVAL) {
                        char section[PATTERN_SECTION_SIZE];

                        problem_report(sink,
                                        c->filter->path,
                                        pattern_section(error.pattern, section),
                                        error.pattern->name,
                                        "%s",
                                        error.text);
                        c->refused = true;
                        r = jail_new(&jails[n], c, &error);
                }
                if (r < 0) {
                        manager_free_jails(jails, n);
                        return r;
                }
                n++;
        }

        *ret = jails;
        *ret_n = n;
        return 0;
}

static void on_problem(const Problem *p, void *userdata) {
        char text[PROBLEM_STR_SIZE];

        (void) userdata;
        log_error("%s", problem_format(p, text));
}

static int load_config(Manager *m) {
        const char *own[] = { m->params.config_dir, NULL };
        ProblemSink sink = { .handler = on_problem };
        size_t n_right = 0;
        int r;

        r = config_load(&m->config, m->params.config_dir ? own : config_default_path, &sink);
        if (r == -ENOENT)
                return manager_fail(m,
                                EX_CONFIG,
                                log_error_errno(r,
                                                "There is no configuration: no banjo.conf and no "
                                                "conf.d/*.conf in %s.",
                                                m->params.config_dir
                                                                ?: "/etc/banjo or /usr/lib/banjo"));
        if (r >= 0)
                r = manager_build_jails(m->config, &sink, &m->jails, &m->n_jails);
        if (r < 0)
                return log_error_errno(r, "Failed to load the configuration: %m");

        m->config_wrong = sink.n_problems > 0;
        for (size_t i = 0; i < m->n_jails; i++)
                jail_set_exemptions(m->jails[i], &m->exemptions);

        for (size_t i = 0; i < m->n_jails; i++)
                if (!jail_get_config(m->jails[i])->refused)
                        n_right++;
                else
                        log_error("Jail %s is not started; the bans it has stay in force.",
                                        jail_get_config(m->jails[i])->name);

        if (n_right == 0) {
                log_error(m->n_jails > 0 ? "No jail is right, so there is nothing to do."
                                         : "No jail is enabled, so there is nothing to do. One is "
                                           "enabled by enabled = yes in /etc/banjo/conf.d/.");
                return manager_fail(m, EX_CONFIG, -EINVAL);
        }

        return 0;
}

/* Making */

static int open_firewall(Manager *m) {
        FirewallKind kind = m->config->firewall;
        int r;

        if (m->params.firewall) {
                r = firewall_kind_from_string(m->params.firewall);
                assert(r >= 0);
                kind = (FirewallKind) r;
        }

        r = kind == FIREWALL_KIND_NFT ? firewall_nft_new(&m->firewall)
                                      : firewall_log_new(&m->firewall);
        if (r == -EPERM)
                return manager_fail(m,
                                EX_NOPERM,
                                log_error_errno(r,
                                                "Not allowed to change nftables: banjod needs "
                                                "CAP_NET_ADMIN, which banjod.service gives it."));
        if (r == -EOPNOTSUPP)
                return manager_fail(m,
                                EX_UNAVAILABLE,
                                log_error_errno(r,
                                                "This kernel has no nftables (CONFIG_NF_TABLES and "
                                                "CONFIG_NF_TABLES_INET, module nf_tables). With "
                                                "firewall = log banjod runs without it."));
        if (r < 0)
                return log_error_errno(r, "Failed to open nftables: %m");
        firewall_set_longest(m->firewall, manager_get_longest, m);

        r = kind == FIREWALL_KIND_NFT ? ender_new(&m->ender, m->event) : 0;
        return r < 0 ? log_oom() : 0;
}

static int open_journal(Manager *m) {
        int r;

        r = journal_open(&m->journal, m->params.journal);
        if (r == -EACCES)
                return manager_fail(m,
                                EX_NOPERM,
                                log_error_errno(r,
                                                "Not allowed to read the journal%s%s: banjod has to be "
                                                "in the group systemd-journal.",
                                                m->params.journal ? " " : "",
                                                m->params.journal ?: ""));
        if (r < 0)
                return manager_fail(m,
                                EX_NOINPUT,
                                log_error_errno(r,
                                                "Failed to open the journal%s%s: %m",
                                                m->params.journal ? " " : "",
                                                m->params.journal ?: ""));

        return 0;
}

/* The kernel counts down what remained of each ban when it got it. If the clock was set since,
 * another time remains. It is early enough to see that before a ban ends, and with the next entry:
 * who fails while the kernel has let go of him makes one. */
static void follow_clock(Manager *m) {
        int64_t offset = (int64_t) manager_now() - (int64_t) clock_now(CLOCK_BOOTTIME);
        int64_t step;

        if (m->clock_offset == 0)
                m->clock_offset = offset;
        step = offset - m->clock_offset;
        if (llabs(step) < (int64_t) CLOCK_STEP_USEC)
                return;
        m->clock_offset = offset;

        log_info("The clock was set. The kernel gets all bans again, for as long as they last now.");
        manager_restore_begin(m, false);
        if (step < 0)
                manager_set_back(m, (usec_t) -step);
}

static int on_expiry(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        (void) s;
        (void) usec;

        follow_clock(m);

        /* What fails is reported and tried again. */
        (void) manager_expire(m);
        (void) manager_commit(m, false);
        return 0;
}

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        (void) s;
        (void) usec;

        manager_restore_resume(m);
        (void) manager_commit(m, false);
        if (m->tail)
                tail_wake(m->tail);
        return 0;
}

static int on_store_retry(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;

        manager_retry_store(userdata);
        return 0;
}

static void notify_ready(Manager *m) {
        m->status.started = manager_now();
        (void) sd_notifyf(0,
                        "READY=1\nSTATUS=%zu jail%s, %zu address%s banned",
                        m->n_jails,
                        m->n_jails == 1 ? "" : "s",
                        m->status.n_banned,
                        m->status.n_banned == 1 ? "" : "es");
}

static int on_restore(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;
        int r;

        (void) s;
        (void) usec;

        r = manager_restore_step(m);
        if (r == 0 && m->status.started == 0) {
                ManagerStatus status;

                manager_get_status(m, &status);
                m->status.n_banned = status.n_banned;
                notify_ready(m);
        }
        if (r < 0 && m->status.started == 0)
                return sd_event_exit(m->event, r);
        return 0;
}

static int add_sources(Manager *m) {
        int r;

        r = sd_event_add_time(m->event, &m->expiry_timer, CLOCK_REALTIME, 0, 1, on_expiry, m);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->expiry_timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(
                                m->event, &m->retry_timer, CLOCK_MONOTONIC, 0, 0, on_retry, m);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->retry_timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(m->event,
                                &m->store_timer,
                                CLOCK_MONOTONIC,
                                0,
                                0,
                                on_store_retry,
                                m);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->store_timer, SD_EVENT_OFF);
        if (r >= 0)
                r = turn_new(&m->restore_source, m->event, on_restore, m);
        return r < 0 ? log_error_errno(r, "Failed to set up the event loop: %m") : 0;
}

int manager_new(Manager **ret, const ManagerParams *params, sd_event *event) {
        Manager *m;
        int r;

        assert(ret);
        assert(params);
        assert(event);

        m = calloc(1, sizeof(*m));
        if (!m)
                return log_oom();
        m->params = *params;
        m->event = sd_event_ref(event);
        m->exit_status = EXIT_FAILURE;

        /* Without a machine id the jitter of bans is no secret, which is all that is lost. */
        (void) sd_id128_get_machine_app_specific(LUCK_ID, &m->luck_key);

        /* Handed out even if it fails, for its exit status. */
        *ret = m;

        r = tally_new(&m->tally);
        if (r >= 0)
                r = accounts_new(&m->accounts, ACCOUNTS_FILE);
        if (r < 0)
                return log_oom();

        r = load_config(m);
        if (r < 0)
                return r;

        r = surroundings_new(&m->surroundings, m->event, manager_lift_spared, m);
        if (r >= 0)
                r = surroundings_configure(m->surroundings, m->config);
        if (r < 0)
                return log_error_errno(r, "Failed to read this host's addresses and routes: %m");

        r = unit_ports_new(&m->unit_ports, m->event, manager_look_at_ports, m);
        if (r < 0)
                return log_error_errno(r, "Failed to set up the event loop: %m");
        (void) manager_read_ports(m, m->config);

        r = devices_new(&m->devices, m->event, manager_on_devices, m);
        if (r < 0)
                return log_oom();

        r = open_firewall(m);
        if (r < 0)
                return r;

        r = open_journal(m);
        if (r < 0)
                return r;

        return add_sources(m);
}

Manager *manager_free(Manager *m) {
        if (!m)
                return NULL;

        manager_stop_verifying(m);
        manager_free_loader(m);
        manager_drop_check(m);
        surroundings_free(m->surroundings);
        unit_ports_free(m->unit_ports);
        devices_free(m->devices);
        bus_free(m->bus);
        tail_free(m->tail);
        sd_event_source_disable_unref(m->watch_source);
        sd_event_source_disable_unref(m->watch_timer);
        sd_event_source_disable_unref(m->restore_source);
        sd_event_source_disable_unref(m->prune_timer);
        sd_event_source_disable_unref(m->store_timer);
        sd_event_source_disable_unref(m->retry_timer);
        sd_event_source_disable_unref(m->expiry_timer);
        sd_event_source_disable_unref(m->exemption_timer);
        journal_close(m->journal);
        manager_clear_changes(m);
        free(m->changes);
        tally_free(m->tally);
        accounts_free(m->accounts);
        manager_free_jails(m->jails, m->n_jails);
        exemptions_done(&m->exemptions);
        for (size_t i = 0; i < MANAGER_DUMPS_MAX; i++)
                store_dump_free(m->dumps[i]);
        store_close(m->store);
        ender_free(m->ender);
        manager_free_counts(m);
        firewall_free(m->firewall);
        config_free(m->config);
        free(m->position.cursor);
        sd_event_unref(m->event);
        free(m);
        return NULL;
}

/* The way of an entry */

void manager_set_reading_past(Manager *m, bool reading_past) {
        m->reading_past = reading_past;
        for (size_t i = 0; i < m->n_jails; i++)
                jail_set_refilling(m->jails[i], reading_past);
}

/* journald says that it dropped messages of a unit. */
static void on_suppressed(Manager *m, const Entry *e, const char *unit, uint64_t n) {
        bool reported = false;

        for (size_t i = 0; i < m->n_jails; i++) {
                if (!jail_reads_unit(m->jails[i], e, unit))
                        continue;

                if (!reported)
                        n = suppressed_add(&m->suppressed, unit, n, e->realtime);
                if (n == 0)
                        return;
                announce_suppressed(jail_get_config(m->jails[i])->name, unit, n);
                reported = true;
        }
}

/* Announced once per ban, with its first leak; counted all of them. */
static int on_leak(Manager *m, Jail *jail, const JailFailure *f) {
        if (f->ban->n_leaks == f->n)
                announce_leak(jail_get_config(jail)->name,
                                f,
                                firewall_get_ownership(m->firewall) == FIREWALL_NONE);

        if (f->ban->leaks_unsaved)
                return 0;
        f->ban->leaks_unsaved = true;
        return manager_add_change(m, CHANGE_LEAKS, jail, f->ban, f->when, NULL);
}

static int on_entry(Manager *m, const Entry *e) {
        bool past = journal_is_past(m->journal);
        char unit[SUPPRESSED_UNIT_SIZE];
        uint64_t n;

        if (past != m->reading_past)
                manager_set_reading_past(m, past);

        /* Of the entry handled last, and not of the latest ever: after one from a clock that was
         * years ahead every ban would seem to be over. */
        if (!past) {
                m->status.newest = e->realtime;
                m->status.n_entries++;
                if (suppressed_parse(e, unit, &n))
                        on_suppressed(m, e, unit, n);
        }

        for (size_t i = 0; i < m->n_jails; i++) {
                JailFailure failure;
                int r;

                if (past && !journal_comes_again_for(m->journal, jail_lookback(m->jails[i])))
                        continue;

                r = jail_process(m->jails[i], e, &failure);
                if (r < 0)
                        return log_oom();
                if (r == JAIL_NOTHING || past)
                        continue;
                if (failure.ban) {
                        int k = on_leak(m, m->jails[i], &failure);

                        if (k < 0)
                                return k;
                }
                if (r == JAIL_LEAK)
                        continue;

                /* Of a banned address, they count in networks only. */
                if (failure.n_counts > 0) {
                        m->status.n_failures++;
                        manager_count_failure(m, m->jails[i], &failure);
                        if (bus_has_subscribers(m->bus))
                                manager_tell_failure(m, m->jails[i], &failure);
                }
                if (m->tail && usec_add(e->realtime, RECENT_USEC) > manager_now())
                        tail_excite(m->tail);

                if (r == JAIL_BAN) {
                        r = manager_apply(m, m->jails[i], &failure);
                        if (r < 0)
                                return r;
                }
        }

        return 0;
}

static int update_position(Manager *m) {
        char *cursor;
        int r;

        r = journal_get_position(m->journal, &cursor);
        if (r < 0)
                return r;

        free(m->position.cursor);
        m->position.cursor = cursor;
        m->position.realtime = m->status.newest;
        return 0;
}

void manager_mark_end(Manager *m) {
        int r;

        m->marked = manager_now();
        r = journal_mark_end(m->journal);
        if (r >= 0)
                r = update_position(m);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to get the place in the journal: %m");

        m->n_unsaved = SIZE_MAX / 2; /* now, and still room to count on */
}

/* True if it is time to mark the end of the journal. */
static bool is_mark_due(const Manager *m) {
        usec_t now = manager_now();

        if (m->marked == 0 || m->marked > now)
                return true;

        return now - m->marked >= (journal_has_changed(m->journal) ? MARK_CHANGED_USEC : MARK_USEC);
}

/* The end of the journal. Returns true if the position is to be written. */
static bool reach_end(Manager *m) {
        manager_set_reading_past(m, false);
        m->status.catching_up = false;

        if (m->journal_failed || !is_mark_due(m))
                return false;

        manager_mark_end(m);
        return true;
}

int manager_look(void *userdata) {
        Manager *m = userdata;
        bool marked = false;
        size_t n = 0;
        int r = 0;

        follow_clock(m);
        if (journal_may_have_gaps(m->journal))
                manager_report_gaps(m);

        /* What cannot be carried out can stay in the journal. */
        if (m->status.firewall_failed && m->n_changes > MANAGER_CHANGES_MAX)
                return TAIL_NOTHING;

        while (n < BATCH_MAX) {
                Entry entry;

                r = journal_next(m->journal, &entry);
                if (r <= 0)
                        break;
                n++;

                r = r == JOURNAL_MISSED ? manager_forget_past(m, &entry) : on_entry(m, &entry);
                if (r < 0)
                        return r;
        }

        if (r < 0 && !m->journal_failed)
                (void) log_error_errno(r, "Failed to read an entry of the journal: %m");
        m->journal_failed = r < 0;

        if (n < BATCH_MAX)
                marked = reach_end(m);
        if (n == 0) {
                if (marked)
                        (void) manager_commit(m, false);
                return TAIL_NOTHING;
        }

        /* What is read again begins long before the newest entry, and which bans ended meanwhile
         * has to be remembered until all of it was. And what comes next is known not to be older
         * than the newest, by a clock that was ahead, at the end only. */
        for (size_t i = 0; i < m->n_jails && !m->reading_past && n < BATCH_MAX; i++)
                jail_expire(m->jails[i], MIN(m->status.newest, manager_now()));

        m->n_unsaved += n;
        r = update_position(m);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to get the place in the journal: %m");

        (void) manager_commit(m, false); /* reported, and tried again */

        return n == BATCH_MAX ? TAIL_MORE : TAIL_SOME;
}

/* Showing */

size_t manager_n_jails(const Manager *m) {
        assert(m);

        return m->n_jails;
}

Jail *manager_get_jail(const Manager *m, size_t i) {
        assert(m);
        assert(i < m->n_jails);

        return m->jails[i];
}

Jail *manager_find_jail(const Manager *m, const char *name) {
        assert(m);
        assert(name);

        for (size_t i = 0; i < m->n_jails; i++)
                if (streq(jail_get_config(m->jails[i])->name, name))
                        return m->jails[i];

        return NULL;
}

size_t manager_n_banned(const Manager *m) {
        size_t n = manager_n_unread(m);

        for (size_t i = 0; i < m->n_jails; i++)
                n += ban_list_size(jail_get_bans(m->jails[i]));

        return n;
}

void manager_get_status(const Manager *m, ManagerStatus *ret) {
        assert(m);
        assert(ret);

        *ret = m->status;
        ret->ownership = firewall_get_ownership(m->firewall);
        ret->lag = m->status.catching_up ? usec_sub(manager_now(), m->status.newest) : 0;
        ret->n_banned = manager_n_banned(m);
        ret->n_missing_devices = 0;
        while (devices_get_missing(m->devices, ret->n_missing_devices))
                ret->n_missing_devices++;
        ret->n_leaks = 0;
        for (size_t i = 0; i < m->n_jails; i++) {
                JailStats stats;

                jail_get_stats(m->jails[i], &stats);
                ret->n_leaks += stats.n_leaks;
        }
}

const char *manager_get_missing_device(const Manager *m, size_t i) {
        assert(m);

        return devices_get_missing(m->devices, i);
}

Bus *manager_get_bus(Manager *m) {
        assert(m);

        return m->bus;
}

int manager_exit_status(const Manager *m) {
        return m ? m->exit_status : EXIT_FAILURE;
}

void manager_print_summary(Manager *m) {
        ManagerStatus status;

        assert(m);

        manager_get_status(m, &status);
        (void) printf("%" PRIu64 " entries read, %" PRIu64 " failures counted, %" PRIu64
                      " bans decided, %zu running\n",
                        status.n_entries,
                        status.n_failures,
                        status.n_bans,
                        status.n_banned);

        for (size_t i = 0; i < m->n_jails; i++) {
                const char *name = jail_get_config(m->jails[i])->name;
                JailStats stats;

                jail_get_stats(m->jails[i], &stats);
                (void) printf("%s: %" PRIu64 " entries, %" PRIu64 " failures, %zu banned\n",
                                name,
                                stats.n_entries,
                                stats.n_failures,
                                ban_list_size(jail_get_bans(m->jails[i])));
        }
}
