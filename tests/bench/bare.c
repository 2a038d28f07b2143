/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bare.h"

#include <arpa/inet.h>
#include <err.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "bench.h"
#include "engine/nft-link.h"
#include "engine/nft-table.h"

struct Bare {
        struct mnl_socket *socket;
        char *buffer;
        uint32_t seq;
};

/* Room for a transaction of all. */
#define BARE_SIZE (128u * 1024 * 1024)

void bare_batch(unsigned i, unsigned n, void *userdata) {
        struct nftnl_set_elems_iter *iter;
        char answer[8192], *p;
        struct nlmsghdr *nlh;
        struct nftnl_set *s;
        Bare *b = userdata;
        ssize_t size;
        int more;

        s = nftnl_set_alloc();
        (void) nftnl_set_set_str(s, NFTNL_SET_TABLE, "bare");
        (void) nftnl_set_set_str(s, NFTNL_SET_NAME, "s");
        for (unsigned end = i + n; i < end; i++) {
                const Address a = bench_address(i);
                struct nftnl_set_elem *e = nftnl_set_elem_alloc();

                (void) nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, a.bytes, 16);
                nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, BENCH_TIMEOUT / USEC_PER_MSEC);
                nftnl_set_elem_add(s, e);
        }

        p = b->buffer;
        p += NLMSG_ALIGN(nftnl_batch_begin(p, b->seq++)->nlmsg_len);
        iter = nftnl_set_elems_iter_create(s);
        do {
                nlh = nftnl_nlmsg_build_hdr(
                                p, NFT_MSG_NEWSETELEM, NFPROTO_INET, NLM_F_CREATE, b->seq++);
                more = nftnl_set_elems_nlmsg_build_payload_iter(nlh, iter);
                if (more <= 0)
                        nlh->nlmsg_flags |= NLM_F_ACK;
                p += NLMSG_ALIGN(nlh->nlmsg_len);
        } while (more > 0);
        nftnl_set_elems_iter_destroy(iter);
        nftnl_set_free(s);
        p += NLMSG_ALIGN(nftnl_batch_end(p, b->seq++)->nlmsg_len);

        if (mnl_socket_sendto(b->socket, b->buffer, (size_t) (p - b->buffer)) < 0)
                err(EXIT_FAILURE, "bare loop");
        size = mnl_socket_recvfrom(b->socket, answer, sizeof(answer));
        if (size < 0 || mnl_cb_run(answer,
                                        (size_t) size,
                                        0,
                                        mnl_socket_get_portid(b->socket),
                                        NULL,
                                        NULL) < 0)
                err(EXIT_FAILURE, "bare loop");
}

void bare_make_table(bool exists) {
        const NftSetParams params = {
                .flags = NFT_SET_TIMEOUT,
                .key_type = NFT_TYPE_IPV6_ADDR,
                .key_size = 16,
                .gc_interval = 60000,
        };
        _cleanup_(nft_link_freep) NftLink *l = NULL;
        int r;

        r = nft_link_new(&l, "bare");
        if (r >= 0) {
                nft_link_begin(l);
                if (exists)
                        nft_delete_table(l);
                else {
                        nft_add_table(l, 0);
                        nft_add_set(l, "s", &params);
                }
                r = nft_link_commit(l, NULL, NULL);
        }
        if (r < 0)
                errx(EXIT_FAILURE, "bare loop: %s", strerror(-r));
}

Bare *bare_begin(void) {
        Bare *b = calloc(1, sizeof(*b));
        int size = BARE_SIZE;

        bare_make_table(false);
        if (!b)
                err(EXIT_FAILURE, "bare loop");
        b->seq = (uint32_t) time(NULL);
        b->socket = mnl_socket_open(NETLINK_NETFILTER);
        b->buffer = calloc(1, BARE_SIZE);
        if (!b->socket || !b->buffer || mnl_socket_bind(b->socket, 0, MNL_SOCKET_AUTOPID) < 0)
                err(EXIT_FAILURE, "bare loop");
        (void) setsockopt(mnl_socket_get_fd(b->socket),
                        SOL_SOCKET,
                        SO_SNDBUFFORCE,
                        &size,
                        sizeof(size));
        return b;
}

void bare_end(Bare *b) {
        (void) mnl_socket_close(b->socket);
        free(b->buffer);
        free(b);
        bare_make_table(true);
}
