/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The firewall as a whole: what the kernel is to guard, committing what is queued for it, and
 * putting it right when it fails. Which bans go in and when is said in manager-bans.c.
 */

#include "base/log.h"
#include "daemon/manager-private.h"

#define RETRY_USEC (2 * USEC_PER_SEC)

void manager_set_guarded(Manager *m, usec_t since) {
        for (size_t i = 0; i < m->n_jails; i++)
                jail_set_guarded(m->jails[i], since);
}

/* What the kernel cannot do is said when a jail first asks for it. */
static void report_lacks(Manager *m) {
        unsigned lacks = firewall_get_lacks(m->firewall), fresh = lacks & ~m->firewall_lacks;

        if (fresh & FIREWALL_LACKS_REJECT)
                log_warning("This kernel cannot answer packets at prerouting (Linux 5.9 and its "
                            "module nft_reject_inet can), so that jails with block = reject or "
                            "reset drop without an answer.");
        if (fresh & FIREWALL_LACKS_SCOPE)
                log_warning("This kernel cannot tell packets in transit (its module nft_fib_inet "
                            "can), so that jails with scope = local block those, too.");
        if (fresh & FIREWALL_LACKS_OWNER)
                log_warning("This kernel (before Linux 5.12) knows no owners of tables: with "
                            "ownership = yes, too, others may change the table of bans.");
        m->firewall_lacks = lacks;
}

int manager_configure_firewall(Manager *m,
                const Config *config,
                Jail *const *jails,
                size_t n_jails) {
        _cleanup_(freep) FirewallJail *f = NULL;
        const FirewallSettings settings = { .ownership = config->ownership };
        int r;

        f = calloc(n_jails + 1, sizeof(*f));
        if (!f)
                return -ENOMEM;

        for (size_t i = 0; i < n_jails; i++) {
                const JailConfig *c = jail_get_config(jails[i]);

                f[i] = (FirewallJail){
                        .name = c->name,
                        .ports = c->ports,
                        .allow = c->allow.addresses,
                        .n_allow = c->allow.n_addresses,
                        .block = c->block,
                        .scope = c->scope,
                };
        }

        r = firewall_configure(m->firewall, &settings, f, n_jails);
        if (r < 0)
                return r;

        report_lacks(m);
        return 0;
}

int manager_settle_firewall(Manager *m) {
        int r;

        r = firewall_settle(m->firewall);
        if (r > 0) {
                r = manager_configure_firewall(m, m->config, m->jails, m->n_jails);
                if (r >= 0) {
                        manager_restore_begin(m, true);
                        return 1;
                }
        }
        if (r < 0)
                (void) log_warning_errno(r,
                                "Failed to make the nftables table anew, so that it stays as it is: %m");

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

        (void) log_error_errno(error,
                        "The kernel refused a change for %s in jail %s: %m%s%s",
                        address_format(address, text),
                        name,
                        *detail ? ": " : "",
                        detail);

        jail = manager_find_jail(m, name);
        ban = jail ? ban_list_get(jail_get_bans(jail), address) : NULL;
        if (ban) {
                ban->in_kernel = false;
                ban->acknowledged = 0;
        }
}

static void retry_later(Manager *m) {
        if (!m->retry_timer)
                return;

        (void) sd_event_source_set_time_relative(m->retry_timer, RETRY_USEC);
        (void) sd_event_source_set_enabled(m->retry_timer, SD_EVENT_ONESHOT);
}

/* Somebody removed the table. The bans of this batch go in first, all others follow. */
static int rebuild_firewall(Manager *m) {
        int r;

        firewall_discard(m->firewall);
        r = manager_configure_firewall(m, m->config, m->jails, m->n_jails);
        if (r < 0)
                return r;

        log_warning("The nftables table was removed by somebody else; it is back, and the bans follow.");
        manager_restore_begin(m, true);

        for (size_t i = 0; i < m->n_changes; i++) {
                Jail *jail = m->changes[i].jail;
                Ban *ban = ban_list_get(jail_get_bans(jail), &m->changes[i].ban.address);

                r = ban ? manager_queue_ban(m, jail, ban, 0) : 0;
                if (r < 0)
                        return r;
        }

        return firewall_commit(m->firewall, on_refused, m);
}

int manager_commit_firewall(Manager *m) {
        int r;

        if (firewall_n_queued(m->firewall) == 0)
                return 0;

        r = firewall_commit(m->firewall, on_refused, m);
        if (r == -ENOENT)
                r = rebuild_firewall(m);

        if (r < 0) {
                if (!m->status.firewall_failed)
                        (void) log_error_errno(r, "Failed to change nftables, trying again: %m");
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
