/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * strptime(3) takes spaces and locales where systemd does not, and knows no fractions; so the
 * fields are read here, and libc only knows when the clocks change.
 */

#include "base/timestamp.h"

#include <ctype.h>
#include <time.h>

#include "base/macro.h"

static bool is_leap_year(int year) {
        return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool civil_time_is_valid(const CivilTime *t) {
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

        assert(t);

        return t->year >= 1970 && t->year <= 9999 && t->month >= 1 && t->month <= 12 &&
               t->day >= 1 &&
               t->day <= days[t->month - 1] + (t->month == 2 && is_leap_year(t->year)) &&
               t->hour >= 0 && t->hour <= 23 && t->minute >= 0 && t->minute <= 59 &&
               t->second >= 0 && t->second <= 60;
}

static struct tm to_tm(const CivilTime *t) {
        return (struct tm){
                .tm_year = t->year - 1900,
                .tm_mon = t->month - 1,
                .tm_mday = t->day,
                .tm_hour = t->hour,
                .tm_min = t->minute,
                .tm_sec = t->second,
                .tm_isdst = -1,
        };
}

static int from_time_t(time_t t, usec_t *ret) {
        if (t < 0)
                return -ERANGE;

        *ret = (usec_t) t * USEC_PER_SEC;
        return 0;
}

int civil_time_to_usec(const CivilTime *t, usec_t *ret) {
        struct tm tm;

        assert(t);
        assert(ret);

        tm = to_tm(t);
        return from_time_t(mktime(&tm), ret);
}

int civil_time_to_usec_at(const CivilTime *t, int offset, usec_t *ret) {
        struct tm tm;

        assert(t);
        assert(ret);

        tm = to_tm(t);
        return from_time_t(timegm(&tm) - offset, ret);
}

size_t timestamp_parse_fraction(const char *s, usec_t *ret) {
        usec_t value = 0, digit = USEC_PER_SEC / 10;
        size_t n = 0;

        assert(s);
        assert(ret);

        for (; isdigit((unsigned char) s[n]); n++, digit /= 10)
                value += (usec_t) (s[n] - '0') * digit;

        *ret = value;
        return n;
}

size_t timestamp_parse_offset(const char *s, int *ret) {
        int hours, minutes, n = 0;

        assert(s);
        assert(ret);

        if (s[0] == 'Z' || startswith(s, "UTC")) {
                *ret = 0;
                return s[0] == 'Z' ? 1 : strlen("UTC");
        }

        if ((s[0] != '+' && s[0] != '-') || !isdigit((unsigned char) s[1]) ||
                        (sscanf(s + 1, "%2d:%2d%n", &hours, &minutes, &n) < 2 &&
                                        sscanf(s + 1, "%2d%2d%n", &hours, &minutes, &n) < 2) ||
                        minutes < 0 || minutes > 59)
                return 0;

        *ret = (hours * 60 + minutes) * (s[0] == '-' ? -60 : 60);
        return (size_t) n + 1;
}

/* Takes digits and what has to stand behind them off *s; '\0' for nothing. */
static bool take_number(const char **s, size_t n_digits, char behind, int *ret) {
        int value = 0;

        for (size_t i = 0; i < n_digits; i++) {
                if (!isdigit((unsigned char) (*s)[i]))
                        return false;
                value = value * 10 + ((*s)[i] - '0');
        }
        if (behind != '\0' && (*s)[n_digits] != behind)
                return false;

        *s += n_digits + (behind != '\0');
        *ret = value;
        return true;
}

static const char *skip_weekday(const char *s) {
        static const char *const names[] = {
                "Monday",
                "Tuesday",
                "Wednesday",
                "Thursday",
                "Friday",
                "Saturday",
                "Sunday",
        };
        size_t n = strcspn(s, " ");

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (s[n] == ' ' && (n == 3 || n == strlen(names[i])) &&
                                strncasecmp(s, names[i], n) == 0)
                        return s + n + 1;

        return s;
}

/* "10:00", "10:00:30", "10:00:30.5", with an offset or without. */
static int parse_time_of_day(const char *s, CivilTime *t, usec_t *ret) {
        usec_t fraction = 0;
        int offset, r;
        size_t n;

        if (!take_number(&s, 2, ':', &t->hour) || !take_number(&s, 2, '\0', &t->minute))
                return -EINVAL;
        if (*s == ':') {
                s++;
                if (!take_number(&s, 2, '\0', &t->second))
                        return -EINVAL;
                if (*s == '.') {
                        n = timestamp_parse_fraction(s + 1, &fraction);
                        if (n == 0)
                                return -EINVAL;
                        s += n + 1;
                }
        }

        if (!civil_time_is_valid(t))
                return -EINVAL;

        n = timestamp_parse_offset(*s == ' ' ? s + 1 : s, &offset);
        if (n > 0 && *s == ' ')
                s++;
        if (s[n] != '\0')
                return -EINVAL;

        r = n > 0 ? civil_time_to_usec_at(t, offset, ret) : civil_time_to_usec(t, ret);
        if (r >= 0)
                *ret += fraction;
        return r;
}

/* A date, or nothing, and a time of day or nothing. */
static int parse_civil(const char *s, CivilTime today, usec_t *ret) {
        CivilTime t = {};
        const char *date;

        date = s = skip_weekday(s);
        if (take_number(&date, 4, '-', &t.year) && take_number(&date, 2, '-', &t.month) &&
                        take_number(&date, 2, '\0', &t.day)) {
                s = date;
                if (*s == '\0')
                        return civil_time_is_valid(&t) ? civil_time_to_usec(&t, ret) : -EINVAL;
                if (*s != ' ' && *s != 'T')
                        return -EINVAL;
                s++;
        } else {
                t = today;
                t.second = 0;
        }

        return parse_time_of_day(s, &t, ret);
}

/* Midnight of so many days from that day on; the clocks may change in between. */
static int midnight(const CivilTime *day, int n_days, usec_t *ret) {
        struct tm tm = to_tm(day);

        tm.tm_mday += n_days;
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        return from_time_t(mktime(&tm), ret);
}

/* "@1796000000.5" */
static int parse_epoch(const char *s, usec_t *ret) {
        usec_t fraction = 0, seconds;
        char *end;

        if (!isdigit((unsigned char) *s))
                return -EINVAL;
        errno = 0;
        seconds = strtoull(s, &end, 10);
        if (*end == '.')
                end += 1 + timestamp_parse_fraction(end + 1, &fraction);
        if (*end != '\0')
                return -EINVAL;
        if (errno == ERANGE || __builtin_mul_overflow(seconds, USEC_PER_SEC, &seconds) ||
                        __builtin_add_overflow(seconds, fraction, &seconds))
                return -ERANGE;

        *ret = seconds;
        return 0;
}

/* "-2h", "+2h", "2h ago"; -EINVAL for what is no span. */
static int parse_relative(const char *s, usec_t now, usec_t *ret) {
        char span[USEC_STR_SIZE];
        const char *ago;
        usec_t distance;
        size_t n;
        int r;

        n = strlen(s);
        ago = n > strlen(" ago") ? s + n - strlen(" ago") : NULL;
        if (s[0] == '-' || s[0] == '+')
                r = snprintf(span, sizeof(span), "%s", s + 1);
        else if (ago && streq(ago, " ago"))
                r = snprintf(span, sizeof(span), "%.*s", (int) (ago - s), s);
        else
                return -EINVAL;
        if (r < 0 || (size_t) r >= sizeof(span) || !isdigit((unsigned char) span[0]))
                return -EINVAL;

        r = usec_parse_span(span, &distance);
        if (r < 0)
                return r;

        *ret = s[0] == '+' ? usec_add(now, distance) : usec_sub(now, distance);
        return 0;
}

int timestamp_parse(const char *s, usec_t now, usec_t *ret) {
        static const struct {
                const char *name;
                int n_days;
        } days[] = { { "yesterday", -1 }, { "today", 0 }, { "tomorrow", 1 } };
        time_t seconds = (time_t) (now / USEC_PER_SEC);
        CivilTime today;
        struct tm tm;
        usec_t t;
        int r;

        assert(s);
        assert(ret);

        if (!localtime_r(&seconds, &tm))
                return -ERANGE;
        today = (CivilTime){ .year = tm.tm_year + 1900, .month = tm.tm_mon + 1, .day = tm.tm_mday };

        if (streq(s, "now")) {
                *ret = now;
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(days); i++)
                if (streq(s, days[i].name))
                        return midnight(&today, days[i].n_days, ret);

        r = s[0] == '@' ? parse_epoch(s + 1, &t) : parse_relative(s, now, &t);
        if (r == -EINVAL && s[0] != '@')
                r = parse_civil(s, today, &t);
        if (r < 0)
                return r;

        *ret = t;
        return 0;
}
