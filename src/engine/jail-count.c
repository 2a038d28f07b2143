/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a failure counts, where, and until when.
 *
 * Networks. What counts in a network follows from the journal and from what was lifted by hand
 * alone. That one of its addresses is banned, or comes free, changes nothing: bans are ended by the
 * clock, and a daemon that catches up would count otherwise than one that ran all the time. While
 * the network itself is banned, or a larger one, nothing counts for it, and of the time before the
 * end of that ban nothing does later. If a failure completes several networks, the smallest is due;
 * the others stay full, for the next failure to decide. Logins forgive nothing there.
 *
 * Ends of bans of prefixes are remembered, and looked up when something counts for an address or
 * network within: no walk through all of them. So are bans that are over by the time of the entry
 * and still in the list, since the clock is not as far.
 */

#include "engine/jail-private.h"

/* User names are made up easily. */
#define USERS_MAX 10000

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

void jail_memory_done(JailMemory *m) {
        session_table_free(m->sessions);
        tracker_free(m->tracker);
        networks_free(m->networks);
        targets_free(m->targets);
        forgotten_free(m->ended);
        forgotten_free(m->lifted);
}

static int new_networks(const JailConfig *c, JailMemory *m) {
        int r;

        r = networks_new(&m->networks,
                        &(const NetworksParams){
                                        .limits = c->networks,
                                        .findtime = c->findtime,
                                        .ipv6_prefix = c->ipv6_prefix,
                                        .max_networks = c->max_addresses,
                        });
        return r < 0 ? r : forgotten_new(&m->lifted, c->max_addresses);
}

static int new_memory(const Jail *j, JailMemory *m) {
        const JailConfig *c = j->config;
        int r;

        r = tracker_new(&m->tracker,
                        &(const TrackerParams){
                                        .maxretry = c->maxretry,
                                        .findtime = c->findtime,
                                        .max_addresses = c->max_addresses,
                        });
        if (r >= 0)
                r = forgotten_new(&m->ended, c->max_addresses);
        if (r >= 0 && c->networks.n_limits > 0)
                r = new_networks(c, m);
        if (r >= 0 && c->user_maxretry > 0)
                r = targets_new(&m->targets,
                                &(const TargetsParams){
                                                .n_addresses = c->user_maxretry,
                                                .findtime = c->findtime,
                                                .max_users = USERS_MAX,
                                });
        if (r >= 0 && jail_has_filter(j) && c->filter->session != FILTER_SESSION_NONE)
                r = session_table_new(&m->sessions,
                                SESSIONS_MAX,
                                tells_beginnings(j) ? USEC_INFINITY : SESSION_AGE_MAX);

        return r;
}

int jail_clear(Jail *j) {
        _cleanup_(jail_memory_done) JailMemory memory = {};
        int r;

        assert(j);

        r = new_memory(j, &memory);
        if (r < 0)
                return r;

        jail_memory_done(&j->memory);
        j->memory = memory;
        memory = (JailMemory){};
        return 0;
}

static uint16_t weight_of(const Jail *j, const Pattern *pattern) {
        return j->weights[pattern - j->patterns];
}

/* Until when what happened within the address or prefix counts nothing for it: the end of its last
 * ban, or of that of a prefix around it; 0 if there was none. */
static usec_t find_end(const Jail *j, const Address *a, usec_t when) {
        return MAX(forgotten_find(j->memory.ended, a), ban_list_find_end(j->bans, a, when));
}

bool jail_has_forgotten(const Jail *j, const JailFailure *f) {
        return f->when <= find_end(j, &f->host, f->when) ||
               tracker_has_forgotten(j->memory.tracker, &f->target, f->when);
}

int jail_settle(Jail *j, const JailFailure *f) {
        usec_t until = find_end(j, &f->target, f->when);

        return until > 0 ? tracker_forget(j->memory.tracker, &f->target, until) : 0;
}

unsigned jail_count_weighty(const Jail *j, const Session *s, const PendingFailure *own) {
        unsigned n = weight_of(j, own->pattern) > 0 ? own->n : 0;

        for (size_t i = 0; s && i < s->n_pending; i++)
                n += weight_of(j, s->pending[i].pattern) > 0 ? s->pending[i].n : 0;

        return n;
}

/* The entries of the failures that made a ban. One that told several failures is one. Returns how
 * many they are, and fills the end of the room for them. */
static size_t tell_evidence(const Jail *j,
                const TrackerFailure *t,
                size_t left,
                JailEvidence evidence[static JAIL_EVIDENCE_MAX]) {
        size_t n = 0;

        /* From the newest one on, to have those if there are too many, and then into order. */
        while (left-- > 0) {
                if (n > 0 && t[left].seqnum == t[left + 1].seqnum &&
                                t[left].when == t[left + 1].when &&
                                t[left].pattern == t[left + 1].pattern)
                        continue;
                if (n == JAIL_EVIDENCE_MAX)
                        break;
                evidence[JAIL_EVIDENCE_MAX - ++n] = (JailEvidence){
                        .when = t[left].when,
                        .place = { t[left].seqnum, t[left].journal },
                        .pattern = j->patterns[t[left].pattern].name,
                };
        }

        return n;
}

