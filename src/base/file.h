/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Files
 */

#include <stddef.h>

#include "base/macro.h"

/* Reads a regular file of at most max bytes into an allocated, terminated string, which the caller
 * frees; the size is without the terminator. One that grows meanwhile is read as long as it was.
 *
 * Returns 0; -EINVAL if it is no regular file, such as a fifo, which would block; -EFBIG if it is
 * larger; or another negative errno. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_size);
