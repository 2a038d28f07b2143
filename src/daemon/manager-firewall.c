/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The firewall as a whole: what the kernel is to guard, committing what is queued for it, and
 * putting it right when it fails. Which bans go in and when is said in manager-bans.c.
 */

#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/strv.h"
#include "daemon/announce.h"
#include "daemon/manager-private.h"
#include "engine/saved-ruleset.h"

/* Refused changes of a commit that are named. */
#define REFUSED_SAID 10

#define RETRY_USEC (2 * USEC_PER_SEC)

void manager_set_guarded(Manager *m, usec_t since) {
        for (size_t i = 0; i < m->n_jails; i++)
                jail_set_guarded(m->jails[i], since);
}

/* What the kernel cannot do is said when a jail first asks for it. */
static void report_lacks(Manager *m) {
        unsigned lacks = firewall_get_lacks(m->firewall), fresh = lacks & ~m->firewall_lacks;

        if (fresh & FIREWALL_LACKS_REJECT)
                log_warning("This kernel cannot answer packets where they are stopped (at prerouting "
                            "Linux 5.9 and its module nft_reject_inet can), so that jails with "
                            "block = reject or reset drop without an answer.");
        if (fresh & FIREWALL_LACKS_SCOPE)
                log_warning("This kernel cannot tell packets in transit where they are stopped (its "
                            "module nft_fib_inet can, but not with hook = ingress), so that jails "
                            "with scope = local block those, too.");
        if (fresh & FIREWALL_LACKS_DEVICE)
                log_warning("Not all of the network devices are there that hook = ingress names. "
                            "Nothing is kept out at those that are missing until they are there.");
        if (fresh & FIREWALL_LACKS_OWNER)
                log_warning("This kernel (before Linux 5.12) knows no owners of tables: with "
                            "ownership = yes, too, others may change the table of bans.");
        m->firewall_lacks = lacks;
}

/* A table that goes with its owner is to outlive this process: systemd keeps the socket for the
 * next one. It is not to look whether the socket is well, because one that was overrun once looks
 * as if it were not. */
static void keep_socket(Manager *m) {
        int fd = firewall_get_socket(m->firewall), r = 0;

        if (fd >= 0 && !m->socket_kept) {
                r = sd_pid_notify_with_fds(0,
                                0,
                                "FDSTORE=1\nFDNAME=" MANAGER_SOCKET_NAME "\nFDPOLL=0",
                                &fd,
                                1);
                m->socket_kept = r > 0;
        } else if (fd < 0 && m->socket_kept) {
                r = sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" MANAGER_SOCKET_NAME);
                m->socket_kept = false;
        }

        if (r < 0)
                (void) log_warning_errno(r,
                                "Failed to have systemd keep the socket that owns the table of "
                                "bans: %m");
}

int manager_configure_anew(Manager *m, const Config *config, Jail *const *jails, size_t n_jails) {
        _cleanup_(freep) FirewallJail *f = NULL;
        _cleanup_(freep) Allowlist *allow = NULL;
        const FirewallSettings settings = {
                .hook = config->hook,
                .devices = (const char *const *) config->devices,
                .n_devices = strv_length(config->devices),
                .ownership = config->ownership,
        };
        int r = 0;

        f = calloc(n_jails + 1, sizeof(*f));
        allow = calloc(n_jails + 1, sizeof(*allow));
        if (!f || !allow)
                return -ENOMEM;

        for (size_t i = 0; i < n_jails && r >= 0; i++) {
                const JailConfig *c = jail_get_config(jails[i]);

                r = manager_merge_allowed(m, c, &allow[i]);
                f[i] = (FirewallJail){
                        .name = c->name,
                        .ports = c->ports,
                        .allow = allow[i].addresses,
                        .n_allow = allow[i].n_addresses,
                        .block = c->block,
                        .scope = c->scope,
                };
        }

        if (r >= 0)
                r = devices_follow(m->devices, config->devices);
        if (r >= 0)
                r = firewall_configure(m->firewall, &settings, f, n_jails);
        for (size_t i = 0; i < n_jails; i++)
                allowlist_done(&allow[i]);
        if (r < 0)
                return r;

        m->allowed_changed = false;
        report_lacks(m);
        keep_socket(m);
        return manager_watch_firewall(m);
}

int manager_configure_firewall(Manager *m) {
        int r;

        r = manager_configure_anew(m, m->config, m->jails, m->n_jails);
        if (r < 0)
                return r;

        manager_restore_begin(m, true);
        return 0;
}

usec_t manager_get_longest(const Address *a, void *userdata) {
        const Manager *m = userdata;
        usec_t longest = 0;

        for (size_t i = 0; i < m->n_jails; i++) {
                const Ban *ban = ban_list_peek(jail_get_bans(m->jails[i]), a);

                if (ban)
                        longest = MAX(longest, manager_get_remaining(m, ban));
        }

        return longest;
}

/* While many bans are put back nobody hears what others do. Bans apart, it is seen afterwards. */
static bool was_changed_unheard(Manager *m) {
        if (firewall_get_watch(m->firewall) < 0 || manager_watch_pauses(m) ||
                        firewall_check(m->firewall) != 0)
                return false;

        announce_repaired(m->bus, &(const FirewallMeddling){ .structure = true });
        manager_pause_watch(m);
        return true;
}

