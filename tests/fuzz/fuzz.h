/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Fuzzing
 *
 * Each fuzz-NAME.c takes bytes from anywhere and does with them what banjo does with bytes from
 * there. What it finds wrong ends the process. With libFuzzer (tests/fuzz/run) the bytes are made
 * up; without (fuzz-main.c) they are those of corpus-NAME/ and come with every `meson test`.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Has functions that take a path read the bytes. Returns a descriptor of theirs, which the caller
 * closes, and writes its path to buf. */
#define FUZZ_PATH_SIZE 32
int fuzz_make_file(const uint8_t *data, size_t size, char buf[static FUZZ_PATH_SIZE]);

/* A copy of the bytes as a string, which the caller frees. It is as large as it needs to be, so
 * that the sanitizers see who reads on. */
char *fuzz_make_string(const uint8_t *data, size_t size);
