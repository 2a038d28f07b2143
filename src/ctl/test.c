/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banctl test: runs a filter over a log or the journal, without the daemon and with its code: each
 * entry goes through jail_process(), so that sessions count as they do there.
 *
 * Of few lines all are shown and misses are explained. Whether they are few is only known at the
 * end, so the first ones are kept until then.
 */

#include <fcntl.h>
#include <inttypes.h>

#include "base/log.h"
#include "base/parse.h"
#include "ctl/clock.h"
#include "ctl/options.h"
#include "ctl/output.h"
#include "ctl/period.h"
#include "ctl/test-input.h"
#include "ctl/test-report.h"
#include "ctl/test-subject.h"
#include "ctl/verbs.h"
#include "engine/jail.h"
#include "engine/nearest.h"

#define LINES_FEW 10

/* How often progress is shown, and how many lines lie between two looks at the clock. */
#define PROGRESS_USEC (250 * USEC_PER_MSEC)
#define PROGRESS_LINES 4096

typedef struct Kept {
        Entry entry;
        EntryValue line;
        char *bytes; /* that both point into */
        unsigned n_counted;
        Address host;
} Kept;

typedef struct Test {
        const Options *options;
        Subject subject;
        Input *input;
        Jail *jail;
        Nearest *nearest;
        Report report;
        unsigned print; /* a bit for each result */
        bool explain;
        usec_t start, last_progress;
        bool shows_progress;
        Kept kept[LINES_FEW];
        size_t n_kept;
} Test;

static void forget_kept(Test *t) {
        for (size_t i = 0; i < t->n_kept; i++)
                free(t->kept[i].bytes);
        t->n_kept = 0;
}

static void test_free(Test *t) {
        forget_kept(t);
        report_done(&t->report);
        nearest_free(t->nearest);
        jail_free(t->jail);
        input_free(t->input);
        subject_done(&t->subject);
        free(t);
}
DEFINE_CLEANUP(Test *, test_free)

/* Options */

static int parse_print(const char *words, unsigned *ret) {
        static const struct {
                const char *name;
                unsigned mask;
        } known[] = {
                { "fail", 1u << PATTERN_FAIL },
                { "once", 1u << PATTERN_ONCE },
                { "ignore", 1u << PATTERN_IGNORE },
                { "context", 1u << PATTERN_CONTEXT },
                { "begin", 1u << PATTERN_BEGIN },
                { "clear", 1u << PATTERN_CLEAR },
                { "miss", 1u << REPORT_MISS },
                { "matched", ~(1u << REPORT_MISS) },
                { "session", 1u << PATTERN_CONTEXT | 1u << PATTERN_BEGIN | 1u << PATTERN_CLEAR },
                { "all", ~0u },
        };
        const char *word;
        size_t n;

        *ret = 0;
        while ((n = parse_word(&words, ",", &word)) > 0) {
                unsigned mask = 0;

                for (size_t i = 0; i < ELEMENTSOF(known); i++)
                        if (strlen(known[i].name) == n && strncmp(known[i].name, word, n) == 0)
                                mask = known[i].mask;
                if (mask == 0) {
                        log_error("--print=%.*s: should be fail, once, ignore, context, begin, "
                                  "clear, miss, matched, session or all.",
                                        (int) n,
                                        word);
                        return -EINVAL;
                }
                *ret |= mask;
        }

        return 0;
}

/* Input */

static int open_journal(Test *t, usec_t now) {
        const Options *o = t->options;
        usec_t since = 0, until = USEC_INFINITY;
        int r;

        if (o->format) {
                log_error("--format= is for files; the journal has one of its own.");
                return EXIT_USAGE;
        }
        if (period_parse(o, now, &since, &until) < 0)
                return EXIT_USAGE;

        r = input_new_journal(&t->input, o->journal, &t->subject.want, since, until);
        if (r == -EACCES) {
                log_error("You may not read the journal: become root, or a member of the group "
                          "systemd-journal.");
                return EXIT_USAGE;
        }
        if (r < 0) {
                (void) log_error_errno(r, "Failed to open %s: %m", o->journal ?: "the journal");
                return EXIT_USAGE;
        }

        return EXIT_DONE;
}

