/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel takes a transaction from a single send: NFNL_MSG_BATCH_BEGIN, the messages, and
 * NFNL_MSG_BATCH_END. It works through all of it before sendto() returns, and by then its answers
 * wait in our receive buffer. So answers to a transaction are read without blocking, and if there
 * is none, something is wrong that waiting would not mend.
 *
 * Only the last message asks for an acknowledgement, since there is not always room for one for
 * each. Refused messages answer by themselves, in order; what concerns the transaction as a whole
 * (no privilege, no nftables) is answered with the sequence number of its beginning. When the
 * receive buffer is full, the kernel drops the other answers. The first always fits, because the
 * buffer is empty then, so the outcome is known.
 *
 * Modules that a transaction needs are loaded by the kernel, which then begins with it again by
 * itself: EAGAIN never gets here.
 *
 * As the kernel works in the thread that sends, a thread can be had that waits for it, for
 * milliseconds with thousands of bans, while the caller does something else.
 *
 * The buffer grows and is never given back while the link lives: a batch of bans is followed by the
 * next one.
 */

#include "engine/nft-link.h"

#include <arpa/inet.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <time.h>

#include "base/netlink.h"
#include "base/thread.h"

/* Room for what one transaction may need at most, if the kernel lets us have it: a map of ports and
 * thousands of elements. */
#define SEND_BUFFER_SIZE (32 * 1024 * 1024)

/* Room for the answers if thousands of messages are refused. */
#define RECEIVE_BUFFER_SIZE (8 * 1024 * 1024)

/* What a socket gets that nobody asks more for. */
#define USUAL_BUFFER_SIZE (208 * 1024)

/* What the kernel keeps from the send buffer for itself. */
#define SEND_BUFFER_OVERHEAD 32

/* What the kernel puts into one part of a list at most. */
#define ANSWER_SIZE 32768

struct NftLink {
        struct mnl_socket *socket;
        char *table;
        size_t send_limit;

        char *buffer;
        size_t allocated;
        size_t current; /* where the message being written begins; 0 if there is none */

        uint32_t seq;       /* of the last message written */
        uint32_t begin_seq; /* of the beginning of the transaction, or of the question */
        int error;          /* the first that occurred while writing */

        char *answer;
        size_t answer_size;

        bool is_started; /* the transaction is being sent, or was */
        pthread_t sender;
        bool has_sender;
        int sent; /* what link_send() returned; the sender's until it is joined */
};

/* To force it needs privilege over the whole machine on older kernels; otherwise the kernel gives
 * as much as it gives everybody. */
static void enlarge_buffer(int fd, int force, int ask, int size) {
        if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) < 0)
                (void) setsockopt(fd, SOL_SOCKET, ask, &size, sizeof(size));
}

static size_t get_send_limit(int fd) {
        int size;
        socklen_t n = sizeof(size);

        if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &n) < 0 || size <= SEND_BUFFER_OVERHEAD)
                return 64 * 1024;

        return (size_t) size - SEND_BUFFER_OVERHEAD;
}

void nft_link_take_usual_buffers(NftLink *l) {
        int fd = mnl_socket_get_fd(l->socket), half = USUAL_BUFFER_SIZE / 2;

        /* The kernel doubles it. */
        (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half));
        (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof(half));
        l->send_limit = get_send_limit(fd);
}

int nft_link_new_unconnected(NftLink **ret, const char *table) {
        _cleanup_(nft_link_freep) NftLink *l = NULL;

        assert(ret);
        assert(table);

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        l->table = strdup(table);
        if (!l->table)
                return -ENOMEM;

        l->send_limit = SEND_BUFFER_SIZE;
        l->answer_size = ANSWER_SIZE;
        l->answer = malloc(l->answer_size);
        if (!l->answer)
                return -ENOMEM;

        /* All zero, since older versions of libmnl leave the padding of attributes as it is. */
        l->allocated = 4 * NFT_LINK_MESSAGE_MAX;
        l->buffer = calloc(1, l->allocated);
        if (!l->buffer)
                return -ENOMEM;

        /* Not 0, which the kernel uses itself; and different for each link, so that nobody mistakes
         * an answer for another's. */
        l->seq = (uint32_t) time(NULL) | 1;

        *ret = TAKE_PTR(l);
        return 0;
}

