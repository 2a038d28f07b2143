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
 * Answering. `block = reject` and `reset` answer in place of the drop, after everything that lets a
 * packet pass, so that what this host began is spared by them as well.
 *
 * Transit. `scope = local` asks the routing table, as before it nothing knows where a packet goes.
 * What is for a broadcast or multicast address comes to this host, too, and is not spared. Ports
 * that are forwarded by DNAT are still addressed to this host here.
 *
 * Loopback is not exempt. Bans of this host's own addresses are refused before they come here, and
 * a transparent proxy hands on connections over lo with the address of their real source.
 *
 * Wide ranges of ports become a rule with two comparisons instead of thousands of elements.
 *
 * How a change reaches packets. Rules change at once for a packet: it sees all old ones or all new
 * ones. But it looks up sets and maps as they are at that moment, so that a packet underway in the
 * old rules may meet the new elements: in a map that was made anew it would find no verdict and
 * slip through. (A flood of packets shows it within seconds.) So elements that stay are not
 * touched, and those that change lead to chains that were complete in a transaction before.
 */

#include "engine/nft-layout.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>

#include "base/proc.h"
#include "engine/nft-elements.h"
#include "engine/nft-table.h"

/* Expired bans match no more and are in nobody's way; the kernel's default of a second would cost
 * 8 % of a core with a million of them. */
#define GC_INTERVAL_MSEC 60000

/* How long this host waits for answers to its datagrams, and how many peers that are banned at the
 * same time it may talk to. A full set forgets nobody and learns nobody. */
#define UDP_OUT_TIMEOUT_MSEC 120000
#define UDP_OUT_SIZE 65536

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

static int
map_new(NftPortMap **ret, const FirewallJail *jails, size_t n_jails, PortProtocol protocol) {
        NftPortMap *map;
        int r;

        map = calloc(1, sizeof(*map));
        if (!map)
                return -ENOMEM;

        map->name = protocol == PORT_TCP ? TCP_PORTS : UDP_PORTS;
        map->protocol = protocol == PORT_TCP ? IPPROTO_TCP : IPPROTO_UDP;
        r = port_groups_new(&map->groups, jails, n_jails, protocol);
        if (r < 0) {
                free(map);
                return r;
        }

        *ret = map;
        return 0;
}

static int jail_init(NftLayout *layout, NftJail *jail, const FirewallJail *wanted) {
        memcpy(jail->name, wanted->name, strlen(wanted->name) + 1);
        jail->spares_udp = (wanted->ports.protocols & PORT_UDP) &&
                           jail_spares_own(wanted, layout->local_ports);
        layout->has_output = layout->has_output || jail->spares_udp;
        if (wanted->ports.any)
                layout->has_any |= wanted->ports.protocols;

        /* Last first: what is asked most often comes to the head of the list. */
        if (!nft_layout_get_set(layout, jail, AF_INET6, 128) ||
                        !nft_layout_get_set(layout, jail, AF_INET6, 64) ||
                        !nft_layout_get_set(layout, jail, AF_INET, 32))
                return -ENOMEM;

        return 0;
}

int nft_layout_init(NftLayout *ret, const FirewallJail *jails, size_t n_jails) {
        NftLayout layout = { .n_jails = n_jails };
        int r;

        proc_local_ports(&layout.local_ports.first, &layout.local_ports.last);
        layout.jails = calloc(n_jails + 1, sizeof(*layout.jails));
        if (!layout.jails)
                return -ENOMEM;

        r = map_new(&layout.maps[0], jails, n_jails, PORT_TCP);
        if (r >= 0)
                r = map_new(&layout.maps[1], jails, n_jails, PORT_UDP);
        for (size_t i = 0; r >= 0 && i < n_jails; i++)
                r = jail_init(&layout, &layout.jails[i], &jails[i]);
        if (r < 0) {
                nft_layout_done(&layout);
                return r;
        }

        *ret = layout;
        return 0;
}

void nft_layout_forget_maps(NftLayout *layout) {
        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++) {
                if (layout->maps[i])
                        port_groups_free(layout->maps[i]->groups);
                free(layout->maps[i]);
                layout->maps[i] = NULL;
        }
}

