/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banjod(8): options, signals and the event loop. Everything else is the manager's.
 */

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "base/service.h"
#include "daemon/manager-verify.h"
#include "daemon/manager.h"
#include "engine/firewall.h"
#include "model/config.h"

/* What programs mean by 2; sysexits(3) has the others. */
#define EXIT_USAGE 2

static ManagerParams arg_params = {
        .state_dir = "/var/lib/banjo",
        .bus = "system",
};

static bool arg_remove_table;

static void help(void) {
        (void) printf("banjod [OPTION...]\n\n"
                      "Bans whoever fails to log in, from the systemd journal into nftables.\n"
                      "Usually started by systemd as banjod.service.\n\n"
                      "  --config-dir=DIR     read DIR/banjo.conf, DIR/conf.d and DIR/filters instead\n"
                      "                       of those in /etc, /run, /usr/local/lib and /usr/lib\n"
                      "  --state-dir=DIR      keep the database in DIR instead of /var/lib/banjo\n"
                      "  --journal=FILE|DIR   read this journal instead of the system's\n"
                      "  --firewall=nft|none  overrides firewall = of banjo.conf; none only decides\n"
                      "  --bus=system|none|ADDRESS\n"
                      "                       the message bus to offer org.banjo1 on\n"
                      "  --once               read to the end of the journal, decide, commit, print\n"
                      "                       a summary, and exit\n"
                      "  --remove-table       take every ban out of the kernel, before banjo is removed\n"
                      "  --log-level=LEVEL    emerg, alert, crit, err, warning, notice, info or debug\n"
                      "  --help\n"
                      "  --version\n\n"
                      "See banjod(8).\n");
}

/* Returns 1 to go on, 0 if all is done, -EINVAL for wrong usage, which has been reported. */
static int parse_argv(int argc, char *argv[]) {
        enum {
                ARG_CONFIG_DIR = 256,
                ARG_STATE_DIR,
                ARG_JOURNAL,
                ARG_FIREWALL,
                ARG_BUS,
                ARG_ONCE,
                ARG_REMOVE_TABLE,
                ARG_LOG_LEVEL,
                ARG_HELP,
                ARG_VERSION,
        };
        static const struct option options[] = {
                { "config-dir", required_argument, NULL, ARG_CONFIG_DIR },
                { "state-dir", required_argument, NULL, ARG_STATE_DIR },
                { "journal", required_argument, NULL, ARG_JOURNAL },
                { "firewall", required_argument, NULL, ARG_FIREWALL },
                { "bus", required_argument, NULL, ARG_BUS },
                { "once", no_argument, NULL, ARG_ONCE },
                { "remove-table", no_argument, NULL, ARG_REMOVE_TABLE },
                { "log-level", required_argument, NULL, ARG_LOG_LEVEL },
                { "help", no_argument, NULL, ARG_HELP },
                { "version", no_argument, NULL, ARG_VERSION },
                {},
        };
        int c, level;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case ARG_CONFIG_DIR:
                        arg_params.config_dir = optarg;
                        break;
                case ARG_STATE_DIR:
                        arg_params.state_dir = optarg;
                        break;
                case ARG_JOURNAL:
                        arg_params.journal = optarg;
                        break;
                case ARG_FIREWALL:
                        if (firewall_kind_from_string(optarg) < 0) {
                                log_error("--firewall=%s: should be nft or none.", optarg);
                                return -EINVAL;
                        }
                        arg_params.firewall = optarg;
                        break;
                case ARG_BUS:
                        if (!streq(optarg, "system") && !streq(optarg, "none") &&
                                        !strchr(optarg, ':')) {
                                log_error("--bus=%s: should be system, none or a D-Bus address such "
                                          "as unix:path=/run/bus.",
                                                optarg);
                                return -EINVAL;
                        }
                        arg_params.bus = optarg;
                        break;
                case ARG_ONCE:
                        arg_params.once = true;
                        break;
                case ARG_REMOVE_TABLE:
                        arg_remove_table = true;
                        break;
                case ARG_LOG_LEVEL:
                        level = log_level_from_string(optarg);
                        if (level < 0) {
                                log_error("--log-level=%s: should be emerg, alert, crit, err, "
                                          "warning, notice, info or debug.",
                                                optarg);
                                return -EINVAL;
                        }
                        log_set_max_level(level);
                        break;
                case ARG_HELP:
                case 'h':
                        help();
                        return 0;
                case ARG_VERSION:
                        (void) printf("banjod " BANJO_VERSION "\n");
                        return 0;
                default:
                        return -EINVAL;
                }

        if (optind < argc) {
                log_error("%s: banjod takes options only; see banjod --help.", argv[optind]);
                return -EINVAL;
        }

        /* Looking something over is nobody else's business, unless they ask for it. */
        if (arg_params.once && streq(arg_params.bus, "system"))
                arg_params.bus = "none";

        return 1;
}

