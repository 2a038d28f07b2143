/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/policy.h"

#include <limits.h>
#include <string.h>

#include "base/macro.h"
#include "base/table.h"

Address policy_target(const PolicyPrefixes *prefixes, const Allowlist *allow, const Address *host) {
        Address net = *host;

        assert(prefixes);
        assert(allow);
        assert(address_is_host(host));

        if (prefixes->spoofable || (host->family == AF_INET6 && address_is_shared_prefix(host)))
                return *host;

        address_widen(&net, host->family == AF_INET ? prefixes->ipv4 : prefixes->ipv6);
        return !address_is_host(&net) && allowlist_overlaps(allow, &net) ? *host : net;
}

bool policy_grows(const JailConfig *config) {
        assert(config);

        return !config->spoofable &&
               (config->n_bantime_steps > 1 || config->permanent_after > 0 ||
                               (config->n_bantime_steps == 0 &&
                                               config->bantime_growth > CONFIG_GROWTH_ONE));
}

/* Quotient and remainder are multiplied one by one: together they could overflow. */
static usec_t grow(usec_t bantime, unsigned growth, unsigned n) {
        for (unsigned i = 0; i < n && bantime < POLICY_GROWN_MAX; i++)
                bantime = bantime / CONFIG_GROWTH_ONE * growth +
                          bantime % CONFIG_GROWTH_ONE * growth / CONFIG_GROWTH_ONE;

        return bantime;
}

usec_t policy_bantime(const JailConfig *config, unsigned n_earlier, uint64_t luck) {
        usec_t bantime;

        assert(config);

        if (!policy_grows(config))
                n_earlier = 0;
        if (config->permanent_after > 0 && n_earlier >= config->permanent_after)
                return USEC_INFINITY;

        if (config->n_bantime_steps > 0)
                bantime = config->bantime_steps[MIN(
                                (size_t) n_earlier, config->n_bantime_steps - 1)];
        else
                bantime = config->bantime;
        if (bantime == USEC_INFINITY)
                return USEC_INFINITY;

        if (config->n_bantime_steps == 0 && bantime < POLICY_GROWN_MAX)
                bantime = MIN(grow(bantime, config->bantime_growth, n_earlier), POLICY_GROWN_MAX);
        if (config->bantime_jitter > 0)
                bantime = usec_add(bantime, luck % (config->bantime_jitter + 1));
        if (bantime == USEC_INFINITY)
                bantime--; /* it was only too much to add */
        return MIN(bantime, config->bantime_max);
}

uint64_t policy_luck(const uint8_t key[static POLICY_KEY_SIZE],
                const char *jail,
                const Address *a,
                usec_t start) {
        uint8_t text[POLICY_KEY_SIZE + sizeof(a->bytes) + 2 + sizeof(start) + NAME_MAX] = {};
        size_t n = POLICY_KEY_SIZE, size = MIN(strlen(jail), (size_t) NAME_MAX);

        memcpy(text, key, POLICY_KEY_SIZE);
        text[n++] = a->family == AF_INET ? 4 : 6;
        text[n++] = (uint8_t) a->prefixlen;
        memcpy(text + n, a->bytes, a->family == AF_INET ? 4 : 16);
        n += sizeof(a->bytes);
        for (unsigned i = 0; i < sizeof(start); i++)
                text[n++] = (uint8_t) (start >> (8 * i)); /* the same on every machine */
        memcpy(text + n, jail, size);
        return table_digest(text, n + size);
}

usec_t policy_end(usec_t start, usec_t bantime) {
        if (bantime == USEC_INFINITY)
                return USEC_INFINITY;

        bantime = MIN(bantime, POLICY_LENGTH_MAX);
        return MIN(usec_add(start, bantime), USEC_INFINITY - 1);
}

usec_t policy_remaining(usec_t start, usec_t end, usec_t now, usec_t newest) {
        if (end == USEC_INFINITY)
                return USEC_INFINITY;

        if (now < POLICY_CLOCK_EPOCH)
                now = MAX(now, newest);
        return MIN(usec_sub(end, now), usec_sub(end, start));
}
