/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bans carried into the kernel in a second, beside `nft -f` with the same elements
 *
 * Runs in a network namespace of its own. Each way gets an empty table, and the same number of IPv4
 * addresses with a timeout. nft(8) reads its input from a file made beforehand.
 */

#include "bench.h"

#include <err.h>
#include <stdio.h>

#include "engine/firewall.h"

#define N_ELEMENTS 100000u
#define N_ELEMENTS_UNPRIVILEGED 3000u /* more nft(8) cannot send */
#define TIMEOUT BENCH_TIMEOUT

/* Bans n addresses in batches. Returns the seconds it took, the queueing included. */
static double run_batches(unsigned n, unsigned batch) {
        _cleanup_(firewall_freep) Firewall *f = NULL;
        _cleanup_(freep) double *spans = NULL;
        const FirewallJail jail = {
                .name = "bench",
                .ports = { .ranges = { { 22, 22 } }, .n_ranges = 1, .protocols = PORT_TCP },
        };
        double start, end;
        size_t n_spans = 0;
        int r;

        spans = calloc(n / batch + 1, sizeof(*spans));
        r = firewall_nft_new(&f);
        if (!spans || r < 0)
                errx(EXIT_FAILURE, "firewall: %s", strerror(-r));

        (void) firewall_destroy(f);
        r = firewall_configure(f, &(FirewallSettings){}, &jail, 1);
        if (r < 0)
                errx(EXIT_FAILURE, "configure: %s", strerror(-r));

        start = bench_now();
        for (unsigned i = 0; i < n;) {
                double before = bench_now();

                for (unsigned k = 0; k < batch && i < n; k++, i++) {
                        Address a = bench_address(i);

                        r = firewall_add(f, "bench", &a, TIMEOUT, 0);
                        if (r < 0)
                                errx(EXIT_FAILURE, "add: %s", strerror(-r));
                }
                r = firewall_commit(f, NULL, NULL);
                if (r < 0)
                        errx(EXIT_FAILURE, "commit: %s", strerror(-r));

                spans[n_spans++] = bench_now() - before;
        }
        end = bench_now();

        bench_sort(spans, n_spans);
        printf("batches of %4u: %6u bans in %.3f s, %8.0f a second; a batch %.1f us p50, %.1f us "
               "p99\n",
                        batch,
                        n,
                        end - start,
                        n / (end - start),
                        spans[n_spans / 2] * 1e6,
                        spans[n_spans * 99 / 100] * 1e6);

        (void) firewall_destroy(f);
        return end - start;
}

int main(void) {
        unsigned n = geteuid() == 0 ? N_ELEMENTS : N_ELEMENTS_UNPRIVILEGED;
        double nft, single, hundred, many;

        bench_enter_namespace();

        single = run_batches(n, 1);
        hundred = run_batches(n, 100);
        many = run_batches(n, 5000);

        nft = bench_nft(n);
        if (nft < 0)
                return 77;

        printf("nft -f:           %6u elements in %.3f s, %8.0f a second\n", n, nft, n / nft);
        printf("ratio of bans a second to nft -f: batches of 1 %.2f, of 100 %.2f, of 5000 %.2f\n",
                        nft / single,
                        nft / hundred,
                        nft / many);
        return EXIT_SUCCESS;
}
