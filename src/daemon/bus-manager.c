/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The vtable, and glue between the bus and what manager.h has to show. Bans are made and lifted in
 * bus-bans.c; what is told of the past is in bus-history.c.
 */

#include "daemon/bus-manager.h"

#include "daemon/ban-page.h"
#include "daemon/bus-args.h"
#include "daemon/bus-bans.h"
#include "daemon/bus-exempt.h"
#include "daemon/bus-history.h"
#include "daemon/bus-jail.h"
#include "daemon/bus-log.h"
#include "daemon/bus-lookup.h"
#include "daemon/bus-verify.h"
#include "model/bus-names.h"

/* Methods that change something */

static int method_reload(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        char why[MANAGER_ERROR_SIZE] = "";
        Manager *m = userdata;
        int r;

        assert(m);

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_RELOAD, error);
        if (r != 0)
                return r;

        r = manager_reload(m, why);
        if (r == -EINVAL)
                return sd_bus_error_set(error,
                                BUS_ERROR_INVALID_CONFIGURATION,
                                why[0] ? why : "The configuration has mistakes; see the journal.");
        if (r < 0)
                return bus_failed(r, "The configuration could not be loaded", error);

        return sd_bus_reply_method_return(message, NULL);
}

/* Single failures */

static int method_subscribe(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        int r;

        assert(m);

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_INSPECT, error);
        if (r != 0)
                return r;

        r = bus_subscribe(manager_get_bus(m), message);
        if (r == -EDQUOT)
                return sd_bus_error_setf(error,
                                SD_BUS_ERROR_LIMITS_EXCEEDED,
                                "There are %d subscribers, which is the limit.",
                                BUS_SUBSCRIBERS_MAX);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, NULL);
}

static int method_unsubscribe(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        int r;

        (void) error;
        assert(m);

        r = bus_unsubscribe(manager_get_bus(m), message);
        return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
}

/* Methods that tell something */

/* What is told of bans, one after the other. */
typedef struct ListKind {
        const char *type;
        bool (*has)(const Jail *jail); /* any; NULL: see for yourself */
        bool (*wants)(const Ban *ban); /* NULL: all */
        int (*append)(sd_bus_message *reply, Manager *m, const BanPageEntry *e);
} ListKind;

static bool has_leaks(const Jail *jail) {
        JailStats stats;

        jail_get_stats(jail, &stats);
        return stats.n_leaks > 0;
}

static bool leaks(const Ban *ban) {
        return ban->n_leaks > 0;
}

static bool is_counted(const Ban *ban) {
        return ban->is_counted;
}

static void offer_bans(BanPage *page, Jail *jail, const ListKind *kind) {
        const char *name = jail_get_config(jail)->name;
        const BanList *bans = jail_get_bans(jail);

        if (kind->has && !kind->has(jail))
                return;

        for (const Ban *b = ban_list_next(bans, NULL); b; b = ban_list_next(bans, b))
                if (!kind->wants || kind->wants(b))
                        ban_page_offer(page, name, b);
}

static int append_counter(sd_bus_message *reply, Manager *m, const BanPageEntry *e) {
        char address[ADDRESS_STR_SIZE];
        FirewallCounter c;

        /* Of one that cannot be read, or is not there after all, nothing is told. */
        if (manager_get_ban_counter(m, e->jail, e->ban, &c) <= 0)
                return 0;

        return sd_bus_message_append(reply,
                        BUS_COUNTER_TYPE,
                        e->ban->id,
                        e->jail,
                        address_format(&e->ban->address, address),
                        c.packets,
                        c.bytes);
}

static int append_leak(sd_bus_message *reply, Manager *m, const BanPageEntry *e) {
        char address[ADDRESS_STR_SIZE];

        (void) m;
        return sd_bus_message_append(reply,
                        BUS_LEAK_TYPE,
                        e->ban->id,
                        e->jail,
                        address_format(&e->ban->address, address),
                        (uint64_t) e->ban->n_leaks);
}

static int append_ban(sd_bus_message *reply, Manager *m, const BanPageEntry *e) {
        return bus_append_ban(reply, m, e->jail, e->ban);
}

static int
append_page(sd_bus_message *reply, Manager *m, const BanPage *page, const ListKind *kind) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', kind->type);
        for (size_t i = 0; i < page->n_entries && r >= 0; i++)
                r = kind->append(reply, m, &page->entries[i]);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(reply);
}