static int open_file(Test *t, const char *file, usec_t now) {
        const Options *o = t->options;
        int format = INPUT_AUTO, fd, r;

        if (o->journal || o->since || o->until || o->n_units > 0) {
                log_error("--journal=, --since=, --until= and --unit= are for the journal, not for a "
                          "file.");
                return EXIT_USAGE;
        }
        if (o->format) {
                format = input_format_from_string(o->format);
                if (format < 0) {
                        log_error("--format=%s: should be auto, json, export, short or cat.",
                                        o->format);
                        return EXIT_USAGE;
                }
        }

        fd = streq(file, "-") ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
                (void) log_error_errno(-errno, "Failed to open %s: %m", file);
                return EXIT_USAGE;
        }

        r = input_new(&t->input, fd, (InputFormat) format, now);
        if (r < 0) {
                (void) log_error_errno(r, "Failed to read %s: %m", file);
                return EXIT_USAGE;
        }
        return EXIT_DONE;
}

/* Lines */

static EntryValue get_session(const Test *t, const Entry *e, const MatcherResult *m) {
        const Filter *f = t->subject.jail.filter;

        switch (f->session) {
        case FILTER_SESSION_FIELD:
                return e->fields[f->session_field];
        case FILTER_SESSION_CAPTURE:
                return m ? (EntryValue){ m->session.data, m->session.size } : (EntryValue){};
        default:
                return (EntryValue){};
        }
}

static int explain(Test *t, ReportLine *l) {
        const JailConfig *j = &t->subject.jail;

        if (!t->nearest && nearest_new(&t->nearest, j->filter, j->groups) < 0)
                return -ENOMEM;

        l->explained = true;
        if (nearest_find(t->nearest, l->text.data, l->text.size, &l->nearest, &l->nearest_offset) ==
                        0)
                l->nearest = NULL;
        return 0;
}

static int print_line(Test *t, ReportLine *l) {
        if (t->explain && l->result == REPORT_MISS && explain(t, l) < 0)
                return log_oom();
        if (t->options->json != JSON_OFF)
                return report_print_json(l, t->options);

        report_print_line(l);
        return 0;
}

/* What the filter says about an entry by itself; result is where it goes. */
static int
describe(Test *t, const Entry *e, const EntryValue *line, MatcherResult *result, ReportLine *ret) {
        EntryValue text;
        int matches, r;

        matches = jail_match(t->jail, e, result);
        if (matches < 0)
                return matches;

        /* The same once more: what was captured points into it. */
        r = jail_get_text(t->jail, e, &text);
        if (r < 0)
                return r;

        *ret = (ReportLine){
                .line = *line,
                .result = matches ? (unsigned) result->kind : REPORT_MISS,
                .match = matches ? result : NULL,
                .session = get_session(t, e, matches ? result : NULL),
                .text = text,
        };
        return 0;
}

static void copy_value(EntryValue *v, char **out, const EntryValue *line, const char *copied_line) {
        if (!v->data)
                return;

        /* The message of a line stays a part of it. */
        if (v->data >= line->data && v->data + v->size <= line->data + line->size) {
                v->data = copied_line + (v->data - line->data);
                return;
        }

        memcpy(*out, v->data, v->size);
        v->data = *out;
        *out += v->size;
}

static int keep(Test *t, const Entry *e, const ReportLine *l) {
        Kept *k = &t->kept[t->n_kept];
        size_t size = l->line.size;
        char *out;

        for (size_t i = 0; i < _ENTRY_FIELD_MAX; i++)
                size += e->fields[i].size;
        *k = (Kept){ .entry = *e, .line = l->line, .n_counted = l->n_counted, .host = l->host };
        k->bytes = out = malloc(size + 1);
        if (!out)
                return -ENOMEM;

        memcpy(out, l->line.data, l->line.size);
        out += l->line.size;
        for (size_t i = 0; i < _ENTRY_FIELD_MAX; i++)
                copy_value(&k->entry.fields[i], &out, &l->line, k->bytes);
        k->line.data = k->bytes;
        t->n_kept++;
        return 0;
}

static int print_kept(Test *t) {
        t->explain = true;
        for (size_t i = 0; i < t->n_kept; i++) {
                MatcherResult result;
                ReportLine l;
                int r;

                r = describe(t, &t->kept[i].entry, &t->kept[i].line, &result, &l);
                if (r < 0)
                        return r;
                l.n_counted = t->kept[i].n_counted;
                l.host = t->kept[i].host;
                r = print_line(t, &l);
                if (r < 0)
                        return r;
        }

        (void) putchar('\n');
        return 0;
}

