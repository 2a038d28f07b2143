/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The jails are gone through one by one. A jail moves each of its ports from the group the port was
 * in to the one that has this jail, too. For all ports of the same group that is the same one, so
 * it is made for the first of them and remembered.
 */

#include "engine/port-groups.h"

#include <stdio.h>

static int append_group(PortGroups *g, uint32_t parent, uint32_t jail) {
        if (g->n_groups == g->n_allocated) {
                size_t n = 2 * g->n_allocated + 16;
                PortGroup *p;

                p = reallocarray(g->groups, n, sizeof(*p));
                if (!p)
                        return -ENOMEM;

                g->groups = p;
                g->n_allocated = n;
        }

        g->groups[g->n_groups++] = (PortGroup){ .parent = parent, .jail = jail };
        return 0;
}

/* Adds the jail to the ports of a range. next says, for each of the n_next groups that were there
 * before the jail, which one it becomes with it; 0 if that is not known yet. */
static int add_range(PortGroups *g, uint32_t jail, PortRange range, uint32_t *next, size_t n_next) {
        for (unsigned port = range.first; port <= range.last; port++) {
                uint32_t old = g->of[port];
                int r;

                if (old >= n_next)
                        continue; /* the jail has it already */

                if (next[old] == 0) {
                        r = append_group(g, old, jail);
                        if (r < 0)
                                return r;
                        next[old] = (uint32_t) (g->n_groups - 1);
                }

                g->of[port] = next[old];
        }

        return 0;
}

static int add_jail(PortGroups *g, uint32_t jail, const PortSet *ports) {
        _cleanup_(freep) uint32_t *next = NULL;
        size_t n_next = g->n_groups;
        int r;

        next = calloc(n_next, sizeof(*next));
        if (!next)
                return -ENOMEM;

        for (size_t i = 0; i < ports->n_ranges; i++) {
                if (port_range_is_wide(ports->ranges[i]))
                        continue;

                r = add_range(g, jail, ports->ranges[i], next, n_next);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* FNV-1a. Names of chains that are too long end in it. */
static uint64_t hash_name(uint64_t hash, const char *name) {
        for (; *name; name++)
                hash = (hash ^ (uint8_t) *name) * UINT64_C(0x100000001b3);

        return (hash ^ '.') * UINT64_C(0x100000001b3);
}

static void name_chain(PortGroups *g, PortGroup *group, const FirewallJail *jails) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        size_t n, size = sizeof(group->chain);

        if (!port_group_is_shared(group)) {
                (void) snprintf(group->chain, size, "jail-%s", jails[group->jail].name);
                return;
        }

        n = (size_t) snprintf(group->chain, size, "ports");
        for (const PortGroup *p = group; p != g->groups; p = &g->groups[p->parent]) {
                const char *name = jails[p->jail].name;

                hash = hash_name(hash, name);
                if (n < size)
                        n += (size_t) snprintf(group->chain + n,
                                        size - n,
                                        "%c%s",
                                        p == group ? '-' : '.',
                                        name);
        }

        if (n >= size)
                (void) snprintf(group->chain + size - 18,
                                18,
                                ".%016llx",
                                (unsigned long long) hash);
}

int port_groups_new(PortGroups **ret,
                const FirewallJail *jails,
                size_t n_jails,
                PortProtocol protocol) {
        _cleanup_(port_groups_freep) PortGroups *g = NULL;
        int r;

        assert(ret);
        assert(jails || n_jails == 0);

        g = calloc(1, sizeof(*g));
        if (!g)
                return -ENOMEM;

        r = append_group(g, 0, 0);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n_jails; i++) {
                if (jails[i].ports.any || !(jails[i].ports.protocols & protocol))
                        continue;

                r = add_jail(g, (uint32_t) i, &jails[i].ports);
                if (r < 0)
                        return r;
        }

        for (size_t port = 0; port < ELEMENTSOF(g->of); port++)
                g->groups[g->of[port]].n_ports++;
        for (size_t i = 1; i < g->n_groups; i++)
                name_chain(g, &g->groups[i], jails);

        *ret = TAKE_PTR(g);
        return 0;
}

PortGroups *port_groups_free(PortGroups *g) {
        if (!g)
                return NULL;

        free(g->groups);
        free(g);
        return NULL;
}

const char *port_groups_get_chain(const PortGroups *g, uint16_t port) {
        assert(g);

        return g->of[port] == 0 ? NULL : g->groups[g->of[port]].chain;
}

bool port_groups_have_chain(const PortGroups *g, const char *chain) {
        assert(g);
        assert(chain);

        for (size_t i = 1; i < g->n_groups; i++)
                if (g->groups[i].n_ports > 0 && streq(g->groups[i].chain, chain))
                        return true;

        return false;
}

bool port_groups_guard_any(const PortGroups *g) {
        assert(g);

        return g->groups[0].n_ports < ELEMENTSOF(g->of);
}
