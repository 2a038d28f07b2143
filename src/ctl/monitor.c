/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banctl monitor: signals of banjod as lines. Signals are lost while nobody is there to send them,
 * so it is said when banjod goes and when it is back. On a message bus that is told by the owner of
 * its name; over its own socket, and when the bus goes as well, by the end of the connection.
 *
 * Anybody on a message bus may send us what looks like a signal of banjod: only those of the name's
 * owner count. On banjod's own socket there is nobody else, and they have no sender.
 */

#include <inttypes.h>
#include <time.h>

#include "base/log.h"
#include "base/usec.h"
#include "ctl/clock.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "ctl/text.h"
#include "ctl/verbs.h"
#include "model/bus-names.h"

/* How often it is tried to reach a banjod that is gone. */
#define RETRY_INTERVAL USEC_PER_SEC

#define MATCH_SIGNALS                                                                              \
        "type='signal',sender='" BUS_NAME "',path='" BUS_PATH "',interface='" BUS_INTERFACE "'"

#define MATCH_OWNER                                                                                \
        "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"            \
        "member='NameOwnerChanged',arg0='" BUS_NAME "'"

typedef struct Monitor {
        const Options *options;
        const char *jail; /* "" for all */
        sd_bus *bus;
        char owner[64]; /* of banjod's name; "" while there is none */
        bool sees_failures;
} Monitor;

static void monitor_done(Monitor *m) {
        sd_bus_flush_close_unref(m->bus);
}

/* What happened. Strings are borrowed; those that are NULL, and numbers that are 0, do not
 * belong to it. */
typedef struct Event {
        const char *name;
        usec_t time;
        const char *jail;
        const char *address;
        const char *pattern;
        const char *user;
        const char *reason;
        const char *cause;
        usec_t start;
        usec_t end;
        uint32_t failures;
} Event;

/* Output */

static void add_text(json_t *o, const char *key, const char *value) {
        if (value)
                (void) json_object_set_new(o, key, json_text(value));
}

static void print_json_event(const Monitor *m, const Event *e) {
        json_t *o = json_pack("{s:s, s:o}", "event", e->name, "time_usec", json_usec(e->time));

        add_text(o, "jail", e->jail);
        add_text(o, "address", e->address);
        add_text(o, "pattern", e->pattern);
        add_text(o, "user", e->user);
        add_text(o, "reason", e->reason);
        add_text(o, "cause", e->cause);
        if (e->start > 0) {
                (void) json_object_set_new(o, "start_usec", json_usec(e->start));
                (void) json_object_set_new(o, "end_usec", json_usec(e->end));
        }
        if (e->pattern)
                (void) json_object_set_new(o, "failures", json_count(e->failures));
        (void) json_print(o, m->options);
}

static void print_time(usec_t t) {
        time_t sec = (time_t) (t / USEC_PER_SEC);
        char when[32] = "?";
        struct tm tm;

        if (localtime_r(&sec, &tm))
                (void) strftime(when, sizeof(when), "%T", &tm);
        (void) fputs(when, stdout);
}

static void print_why(const Event *e) {
        char span[USEC_STR_SIZE];

        if (e->cause)
                (void) printf("  %s", e->cause);
        if (e->start > 0)
                (void) printf("  %s%s,",
                                e->end == USEC_INFINITY ? "" : "for ",
                                e->end == USEC_INFINITY
                                                ? "for good"
                                                : usec_format_span(usec_sub(e->end, e->start),
                                                                  span));
        if (e->start > 0 && e->failures > 0)
                (void) printf(" %" PRIu32 "x", e->failures);
        if (!isempty(e->pattern))
                (void) printf("%s%s", e->start > 0 ? " " : "  ", e->pattern);
        if (e->start > 0 && e->failures == 0)
                (void) printf(" by hand%s", isempty(e->reason) ? "" : ": ");
        if (!isempty(e->reason))
                (void) text_print(e->reason, strlen(e->reason));
        if (!isempty(e->user)) {
                (void) printf(", user ");
                (void) text_print(e->user, strlen(e->user));
        }
        if (e->start == 0 && e->failures > 0)
                (void) printf(", %" PRIu32 " now", e->failures);
}

