/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whether the service runs is told by its control group, which systemd removes with the last
 * process. To connect in order to find out would start it.
 */

#include "ctl/connection.h"

#include <stdarg.h>

#include "base/log.h"
#include "base/service.h"
#include "base/usec.h"
#include "ctl/agent.h"
#include "model/bus-names.h"

/* A flush of many bans, or a reload that reads the journal anew, takes its time. */
#define CALL_TIMEOUT (5 * USEC_PER_MINUTE)

/* Holds for the calls of all verbs: each may ask for a password. */
static int set_up_calls(sd_bus *bus) {
        int r;

        r = sd_bus_set_method_call_timeout(bus, CALL_TIMEOUT);
        return r < 0 ? r : sd_bus_set_allow_interactive_authorization(bus, true);
}

/* banjod's own socket answers Hello as a message bus does, so all connections are alike. */
static int open_address(sd_bus **ret, const char *address) {
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_new(&bus);
        if (r < 0)
                return r;

        r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = set_up_calls(bus);
        if (r >= 0)
                r = sd_bus_start(bus);
        /* Waits for the answer to Hello: now we know that somebody is there. */
        if (r >= 0)
                r = sd_bus_get_unique_name(bus, &(const char *){ NULL });
        if (r < 0) {
                sd_bus_close_unref(bus);
                return r;
        }

        *ret = bus;
        return 0;
}

/* Returns 1 if banjod is on the bus, 0 if not, or a negative errno. */
static int has_owner(sd_bus *bus) {
        _cleanup_(message_unrefp) sd_bus_message *reply = NULL;
        int r, answer;

        r = sd_bus_call_method(bus,
                        "org.freedesktop.DBus",
                        "/org/freedesktop/DBus",
                        "org.freedesktop.DBus",
                        "NameHasOwner",
                        NULL,
                        &reply,
                        "s",
                        BUS_NAME);
        if (r >= 0)
                r = sd_bus_message_read(reply, "b", &answer);

        return r < 0 ? r : answer;
}

/* Returns 0; -ENOENT if there is a bus and banjod is not on it; another negative errno without a
 * bus. */
static int open_bus(sd_bus **ret, const char *address) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        r = open_address(&bus, address);
        if (r < 0)
                return r;

        r = has_owner(bus);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;

        *ret = TAKE_PTR(bus);
        return 0;
}

static int open_system_bus(sd_bus **ret) {
        const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");

        return open_bus(ret, isempty(address) ? "unix:path=/run/dbus/system_bus_socket" : address);
}

static int open_socket(sd_bus **ret, ConnectionUse use) {
        if (geteuid() != 0)
                return -EACCES;
        if (use != CONNECTION_START && !service_is_running("banjod.service"))
                return -ENOENT;

        return open_address(ret, "unix:path=" BUS_SOCKET_PATH);
}

/* ssh has said by itself what is wrong with the connection. */
static int open_remote(sd_bus **ret, const char *host, bool quiet) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system_remote(&bus, host);
        if (r >= 0)
                r = set_up_calls(bus);
        if (r >= 0)
                r = has_owner(bus);
        if (r < 0) {
                log_error_errno(r, "Failed to reach the message bus of %s by ssh: %m", host);
                return EXIT_FAILED;
        }
        if (r == 0) {
                if (!quiet)
                        log_error("banjod is not running on %s.", host);
                return EXIT_NOT_RUNNING;
        }

        *ret = TAKE_PTR(bus);
        return EXIT_DONE;
}

static int report_not_running(ConnectionUse use, int r, bool quiet) {
        if (quiet)
                return EXIT_NOT_RUNNING;

        if (use == CONNECTION_START && r != -ENOENT && r != -ECONNREFUSED)
                log_error("banjod does not answer, and could not be started. `systemctl status "
                          "banjod` says why.");
        else
                log_error("banjod is not running. `systemctl start banjod` starts it.");
        return EXIT_NOT_RUNNING;
}

/* Whether to tell somebody who is not root that the message bus is what he lacks. */
static bool is_out_of_reach(ConnectionUse use) {
        switch (use) {
        case CONNECTION_ASK:
                return service_is_running("banjod.service");
        case CONNECTION_AGAIN:
                return false;
        default:
                return true;
        }
}

