/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * As with bans, a few addresses are sent one by one, and many by thousands.
 */

#include <inttypes.h>

#include "base/log.h"
#include "ctl/address-list.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "ctl/progress.h"
#include "ctl/verbs.h"
#include "model/bus-names.h"

/* So many are told one by one. */
#define SINGLE_MAX 20

/* One element of the answer in JSON. */
static void print_element(const char *jail,
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

/* Calls a method for one address that answers with a number. Returns an exit status. */
static int
call_one(sd_bus *bus, const char *method, const char *jail, const char *text, uint32_t *n) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_unrefp) sd_bus_message *reply = NULL;
        int r;

        if (jail)
                r = connection_call(bus, method, &error, &reply, "ss", jail, text);
        else
                r = connection_call(bus, method, &error, &reply, "s", text);
        if (r >= 0)
                r = sd_bus_message_read(reply, "u", n);

        return r < 0 ? connection_report(text, &error, r) : EXIT_DONE;
}

/* unbanned */

static int
unban_one(sd_bus *bus, const char *jail, const Address *a, const Options *options, size_t i) {
        char text[ADDRESS_STR_SIZE];
        uint32_t n = 0;
        int r;

        r = call_one(bus, "Unban", jail, address_format(a, text), &n);
        if (options->quiet)
                return r;
        if (options->json != JSON_OFF)
                print_element(jail,
                                a,
                                "lifted",
                                r == EXIT_NOT_STORED ? json_null() : json_integer(n),
                                options,
                                i);
        else if (r != EXIT_DONE)
                return r;
        else if (n == 0)
                (void) printf("%s was not banned%s%s.\n", text, isempty(jail) ? "" : " in ", jail);
        else if (n == 1)
                (void) printf("Unbanned %s.\n", text);
        else
                (void) printf("Unbanned %s: %" PRIu32 " bans lifted.\n", text, n);
        return r;
}

static int unban_few(sd_bus *bus, const char *jail, const AddressList *l, const Options *options) {
        int result = EXIT_DONE;

        for (size_t i = 0; i < l->n; i++)
                result = worst_result(result, unban_one(bus, jail, &l->addresses[i], options, i));

        if (options->json != JSON_OFF && !options->quiet)
                json_print_end(options, l->n);
        return result;
}

/* What became of a long list. */
typedef struct UnbanRun {
        sd_bus *bus;
        const char *jail;
        const Options *options;
        size_t n_lifted;
        size_t n_not_banned;
        size_t n_printed;
} UnbanRun;

static int call_many(UnbanRun *run,
                const Address *addresses,
                size_t n,
                sd_bus_error *error,
                sd_bus_message **ret) {
        _cleanup_(message_unrefp) sd_bus_message *m = NULL;
        char text[ADDRESS_STR_SIZE];
        int r;

        r = connection_new_call(run->bus, &m, "UnbanMany");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", run->jail);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; i < n && r >= 0; i++)
                r = sd_bus_message_append(m, "s", address_format(&addresses[i], text));
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_call(run->bus, m, 0, error, ret);
}

static int count_not_banned(sd_bus_message *answer, size_t *ret) {
        const char *text;
        int r;

        *ret = 0;
        r = sd_bus_message_enter_container(answer, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read_basic(answer, 's', &text)) > 0)
                (*ret)++;
        return r < 0 ? r : sd_bus_message_rewind(answer, false);
}