void nft_layout_done(NftLayout *layout) {
        for (size_t i = 0; layout->jails && i < layout->n_jails; i++)
                for (NftBanSet *s = layout->jails[i].sets, *next; s; s = next) {
                        next = s->next;
                        free(s);
                }

        nft_layout_forget_maps(layout);
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

void nft_layout_write_set(NftLink *l, const NftJail *jail, const NftBanSet *set) {
        write_ban_set(l, set);
        write_set_rules(l, jail, set);
}

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

static void write_transit(NftLink *l, const FirewallJail *jail) {
        char chain[NFT_NAME_SIZE];
        NftRule r;

        format_chain_name(chain, "drop", jail->name);
        r = nft_rule_begin(l, chain);
        nft_rule_transit(&r);
        nft_rule_verdict(&r, NFT_RETURN, NULL);
        nft_rule_end(&r);
}

/* What becomes of the packets that are left. */
static void write_block(NftLink *l, const FirewallJail *jail) {
        char chain[NFT_NAME_SIZE];
        NftRule r;

        format_chain_name(chain, "drop", jail->name);

        if (jail->block == BLOCK_RESET && (jail->ports.protocols & PORT_TCP)) {
                r = nft_rule_begin(l, chain);
                nft_rule_protocol(&r, IPPROTO_TCP);
                nft_rule_counter(&r, jail->name);
                nft_rule_reject(&r, true);
                nft_rule_end(&r);
        }

        r = nft_rule_begin(l, chain);
        nft_rule_counter(&r, jail->name);
        if (jail->block == BLOCK_DROP)
                nft_rule_verdict(&r, NF_DROP, NULL);
        else
                nft_rule_reject(&r, false);
        nft_rule_end(&r);
}

static void
write_jail(const NftLayout *layout, NftLink *l, const NftJail *jail, const FirewallJail *wanted) {
        for (const NftBanSet *s = jail->sets; s; s = s->next) {
                if (!s->exists)
                        write_ban_set(l, s);
                write_set_rules(l, jail, s);
        }

        write_allowed(l, wanted);
        if (jail_spares_own(wanted, layout->local_ports))
                write_spared(l, wanted);
        if (wanted->scope == SCOPE_LOCAL)
                write_transit(l, wanted);
        write_block(l, wanted);
}

static NftSetParams udp_out_params(int family) {
        return (NftSetParams){
                .flags = NFT_SET_TIMEOUT | NFT_SET_EVAL,
                .key_type = NFT_TYPE_CONCAT(nft_address_type(family),
                                NFT_TYPE_INET_SERVICE,
                                NFT_TYPE_INET_SERVICE),
                .key_size = nft_address_size(family) + 2 * sizeof(uint32_t),
                .size = UDP_OUT_SIZE,
                .timeout = UDP_OUT_TIMEOUT_MSEC,
        };
}

static bool udp_out_is_usable(const struct nftnl_set *s, int family) {
        const NftSetParams params = udp_out_params(family);

        return nftnl_set_get_u32(s, NFTNL_SET_FLAGS) == params.flags &&
               nftnl_set_get_u32(s, NFTNL_SET_KEY_LEN) == params.key_size &&
               nftnl_set_get_u32(s, NFTNL_SET_DESC_SIZE) == params.size &&
               nftnl_set_get_u64(s, NFTNL_SET_TIMEOUT) == params.timeout;
}

/* What the rules of jails refer to. Peers that are remembered stay so. */
static void write_output_sets(NftLink *l, const NftPresent *present) {
        nft_add_chain(l, OUT_UDP_CHAIN);

        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                const NftSetParams params = udp_out_params(families[i]);
                const struct nftnl_set *s;

                s = nft_present_find_set(present, udp_out_name(families[i]));
                if (!s || !udp_out_is_usable(s, families[i]))
                        nft_add_set(l, udp_out_name(families[i]), &params);
        }
}

static void write_output(const NftLayout *layout, NftLink *l) {
        NftRule r;

        nft_add_base_chain(l, NFT_OUTPUT_CHAIN, NF_INET_LOCAL_OUT, NFT_PRIORITY_RAW);

        r = nft_rule_begin(l, NFT_OUTPUT_CHAIN);
        nft_rule_protocol(&r, IPPROTO_UDP);
        nft_rule_port_range(&r, NFT_SOURCE, layout->local_ports.first, layout->local_ports.last);
        nft_rule_verdict(&r, NFT_JUMP, OUT_UDP_CHAIN);
        nft_rule_end(&r);
}