static void print_event(const Monitor *m, const Event *e, Color color) {
        if (e->jail && !isempty(m->jail) && !streq(e->jail, m->jail))
                return;
        if (m->options->quiet)
                return;

        if (m->options->json != JSON_OFF)
                print_json_event(m, e);
        else {
                print_time(e->time);
                (void) printf(" %s%-*s%s",
                                color_begin(color),
                                e->jail ? (int) strlen("unbanned") : 0,
                                e->name,
                                color_end());
                if (e->jail)
                        (void) printf(" %s", e->jail);
                if (e->address)
                        (void) printf(" %s", e->address);
                print_why(e);
                (void) putchar('\n');
        }
        (void) fflush(stdout);
}

/* Signals */

static int on_signal(sd_bus_message *s, void *userdata, sd_bus_error *error) {
        const Monitor *m = userdata;
        const char *sender = sd_bus_message_get_sender(s);
        Event e = { .time = clock_now() };
        int r = 0;

        (void) error;

        if (sender && !streq(sender, m->owner))
                return 0;

        if (sd_bus_message_is_signal(s, BUS_INTERFACE, "Failure")) {
                e.name = "failure";
                r = sd_bus_message_read(s,
                                "ssssut",
                                &e.jail,
                                &e.address,
                                &e.pattern,
                                &e.user,
                                &e.failures,
                                &e.time);
                if (r >= 0)
                        print_event(m, &e, COLOR_YELLOW);
        } else if (sd_bus_message_is_signal(s, BUS_INTERFACE, "Banned")) {
                e.name = "banned";
                r = sd_bus_message_read(s,
                                "ssttuss",
                                &e.jail,
                                &e.address,
                                &e.start,
                                &e.end,
                                &e.failures,
                                &e.pattern,
                                &e.reason);
                if (r >= 0)
                        print_event(m, &e, COLOR_RED);
        } else if (sd_bus_message_is_signal(s, BUS_INTERFACE, "Unbanned")) {
                e.name = "unbanned";
                r = sd_bus_message_read(s, "sss", &e.jail, &e.address, &e.cause);
                if (r >= 0)
                        print_event(m, &e, COLOR_GREEN);
        } else if (sd_bus_message_is_signal(s, BUS_INTERFACE, "JailAdded")) {
                e.name = "added";
                r = sd_bus_message_read(s, "so", &e.jail, NULL);
                if (r >= 0)
                        print_event(m, &e, COLOR_BOLD);
        } else if (sd_bus_message_is_signal(s, BUS_INTERFACE, "JailRemoved")) {
                e.name = "removed";
                r = sd_bus_message_read(s, "so", &e.jail, NULL);
                if (r >= 0)
                        print_event(m, &e, COLOR_BOLD);
        } else if (sd_bus_message_is_signal(s, BUS_INTERFACE, "FirewallRepaired")) {
                e.name = "repaired";
                r = sd_bus_message_read(s, "s", &e.cause);
                if (r >= 0)
                        print_event(m, &e, COLOR_YELLOW);
        } else if (sd_bus_message_is_signal(s, BUS_INTERFACE, "Reloaded")) {
                e.name = "reloaded";
                print_event(m, &e, COLOR_BOLD);
        }

        /* One that we cannot read is of a later banjod. */
        return 0;
}

static void say(const Monitor *m, const char *name) {
        print_event(m, &(const Event){ .name = name, .time = clock_now() }, COLOR_BOLD);
}

/* Failures are told to those alone who ask, and who may. */
static void subscribe(Monitor *m) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = connection_call(m->bus, "Subscribe", &error, NULL, NULL);
        if (r < 0 && m->sees_failures)
                log_warning("Single failures are not shown: %s",
                                error.message ? error.message : strerror(-r));
        m->sees_failures = r >= 0;
}

