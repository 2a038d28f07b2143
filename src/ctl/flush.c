/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The way out when nothing else works. With the daemon, it lifts its bans. Without it, what is left
 * of them is removed by hand: first from the database, or the daemon would bring them back at its
 * next start, then from the kernel. A failure of the one does not spare the other.
 */

#include <inttypes.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/usec.h"
#include "ctl/clock.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "ctl/verbs.h"
#include "engine/firewall.h"
#include "engine/store.h"

#define STATE_DIR "/var/lib/banjo"

static bool confirm(const char *jail) {
        char answer[16];

        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
                return true;

        (void) printf("Lift all bans of %s%s? [y/N] ",
                        jail ? "the jail " : "all jails",
                        jail ?: "");
        (void) fflush(stdout);
        return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int count_ban(const char *jail, const Ban *ban, void *userdata) {
        (*(uint64_t *) userdata)++;
        return 0;
}

/* Returns 0 or a negative errno. */
static int end_all(Store *s, uint64_t *ret_n) {
        int r;

        *ret_n = 0;
        r = store_begin(s, true);
        if (r >= 0)
                r = store_foreach_ban(s, count_ban, ret_n);
        if (r >= 0)
                r = store_end_all(s, clock_now(), "flushed");
        if (r < 0) {
                store_rollback(s);
                return r;
        }

        return store_commit(s);
}

static int flush_store(const char *directory, uint64_t *ret_n) {
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(freep) char *path = NULL, *aside = NULL;
        int r;

        *ret_n = 0;
        if (asprintf(&path, "%s/%s", directory, STORE_FILE) < 0)
                return log_oom();
        if (access(path, F_OK) < 0 && errno == ENOENT)
                return 0;

        r = store_open(&s, directory, &aside);
        if (r > 0)
                log_warning("The database was damaged. It is now %s.", aside);
        if (r >= 0)
                r = end_all(s, ret_n);
        if (r < 0)
                return log_error_errno(r, "Failed to end the bans in %s: %m", path);

        return 0;
}

/* Returns 1 if there was a table, 0 if not, or a negative errno, reported. */
static int flush_firewall(void) {
        _cleanup_(firewall_freep) Firewall *f = NULL;
        int r;

        r = firewall_nft_new(&f);
        if (r == -EOPNOTSUPP)
                return 0;
        if (r >= 0)
                r = firewall_destroy(f);
        if (r == -EPERM)
                return log_error_errno(r,
                                "The kernel does not let us remove the table \"inet banjo\". Either "
                                "CAP_NET_ADMIN is missing, or a process that is still there owns "
                                "it: `systemctl stop banjod` first.");
        if (r < 0)
                return log_error_errno(r, "Failed to remove the table \"inet banjo\": %m");

        return r;
}

static int flush_without_daemon(const Options *options) {
        uint64_t n_bans;
        int r, had_table;

        r = flush_store(options->state_dir ? options->state_dir : STATE_DIR, &n_bans);
        had_table = flush_firewall();
        if (r < 0 || had_table < 0)
                return EXIT_FAILED;

        if (options->json != JSON_OFF)
                return json_print(json_pack("{s:o, s:b}",
                                                  "lifted",
                                                  json_count(n_bans),
                                                  "running",
                                                  false),
                                       options) < 0
                                       ? EXIT_FAILED
                                       : EXIT_DONE;

        if (!options->quiet)
                (void) printf("banjod is not running. %" PRIu64 " ban%s in the database %s ended, "
                              "and %s.\n",
                                n_bans,
                                n_bans == 1 ? "" : "s",
                                n_bans == 1 ? "was" : "were",
                                had_table ? "the table \"inet banjo\" was removed"
                                          : "the kernel had none");
        return EXIT_DONE;
}

static int flush_with_daemon(sd_bus *bus, const Options *options) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_unrefp) sd_bus_message *reply = NULL;
        uint32_t n;
        int r;

        if (options->jail)
                r = connection_call(bus, "UnbanAll", &error, &reply, "s", options->jail);
        else
                r = connection_call(bus, "Flush", &error, &reply, NULL);
        if (r >= 0)
                r = sd_bus_message_read(reply, "u", &n);
        if (r < 0)
                return connection_report(NULL, &error, r);

        if (options->json != JSON_OFF)
                return json_print(json_pack("{s:o, s:b}", "lifted", json_count(n), "running", true),
                                       options) < 0
                                       ? EXIT_FAILED
                                       : EXIT_DONE;

        if (!options->quiet)
                (void) printf("%" PRIu32 " ban%s lifted.\n", n, n == 1 ? "" : "s");
        return EXIT_DONE;
}

int verb_flush(int argc, char **argv, const Options *options) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        r = connection_open(&bus, options, CONNECTION_CHANGE, true);
        if (r != EXIT_DONE && r != EXIT_NOT_RUNNING)
                return r;

        if (r == EXIT_NOT_RUNNING && options->jail) {
                log_error("banjod is not running, and without it there is only all or nothing.");
                return r;
        }
        if (r == EXIT_NOT_RUNNING && options->host) {
                log_error("banjod is not running on %s. Try `ssh %s banctl flush`.",
                                options->host,
                                options->host);
                return r;
        }

        if (!options->yes && !confirm(options->jail)) {
                log_error("Nothing was done.");
                return EXIT_FAILED;
        }

        return r == EXIT_DONE ? flush_with_daemon(bus, options) : flush_without_daemon(options);
}

int verb_reload(int argc, char **argv, const Options *options) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        r = connection_open(&bus, options, CONNECTION_CHANGE, false);
        if (r != EXIT_DONE)
                return r;

        r = connection_call(bus, "Reload", &error, NULL, NULL);
        if (r < 0)
                return connection_report(NULL, &error, r);

        return EXIT_DONE;
}
