/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bans are hash sets with timeouts and without intervals: adding to them costs the same whatever
 * they hold. No set of bans has a size. The kernel would reserve buckets for all of it at once, and
 * the list of bans, which the daemon bounds, is what bounds the sets.
 *
 * A hit leads to the jail's drop chain, where everything goes that may cost something: addresses
 * that are allowed although a prefix around them is banned return from there, so that the next
 * jail has its say.
 *
 * Answering. `block = reject` and `reset` answer in place of the drop, after everything that lets a
 * packet pass, so that what this host began is spared by them as well.
 *
 * Transit. `scope = local` asks the routing table, as before it nothing knows where a packet goes.
 * What is for a broadcast or multicast address comes to this host, too, and is not spared. Ports
 * that are forwarded by DNAT are still addressed to this host here.
 */

#include "engine/nft-jail.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>

#include "engine/nft-replies.h"
#include "engine/nft-table.h"

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

const char *nft_jail_chain(char name[static NFT_NAME_SIZE], const char *jail) {
        (void) snprintf(name, NFT_NAME_SIZE, "jail-%s", jail);
        return name;
}

static const char *drop_chain(char name[static NFT_NAME_SIZE], const char *jail) {
        (void) snprintf(name, NFT_NAME_SIZE, "drop-%s", jail);
        return name;
}

const char *nft_jail_of_chain(const char *name) {
        return startswith(name, "jail-") ?: startswith(name, "drop-");
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

/* sets */

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

NftBanSet *nft_jail_add_set(NftJail *jail, int family, unsigned prefixlen) {
        NftBanSet *s;

        s = calloc(1, sizeof(*s));
        if (!s)
                return NULL;

        s->family = family;
        s->prefixlen = prefixlen;
        format_set_name(s->name, jail->name, "", family, prefixlen);
        s->next = jail->sets;
        jail->sets = s;
        return s;
}

NftJail nft_jail_init(const FirewallJail *wanted, PortRange local_ports) {
        NftJail jail = { .spares_own = jail_spares_own(wanted, local_ports) };

        memcpy(jail.name, wanted->name, strlen(wanted->name) + 1);
        jail.remembers_udp = jail.spares_own && (wanted->ports.protocols & PORT_UDP);
        return jail;
}

void nft_jail_done(NftJail *jail) {
        for (NftBanSet *s = jail->sets, *next; s; s = next) {
                next = s->next;
                free(s);
        }

        jail->sets = NULL;
}

/* rules */

static void write_set_rules(NftLink *l, const NftJail *jail, const NftBanSet *set) {
        char chain[NFT_NAME_SIZE], drop[NFT_NAME_SIZE];
        NftRule r;

        (void) nft_jail_chain(chain, jail->name);
        (void) drop_chain(drop, jail->name);

        r = nft_rule_begin(l, chain);
        nft_rule_address_in(&r, NFT_SOURCE, set->family, set->prefixlen, set->name);
        nft_rule_verdict(&r, NFT_GOTO, drop);
        nft_rule_end(&r);

        if (jail->remembers_udp)
                nft_replies_write_rule(l, set->family, set->prefixlen, set->name);
}

void nft_jail_write_bare_set(NftLink *l, const NftBanSet *set) {
        const NftSetParams params = {
                .flags = NFT_SET_TIMEOUT,
                .key_type = nft_address_type(set->family),
                .key_size = nft_address_size(set->family),
                .gc_interval = NFT_GC_INTERVAL_MSEC,
        };

        nft_add_set(l, set->name, &params);
}

void nft_jail_write_set(NftLink *l, const NftJail *jail, const NftBanSet *set) {
        nft_jail_write_bare_set(l, set);
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
        (void) drop_chain(chain, jail->name);

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

        (void) drop_chain(chain, jail->name);

        if (jail->ports.protocols & PORT_TCP) {
                r = nft_rule_begin(l, chain);
                nft_rule_protocol(&r, IPPROTO_TCP);
                nft_rule_syn(&r, false);
                nft_rule_verdict(&r, NFT_RETURN, NULL);
                nft_rule_end(&r);
        }

        if (jail->ports.protocols & PORT_UDP)
                for (size_t i = 0; i < ELEMENTSOF(families); i++)
                        nft_replies_write_return(l, chain, families[i]);
}

static void write_transit(NftLink *l, const FirewallJail *jail) {
        char chain[NFT_NAME_SIZE];
        NftRule r;

        (void) drop_chain(chain, jail->name);
        r = nft_rule_begin(l, chain);
        nft_rule_transit(&r);
        nft_rule_verdict(&r, NFT_RETURN, NULL);
        nft_rule_end(&r);
}

/* What becomes of the packets that are left. */
static void write_block(NftLink *l, const FirewallJail *jail) {
        char chain[NFT_NAME_SIZE];
        NftRule r;

        (void) drop_chain(chain, jail->name);

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

void nft_jail_write(NftLink *l, const NftJail *jail, const FirewallJail *wanted) {
        for (const NftBanSet *s = jail->sets; s; s = s->next) {
                if (!s->exists)
                        nft_jail_write_bare_set(l, s);
                write_set_rules(l, jail, s);
        }

        write_allowed(l, wanted);
        if (jail->spares_own)
                write_spared(l, wanted);
        if (wanted->scope == SCOPE_LOCAL)
                write_transit(l, wanted);
        write_block(l, wanted);
}

void nft_jail_write_chains(NftLink *l, const NftJail *jail) {
        char chain[NFT_NAME_SIZE];

        (void) nft_jail_chain(chain, jail->name);
        nft_add_chain(l, chain);
        (void) drop_chain(chain, jail->name);
        nft_add_chain(l, chain);
        if (!jail->has_counter)
                nft_add_counter(l, jail->name);
}
