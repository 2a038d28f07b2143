/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel is asked for the connections whose peer is one of the targets, and told to destroy
 * each by the id it came with, which contains a cookie: a connection that has taken the same
 * addresses and ports meanwhile is another one.
 *
 * IPv4 connections are found twice: those of IPv4 sockets, and those of IPv6 sockets that listen
 * for both, where the peer is ::ffff:192.0.2.1. So two lists are asked for.
 *
 * The condition is a little program that runs in the kernel for each connection (inet_diag_bc_op):
 * "peer is A, or else peer is B, ...". It accepts when it arrives at its end, and refuses when it
 * jumps beyond.
 */

#include "engine/kill.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#include "base/netlink.h"
#include "base/proc.h"

/* Targets asked for at a time. Each costs some nanoseconds for each connection of the host. */
#define TARGETS_PER_QUESTION 256

/* Not in netinet/tcp.h: a connection of which only the SYN has come. */
#define TCP_NEW_SYN_RECV 12

#define STATES_OPEN                                                                                \
        (1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT | 1u << TCP_SYN_RECV | 1u << TCP_FIN_WAIT1 |   \
                        1u << TCP_FIN_WAIT2 | 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK |          \
                        1u << TCP_CLOSING | 1u << TCP_NEW_SYN_RECV)
#define STATES_LISTENING (1u << TCP_LISTEN)

/* One condition of the program and the jump behind it. */
#define CONDITION_SIZE_MAX                                                                         \
        (2 * sizeof(struct inet_diag_bc_op) + sizeof(struct inet_diag_hostcond) + 16)

typedef struct Connection {
        struct inet_diag_sockid id;
        uint8_t family; /* of the socket */
        uint8_t state;
        bool wants_listener; /* to be destroyed only if somebody listens on its port */
} Connection;

struct Killer {
        Netlink *netlink;
        PortRange local_ports;

        Connection *connections;
        size_t n_connections;
        size_t n_allocated;
        int error; /* of a callback */

        uint8_t listening[(UINT16_MAX + 1) / 8]; /* a bit for each port */

        uint8_t program[TARGETS_PER_QUESTION * CONDITION_SIZE_MAX];
        char question[sizeof(struct nlmsghdr) + sizeof(struct inet_diag_req_v2) + 64 +
                        TARGETS_PER_QUESTION * CONDITION_SIZE_MAX];
};

int killer_new(Killer **ret) {
        _cleanup_(killer_freep) Killer *k = NULL;
        int r;

        assert(ret);

        k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;

        r = netlink_new(&k->netlink, NETLINK_SOCK_DIAG);
        if (r < 0)
                return r;

        proc_local_ports(&k->local_ports.first, &k->local_ports.last);

        *ret = TAKE_PTR(k);
        return 0;
}

Killer *killer_free(Killer *k) {
        if (!k)
                return NULL;

        netlink_free(k->netlink);
        free(k->connections);
        free(k);
        return NULL;
}

static struct inet_diag_req_v2 *put_request(struct nlmsghdr *nlh, uint8_t family, uint32_t states) {
        struct inet_diag_req_v2 *request;

        request = mnl_nlmsg_put_extra_header(nlh, sizeof(*request));
        request->sdiag_family = family;
        request->sdiag_protocol = IPPROTO_TCP;
        request->idiag_states = states;
        return request;
}

/* Writes one condition of the program; returns its size. Sockets of another family never match, so
 * that an IPv4 address is asked of an IPv6 socket in its mapped form. */
