/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Problems of a configuration
 *
 * Reading a configuration goes on after a mistake, so that one bad jail does not stop the others
 * and an administrator sees all mistakes at once. Each is handed to a handler, which is the
 * caller's to log or print.
 */

#include "base/macro.h"

typedef struct Problem {
        const char *file;    /* path; never NULL */
        const char *section; /* NULL if the file as a whole is wrong */
        const char *key;     /* NULL if the section as a whole is wrong */
        const char *text;    /* what is wrong and what would be right, as one sentence */
} Problem;

/* Everything in the problem is borrowed for the call. */
typedef void (*ProblemHandler)(const Problem *problem, void *userdata);

typedef struct ProblemSink {
        ProblemHandler handler; /* may be NULL */
        void *userdata;
        size_t n_problems;
} ProblemSink;

/* Formats a problem, counts it and hands it to the handler. */
void problem_report(ProblemSink *sink,
                const char *file,
                const char *section,
                const char *key,
                const char *format,
                ...) _printf_(5, 6);

/* Room for a problem as one line, which is cut off if it is longer. */
#define PROBLEM_STR_SIZE 1024

/* "FILE: [section] key: text". Returns buf. */
const char *problem_format(const Problem *problem, char buf[static PROBLEM_STR_SIZE]);
