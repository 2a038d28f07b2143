/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/exemptions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void exemption_done(Exemption *x) {
        free(x->jail);
        free(x->reason);
}

void exemptions_done(Exemptions *e) {
        assert(e);

        for (size_t i = 0; i < e->n_exemptions; i++)
                exemption_done(&e->exemptions[i]);
        free(e->exemptions);
        *e = (Exemptions){};
}

int exemptions_add(Exemptions *e, const Exemption *exemption) {
        Exemption copy, *exemptions;

        assert(e);
        assert(exemption);

        if (e->n_exemptions == EXEMPTIONS_MAX)
                return -E2BIG;

        exemptions = reallocarray(e->exemptions, e->n_exemptions + 1, sizeof(*exemptions));
        if (!exemptions)
                return -ENOMEM;
        e->exemptions = exemptions;

        copy = *exemption;
        copy.jail = exemption->jail ? strdup(exemption->jail) : NULL;
        copy.reason = strdup(exemption->reason ?: "");
        if (!copy.reason || (exemption->jail && !copy.jail)) {
                exemption_done(&copy);
                return -ENOMEM;
        }

        exemptions[e->n_exemptions++] = copy;
        return 0;
}

bool exemption_holds(const Exemption *x, usec_t when) {
        assert(x);

        return when >= x->since && when < x->until;
}

static bool is_pause_of(const Exemption *x, const char *jail) {
        return x->jail && streq(x->jail, jail);
}

size_t exemptions_end_address(Exemptions *e, const Address *a, usec_t when) {
        size_t n = 0;

        assert(e);
        assert(a);

        for (size_t i = 0; i < e->n_exemptions; i++) {
                Exemption *x = &e->exemptions[i];

                if (!x->jail && exemption_holds(x, when) && address_equal(&x->address, a)) {
                        x->until = when;
                        n++;
                }
        }

        return n;
}

size_t exemptions_end_pause(Exemptions *e, const char *jail, usec_t when) {
        size_t n = 0;

        assert(e);
        assert(jail);

        for (size_t i = 0; i < e->n_exemptions; i++) {
                Exemption *x = &e->exemptions[i];

                if (is_pause_of(x, jail) && exemption_holds(x, when)) {
                        x->until = when;
                        n++;
                }
        }

        return n;
}

void exemptions_expire(Exemptions *e, usec_t before) {
        size_t n = 0;

        assert(e);

        for (size_t i = 0; i < e->n_exemptions; i++)
                if (e->exemptions[i].until < before)
                        exemption_done(&e->exemptions[i]);
                else
                        e->exemptions[n++] = e->exemptions[i];
        e->n_exemptions = n;
}

bool exemptions_cover(const Exemptions *e, const Address *a, usec_t when) {
        assert(e);
        assert(a);

        for (size_t i = 0; i < e->n_exemptions; i++) {
                const Exemption *x = &e->exemptions[i];

                if (!x->jail && exemption_holds(x, when) && address_covers(&x->address, a))
                        return true;
        }

        return false;
}

bool exemptions_overlap(const Exemptions *e, const Address *net, usec_t when) {
        assert(e);
        assert(net);

        for (size_t i = 0; i < e->n_exemptions; i++) {
                const Exemption *x = &e->exemptions[i];

                if (!x->jail && exemption_holds(x, when) &&
                                (address_covers(&x->address, net) ||
                                                address_covers(net, &x->address)))
                        return true;
        }

        return false;
}

bool exemptions_have_pause(const Exemptions *e, const char *jail, usec_t when) {
        assert(e);
        assert(jail);

        for (size_t i = 0; i < e->n_exemptions; i++)
                if (is_pause_of(&e->exemptions[i], jail) &&
                                exemption_holds(&e->exemptions[i], when))
                        return true;

        return false;
}

usec_t exemptions_next_end(const Exemptions *e, usec_t when) {
        usec_t next = USEC_INFINITY;

        assert(e);

        for (size_t i = 0; i < e->n_exemptions; i++)
                if (exemption_holds(&e->exemptions[i], when))
                        next = MIN(next, e->exemptions[i].until);

        return next;
}
