/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The way of an entry: does it fit -> what does its message say -> whose is it (sessions) -> is
 * that address allowed, or banned already -> how often within findtime.
 *
 * Sessions. A session is one connection, so it has one peer: a line with another address than the
 * session's means that the key, a process id, has come round, and a new session begins. A failure
 * line without any address waits in the session for one; all that wait are counted when a line
 * tells the address, at the time of that line, because it completes them. A [once] line is a
 * failure only when its session told none before: it is how a client looks that gives up before
 * its first password, and what sshd says besides when it ends a session whose failures were told
 * one by one.
 */

#include "engine/jail.h"

#include "engine/policy.h"
#include "engine/session.h"
#include "engine/tracker.h"

/* A hostile client may fail often in one connection before it has an address; more than this need
 * not be remembered to convict it. */
#define PENDING_MAX CONFIG_MAXRETRY_MAX

/* Prefixes that were banned by hand and let free, remembered so that failures from within them that
 * are told late do not count. Administrators do this rarely; beyond the limit the oldest goes. */
#define FORGOTTEN_MAX 64

/* Room for a whole line: newlines take twice their size. */
#define TEXT_SIZE (2 * ENTRY_MESSAGE_MAX + 4096)

typedef struct Forgotten {
        Address net;
        usec_t until;
} Forgotten;

struct Jail {
        const JailConfig *config;
        Matcher *matcher;       /* NULL if the jail is refused */
        SessionTable *sessions; /* NULL if the filter has none */
        Tracker *tracker;
        BanList *bans;
        Forgotten forgotten[FORGOTTEN_MAX];
        char *text; /* what the patterns run over where that is not the message as it is, or NULL */
        JailStats stats;
        bool refilling;
        JailStats stats_before; /* while refilling */
};

int jail_clear(Jail *j) {
        SessionTable *sessions = NULL;
        Tracker *tracker;
        int r;

        assert(j);

        r = tracker_new(&tracker,
                        &(const TrackerParams){
                                        .maxretry = j->config->maxretry,
                                        .findtime = j->config->findtime,
                                        .max_addresses = j->config->max_addresses,
                        });
        if (r < 0)
                return r;

        if (!j->config->refused && j->config->filter->session == FILTER_SESSION_FIELD) {
                r = session_table_new(&sessions, SESSIONS_MAX);
                if (r < 0) {
                        tracker_free(tracker);
                        return r;
                }
        }

        tracker_free(j->tracker);
        session_table_free(j->sessions);
        j->tracker = tracker;
        j->sessions = sessions;
        memset(j->forgotten, 0, sizeof(j->forgotten));
        return 0;
}

int jail_new(Jail **ret, const JailConfig *config, MatcherError *ret_error) {
        _cleanup_(jail_freep) Jail *j = NULL;
        int r;

        assert(ret);
        assert(config);
        assert(ret_error);

        j = calloc(1, sizeof(*j));
        if (!j)
                return -ENOMEM;
        j->config = config;

        r = ban_list_new(&j->bans);
        if (r >= 0)
                r = jail_clear(j);
        if (r >= 0 && !config->refused)
                r = matcher_new(&j->matcher, config->filter, config->groups, ret_error);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(j);
        return 0;
}

Jail *jail_free(Jail *j) {
        if (!j)
                return NULL;

        ban_list_free(j->bans);
        tracker_free(j->tracker);
        session_table_free(j->sessions);
        matcher_free(j->matcher);
        free(j->text);
        free(j);
        return NULL;
}

void jail_inherit(Jail *j, Jail *old) {
        assert(j);
        assert(old);

        ban_list_free(j->bans);
        j->bans = TAKE_PTR(old->bans);
        j->stats = old->refilling ? old->stats_before : old->stats;
}

void jail_set_refilling(Jail *j, bool refilling) {
        assert(j);

        if (refilling && !j->refilling)
                j->stats_before = j->stats;
        if (!refilling && j->refilling)
                j->stats = j->stats_before;
        j->refilling = refilling;
}

/* The same unit may log to several journals, and a jail reads one of them. */
static bool fits_namespace(const Jail *j, const Entry *e) {
        const char *wanted = j->config->journal_namespace;

        if (!entry_has(e, ENTRY_NAMESPACE))
                return isempty(wanted);

        return !isempty(wanted) && entry_is(e, ENTRY_NAMESPACE, wanted, strlen(wanted));
}

