/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What administrators ask for. A command is answered when it is done: the kernel has it and the
 * disk has it. A ban goes the usual way, firewall first. An unban is stored before the kernel is
 * told: if the machine stops in between, the address is let free at the next start, because the
 * store says that the kernel may still have it.
 *
 * If the store fails, the kernel is told all the same, since whoever locked himself out cannot wait
 * for the disk. The answer says that a crash would undo it.
 */

#include "base/log.h"
#include "daemon/announce.h"
#include "daemon/manager-private.h"
#include "engine/policy.h"
#include "engine/store-history.h"

/* What is asked for with each address of a command. */
typedef struct Order {
        usec_t when;
        usec_t duration;
        const char *reason;
        bool force;
} Order;

/* Prefixes shorter than these hold whole providers; nobody means that. */
#define IPV4_PREFIX_MIN 8
#define IPV6_PREFIX_MIN 19

bool manager_is_reasonable(const Address *a) {
        return a->prefixlen >= (a->family == AF_INET ? IPV4_PREFIX_MIN : IPV6_PREFIX_MIN);
}

static int
check_ban(Manager *m, Jail *jail, const Address *a, char error[static MANAGER_ERROR_SIZE]) {
        char text[ADDRESS_STR_SIZE], other[ADDRESS_STR_SIZE];
        Spared spared;

        address_format(a, text);

        if (surroundings_spare(m->surroundings, jail_get_config(jail), a, &spared)) {
                bool same = address_equal(a, &spared.which);

                (void) snprintf(error,
                                MANAGER_ERROR_SIZE,
                                "%s %s%s%s %.*s.",
                                text,
                                same ? "is" : "contains ",
                                same ? "" : address_format(&spared.which, other),
                                same ? "" : ",",
                                MANAGER_ERROR_SIZE / 2,
                                spared.text);
                return -EADDRINUSE;
        }

        if (allowlist_overlaps(&jail_get_config(jail)->allow, a)) {
                (void) snprintf(error,
                                MANAGER_ERROR_SIZE,
                                "%s is or contains an address that the jail allows.",
                                text);
                return -EADDRINUSE;
        }

        if (exemptions_overlap(&m->exemptions, a, manager_now())) {
                (void) snprintf(error,
                                MANAGER_ERROR_SIZE,
                                "%s is or contains an address that is allowed for now.",
                                text);
                return -EADDRINUSE;
        }

        return 0;
}

int manager_commit_command(Manager *m, bool durable) {
        int r;

        r = manager_commit(m, durable || m->status.store_failed);
        return r < 0 && !m->status.firewall_failed ? -EROFS : r;
}

void manager_set_caller(Manager *m, uid_t uid) {
        assert(m);

        m->caller = uid;
}

/* Bans one address by hand; the commit is left to the caller. Returns as manager_ban(). */
static int ban_one(Manager *m,
                Jail *jail,
                const Address *a,
                const Order *order,
                char error[static MANAGER_ERROR_SIZE]) {
        const Ban *found;
        usec_t length;
        Ban ban;
        int r;

        error[0] = '\0';

        if (!manager_is_reasonable(a))
                return -EINVAL;
        if (!order->force) {
                r = check_ban(m, jail, a, error);
                if (r < 0)
                        return r;
        }

        ban = (Ban){
                .address = *a,
                .pattern = "",
                .reason = isempty(order->reason) ? NULL : (char *) order->reason,
                .id = m->next_id,
                .start = order->when,
        };
        length = order->duration > 0 ? order->duration : jail_get_config(jail)->bantime;
        ban.end = policy_end(ban.start, length);

        found = ban_list_get(jail_get_bans(jail), a);
        if (found && found->end == ban.end)
                return 0;

        m->next_id++;
        r = manager_add_ban(m, jail, &ban);
        if (r < 0)
                return r;
        if (r == 0) {
                char text[ADDRESS_STR_SIZE];

                (void) snprintf(error,
                                MANAGER_ERROR_SIZE,
                                "There is no room for a ban of %s: there are as many as max_bans "
                                "allows, and all are for good.",
                                address_format(a, text));
                return -ENOSPC;
        }
        m->status.n_bans++;
        manager_count_ban(m, jail, &ban, NULL);
        return 1;
}

