/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel tells for each socket the id of the control group it was opened in, which is the inode
 * number of that group's directory. systemd names the directories after units, so a walk over them
 * turns ids into units. The directories number in the hundreds.
 *
 * A UDP socket does not listen. Those that have no peer and no port of the range that the kernel
 * takes for this host's own questions are taken for servers.
 */

#include "engine/listeners.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <fnmatch.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/netlink.h"
#include "base/parse.h"
#include "base/proc.h"
#include "model/address.h"

#define LISTENERS_MAX 65536u

/* Deeper than systemd nests units, even those of users. */
#define CGROUP_DEPTH_MAX 16

/* Where the groups are that sockets belong to: alone, or beside those of version 1. */
static const char *const cgroup_roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

typedef struct Listener {
        uint16_t port; /* host byte order */
        PortProtocol protocol;
        bool loopback; /* only this host itself gets there */
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

/* What is told of one protocol. */
typedef struct Reading {
        Listeners *listeners;
        PortProtocol protocol;
        PortRange local_ports;
} Reading;

static bool is_loopback(const struct inet_diag_msg *d) {
        Address a;

        return address_from_bytes(d->idiag_family,
                               d->id.idiag_src,
                               address_family_bits(d->idiag_family),
                               &a) >= 0 &&
               address_is_loopback(&a);
}

static int on_socket(const struct nlmsghdr *message, void *userdata) {
        const struct inet_diag_msg *d = mnl_nlmsg_get_payload(message);
        const Reading *reading = userdata;
        Listeners *l = reading->listeners;
        Listener *listeners;
        uint64_t id = 0;
        uint16_t port;

        if (mnl_nlmsg_get_payload_len(message) < sizeof(*d) || l->n_listeners == LISTENERS_MAX)
                return MNL_CB_OK;

        port = ntohs(d->id.idiag_sport);
        if (reading->protocol == PORT_UDP && port >= reading->local_ports.first &&
                        port <= reading->local_ports.last)
                return MNL_CB_OK;

        (void) mnl_attr_parse(message, sizeof(*d), on_attribute, &id);

        listeners = reallocarray(l->listeners, l->n_listeners + 1, sizeof(*listeners));
        if (!listeners) {
                errno = ENOMEM;
                return MNL_CB_ERROR;
        }
        l->listeners = listeners;
        l->listeners[l->n_listeners++] = (Listener){
                .port = port,
                .protocol = reading->protocol,
                .loopback = is_loopback(d),
                .cgroup_id = id,
        };
        return MNL_CB_OK;
}

static int read_sockets(Listeners *l, uint8_t family, PortProtocol protocol) {
        _Alignas(struct nlmsghdr) char question[128];
        _cleanup_(netlink_freep) Netlink *n = NULL;
        Reading reading = { .listeners = l, .protocol = protocol };
        struct inet_diag_req_v2 *request;
        struct nlmsghdr *message;
        int r;

        r = netlink_new(&n, NETLINK_SOCK_DIAG);
        if (r < 0)
                return r;

        message = netlink_begin(n, question, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
        request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
        request->sdiag_family = family;
        request->sdiag_protocol = protocol == PORT_TCP ? IPPROTO_TCP : IPPROTO_UDP;
        request->idiag_states = 1u << (protocol == PORT_TCP ? TCP_LISTEN : TCP_CLOSE);
        proc_local_ports(&reading.local_ports.first, &reading.local_ports.last);

        return netlink_ask(n, message, on_socket, &reading);
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

static void name_cgroups(Listeners *l) {
        for (size_t i = 0; i < ELEMENTSOF(cgroup_roots); i++) {
                char procs[64];

                (void) snprintf(procs, sizeof(procs), "%s/cgroup.procs", cgroup_roots[i]);
                if (access(procs, F_OK) < 0)
                        continue;

                walk_cgroups(l, cgroup_roots[i], strlen(cgroup_roots[i]), 0);
                return;
        }
}

int listeners_new(Listeners **ret) {
        _cleanup_(listeners_freep) Listeners *l = NULL;
        int r;

        assert(ret);

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        r = read_sockets(l, AF_INET, PORT_TCP);
        if (r >= 0)
                r = read_sockets(l, AF_INET6, PORT_TCP);
        if (r < 0)
                return r;

        /* The module that tells of UDP may be missing. */
        (void) read_sockets(l, AF_INET, PORT_UDP);
        (void) read_sockets(l, AF_INET6, PORT_UDP);

        if (l->n_listeners > 0)
                name_cgroups(l);

        *ret = TAKE_PTR(l);
        return 0;
}

bool listeners_any(const Listeners *l, const PortSet *ports) {
        assert(l);
        assert(ports);

        for (size_t i = 0; i < l->n_listeners; i++)
                if ((ports->protocols & l->listeners[i].protocol) &&
                                ports_contains(ports, l->listeners[i].port))
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

/* Same, for a pattern as of fnmatch(3). */
static bool has_matching_component(const char *path, const char *pattern) {
        for (const char *p = path; *p;) {
                char component[256];
                size_t n;

                p += *p == '/';
                n = strcspn(p, "/");
                if (n < sizeof(component)) {
                        memcpy(component, p, n);
                        component[n] = '\0';
                        if (fnmatch(pattern, component, 0) == 0)
                                return true;
                }
                p += n;
        }

        return false;
}

bool listeners_path_fits(const char *path, const MatchTerm *term) {
        const char *name = term->value, *end = strrchr(name, '.'), *rest;
        size_t size = end ? (size_t) (end - name) : strlen(name);

        assert(path);

        if (term->field != ENTRY_SYSTEMD_UNIT && term->field != ENTRY_SYSTEMD_SLICE)
                return false;
        if (term->glob)
                return has_matching_component(path, name);
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
                for (size_t j = 0; j < match->groups[i].n_terms; j++)
                        if (listeners_path_fits(path, &match->groups[i].terms[j]))
                                return true;

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

size_t listeners_of_match(const Listeners *l,
                const Match *match,
                unsigned protocols,
                ListenerPort *ret,
                size_t max) {
        size_t n = 0;

        assert(l);
        assert(match);
        assert(ret);

        for (size_t i = 0; i < l->n_listeners; i++) {
                const Listener *from = &l->listeners[i];
                ListenerPort port = { .port = from->port };

                if (from->loopback || !(protocols & from->protocol) || !from->path ||
                                !match_has_path(match, from->path))
                        continue;
                (void) snprintf(port.unit, sizeof(port.unit), "%s", strrchr(from->path, '/') + 1);
                insert_port(ret, &n, max, &port);
        }

        return n;
}

/* Socket units */

int listeners_parse_socket(const char *s) {
        const char *colon;
        uint64_t port;
        Address a;

        assert(s);

        /* Others are paths, abstract names ("@...") and "vsock:2:22". */
        if (*s != '[' && !isdigit((unsigned char) *s))
                return -EINVAL;

        colon = strrchr(s, ':');
        if (!colon || parse_uint64(colon + 1, 1, UINT16_MAX, &port) < 0)
                return -EINVAL;

        if (address_parse(s, (size_t) (colon - s), &a) >= 0 && address_is_loopback(&a))
                return 0;

        return (int) port;
}

bool listeners_socket_of_term(const MatchTerm *term, char *buf, size_t size) {
        const char *name, *suffix = ".service";
        size_t n;

        assert(term);
        assert(buf);

        name = term->value;
        if (term->field == ENTRY_SYSTEMD_SLICE) {
                name = startswith(name, "system-");
                suffix = ".slice";
        } else if (term->field != ENTRY_SYSTEMD_UNIT || term->glob)
                return false;

        n = name ? strlen(name) : 0;
        if (n <= strlen(suffix) || !streq(name + n - strlen(suffix), suffix))
                return false;

        n -= strlen(suffix);
        return snprintf(buf, size, "%.*s.socket", (int) n, name) < (int) size;
}
