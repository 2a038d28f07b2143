/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banctl(1): options and the table of verbs, which the help is printed from.
 */

#include <getopt.h>
#include <locale.h>

#include "base/log.h"
#include "base/suggest.h"
#include "ctl/options.h"
#include "ctl/output.h"

static const struct {
        const char *name;
        const char *arguments;
        int n_min; /* arguments, without the verb */
        int n_max;
        Verb run;
        const char *help;
} verbs[] = {
        { "status", "", 0, 0, verb_status, "what banjod does, and its jails (default)" },
        { "list", "[JAIL]", 0, 1, verb_list, "who is banned, why and until when" },
        { "why", "ADDRESS", 1, 1, verb_why, "why it is banned: the entries that led to it" },
        { "history", "[ADDRESS]", 0, 1, verb_history, "bans that run and bans that ended" },
        { "stats", "", 0, 0, verb_stats, "failures and bans by hour or day" },
        { "jails", "", 0, 0, verb_jails, "the jails and their limits" },
        { "ban", "JAIL ADDRESS...", 2, INT32_MAX, verb_ban, "ban addresses or prefixes" },
        { "unban", "[JAIL] ADDRESS...", 1, INT32_MAX, verb_unban, "let them in again" },
        { "forget", "ADDRESS...", 1, INT32_MAX, verb_forget, "let earlier bans count no more" },
        { "show", "[JAIL]", 0, 1, verb_show, "a jail's configuration, and where it comes from" },
        { "verify", "[DIR]", 0, 1, verb_verify, "what is wrong with the configuration" },
        { "test", "FILTER [FILE|-]", 0, 2, verb_test, "what a filter recognises in a log" },
        { "reload", "", 0, 0, verb_reload, "load the configuration anew" },
        { "flush", "", 0, 0, verb_flush, "lift all bans, also without banjod" },
};

static void help(void) {
        (void) printf("banctl [OPTION...] [VERB]\n\n"
                      "Asks and commands the ban daemon.\n\n");

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                (void) printf("  %-7s %-17s  %s\n",
                                verbs[i].name,
                                verbs[i].arguments,
                                verbs[i].help);

        (void) printf("\n"
                      "  --time=SPAN            ban: for so long instead of the jail's bantime, such "
                      "as\n"
                      "                         1h, 7d or permanent\n"
                      "  --reason=TEXT          ban: kept with the ban\n"
                      "  --force                ban: also what would lock you out\n"
                      "  --all-jails            unban: in all jails, as without a JAIL\n"
                      "  --yes                  flush: do not ask\n"
                      "  --default              show: every key and its default\n"
                      "  --jail=JAIL            history, stats: of this jail\n"
                      "  --by=hour|day          stats: for each hour or day\n"
                      "  --config-dir=DIR       show, verify, test, why: read the configuration here\n"
                      "  --journal=PATH         verify, test, why: look into this journal\n"
                      "  --pattern=REGEX        test: this instead of a filter's patterns\n"
                      "  --groups=GROUP,...     test: the groups of patterns in use\n"
                      "  --print=RESULT,...     test: show these lines: fail, miss, matched, all, ...\n"
                      "  --explain              test: how far patterns came on missed lines\n"
                      "  --format=FORMAT        test: json, export, short, cat or auto\n"
                      "  --unit=UNIT            test: of the journal, entries of this unit\n"
                      "  --since=TIME, --until=TIME\n"
                      "                         history, stats, test: of this time\n"
                      "  --json[=pretty|short]  JSON, also for what was done\n"
                      "  --no-legend            tables without headings\n"
                      "  --no-pager\n"
                      "  -q, --quiet            nothing but errors\n"
                      "  --address=ADDRESS      the D-Bus address to reach banjod at\n"
                      "  --state-dir=DIR        flush: where the database is, without banjod\n"
                      "  -h, --help\n"
                      "  --version\n\n"
                      "See banctl(1).\n");
}

