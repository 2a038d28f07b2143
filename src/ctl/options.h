/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The command line, and what a verb gets of it
 *
 * A verb is a function that does its work, reports its own errors and returns an exit status.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of the interface; banctl(1) lists them. */
typedef enum ExitStatus {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_NOT_RUNNING = 3,
        EXIT_REFUSED = 4,     /* it would lock somebody out */
        EXIT_NOT_ALLOWED = 5, /* it takes root */
        EXIT_NOT_STORED = 6,  /* done, but not on disk */
        EXIT_DIFFERENT = 7,   /* verify --live found differences */
} ExitStatus;

typedef enum JsonMode {
        JSON_OFF,
        JSON_SHORT,  /* on one line */
        JSON_PRETTY, /* indented */
} JsonMode;

/* Options that may be given several times, so often. */
#define OPTIONS_LIST_MAX 64

/* Strings are borrowed from the command line, and NULL if not given. */
typedef struct Options {
        uint64_t given; /* which of all options, for options_check() */
        bool help;
        bool version;
        JsonMode json;
        bool no_legend;
        bool no_pager;
        bool full; /* nothing is cut */
        bool utc;
        bool quiet;
        bool force;
        bool yes;
        bool all_jails;
        bool defaults;
        bool explain;
        bool live;
        bool all;
        const char *address; /* of the bus */
        const char *host;    /* whose banjod it is, USER@HOST; NULL for ours */
        const char *state_dir;
        const char *config_dir;
        const char *journal; /* a file, or a directory of such */
        const char *time;
        const char *reason;
        const char *groups;
        const char *format;
        const char *print;
        const char *since;
        const char *until;
        const char *jail;
        bool remove;
        const char *lines;
        const char *output;
        bool follow;
        const char *by;
        /* Each list has its length behind it. */
        const char *patterns[OPTIONS_LIST_MAX];
        size_t n_patterns;
        const char *units[OPTIONS_LIST_MAX];
        size_t n_units;
        const char *files[OPTIONS_LIST_MAX];
        size_t n_files;
} Options;

/* Reads the command line; the verb and its arguments are argv[optind] and what follows. Returns 0,
 * or -EINVAL, reported. */
int options_parse(int argc, char **argv, Options *ret);

/* The jail that the argument, which may be NULL, or --jail= names; "" if neither does. Returns 0,
 * or -EINVAL, reported, if they name two. */
int options_get_jail(const Options *options, const char *argument, const char **ret);

/* Whether the verb knows all options that were given. Returns 0, or -EINVAL, reported with the
 * verbs that the option belongs to. */
int options_check(const Options *options, const char *verb);

/* Writes the options of a verb or, for NULL, those of all verbs, with what they do. Returns how
 * many there are. */
size_t options_print(const char *verb);