static size_t put_condition(uint8_t *p, const Address *a, uint8_t family, bool last) {
        struct inet_diag_hostcond host = { .family = family, .port = -1 };
        size_t address_size = family == AF_INET ? 4 : 16, condition_size, size;
        struct inet_diag_bc_op op = { .code = INET_DIAG_BC_D_COND };
        uint8_t bytes[16] = {};

        if (a->family == family) {
                memcpy(bytes, a->bytes, sizeof(bytes));
                host.prefix_len = (uint8_t) a->prefixlen;
        } else {
                bytes[10] = bytes[11] = 0xff;
                memcpy(bytes + 12, a->bytes, 4);
                host.prefix_len = (uint8_t) (96 + a->prefixlen);
        }

        condition_size = sizeof(op) + sizeof(host) + address_size;
        size = condition_size + (last ? 0 : sizeof(op));

        /* On to the jump, or over it to the next condition, which for the last one is beyond the
         * end. */
        op.yes = (unsigned char) condition_size;
        op.no = (unsigned short) (condition_size + sizeof(op));

        memcpy(p, &op, sizeof(op));
        memcpy(p + sizeof(op), &host, sizeof(host));
        memcpy(p + sizeof(op) + sizeof(host), bytes, address_size);
        return size;
}

/* True if sockets of the family can have the target as a peer, and may be destroyed for it. */
static bool is_asked_for(const KillerTarget *t, uint8_t family) {
        return (family == AF_INET6 || t->address.family == family) &&
               t->ports->protocols & PORT_TCP;
}

/* Writes the program for all targets that sockets of the family can have as a peer. Returns its
 * size, 0 if there are none. */
static size_t put_program(uint8_t *p, const KillerTarget *targets, size_t n, uint8_t family) {
        size_t last = n, size = 0, at = 0;

        for (size_t i = 0; i < n; i++)
                if (is_asked_for(&targets[i], family))
                        last = i;
        if (last == n)
                return 0;

        for (size_t i = 0; i <= last; i++)
                if (is_asked_for(&targets[i], family))
                        size += put_condition(p + size, &targets[i].address, family, i == last);

        /* Now that the end is known, the jumps to it. */
        for (size_t i = 0; i < last; i++) {
                struct inet_diag_bc_op jump = { .code = INET_DIAG_BC_JMP, .yes = sizeof(jump) };
                struct inet_diag_bc_op condition;

                if (!is_asked_for(&targets[i], family))
                        continue;

                memcpy(&condition, p + at, sizeof(condition));
                at += condition.yes;
                jump.no = (unsigned short) (size - at);
                memcpy(p + at, &jump, sizeof(jump));
                at += sizeof(jump);
        }

        return size;
}

static bool port_in(PortRange range, uint16_t port) {
        return range.first <= port && port <= range.last;
}

typedef struct Search {
        Killer *killer;
        const KillerTarget *targets;
        size_t n_targets;
} Search;

/* True if one of the targets wants the connection destroyed. */
static bool
is_wanted(const Search *s, const Address *peer, uint16_t port, bool *ret_wants_listener) {
        bool wanted = false;

        *ret_wants_listener = true;
        for (size_t i = 0; i < s->n_targets; i++) {
                const KillerTarget *t = &s->targets[i];

                if (!address_covers(&t->address, peer) || !ports_contains(t->ports, port) ||
                                !(t->ports->protocols & PORT_TCP))
                        continue;

                wanted = true;
                if (!t->ports->any && !port_in(s->killer->local_ports, port))
                        *ret_wants_listener = false;
        }

        return wanted;
}

static int on_connection(const struct nlmsghdr *nlh, void *userdata) {
        const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
        Search *s = userdata;
        Killer *k = s->killer;
        Connection c = {};
        Address peer;

        if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) || k->error < 0 ||
                        k->n_connections == KILLER_CONNECTIONS_MAX)
                return MNL_CB_OK;

        if (address_from_bytes(m->idiag_family,
                            m->id.idiag_dst,
                            address_family_bits(m->idiag_family),
                            &peer) < 0)
                return MNL_CB_OK;
        if (!is_wanted(s, &peer, ntohs(m->id.idiag_sport), &c.wants_listener))
                return MNL_CB_OK;

        if (k->n_connections == k->n_allocated) {
                size_t n = MAX(2 * k->n_allocated, (size_t) 64);
                Connection *p;

                p = reallocarray(k->connections, n, sizeof(*p));
                if (!p) {
                        k->error = -ENOMEM;
                        return MNL_CB_OK;
                }

                k->connections = p;
                k->n_allocated = n;
        }

        c.id = m->id;
        c.family = m->idiag_family;
        c.state = m->idiag_state;
        k->connections[k->n_connections++] = c;
        return MNL_CB_OK;
}

