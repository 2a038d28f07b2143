/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The queue, the dispatch to an implementation, and the implementation that does nothing.
 *
 * A change refers to its jail by index. firewall_configure() may be called with changes waiting,
 * for instance because the table was gone when they should have been carried out; they follow their
 * jails to the new indices, and those of jails that are gone are forgotten.
 */

#include "engine/firewall-ops.h"

/* The index of the jail, or n_jails. A host has a handful of jails. */
static size_t find_jail(const FirewallName *names, size_t n_jails, const char *name) {
        size_t i;

        for (i = 0; i < n_jails; i++)
                if (streq(names[i], name))
                        break;

        return i;
}

Firewall *firewall_free(Firewall *f) {
        if (!f)
                return NULL;

        if (f->ops->done)
                f->ops->done(f);
        free(f->names);
        free(f->queue);
        free(f);
        return NULL;
}

static void follow_jails(Firewall *f, const FirewallName *names, size_t n_jails) {
        size_t n = 0;

        for (size_t i = 0; i < f->n_queued; i++) {
                FirewallChange change = f->queue[i];
                size_t jail;

                jail = find_jail(names, n_jails, f->names[change.jail]);
                if (jail == n_jails)
                        continue;

                change.jail = (uint32_t) jail;
                f->queue[n++] = change;
        }

        f->n_queued = n;
}

int firewall_configure(Firewall *f,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails) {
        _cleanup_(freep) FirewallName *names = NULL;
        int r;

        assert(f);
        assert(settings);
        assert(jails || n_jails == 0);

        names = calloc(n_jails + 1, sizeof(*names));
        if (!names)
                return -ENOMEM;

        for (size_t i = 0; i < n_jails; i++) {
                size_t n = strlen(jails[i].name);

                if (n == 0 || n >= FIREWALL_NAME_SIZE)
                        return -EINVAL;
                if (find_jail(names, i, jails[i].name) < i)
                        return -EEXIST;

                memcpy(names[i], jails[i].name, n + 1);
        }

        r = f->ops->configure(f, settings, jails, n_jails);
        if (r < 0)
                return r;

        follow_jails(f, names, n_jails);
        free(f->names);
        f->names = TAKE_PTR(names);
        f->n_jails = n_jails;
        return 0;
}

void firewall_set_longest(Firewall *f, FirewallLongestHandler handler, void *userdata) {
        assert(f);

        f->longest = handler;
        f->longest_userdata = userdata;
}

void firewall_set_meanwhile(Firewall *f, FirewallMeanwhileHandler handler, void *userdata) {
        assert(f);

        f->meanwhile = handler;
        f->meanwhile_userdata = userdata;
}

/* Queues the change, which lacks address and jail. */
static int enqueue(Firewall *f, const char *jail, const Address *address, FirewallChange change) {
        size_t i;

        assert(f);
        assert(jail);
        assert(address);
        assert(address->family == AF_INET || address->family == AF_INET6);
        assert(address->prefixlen <= address_family_bits(address->family));

        i = find_jail(f->names, f->n_jails, jail);
        if (i == f->n_jails)
                return -ENOENT;

        if (f->n_queued == FIREWALL_QUEUE_MAX)
                return -ENOBUFS;

        if (f->n_queued == f->n_allocated) {
                size_t n = MAX(2 * f->n_allocated, (size_t) 64);
                FirewallChange *p;

                p = reallocarray(f->queue, n, sizeof(*p));
                if (!p)
                        return -ENOMEM;

                f->queue = p;
                f->n_allocated = n;
        }

        change.address = *address;
        change.jail = (uint32_t) i;
        f->queue[f->n_queued++] = change;
        return 0;
}

int firewall_add(Firewall *f,
                const char *jail,
                const Address *address,
                usec_t remaining,
                unsigned flags) {
        const FirewallChange change = { .remaining = remaining, .flags = (uint8_t) flags };

        return enqueue(f, jail, address, change);
}

int firewall_remove(Firewall *f, const char *jail, const Address *address) {
        return enqueue(f, jail, address, (FirewallChange){ .remove = true });
}

int firewall_commit(Firewall *f, FirewallRefusedHandler on_refused, void *userdata) {
        size_t n_refused = 0, n_done = 0, n_left = 0;
        int r;

        assert(f);

        if (f->n_queued == 0)
                return 0;

        r = f->ops->apply(f, f->queue, f->n_queued, on_refused, userdata, &n_refused);

        for (size_t i = 0; i < f->n_queued; i++)
                if (f->queue[i].done)
                        n_done++;
                else
                        f->queue[n_left++] = f->queue[i];
        f->n_queued = n_left;

        if (r < 0)
                return r;

        return (int) (n_done - n_refused);
}

