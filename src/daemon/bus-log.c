/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Writing is for root, and the daemon's own user, as sd-bus sees to.
 */

#include "daemon/bus-log.h"

#include "base/log.h"

#define LOG_PATH "/org/freedesktop/LogControl1"
#define LOG_INTERFACE "org.freedesktop.LogControl1"

static int get_string(sd_bus *bus,
                const char *path,
                const char *interface,
                const char *property,
                sd_bus_message *reply,
                void *userdata,
                sd_bus_error *error) {
        const char *value;

        (void) bus, (void) path, (void) interface, (void) userdata, (void) error;

        if (streq(property, "LogLevel"))
                value = log_level_to_string(log_get_max_level());
        else if (streq(property, "LogTarget"))
                value = log_is_journal() ? "journal" : "console";
        else
                value = "banjod";

        return sd_bus_message_append(reply, "s", value);
}

static int set_level(sd_bus *bus,
                const char *path,
                const char *interface,
                const char *property,
                sd_bus_message *value,
                void *userdata,
                sd_bus_error *error) {
        const char *name;
        int r, level;

        (void) bus, (void) path, (void) interface, (void) property, (void) userdata;

        r = sd_bus_message_read(value, "s", &name);
        if (r < 0)
                return r;

        level = log_level_from_string(name);
        if (level < 0)
                return sd_bus_error_setf(error,
                                SD_BUS_ERROR_INVALID_ARGS,
                                "\"%.64s\" is no level: debug, info, notice, warning, err, crit, "
                                "alert and emerg are.",
                                name);

        log_info("Log level %s, by the bus.", log_level_to_string(level));
        log_set_max_level(level);
        return 0;
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_string, set_level, 0, 0),
        SD_BUS_PROPERTY("LogTarget", "s", get_string, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("SyslogIdentifier", "s", get_string, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

int bus_log_add(sd_bus *bus) {
        assert(bus);

        return sd_bus_add_object_vtable(bus, NULL, LOG_PATH, LOG_INTERFACE, vtable, NULL);
}