/* Those that were not banned come in the order in which they were sent. */
static int read_answer(UnbanRun *run, sd_bus_message *answer, const Address *addresses, size_t n) {
        bool wants_elements = run->options->json != JSON_OFF && !run->options->quiet;
        const char *not_banned = NULL;
        size_t n_not_banned;
        uint32_t n_lifted;
        int r;

        r = sd_bus_message_read(answer, "u", &n_lifted);
        if (r >= 0)
                r = count_not_banned(answer, &n_not_banned);
        if (r >= 0)
                r = sd_bus_message_read_basic(answer, 's', &not_banned);
        if (r < 0)
                return r;

        run->n_lifted += n_lifted;
        run->n_not_banned += n_not_banned;
        for (size_t i = 0; i < n && wants_elements; i++) {
                char text[ADDRESS_STR_SIZE];
                bool was_banned = r == 0 || !streq(address_format(&addresses[i], text), not_banned);

                /* How many of each is told only if it is one. */
                print_element(run->jail,
                                &addresses[i],
                                "lifted",
                                !was_banned                    ? json_integer(0)
                                : n_lifted == n - n_not_banned ? json_integer(1)
                                                               : json_null(),
                                run->options,
                                run->n_printed++);
                if (was_banned)
                        continue;
                r = sd_bus_message_read_basic(answer, 's', &not_banned);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int unban_piece(UnbanRun *run, const Address *addresses, size_t n) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_unrefp) sd_bus_message *answer = NULL;
        int r;

        r = call_many(run, addresses, n, &error, &answer);
        if (r < 0)
                return connection_report(NULL, &error, r);

        r = read_answer(run, answer, addresses, n);
        if (r < 0) {
                log_error_errno(r, "Failed to read the answer of banjod: %m");
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

static int unban_many(sd_bus *bus, const char *jail, const AddressList *l, const Options *options) {
        UnbanRun run = { .bus = bus, .jail = jail, .options = options };
        int result = EXIT_DONE;
        Progress progress;

        progress_begin(&progress, l->n, options);
        for (size_t i = 0; i < l->n && worst_result(result, EXIT_NOT_STORED) == EXIT_NOT_STORED;
                        i += BUS_MANY_MAX) {
                progress_show(&progress, i);
                result = worst_result(result,
                                unban_piece(&run,
                                                l->addresses + i,
                                                MIN(l->n - i, (size_t) BUS_MANY_MAX)));
        }
        progress_end(&progress);

        if (options->quiet)
                return result;
        if (options->json != JSON_OFF) {
                json_print_end(options, run.n_printed);
                return result;
        }

        (void) printf("%zu ban%s lifted", run.n_lifted, run.n_lifted == 1 ? "" : "s");
        if (run.n_not_banned > 0)
                (void) printf("; %zu address%s not banned",
                                run.n_not_banned,
                                run.n_not_banned == 1 ? " was" : "es were");
        (void) printf(".\n");
        return result;
}

int verb_unban(int argc, char **argv, const Options *options) {
        _cleanup_(address_list_done) AddressList list = {};
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        const char *jail;
        int n_jails, r;

        n_jails = address_list_get_jail(argc, argv, options, &jail);
        if (n_jails < 0)
                return EXIT_USAGE;
        if (options->all_jails && !isempty(jail)) {
                log_error("In all jails, or in %s?", jail);
                return EXIT_USAGE;
        }

        r = address_list_read(&list, argc - 1 - n_jails, argv + 1 + n_jails, options);
        if (r == EXIT_DONE)
                r = connection_open(&bus, options, CONNECTION_START, false);
        if (r != EXIT_DONE)
                return r;

        return list.n <= SINGLE_MAX ? unban_few(bus, jail, &list, options)
                                    : unban_many(bus, jail, &list, options);
}

/* forgotten */

static int forget_one(sd_bus *bus, const Address *a, const Options *options, size_t i) {
        char text[ADDRESS_STR_SIZE];
        uint32_t n = 0;
        int r;

        r = call_one(bus, "Forget", NULL, address_format(a, text), &n);
        if (options->quiet)
                return r;
        if (options->json != JSON_OFF)
                print_element(NULL, a, "forgotten", json_integer(n), options, i);
        else if (r != EXIT_DONE)
                return r;
        else if (n == 0)
                (void) printf("%s has no earlier bans of its own.\n", text);
        else
                (void) printf("Forgot %" PRIu32 " ban%s of %s.\n", n, n == 1 ? "" : "s", text);
        return r;
}

int verb_forget(int argc, char **argv, const Options *options) {
        _cleanup_(address_list_done) AddressList list = {};
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r, result = EXIT_DONE;

        r = address_list_read(&list, argc - 1, argv + 1, options);
        if (r == EXIT_DONE)
                r = connection_open(&bus, options, CONNECTION_START, false);
        if (r != EXIT_DONE)
                return r;

        for (size_t i = 0; i < list.n; i++)
                result = worst_result(result, forget_one(bus, &list.addresses[i], options, i));

        if (options->json != JSON_OFF && !options->quiet)
                json_print_end(options, list.n);
        return result;
}
