/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One table says of each option what it takes, which verbs know it, where its value goes and what
 * the help says of it. An option that means different things to different verbs has a line for each
 * meaning, all with the same value and place. The verb may stand anywhere on the command line, so
 * that what was given is remembered, and compared with the verb when this is known.
 */

#include "ctl/options.h"

#include <getopt.h>

#include "base/log.h"
#include "base/suggest.h"

typedef enum OptionType {
        OPTION_FLAG,   /* a bool */
        OPTION_STRING, /* a const char * */
        OPTION_LIST,   /* const char *[OPTIONS_LIST_MAX], with a size_t behind it */
        OPTION_JSON,   /* a JsonMode */
} OptionType;

typedef struct OptionInfo {
        const char *name;
        char letter;       /* the short form, or 0 */
        const char *value; /* what it takes; NULL for nothing, in brackets if it may be left out */
        const char *verbs; /* that know it, with a blank between them; NULL for all */
        OptionType type;
        size_t offset;
        const char *help; /* lines */
} OptionInfo;

#define FLAG(member) OPTION_FLAG, offsetof(Options, member)
#define STRING(member) OPTION_STRING, offsetof(Options, member)
#define LIST(member) OPTION_LIST, offsetof(Options, member)
#define JSON(member) OPTION_JSON, offsetof(Options, member)

static const OptionInfo infos[] = {
        { "jail",
                        0,
                        "JAIL",
                        "list ban unban show history stats monitor log flush",
                        STRING(jail),
                        "of this jail alone" },
        { "time",
                        0,
                        "SPAN",
                        "ban",
                        STRING(time),
                        "for so long instead of the jail's bantime: 90, 1h,\n"
                        "7d, or permanent" },
        { "reason", 0, "TEXT", "ban", STRING(reason), "kept with the ban" },
        { "file",
                        0,
                        "FILE",
                        "ban unban",
                        LIST(files),
                        "a list, with an address or prefix on each line; may\nbe given several times" },
        { "time", 0, "SPAN", "allow", STRING(time), "for so long instead of for good" },
        { "reason", 0, "TEXT", "allow", STRING(reason), "kept with it" },
        { "remove", 0, NULL, "allow", FLAG(remove), "not any more" },
        { "output",
                        0,
                        "FILE",
                        "metrics",
                        STRING(output),
                        "into this file, as a whole or not at all" },
        { "follow", 'f', NULL, "log", FLAG(follow), "go on, with what comes" },
        { "lines", 'n', "N", "log", STRING(lines), "the last N messages, or all" },
        { "force", 0, NULL, "ban", FLAG(force), "also what would lock you out" },
        { "all-jails", 0, NULL, "unban", FLAG(all_jails), "in all jails, as without a JAIL" },
        { "yes", 0, NULL, "flush", FLAG(yes), "do not ask" },
        { "state-dir",
                        0,
                        "DIR",
                        "flush",
                        STRING(state_dir),
                        "where the database is, if banjod does not run" },
        { "default", 0, NULL, "show", FLAG(defaults), "every key that there is, and its default" },
        { "by", 0, "hour|day", "stats", STRING(by), "for each hour, or each day" },
        { "pattern",
                        0,
                        "REGEX",
                        "test",
                        LIST(patterns),
                        "this instead of a filter's patterns; may be given\n"
                        "several times" },
        { "groups", 0, "GROUP,...", "test", STRING(groups), "the groups of patterns in use" },
        { "print",
                        0,
                        "RESULT,...",
                        "test",
                        STRING(print),
                        "show these lines: fail, once, ignore, context, begin,\n"
                        "clear, miss, matched, session, all" },
        { "explain", 0, NULL, "test", FLAG(explain), "how far patterns came on missed lines" },
        { "format",
                        0,
                        "FORMAT",
                        "test",
                        STRING(format),
                        "what the input is: json, export, short, cat or auto" },
        { "unit",
                        0,
                        "UNIT",
                        "test",
                        LIST(units),
                        "of the journal, entries of this unit; may be given\n"
                        "several times" },
        { "since",
                        0,
                        "TIME",
                        "history stats test log",
                        STRING(since),
                        "what began then or later: 2026-11-24 10:00, 10:00,\n"
                        "yesterday, -2h" },
        { "until", 0, "TIME", "history stats test log", STRING(until), "what began before" },
        { "live",
                        0,
                        NULL,
                        "verify",
                        FLAG(live),
                        "instead, whether banjod, nftables and the database\n"
                        "have the same bans; of some" },
        { "all", 0, NULL, "verify", FLAG(all), "with --live: of all bans" },
        { "config-dir",
                        0,
                        "DIR",
                        "show verify test why",
                        STRING(config_dir),
                        "read the configuration here" },
        { "journal",
                        0,
                        "PATH",
                        "verify test why log",
                        STRING(journal),
                        "look into this journal file or directory" },
        { "host", 'H', "USER@HOST", NULL, STRING(host), "of the banjod on another host, by ssh" },
        { "json", 0, "[pretty|short|off]", NULL, JSON(json), "JSON, also for what was done" },
        { "full", 0, NULL, NULL, FLAG(full), "cut nothing off" },
        { "utc", 0, NULL, NULL, FLAG(utc), "times are UTC" },
        { "no-legend", 0, NULL, NULL, FLAG(no_legend), "tables without headings" },
        { "no-pager", 0, NULL, NULL, FLAG(no_pager), "no pager on a terminal" },
        { "quiet", 'q', NULL, NULL, FLAG(quiet), "nothing but errors" },
        { "address", 0, "ADDRESS", NULL, STRING(address), "the D-Bus address to reach banjod at" },
        { "help", 'h', NULL, NULL, FLAG(help), "what the verb does, and its options" },
        { "version", 0, NULL, NULL, FLAG(version), "" },
};

