/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banctl(1): the help, and the way from the command line to a verb.
 */

#include <locale.h>
#include <time.h>

#include "base/log.h"
#include "ctl/agent.h"
#include "ctl/options.h"
#include "ctl/output.h"
#include "ctl/verbs.h"

static void print_help(void) {
        (void) printf("banctl [OPTION...] [VERB]\n\n"
                      "Asks and commands the ban daemon.\n\n");

        for (size_t i = 0; i < n_verbs; i++)
                (void) printf("  %-8s %-19s  %s\n",
                                verbs[i].name,
                                verbs[i].arguments,
                                verbs[i].help);

        (void) printf("\nOptions of all verbs:\n");
        (void) options_print(NULL);
        (void) printf("\n`banctl VERB --help` has the options of a verb, and examples. See "
                      "banctl(1).\n");
}

static void print_verb_help(const VerbInfo *v) {
        (void) printf("banctl %s%s%s [OPTION...]\n\n%s\n",
                        v->name,
                        isempty(v->arguments) ? "" : " ",
                        v->arguments,
                        v->details);

        (void) printf("\nOptions, besides those of all verbs (banctl --help):\n");
        if (options_print(v->name) == 0)
                (void) printf("  none\n");
        if (v->examples)
                (void) printf("\nExamples:\n%s\n", v->examples);
}

static int report_usage(const VerbInfo *v) {
        log_error("Usage: banctl %s%s%s", v->name, isempty(v->arguments) ? "" : " ", v->arguments);
        return EXIT_USAGE;
}

/* argv begins with the verb, if there is one. */
static int run(int argc, char **argv, const Options *options) {
        char *no_verb[] = { (char *) verbs[0].name, NULL };
        bool help = options->help;
        const VerbInfo *v;

        if (argc > 0 && streq(argv[0], "help")) {
                help = true;
                argc--;
                argv++;
        }
        if (argc == 0 && help) {
                print_help();
                return EXIT_DONE;
        }
        if (argc == 0) {
                argc = 1;
                argv = no_verb;
        }

        v = verb_find(argv[0]);
        if (!v)
                return EXIT_USAGE;
        if (help) {
                print_verb_help(v);
                return EXIT_DONE;
        }

        if (options_check(options, v->name) < 0)
                return EXIT_USAGE;
        if (argc - 1 < v->n_min || argc - 1 > v->n_max)
                return report_usage(v);
        if (options->host && v->is_local) {
                log_error("%s reads files of this host, and not of another: --host= is not for it. "
                          "Try `ssh %s banctl %s`.",
                                v->name,
                                options->host,
                                v->name);
                return EXIT_USAGE;
        }

        return v->run(argc, argv, options);
}

int main(int argc, char **argv) {
        Options options;
        int r, status;

        (void) setlocale(LC_ALL, "");
        log_setup("banctl");
        output_init();

        if (options_parse(argc, argv, &options) < 0)
                return EXIT_USAGE;

        if (options.utc) {
                (void) setenv("TZ", "UTC0", true);
                tzset();
        }

        if (options.version) {
                (void) printf("banctl " BANJO_VERSION "\n");
                status = EXIT_DONE;
        } else
                status = run(argc - optind, argv + optind, &options);

        agent_close();
        r = output_close();
        if (r < 0) {
                log_error_errno(r, "Failed to write: %m");
                return EXIT_FAILED;
        }

        return status;
}