static void tell_network(Jail *j, const Address *net, const TrackerFailure *last, JailFailure *f) {
        const TrackerFailure *t;
        size_t n, n_evidence;

        t = networks_get_convicting(j->memory.networks, &n);
        n_evidence = tell_evidence(j, t, n, j->network_evidence);
        f->network = (JailNetwork){
                .due = true,
                .address = *net,
                .failures = (unsigned) n,
                .pattern = j->patterns[last->pattern].name,
                .evidence = j->network_evidence + JAIL_EVIDENCE_MAX - n_evidence,
                .n_evidence = n_evidence,
        };
}

static int count_in_network(Jail *j, const Address *net, const TrackerFailure *t, JailFailure *f) {
        Networks *networks = j->memory.networks;
        usec_t until;
        int r = 0;

        /* The rest of the entry that made a ban due would not count any more. */
        if (f->network.due && address_equal(net, &f->network.address))
                return 0;
        if (ban_list_find(j->bans, net, t->when))
                return 0;

        until = find_end(j, net, t->when);
        if (t->when <= until)
                return 0;
        if (until > 0)
                r = networks_forget(networks, net, until);
        if (r < 0)
                return r;

        if (j->refilling || f->network.due)
                return networks_record(networks, net, &f->host, t);

        r = networks_hit(networks, net, &f->host, t);
        if (r > 0 && !allowlist_overlaps(&j->config->allow, net) &&
                        !jail_allows_within(j, net, t->when) && !address_is_shared_prefix(net))
                tell_network(j, net, t, f);
        return MIN(r, 0);
}

/* In all networks around the host, the smallest first. */
static int count_in_networks(Jail *j, const TrackerFailure *t, JailFailure *f) {
        const NetworkLimits *l = &j->config->networks;
        int r = 0;

        if (!j->memory.networks || address_is_shared_prefix(&f->host) ||
                        t->when <= forgotten_find(j->memory.lifted, &f->host))
                return 0;

        for (size_t i = 0; i < l->n_limits && r >= 0; i++) {
                Address net = f->host;

                if (l->limits[i].family != net.family ||
                                !networks_can_hold(j->memory.networks, &l->limits[i]))
                        continue;
                address_widen(&net, l->limits[i].prefixlen);
                r = count_in_network(j, &net, t, f);
        }

        return r;
}

/* In the window of its target. */
static int count_alone(Jail *j, const TrackerFailure *t, JailFailure *f) {
        Tracker *tracker = j->memory.tracker;
        size_t n_evidence;
        int r;

        if (j->refilling)
                return tracker_record(tracker, &f->target, t);

        r = tracker_hit(tracker, &f->target, t, &f->failures);
        if (r <= 0)
                return r;

        n_evidence = tell_evidence(j, tracker_get_convicting(tracker), f->failures, j->evidence);
        f->evidence = j->evidence + JAIL_EVIDENCE_MAX - n_evidence;
        f->n_evidence = n_evidence;
        f->due = true;
        return 0;
}

/* What a failure counts: what its pattern says, and more of a user who is under attack. */
static int weigh(Jail *j, const PendingFailure *p, const JailFailure *f, uint16_t *ret) {
        uint16_t weight = weight_of(j, p->pattern);
        int r = 0;

        if (j->memory.targets && p->user != 0)
                r = targets_hit(j->memory.targets, p->user, &f->target, f->when);
        if (r < 0)
                return r;

        *ret = r > 0 ? MAX(weight, (uint16_t) j->config->user_weight) : weight;
        return 0;
}

/* Counts n failures of one pattern and user. Once a ban of the target is due, the rest counts for
 * it no more: it would count toward the next. */
static int count_some(Jail *j,
                const PendingFailure *p,
                EntryPlace place,
                uint32_t session,
                bool alone,
                JailFailure *f) {
        JailCount *count = &j->counts[f->n_counts];
        TrackerFailure t = {
                .when = f->when,
                .seqnum = place.seqnum,
                .journal = place.journal,
                .user = p->user,
                .session = session,
                .pattern = (uint16_t) (p->pattern - j->patterns),
        };

        if (weight_of(j, p->pattern) == 0 || p->n == 0)
                return 0;

        if (alone && !f->due) {
                assert(f->n_counts < ELEMENTSOF(j->counts));
                *count = (JailCount){ .pattern = p->pattern->name };
                f->n_counts++;
        }

        for (unsigned i = 0; i < p->n; i++) {
                int r;

                r = weigh(j, p, f, &t.weight);
                if (r >= 0)
                        r = count_in_networks(j, &t, f);
                if (r < 0)
                        return r;
                if (!alone || f->due)
                        continue;

                r = count_alone(j, &t, f);
                if (r < 0)
                        return r;
                f->n++;
                f->weight += t.weight;
                f->pattern = p->pattern->name;
                count->n++;
        }

        return 0;
}

