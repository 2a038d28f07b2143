/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Spans follow systemd.time(7): numbers with units, added up. Fractions ("1.5h") are not taken, so
 * that everything stays in integers.
 */

#include "base/usec.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/macro.h"

/* A year has 365.25 days and a month is the twelfth of it, as in systemd.time(7). */
#define USEC_PER_WEEK (7 * USEC_PER_DAY)
#define USEC_PER_YEAR (UINT64_C(31557600) * USEC_PER_SEC)
#define USEC_PER_MONTH (UINT64_C(2629800) * USEC_PER_SEC)

typedef struct Unit {
        const char *name;
        usec_t usec;
} Unit;

/* Names of the same letters but for case mean different things: "M" is a month, "m" a minute. */
static const Unit units[] = {
        { "usec", 1 },
        { "us", 1 },
        { "msec", USEC_PER_MSEC },
        { "ms", USEC_PER_MSEC },
        { "seconds", USEC_PER_SEC },
        { "second", USEC_PER_SEC },
        { "sec", USEC_PER_SEC },
        { "s", USEC_PER_SEC },
        { "minutes", USEC_PER_MINUTE },
        { "minute", USEC_PER_MINUTE },
        { "min", USEC_PER_MINUTE },
        { "m", USEC_PER_MINUTE },
        { "hours", USEC_PER_HOUR },
        { "hour", USEC_PER_HOUR },
        { "hr", USEC_PER_HOUR },
        { "h", USEC_PER_HOUR },
        { "days", USEC_PER_DAY },
        { "day", USEC_PER_DAY },
        { "d", USEC_PER_DAY },
        { "weeks", USEC_PER_WEEK },
        { "week", USEC_PER_WEEK },
        { "w", USEC_PER_WEEK },
        { "months", USEC_PER_MONTH },
        { "month", USEC_PER_MONTH },
        { "M", USEC_PER_MONTH },
        { "years", USEC_PER_YEAR },
        { "year", USEC_PER_YEAR },
        { "y", USEC_PER_YEAR },
};

static const char *skip_space(const char *s) {
        return s + strspn(s, " \t");
}

/* Reads decimal digits, of which there must be one. */
static int parse_number(const char **s, uint64_t *ret) {
        uint64_t n = 0;

        if (!isdigit((unsigned char) **s))
                return -EINVAL;

        for (; isdigit((unsigned char) **s); (*s)++)
                if (__builtin_mul_overflow(n, 10, &n) ||
                                __builtin_add_overflow(n, (uint64_t) (**s - '0'), &n))
                        return -ERANGE;

        *ret = n;
        return 0;
}

/* Reads a unit's letters; none at all are seconds. */
static int parse_unit(const char **s, usec_t *ret) {
        size_t n = 0;

        while (isalpha((unsigned char) (*s)[n]))
                n++;

        if (n == 0) {
                *ret = USEC_PER_SEC;
                return 0;
        }

        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strlen(units[i].name) == n && strncmp(units[i].name, *s, n) == 0) {
                        *s += n;
                        *ret = units[i].usec;
                        return 0;
                }

        return -EINVAL;
}

int usec_parse_span(const char *s, usec_t *ret) {
        usec_t sum = 0;

        assert(s);
        assert(ret);

        s = skip_space(s);
        if (streq(s, "infinity") || streq(s, "permanent") || streq(s, "-1")) {
                *ret = USEC_INFINITY;
                return 0;
        }

        do {
                uint64_t number;
                usec_t unit;
                int r;

                r = parse_number(&s, &number);
                if (r < 0)
                        return r;

                s = skip_space(s);
                r = parse_unit(&s, &unit);
                if (r < 0)
                        return r;

                if (__builtin_mul_overflow(number, unit, &number) ||
                                __builtin_add_overflow(sum, number, &sum))
                        return -ERANGE;

                s = skip_space(s);
        } while (*s);

        /* All ones would be read as "for good" by everybody else. */
        if (sum == USEC_INFINITY)
                return -ERANGE;

        *ret = sum;
        return 0;
}

const char *usec_format_span(usec_t span, char buf[static USEC_STR_SIZE]) {
        static const Unit shown[] = {
                { "y", USEC_PER_YEAR },
                { "month", USEC_PER_MONTH },
                { "w", USEC_PER_WEEK },
                { "d", USEC_PER_DAY },
                { "h", USEC_PER_HOUR },
                { "min", USEC_PER_MINUTE },
                { "s", USEC_PER_SEC },
                { "ms", USEC_PER_MSEC },
                { "us", 1 },
        };
        size_t i = 0;
        int n;

        if (span == USEC_INFINITY)
                return strcpy(buf, "permanent");
        if (span == 0)
                return strcpy(buf, "0s");

        while (span < shown[i].usec)
                i++;

        n = snprintf(buf, USEC_STR_SIZE, "%" PRIu64 "%s", span / shown[i].usec, shown[i].name);
        span %= shown[i].usec;

        /* The next smaller unit, unless that is finer than anybody asks for. */
        if (++i < ELEMENTSOF(shown) && shown[i].usec >= USEC_PER_SEC && span >= shown[i].usec)
                (void) snprintf(buf + n,
                                USEC_STR_SIZE - (size_t) n,
                                " %" PRIu64 "%s",
                                span / shown[i].usec,
                                shown[i].name);

        return buf;
}

const char *usec_format_timestamp(usec_t t, char buf[static USEC_STR_SIZE]) {
        time_t sec = (time_t) (t / USEC_PER_SEC);
        struct tm tm;

        if (t == 0)
                return strcpy(buf, "-");
        if (t == USEC_INFINITY)
                return strcpy(buf, "never");
        if (!localtime_r(&sec, &tm) || strftime(buf, USEC_STR_SIZE, "%F %T", &tm) == 0)
                return strcpy(buf, "?");

        return buf;
}
