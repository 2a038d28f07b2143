/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/test-report.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/strv.h"
#include "base/table.h"
#include "ctl/output.h"
#include "ctl/text.h"

#define HOSTS_SHOWN 20
#define SHAPES_SHOWN 10

/* Of a text, around the place where the nearest pattern stopped. */
#define NEAREST_BEFORE 60
#define NEAREST_BEHIND 20

struct ReportHost {
        Address address;
        uint64_t n_failures;
        UT_hash_handle hh;
        bool in_table;
};

int report_init(Report *r, const Filter *filter) {
        assert(r);
        assert(filter);

        *r = (Report){ .filter = filter };
        r->n_hits = calloc(filter->n_patterns + 1, sizeof(*r->n_hits));
        return r->n_hits ? shapes_new(&r->shapes) : -ENOMEM;
}

void report_done(Report *r) {
        ReportHost *host, *next;

        HASH_ITER(hh, r->hosts, host, next) {
                TABLE_DEL(r->hosts, host);
                free(host);
        }
        shapes_free(r->shapes);
        free(r->n_hits);
}

const char *report_result_to_string(unsigned result) {
        return result == REPORT_MISS ? "miss" : pattern_kind_to_string((PatternKind) result);
}

static int count_host(Report *r, const Address *a, unsigned n) {
        ReportHost *host;

        r->n_failures += n;
        TABLE_FIND(r->hosts, a, host);
        if (!host && r->n_hosts == REPORT_HOSTS_MAX) {
                r->n_failures_elsewhere += n;
                return 0;
        }
        if (!host) {
                host = calloc(1, sizeof(*host));
                if (!host)
                        return -ENOMEM;
                host->address = *a;
                if (!TABLE_ADD(r->hosts, address, host)) {
                        free(host);
                        return -ENOMEM;
                }
                r->n_hosts++;
        }

        host->n_failures += n;
        return 0;
}

int report_add(Report *r, const ReportLine *line) {
        assert(r);
        assert(line);

        r->n_results[line->result]++;
        if (line->match)
                r->n_hits[line->match->pattern - r->filter->patterns]++;
        else
                shapes_add(r->shapes, line->text.data, line->text.size);

        return line->n_counted > 0 ? count_host(r, &line->host, line->n_counted) : 0;
}

/* Lines */

static void print_nearest(const ReportLine *l) {
        size_t from = l->nearest_offset > NEAREST_BEFORE ? l->nearest_offset - NEAREST_BEFORE : 0;
        size_t to = MIN(l->text.size, l->nearest_offset + NEAREST_BEHIND), columns = 0;
        char section[PATTERN_SECTION_SIZE];

        if (!l->nearest) {
                (void) printf("         no pattern begins like this\n");
                return;
        }

        (void) printf("         nearest: [%s] ", pattern_section(l->nearest, section));
        (void) text_print(l->nearest->name, strlen(l->nearest->name));
        (void) fputs(" = ", stdout);
        (void) text_print(l->nearest->written, strlen(l->nearest->written));

        (void) fputs("\n         ", stdout);
        if (from > 0)
                columns += (size_t) printf("...");
        columns += text_print(l->text.data + from, l->nearest_offset - from);
        (void) text_print(l->text.data + l->nearest_offset, to - l->nearest_offset);
        (void) printf("%s\n         %*s%s^%s%s\n",
                        to < l->text.size ? "..." : "",
                        (int) columns,
                        "",
                        color_begin(COLOR_RED),
                        color_end(),
                        l->nearest_offset == l->text.size ? " ends too early" : "");
}

