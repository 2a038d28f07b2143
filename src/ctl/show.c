/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banctl show: what holds for a jail, and where it comes from. Patterns are shown as they stand in
 * the file; with their parts in place they would be unreadable, so those are in the JSON only.
 */

#include "base/log.h"
#include "base/suggest.h"
#include "ctl/findings.h"
#include "ctl/options.h"
#include "ctl/output.h"
#include "ctl/verbs.h"
#include "model/banjo-keys.h"
#include "model/ini.h"
#include "model/jail-keys.h"

/* --default */

static json_t *banjo_key_to_json(const BanjoKey *k) {
        return json_pack("{ss ss ss sn ss ss sb}",
                        "section",
                        "banjo",
                        "key",
                        k->name,
                        "default",
                        k->standard,
                        "otherwise",
                        "values",
                        k->wanted,
                        "help",
                        k->help,
                        "in_default",
                        0);
}

static json_t *jail_key_to_json(const JailKey *k) {
        return json_pack("{ss ss ss? ss? ss ss sb}",
                        "section",
                        "jail",
                        "key",
                        k->name,
                        "default",
                        k->standard,
                        "otherwise",
                        k->otherwise,
                        "values",
                        k->wanted,
                        "help",
                        k->help,
                        "in_default",
                        k->in_default);
}

static int print_defaults_json(const Options *options) {
        size_t n = 0;

        for (const BanjoKey *k = banjo_keys; k->name; k++)
                if (json_print_element(banjo_key_to_json(k), options, n++) < 0)
                        return EXIT_FAILED;
        for (const JailKey *k = jail_keys; k->name; k++)
                if (json_print_element(jail_key_to_json(k), options, n++) < 0)
                        return EXIT_FAILED;

        json_print_end(options, n);
        return EXIT_DONE;
}

static void print_comment(const char *text) {
        (void) printf("%s# %s%s\n", color_begin(COLOR_GREY), text, color_end());
}

static void print_section(const char *name, const char *group) {
        (void) printf("%s[%s%s%s]%s\n",
                        color_begin(COLOR_BOLD),
                        name,
                        isempty(group) ? "" : ".",
                        group ?: "",
                        color_end());
}

static void print_default(const char *name,
                const char *standard,
                const char *otherwise,
                const char *wanted,
                const char *help) {
        (void) printf("%s# %s: %s%s\n", color_begin(COLOR_GREY), help, wanted, color_end());
        if (otherwise)
                (void) printf("#%s = %s# %s%s\n",
                                name,
                                color_begin(COLOR_GREY),
                                otherwise,
                                color_end());
        else
                (void) printf("#%s =%s%s\n", name, *standard ? " " : "", standard);
}

/* As a file in which every key stands as a comment. */
static int print_defaults(const Options *options) {
        if (options->json != JSON_OFF)
                return print_defaults_json(options);

        output_open_pager(options);
        print_section("banjo", NULL);
        for (const BanjoKey *k = banjo_keys; k->name; k++)
                print_default(k->name, k->standard, NULL, k->wanted, k->help);

        (void) putchar('\n');
        print_comment("for all jails that do not say otherwise themselves");
        print_section("default", NULL);
        for (const JailKey *k = jail_keys; k->name; k++)
                if (k->in_default)
                        print_default(k->name, k->standard, k->otherwise, k->wanted, k->help);

        (void) putchar('\n');
        print_comment("a jail has all of those above, and its own");
        print_section("jail", NULL);
        for (const JailKey *k = jail_keys; k->name; k++)
                if (!k->in_default)
                        print_default(k->name, k->standard, k->otherwise, k->wanted, k->help);

        return EXIT_DONE;
}

/* A jail */

static const char *const origin_names[] = {
        [ORIGIN_JAIL] = "jail",
        [ORIGIN_DEFAULT] = "default",
        [ORIGIN_FILTER] = "filter",
        [ORIGIN_BUILTIN] = "built-in",
};

/* Whether a pattern is used by the jail. */
static bool is_used(const JailConfig *j, const Pattern *p) {
        if (isempty(p->group))
                return true;

        for (size_t i = 0; j->groups && j->groups[i]; i++)
                if (streq(j->groups[i], p->group) || streq(j->groups[i], "all"))
                        return true;

        return false;
}

/* The words for a shell. Returns an allocated string, or NULL without memory. */
static char *journalctl_command(const JailConfig *j, bool *ret_exact) {
        _cleanup_(freep) char *terms = match_to_journalctl(j->match, ret_exact);
        bool has_namespace = !isempty(j->journal_namespace);
        char *command;

        if (!terms || asprintf(&command,
                                      "journalctl%s%s%s%s",
                                      has_namespace ? " --namespace=" : "",
                                      j->journal_namespace,
                                      *terms ? " " : "",
                                      terms) < 0)
                return NULL;

        return command;
}

/* For entries whose unit journald could not tell: NULL if the jail takes none of those, or without
 * memory. */
