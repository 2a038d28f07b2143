/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel tells for each socket the id of the control group it was opened in, which is the inode
 * number of that group's directory. systemd names the directories after units, so a walk over them
 * turns ids into units. The directories number in the hundreds.
 */

#include "ctl/listeners.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#define LISTENERS_MAX 65536u

/* Enough for what the kernel puts into one answer of a dump. */
#define DUMP_SIZE 32768u

/* Deeper than systemd nests units, even those of users. */
#define CGROUP_DEPTH_MAX 16

static const char *const cgroup_roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

typedef struct Listener {
        uint16_t port; /* host byte order */
        uint64_t cgroup_id;
        char *path; /* of the control group below the root; NULL if it is not known */
} Listener;

struct Listeners {
        Listener *listeners;
        size_t n_listeners;
};

Listeners *listeners_free(Listeners *l) {
        if (!l)
                return NULL;

        for (size_t i = 0; i < l->n_listeners; i++)
                free(l->listeners[i].path);
        free(l->listeners);
        free(l);
        return NULL;
}

/* Sockets */

static int on_attribute(const struct nlattr *attribute, void *userdata) {
        if (mnl_attr_get_type(attribute) == INET_DIAG_CGROUP_ID &&
                        mnl_attr_get_payload_len(attribute) >= sizeof(uint64_t))
                memcpy(userdata, mnl_attr_get_payload(attribute), sizeof(uint64_t));

        return MNL_CB_OK;
}

static int on_socket(const struct nlmsghdr *message, void *userdata) {
        const struct inet_diag_msg *d = mnl_nlmsg_get_payload(message);
        Listeners *l = userdata;
        Listener *listeners;
        uint64_t id = 0;

        if (mnl_nlmsg_get_payload_len(message) < sizeof(*d) || l->n_listeners == LISTENERS_MAX)
                return MNL_CB_OK;

        (void) mnl_attr_parse(message, sizeof(*d), on_attribute, &id);

        listeners = reallocarray(l->listeners, l->n_listeners + 1, sizeof(*listeners));
        if (!listeners) {
                errno = ENOMEM;
                return MNL_CB_ERROR;
        }
        l->listeners = listeners;
        l->listeners[l->n_listeners++] = (Listener){
                .port = ntohs(d->id.idiag_sport),
                .cgroup_id = id,
        };
        return MNL_CB_OK;
}

static void close_socketp(struct mnl_socket **s) {
        if (*s)
                (void) mnl_socket_close(*s);
}

static int read_sockets(Listeners *l, uint8_t family) {
        _cleanup_(close_socketp) struct mnl_socket *s = NULL;
        _cleanup_(freep) char *buf = NULL;
        const size_t size = DUMP_SIZE;
        struct inet_diag_req_v2 *request;
        struct nlmsghdr *message;
        ssize_t n;

        buf = calloc(1, size);
        if (!buf)
                return -ENOMEM;

        message = mnl_nlmsg_put_header(buf);
        message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        message->nlmsg_seq = 1;
        request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
        request->sdiag_family = family;
        request->sdiag_protocol = IPPROTO_TCP;
        request->idiag_states = 1u << TCP_LISTEN;

        s = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
        if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
                        mnl_socket_sendto(s, message, message->nlmsg_len) < 0)
                return -errno;

        do {
                n = mnl_socket_recvfrom(s, buf, size);
                if (n < 0)
                        return -errno;
                n = mnl_cb_run(buf, (size_t) n, 1, mnl_socket_get_portid(s), on_socket, l);
                if (n < 0)
                        return -errno;
        } while (n > MNL_CB_STOP);

        return 0;
}

/* Control groups */

static void name_cgroup(Listeners *l, uint64_t id, const char *path) {
        for (size_t i = 0; i < l->n_listeners; i++)
                if (l->listeners[i].cgroup_id == id && !l->listeners[i].path)
                        l->listeners[i].path = strdup(path);
}

