/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A library for LD_PRELOAD with which a process does not hear what others do at nftables. */

#include <dlfcn.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

static int is_netfilter(int fd) {
        int domain = -1, protocol = -1;
        socklen_t n = sizeof(domain), m = sizeof(protocol);

        return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_NETLINK &&
               getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &m) == 0 &&
               protocol == NETLINK_NETFILTER;
}

int bind(int fd, const struct sockaddr *address, socklen_t size) {
        int (*real)(int, const struct sockaddr *, socklen_t) = NULL;
        struct sockaddr_nl own;

        *(void **) &real = dlsym(RTLD_NEXT, "bind");

        if (size != sizeof(own) || !is_netfilter(fd))
                return real(fd, address, size);

        memcpy(&own, address, sizeof(own));
        own.nl_groups = 0;
        return real(fd, (const struct sockaddr *) &own, sizeof(own));
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size) {
        int (*real)(int, int, int, const void *, socklen_t) = NULL;

        *(void **) &real = dlsym(RTLD_NEXT, "setsockopt");

        if (level == SOL_NETLINK && option == NETLINK_ADD_MEMBERSHIP && is_netfilter(fd))
                return 0;
        return real(fd, level, option, value, size);
}
