/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The way of an entry: does it fit -> what does its message say -> whose is it (sessions) -> is
 * that address allowed, or banned already -> how often within findtime.
 *
 * Sessions. A session is one connection, so it has one peer: a line with another address than the
 * session's means that the key, a process id, has come round, and a new session begins; and so does
 * a [begin] line. A failure line without any address waits in the session for one; all that wait
 * are counted when a line tells the address, at the time of that line, because it completes them. A
 * [once] line is a failure only when its session told none before: it is how a client looks that
 * gives up before its first password, and what sshd says besides when it ends a session whose
 * failures were told one by one.
 *
 * Logins. A [clear] line forgives what failed in its session under the same name, and with clear =
 * address what the address failed under it elsewhere. Names are compared by their keyed hashes. A
 * line without a name is about the one that its session told last. While a ban runs, and of the
 * time before one that ended, logins forgive nothing, as failures do not count there: in a refill
 * the windows hold failures that led to the ban, and otherwise they do not.
 *
 * Leaks. Who is banned cannot open a connection, so a session that begins later shows that the ban
 * does not hold. What a program says only when a connection ends ([once]) does not tell when it
 * began: sshd's "Timeout before authentication" comes two minutes later.
 *
 * Bans. A jail with source = bans has neither filter nor sessions. What others ban takes the second
 * half of the way, as what the one pattern of no filter recognised.
 *
 * Cut messages. Whoever writes the message chooses what stands where it is cut: an address, say. So
 * the last byte becomes a NUL, and a pattern that has to see the end of what the program wrote does
 * not match.
 */

#include "engine/jail.h"

#include <limits.h>

#include "base/table.h"
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
        PolicyPrefixes prefixes;
        Matcher *matcher;        /* NULL if the jail is refused, or counts bans */
        const Pattern *patterns; /* of failures: the filter's, or the one that is a ban */
        uint16_t *weights;       /* by the number of the pattern there */
        MatcherResult result;    /* of the last entry; its fields are handed out */
        SessionTable *sessions;  /* NULL if the filter has none */
        Tracker *tracker;
        BanList *bans;
        Forgotten forgotten[FORGOTTEN_MAX];
        char *text; /* what the patterns run over where that is not the message as it is, or NULL */
        JailCount counts[SESSION_PENDING_MAX + 1]; /* these two of the last entry; handed out */
        JailEvidence evidence[JAIL_EVIDENCE_MAX];
        JailStats stats;
        usec_t guarded; /* jail_set_guarded() */
        bool refilling;
        JailStats stats_before; /* while refilling */
};

/* What a ban is recognised by. */
static const Pattern ban_pattern = { .name = (char *) "ban", .kind = PATTERN_FAIL };

/* True for a jail with a filter that is in use. */
static bool has_filter(const Jail *j) {
        return !j->config->refused && j->config->source == JAIL_SOURCE_JOURNAL;
}

/* Whether each session says when it begins. Then its key does not come round unnoticed, and however
 * long a client holds its connection in silence, it is known whose it is. */
