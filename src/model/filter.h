/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Filters
 *
 * A filter recognises failures in the messages of one program. It is read from an INI file, which
 * banjo.filter(5) describes, and is plain text here: engine/matcher.h compiles the patterns.
 */

#include <stddef.h>

#include "base/macro.h"
#include "model/entry.h"
#include "model/match.h"
#include "model/problem.h"

typedef enum PatternKind {
        PATTERN_FAIL,    /* [fail]: a failure */
        PATTERN_ONCE,    /* [once]: a failure unless its session told one already */
        PATTERN_CONTEXT, /* [context]: tells the session something and counts nothing */
        PATTERN_IGNORE,  /* [ignore]: passed over, whatever else would match */
        _PATTERN_KIND_MAX,
} PatternKind;

const char *pattern_kind_to_string(PatternKind kind);

typedef struct Pattern {
        char *name;
        char *regex; /* PCRE2, with all <parts> in place; for the whole message, first byte to last
                      */
        PatternKind kind;
} Pattern;

/* Limits of one filter. */
#define FILTER_PATTERNS_MAX 256
#define FILTER_REGEX_MAX 16384 /* bytes of one pattern with its parts in place */
#define FILTER_IDENTIFIERS_MAX 16

typedef struct Filter {
        char *name;
        char *path;
        char *description; /* "" if there is none */
        char *units;       /* where the program logs, unless the jail says otherwise; "" if none */
        Match *require;    /* terms that entries of those units must have besides; may be empty */
        char *identifiers[FILTER_IDENTIFIERS_MAX]; /* SYSLOG_IDENTIFIER= of the program */
        size_t n_identifiers;
        bool has_session;
        EntryField session; /* the field whose value makes entries one session */
        Pattern *patterns;  /* ignore first, then in the order of the file */
        size_t n_patterns;
} Filter;

/* Reads a filter. Every mistake goes to the sink. Returns 0 and passes ownership of *ret; -EINVAL
 * if there were mistakes; -ENOMEM. */
int filter_load(Filter **ret, const char *name, const char *path, ProblemSink *sink);

Filter *filter_free(Filter *f);
DEFINE_CLEANUP(Filter *, filter_free)
