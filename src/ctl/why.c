/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banctl why: what shuts the address out now comes first, with the entries that led to it; or else
 * its last ban. Other bans are lines of a table. banjod knows of each entry when it was, where it
 * is in the journal and which pattern recognised it; what it says is in the journal alone.
 */

#include <inttypes.h>

#include "base/log.h"
#include "ctl/ban-extras.h"
#include "ctl/clock.h"
#include "ctl/connection.h"
#include "ctl/exhibit.h"
#include "ctl/jails.h"
#include "ctl/text.h"
#include "ctl/verbs.h"
#include "ctl/why-answer.h"
#include "model/address.h"
#include "model/bus-names.h"

/* Bans that are told in full, and lines of the table below. */
#define DETAILS_MAX 5
#define LINES_MAX 10

typedef struct Why {
        const Options *options;
        sd_bus *bus; /* borrowed */
        Address address;
        char text[ADDRESS_STR_SIZE];
        usec_t now;
        WhyAnswer answer;
        JailList jails;
        Exhibits exhibits;
        bool said_unreadable;
} Why;

static void why_done(Why *w) {
        why_answer_done(&w->answer);
        jail_list_done(&w->jails);
        exhibits_done(&w->exhibits);
}

/* The ban with this number, or NULL. */
static const BanRecord *find_ban(const Why *w, const char *number) {
        for (size_t i = 0; i < w->answer.n_bans; i++) {
                char id[24];

                (void) snprintf(id, sizeof(id), "%" PRIu64, w->answer.bans[i].ban.id);
                if (streq(id, number))
                        return &w->answer.bans[i].ban;
        }

        return NULL;
}

static const JailInfo *find_jail(const Why *w, const char *name) {
        for (size_t i = 0; i < w->jails.n_jails; i++)
                if (streq(w->jails.jails[i].name, name))
                        return &w->jails.jails[i];

        return NULL;
}

static bool shuts_out(const Why *w, const WhyBan *b) {
        return record_is_running(&b->ban) && address_covers(&b->address, &w->address);
}

/* JSON */

static json_t *json_field(const Entry *e, EntryField a, EntryField b) {
        const EntryValue *v = entry_has(e, a) ? &e->fields[a] : &e->fields[b];

        return v->data ? text_to_json(v->data, v->size) : json_null();
}

/* What an entry says; null for each without one. */
static void add_entry_to_json(json_t *o, const Entry *e) {
        (void) json_object_set_new(o, "host", json_field(e, ENTRY_HOSTNAME, ENTRY_HOSTNAME));
        (void) json_object_set_new(
                        o, "identifier", json_field(e, ENTRY_SYSLOG_IDENTIFIER, ENTRY_COMM));
        (void) json_object_set_new(o, "pid", json_field(e, ENTRY_PID, ENTRY_SYSLOG_PID));
        (void) json_object_set_new(o, "message", json_field(e, ENTRY_MESSAGE, ENTRY_MESSAGE));
}

static json_t *entry_to_json(Why *w, const WhyBan *b, const WhyEntry *e) {
        static const Entry nothing;
        const char *number = startswith(e->cursor, BUS_CURSOR_BAN);
        Exhibit found;
        ExhibitState state;
        json_t *o;

        o = json_pack("{s:o, s:s, s:s?}",
                        "time_usec",
                        json_usec(e->time),
                        "pattern",
                        e->pattern,
                        "cursor",
                        isempty(e->cursor) || number ? NULL : e->cursor);
        if (number) {
                (void) json_object_set_new(o, "ban", json_count(strtoull(number, NULL, 10)));
                return o;
        }

        state = exhibits_find(&w->exhibits, b->ban.jail, e->cursor, &found);
        if (state == EXHIBIT_UNREADABLE)
                w->said_unreadable = true;
        (void) json_object_set_new(o, "state", json_string(exhibit_state_to_string(state)));
        add_entry_to_json(o, state == EXHIBIT_FOUND ? &found.entry : &nothing);
        return o;
}

