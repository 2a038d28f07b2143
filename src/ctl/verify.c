/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banctl verify: everything that can be known to be wrong before it is tried. The configuration's
 * own mistakes come from loading it, those of patterns from compiling each one by itself, and what
 * is only suspicious from looking at this host. Errors keep a jail from being started; warnings do
 * not.
 */

#include <net/if.h>

#include "base/log.h"
#include "base/parse.h"
#include "ctl/connection.h"
#include "ctl/findings.h"
#include "ctl/live.h"
#include "ctl/options.h"
#include "ctl/output.h"
#include "ctl/unit-files.h"
#include "ctl/verbs.h"
#include "engine/forgery.h"
#include "engine/journal.h"
#include "engine/matcher.h"
#include "engine/saved-ruleset.h"
#include "model/config-files.h"
#include "model/settings.h"

/* What is looked through for the first entry of a jail that has none, in entries that are not its
 * own. */
#define ENTRIES_MAX 1000000

typedef struct Verify {
        Findings findings;
        Config *config;
        const Options *options;
        const char *const *directories;
        size_t n_filters;
} Verify;

static void verify_done(Verify *v) {
        findings_done(&v->findings);
        config_free(v->config);
}

/* Patterns */

/* Where the problem is told together with a place in the pattern. */
static void mark(Finding *finding, const char *written, size_t offset) {
        if (!finding || offset == SIZE_MAX)
                return;

        finding->pattern = strdup(written);
        finding->offset = offset;
}

/* Compiles what is left of the filter. Returns 0, -EINVAL if there was a mistake, or -ENOMEM. */
static int compile(Verify *v, const Filter *f) {
        char *groups[] = { (char *) GROUP_ALL, NULL };
        _cleanup_(matcher_freep) Matcher *m = NULL;
        char section[PATTERN_SECTION_SIZE];
        MatcherError error;
        int r;

        r = matcher_new(&m, f, groups, &error);
        if (r != -EINVAL)
                return r;

        mark(findings_add(&v->findings,
                             false,
                             f->path,
                             pattern_section(error.pattern, section),
                             error.pattern->name,
                             "%s",
                             error.text),
                        error.pattern->written,
                        error.offset);
        return r;
}

static int check_forgery(Verify *v, const Filter *f, const Pattern *p) {
        _cleanup_(freep) char *message = NULL;
        char section[PATTERN_SECTION_SIZE];
        int r;

        if (p->kind == PATTERN_IGNORE)
                return 0;

        r = forgery_find(p->regex, &message);
        if (r <= 0)
                return r == -ENOMEM ? r : 0;

        (void) findings_add(&v->findings,
                        true,
                        f->path,
                        pattern_section(p, section),
                        p->name,
                        "whoever chooses his own text can have others banned: of \"%.300s\" it "
                        "takes an address that the peer wrote.",
                        message);
        return 0;
}

/* Each pattern by itself, so that one mistake does not hide the next. */
static int check_patterns(Verify *v, const Filter *f) {
        bool prefixes_are_right = true;
        int r;

        for (size_t i = 0; i < f->n_prefixes + f->n_patterns; i++) {
                const bool is_prefix = i < f->n_prefixes;
                Pattern *p = is_prefix ? &f->prefixes[i] : &f->patterns[i - f->n_prefixes];
                Filter one = *f;

                /* Without its prefixes a pattern may seem to lack an address. */
                if (!is_prefix && !prefixes_are_right)
                        break;
                if (is_prefix) {
                        one.prefixes = p;
                        one.n_prefixes = 1;
                }
                one.patterns = is_prefix ? NULL : p;
                one.n_patterns = is_prefix ? 0 : 1;

                r = compile(v, &one);
                if (r == -EINVAL && is_prefix)
                        prefixes_are_right = false;
                if (r >= 0)
                        r = check_forgery(v, f, p);
                if (r == -ENOMEM)
                        return r;
        }

        return 0;
}

static bool has_jail(const Config *c, const char *filter) {
        for (size_t i = 0; i < c->n_jails; i++)
                if (c->jails[i].filter && streq(c->jails[i].filter->name, filter))
                        return true;

        return false;
}

/* What a package brought has its jails, too, unless the administrator masked them. */
static bool is_vendors(const Verify *v, const char *path) {
        return v->directories == config_default_path && startswith(path, "/usr/lib/");
}

static int check_filter(Verify *v, const char *path) {
        ProblemSink sink = { .handler = findings_collect, .userdata = &v->findings };
        const char *file = config_file_name(path);
        _cleanup_(filter_freep) Filter *f = NULL;
        _cleanup_(freep) char *name = NULL;
        int r;

        name = strndup(file, strlen(file) - strlen(".conf"));
        if (!name)
                return -ENOMEM;

        v->n_filters++;
        if (!config_is_jail_name(name)) {
                (void) findings_add(&v->findings,
                                false,
                                path,
                                NULL,
                                NULL,
                                "no jail can name this filter: names begin with a letter and have "
                                "at most 32 lower-case letters, digits, \"-\" and \"_\".");
                return 0;
        }

        r = filter_load(&f, name, path, &sink);
        if (r < 0)
                return r == -ENOMEM ? r : 0;

        r = check_patterns(v, f);
        if (r >= 0 && !has_jail(v->config, name) && !is_vendors(v, path))
                (void) findings_add(
                                &v->findings, true, path, NULL, NULL, "no jail uses this filter.");
        return r;
}

