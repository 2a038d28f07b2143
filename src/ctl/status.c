/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <inttypes.h>

#include "base/log.h"
#include "base/usec.h"
#include "ctl/activity.h"
#include "ctl/chart.h"
#include "ctl/clock.h"
#include "ctl/connection.h"
#include "ctl/jails.h"
#include "ctl/output.h"
#include "ctl/status-answer.h"
#include "ctl/verbs.h"
#include "ctl/warnings.h"

/* Terminals of so many columns have room for a jail's limits as well. */
#define WIDE 120

static void warn_about_daemon(Warnings *w, const Status *s) {
        if (s->firewall_failed)
                warnings_add(w,
                                "firewall-failed",
                                NULL,
                                "The firewall does not take the changes: new bans are not in "
                                "effect.");
        for (char **d = s->missing_devices; d && *d; d++)
                warnings_add(w,
                                "missing-device",
                                NULL,
                                "Nobody is kept out at the network device %s, which this host does "
                                "not have (yet).",
                                *d);
        if (s->store_failed)
                warnings_add(w,
                                "store-failed",
                                NULL,
                                "The database cannot be written: what is banned or unbanned by hand "
                                "would not outlive a restart.");
}

/* What is asked of this host. */
static void warn_about_host(Warnings *w, const Options *options) {
        if (options->host)
                return;

        warnings_about_rivals(w);
        warnings_about_rulesets(w);
}

/* JSON */

static json_t *warnings_to_json(const Warnings *w) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < w->n_warnings; i++)
                (void) json_array_append_new(array,
                                json_pack("{s:s, s:s?, s:s, s:s}",
                                                "kind",
                                                w->warnings[i].kind,
                                                "jail",
                                                w->warnings[i].jail,
                                                "text",
                                                w->warnings[i].text,
                                                "advice",
                                                warning_advice(w->warnings[i].kind)));

        return array;
}

static json_t *jail_to_json(const JailInfo *j, const Activity *a) {
        json_t *o = jail_info_to_json(j), *hours = json_array();

        for (size_t i = 0; i < ACTIVITY_HOURS; i++)
                (void) json_array_append_new(hours, json_count(a->failures[i]));

        (void) json_object_set_new(o, "bans_today", json_count(a->n_bans_today));
        (void) json_object_set_new(o, "failures_today", json_count(a->n_failures_today));
        (void) json_object_set_new(o, "failures_by_hour", hours);
        (void) json_object_set_new(
                        o, "last_ban_usec", a->last_ban > 0 ? json_usec(a->last_ban) : json_null());
        return o;
}

static json_t *jails_to_json(const JailList *jails, const Activity *activities) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < jails->n_jails; i++)
                (void) json_array_append_new(array, jail_to_json(&jails->jails[i], &activities[i]));

        return array;
}

static int print_json(const Status *s,
                const JailList *jails,
                const Activity *activities,
                const Warnings *w,
                const Options *options) {
        return json_print(json_pack("{s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:b, "
                                    "s:o, s:o}",
                                          "running",
                                          true,
                                          "version",
                                          s->version,
                                          "state",
                                          s->state,
                                          "start_usec",
                                          json_usec(s->started),
                                          "journal_usec",
                                          s->journal > 0 ? json_usec(s->journal) : json_null(),
                                          "entries",
                                          json_count(s->n_entries),
                                          "failures",
                                          json_count(s->n_failures),
                                          "bans",
                                          json_count(s->n_bans),
                                          "banned",
                                          json_count(s->n_banned),
                                          "firewall",
                                          s->firewall,
                                          "firewall_failed",
                                          s->firewall_failed,
                                          "store_failed",
                                          s->store_failed,
                                          "jails",
                                          jails_to_json(jails, activities),
                                          "warnings",
                                          warnings_to_json(w)),
                               options) < 0
                               ? EXIT_FAILED
                               : EXIT_DONE;
}

/* Text */

static const char *dot(bool running) {
        if (!output_is_utf8())
                return running ? "*" : "-";
        return running ? "●" : "○";
}

static void print_warnings(const Warnings *w) {
        if (w->n_warnings > 0)
                (void) putchar('\n');

        for (size_t i = 0; i < w->n_warnings; i++) {
                const Warning *x = &w->warnings[i];
                const char *advice = warning_advice(x->kind);
                char text[WARNING_SIZE + 64];

                (void) snprintf(text,
                                sizeof(text),
                                "%s%s%s",
                                x->jail ? x->jail : "",
                                x->jail ? ": " : "",
                                x->text);
                (void) printf("%sWarning:%s ", color_begin(COLOR_YELLOW), color_end());
                output_print_wrapped(text, strlen("Warning: "));
                if (!isempty(advice)) {
                        (void) printf("  To do: ");
                        output_print_wrapped(advice, strlen("  To do: "));
                }
        }
}

