/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The answer may take as long as it takes banjod to look at a million bans. People who wait for
 * more than a moment see how far it is, which is asked for meanwhile.
 */

#include "ctl/live.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/usec.h"
#include "ctl/connection.h"
#include "ctl/output.h"
#include "model/bus-names.h"

#define ANSWER_USEC (6 * USEC_PER_HOUR)
#define PROGRESS_USEC USEC_PER_SEC

/* Strings live with the message. */
typedef struct DifferenceInfo {
        const char *jail;
        const char *address;
        const char *kind;
        uint64_t end;
        uint64_t found;
} DifferenceInfo;

static int keep_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        sd_bus_message **answer = userdata;

        (void) error;

        *answer = sd_bus_message_ref(m);
        return 0;
}

static void show_progress(sd_bus *bus) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_unrefp) sd_bus_message *m = NULL;
        uint64_t n_done, n_all;

        if (sd_bus_get_property(bus,
                            BUS_NAME,
                            BUS_PATH,
                            BUS_INTERFACE,
                            "VerifyProgress",
                            &error,
                            &m,
                            "(tt)") < 0 ||
                        sd_bus_message_read(m, "(tt)", &n_done, &n_all) <= 0)
                return;

        (void) fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " bans compared ...", n_done, n_all);
}

/* Returns 0 and the answer, or a negative errno. */
static int ask(sd_bus *bus, const Options *options, sd_bus_message **ret) {
        _cleanup_(message_unrefp) sd_bus_message *m = NULL, *answer = NULL;
        bool watched = isatty(STDERR_FILENO) && !options->quiet, shown = false;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_NAME, BUS_PATH, BUS_INTERFACE, "Verify");
        if (r >= 0)
                r = sd_bus_message_append(m, "b", (int) options->all);
        if (r < 0)
                return r;

        (void) sd_bus_message_set_auto_start(m, false);
        r = sd_bus_call_async(bus, NULL, m, keep_answer, &answer, ANSWER_USEC);
        if (r < 0)
                return r;

        while (!answer) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, PROGRESS_USEC);
                else if (r > 0)
                        continue;
                if (r < 0 && r != -EINTR)
                        return r;
                if (r == 0 && watched) {
                        show_progress(bus);
                        shown = true;
                }
        }

        if (shown)
                (void) fprintf(stderr, "\r%60s\r", "");
        *ret = TAKE_PTR(answer);
        return 0;
}

/* Returns 1 for a difference, 0 at the end, or a negative errno. */
static int read_difference(sd_bus_message *m, DifferenceInfo *ret) {
        return sd_bus_message_read(m,
                        BUS_DIFFERENCE_TYPE,
                        &ret->jail,
                        &ret->address,
                        &ret->kind,
                        &ret->end,
                        &ret->found);
}

static json_t *difference_to_json(const DifferenceInfo *d) {
        return json_pack("{s:s, s:s, s:s, s:o, s:o}",
                        "jail",
                        d->jail,
                        "address",
                        d->address,
                        "kind",
                        d->kind,
                        "end_usec",
                        json_usec(d->end),
                        "found_usec",
                        json_usec(d->found));
}

static int print_json(sd_bus_message *m,
                uint64_t n_bans,
                uint64_t n_checked,
                uint64_t n_found,
                const Options *options) {
        json_t *differences = json_array();
        DifferenceInfo d;
        int r;

        while ((r = read_difference(m, &d)) > 0)
                if (json_array_append_new(differences, difference_to_json(&d)) < 0)
                        r = -ENOMEM;
        if (r < 0) {
                json_decref(differences);
                return r;
        }

        return json_print(json_pack("{s:o, s:o, s:o, s:o}",
                                          "bans",
                                          json_count(n_bans),
                                          "checked",
                                          json_count(n_checked),
                                          "found",
                                          json_count(n_found),
                                          "differences",
                                          differences),
                        options);
}

