/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Answers are built row by row while the database is read, and every one is bounded: the loop waits
 * meanwhile. Whoever wants the whole history comes back for the next piece.
 */

#include "daemon/bus-history.h"

#include "daemon/bus-args.h"
#include "daemon/bus.h"
#include "daemon/manager.h"
#include "engine/evidence.h"
#include "model/bus-names.h"

/* The store and the message have errors of their own, and only those of the message end up in its
 * state: both are looked at. */
static int reply(sd_bus_message *answer, int r, const char *what, sd_bus_error *error) {
        if (r >= 0)
                r = sd_bus_message_send(answer);
        else
                r = bus_failed(r, what, error);
        sd_bus_message_unref(answer);
        return r;
}

/* The fields of a ban, without the brackets. */
static int append_ban(sd_bus_message *answer, const HistoryBan *b) {
        char address[ADDRESS_STR_SIZE];

        return sd_bus_message_append(answer,
                        BUS_HISTORY_FIELDS,
                        b->ban.id,
                        bus_text(b->jail),
                        address_format(&b->ban.address, address),
                        b->ban.start,
                        b->ban.end,
                        (uint32_t) b->ban.failures,
                        bus_text(b->ban.pattern),
                        bus_text(b->ban.reason),
                        bus_text(b->cause),
                        (int) b->counts,
                        (uint64_t) b->ban.n_leaks);
}

int bus_append_history(const HistoryBan *b, void *userdata) {
        sd_bus_message *answer = userdata;
        int r;

        assert(b);
        assert(answer);

        r = sd_bus_message_open_container(answer, 'r', BUS_HISTORY_FIELDS);
        if (r >= 0)
                r = append_ban(answer, b);
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        return r;
}

int bus_history(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        sd_bus_message *answer = NULL;
        const char *jail, *address;
        Manager *m = userdata;
        HistoryQuery q = {};
        uint32_t max;
        Address a;
        int r, more;

        assert(m);

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_INSPECT, error);
        if (r != 0)
                return r;
        r = sd_bus_message_read(
                        message, "sstttu", &jail, &address, &q.since, &q.until, &q.after, &max);
        if (r < 0)
                return r;

        /* A jail that is gone has a history all the same. */
        q.jail = jail[0] ? jail : NULL;
        q.max = max == 0 ? BUS_HISTORY_MAX : MIN(max, BUS_HISTORY_MAX);
        if (address[0]) {
                r = bus_read_address(address, &a, error);
                if (r < 0)
                        return r;
                q.address = &a;
        }

        r = sd_bus_message_new_method_return(message, &answer);
        if (r >= 0)
                r = sd_bus_message_open_container(answer, 'a', BUS_HISTORY_TYPE);
        if (r >= 0)
                r = more = store_history(manager_get_store(m), &q, bus_append_history, answer);
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        if (r >= 0)
                r = sd_bus_message_append(answer, "ttb", q.since, q.after, more);
        return reply(answer, r, "The history could not be read", error);
}

static int on_entry(const EvidenceEntry *e, void *userdata) {
        return sd_bus_message_append(userdata,
                        BUS_EVIDENCE_TYPE,
                        e->when,
                        bus_text(e->pattern),
                        bus_text(e->cursor));
}

static int on_field(const char *name, const char *value, void *userdata) {
        return sd_bus_message_append(userdata, "{ss}", bus_text(name), bus_text(value));
}

typedef struct Why {
        Manager *manager;
        sd_bus_message *answer;
} Why;

/* What makes no sense in the database is left out. */
static int append_evidence(sd_bus_message *answer, const char *entries, const char *fields) {
        int r;

        r = sd_bus_message_open_container(answer, 'a', BUS_EVIDENCE_TYPE);
        if (r >= 0 && entries) {
                r = evidence_foreach_entry(entries, on_entry, answer);
                if (r == -EBADMSG)
                        r = 0;
        }
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        if (r >= 0)
                r = sd_bus_message_open_container(answer, 'a', "{ss}");
        if (r >= 0 && fields) {
                r = evidence_foreach_field(fields, on_field, answer);
                if (r == -EBADMSG)
                        r = 0;
        }
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        return r;
}

static int on_why(const HistoryBan *b, void *userdata) {
        _cleanup_(freep) char *entries = NULL, *fields = NULL;
        Why *w = userdata;
        int r;

        r = store_get_evidence(manager_get_store(w->manager), b->ban.id, &entries, &fields);
        if (r >= 0)
                r = sd_bus_message_open_container(
                                w->answer, 'r', BUS_HISTORY_FIELDS "a" BUS_EVIDENCE_TYPE "a{ss}");
        if (r >= 0)
                r = append_ban(w->answer, b);
        if (r >= 0)
                r = append_evidence(w->answer, entries, fields);
        if (r >= 0)
                r = sd_bus_message_close_container(w->answer);
        return r;
}