/* path is the directory's, of which the first n_root bytes are that of the hierarchy. */
static void walk_cgroups(Listeners *l, const char *path, size_t n_root, unsigned depth) {
        const struct dirent *d;
        DIR *dir;

        dir = opendir(path);
        if (!dir)
                return;

        while ((d = readdir(dir))) {
                _cleanup_(freep) char *child = NULL;

                if (d->d_type != DT_DIR || d->d_name[0] == '.')
                        continue;
                if (asprintf(&child, "%s/%s", path, d->d_name) < 0)
                        continue;

                name_cgroup(l, d->d_ino, child + n_root);
                if (depth < CGROUP_DEPTH_MAX)
                        walk_cgroups(l, child, n_root, depth + 1);
        }

        (void) closedir(dir);
}

int listeners_new(Listeners **ret) {
        _cleanup_(listeners_freep) Listeners *l = NULL;
        int r;

        assert(ret);

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        r = read_sockets(l, AF_INET);
        if (r >= 0)
                r = read_sockets(l, AF_INET6);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(cgroup_roots) && l->n_listeners > 0; i++)
                walk_cgroups(l, cgroup_roots[i], strlen(cgroup_roots[i]), 0);

        *ret = TAKE_PTR(l);
        return 0;
}

bool listeners_any(const Listeners *l, const PortSet *ports) {
        assert(l);
        assert(ports);

        for (size_t i = 0; i < l->n_listeners; i++)
                if (ports_contains(ports, l->listeners[i].port))
                        return true;

        return false;
}

/* Units */

/* True if a directory of the path has the name, given in two parts. */
static bool has_component(const char *path, const char *name, size_t size, const char *suffix) {
        size_t suffix_size = strlen(suffix);

        for (const char *p = path; *p;) {
                size_t n;

                p += *p == '/';
                n = strcspn(p, "/");
                if (n == size + suffix_size && memcmp(p, name, size) == 0 &&
                                memcmp(p + size, suffix, suffix_size) == 0)
                        return true;
                p += n;
        }

        return false;
}

bool listeners_path_fits(const char *path, const MatchTerm *term) {
        const char *name = term->value, *end = strrchr(name, '.'), *rest;
        size_t size = end ? (size_t) (end - name) : strlen(name);

        assert(path);

        if (has_component(path, name, strlen(name), ""))
                return true;

        if (term->field == ENTRY_SYSTEMD_UNIT)
                return has_component(path, name, size, ".socket");

        /* ssh@.service has its instances in system-ssh.slice, and its socket is ssh.socket. */
        rest = startswith(name, "system-");
        return term->field == ENTRY_SYSTEMD_SLICE && rest &&
               has_component(path, rest, size - strlen("system-"), ".socket");
}

static bool match_has_path(const Match *match, const char *path) {
        for (size_t i = 0; i < match->n_groups; i++)
                for (size_t j = 0; j < match->groups[i].n_terms; j++) {
                        const MatchTerm *term = &match->groups[i].terms[j];

                        if ((term->field == ENTRY_SYSTEMD_UNIT ||
                                            term->field == ENTRY_SYSTEMD_SLICE) &&
                                        listeners_path_fits(path, term))
                                return true;
                }

        return false;
}

/* Keeps the ports sorted. */
static void insert_port(ListenerPort *ports, size_t *n, size_t max, const ListenerPort *p) {
        size_t i = 0;

        while (i < *n && ports[i].port < p->port)
                i++;
        if ((i < *n && ports[i].port == p->port) || *n == max)
                return;

        memmove(ports + i + 1, ports + i, (*n - i) * sizeof(*ports));
        ports[i] = *p;
        (*n)++;
}

size_t listeners_of_match(const Listeners *l, const Match *match, ListenerPort *ret, size_t max) {
        size_t n = 0;

        assert(l);
        assert(match);
        assert(ret);

        for (size_t i = 0; i < l->n_listeners; i++) {
                const char *path = l->listeners[i].path;
                ListenerPort port = { .port = l->listeners[i].port };

                if (!path || !match_has_path(match, path))
                        continue;
                (void) snprintf(port.unit, sizeof(port.unit), "%s", strrchr(path, '/') + 1);
                insert_port(ret, &n, max, &port);
        }

        return n;
}
