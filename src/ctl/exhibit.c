/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/exhibit.h"

#include <time.h>

#include "base/log.h"
#include "ctl/findings.h"
#include "ctl/text.h"

const char *exhibit_state_to_string(ExhibitState state) {
        static const char *const names[] = {
                [EXHIBIT_FOUND] = "found",
                [EXHIBIT_GONE] = "gone",
                [EXHIBIT_UNREADABLE] = "unreadable",
                [EXHIBIT_FAILED] = "failed",
                [EXHIBIT_UNKNOWN] = "unknown",
        };

        return names[state];
}

void exhibits_init(Exhibits *e, const Options *options) {
        assert(e);
        assert(options);

        *e = (Exhibits){ .options = options };
}

void exhibits_done(Exhibits *e) {
        for (size_t i = 0; e->jails && i < e->config->n_jails; i++)
                jail_free(e->jails[i]);
        free(e->jails);
        config_free(e->config);
        journal_lookup_close(e->journal);
}

/* Filters */

/* Without a configuration there are messages without colours, and that is all. */
static void load_config(Exhibits *e) {
        ProblemSink sink = {};
        const char *buf[2];

        if (e->config_loaded)
                return;
        e->config_loaded = true;

        if (config_load_whole(&e->config, config_directories(e->options, buf), &sink) >= 0)
                e->jails = calloc(MAX(e->config->n_jails, (size_t) 1), sizeof(Jail *));
}

/* The jail of this name, or NULL. */
static Jail *get_jail(Exhibits *e, const char *name) {
        const JailConfig *c;
        MatcherError error;
        Jail **jail;

        load_config(e);
        c = e->jails ? config_get_jail(e->config, name) : NULL;
        if (!c || c->refused || !c->filter)
                return NULL;

        jail = &e->jails[c - e->config->jails];
        if (!*jail && jail_new(jail, c, &error) < 0)
                return NULL;
        return *jail;
}

/* Entries */

static ExhibitState open_journal(Exhibits *e) {
        const char *path = e->options->journal;

        if (!e->journal && e->journal_error == 0) {
                e->journal_error = journal_lookup_open(&e->journal, path);
                if (e->journal_error < 0 && e->journal_error != -EACCES)
                        (void) log_error_errno(e->journal_error,
                                        "Failed to open %s: %m",
                                        path ?: "the journal");
        }

        if (e->journal_error == 0)
                return EXHIBIT_FOUND;
        return e->journal_error == -EACCES ? EXHIBIT_UNREADABLE : EXHIBIT_FAILED;
}

static void recognise(Exhibits *e, const char *jail_name, Exhibit *ret) {
        Jail *jail = get_jail(e, jail_name);

        if (!jail)
                return;

        ret->matches = jail_match(jail, &ret->entry, &ret->match) > 0;
        /* The same text once more, which the match points into. */
        if (ret->matches && jail_get_text(jail, &ret->entry, &ret->text) >= 0)
                ret->is_line = jail_get_config(jail)->filter->text == FILTER_TEXT_LINE;
}

ExhibitState exhibits_find(Exhibits *e, const char *jail, const char *cursor, Exhibit *ret) {
        ExhibitState state;
        int r;

        assert(e);
        assert(jail);
        assert(cursor);
        assert(ret);

        if (isempty(cursor))
                return EXHIBIT_UNKNOWN;
        state = open_journal(e);
        if (state != EXHIBIT_FOUND)
                return state;

        *ret = (Exhibit){};
        r = journal_lookup(e->journal, cursor, &ret->entry);
        if (r == -EINVAL)
                return EXHIBIT_UNKNOWN;
        if (r < 0) {
                (void) log_error_errno(r, "Failed to read the journal: %m");
                return EXHIBIT_FAILED;
        }
        if (r == 0)
                return EXHIBIT_GONE;

        ret->text = ret->entry.fields[ENTRY_MESSAGE];
        recognise(e, jail, ret);
        return EXHIBIT_FOUND;
}

/* Output */

static void print_field(const Entry *e, EntryField a, EntryField b, const char *otherwise) {
        const EntryValue *v = entry_has(e, a) ? &e->fields[a] : &e->fields[b];

        if (v->data)
                (void) text_print(v->data, v->size);
        else
                (void) fputs(otherwise, stdout);
}

void exhibit_print_time(usec_t t) {
        time_t sec = (time_t) (t / USEC_PER_SEC);
        char when[64] = "?";
        struct tm tm;

        if (localtime_r(&sec, &tm))
                (void) strftime(when, sizeof(when), "%b %d %T", &tm);
        (void) fputs(when, stdout);
}

void exhibit_print(const Exhibit *e) {
        size_t size;

        assert(e);

        exhibit_print_time(e->entry.realtime);
        (void) putchar(' ');
        if (!e->is_line) {
                print_field(&e->entry, ENTRY_HOSTNAME, ENTRY_HOSTNAME, "-");
                (void) putchar(' ');
                print_field(&e->entry, ENTRY_SYSLOG_IDENTIFIER, ENTRY_COMM, "unknown");
                if (entry_has(&e->entry, ENTRY_PID) || entry_has(&e->entry, ENTRY_SYSLOG_PID)) {
                        (void) putchar('[');
                        print_field(&e->entry, ENTRY_PID, ENTRY_SYSLOG_PID, "");
                        (void) putchar(']');
                }
                (void) fputs(": ", stdout);
        }

        size = e->text.size;
        /* A cut is marked by a NUL, for patterns that ask for the end of the text. */
        if (e->matches && size > 0 && e->text.data[size - 1] == '\0')
                size--;
        if (size > 0)
                text_print_match(e->text.data, size, e->matches ? &e->match : NULL);
        if (e->entry.is_cut)
                (void) fputs("...", stdout);
        (void) putchar('\n');
}