void firewall_discard(Firewall *f) {
        assert(f);

        f->n_queued = 0;
}

size_t firewall_n_queued(const Firewall *f) {
        assert(f);

        return f->n_queued;
}

int firewall_list(Firewall *f, size_t max, FirewallElementHandler handler, void *userdata) {
        assert(f);
        assert(handler);

        return f->ops->list(f, max, handler, userdata);
}

int firewall_lookup(Firewall *f, const char *jail, const Address *address, FirewallElement *ret) {
        size_t i;

        assert(f);
        assert(jail);
        assert(address);

        i = find_jail(f->names, f->n_jails, jail);
        if (i == f->n_jails)
                return 0;

        return f->ops->lookup(f, i, address, ret);
}

int firewall_get_counter(Firewall *f, const char *jail, FirewallCounter *ret) {
        size_t i;

        assert(f);
        assert(jail);
        assert(ret);

        i = find_jail(f->names, f->n_jails, jail);
        if (i == f->n_jails)
                return -ENOENT;

        return f->ops->get_counter(f, i, ret);
}

int firewall_check(Firewall *f) {
        assert(f);

        return f->ops->check(f);
}

int firewall_destroy(Firewall *f) {
        assert(f);

        return f->ops->destroy(f);
}

FirewallOwnership firewall_get_ownership(const Firewall *f) {
        assert(f);

        return f->ops->get_ownership(f);
}

unsigned firewall_get_lacks(const Firewall *f) {
        assert(f);

        return f->ops->get_lacks ? f->ops->get_lacks(f) : 0;
}

int firewall_settle(Firewall *f) {
        assert(f);

        return f->ops->settle ? f->ops->settle(f) : 0;
}

int firewall_hand_over(Firewall *f) {
        assert(f);

        return f->ops->hand_over ? f->ops->hand_over(f) : 0;
}

int firewall_get_socket(const Firewall *f) {
        assert(f);

        return f->ops->get_socket ? f->ops->get_socket(f) : -1;
}

int firewall_take_socket(Firewall *f, int fd) {
        assert(f);
        assert(fd >= 0);

        return f->ops->take_socket ? f->ops->take_socket(f, fd) : -EINVAL;
}

int firewall_get_watch(const Firewall *f) {
        assert(f);

        return f->ops->get_watch ? f->ops->get_watch(f) : -1;
}

int firewall_read_meddling(Firewall *f,
                FirewallTouchedHandler handler,
                void *userdata,
                FirewallMeddling *ret) {
        assert(f);
        assert(handler);
        assert(ret);

        return f->ops->read_meddling ? f->ops->read_meddling(f, handler, userdata, ret) : 0;
}

/* firewall = log */

static FirewallOwnership log_get_ownership(const Firewall *f _unused_) {
        return FIREWALL_NONE;
}

static int log_configure(Firewall *f _unused_,
                const FirewallSettings *settings _unused_,
                const FirewallJail *jails _unused_,
                size_t n_jails _unused_) {
        return 0;
}

static int log_apply(Firewall *f _unused_,
                FirewallChange *changes,
                size_t n_changes,
                FirewallRefusedHandler on_refused _unused_,
                void *userdata _unused_,
                size_t *ret_n_refused) {
        for (size_t i = 0; i < n_changes; i++)
                changes[i].done = true;

        *ret_n_refused = 0;
        return 0;
}

static int log_list(Firewall *f _unused_,
                size_t max _unused_,
                FirewallElementHandler handler _unused_,
                void *userdata _unused_) {
        return 0;
}

static int log_lookup(Firewall *f _unused_,
                size_t jail _unused_,
                const Address *address _unused_,
                FirewallElement *ret _unused_) {
        return 0;
}

static int log_get_counter(Firewall *f _unused_, size_t jail _unused_, FirewallCounter *ret) {
        *ret = (FirewallCounter){};
        return 0;
}

static int log_check(Firewall *f _unused_) {
        return 1;
}

static int log_destroy(Firewall *f _unused_) {
        return 0;
}

int firewall_log_new(Firewall **ret) {
        static const FirewallOps ops = {
                .get_ownership = log_get_ownership,
                .configure = log_configure,
                .apply = log_apply,
                .list = log_list,
                .lookup = log_lookup,
                .get_counter = log_get_counter,
                .check = log_check,
                .destroy = log_destroy,
        };
        Firewall *f;

        assert(ret);

        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;

        f->ops = &ops;
        *ret = f;
        return 0;
}
