/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Why the table looks like this
 *
 * A packet to a port that nobody guards pays for one look-up in a small map. A packet to a guarded
 * port pays for one look-up per prefix length of the jails that guard it. Bans are hash sets with
 * timeouts and without intervals: adding to them costs the same whatever they hold.
 *
 * No set of bans has a size. The kernel would reserve buckets for all of it at once, and the list
 * of bans, which the daemon bounds, is what bounds the sets.
 *
 * A hit leads to the jail's drop chain, where everything goes that may cost something: addresses
 * that are allowed although a prefix around them is banned return from there, so that the next
 * jail has its say.
 *
 * Replies to this host. Jails that guard every port, or ports from which the kernel lets this
 * host's own connections start, would also cut what the host itself began. They spare it without
 * connection tracking: of TCP they drop only what begins a connection (open ones are ended by other
 * means), and of UDP what does not answer a datagram of ours. These are remembered at output, but
 * only those to banned addresses and only from ports for connections of our own: a server's late
 * answer must not open the door to the peer it answers.
 *
 * Jails for every port each have their own sets, like all others, so that each can list, count and
 * lift its own bans. Only packets that begin a TCP connection, and UDP, ever see them.
 *
 * Loopback is not exempt. Bans of this host's own addresses are refused before they come here, and
 * a transparent proxy hands on connections over lo with the address of their real source.
 *
 * Wide ranges of ports become a rule with two comparisons instead of thousands of elements.
 */

#include "engine/nft-layout.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>

#include "base/proc.h"
#include "engine/nft-table.h"

/* Expired bans match no more and are in nobody's way; the kernel's default of a second would cost
 * 8 % of a core with a million of them. */
#define GC_INTERVAL_MSEC 60000

/* How long this host waits for answers to its datagrams, and how many peers that are banned at the
 * same time it may talk to. A full set forgets nobody and learns nobody. */
#define UDP_OUT_TIMEOUT_MSEC 120000
#define UDP_OUT_SIZE 65536

/* Ranges of more ports than this are compared, smaller ones put into the map. */
#define WIDE_RANGE 256

#define TCP_PORTS "tcp-ports"
#define UDP_PORTS "udp-ports"
#define ANY_TCP_CHAIN "any-tcp"
#define ANY_UDP_CHAIN "any-udp"
#define OUT_UDP_CHAIN "out-udp"

static const int families[] = { AF_INET, AF_INET6 };

/* names */

static void format_set_name(char name[static NFT_NAME_SIZE],
                const char *jail,
                const char *infix,
                int family,
                unsigned prefixlen) {
        int n;

        n = snprintf(name, NFT_NAME_SIZE, "%s%s-v%c", jail, infix, family == AF_INET ? '4' : '6');
        if (prefixlen < address_family_bits(family))
                (void) snprintf(name + n, NFT_NAME_SIZE - (size_t) n, "-%u", prefixlen);
}

/* No name of a jail has a dot in it, so that these sets are never mistaken for one with bans. */
static void format_allow_name(char name[static NFT_NAME_SIZE],
                const char *jail,
                int family,
                unsigned prefixlen) {
        format_set_name(name, jail, ".allow", family, prefixlen);
}

static const char *udp_out_name(int family) {
        return family == AF_INET ? "udp-out.v4" : "udp-out.v6";
}

static void format_chain_name(char name[static NFT_NAME_SIZE], const char *kind, const char *jail) {
        (void) snprintf(name, NFT_NAME_SIZE, "%s-%s", kind, jail);
}

