/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Spans of time as the configuration and banctl's users write them.
 */

#include "fuzz.h"

#include "base/usec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *s = fuzz_make_string(data, size);
        char text[USEC_STR_SIZE], text_again[USEC_STR_SIZE];
        usec_t span, again;

        if (usec_parse_span(s, &span) < 0)
                return 0;

        /* What is printed is rounded down, to itself. */
        (void) usec_format_span(span, text);
        assert(strlen(text) < sizeof(text));
        assert(usec_parse_span(text, &again) >= 0);
        assert(span == USEC_INFINITY ? again == USEC_INFINITY : again <= span);
        assert(streq(usec_format_span(again, text_again), text));

        (void) usec_format_timestamp(span, text);
        return 0;
}
