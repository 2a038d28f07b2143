/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banctl metrics: OpenMetrics text. Each family is written once, with all its samples below it; a
 * counter's samples end in _total, and a family that has a unit ends in it.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/log.h"
#include "ctl/connection.h"
#include "ctl/jails.h"
#include "ctl/status-answer.h"
#include "ctl/verbs.h"

typedef enum MetricType {
        METRIC_GAUGE,
        METRIC_COUNTER,
        METRIC_INFO,
} MetricType;

static void
begin_family(FILE *f, const char *name, MetricType type, const char *unit, const char *help) {
        static const char *const types[] = {
                [METRIC_GAUGE] = "gauge",
                [METRIC_COUNTER] = "counter",
                [METRIC_INFO] = "info",
        };

        (void) fprintf(f,
                        "# HELP banjo_%s %s\n# TYPE banjo_%s %s\n",
                        name,
                        help,
                        name,
                        types[type]);
        if (unit)
                (void) fprintf(f, "# UNIT banjo_%s %s\n", name, unit);
}

/* A time is told in seconds since 1970. */
static void print_seconds(FILE *f, usec_t t) {
        (void) fprintf(f, "%" PRIu64 ".%06" PRIu64 "\n", t / USEC_PER_SEC, t % USEC_PER_SEC);
}

/* banjod */

static void write_number(FILE *f, const char *name, MetricType type, const char *help, uint64_t n) {
        begin_family(f, name, type, NULL, help);
        (void) fprintf(f,
                        "banjo_%s%s %" PRIu64 "\n",
                        name,
                        type == METRIC_COUNTER ? "_total" : "",
                        n);
}

static void write_time(FILE *f, const char *name, const char *help, usec_t t) {
        begin_family(f, name, METRIC_GAUGE, "seconds", help);
        (void) fprintf(f, "banjo_%s ", name);
        print_seconds(f, t);
}

static void write_daemon(FILE *f, const Status *s) {
        begin_family(f, "build", METRIC_INFO, NULL, "The version of banjod.");
        (void) fprintf(f, "banjo_build_info{version=\"%s\"} 1\n", s->version);

        write_time(f, "start_time_seconds", "When banjod was started.", s->started);
        write_time(f,
                        "journal_time_seconds",
                        "Time of the newest entry of the journal that was read; 0 if there was none.",
                        s->journal);
        write_number(f,
                        "catching_up",
                        METRIC_GAUGE,
                        "Whether older entries of the journal are still to be read.",
                        streq(s->state, "catching-up"));
        write_number(f,
                        "firewall_failed",
                        METRIC_GAUGE,
                        "Whether the firewall does not take the bans.",
                        (uint64_t) s->firewall_failed);
        write_number(f,
                        "store_failed",
                        METRIC_GAUGE,
                        "Whether the database cannot be written.",
                        (uint64_t) s->store_failed);
        write_number(f,
                        "entries",
                        METRIC_COUNTER,
                        "Entries of the journal that were read.",
                        s->n_entries);
        write_number(f, "failures", METRIC_COUNTER, "Failures that were counted.", s->n_failures);
        write_number(f, "bans", METRIC_COUNTER, "Bans that were made.", s->n_bans);
}

/* Jails */

typedef struct JailMetric {
        const char *name;
        MetricType type;
        char member; /* what it is: 'b' an int, 't' a number, 'T' a time; times that are 0 are left
                        out */
        const char *unit;
        size_t offset;
        const char *help;
} JailMetric;