static int list(sd_bus_message *message, Manager *m, const ListKind *kind, sd_bus_error *error) {
        _cleanup_(ban_page_done) BanPage page = {};
        sd_bus_message *reply = NULL;
        const char *name;
        Jail *jail = NULL;
        uint64_t after;
        uint32_t max;
        int r;

        assert(m);

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_INSPECT, error);
        if (r != 0)
                return r;
        r = sd_bus_message_read(message, "stu", &name, &after, &max);
        if (r < 0)
                return r;

        if (!isempty(name)) {
                jail = manager_find_jail(m, name);
                if (!jail)
                        return bus_no_such_jail(name, error);
        }

        if (max == 0 || max > BUS_LIST_MAX)
                max = BUS_LIST_MAX;
        r = ban_page_init(&page, after, max);
        if (r < 0)
                return r;

        r = manager_load_rest(m);
        if (r < 0)
                return bus_failed(r, "The bans could not be read", error);
        for (size_t i = 0; i < manager_n_jails(m); i++)
                if (!jail || manager_get_jail(m, i) == jail)
                        offer_bans(&page, manager_get_jail(m, i), kind);
        ban_page_sort(&page);

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = append_page(reply, m, &page, kind);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        sd_bus_message_unref(reply);
        return r;
}

static int method_list_bans(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        static const ListKind bans = { .type = BUS_BAN_TYPE, .append = append_ban };

        return list(message, userdata, &bans, error);
}

static int method_list_leaks(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        static const ListKind those_that_leak = {
                .type = BUS_LEAK_TYPE,
                .has = has_leaks,
                .wants = leaks,
                .append = append_leak,
        };

        return list(message, userdata, &those_that_leak, error);
}

static int method_list_counters(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        static const ListKind counters = {
                .type = BUS_COUNTER_TYPE,
                .wants = is_counted,
                .append = append_counter,
        };

        return list(message, userdata, &counters, error);
}

/* Properties */

#define GETTER(name)                                                                               \
        static int name(sd_bus *bus,                                                               \
                        const char *path,                                                          \
                        const char *interface,                                                     \
                        const char *property,                                                      \
                        sd_bus_message *reply,                                                     \
                        void *userdata,                                                            \
                        sd_bus_error *error)

GETTER(get_string) {
        ManagerStatus s;
        const char *value;

        (void) bus, (void) path, (void) interface, (void) error;
        manager_get_status(userdata, &s);

        if (streq(property, "Version"))
                value = BANJO_VERSION;
        else if (streq(property, "State"))
                value = s.catching_up ? "catching-up" : "following";
        else if (s.ownership == FIREWALL_NONE)
                value = "log";
        else
                value = s.ownership == FIREWALL_OWNED ? "nft, owned" : "nft";

        return sd_bus_message_append(reply, "s", value);
}

GETTER(get_number) {
        ManagerStatus s;
        uint64_t value;

        (void) bus, (void) path, (void) interface, (void) error;
        manager_get_status(userdata, &s);

        if (streq(property, "StartTimestamp"))
                value = s.started;
        else if (streq(property, "JournalTimestamp"))
                value = s.newest;
        else if (streq(property, "JournalLagUSec"))
                value = s.lag;
        else if (streq(property, "Leaks"))
                value = s.n_leaks;
        else if (streq(property, "Entries"))
                value = s.n_entries;
        else if (streq(property, "Failures"))
                value = s.n_failures;
        else if (streq(property, "Bans"))
                value = s.n_bans;
        else
                value = s.n_banned;

        return sd_bus_message_append(reply, "t", value);
}

GETTER(get_bool) {
        ManagerStatus s;

        (void) bus, (void) path, (void) interface, (void) error;
        manager_get_status(userdata, &s);

        return sd_bus_message_append(reply,
                        "b",
                        (int) (streq(property, "FirewallFailed") ? s.firewall_failed
                                                                 : s.store_failed));
}

