/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bans come in answers that may be short or empty, because banjod looks at a bounded number of them
 * for each. What is printed are full pages, so that columns stay where they are for a thousand
 * lines, and a history of a million bans needs no more memory than that.
 */

#include "base/log.h"
#include "ctl/clock.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "ctl/period.h"
#include "ctl/record.h"
#include "ctl/verbs.h"
#include "model/address.h"
#include "model/bus-names.h"

/* Lines of a table, so that its columns are known before it is printed. */
#define PAGE_SIZE BUS_HISTORY_MAX

/* What is asked for, and how far the answers have come. */
typedef struct Query {
        const char *jail;
        char address[ADDRESS_STR_SIZE]; /* "" for all */
        usec_t since, until;
        uint64_t after;
        int more;
} Query;

/* What is printed. */
typedef struct Pages {
        const Options *options;
        Table *table;
        size_t n_lines; /* in the table */
        size_t n;       /* in all */
} Pages;

static void pages_done(Pages *p) {
        table_free(p->table);
}

static int print_page(Pages *p) {
        int r;

        r = table_print(p->table);
        if (r < 0)
                return r;

        p->table = table_free(p->table);
        p->n_lines = 0;
        return 0;
}

static int add_ban(Pages *p, const BanRecord *b) {
        int r;

        if (p->options->json != JSON_OFF)
                return json_print_element(record_to_json(b), p->options, p->n++);

        if (!p->table) {
                r = record_table_new(&p->table, p->options);
                if (r < 0)
                        return r;
                if (p->n > 0)
                        table_hide_headings(p->table);
        }

        p->n++;
        r = record_table_add(p->table, b);
        if (r < 0)
                return r;

        return ++p->n_lines == PAGE_SIZE ? print_page(p) : 0;
}

static int read_answer(sd_bus_message *m, Query *q, Pages *p) {
        BanRecord b;
        int r;

        r = sd_bus_message_enter_container(m, 'a', BUS_HISTORY_TYPE);
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(m, 'r', BUS_HISTORY_FIELDS)) > 0) {
                r = record_read(m, &b);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r >= 0)
                        r = add_ban(p, &b);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        return sd_bus_message_read(m, "ttb", &q->since, &q->after, &q->more);
}

static int parse_query(Query *ret, int argc, char **argv, const Options *options) {
        Address a;

        *ret = (Query){
                .jail = options->jail ?: "",
                .since = 0,
                .until = USEC_INFINITY,
        };

        if (argc > 1) {
                if (address_parse(argv[1], strlen(argv[1]), &a) < 0) {
                        log_error("\"%s\" is neither an address nor a prefix such as 192.0.2.0/24.",
                                        argv[1]);
                        return EXIT_USAGE;
                }
                (void) address_format(&a, ret->address);
        }

        return period_parse(options, clock_now(), &ret->since, &ret->until) < 0 ? EXIT_USAGE
                                                                                : EXIT_DONE;
}

static int print_all(sd_bus *bus, Query *q, Pages *p) {
        int r;

        do {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                _cleanup_(message_unrefp) sd_bus_message *answer = NULL;

                r = connection_call(bus,
                                "History",
                                &error,
                                &answer,
                                "sstttu",
                                q->jail,
                                q->address,
                                q->since,
                                q->until,
                                q->after,
                                (uint32_t) BUS_HISTORY_MAX);
                if (r < 0)
                        return connection_report(NULL, &error, r);

                r = read_answer(answer, q, p);
                if (r < 0) {
                        log_error_errno(r, "Failed to print the history: %m");
                        return EXIT_FAILED;
                }
        } while (q->more);

        r = p->table ? print_page(p) : 0;
        if (r < 0) {
                log_error_errno(r, "Failed to print the history: %m");
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

int verb_history(int argc, char **argv, const Options *options) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        _cleanup_(pages_done) Pages pages = { .options = options };
        Query query;
        int r;

        r = parse_query(&query, argc, argv, options);
        if (r == EXIT_DONE)
                r = connection_open(&bus, options, CONNECTION_ASK, false);
        if (r != EXIT_DONE)
                return r;

        output_open_pager(options);
        r = print_all(bus, &query, &pages);
        if (r != EXIT_DONE)
                return r;

        if (options->json != JSON_OFF)
                json_print_end(options, pages.n);
        else if (output_wants_remarks(options) && pages.n == 0)
                (void) fprintf(stderr, "Nobody was banned.\n");

        return EXIT_DONE;
}