/* What a ban that runs has dropped. Returns false if that is not counted. */
static bool
get_dropped(const Why *w, const BanRecord *b, uint64_t *ret_packets, uint64_t *ret_bytes) {
        Extras counter = {};
        bool found;

        if (!record_is_running(b))
                return false;

        found = extras_get(&counter, EXTRA_COUNTERS, w->bus, b->jail, b->id - 1, 1) >= 0 &&
                extras_find(&counter, b->id) > 0;
        *ret_packets = counter.first;
        *ret_bytes = counter.second;
        extras_done(&counter);
        return found;
}

static json_t *ban_to_json(Why *w, const WhyBan *b) {
        json_t *o = record_to_json(&b->ban), *entries = json_array(), *captured = json_object();
        uint64_t n_packets, n_bytes;
        bool is_counted = get_dropped(w, &b->ban, &n_packets, &n_bytes);

        for (size_t i = 0; i < b->n_entries; i++)
                (void) json_array_append_new(entries, entry_to_json(w, b, &b->entries[i]));
        for (size_t i = 0; i < b->n_captures; i++)
                (void) json_object_set_new(
                                captured, b->captures[i].name, json_text(b->captures[i].value));

        (void) json_object_set_new(o, "packets", is_counted ? json_count(n_packets) : json_null());
        (void) json_object_set_new(o, "bytes", is_counted ? json_count(n_bytes) : json_null());
        (void) json_object_set_new(o, "entries", entries);
        (void) json_object_set_new(o, "captured", captured);
        return o;
}

static json_t *next_to_json(const WhyNext *n) {
        return json_pack("{s:s, s:o, s:o, s:b}",
                        "jail",
                        n->jail,
                        "earlier_bans",
                        json_count(n->n_earlier),
                        "bantime_usec",
                        json_usec(n->length),
                        "permanent",
                        n->length == USEC_INFINITY);
}

static int print_json(Why *w) {
        json_t *bans = json_array(), *next = json_array();
        bool banned = false;
        int r;

        for (size_t i = 0; i < w->answer.n_bans; i++) {
                banned |= shuts_out(w, &w->answer.bans[i]);
                (void) json_array_append_new(bans, ban_to_json(w, &w->answer.bans[i]));
        }
        for (size_t i = 0; i < w->answer.n_next; i++)
                (void) json_array_append_new(next, next_to_json(&w->answer.next[i]));

        r = json_print(json_pack("{s:s, s:b, s:o, s:o}",
                                       "address",
                                       w->text,
                                       "banned",
                                       banned,
                                       "bans",
                                       bans,
                                       "next",
                                       next),
                        w->options);
        if (r < 0)
                return r;

        if (w->said_unreadable)
                log_warning("You may not read the journal, so messages are missing: become root, "
                            "or a member of the group systemd-journal.");
        return 0;
}

/* Text */

/* Beginning at this column, behind a name that ends before it. */
#define NAME_WIDTH 9

static void print_name(const char *name) {
        (void) printf("%*s: ", NAME_WIDTH, name);
}

/* As points in time are told. */
static usec_t to_seconds(usec_t span) {
        return span == USEC_INFINITY ? span : span - span % USEC_PER_SEC;
}

static void print_ago(usec_t t, usec_t now) {
        char when[USEC_STR_SIZE], span[USEC_STR_SIZE];
        usec_t distance = t > now ? t - now : now - t;

        (void) printf("%s; %s%s%s",
                        usec_format_timestamp(t, when),
                        t > now ? "in " : "",
                        usec_format_span(to_seconds(distance), span),
                        t > now ? "" : " ago");
}

