/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Three engines know a part each: host (rtnetlink), names (what names resolved to) and logins
 * (logind). Here they get their event sources, and names their resolver.
 *
 * Names. They are resolved when they are due, a few at a time. What they resolve to is written to
 * the store, so that after a start, when there may be no network for a while, the last known
 * addresses serve. A name that was never resolved spares nobody until it is.
 *
 * Logins. Only watched where a jail asks for it. logind starts later than banjod at boot, so its
 * directory may have to be waited for.
 */

#include "daemon/surroundings.h"

#include "base/log.h"
#include "daemon/announce.h"
#include "daemon/resolver.h"
#include "engine/host.h"
#include "engine/logins.h"
#include "engine/names.h"

/* The bus gets so long to be there before the first name is resolved. */
#define FIRST_DELAY (250 * USEC_PER_MSEC)

/* How often logind is looked for. */
#define LOGINS_RETRY (5 * USEC_PER_SEC)

struct Surroundings {
        sd_event *event;
        SurroundingsHandler handler;
        void *userdata;

        Host *host;
        sd_event_source *host_io;

        Names *names;
        Resolver *resolver; /* NULL: names are not resolved */
        sd_event_source *names_timer;
        Store *store; /* NULL before the start */
        Bus *bus;
        bool unsaved;

        Logins *logins; /* NULL if no jail asks, or logind is not there */
        char **groups;  /* NULL-terminated; NULL if no jail asks */
        sd_event_source *logins_io;
        sd_event_source *logins_timer;
};

static usec_t get_now(const Surroundings *s) {
        uint64_t now = 0;

        (void) sd_event_now(s->event, CLOCK_BOOTTIME, &now);
        return now;
}

/* This host */

static int on_host(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Surroundings *s = userdata;
        int r;

        (void) source;
        (void) fd;
        (void) events;

        r = host_refresh(s->host);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to read this host's addresses and routes: %m");
        if (r > 0)
                s->handler(s->userdata);
        return 0;
}

/* Names */

static int save_name(const char *name, const Address *a, void *userdata) {
        return store_add_name(userdata, name, a);
}

static void save_names(Surroundings *s) {
        int r;

        s->unsaved = true;
        if (!s->store)
                return;

        r = store_begin(s->store, false);
        if (r >= 0) {
                r = store_clear_names(s->store);
                if (r >= 0)
                        r = names_foreach(s->names, save_name, s->store);
                if (r >= 0)
                        r = store_commit(s->store);
                else
                        store_rollback(s->store);
        }

        if (r < 0)
                log_debug("The addresses of names could not be stored, which is tried again.");
        s->unsaved = r < 0;
}

static void arm_names(Surroundings *s) {
        usec_t due = s->resolver ? names_get_due(s->names) : USEC_INFINITY;

        if (!s->names_timer)
                return;
        if (due == USEC_INFINITY) {
                (void) sd_event_source_set_enabled(s->names_timer, SD_EVENT_OFF);
                return;
        }

        (void) sd_event_source_set_time(s->names_timer, due);
        (void) sd_event_source_set_enabled(s->names_timer, SD_EVENT_ONESHOT);
}

static void report_failure(Surroundings *s, unsigned news, const char *name, const char *why) {
        if (news & NAMES_FAILED)
                announce_unresolved(name, why, names_count(s->names, name));
}

static void resolve_due(Surroundings *s) {
        sd_bus *bus = bus_get_connection(s->bus);
        const char *name;

        while (resolver_n_free(s->resolver) > 0 && (name = names_take_due(s->names, get_now(s)))) {
                int r;

                r = resolver_ask(s->resolver, bus, name);
                if (r < 0)
                        report_failure(s,
                                        names_fail(s->names, name, false, get_now(s)),
                                        name,
                                        "banjo-resolve.socket cannot be reached");
        }

        /* Those that no place was free for come when an answer does. */
        if (resolver_n_free(s->resolver) > 0)
                arm_names(s);
}

static void on_answer(const char *name, const ResolverAnswer *answer, void *userdata) {
        Surroundings *s = userdata;
        unsigned news;

        if (answer->result == RESOLVER_FOUND)
                news = names_answer(s->names,
                                name,
                                answer->addresses,
                                answer->n_addresses,
                                answer->ttl,
                                get_now(s));
        else
                news = names_fail(s->names, name, answer->result == RESOLVER_NONE, get_now(s));

        report_failure(s, news, name, answer->why ?: "it has no address that can be a host's");
        if (news & NAMES_RECOVERED)
                log_notice("%s can be resolved again.", name);
        if (news & NAMES_CHANGED)
                log_info("%s has %zu addresses now, which the jails that allow it do not ban.",
                                name,
                                names_count(s->names, name));

        if ((news & NAMES_CHANGED) || s->unsaved)
                save_names(s);
        if (news & NAMES_CHANGED)
                s->handler(s->userdata);

        /* One place is free now, though the query that is answered still has it. */
        (void) sd_event_source_set_time(s->names_timer, get_now(s));
        (void) sd_event_source_set_enabled(s->names_timer, SD_EVENT_ONESHOT);
}

