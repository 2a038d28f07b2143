/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Collects the problems that reading a file brings, as lines. Includes test.h. */

#include "test.h"

#include "model/problem.h"

typedef struct Problems {
        char text[65536]; /* one line each */
} Problems;

static inline _unused_ void problems_collect(const Problem *p, void *userdata) {
        Problems *problems = userdata;
        char line[PROBLEM_STR_SIZE];
        size_t used = strlen(problems->text);

        problem_format(p, line);
        (void) snprintf(problems->text + used, sizeof(problems->text) - used, "%s\n", line);
}

/* Fails unless these were the problems, one line each but for the last newline. */
static inline _unused_ void problems_assert(Problems *problems, const char *wanted) {
        size_t used = strlen(problems->text);

        if (used > 0)
                problems->text[used - 1] = '\0';
        assert_string_equal(problems->text, wanted);
}
