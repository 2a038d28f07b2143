/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What led to bans, what is counted by the hour, and what is told of both.
 *
 * What was counted is written in the transaction that writes how far the journal was handled, and
 * only there. So an entry that is read again after a crash had not been counted, and one that is
 * not had been.
 *
 * User names are kept as pseudonyms, and told only where this host has an account of that name.
 */

#include <inttypes.h>

#include "base/log.h"
#include "daemon/manager-private.h"
#include "engine/evidence.h"
#include "engine/policy.h"
#include "engine/store-history.h"
#include "model/bus-names.h"

/* Keeping */

/* What was captured as user name, or NULL. */
static const MatcherSpan *find_user(const JailFailure *f) {
        for (size_t i = 0; i < f->n_fields; i++)
                if (streq(f->fields[i].name, "user") && f->fields[i].value.size > 0)
                        return &f->fields[i].value;

        return NULL;
}

/* Whether the field may be kept as it stands. */
static bool may_keep(const Manager *m, const MatcherField *f) {
        return f->value.data &&
               (!streq(f->name, "user") || accounts_has(m->accounts, f->value.data, f->value.size));
}

static char *format_fields(Manager *m, const JailFailure *f) {
        EvidenceField fields[MATCHER_FIELDS_MAX];
        size_t n = 0;

        /* Without the file there are no accounts. */
        (void) accounts_refresh(m->accounts);

        for (size_t i = 0; i < f->n_fields; i++)
                if (may_keep(m, &f->fields[i]))
                        fields[n++] = (EvidenceField){
                                .name = f->fields[i].name,
                                .value = { f->fields[i].value.data, f->fields[i].value.size },
                        };

        return evidence_format_fields(fields, n);
}

static const char *
format_cursor(const Manager *m, const JailEvidence *e, char buf[static JOURNAL_CURSOR_SIZE]) {
        if (e->place.journal != ENTRY_PLACE_BAN)
                return journal_format_cursor(m->journal, e->place, e->when, buf);

        (void) snprintf(buf, JOURNAL_CURSOR_SIZE, BUS_CURSOR_BAN "%" PRIu64, e->place.seqnum);
        return buf;
}

static char *format_entries(const Manager *m, const JailFailure *f) {
        char cursors[JAIL_EVIDENCE_MAX][JOURNAL_CURSOR_SIZE];
        EvidenceEntry entries[JAIL_EVIDENCE_MAX];

        for (size_t i = 0; i < f->n_evidence; i++) {
                const JailEvidence *e = &f->evidence[i];

                entries[i] = (EvidenceEntry){
                        .when = e->when,
                        .pattern = e->pattern,
                        .cursor = format_cursor(m, e, cursors[i]),
                };
        }

        return evidence_format_entries(entries, f->n_evidence);
}

void manager_add_evidence(Manager *m, const JailFailure *f) {
        Change *c = &m->changes[m->n_changes - 1];
        _cleanup_(freep) char *entries = NULL, *fields = NULL;

        assert(m->n_changes > 0);

        entries = format_entries(m, f);
        fields = format_fields(m, f);
        if (!entries || !fields) {
                (void) log_oom();
                return;
        }

        c->entries = TAKE_PTR(entries);
        c->fields = TAKE_PTR(fields);
}

void manager_count_failure(Manager *m, const Jail *jail, const JailFailure *f) {
        const HistoryCount all = { .failures = f->n };
        const MatcherSpan *user = find_user(f);

        for (size_t i = 0; i < f->n_counts; i++)
                tally_add_pattern(m->tally,
                                f->when,
                                jail_get_config(jail)->name,
                                f->counts[i].pattern,
                                &(const HistoryCount){ .failures = f->counts[i].n });

        tally_add_host(m->tally, f->when, &f->host, &all);
        if (user)
                tally_add_user(m->tally,
                                f->when,
                                pseudonym_of(&m->pseudonyms, user->data, user->size),
                                &all);
}

void manager_count_ban(Manager *m, const Jail *jail, const Ban *ban, const JailFailure *f) {
        const MatcherSpan *user = f ? find_user(f) : NULL;
        const HistoryCount one = { .bans = 1 };

        tally_add_pattern(m->tally, ban->start, jail_get_config(jail)->name, ban->pattern, &one);
        tally_add_host(m->tally, ban->start, f ? &f->host : &ban->address, &one);
        if (user)
                tally_add_user(m->tally,
                                ban->start,
                                pseudonym_of(&m->pseudonyms, user->data, user->size),
                                &one);
}

void manager_tell_failure(Manager *m, const Jail *jail, const JailFailure *f) {
        _cleanup_(freep) char *name = NULL;
        const MatcherSpan *user = find_user(f);

        (void) accounts_refresh(m->accounts);
        if (user && accounts_has(m->accounts, user->data, user->size))
                name = strndup(user->data, user->size);

        bus_emit_failure(m->bus,
                        &(const BusFailure){
                                        .jail = jail_get_config(jail)->name,
                                        .address = &f->host,
                                        .pattern = f->pattern,
                                        .user = name ?: "",
                                        .failures = f->failures,
                                        .when = f->when,
                        });
}