/* Appends the connections of the targets with sockets of the family to k->connections. */
static int find_connections(Killer *k, const KillerTarget *targets, size_t n, uint8_t family) {
        Search search = { .killer = k, .targets = targets, .n_targets = n };
        struct nlmsghdr *nlh;
        size_t size;
        int r;

        nlh = netlink_begin(k->netlink, k->question, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
        (void) put_request(nlh, family, STATES_OPEN);

        size = put_program(k->program, targets, n, family);
        if (size == 0)
                return 0;

        mnl_attr_put(nlh, INET_DIAG_REQ_BYTECODE, size, k->program);

        r = netlink_ask(k->netlink, nlh, on_connection, &search);
        if (r == -ENOENT)
                return -EOPNOTSUPP; /* no tcp_diag */

        return r < 0 ? r : k->error;
}

static int on_listener(const struct nlmsghdr *nlh, void *userdata) {
        const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
        Killer *k = userdata;
        uint16_t port;

        if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
                return MNL_CB_OK;

        port = ntohs(m->id.idiag_sport);
        k->listening[port / 8] |= (uint8_t) (1u << (port % 8));
        return MNL_CB_OK;
}

static int find_listeners(Killer *k) {
        static const uint8_t families[] = { AF_INET, AF_INET6 };

        memset(k->listening, 0, sizeof(k->listening));

        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                struct nlmsghdr *nlh;
                int r;

                nlh = netlink_begin(k->netlink, k->question, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
                (void) put_request(nlh, families[i], STATES_LISTENING);
                r = netlink_ask(k->netlink, nlh, on_listener, k);
                if (r < 0 && r != -ENOENT)
                        return r;
        }

        return 0;
}

static int destroy(Killer *k, const Connection *c) {
        struct inet_diag_req_v2 *request;
        struct nlmsghdr *nlh;

        nlh = netlink_begin(k->netlink, k->question, SOCK_DESTROY, NLM_F_ACK);
        request = put_request(nlh, c->family, STATES_OPEN);
        request->id = c->id;
        return netlink_ask(k->netlink, nlh, NULL, NULL);
}

/* Destroys k->connections. Returns the number. */
static int destroy_all(Killer *k) {
        bool listeners_known = false, unsupported = false;
        int n = 0, r;

        for (size_t i = 0; i < k->n_connections; i++) {
                const Connection *c = &k->connections[i];
                uint16_t port = ntohs(c->id.idiag_sport);

                if (c->wants_listener && !listeners_known) {
                        r = find_listeners(k);
                        if (r < 0)
                                return r;
                        listeners_known = true;
                }
                if (c->wants_listener && !(k->listening[port / 8] & (1u << (port % 8))))
                        continue;

                r = destroy(k, c);
                if (r >= 0)
                        n++;
                else if (r == -EOPNOTSUPP && c->state == TCP_ESTABLISHED)
                        unsupported = true;
                else if (r == -EPERM)
                        return r;
                /* All else is a connection that went away by itself, or all but did: in FIN_WAIT2
                 * the kernel may keep too little of it to be destroyed. */
        }

        return n == 0 && unsupported ? -EOPNOTSUPP : n;
}

int killer_run_many(Killer *k, const KillerTarget *targets, size_t n_targets) {
        int n = 0, r;

        assert(k);
        assert(targets || n_targets == 0);

        for (size_t i = 0; i < n_targets; i += TARGETS_PER_QUESTION) {
                size_t n_asked = MIN(n_targets - i, (size_t) TARGETS_PER_QUESTION);

                k->n_connections = 0;
                k->error = 0;

                r = find_connections(k, targets + i, n_asked, AF_INET);
                if (r >= 0)
                        r = find_connections(k, targets + i, n_asked, AF_INET6);
                if (r < 0)
                        return r;

                r = destroy_all(k);
                if (r < 0)
                        return r;
                n += r;
        }

        return n;
}

int killer_run(Killer *k, const Address *address, const PortSet *ports) {
        const KillerTarget target = { .address = *address, .ports = ports };

        return killer_run_many(k, &target, 1);
}