bool nft_parse_set_name(const char *name,
                FirewallName ret_jail,
                int *ret_family,
                unsigned *ret_len) {
        char expected[NFT_NAME_SIZE];
        FirewallName jail = {};
        const char *p = NULL;
        unsigned prefixlen;
        int family, end = 0;

        /* The name of a jail may itself contain the separator. */
        for (const char *q = name; (q = strstr(q, "-v")); q++)
                p = q;
        if (!p || p == name || (size_t) (p - name) >= sizeof(jail) || strchr(name, '.'))
                return false;

        if (p[2] == '4')
                family = AF_INET;
        else if (p[2] == '6')
                family = AF_INET6;
        else
                return false;

        prefixlen = address_family_bits(family);
        if (p[3] && (sscanf(p + 3, "-%3u%n", &prefixlen, &end) != 1 || p[3 + end]))
                return false;
        if (prefixlen > address_family_bits(family))
                return false;

        /* Only what would be written the same way: no "-v4-32" and no "-v4-024". */
        memcpy(jail, name, (size_t) (p - name));
        format_set_name(expected, jail, "", family, prefixlen);
        if (!streq(expected, name))
                return false;

        memcpy(ret_jail, jail, sizeof(jail));
        *ret_family = family;
        *ret_len = prefixlen;
        return true;
}

/* jails and their sets */

static bool ranges_overlap(PortRange a, PortRange b) {
        return a.first <= b.last && b.first <= a.last;
}

/* True if the jail guards ports at which this host's own connections end. */
static bool jail_spares_own(const FirewallJail *jail, PortRange local_ports) {
        if (jail->ports.any)
                return true;

        for (size_t i = 0; i < jail->ports.n_ranges; i++)
                if (ranges_overlap(jail->ports.ranges[i], local_ports))
                        return true;

        return false;
}

NftBanSet *nft_jail_find_set(const NftJail *jail, int family, unsigned prefixlen) {
        for (NftBanSet *s = jail->sets; s; s = s->next)
                if (s->family == family && s->prefixlen == prefixlen)
                        return s;

        return NULL;
}

NftBanSet *nft_layout_get_set(NftLayout *layout, NftJail *jail, int family, unsigned prefixlen) {
        NftBanSet *s;

        s = nft_jail_find_set(jail, family, prefixlen);
        if (s)
                return s;

        s = calloc(1, sizeof(*s));
        if (!s)
                return NULL;

        s->family = family;
        s->prefixlen = prefixlen;
        s->index = layout->n_sets++;
        format_set_name(s->name, jail->name, "", family, prefixlen);
        s->next = jail->sets;
        jail->sets = s;
        return s;
}

int nft_layout_init(NftLayout *ret, const FirewallJail *jails, size_t n_jails) {
        NftLayout layout = { .n_jails = n_jails };

        proc_local_ports(&layout.local_ports.first, &layout.local_ports.last);
        layout.jails = calloc(n_jails + 1, sizeof(*layout.jails));
        if (!layout.jails)
                return -ENOMEM;

        for (size_t i = 0; i < n_jails; i++) {
                NftJail *jail = &layout.jails[i];

                memcpy(jail->name, jails[i].name, strlen(jails[i].name) + 1);
                jail->spares_udp = (jails[i].ports.protocols & PORT_UDP) &&
                                   jail_spares_own(&jails[i], layout.local_ports);
                layout.has_output = layout.has_output || jail->spares_udp;

                /* Last first: what is asked most often comes to the head of the list. */
                if (!nft_layout_get_set(&layout, jail, AF_INET6, 128) ||
                                !nft_layout_get_set(&layout, jail, AF_INET6, 64) ||
                                !nft_layout_get_set(&layout, jail, AF_INET, 32)) {
                        nft_layout_done(&layout);
                        return -ENOMEM;
                }
        }

        *ret = layout;
        return 0;
}

void nft_layout_done(NftLayout *layout) {
        for (size_t i = 0; i < layout->n_jails; i++)
                for (NftBanSet *s = layout->jails[i].sets, *next; s; s = next) {
                        next = s->next;
                        free(s);
                }

        free(layout->jails);
        *layout = (NftLayout){};
}

