/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Patterns from the command line become a filter's file in memory, so that they mean what they mean
 * in a filter.
 */

#include "ctl/test-subject.h"

#include <sys/mman.h>

#include "base/log.h"
#include "base/parse.h"
#include "base/strv.h"
#include "ctl/findings.h"
#include "model/config-files.h"

#define GROUPS_MAX 64

void subject_done(Subject *s) {
        strv_free(s->groups);
        match_free(s->match);
        match_free(s->all);
        filter_free(s->own_filter);
        config_free(s->config);
}

static void report_problem(const Problem *p, void *userdata) {
        char text[PROBLEM_STR_SIZE];

        log_error("%s", problem_format(p, text));
}

static void report_pattern_problem(const Problem *p, void *userdata) {
        log_error("%s%s%s",
                        p->key ? "--pattern number " : "--pattern: ",
                        p->key ?: "",
                        p->key ? ": " : "");
        log_error("%s", p->text);
}

/* Filters */

static int load_file(Subject *s, const char *name, const char *path) {
        ProblemSink sink = { .handler = report_problem };

        if (access(path, R_OK) < 0) {
                log_error("%s: %s.", path, strerror(errno));
                return EXIT_USAGE;
        }

        return filter_load(&s->own_filter, name, path, &sink) < 0 ? EXIT_USAGE : EXIT_DONE;
}

/* Returns false if a pattern can stand in no file. */
static bool write_pattern(FILE *f, size_t i, const char *pattern) {
        char quote = strchr(pattern, '\'') ? '"' : '\'';

        if (strchr(pattern, quote) || strpbrk(pattern, "\n\r"))
                return false;

        return fprintf(f, "%zu = %c%s%c\n", i + 1, quote, pattern, quote) > 0;
}

static int load_patterns(Subject *s, const Options *options) {
        ProblemSink sink = { .handler = report_pattern_problem };
        _cleanup_(fclosep) FILE *f = NULL;
        char path[32];
        int fd;

        fd = memfd_create("patterns", MFD_CLOEXEC);
        f = fd >= 0 ? fdopen(fd, "w") : NULL;
        if (!f) {
                log_error_errno(-errno, "Failed to make a file in memory: %m");
                return EXIT_USAGE;
        }

        (void) fprintf(f, "[filter]\n[fail]\n");
        for (size_t i = 0; i < options->n_patterns; i++)
                if (!write_pattern(f, i, options->patterns[i])) {
                        log_error("--pattern number %zu: cannot have both kinds of quotation marks, "
                                  "or several lines.",
                                        i + 1);
                        return EXIT_USAGE;
                }
        if (fflush(f) != 0) {
                log_error_errno(-errno, "Failed to write a file in memory: %m");
                return EXIT_USAGE;
        }

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (filter_load(&s->own_filter, "pattern", path, &sink) < 0)
                return EXIT_USAGE;

        /* Where people find them. */
        (void) snprintf(s->own_filter->path, strlen(path) + 1, "--pattern");
        return EXIT_DONE;
}

static int use_filter(Subject *s) {
        s->jail = (JailConfig){
                .name = s->own_filter->name,
                .filter = s->own_filter,
                .findtime = CONFIG_FINDTIME_DEFAULT,
                .bantime = CONFIG_BANTIME_DEFAULT,
                .ipv4_prefix = CONFIG_IPV4_PREFIX_DEFAULT,
                .ipv6_prefix = CONFIG_IPV6_PREFIX_DEFAULT,
                .max_addresses = CONFIG_MAX_ADDRESSES_DEFAULT,
                .journal_namespace = s->own_filter->journal_namespace,
        };

        return strv_append(&s->groups, GROUPS_MAX, GROUP_ALL, strlen(GROUP_ALL));
}

/* Names */

static void report_refused(const Findings *findings, const char *name, const JailConfig *j) {
        for (size_t i = 0; i < findings->n_findings; i++) {
                const Finding *f = &findings->findings[i];
                const Problem p = { f->file, f->section, f->key, f->text };

                if (!f->is_warning && ((f->section && streq(f->section, name)) ||
                                                      strstr(f->file, "/filters/")))
                        report_problem(&p, NULL);
        }

        log_error("The jail \"%s\" (%s) has mistakes.", name, j->file);
}

static int find_by_name(Subject *s, const char *name, const Options *options) {
        _cleanup_(findings_done) Findings findings = {};
        _cleanup_(freep) char *file = NULL, *path = NULL;
        ProblemSink sink = { .handler = findings_collect, .userdata = &findings };
        const JailConfig *j = NULL;
        const char *buf[2];
        const char *const *directories = config_directories(options, buf);
        int r;

        if (!config_is_jail_name(name)) {
                log_error("\"%s\" is no name of a jail or a filter; a file needs a \"/\" in its path.",
                                name);
                return EXIT_USAGE;
        }

        r = config_load_whole(&s->config, directories, &sink);
        if (r >= 0)
                j = config_get_jail(s->config, name);
        if (j && !j->refused && j->filter) {
                s->jail = *j;
                return EXIT_DONE;
        }
        if (j && j->source == JAIL_SOURCE_BANS) {
                log_error("The jail \"%s\" counts the bans of others: it has no filter to test.",
                                name);
                return EXIT_USAGE;
        }

        if (asprintf(&file, "filters/%s.conf", name) < 0) {
                file = NULL;
                (void) log_oom();
                return EXIT_USAGE;
        }
        r = config_files_find(&path, directories, file);
        if (r >= 0)
                return load_file(s, name, path);

        if (j)
                report_refused(&findings, name, j);
        else
                log_error("There is no jail and no filter \"%s\".", name);
        return EXIT_USAGE;
}

