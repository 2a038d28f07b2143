/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One table has all properties, and sd-bus' vtable is made of it. Most are a field of the jail's
 * configuration or of its counters, whose type follows from the property's; the others have a
 * function. A key of the configuration that has no property is found by tests/check/check-keys.
 */

#include "daemon/bus-jail.h"

#include <stddef.h>

#include "base/strv.h"
#include "daemon/bus-args.h"
#include "daemon/bus.h"
#include "model/bus-names.h"

/* What a property is read from. */
typedef struct Source {
        Manager *manager;
        Jail *jail;
        const JailConfig *config;
        JailStats stats;
} Source;

typedef enum Where {
        IN_CONFIG,
        IN_STATS,
} Where;

typedef struct Property {
        const char *key; /* of jail-keys.h that it tells; NULL for others */
        const char *name;
        const char *type;
        bool listed; /* in ListJails(), too */
        Where where;
        size_t offset;
        int (*append)(sd_bus_message *m, const Source *s); /* NULL: where and offset say */
        uint64_t flags;
} Property;

/* Settings that are more than a field */

#define APPENDER(name) static int name(sd_bus_message *m, const Source *s)

APPENDER(append_name) {
        return sd_bus_message_append(m, "s", s->config->name);
}

APPENDER(append_source) {
        return sd_bus_message_append(
                        m, "s", s->config->source == JAIL_SOURCE_BANS ? "bans" : "journal");
}

APPENDER(append_filter) {
        return sd_bus_message_append(m, "s", s->config->filter ? s->config->filter->name : "");
}

APPENDER(append_match) {
        _cleanup_(freep) char *match = NULL;

        if (s->config->match) {
                match = match_to_string(s->config->match);
                if (!match)
                        return -ENOMEM;
        }

        return sd_bus_message_append(m, "s", bus_text(match));
}

APPENDER(append_weights) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "(su)");
        for (size_t i = 0; i < s->config->n_weights && r >= 0; i++)
                r = sd_bus_message_append(m,
                                "(su)",
                                bus_text(s->config->weights[i].pattern),
                                (uint32_t) s->config->weights[i].weight);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

APPENDER(append_growth) {
        return sd_bus_message_append(
                        m, "d", (double) s->config->bantime_growth / CONFIG_GROWTH_ONE);
}

APPENDER(append_steps) {
        return sd_bus_message_append_array(m,
                        't',
                        s->config->bantime_steps,
                        s->config->n_bantime_steps * sizeof(*s->config->bantime_steps));
}

APPENDER(append_memory_scope) {
        return sd_bus_message_append(m, "s", s->config->memory_all ? "all" : "jail");
}

APPENDER(append_protocols) {
        unsigned protocols = s->config->ports.protocols;
        const char *names[3];
        size_t n = 0;

        if (protocols & PORT_TCP)
                names[n++] = "tcp";
        if (protocols & PORT_UDP)
                names[n++] = "udp";
        names[n] = NULL;
        return sd_bus_message_append_strv(m, (char **) names);
}

APPENDER(append_ports) {
        char buf[PORTS_STR_SIZE];

        return sd_bus_message_append(m, "s", ports_format(&s->config->ports, buf, sizeof(buf)));
}

APPENDER(append_block) {
        static const char *const names[] = {
                [BLOCK_DROP] = "drop",
                [BLOCK_REJECT] = "reject",
                [BLOCK_RESET] = "reset",
        };

        return sd_bus_message_append(m, "s", names[s->config->block]);
}

APPENDER(append_scope) {
        return sd_bus_message_append(m, "s", s->config->scope == SCOPE_LOCAL ? "local" : "all");
}

static int append_texts(sd_bus_message *m, char *const *texts) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "s");
        for (; texts && *texts && r >= 0; texts++)
                r = sd_bus_message_append(m, "s", bus_text(*texts));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

APPENDER(append_allow) {
        char address[ADDRESS_STR_SIZE];
        int r;

        r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; i < s->config->allow.n_addresses && r >= 0; i++)
                r = sd_bus_message_append(
                                m, "s", address_format(&s->config->allow.addresses[i], address));
        for (char **name = s->config->allow_names; name && *name && r >= 0; name++)
                r = sd_bus_message_append(m, "s", bus_text(*name));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