static const JailMetric jail_metrics[] = {
        { "jail_enabled",
                        METRIC_GAUGE,
                        'b',
                        NULL,
                        offsetof(JailInfo, enabled),
                        "Whether the jail is enabled." },
        { "jail_refused",
                        METRIC_GAUGE,
                        'b',
                        NULL,
                        offsetof(JailInfo, refused),
                        "Whether the jail's configuration has mistakes." },
        { "jail_paused",
                        METRIC_GAUGE,
                        'b',
                        NULL,
                        offsetof(JailInfo, paused),
                        "Whether the jail pauses." },
        { "jail_banned", METRIC_GAUGE, 't', NULL, offsetof(JailInfo, n_banned), "Bans that run." },
        { "jail_entries",
                        METRIC_COUNTER,
                        't',
                        NULL,
                        offsetof(JailInfo, n_entries),
                        "Entries of the journal that the jail was given." },
        { "jail_failures",
                        METRIC_COUNTER,
                        't',
                        NULL,
                        offsetof(JailInfo, n_failures),
                        "Failures that were counted." },
        { "jail_forgiven",
                        METRIC_COUNTER,
                        't',
                        NULL,
                        offsetof(JailInfo, n_forgiven),
                        "Failures that a login took back." },
        { "jail_leaks",
                        METRIC_COUNTER,
                        't',
                        NULL,
                        offsetof(JailInfo, n_leaks),
                        "Failures of banned addresses that got through." },
        { "jail_forgotten",
                        METRIC_COUNTER,
                        't',
                        NULL,
                        offsetof(JailInfo, n_forgotten),
                        "Addresses, networks and users that were forgotten early, because there were too many." },
        { "jail_cut",
                        METRIC_COUNTER,
                        't',
                        NULL,
                        offsetof(JailInfo, n_cut),
                        "Messages of which only the beginning was read." },
        { "jail_exceeded",
                        METRIC_COUNTER,
                        't',
                        NULL,
                        offsetof(JailInfo, n_exceeded),
                        "Times that a pattern gave up on a message." },
        { "jail_dropped_packets",
                        METRIC_COUNTER,
                        't',
                        NULL,
                        offsetof(JailInfo, dropped_packets),
                        "Packets of banned addresses that were dropped." },
        { "jail_dropped_bytes",
                        METRIC_COUNTER,
                        't',
                        "bytes",
                        offsetof(JailInfo, dropped_bytes),
                        "Bytes of these packets." },
        { "jail_last_failure_time_seconds",
                        METRIC_GAUGE,
                        'T',
                        "seconds",
                        offsetof(JailInfo, last_failure),
                        "When the newest failure was." },
};

static void write_jail_metric(FILE *f, const JailMetric *m, const JailList *jails) {
        begin_family(f, m->name, m->type, m->unit, m->help);

        for (size_t i = 0; i < jails->n_jails; i++) {
                const void *member = (const char *) &jails->jails[i] + m->offset;
                uint64_t n = m->member == 'b' ? (uint64_t) * (const int *) member
                                              : *(const uint64_t *) member;

                if (m->member == 'T' && n == 0)
                        continue;

                (void) fprintf(f,
                                "banjo_%s%s{jail=\"%s\"} ",
                                m->name,
                                m->type == METRIC_COUNTER ? "_total" : "",
                                jails->jails[i].name);
                if (m->member == 'T')
                        print_seconds(f, n);
                else
                        (void) fprintf(f, "%" PRIu64 "\n", n);
        }
}

static void write_all(FILE *f, const Status *s, const JailList *jails) {
        write_number(f, "up", METRIC_GAUGE, "Whether banjod runs.", s != NULL);
        if (s)
                write_daemon(f, s);
        for (size_t i = 0; s && i < ELEMENTSOF(jail_metrics); i++)
                write_jail_metric(f, &jail_metrics[i], jails);

        (void) fprintf(f, "# EOF\n");
}

/* Files */

/* Whoever reads the file meanwhile finds the one from before. Returns 0 or a negative errno. */
static int write_file(const char *path, const Status *s, const JailList *jails) {
        _cleanup_(freep) char *temporary = NULL;
        _cleanup_(fclosep) FILE *f = NULL;
        _cleanup_(closep) int fd = -1;
        int r = 0;

        /* node_exporter reads what ends in .prom. */
        if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
                return -ENOMEM;
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;

        f = fdopen(fd, "w");
        if (f) {
                (void) TAKE_FD(fd);
                write_all(f, s, jails);
        }
        if (!f || fflush(f) != 0 || ferror(f) || fchmod(fileno(f), 0644) < 0 ||
                        rename(temporary, path) < 0)
                r = errno > 0 ? -errno : -EIO;
        if (r < 0)
                (void) unlink(temporary);
        return r;
}

static int write_out(const Options *options, const Status *s, const JailList *jails) {
        int r;

        if (!options->output) {
                write_all(stdout, s, jails);
                return EXIT_DONE;
        }

        r = write_file(options->output, s, jails);
        if (r < 0) {
                log_error_errno(r, "Failed to write %s: %m", options->output);
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

int verb_metrics(int argc, char **argv, const Options *options) {
        _cleanup_(jail_list_done) JailList jails = {};
        _cleanup_(status_done) Status s = {};
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        if (options->json != JSON_OFF) {
                log_error("metrics are OpenMetrics text; `banctl status --json` has JSON.");
                return EXIT_USAGE;
        }

        /* That it does not run is a number, too. */
        r = connection_open(&bus, options, CONNECTION_ASK, true);
        if (r == EXIT_NOT_RUNNING)
                return write_out(options, NULL, &jails);
        if (r == EXIT_DONE)
                r = status_get(&s, bus);
        if (r == EXIT_DONE)
                r = jail_list_get(&jails, bus);
        if (r != EXIT_DONE)
                return r;

        return write_out(options, &s, &jails);
}