static int on_names_due(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;

        resolve_due(userdata);
        return 0;
}

static int load_name(const char *name, const Address *a, void *userdata) {
        names_add_known(userdata, name, a);
        return 0;
}

/* Logins */

static void read_logins(Surroundings *s) {
        int r;

        r = logins_refresh(s->logins);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to read who is logged in: %m");
}

static int on_logins(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Surroundings *s = userdata;

        (void) source;
        (void) fd;
        (void) events;

        read_logins(s);
        s->handler(s->userdata);
        return 0;
}

static void close_logins(Surroundings *s) {
        s->logins_io = sd_event_source_disable_unref(s->logins_io);
        s->logins = logins_free(s->logins);
}

/* Opens anew what knows the groups of now. */
static int open_logins(Surroundings *s) {
        int r = 0;

        close_logins(s);
        if (!s->groups)
                return 0;

        r = logins_new(&s->logins);
        for (char **g = s->groups; *g && r >= 0; g++) {
                r = logins_add_group(s->logins, *g);
                if (r == -E2BIG) {
                        log_warning("Members of %s are not looked for: all jails together may name "
                                    "%u groups.",
                                        *g,
                                        LOGINS_GROUPS_MAX);
                        r = 0;
                }
        }
        if (r >= 0)
                r = sd_event_add_io(s->event,
                                &s->logins_io,
                                logins_get_fd(s->logins),
                                EPOLLIN,
                                on_logins,
                                s);
        if (r < 0) {
                close_logins(s);
                return r;
        }

        read_logins(s);
        for (char **g = s->groups; *g; g++)
                if (!logins_has_group(s->logins, *g))
                        log_warning("There is no group %s, whose members allow_sessions is to spare.",
                                        *g);
        return 0;
}

static void watch_logins(Surroundings *s) {
        int r;

        r = open_logins(s);
        if (r >= 0) {
                (void) sd_event_source_set_enabled(s->logins_timer, SD_EVENT_OFF);
                return;
        }

        if (r != -ENOENT)
                (void) log_warning_errno(r, "Failed to ask logind who is logged in: %m");
        (void) sd_event_source_set_time_relative(s->logins_timer, LOGINS_RETRY);
        (void) sd_event_source_set_enabled(s->logins_timer, SD_EVENT_ONESHOT);
}

static int on_logins_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Surroundings *s = userdata;

        (void) source;
        (void) usec;

        watch_logins(s);
        if (s->logins)
                s->handler(s->userdata);
        return 0;
}

/* The object */

static void free_strings(char **strings) {
        for (char **i = strings; i && *i; i++)
                free(*i);
        free(strings);
}