APPENDER(append_networks) {
        const NetworkLimits *networks = &s->config->networks;
        int r;

        r = sd_bus_message_open_container(m, 'a', "(uu)");
        for (size_t i = 0; i < networks->n_limits && r >= 0; i++)
                r = sd_bus_message_append(m,
                                "(uu)",
                                (uint32_t) networks->limits[i].prefixlen,
                                (uint32_t) networks->limits[i].limit);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* State and counters that are more than a field */

APPENDER(append_paused) {
        return sd_bus_message_append(m, "b", (int) manager_is_paused(s->manager, s->config->name));
}

APPENDER(append_banned) {
        return sd_bus_message_append(m, "t", (uint64_t) manager_n_banned_by(s->manager, s->jail));
}

APPENDER(append_forgotten) {
        return sd_bus_message_append(m,
                        "t",
                        s->stats.n_forgotten + s->stats.n_networks_forgotten +
                                        s->stats.n_users_forgotten);
}

static int append_dropped(sd_bus_message *m, const Source *s, bool bytes) {
        FirewallCounter dropped = {};

        (void) manager_get_counter(s->manager, s->config->name, &dropped);
        return sd_bus_message_append(m, "t", bytes ? dropped.bytes : dropped.packets);
}

APPENDER(append_dropped_packets) {
        return append_dropped(m, s, false);
}

APPENDER(append_dropped_bytes) {
        return append_dropped(m, s, true);
}

/* The table */

#define SETTING(key, name, type, field)                                                            \
        { key, name, type, false, IN_CONFIG, offsetof(JailConfig, field), NULL }
#define SETTING_LISTED(key, name, type, field)                                                     \
        { key, name, type, true, IN_CONFIG, offsetof(JailConfig, field), NULL }
#define SETTING_BY(key, name, type, append)                                                        \
        { key, name, type, false, IN_CONFIG, 0, append }
#define SETTING_LISTED_BY(key, name, type, append)                                                 \
        { key, name, type, true, IN_CONFIG, 0, append }
#define COUNTER(name, field)                                                                       \
        { NULL, name, "t", true, IN_STATS, offsetof(JailStats, field), NULL }
#define COUNTER_UNLISTED(name, field)                                                              \
        { NULL, name, "t", false, IN_STATS, offsetof(JailStats, field), NULL }
#define COUNTER_BY(name, append)                                                                   \
        { NULL, name, "t", true, IN_STATS, 0, append }

static const Property properties[] = {
        SETTING_BY(NULL, "Name", "s", append_name),
        SETTING_LISTED(NULL, "Refused", "b", refused),

        SETTING_LISTED("enabled", "Enabled", "b", enabled),
        SETTING_LISTED("description", "Description", "s", description),
        SETTING_LISTED_BY("source", "Source", "s", append_source),
        SETTING_LISTED_BY("filter", "Filter", "s", append_filter),
        SETTING("groups", "Groups", "as", groups),
        SETTING_BY("weight", "Weights", "a(su)", append_weights),
        SETTING_LISTED_BY("units journal", "Match", "s", append_match),
        SETTING("namespace", "Namespace", "s", journal_namespace),
        SETTING_LISTED("maxretry", "MaxRetry", "u", maxretry),
        SETTING_LISTED("findtime", "FindTimeUSec", "t", findtime),
        SETTING("user_maxretry", "UserMaxRetry", "u", user_maxretry),
        SETTING("user_weight", "UserWeight", "u", user_weight),
        SETTING_LISTED("bantime", "BanTimeUSec", "t", bantime),
        SETTING_BY("bantime_growth", "BanTimeGrowth", "d", append_growth),
        SETTING_BY("bantime_steps", "BanTimeStepsUSec", "at", append_steps),
        SETTING("bantime_max", "BanTimeMaxUSec", "t", bantime_max),
        SETTING("bantime_jitter", "BanTimeJitterUSec", "t", bantime_jitter),
        SETTING("memory", "MemoryUSec", "t", memory),
        SETTING_BY("memory_scope", "MemoryScope", "s", append_memory_scope),
        SETTING("permanent_after", "PermanentAfter", "u", permanent_after),
        SETTING_LISTED_BY("protocol", "Protocols", "as", append_protocols),
        SETTING_LISTED_BY("ports", "Ports", "s", append_ports),
        SETTING(NULL, "PortsAuto", "b", ports_auto),
        SETTING_BY("block", "Block", "s", append_block),
        SETTING_BY("scope", "Scope", "s", append_scope),
        SETTING("counters", "Counters", "t", counters),
        /* Thousands of them in each jail would make an answer about all jails larger than a bus
         * passes on. */
        {
                        .key = "allow",
                        .name = "Allow",
                        .type = "as",
                        .append = append_allow,
                        .flags = SD_BUS_VTABLE_PROPERTY_EXPLICIT,
        },
        SETTING("allow_local", "AllowLocal", "b", allow_local),
        SETTING("allow_sessions", "AllowSessions", "as", allow_sessions),
        SETTING("spoofable", "Spoofable", "b", spoofable),
        SETTING("ipv4_prefix", "IPv4Prefix", "u", ipv4_prefix),
        SETTING("ipv6_prefix", "IPv6Prefix", "u", ipv6_prefix),
        SETTING_BY("networks", "Networks", "a(uu)", append_networks),
        SETTING("max_addresses", "MaxAddresses", "t", max_addresses),
        SETTING("max_bans", "MaxBans", "t", max_bans),

        {
                        .name = "Paused",
                        .type = "b",
                        .listed = true,
                        .append = append_paused,
                        .flags = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE,
        },
        COUNTER_BY("Banned", append_banned),
        COUNTER("Entries", n_entries),
        COUNTER("Failures", n_failures),
        COUNTER("Leaks", n_leaks),
        COUNTER_UNLISTED("FailuresAllowed", n_allowed),
        COUNTER_UNLISTED("FailuresBanned", n_banned),
        COUNTER("Forgiven", n_forgiven),
        COUNTER_BY("Forgotten", append_forgotten),
        COUNTER("Displaced", n_displaced),
        COUNTER("Cut", n_cut),
        COUNTER("Exceeded", n_exceeded),
        COUNTER("LastFailureUSec", last_failure),
        COUNTER_BY("DroppedPackets", append_dropped_packets),
        COUNTER_BY("DroppedBytes", append_dropped_bytes),
};

static Source make_source(Manager *m, Jail *jail) {
        Source s = { .manager = m, .jail = jail, .config = jail_get_config(jail) };

        jail_get_stats(jail, &s.stats);
        return s;
}

static int append_field(sd_bus_message *m, const char *type, const void *field) {
        static_assert(sizeof(size_t) == sizeof(uint64_t), "read as \"t\"");

        if (streq(type, "b"))
                return sd_bus_message_append(m, "b", (int) *(const bool *) field);
        if (streq(type, "u"))
                return sd_bus_message_append(m, "u", (uint32_t) * (const unsigned *) field);
        if (streq(type, "t"))
                return sd_bus_message_append(m, "t", *(const uint64_t *) field);
        if (streq(type, "s"))
                return sd_bus_message_append(m, "s", bus_text(*(char *const *) field));

        assert(streq(type, "as"));
        return append_texts(m, *(char *const *const *) field);
}

static int append_value(sd_bus_message *m, const Property *p, const Source *s) {
        const char *base =
                        p->where == IN_STATS ? (const char *) &s->stats : (const char *) s->config;

        return p->append ? p->append(m, s) : append_field(m, p->type, base + p->offset);
}

/* Objects */

static int make_path(const char *name, char **ret) {
        return sd_bus_path_encode(BUS_JAIL_PATH, name, ret);
}

static int find_jail(sd_bus *bus,
                const char *path,
                const char *interface,
                void *userdata,
                void **ret,
                sd_bus_error *error) {
        _cleanup_(freep) char *name = NULL;
        Jail *jail;
        int r;

        (void) bus, (void) interface, (void) error;

        r = sd_bus_path_decode(path, BUS_JAIL_PATH, &name);
        if (r <= 0)
                return r;

        jail = manager_find_jail(userdata, name);
        if (!jail)
                return 0;

        *ret = jail;
        return 1;
}

static int
list_objects(sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error) {
        Manager *m = userdata;
        char **paths;
        size_t n = manager_n_jails(m);
        int r = 0;

        (void) bus, (void) prefix, (void) error;

        paths = calloc(n + 1, sizeof(*paths));
        if (!paths)
                return -ENOMEM;
        for (size_t i = 0; i < n && r >= 0; i++)
                r = make_path(jail_get_config(manager_get_jail(m, i))->name, &paths[i]);
        if (r < 0) {
                strv_free(paths);
                return r;
        }

        *ret = paths;
        return 0;
}

/* The manager is the userdata of the whole vtable, the jail of the object. */
static Manager *current_manager(sd_bus *bus) {
        return sd_bus_slot_get_userdata(sd_bus_get_current_slot(bus));
}

static int get_property(sd_bus *bus,
                const char *path,
                const char *interface,
                const char *property,
                sd_bus_message *reply,
                void *userdata,
                sd_bus_error *error) {
        const Source s = make_source(current_manager(bus), userdata);

        (void) path, (void) interface, (void) error;

        for (size_t i = 0; i < ELEMENTSOF(properties); i++)
                if (streq(properties[i].name, property))
                        return append_value(reply, &properties[i], &s);

        assert(false);
}

/* Methods */

static int change(sd_bus_message *message,
                Jail *jail,
                int (*command)(Manager *m, const char *jail),
                const char *done,
                sd_bus_error *error) {
        Manager *m = current_manager(sd_bus_message_get_bus(message));
        const char *name = jail_get_config(jail)->name;
        int r;

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_MANAGE, error);
        if (r != 0)
                return r;

        r = command(m, name);
        if (r > 0 || r == -EROFS)
                bus_emit_paused(manager_get_bus(m), name);
        if (r == -EROFS)
                return bus_not_stored(m, done, error);
        if (r == -E2BIG)
                return bus_too_many_exemptions(error);
        if (r < 0)
                return bus_failed(r, "The jail could not be changed", error);

        return sd_bus_reply_method_return(message, NULL);
}

