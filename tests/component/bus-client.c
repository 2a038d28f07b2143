/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Clients of org.banjo1 such as busctl cannot be: ADDRESS WHAT.
 *
 * subscribe   subscribes to failures, says "subscribed", and writes a line for each that is told
 *
 * With PEER in the environment there is no message bus at the address, but banjod itself.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "model/bus-names.h"

static int fail(int r, const char *what, const sd_bus_error *error) {
        (void) fprintf(stderr,
                        "%s: %s\n",
                        what,
                        error && error->message ? error->message : strerror(-r));
        return EXIT_FAILURE;
}

static int connect_to(const char *address, sd_bus **ret) {
        int r;

        r = sd_bus_new(ret);
        if (r >= 0)
                r = sd_bus_set_address(*ret, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(*ret, !getenv("PEER"));
        if (r >= 0)
                r = sd_bus_start(*ret);
        return r;
}

static int on_failure(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
        const char *jail, *address, *pattern, *user;
        uint32_t failures;
        uint64_t when;
        int r;

        (void) userdata, (void) error;

        r = sd_bus_message_read(
                        signal, "ssssut", &jail, &address, &pattern, &user, &failures, &when);
        if (r < 0)
                return r;

        (void) printf("%s %s %s \"%s\" %" PRIu32 " %" PRIu64 "\n",
                        jail,
                        address,
                        pattern,
                        user,
                        failures,
                        when);
        return 0;
}

static int subscribe(sd_bus *bus) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_match_signal(
                        bus, NULL, NULL, BUS_PATH, BUS_INTERFACE, "Failure", on_failure, NULL);
        if (r >= 0)
                r = sd_bus_call_method(bus,
                                BUS_NAME,
                                BUS_PATH,
                                BUS_INTERFACE,
                                "Subscribe",
                                &error,
                                NULL,
                                NULL);
        if (r < 0)
                return fail(r, "Subscribe", &error);
        (void) puts("subscribed");

        for (;;) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                if (r < 0)
                        return fail(r, "waiting", NULL);
        }
}

int main(int argc, char **argv) {
        sd_bus *bus = NULL;
        int r;

        if (argc < 3)
                return fail(-EINVAL, "usage", NULL);
        (void) setvbuf(stdout, NULL, _IOLBF, 0);

        r = connect_to(argv[1], &bus);
        if (r < 0)
                return fail(r, "connecting", NULL);
        if (strcmp(argv[2], "subscribe") == 0)
                return subscribe(bus);

        return fail(-EINVAL, "usage", NULL);
}
