/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Why the table looks like this
 *
 * A packet to a port that nobody guards pays for one look-up in a small map. A packet to a guarded
 * port pays for one more per prefix length, in the sets of the jail that guards it, or in those of
 * the gate if several do, however many there are (nft-gate.c; tests/bench/run packets).
 *
 * Replies to this host. Jails that guard every port, or ports from which the kernel lets this
 * host's own connections start, would also cut what the host itself began. They spare it without
 * connection tracking: of TCP they drop only what begins a connection (open ones are ended by other
 * means), and of UDP what does not answer a datagram of ours.
 *
 * Loopback is not exempt. Bans of this host's own addresses are refused before they come here, and
 * a transparent proxy hands on connections over lo with the address of their real source.
 *
 * How a change reaches packets. Rules change at once for a packet: it sees all old ones or all new
 * ones. But it looks up sets and maps as they are at that moment, so that a packet underway in the
 * old rules may meet new elements, or none, and slip through. (A flood of packets shows it within
 * seconds.) So what packets look into is never changed: what takes its place is complete beside it
 * in a transaction before the rules lead there, and it goes when no packet is underway to it any
 * more.
 */

#include "engine/nft-layout.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/proc.h"
#include "engine/nft-replies.h"
#include "engine/nft-table.h"

NftBanSet *nft_layout_get_set(NftLayout *layout, NftJail *jail, int family, unsigned prefixlen) {
        NftBanSet *s;

        s = nft_jail_find_set(jail, family, prefixlen);
        if (s)
                return s;

        s = nft_jail_add_set(jail, family, prefixlen);
        if (s)
                s->index = layout->n_sets++;
        return s;
}

static int add_usual_sets(NftLayout *layout, NftJail *jail) {
        /* Last first: what is asked most often comes to the head of the list. */
        if (!nft_layout_get_set(layout, jail, AF_INET6, 128) ||
                        !nft_layout_get_set(layout, jail, AF_INET6, 64) ||
                        !nft_layout_get_set(layout, jail, AF_INET, 32))
                return -ENOMEM;

        return 0;
}

static int jail_init(NftLayout *layout, NftJail *jail, const FirewallJail *wanted) {
        *jail = nft_jail_init(wanted, layout->local_ports);
        layout->has_output = layout->has_output || jail->remembers_udp;
        if (wanted->ports.any)
                layout->has_any |= wanted->ports.protocols;

        return add_usual_sets(layout, jail);
}

/* Gates the jails that share ports. */
static int gate_groups(NftLayout *layout, const PortGroups *g) {
        for (size_t i = 1; i < g->n_groups; i++) {
                const PortGroup *group = &g->groups[i];
                int r;

                if (!port_group_is_shared(group) || group->n_ports == 0)
                        continue;

                r = nft_gate_add_chain(&layout->gate, group->chain);
                if (r < 0)
                        return r;
                for (const PortGroup *p = group; p != g->groups; p = &g->groups[p->parent])
                        layout->jails[p->jail].is_gated = true;
        }

        return 0;
}

/* The same with those that guard every port. */
static int gate_any(NftLayout *layout, const FirewallJail *jails, PortProtocol protocol) {
        size_t n = 0;

        for (unsigned pass = 0; pass < 2; pass++) {
                for (size_t i = 0; i < layout->n_jails; i++) {
                        if (!jails[i].ports.any || !(jails[i].ports.protocols & protocol))
                                continue;

                        if (pass == 0)
                                n++;
                        else
                                layout->jails[i].is_gated = true;
                }

                if (n < 2)
                        return 0;
        }

        return nft_gate_add_chain(&layout->gate, nft_ports_any_chain(protocol));
}