static void set_owner(Monitor *m, const char *owner) {
        (void) snprintf(m->owner, sizeof(m->owner), "%s", owner);
}

static int on_owner(sd_bus_message *s, void *userdata, sd_bus_error *error) {
        const char *name, *old, *new;
        Monitor *m = userdata;
        int r;

        (void) error;

        r = sd_bus_message_read(s, "sss", &name, &old, &new);
        if (r < 0 || !streq(name, BUS_NAME))
                return 0;

        if (!isempty(m->owner))
                say(m, "gone");
        set_owner(m, new);
        if (!isempty(new)) {
                subscribe(m); /* first, so that who reads "back" misses nothing from then on */
                say(m, "back");
        }
        return 0;
}

/* Connections */

/* Returns 0 or a negative errno. */
static int learn_owner(Monitor *m) {
        _cleanup_(message_unrefp) sd_bus_message *reply = NULL;
        const char *owner;
        int r;

        r = sd_bus_call_method(m->bus,
                        "org.freedesktop.DBus",
                        "/org/freedesktop/DBus",
                        "org.freedesktop.DBus",
                        "GetNameOwner",
                        NULL,
                        &reply,
                        "s",
                        BUS_NAME);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &owner);
        if (r >= 0)
                set_owner(m, owner);
        return r;
}

/* Returns an exit status; EXIT_NOT_RUNNING is not reported if quiet. */
static int start(Monitor *m, bool quiet) {
        int r;

        r = connection_open(&m->bus, m->options, quiet ? CONNECTION_AGAIN : CONNECTION_ASK, quiet);
        if (r != EXIT_DONE)
                return r;

        r = sd_bus_add_match(m->bus, NULL, MATCH_OWNER, on_owner, m);
        if (r >= 0)
                r = sd_bus_add_match(m->bus, NULL, MATCH_SIGNALS, on_signal, m);
        if (r >= 0)
                r = learn_owner(m);
        if (r < 0) {
                if (!quiet)
                        log_error_errno(r, "Failed to listen to banjod: %m");
                return EXIT_NOT_RUNNING;
        }

        subscribe(m);
        return EXIT_DONE;
}

/* Until the connection ends. */
static void listen_on(Monitor *m) {
        for (;;) {
                int r;

                r = sd_bus_process(m->bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(m->bus, UINT64_MAX);
                if ((r < 0 && r != -EINTR) || ferror(stdout))
                        return;
        }
}

static void restart(Monitor *m) {
        for (;;) {
                m->bus = sd_bus_flush_close_unref(m->bus);
                if (start(m, true) == EXIT_DONE)
                        return;
                (void) usleep((useconds_t) RETRY_INTERVAL);
        }
}

/* Nothing would ever be told of a jail whose name was mistyped. Returns an exit status. */
static int check_jail(const Monitor *m) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        if (isempty(m->jail))
                return EXIT_DONE;

        r = connection_call(m->bus, "GetJail", &error, NULL, "s", m->jail);
        return r < 0 ? connection_report(NULL, &error, r) : EXIT_DONE;
}

int verb_monitor(int argc, char **argv, const Options *options) {
        _cleanup_(monitor_done) Monitor m = { .options = options, .sees_failures = true };
        int r;

        if (options_get_jail(options, argc > 1 ? argv[1] : NULL, &m.jail) < 0)
                return EXIT_USAGE;

        r = start(&m, false);
        if (r == EXIT_DONE)
                r = check_jail(&m);
        if (r != EXIT_DONE)
                return r;

        for (;;) {
                listen_on(&m);
                if (ferror(stdout))
                        return EXIT_FAILED;

                if (!isempty(m.owner))
                        say(&m, "gone");
                set_owner(&m, "");
                restart(&m);
                say(&m, "back");
        }
}
