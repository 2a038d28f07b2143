/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What `banctl test` prints: lines with what was recognised in them, and the sum of it
 */

#include <stdbool.h>
#include <stdint.h>

#include "ctl/options.h"
#include "ctl/test-input.h"
#include "ctl/test-shapes.h"
#include "engine/matcher.h"

/* More addresses than this are not told apart. */
#define REPORT_HOSTS_MAX 100000

#define REPORT_MISS _PATTERN_KIND_MAX /* instead of a PatternKind */
#define REPORT_RESULTS (_PATTERN_KIND_MAX + 1)

/* One line and what became of it. All is borrowed. */
typedef struct ReportLine {
        EntryValue line;
        unsigned result;            /* PatternKind or REPORT_MISS */
        const MatcherResult *match; /* NULL for a miss */
        EntryValue session;         /* which one it belongs to; no data for none */
        unsigned n_counted;         /* failures that it told or completed */
        Address host;               /* whose they are, if any */
        EntryValue text;            /* what the patterns ran over */
        bool explained;             /* the two below are filled */
        const Pattern *nearest;     /* of a miss; NULL if nothing came near */
        size_t nearest_offset;      /* of the first byte of the text that did not fit */
} ReportLine;

typedef struct ReportHost ReportHost;

typedef struct Report {
        const Filter *filter;
        uint64_t n_results[REPORT_RESULTS];
        uint64_t *n_hits; /* by pattern of the filter */
        uint64_t n_failures;
        ReportHost *hosts;
        size_t n_hosts;
        uint64_t n_failures_elsewhere; /* of hosts above the limit */
        Shapes *shapes;
} Report;

/* The filter is borrowed. Returns 0 or -ENOMEM; report_done() either way. */
int report_init(Report *r, const Filter *filter);
void report_done(Report *r);

/* "fail", "miss" and so on. */
const char *report_result_to_string(unsigned result);

/* Counts a line. Returns 0 or -ENOMEM. */
int report_add(Report *r, const ReportLine *line);

void report_print_line(const ReportLine *line);

/* One object on a line of its own. Returns 0 or a negative errno, reported. */
int report_print_json(const ReportLine *line, const Options *options);

/* Of patterns, those of other groups are left out. */
void report_print_summary(Report *r,
                char *const *groups,
                InputFormat format,
                const InputStats *input,
                usec_t elapsed);
