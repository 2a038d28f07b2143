/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "attack.h"

#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "engine/nft-elements.h"

#define GIVE_UP (60 * USEC_PER_SEC)

usec_t attack_now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;
}

void attack_pause(usec_t usec) {
        struct timespec ts = {
                .tv_sec = (time_t) (usec / USEC_PER_SEC),
                .tv_nsec = (long) (usec % USEC_PER_SEC * 1000),
        };

        (void) nanosleep(&ts, NULL);
}

/* 2001:db8::/32 has enough of them. */
Address attack_next(void) {
        static uint32_t next = 0;
        Address a = { .family = AF_INET6, .prefixlen = 128 };

        a.in6.s6_addr32[0] = htonl(0x20010db8);
        a.in6.s6_addr32[1] = htonl(++next << 8);
        a.in6.s6_addr32[3] = htonl(1);
        return a;
}

void attack_send(const Address *a, unsigned n) {
        char buf[ADDRESS_STR_SIZE];
        int r;

        address_format(a, buf);
        for (unsigned i = 0; i < n; i++) {
                r = sd_journal_send("SYSLOG_IDENTIFIER=sshd",
                                "MESSAGE=Failed password for root from %s port 40022 ssh2",
                                buf,
                                "PRIORITY=6",
                                NULL);
                if (r < 0)
                        errx(EXIT_FAILURE, "journal: %s", strerror(-r));
        }
}

bool attack_is_out(NftLink *link, const Address *a) {
        Address net = *a;
        int r;

        address_widen(&net, 64);
        r = nft_get_element(link, "sshd-v6-64", &net, NULL);
        if (r < 0)
                errx(EXIT_FAILURE, "netlink: %s", strerror(-r));
        return r > 0;
}

usec_t attack_wait(NftLink *link, const Address *a, usec_t since) {
        while (!attack_is_out(link, a)) {
                if (attack_now() - since > GIVE_UP)
                        errx(EXIT_FAILURE, "no ban within a minute");
                /* There may be as few as two processors, and two others need one. */
                attack_pause(10);
        }

        return attack_now() - since;
}

static int compare_usec(const void *a, const void *b) {
        usec_t x = *(const usec_t *) a, y = *(const usec_t *) b;

        return x < y ? -1 : x > y;
}

usec_t attack_print(const char *title, usec_t *spans, size_t n) {
        qsort(spans, n, sizeof(*spans), compare_usec);
        printf("%s %8.2f ms p50 %8.2f ms p99 %8.2f ms at most (of %zu)\n",
                        title,
                        (double) spans[n / 2] / (double) USEC_PER_MSEC,
                        (double) spans[n * 99 / 100] / (double) USEC_PER_MSEC,
                        (double) spans[n - 1] / (double) USEC_PER_MSEC,
                        n);
        return spans[n / 2];
}
