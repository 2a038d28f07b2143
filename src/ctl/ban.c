/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is wrong with the command line is found before anything is done. After that each address
 * stands for itself: one that is refused does not keep the others back, and the worst of the
 * results is the exit status.
 */

#include <inttypes.h>

#include "base/log.h"
#include "base/usec.h"
#include "base/utf8.h"
#include "ctl/asker.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "ctl/verbs.h"
#include "model/address.h"
#include "model/bus-names.h"

/* The jail from the option or the first argument: every address has a dot or a colon, and no jail's
 * name does. Returns how many arguments that took, or a negative errno, reported. */
static int get_jail(int argc, char **argv, const Options *options, const char **ret) {
        bool is_named = argc > 1 && !strpbrk(argv[1], ".:");
        int r;

        r = options_get_jail(options, is_named ? argv[1] : NULL, ret);
        return r < 0 ? r : is_named;
}

static int parse_addresses(int argc, char **argv, Address **ret) {
        _cleanup_(freep) Address *a = NULL;

        if (argc == 0) {
                log_error("Which address?");
                return EXIT_USAGE;
        }

        a = calloc((size_t) argc, sizeof(*a));
        if (!a) {
                log_oom();
                return EXIT_FAILED;
        }

        for (int i = 0; i < argc; i++)
                if (address_parse(argv[i], strlen(argv[i]), &a[i]) < 0) {
                        log_error("\"%s\" is neither an address nor a prefix such as 192.0.2.0/24.",
                                        argv[i]);
                        return EXIT_USAGE;
                }

        *ret = TAKE_PTR(a);
        return EXIT_DONE;
}

/* Of two results the one to tell: to be refused says more than to have failed, and that the disk
 * does not have what was done says least. */
static int worst(int a, int b) {
        static const int order[] = {
                EXIT_REFUSED,
                EXIT_NOT_ALLOWED,
                EXIT_NOT_RUNNING,
                EXIT_USAGE,
                EXIT_FAILED,
                EXIT_NOT_STORED,
        };

        for (size_t i = 0; i < ELEMENTSOF(order); i++)
                if (a == order[i] || b == order[i])
                        return order[i];

        return EXIT_DONE;
}

/* banned */

typedef struct BanWish {
        const char *jail;
        usec_t duration; /* 0 for the jail's */
        const char *reason;
        bool force;
        Address askers[ASKERS_MAX];
        size_t n_askers;
} BanWish;

static int parse_wish(BanWish *ret, const char *jail, const Options *options) {
        *ret = (BanWish){
                .jail = jail,
                .reason = options->reason ? options->reason : "",
                .force = options->force,
        };

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

        ret->n_askers = askers_get(ret->askers);
        return EXIT_DONE;
}

/* True, and reported, if the ban would end the session it is asked from. */
static bool would_lock_out(const BanWish *wish, const Address *a, const char *text) {
        char asker[ADDRESS_STR_SIZE];

        if (wish->force)
                return false;

        for (size_t i = 0; i < wish->n_askers; i++)
                if (address_covers(a, &wish->askers[i])) {
                        log_error("%s: this is where you are logged in from (%s). Use --force if "
                                  "that is what you want.",
                                        text,
                                        address_format(&wish->askers[i], asker));
                        return true;
                }

        return false;
}

static int ban_address(sd_bus *bus, const BanWish *wish, const Address *a, const Options *options) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        char text[ADDRESS_STR_SIZE], span[USEC_STR_SIZE];
        int r;

        address_format(a, text);
        if (would_lock_out(wish, a, text))
                return EXIT_REFUSED;

        r = connection_call(bus,
                        "BanWithFlags",
                        &error,
                        NULL,
                        "sstst",
                        wish->jail,
                        text,
                        wish->duration,
                        wish->reason,
                        wish->force ? BUS_BAN_FORCE : UINT64_C(0));
        if (r < 0)
                return connection_report(text, &error, r);

        if (options->quiet || options->json != JSON_OFF)
                return EXIT_DONE;

        (void) printf("Banned %s in %s", text, wish->jail);
        if (wish->duration == USEC_INFINITY)
                (void) printf(" for good");
        else if (wish->duration > 0)
                (void) printf(" for %s", usec_format_span(wish->duration, span));
        (void) printf(".\n");
        return EXIT_DONE;
}

/* One element of the answer in JSON. */
static void print_result(const char *jail,
                const Address *a,
                const char *key,
                json_t *value,
                const Options *options,
                size_t n) {
        char text[ADDRESS_STR_SIZE];

        (void) json_print_element(json_pack("{s:s?, s:s, s:o}",
                                                  "jail",
                                                  isempty(jail) ? NULL : jail,
                                                  "address",
                                                  address_format(a, text),
                                                  key,
                                                  value),
                        options,
                        n);
}