int manager_ban(Manager *m,
                const char *name,
                const Address *a,
                usec_t duration,
                const char *reason,
                bool force,
                char error[static MANAGER_ERROR_SIZE]) {
        const Order order = { manager_now(), duration, reason, force };
        Jail *jail;
        int r, k;

        assert(m);
        assert(name);
        assert(a);

        error[0] = '\0';

        jail = manager_find_jail(m, name);
        if (!jail)
                return -ENXIO;

        r = ban_one(m, jail, a, &order, error);
        if (r < 0 || (r == 0 && !m->status.store_failed))
                return r;

        k = manager_commit_command(m, true);
        return k < 0 ? k : r;
}

int manager_ban_many(Manager *m,
                const char *name,
                const Address *addresses,
                size_t n,
                usec_t duration,
                const char *reason,
                bool force,
                ManagerRefusedHandler handler,
                void *userdata,
                ManagerBanned *ret) {
        const Order order = { manager_now(), duration, reason, force };
        ManagerBanned banned = {};
        Jail *jail;
        int r = 0, k;

        assert(m);
        assert(name);
        assert(addresses || n == 0);
        assert(handler);
        assert(ret);

        jail = manager_find_jail(m, name);
        if (!jail)
                return -ENXIO;

        for (size_t i = 0; i < n; i++) {
                char error[MANAGER_ERROR_SIZE];

                r = ban_one(m, jail, &addresses[i], &order, error);
                if (r == -EINVAL || r == -EADDRINUSE || r == -ENOSPC)
                        r = handler(i, r, error, userdata);
                else if (r > 0)
                        banned.n_banned++;
                else if (r == 0)
                        banned.n_unchanged++;
                if (r < 0)
                        break;
        }

        /* What was queued until something went wrong is carried out all the same. */
        k = banned.n_banned > 0 || m->status.store_failed ? manager_commit_command(m, true) : 0;
        *ret = banned;
        return r < 0 ? r : k;
}

/* What is lifted by one command. */
typedef struct Lifting {
        usec_t when;
        const char *cause;
        size_t n;
        int store_error; /* a negative errno if the store does not have it */
} Lifting;

/* Moves the ban to the changes, and tells the store alone. */
static int lift(Manager *m, Jail *jail, Ban *ban, Lifting *l) {
        if (l->store_error >= 0)
                l->store_error = store_end_ban(m->store,
                                jail_get_config(jail)->name,
                                ban,
                                l->when,
                                l->cause,
                                true);

        l->n++;
        return manager_end_ban(m, jail, ban, l->when, l->cause);
}

/* Failures of before count no more, also when the windows are filled anew. */
static int forget(Manager *m, Jail *jail, const Address *a, Lifting *l) {
        if (l->store_error >= 0)
                l->store_error = store_add_unban(m->store, jail_get_config(jail)->name, a, l->when);

        return jail_forget_lifted(jail, a, l->when);
}

/* The store is to have that later. */
static int forget_later(Manager *m, Jail *only, const Address *a, const Lifting *l) {
        const Ban nobody = { .address = *a, .pattern = "" };
        int r = 0;

        for (size_t i = 0; i < m->n_jails && r >= 0; i++)
                if (!only || m->jails[i] == only)
                        r = manager_add_change(
                                        m, CHANGE_FORGET, m->jails[i], &nobody, l->when, NULL);
        return r;
}

/* Those within a prefix, or all. */
static Ban *next_lifted(const BanList *bans, const Address *a, const Ban *ban) {
        return a ? ban_list_next_within(bans, a, ban) : ban_list_next(bans, ban);
}

static int lift_matching(Manager *m, Jail *jail, const Address *a, Lifting *l) {
        BanList *bans = jail_get_bans(jail);
        Ban *ban, *next;
        int r;

        /* Prefixes around it, found by a few look-ups. */
        while (a && (ban = ban_list_find(bans, a, 0))) {
                r = lift(m, jail, ban, l);
                if (r < 0)
                        return r;
        }

        if (a && address_is_host(a))
                return forget(m, jail, a, l);

        for (ban = next_lifted(bans, a, NULL); ban; ban = next) {
                next = next_lifted(bans, a, ban);
                r = lift(m, jail, ban, l);
                if (r < 0)
                        return r;
        }

        return a ? forget(m, jail, a, l) : 0;
}

/* Lifts what shuts out one address after the other, or once, with NULL, all. The handler is told
 * how many bans each had. */
