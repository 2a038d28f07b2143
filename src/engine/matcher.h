/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Pattern matcher
 *
 * Compiles the patterns of a filter and runs them over messages. Messages are bytes: nothing is
 * decoded, so that an invalid byte in a user name hides nothing.
 *
 * A message is written by whoever attacks, so every run has a limit. A pattern that exceeds it on a
 * message does not match it, and that is counted.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "model/address.h"
#include "model/filter.h"

typedef struct Matcher Matcher;

/* Room for what matcher_new() says about a pattern. */
#define MATCHER_ERROR_SIZE 256

typedef struct MatcherError {
        const Pattern *pattern; /* borrowed from the filter */
        size_t offset; /* in pattern->written, in bytes; SIZE_MAX if nowhere in particular */
        char text[MATCHER_ERROR_SIZE];
} MatcherError;

/* Named groups of a pattern together with those of a prefix. */
#define MATCHER_FIELDS_MAX 16

/* A piece of the text that was run over. */
typedef struct MatcherSpan {
        const char *data; /* NULL if there is none */
        size_t size;
} MatcherSpan;

/* What a named group captured. */
typedef struct MatcherField {
        const char *name; /* borrowed from the matcher */
        MatcherSpan value;
} MatcherField;

/* What a message was recognised as. */
typedef struct MatcherResult {
        PatternKind kind;
        const Pattern *pattern; /* borrowed from the filter */
        const Pattern *prefix;  /* that gave the text; NULL if the filter has none */
        bool has_address;
        Address address;     /* a host, if has_address */
        MatcherSpan addr;    /* the text of the address */
        MatcherSpan user;    /* what <USER> captured */
        MatcherSpan session; /* what <SESSION> captured */
        size_t n_fields;
        MatcherField fields[MATCHER_FIELDS_MAX]; /* all that was captured, user and session too, but
                                                    for the address and <CONTENT>; a host name that
                                                    stands in place of an address is "host" */
} MatcherResult;

/* Compiles the prefixes of a filter and those of its patterns that belong to no group or to one of
 * `groups`, which ends in NULL and may be NULL. The filter is borrowed and must outlive the
 * matcher.
 *
 * Returns 0 and passes ownership of *ret; -EINVAL if a pattern does not compile or a failure's
 * pattern can never have an address, with *ret_error filled; -ENOMEM. */
int matcher_new(Matcher **ret, const Filter *filter, char *const *groups, MatcherError *ret_error);

/* Accepts NULL. Always returns NULL. */
Matcher *matcher_free(Matcher *m);
DEFINE_CLEANUP(Matcher *, matcher_free)

/* Tries the patterns in the order of the filter; the first that matches the whole text counts. If
 * the filter has prefixes, the first of them that matches gives the text, and what it captures
 * counts unless the pattern captures the same. A match whose <ADDR> turns out to be no address is
 * none.
 *
 * Returns 1 and fills *ret, whose spans lie within the text; or 0 if nothing matches. */
int matcher_run(Matcher *m, const char *text, size_t size, MatcherResult *ret);

/* How often some pattern gave up on a message. */
uint64_t matcher_get_n_exceeded(const Matcher *m);