int manager_save_progress(Manager *m) {
        int r;

        m->position.last_id = m->next_id - 1;
        r = tally_write(m->tally, m->store);
        return r < 0 ? r : store_set_position(m->store, &m->position);
}

void manager_saved(Manager *m) {
        tally_clear(m->tally);
        m->n_unsaved = 0;
}

int manager_save_counts(Manager *m) {
        assert(m);

        if (m->n_unsaved == 0)
                return 0;

        m->n_unsaved = SIZE_MAX / 2; /* now, and still room to count on */
        return manager_commit(m, false);
}

/* Telling */

Store *manager_get_store(Manager *m) {
        assert(m);

        return m->store;
}

/* What the next ban of an offender by a jail would be. Returns 1; 0 if it never was banned there;
 * or a negative errno. */
static int get_next_ban(Manager *m, Jail *jail, const Address *a, ManagerNextBan *ret) {
        const JailConfig *config = jail_get_config(jail);
        const Ban *running = ban_list_get(jail_get_bans(jail), a);
        const Ban next = { .address = *a, .start = manager_now() };
        unsigned n;

        n = manager_count_earlier(m, jail, &next);
        if (running && running->failures > 0)
                n++;
        if (n == 0 && !running)
                return 0;

        *ret = (ManagerNextBan){
                .jail = config->name,
                .n_earlier = n,
                .length = policy_bantime(config, n, 0),
        };
        return 1;
}

int manager_foreach_next_ban(Manager *m,
                const Address *a,
                ManagerNextBanHandler handler,
                void *userdata) {
        assert(m);
        assert(a);
        assert(handler);

        for (size_t i = 0; i < m->n_jails; i++) {
                const JailConfig *config = jail_get_config(m->jails[i]);
                const PolicyPrefixes prefixes = {
                        .ipv4 = config->ipv4_prefix,
                        .ipv6 = config->ipv6_prefix,
                        .spoofable = config->spoofable,
                };
                ManagerNextBan next;
                Address target = *a;
                int r;

                if (address_is_host(a))
                        target = policy_target(&prefixes, &config->allow, a);

                r = get_next_ban(m, m->jails[i], &target, &next);
                if (r > 0)
                        r = handler(&next, userdata);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* An account by its pseudonym. */
typedef struct Known {
        uint64_t pseudonym;
        const char *name;
} Known;

typedef struct Users {
        Known *known;
        size_t n_known;
        ManagerUserHandler handler;
        void *userdata;
        size_t n_told;
        HistoryCount others;
} Users;

static int compare_known(const void *a, const void *b) {
        uint64_t x = ((const Known *) a)->pseudonym, y = ((const Known *) b)->pseudonym;

        return (x > y) - (x < y);
}

static int on_user(uint64_t pseudonym, const HistoryCount *count, void *userdata) {
        Users *u = userdata;
        const Known wanted = { .pseudonym = pseudonym }, *found;

        found = u->n_known > 0 ? bsearch(&wanted,
                                                 u->known,
                                                 u->n_known,
                                                 sizeof(Known),
                                                 compare_known)
                               : NULL;
        if (!found) {
                u->others.failures += count->failures;
                u->others.bans += count->bans;
                return 0;
        }

        return u->n_told++ < MANAGER_TOP_MAX ? u->handler(found->name, count, u->userdata) : 0;
}

int manager_foreach_user(Manager *m,
                usec_t since,
                usec_t until,
                ManagerUserHandler handler,
                void *userdata) {
        Users u = { .handler = handler, .userdata = userdata };
        int r;

        assert(m);
        assert(handler);

        (void) accounts_refresh(m->accounts);
        u.n_known = accounts_size(m->accounts);
        u.known = calloc(MAX(u.n_known, (size_t) 1), sizeof(*u.known));
        if (!u.known)
                return -ENOMEM;

        for (size_t i = 0; i < u.n_known; i++) {
                const char *name = accounts_get(m->accounts, i);

                u.known[i] = (Known){ pseudonym_of(&m->pseudonyms, name, strlen(name)), name };
        }
        qsort(u.known, u.n_known, sizeof(*u.known), compare_known);

        r = store_foreach_user(m->store, since, until, on_user, &u);
        if (r >= 0 && (u.others.failures > 0 || u.others.bans > 0))
                r = handler("", &u.others, userdata);

        free(u.known);
        return r;
}

int manager_count_ended(Manager *m, const Address *a, unsigned *ret) {
        assert(m);
        assert(a);
        assert(ret);

        return store_count_earlier(m->store, NULL, a, 0, USEC_INFINITY, POLICY_EARLIER_MAX, ret);
}

int manager_dump(Manager *m, int *ret_fd) {
        assert(m);
        assert(ret_fd);

        for (size_t i = 0; i < MANAGER_DUMPS_MAX; i++) {
                if (m->dumps[i] && !store_dump_is_over(m->dumps[i]))
                        continue;
                m->dumps[i] = store_dump_free(m->dumps[i]);
                return store_dump_new(&m->dumps[i], m->store, ret_fd);
        }

        return -EBUSY;
}
