/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Filters that somebody wrote: read, compiled, tried on a few messages, and searched for forgeries.
 */

#include "fuzz.h"

#include "engine/forgery.h"
#include "engine/matcher.h"
#include "model/filter.h"

static char *const all_groups[] = { (char[]){ GROUP_ALL }, NULL };

/* Of each filter: it takes a while. */
#define PATTERNS_SEARCHED ((size_t) 4)

static void on_problem(const Problem *p, void *userdata) {
        char text[PROBLEM_STR_SIZE];

        (void) userdata;
        assert(strlen(problem_format(p, text)) < sizeof(text));
}

static void run(Matcher *m, const char *text, size_t size) {
        MatcherResult result;

        (void) matcher_run(m, text, size, &result);
}

static void search(const char *regex) {
        _cleanup_(freep) char *message = NULL;
        int r = forgery_find(regex, &message);

        assert((r == 1) == (message != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char message[] = "Failed password for root from 192.0.2.1 port 22 ssh2";
        ProblemSink sink = { .handler = on_problem };
        _cleanup_(filter_freep) Filter *filter = NULL;
        _cleanup_(matcher_freep) Matcher *m = NULL;
        char path[FUZZ_PATH_SIZE];
        MatcherError error;
        int fd = fuzz_make_file(data, size, path), r;

        r = filter_load(&filter, "fuzz", path, &sink);
        (void) close(fd);
        if (r < 0) {
                assert(!filter);
                assert(sink.n_problems > 0);
                return 0;
        }

        assert(filter->n_patterns > 0 && filter->n_patterns <= FILTER_PATTERNS_MAX);
        if (matcher_new(&m, filter, all_groups, &error) < 0)
                return 0;

        run(m, message, strlen(message));
        run(m, "", 0);
        run(m, (const char *) data, size);

        for (size_t i = 0; i < MIN(filter->n_patterns, PATTERNS_SEARCHED); i++)
                search(filter->patterns[i].regex);
        return 0;
}