static int unban(Manager *m,
                Jail *only,
                const Address *addresses,
                size_t n_addresses,
                const char *cause,
                ManagerLiftedHandler handler,
                void *userdata) {
        Lifting l = { .when = manager_now(), .cause = cause };
        int r, k;

        r = addresses ? 0 : manager_load_rest(m);
        if (r < 0)
                return r;

        /* What is open from before goes first, so that only what is lifted is in the changes. */
        r = manager_commit_command(m, false);
        if (r < 0 && r != -EROFS)
                return r;

        l.store_error = r < 0 ? r : store_begin(m->store, true);
        r = 0;
        for (size_t i = 0; i < n_addresses && r >= 0; i++) {
                const Address *a = addresses ? &addresses[i] : NULL;
                size_t before = l.n;

                for (size_t j = 0; j < m->n_jails && r >= 0; j++)
                        if (!only || m->jails[j] == only)
                                r = lift_matching(m, m->jails[j], a, &l);
                handler(i, l.n - before, userdata);
        }

        if (l.store_error >= 0)
                l.store_error = manager_save_progress(m);
        if (l.store_error >= 0)
                l.store_error = store_commit(m->store);
        else
                store_rollback(m->store);
        if (l.store_error >= 0) {
                manager_saved(m);
                for (size_t i = 0; i < m->n_changes; i++)
                        m->changes[i].stored = true;
                m->clear_in_kernel = true;
        }
        for (size_t i = 0; l.store_error < 0 && addresses && i < n_addresses && r >= 0; i++)
                r = forget_later(m, only, &addresses[i], &l);

        /* What is not stored is tried once more, and reported. That the kernel has let go of what
         * is stored can be written later. */
        k = manager_commit_command(m, l.store_error < 0);
        if (k == -EROFS && l.store_error >= 0)
                k = 0;
        return r < 0 ? r : k;
}

static int find_jail(Manager *m, const char *name, Jail **ret) {
        *ret = name ? manager_find_jail(m, name) : NULL;
        return name && !*ret ? -ENXIO : 0;
}

static void on_lifted(size_t i, size_t n, void *userdata) {
        size_t *sum = userdata;

        (void) i;
        *sum += n;
}

int manager_unban(Manager *m, const char *name, const Address *a, size_t *ret_n) {
        assert(m);
        assert(a);
        assert(ret_n);

        *ret_n = 0;
        return manager_unban_many(m, name, a, 1, on_lifted, ret_n);
}

int manager_unban_many(Manager *m,
                const char *name,
                const Address *addresses,
                size_t n,
                ManagerLiftedHandler handler,
                void *userdata) {
        Jail *jail;
        int r;

        assert(m);
        assert(addresses || n == 0);
        assert(handler);

        r = find_jail(m, name, &jail);
        return r < 0 || n == 0 ? r : unban(m, jail, addresses, n, CAUSE_BY_HAND, handler, userdata);
}

int manager_unban_all(Manager *m, const char *name, const char *cause, size_t *ret_n) {
        Jail *jail;
        int r;

        assert(m);
        assert(cause);
        assert(ret_n);

        *ret_n = 0;
        r = find_jail(m, name, &jail);
        return r < 0 ? r : unban(m, jail, NULL, 1, cause, on_lifted, ret_n);
}

int manager_forget(Manager *m, const Address *a, size_t *ret_n) {
        Lifting l = { .when = manager_now() };
        int r, n = 0;

        assert(m);
        assert(a);
        assert(ret_n);

        /* What ended just now is part of the history, too. */
        r = manager_commit(m, false);
        if (r < 0)
                return r;

        r = store_begin(m->store, true);
        if (r < 0)
                return log_error_errno(r, "Failed to write to the database: %m");

        /* Without the bans that ended, a restart would count the failures that led to them. */
        for (size_t i = 0; i < m->n_jails && r >= 0; i++)
                r = forget(m, m->jails[i], a, &l);
        if (r >= 0)
                r = l.store_error;
        if (r >= 0)
                r = n = store_forget(m->store, a);
        if (r >= 0)
                r = store_commit(m->store);
        else
                store_rollback(m->store);
        if (r < 0)
                return log_error_errno(r, "Failed to write to the database: %m");

        *ret_n = (size_t) n;
        return 0;
}

/* Reloading */

/* Keeps the first problem for the caller and reports all. */
typedef struct FirstProblem {
        char text[PROBLEM_STR_SIZE];
} FirstProblem;

static void on_reload_problem(const Problem *p, void *userdata) {
        FirstProblem *first = userdata;
        char text[PROBLEM_STR_SIZE];

        problem_format(p, text);
        if (!first->text[0])
                memcpy(first->text, text, sizeof(text));
        log_warning("%s", text);
}

