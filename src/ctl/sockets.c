/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/sockets.h"

#include <systemd/sd-bus.h>

#include "ctl/connection.h"

#define SYSTEMD "org.freedesktop.systemd1"

static bool is_active(sd_bus *bus, const char *path) {
        _cleanup_(freep) char *state = NULL;

        return sd_bus_get_property_string(
                               bus, SYSTEMD, path, SYSTEMD ".Unit", "ActiveState", NULL, &state) >=
                               0 &&
               streq(state, "active");
}

static size_t read_ports(sd_bus *bus, const char *unit, ListenerPort *ret, size_t max) {
        _cleanup_(message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(freep) char *path = NULL;
        const char *type, *address;
        size_t n = 0;

        if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0 ||
                        !is_active(bus, path))
                return 0;

        if (sd_bus_get_property(bus,
                            SYSTEMD,
                            path,
                            SYSTEMD ".Socket",
                            "Listen",
                            NULL,
                            &reply,
                            "a(ss)") < 0 ||
                        sd_bus_message_enter_container(reply, 'a', "(ss)") < 0)
                return 0;

        while (n < max && sd_bus_message_read(reply, "(ss)", &type, &address) > 0) {
                int port = listeners_parse_socket(address);

                if (port <= 0 || !streq(type, "Stream"))
                        continue;
                ret[n].port = (uint16_t) port;
                (void) snprintf(ret[n].unit, sizeof(ret[n].unit), "%s", unit);
                n++;
        }

        return n;
}

size_t sockets_of_match(const Match *match, ListenerPort *ret, size_t max) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        char unit[256];
        size_t n = 0;

        assert(match);
        assert(ret);

        if (sd_bus_open_system(&bus) < 0)
                return 0;

        /* The first that there is: others are other names of the same. */
        for (size_t i = 0; i < match->n_groups && n == 0; i++)
                for (size_t j = 0; j < match->groups[i].n_terms && n == 0; j++)
                        if (listeners_socket_of_term(
                                            &match->groups[i].terms[j], unit, sizeof(unit)))
                                n = read_ports(bus, unit, ret, max);

        return n;
}