static int check_filters(Verify *v) {
        ProblemSink sink = { .handler = findings_collect, .userdata = &v->findings };
        _cleanup_(config_files_done) ConfigFiles files = {};
        int r;

        r = config_files_add(&files, v->directories, "filters", &sink);
        for (size_t i = 0; i < files.n_paths && r >= 0; i++)
                r = check_filter(v, files.paths[i]);

        return r;
}

/* Units */

/* Of a jail's own units each should be there. A filter lists what its program is called on various
 * systems, and one of them is enough. */
static void check_units(Verify *v, const JailConfig *j, sd_bus *bus) {
        ConfigOrigin o;
        const char *rest, *word;
        size_t n, n_found = 0;

        config_get_origin(v->config, j, "units", &o);
        if (!o.value)
                return;

        rest = o.value;
        while ((n = parse_word(&rest, ",", &word)) > 0) {
                char unit[256];

                (void) snprintf(unit, sizeof(unit), "%.*s", (int) n, word);
                if (unit_exists(bus, unit))
                        n_found++;
                else if (o.kind == ORIGIN_JAIL)
                        (void) findings_add(&v->findings,
                                        true,
                                        o.file,
                                        j->name,
                                        "units",
                                        "this host has no unit %s.",
                                        unit);
        }

        if (o.kind == ORIGIN_FILTER && n_found == 0)
                (void) findings_add(&v->findings,
                                true,
                                j->file,
                                j->name,
                                "units",
                                "this host has none of the units of the filter \"%s\": %s.",
                                j->filter->name,
                                o.value);
}

/* The journal */

static bool fits(const JailConfig *j, const Entry *e) {
        if (match_fits(j->match, e))
                return true;

        for (size_t i = 0; i < j->filter->n_identifiers; i++)
                if (entry_is(e, ENTRY_UID, "0", 1) &&
                                entry_is(e,
                                                ENTRY_SYSLOG_IDENTIFIER,
                                                j->filter->identifiers[i],
                                                strlen(j->filter->identifiers[i])))
                        return true;

        return false;
}

/* Returns 1 if the journal has an entry that is wanted and, with a jail, fits; 0 if not; a negative
 * errno, also if there is too much to look through. */
static int find_entry(const char *path, const JournalWant *want, const JailConfig *j) {
        _cleanup_(journal_closep) Journal *journal = NULL;
        int r;

        r = journal_open(&journal, path);
        if (r >= 0)
                r = journal_set_wants(journal, want, 1);
        if (r >= 0)
                r = journal_seek(journal, NULL, 1);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ENTRIES_MAX; i++) {
                Entry e;

                r = journal_next(journal, &e);
                if (r <= 0)
                        return r;
                if (r == 1 && (!j || fits(j, &e)))
                        return 1;
        }

        return -E2BIG;
}

/* A journal without any entry of a service says nothing about jails. A glob reads all entries. */
static bool journal_has_services(const char *path) {
        _cleanup_(match_freep) Match *all = NULL;
        JournalWant want = { .name_space = "" };
        const char *bad;

        if (match_new(&all) < 0 || match_add_units(all, "*.service", NULL, &bad) < 0)
                return false;

        want.match = all;
        return find_entry(path, &want, NULL) == 1;
}

static void check_journal(Verify *v, const JailConfig *j) {
        JournalWant want = {
                .name_space = j->journal_namespace,
                .match = j->match,
                .identifiers = j->filter->identifiers,
                .n_identifiers = j->filter->n_identifiers,
        };

        if (find_entry(v->options->journal, &want, j) == 0)
                (void) findings_add(&v->findings,
                                true,
                                j->file,
                                j->name,
                                NULL,
                                "nothing in the journal is for this jail: nothing logs that it "
                                "reads; see banctl show %s.",
                                j->name);
}

static void check_rulesets(Verify *v) {
        _cleanup_(freep) char *path = NULL;

        if (saved_ruleset_find("", &path) > 0)
                (void) findings_add(&v->findings,
                                true,
                                path,
                                NULL,
                                NULL,
                                "contains the table inet banjo, which banjod makes by itself: see "
                                "\"Saved rulesets\" in banjod(8).");
}

/* They may come later; one whose name is mistyped never does. */
static void check_devices(Verify *v) {
        const Setting *s = settings_find(v->config->settings, "banjo", "devices");

        for (char **d = v->config->devices; s && d && *d; d++)
                if (if_nametoindex(*d) == 0)
                        (void) findings_add(&v->findings,
                                        true,
                                        s->file,
                                        s->section,
                                        s->key,
                                        "this host has no network device %s.",
                                        *d);
}

