/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Why a second copy of the bans
 *
 * Jails could share one set instead. But then none could list, count or lift its own bans without
 * asking what the others have. So each keeps its own, and what is shared says no more than who need
 * not be looked for at all. It holds each prefix for as long as the jail that has it banned for
 * longest (FirewallLongestHandler).
 *
 * After a configuration the gate is new and empty, and passed by: it is not known which jails that
 * share ports now did so before, and their sets cannot be listed to find out. When the caller has
 * put every ban in (firewall_settle()), one transaction has the chains look there. A crash on the
 * way leaves a table that passes it by.
 */

#include "engine/nft-gate.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>

#include "engine/nft-replies.h"
#include "engine/nft-table.h"

/* No jail can have this name. */
#define GATE ".gate"

NftGate nft_gate_init(void) {
        return (NftGate){ .jail.name = GATE };
}

void nft_gate_done(NftGate *gate) {
        nft_jail_done(&gate->jail);
        free(gate->chains);
        *gate = (NftGate){};
}

bool nft_gate_has_chain(const NftGate *gate, const char *chain) {
        for (size_t i = 0; i < gate->n_chains; i++)
                if (streq(gate->chains[i], chain))
                        return true;

        return false;
}

int nft_gate_add_chain(NftGate *gate, const char *chain) {
        char(*p)[PORT_CHAIN_SIZE];

        if (nft_gate_has_chain(gate, chain))
                return 0;

        p = reallocarray(gate->chains, gate->n_chains + 1, sizeof(*p));
        if (!p)
                return -ENOMEM;

        gate->chains = p;
        (void) snprintf(gate->chains[gate->n_chains++], sizeof(*p), "%s", chain);
        return 0;
}

const char *nft_gate_hit_chain(char name[static NFT_HIT_CHAIN_SIZE], const char *chain) {
        (void) snprintf(name, NFT_HIT_CHAIN_SIZE, "hit-%s", chain);
        return name;
}

bool nft_gate_wants_hit_chain(const NftGate *gate, const char *name) {
        const char *chain = startswith(name, "hit-");

        return chain && nft_gate_has_chain(gate, chain);
}

bool nft_gate_is_set_name(const char *name) {
        return startswith(name, GATE "-");
}

void nft_gate_write_open(NftLink *l, const char *chain) {
        char hit[NFT_HIT_CHAIN_SIZE];
        NftRule r;

        nft_add_chain(l, chain);
        nft_add_chain(l, nft_gate_hit_chain(hit, chain));

        r = nft_rule_begin(l, chain);
        nft_rule_verdict(&r, NFT_GOTO, hit);
        nft_rule_end(&r);
}

static void write_rules(const NftGate *gate, NftLink *l, const NftBanSet *set) {
        for (size_t i = 0; i < gate->n_chains; i++) {
                char hit[NFT_HIT_CHAIN_SIZE];
                NftRule r;

                r = nft_rule_begin(l, gate->chains[i]);
                nft_rule_address_in(&r, NFT_SOURCE, set->family, set->prefixlen, set->name);
                nft_rule_verdict(&r, NFT_GOTO, nft_gate_hit_chain(hit, gate->chains[i]));
                nft_rule_end(&r);
        }

        if (gate->jail.remembers_udp)
                nft_replies_write_rule(l, set->family, set->prefixlen, set->name);
}

void nft_gate_write_set(const NftGate *gate, NftLink *l, const NftBanSet *set) {
        nft_jail_write_bare_set(l, set);
        if (gate->is_used)
                write_rules(gate, l, set);
}

void nft_gate_write_use(const NftGate *gate, NftLink *l) {
        for (size_t i = 0; i < gate->n_chains; i++)
                nft_flush_chain(l, gate->chains[i]);
        for (const NftBanSet *s = gate->jail.sets; s; s = s->next) {
                if (!s->exists)
                        nft_jail_write_bare_set(l, s);
                write_rules(gate, l, s);
        }
}
