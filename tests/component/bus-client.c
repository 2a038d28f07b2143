/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Clients of org.banjo1 such as busctl cannot be: ADDRESS WHAT.
 *
 * subscribe   subscribes to failures, says "subscribed" and its name, and writes a line for each
 *             that is told
 * dump        writes what DumpBans() gives
 * hold        calls DumpBans(), says "held", and reads so little of it that it is not given up
 * deaf        asks for lists again and again, and never reads an answer; says "sent" when that
 *             cannot go on, or it is thrown out
 * flood N     makes N calls as fast as they are answered, 100 at a time, and says what came of them
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
#include <unistd.h>

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
        const char *name = "";
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
        (void) sd_bus_get_unique_name(bus, &name);
        (void) printf("subscribed %s\n", name);

        for (;;) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                if (r < 0)
                        return fail(r, "waiting", NULL);
        }
}

static int dump(sd_bus *bus, bool read_it) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        char buffer[65536];
        ssize_t n;
        int r, fd;

        r = sd_bus_call_method(
                        bus, BUS_NAME, BUS_PATH, BUS_INTERFACE, "DumpBans", &error, &reply, NULL);
        if (r >= 0)
                r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0) {
                r = fail(r, "DumpBans", &error);
                sd_bus_error_free(&error);
                return r;
        }

        if (!read_it) {
                (void) puts("held");
                while (read(fd, buffer, 4096) > 0)
                        (void) sleep(3);
                for (;;)
                        (void) pause();
        }

        while ((n = read(fd, buffer, sizeof(buffer))) > 0)
                (void) fwrite(buffer, 1, (size_t) n, stdout);
        sd_bus_message_unref(reply); /* which has the descriptor */
        return n < 0 ? fail(-errno, "reading", NULL) : EXIT_SUCCESS;
}

static int make_list_call(sd_bus *bus, sd_bus_message **ret) {
        int r;

        r = sd_bus_message_new_method_call(bus, ret, BUS_NAME, BUS_PATH, BUS_INTERFACE, "ListBans");
        return r < 0 ? r : sd_bus_message_append(*ret, "stu", "", UINT64_C(0), UINT32_C(0));
}

/* The library queues what cannot be written, and would go on for long; before the first answer it
 * writes nothing at all. */
static void deaf(sd_bus *bus) {
        uint64_t queued = 0, cookie;
        int r;

        r = sd_bus_call_method(bus,
                        BUS_NAME,
                        BUS_PATH,
                        "org.freedesktop.DBus.Peer",
                        "Ping",
                        NULL,
                        NULL,
                        NULL);

        while (r >= 0 && queued < 1000) {
                sd_bus_message *call = NULL;

                r = make_list_call(bus, &call);
                if (r >= 0)
                        r = sd_bus_send(bus, call, &cookie); /* without, there is no answer */
                sd_bus_message_unref(call);
                if (r >= 0)
                        r = sd_bus_get_n_queued_write(bus, &queued);
        }

        (void) puts("sent");
        for (;;)
                (void) pause();
}

typedef struct Flood {
        unsigned long n_open;
        unsigned long n_answers;
        unsigned long n_errors;
} Flood;

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *error) {
        Flood *f = userdata;

        (void) error;

        f->n_open--;
        f->n_answers++;
        f->n_errors += sd_bus_message_is_method_error(answer, NULL) > 0;
        return 0;
}

static int flood(sd_bus *bus, unsigned long n) {
        Flood f = {};
        int r = 0;

        for (unsigned long sent = 0; r >= 0 && f.n_answers < n;) {
                sd_bus_message *call = NULL;

                if (sent < n && f.n_open < 100) {
                        r = make_list_call(bus, &call);
                        if (r >= 0)
                                r = sd_bus_call_async(bus, NULL, call, on_answer, &f, UINT64_MAX);
                        sd_bus_message_unref(call);
                        sent++;
                        f.n_open++;
                        continue;
                }
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        if (r < 0)
                return fail(r, "flooding", NULL);

        (void) printf("answered %lu, of which errors %lu\n", f.n_answers, f.n_errors);
        return EXIT_SUCCESS;
}

static int run(sd_bus *bus, const char *what, const char *argument) {
        if (strcmp(what, "subscribe") == 0)
                return subscribe(bus);
        if (strcmp(what, "dump") == 0)
                return dump(bus, true);
        if (strcmp(what, "hold") == 0)
                return dump(bus, false);
        if (strcmp(what, "deaf") == 0)
                deaf(bus);
        if (strcmp(what, "flood") == 0 && argument)
                return flood(bus, strtoul(argument, NULL, 10));

        return fail(-EINVAL, what, NULL);
}

int main(int argc, char **argv) {
        sd_bus *bus = NULL;
        int r;

        if (argc < 3)
                return fail(-EINVAL, "usage", NULL);
        (void) setvbuf(stdout, NULL, _IOLBF, 0);

        r = connect_to(argv[1], &bus);
        r = r < 0 ? fail(r, "connecting", NULL) : run(bus, argv[2], argv[3]);
        sd_bus_unref(bus);
        return r;
}
