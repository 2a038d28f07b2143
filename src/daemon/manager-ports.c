/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Jails with `ports = auto`.
 *
 * While no unit of such a jail listens, because it is stopped or begins anew, the ports known last
 * stay guarded. A jail whose units have never listened guards nothing: at boot they start later,
 * which is no news, and so it is reported only when nothing has happened for a minute.
 */

#include "base/log.h"
#include "daemon/manager-private.h"

static bool has_auto_ports(const JailConfig *c) {
        return c->enabled && !c->refused && c->ports_auto && c->match;
}

static bool config_has_auto_ports(const Config *config) {
        for (size_t i = 0; i < config->n_jails; i++)
                if (has_auto_ports(&config->jails[i]))
                        return true;

        return false;
}

size_t manager_read_ports(Manager *m, Config *config) {
        _cleanup_(listeners_freep) Listeners *listeners = NULL;
        size_t n_changed = 0;
        int r;

        if (!config_has_auto_ports(config))
                return 0;

        r = listeners_new(&listeners);
        if (r < 0)
                log_debug("The kernel does not tell who listens: %s", strerror(-r));

        for (size_t i = 0; i < config->n_jails; i++) {
                JailConfig *c = &config->jails[i];
                PortSet found = { .protocols = c->ports.protocols };
                const JailConfig *known;

                if (!has_auto_ports(c))
                        continue;

                known = config_get_jail(m->config, c->name);
                unit_ports_collect(m->unit_ports, listeners, c->match, &found);
                if (found.n_ranges == 0 && known && known->ports_auto) {
                        found = known->ports;
                        found.protocols = c->ports.protocols;
                }
                if (!known || !ports_equal(&known->ports, &found))
                        n_changed++;
                c->ports = found;
        }

        return n_changed;
}

static void report_change(const JailConfig *c, const PortSet *before) {
        char now_text[PORTS_STR_SIZE], before_text[PORTS_STR_SIZE];

        if (ports_equal(&c->ports, before))
                return;

        if (before->n_ranges == 0)
                log_info("Jail %s guards ports %s, on which its units listen.",
                                c->name,
                                ports_format(&c->ports, now_text, sizeof(now_text)));
        else
                log_info("Jail %s guards ports %s instead of %s: its units listen there now.",
                                c->name,
                                ports_format(&c->ports, now_text, sizeof(now_text)),
                                ports_format(before, before_text, sizeof(before_text)));
}

static void report_portless(Manager *m) {
        for (size_t i = 0; i < m->config->n_jails; i++) {
                const JailConfig *c = &m->config->jails[i];

                if (has_auto_ports(c) && c->ports.n_ranges == 0)
                        log_warning("Jail %s guards nothing: with ports = auto it takes the ports "
                                    "that its units listen on, and none of them listens anywhere.",
                                        c->name);
        }

        m->portless_reported = true;
}

void manager_look_at_ports(bool settled, void *userdata) {
        _cleanup_(freep) PortSet *before = NULL;
        Manager *m = userdata;
        int r;

        before = calloc(m->config->n_jails + 1, sizeof(*before));
        if (!before) {
                (void) log_oom();
                return;
        }
        for (size_t i = 0; i < m->config->n_jails; i++)
                before[i] = m->config->jails[i].ports;

        if (manager_read_ports(m, m->config) > 0) {
                r = manager_configure_firewall(m);
                if (r < 0)
                        (void) log_error_errno(r, "Failed to guard other ports, trying again: %m");
                for (size_t i = 0; i < m->config->n_jails; i++)
                        if (r < 0)
                                m->config->jails[i].ports = before[i];
                        else
                                report_change(&m->config->jails[i], &before[i]);
        }

        if (settled && !m->portless_reported)
                report_portless(m);
}

void manager_on_bus(Manager *m) {
        assert(m);

        unit_ports_connect(m->unit_ports, bus_get_connection(m->bus));
}
