/* SPDX-License-Identifier: GPL-2.0-or-later */

/* half-written FILE FIELD=VALUE [COUNT]: prints how many entries of a journal file have a field, as
 * the file says, and has it say something else. */

#include "half-written.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char *argv[]) {
        uint64_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;

        if (argc < 3)
                return EXIT_FAILURE;
        return printf("%" PRIu64 "\n", count_entries(argv[1], argv[2], argc > 3 ? &count : NULL)) >
                                               0
                               ? EXIT_SUCCESS
                               : EXIT_FAILURE;
}