void report_print_line(const ReportLine *l) {
        static const Color colors[REPORT_RESULTS] = {
                [PATTERN_FAIL] = COLOR_RED,
                [PATTERN_ONCE] = COLOR_RED,
                [PATTERN_CONTEXT] = COLOR_GREEN,
                [PATTERN_IGNORE] = COLOR_GREY,
                [PATTERN_BEGIN] = COLOR_GREEN,
                [PATTERN_CLEAR] = COLOR_GREEN,
                [REPORT_MISS] = COLOR_YELLOW,
        };

        assert(l);

        (void) printf("%s%-8s%s ",
                        color_begin(colors[l->result]),
                        report_result_to_string(l->result),
                        color_end());
        if (l->match) {
                (void) text_print(l->match->pattern->name, strlen(l->match->pattern->name));
                (void) fputs(": ", stdout);
        }
        text_print_match(l->line.data, l->line.size, l->match);
        (void) putchar('\n');

        if (l->result == REPORT_MISS && l->explained)
                print_nearest(l);
}

/* JSON */

static json_t *fields_to_json(const MatcherResult *m) {
        json_t *object = json_object();

        for (size_t i = 0; m && object && i < m->n_fields; i++)
                (void) json_object_set_new(object,
                                m->fields[i].name,
                                text_to_json(m->fields[i].value.data, m->fields[i].value.size));

        return object;
}

int report_print_json(const ReportLine *l, const Options *options) {
        char text[ADDRESS_STR_SIZE], section[PATTERN_SECTION_SIZE];
        const Address *a = l->n_counted > 0                    ? &l->host
                           : l->match && l->match->has_address ? &l->match->address
                                                               : NULL;
        json_t *o;

        o = json_pack("{so ss so? so? so? so so? sI}",
                        "line",
                        text_to_json(l->line.data, l->line.size),
                        "result",
                        report_result_to_string(l->result),
                        "section",
                        l->match ? json_text(pattern_section(l->match->pattern, section)) : NULL,
                        "pattern",
                        l->match ? json_text(l->match->pattern->name) : NULL,
                        "address",
                        a ? json_string(address_format(a, text)) : NULL,
                        "fields",
                        fields_to_json(l->match),
                        "session",
                        l->session.data ? text_to_json(l->session.data, l->session.size) : NULL,
                        "failures",
                        (json_int_t) l->n_counted);
        if (o && l->explained && l->nearest) {
                (void) json_object_set_new(o, "nearest", json_text(l->nearest->name));
                (void) json_object_set_new(o, "nearest_offset", json_count(l->nearest_offset));
        }

        return json_print(o, options);
}

/* The sum */

static bool is_in_use(const Pattern *p, char *const *groups) {
        return isempty(p->group) || strv_contains(groups, p->group) ||
               strv_contains(groups, GROUP_ALL);
}

static void print_patterns(const Report *r, char *const *groups) {
        size_t width = 0;

        for (size_t i = 0; i < r->filter->n_patterns; i++) {
                char section[PATTERN_SECTION_SIZE];
                const Pattern *p = &r->filter->patterns[i];

                width = MAX(width, strlen(pattern_section(p, section)) + strlen(p->name));
        }

        (void) text_print(r->filter->path, strlen(r->filter->path));
        (void) fputs(":\n", stdout);
        for (size_t i = 0; i < r->filter->n_patterns; i++) {
                const Pattern *p = &r->filter->patterns[i];
                char section[PATTERN_SECTION_SIZE];
                int n;

                if (!is_in_use(p, groups))
                        continue;

                n = printf("  [%s] ", pattern_section(p, section));
                n += (int) text_print(p->name, strlen(p->name));
                if (r->n_hits[i] > 0)
                        (void) printf("%*s%10" PRIu64 "\n",
                                        MAX((int) width + 6 - n, 1),
                                        "",
                                        r->n_hits[i]);
                else
                        (void) printf("%*s%s%10s%s\n",
                                        MAX((int) width + 6 - n, 1),
                                        "",
                                        color_begin(COLOR_YELLOW),
                                        "never",
                                        color_end());
        }
}

