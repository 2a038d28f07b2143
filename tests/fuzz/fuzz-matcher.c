/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Messages, which remote peers have a hand in, for all filters that banjo comes with.
 */

#include "fuzz.h"

#include <glob.h>

#include "engine/matcher.h"
#include "model/filter.h"

static char *const all_groups[] = { (char[]){ GROUP_ALL }, NULL };

#define FILTERS_MAX 256

static Matcher *matchers[FILTERS_MAX];
static size_t n_matchers;

static void on_problem(const Problem *p, void *userdata) {
        char text[PROBLEM_STR_SIZE];

        (void) userdata;
        (void) fprintf(stderr, "%s\n", problem_format(p, text));
}

static void load_filters(void) {
        ProblemSink sink = { .handler = on_problem };
        glob_t found;

        assert(glob(SOURCE_DIR "/filters/*.conf", 0, NULL, &found) == 0);
        for (size_t i = 0; i < found.gl_pathc; i++) {
                Filter *filter = NULL;
                MatcherError error;

                /* They live as long as the process. */
                assert(n_matchers < FILTERS_MAX);
                assert(filter_load(&filter, "fuzz", found.gl_pathv[i], &sink) >= 0);
                assert(matcher_new(&matchers[n_matchers], filter, all_groups, &error) >= 0);
                n_matchers++;
        }
        globfree(&found);
        assert(n_matchers > 0);
}

static bool is_within(MatcherSpan span, const uint8_t *data, size_t size) {
        const uint8_t *p = (const uint8_t *) span.data;

        return !p || (p >= data && p <= data + size && span.size <= (size_t) (data + size - p));
}

/* What was captured lies within the message. */
static void check_spans(const MatcherResult *result, const uint8_t *data, size_t size) {
        assert(is_within(result->user, data, size));
        assert(is_within(result->session, data, size));
        assert(result->n_fields <= MATCHER_FIELDS_MAX);
        for (size_t i = 0; i < result->n_fields; i++)
                assert(is_within(result->fields[i].value, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (n_matchers == 0)
                load_filters();

        for (size_t i = 0; i < n_matchers; i++) {
                MatcherResult result = {}, again = {};
                int r;

                r = matcher_run(matchers[i], (const char *) data, size, &result);
                assert(r >= 0);
                if (r == 0)
                        continue;

                assert(result.pattern);
                check_spans(&result, data, size);
                assert(!result.has_address || address_is_host(&result.address));

                /* The same message always means the same. */
                assert(matcher_run(matchers[i], (const char *) data, size, &again) == r);
                assert(again.pattern == result.pattern && again.kind == result.kind);
                assert(again.has_address == result.has_address);
                assert(!result.has_address || address_equal(&again.address, &result.address));
        }

        return 0;
}