static void write_set_rules(NftLink *l, const NftJail *jail, const NftBanSet *set) {
        char chain[NFT_NAME_SIZE], drop[NFT_NAME_SIZE];
        NftRule r;

        format_chain_name(chain, "jail", jail->name);
        format_chain_name(drop, "drop", jail->name);

        r = nft_rule_begin(l, chain);
        nft_rule_address_in(&r, NFT_SOURCE, set->family, set->prefixlen, set->name);
        nft_rule_verdict(&r, NFT_GOTO, drop);
        nft_rule_end(&r);

        if (jail->spares_udp) {
                r = nft_rule_begin(l, OUT_UDP_CHAIN);
                nft_rule_address_in(&r, NFT_DESTINATION, set->family, set->prefixlen, set->name);
                nft_rule_flow_update(&r, set->family, udp_out_name(set->family));
                nft_rule_end(&r);
        }
}

static void write_ban_set(NftLink *l, const NftBanSet *set) {
        const NftSetParams params = {
                .flags = NFT_SET_TIMEOUT,
                .key_type = nft_address_type(set->family),
                .key_size = nft_address_size(set->family),
                .gc_interval = GC_INTERVAL_MSEC,
        };

        nft_add_set(l, set->name, &params);
}

void nft_layout_write_set(const NftLayout *layout _unused_,
                NftLink *l,
                const NftJail *jail,
                const NftBanSet *set) {
        write_ban_set(l, set);
        write_set_rules(l, jail, set);
}

/* Calls for each prefix length among the allowed addresses of a family. */
static size_t count_allowed(const FirewallJail *jail, int family, unsigned prefixlen) {
        size_t n = 0;

        for (size_t i = 0; i < jail->n_allow; i++)
                if (jail->allow[i].family == family && jail->allow[i].prefixlen == prefixlen)
                        n++;

        return n;
}

static void write_allowed_set(NftLink *l,
                const FirewallJail *jail,
                int family,
                unsigned prefixlen,
                size_t n_allowed) {
        char name[NFT_NAME_SIZE], chain[NFT_NAME_SIZE];
        const NftSetParams params = {
                .key_type = nft_address_type(family),
                .key_size = nft_address_size(family),
                .size = (uint32_t) n_allowed,
        };
        struct nftnl_set *elements;
        NftRule r;

        format_allow_name(name, jail->name, family, prefixlen);
        format_chain_name(chain, "drop", jail->name);

        nft_add_set(l, name, &params);

        elements = nft_elements_new(l, name);
        for (size_t i = 0; i < jail->n_allow; i++)
                if (jail->allow[i].family == family && jail->allow[i].prefixlen == prefixlen)
                        (void) nft_elements_add(l,
                                        elements,
                                        jail->allow[i].bytes,
                                        nft_address_size(family));
        nft_put_elements(l, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements);
        if (elements)
                nftnl_set_free(elements);

        r = nft_rule_begin(l, chain);
        nft_rule_address_in(&r, NFT_SOURCE, family, prefixlen, name);
        nft_rule_verdict(&r, NFT_RETURN, NULL);
        nft_rule_end(&r);
}

static void write_allowed(NftLink *l, const FirewallJail *jail) {
        if (jail->n_allow == 0)
                return;

        for (size_t i = 0; i < ELEMENTSOF(families); i++)
                for (unsigned len = 0; len <= address_family_bits(families[i]); len++) {
                        size_t n;

                        n = count_allowed(jail, families[i], len);
                        if (n > 0)
                                write_allowed_set(l, jail, families[i], len, n);
                }
}

static void write_spared(NftLink *l, const FirewallJail *jail) {
        char chain[NFT_NAME_SIZE];
        NftRule r;

        format_chain_name(chain, "drop", jail->name);

        if (jail->ports.protocols & PORT_TCP) {
                r = nft_rule_begin(l, chain);
                nft_rule_protocol(&r, IPPROTO_TCP);
                nft_rule_syn(&r, false);
                nft_rule_verdict(&r, NFT_RETURN, NULL);
                nft_rule_end(&r);
        }

        if (jail->ports.protocols & PORT_UDP)
                for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                        r = nft_rule_begin(l, chain);
                        nft_rule_family(&r, families[i]);
                        nft_rule_protocol(&r, IPPROTO_UDP);
                        nft_rule_flow_in(&r, families[i], udp_out_name(families[i]));
                        nft_rule_verdict(&r, NFT_RETURN, NULL);
                        nft_rule_end(&r);
                }
}

