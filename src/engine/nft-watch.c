/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel tells of each object of a transaction, and then that there is a new generation of the
 * ruleset and which process made it. All of that carries the port id of the socket that the
 * transaction came from. What came from our own is thrown away by a filter in the kernel, before it
 * takes room in the receive buffer or wakes anybody.
 */

#include "engine/nft-watch.h"

#include <arpa/inet.h>
#include <libnftnl/set.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

/* For the lists of elements that others load into tables of their own, which are told as well.
 * Takes no memory as long as we read. */
#define RECEIVE_BUFFER_SIZE (4 * 1024 * 1024)

#define MESSAGE_SIZE 65536

/* So many are read at once. Whoever goes on meddling does not keep us from anything else. */
#define MESSAGES_MAX 1000

struct NftWatch {
        struct mnl_socket *socket;
        char *table;
        char *buffer;

        bool meddled; /* with our table, in the transaction that is being told */
};

NftWatch *nft_watch_free(NftWatch *w) {
        if (!w)
                return NULL;

        if (w->socket)
                (void) mnl_socket_close(w->socket);
        free(w->table);
        free(w->buffer);
        free(w);
        return NULL;
}

int nft_watch_new(NftWatch **ret, const char *table) {
        _cleanup_(nft_watch_freep) NftWatch *w = NULL;
        int size = RECEIVE_BUFFER_SIZE, fd;

        assert(ret);
        assert(table);

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        w->table = strdup(table);
        w->buffer = malloc(MESSAGE_SIZE);
        if (!w->table || !w->buffer)
                return -ENOMEM;

        w->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (!w->socket)
                return errno == EPROTONOSUPPORT ? -EOPNOTSUPP : -errno;

        fd = mnl_socket_get_fd(w->socket);
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
                (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));

        if (mnl_socket_bind(w->socket, 1U << (NFNLGRP_NFTABLES - 1), MNL_SOCKET_AUTOPID) < 0)
                return -errno;

        *ret = TAKE_PTR(w);
        return 0;
}

int nft_watch_get_fd(const NftWatch *w) {
        assert(w);

        return mnl_socket_get_fd(w->socket);
}

int nft_watch_ignore(NftWatch *w, const NftLink *a, const NftLink *b) {
        /* The kernel compares in network order. All messages of a datagram are of one transaction.
         */
        const uint32_t first = ntohl(nft_link_get_port_id(a)),
                       second = b ? ntohl(nft_link_get_port_id(b)) : first;
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 1, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, second, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, 0),
                BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        };
        const struct sock_fprog program = { .len = ELEMENTSOF(code), .filter = code };
        int fd;

        assert(w);
        assert(a);

        fd = mnl_socket_get_fd(w->socket);
        return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
                                                                                           : 0;
}

static int set_membership(NftWatch *w, int option) {
        const int group = NFNLGRP_NFTABLES;

        assert(w);

        return setsockopt(mnl_socket_get_fd(w->socket),
                               SOL_NETLINK,
                               option,
                               &group,
                               sizeof(group)) < 0
                               ? -errno
                               : 0;
}

int nft_watch_pause(NftWatch *w) {
        return set_membership(w, NETLINK_DROP_MEMBERSHIP);
}

int nft_watch_resume(NftWatch *w) {
        return set_membership(w, NETLINK_ADD_MEMBERSHIP);
}

typedef struct Reading {
        NftWatch *watch;
        NftTouchedHandler handler;
        void *userdata;
        NftMeddling *meddling;
} Reading;

/* The table that a message is about; all kinds but the generation have it as attribute 1. */
static bool is_about_table(const struct nlmsghdr *nlh, const char *table) {
        const struct nlattr *attr;

        mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
                if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME)
                        return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
                               streq(mnl_attr_get_str(attr), table);
        }

        return false;
}

static void read_generation(const struct nlmsghdr *nlh, NftMeddling *m) {
        const struct nlattr *attr;

        mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
                switch (mnl_attr_get_type(attr)) {
                case NFTA_GEN_PROC_PID:
                        if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
                                m->pid = (pid_t) ntohl(mnl_attr_get_u32(attr));
                        break;
                case NFTA_GEN_PROC_NAME:
                        if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
                                (void) snprintf(m->process,
                                                sizeof(m->process),
                                                "%s",
                                                mnl_attr_get_str(attr));
                        break;
                default:
                        break;
                }
        }
}

/* For the callback of libnftnl's list. */
typedef struct Touched {
        const Reading *reading;
        const char *set;
} Touched;

static int hand_out(struct nftnl_set_elem *e, void *userdata) {
        const Touched *t = userdata;
        const void *key;
        uint32_t size;

        key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &size);
        t->reading->meddling->n_elements++;
        if (key && t->reading->handler)
                t->reading->handler(t->set, key, size, t->reading->userdata);
        return 0;
}

static int read_elements(const struct nlmsghdr *nlh, const Reading *reading) {
        Touched touched = { .reading = reading };
        struct nftnl_set *s;
        int r = 0;

        s = nftnl_set_alloc();
        if (!s)
                return -ENOMEM;

        if (nftnl_set_elems_nlmsg_parse(nlh, s) >= 0) {
                touched.set = nftnl_set_get_str(s, NFTNL_SET_NAME);
                if (touched.set)
                        (void) nftnl_set_elem_foreach(s, hand_out, &touched);
        } else
                r = -EBADMSG;

        nftnl_set_free(s);
        return r;
}

static int read_message(const struct nlmsghdr *nlh, const Reading *reading) {
        NftWatch *w = reading->watch;
        const struct nfgenmsg *nfg;

        if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
                        mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg))
                return 0;

        if (NFNL_MSG_TYPE(nlh->nlmsg_type) == NFT_MSG_NEWGEN) {
                if (w->meddled)
                        read_generation(nlh, reading->meddling);
                w->meddled = false;
                return 0;
        }

        nfg = mnl_nlmsg_get_payload(nlh);
        if (nfg->nfgen_family != NFPROTO_INET || !is_about_table(nlh, w->table))
                return 0;

        w->meddled = true;
        switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
        case NFT_MSG_NEWSETELEM:
        case NFT_MSG_DELSETELEM:
                return read_elements(nlh, reading);
        default:
                reading->meddling->structure = true;
                return 0;
        }
}

int nft_watch_read(NftWatch *w, NftTouchedHandler handler, void *userdata, NftMeddling *ret) {
        NftMeddling m = {};
        const Reading reading = {
                .watch = w,
                .handler = handler,
                .userdata = userdata,
                .meddling = &m,
        };

        assert(w);
        assert(ret);

        for (unsigned i = 0; i < MESSAGES_MAX; i++) {
                const struct nlmsghdr *nlh = (const struct nlmsghdr *) (const void *) w->buffer;
                ssize_t n;
                int left, r;

                n = recv(mnl_socket_get_fd(w->socket), w->buffer, MESSAGE_SIZE, MSG_DONTWAIT);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        break;
                if (n < 0 && errno == ENOBUFS) {
                        m.overrun = true;
                        continue;
                }
                if (n < 0)
                        return -errno;

                for (left = (int) n; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
                        r = read_message(nlh, &reading);
                        if (r == -ENOMEM)
                                return r;
                        /* What we cannot read may be anything. */
                        if (r < 0)
                                m.overrun = true;
                }
        }

        *ret = m;
        return m.structure || m.n_elements > 0 || m.overrun;
}