static Jail *find_in(Jail *const *jails, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (streq(jail_get_config(jails[i])->name, name))
                        return jails[i];

        return NULL;
}

/* Bans of jails that are gone end, those of the others move over. */
static int swap_jails(Manager *m, Config *config, Jail **jails, size_t n_jails) {
        Config *old_config;
        Jail **old_jails;
        size_t n_old;
        int r;

        for (size_t i = 0; i < m->n_jails; i++) {
                const char *name = jail_get_config(m->jails[i])->name;

                if (find_in(jails, n_jails, name))
                        continue;
                r = manager_end_all(m, m->jails[i], manager_now(), "jail removed");
                if (r < 0)
                        return r;
                bus_emit_jail_removed(m->bus, name);
        }

        r = manager_commit(m, false);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n_jails; i++) {
                Jail *old = find_in(m->jails, m->n_jails, jail_get_config(jails[i])->name);

                if (old)
                        jail_inherit(jails[i], old);
        }

        old_jails = m->jails;
        old_config = m->config;
        n_old = m->n_jails;
        m->jails = jails;
        m->n_jails = n_jails;
        m->config = config;
        m->config_wrong = false;

        for (size_t i = 0; i < n_jails; i++) {
                const char *name = jail_get_config(jails[i])->name;

                if (!find_in(old_jails, n_old, name))
                        bus_emit_jail_added(m->bus, name);
        }

        manager_free_jails(old_jails, n_old);
        config_free(old_config);
        return 0;
}

int manager_reload(Manager *m, char error[static MANAGER_ERROR_SIZE]) {
        FirstProblem first = {};
        ProblemSink sink = { .handler = on_reload_problem, .userdata = &first };
        const char *own[] = { m->params.config_dir, NULL };
        _cleanup_(config_freep) Config *config = NULL;
        Jail **jails = NULL;
        size_t n_jails = 0;
        int r;

        assert(m);

        r = config_load(&config, m->params.config_dir ? own : config_default_path, &sink);
        if (r >= 0)
                r = manager_build_jails(config, &sink, &jails, &n_jails);
        if (r >= 0)
                for (size_t i = 0; i < n_jails; i++)
                        jail_set_exemptions(jails[i], &m->exemptions);
        if (r >= 0 && sink.n_problems > 0)
                r = -EINVAL;
        if (r >= 0 && n_jails == 0) {
                (void) snprintf(first.text, sizeof(first.text), "no jail is enabled.");
                r = -EINVAL;
        }

        /* All of the old bans have to be in the kernel before their sets may change. */
        while (r >= 0 && !m->restored)
                r = manager_restore_step(m);
        if (r >= 0)
                r = manager_commit(m, false);
        if (r >= 0) {
                (void) manager_read_ports(m, config);
                r = manager_configure_anew(m, config, jails, n_jails);
        }

        if (r < 0) {
                (void) snprintf(error,
                                MANAGER_ERROR_SIZE,
                                "%.*s",
                                MANAGER_ERROR_SIZE - 1,
                                first.text[0] ? first.text : strerror(-r));
                manager_free_jails(jails, n_jails);
                log_error("The configuration is not taken over: %s The old one stays in force.",
                                error);
                return r;
        }

        r = swap_jails(m, config, jails, n_jails);
        if (r < 0) {
                (void) snprintf(error, MANAGER_ERROR_SIZE, "%s", strerror(-r));
                manager_free_jails(jails, n_jails);
                return r;
        }
        TAKE_PTR(config);
        manager_verify_anew(m);

        m->portless_reported = false;
        r = unit_ports_follow(m->unit_ports, m->config);
        if (r >= 0)
                r = surroundings_configure(m->surroundings, m->config);
        if (r >= 0)
                r = manager_load_bans(m);
        if (r >= 0)
                r = manager_fill_windows(m);
        if (r < 0) {
                (void) snprintf(error, MANAGER_ERROR_SIZE, "%s", strerror(-r));
                return log_error_errno(r, "Failed to take the new configuration over: %m");
        }

        manager_restore_begin(m, true);
        manager_lift_spared(m);
        if (m->tail)
                tail_wake(m->tail);
        log_info("Configuration reloaded, %zu jail%s.", m->n_jails, m->n_jails == 1 ? "" : "s");
        if (firewall_get_ownership(m->firewall) != FIREWALL_NONE)
                manager_warn_of_rulesets();
        bus_emit_reloaded(m->bus);
        return 0;
}