static void
write_jail(const NftLayout *layout, NftLink *l, const NftJail *jail, const FirewallJail *wanted) {
        char chain[NFT_NAME_SIZE];
        NftRule r;

        for (const NftBanSet *s = jail->sets; s; s = s->next) {
                if (!s->exists)
                        write_ban_set(l, s);
                write_set_rules(l, jail, s);
        }

        write_allowed(l, wanted);
        if (jail_spares_own(wanted, layout->local_ports))
                write_spared(l, wanted);

        format_chain_name(chain, "drop", jail->name);
        r = nft_rule_begin(l, chain);
        nft_rule_counter(&r, jail->name);
        nft_rule_verdict(&r, NF_DROP, NULL);
        nft_rule_end(&r);
}

static void write_output(const NftLayout *layout, NftLink *l) {
        NftRule r;

        nft_add_base_chain(l, NFT_OUTPUT_CHAIN, NF_INET_LOCAL_OUT, NFT_PRIORITY_RAW);
        nft_add_chain(l, OUT_UDP_CHAIN);

        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                const NftSetParams params = {
                        .flags = NFT_SET_TIMEOUT | NFT_SET_EVAL,
                        .key_type = NFT_TYPE_CONCAT(nft_address_type(families[i]),
                                        NFT_TYPE_INET_SERVICE,
                                        NFT_TYPE_INET_SERVICE),
                        .key_size = nft_address_size(families[i]) + 2 * sizeof(uint32_t),
                        .size = UDP_OUT_SIZE,
                        .timeout = UDP_OUT_TIMEOUT_MSEC,
                };

                nft_add_set(l, udp_out_name(families[i]), &params);
        }

        r = nft_rule_begin(l, NFT_OUTPUT_CHAIN);
        nft_rule_protocol(&r, IPPROTO_UDP);
        nft_rule_port_range(&r, NFT_SOURCE, layout->local_ports.first, layout->local_ports.last);
        nft_rule_verdict(&r, NFT_JUMP, OUT_UDP_CHAIN);
        nft_rule_end(&r);
}

/* ports */

/* The jails that guard a port together, told as the jails of another group and one more. Group 0
 * is empty. */
typedef struct PortGroup {
        uint32_t parent;
        uint32_t jail;
        uint32_t n_ports; /* for which these are all */
        char chain[NFT_NAME_SIZE];
} PortGroup;

typedef struct PortGroups {
        PortGroup *groups;
        size_t n_groups;
        size_t n_allocated;
        uint32_t of[UINT16_MAX + 1]; /* the group of each port */
} PortGroups;

static PortGroups *port_groups_free(PortGroups *g) {
        if (!g)
                return NULL;

        free(g->groups);
        free(g);
        return NULL;
}
DEFINE_CLEANUP(PortGroups *, port_groups_free)