static void print_journal(const Status *s, usec_t now) {
        char timestamp[USEC_STR_SIZE], span[USEC_STR_SIZE];
        bool behind = streq(s->state, "catching-up");

        (void) printf("   Journal: ");
        if (s->journal == 0)
                (void) printf("%s, no entry for the jails so far\n",
                                behind ? "catching up" : "following");
        else
                (void) printf("%s%s%s, %s entry %s (%s %s)\n",
                                behind ? color_begin(COLOR_YELLOW) : "",
                                behind ? "catching up" : "following",
                                behind ? color_end() : "",
                                behind ? "at the" : "last",
                                usec_format_timestamp(s->journal, timestamp),
                                usec_format_span(usec_sub(now, s->journal), span),
                                behind ? "behind" : "ago");
}

static void print_firewall(const Status *s) {
        static const struct {
                const char *name;
                const char *text;
        } texts[] = {
                { "nft", "nftables, table inet banjo" },
                { "nft, owned", "nftables, table inet banjo, which only banjod may change" },
                { "log", "none: bans are decided and announced, nobody is shut out" },
        };
        const char *text = s->firewall;

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (streq(s->firewall, texts[i].name))
                        text = texts[i].text;

        (void) printf("  Firewall: %s%s%s%s\n",
                        text,
                        s->firewall_failed ? color_begin(COLOR_RED) : "",
                        s->firewall_failed ? ", FAILED" : "",
                        s->firewall_failed ? color_end() : "");
}

#define VERDICT_SIZE 64

/* The answer to the only question. Returns how it is meant. */
static Color format_verdict(const Status *s, const Warnings *w, char buf[static VERDICT_SIZE]) {
        const char *text = "all is well";
        Color color = COLOR_YELLOW;

        if (s->firewall_failed) {
                text = "new bans are not in effect";
                color = COLOR_RED;
        } else if (streq(s->firewall, "log"))
                text = "nobody is shut out";
        else if (w->n_warnings > 0) {
                (void) snprintf(buf,
                                VERDICT_SIZE,
                                "%zu warning%s below",
                                w->n_warnings,
                                w->n_warnings == 1 ? "" : "s");
                return color;
        } else if (streq(s->state, "catching-up"))
                text = "well, once it has caught up with the journal";
        else
                color = COLOR_GREEN;

        (void) snprintf(buf, VERDICT_SIZE, "%s", text);
        return color;
}

static void print_head(const Status *s, const Warnings *w, usec_t now) {
        char timestamp[USEC_STR_SIZE], span[USEC_STR_SIZE], verdict[VERDICT_SIZE];
        Color color = format_verdict(s, w, verdict);

        (void) printf("%s%s%s %sbanjod%s %s, since %s (%s ago)\n",
                        color_begin(color),
                        dot(true),
                        color_end(),
                        color_begin(COLOR_BOLD),
                        color_end(),
                        s->version,
                        usec_format_timestamp(s->started, timestamp),
                        usec_format_span(usec_sub(now, s->started), span));
        (void) printf("   Verdict: %s%s%s\n", color_begin(color), verdict, color_end());
        print_journal(s, now);
        print_firewall(s);
        (void) printf("      Bans: %" PRIu64 " running; since the start %" PRIu64 " made, %" PRIu64
                      " failures counted\n",
                        s->n_banned,
                        s->n_bans,
                        s->n_failures);
}

static const char *format_ago(usec_t t, usec_t now, char buf[static USEC_STR_SIZE + 8]) {
        char span[USEC_STR_SIZE];

        if (t == 0)
                return "";

        (void) snprintf(buf,
                        USEC_STR_SIZE + 8,
                        "%s ago",
                        usec_format_span(MAX(usec_sub(now, t), USEC_PER_SEC), span));
        return buf;
}

