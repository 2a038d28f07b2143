/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Failures and bans as rows of numbers and, on a terminal, bars
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/* Columns of the longest bar, and room for it. */
#define CHART_BAR_MAX 400
#define CHART_BAR_SIZE (CHART_BAR_MAX * 3 + 1)

/* Draws a bar that is to `width` columns as the value is to max: with eighths of a column, or, if
 * those cannot be shown, with "#". Whatever is not 0 can be seen. Returns buf. */
const char *chart_format_bar(uint64_t value,
                uint64_t max,
                size_t width,
                bool eighths,
                char buf[static CHART_BAR_SIZE]);

/* Draws values as a line of blocks or, if those cannot be shown, of characters that grow darker,
 * one for each: the lowest stands for 0 alone, the highest for the maximum. Returns buf. */
#define CHART_SPARK_MAX 24
#define CHART_SPARK_SIZE (CHART_SPARK_MAX * 3 + 1)
const char *chart_format_spark(const uint64_t *values,
                size_t n,
                bool blocks,
                char buf[static CHART_SPARK_SIZE]);

typedef struct ChartRow {
        char label[96]; /* UTF-8; cut if it is longer */
        uint64_t n_failures;
        uint64_t n_bans;
} ChartRow;

/* Rows under a heading of their own. */
typedef struct Chart {
        const char *heading; /* of the labels */
        ChartRow *rows;
        size_t n_rows;
} Chart;

void chart_done(Chart *c);

/* Adds a row. Returns 0 or -ENOMEM. */
int chart_add(Chart *c, const char *label, uint64_t n_failures, uint64_t n_bans);

/* How many columns everything takes. */
typedef struct ChartLayout {
        size_t label;
        size_t failures;
        size_t bans;
        size_t bar; /* 0 for none */
} ChartLayout;

/* Makes room for all rows of several charts, so that their columns stand below each other: within
 * `width` columns if there is a bar to be drawn, and with 0 as wide as it gets, without. */
void chart_layout(const Chart *charts, size_t n_charts, size_t width, ChartLayout *ret);

/* Writes a chart to stdout, but for one without rows. */
void chart_print(const Chart *c, const ChartLayout *layout, bool heading);