static void check_host(Verify *v) {
        bool has_services = journal_has_services(v->options->journal);
        sd_bus *bus = NULL;

        check_devices(v);

        if (sd_bus_open_system(&bus) < 0)
                bus = NULL;

        for (size_t i = 0; i < v->config->n_jails; i++) {
                const JailConfig *j = &v->config->jails[i];

                if (!j->enabled || j->refused)
                        continue;
                check_units(v, j, bus);
                if (has_services && j->match)
                        check_journal(v, j);
        }

        sd_bus_flush_close_unref(bus);
        check_rulesets(v);
}

/* Output */

static json_t *finding_to_json(const Finding *f) {
        return json_pack("{ss so so so so so so}",
                        "severity",
                        f->is_warning ? "warning" : "error",
                        "file",
                        json_text(f->file),
                        "section",
                        json_text(f->section),
                        "key",
                        json_text(f->key),
                        "text",
                        json_text(f->text),
                        "pattern",
                        json_text(f->pattern),
                        "offset",
                        f->pattern ? json_count(f->offset) : json_null());
}

/* The pattern, and a mark under the place; characters of several bytes take one column. */
static void print_place(const char *pattern, size_t offset) {
        int column = 0;

        for (size_t i = 0; i < offset && pattern[i]; i++)
                column += ((unsigned char) pattern[i] & 0xc0) != 0x80;

        (void) printf("    %s\n    %*s%s^%s\n",
                        pattern,
                        column,
                        "",
                        color_begin(COLOR_RED),
                        color_end());
}

static void print_finding(const Finding *f) {
        (void) printf("%s%s:%s %s: ",
                        color_begin(f->is_warning ? COLOR_YELLOW : COLOR_RED),
                        f->is_warning ? "warning" : "error",
                        color_end(),
                        f->file);
        if (f->section)
                (void) printf("%s[%s]%s ", color_begin(COLOR_BOLD), f->section, color_end());
        if (f->key)
                (void) printf("%s%s%s: ", color_begin(COLOR_BOLD), f->key, color_end());
        (void) printf("%s\n", f->text);
        if (f->pattern)
                print_place(f->pattern, f->offset);
}

static size_t count(const Findings *f, bool warnings) {
        size_t n = 0;

        for (size_t i = 0; i < f->n_findings; i++)
                n += f->findings[i].is_warning == warnings;

        return n;
}

static void print_summary(const Verify *v) {
        size_t n_errors = count(&v->findings, false), n_warnings = count(&v->findings, true);

        (void) printf("%s%zu jail%s, %zu filter%s, %zu error%s, %zu warning%s%s\n",
                        color_begin(n_errors > 0         ? COLOR_RED
                                        : n_warnings > 0 ? COLOR_YELLOW
                                                         : COLOR_GREEN),
                        v->config->n_jails,
                        v->config->n_jails == 1 ? "" : "s",
                        v->n_filters,
                        v->n_filters == 1 ? "" : "s",
                        n_errors,
                        n_errors == 1 ? "" : "s",
                        n_warnings,
                        n_warnings == 1 ? "" : "s",
                        color_end());
}

/* Errors first, as they stop something. */
static int print(const Verify *v) {
        const Findings *f = &v->findings;
        size_t n = 0;

        for (int warnings = 0; warnings < 2; warnings++)
                for (size_t i = 0; i < f->n_findings; i++) {
                        if (f->findings[i].is_warning != warnings ||
                                        (warnings && v->options->quiet))
                                continue;
                        if (v->options->json == JSON_OFF)
                                print_finding(&f->findings[i]);
                        else if (json_print_element(finding_to_json(&f->findings[i]),
                                                 v->options,
                                                 n++) < 0)
                                return EXIT_FAILED;
                }

        if (v->options->json != JSON_OFF)
                json_print_end(v->options, n);
        else if (isatty(STDOUT_FILENO) && !v->options->quiet)
                print_summary(v);
        return f->n_findings > 0 ? EXIT_FAILED : EXIT_DONE;
}

int verb_verify(int argc, char **argv, const Options *options) {
        _cleanup_(verify_done) Verify v = {};
        Options own = *options;
        const char *buf[2];
        int r;

        if (options->live && argc == 1)
                return verify_live(options);
        if (options->live || options->all) {
                log_error("%s",
                                options->live ? "--live is of the banjod that runs, and takes no "
                                                "directory."
                                              : "--all comes with --live.");
                return EXIT_USAGE;
        }

        if (argc > 1)
                own.config_dir = argv[1];
        v.options = &own;
        v.directories = config_directories(&own, buf);

        r = findings_load_config(&v.findings, &v.config, &own);
        if (r != EXIT_DONE)
                return r;

        r = check_filters(&v);
        if (r >= 0)
                check_host(&v);
        if (r < 0 || v.findings.no_memory) {
                log_oom();
                return EXIT_FAILED;
        }

        return print(&v);
}