GETTER(get_missing_devices) {
        const char *name;
        int r;

        (void) bus, (void) path, (void) interface, (void) property, (void) error;

        r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && (name = manager_get_missing_device(userdata, i)); i++)
                r = sd_bus_message_append(reply, "s", name);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_PROPERTY("Version", "s", get_string, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", get_string, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("StartTimestamp", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("JournalLagUSec", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("Leaks", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("JournalTimestamp",
                        "t",
                        get_number,
                        0,
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Entries", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Failures", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Bans", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("RunningBans", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Firewall", "s", get_string, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("FirewallFailed", "b", get_bool, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("StoreFailed", "b", get_bool, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("MissingDevices",
                        "as",
                        get_missing_devices,
                        0,
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("VerifyProgress", "(tt)", bus_get_verify_progress, 0, 0),

        SD_BUS_METHOD_WITH_ARGS("Ban",
                        SD_BUS_ARGS("s", jail, "s", address, "t", duration_usec, "s", reason),
                        SD_BUS_NO_RESULT,
                        bus_ban,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("BanWithFlags",
                        SD_BUS_ARGS("s",
                                        jail,
                                        "s",
                                        address,
                                        "t",
                                        duration_usec,
                                        "s",
                                        reason,
                                        "t",
                                        flags),
                        SD_BUS_NO_RESULT,
                        bus_ban_with_flags,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("BanMany",
                        SD_BUS_ARGS("s",
                                        jail,
                                        "as",
                                        addresses,
                                        "t",
                                        duration_usec,
                                        "s",
                                        reason,
                                        "t",
                                        flags),
                        SD_BUS_RESULT("u", banned, "u", unchanged, "a" BUS_REFUSED_TYPE, refused),
                        bus_ban_many,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unban",
                        SD_BUS_ARGS("s", jail, "s", address),
                        SD_BUS_RESULT("u", lifted),
                        bus_unban,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("UnbanMany",
                        SD_BUS_ARGS("s", jail, "as", addresses),
                        SD_BUS_RESULT("u", lifted, "as", not_banned),
                        bus_unban_many,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("UnbanAll",
                        SD_BUS_ARGS("s", jail),
                        SD_BUS_RESULT("u", lifted),
                        bus_unban_all,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListBans",
                        SD_BUS_ARGS("s", jail, "t", after, "u", max),
                        SD_BUS_RESULT("a" BUS_BAN_TYPE, bans),
                        method_list_bans,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("DumpBans",
                        SD_BUS_NO_ARGS,
                        SD_BUS_RESULT("h", pipe),
                        bus_dump_bans,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Lookup",
                        SD_BUS_ARGS("s", address),
                        SD_BUS_RESULT("a{sv}", answer),
                        bus_lookup,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListLeaks",
                        SD_BUS_ARGS("s", jail, "t", after, "u", max),
                        SD_BUS_RESULT("a" BUS_LEAK_TYPE, bans),
                        method_list_leaks,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListCounters",
                        SD_BUS_ARGS("s", jail, "t", after, "u", max),
                        SD_BUS_RESULT("a" BUS_COUNTER_TYPE, bans),
                        method_list_counters,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("History",
                        SD_BUS_ARGS("s",
                                        jail,
                                        "s",
                                        address,
                                        "t",
                                        since_usec,
                                        "t",
                                        until_usec,
                                        "t",
                                        after,
                                        "u",
                                        max),
                        SD_BUS_RESULT("a" BUS_HISTORY_TYPE,
                                        bans,
                                        "t",
                                        next_since_usec,
                                        "t",
                                        next_after,
                                        "b",
                                        more),
                        bus_history,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Why",
                        SD_BUS_ARGS("s", address),
                        SD_BUS_RESULT("a" BUS_WHY_TYPE, bans, "a" BUS_NEXT_TYPE, next),
                        bus_why,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Statistics",
                        SD_BUS_ARGS("t", since_usec, "t", until_usec, "t", step_usec),
                        SD_BUS_RESULT("a" BUS_STEPS_TYPE,
                                        steps,
                                        "a" BUS_PATTERNS_TYPE,
                                        patterns,
                                        "a" BUS_TOP_TYPE,
                                        users,
                                        "a" BUS_TOP_TYPE,
                                        networks),
                        bus_statistics,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Forget",
                        SD_BUS_ARGS("s", address),
                        SD_BUS_RESULT("u", forgotten),
                        bus_forget,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Allow",
                        SD_BUS_ARGS("s", address, "t", duration_usec, "s", reason),
                        SD_BUS_NO_RESULT,
                        bus_allow,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Disallow",
                        SD_BUS_ARGS("s", address),
                        SD_BUS_RESULT("u", removed),
                        bus_disallow,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListAllowed",
                        SD_BUS_NO_ARGS,
                        SD_BUS_RESULT("a" BUS_ALLOWED_TYPE, allowed),
                        bus_list_allowed,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetJail",
                        SD_BUS_ARGS("s", name),
                        SD_BUS_RESULT("o", path),
                        bus_get_jail,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListJails",
                        SD_BUS_NO_ARGS,
                        SD_BUS_RESULT("a(sa{sv})", jails),
                        bus_list_jails,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Verify",
                        SD_BUS_ARGS("b", all),
                        SD_BUS_RESULT("t",
                                        bans,
                                        "t",
                                        checked,
                                        "t",
                                        found,
                                        "a" BUS_DIFFERENCE_TYPE,
                                        differences),
                        bus_verify,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload",
                        SD_BUS_NO_ARGS,
                        SD_BUS_NO_RESULT,
                        method_reload,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Subscribe",
                        SD_BUS_NO_ARGS,
                        SD_BUS_NO_RESULT,
                        method_subscribe,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unsubscribe",
                        SD_BUS_NO_ARGS,
                        SD_BUS_NO_RESULT,
                        method_unsubscribe,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Flush",
                        SD_BUS_NO_ARGS,
                        SD_BUS_RESULT("u", lifted),
                        bus_flush,
                        SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_SIGNAL_WITH_ARGS("Banned",
                        SD_BUS_ARGS("s",
                                        jail,
                                        "s",
                                        address,
                                        "t",
                                        start_usec,
                                        "t",
                                        end_usec,
                                        "u",
                                        failures,
                                        "s",
                                        pattern,
                                        "s",
                                        reason),
                        0),
        SD_BUS_SIGNAL_WITH_ARGS("Unbanned", SD_BUS_ARGS("s", jail, "s", address, "s", cause), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Failure",
                        SD_BUS_ARGS("s",
                                        jail,
                                        "s",
                                        address,
                                        "s",
                                        pattern,
                                        "s",
                                        user,
                                        "u",
                                        failures,
                                        "t",
                                        time_usec),
                        0),
        SD_BUS_SIGNAL_WITH_ARGS("JailAdded", SD_BUS_ARGS("s", name, "o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS("JailRemoved", SD_BUS_ARGS("s", name, "o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Reloaded", SD_BUS_NO_ARGS, 0),
        SD_BUS_SIGNAL_WITH_ARGS("FirewallRepaired", SD_BUS_ARGS("s", what), 0),

        SD_BUS_VTABLE_END,
};

int bus_manager_add(sd_bus *bus, Manager *m) {
        int r;

        assert(bus);
        assert(m);

        r = sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_INTERFACE, manager_vtable, m);
        if (r >= 0)
                r = bus_jail_add(bus, m);
        if (r >= 0)
                r = bus_log_add(bus);
        return r;
}

int bus_manager_emit_changed(sd_bus *bus, char **properties) {
        assert(bus);
        assert(properties);

        return sd_bus_emit_properties_changed_strv(bus, BUS_PATH, BUS_INTERFACE, properties);
}

int bus_manager_emit_banned(sd_bus *bus, const char *jail, const Ban *b) {
        char address[ADDRESS_STR_SIZE];

        assert(bus);
        assert(jail);
        assert(b);

        return sd_bus_emit_signal(bus,
                        BUS_PATH,
                        BUS_INTERFACE,
                        "Banned",
                        "ssttuss",
                        jail,
                        address_format(&b->address, address),
                        b->start,
                        b->end,
                        (uint32_t) b->failures,
                        bus_text(b->pattern),
                        bus_text(b->reason));
}

int bus_manager_emit_unbanned(sd_bus *bus, const char *jail, const Address *a, const char *cause) {
        char address[ADDRESS_STR_SIZE];

        assert(bus);
        assert(jail);
        assert(a);
        assert(cause);

        return sd_bus_emit_signal(bus,
                        BUS_PATH,
                        BUS_INTERFACE,
                        "Unbanned",
                        "sss",
                        jail,
                        address_format(a, address),
                        cause);
}

int bus_manager_emit_reloaded(sd_bus *bus) {
        assert(bus);

        return sd_bus_emit_signal(bus, BUS_PATH, BUS_INTERFACE, "Reloaded", NULL);
}

int bus_manager_emit_repaired(sd_bus *bus, const char *what) {
        assert(bus);
        assert(what);

        return sd_bus_emit_signal(bus, BUS_PATH, BUS_INTERFACE, "FirewallRepaired", "s", what);
}

int bus_manager_emit_failure(sd_bus *bus, const char *destination, const BusFailure *f) {
        char address[ADDRESS_STR_SIZE];
        sd_bus_message *signal = NULL;
        int r;

        assert(bus);
        assert(f);

        r = sd_bus_message_new_signal(bus, &signal, BUS_PATH, BUS_INTERFACE, "Failure");
        if (r >= 0)
                r = sd_bus_message_append(signal,
                                "ssssut",
                                f->jail,
                                address_format(f->address, address),
                                bus_text(f->pattern),
                                bus_text(f->user),
                                (uint32_t) f->failures,
                                f->when);
        if (r >= 0 && destination)
                r = sd_bus_message_set_destination(signal, destination);
        if (r >= 0)
                r = sd_bus_send(bus, signal, NULL);
        sd_bus_message_unref(signal);
        return r;
}