/* ports */

/* The jails of a group one after the other. */
static void write_group_chain(const NftLayout *layout,
                NftLink *l,
                const PortGroups *g,
                const PortGroup *group) {
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

/* Writes the chains of all groups of several jails; if present is not NULL, only those that it
 * lacks. */
static void write_group_chains(const NftLayout *layout, NftLink *l, const NftPresent *present) {
        for (size_t protocol = 0; protocol < ELEMENTSOF(layout->maps); protocol++) {
                const PortGroups *g = layout->maps[protocol]->groups;

                for (size_t i = 1; i < g->n_groups; i++) {
                        const PortGroup *group = &g->groups[i];

                        if (!port_group_is_shared(group) || group->n_ports == 0)
                                continue;
                        if (present && nft_present_has_chain(present, group->chain))
                                continue;

                        /* The other protocol may have the same one. */
                        if (protocol > 0 && port_groups_have_chain(
                                                            layout->maps[0]->groups, group->chain))
                                continue;

                        write_group_chain(layout, l, g, group);
                }
        }
}

static bool get_bit(const uint8_t *bits, unsigned i) {
        return bits[i / 8] & (1u << (i % 8));
}

static void set_bit(uint8_t *bits, unsigned i) {
        bits[i / 8] |= (uint8_t) (1u << (i % 8));
}

static void note_port(uint16_t port, const char *chain, void *userdata) {
        NftPortMap *map = userdata;
        const char *wanted = port_groups_get_chain(map->groups, port);

        set_bit(map->present, port);
        if (wanted && chain && streq(wanted, chain))
                set_bit(map->same, port);
}

int nft_layout_read_maps(NftLayout *layout, NftLink *l, const NftPresent *present) {
        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++) {
                NftPortMap *map = layout->maps[i];
                const struct nftnl_set *s;
                int r;

                memset(map->present, 0, sizeof(map->present));
                memset(map->same, 0, sizeof(map->same));

                s = nft_present_find_set(present, map->name);
                map->stays = s && port_groups_guard_any(map->groups) && nft_set_is_port_map(s);
                if (!map->stays)
                        continue;

                r = nft_list_ports(l, map->name, note_port, map);
                if (r < 0)
                        return r;
        }

        return 0;
}

void nft_layout_clear_maps(const NftLayout *layout, NftLink *l) {
        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++) {
                const NftPortMap *map = layout->maps[i];
                struct nftnl_set *elements;
                bool found = false;

                if (!map->stays)
                        continue;

                elements = nft_elements_new(l, map->name);
                for (unsigned port = 0; port <= UINT16_MAX; port++) {
                        const uint16_t key = htons((uint16_t) port);

                        if (!get_bit(map->present, port) || get_bit(map->same, port))
                                continue;

                        found = true;
                        if (!nft_elements_add(l, elements, &key, sizeof(key)))
                                break;
                }
                if (found)
                        nft_put_elements(l, NFT_MSG_DELSETELEM, 0, elements);
                if (elements)
                        nftnl_set_free(elements);
        }
}

static void write_port_elements(NftLink *l, const NftPortMap *map) {
        struct nftnl_set *elements;
        bool found = false;

        elements = nft_elements_new(l, map->name);
        for (unsigned port = 0; port <= UINT16_MAX; port++) {
                const char *chain = port_groups_get_chain(map->groups, (uint16_t) port);
                const uint16_t key = htons((uint16_t) port);
                struct nftnl_set_elem *e;

                if (!chain || get_bit(map->same, port))
                        continue;

                found = true;
                e = nft_elements_add(l, elements, &key, sizeof(key));
                if (!e)
                        break;

                nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t) NFT_JUMP);
                if (nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, chain) < 0)
                        nft_link_fail(l, -ENOMEM);
        }
        if (found)
                nft_put_elements(l, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements);
        if (elements)
                nftnl_set_free(elements);
}

