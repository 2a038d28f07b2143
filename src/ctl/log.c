/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banctl log: banjod's own messages. Matches select what names a jail, or an address or a prefix
 * around it, and so need no look at the rest. Only the unit's own entries count, since anybody may
 * write the fields.
 */

#include <systemd/sd-journal.h>

#include "base/log.h"
#include "base/usec.h"
#include "ctl/clock.h"
#include "ctl/exhibit.h"
#include "ctl/output.h"
#include "ctl/period.h"
#include "ctl/text.h"
#include "ctl/verbs.h"
#include "engine/journal-handle.h"
#include "engine/journal.h"
#include "model/address.h"

#define UNIT_MATCH "_SYSTEMD_UNIT=banjod.service"

/* With --follow, so many of before are shown, as journalctl does. */
#define FOLLOW_LINES 10

#define LINES_ALL UINT64_MAX

typedef struct Log {
        const Options *options;
        sd_journal *journal;
        Address address; /* of which it is */
        bool has_address;
        const char *jail; /* "" for all */
        uint64_t n_lines;
        usec_t since, until;
} Log;

static void log_done(Log *l) {
        sd_journal_close(l->journal);
}

/* Arguments */

static int parse_lines(const Options *options, uint64_t *ret) {
        const char *s = options->lines;

        *ret = options->follow ? FOLLOW_LINES : LINES_ALL;
        if (!s || streq(s, "all"))
                *ret = s ? LINES_ALL : *ret;
        else if (strspn(s, "0123456789") != strlen(s) || strlen(s) == 0 || strlen(s) > 18) {
                log_error("--lines=%s: should be a number, or all.", s);
                return -EINVAL;
        } else
                *ret = strtoull(s, NULL, 10);

        return 0;
}

static int parse(Log *l, int argc, char **argv) {
        const char *jail = NULL;

        if (argc > 1 && address_parse(argv[1], strlen(argv[1]), &l->address) >= 0)
                l->has_address = true;
        else if (argc > 1 && strpbrk(argv[1], ".:")) {
                log_error("\"%s\" is neither an address nor a prefix such as 192.0.2.0/24.",
                                argv[1]);
                return -EINVAL;
        } else if (argc > 1)
                jail = argv[1];

        if (options_get_jail(l->options, jail, &l->jail) < 0 ||
                        parse_lines(l->options, &l->n_lines) < 0)
                return -EINVAL;

        return period_parse(l->options, clock_now(), &l->since, &l->until);
}

/* The journal */

static int add_match(sd_journal *j, const char *field, const char *value) {
        char match[256];

        return sd_journal_add_match(
                        j, match, (size_t) snprintf(match, sizeof(match), "%s=%s", field, value));
}

/* Whatever bans the address: itself, and each prefix around it. */
static int add_address(sd_journal *j, const Address *a) {
        char text[ADDRESS_STR_SIZE];
        int r = 0;

        for (unsigned n = a->prefixlen; n > 0 && r >= 0; n--) {
                Address around = *a;

                address_widen(&around, n);
                r = add_match(j, "BANJO_ADDRESS", address_format(&around, text));
        }

        return r;
}

static int open_journal(Log *l) {
        int r;

        if (!l->options->journal) {
                r = journal_check_access();
                if (r < 0)
                        return r;
        }

        r = handle_open(&l->journal, l->options->journal, NULL, 0);
        if (r >= 0)
                r = sd_journal_add_match(l->journal, UNIT_MATCH, 0);
        if (r >= 0 && !isempty(l->jail))
                r = add_match(l->journal, "BANJO_JAIL", l->jail);
        /* What lies in a prefix cannot be enumerated, and is sorted out later. */
        if (r >= 0 && l->has_address && address_is_host(&l->address))
                r = add_address(l->journal, &l->address);
        return r;
}

/* Entries */

/* A field's value, which lives as long as the entry is not left; NULL if there is none. */
static const char *get_field(sd_journal *j, const char *name, size_t *ret_size) {
        const void *data;
        size_t size, n = strlen(name) + 1;

        if (sd_journal_get_data(j, name, &data, &size) < 0 || size < n)
                return NULL;

        *ret_size = size - n;
        return (const char *) data + n;
}

/* Whether the entry is about the address, or about what lies in the prefix. */
static bool is_wanted(const Log *l) {
        const char *text;
        Address a;
        size_t n;

        if (!l->has_address || address_is_host(&l->address))
                return true;

        text = get_field(l->journal, "BANJO_ADDRESS", &n);
        return text && address_parse(text, n, &a) >= 0 &&
               (address_covers(&l->address, &a) || address_covers(&a, &l->address));
}

static void print_field(const Log *l, const char *name, const char *otherwise) {
        size_t n;
        const char *text = get_field(l->journal, name, &n);

        if (text)
                (void) text_print(text, n);
        else
                (void) fputs(otherwise, stdout);
}

static const char *color_of(const Log *l) {
        size_t n;
        const char *priority = get_field(l->journal, "PRIORITY", &n);

        if (!priority || n != 1)
                return "";
        return *priority <= '3'   ? color_begin(COLOR_RED)
               : *priority == '4' ? color_begin(COLOR_YELLOW)
                                  : "";
}