static_assert(ELEMENTSOF(infos) <= 64, "Options.given has a bit for each");

/* What getopt_long() returns for the first line of an option. */
#define FIRST_VALUE 256

/* Columns of an option in the help, without the text behind it. */
#define HELP_COLUMN 25

/* Whether the verb is one of the words. */
static bool knows(const OptionInfo *o, const char *verb) {
        size_t n = strlen(verb);

        for (const char *p = o->verbs; p && (p = strstr(p, verb)); p += n)
                if ((p == o->verbs || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
                        return true;

        return !o->verbs;
}

/* The first line of an option, which stands for all of them. */
static size_t first_of(const char *name) {
        size_t i = 0;

        while (!streq(infos[i].name, name))
                i++;
        return i;
}

/* Values */

static int set_json(const char *value, JsonMode *ret) {
        if (!value)
                *ret = isatty(STDOUT_FILENO) ? JSON_PRETTY : JSON_SHORT;
        else if (streq(value, "pretty"))
                *ret = JSON_PRETTY;
        else if (streq(value, "short"))
                *ret = JSON_SHORT;
        else if (streq(value, "off"))
                *ret = JSON_OFF;
        else {
                log_error("--json=%s: should be pretty, short or off.", value);
                return -EINVAL;
        }

        return 0;
}

static int add_to_list(const OptionInfo *o, const char *value, const char **list) {
        size_t *n = (size_t *) (list + OPTIONS_LIST_MAX);

        if (*n == OPTIONS_LIST_MAX) {
                log_error("--%s= is given more than %u times.", o->name, OPTIONS_LIST_MAX);
                return -EINVAL;
        }

        list[(*n)++] = value;
        return 0;
}

static int set(Options *options, const OptionInfo *o, const char *value) {
        void *member = (char *) options + o->offset;

        switch (o->type) {
        case OPTION_FLAG:
                *(bool *) member = true;
                return 0;
        case OPTION_STRING:
                *(const char **) member = value;
                return 0;
        case OPTION_LIST:
                return add_to_list(o, value, member);
        case OPTION_JSON:
                return set_json(value, member);
        }

        return 0;
}

/* The command line */

static void report_unknown(const char *word) {
        const char *names[ELEMENTSOF(infos) + 1] = {}, *nearest;
        char name[32];

        for (size_t i = 0; i < ELEMENTSOF(infos); i++)
                names[i] = infos[i].name;

        (void) snprintf(name, sizeof(name), "%.*s", (int) strcspn(word + 2, "="), word + 2);
        nearest = suggest_word(name, names);
        if (nearest)
                log_error("There is no option --%s. Did you mean --%s?", name, nearest);
        else
                log_error("There is no option --%s; see banctl --help.", name);
}

/* What getopt_long() does not like about a word. */
static void report_wrong(int c, const char *word) {
        if (c == ':')
                log_error("%s takes a value; see banctl --help.", word);
        else if (optopt >= FIRST_VALUE)
                log_error("--%s takes no value.", infos[optopt - FIRST_VALUE].name);
        else if (optopt > 0)
                log_error("There is no option -%c; see banctl --help.", optopt);
        else
                report_unknown(word);
}

static int takes(const OptionInfo *o) {
        if (!o->value)
                return no_argument;
        return o->value[0] == '[' ? optional_argument : required_argument;
}

/* For getopt_long(), whose short options are the letters. */
static void make_options(struct option *ret, char *letters) {
        size_t n = 0;

        letters[n++] = ':'; /* reports nothing by itself */
        for (size_t i = 0; i < ELEMENTSOF(infos); i++) {
                ret[i] = (struct option){
                        .name = infos[i].name,
                        .has_arg = takes(&infos[i]),
                        .val = FIRST_VALUE + (int) first_of(infos[i].name),
                };
                if (infos[i].letter == 0 || first_of(infos[i].name) != i)
                        continue;
                letters[n++] = infos[i].letter;
                if (infos[i].value)
                        letters[n++] = ':';
        }

        letters[n] = '\0';
        ret[ELEMENTSOF(infos)] = (struct option){};
}

int options_parse(int argc, char **argv, Options *ret) {
        struct option options[ELEMENTSOF(infos) + 1];
        char letters[2 * ELEMENTSOF(infos) + 2];
        int c;

        assert(argv);
        assert(ret);

        *ret = (Options){};
        make_options(options, letters);
        while ((c = getopt_long(argc, argv, letters, options, NULL)) >= 0) {
                size_t i = c >= FIRST_VALUE ? (size_t) (c - FIRST_VALUE) : 0;

                if (c == '?' || c == ':') {
                        report_wrong(c, argv[optind - 1]);
                        return -EINVAL;
                }

                while (c < FIRST_VALUE && infos[i].letter != c)
                        i++;
                ret->given |= UINT64_C(1) << i;
                if (set(ret, &infos[i], optarg) < 0)
                        return -EINVAL;
        }

        return 0;
}

int options_get_jail(const Options *options, const char *argument, const char **ret) {
        assert(options);
        assert(ret);

        if (argument && options->jail && !streq(argument, options->jail)) {
                log_error("Which jail: %s, or --jail=%s?", argument, options->jail);
                return -EINVAL;
        }

        *ret = argument ?: options->jail ?: "";
        return 0;
}

/* Verbs */

static bool verb_has(const char *verb, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(infos); i++)
                if (streq(infos[i].name, name) && knows(&infos[i], verb))
                        return true;

        return false;
}

/* "ban", "show and test" or "history, stats and test", of all lines of the option. */
static void format_verbs(const char *name, char *buf, size_t size) {
        char words[256] = "";
        size_t used = 0;

        for (size_t i = 0; i < ELEMENTSOF(infos); i++)
                if (streq(infos[i].name, name))
                        (void) snprintf(words + strlen(words),
                                        sizeof(words) - strlen(words),
                                        "%s%s",
                                        isempty(words) ? "" : " ",
                                        infos[i].verbs);

        buf[0] = '\0';
        for (const char *p = words; *p && used < size;) {
                size_t n = strcspn(p, " ");
                bool is_last = p[n] == '\0' || !strchr(p + n + 1, ' ');

                used += (size_t) snprintf(buf + used,
                                size - used,
                                "%.*s%s",
                                (int) n,
                                p,
                                p[n] == '\0' ? ""
                                : is_last    ? " and "
                                             : ", ");
                p += p[n] == '\0' ? n : n + 1;
        }
}

int options_check(const Options *options, const char *verb) {
        assert(options);
        assert(verb);

        for (size_t i = 0; i < ELEMENTSOF(infos); i++) {
                char others[256];

                if (!(options->given & UINT64_C(1) << i) || verb_has(verb, infos[i].name))
                        continue;

                format_verbs(infos[i].name, others, sizeof(others));
                log_error("%s has no option --%s: it belongs to %s.", verb, infos[i].name, others);
                return -EINVAL;
        }

        return 0;
}

static void print_option(const OptionInfo *o) {
        char text[64];
        int column;

        (void) snprintf(text,
                        sizeof(text),
                        "%s%c%s--%s%.*s%s%s",
                        o->letter ? "-" : "",
                        o->letter ? o->letter : ' ',
                        o->letter ? ", " : "",
                        o->name,
                        o->value && o->value[0] == '[' ? 1 : 0,
                        "[",
                        o->value ? "=" : "",
                        o->value ? o->value + (o->value[0] == '[') : "");

        column = printf("  %s", o->letter ? text : text + 1);
        if (column >= HELP_COLUMN && !isempty(o->help)) {
                (void) putchar('\n');
                column = 0;
        }

        for (const char *p = o->help; *p;) {
                size_t n = strcspn(p, "\n");

                (void) printf("%*s%.*s", HELP_COLUMN - column, "", (int) n, p);
                p += n;
                if (*p == '\n') {
                        p++;
                        (void) putchar('\n');
                        column = 0;
                }
        }
        (void) putchar('\n');
}

size_t options_print(const char *verb) {
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(infos); i++)
                if (verb ? infos[i].verbs && knows(&infos[i], verb) : !infos[i].verbs) {
                        print_option(&infos[i]);
                        n++;
                }

        return n;
}