static int on_next(const ManagerNextBan *next, void *userdata) {
        return sd_bus_message_append(userdata,
                        BUS_NEXT_TYPE,
                        bus_text(next->jail),
                        next->n_earlier,
                        next->length);
}

int bus_why(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Why w = { .manager = userdata };
        const char *address;
        Address a;
        int r;

        assert(w.manager);

        r = bus_authorize(manager_get_bus(w.manager), message, BUS_ACTION_INSPECT, error);
        if (r != 0)
                return r;
        r = sd_bus_message_read(message, "s", &address);
        if (r < 0)
                return r;
        r = bus_read_address(address, &a, error);
        if (r < 0)
                return r;

        r = sd_bus_message_new_method_return(message, &w.answer);
        if (r >= 0)
                r = sd_bus_message_open_container(w.answer, 'a', BUS_WHY_TYPE);
        if (r >= 0)
                r = store_newest(manager_get_store(w.manager), &a, BUS_WHY_MAX, on_why, &w);
        if (r >= 0)
                r = sd_bus_message_close_container(w.answer);
        if (r >= 0)
                r = sd_bus_message_open_container(w.answer, 'a', BUS_NEXT_TYPE);
        if (r >= 0)
                r = manager_foreach_next_ban(w.manager, &a, on_next, w.answer);
        if (r >= 0)
                r = sd_bus_message_close_container(w.answer);
        return reply(w.answer, r, "The history could not be read", error);
}

/* Statistics */

static int on_step(usec_t step, const char *jail, const HistoryCount *c, void *userdata) {
        return sd_bus_message_append(
                        userdata, BUS_STEPS_TYPE, step, bus_text(jail), c->failures, c->bans);
}

static int
on_pattern(const char *jail, const char *pattern, const HistoryCount *c, void *userdata) {
        return sd_bus_message_append(userdata,
                        BUS_PATTERNS_TYPE,
                        bus_text(jail),
                        bus_text(pattern),
                        c->failures,
                        c->bans);
}

static int on_user(const char *name, const HistoryCount *c, void *userdata) {
        return sd_bus_message_append(userdata, BUS_TOP_TYPE, bus_text(name), c->failures, c->bans);
}

static int on_network(const Address *net, const HistoryCount *c, void *userdata) {
        char address[ADDRESS_STR_SIZE];

        return sd_bus_message_append(
                        userdata, BUS_TOP_TYPE, address_format(net, address), c->failures, c->bans);
}

int bus_statistics(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        uint64_t since, until, step;
        sd_bus_message *answer = NULL;
        Manager *m = userdata;
        Store *s;
        int r;

        assert(m);

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_INSPECT, error);
        if (r != 0)
                return r;
        r = sd_bus_message_read(message, "ttt", &since, &until, &step);
        if (r < 0)
                return r;
        if (step == 0 || step % USEC_PER_HOUR != 0 || since > until ||
                        (until - since) / step > BUS_STEPS_MAX)
                return sd_bus_error_setf(error,
                                SD_BUS_ERROR_INVALID_ARGS,
                                "A step is a number of whole hours, and there are at most %u of "
                                "them from since to until.",
                                BUS_STEPS_MAX);

        (void) manager_save_counts(m); /* or it is told what there is */

        s = manager_get_store(m);
        r = sd_bus_message_new_method_return(message, &answer);
        if (r >= 0)
                r = sd_bus_message_open_container(answer, 'a', BUS_STEPS_TYPE);
        if (r >= 0)
                r = store_foreach_time(s, since, until, step, on_step, answer);
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        if (r >= 0)
                r = sd_bus_message_open_container(answer, 'a', BUS_PATTERNS_TYPE);
        if (r >= 0)
                r = store_foreach_pattern(s, since, until, on_pattern, answer);
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        if (r >= 0)
                r = sd_bus_message_open_container(answer, 'a', BUS_TOP_TYPE);
        if (r >= 0)
                r = manager_foreach_user(m, since, until, on_user, answer);
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        if (r >= 0)
                r = sd_bus_message_open_container(answer, 'a', BUS_TOP_TYPE);
        if (r >= 0)
                r = store_foreach_network(s, since, until, MANAGER_TOP_MAX, on_network, answer);
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        return reply(answer, r, "The counts could not be read", error);
}

int bus_forget(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        const char *address;
        size_t n = 0;
        Address a;
        int r;

        assert(m);

        r = sd_bus_message_read(message, "s", &address);
        if (r < 0)
                return r;
        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_MANAGE, error);
        if (r != 0)
                return r;
        r = bus_read_address(address, &a, error);
        if (r < 0)
                return r;

        r = manager_forget(m, &a, &n);
        if (r < 0)
                return bus_failed(r, "The history could not be changed", error);

        return sd_bus_reply_method_return(message, "u", (uint32_t) n);
}
