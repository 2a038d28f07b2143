/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is wrong with the command line is found before anything is done. After that each address
 * stands for itself: one that is refused does not keep the others back, and the worst of the
 * results is the exit status.
 *
 * A few addresses are sent one by one, so that each can be told what became of it. Of many, banjod
 * takes thousands at a time, with one commit to the disk, and tells how many there were of each
 * kind.
 */

#include <inttypes.h>

#include "base/log.h"
#include "base/usec.h"
#include "base/utf8.h"
#include "ctl/address-list.h"
#include "ctl/asker.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "ctl/progress.h"
#include "ctl/verbs.h"
#include "model/bus-names.h"

/* So many are told one by one. */
#define SINGLE_MAX 20

/* Refusals that are told in a long list. */
#define REFUSALS_SHOWN 20

typedef struct BanWish {
        const char *jail;
        usec_t duration; /* 0 for the jail's */
        const char *reason;
        bool force;
        Address askers[ASKERS_MAX];
        size_t n_askers;
} BanWish;

/* What became of all. */
typedef struct BanRun {
        sd_bus *bus;
        const BanWish *wish;
        const Options *options;
        bool is_single; /* each address is told */
        Progress progress;
        size_t n_banned;
        size_t n_unchanged;
        size_t n_refused;
        size_t n_printed; /* elements of the answer in JSON */
        int result;
} BanRun;

/* Arguments */

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

/* Results */

/* A long list does not scroll away what is said of its first refusals. */
static bool tells_refusal(BanRun *run) {
        progress_end(&run->progress);
        return ++run->n_refused <= REFUSALS_SHOWN || run->is_single;
}

/* True, and reported, if the ban would end the session it is asked from. */
static bool would_lock_out(BanRun *run, const Address *a) {
        char asker[ADDRESS_STR_SIZE], text[ADDRESS_STR_SIZE];
        const BanWish *wish = run->wish;

        for (size_t i = 0; i < wish->n_askers && !wish->force; i++) {
                if (!address_covers(a, &wish->askers[i]))
                        continue;
                if (tells_refusal(run))
                        log_error("%s: this is where you are logged in from (%s). Use --force if "
                                  "that is what you want.",
                                        address_format(a, text),
                                        address_format(&wish->askers[i], asker));
                run->result = worst_result(run->result, EXIT_REFUSED);
                return true;
        }

        return false;
}

static void report_refusal(BanRun *run, const char *address, const sd_bus_error *error) {
        int status = connection_get_status(error);

        if (tells_refusal(run))
                status = connection_report(address, error, 0);
        run->result = worst_result(run->result, status);
}

/* changed is null if it is not known. */
static void print_element(BanRun *run, const Address *a, bool banned, json_t *changed) {
        char text[ADDRESS_STR_SIZE];

        (void) json_print_element(json_pack("{s:s, s:s, s:b, s:o}",
                                                  "jail",
                                                  run->wish->jail,
                                                  "address",
                                                  address_format(a, text),
                                                  "banned",
                                                  banned,
                                                  "changed",
                                                  changed),
                        run->options,
                        run->n_printed++);
}

static void print_banned(const BanRun *run, const Address *a, bool changed) {
        char text[ADDRESS_STR_SIZE], span[USEC_STR_SIZE];
        const BanWish *wish = run->wish;

        address_format(a, text);
        if (!changed) {
                (void) printf("%s was banned in %s already.\n", text, wish->jail);
                return;
        }

        (void) printf("Banned %s in %s", text, wish->jail);
        if (wish->duration == USEC_INFINITY)
                (void) printf(" for good");
        else if (wish->duration > 0)
                (void) printf(" for %s", usec_format_span(wish->duration, span));
        (void) printf(".\n");
}

static const char *plural(size_t n) {
        return n == 1 ? "" : "es";
}

static void print_sum(const BanRun *run) {
        char span[USEC_STR_SIZE];
        const BanWish *wish = run->wish;

        (void) printf("Banned %zu address%s in %s",
                        run->n_banned,
                        plural(run->n_banned),
                        wish->jail);
        if (wish->duration == USEC_INFINITY)
                (void) printf(" for good");
        else if (wish->duration > 0)
                (void) printf(" for %s", usec_format_span(wish->duration, span));
        if (run->n_unchanged > 0)
                (void) printf("; %zu %s banned already",
                                run->n_unchanged,
                                run->n_unchanged == 1 ? "was" : "were");
        if (run->n_refused > 0)
                (void) printf("; %zu %s refused",
                                run->n_refused,
                                run->n_refused == 1 ? "was" : "were");
        (void) printf(".\n");
}

/* Calls */

static int call_many(BanRun *run,
                const Address *addresses,
                size_t n,
                sd_bus_error *error,
                sd_bus_message **ret) {
        _cleanup_(message_unrefp) sd_bus_message *m = NULL;
        char text[ADDRESS_STR_SIZE];
        int r;

        r = connection_new_call(run->bus, &m, "BanMany");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", run->wish->jail);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; i < n && r >= 0; i++)
                r = sd_bus_message_append(m, "s", address_format(&addresses[i], text));
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m,
                                "tst",
                                run->wish->duration,
                                run->wish->reason,
                                run->wish->force ? BUS_BAN_FORCE : UINT64_C(0));
        return r < 0 ? r : sd_bus_call(run->bus, m, 0, error, ret);
}

