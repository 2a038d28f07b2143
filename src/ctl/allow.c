/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <inttypes.h>

#include "base/log.h"
#include "base/usec.h"
#include "base/utf8.h"
#include "ctl/address-list.h"
#include "ctl/clock.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "ctl/verbs.h"
#include "model/bus-names.h"

/* One that is allowed. Strings live with the message. */
typedef struct Allowed {
        const char *address;
        usec_t since;
        usec_t until;
        const char *reason;
} Allowed;

/* listed */

static json_t *allowed_to_json(const Allowed *a) {
        return json_pack("{s:s, s:o, s:o, s:b, s:s}",
                        "address",
                        a->address,
                        "since_usec",
                        json_usec(a->since),
                        "until_usec",
                        json_usec(a->until),
                        "permanent",
                        a->until == USEC_INFINITY,
                        "reason",
                        a->reason);
}

static int add_line(Table *t, const Allowed *a, usec_t now) {
        char age[USEC_STR_SIZE], remaining[USEC_STR_SIZE];
        struct libscols_line *line = table_add(t);
        int r;

        r = table_set(line, 0, a->address);
        if (r >= 0)
                r = table_set(line, 1, usec_format_span(usec_sub(now, a->since), age));
        if (r >= 0)
                r = table_set(line, 2, usec_format_span(usec_sub(a->until, now), remaining));
        if (r >= 0)
                r = table_set(line, 3, a->reason);
        return r;
}

static int print_allowed(sd_bus_message *answer, const Options *options) {
        static const Column columns[] = {
                { "ADDRESS", false, false },
                { "AGE", true, false },
                { "REMAINING", true, false },
                { "REASON", false, true },
        };
        _cleanup_(table_freep) Table *t = NULL;
        usec_t now = clock_now();
        size_t n = 0;
        Allowed a;
        int r;

        r = table_new(&t, options, columns, ELEMENTSOF(columns));
        if (r >= 0)
                r = sd_bus_message_enter_container(answer, 'a', BUS_ALLOWED_TYPE);
        while (r >= 0 && (r = sd_bus_message_read(answer,
                                          BUS_ALLOWED_TYPE,
                                          &a.address,
                                          &a.since,
                                          &a.until,
                                          &a.reason)) > 0)
                r = options->json != JSON_OFF
                                    ? json_print_element(allowed_to_json(&a), options, n++)
                                    : add_line(t, &a, now);
        if (r < 0)
                return r;

        if (options->json != JSON_OFF)
                json_print_end(options, n);
        return table_print(t);
}

static int list(const Options *options) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_unrefp) sd_bus_message *answer = NULL;
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        r = connection_open(&bus, options, CONNECTION_ASK, false);
        if (r != EXIT_DONE)
                return r;

        r = connection_call(bus, "ListAllowed", &error, &answer, NULL);
        if (r < 0)
                return connection_report(NULL, &error, r);

        output_open_pager(options);
        r = print_allowed(answer, options);
        if (r < 0) {
                log_error_errno(r, "Failed to print who is allowed: %m");
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

/* changed */

typedef struct Wish {
        usec_t duration;
        const char *reason;
} Wish;

static int parse_wish(Wish *ret, const Options *options) {
        *ret = (Wish){ .duration = USEC_INFINITY, .reason = options->reason ?: "" };

        if (options->remove && (options->time || options->reason)) {
                log_error("--remove is for good, and needs no reason.");
                return EXIT_USAGE;
        }
        if (options->time && (usec_parse_span(options->time, &ret->duration) < 0 ||
                                             ret->duration == 0)) {
                log_error("--time=%s: should be a time span such as 10min or 2d, or permanent.",
                                options->time);
                return EXIT_USAGE;
        }
        if (!utf8_is_valid(ret->reason)) {
                log_error("--reason=: the text is not UTF-8.");
                return EXIT_USAGE;
        }

        return EXIT_DONE;
}

/* Returns an exit status, and whether anything is otherwise than before. */
static int call_one(sd_bus *bus, const char *text, const Wish *wish, bool removes, uint32_t *ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_unrefp) sd_bus_message *answer = NULL;
        int r;

        *ret = 0;
        if (removes) {
                r = connection_call(bus, "Disallow", &error, &answer, "s", text);
                if (r >= 0)
                        r = sd_bus_message_read(answer, "u", ret);
        } else
                r = connection_call(bus,
                                "Allow",
                                &error,
                                NULL,
                                "sts",
                                text,
                                wish->duration,
                                wish->reason);
        if (r < 0)
                return connection_report(text, &error, r);

        return EXIT_DONE;
}

static int
change_one(sd_bus *bus, const Address *a, const Wish *wish, const Options *options, size_t i) {
        char text[ADDRESS_STR_SIZE], span[USEC_STR_SIZE];
        uint32_t n_removed;
        int r;

        r = call_one(bus, address_format(a, text), wish, options->remove, &n_removed);
        if (options->quiet)
                return r;
        if (options->json != JSON_OFF)
                (void) json_print_element(
                                json_pack("{s:s, s:b}",
                                                "address",
                                                text,
                                                options->remove ? "removed" : "allowed",
                                                options->remove ? n_removed > 0
                                                                : r == EXIT_DONE ||
                                                                                  r == EXIT_NOT_STORED),
                                options,
                                i);
        else if (r != EXIT_DONE)
                return r;
        else if (!options->remove)
                (void) printf("Allowed %s %s%s.\n",
                                text,
                                wish->duration == USEC_INFINITY ? "" : "for ",
                                wish->duration == USEC_INFINITY
                                                ? "for good"
                                                : usec_format_span(wish->duration, span));
        else if (n_removed > 0)
                (void) printf("%s is not allowed any more.\n", text);
        else
                (void) printf("%s was not allowed.\n", text);
        return r;
}

int verb_allow(int argc, char **argv, const Options *options) {
        _cleanup_(address_list_done) AddressList addresses = {};
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r, result = EXIT_DONE;
        Wish wish;

        r = parse_wish(&wish, options);
        if (r != EXIT_DONE)
                return r;
        if (argc == 1 && !options->remove && !options->time && !options->reason)
                return list(options);

        r = address_list_read(&addresses, argc - 1, argv + 1, options);
        if (r == EXIT_DONE)
                r = connection_open(&bus, options, CONNECTION_START, false);
        if (r != EXIT_DONE)
                return r;

        for (size_t i = 0; i < addresses.n; i++)
                result = worst_result(result,
                                change_one(bus, &addresses.addresses[i], &wish, options, i));

        if (options->json != JSON_OFF && !options->quiet)
                json_print_end(options, addresses.n);
        return result;
}
