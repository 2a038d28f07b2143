/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * measure-latency BANJOD CONFIG-DIR: the time from a line sent to the drop in the kernel
 *
 * Runs where a journald of its own listens (bench-latency makes that place). Sends sshd's failures
 * to it, address by address, and looks for the element in the jail's set by netlink until it is
 * there. The time runs from before the line that convicts is sent until the element was seen.
 *
 * Twice: while an attack is on, the tail looks at the journal on a tick. After quiet it is woken by
 * journald. That is the state of a banjod just started, so each of those samples has a banjod of
 * its own, and all the failures of an address are sent at once, as if nothing had gone before.
 */

#include "bench.h"

#include <arpa/inet.h>
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "base/macro.h"
#include "base/usec.h"
#include "engine/nft-elements.h"
#include "engine/nft-link.h"
#include "engine/nft-table.h"

#define N_ATTACK 200u
#define N_QUIET 20u
#define MAXRETRY 5u

/* Between two addresses, so that each finds banjod idle. Not a multiple of any tick. */
#define GAP (23 * USEC_PER_MSEC + 370)
/* journald's own signal has to be due no more. */
#define QUIET_GAP (1200 * USEC_PER_MSEC)

#define GIVE_UP (10 * USEC_PER_SEC)

static usec_t now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;
}

static void pause_for(usec_t usec) {
        struct timespec ts = {
                .tv_sec = (time_t) (usec / USEC_PER_SEC),
                .tv_nsec = (long) (usec % USEC_PER_SEC * 1000),
        };

        (void) nanosleep(&ts, NULL);
}

static void send_failure(const Address *a) {
        char buf[ADDRESS_STR_SIZE];
        int r;

        r = sd_journal_send("SYSLOG_IDENTIFIER=sshd",
                        "MESSAGE=Failed password for root from %s port 40022 ssh2",
                        address_format(a, buf),
                        "PRIORITY=6",
                        NULL);
        if (r < 0)
                errx(EXIT_FAILURE, "journal: %s", strerror(-r));
}

/* Convicts an address and returns the time it took. */
static usec_t measure(NftLink *link, bool at_once) {
        static uint32_t next = 0;
        Address a = { .family = AF_INET6, .prefixlen = 128 }, net;
        usec_t start;

        /* A /64 for each, of which 2001:db8::/32 has enough. */
        a.in6.s6_addr32[0] = htonl(0x20010db8);
        a.in6.s6_addr32[1] = htonl(++next << 8);
        a.in6.s6_addr32[3] = htonl(1);
        net = a;
        address_widen(&net, 64);

        for (unsigned i = 0; i < MAXRETRY - 1; i++)
                send_failure(&a);
        if (!at_once)
                pause_for(GAP);

        start = now();
        send_failure(&a);
        for (;;) {
                int r;

                r = nft_get_element(link, "sshd-v6-64", &net, NULL);
                if (r < 0)
                        errx(EXIT_FAILURE, "netlink: %s", strerror(-r));
                if (r > 0)
                        return now() - start;
                if (now() - start > GIVE_UP)
                        errx(EXIT_FAILURE, "no ban within 10 s");
                /* There may be as few as two processors, and two others need one. */
                pause_for(10);
        }
}

static int compare_usec(const void *a, const void *b) {
        usec_t x = *(const usec_t *) a, y = *(const usec_t *) b;

        return x < y ? -1 : x > y;
}

static usec_t print_spans(const char *title, usec_t *spans, size_t n) {
        qsort(spans, n, sizeof(*spans), compare_usec);
        printf("%s %8.2f ms p50 %8.2f ms p99 (of %zu)\n",
                        title,
                        (double) spans[n / 2] / (double) USEC_PER_MSEC,
                        (double) spans[n * 99 / 100] / (double) USEC_PER_MSEC,
                        n);
        return spans[n / 2];
}

int main(int argc, char *argv[]) {
        _cleanup_(nft_link_freep) NftLink *link = NULL;
        char config[PATH_MAX], state[] = "--state-dir=/run/banjo-bench";
        usec_t attack[N_ATTACK], quiet[N_QUIET], a, q;
        int notify, r;
        pid_t pid;

        if (argc != 3)
                errx(2, "usage: measure-latency BANJOD CONFIG-DIR");

        (void) prctl(PR_SET_TIMERSLACK, 1);
        notify = bench_notify_socket();
        r = nft_link_new(&link, NFT_TABLE);
        if (r < 0)
                errx(EXIT_FAILURE, "netlink: %s", strerror(-r));

        (void) snprintf(config, sizeof(config), "--config-dir=%s", argv[2]);
        char *banjod[] = { argv[1], config, state, (char *) "--bus=none", NULL };

        pid = bench_start(banjod, notify);
        (void) measure(link, true); /* from now on it ticks */
        for (size_t i = 0; i < N_ATTACK; i++) {
                pause_for(GAP);
                attack[i] = measure(link, false);
        }
        bench_stop(pid);

        for (size_t i = 0; i < N_QUIET; i++) {
                pid = bench_start(banjod, notify);
                pause_for(QUIET_GAP);
                quiet[i] = measure(link, true);
                bench_stop(pid);
        }

        a = print_spans("while an attack is on:", attack, N_ATTACK);
        q = print_spans("first burst after quiet:", quiet, N_QUIET);
        printf("ratio of the p50s: %.1f\n", (double) q / (double) MAX(a, (usec_t) 1));
        return EXIT_SUCCESS;
}
