/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A library for LD_PRELOAD with which a process does not hear what others do at nftables. */

#include <dlfcn.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

int bind(int fd, const struct sockaddr *address, socklen_t size) {
        int (*real)(int, const struct sockaddr *, socklen_t) = NULL;
        struct sockaddr_nl own;
        int protocol = -1;
        socklen_t n = sizeof(protocol);

        *(void **) &real = dlsym(RTLD_NEXT, "bind");

        if (address->sa_family != AF_NETLINK || size != sizeof(own) ||
                        getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &n) < 0 ||
                        protocol != NETLINK_NETFILTER)
                return real(fd, address, size);

        memcpy(&own, address, sizeof(own));
        own.nl_groups = 0;
        return real(fd, (const struct sockaddr *) &own, sizeof(own));
}