static int port_groups_append(PortGroups *g, uint32_t parent, uint32_t jail) {
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

/* Adds the jail to the ports of a range. next says, for each group that was there before the jail,
 * which one it becomes with the jail; 0 if that is not known yet. */
static int port_groups_add_range(PortGroups *g,
                uint32_t jail,
                PortRange range,
                uint32_t *next,
                size_t n_next) {
        for (unsigned port = range.first; port <= range.last; port++) {
                uint32_t old = g->of[port];
                int r;

                if (old >= n_next)
                        continue; /* the jail has it already */

                if (next[old] == 0) {
                        r = port_groups_append(g, old, jail);
                        if (r < 0)
                                return r;
                        next[old] = (uint32_t) (g->n_groups - 1);
                }

                g->of[port] = next[old];
        }

        return 0;
}

static bool is_wide(PortRange range) {
        return range.last - range.first >= WIDE_RANGE;
}

static int port_groups_new(PortGroups **ret,
                const FirewallJail *jails,
                size_t n_jails,
                PortProtocol protocol) {
        _cleanup_(port_groups_freep) PortGroups *g = NULL;
        int r;

        g = calloc(1, sizeof(*g));
        if (!g)
                return -ENOMEM;

        r = port_groups_append(g, 0, 0);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n_jails; i++) {
                const PortSet *ports = &jails[i].ports;
                _cleanup_(freep) uint32_t *next = NULL;
                size_t n_next = g->n_groups;

                if (ports->any || !(ports->protocols & protocol))
                        continue;

                next = calloc(n_next, sizeof(*next));
                if (!next)
                        return -ENOMEM;

                for (size_t k = 0; k < ports->n_ranges; k++) {
                        if (is_wide(ports->ranges[k]))
                                continue;

                        r = port_groups_add_range(g, (uint32_t) i, ports->ranges[k], next, n_next);
                        if (r < 0)
                                return r;
                }
        }

        for (size_t port = 0; port <= UINT16_MAX; port++)
                g->groups[g->of[port]].n_ports++;

        *ret = TAKE_PTR(g);
        return 0;
}

/* Gives each group that is in use the chain its ports lead to: the jail's own, or one that goes
 * through all of them. */
static void
write_group_chains(const NftLayout *layout, NftLink *l, PortGroups *g, unsigned *n_chains) {
        for (size_t i = 1; i < g->n_groups; i++) {
                PortGroup *group = &g->groups[i];

                if (group->n_ports == 0)
                        continue;

                if (group->parent == 0) {
                        format_chain_name(group->chain, "jail", layout->jails[group->jail].name);
                        continue;
                }

                (void) snprintf(group->chain, sizeof(group->chain), "ports-%u", (*n_chains)++);
                nft_add_chain(l, group->chain);

                for (const PortGroup *p = group; p != g->groups; p = &g->groups[p->parent]) {
                        char chain[NFT_NAME_SIZE];
                        NftRule r;

                        format_chain_name(chain, "jail", layout->jails[p->jail].name);
                        r = nft_rule_begin(l, group->chain);
                        nft_rule_verdict(&r, NFT_JUMP, chain);
                        nft_rule_end(&r);
                }
        }
}

static void write_port_map(NftLink *l, const PortGroups *g, uint8_t protocol, const char *map) {
        const NftSetParams params = {
                .flags = NFT_SET_MAP,
                .key_type = NFT_TYPE_INET_SERVICE,
                .key_size = sizeof(uint16_t),
        };
        struct nftnl_set *elements;
        NftRule r;

        if (g->groups[0].n_ports == ELEMENTSOF(g->of))
                return;

        nft_add_set(l, map, &params);

        elements = nft_elements_new(l, map);
        for (unsigned port = 0; port <= UINT16_MAX; port++) {
                const uint16_t key = htons((uint16_t) port);
                struct nftnl_set_elem *e;

                if (g->of[port] == 0)
                        continue;

                e = nft_elements_add(l, elements, &key, sizeof(key));
                if (!e)
                        break;

                nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t) NFT_JUMP);
                if (nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, g->groups[g->of[port]].chain) <
                                0)
                        nft_link_fail(l, -ENOMEM);
        }
        nft_put_elements(l, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements);
        if (elements)
                nftnl_set_free(elements);

        r = nft_rule_begin(l, NFT_BASE_CHAIN);
        nft_rule_protocol(&r, protocol);
        nft_rule_port_map(&r, map);
        nft_rule_end(&r);
}