static void print_text(const Log *l, usec_t t) {
        const char *color = color_of(l);

        exhibit_print_time(t);
        (void) putchar(' ');
        print_field(l, "_HOSTNAME", "-");
        (void) printf(" banjod[");
        print_field(l, "_PID", "");
        (void) printf("]: %s", color);
        print_field(l, "MESSAGE", "");
        (void) printf("%s\n", isempty(color) ? "" : color_end());
}

static void add_field(const Log *l, json_t *o, const char *key, const char *name) {
        size_t n;
        const char *text = get_field(l->journal, name, &n);

        (void) json_object_set_new(o, key, text ? text_to_json(text, n) : json_null());
}

/* The fields that banjo.journal-fields(7) lists. */
static json_t *fields_to_json(const Log *l) {
        static const char prefix[] = "BANJO_";
        json_t *o = json_object();
        const void *data;
        size_t size;

        SD_JOURNAL_FOREACH_DATA(l->journal, data, size) {
                const char *value = memchr(data, '=', size);
                char name[64];

                if (!value || size < strlen(prefix) || memcmp(data, prefix, strlen(prefix)) != 0)
                        continue;

                (void) snprintf(name,
                                sizeof(name),
                                "%.*s",
                                (int) (value - (const char *) data),
                                (const char *) data);
                value++;
                (void) json_object_set_new(o,
                                name,
                                text_to_json(value, size - (size_t) (value - (const char *) data)));
        }

        return o;
}

static json_t *entry_to_json(const Log *l, usec_t t) {
        json_t *o = json_pack("{s:o}", "time_usec", json_usec(t));

        add_field(l, o, "priority", "PRIORITY");
        add_field(l, o, "message_id", "MESSAGE_ID");
        add_field(l, o, "message", "MESSAGE");
        (void) json_object_set_new(o, "fields", fields_to_json(l));
        return o;
}

/* Returns 0; 1 at the end of the time that is asked for; or a negative errno. */
static int print_entry(const Log *l) {
        usec_t t;
        int r;

        r = sd_journal_get_realtime_usec(l->journal, &t);
        if (r < 0)
                return r;
        if (t >= l->until)
                return 1;

        if (l->options->json != JSON_OFF)
                r = json_print(entry_to_json(l, t), l->options);
        else
                print_text(l, t);
        return MIN(r, 0);
}

/* Whether this is one of the entries that are shown, in whatever time; and whether it is earlier.
 * Returns a negative errno, or 0. */
static int look(const Log *l, bool *ret_shown, bool *ret_earlier) {
        usec_t t;
        int r;

        r = sd_journal_get_realtime_usec(l->journal, &t);
        if (r < 0)
                return r;

        *ret_earlier = t < l->since;
        *ret_shown = t < l->until && !*ret_earlier && is_wanted(l);
        return 0;
}

/* Goes back from the end, to before the first of the last entries. */
static int seek_lines(const Log *l) {
        uint64_t n = 0;
        int r;

        r = l->until < USEC_INFINITY ? sd_journal_seek_realtime_usec(l->journal, l->until)
                                     : sd_journal_seek_tail(l->journal);
        while (r >= 0 && (r = sd_journal_previous(l->journal)) > 0) {
                bool is_shown, is_earlier;

                r = look(l, &is_shown, &is_earlier);
                if (r < 0)
                        return r;
                if (is_earlier || (is_shown && n++ == l->n_lines))
                        return 0;
        }

        return r < 0 ? r : sd_journal_seek_head(l->journal);
}

/* Goes before the first entry to be shown. */
static int seek(const Log *l) {
        if (l->n_lines < LINES_ALL)
                return seek_lines(l);

        return l->since > 0 ? sd_journal_seek_realtime_usec(l->journal, l->since)
                            : sd_journal_seek_head(l->journal);
}

/* Prints what there is. Returns as print_entry(). */
static int print_entries(const Log *l) {
        int r;

        while ((r = sd_journal_next(l->journal)) > 0) {
                r = is_wanted(l) ? print_entry(l) : 0;
                if (r != 0)
                        return r;
        }

        return r;
}

static int follow(const Log *l) {
        int r;

        for (;;) {
                (void) fflush(stdout);
                if (ferror(stdout))
                        return -EIO;

                r = sd_journal_wait(l->journal, UINT64_MAX);
                if (r >= 0)
                        r = print_entries(l);
                if (r != 0)
                        return r;
        }
}

int verb_log(int argc, char **argv, const Options *options) {
        _cleanup_(log_done) Log l = { .options = options, .until = USEC_INFINITY };
        int r;

        if (parse(&l, argc, argv) < 0)
                return EXIT_USAGE;

        r = open_journal(&l);
        if (r == -EACCES || r == -EPERM) {
                log_error("You may not read the journal: this takes root, or the group "
                          "systemd-journal.");
                return EXIT_NOT_ALLOWED;
        }

        if (r >= 0 && !options->follow)
                output_open_wrapping_pager(options);
        if (r >= 0)
                r = seek(&l);
        if (r >= 0)
                r = print_entries(&l);
        if (r == 0 && options->follow)
                r = follow(&l);
        if (r < 0) {
                log_error_errno(r, "Failed to read the journal: %m");
                return EXIT_FAILED;
        }

        return EXIT_DONE;
}
