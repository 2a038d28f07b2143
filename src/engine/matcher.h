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
        const char *pattern; /* borrowed from the filter */
        PatternKind kind;
        char text[MATCHER_ERROR_SIZE];
} MatcherError;

/* What a message was recognised as. */
typedef struct MatcherResult {
        PatternKind kind;
        const char *pattern; /* name of the pattern; borrowed from the filter */
        bool has_address;
        Address address; /* a host, if has_address */
} MatcherResult;

/* Compiles the filter's patterns; the filter is borrowed and must outlive the matcher.
 *
 * Returns 0 and passes ownership of *ret; -EINVAL if a pattern does not compile or a failure's
 * pattern can never have an address, with *ret_error filled; -ENOMEM. */
int matcher_new(Matcher **ret, const Filter *filter, MatcherError *ret_error);

/* Accepts NULL. Always returns NULL. */
Matcher *matcher_free(Matcher *m);
DEFINE_CLEANUP(Matcher *, matcher_free)

/* Tries the patterns in the order of the filter; the first that matches the whole message counts. A
 * match whose <ADDR> turns out to be no address is none.
 *
 * Returns 1 and fills *ret, or 0 if nothing matches. */
int matcher_run(Matcher *m, const char *text, size_t size, MatcherResult *ret);

/* How often some pattern gave up on a message. */
uint64_t matcher_get_n_exceeded(const Matcher *m);