static void print_dropped(const Why *w, const BanRecord *b) {
        char packets[OUTPUT_COUNT_SIZE], bytes[OUTPUT_COUNT_SIZE];
        uint64_t n_packets, n_bytes;

        if (!get_dropped(w, b, &n_packets, &n_bytes))
                return;

        print_name("Dropped");
        (void) printf("%s packets, %s bytes\n",
                        output_format_count(n_packets, packets),
                        output_format_count(n_bytes, bytes));
}

static void print_times(const Why *w, const BanRecord *b) {
        char span[USEC_STR_SIZE];

        print_name("Since");
        print_ago(b->start, w->now);
        if (!record_is_running(b)) {
                (void) putchar('\n');
                print_name("Ended");
                print_ago(b->end, w->now);
                (void) printf(" (%s), after %s",
                                b->cause,
                                usec_format_span(usec_sub(b->end, b->start), span));
        } else if (b->end == USEC_INFINITY)
                (void) printf(", for good");
        else {
                (void) putchar('\n');
                print_name("Until");
                print_ago(b->end, w->now);
        }
        (void) putchar('\n');
}

static void print_reason(const Why *w, const WhyBan *b) {
        const JailInfo *jail = find_jail(w, b->ban.jail);
        char span[USEC_STR_SIZE];

        if (b->ban.failures == 0) {
                print_name("By hand");
                if (isempty(b->ban.reason))
                        (void) fputs("no reason was given", stdout);
                else
                        (void) text_print(b->ban.reason, strlen(b->ban.reason));
                (void) putchar('\n');
                return;
        }

        print_name("Failures");
        (void) printf("%" PRIu32, b->ban.failures);
        if (jail)
                (void) printf(" within %s", usec_format_span(jail->findtime, span));
        if (b->n_entries == 0)
                (void) printf(", the last one %s", b->ban.pattern);
        (void) putchar('\n');

        if (b->n_captures > 0) {
                print_name("Captured");
                for (size_t i = 0; i < b->n_captures; i++) {
                        const WhyCapture *c = &b->captures[i];

                        (void) printf("%s%s=%s",
                                        i == 0 ? "" : " ",
                                        c->name,
                                        color_begin(COLOR_YELLOW));
                        (void) text_print(c->value, strlen(c->value));
                        (void) fputs(color_end(), stdout);
                }
                (void) putchar('\n');
        }
}

/* The ban that made a failure in a jail which counts bans. */
static void print_ban_entry(const Why *w, const WhyEntry *e, const char *number) {
        const BanRecord *b = find_ban(w, number);
        char span[USEC_STR_SIZE], origin[RECORD_ORIGIN_SIZE];

        exhibit_print_time(e->time);
        (void) fputs(" ban ", stdout);
        if (b)
                (void) printf("by %s for %s: %s\n",
                                b->jail,
                                usec_format_span(usec_sub(b->end, b->start), span),
                                record_format_origin(b, origin));
        else
                (void) printf("number %s\n", number);
}

static void print_missing(Why *w, const WhyEntry *e, ExhibitState state) {
        static const char *const texts[] = {
                [EXHIBIT_GONE] = "the journal does not have this entry any more",
                [EXHIBIT_UNREADABLE] = "you may not read the journal",
                [EXHIBIT_FAILED] = "the journal cannot be read",
                [EXHIBIT_UNKNOWN] = "where it is in the journal is not known",
        };

        (void) fputs(color_begin(COLOR_GREY), stdout);
        exhibit_print_time(e->time);
        (void) printf(" (%s)%s\n", texts[state], color_end());
        if (state == EXHIBIT_UNREADABLE)
                w->said_unreadable = true;
}

