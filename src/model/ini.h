/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * INI files
 *
 * A wall around iniparser, so that nobody else has to know its ways: sections and keys are in lower
 * case, whatever the file has; an unquoted value ends at "#" or ";"; in single or double quotes
 * everything is literal, backslashes too; a line may be continued by a backslash, up to 1,000 bytes
 * in all; of equal keys in a section the last wins. Keys come in the order of the file.
 */

#include <stddef.h>

#include "base/macro.h"

typedef struct Ini Ini;

/* Room for what ini_load() says about a file. */
#define INI_ERROR_SIZE 256

/* Files larger than this are refused. */
#define INI_FILE_MAX (1024 * 1024)

/* Reads a file. Returns 0 and passes ownership of *ret; -EINVAL if its syntax is wrong, -EFBIG if
 * it is larger than INI_FILE_MAX, or another negative errno if it cannot be read; error then says
 * what is wrong, with the line where there is one. */
int ini_load(Ini **ret, const char *path, char error[static INI_ERROR_SIZE]);

Ini *ini_free(Ini *ini);
DEFINE_CLEANUP(Ini *, ini_free)

/* Strings below are borrowed and live as long as the file. */

size_t ini_n_sections(const Ini *ini);
const char *ini_get_section(const Ini *ini, size_t i);

/* NULL if there is no such key. "key =" has the value "". */
const char *ini_get(const Ini *ini, const char *section, const char *key);

/* Called for each key of a section, in the order of the file. A negative return ends the walk and
 * is returned. */
typedef int (*IniHandler)(const char *key, const char *value, void *userdata);
int ini_foreach(const Ini *ini, const char *section, IniHandler handler, void *userdata);
