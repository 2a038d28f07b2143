/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Output
 *
 * Tables for people and JSON for programs. What goes to a terminal may have colours, fits its width
 * and may go through a pager; what goes elsewhere is plain and complete.
 */

#include <jansson.h>
#include <libsmartcols.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "ctl/options.h"

/* Looks at what stdout is. To be called before anything is written. */
void output_init(void);

/* Whether people read along, how many columns they have, and whether these show more than ASCII. */
bool output_is_terminal(void);
size_t output_width(void);
bool output_is_utf8(void);

/* Whether somebody reads along who wants to be told what no table says. That goes to stderr. */
bool output_wants_remarks(const Options *options);

/* Writes a text and a newline, wrapped at blanks to the width of a terminal; on an indent so far
 * but for the first line, which is that far already. */
void output_print_wrapped(const char *text, size_t indent);

/* Sends stdout through a pager if it is a terminal. */
void output_open_pager(const Options *options);

/* The same for what is no table: long lines are wrapped, not cut. */
void output_open_wrapping_pager(const Options *options);

/* Writes everything out, and waits for the pager. Returns 0, or a negative errno if something could
 * not be written. */
int output_close(void);

/* colours */

typedef enum Color {
        COLOR_BOLD,
        COLOR_GREEN,
        COLOR_YELLOW,
        COLOR_RED,
        COLOR_GREY,
        _COLOR_MAX,
} Color;

/* Escape sequences, or "" where there are no colours. */
const char *color_begin(Color color);
const char *color_end(void);

/* numbers */

#define OUTPUT_COUNT_SIZE 32

/* 12345 packets are "12345", more are "1234k" and so on: what fits into a column. Returns buf. */
const char *output_format_count(uint64_t n, char buf[static OUTPUT_COUNT_SIZE]);

/* tables */

typedef struct Column {
        const char *name;
        bool right;    /* flush right */
        bool truncate; /* may be cut when the terminal is narrow */
} Column;

typedef struct libscols_table Table;

/* Returns 0 and passes ownership, or -ENOMEM. */
int table_new(Table **ret, const Options *options, const Column *columns, size_t n_columns);
Table *table_free(Table *t);
DEFINE_CLEANUP(Table *, table_free)

/* Begins a line; NULL without memory, which table_set() accepts. */
struct libscols_line *table_add(Table *t);

/* The text is copied. Returns 0 or -ENOMEM. */
int table_set(struct libscols_line *line, size_t column, const char *text);

void table_set_color(struct libscols_line *line, size_t column, Color color);

/* Returns 0 or a negative errno. */
int table_print(Table *t);

/* Leaves the headings of the next tables out. */
void table_hide_headings(Table *t);

/* JSON */

/* Writes a value and a newline. Takes a reference over; NULL is for no memory. Returns 0 or a
 * negative errno, reported. */
int json_print(json_t *value, const Options *options);

/* Writes an array bit by bit: values may be many. n counts those written before. */
int json_print_element(json_t *value, const Options *options, size_t n);
void json_print_end(const Options *options, size_t n);

/* A point in time or a span; null for USEC_INFINITY. */
json_t *json_usec(uint64_t usec);

/* A text that somebody wrote. JSON has nothing but UTF-8: in other texts each byte above 127
 * becomes U+FFFD. null for NULL. */
json_t *json_text(const char *s);

/* A counter. JSON has no unsigned 64 bits; nobody counts so far. */
json_t *json_count(uint64_t n);
