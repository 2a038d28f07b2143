/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Datagrams of ours are remembered at output, but only those to banned addresses and only from
 * ports for connections of our own: a server's late answer must not open the door to the peer it
 * answers.
 */

#include "engine/nft-replies.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "engine/nft-table.h"

/* How long this host waits for answers to its datagrams, and how many peers that are banned at the
 * same time it may talk to. A full set forgets nobody and learns nobody. */
#define UDP_OUT_TIMEOUT_MSEC 120000
#define UDP_OUT_SIZE 65536

static const int families[] = { AF_INET, AF_INET6 };

const char *nft_replies_set_name(int family) {
        return family == AF_INET ? "udp-out.v4" : "udp-out.v6";
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

bool nft_replies_wants_set(const struct nftnl_set *s) {
        const char *name = nftnl_set_get_str(s, NFTNL_SET_NAME);

        for (size_t i = 0; i < ELEMENTSOF(families); i++)
                if (streq(name, nft_replies_set_name(families[i])))
                        return udp_out_is_usable(s, families[i]);

        return false;
}

void nft_replies_write_sets(NftLink *l, const NftPresent *present) {
        nft_add_chain(l, NFT_OUT_UDP_CHAIN);

        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                const NftSetParams params = udp_out_params(families[i]);
                const struct nftnl_set *s;

                s = nft_present_find_set(present, nft_replies_set_name(families[i]));
                if (!s || !udp_out_is_usable(s, families[i]))
                        nft_add_set(l, nft_replies_set_name(families[i]), &params);
        }
}

void nft_replies_write(NftLink *l, PortRange local_ports) {
        NftRule r;

        nft_add_base_chain(l, NFT_OUTPUT_CHAIN, NF_INET_LOCAL_OUT, NFT_PRIORITY_RAW, NULL);

        r = nft_rule_begin(l, NFT_OUTPUT_CHAIN);
        nft_rule_protocol(&r, IPPROTO_UDP);
        nft_rule_port_range(&r, NFT_SOURCE, local_ports.first, local_ports.last);
        nft_rule_verdict(&r, NFT_JUMP, NFT_OUT_UDP_CHAIN);
        nft_rule_end(&r);
}

void nft_replies_write_rule(NftLink *l, int family, unsigned prefixlen, const char *set) {
        NftRule r;

        r = nft_rule_begin(l, NFT_OUT_UDP_CHAIN);
        nft_rule_address_in(&r, NFT_DESTINATION, family, prefixlen, set);
        nft_rule_flow_update(&r, family, nft_replies_set_name(family));
        nft_rule_end(&r);
}

void nft_replies_write_return(NftLink *l, const char *chain, int family) {
        NftRule r;

        r = nft_rule_begin(l, chain);
        nft_rule_family(&r, family);
        nft_rule_protocol(&r, IPPROTO_UDP);
        nft_rule_flow_in(&r, family, nft_replies_set_name(family));
        nft_rule_verdict(&r, NFT_RETURN, NULL);
        nft_rule_end(&r);
}