int jail_count(Jail *j,
                Session *s,
                const PendingFailure *own,
                const Entry *e,
                bool alone,
                JailFailure *f) {
        EntryPlace place = {};
        int r = 0;

        if (alone || j->memory.networks)
                place = entry_get_place(e);
        if (alone)
                r = jail_settle(j, f);

        f->counts = j->counts;
        for (size_t i = 0; s && i < s->n_pending && r >= 0; i++)
                r = count_some(j, &s->pending[i], place, s->number, alone, f);
        if (r >= 0)
                r = count_some(j, own, place, s ? s->number : 0, alone, f);
        if (r < 0)
                return r;

        if (!j->refilling && f->n > 0) {
                j->stats.n_failures += f->n;
                j->stats.last_failure = f->when;
        }
        if (f->due || f->network.due)
                return JAIL_BAN;
        return alone ? JAIL_FAILURE : JAIL_NOTHING;
}

bool jail_allows_within(const Jail *j, const Address *net, usec_t when) {
        assert(j);
        assert(net);

        return j->exemptions && exemptions_overlap(j->exemptions, net, when);
}

bool jail_get_target(const Jail *j, const Address *net, Address *ret) {
        Address first = *net;

        first.prefixlen = (uint16_t) address_family_bits(net->family);
        *ret = policy_target(&j->prefixes, &j->config->allow, &first);
        return address_covers(ret, net);
}

bool jail_get_window(const Jail *j, const Address *a, usec_t now, JailWindow *ret) {
        usec_t since = usec_sub(now, j->config->findtime);

        assert(j);
        assert(a);
        assert(ret);

        if (!jail_get_target(j, a, &ret->target))
                return false;

        since = MAX(since, usec_add(find_end(j, &ret->target, now), 1));
        ret->n_failures = tracker_count(j->memory.tracker, &ret->target, since, &ret->newest);
        return ret->n_failures > 0;
}

int jail_forget(Jail *j, const Address *a, usec_t until) {
        bool has_target;
        Address target;
        int r = 0;

        assert(j);
        assert(a);

        /* No network is within a /64, and their bans end by the thousand. */
        has_target = jail_get_target(j, a, &target);
        if (!has_target || (a->family == AF_INET && !address_is_host(a)))
                r = forgotten_add(j->memory.ended, a, until);
        if (r >= 0 && has_target)
                r = tracker_forget(j->memory.tracker, &target, until);
        /* One that counts by itself, while another of its /64 is allowed. */
        if (r >= 0 && has_target && j->exemptions && !address_equal(&target, a))
                r = tracker_forget(j->memory.tracker, a, until);
        return r;
}

static int forget_in_networks(Jail *j, const Address *a, usec_t until) {
        int r;

        r = forgotten_add(j->memory.lifted, a, until);
        if (r >= 0)
                networks_forget_member(j->memory.networks, a, until);
        return r;
}

int jail_forget_lifted(Jail *j, const Address *a, usec_t until) {
        Address target;
        int r;

        r = jail_forget(j, a, until);
        if (r < 0 || !j->memory.networks)
                return r;

        return forget_in_networks(j,
                        a->family == AF_INET6 && jail_get_target(j, a, &target) ? &target : a,
                        until);
}

/* True for a network that has a limit. */
static bool is_limited(const Jail *j, const Address *net) {
        const NetworkLimits *l = &j->config->networks;

        for (size_t i = 0; i < l->n_limits; i++)
                if (l->limits[i].family == net->family && l->limits[i].prefixlen == net->prefixlen)
                        return true;

        return false;
}

int jail_forget_spared(Jail *j, const Address *a, usec_t when) {
        Address target;
        int r = 0;

        assert(j);
        assert(a);

        if (is_limited(j, a))
                r = networks_forget(j->memory.networks, a, when);
        if (r >= 0 && jail_get_target(j, a, &target))
                r = jail_forget(j, a, when);
        return r;
}

void jail_expire(Jail *j, usec_t now) {
        usec_t before;

        assert(j);

        before = usec_sub(now, j->config->findtime);
        (void) tracker_expire(j->memory.tracker, now);
        forgotten_expire(j->memory.ended, before);
        if (j->memory.networks) {
                networks_expire(j->memory.networks, now);
                forgotten_expire(j->memory.lifted, before);
        }
        if (j->memory.targets)
                targets_expire(j->memory.targets, now);
}
