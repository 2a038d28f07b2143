/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bans come in pages, and each page is written before the next one is asked for: a list of a
 * million needs no more memory than one of five thousand.
 */

#include <inttypes.h>

#include "base/log.h"
#include "base/usec.h"
#include "ctl/ban-extras.h"
#include "ctl/clock.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "ctl/verbs.h"
#include "model/bus-names.h"

/* Bans asked for at a time. The daemon is busy with a page for about 10 us per ban, and an attacker
 * might be next in line. */
#define PAGE_SIZE 1000u
static_assert(PAGE_SIZE <= BUS_LIST_MAX, "a full page means that there may be more");

/* Strings live with the message they came in. */
typedef struct BanInfo {
        uint64_t id;
        const char *jail;
        const char *address;
        uint64_t start;
        uint64_t end;
        uint64_t remaining;
        uint32_t failures;
        const char *pattern;
        const char *reason;
        uint64_t n_leaks; /* failures that got through */
        bool is_counted;  /* what it dropped is: */
        uint64_t n_packets;
        uint64_t n_bytes;
} BanInfo;

/* Returns 1 for a ban, 0 at the end of the page, or a negative errno. */
static int read_ban(sd_bus_message *m, BanInfo *ret) {
        return sd_bus_message_read(m,
                        BUS_BAN_TYPE,
                        &ret->id,
                        &ret->jail,
                        &ret->address,
                        &ret->start,
                        &ret->end,
                        &ret->remaining,
                        &ret->failures,
                        &ret->pattern,
                        &ret->reason);
}

/* What is told of bans besides. */
typedef struct Besides {
        Extras leaks;
        Extras counters;
        size_t n_uncounted; /* bans without a counter of their own, so far */
} Besides;

static void besides_done(Besides *b) {
        extras_done(&b->leaks);
        extras_done(&b->counters);
}

static int find_besides(Besides *besides, BanInfo *b) {
        int r;

        r = extras_find(&besides->leaks, b->id);
        if (r < 0)
                return r;
        b->n_leaks = r > 0 ? besides->leaks.first : 0;

        r = extras_find(&besides->counters, b->id);
        if (r < 0)
                return r;
        b->is_counted = r > 0;
        b->n_packets = besides->counters.first;
        b->n_bytes = besides->counters.second;
        besides->n_uncounted += r == 0;
        return 0;
}

static json_t *ban_to_json(const BanInfo *b) {
        return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:b, s:i, s:s, s:s, s:o, s:o, s:o}",
                        "id",
                        json_count(b->id),
                        "jail",
                        b->jail,
                        "address",
                        b->address,
                        "start_usec",
                        json_usec(b->start),
                        "end_usec",
                        json_usec(b->end),
                        "remaining_usec",
                        json_usec(b->remaining),
                        "permanent",
                        b->end == USEC_INFINITY,
                        "failures",
                        (int) b->failures,
                        "pattern",
                        b->pattern,
                        "reason",
                        b->reason,
                        "leaks",
                        json_count(b->n_leaks),
                        "packets",
                        b->is_counted ? json_count(b->n_packets) : json_null(),
                        "bytes",
                        b->is_counted ? json_count(b->n_bytes) : json_null());
}

static void mark_leaks(char *why, size_t size, uint64_t n) {
        size_t used = strlen(why);

        (void) snprintf(why + used, size - used, " (does not hold: %" PRIu64 " got through)", n);
}

static int add_line(Table *t, const BanInfo *b) {
        char age[USEC_STR_SIZE], remaining[USEC_STR_SIZE], failures[16], why[512];
        char dropped[OUTPUT_COUNT_SIZE] = "-";
        struct libscols_line *line = table_add(t);
        int r;

        /* By hand there is a reason, by a filter there is a pattern. */
        if (b->failures > 0) {
                (void) snprintf(failures, sizeof(failures), "%" PRIu32, b->failures);
                (void) snprintf(why, sizeof(why), "%s", b->pattern);
        } else {
                failures[0] = '\0';
                (void) snprintf(why,
                                sizeof(why),
                                "by hand%s%s",
                                isempty(b->reason) ? "" : ": ",
                                b->reason);
        }
        if (b->n_leaks > 0)
                mark_leaks(why, sizeof(why), b->n_leaks);
        if (b->is_counted)
                (void) output_format_count(b->n_packets, dropped);

        r = table_set(line, 0, b->jail);
        if (r >= 0)
                r = table_set(line, 1, b->address);
        if (r >= 0)
                r = table_set(line, 2, usec_format_span(usec_sub(clock_now(), b->start), age));
        if (r >= 0)
                r = table_set(line, 3, usec_format_span(b->remaining, remaining));
        if (r >= 0)
                r = table_set(line, 4, failures);
        if (r >= 0)
                r = table_set(line, 5, dropped);
        if (r >= 0)
                r = table_set(line, 6, why);
        if (b->end == USEC_INFINITY)
                table_set_color(line, 3, COLOR_YELLOW);
        if (b->n_leaks > 0)
                table_set_color(line, 6, COLOR_RED);
        return r;
}