static int method_pause(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return change(message, userdata, manager_pause, "The jail pauses", error);
}

static int method_resume(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return change(message, userdata, manager_resume, "The jail goes on", error);
}

static const sd_bus_vtable methods[] = {
        SD_BUS_METHOD_WITH_ARGS("Pause",
                        SD_BUS_NO_ARGS,
                        SD_BUS_NO_RESULT,
                        method_pause,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Resume",
                        SD_BUS_NO_ARGS,
                        SD_BUS_NO_RESULT,
                        method_resume,
                        SD_BUS_VTABLE_UNPRIVILEGED),
};

static sd_bus_vtable vtable[ELEMENTSOF(properties) + ELEMENTSOF(methods) + 2];

static void make_vtable(void) {
        sd_bus_vtable *v = vtable;

        if (vtable[0].type == _SD_BUS_VTABLE_START)
                return;

        *v++ = (sd_bus_vtable) SD_BUS_VTABLE_START(0);
        for (size_t i = 0; i < ELEMENTSOF(properties); i++)
                *v++ = (sd_bus_vtable) SD_BUS_PROPERTY(properties[i].name,
                                properties[i].type,
                                get_property,
                                0,
                                properties[i].flags);
        for (size_t i = 0; i < ELEMENTSOF(methods); i++)
                *v++ = methods[i];
        *v = (sd_bus_vtable) SD_BUS_VTABLE_END;
}

