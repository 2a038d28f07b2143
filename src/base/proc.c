/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/proc.h"

#include "base/macro.h"

void proc_local_ports(uint16_t *ret_first, uint16_t *ret_last) {
        _cleanup_(fclosep) FILE *f = NULL;
        unsigned first, last;

        assert(ret_first);
        assert(ret_last);

        *ret_first = 32768;
        *ret_last = 60999;

        f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
        if (!f || fscanf(f, "%u %u", &first, &last) != 2)
                return;
        if (first == 0 || first > last || last > UINT16_MAX)
                return;

        *ret_first = (uint16_t) first;
        *ret_last = (uint16_t) last;
}

bool proc_is_tracking(void) {
        _cleanup_(fclosep) FILE *f = NULL;
        unsigned n;

        f = fopen("/proc/sys/net/netfilter/nf_conntrack_count", "re");
        return f && fscanf(f, "%u", &n) == 1 && n > 0;
}
