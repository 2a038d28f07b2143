/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/policy.h"

#include "base/macro.h"

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

usec_t policy_end(usec_t start, usec_t bantime) {
        if (bantime == USEC_INFINITY)
                return USEC_INFINITY;

        return MIN(usec_add(start, bantime), USEC_INFINITY - 1);
}

usec_t policy_remaining(usec_t start, usec_t end, usec_t now, usec_t newest) {
        if (end == USEC_INFINITY)
                return USEC_INFINITY;

        if (now < POLICY_CLOCK_EPOCH)
                now = MAX(now, newest);
        return MIN(usec_sub(end, now), usec_sub(end, start));
}
