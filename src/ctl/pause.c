/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banctl pause and resume: methods of a jail's own object.
 */

#include "base/log.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "ctl/verbs.h"
#include "model/bus-names.h"

static int call_jail(sd_bus *bus, const char *jail, const char *method, sd_bus_error *error) {
        _cleanup_(message_unrefp) sd_bus_message *answer = NULL;
        const char *path;
        int r;

        r = connection_call(bus, "GetJail", error, &answer, "s", jail);
        if (r >= 0)
                r = sd_bus_message_read(answer, "o", &path);
        if (r < 0)
                return r;

        return sd_bus_call_method(
                        bus, BUS_NAME, path, BUS_JAIL_INTERFACE, method, error, NULL, NULL);
}

static int change(char **jails, const char *method, bool pauses, const Options *options) {
        bool json = options->json != JSON_OFF && !options->quiet;
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        size_t n = 0;
        int r, result = EXIT_DONE;

        r = connection_open(&bus, options, CONNECTION_CHANGE, false);
        if (r != EXIT_DONE)
                return r;

        for (char **jail = jails; *jail; jail++) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

                r = call_jail(bus, *jail, method, &error);
                if (r < 0)
                        result = connection_report(NULL, &error, r);
                if (json)
                        (void) json_print_element(json_pack("{s:s, s:b}",
                                                                  "jail",
                                                                  *jail,
                                                                  pauses ? "paused" : "resumed",
                                                                  r >= 0),
                                        options,
                                        n++);
        }

        if (json)
                json_print_end(options, n);
        return result;
}

int verb_pause(int argc, char **argv, const Options *options) {
        return change(argv + 1, "Pause", true, options);
}

int verb_resume(int argc, char **argv, const Options *options) {
        return change(argv + 1, "Resume", false, options);
}