static bool tells_beginnings(const Jail *j) {
        const Filter *f = j->config->filter;

        for (size_t i = 0; i < f->n_patterns; i++)
                if (f->session == FILTER_SESSION_CAPTURE && f->patterns[i].kind == PATTERN_BEGIN &&
                                isempty(f->patterns[i].group))
                        return true;

        return false;
}

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

        if (has_filter(j) && j->config->filter->session != FILTER_SESSION_NONE) {
                r = session_table_new(&sessions,
                                SESSIONS_MAX,
                                tells_beginnings(j) ? USEC_INFINITY : SESSION_AGE_MAX);
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

/* A hash of a user's name; 0 if it is empty, which is nobody's, and otherwise never. */
static unsigned hash_user(const MatcherSpan *user) {
        unsigned hash;

        if (user->size == 0)
                return 0;

        hash = table_hash(user->data, user->size);
        return hash ? hash : 1;
}

static int set_patterns(Jail *j) {
        const JailConfig *c = j->config;
        size_t n = has_filter(j) ? c->filter->n_patterns : 1;

        j->patterns = has_filter(j) ? c->filter->patterns : &ban_pattern;
        j->weights = calloc(MAX(n, (size_t) 1), sizeof(*j->weights));
        if (!j->weights)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++) {
                j->weights[i] = 1;
                for (size_t k = 0; k < c->n_weights; k++)
                        if (streq(c->weights[k].pattern, j->patterns[i].name))
                                j->weights[i] = (uint16_t) c->weights[k].weight;
        }

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
        j->prefixes = (PolicyPrefixes){
                .ipv4 = config->ipv4_prefix,
                .ipv6 = config->ipv6_prefix,
                .spoofable = config->spoofable,
        };

        r = ban_list_new(&j->bans);
        if (r >= 0)
                r = jail_clear(j);
        if (r >= 0 && has_filter(j))
                r = matcher_new(&j->matcher, config->filter, config->groups, ret_error);
        if (r >= 0 && !config->refused)
                r = set_patterns(j);
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
        free(j->weights);
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

void jail_set_guarded(Jail *j, usec_t since) {
        assert(j);

        j->guarded = since;
}

/* The same unit may log to several journals, and a jail reads one of them. */
static bool fits_namespace(const Jail *j, const Entry *e) {
        const char *wanted = j->config->journal_namespace;

        if (!entry_has(e, ENTRY_NAMESPACE))
                return isempty(wanted);

        return !isempty(wanted) && entry_is(e, ENTRY_NAMESPACE, wanted, strlen(wanted));
}

bool jail_reads_unit(const Jail *j, const Entry *e, const char *unit) {
        assert(j);
        assert(e);
        assert(unit);

        return j->matcher && fits_namespace(j, e) && match_names_unit(j->config->match, unit);
}

bool jail_fits_without_unit(char *const *identifiers, size_t n, const Entry *e) {
        assert(e);

        if (entry_has(e, ENTRY_SYSTEMD_UNIT) || !entry_is(e, ENTRY_UID, "0", 1))
                return false;

        for (size_t i = 0; i < n; i++)
                if (entry_is(e, ENTRY_SYSLOG_IDENTIFIER, identifiers[i], strlen(identifiers[i])))
                        return true;

        return false;
}

static bool fits(const Jail *j, const Entry *e) {
        const Filter *f = j->config->filter;

        return fits_namespace(j, e) &&
               (match_fits(j->config->match, e) ||
                               jail_fits_without_unit(f->identifiers, f->n_identifiers, e));
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

int jail_get_text(Jail *j, const Entry *e, EntryValue *ret) {
        const EntryValue *message;
        bool is_line;
        size_t size;

        assert(j);
        assert(e);
        assert(ret);

        message = &e->fields[ENTRY_MESSAGE];
        is_line = j->config->filter->text == FILTER_TEXT_LINE;
        size = message->size;

        if (!is_line && !e->is_cut) {
                *ret = *message;
                return 0;
        }

        if (!j->text)
                j->text = malloc(TEXT_SIZE);
        if (!j->text)
                return -ENOMEM;

        if (is_line)
                size = make_line(j, e);
        else {
                size = MIN(size, (size_t) TEXT_SIZE);
                memcpy(j->text, message->data, size);
        }
        if ((e->is_cut || size == TEXT_SIZE) && size > 0)
                j->text[size - 1] = '\0';

        *ret = (EntryValue){ j->text, size };
        return 0;
}

int jail_match(Jail *j, const Entry *e, MatcherResult *ret) {
        EntryValue text;
        int r;

        assert(j);
        assert(j->matcher);
        assert(e);
        assert(ret);

        if (!e->fields[ENTRY_MESSAGE].data)
                return 0;

        r = jail_get_text(j, e, &text);
        if (r < 0)
                return r;

        return matcher_run(j->matcher, text.data, text.size, ret);
}

/* Servers with threads, such as slapd, may log that a connection begins after what it did first. */
static bool is_late_beginning(const Session *s, usec_t when) {
        return !s->has_address && s->began > 0 && when <= usec_add(s->began, BEGINNING_LATE_MAX);
}

/* The session of the entry, with what the entry tells it; NULL if it has none. */
static int get_session(Jail *j, const Entry *e, Session **ret) {
        const MatcherResult *result = &j->result;
        const char *key = result->session.data;
        size_t size = result->session.size;
        Session *s;

        *ret = NULL;
        if (!j->sessions)
                return 0;

        if (j->config->filter->session == FILTER_SESSION_FIELD) {
                key = e->fields[j->config->filter->session_field].data;
                size = e->fields[j->config->filter->session_field].size;
        }
        if (!key || size == 0)
                return 0;

        s = session_table_get(j->sessions, key, size, e->realtime);
        if (!s)
                return -ENOMEM;

        if ((result->kind == PATTERN_BEGIN && !is_late_beginning(s, e->realtime)) ||
                        (result->has_address && s->has_address &&
                                        !address_equal(&s->address, &result->address)))
                session_restart(j->sessions, s);
        if (s->began == 0)
                s->began = e->realtime;
        if (result->has_address) {
                s->has_address = true;
                s->address = result->address;
        }
        if (result->user.data)
                s->user = hash_user(&result->user);

        *ret = s;
        return 0;
}

static uint16_t weight_of(const Jail *j, const Pattern *pattern) {
        return j->weights[pattern - j->patterns];
}

static bool is_forgotten(const Jail *j, const JailFailure *f) {
        for (size_t i = 0; i < ELEMENTSOF(j->forgotten); i++)
                if (f->when <= j->forgotten[i].until &&
                                address_covers(&j->forgotten[i].net, &f->host))
                        return true;

        return tracker_has_forgotten(j->tracker, &f->target, f->when);
}

/* Who failed or logged in, when, and whom that counts for. */
static JailFailure make_failure(const Jail *j, const Entry *e, const Session *s) {
        JailFailure f = {
                .host = s && s->has_address ? s->address : j->result.address,
                .when = e->realtime,
                .pattern = j->result.pattern->name,
                .n_fields = j->result.n_fields,
                .fields = j->result.fields,
        };

        f.target = policy_target(&j->prefixes, &j->config->allow, &f.host);
        return f;
}

/* A login under this name succeeded. */
static void forgive(Jail *j, Session *s, const JailFailure *f, unsigned user) {
        unsigned n = 0;

        if (s)
                session_forgive_pending(s, user);
        if (ban_list_find(j->bans, &f->host, f->when) || is_forgotten(j, f))
                return;

        if (s)
                n += tracker_clear_session(j->tracker, &f->target, user, s->number, f->when);
        if (j->config->filter->clears_address)
                n += tracker_clear_address(j->tracker, &f->target, user, f->when);
        j->stats.n_forgiven += n;
}

/* The entries that made the ban that is due. One that told several failures is one. */
static void tell_evidence(Jail *j, JailFailure *f) {
        const TrackerFailure *t = tracker_get_convicting(j->tracker);
        size_t n = 0, left = f->failures;

        /* From the newest one on, to have those if there are too many, and then into order. */
        while (left-- > 0) {
                if (n > 0 && t[left].seqnum == t[left + 1].seqnum &&
                                t[left].when == t[left + 1].when &&
                                t[left].pattern == t[left + 1].pattern)
                        continue;
                if (n == JAIL_EVIDENCE_MAX)
                        break;
                j->evidence[JAIL_EVIDENCE_MAX - ++n] = (JailEvidence){
                        .when = t[left].when,
                        .place = { t[left].seqnum, t[left].journal },
                        .pattern = j->patterns[t[left].pattern].name,
                };
        }

        f->evidence = j->evidence + JAIL_EVIDENCE_MAX - n;
        f->n_evidence = n;
}

/* Counts n failures of one pattern and user. Returns 1 if a ban is due, and the rest is left out:
 * it would count toward the next. */
static int
count_some(Jail *j, const PendingFailure *p, EntryPlace place, uint32_t session, JailFailure *f) {
        JailCount *count = &j->counts[f->n_counts];
        TrackerFailure t = {
                .when = f->when,
                .seqnum = place.seqnum,
                .journal = place.journal,
                .user = p->user,
                .session = session,
                .weight = weight_of(j, p->pattern),
                .pattern = (uint16_t) (p->pattern - j->patterns),
        };

        if (t.weight == 0 || p->n == 0)
                return 0;

        assert(f->n_counts < ELEMENTSOF(j->counts));
        *count = (JailCount){ .pattern = p->pattern->name };
        f->n_counts++;

        for (unsigned i = 0; i < p->n; i++) {
                int r;

                if (j->refilling)
                        r = tracker_record(j->tracker, &f->target, &t);
                else
                        r = tracker_hit(j->tracker, &f->target, &t, &f->failures);
                if (r < 0)
                        return r;

                f->n++;
                f->weight += t.weight;
                f->pattern = p->pattern->name;
                count->n++;
                if (r > 0) {
                        tell_evidence(j, f);
                        return 1;
                }
        }

        return 0;
}

/* Counts those that waited and the entry's own. */
static int
count_all(Jail *j, Session *s, const PendingFailure *own, const Entry *e, JailFailure *f) {
        EntryPlace place = entry_get_place(e);
        int r = 0;

        f->counts = j->counts;
        for (size_t i = 0; s && i < s->n_pending && r == 0; i++)
                r = count_some(j, &s->pending[i], place, s->number, f);
        if (r == 0)
                r = count_some(j, own, place, s ? s->number : 0, f);
        if (r < 0)
                return r;

        if (!j->refilling) {
                j->stats.n_failures += f->n;
                j->stats.last_failure = f->when;
        }
        return r > 0 ? JAIL_BAN : JAIL_FAILURE;
}

/* How many failures would count: those of patterns with a weight. */
static unsigned count_weighty(const Jail *j, const Session *s, const PendingFailure *own) {
        unsigned n = weight_of(j, own->pattern) > 0 ? own->n : 0;

        for (size_t i = 0; s && i < s->n_pending; i++)
                n += weight_of(j, s->pending[i].pattern) > 0 ? s->pending[i].n : 0;

        return n;
}

/* True if the session, or without one the failure, came so late that the ban should have kept it
 * out. */
static bool has_leaked(const Jail *j, const Session *s, const Ban *ban, usec_t when) {
        usec_t began = s ? s->began : when;

        if (ban->acknowledged == 0 || j->refilling || !has_filter(j))
                return false;
        if (s && s->began == when && j->result.kind == PATTERN_ONCE)
                return false;

        return began > usec_add(MAX(ban->acknowledged, j->guarded), JAIL_LEAK_USEC);
}

/* n failures of an address that is banned already. */
static int count_banned(Jail *j, const Session *s, Ban *ban, unsigned n, JailFailure *f) {
        j->stats.n_banned += n;
        if (!has_leaked(j, s, ban, f->when))
                return JAIL_NOTHING;

        j->stats.n_leaks += n;
        ban->n_leaks += MIN(n, UINT_MAX - ban->n_leaks);
        f->n = n;
        f->ban = ban;
        return JAIL_LEAK;
}

/* An entry that the address of its failures is known of. */
static int decide(Jail *j, Session *s, const PendingFailure *own, const Entry *e, JailFailure *f) {
        unsigned n = count_weighty(j, s, own);
        int r = JAIL_NOTHING;
        Ban *ban;

        if (n == 0)
                ;
        else if (allowlist_covers(&j->config->allow, &f->host))
                j->stats.n_allowed += n;
        else if ((ban = ban_list_find(j->bans, &f->host, f->when)))
                r = count_banned(j, s, ban, n, f);
        else if (!is_forgotten(j, f))
                r = count_all(j, s, own, e, f);

        if (s)
                session_drop_pending(s);
        return r;
}

/* An entry that some pattern recognised. */
static int process_result(Jail *j, const Entry *e, JailFailure *ret) {
        const MatcherResult *result = &j->result;
        PendingFailure own = { .pattern = result->pattern };
        bool has_address;
        JailFailure f;
        Session *s;
        int r;

        r = get_session(j, e, &s);
        if (r < 0)
                return r;

        has_address = s ? s->has_address : result->has_address;
        own.user = s ? s->user : hash_user(&result->user);
        own.n = result->kind == PATTERN_FAIL ||
                (result->kind == PATTERN_ONCE && (!s || s->n_failures == 0));
        if (s)
                s->n_failures += own.n;

        if (!has_address) {
                /* Nothing is known of it, as when a connection ends: it takes no other's place. */
                if (result->kind == PATTERN_BEGIN && s && s->user == 0) {
                        session_table_remove(j->sessions, s);
                        return JAIL_NOTHING;
                }
                if (result->kind == PATTERN_CLEAR && own.user != 0 && s)
                        session_forgive_pending(s, own.user);
                if (own.n > 0 && s && s->n_waiting < PENDING_MAX)
                        return session_add_pending(s, own.pattern, own.user);
                return JAIL_NOTHING;
        }

        f = make_failure(j, e, s);
        if (result->kind == PATTERN_CLEAR && own.user != 0)
                forgive(j, s, &f, own.user);

        r = decide(j, s, &own, e, &f);
        if (r > JAIL_NOTHING)
                *ret = f;
        return r;
}

int jail_process(Jail *j, const Entry *e, JailFailure *ret) {
        int r;

        assert(j);
        assert(e);
        assert(ret);

        if (!j->matcher)
                return JAIL_NOTHING;
        if (!fits(j, e))
                return JAIL_NOTHING;
        j->stats.n_entries++;
        j->stats.n_cut += e->is_cut;

        r = jail_match(j, e, &j->result);
        if (r < 0)
                return r;
        if (r == 0 || j->result.kind == PATTERN_IGNORE)
                return JAIL_NOTHING;

        return process_result(j, e, ret);
}

int jail_load_ban(Jail *j, const Ban *ban) {
        int r;

        assert(j);
        assert(ban);

        r = ban_list_add(j->bans, ban, NULL);
        if (r < 0)
                return r;

        j->stats.n_leaks += ban->n_leaks;
        return 0;
}

/* Whom the hosts of a prefix count for; false if that is not one and the same for all of them. */
static bool get_target(const Jail *j, const Address *net, Address *ret) {
        Address first = *net;

        first.prefixlen = (uint16_t) address_family_bits(net->family);
        *ret = policy_target(&j->prefixes, &j->config->allow, &first);
        return address_covers(ret, net);
}

static EntryPlace get_ban_place(void *userdata) {
        const Ban *ban = userdata;

        return (EntryPlace){ ban->id, ENTRY_PLACE_BAN };
}

int jail_count_ban(Jail *j, const JailConfig *by, const Ban *ban, JailFailure *ret) {
        const Entry e = { .get_place = get_ban_place, .userdata = (void *) ban };
        const PendingFailure own = { .pattern = &ban_pattern, .n = 1 };
        JailFailure f = { .host = ban->address, .when = ban->start, .pattern = ban_pattern.name };
        int r;

        assert(j);
        assert(by);
        assert(ban);
        assert(ret);

        if (j->config->refused || !config_jail_counts(j->config, by) || ban->failures == 0)
                return JAIL_NOTHING;
        if (!get_target(j, &ban->address, &f.target))
                return JAIL_NOTHING;

        f.host.prefixlen = (uint16_t) address_family_bits(f.host.family);
        r = decide(j, NULL, &own, &e, &f);
        if (r > JAIL_NOTHING)
                *ret = f;
        return r;
}

static void forget_prefix(Jail *j, const Address *net, usec_t until) {
        Forgotten *oldest = &j->forgotten[0];

        for (size_t i = 0; i < ELEMENTSOF(j->forgotten); i++)
                if (j->forgotten[i].until < oldest->until)
                        oldest = &j->forgotten[i];

        *oldest = (Forgotten){ *net, until };
        tracker_forget_within(j->tracker, net, until);
}

int jail_forget(Jail *j, const Address *a, usec_t until) {
        bool has_target;
        Address target;
        int r;

        assert(j);
        assert(a);

        /* Bans of a /64 end by the thousand, and looking for hosts within each would take long. */
        has_target = get_target(j, a, &target);
        if (!has_target)
                forget_prefix(j, a, until);

        r = tracker_forget(j->tracker, a, until);
        if (r < 0 || !has_target || address_equal(&target, a))
                return r;

        return tracker_forget(j->tracker, &target, until);
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
        usec_t lookback = j->sessions ? SESSION_AGE_MAX : 0;
        unsigned n = 1;

        assert(j);

        if (j->config->source == JAIL_SOURCE_BANS)
                return 0;
        if (!j->config->refused && j->config->filter->clears_address)
                n = TRACKER_CLEAR_WINDOWS;
        while (n-- > 0)
                lookback = usec_add(lookback, j->config->findtime);

        return lookback;
}
