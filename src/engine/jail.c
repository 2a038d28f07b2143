/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The way of an entry: does it fit -> what does its message say -> whose is it (sessions) -> is
 * that address allowed -> what does the failure count (targets) -> how often within findtime in the
 * networks around, and, unless it is banned already, how often by itself.
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

#include "engine/jail-private.h"

#include <limits.h>

#include "base/table.h"

/* A hostile client may fail often in one connection before it has an address; more than this need
 * not be remembered to convict it. */
#define PENDING_MAX CONFIG_MAXRETRY_MAX

/* Room for a whole line: newlines take twice their size. */
#define TEXT_SIZE (2 * ENTRY_MESSAGE_MAX + 4096)

/* A hash of a user's name; 0 if it is empty, which is nobody's, and otherwise never. */
static unsigned hash_user(const MatcherSpan *user) {
        unsigned hash;

        if (user->size == 0)
                return 0;

        hash = table_hash(user->data, user->size);
        return hash ? hash : 1;
}

/* What a ban is recognised by. */
static const Pattern ban_pattern = { .name = (char *) "ban", .kind = PATTERN_FAIL };

static int set_patterns(Jail *j) {
        const JailConfig *c = j->config;
        size_t n = jail_has_filter(j) ? c->filter->n_patterns : 1;

        j->patterns = jail_has_filter(j) ? c->filter->patterns : &ban_pattern;
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
        if (r >= 0 && jail_has_filter(j))
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
        jail_memory_done(&j->memory);
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

void jail_set_exemptions(Jail *j, const Exemptions *exemptions) {
        assert(j);

        j->exemptions = exemptions;
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
        if (!j->memory.sessions)
                return 0;

        if (j->config->filter->session == FILTER_SESSION_FIELD) {
                key = e->fields[j->config->filter->session_field].data;
                size = e->fields[j->config->filter->session_field].size;
        }
        if (!key || size == 0)
                return 0;

        s = session_table_get(j->memory.sessions, key, size, e->realtime);
        if (!s)
                return -ENOMEM;

        if ((result->kind == PATTERN_BEGIN && !is_late_beginning(s, e->realtime)) ||
                        (result->has_address && s->has_address &&
                                        !address_equal(&s->address, &result->address)))
                session_restart(j->memory.sessions, s);
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
        if (jail_allows_within(j, &f.target, f.when))
                f.target = f.host;
        return f;
}

/* A login under this name succeeded. */
static int forgive(Jail *j, Session *s, const JailFailure *f, unsigned user) {
        unsigned n = 0;
        int r;

        if (s)
                session_forgive_pending(s, user);
        if (ban_list_find(j->bans, &f->host, f->when) || jail_has_forgotten(j, f))
                return 0;

        r = jail_settle(j, f);
        if (r < 0)
                return r;

        if (s)
                n += tracker_clear_session(j->memory.tracker, &f->target, user, s->number, f->when);
        if (j->config->filter->clears_address)
                n += tracker_clear_address(j->memory.tracker, &f->target, user, f->when);
        j->stats.n_forgiven += n;
        return 0;
}

/* True if the session, or without one the failure, came so late that the ban should have kept it
 * out. */
static bool has_leaked(const Jail *j, const Session *s, const Ban *ban, usec_t when) {
        usec_t began = s ? s->began : when;

        if (ban->acknowledged == 0 || j->refilling || !jail_has_filter(j))
                return false;
        if (s && s->began == when && j->result.kind == PATTERN_ONCE)
                return false;

        return began > usec_add(MAX(ban->acknowledged, j->guarded), JAIL_LEAK_USEC);
}

/* n failures of an address that is banned already. True if they are a leak. */
static bool count_banned(Jail *j, const Session *s, Ban *ban, unsigned n, JailFailure *f) {
        j->stats.n_banned += n;
        if (!has_leaked(j, s, ban, f->when))
                return false;

        j->stats.n_leaks += n;
        ban->n_leaks += MIN(n, UINT_MAX - ban->n_leaks);
        f->n = n;
        f->ban = ban;
        return true;
}

/* n failures of an address that is not allowed. */
static int
count(Jail *j, Session *s, const PendingFailure *own, unsigned n, const Entry *e, JailFailure *f) {
        Ban *ban = ban_list_find(j->bans, &f->host, f->when);
        int r;

        r = jail_count(j, s, own, e, !ban && !jail_has_forgotten(j, f), f);
        if (r >= 0 && ban && count_banned(j, s, ban, n, f))
                r = r == JAIL_BAN ? JAIL_BAN : JAIL_LEAK;
        return r;
}

/* True if what the host does at that time counts nothing. */
static bool is_exempt(const Jail *j, const JailFailure *f) {
        if (allowlist_covers(&j->config->allow, &f->host))
                return true;

        return j->exemptions &&
               (exemptions_cover(j->exemptions, &f->host, f->when) ||
                               exemptions_have_pause(j->exemptions, j->config->name, f->when));
}

/* An entry that the address of its failures is known of. */
static int decide(Jail *j, Session *s, const PendingFailure *own, const Entry *e, JailFailure *f) {
        unsigned n = jail_count_weighty(j, s, own);
        int r = JAIL_NOTHING;

        if (n > 0 && is_exempt(j, f))
                j->stats.n_allowed += n;
        else if (n > 0)
                r = count(j, s, own, n, e, f);

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
                        session_table_remove(j->memory.sessions, s);
                        return JAIL_NOTHING;
                }
                if (result->kind == PATTERN_CLEAR && own.user != 0 && s)
                        session_forgive_pending(s, own.user);
                if (own.n > 0 && s && s->n_waiting < PENDING_MAX)
                        return session_add_pending(s, own.pattern, own.user);
                return JAIL_NOTHING;
        }

        f = make_failure(j, e, s);
        if (result->kind == PATTERN_CLEAR && own.user != 0) {
                r = forgive(j, s, &f, own.user);
                if (r < 0)
                        return r;
        }

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

