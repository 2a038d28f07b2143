/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Logging
 *
 * Goes to the journal with fields if stderr is connected to it, and to stderr as plain text if not.
 * The functions named *_errno take a negative errno, make %m print it, and return it, so that
 * reporting and returning an error is one statement.
 */

#include <errno.h>
#include <stdbool.h>
#include <syslog.h>

#include "base/macro.h"

/* Looks where stderr goes. Without this call everything is plain text. The name stands in front of
 * each line of it; borrowed. */
void log_setup(const char *name);

/* Where it goes, by what log_setup() found. */
bool log_is_journal(void);

/* Messages above this level, LOG_INFO at first, are dropped. */
void log_set_max_level(int level);
int log_get_max_level(void);

/* "debug", "info", ... as syslog.conf(5) names them. Returns the level or -EINVAL. */
int log_level_from_string(const char *s);
const char *log_level_to_string(int level);

int log_internal(int level, int error, const char *format, ...) _printf_(3, 4);

/* fields are "NAME=value" strings, NULL-terminated, added to the message in the journal. */
int log_with_fields(int level, const char *const *fields, const char *format, ...) _printf_(3, 4);

#define log_debug(...) ((void) log_internal(LOG_DEBUG, 0, __VA_ARGS__))
#define log_info(...) ((void) log_internal(LOG_INFO, 0, __VA_ARGS__))
#define log_notice(...) ((void) log_internal(LOG_NOTICE, 0, __VA_ARGS__))
#define log_warning(...) ((void) log_internal(LOG_WARNING, 0, __VA_ARGS__))
#define log_error(...) ((void) log_internal(LOG_ERR, 0, __VA_ARGS__))
#define log_warning_errno(error, ...) log_internal(LOG_WARNING, error, __VA_ARGS__)
#define log_error_errno(error, ...) log_internal(LOG_ERR, error, __VA_ARGS__)

#define log_oom() log_error_errno(-ENOMEM, "Out of memory.")
