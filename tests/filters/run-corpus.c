/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * run-corpus FILTER CORPUS
 *
 * Runs the lines of a corpus through a filter, and compares. Every pattern of the filter has to
 * match some line. README in this directory explains the format.
 */

#include <ctype.h>
#include <libgen.h>
#include <stdarg.h>

#include "base/macro.h"
#include "engine/jail.h"

#define HOSTS_MAX 64
#define LINE_SIZE 16384

/* So high that nobody is ever banned: what is tested here is what counts. */
#define MAXRETRY CONFIG_MAXRETRY_MAX

typedef struct Host {
        Address address;
        unsigned n_counted;
        bool is_told; /* the corpus says how many */
} Host;

typedef struct Run {
        const char *path;
        unsigned line;
        unsigned n_lines;
        unsigned n_wrong;

        JailConfig jail_config;
        Matcher *matcher;
        bool *hit; /* by pattern */

        /* Of the block. */
        Jail *jail;
        usec_t now;
        Host hosts[HOSTS_MAX];
        size_t n_hosts;

        /* Of the entry before. */
        bool has_entry; /* and nothing said what it should be */
        int kind;       /* PatternKind, -1 for none */
        char address[ADDRESS_STR_SIZE];
        const char *pattern;
} Run;

static void wrong(Run *run, const char *format, ...) _printf_(2, 3);

static void wrong(Run *run, const char *format, ...) {
        va_list ap;

        run->n_wrong++;
        (void) fprintf(stderr, "%s:%u: ", run->path, run->line);
        va_start(ap, format);
        (void) vfprintf(stderr, format, ap);
        va_end(ap);
        (void) fputc('\n', stderr);
}

static const char *kind_name(int kind) {
        return kind < 0 ? "miss" : pattern_kind_to_string((PatternKind) kind);
}

/* \xHH stands for a byte; other backslashes for themselves. */
static size_t unescape(char *s) {
        char *out = s;

        for (char *in = s; *in;) {
                char digits[3] = "";

                if (in[0] == '\\' && in[1] == 'x' && isxdigit((unsigned char) in[2]) &&
                                isxdigit((unsigned char) in[3])) {
                        memcpy(digits, in + 2, 2);
                        *out++ = (char) strtoul(digits, NULL, 16);
                        in += 4;
                } else
                        *out++ = *in++;
        }

        return (size_t) (out - s);
}

static Host *get_host(Run *run, const Address *a) {
        for (size_t i = 0; i < run->n_hosts; i++)
                if (address_equal(&run->hosts[i].address, a))
                        return &run->hosts[i];

        assert(run->n_hosts < HOSTS_MAX);
        run->hosts[run->n_hosts] = (Host){ .address = *a };
        return &run->hosts[run->n_hosts++];
}

static void check_entry_is_told(Run *run) {
        if (run->has_entry)
                wrong(run, "the entry before has no line that says what it should be");
        run->has_entry = false;
}

static void end_block(Run *run) {
        check_entry_is_told(run);

        for (size_t i = 0; i < run->n_hosts; i++) {
                char text[ADDRESS_STR_SIZE];

                if (run->hosts[i].n_counted > 0 && !run->hosts[i].is_told)
                        wrong(run,
                                        "the block above has no line \"counted %s %u\"",
                                        address_format(&run->hosts[i].address, text),
                                        run->hosts[i].n_counted);
        }

        run->n_hosts = 0;
        run->jail = jail_free(run->jail);
}

static void begin_block(Run *run) {
        MatcherError error;

        end_block(run);
        if (jail_new(&run->jail, &run->jail_config, &error) < 0) {
                wrong(run,
                                "[%s] %s: %s",
                                pattern_kind_to_string(error.kind),
                                error.pattern,
                                error.text);
                exit(EXIT_FAILURE);
        }
}

static void match_message(Run *run, const char *message, size_t size) {
        MatcherResult result;

        run->has_entry = true;
        run->kind = -1;
        run->address[0] = '\0';
        run->pattern = "";

        if (matcher_run(run->matcher, message, size, &result) == 0)
                return;

        run->kind = (int) result.kind;
        run->pattern = result.pattern;
        if (result.has_address)
                address_format(&result.address, run->address);

        for (size_t i = 0; i < run->jail_config.filter->n_patterns; i++)
                if (run->jail_config.filter->patterns[i].name == result.pattern)
                        run->hit[i] = true;
}

static void process_entry(Run *run, char *line) {
        const MatchGroup *group = &run->jail_config.match->groups[0];
        JailStats before, after;
        JailFailure failure;
        char *message;
        Entry e = {};
        size_t size;

        check_entry_is_told(run);
        run->n_lines++;

        message = strchr(line, ':');
        if (!message || !run->jail) {
                wrong(run, "this is no entry: PID: MESSAGE, after a line == TITLE");
                return;
        }
        *message++ = '\0';
        if (*message == ' ')
                message++;
        size = unescape(message);

        match_message(run, message, size);

        for (size_t i = 0; i < group->n_terms; i++)
                e.fields[group->terms[i].field] = (EntryValue){ group->terms[i].value,
                        strlen(group->terms[i].value) };
        e.fields[ENTRY_MESSAGE] = (EntryValue){ message, size };
        e.fields[ENTRY_PID] = (EntryValue){ line, strlen(line) };
        e.realtime = run->now += USEC_PER_SEC;

        jail_get_stats(run->jail, &before);
        if (jail_process(run->jail, &e, &failure) < 0)
                abort();
        jail_get_stats(run->jail, &after);
        if (after.n_failures > before.n_failures)
                get_host(run, &failure.host)->n_counted +=
                                (unsigned) (after.n_failures - before.n_failures);
}