/* For people. A kind that is not known here is of a newer banjod. */
static const char *describe(const char *kind) {
        static const struct {
                const char *kind;
                const char *text;
        } texts[] = {
                { "changed-table", "somebody changed the table, its rules or chains" },
                { "missing-in-kernel", "banned, and not in nftables" },
                { "other-end-in-kernel", "another end in nftables" },
                { "unknown-in-kernel", "in nftables, and not banned" },
                { "missing-in-store", "banned, and not in the database" },
                { "other-in-store", "another ban in the database" },
                { "unknown-in-store", "in the database, and not banned" },
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (streq(texts[i].kind, kind))
                        return texts[i].text;

        return kind;
}

static const char *format_end(uint64_t end, char buf[static USEC_STR_SIZE]) {
        return end == 0 ? "" : usec_format_timestamp(end, buf);
}

static int print_table(sd_bus_message *m, const Options *options) {
        static const Column columns[] = {
                { "JAIL", false, false },
                { "ADDRESS", false, false },
                { "DIFFERENCE", false, true },
                { "UNTIL", false, false },
                { "FOUND", false, false },
        };
        _cleanup_(table_freep) Table *t = NULL;
        DifferenceInfo d;
        int r;

        r = table_new(&t, options, columns, ELEMENTSOF(columns));
        if (r < 0)
                return r;

        while ((r = read_difference(m, &d)) > 0) {
                char end[USEC_STR_SIZE], found[USEC_STR_SIZE];
                struct libscols_line *line = table_add(t);

                r = table_set(line, 0, d.jail);
                if (r >= 0)
                        r = table_set(line, 1, d.address);
                if (r >= 0)
                        r = table_set(line, 2, describe(d.kind));
                if (r >= 0)
                        r = table_set(line, 3, format_end(d.end, end));
                if (r >= 0)
                        r = table_set(line, 4, format_end(d.found, found));
                if (r < 0)
                        return r;
        }

        return r < 0 ? r : table_print(t);
}

static int print_text(sd_bus_message *m,
                uint64_t n_bans,
                uint64_t n_checked,
                uint64_t n_found,
                const Options *options) {
        int r;

        if (n_found > 0) {
                r = print_table(m, options);
                if (r < 0)
                        return r;
        }
        if (options->quiet)
                return 0;

        if (n_found > 0)
                (void) printf("\n%s%" PRIu64 " difference%s%s, of %" PRIu64 " bans compared. "
                              "`systemctl kill --signal=USR1 banjod` puts them right.\n",
                                color_begin(COLOR_RED),
                                n_found,
                                n_found == 1 ? "" : "s",
                                color_end(),
                                n_checked);
        else if (options->all)
                (void) printf("%sNo difference%s in %" PRIu64 " bans.\n",
                                color_begin(COLOR_GREEN),
                                color_end(),
                                n_checked);
        else
                (void) printf("%sNo difference%s in a sample of %" PRIu64 ", of %" PRIu64
                              " bans; --all compares all.\n",
                                color_begin(COLOR_GREEN),
                                color_end(),
                                n_checked,
                                n_bans);
        return 0;
}

static int print(sd_bus_message *m, const Options *options) {
        uint64_t n_bans, n_checked, n_found;
        int r;

        r = sd_bus_message_read(m, "ttt", &n_bans, &n_checked, &n_found);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', BUS_DIFFERENCE_TYPE);
        if (r >= 0)
                r = (options->json == JSON_OFF ? print_text : print_json)(
                                m, n_bans, n_checked, n_found, options);
        if (r < 0) {
                log_error_errno(r, "Failed to print what differs: %m");
                return EXIT_FAILED;
        }

        return n_found > 0 ? EXIT_DIFFERENT : EXIT_DONE;
}

int verify_live(const Options *options) {
        _cleanup_(message_unrefp) sd_bus_message *answer = NULL;
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        const sd_bus_error *error;
        int r;

        r = connection_open(
                        &bus, options, options->all ? CONNECTION_CHANGE : CONNECTION_ASK, false);
        if (r != EXIT_DONE)
                return r;

        r = ask(bus, options, &answer);
        if (r < 0)
                return connection_report(NULL, &SD_BUS_ERROR_NULL, r);

        error = sd_bus_message_get_error(answer);
        if (error)
                return connection_report(NULL, error, -EIO);

        return print(answer, options);
}