int verb_ban(int argc, char **argv, const Options *options) {
        bool json = options->json != JSON_OFF && !options->quiet;
        _cleanup_(freep) Address *addresses = NULL;
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int n_jails, n, r, result = EXIT_DONE;
        const char *jail;
        BanWish wish;

        n_jails = get_jail(argc, argv, options, &jail);
        if (n_jails < 0)
                return EXIT_USAGE;
        if (isempty(jail)) {
                log_error("In which jail? `banctl jails` lists them.");
                return EXIT_USAGE;
        }

        n = argc - 1 - n_jails;
        r = parse_addresses(n, argv + 1 + n_jails, &addresses);
        if (r == EXIT_DONE)
                r = parse_wish(&wish, jail, options);
        if (r == EXIT_DONE)
                r = connection_open(&bus, options, CONNECTION_START, false);
        if (r != EXIT_DONE)
                return r;

        for (int i = 0; i < n; i++) {
                r = ban_address(bus, &wish, &addresses[i], options);
                if (json)
                        print_result(wish.jail,
                                        &addresses[i],
                                        "banned",
                                        json_boolean(r == EXIT_DONE || r == EXIT_NOT_STORED),
                                        options,
                                        (size_t) i);
                result = worst(result, r);
        }

        if (json)
                json_print_end(options, (size_t) n);
        return result;
}

/* unbanned */

static int unban_address(sd_bus *bus,
                const char *jail,
                const Address *a,
                const Options *options,
                uint32_t *n) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_unrefp) sd_bus_message *reply = NULL;
        char text[ADDRESS_STR_SIZE];
        int r;

        r = connection_call(bus, "Unban", &error, &reply, "ss", jail, address_format(a, text));
        if (r >= 0)
                r = sd_bus_message_read(reply, "u", n);
        if (r < 0)
                return connection_report(text, &error, r);

        if (options->quiet || options->json != JSON_OFF)
                return EXIT_DONE;

        if (*n == 0)
                (void) printf("%s was not banned%s%s.\n", text, isempty(jail) ? "" : " in ", jail);
        else if (*n == 1)
                (void) printf("Unbanned %s.\n", text);
        else
                (void) printf("Unbanned %s: %" PRIu32 " bans lifted.\n", text, *n);
        return EXIT_DONE;
}

int verb_unban(int argc, char **argv, const Options *options) {
        bool json = options->json != JSON_OFF && !options->quiet;
        _cleanup_(freep) Address *addresses = NULL;
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int n_jails, n, r, result = EXIT_DONE;
        const char *jail;

        n_jails = get_jail(argc, argv, options, &jail);
        if (n_jails < 0)
                return EXIT_USAGE;
        if (options->all_jails && !isempty(jail)) {
                log_error("In all jails, or in %s?", jail);
                return EXIT_USAGE;
        }

        n = argc - 1 - n_jails;
        r = parse_addresses(n, argv + 1 + n_jails, &addresses);
        if (r == EXIT_DONE)
                r = connection_open(&bus, options, CONNECTION_START, false);
        if (r != EXIT_DONE)
                return r;

        for (int i = 0; i < n; i++) {
                uint32_t n_lifted = 0;

                r = unban_address(bus, jail, &addresses[i], options, &n_lifted);
                if (json)
                        print_result(jail,
                                        &addresses[i],
                                        "lifted",
                                        r == EXIT_NOT_STORED ? json_null() : json_integer(n_lifted),
                                        options,
                                        (size_t) i);
                result = worst(result, r);
        }

        if (json)
                json_print_end(options, (size_t) n);
        return result;
}

/* forgotten */

static int forget_address(sd_bus *bus, const Address *a, const Options *options, uint32_t *n) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_unrefp) sd_bus_message *reply = NULL;
        char text[ADDRESS_STR_SIZE];
        int r;

        r = connection_call(bus, "Forget", &error, &reply, "s", address_format(a, text));
        if (r >= 0)
                r = sd_bus_message_read(reply, "u", n);
        if (r < 0)
                return connection_report(text, &error, r);

        if (options->quiet || options->json != JSON_OFF)
                return EXIT_DONE;

        if (*n == 0)
                (void) printf("%s has no earlier bans of its own.\n", text);
        else
                (void) printf("Forgot %" PRIu32 " ban%s of %s.\n", *n, *n == 1 ? "" : "s", text);
        return EXIT_DONE;
}

int verb_forget(int argc, char **argv, const Options *options) {
        bool json = options->json != JSON_OFF && !options->quiet;
        _cleanup_(freep) Address *addresses = NULL;
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int n = argc - 1, r, result = EXIT_DONE;

        r = parse_addresses(n, argv + 1, &addresses);
        if (r == EXIT_DONE)
                r = connection_open(&bus, options, CONNECTION_START, false);
        if (r != EXIT_DONE)
                return r;

        for (int i = 0; i < n; i++) {
                uint32_t n_forgotten = 0;

                r = forget_address(bus, &addresses[i], options, &n_forgotten);
                if (json)
                        print_result(NULL,
                                        &addresses[i],
                                        "forgotten",
                                        json_integer(n_forgotten),
                                        options,
                                        (size_t) i);
                result = worst(result, r);
        }

        if (json)
                json_print_end(options, (size_t) n);
        return result;
}
