/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/chart.h"

#include <inttypes.h>

#include "base/utf8.h"
#include "ctl/output.h"
#include "ctl/text.h"

#define GAP 2 /* columns between columns */

/* A bar shorter than this says little, so rather are labels cut, down to so many columns. */
#define BAR_MIN 10
#define LABEL_MIN 16

#define FAILURES "FAILURES"
#define BANS "BANS"

const char *chart_format_bar(uint64_t value,
                uint64_t max,
                size_t width,
                bool eighths,
                char buf[static CHART_BAR_SIZE]) {
        static const char *const parts[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
        const char *full = eighths ? "█" : "#";
        size_t units = eighths ? ELEMENTSOF(parts) : 1, n, used = 0;

        assert(buf);

        width = MIN(width, (size_t) CHART_BAR_MAX);
        value = MIN(value, max);
        n = max == 0 ? 0
                     : (size_t) ((long double) value / (long double) max *
                                                       (long double) (width * units) +
                                       0.5L);
        if (n == 0 && value > 0 && width > 0)
                n = 1;

        for (size_t i = 0; i < n / units; i++) {
                memcpy(buf + used, full, strlen(full));
                used += strlen(full);
        }
        (void) snprintf(buf + used, CHART_BAR_SIZE - used, "%s", parts[n % units]);

        return buf;
}

const char *chart_format_spark(const uint64_t *values,
                size_t n,
                bool blocks,
                char buf[static CHART_SPARK_SIZE]) {
        static const char *const block[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
        static const char *const plain[] = { "_", ".", ":", "-", "=", "+", "*", "#" };
        const char *const *levels = blocks ? block : plain;
        size_t highest = ELEMENTSOF(block) - 1, used = 0;
        uint64_t max = 1;

        assert(values);
        assert(n <= CHART_SPARK_MAX);
        static_assert(ELEMENTSOF(block) == ELEMENTSOF(plain), "both have the same levels");

        for (size_t i = 0; i < n; i++)
                max = MAX(max, values[i]);

        buf[0] = '\0';
        for (size_t i = 0; i < n; i++) {
                double part = (double) values[i] / (double) max;
                size_t level = values[i] == 0 ? 0 : 1 + (size_t) (part * (double) (highest - 1));

                used += (size_t) sprintf(buf + used, "%s", levels[level]);
        }

        return buf;
}

void chart_done(Chart *c) {
        free(c->rows);
        c->rows = NULL;
        c->n_rows = 0;
}

int chart_add(Chart *c, const char *label, uint64_t n_failures, uint64_t n_bans) {
        ChartRow *rows;

        assert(c);
        assert(label);

        rows = reallocarray(c->rows, c->n_rows + 1, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        c->rows = rows;

        c->rows[c->n_rows] = (ChartRow){ .n_failures = n_failures, .n_bans = n_bans };
        (void) snprintf(c->rows[c->n_rows].label, sizeof(c->rows->label), "%s", label);
        c->n_rows++;
        return 0;
}

/* Layout */

/* The first characters of a label, at most so many; in bytes. */
static size_t label_size(const char *label, size_t max, size_t *ret_columns) {
        size_t size = 0, columns = 0;

        while (label[size] && columns < max) {
                size += MAX(utf8_character_size(label + size), (size_t) 1);
                columns++;
        }

        *ret_columns = columns;
        return size;
}

static size_t n_digits(uint64_t n) {
        return (size_t) snprintf(NULL, 0, "%" PRIu64, n);
}

void chart_layout(const Chart *charts, size_t n_charts, size_t width, ChartLayout *ret) {
        size_t numbers;

        assert(charts);
        assert(ret);

        *ret = (ChartLayout){ .failures = strlen(FAILURES), .bans = strlen(BANS) };
        for (size_t i = 0; i < n_charts; i++) {
                if (charts[i].n_rows > 0)
                        ret->label = MAX(ret->label, strlen(charts[i].heading));

                for (size_t k = 0; k < charts[i].n_rows; k++) {
                        const ChartRow *row = &charts[i].rows[k];
                        size_t columns;

                        (void) label_size(row->label, SIZE_MAX, &columns);
                        ret->label = MAX(ret->label, columns);
                        ret->failures = MAX(ret->failures, n_digits(row->n_failures));
                        ret->bans = MAX(ret->bans, n_digits(row->n_bans));
                }
        }
        if (width == 0)
                return;

        numbers = GAP + ret->failures + GAP + ret->bans + GAP;
        if (ret->label + numbers + BAR_MIN > width) {
                size_t room = width > numbers + BAR_MIN ? width - numbers - BAR_MIN : 0;

                room = MAX(room, (size_t) LABEL_MIN);
                ret->label = MIN(ret->label, room);
        }
        if (ret->label + numbers < width)
                ret->bar = MIN(width - numbers - ret->label, (size_t) CHART_BAR_MAX);
}

/* Output */

static void print_label(const char *label, size_t width) {
        size_t columns;
        size_t size = label_size(label, width, &columns);

        columns = text_print(label, size);
        (void) printf("%*s", columns < width ? (int) (width - columns) : 0, "");
}

static void print_row(const ChartRow *row, const ChartLayout *l, uint64_t max) {
        char bar[CHART_BAR_SIZE];

        print_label(row->label, l->label);
        (void) printf("%*s%*" PRIu64 "%*s%s%*" PRIu64 "%s",
                        GAP,
                        "",
                        (int) l->failures,
                        row->n_failures,
                        GAP,
                        "",
                        row->n_bans > 0 ? color_begin(COLOR_RED) : "",
                        (int) l->bans,
                        row->n_bans,
                        row->n_bans > 0 ? color_end() : "");
        if (l->bar > 0 && row->n_failures > 0)
                (void) printf("%*s%s%s%s",
                                GAP,
                                "",
                                color_begin(COLOR_YELLOW),
                                chart_format_bar(row->n_failures,
                                                max,
                                                l->bar,
                                                output_is_utf8(),
                                                bar),
                                color_end());
        (void) putchar('\n');
}

void chart_print(const Chart *c, const ChartLayout *l, bool heading) {
        uint64_t max = 0;

        assert(c);
        assert(l);

        if (c->n_rows == 0)
                return;

        if (heading)
                (void) printf("%s%-*s%*s%*s%*s%*s%s\n",
                                color_begin(COLOR_BOLD),
                                (int) l->label,
                                c->heading,
                                GAP,
                                "",
                                (int) l->failures,
                                FAILURES,
                                GAP,
                                "",
                                (int) l->bans,
                                BANS,
                                color_end());

        for (size_t i = 0; i < c->n_rows; i++)
                max = MAX(max, c->rows[i].n_failures);
        for (size_t i = 0; i < c->n_rows; i++)
                print_row(&c->rows[i], l, max);
}