static void write_port_map(NftLink *l, const NftPortMap *map) {
        const NftSetParams params = {
                .flags = NFT_SET_MAP,
                .key_type = NFT_TYPE_INET_SERVICE,
                .key_size = sizeof(uint16_t),
        };
        NftRule r;

        if (!port_groups_guard_any(map->groups))
                return;

        if (!map->stays)
                nft_add_set(l, map->name, &params);
        write_port_elements(l, map);

        r = nft_rule_begin(l, NFT_BASE_CHAIN);
        nft_rule_protocol(&r, map->protocol);
        nft_rule_port_map(&r, map->name);
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

                        if (!port_range_is_wide(ports->ranges[k]))
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

/* the whole */

bool nft_layout_wants_chain(const NftLayout *layout, const char *name) {
        const char *jail;

        if (streq(name, ANY_TCP_CHAIN))
                return layout->has_any & PORT_TCP;
        if (streq(name, ANY_UDP_CHAIN))
                return layout->has_any & PORT_UDP;
        if (streq(name, OUT_UDP_CHAIN))
                return layout->has_output;

        jail = startswith(name, "jail-");
        if (!jail)
                jail = startswith(name, "drop-");
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

        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++)
                if (streq(name, layout->maps[i]->name))
                        return layout->maps[i]->stays;

        for (size_t i = 0; i < ELEMENTSOF(families); i++)
                if (streq(name, udp_out_name(families[i])))
                        return layout->has_output && udp_out_is_usable(s, families[i]);

        return false;
}

static bool jail_is_present(const NftJail *jail, const NftPresent *present) {
        char chain[NFT_NAME_SIZE];

        format_chain_name(chain, "jail", jail->name);
        return nft_present_has_chain(present, chain);
}

static void write_jail_chains(NftLink *l, const NftJail *jail) {
        char chain[NFT_NAME_SIZE];

        format_chain_name(chain, "jail", jail->name);
        nft_add_chain(l, chain);
        format_chain_name(chain, "drop", jail->name);
        nft_add_chain(l, chain);
        if (!jail->has_counter)
                nft_add_counter(l, jail->name);
}

bool nft_layout_prepare(const NftLayout *layout,
                NftLink *l,
                const FirewallJail *jails,
                const NftPresent *present) {
        bool needed = false;

        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++) {
                const PortGroups *g = layout->maps[i]->groups;

                for (size_t k = 1; k < g->n_groups; k++)
                        if (g->groups[k].n_ports > 0 &&
                                        !nft_present_has_chain(present, g->groups[k].chain))
                                needed = true;
        }
        if (!needed)
                return false;

        if (layout->has_output)
                write_output_sets(l, present);
        for (size_t i = 0; i < layout->n_jails; i++)
                if (!jail_is_present(&layout->jails[i], present))
                        write_jail_chains(l, &layout->jails[i]);
        for (size_t i = 0; i < layout->n_jails; i++)
                if (!jail_is_present(&layout->jails[i], present))
                        write_jail(layout, l, &layout->jails[i], &jails[i]);
        write_group_chains(layout, l, present);

        return true;
}

void nft_layout_write(const NftLayout *layout,
                NftLink *l,
                const FirewallJail *jails,
                const NftPresent *present) {
        nft_add_base_chain(l, NFT_BASE_CHAIN, NF_INET_PRE_ROUTING, NFT_PRIORITY_RAW);
        for (size_t i = 0; i < layout->n_jails; i++)
                write_jail_chains(l, &layout->jails[i]);

        if (layout->has_output) {
                write_output_sets(l, present);
                write_output(layout, l);
        }

        for (size_t i = 0; i < layout->n_jails; i++)
                write_jail(layout, l, &layout->jails[i], &jails[i]);

        write_group_chains(layout, l, NULL);
        for (size_t i = 0; i < ELEMENTSOF(layout->maps); i++)
                write_port_map(l, layout->maps[i]);

        write_wide_ranges(l, jails, layout->n_jails, PORT_TCP);
        write_wide_ranges(l, jails, layout->n_jails, PORT_UDP);
        write_any_ports(l, jails, layout->n_jails, PORT_TCP);
        write_any_ports(l, jails, layout->n_jails, PORT_UDP);
}