static void print_entries(Why *w, const WhyBan *b) {
        size_t width = 0;

        for (size_t i = 0; i < b->n_entries; i++)
                width = MAX(width, strlen(b->entries[i].pattern));
        if (b->n_entries > 0)
                (void) putchar('\n');

        for (size_t i = 0; i < b->n_entries; i++) {
                const WhyEntry *e = &b->entries[i];
                const char *number = startswith(e->cursor, BUS_CURSOR_BAN);
                ExhibitState state;
                Exhibit found;

                (void) printf("%s%-*s%s  ",
                                color_begin(COLOR_GREEN),
                                (int) width,
                                e->pattern,
                                color_end());
                if (number) {
                        print_ban_entry(w, e, number);
                        continue;
                }

                state = exhibits_find(&w->exhibits, b->ban.jail, e->cursor, &found);
                if (state == EXHIBIT_FOUND)
                        exhibit_print(&found);
                else
                        print_missing(w, e, state);
        }
}

static void print_detail(Why *w, const WhyBan *b) {
        const JailInfo *jail = find_jail(w, b->ban.jail);

        (void) putchar('\n');
        print_name("Jail");
        (void) printf("%s%s%s", color_begin(COLOR_BOLD), b->ban.jail, color_end());
        if (jail && !isempty(jail->description))
                (void) printf(" (%s)", jail->description);
        (void) putchar('\n');
        if (!address_equal(&b->address, &w->address)) {
                print_name("Address");
                (void) printf("%s\n", b->ban.address);
        }

        print_times(w, &b->ban);
        print_reason(w, b);
        print_dropped(w, &b->ban);
        if (b->ban.n_leaks > 0) {
                print_name("Leaks");
                (void) printf("%s%" PRIu64 " failure%s got through: the ban %s hold%s\n",
                                color_begin(COLOR_RED),
                                b->ban.n_leaks,
                                b->ban.n_leaks == 1 ? "" : "s",
                                record_is_running(&b->ban) ? "does not" : "did not",
                                color_end());
        }
        if (!b->ban.counts) {
                print_name("Counts");
                (void) printf("not as an earlier ban\n");
        }
        print_entries(w, b);
}

/* Chooses the bans that are told in full, newest first: those that shut the address out, or else
 * the last one, rather one that runs. Returns their number. */
static size_t choose_details(Why *w, const WhyBan *ret[static DETAILS_MAX]) {
        WhyBan *last = NULL;
        size_t n = 0;

        for (size_t i = w->answer.n_bans; i > 0 && n < DETAILS_MAX; i--) {
                WhyBan *b = &w->answer.bans[i - 1];

                if (shuts_out(w, b)) {
                        b->in_detail = true;
                        ret[n++] = b;
                }
                if (!last || (record_is_running(&b->ban) && !record_is_running(&last->ban)))
                        last = b;
        }

        if (n == 0) {
                last->in_detail = true;
                ret[n++] = last;
        }
        return n;
}

/* What is to be said first. */
static void print_verdict(const Why *w, const WhyBan *first) {
        size_t n_shut = 0, n_running = 0;
        char span[USEC_STR_SIZE];

        for (size_t i = 0; i < w->answer.n_bans; i++) {
                n_shut += shuts_out(w, &w->answer.bans[i]);
                n_running += record_is_running(&w->answer.bans[i].ban);
        }

        (void) printf("%s%s is %s%s",
                        color_begin(n_shut > 0 ? COLOR_RED : COLOR_GREEN),
                        w->text,
                        n_shut > 0 ? "banned" : "not banned",
                        color_end());
        if (n_shut == 1 && first->ban.end == USEC_INFINITY)
                (void) printf(" by %s, for good.\n", first->ban.jail);
        else if (n_shut == 1)
                (void) printf(" by %s, for another %s.\n",
                                first->ban.jail,
                                usec_format_span(to_seconds(usec_sub(first->ban.end, w->now)),
                                                span));
        else if (n_shut > 1)
                (void) printf(", by %zu bans.\n", n_shut);
        else if (n_running > 0)
                (void) printf(" as a whole; %zu %s within it.\n",
                                n_running,
                                n_running == 1 ? "ban runs" : "bans run");
        else if (w->answer.n_bans == 1)
                (void) printf(". Its only ban:\n");
        else
                (void) printf(". The last of its %s%zu bans:\n",
                                w->answer.n_bans == BUS_WHY_MAX ? "newest " : "",
                                w->answer.n_bans);
}

