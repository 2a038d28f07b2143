/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What bans dropped.
 *
 * The kernel counts, and its counters stay while banjod is restarted. They begin anew when the
 * table is removed and made again: then what was read last is added from there on. They are read
 * when somebody asks, and once an hour.
 */

#include <stdlib.h>

#include "daemon/manager-private.h"

typedef struct Count {
        char *name;
        FirewallCounter base; /* of tables before */
        FirewallCounter last; /* read of this one */
} Count;

struct Counts {
        Count *counts;
        size_t n_counts;
};

void manager_free_counts(Manager *m) {
        if (!m->counts)
                return;

        for (size_t i = 0; i < m->counts->n_counts; i++)
                free(m->counts->counts[i].name);
        free(m->counts->counts);
        free(m->counts);
        m->counts = NULL;
}

/* A jail that goes and comes again goes on, as its counter in the kernel does not: as many names as
 * there ever were in the configuration, which root wrote. */
static Count *get_count(Manager *m, const char *jail) {
        Count *p;

        if (!m->counts)
                m->counts = calloc(1, sizeof(*m->counts));
        if (!m->counts)
                return NULL;

        for (size_t i = 0; i < m->counts->n_counts; i++)
                if (streq(m->counts->counts[i].name, jail))
                        return &m->counts->counts[i];

        p = reallocarray(m->counts->counts, m->counts->n_counts + 1, sizeof(*p));
        if (!p)
                return NULL;
        m->counts->counts = p;

        p += m->counts->n_counts;
        *p = (Count){ .name = strdup(jail) };
        if (!p->name)
                return NULL;

        m->counts->n_counts++;
        return p;
}

int manager_get_counter(Manager *m, const char *jail, FirewallCounter *ret) {
        FirewallCounter now;
        Count *c;
        int r;

        assert(m);
        assert(jail);
        assert(ret);

        r = firewall_get_counter(m->firewall, jail, &now);
        if (r < 0)
                return r;

        c = get_count(m, jail);
        if (!c)
                return -ENOMEM;

        if (now.packets < c->last.packets || now.bytes < c->last.bytes) {
                c->base.packets += c->last.packets;
                c->base.bytes += c->last.bytes;
        }
        c->last = now;

        ret->packets = c->base.packets + now.packets;
        ret->bytes = c->base.bytes + now.bytes;
        return 0;
}

void manager_note_counters(Manager *m) {
        FirewallCounter c;

        for (size_t i = 0; i < m->n_jails; i++)
                (void) manager_get_counter(m, jail_get_config(m->jails[i])->name, &c);
}

int manager_get_ban_counter(Manager *m, const char *jail, const Ban *ban, FirewallCounter *ret) {
        FirewallElement element;
        int r;

        assert(m);
        assert(jail);
        assert(ban);
        assert(ret);

        if (!ban->is_counted)
                return 0;

        r = firewall_lookup(m->firewall, jail, &ban->address, &element);
        if (r <= 0)
                return r;

        *ret = element.dropped;
        return element.is_counted;
}