static int find(Subject *s, const char *name, const Options *options) {
        const char *base;
        char stem[64];

        if (!name)
                return load_patterns(s, options);
        if (!strchr(name, '/'))
                return find_by_name(s, name, options);

        base = strrchr(name, '/') + 1;
        (void) snprintf(stem, sizeof(stem), "%.*s", (int) MIN(strcspn(base, "."), 63u), base);
        return load_file(s, stem, name);
}

/* What else the options say */

static int set_groups(Subject *s, const char *words) {
        const char *word;
        size_t n;

        s->groups = strv_free(s->groups);
        while ((n = parse_word(&words, ",", &word)) > 0) {
                char group[64];

                (void) snprintf(group, sizeof(group), "%.*s", (int) MIN(n, (size_t) 63), word);
                if (!streq(group, GROUP_ALL) && !streq(group, GROUP_NORMAL) &&
                                !filter_has_group(s->jail.filter, group)) {
                        log_error("--groups: the filter has no group \"%s\".", group);
                        return EXIT_USAGE;
                }
                if (strv_append(&s->groups, GROUPS_MAX, group, strlen(group)) < 0) {
                        log_error("--groups: too many.");
                        return EXIT_USAGE;
                }
        }

        s->jail.groups = s->groups;
        return EXIT_DONE;
}

/* As journalctl -u: "ssh" is ssh.service. */
static int add_unit(Subject *s, const char *unit) {
        static const char *const types[] = { ".service",
                ".socket",
                ".mount",
                ".timer",
                ".scope",
                ".slice",
                ".target",
                ".device",
                ".path",
                ".swap" };
        char name[300];
        const char *bad;
        int r, n;
        bool has_type = false;

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                const char *dot = strrchr(unit, '.');

                has_type |= dot && streq(dot, types[i]);
        }

        n = snprintf(name, sizeof(name), "%s%s", unit, has_type ? "" : ".service");
        r = n < 0 || (size_t) n >= sizeof(name) ? -EINVAL
                                                : match_add_units(s->match, name, NULL, &bad);
        if (r < 0) {
                log_error("--unit=%s: this is no unit's name.", unit);
                return EXIT_USAGE;
        }
        return EXIT_DONE;
}

/* What of the journal is wanted: the units that are named; or what the jail reads, or jails of the
 * filter would; or everything. */
static int set_want(Subject *s, const Options *options) {
        const Filter *f = s->jail.filter;
        const char *bad;
        int r = 0;

        if (match_new(&s->match) < 0) {
                (void) log_oom();
                return EXIT_USAGE;
        }
        s->want = (JournalWant){ .name_space = s->jail.journal_namespace ?: "", .match = s->match };

        for (size_t i = 0; i < options->n_units; i++)
                if (add_unit(s, options->units[i]) != EXIT_DONE)
                        return EXIT_USAGE;
        if (options->n_units > 0)
                return EXIT_DONE;

        s->want.identifiers = f->identifiers;
        s->want.n_identifiers = f->n_identifiers;
        if (s->jail.match)
                s->want.match = s->jail.match;
        else if (!isempty(f->units))
                r = match_add_units(s->match, f->units, f->require, &bad);
        else if (!isempty(f->journal))
                r = match_parse(s->match, f->journal, &bad);
        else {
                s->want.match = s->all;
                s->want.identifiers = NULL;
                s->want.n_identifiers = 0;
        }

        if (r < 0) {
                log_error("The units or the journal = of the filter cannot be read.");
                return EXIT_USAGE;
        }
        return EXIT_DONE;
}

/* A group without terms, which every entry fits. */
static int make_match_of_all(Match **ret) {
        int r = match_new(ret);

        if (r < 0)
                return r;

        (*ret)->groups = calloc(1, sizeof(*(*ret)->groups));
        if (!(*ret)->groups)
                return -ENOMEM;
        (*ret)->n_groups = 1;
        return 0;
}

int subject_init(Subject *s, const char *name, const Options *options) {
        int status;

        assert(s);
        assert(options);

        *s = (Subject){};
        status = find(s, name, options);
        if (status != EXIT_DONE)
                return status;

        if (make_match_of_all(&s->all) < 0 || (s->own_filter && use_filter(s) < 0)) {
                (void) log_oom();
                return EXIT_USAGE;
        }
        if (s->own_filter)
                s->jail.groups = s->groups;

        status = options->groups ? set_groups(s, options->groups) : EXIT_DONE;
        if (status == EXIT_DONE)
                status = set_want(s, options);

        s->jail.match = s->all;
        s->jail.allow = (Allowlist){};
        s->jail.maxretry = CONFIG_MAXRETRY_MAX;
        return status;
}