/* Opens the socket, or takes the one that is given unless it is -1. */
static int link_new(NftLink **ret, const char *table, int given) {
        _cleanup_(nft_link_freep) NftLink *l = NULL;
        int one = 1, fd, r;

        assert(ret);

        r = nft_link_new_unconnected(&l, table);
        if (r < 0)
                return r;

        if (given >= 0) {
                l->socket = mnl_socket_fdopen(given);
                r = l->socket ? 0 : -errno;
        } else
                r = netlink_open(&l->socket, NETLINK_NETFILTER);
        if (r < 0)
                return r;

        /* Errors come without the request that caused them, and with what there is to say to them.
         * A kernel that cannot is still right, if wasteful. */
        fd = mnl_socket_get_fd(l->socket);
        (void) mnl_socket_setsockopt(l->socket, NETLINK_CAP_ACK, &one, sizeof(one));
        (void) mnl_socket_setsockopt(l->socket, NETLINK_EXT_ACK, &one, sizeof(one));

        enlarge_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BUFFER_SIZE);
        enlarge_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, RECEIVE_BUFFER_SIZE);
        l->send_limit = get_send_limit(fd);

        *ret = TAKE_PTR(l);
        return 0;
}

int nft_link_new(NftLink **ret, const char *table) {
        return link_new(ret, table, -1);
}

static bool is_netfilter_socket(int fd) {
        int domain, protocol;
        socklen_t n = sizeof(domain), m = sizeof(protocol);

        return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) >= 0 && domain == AF_NETLINK &&
               getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &m) >= 0 &&
               protocol == NETLINK_NETFILTER;
}

int nft_link_new_from_fd(NftLink **ret, const char *table, int fd) {
        assert(fd >= 0);

        return is_netfilter_socket(fd) ? link_new(ret, table, fd) : -EINVAL;
}

NftLink *nft_link_free(NftLink *l) {
        if (!l)
                return NULL;

        if (l->socket)
                (void) mnl_socket_close(l->socket);
        free(l->table);
        free(l->answer);
        free(l->buffer);
        free(l);
        return NULL;
}

const char *nft_link_get_table(const NftLink *l) {
        return l->table;
}

uint32_t nft_link_get_port_id(const NftLink *l) {
        return mnl_socket_get_portid(l->socket);
}

int nft_link_get_fd(const NftLink *l) {
        return mnl_socket_get_fd(l->socket);
}

size_t nft_link_get_send_limit(const NftLink *l) {
        return l->send_limit;
}

void nft_link_fail(NftLink *l, int error) {
        if (l->error == 0)
                l->error = error;
}

static struct nlmsghdr *link_current(const NftLink *l) {
        return (struct nlmsghdr *) (void *) (l->buffer + l->current);
}

static size_t link_end(const NftLink *l) {
        return l->current + NLMSG_ALIGN(link_current(l)->nlmsg_len);
}

/* Moves on to where the next message goes, with room for a large one. Without memory the message
 * goes where the last one was; the transaction has failed by then. */
static char *link_advance(NftLink *l) {
        size_t end = link_end(l);

        if (end + NFT_LINK_MESSAGE_MAX > l->allocated) {
                size_t n = 2 * (end + NFT_LINK_MESSAGE_MAX);
                char *p;

                p = realloc(l->buffer, n);
                if (!p) {
                        nft_link_fail(l, -ENOMEM);
                        return l->buffer + l->current;
                }

                memset(p + l->allocated, 0, n - l->allocated);
                l->buffer = p;
                l->allocated = n;
        }

        l->current = end;
        return l->buffer + l->current;
}

void nft_link_begin(NftLink *l) {
        assert(l);

        l->error = 0;
        l->current = 0;
        l->begin_seq = ++l->seq;
        (void) nftnl_batch_begin(l->buffer, l->seq);
}

struct nlmsghdr *nft_link_message(NftLink *l, uint16_t type, uint16_t family, uint16_t flags) {
        assert(l);

        return nftnl_nlmsg_build_hdr(link_advance(l), type, family, flags, ++l->seq);
}

unsigned nft_link_n_messages(const NftLink *l) {
        return l->seq - l->begin_seq;
}

const void *nft_link_get_transaction(const NftLink *l, size_t *ret_size) {
        *ret_size = link_end(l);
        return l->buffer;
}

static int link_send(NftLink *l, size_t size) {
        ssize_t n;

        do
                n = mnl_socket_sendto(l->socket, l->buffer, size);
        while (n < 0 && errno == EINTR);

        return n < 0 ? -errno : 0;
}

static ssize_t link_receive(NftLink *l, int flags) {
        ssize_t n;

        do
                n = recv(mnl_socket_get_fd(l->socket), l->answer, l->answer_size, flags);
        while (n < 0 && errno == EINTR);

        return n < 0 ? -errno : n;
}

/* What the kernel says to an error, "" for nothing. */
static const char *get_text(const struct nlmsghdr *nlh) {
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
        size_t offset = sizeof(*e);
        const struct nlattr *a;

        if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
                return "";
        if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) /* the whole request comes first */
                offset += mnl_nlmsg_get_payload_len(&e->msg);

        mnl_attr_for_each(a, nlh, offset) {
                if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG &&
                                mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
                        return mnl_attr_get_str(a);
        }

        return "";
}

