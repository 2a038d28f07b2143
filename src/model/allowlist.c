/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/allowlist.h"

void allowlist_done(Allowlist *l) {
        assert(l);

        free(l->addresses);
        *l = (Allowlist){};
}

int allowlist_add(Allowlist *l, const Address *a) {
        Address *addresses;

        assert(l);
        assert(a);

        if (allowlist_covers(l, a))
                return 0;
        if (l->n_addresses == ALLOWLIST_MAX)
                return -E2BIG;

        addresses = reallocarray(l->addresses, l->n_addresses + 1, sizeof(*addresses));
        if (!addresses)
                return -ENOMEM;

        l->addresses = addresses;
        l->addresses[l->n_addresses++] = *a;
        return 0;
}

bool allowlist_covers(const Allowlist *l, const Address *a) {
        assert(l);
        assert(a);

        for (size_t i = 0; i < l->n_addresses; i++)
                if (address_covers(&l->addresses[i], a))
                        return true;

        return false;
}

bool allowlist_overlaps(const Allowlist *l, const Address *net) {
        assert(l);
        assert(net);

        for (size_t i = 0; i < l->n_addresses; i++)
                if (address_covers(&l->addresses[i], net) || address_covers(net, &l->addresses[i]))
                        return true;

        return false;
}
