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
        PATTERN_BEGIN,   /* [begin]: a session starts anew */
        PATTERN_CLEAR,   /* [clear]: a login that succeeded */
        _PATTERN_KIND_MAX,
} PatternKind;

const char *pattern_kind_to_string(PatternKind kind);

typedef struct Pattern {
        char *name;
        char *group; /* of [fail.GROUP]: used by jails that name it; "" for those always used */
        char *regex; /* PCRE2, with all <parts> in place; for the whole message, first byte to last
                      */
        PatternKind kind;
} Pattern;

/* What the patterns run over. */
typedef enum FilterText {
        FILTER_TEXT_MESSAGE, /* MESSAGE= */
        FILTER_TEXT_LINE,    /* HOST IDENT[PID]: MESSAGE, as in a log file */
} FilterText;

/* What makes entries one session. */
typedef enum FilterSession {
        FILTER_SESSION_NONE,
        FILTER_SESSION_FIELD,   /* the value of a field of the entry */
        FILTER_SESSION_CAPTURE, /* what <SESSION> captures */
} FilterSession;

/* Limits of one filter. */
#define FILTER_PATTERNS_MAX 256
#define FILTER_REGEX_MAX 16384 /* bytes of one pattern with its parts in place */
#define FILTER_IDENTIFIERS_MAX 16

typedef struct Filter {
        char *name;
        char *path;
        char *description; /* "" if there is none */
        char *units;       /* where the program logs, unless the jail says otherwise; "" if none */
        char *journal;     /* the same as terms; "" if none, and never together with units */
        char *journal_namespace; /* where it logs, unless the jail says otherwise; "" for none */
        Match *require; /* terms that entries of those units must have besides; may be empty */
        char *identifiers[FILTER_IDENTIFIERS_MAX]; /* SYSLOG_IDENTIFIER= of the program */
        size_t n_identifiers;
        FilterText text;
        FilterSession session;
        EntryField session_field; /* of FILTER_SESSION_FIELD */
        bool clears_address;      /* [clear] also forgives failures of other sessions */
        bool spoofable;           /* the program logs addresses that nobody has verified */
        Pattern *prefixes;        /* [prefix]; patterns run over what <CONTENT> captured, if any */
        size_t n_prefixes;
        Pattern *patterns; /* of all groups; ignore first, then in the order of the file */
        size_t n_patterns;
} Filter;

/* Reads a filter. Every mistake goes to the sink. Returns 0 and passes ownership of *ret; -EINVAL
 * if there were mistakes; -ENOMEM. */
int filter_load(Filter **ret, const char *name, const char *path, ProblemSink *sink);

Filter *filter_free(Filter *f);
DEFINE_CLEANUP(Filter *, filter_free)