/* Besides what the match says: an entry whose unit journald could not tell, because its sender was
 * gone already, from a process of root that names itself as the filter's program does. Root could
 * forge anything anyway. */
static bool fits_without_unit(const Jail *j, const Entry *e) {
        const Filter *f = j->config->filter;

        if (entry_has(e, ENTRY_SYSTEMD_UNIT) || !entry_is(e, ENTRY_UID, "0", 1))
                return false;

        for (size_t i = 0; i < f->n_identifiers; i++)
                if (entry_is(e,
                                    ENTRY_SYSLOG_IDENTIFIER,
                                    f->identifiers[i],
                                    strlen(f->identifiers[i])))
                        return true;

        return false;
}

/* Appends bytes to the jail's text, newlines as "\\n". What has no room is left out. */
static void append_text(Jail *j, size_t *used, const char *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (data[i] == '\n' && *used + 2 <= TEXT_SIZE) {
                        j->text[(*used)++] = '\\';
                        j->text[(*used)++] = 'n';
                } else if (data[i] != '\n' && *used < TEXT_SIZE)
                        j->text[(*used)++] = data[i];
}

static const EntryValue *first_of(const Entry *e, EntryField a, EntryField b) {
        return e->fields[a].data ? &e->fields[a] : &e->fields[b];
}

/* "HOST IDENT[PID]: MESSAGE", as journalctl and syslog write an entry. */
static size_t make_line(Jail *j, const Entry *e) {
        const EntryValue *host = &e->fields[ENTRY_HOSTNAME];
        const EntryValue *ident = first_of(e, ENTRY_SYSLOG_IDENTIFIER, ENTRY_COMM);
        const EntryValue *pid = first_of(e, ENTRY_SYSLOG_PID, ENTRY_PID);
        const EntryValue *message = &e->fields[ENTRY_MESSAGE];
        size_t used = 0;

        if (host->data)
                append_text(j, &used, host->data, host->size);
        else
                append_text(j, &used, "-", 1);
        append_text(j, &used, " ", 1);
        if (ident->data)
                append_text(j, &used, ident->data, ident->size);
        else
                append_text(j, &used, "unknown", strlen("unknown"));
        if (pid->data) {
                append_text(j, &used, "[", 1);
                append_text(j, &used, pid->data, pid->size);
                append_text(j, &used, "]", 1);
        }
        append_text(j, &used, ": ", 2);
        append_text(j, &used, message->data, message->size);
        return used;
}

int jail_match(Jail *j, const Entry *e, MatcherResult *ret) {
        const EntryValue *message;

        assert(j);
        assert(j->matcher);
        assert(e);
        assert(ret);

        message = &e->fields[ENTRY_MESSAGE];
        if (!message->data)
                return 0;
        if (j->config->filter->text == FILTER_TEXT_MESSAGE)
                return matcher_run(j->matcher, message->data, message->size, ret);

        if (!j->text)
                j->text = malloc(TEXT_SIZE);
        if (!j->text)
                return -ENOMEM;

        return matcher_run(j->matcher, j->text, make_line(j, e), ret);
}

static Session *get_session(Jail *j, const Entry *e, const MatcherResult *result) {
        const EntryValue *key;
        Session *s;

        if (!j->sessions)
                return NULL;

        key = &e->fields[j->config->filter->session_field];
        if (!key->data)
                return NULL;

        s = session_table_get(j->sessions, key->data, key->size, e->realtime);
        if (s && result->has_address && s->has_address &&
                        !address_equal(&s->address, &result->address))
                *s = (Session){};
        if (s && result->has_address) {
                s->has_address = true;
                s->address = result->address;
        }

        return s;
}

/* How many failures this line tells or completes. */
static unsigned count_failures(const MatcherResult *result, Session *s) {
        bool fails = result->kind == PATTERN_FAIL ||
                     (result->kind == PATTERN_ONCE && (!s || s->n_failures == 0));
        unsigned n;

        if (!s)
                return fails && result->has_address;

        if (fails && s->n_pending < PENDING_MAX) {
                s->n_failures++;
                s->n_pending++;
        }
        if (!s->has_address)
                return 0;

        n = s->n_pending;
        s->n_pending = 0;
        return n;
}

static bool is_forgotten(const Jail *j, const JailFailure *f) {
        for (size_t i = 0; i < ELEMENTSOF(j->forgotten); i++)
                if (f->when <= j->forgotten[i].until &&
                                address_covers(&j->forgotten[i].net, &f->host))
                        return true;

        return tracker_has_forgotten(j->tracker, &f->target, f->when);
}

