/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/banjo-keys.h"

#include <net/if.h>

#include "base/parse.h"
#include "base/strv.h"

static int parse_firewall(Config *c, const char *value) {
        int kind = firewall_kind_from_string(value);

        if (kind < 0)
                return kind;

        c->firewall = (FirewallKind) kind;
        return 0;
}

static int parse_kill(Config *c, const char *value) {
        return parse_bool(value, &c->kill);
}

static int parse_hook(Config *c, const char *value) {
        if (streq(value, "prerouting"))
                c->hook = FIREWALL_PREROUTING;
        else if (streq(value, "input"))
                c->hook = FIREWALL_INPUT;
        else if (streq(value, "ingress"))
                c->hook = FIREWALL_INGRESS;
        else
                return -EINVAL;

        return 0;
}

/* What the kernel takes for the name of a device. */
static bool is_device_name(const char *s, size_t n) {
        if (n >= IF_NAMESIZE || (n <= 2 && strspn(s, ".") >= n))
                return false;

        for (size_t i = 0; i < n; i++)
                if (s[i] <= ' ' || s[i] == '/' || s[i] == ':' || s[i] == 0x7f)
                        return false;

        return true;
}

static int parse_devices(Config *c, const char *value) {
        _cleanup_(strv_freep) char **devices = NULL;
        const char *word;
        size_t n;

        while ((n = parse_word(&value, ",", &word)) > 0)
                if (!is_device_name(word, n) ||
                                strv_append(&devices, CONFIG_DEVICES_MAX, word, n) < 0)
                        return -EINVAL;

        strv_free(c->devices);
        c->devices = TAKE_PTR(devices);
        return 0;
}

static int parse_ownership(Config *c, const char *value) {
        bool owned;
        int r;

        if (streq(value, "auto")) {
                c->ownership = OWNERSHIP_AUTO;
                return 0;
        }

        r = parse_bool(value, &owned);
        if (r < 0)
                return r;

        c->ownership = owned ? OWNERSHIP_YES : OWNERSHIP_NO;
        return 0;
}

static int parse_on_stop(Config *c, const char *value) {
        if (streq(value, "keep"))
                c->on_stop = STOP_KEEP;
        else if (streq(value, "remove"))
                c->on_stop = STOP_REMOVE;
        else
                return -EINVAL;

        return 0;
}

static int parse_max_bans(Config *c, const char *value) {
        uint64_t n;

        if (parse_uint64(value, 1, CONFIG_MAX_BANS_MAX, &n) < 0)
                return -EINVAL;

        c->max_bans = (size_t) n;
        return 0;
}

static int parse_history_size(Config *c, const char *value) {
        return parse_size(value, &c->history_size) < 0 ? -EINVAL : 0;
}

const BanjoKey banjo_keys[] = {
        {
                        .name = "firewall",
                        .standard = "nft",
                        .wanted = "nft or log",
                        .help = "nft: bans go into nftables; log: they are only decided and "
                                "announced",
                        .parse = parse_firewall,
        },
        {
                        .name = "kill",
                        .standard = "yes",
                        .wanted = "yes or no",
                        .help = "whether a ban also ends open connections to the jail's TCP ports",
                        .parse = parse_kill,
        },
        {
                        .name = "hook",
                        .standard = "prerouting",
                        .wanted = "prerouting, input or ingress",
                        .help = "where packets of banned addresses are stopped: as they come in, "
                                "when they are for this host, or at the devices",
                        .parse = parse_hook,
        },
        {
                        .name = "devices",
                        .standard = "",
                        .wanted = "names of network devices",
                        .help = "the devices, for hook = ingress",
                        .parse = parse_devices,
        },
        {
                        .name = "ownership",
                        .standard = "auto",
                        .wanted = "auto, yes or no",
                        .help = "whether the kernel keeps others from changing the table of bans",
                        .parse = parse_ownership,
        },
        {
                        .name = "on_stop",
                        .standard = "keep",
                        .wanted = "keep or remove",
                        .help = "whether bans stay in the kernel while banjod is stopped",
                        .parse = parse_on_stop,
        },
        {
                        .name = "max_bans",
                        .standard = "1000000",
                        .wanted = "a number from 1 to 10000000",
                        .help = "of more bans than this in all, the one that ends first makes room",
                        .parse = parse_max_bans,
        },
        {
                        .name = "history_size",
                        .standard = "256M",
                        .wanted = "a size such as 64M, or infinity",
                        .help = "the database forgets its oldest bans that ended when it is larger",
                        .parse = parse_history_size,
        },
        {},
};

const BanjoKey *banjo_key_find(const char *name) {
        assert(name);

        for (const BanjoKey *k = banjo_keys; k->name; k++)
                if (streq(k->name, name))
                        return k;

        return NULL;
}

void banjo_keys_read_defaults(Config *c) {
        assert(c);

        for (const BanjoKey *k = banjo_keys; k->name; k++) {
                int r = k->parse(c, k->standard);

                assert(r >= 0);
        }
}