int manager_settle_firewall(Manager *m) {
        int r;

        r = firewall_settle(m->firewall);
        if (r == 0 && was_changed_unheard(m))
                r = 1;
        if (r > 0) {
                r = manager_configure_firewall(m);
                if (r >= 0)
                        return 1;
        }
        if (r < 0)
                (void) log_warning_errno(r,
                                "Failed to finish the nftables table, so that it stays as it is: %m");

        return 0;
}

static void on_refused(const char *name,
                const Address *address,
                int error,
                const char *detail,
                void *userdata) {
        Manager *m = userdata;
        char text[ADDRESS_STR_SIZE];
        Jail *jail;
        Ban *ban;

        if (m->n_refused++ < REFUSED_SAID)
                (void) log_error_errno(error,
                                "The kernel refused a change for %s in jail %s: %m%s%s",
                                address_format(address, text),
                                name,
                                *detail ? ": " : "",
                                detail);

        jail = manager_find_jail(m, name);
        ban = jail ? ban_list_peek(jail_get_bans(jail), address) : NULL;
        if (ban) {
                ban->in_kernel = false;
                ban->acknowledged = 0;
        }
}

/* A set that is full refuses thousands. */
static int commit_changes(Manager *m) {
        int r;

        m->n_refused = 0;
        r = firewall_commit(m->firewall, on_refused, m);
        if (m->n_refused > REFUSED_SAID)
                log_error("The kernel refused %zu more changes.", m->n_refused - REFUSED_SAID);
        return r;
}

static void retry_later(Manager *m) {
        if (!m->retry_timer)
                return;

        (void) sd_event_source_set_time_relative(m->retry_timer, RETRY_USEC);
        (void) sd_event_source_set_enabled(m->retry_timer, SD_EVENT_ONESHOT);
}

/* The bans of this batch go in first, all others follow. */
static int rebuild_firewall(Manager *m) {
        int r;

        r = manager_configure_firewall(m);
        if (r < 0)
                return r;
        m->firewall_wrong = false;

        for (size_t i = 0; i < m->n_changes; i++) {
                Jail *jail = m->changes[i].jail;
                Ban *ban = ban_list_peek(jail_get_bans(jail), &m->changes[i].ban.address);

                r = ban ? manager_queue_ban(m, jail, ban, 0) : 0;
                if (r < 0)
                        return r;
        }

        return commit_changes(m);
}

/* Somebody removed the table, or a part of it, before we heard of it. */
static int rebuild_removed(Manager *m) {
        int r;

        m->firewall_wrong = true;
        if (manager_watch_pauses(m))
                return -EBUSY;

        manager_report_meddling(m);
        r = rebuild_firewall(m);
        manager_pause_watch(m);
        return r;
}

static int commit_queued(Manager *m) {
        int r;

        if (m->firewall_wrong)
                return rebuild_firewall(m);
        if (firewall_n_queued(m->firewall) == 0)
                return 0;

        r = commit_changes(m);
        return r == -ENOENT ? rebuild_removed(m) : r;
}

static void report_failure(int r) {
        if (r == -EPERM)
                log_error("Another process owns the nftables table inet banjo, and this one may not "
                          "change it any more, which is tried again. Is there a second banjod?");
        else if (r == -EBUSY)
                log_error("Somebody else changes the nftables table inet banjo again and again. "
                          "It is put right now and then.");
        else
                (void) log_error_errno(r, "Failed to change nftables, trying again: %m");
}

int manager_commit_firewall(Manager *m) {
        int r;

        if (!m->firewall_wrong && firewall_n_queued(m->firewall) == 0)
                return 0;

        r = commit_queued(m);
        if (r < 0) {
                if (!m->status.firewall_failed)
                        report_failure(r);
                m->status.firewall_failed = true;
                manager_set_guarded(m, USEC_INFINITY);
                retry_later(m);
                return r;
        }

        if (m->status.firewall_failed) {
                log_notice("nftables can be changed again.");
                if (m->restored)
                        manager_set_guarded(m, manager_now());
        }
        m->status.firewall_failed = false;
        return 0;
}

void manager_on_devices(void *userdata) {
        Manager *m = userdata;

        bus_note_changes(m->bus);
        m->firewall_wrong = true;
        (void) manager_commit_firewall(m);
}

void manager_warn_of_rulesets(void) {
        _cleanup_(freep) char *path = NULL;

        if (saved_ruleset_find("", &path) > 0)
                log_warning("%s contains the table inet banjo, as it was once. Delete it there: "
                            "banjod makes the table by itself. See \"Saved rulesets\" in "
                            "banjod(8).",
                                path);
}

/* Puts every ban into the second table, for whoever starts next. */
static int hand_over(Manager *m) {
        int r;

        r = manager_configure_firewall(m);
        if (r < 0)
                return r;

        do
                r = manager_restore_step(m);
        while (r > 0);
        return r;
}

void manager_leave_firewall(Manager *m) {
        int r;

        if (m->config->on_stop == STOP_REMOVE) {
                r = firewall_destroy(m->firewall);
                if (r < 0)
                        (void) log_error_errno(r,
                                        "Failed to remove the nftables table, as on_stop = remove "
                                        "says: %m");
                else
                        log_info("The nftables table is removed, as on_stop = remove says. The "
                                 "bans are in the database and come back.");
                return;
        }

        if (firewall_hand_over(m->firewall) == 0)
                return;

        r = hand_over(m);
        if (r < 0)
                (void) log_error_errno(r, "Failed to leave the bans in the kernel: %m");
}