static int compare_hosts(ReportHost *a, ReportHost *b) {
        return a->n_failures != b->n_failures
                               ? (a->n_failures < b->n_failures) - (a->n_failures > b->n_failures)
                               : memcmp(&a->address, &b->address, sizeof(a->address));
}

static void print_hosts(Report *r) {
        size_t n = 0;

        if (r->n_hosts == 0)
                return;

        HASH_SORT(r->hosts, compare_hosts);
        (void) printf("Failures of addresses:\n");
        for (ReportHost *h = r->hosts; h && n < HOSTS_SHOWN; h = h->hh.next, n++) {
                char text[ADDRESS_STR_SIZE];

                (void) printf("  %-40s %10" PRIu64 "\n",
                                address_format(&h->address, text),
                                h->n_failures);
        }
        if (r->n_hosts > n)
                (void) printf("  and %zu more\n", r->n_hosts - n);
        if (r->n_failures_elsewhere > 0)
                (void) printf("  and %" PRIu64 " failures of addresses beyond the first %u\n",
                                r->n_failures_elsewhere,
                                REPORT_HOSTS_MAX);
}

static void print_shapes(Report *r) {
        const Shape *top[SHAPES_SHOWN];
        uint64_t n_all, n_rest;
        size_t n;

        n = shapes_top(r->shapes, top, SHAPES_SHOWN, &n_all, &n_rest);
        if (n == 0)
                return;

        (void) printf("%s%" PRIu64 " %s%s; the most frequent:\n",
                        color_begin(COLOR_YELLOW),
                        n_all,
                        n_all == 1 ? "line speaks of failure and matches nothing"
                                   : "lines speak of failure and match nothing",
                        color_end());
        for (size_t i = 0; i < n; i++)
                (void) printf("  %8" PRIu64 " x  %s\n", shape_count(top[i]), shape_text(top[i]));
}

static void print_input(const InputStats *s) {
        const struct {
                uint64_t n;
                const char *text;
        } remarks[] = {
                { s->n_cut, "messages were longer than 8192 bytes and were cut" },
                { s->n_empty, "entries have no message" },
                { s->n_broken, "lines or entries are broken, and were passed over" },
                { s->n_left_out,
                                "messages were left out by journalctl (\"blob data\"): use -o export, "
                                "-o json or --all" },
        };

        for (size_t i = 0; i < ELEMENTSOF(remarks); i++)
                if (remarks[i].n > 0)
                        (void) printf("%" PRIu64 " %s.\n", remarks[i].n, remarks[i].text);
}

void report_print_summary(Report *r,
                char *const *groups,
                InputFormat format,
                const InputStats *input,
                usec_t elapsed) {
        static const unsigned order[] = { PATTERN_FAIL,
                PATTERN_ONCE,
                PATTERN_IGNORE,
                PATTERN_CONTEXT,
                PATTERN_BEGIN,
                PATTERN_CLEAR,
                REPORT_MISS };
        char span[USEC_STR_SIZE];

        assert(r);
        assert(input);

        print_patterns(r, groups);
        print_hosts(r);
        print_shapes(r);

        (void) printf("%" PRIu64 " line%s (%s",
                        input->n_entries,
                        input->n_entries == 1 ? "" : "s",
                        input_format_to_string(format));
        if (format == INPUT_SHORT && input->n_plain > 0)
                (void) printf(", %" PRIu64 " without time and sender in front", input->n_plain);
        (void) printf("): ");
        for (size_t i = 0; i < ELEMENTSOF(order); i++)
                (void) printf("%s%" PRIu64 " %s",
                                i == 0 ? "" : ", ",
                                r->n_results[order[i]],
                                report_result_to_string(order[i]));
        (void) printf(".\n%" PRIu64 " failure%s of %zu address%s. Took %s.\n",
                        r->n_failures,
                        r->n_failures == 1 ? "" : "s",
                        r->n_hosts,
                        r->n_hosts == 1 ? "" : "es",
                        usec_format_span(elapsed, span));
        print_input(input);
}