int nft_layout_init(NftLayout *ret,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails) {
        NftLayout layout = { .n_jails = n_jails };
        int r;

        proc_local_ports(&layout.local_ports.first, &layout.local_ports.last);
        layout.jails = calloc(n_jails + 1, sizeof(*layout.jails));
        if (!layout.jails)
                return -ENOMEM;

        layout.gate = nft_gate_init();
        r = nft_bases_init(&layout.bases, settings);
        if (r >= 0)
                r = nft_port_map_new(&layout.maps[0], jails, n_jails, PORT_TCP);
        if (r >= 0)
                r = nft_port_map_new(&layout.maps[1], jails, n_jails, PORT_UDP);
        for (size_t i = 0; r >= 0 && i < n_jails; i++)
                r = jail_init(&layout, &layout.jails[i], &jails[i]);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(layout.maps); i++)
                r = gate_groups(&layout, layout.maps[i]->groups);
        if (r >= 0)
                r = gate_any(&layout, jails, PORT_TCP);
        if (r >= 0)
                r = gate_any(&layout, jails, PORT_UDP);
        if (r >= 0 && layout.gate.n_chains > 0)
                r = add_usual_sets(&layout, &layout.gate.jail);
        if (r < 0) {
                nft_layout_done(&layout);
                return r;
        }

        *ret = layout;
        return 0;
}

void nft_layout_forget_maps(NftLayout *layout) {
        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++)
                layout->maps[i] = nft_port_map_free(layout->maps[i]);
}

void nft_layout_done(NftLayout *layout) {
        for (size_t i = 0; layout->jails && i < layout->n_jails; i++)
                nft_jail_done(&layout->jails[i]);

        nft_layout_forget_maps(layout);
        free(layout->jails);
        nft_gate_done(&layout->gate);
        nft_bases_done(&layout->bases);
        *layout = (NftLayout){};
}

int nft_layout_read_maps(NftLayout *layout, NftLink *l, const NftPresent *present) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(layout->maps); i++)
                r = nft_port_map_read(layout->maps[i], l, present);

        return r;
}

bool nft_layout_wants_chain(const NftLayout *layout, const char *name) {
        const char *jail;

        if (nft_ports_of_any_chain(name) != 0)
                return layout->has_any & nft_ports_of_any_chain(name);
        if (streq(name, NFT_OUT_UDP_CHAIN))
                return layout->has_output;

        if (nft_gate_wants_hit_chain(&layout->gate, name))
                return true;

        jail = nft_jail_of_chain(name);
        for (size_t i = 0; jail && i < layout->n_jails; i++)
                if (streq(layout->jails[i].name, jail))
                        return true;

        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++)
                if (port_groups_have_chain(layout->maps[i]->groups, name))
                        return true;

        return false;
}

bool nft_layout_wants_set(const NftLayout *layout, const struct nftnl_set *s) {
        const char *name = nftnl_set_get_str(s, NFTNL_SET_NAME);

        /* The last rules may still be looking into it. */
        if (nft_gate_is_set_name(name) || nft_port_map_is_name(name))
                return true;

        return layout->has_output && nft_replies_wants_set(s);
}

bool nft_layout_uses_map(const NftLayout *layout, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++)
                if (!nft_port_map_is_empty(layout->maps[i]) && streq(layout->maps[i]->name, name))
                        return true;

        return false;
}

static bool jail_is_present(const NftJail *jail, const NftPresent *present) {
        char chain[NFT_NAME_SIZE];

        return nft_present_has_chain(present, nft_jail_chain(chain, jail->name));
}

