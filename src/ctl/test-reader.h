/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Lines and bytes of a file, a pipe or a terminal
 *
 * Whoever wrote the input may have been hostile: a line is kept up to a limit, however long it is,
 * and the rest of it is passed over.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

typedef struct Reader Reader;

/* Takes the descriptor over, also when it fails. Returns 0 and passes ownership, or -ENOMEM. */
int reader_new(Reader **ret, int fd);
Reader *reader_free(Reader *r);
DEFINE_CLEANUP(Reader *, reader_free)

typedef struct ReaderLine {
        char *data;  /* without the newline, and with a NUL behind it; may contain NUL bytes */
        size_t size; /* without that NUL */
        bool cut;    /* it was longer */
} ReaderLine;

/* The next line, of which at most max bytes are handed out; valid until the next call. The last one
 * need not end in a newline. Returns 1; 0 at the end; a negative errno. */
int reader_line(Reader *r, size_t max, ReaderLine *ret);

/* So many bytes, of which at most max are stored in buf. Returns 1; 0 if the input ends before; a
 * negative errno. */
int reader_bytes(Reader *r, uint64_t size, char *buf, size_t max);

/* The beginning of what comes next, up to a newline or max bytes, and does not take it. The same
 * returns as reader_line(). */
int reader_peek(Reader *r, size_t max, const char **ret, size_t *ret_size);

/* How many bytes were taken. */
uint64_t reader_position(const Reader *r);