/* Newest first. */
static int print_others(const Why *w) {
        _cleanup_(table_freep) Table *t = NULL;
        size_t n_lines = 0, n = 0;
        int r;

        r = record_table_new(&t, w->options);
        for (size_t i = w->answer.n_bans; i > 0 && r >= 0; i--) {
                if (w->answer.bans[i - 1].in_detail)
                        continue;
                if (++n <= LINES_MAX) {
                        n_lines++;
                        r = record_table_add(t, &w->answer.bans[i - 1].ban);
                }
        }
        if (r < 0 || n == 0)
                return r;

        (void) printf("\n%sOther bans, newest first:%s\n", color_begin(COLOR_BOLD), color_end());
        r = table_print(t);
        if (n > n_lines)
                (void) printf("and %zu more%s; see `banctl history %s`.\n",
                                n - n_lines,
                                w->answer.n_bans == BUS_WHY_MAX ? " at least" : "",
                                w->text);
        return r;
}

static void print_next(const Why *w) {
        char span[USEC_STR_SIZE];

        if (w->answer.n_next > 0)
                (void) putchar('\n');
        for (size_t i = 0; i < w->answer.n_next; i++) {
                const WhyNext *n = &w->answer.next[i];

                (void) printf("Next ban by %s: %s, after %" PRIu32 " earlier ban%s.\n",
                                n->jail,
                                usec_format_span(n->length, span),
                                n->n_earlier,
                                n->n_earlier == 1 ? "" : "s");
        }
}

static int print_text(Why *w) {
        const WhyBan *details[DETAILS_MAX];
        size_t n_details = choose_details(w, details);
        int r;

        print_verdict(w, details[0]);
        for (size_t i = 0; i < n_details; i++)
                print_detail(w, details[i]);
        if (w->said_unreadable)
                (void) printf("\n%sYou may not read the journal: become root, or a member of the group "
                              "systemd-journal.%s\n",
                                color_begin(COLOR_YELLOW),
                                color_end());

        r = print_others(w);
        if (r < 0)
                return log_error_errno(r, "Failed to print the bans: %m");

        print_next(w);
        if (output_is_terminal() && record_is_running(&details[0]->ban))
                (void) printf("\n%sbanctl unban %s%s lifts it.\n",
                                color_begin(COLOR_BOLD),
                                w->text,
                                color_end());
        return 0;
}

int verb_why(int argc, char **argv, const Options *options) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        _cleanup_(why_done) Why w = { .options = options, .now = clock_now() };
        int r;

        exhibits_init(&w.exhibits, options);
        if (address_parse(argv[1], strlen(argv[1]), &w.address) < 0) {
                log_error("\"%s\" is neither an address nor a prefix such as 192.0.2.0/24.",
                                argv[1]);
                return EXIT_USAGE;
        }
        (void) address_format(&w.address, w.text);

        r = connection_open(&bus, options, CONNECTION_ASK, false);
        w.bus = bus;
        if (r == EXIT_DONE)
                r = why_answer_get(&w.answer, bus, w.text);
        if (r == EXIT_DONE)
                r = jail_list_get(&w.jails, bus);
        if (r != EXIT_DONE)
                return r;

        if (options->quiet)
                return w.answer.n_bans > 0 ? EXIT_DONE : EXIT_FAILED;

        output_open_wrapping_pager(options);
        if (options->json != JSON_OFF)
                r = print_json(&w);
        else if (w.answer.n_bans > 0)
                r = print_text(&w);
        else {
                (void) printf("%s is not banned and has no history.\n", w.text);
                r = 0;
        }

        return r < 0 || w.answer.n_bans == 0 ? EXIT_FAILED : EXIT_DONE;
}
