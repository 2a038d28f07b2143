/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bans around an address are found by a look-up for each length, so that the answer takes as long
 * with a million of them; of those within a prefix only so many are told.
 */

#include "daemon/bus-lookup.h"

#include "daemon/bus-args.h"
#include "daemon/bus-history.h"
#include "daemon/bus.h"
#include "daemon/manager.h"
#include "model/bus-names.h"

typedef struct Lookup {
        sd_bus_message *reply;
        Manager *manager;
        const Address *address;
        size_t n_bans;
} Lookup;

static int append_around(Lookup *l, Jail *jail) {
        const BanList *bans = jail_get_bans(jail);
        int r = 0;

        for (int n = l->address->prefixlen - 1; n >= 0 && r >= 0; n--) {
                Address net = *l->address;
                const Ban *ban;

                address_widen(&net, (unsigned) n);
                ban = ban_list_get(bans, &net);
                if (ban)
                        r = bus_append_ban(l->reply, l->manager, jail_get_config(jail)->name, ban);
        }

        return r;
}

static int append_within(Lookup *l, Jail *jail) {
        const BanList *bans = jail_get_bans(jail);
        int r = 0;

        for (const Ban *b = ban_list_next_within(bans, l->address, NULL);
                        b && l->n_bans < BUS_LOOKUP_MAX && r >= 0;
                        b = ban_list_next_within(bans, l->address, b)) {
                l->n_bans++;
                r = bus_append_ban(l->reply, l->manager, jail_get_config(jail)->name, b);
        }

        return r;
}

static int append_bans(Lookup *l) {
        int r;

        r = sd_bus_message_open_container(l->reply, 'a', BUS_BAN_TYPE);
        for (size_t i = 0; i < manager_n_jails(l->manager) && r >= 0; i++) {
                Jail *jail = manager_get_jail(l->manager, i);

                r = append_around(l, jail);
                if (r >= 0)
                        r = append_within(l, jail);
        }
        return r < 0 ? r : sd_bus_message_close_container(l->reply);
}

static int append_windows(Lookup *l) {
        usec_t now = manager_now();
        int r;

        r = sd_bus_message_open_container(l->reply, 'a', BUS_WINDOW_TYPE);
        for (size_t i = 0; i < manager_n_jails(l->manager) && r >= 0; i++) {
                Jail *jail = manager_get_jail(l->manager, i);
                char target[ADDRESS_STR_SIZE];
                JailWindow w;

                if (jail_get_window(jail, l->address, now, &w))
                        r = sd_bus_message_append(l->reply,
                                        BUS_WINDOW_TYPE,
                                        jail_get_config(jail)->name,
                                        address_format(&w.target, target),
                                        (uint32_t) w.n_failures,
                                        w.newest);
        }
        return r < 0 ? r : sd_bus_message_close_container(l->reply);
}

static int append_history(Lookup *l) {
        int r, k;

        r = sd_bus_message_open_container(l->reply, 'a', BUS_HISTORY_TYPE);
        if (r < 0)
                return r;

        r = store_newest(manager_get_store(l->manager),
                        l->address,
                        BUS_LOOKUP_HISTORY_MAX,
                        bus_append_history,
                        l->reply);
        k = sd_bus_message_close_container(l->reply);
        return MIN(r, k);
}

/* An entry of the dictionary, whose value the appender adds. */
static int append_entry(Lookup *l, const char *key, const char *type, int (*append)(Lookup *l)) {
        int r;

        r = sd_bus_message_open_container(l->reply, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(l->reply, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(l->reply, 'v', type);
        if (r >= 0)
                r = append(l);
        if (r >= 0)
                r = sd_bus_message_close_container(l->reply);
        if (r >= 0)
                r = sd_bus_message_close_container(l->reply);
        return r;
}

static int append_all(Lookup *l, unsigned n_earlier) {
        char why[MANAGER_ERROR_SIZE];
        int r;

        r = sd_bus_message_open_container(l->reply, 'a', "{sv}");
        if (r >= 0)
                r = append_entry(l, "Bans", "a" BUS_BAN_TYPE, append_bans);
        if (r >= 0)
                r = append_entry(l, "Windows", "a" BUS_WINDOW_TYPE, append_windows);
        if (r >= 0)
                r = sd_bus_message_append(l->reply,
                                "{sv}{sv}",
                                "Allowed",
                                "s",
                                bus_text(manager_explain_spared(l->manager, l->address, why)),
                                "Earlier",
                                "u",
                                (uint32_t) n_earlier);
        if (r >= 0)
                r = append_entry(l, "History", "a" BUS_HISTORY_TYPE, append_history);
        return r < 0 ? r : sd_bus_message_close_container(l->reply);
}

int bus_lookup(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Lookup l = { .manager = userdata };
        unsigned n_earlier = 0;
        const char *address;
        Address a;
        int r;

        assert(l.manager);

        r = bus_authorize(manager_get_bus(l.manager), message, BUS_ACTION_INSPECT, error);
        if (r != 0)
                return r;
        r = sd_bus_message_read(message, "s", &address);
        if (r < 0)
                return r;
        r = bus_read_address(address, &a, error);
        if (r < 0)
                return r;
        l.address = &a;

        r = manager_count_ended(l.manager, &a, &n_earlier);
        if (r < 0)
                return bus_failed(r, "The history could not be read", error);

        r = sd_bus_message_new_method_return(message, &l.reply);
        if (r >= 0)
                r = append_all(&l, n_earlier);
        if (r >= 0)
                r = sd_bus_message_send(l.reply);
        else
                r = bus_failed(r, "What is known of it could not be read", error);
        sd_bus_message_unref(l.reply);
        return r;
}

int bus_dump_bans(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(closep) int fd = -1;
        Manager *m = userdata;
        int r;

        assert(m);

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_INSPECT, error);
        if (r != 0)
                return r;

        r = manager_dump(m, &fd);
        if (r == -EBUSY)
                return sd_bus_error_set(error,
                                SD_BUS_ERROR_LIMITS_EXCEEDED,
                                "Others are being told all bans; one has to wait for them.");
        if (r < 0)
                return bus_failed(r, "The bans cannot be written", error);

        return sd_bus_reply_method_return(message, "h", fd);
}
