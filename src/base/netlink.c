/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/netlink.h"

#include <linux/netlink.h>
#include <stdlib.h>

struct Netlink {
        struct mnl_socket *socket;
        uint32_t seq;
        char answer[32768]; /* what the kernel puts into one part of a list at most */
};

int netlink_open(struct mnl_socket **ret, int protocol) {
        struct mnl_socket *s;

        assert(ret);

        s = mnl_socket_open2(protocol, SOCK_CLOEXEC);
        if (!s)
                return errno == EPROTONOSUPPORT ? -EOPNOTSUPP : -errno;

        if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
                int r = -errno;

                (void) mnl_socket_close(s);
                return r;
        }

        *ret = s;
        return 0;
}

int netlink_new(Netlink **ret, int protocol) {
        _cleanup_(netlink_freep) Netlink *n = NULL;
        int r;

        assert(ret);

        n = calloc(1, sizeof(*n));
        if (!n)
                return -ENOMEM;

        r = netlink_open(&n->socket, protocol);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(n);
        return 0;
}

Netlink *netlink_free(Netlink *n) {
        if (!n)
                return NULL;

        if (n->socket)
                (void) mnl_socket_close(n->socket);
        free(n);
        return NULL;
}

struct nlmsghdr *netlink_begin(Netlink *n, void *buffer, uint16_t type, uint16_t flags) {
        struct nlmsghdr *nlh;

        assert(n);
        assert(buffer);

        nlh = mnl_nlmsg_put_header(buffer);
        nlh->nlmsg_type = type;
        nlh->nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags);
        nlh->nlmsg_seq = ++n->seq;
        return nlh;
}

int netlink_ask(Netlink *n, const struct nlmsghdr *question, mnl_cb_t callback, void *userdata) {
        int r = MNL_CB_OK;

        assert(n);
        assert(question);

        if (mnl_socket_sendto(n->socket, question, question->nlmsg_len) < 0)
                return -errno;

        while (r > MNL_CB_STOP) {
                ssize_t size;

                size = mnl_socket_recvfrom(n->socket, n->answer, sizeof(n->answer));
                if (size < 0 && errno == EINTR)
                        continue;
                if (size < 0)
                        return -errno;

                r = mnl_cb_run(n->answer,
                                (size_t) size,
                                n->seq,
                                mnl_socket_get_portid(n->socket),
                                callback,
                                userdata);
                if (r < 0)
                        return -errno;
        }

        return 0;
}