int bus_jail_add(sd_bus *bus, Manager *m) {
        int r;

        assert(bus);
        assert(m);

        make_vtable();
        r = sd_bus_add_fallback_vtable(
                        bus, NULL, BUS_JAIL_PATH, BUS_JAIL_INTERFACE, vtable, find_jail, m);
        if (r >= 0)
                r = sd_bus_add_node_enumerator(bus, NULL, BUS_JAIL_PATH, list_objects, m);
        if (r >= 0)
                r = sd_bus_add_object_manager(bus, NULL, BUS_PATH);
        return r;
}

/* Signals */

int bus_jail_emit_added(sd_bus *bus, const char *name) {
        _cleanup_(freep) char *path = NULL;
        int r;

        assert(bus);
        assert(name);

        r = make_path(name, &path);
        if (r >= 0)
                r = sd_bus_emit_object_added(bus, path);
        if (r >= 0)
                r = sd_bus_emit_signal(bus, BUS_PATH, BUS_INTERFACE, "JailAdded", "so", name, path);
        return r;
}

int bus_jail_emit_removed(sd_bus *bus, const char *name) {
        _cleanup_(freep) char *path = NULL;
        int r;

        assert(bus);
        assert(name);

        r = make_path(name, &path);
        if (r >= 0)
                r = sd_bus_emit_object_removed(bus, path);
        if (r >= 0)
                r = sd_bus_emit_signal(
                                bus, BUS_PATH, BUS_INTERFACE, "JailRemoved", "so", name, path);
        return r;
}

int bus_jail_emit_paused(sd_bus *bus, const char *name) {
        _cleanup_(freep) char *path = NULL;
        int r;

        assert(bus);
        assert(name);

        r = make_path(name, &path);
        return r < 0 ? r
                     : sd_bus_emit_properties_changed(
                                       bus, path, BUS_JAIL_INTERFACE, "Paused", NULL);
}

/* Methods of the manager */

int bus_get_jail(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *path = NULL;
        Manager *m = userdata;
        const char *name;
        int r;

        assert(m);

        r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return r;
        if (!manager_find_jail(m, name))
                return bus_no_such_jail(name, error);

        r = make_path(name, &path);
        return r < 0 ? r : sd_bus_reply_method_return(message, "o", path);
}

static int append_listed(sd_bus_message *reply, const Property *p, const Source *s) {
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", p->name);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', p->type);
        if (r >= 0)
                r = append_value(reply, p, s);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r;
}

static int append_jail(sd_bus_message *reply, Manager *m, Jail *jail) {
        const Source s = make_source(m, jail);
        int r;

        r = sd_bus_message_open_container(reply, 'r', "sa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", s.config->name);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        for (size_t i = 0; i < ELEMENTSOF(properties) && r >= 0; i++)
                if (properties[i].listed)
                        r = append_listed(reply, &properties[i], &s);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r;
}

int bus_list_jails(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        sd_bus_message *reply = NULL;
        Manager *m = userdata;
        int r;

        (void) error;
        assert(m);

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sa{sv})");
        for (size_t i = 0; i < manager_n_jails(m) && r >= 0; i++)
                r = append_jail(reply, m, manager_get_jail(m, i));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        sd_bus_message_unref(reply);
        return r;
}
