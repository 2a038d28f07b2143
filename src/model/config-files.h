/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Files of the configuration
 *
 * The configuration directories are searched together, highest first: a name in a higher one hides
 * the same name in those below, and a link to /dev/null masks it altogether.
 */

#include <stddef.h>

#include "base/macro.h"
#include "model/problem.h"

/* More files than this are not read. */
#define CONFIG_FILES_MAX 1024

typedef struct ConfigFiles {
        char **paths;
        size_t n_paths;
} ConfigFiles;

/* Frees the memory of a list that began as all zeroes. */
void config_files_done(ConfigFiles *files);

/* The name of a file, without its directories. */
const char *config_file_name(const char *path);

/* Finds the file that counts, such as "banjo.conf" or "filters/sshd.conf". Returns 0 and an
 * allocated path, which the caller frees; -ENOENT if there is none or if it is masked; -ENOMEM. */
int config_files_find(char **ret, const char *const *directories, const char *name);

/* Appends all *.conf of a folder such as "conf.d", in the order of their names; without those that
 * are masked. What cannot be read, and whatever is above CONFIG_FILES_MAX, is a problem. Returns 0
 * or -ENOMEM. */
int config_files_add(ConfigFiles *files,
                const char *const *directories,
                const char *folder,
                ProblemSink *sink);
