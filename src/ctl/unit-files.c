/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/unit-files.h"

#include <dirent.h>
#include <fnmatch.h>

#include "base/macro.h"
#include "ctl/connection.h"

/* As in systemd.unit(5); generators write what comes from SysV scripts and the like. */
static const char *const unit_directories[] = {
        "/etc/systemd/system",
        "/run/systemd/system",
        "/run/systemd/transient",
        "/run/systemd/generator",
        "/run/systemd/generator.early",
        "/run/systemd/generator.late",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
};

bool unit_template(const char *unit, char *buf, size_t size) {
        const char *at, *suffix;

        assert(unit);
        assert(buf);

        at = strchr(unit, '@');
        suffix = strrchr(unit, '.');
        if (!at || !suffix || suffix < at)
                return false;

        return (size_t) snprintf(buf, size, "%.*s%s", (int) (at + 1 - unit), unit, suffix) < size;
}

static bool is_glob(const char *unit) {
        return strpbrk(unit, "*?[");
}

static bool directory_has(const char *directory, const char *unit) {
        DIR *d = opendir(directory);
        bool found = false;

        if (!d)
                return false;

        for (struct dirent *e; !found && (e = readdir(d));)
                found = fnmatch(unit, e->d_name, 0) == 0;

        (void) closedir(d);
        return found;
}

static bool any_file(const char *unit) {
        for (size_t i = 0; i < ELEMENTSOF(unit_directories); i++)
                if (directory_has(unit_directories[i], unit))
                        return true;

        return false;
}

/* Whether systemd has loaded one; of a template, an instance. */
static bool is_loaded(sd_bus *bus, const char *unit) {
        _cleanup_(message_unrefp) sd_bus_message *reply = NULL;
        const char *at = strchr(unit, '@');
        char pattern[300];
        int r;

        if (at && at[1] == '.')
                (void) snprintf(pattern,
                                sizeof(pattern),
                                "%.*s*%s",
                                (int) (at + 1 - unit),
                                unit,
                                at + 1);
        else
                (void) snprintf(pattern, sizeof(pattern), "%s", unit);

        r = sd_bus_call_method(bus,
                        "org.freedesktop.systemd1",
                        "/org/freedesktop/systemd1",
                        "org.freedesktop.systemd1.Manager",
                        "ListUnitsByPatterns",
                        NULL,
                        &reply,
                        "asas",
                        1,
                        "loaded",
                        1,
                        pattern);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");

        return r >= 0 && sd_bus_message_at_end(reply, false) == 0;
}

bool unit_exists(sd_bus *bus, const char *unit) {
        char template[256];

        assert(unit);

        if (any_file(unit))
                return true;
        if (!is_glob(unit) && unit_template(unit, template, sizeof(template)) && any_file(template))
                return true;

        return bus && is_loaded(bus, unit);
}
