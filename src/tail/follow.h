/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The lines of a file that is written to
 *
 * Knows an open file and how far its lines were handed on. Nothing of names, rotation or waiting.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/macro.h"

/* Longer lines are cut. journald would begin a new entry every LineMax= (48K), which a peer who can
 * make a program log that much could fill with a line of his own. */
#define FOLLOW_LINE_MAX ((size_t) 16384)

/* What one line becomes; not terminated, without the newline, never empty. Returns 0 or a negative
 * errno, which ends the reading. */
typedef int (*FollowHandler)(const char *line, size_t size, void *userdata);

/* All there is to know, and all but `skipping` is in the descriptor: whoever gets that from us goes
 * on where we were. */
typedef struct Follow {
        int fd;        /* -1 for none; its own offset is `done` as well */
        off_t done;    /* everything in front was handed on */
        bool skipping; /* ...and the line there was too long, or began before us */
} Follow;

/* Takes the descriptor over. At its offset, if that is behind a line; in the middle of one, behind
 * that. */
void follow_begin(Follow *f, int fd);

/* Closes the file. */
void follow_end(Follow *f);

/* Hands on the lines that are complete. A file that was truncated is read from its beginning.
 * `flush` is called before what was handed on counts as done. Returns 1 if there were any, 0, or a
 * negative errno. */
int follow_read(Follow *f, FollowHandler handler, int (*flush)(void *userdata), void *userdata);
