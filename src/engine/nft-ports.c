/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A verdict map leads from a port to the chain of the jails that guard it, so that a packet to a
 * port that nobody guards pays for one look-up in a small map. Wide ranges of ports become a rule
 * with two comparisons instead of thousands of elements.
 *
 * A packet looks its port up in a map as it is at that moment, and an element that is replaced may
 * be found neither as it was nor as it is by a look-up that is interrupted. So a map that says
 * something else is a new one beside the old one, complete in a transaction before the rules lead
 * to it.
 *
 * Only packets that begin a TCP connection, and UDP, ever see the jails for every port.
 */

#include "engine/nft-ports.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>

#include "engine/nft-elements.h"
#include "engine/nft-jail.h"
#include "engine/nft-table.h"

#define TCP_PORTS "tcp-ports"
#define UDP_PORTS "udp-ports"

/* Of the maps of a protocol: one that is in use, one that takes its place, and those that somebody
 * who crashed meanwhile has left. */
#define N_NAMES 10

#define ANY_TCP_CHAIN "any-tcp"
#define ANY_UDP_CHAIN "any-udp"

/* maps */

static const char *base_name(PortProtocol protocol) {
        return protocol == PORT_TCP ? TCP_PORTS : UDP_PORTS;
}

static void format_name(char name[static NFT_NAME_SIZE], PortProtocol protocol, unsigned k) {
        if (k == 0)
                (void) snprintf(name, NFT_NAME_SIZE, "%s", base_name(protocol));
        else
                (void) snprintf(name, NFT_NAME_SIZE, "%s.%u", base_name(protocol), k);
}

bool nft_port_map_is_name(const char *name) {
        static const PortProtocol protocols[] = { PORT_TCP, PORT_UDP };

        for (size_t i = 0; i < ELEMENTSOF(protocols); i++)
                for (unsigned k = 0; k < N_NAMES; k++) {
                        char candidate[NFT_NAME_SIZE];

                        format_name(candidate, protocols[i], k);
                        if (streq(name, candidate))
                                return true;
                }

        return false;
}

int nft_port_map_new(NftPortMap **ret,
                const FirewallJail *jails,
                size_t n_jails,
                PortProtocol protocol) {
        NftPortMap *map;
        int r;

        map = calloc(1, sizeof(*map));
        if (!map)
                return -ENOMEM;

        format_name(map->name, protocol, 0);
        map->protocol = protocol;
        r = port_groups_new(&map->groups, jails, n_jails, protocol);
        if (r < 0) {
                free(map);
                return r;
        }

        *ret = map;
        return 0;
}

NftPortMap *nft_port_map_free(NftPortMap *map) {
        if (!map)
                return NULL;

        port_groups_free(map->groups);
        free(map);
        return NULL;
}

bool nft_port_map_is_empty(const NftPortMap *map) {
        return !port_groups_guard_any(map->groups);
}

typedef struct Comparison {
        const PortGroups *groups;
        size_t n_same;
        bool differs;
} Comparison;

static void compare_port(uint16_t port, const char *chain, void *userdata) {
        Comparison *c = userdata;
        const char *wanted = port_groups_get_chain(c->groups, port);

        if (wanted && chain && streq(wanted, chain))
                c->n_same++;
        else
                c->differs = true;
}

/* 1 if the map in the kernel says the same, 0 if not, or a negative errno. */
static int says_the_same(const NftPortMap *map, NftLink *l, const char *name) {
        Comparison c = { .groups = map->groups };
        size_t n = 0;
        int r;

        r = nft_list_ports(l, name, compare_port, &c);
        if (r < 0)
                return r;

        for (unsigned port = 0; port <= UINT16_MAX; port++)
                if (port_groups_get_chain(map->groups, (uint16_t) port))
                        n++;

        return !c.differs && c.n_same == n;
}

int nft_port_map_read(NftPortMap *map, NftLink *l, const NftPresent *present) {
        bool has_name = false;

        map->exists = false;
        if (nft_port_map_is_empty(map))
                return 0;

        for (unsigned k = 0; k < N_NAMES; k++) {
                char name[NFT_NAME_SIZE];
                const struct nftnl_set *s;
                int r = 0;

                format_name(name, map->protocol, k);
                s = nft_present_find_set(present, name);
                if (s && nft_set_is_port_map(s))
                        r = says_the_same(map, l, name);
                if (r < 0)
                        return r;
                if (r > 0 || (!s && !has_name))
                        memcpy(map->name, name, sizeof(name));
                if (r > 0) {
                        map->exists = true;
                        return 0;
                }
                has_name = has_name || !s;
        }

        return has_name ? 0 : -ENOSPC;
}

void nft_port_map_write(const NftPortMap *map, NftLink *l) {
        const NftSetParams params = {
                .flags = NFT_SET_MAP,
                .key_type = NFT_TYPE_INET_SERVICE,
                .key_size = sizeof(uint16_t),
        };
        struct nftnl_set *elements;

        if (map->exists || nft_port_map_is_empty(map))
                return;

        nft_add_set(l, map->name, &params);

        elements = nft_elements_new(l, map->name);
        for (unsigned port = 0; port <= UINT16_MAX; port++) {
                const char *chain = port_groups_get_chain(map->groups, (uint16_t) port);
                const uint16_t key = htons((uint16_t) port);
                struct nftnl_set_elem *e;

                if (!chain)
                        continue;

                e = nft_elements_add(l, elements, &key, sizeof(key));
                if (!e)
                        break;

                nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t) NFT_JUMP);
                if (nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, chain) < 0)
                        nft_link_fail(l, -ENOMEM);
        }
        nft_put_elements(l, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements);
        if (elements)
                nftnl_set_free(elements);
}