/* One page. Returns a negative errno, and keeps count of the bans and their last id. */
static int print_page(sd_bus_message *page,
                Besides *besides,
                const Options *options,
                size_t *n_printed,
                uint64_t *last) {
        static const Column columns[] = {
                { "JAIL", false, false },
                { "ADDRESS", false, false },
                { "AGE", true, false },
                { "REMAINING", true, false },
                { "FAILURES", true, false },
                { "DROPPED", true, false },
                { "WHY", false, true },
        };
        _cleanup_(table_freep) Table *t = NULL;
        BanInfo b;
        int r;

        r = table_new(&t, options, columns, ELEMENTSOF(columns));
        if (r < 0)
                return r;
        if (*n_printed > 0)
                table_hide_headings(t);

        r = sd_bus_message_enter_container(page, 'a', BUS_BAN_TYPE);
        if (r < 0)
                return r;

        while ((r = read_ban(page, &b)) > 0) {
                r = find_besides(besides, &b);
                if (r < 0)
                        return r;
                if (options->json != JSON_OFF)
                        r = json_print_element(ban_to_json(&b), options, *n_printed);
                else
                        r = add_line(t, &b);
                if (r < 0)
                        return r;
                (*n_printed)++;
                *last = b.id;
        }
        if (r < 0)
                return r;

        return table_print(t);
}

static void say_uncounted(size_t n) {
        (void) fprintf(stderr,
                        "%zu of these bans %s no counter; see `counters` in banjo.conf(5).\n",
                        n,
                        n == 1 ? "has" : "have");
}

int verb_list(int argc, char **argv, const Options *options) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        size_t n_printed = 0, n_before, n_uncounted = 0;
        const char *jail;
        uint64_t last = 0;
        int r;

        if (options_get_jail(options, argc > 1 ? argv[1] : NULL, &jail) < 0)
                return EXIT_USAGE;

        r = connection_open(&bus, options, CONNECTION_ASK, false);
        if (r != EXIT_DONE)
                return r;

        output_open_pager(options);
        do {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                _cleanup_(message_unrefp) sd_bus_message *page = NULL;
                _cleanup_(besides_done) Besides besides = {};

                n_before = n_printed;
                r = connection_call(bus,
                                "ListBans",
                                &error,
                                &page,
                                "stu",
                                jail,
                                last,
                                (uint32_t) PAGE_SIZE);
                if (r < 0)
                        return connection_report(NULL, &error, r);

                r = extras_get(&besides.leaks, EXTRA_LEAKS, bus, jail, last, PAGE_SIZE);
                if (r >= 0)
                        r = extras_get(&besides.counters,
                                        EXTRA_COUNTERS,
                                        bus,
                                        jail,
                                        last,
                                        PAGE_SIZE);
                if (r >= 0)
                        r = print_page(page, &besides, options, &n_printed, &last);
                n_uncounted += besides.n_uncounted;
                if (r < 0) {
                        log_error_errno(r, "Failed to print the bans: %m");
                        return EXIT_FAILED;
                }
        } while (n_printed - n_before == PAGE_SIZE);

        if (options->json != JSON_OFF)
                json_print_end(options, n_printed);
        else if (output_wants_remarks(options) && n_printed == 0)
                (void) fprintf(stderr, "Nobody is banned.\n");
        else if (output_wants_remarks(options) && n_uncounted > 0)
                say_uncounted(n_uncounted);

        return EXIT_DONE;
}
