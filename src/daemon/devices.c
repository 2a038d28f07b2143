/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel tells over rtnetlink(7) of every change of every device, which is only the occasion to
 * look: what a name stands for, by number, is compared with what it stood for before. So nothing
 * depends on the messages, and none that is lost matters.
 */

#include "daemon/devices.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/netlink.h"
#include "base/strv.h"

/* Messages that are thrown away before others have their turn. */
#define MESSAGES_AT_ONCE 64

struct Devices {
        sd_event *event;
        struct mnl_socket *socket; /* while there is something to follow */
        sd_event_source *io;
        DevicesHandler handler;
        void *userdata;
        char **names;
        unsigned *numbers; /* of each name, 0 for one that is not there */
};

int devices_new(Devices **ret, sd_event *event, DevicesHandler handler, void *userdata) {
        Devices *d;

        assert(ret);
        assert(event);
        assert(handler);

        d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;
        d->event = sd_event_ref(event);
        d->handler = handler;
        d->userdata = userdata;

        *ret = d;
        return 0;
}

static void stop(Devices *d) {
        d->io = sd_event_source_disable_unref(d->io);
        if (d->socket)
                (void) mnl_socket_close(d->socket);
        d->socket = NULL;
}

Devices *devices_free(Devices *d) {
        if (!d)
                return NULL;

        stop(d);
        strv_free(d->names);
        free(d->numbers);
        sd_event_unref(d->event);
        free(d);
        return NULL;
}

/* Returns whether a name stands for another device than before. */
static bool look(Devices *d) {
        bool changed = false;

        for (size_t i = 0; d->names && d->names[i]; i++) {
                unsigned number = if_nametoindex(d->names[i]);

                if (number != d->numbers[i]) {
                        changed = true;
                        log_info("The network device %s is %s.",
                                        d->names[i],
                                        number == 0          ? "gone"
                                        : d->numbers[i] == 0 ? "there now"
                                                             : "another one now");
                }
                d->numbers[i] = number;
        }

        return changed;
}

const char *devices_get_missing(const Devices *d, size_t i) {
        assert(d);

        for (size_t k = 0; d->names && d->names[k]; k++)
                if (d->numbers[k] == 0 && i-- == 0)
                        return d->names[k];

        return NULL;
}

static int on_change(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        Devices *d = userdata;
        char buffer[1]; /* of each message the rest is lost */

        (void) s;
        (void) events;

        for (unsigned i = 0; i < MESSAGES_AT_ONCE; i++)
                if (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) < 0 && errno == EAGAIN)
                        break;

        if (look(d))
                d->handler(d->userdata);
        return 0;
}

static int start(Devices *d) {
        const int group = RTNLGRP_LINK;
        int r;

        r = netlink_open(&d->socket, NETLINK_ROUTE);
        if (r < 0)
                return r;

        if (mnl_socket_setsockopt(
                            d->socket, NETLINK_ADD_MEMBERSHIP, (void *) &group, sizeof(group)) < 0)
                r = -errno;
        else
                r = sd_event_add_io(d->event,
                                &d->io,
                                mnl_socket_get_fd(d->socket),
                                EPOLLIN,
                                on_change,
                                d);
        if (r < 0)
                stop(d);
        return r < 0 ? r : 0;
}

int devices_follow(Devices *d, char *const *names) {
        _cleanup_(strv_freep) char **copy = NULL;
        _cleanup_(freep) unsigned *numbers = NULL;
        size_t n = strv_length(names);
        int r;

        assert(d);

        if (n == 0) {
                stop(d);
                d->names = strv_free(d->names);
                return 0;
        }

        numbers = calloc(n, sizeof(*numbers));
        r = numbers ? 0 : -ENOMEM;
        for (size_t i = 0; i < n && r >= 0; i++)
                r = strv_append(&copy, n, names[i], strlen(names[i]));
        if (r >= 0 && !d->socket)
                r = start(d);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; i++)
                numbers[i] = if_nametoindex(copy[i]);

        strv_free(d->names);
        d->names = TAKE_PTR(copy);
        free(d->numbers);
        d->numbers = TAKE_PTR(numbers);
        return 0;
}
