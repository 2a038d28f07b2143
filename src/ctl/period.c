/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/period.h"

#include "base/log.h"
#include "base/timestamp.h"

static int parse_time(const char *name, const char *value, usec_t now, usec_t *ret) {
        if (!value || timestamp_parse(value, now, ret) >= 0)
                return 0;

        log_error("--%s=%s: should be a time such as \"2026-11-24 10:00\", yesterday or -2h.",
                        name,
                        value);
        return -EINVAL;
}

int period_parse(const Options *options, usec_t now, usec_t *since, usec_t *until) {
        assert(options);
        assert(since);
        assert(until);

        if (parse_time("since", options->since, now, since) < 0 ||
                        parse_time("until", options->until, now, until) < 0)
                return -EINVAL;

        if (*since > *until) {
                if (options->since && options->until)
                        log_error("--until=%s is before --since=%s.",
                                        options->until,
                                        options->since);
                else
                        log_error("--since=%s lies in the future.", options->since);
                return -EINVAL;
        }

        return 0;
}