/* Reads the answers to the transaction, whose last message has the number last_seq. If they did not
 * all fit into the receive buffer, what there is has to be read all the same: the kernel answers
 * nothing more until the buffer is empty. */
static int
link_receive_verdict(NftLink *l, uint32_t last_seq, NftErrorHandler on_error, void *userdata) {
        bool complete = false, overrun = false;
        int result = 0;

        while (!complete) {
                const struct nlmsghdr *nlh = (const struct nlmsghdr *) (const void *) l->answer;
                const struct nlmsgerr *e;
                ssize_t n;
                int left;

                n = link_receive(l, MSG_DONTWAIT);
                if (n == -ENOBUFS) {
                        overrun = true;
                        continue;
                }
                if (n == -EAGAIN)
                        break;
                if (n < 0)
                        return (int) n;

                for (left = (int) n; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
                        if (nlh->nlmsg_type != NLMSG_ERROR ||
                                        mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
                                continue;
                        /* An answer to something earlier that nobody waited for. */
                        if (nlh->nlmsg_seq - l->begin_seq > last_seq - l->begin_seq)
                                continue;

                        e = mnl_nlmsg_get_payload(nlh);
                        if (e->error < 0 && result == 0)
                                result = e->error;
                        if (e->error < 0 && nlh->nlmsg_seq != l->begin_seq && on_error)
                                on_error(nlh->nlmsg_seq - l->begin_seq - 1,
                                                e->error,
                                                get_text(nlh),
                                                userdata);
                        if (nlh->nlmsg_seq == last_seq)
                                complete = true;
                }
        }

        if (result < 0)
                return result;
        if (overrun)
                return -ENOBUFS;

        return complete ? 0 : -EIO;
}

/* Ends the transaction, if there is anything in it and nothing went wrong. */
static bool link_finish(NftLink *l) {
        if (l->error < 0 || l->seq == l->begin_seq)
                return false;

        link_current(l)->nlmsg_flags |= NLM_F_ACK;
        (void) nftnl_batch_end(link_advance(l), ++l->seq);
        return l->error == 0;
}

static void *run_sender(void *userdata) {
        NftLink *l = userdata;

        l->sent = link_send(l, link_end(l));
        return NULL;
}

void nft_link_start(NftLink *l) {
        assert(l);

        if (!l->socket || !link_finish(l))
                return;

        l->is_started = true;
        l->has_sender = thread_start(&l->sender, run_sender, l) >= 0;
        if (!l->has_sender)
                (void) run_sender(l);
}

/* Waits for what nft_link_start() began. */
static int link_join(NftLink *l) {
        if (l->has_sender)
                (void) pthread_join(l->sender, NULL);
        l->has_sender = l->is_started = false;
        return l->sent;
}

int nft_link_commit(NftLink *l, NftErrorHandler on_error, void *userdata) {
        int r;

        assert(l);

        if (l->is_started)
                r = link_join(l);
        else if (!link_finish(l))
                return l->error;
        else if (!l->socket)
                return 0;
        else
                r = link_send(l, link_end(l));
        if (r < 0)
                return r;

        return link_receive_verdict(l, l->seq - 1, on_error, userdata);
}

struct nlmsghdr *nft_link_question(NftLink *l, uint16_t type, uint16_t family, uint16_t flags) {
        assert(l);

        l->error = 0;
        l->current = 0;
        l->begin_seq = ++l->seq;
        return nftnl_nlmsg_build_hdr(l->buffer, type, family, flags, l->seq);
}

int nft_link_ask(NftLink *l, mnl_cb_t callback, void *userdata) {
        bool interrupted = false;
        int r;

        assert(l);

        if (l->error < 0)
                return l->error;
        if (!l->socket)
                return -ENOTCONN;

        r = link_send(l, link_current(l)->nlmsg_len);
        if (r < 0)
                return r;

        for (;;) {
                struct nlmsghdr *nlh = (struct nlmsghdr *) (void *) l->answer;
                ssize_t n;
                int left;

                n = link_receive(l, 0);
                if (n < 0)
                        return (int) n;

                /* libmnl gives up at the first part of an interrupted list, and would leave the
                 * other parts in the socket. */
                for (left = (int) n; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
                        interrupted = interrupted || (nlh->nlmsg_flags & NLM_F_DUMP_INTR);
                        nlh->nlmsg_flags &= (uint16_t) ~NLM_F_DUMP_INTR;
                }

                /* A late answer to something earlier. */
                nlh = (struct nlmsghdr *) (void *) l->answer;
                if (nlh->nlmsg_seq != l->begin_seq)
                        continue;

                r = mnl_cb_run(l->answer,
                                (size_t) n,
                                l->begin_seq,
                                nft_link_get_port_id(l),
                                callback,
                                userdata);
                if (r < 0)
                        return -errno;
                if (r == MNL_CB_STOP)
                        return interrupted ? -EINTR : 0;
        }
}