static int add_sources(Surroundings *s) {
        int r;

        r = sd_event_add_io(s->event, &s->host_io, host_get_fd(s->host), EPOLLIN, on_host, s);
        if (r >= 0)
                r = sd_event_add_time(
                                s->event, &s->names_timer, CLOCK_BOOTTIME, 0, 0, on_names_due, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->names_timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(s->event,
                                &s->logins_timer,
                                CLOCK_BOOTTIME,
                                0,
                                0,
                                on_logins_retry,
                                s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->logins_timer, SD_EVENT_OFF);
        return r;
}

int surroundings_new(Surroundings **ret,
                sd_event *event,
                SurroundingsHandler handler,
                void *userdata) {
        _cleanup_(surroundings_freep) Surroundings *s = NULL;
        int r;

        assert(ret);
        assert(event);
        assert(handler);

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->handler = handler;
        s->userdata = userdata;

        r = names_new(&s->names);
        if (r >= 0)
                r = host_new(&s->host, NULL);
        if (r >= 0)
                r = add_sources(s);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return 0;
}

Surroundings *surroundings_free(Surroundings *s) {
        if (!s)
                return NULL;

        resolver_free(s->resolver);
        sd_event_source_disable_unref(s->names_timer);
        names_free(s->names);
        close_logins(s);
        sd_event_source_disable_unref(s->logins_timer);
        free_strings(s->groups);
        sd_event_source_disable_unref(s->host_io);
        host_free(s->host);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

/* The names of all jails that are enabled. */
static int collect_names(const Config *config, Names **ret) {
        _cleanup_(names_freep) Names *names = NULL;
        int r;

        r = names_new(&names);
        if (r < 0)
                return r;

        for (size_t i = 0; i < config->n_jails; i++) {
                const JailConfig *j = &config->jails[i];

                for (char **n = j->allow_names; n && *n && j->enabled; n++) {
                        r = names_add(names, *n);
                        if (r == -E2BIG)
                                log_warning("%s is not resolved: all jails together may allow %u "
                                            "names.",
                                                *n,
                                                NAMES_MAX);
                        else if (r < 0)
                                return r;
                }
        }

        *ret = TAKE_PTR(names);
        return 0;
}

/* The groups of all jails that are enabled; NULL if none asks. */
static int collect_groups(const Config *config, char ***ret) {
        char **groups = NULL;
        size_t n = 0;

        for (size_t i = 0; i < config->n_jails; i++) {
                const JailConfig *j = &config->jails[i];
                size_t n_more = 0;
                char **more;

                if (!j->allow_sessions || !j->enabled)
                        continue;
                while (j->allow_sessions[n_more])
                        n_more++;

                more = reallocarray(groups, n + n_more + 1, sizeof(*groups));
                if (!more) {
                        free_strings(groups);
                        return -ENOMEM;
                }
                groups = more;

                for (size_t k = 0; k < n_more; k++) {
                        groups[n] = strdup(j->allow_sessions[k]);
                        if (!groups[n]) {
                                free_strings(groups);
                                return -ENOMEM;
                        }
                        n++;
                }
                groups[n] = NULL;
        }

        *ret = groups;
        return 0;
}

int surroundings_configure(Surroundings *s, const Config *config) {
        Names *names;
        char **groups;
        int r;

        assert(s);
        assert(config);

        r = collect_names(config, &names);
        if (r < 0)
                return r;
        r = collect_groups(config, &groups);
        if (r < 0) {
                names_free(names);
                return r;
        }

        names_inherit(names, s->names);
        names_free(s->names);
        s->names = names;
        arm_names(s);
        save_names(s);

        free_strings(s->groups);
        s->groups = groups;
        watch_logins(s);
        return 0;
}

void surroundings_start(Surroundings *s, Store *store, Bus *bus, bool resolve) {
        int r;

        assert(s);
        assert(store);

        s->store = store;
        s->bus = bus;

        r = store_foreach_name(store, load_name, s->names);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to read the addresses of names: %m");

        if (!resolve)
                return;
        r = resolver_new(&s->resolver, s->event, RESOLVER_SOCKET, on_answer, s);
        if (r < 0)
                (void) log_oom();
        else if (names_get_due(s->names) != USEC_INFINITY) {
                (void) sd_event_source_set_time_relative(s->names_timer, FIRST_DELAY);
                (void) sd_event_source_set_enabled(s->names_timer, SD_EVENT_ONESHOT);
        }
}

void surroundings_save(Surroundings *s) {
        assert(s);

        save_names(s);
}

/* Questions */

bool surroundings_spare(const Surroundings *s,
                const JailConfig *config,
                const Address *a,
                Spared *ret) {
        const char *found;
        HostRole role;

        assert(s);
        assert(config);
        assert(a);
        assert(ret);

        role = host_get_role(s->host, a, config->allow_local, &ret->which);
        if (role != HOST_ROLE_NONE) {
                ret->cause = host_role_to_string(role);
                (void) snprintf(ret->text, sizeof(ret->text), "this host's %s", ret->cause);
                return true;
        }

        found = names_find(s->names, config->allow_names, a, &ret->which);
        if (found) {
                ret->cause = "allowed name";
                (void) snprintf(ret->text,
                                sizeof(ret->text),
                                "an address of %s, which the jail allows",
                                found);
                return true;
        }

        found = s->logins ? logins_find(s->logins, config->allow_sessions, a, &ret->which) : NULL;
        if (found) {
                ret->cause = "logged in";
                (void) snprintf(ret->text, sizeof(ret->text), "where %s is logged in from", found);
                return true;
        }

        return false;
}

bool surroundings_is_on_link(const Surroundings *s, const Address *a) {
        assert(s);
        assert(a);

        return host_is_on_link(s->host, a);
}

typedef struct Walk {
        SurroundingsWalker walker;
        void *userdata;
} Walk;

static int walk_host(HostRole role, const Address *a, void *userdata) {
        const Walk *w = userdata;

        (void) role;
        return w->walker(a, w->userdata);
}

static int walk_names(const char *name, const Address *a, void *userdata) {
        const Walk *w = userdata;

        (void) name;
        return w->walker(a, w->userdata);
}

int surroundings_foreach(const Surroundings *s, SurroundingsWalker walker, void *userdata) {
        Walk w = { walker, userdata };
        int r;

        assert(s);
        assert(walker);

        r = host_foreach(s->host, walk_host, &w);
        if (r >= 0)
                r = names_foreach(s->names, walk_names, &w);
        if (r >= 0 && s->logins)
                r = logins_foreach(s->logins, walker, userdata);
        return r;
}
