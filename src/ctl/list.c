/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bans come in pages, and each page is written before the next one is asked for: a list of a
 * million needs no more memory than one of five thousand.
 */

#include <inttypes.h>

#include "base/log.h"
#include "base/usec.h"
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
} BanInfo;

/* The bans that leak, in the order of their ids. */
typedef struct Leaks {
        sd_bus_message *page; /* NULL at the end */
        uint64_t id;          /* of the one read last */
        uint64_t n;
} Leaks;

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

static void leaks_done(Leaks *l) {
        sd_bus_message_unref(l->page);
        l->page = NULL;
}

/* Asks for those behind an id, as many as there are bans on a page. A daemon that cannot tell, as
 * before it is restarted after an upgrade, has none. Returns 0 or a negative errno. */
static int get_leaks(Leaks *ret, sd_bus *bus, const char *jail, uint64_t after) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        *ret = (Leaks){};
        r = connection_call(bus,
                        "ListLeaks",
                        &error,
                        &ret->page,
                        "stu",
                        jail,
                        after,
                        (uint32_t) PAGE_SIZE);
        if (r < 0)
                return 0;

        return sd_bus_message_enter_container(ret->page, 'a', BUS_LEAK_TYPE);
}

/* What got through the ban with this id, which has to grow from call to call. */
static int count_leaks(Leaks *l, uint64_t id, uint64_t *ret) {
        const char *jail, *address;

        while (l->page && l->id < id) {
                int r;

                r = sd_bus_message_read(l->page, BUS_LEAK_TYPE, &l->id, &jail, &address, &l->n);
                if (r < 0)
                        return r;
                if (r == 0)
                        leaks_done(l);
        }

        *ret = l->page && l->id == id ? l->n : 0;
        return 0;
}

static json_t *ban_to_json(const BanInfo *b) {
        return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:b, s:i, s:s, s:s, s:o}",
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
                        json_count(b->n_leaks));
}

static void mark_leaks(char *why, size_t size, uint64_t n) {
        size_t used = strlen(why);

        (void) snprintf(why + used, size - used, " (does not hold: %" PRIu64 " got through)", n);
}

static int add_line(Table *t, const BanInfo *b) {
        char age[USEC_STR_SIZE], remaining[USEC_STR_SIZE], failures[16], why[512];
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
                r = table_set(line, 5, why);
        if (b->end == USEC_INFINITY)
                table_set_color(line, 3, COLOR_YELLOW);
        if (b->n_leaks > 0)
                table_set_color(line, 5, COLOR_RED);
        return r;
}

/* One page. Returns a negative errno, and keeps count of the bans and their last id. */
static int print_page(sd_bus_message *page,
                Leaks *leaks,
                const Options *options,
                size_t *n_printed,
                uint64_t *last) {
        static const Column columns[] = {
                { "JAIL", false, false },
                { "ADDRESS", false, false },
                { "AGE", true, false },
                { "REMAINING", true, false },
                { "FAILURES", true, false },
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
                r = count_leaks(leaks, b.id, &b.n_leaks);
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

int verb_list(int argc, char **argv, const Options *options) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        size_t n_printed = 0, n_before;
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
                _cleanup_(leaks_done) Leaks leaks = {};

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

                r = get_leaks(&leaks, bus, jail, last);
                if (r >= 0)
                        r = print_page(page, &leaks, options, &n_printed, &last);
                if (r < 0) {
                        log_error_errno(r, "Failed to print the bans: %m");
                        return EXIT_FAILED;
                }
        } while (n_printed - n_before == PAGE_SIZE);

        if (options->json != JSON_OFF)
                json_print_end(options, n_printed);
        else if (!options->no_legend && isatty(STDERR_FILENO) && n_printed == 0)
                (void) fprintf(stderr, "Nobody is banned.\n");

        return EXIT_DONE;
}
