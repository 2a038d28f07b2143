/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/bus-changes.h"

#include "base/usec.h"
#include "model/bus-names.h"

#define INTERVAL USEC_PER_SEC

struct BusChanges {
        Manager *manager;
        BusChangesHandler handler;
        void *userdata;
        sd_event_source *timer;
        ManagerStatus told;
};

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        BusChanges *c = userdata;
        char *changed[16];
        ManagerStatus now;
        size_t n = 0;

        (void) source, (void) usec;

        manager_get_status(c->manager, &now);
        if (now.catching_up != c->told.catching_up)
                changed[n++] = (char *) "State";
        if (now.newest != c->told.newest)
                changed[n++] = (char *) "JournalTimestamp";
        if (now.n_entries != c->told.n_entries)
                changed[n++] = (char *) "Entries";
        if (now.n_failures != c->told.n_failures)
                changed[n++] = (char *) "Failures";
        if (now.n_bans != c->told.n_bans)
                changed[n++] = (char *) "Bans";
        if (now.n_banned != c->told.n_banned)
                changed[n++] = (char *) "RunningBans";
        if (now.n_leaks != c->told.n_leaks)
                changed[n++] = (char *) "Leaks";
        if (now.ownership != c->told.ownership)
                changed[n++] = (char *) "Firewall";
        if (now.n_missing_devices != c->told.n_missing_devices)
                changed[n++] = (char *) "MissingDevices";
        if (now.firewall_failed != c->told.firewall_failed)
                changed[n++] = (char *) "FirewallFailed";
        if (now.store_failed != c->told.store_failed)
                changed[n++] = (char *) "StoreFailed";
        changed[n] = NULL;

        c->told = now;
        if (n > 0)
                c->handler(changed, c->userdata);
        return 0;
}

int bus_changes_new(BusChanges **ret,
                sd_event *event,
                Manager *manager,
                BusChangesHandler handler,
                void *userdata) {
        _cleanup_(bus_changes_freep) BusChanges *c = NULL;
        int r;

        assert(ret);
        assert(event);
        assert(manager);
        assert(handler);

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->manager = manager;
        c->handler = handler;
        c->userdata = userdata;

        r = sd_event_add_time_relative(event, &c->timer, CLOCK_MONOTONIC, INTERVAL, 0, on_timer, c);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

BusChanges *bus_changes_free(BusChanges *c) {
        if (!c)
                return NULL;

        sd_event_source_disable_unref(c->timer);
        free(c);
        return NULL;
}

void bus_changes_look(BusChanges *c) {
        int enabled;

        assert(c);

        /* While it runs, what happens now is told with the rest. */
        if (sd_event_source_get_enabled(c->timer, &enabled) < 0 || enabled != SD_EVENT_OFF)
                return;

        if (sd_event_source_set_time_relative(c->timer, INTERVAL) >= 0)
                (void) sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}