static char *identifiers_command(const JailConfig *j) {
        char *command = NULL;
        size_t size;
        FILE *f;

        if (j->filter->n_identifiers == 0)
                return NULL;

        f = open_memstream(&command, &size);
        if (!f)
                return NULL;

        (void) fprintf(f,
                        "journalctl%s%s _UID=0",
                        isempty(j->journal_namespace) ? "" : " --namespace=",
                        j->journal_namespace);
        for (size_t i = 0; i < j->filter->n_identifiers; i++)
                (void) fprintf(f, " SYSLOG_IDENTIFIER=%s", j->filter->identifiers[i]);

        if (fclose(f) != 0) {
                free(command);
                return NULL;
        }
        return command;
}

static json_t *pattern_to_json(const JailConfig *j, const Pattern *p) {
        char section[PATTERN_SECTION_SIZE];

        (void) pattern_section(p, section);
        return json_pack("{so so so so sb}",
                        "section",
                        json_text(section),
                        "name",
                        json_text(p->name),
                        "pattern",
                        json_text(p->written),
                        "regex",
                        json_text(p->regex),
                        "used",
                        is_used(j, p));
}

static json_t *patterns_to_json(const JailConfig *j) {
        json_t *array = json_array();

        for (size_t i = 0; i < j->filter->n_patterns; i++)
                if (json_array_append_new(array, pattern_to_json(j, &j->filter->patterns[i])) < 0) {
                        json_decref(array);
                        return NULL;
                }

        return array;
}

static json_t *keys_to_json(const Config *c, const JailConfig *j) {
        json_t *object = json_object();

        for (const JailKey *k = jail_keys; k->name; k++) {
                ConfigOrigin o;

                config_get_origin(c, j, k->name, &o);
                if (json_object_set_new(object,
                                    k->name,
                                    json_pack("{so ss so}",
                                                    "value",
                                                    json_text(o.value),
                                                    "origin",
                                                    origin_names[o.kind],
                                                    "file",
                                                    json_text(o.file))) < 0) {
                        json_decref(object);
                        return NULL;
                }
        }

        return object;
}

static json_t *filter_to_json(const JailConfig *j) {
        const Filter *f = j->filter;

        if (!f)
                return json_null();

        return json_pack("{ss so so so}",
                        "name",
                        f->name,
                        "file",
                        json_text(f->path),
                        "description",
                        json_text(f->description),
                        "patterns",
                        patterns_to_json(j));
}

/* The jails whose bans it counts. */
static json_t *counted_to_json(const Config *c, const JailConfig *j) {
        json_t *array = json_array();

        for (size_t i = 0; i < c->n_jails; i++)
                if (c->jails[i].enabled && config_jail_counts(j, &c->jails[i]))
                        (void) json_array_append_new(array, json_string(c->jails[i].name));

        return array;
}

static int print_jail_json(const Config *c, const JailConfig *j, const Options *o) {
        _cleanup_(freep) char *command = NULL, *more = NULL;
        bool exact = false;

        if (j->match && !j->refused) {
                command = journalctl_command(j, &exact);
                if (!command) {
                        log_oom();
                        return EXIT_FAILED;
                }
                more = identifiers_command(j);
        }

        return json_print(json_pack("{ss sb sb so so so so sb so}",
                                          "jail",
                                          j->name,
                                          "enabled",
                                          j->enabled,
                                          "refused",
                                          j->refused,
                                          "keys",
                                          keys_to_json(c, j),
                                          "filter",
                                          filter_to_json(j),
                                          "counts",
                                          counted_to_json(c, j),
                                          "journalctl",
                                          json_text(command),
                                          "journalctl_exact",
                                          exact,
                                          "journalctl_without_unit",
                                          json_text(more)),
                               o) < 0
                               ? EXIT_FAILED
                               : EXIT_DONE;
}

/* Where the comments with the files begin, so that they stand below each other. */
#define COMMENT_COLUMN 40

static void print_keys(const Config *c, const JailConfig *j) {
        print_section(j->name, NULL);

        for (const JailKey *k = jail_keys; k->name; k++) {
                const char *quote;
                ConfigOrigin o;
                int n;

                config_get_origin(c, j, k->name, &o);
                if (!o.value)
                        continue;

                quote = strpbrk(o.value, "#;") ? "'" : "";
                n = printf("%s =%s%s%s%s", k->name, *o.value ? " " : "", quote, o.value, quote);
                (void) printf("%*s%s# %s%s%s\n",
                                n < COMMENT_COLUMN ? COMMENT_COLUMN - n : 1,
                                "",
                                color_begin(COLOR_GREY),
                                o.file ?: "built-in default",
                                o.kind == ORIGIN_DEFAULT ? ", [default]" : "",
                                color_end());
        }
}

/* A pattern with its <parts> in colour. */
static void print_pattern(const char *s) {
        for (; *s; s++) {
                size_t n = *s == '<' ? strspn(s + 1,
                                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                       "abcdefghijklmnopqrstuvwxyz0123456789_-")
                                     : 0;

                if (n == 0 || s[n + 1] != '>') {
                        (void) putchar(*s);
                        continue;
                }

                (void) printf("%s%.*s%s", color_begin(COLOR_GREEN), (int) n + 2, s, color_end());
                s += n + 1;
        }
}