static int count(Jail *j, unsigned n, JailFailure *f) {
        for (unsigned i = 0; i < n; i++) {
                int r;

                if (j->refilling) {
                        r = tracker_record(j->tracker, &f->target, f->when);
                        if (r < 0)
                                return r;
                        continue;
                }

                r = tracker_hit(j->tracker, &f->target, f->when, &f->failures);
                if (r < 0)
                        return r;

                j->stats.n_failures++;
                j->stats.last_failure = f->when;
                if (r > 0)
                        return JAIL_BAN; /* what is left over would count toward the next */
        }

        return JAIL_FAILURE;
}

int jail_process(Jail *j, const Entry *e, JailFailure *ret) {
        MatcherResult result;
        JailFailure f;
        Session *s;
        unsigned n;
        int r;

        assert(j);
        assert(e);
        assert(ret);

        if (!j->matcher)
                return JAIL_NOTHING;
        if (!fits_namespace(j, e) || (!match_fits(j->config->match, e) && !fits_without_unit(j, e)))
                return JAIL_NOTHING;
        j->stats.n_entries++;

        r = jail_match(j, e, &result);
        if (r < 0)
                return r;
        if (r == 0 || result.kind == PATTERN_IGNORE)
                return JAIL_NOTHING;

        s = get_session(j, e, &result);
        n = count_failures(&result, s);
        f = (JailFailure){
                .host = s && s->has_address ? s->address : result.address,
                .when = e->realtime,
                .pattern = result.pattern->name,
        };

        if (n == 0)
                return JAIL_NOTHING;

        if (allowlist_covers(&j->config->allow, &f.host)) {
                j->stats.n_allowed += n;
                return JAIL_NOTHING;
        }

        f.target = policy_target(&j->config->allow, &f.host);
        if (ban_list_find(j->bans, &f.host, f.when)) {
                j->stats.n_banned += n;
                return JAIL_NOTHING;
        }

        if (is_forgotten(j, &f))
                return JAIL_NOTHING;

        *ret = f;
        return count(j, n, ret);
}

static void forget_prefix(Jail *j, const Address *net, usec_t until) {
        Forgotten *oldest = &j->forgotten[0];

        for (size_t i = 0; i < ELEMENTSOF(j->forgotten); i++)
                if (j->forgotten[i].until < oldest->until)
                        oldest = &j->forgotten[i];

        *oldest = (Forgotten){ *net, until };
        tracker_forget_within(j->tracker, net, until);
}

/* True for a prefix that failures from within it count for, as all the hosts of a /64. */
static bool is_target(const Jail *j, const Address *net) {
        Address first = *net, target;

        first.prefixlen = (uint16_t) address_family_bits(net->family);
        target = policy_target(&j->config->allow, &first);
        return address_equal(&target, net);
}

int jail_forget(Jail *j, const Address *a, usec_t until) {
        Address target;
        int r;

        assert(j);
        assert(a);

        /* Bans of a /64 end by the thousand, and looking for hosts within each would take long. */
        if (!address_is_host(a) && !is_target(j, a))
                forget_prefix(j, a, until);

        r = tracker_forget(j->tracker, a, until);
        if (r < 0 || !address_is_host(a))
                return r;

        target = policy_target(&j->config->allow, a);
        return address_equal(&target, a) ? 0 : tracker_forget(j->tracker, &target, until);
}

void jail_expire(Jail *j, usec_t now) {
        assert(j);

        (void) tracker_expire(j->tracker, now);
}

const JailConfig *jail_get_config(const Jail *j) {
        assert(j);

        return j->config;
}

BanList *jail_get_bans(Jail *j) {
        assert(j);

        return j->bans;
}

void jail_get_stats(const Jail *j, JailStats *ret) {
        TrackerStats tracker;

        assert(j);
        assert(ret);

        tracker_get_stats(j->tracker, &tracker);
        *ret = j->stats;
        ret->n_forgotten = tracker.n_forgotten;
        ret->n_exceeded = j->matcher ? matcher_get_n_exceeded(j->matcher) : 0;
}

usec_t jail_lookback(const Jail *j) {
        assert(j);

        return usec_add(j->config->findtime, j->sessions ? SESSION_AGE_MAX : 0);
}