/* "  KIND [ADDRESS]", about the entry before */
static void check_outcome(Run *run, const char *line) {
        char kind[16] = "", address[64] = "", rest[2] = "";

        if (sscanf(line, " %15s %63s %1s", kind, address, rest) < 1 || rest[0] || !run->has_entry) {
                wrong(run, "wanted is an entry, and then \"  fail ADDRESS\" or the like");
                return;
        }
        run->has_entry = false;

        if (!streq(kind, kind_name(run->kind)) || !streq(address, run->address))
                wrong(run,
                                "should be \"%s%s%s\", and is \"%s%s%s\" (pattern \"%s\")",
                                kind,
                                address[0] ? " " : "",
                                address,
                                kind_name(run->kind),
                                run->address[0] ? " " : "",
                                run->address,
                                run->pattern);
}

/* "counted ADDRESS N" */
static void check_counted(Run *run, const char *line) {
        char text[64];
        Address a;
        unsigned n;
        Host *host;

        if (sscanf(line, "counted %63s %u", text, &n) != 2 ||
                        address_parse(text, strlen(text), &a) < 0) {
                wrong(run, "should be \"counted ADDRESS N\"");
                return;
        }

        check_entry_is_told(run);
        host = get_host(run, &a);
        host->is_told = true;
        if (host->n_counted != n)
                wrong(run, "should be %u failures of %s, and are %u", n, text, host->n_counted);
}

static void run_file(Run *run, FILE *f) {
        static char line[LINE_SIZE];

        while (fgets(line, sizeof(line), f)) {
                run->line++;
                line[strcspn(line, "\n")] = '\0';

                if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
                        continue;
                else if (startswith(line, "== "))
                        begin_block(run);
                else if (startswith(line, "counted "))
                        check_counted(run, line);
                else if (line[0] == ' ' || line[0] == '\t')
                        check_outcome(run, line);
                else
                        process_entry(run, line);
        }

        end_block(run);
}

static void check_all_patterns_are_hit(Run *run) {
        for (size_t i = 0; i < run->jail_config.filter->n_patterns; i++)
                if (!run->hit[i]) {
                        const Pattern *p = &run->jail_config.filter->patterns[i];

                        wrong(run,
                                        "no line is recognised by the pattern \"%s\" of [%s]",
                                        p->name,
                                        pattern_kind_to_string(p->kind));
                }
}

static void on_problem(const Problem *problem, void *userdata) {
        char text[PROBLEM_STR_SIZE];

        (void) userdata;
        (void) fprintf(stderr, "%s\n", problem_format(problem, text));
}

/* A jail as the filter alone makes it. */
static int set_up(Run *run, const char *path) {
        ProblemSink sink = { .handler = on_problem };
        JailConfig *c = &run->jail_config;
        MatcherError error;
        char name[256];
        const char *bad;

        (void) snprintf(name, sizeof(name), "%s", path);
        (void) snprintf(name, sizeof(name), "%s", basename(name));
        name[strcspn(name, ".")] = '\0';

        c->name = strdup(name);
        c->maxretry = MAXRETRY;
        c->findtime = USEC_PER_DAY;
        c->bantime = USEC_PER_HOUR;
        c->max_addresses = CONFIG_MAX_ADDRESSES_DEFAULT;
        c->ipv4_prefix = CONFIG_IPV4_PREFIX_DEFAULT;
        c->ipv6_prefix = CONFIG_IPV6_PREFIX_DEFAULT;

        if (filter_load(&c->filter, name, path, &sink) < 0 || match_new(&c->match) < 0 ||
                        match_add_units(c->match, c->filter->units, c->filter->require, &bad) < 0)
                return -EINVAL;

        if (matcher_new(&run->matcher, c->filter, &error) < 0) {
                (void) fprintf(stderr, "%s: %s: %s\n", path, error.pattern, error.text);
                return -EINVAL;
        }

        run->hit = calloc(c->filter->n_patterns, sizeof(*run->hit));
        return run->hit ? 0 : -ENOMEM;
}

int main(int argc, char *argv[]) {
        Run run = { .now = UINT64_C(1700000000) * USEC_PER_SEC };
        _cleanup_(fclosep) FILE *f = NULL;

        if (argc != 3) {
                (void) fprintf(stderr, "run-corpus FILTER CORPUS\n");
                return 2;
        }

        run.path = argv[2];
        f = fopen(run.path, "re");
        if (!f) {
                perror(run.path);
                return EXIT_FAILURE;
        }

        if (set_up(&run, argv[1]) < 0)
                run.n_wrong++;
        else {
                run_file(&run, f);
                check_all_patterns_are_hit(&run);
                (void) printf("%s: %u lines, %u wrong\n", run.path, run.n_lines, run.n_wrong);
        }

        free(run.hit);
        matcher_free(run.matcher);
        match_free(run.jail_config.match);
        filter_free(run.jail_config.filter);
        free(run.jail_config.name);
        return run.n_wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