static int print_define(const char *key, const char *value, void *userdata) {
        (void) userdata;

        (void) printf("%s = '", key);
        print_pattern(value);
        (void) printf("'\n");
        return 0;
}

/* As in the filter's file, but in the order in which they are tried. */
static void print_patterns(const JailConfig *j, const Ini *ini) {
        const Filter *f = j->filter;
        char last[PATTERN_SECTION_SIZE] = "";

        (void) printf("\n%s# patterns of the filter %s, %s%s\n",
                        color_begin(COLOR_GREY),
                        f->name,
                        f->path,
                        color_end());
        for (size_t i = 0; i < ini_n_sections(ini); i++) {
                const char *section = ini_get_section(ini, i);

                if (!streq(section, "define") && !streq(section, "prefix"))
                        continue;
                print_section(section, NULL);
                (void) ini_foreach(ini, section, print_define, NULL);
        }

        for (size_t i = 0; i < f->n_patterns; i++) {
                const Pattern *p = &f->patterns[i];
                char section[PATTERN_SECTION_SIZE];

                (void) pattern_section(p, section);
                if (!streq(section, last)) {
                        print_section(section, NULL);
                        if (!is_used(j, p))
                                print_comment("not in use: the jail's groups do not name it");
                        memcpy(last, section, sizeof(last));
                }

                (void) print_define(p->name, p->written, NULL);
        }
}

static int print_command(const JailConfig *j) {
        _cleanup_(freep) char *command = NULL, *more = NULL;
        bool exact;

        command = journalctl_command(j, &exact);
        if (!command) {
                log_oom();
                return EXIT_FAILED;
        }
        more = identifiers_command(j);

        (void) putchar('\n');
        print_comment(exact ? "what the jail reads"
                            : "what the jail reads is among this; journalctl cannot say it better");
        (void) printf("%s\n", command);
        if (more) {
                print_comment("and of this, what has no unit, as journald could not tell it");
                (void) printf("%s\n", more);
        }
        return EXIT_DONE;
}

static void print_counted(const Config *c, const JailConfig *j) {
        (void) putchar('\n');
        print_comment("what the jail counts: the bans, but those by hand, of these jails");
        for (size_t i = 0; i < c->n_jails; i++)
                if (c->jails[i].enabled && config_jail_counts(j, &c->jails[i]))
                        (void) printf("%s\n", c->jails[i].name);
}

static int
print_jail(const Config *c, const JailConfig *j, const Ini *ini, const Options *options) {
        output_open_pager(options);
        if (j->refused)
                print_comment("refused, because of its mistakes: it recognises nothing, and keeps "
                              "the bans it has");
        print_keys(c, j);
        if (j->filter && ini)
                print_patterns(j, ini);
        if (j->source == JAIL_SOURCE_BANS && !j->refused)
                print_counted(c, j);
        return j->match && !j->refused ? print_command(j) : EXIT_DONE;
}

static int report_no_jail(const Config *c, const char *name) {
        const char *names[CONFIG_JAILS_MAX + 1] = {}, *nearest;

        for (size_t i = 0; i < c->n_jails; i++)
                names[i] = c->jails[i].name;

        nearest = suggest_word(name, names);
        if (nearest)
                log_error("There is no jail \"%s\". Did you mean %s?", name, nearest);
        else
                log_error("There is no jail \"%s\" in the configuration.", name);
        return EXIT_FAILED;
}

/* Mistakes that concern the jail. */
static void report_mistakes(const Findings *f, const JailConfig *j) {
        for (size_t i = 0; i < f->n_findings; i++) {
                const Finding *x = &f->findings[i];
                char text[PROBLEM_STR_SIZE];
                Problem p = { x->file, x->section, x->key, x->text };

                if (!x->section || streq(x->section, j->name) || streq(x->section, "default"))
                        log_error("%s", problem_format(&p, text));
        }
}

static int show_jail(const char *name, const Options *options) {
        _cleanup_(findings_done) Findings findings = {};
        _cleanup_(config_freep) Config *c = NULL;
        _cleanup_(ini_freep) Ini *ini = NULL;
        char error[INI_ERROR_SIZE];
        const JailConfig *j;
        int r;

        r = findings_load_config(&findings, &c, options);
        if (r != EXIT_DONE)
                return r;

        j = config_get_jail(c, name);
        if (!j)
                return report_no_jail(c, name);

        report_mistakes(&findings, j);
        if (j->filter && ini_load(&ini, j->filter->path, error) == -ENOMEM) {
                log_oom();
                return EXIT_FAILED;
        }

        return options->json == JSON_OFF ? print_jail(c, j, ini, options)
                                         : print_jail_json(c, j, options);
}

int verb_show(int argc, char **argv, const Options *options) {
        const char *jail;

        if (options_get_jail(options, argc > 1 ? argv[1] : NULL, &jail) < 0)
                return EXIT_USAGE;
        if (options->defaults != isempty(jail)) {
                log_error("Usage: banctl show JAIL, or banctl show --default");
                return EXIT_USAGE;
        }

        return options->defaults ? print_defaults(options) : show_jail(jail, options);
}
