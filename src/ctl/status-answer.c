/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/status-answer.h"

#include "base/log.h"
#include "base/strv.h"
#include "ctl/connection.h"
#include "model/bus-names.h"

static const DictField fields[] = {
        { "Version", 's', offsetof(Status, version) },
        { "State", 's', offsetof(Status, state) },
        { "Firewall", 's', offsetof(Status, firewall) },
        { "StartTimestamp", 't', offsetof(Status, started) },
        { "JournalTimestamp", 't', offsetof(Status, journal) },
        { "Entries", 't', offsetof(Status, n_entries) },
        { "Failures", 't', offsetof(Status, n_failures) },
        { "Bans", 't', offsetof(Status, n_bans) },
        { "RunningBans", 't', offsetof(Status, n_banned) },
        { "FirewallFailed", 'b', offsetof(Status, firewall_failed) },
        { "MissingDevices", 'S', offsetof(Status, missing_devices) },
        { "StoreFailed", 'b', offsetof(Status, store_failed) },
};

void status_done(Status *s) {
        sd_bus_message_unref(s->reply);
        strv_free(s->missing_devices);
}

int status_get(Status *ret, sd_bus *bus) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        *ret = (Status){ .version = "", .state = "", .firewall = "" };

        r = sd_bus_call_method(bus,
                        BUS_NAME,
                        BUS_PATH,
                        "org.freedesktop.DBus.Properties",
                        "GetAll",
                        &error,
                        &ret->reply,
                        "s",
                        BUS_INTERFACE);
        if (r < 0)
                return connection_report(NULL, &error, r);

        r = dict_read(ret->reply, fields, ELEMENTSOF(fields), ret);
        if (r < 0) {
                log_error_errno(r, "Failed to read the answer of banjod: %m");
                return EXIT_FAILED;
        }

        return EXIT_DONE;
}
