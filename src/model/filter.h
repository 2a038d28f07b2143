/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Filters
 *
 * A filter recognises failures in the messages of one program. It is read from an INI file, which
 * banjo.filter(5) describes, and is plain text here: engine/matcher.h compiles the patterns.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
        PATTERN_PREFIX,  /* [prefix]: what the others run over */
        _PATTERN_KIND_MAX,
} PatternKind;

const char *pattern_kind_to_string(PatternKind kind);

typedef struct Pattern {
        char *name;
        char *group;   /* of [fail.GROUP]: used by jails that name it; "" for those always used */
        char *written; /* as it stands in the file */
        char *regex;   /* PCRE2, with all <parts> in place; for the whole text */
        uint16_t *origins; /* for each byte of the regex and its end, where in .written it is from
                            */
        PatternKind kind;
} Pattern;

/* The section of the file that the pattern stands in, "fail.aggressive". Returns buf. */
#define PATTERN_SECTION_SIZE 80
const char *pattern_section(const Pattern *p, char buf[static PATTERN_SECTION_SIZE]);

/* Groups that jails may name besides those of the filter. */
#define GROUP_NORMAL "normal" /* adds nothing */
#define GROUP_ALL "all"       /* every group */

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
        Pattern *prefixes; /* [prefix]; if there are any, patterns run over what <CONTENT> captured
                            */
        size_t n_prefixes;
        Pattern *patterns; /* of all groups; in the order in which they are tried */
        size_t n_patterns;
} Filter;

/* Reads a filter. Every mistake goes to the sink. Returns 0 and passes ownership of *ret; -EINVAL
 * if there were mistakes; -ENOMEM. */
int filter_load(Filter **ret, const char *name, const char *path, ProblemSink *sink);

Filter *filter_free(Filter *f);
DEFINE_CLEANUP(Filter *, filter_free)

/* True if some pattern is of this group, which is not one of the two above. */
bool filter_has_group(const Filter *f, const char *group);