/* What stands in a column of the table; "-" if there is none. */
static int add_jail(Table *t, const JailInfo *j, const Activity *a, usec_t now, bool is_wide) {
        char count[OUTPUT_COUNT_SIZE], span[USEC_STR_SIZE], limit[USEC_STR_SIZE + 16];
        char ago[USEC_STR_SIZE + 8], spark[CHART_SPARK_SIZE];
        struct libscols_line *line = table_add(t);
        int r;

        (void) snprintf(limit,
                        sizeof(limit),
                        "%" PRIu32 " in %s",
                        j->maxretry,
                        usec_format_span(j->findtime, span));
        (void) chart_format_spark(a->failures, ACTIVITY_HOURS, output_is_utf8(), spark);

        r = table_set(line, 0, j->name);
        if (r >= 0)
                r = table_set(line, 1, output_format_count(j->n_banned, count));
        if (r >= 0)
                r = table_set(line, 2, output_format_count(a->n_bans_today, count));
        if (r >= 0)
                r = table_set(line, 3, format_ago(a->last_ban, now, ago));
        if (r >= 0)
                r = table_set(line, 4, output_format_count(activity_this_hour(a), count));
        if (r >= 0)
                r = table_set(line, 5, j->refused ? "refused" : j->paused ? "paused" : spark);
        if (r >= 0)
                r = table_set(line, 6, output_format_count(j->dropped_packets, count));
        if (r >= 0 && is_wide)
                r = table_set(line, 7, output_format_count(j->dropped_bytes, count));
        if (r >= 0 && is_wide)
                r = table_set(line, 8, limit);
        if (r >= 0 && is_wide)
                r = table_set(line, 9, usec_format_span(j->bantime, span));
        if (r >= 0 && is_wide)
                r = table_set(line, 10, j->ports_text);

        table_set_color(line, 5, j->refused ? COLOR_RED : COLOR_YELLOW);
        if (j->n_banned > 0)
                table_set_color(line, 1, COLOR_RED);
        return r;
}

static int
print_jails(const JailList *jails, const Activity *activities, usec_t now, const Options *options) {
        static const Column columns[] = {
                { "JAIL", false, true },
                { "BANNED", true, false },
                { "TODAY", true, false },
                { "LAST BAN", false, false },
                { "THIS HOUR", true, false },
                { "12 HOURS", false, false },
                { "DROPPED", true, false },
                /* where there is room */
                { "BYTES", true, false },
                { "LIMIT", false, false },
                { "BANTIME", false, false },
                { "PORTS", false, true },
        };
        bool is_wide = !output_is_terminal() || options->full || output_width() >= WIDE;
        _cleanup_(table_freep) Table *t = NULL;
        int r;

        r = table_new(&t, options, columns, ELEMENTSOF(columns) - (is_wide ? 0 : 4));
        for (size_t i = 0; i < jails->n_jails && r >= 0; i++)
                if (jails->jails[i].enabled || jails->jails[i].n_banned > 0)
                        r = add_jail(t, &jails->jails[i], &activities[i], now, is_wide);
        if (r < 0)
                return r;

        (void) putchar('\n');
        return table_print(t);
}

static int print_not_running(const Options *options) {
        Warnings w = {};

        warn_about_host(&w, options);
        if (options->json != JSON_OFF) {
                (void) json_print(json_pack("{s:b, s:o}",
                                                  "running",
                                                  false,
                                                  "warnings",
                                                  warnings_to_json(&w)),
                                options);
                return EXIT_NOT_RUNNING;
        }

        (void) printf("%s %sbanjod%s is not running.\n"
                      "  Bans that are in the kernel stay until they end, and nobody new is "
                      "banned.\n"
                      "  `systemctl start banjod` starts it; `systemctl status banjod` tells why it "
                      "ended.\n",
                        dot(false),
                        color_begin(COLOR_BOLD),
                        color_end());
        print_warnings(&w);
        return EXIT_NOT_RUNNING;
}

int verb_status(int argc, char **argv, const Options *options) {
        _cleanup_(status_done) Status s = {};
        _cleanup_(jail_list_done) JailList jails = {};
        _cleanup_(freep) Activity *activities = NULL;
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        usec_t now = clock_now();
        Warnings w = {};
        int r;

        r = connection_open(&bus, options, CONNECTION_ASK, true);
        if (r == EXIT_NOT_RUNNING)
                return options->quiet ? r : print_not_running(options);
        if (r != EXIT_DONE)
                return r;

        r = status_get(&s, bus);
        if (r == EXIT_DONE)
                r = jail_list_get(&jails, bus);
        if (r == EXIT_DONE)
                r = activity_get(&activities, bus, &jails, now);
        if (r != EXIT_DONE || options->quiet)
                return r;

        warn_about_daemon(&w, &s);
        warnings_about_jails(&w, &jails, options);
        warn_about_host(&w, options);

        if (options->json != JSON_OFF)
                return print_json(&s, &jails, activities, &w, options);

        output_open_pager(options);
        print_head(&s, &w, now);
        if (print_jails(&jails, activities, now, options) < 0) {
                log_oom();
                return EXIT_FAILED;
        }
        print_warnings(&w);
        return EXIT_DONE;
}