void nft_port_map_write_rule(const NftPortMap *map, NftLink *l, const char *chain) {
        NftRule r;

        if (nft_port_map_is_empty(map))
                return;

        r = nft_rule_begin(l, chain);
        nft_rule_protocol(&r, map->protocol == PORT_TCP ? IPPROTO_TCP : IPPROTO_UDP);
        nft_rule_port_map(&r, map->name);
        nft_rule_end(&r);
}

/* groups */

/* The jails of a group one after the other. */
static void write_group_chain(NftLink *l,
                const FirewallJail *jails,
                const PortGroups *g,
                const PortGroup *group) {
        char hit[NFT_HIT_CHAIN_SIZE];

        nft_gate_write_open(l, group->chain);
        (void) nft_gate_hit_chain(hit, group->chain);

        for (const PortGroup *p = group; p != g->groups; p = &g->groups[p->parent]) {
                char chain[NFT_NAME_SIZE];
                NftRule r;

                r = nft_rule_begin(l, hit);
                nft_rule_verdict(&r, NFT_JUMP, nft_jail_chain(chain, jails[p->jail].name));
                nft_rule_end(&r);
        }
}

void nft_ports_write_groups(NftPortMap *const maps[static 2],
                NftLink *l,
                const FirewallJail *jails,
                const NftPresent *present) {
        for (size_t protocol = 0; protocol < 2; protocol++) {
                const PortGroups *g = maps[protocol]->groups;

                for (size_t i = 1; i < g->n_groups; i++) {
                        const PortGroup *group = &g->groups[i];

                        if (!port_group_is_shared(group) || group->n_ports == 0)
                                continue;
                        if (present && nft_present_has_chain(present, group->chain))
                                continue;

                        /* The other protocol may have the same one. */
                        if (protocol > 0 && port_groups_have_chain(maps[0]->groups, group->chain))
                                continue;

                        write_group_chain(l, jails, g, group);
                }
        }
}

/* ranges and every port */

void nft_ports_write_wide(NftLink *l,
                const char *chain,
                const FirewallJail *jails,
                size_t n_jails,
                PortProtocol protocol) {
        for (size_t i = 0; i < n_jails; i++) {
                const PortSet *ports = &jails[i].ports;
                char jail[NFT_NAME_SIZE];

                if (ports->any || !(ports->protocols & protocol))
                        continue;

                for (size_t k = 0; k < ports->n_ranges; k++) {
                        NftRule r;

                        if (!port_range_is_wide(ports->ranges[k]))
                                continue;

                        r = nft_rule_begin(l, chain);
                        nft_rule_protocol(&r, protocol == PORT_TCP ? IPPROTO_TCP : IPPROTO_UDP);
                        nft_rule_port_range(&r,
                                        NFT_DESTINATION,
                                        ports->ranges[k].first,
                                        ports->ranges[k].last);
                        nft_rule_verdict(&r, NFT_JUMP, nft_jail_chain(jail, jails[i].name));
                        nft_rule_end(&r);
                }
        }
}

void nft_ports_write_any(NftLink *l,
                const NftGate *gate,
                const FirewallJail *jails,
                size_t n_jails,
                PortProtocol protocol) {
        const char *any = nft_ports_any_chain(protocol);
        char hit[NFT_HIT_CHAIN_SIZE];
        bool is_gated = nft_gate_has_chain(gate, any);
        bool found = false;
        NftRule r;

        for (size_t i = 0; i < n_jails; i++) {
                char jail[NFT_NAME_SIZE];

                if (!jails[i].ports.any || !(jails[i].ports.protocols & protocol))
                        continue;

                if (!found && is_gated)
                        nft_gate_write_open(l, any);
                else if (!found)
                        nft_add_chain(l, any);
                found = true;

                r = nft_rule_begin(l, is_gated ? nft_gate_hit_chain(hit, any) : any);
                nft_rule_verdict(&r, NFT_JUMP, nft_jail_chain(jail, jails[i].name));
                nft_rule_end(&r);
        }
}

void nft_ports_write_any_rule(NftLink *l, const char *chain, PortProtocol protocol) {
        NftRule r;

        r = nft_rule_begin(l, chain);
        if (protocol == PORT_TCP) {
                nft_rule_protocol(&r, IPPROTO_TCP);
                nft_rule_syn(&r, true);
        } else {
                nft_rule_protocol(&r, IPPROTO_UDP);
        }
        nft_rule_verdict(&r, NFT_JUMP, nft_ports_any_chain(protocol));
        nft_rule_end(&r);
}

const char *nft_ports_any_chain(PortProtocol protocol) {
        return protocol == PORT_TCP ? ANY_TCP_CHAIN : ANY_UDP_CHAIN;
}

unsigned nft_ports_of_any_chain(const char *name) {
        if (streq(name, ANY_TCP_CHAIN))
                return PORT_TCP;
        if (streq(name, ANY_UDP_CHAIN))
                return PORT_UDP;

        return 0;
}