static void
write_wide_ranges(NftLink *l, const FirewallJail *jails, size_t n_jails, PortProtocol protocol) {
        for (size_t i = 0; i < n_jails; i++) {
                const PortSet *ports = &jails[i].ports;
                char chain[NFT_NAME_SIZE];

                if (ports->any || !(ports->protocols & protocol))
                        continue;

                format_chain_name(chain, "jail", jails[i].name);
                for (size_t k = 0; k < ports->n_ranges; k++) {
                        NftRule r;

                        if (!is_wide(ports->ranges[k]))
                                continue;

                        r = nft_rule_begin(l, NFT_BASE_CHAIN);
                        nft_rule_protocol(&r, protocol == PORT_TCP ? IPPROTO_TCP : IPPROTO_UDP);
                        nft_rule_port_range(&r,
                                        NFT_DESTINATION,
                                        ports->ranges[k].first,
                                        ports->ranges[k].last);
                        nft_rule_verdict(&r, NFT_JUMP, chain);
                        nft_rule_end(&r);
                }
        }
}

static void
write_any_ports(NftLink *l, const FirewallJail *jails, size_t n_jails, PortProtocol protocol) {
        const char *any = protocol == PORT_TCP ? ANY_TCP_CHAIN : ANY_UDP_CHAIN;
        bool found = false;
        NftRule r;

        for (size_t i = 0; i < n_jails; i++) {
                char chain[NFT_NAME_SIZE];

                if (!jails[i].ports.any || !(jails[i].ports.protocols & protocol))
                        continue;

                if (!found)
                        nft_add_chain(l, any);
                found = true;

                format_chain_name(chain, "jail", jails[i].name);
                r = nft_rule_begin(l, any);
                nft_rule_verdict(&r, NFT_JUMP, chain);
                nft_rule_end(&r);
        }

        if (!found)
                return;

        r = nft_rule_begin(l, NFT_BASE_CHAIN);
        if (protocol == PORT_TCP) {
                nft_rule_protocol(&r, IPPROTO_TCP);
                nft_rule_syn(&r, true);
        } else {
                nft_rule_protocol(&r, IPPROTO_UDP);
        }
        nft_rule_verdict(&r, NFT_JUMP, any);
        nft_rule_end(&r);
}

int nft_layout_write(const NftLayout *layout, NftLink *l, const FirewallJail *jails) {
        _cleanup_(port_groups_freep) PortGroups *tcp = NULL, *udp = NULL;
        unsigned n_chains = 0;
        int r;

        r = port_groups_new(&tcp, jails, layout->n_jails, PORT_TCP);
        if (r < 0)
                return r;

        r = port_groups_new(&udp, jails, layout->n_jails, PORT_UDP);
        if (r < 0)
                return r;

        nft_add_base_chain(l, NFT_BASE_CHAIN, NF_INET_PRE_ROUTING, NFT_PRIORITY_RAW);
        for (size_t i = 0; i < layout->n_jails; i++) {
                char chain[NFT_NAME_SIZE];

                format_chain_name(chain, "jail", layout->jails[i].name);
                nft_add_chain(l, chain);
                format_chain_name(chain, "drop", layout->jails[i].name);
                nft_add_chain(l, chain);
                if (!layout->jails[i].has_counter)
                        nft_add_counter(l, layout->jails[i].name);
        }

        if (layout->has_output)
                write_output(layout, l);

        for (size_t i = 0; i < layout->n_jails; i++)
                write_jail(layout, l, &layout->jails[i], &jails[i]);

        write_group_chains(layout, l, tcp, &n_chains);
        write_group_chains(layout, l, udp, &n_chains);
        write_port_map(l, tcp, IPPROTO_TCP, TCP_PORTS);
        write_port_map(l, udp, IPPROTO_UDP, UDP_PORTS);
        write_wide_ranges(l, jails, layout->n_jails, PORT_TCP);
        write_wide_ranges(l, jails, layout->n_jails, PORT_UDP);
        write_any_ports(l, jails, layout->n_jails, PORT_TCP);
        write_any_ports(l, jails, layout->n_jails, PORT_UDP);

        return 0;
}