int jail_load_ban(Jail *j, const Ban *ban, bool in_turn, Ban **ret) {
        int r;

        assert(j);
        assert(ban);

        r = in_turn ? ban_list_load_next(j->bans, ban, ret) : ban_list_load(j->bans, ban, ret);
        if (r > 0) {
                j->stats.n_leaks += ban->n_leaks;
                j->stats_before.n_leaks += ban->n_leaks;
        }
        return r;
}

void jail_count_displaced(Jail *j) {
        assert(j);

        j->stats.n_displaced++;
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
        if (!jail_get_target(j, &ban->address, &f.target))
                return JAIL_NOTHING;

        f.host.prefixlen = (uint16_t) address_family_bits(f.host.family);
        if (address_is_host(&ban->address) && jail_allows_within(j, &f.target, f.when))
                f.target = f.host;
        r = decide(j, NULL, &own, &e, &f);
        if (r > JAIL_NOTHING)
                *ret = f;
        return r;
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
        NetworksStats networks = {};
        TargetsStats targets = {};
        TrackerStats tracker;

        assert(j);
        assert(ret);

        tracker_get_stats(j->memory.tracker, &tracker);
        if (j->memory.networks)
                networks_get_stats(j->memory.networks, &networks);
        if (j->memory.targets)
                targets_get_stats(j->memory.targets, &targets);

        *ret = j->stats;
        ret->n_forgotten = tracker.n_forgotten;
        ret->n_networks_forgotten = networks.n_forgotten;
        ret->n_users_forgotten = targets.n_forgotten;
        ret->n_exceeded = j->matcher ? matcher_get_n_exceeded(j->matcher) : 0;
}

usec_t jail_lookback(const Jail *j) {
        usec_t lookback = j->memory.sessions ? SESSION_AGE_MAX : 0;
        unsigned n = 1;

        assert(j);

        if (j->config->source == JAIL_SOURCE_BANS)
                return 0;
        if (!j->config->refused && j->config->filter->clears_address)
                n = TRACKER_CLEAR_WINDOWS;
        if (j->config->user_maxretry > 0)
                n++;
        while (n-- > 0)
                lookback = usec_add(lookback, j->config->findtime);

        return lookback;
}