static int on_terminate(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        (void) si;
        (void) userdata;

        return sd_event_exit(sd_event_source_get_event(s), 0);
}

static int on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Manager *m = userdata;
        char error[MANAGER_ERROR_SIZE];

        (void) s;
        (void) si;

        (void) sd_notify(0, "RELOADING=1");
        (void) manager_reload(m, error); /* reported; the old configuration goes on */
        (void) sd_notify(0, "READY=1");
        return 0;
}

static int on_repair(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        (void) s;
        (void) si;

        manager_repair(userdata);
        return 0;
}

static int add_signals(sd_event *event, Manager *m) {
        int r;

        r = sd_event_add_signal(event, NULL, SIGTERM, on_terminate, m);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT, on_terminate, m);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGHUP, on_hangup, m);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGUSR1, on_repair, m);
        return r < 0 ? log_error_errno(r, "Failed to watch for signals: %m") : 0;
}

static void event_unrefp(sd_event **e) {
        sd_event_unref(*e);
}

static int run(void) {
        _cleanup_(event_unrefp) sd_event *event = NULL;
        _cleanup_(manager_freep) Manager *manager = NULL;
        sigset_t signals;
        int r;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigaddset(&signals, SIGINT);
        (void) sigaddset(&signals, SIGHUP);
        (void) sigaddset(&signals, SIGUSR1);
        (void) sigprocmask(SIG_BLOCK, &signals, NULL);

        r = sd_event_default(&event);
        if (r < 0) {
                (void) log_error_errno(r, "Failed to make an event loop: %m");
                return EXIT_FAILURE;
        }
        (void) sd_event_set_watchdog(event, true);

        r = manager_new(&manager, &arg_params, event);
        if (r < 0)
                return manager_exit_status(manager);

        r = add_signals(event, manager);
        if (r >= 0)
                r = manager_start(manager);
        if (r < 0)
                return manager_exit_status(manager);

        r = sd_event_loop(event);
        (void) sd_notify(0, "STOPPING=1");
        manager_stop(manager, r >= 0);
        if (r < 0)
                return manager_exit_status(manager);

        if (arg_params.once)
                manager_print_summary(manager);
        return EXIT_SUCCESS;
}

/* For whoever removes the package: without the daemon that made it nobody needs the table, and the
 * bans stay in the database, should it come back. */
static int remove_table(void) {
        _cleanup_(firewall_freep) Firewall *f = NULL;
        int r;

        if (service_is_running("banjod.service")) {
                log_error("banjod.service runs, and would put the table back. `systemctl stop "
                          "banjod.socket banjod.service` first.");
                return EXIT_FAILURE;
        }

        r = firewall_nft_new(&f);
        if (r == -EOPNOTSUPP)
                return EXIT_SUCCESS; /* no nftables, no table */
        if (r == -EPERM) {
                (void) log_error_errno(r, "Not allowed to change nftables: this wants root.");
                return EX_NOPERM;
        }
        if (r >= 0)
                r = firewall_destroy(f);
        if (r == -EPERM)
                (void) log_error_errno(r,
                                "Another process owns the nftables table inet banjo. Is there a "
                                "banjod outside banjod.service?");
        else if (r < 0)
                (void) log_error_errno(r, "Failed to remove the nftables table inet banjo: %m");

        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[]) {
        int r;

        log_setup("banjod");

        r = parse_argv(argc, argv);
        if (r <= 0)
                return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;

        return arg_remove_table ? remove_table() : run();
}