int connection_open(sd_bus **ret, const Options *options, ConnectionUse use, bool quiet) {
        int r;

        assert(ret);
        assert(options);

        if (options->host)
                return open_remote(ret, options->host, quiet);

        if (options->address) {
                r = open_bus(ret, options->address);
                if (r == -EINVAL) {
                        log_error("\"%s\" is not a D-Bus address such as unix:path=/run/...",
                                        options->address);
                        return EXIT_USAGE;
                }
                if (r < 0 && !quiet)
                        log_error("There is no banjod at %s.", options->address);
                return r < 0 ? EXIT_NOT_RUNNING : EXIT_DONE;
        }

        r = open_system_bus(ret);
        if (r < 0 && (r != -ENOENT || geteuid() == 0))
                r = open_socket(ret, use);
        if (r == -EACCES && is_out_of_reach(use)) {
                log_error("There is no message bus, and only root reaches banjod without.");
                return EXIT_NOT_ALLOWED;
        }
        if (r < 0)
                return report_not_running(use, r, quiet);

        if (use == CONNECTION_CHANGE || use == CONNECTION_START)
                agent_open();
        return EXIT_DONE;
}

int connection_new_call(sd_bus *bus, sd_bus_message **ret, const char *method) {
        int r;

        assert(bus);
        assert(ret);
        assert(method);

        r = sd_bus_message_new_method_call(bus, ret, BUS_NAME, BUS_PATH, BUS_INTERFACE, method);
        if (r < 0)
                return r;

        (void) sd_bus_message_set_auto_start(*ret, false);
        return 0;
}

int connection_call(sd_bus *bus,
                const char *method,
                sd_bus_error *error,
                sd_bus_message **reply,
                const char *types,
                ...) {
        _cleanup_(message_unrefp) sd_bus_message *m = NULL;
        va_list ap;
        int r;

        assert(error);

        r = connection_new_call(bus, &m, method);
        if (r < 0)
                return r;

        if (!isempty(types)) {
                va_start(ap, types);
                r = sd_bus_message_appendv(m, types, ap);
                va_end(ap);
                if (r < 0)
                        return r;
        }

        return sd_bus_call(bus, m, 0, error, reply);
}

int connection_get_status(const sd_bus_error *error) {
        static const struct {
                const char *name;
                ExitStatus status;
        } statuses[] = {
                { BUS_ERROR_REFUSED, EXIT_REFUSED },
                { SD_BUS_ERROR_ACCESS_DENIED, EXIT_NOT_ALLOWED },
                { SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, EXIT_NOT_ALLOWED },
                { BUS_ERROR_NOT_STORED, EXIT_NOT_STORED },
                { SD_BUS_ERROR_SERVICE_UNKNOWN, EXIT_NOT_RUNNING },
                { SD_BUS_ERROR_NAME_HAS_NO_OWNER, EXIT_NOT_RUNNING },
                { SD_BUS_ERROR_NO_REPLY, EXIT_NOT_RUNNING },
                { SD_BUS_ERROR_DISCONNECTED, EXIT_NOT_RUNNING },
        };

        assert(error);

        for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
                if (sd_bus_error_has_name(error, statuses[i].name))
                        return statuses[i].status;

        return EXIT_FAILED;
}

int connection_report(const char *subject, const sd_bus_error *error, int r) {
        const char *separator = ": ";
        int status;

        /* banjod often names the address itself. */
        if (!subject || (error->message && strstr(error->message, subject)))
                subject = separator = "";

        if (!sd_bus_error_is_set(error)) {
                log_error_errno(r, "%s%sNo answer from banjod: %m", subject, separator);
                return r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE ? EXIT_NOT_RUNNING
                                                                         : EXIT_FAILED;
        }

        status = connection_get_status(error);
        if (status == EXIT_NOT_RUNNING)
                log_error("%s%sbanjod is not running (any more).", subject, separator);
        else
                log_error("%s%s%s",
                                subject,
                                separator,
                                error->message ? error->message : error->name);
        return status;
}

/* Dictionaries */

static int read_value(sd_bus_message *m, const DictField *f, void *member) {
        const char type[] = { f->type, '\0' };
        int r;

        if (f->type == 'S')
                r = sd_bus_message_enter_container(m, 'v', "as");
        else
                r = sd_bus_message_enter_container(m, 'v', type);
        if (r < 0)
                return r;

        if (f->type == 'S')
                r = sd_bus_message_read_strv(m, member);
        else
                r = sd_bus_message_read_basic(m, f->type, member);
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(m);
}

static int read_entry(sd_bus_message *m, const DictField *fields, size_t n_fields, void *target) {
        const char *key, *contents;
        int r;

        r = sd_bus_message_read_basic(m, 's', &key);
        if (r < 0)
                return r;
        r = sd_bus_message_peek_type(m, NULL, &contents);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n_fields; i++) {
                const char type[] = { fields[i].type, '\0' };

                if (streq(fields[i].key, key) &&
                                streq(contents, fields[i].type == 'S' ? "as" : type))
                        return read_value(m, &fields[i], (char *) target + fields[i].offset);
        }

        return sd_bus_message_skip(m, "v");
}

int dict_read(sd_bus_message *m, const DictField *fields, size_t n_fields, void *target) {
        int r;

        assert(m);
        assert(fields);
        assert(target);

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_entry(m, fields, n_fields, target);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(m);
}