static int parse_json(const char *value, JsonMode *ret) {
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

static int add_to_list(const char *name, const char **list, size_t *n) {
        if (*n == OPTIONS_LIST_MAX) {
                log_error("--%s= is given more than %u times.", name, OPTIONS_LIST_MAX);
                return -EINVAL;
        }

        list[(*n)++] = optarg;
        return 0;
}

/* Returns 1 to go on, 0 if all is done, -EINVAL for wrong usage, reported. */
static int parse_argv(int argc, char **argv, Options *ret) {
        enum {
                ARG_JSON = 256,
                ARG_NO_LEGEND,
                ARG_NO_PAGER,
                ARG_FORCE,
                ARG_YES,
                ARG_ALL_JAILS,
                ARG_ADDRESS,
                ARG_STATE_DIR,
                ARG_CONFIG_DIR,
                ARG_JOURNAL,
                ARG_DEFAULT,
                ARG_TIME,
                ARG_REASON,
                ARG_GROUPS,
                ARG_FORMAT,
                ARG_PATTERN,
                ARG_PRINT,
                ARG_EXPLAIN,
                ARG_UNIT,
                ARG_SINCE,
                ARG_UNTIL,
                ARG_JAIL,
                ARG_BY,
                ARG_VERSION,
        };
        static const struct option options[] = {
                { "json", optional_argument, NULL, ARG_JSON },
                { "no-legend", no_argument, NULL, ARG_NO_LEGEND },
                { "no-pager", no_argument, NULL, ARG_NO_PAGER },
                { "quiet", no_argument, NULL, 'q' },
                { "force", no_argument, NULL, ARG_FORCE },
                { "yes", no_argument, NULL, ARG_YES },
                { "all-jails", no_argument, NULL, ARG_ALL_JAILS },
                { "address", required_argument, NULL, ARG_ADDRESS },
                { "state-dir", required_argument, NULL, ARG_STATE_DIR },
                { "config-dir", required_argument, NULL, ARG_CONFIG_DIR },
                { "journal", required_argument, NULL, ARG_JOURNAL },
                { "default", no_argument, NULL, ARG_DEFAULT },
                { "time", required_argument, NULL, ARG_TIME },
                { "reason", required_argument, NULL, ARG_REASON },
                { "groups", required_argument, NULL, ARG_GROUPS },
                { "format", required_argument, NULL, ARG_FORMAT },
                { "pattern", required_argument, NULL, ARG_PATTERN },
                { "print", required_argument, NULL, ARG_PRINT },
                { "explain", no_argument, NULL, ARG_EXPLAIN },
                { "unit", required_argument, NULL, ARG_UNIT },
                { "since", required_argument, NULL, ARG_SINCE },
                { "until", required_argument, NULL, ARG_UNTIL },
                { "jail", required_argument, NULL, ARG_JAIL },
                { "by", required_argument, NULL, ARG_BY },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, ARG_VERSION },
                {},
        };
        int c;

        *ret = (Options){ .legend = true, .pager = true };

        while ((c = getopt_long(argc, argv, "hq", options, NULL)) >= 0)
                switch (c) {
                case ARG_JSON:
                        if (parse_json(optarg, &ret->json) < 0)
                                return -EINVAL;
                        break;
                case ARG_NO_LEGEND:
                        ret->legend = false;
                        break;
                case ARG_NO_PAGER:
                        ret->pager = false;
                        break;
                case 'q':
                        ret->quiet = true;
                        break;
                case ARG_FORCE:
                        ret->force = true;
                        break;
                case ARG_YES:
                        ret->yes = true;
                        break;
                case ARG_ALL_JAILS:
                        ret->all_jails = true;
                        break;
                case ARG_ADDRESS:
                        ret->address = optarg;
                        break;
                case ARG_STATE_DIR:
                        ret->state_dir = optarg;
                        break;
                case ARG_CONFIG_DIR:
                        ret->config_dir = optarg;
                        break;
                case ARG_JOURNAL:
                        ret->journal = optarg;
                        break;
                case ARG_DEFAULT:
                        ret->defaults = true;
                        break;
                case ARG_TIME:
                        ret->time = optarg;
                        break;
                case ARG_REASON:
                        ret->reason = optarg;
                        break;
                case ARG_GROUPS:
                        ret->groups = optarg;
                        break;
                case ARG_FORMAT:
                        ret->format = optarg;
                        break;
                case ARG_PATTERN:
                        if (add_to_list("pattern", ret->patterns, &ret->n_patterns) < 0)
                                return -EINVAL;
                        break;
                case ARG_PRINT:
                        ret->print = optarg;
                        break;
                case ARG_EXPLAIN:
                        ret->explain = true;
                        break;
                case ARG_UNIT:
                        if (add_to_list("unit", ret->units, &ret->n_units) < 0)
                                return -EINVAL;
                        break;
                case ARG_SINCE:
                        ret->since = optarg;
                        break;
                case ARG_UNTIL:
                        ret->until = optarg;
                        break;
                case ARG_JAIL:
                        ret->jail = optarg;
                        break;
                case ARG_BY:
                        ret->by = optarg;
                        break;
                case ARG_VERSION:
                        (void) printf("banctl " BANJO_VERSION "\n");
                        return 0;
                case 'h':
                        help();
                        return 0;
                default:
                        return -EINVAL;
                }

        return 1;
}

static void report_unknown_verb(const char *name) {
        const char *names[ELEMENTSOF(verbs) + 1] = {}, *nearest;

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                names[i] = verbs[i].name;

        nearest = suggest_word(name, names);
        if (nearest)
                log_error("There is no verb \"%s\". Did you mean %s?", name, nearest);
        else
                log_error("There is no verb \"%s\"; see banctl --help.", name);
}

/* argv begins with the verb, if there is one. */
static int run_verb(int argc, char **argv, const Options *options) {
        char *no_verb[] = { (char *) verbs[0].name, NULL };

        if (argc == 0) {
                argc = 1;
                argv = no_verb;
        }

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
                if (!streq(argv[0], verbs[i].name))
                        continue;

                if (argc - 1 < verbs[i].n_min || argc - 1 > verbs[i].n_max) {
                        log_error("Usage: banctl %s%s%s",
                                        verbs[i].name,
                                        isempty(verbs[i].arguments) ? "" : " ",
                                        verbs[i].arguments);
                        return EXIT_USAGE;
                }
                return verbs[i].run(argc, argv, options);
        }

        if (streq(argv[0], "help")) {
                help();
                return EXIT_DONE;
        }

        report_unknown_verb(argv[0]);
        return EXIT_USAGE;
}

int main(int argc, char **argv) {
        Options options;
        int r, status;

        (void) setlocale(LC_ALL, "");
        log_setup("banctl");
        output_init();

        r = parse_argv(argc, argv, &options);
        if (r < 0)
                return EXIT_USAGE;

        status = r > 0 ? run_verb(argc - optind, argv + optind, &options) : EXIT_DONE;

        r = output_close();
        if (r < 0) {
                log_error_errno(r, "Failed to write: %m");
                return EXIT_FAILED;
        }

        return status;
}
