/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * logind keeps a file for each session and tells of changes by inotify; libsystemd reads both, and
 * nothing is asked over the bus. The remote host of a session is what its service told PAM. Where
 * that is a name it is ignored: it may come from the reverse zone of whoever logged in, who can
 * write there what he likes.
 *
 * A session that is closing counts no more, although processes of it may be left.
 */

#include "engine/logins.h"

#include <grp.h>
#include <pwd.h>
#include <systemd/sd-login.h>

#include "base/log.h"

/* Supplementary groups read of a user. */
#define USER_GROUPS_MAX 1024

/* Sessions looked at; local ones are among them. */
#define SESSIONS_READ_MAX 16384

typedef struct Group {
        char *name;
        gid_t gid;
        bool known;
} Group;

typedef struct Login {
        Address address;
        char *user;
        bool is_root;
        uint64_t groups; /* bits: of which of Logins.groups the user is a member */
} Login;

struct Logins {
        sd_login_monitor *monitor;
        Group groups[LOGINS_GROUPS_MAX];
        size_t n_groups;
        Login *entries;
        size_t n;
};

static void free_strings(char ***strings) {
        for (char **s = *strings; s && *s; s++)
                free(*s);
        free(*strings);
}

static void free_entries(Login *entries, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(entries[i].user);
        free(entries);
}

int logins_new(Logins **ret) {
        _cleanup_(logins_freep) Logins *l = NULL;
        int r;

        assert(ret);

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        r = sd_login_monitor_new("session", &l->monitor);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(l);
        return 0;
}

Logins *logins_free(Logins *l) {
        if (!l)
                return NULL;

        free_entries(l->entries, l->n);
        for (size_t i = 0; i < l->n_groups; i++)
                free(l->groups[i].name);
        sd_login_monitor_unref(l->monitor);
        free(l);
        return NULL;
}

int logins_get_fd(const Logins *l) {
        assert(l);

        return sd_login_monitor_get_fd(l->monitor);
}

static const Group *find_group(const Logins *l, const char *name) {
        for (size_t i = 0; i < l->n_groups; i++)
                if (streq(l->groups[i].name, name))
                        return &l->groups[i];

        return NULL;
}

int logins_add_group(Logins *l, const char *name) {
        char *copy;

        assert(l);
        assert(name);

        if (find_group(l, name))
                return 0;
        if (l->n_groups == LOGINS_GROUPS_MAX)
                return -E2BIG;

        copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        l->groups[l->n_groups++] = (Group){ .name = copy };
        return 0;
}

bool logins_has_group(const Logins *l, const char *name) {
        const Group *g;

        assert(l);
        assert(name);

        g = find_group(l, name);
        return g && g->known;
}

static void look_up_groups(Logins *l) {
        for (size_t i = 0; i < l->n_groups; i++) {
                const struct group *g = getgrnam(l->groups[i].name);

                l->groups[i].known = g;
                l->groups[i].gid = g ? g->gr_gid : 0;
        }
}

static uint64_t get_membership(const Logins *l, const struct passwd *user) {
        gid_t gids[USER_GROUPS_MAX];
        int n = USER_GROUPS_MAX;
        uint64_t bits = 0;

        /* Of a user with more groups the first ones are filled in. */
        if (getgrouplist(user->pw_name, user->pw_gid, gids, &n) < 0)
                n = MIN(n, USER_GROUPS_MAX);

        for (size_t i = 0; i < l->n_groups; i++)
                for (int k = 0; k < n; k++)
                        if (l->groups[i].known && l->groups[i].gid == gids[k])
                                bits |= UINT64_C(1) << i;

        return bits;
}

/* The address that a session comes from; false if there is none that counts. */
static bool get_address(const char *session, Address *ret) {
        _cleanup_(freep) char *state = NULL, *class = NULL, *host = NULL;

        if (sd_session_is_remote(session) <= 0 || sd_session_get_state(session, &state) < 0 ||
                        streq(state, "closing"))
                return false;
        if (sd_session_get_class(session, &class) < 0 || !startswith(class, "user"))
                return false;
        if (sd_session_get_remote_host(session, &host) < 0)
                return false;

        if (address_parse(host, strlen(host), ret) < 0 || !address_is_host(ret)) {
                log_debug("Session %s comes from a name and no address, which could be anybody's.",
                                session);
                return false;
        }

        return true;
}

/* Returns 1 and fills *ret if somebody of interest is logged in there, 0 if not, or -ENOMEM. */
static int read_session(const Logins *l, const char *session, Login *ret) {
        const struct passwd *user;
        Login login = {};
        uid_t uid;

        if (!get_address(session, &login.address) || sd_session_get_uid(session, &uid) < 0)
                return 0;

        user = getpwuid(uid);
        login.is_root = uid == 0;
        login.groups = user ? get_membership(l, user) : 0;
        if (!login.is_root && login.groups == 0)
                return 0;

        login.user = strdup(user ? user->pw_name : "root");
        if (!login.user)
                return -ENOMEM;

        *ret = login;
        return 1;
}

int logins_refresh(Logins *l) {
        _cleanup_(free_strings) char **sessions = NULL;
        Login *entries;
        size_t n = 0;
        int r;

        assert(l);

        r = sd_login_monitor_flush(l->monitor);
        if (r < 0)
                return r;

        r = sd_get_sessions(&sessions);
        if (r < 0 && r != -ENOENT)
                return r;

        entries = calloc(LOGINS_MAX, sizeof(*entries));
        if (!entries)
                return -ENOMEM;

        look_up_groups(l);
        r = 0;
        for (size_t i = 0; sessions && sessions[i] && i < SESSIONS_READ_MAX && n < LOGINS_MAX;
                        i++) {
                r = read_session(l, sessions[i], &entries[n]);
                if (r < 0)
                        break;
                n += (size_t) r;
        }
        if (r < 0) {
                free_entries(entries, n);
                return r;
        }

        free_entries(l->entries, l->n);
        l->entries = entries;
        l->n = n;
        return 0;
}

const char *
logins_find(const Logins *l, char *const *groups, const Address *a, Address *ret_which) {
        uint64_t wanted = 0;

        assert(l);
        assert(a);
        assert(ret_which);

        if (!groups)
                return NULL;

        for (; *groups; groups++) {
                const Group *g = find_group(l, *groups);

                if (g)
                        wanted |= UINT64_C(1) << (g - l->groups);
        }

        for (size_t i = 0; i < l->n; i++) {
                const Login *e = &l->entries[i];

                if ((e->is_root || (e->groups & wanted)) && address_covers(a, &e->address)) {
                        *ret_which = e->address;
                        return e->user;
                }
        }

        return NULL;
}

int logins_foreach(const Logins *l, LoginsHandler handler, void *userdata) {
        assert(l);
        assert(handler);

        for (size_t i = 0; i < l->n; i++) {
                int r;

                r = handler(&l->entries[i].address, userdata);
                if (r < 0)
                        return r;
        }

        return 0;
}
