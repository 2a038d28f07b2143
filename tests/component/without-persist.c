/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Preloaded, makes nftables what it was before Linux 6.9: no table persists without its owner.
 * Transactions with a table that is to do so are refused before the kernel sees them.
 */

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <sys/socket.h>

#define PERSIST 0x4

static bool is_new_table(const struct nlmsghdr *nlh) {
        return nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE);
}

static bool persists(const struct nlmsghdr *nlh) {
        const struct nlattr *attr;

        mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
                if (mnl_attr_get_type(attr) == NFTA_TABLE_FLAGS &&
                                (ntohl(mnl_attr_get_u32(attr)) & PERSIST))
                        return true;
        }

        return false;
}

ssize_t sendto(int fd,
                const void *data,
                size_t n,
                int flags,
                const struct sockaddr *to,
                socklen_t to_size) {
        ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
        const struct nlmsghdr *nlh = data;
        int left = (int) n;

        if (to && to->sa_family == AF_NETLINK)
                for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
                        if (is_new_table(nlh) && persists(nlh)) {
                                errno = EOPNOTSUPP;
                                return -1;
                        }

        *(void **) &real = dlsym(RTLD_NEXT, "sendto");
        return real(fd, data, n, flags, to, to_size);
}