bool nft_layout_prepare(const NftLayout *layout,
                NftLink *l,
                const FirewallJail *jails,
                const NftPresent *present) {
        bool needed = false;

        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++) {
                const PortGroups *g = layout->maps[i]->groups;

                if (!layout->maps[i]->exists && !nft_port_map_is_empty(layout->maps[i]))
                        needed = true;
                for (size_t k = 1; k < g->n_groups; k++)
                        if (g->groups[k].n_ports > 0 &&
                                        !nft_present_has_chain(present, g->groups[k].chain))
                                needed = true;
        }
        if (!needed)
                return false;

        if (layout->has_output)
                nft_replies_write_sets(l, present);
        for (size_t i = 0; i < layout->n_jails; i++)
                if (!jail_is_present(&layout->jails[i], present))
                        nft_jail_write_chains(l, &layout->jails[i]);
        for (size_t i = 0; i < layout->n_jails; i++)
                if (!jail_is_present(&layout->jails[i], present))
                        nft_jail_write(l, &layout->jails[i], &jails[i]);
        nft_ports_write_groups(layout->maps, l, jails, present);
        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++)
                nft_port_map_write(layout->maps[i], l);

        return true;
}

/* What a packet meets first. */
static void
write_base(const NftLayout *layout, NftLink *l, const FirewallJail *jails, const NftBase *base) {
        nft_base_write(l, base);

        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++)
                nft_port_map_write_rule(layout->maps[i], l, base->name);

        nft_ports_write_wide(l, base->name, jails, layout->n_jails, PORT_TCP);
        nft_ports_write_wide(l, base->name, jails, layout->n_jails, PORT_UDP);
        if (layout->has_any & PORT_TCP)
                nft_ports_write_any_rule(l, base->name, PORT_TCP);
        if (layout->has_any & PORT_UDP)
                nft_ports_write_any_rule(l, base->name, PORT_UDP);
}

void nft_layout_write(const NftLayout *layout,
                NftLink *l,
                const FirewallJail *jails,
                const NftPresent *present) {
        for (size_t i = 0; i < layout->n_jails; i++)
                nft_jail_write_chains(l, &layout->jails[i]);

        if (layout->has_output) {
                nft_replies_write_sets(l, present);
                nft_replies_write(l, layout->local_ports);
        }

        for (size_t i = 0; i < layout->n_jails; i++)
                nft_jail_write(l, &layout->jails[i], &jails[i]);

        nft_ports_write_groups(layout->maps, l, jails, NULL);
        nft_ports_write_any(l, &layout->gate, jails, layout->n_jails, PORT_TCP);
        nft_ports_write_any(l, &layout->gate, jails, layout->n_jails, PORT_UDP);
        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++)
                nft_port_map_write(layout->maps[i], l);

        for (size_t i = 0; i < layout->bases.n; i++)
                write_base(layout, l, jails, &layout->bases.list[i]);
}

void nft_layout_write_set(const NftLayout *layout,
                NftLink *l,
                const NftJail *jail,
                const NftBanSet *set) {
        if (jail == &layout->gate.jail)
                nft_gate_write_set(&layout->gate, l, set);
        else
                nft_jail_write_set(l, jail, set);
}

void nft_layout_write_use_of_gate(const NftLayout *layout, NftLink *l) {
        NftGate gate = layout->gate;

        /* The gate looks for all of its jails at what this host sends. */
        if (layout->has_output)
                nft_flush_chain(l, NFT_OUT_UDP_CHAIN);
        for (size_t i = 0; i < layout->n_jails; i++) {
                const NftJail *jail = &layout->jails[i];

                if (jail->is_gated)
                        gate.jail.remembers_udp |= jail->remembers_udp;
                for (const NftBanSet *s = jail->sets; s && !jail->is_gated; s = s->next)
                        if (jail->remembers_udp)
                                nft_replies_write_rule(l, s->family, s->prefixlen, s->name);
        }

        nft_gate_write_use(&gate, l);
}

void nft_layout_note_use_of_gate(NftLayout *layout) {
        layout->gate.is_used = true;
        for (NftBanSet *s = layout->gate.jail.sets; s; s = s->next)
                s->exists = true;

        for (size_t i = 0; i < layout->n_jails; i++)
                if (layout->jails[i].is_gated && layout->jails[i].remembers_udp) {
                        layout->jails[i].remembers_udp = false;
                        layout->gate.jail.remembers_udp = true;
                }
}