/* Returns 0 or a negative errno. */
static int handle_entry(Test *t, const Entry *e, const EntryValue *line, uint64_t n) {
        JailStats before, after;
        MatcherResult result;
        JailFailure failure;
        ReportLine l;
        int verdict, r;

        jail_get_stats(t->jail, &before);
        verdict = jail_process(t->jail, e, &failure);
        if (verdict < 0)
                return verdict;

        r = describe(t, e, line, &result, &l);
        if (r < 0)
                return r;
        if (verdict != JAIL_NOTHING) {
                jail_get_stats(t->jail, &after);
                l.n_counted = (unsigned) (after.n_failures - before.n_failures);
                l.host = failure.host;
        }

        r = report_add(&t->report, &l);
        if (r < 0)
                return r;

        if (t->print & (1u << l.result))
                return print_line(t, &l);
        if (t->print == 0 && n <= LINES_FEW)
                return keep(t, e, &l);
        forget_kept(t);
        return 0;
}

/* Progress */

static void show_progress(Test *t, uint64_t n) {
        usec_t now = clock_now();
        double part = input_progress(t->input);

        if (now < t->start + USEC_PER_SEC || now < t->last_progress + PROGRESS_USEC)
                return;

        t->last_progress = now;
        (void) fprintf(stderr, "\r%" PRIu64 " lines", n);
        if (part >= 0)
                (void) fprintf(stderr, ", %.0f %%", part * 100);
        (void) fputs("\033[K", stderr);
}

static int run(Test *t) {
        EntryValue line;
        uint64_t n = 0;
        Entry e;
        int r;

        while ((r = input_next(t->input, &e, &line)) > 0) {
                r = handle_entry(t, &e, &line, ++n);
                if (r < 0)
                        break;
                if (ferror(stdout))
                        break;
                if (t->shows_progress && n % PROGRESS_LINES == 0)
                        show_progress(t, n);
        }

        if (t->last_progress > 0)
                (void) fputs("\r\033[K", stderr);
        if (r < 0)
                (void) log_error_errno(r, "Failed after %" PRIu64 " lines: %m", n);
        return r;
}

static int set_up(Test *t, const char *name, const char *file, usec_t now) {
        const Options *o = t->options;
        MatcherError error;
        int status, r;

        if (o->print && parse_print(o->print, &t->print) < 0)
                return EXIT_USAGE;
        t->explain = o->explain;
        if (o->explain && !o->print)
                t->print = 1u << REPORT_MISS;
        if (o->json != JSON_OFF && t->print == 0)
                t->print = ~0u;

        status = subject_init(&t->subject, name, o);
        if (status == EXIT_DONE)
                status = file ? open_file(t, file, now) : open_journal(t, now);
        if (status != EXIT_DONE)
                return status;

        r = jail_new(&t->jail, &t->subject.jail, &error);
        if (r == -EINVAL) {
                log_error("%s: %s", error.pattern->name, error.text);
                return EXIT_USAGE;
        }
        if (r < 0 || report_init(&t->report, t->subject.jail.filter) < 0) {
                (void) log_oom();
                return EXIT_USAGE;
        }

        return EXIT_DONE;
}

int verb_test(int argc, char **argv, const Options *options) {
        _cleanup_(test_freep) Test *t = NULL;
        const char *name, *file;
        InputStats input;
        usec_t now;
        int status;

        /* With patterns of its own, a filter is not named. */
        name = options->n_patterns == 0 && argc > 1 ? argv[1] : NULL;
        file = argc > (name ? 2 : 1) ? argv[name ? 2 : 1] : NULL;
        if ((!name && options->n_patterns == 0) || (!name && argc > 2)) {
                log_error("Usage: banctl test FILTER [FILE|-], or banctl test --pattern=... [FILE|-]");
                return EXIT_USAGE;
        }

        t = calloc(1, sizeof(*t));
        if (!t) {
                (void) log_oom();
                return EXIT_USAGE;
        }
        t->options = options;
        t->start = now = clock_now();

        status = set_up(t, name, file, now);
        if (status != EXIT_DONE)
                return status;

        t->shows_progress = isatty(STDERR_FILENO) && !options->quiet && t->print == 0;
        if (t->print != 0)
                output_open_pager(options);
        if (run(t) < 0 || (t->n_kept > 0 && !options->quiet && print_kept(t) < 0))
                return EXIT_USAGE;

        input_get_stats(t->input, &input);
        if (options->json == JSON_OFF && !options->quiet)
                report_print_summary(&t->report,
                                t->subject.jail.groups,
                                input_get_format(t->input),
                                &input,
                                usec_sub(clock_now(), t->start));

        return t->report.n_results[PATTERN_FAIL] + t->report.n_results[PATTERN_ONCE] > 0
                               ? EXIT_DONE
                               : EXIT_FAILED;
}
