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

#include "attack.h"
#include "bench.h"

#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/macro.h"
#include "base/usec.h"
#include "engine/nft-link.h"
#include "engine/nft-table.h"

#define N_ATTACK 200u
#define N_QUIET 20u

/* Between two addresses, so that each finds banjod idle. Not a multiple of any tick. */
#define GAP (23 * USEC_PER_MSEC + 370)
/* journald's own signal has to be due no more. */
#define QUIET_GAP (1200 * USEC_PER_MSEC)

/* Convicts an address and returns the time it took. */
static usec_t measure(NftLink *link, bool at_once) {
        const Address a = attack_next();
        usec_t start;

        attack_send(&a, ATTACK_MAXRETRY - 1);
        if (!at_once)
                attack_pause(GAP);

        start = attack_now();
        attack_send(&a, 1);
        return attack_wait(link, &a, start);
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
                attack_pause(GAP);
                attack[i] = measure(link, false);
        }
        bench_stop(pid);

        for (size_t i = 0; i < N_QUIET; i++) {
                pid = bench_start(banjod, notify);
                attack_pause(QUIET_GAP);
                quiet[i] = measure(link, true);
                bench_stop(pid);
        }

        a = attack_print("while an attack is on:", attack, N_ATTACK);
        q = attack_print("first burst after quiet:", quiet, N_QUIET);
        printf("ratio of the p50s: %.1f\n", (double) q / (double) MAX(a, (usec_t) 1));
        return EXIT_SUCCESS;
}