/* An address of a piece that was not refused. */
static void tell_banned(BanRun *run, const Address *a, json_t *changed) {
        if (run->options->quiet)
                json_decref(changed);
        else if (run->options->json != JSON_OFF)
                print_element(run, a, true, changed);
        else {
                if (run->is_single)
                        print_banned(run, a, !json_is_false(changed));
                json_decref(changed);
        }
}

static void tell_not_banned(BanRun *run, const Address *a) {
        if (!run->options->quiet && run->options->json != JSON_OFF)
                print_element(run, a, false, json_false());
}

/* It is banned, which a restart could undo. Of many this is said once. */
static void tell_not_stored(BanRun *run, const Address *a, const char *sentence) {
        char text[ADDRESS_STR_SIZE];

        if (run->is_single || worst_result(run->result, EXIT_NOT_STORED) != run->result) {
                progress_end(&run->progress);
                log_error("%s: %s", address_format(a, text), sentence);
        }
        run->result = worst_result(run->result, EXIT_NOT_STORED);
        run->n_banned++;
        tell_banned(run, a, json_null());
}

/* Reads what became of a piece. Those refused come in the order in which they were sent. */
static int read_answer(BanRun *run, sd_bus_message *answer, const Address *addresses, size_t n) {
        const char *refused = NULL, *name, *sentence;
        uint32_t n_banned, n_unchanged;
        char text[ADDRESS_STR_SIZE];
        int r;

        r = sd_bus_message_read(answer, "uu", &n_banned, &n_unchanged);
        if (r >= 0)
                r = sd_bus_message_enter_container(answer, 'a', BUS_REFUSED_TYPE);
        if (r >= 0)
                r = sd_bus_message_read(answer, BUS_REFUSED_TYPE, &refused, &name, &sentence);
        if (r < 0)
                return r;

        run->n_banned += n_banned;
        run->n_unchanged += n_unchanged;
        for (size_t i = 0; i < n; i++) {
                if (r == 0 || !streq(address_format(&addresses[i], text), refused)) {
                        /* Which of them are unchanged is not told, if not all are alike. */
                        tell_banned(run,
                                        &addresses[i],
                                        n_banned > 0 && n_unchanged > 0
                                                        ? json_null()
                                                        : json_boolean(n_banned > 0));
                        continue;
                }

                if (streq(name, BUS_ERROR_NOT_STORED))
                        tell_not_stored(run, &addresses[i], sentence);
                else {
                        report_refusal(run, refused, &SD_BUS_ERROR_MAKE_CONST(name, sentence));
                        tell_not_banned(run, &addresses[i]);
                }
                r = sd_bus_message_read(answer, BUS_REFUSED_TYPE, &refused, &name, &sentence);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Bans a piece of the list. Returns 0, or a negative errno, reported, if it is of no use to go
 * on. */
static int ban_piece(BanRun *run, const Address *addresses, size_t n) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_unrefp) sd_bus_message *answer = NULL;
        int r, status;

        r = call_many(run, addresses, n, &error, &answer);
        if (r >= 0) {
                r = read_answer(run, answer, addresses, n);
                if (r < 0) {
                        log_error_errno(r, "Failed to read the answer of banjod: %m");
                        run->result = worst_result(run->result, EXIT_FAILED);
                }
                return r;
        }

        progress_end(&run->progress);
        status = connection_report(NULL, &error, r);
        run->result = worst_result(run->result, status);
        for (size_t i = 0; i < n; i++)
                if (status == EXIT_NOT_STORED)
                        tell_banned(run, &addresses[i], json_null());
                else
                        tell_not_banned(run, &addresses[i]);
        return status == EXIT_NOT_STORED ? 0 : r;
}

static void ban_all(BanRun *run, AddressList *l) {
        size_t piece_max = run->is_single ? 1 : BUS_MANY_MAX, n = 0;

        for (size_t i = 0; i < l->n; i++)
                if (would_lock_out(run, &l->addresses[i]))
                        tell_not_banned(run, &l->addresses[i]);
                else
                        l->addresses[n++] = l->addresses[i];

        progress_begin(&run->progress, n, run->options);
        for (size_t i = 0; i < n; i += piece_max) {
                progress_show(&run->progress, i);
                if (ban_piece(run, l->addresses + i, MIN(n - i, piece_max)) < 0)
                        break;
        }
        progress_end(&run->progress);
}

int verb_ban(int argc, char **argv, const Options *options) {
        _cleanup_(address_list_done) AddressList list = {};
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        BanRun run = { .options = options };
        int n_jails, r;
        const char *jail;
        BanWish wish;

        n_jails = address_list_get_jail(argc, argv, options, &jail);
        if (n_jails < 0)
                return EXIT_USAGE;
        if (isempty(jail)) {
                log_error("In which jail? `banctl jails` lists them.");
                return EXIT_USAGE;
        }

        r = address_list_read(&list, argc - 1 - n_jails, argv + 1 + n_jails, options);
        if (r == EXIT_DONE)
                r = parse_wish(&wish, jail, options);
        if (r == EXIT_DONE)
                r = connection_open(&bus, options, CONNECTION_START, false);
        if (r != EXIT_DONE)
                return r;

        run.bus = bus;
        run.wish = &wish;
        run.is_single = list.n <= SINGLE_MAX;
        ban_all(&run, &list);

        if (run.n_refused > REFUSALS_SHOWN && !run.is_single)
                log_error("And %zu more were refused.", run.n_refused - REFUSALS_SHOWN);
        if (options->quiet)
                return run.result;
        if (options->json != JSON_OFF)
                json_print_end(options, run.n_printed);
        else if (!run.is_single)
                print_sum(&run);
        return run.result;
}
