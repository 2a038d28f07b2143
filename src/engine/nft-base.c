/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A change of the hook must not let a packet pass between the two: one that is past the new hook
 * already would find the old one without rules. So a chain that leaves has the same rules as the
 * new one first, and goes a transaction later, when no packet is underway any more.
 *
 * A chain has one device, as the devices of a chain that is there can be changed by recent kernels
 * only. With its device the chain goes as well, or stays without one (from 6.16).
 */

#include "engine/nft-base.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <stdio.h>

#include "engine/nft-table.h"

/* Not in all headers: from 5.10. */
#define HOOK_INGRESS 5

static const char *const names[] = {
        [FIREWALL_PREROUTING] = "prerouting",
        [FIREWALL_INPUT] = "input",
        [FIREWALL_INGRESS] = "ingress-",
};

uint32_t nft_hook_number(FirewallHook hook) {
        switch (hook) {
        case FIREWALL_INPUT:
                return NF_INET_LOCAL_IN;
        case FIREWALL_INGRESS:
                return HOOK_INGRESS;
        default:
                return NF_INET_PRE_ROUTING;
        }
}

static int append(NftBases *bases, FirewallHook hook, const char *device, bool is_leaving) {
        NftBase *p, base = { .hook = hook, .is_leaving = is_leaving };

        p = reallocarray(bases->list, bases->n + 1, sizeof(*p));
        if (!p)
                return -ENOMEM;

        (void) snprintf(base.device, sizeof(base.device), "%s", device);
        (void) snprintf(base.name, sizeof(base.name), "%s%s", names[hook], base.device);
        bases->list = p;
        bases->list[bases->n++] = base;
        return 0;
}

int nft_bases_init(NftBases *ret, const FirewallSettings *settings) {
        NftBases bases = {};
        int r = 0;

        if (settings->hook != FIREWALL_INGRESS)
                r = append(&bases, settings->hook, "", false);
        for (size_t i = 0; r >= 0 && settings->hook == FIREWALL_INGRESS && i < settings->n_devices;
                        i++)
                if (if_nametoindex(settings->devices[i]) == 0)
                        bases.lacks_device = true;
                else
                        r = append(&bases, FIREWALL_INGRESS, settings->devices[i], false);
        if (r < 0) {
                nft_bases_done(&bases);
                return r;
        }

        *ret = bases;
        return 0;
}

void nft_bases_done(NftBases *bases) {
        free(bases->list);
        *bases = (NftBases){};
}

static bool is_base(const struct nftnl_chain *c, FirewallHook hook, const char *device) {
        const char *type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);
        const char *found = nftnl_chain_get_str(c, NFTNL_CHAIN_DEV);

        return type && streq(type, "filter") && nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM) &&
               nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) == nft_hook_number(hook) &&
               nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO) == NFT_PRIORITY_RAW &&
               streq(found ?: "", device);
}

bool nft_bases_have(const NftBases *bases, const struct nftnl_chain *c) {
        const char *name = nftnl_chain_get_str(c, NFTNL_CHAIN_NAME);

        for (size_t i = 0; i < bases->n; i++)
                if (streq(bases->list[i].name, name))
                        return is_base(c, bases->list[i].hook, bases->list[i].device);

        return false;
}

int nft_bases_note(NftBases *bases, const struct nftnl_chain *c) {
        const char *name = nftnl_chain_get_str(c, NFTNL_CHAIN_NAME);

        for (size_t i = 0; i < bases->n; i++)
                if (streq(bases->list[i].name, name))
                        return 0;

        for (FirewallHook hook = FIREWALL_PREROUTING; hook <= FIREWALL_INGRESS; hook++) {
                const char *device = startswith(name, names[hook]);

                if (device && (hook == FIREWALL_INGRESS) == (*device != '\0') &&
                                strlen(device) < IF_NAMESIZE && is_base(c, hook, device))
                        return append(bases, hook, device, true);
        }

        return 0;
}

unsigned nft_bases_hooks(const NftBases *bases) {
        unsigned hooks = 0;

        for (size_t i = 0; i < bases->n; i++)
                hooks |= 1u << bases->list[i].hook;

        return hooks;
}

void nft_base_write(NftLink *l, const NftBase *base) {
        nft_add_base_chain(l,
                        base->name,
                        nft_hook_number(base->hook),
                        NFT_PRIORITY_RAW,
                        base->device[0] ? base->device : NULL);
}
