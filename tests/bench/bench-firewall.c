/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bans carried into the kernel, in batches of several sizes
 *
 * Beside a bare loop of libnftnl, which puts the same addresses into a set with the same flags in
 * transactions of the same size and knows nothing of bans; beside `nft -f`, which reads its input
 * from a file made beforehand; and beside a process of nft(8) for each ban. All start with an empty
 * table, in a network namespace of their own.
 *
 * And how long it takes from a decision until a packet is dropped that a moment before arrived.
 */

#include "bare.h"
#include "bench.h"

#include <arpa/inet.h>
#include <err.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../component/netns.h"
#include "engine/firewall.h"

#define N_PROCESSES 200u
#define N_DROPS 1000u

static const struct {
        unsigned batch, n;
} sizes[] = {
        { 1, 100000 },
        { 100, 100000 },
        { 10000, 1000000 },
        { 1000000, 1000000 },
};

typedef struct Result {
        double seconds;
        double p50, p99; /* of a batch */
} Result;

/* Puts the bans from i to i + n into the kernel. */
typedef void (*BatchHandler)(unsigned i, unsigned n, void *userdata);

static Result run_batches(unsigned n, unsigned batch, BatchHandler handler, void *userdata) {
        _cleanup_(freep) double *spans = calloc(n / batch, sizeof(*spans));
        Result result = {};

        if (!spans)
                err(EXIT_FAILURE, "calloc");

        for (unsigned i = 0; i < n / batch; i++) {
                double before = bench_now();

                handler(i * batch, batch, userdata);
                spans[i] = bench_now() - before;
                result.seconds += spans[i];
        }

        bench_sort(spans, n / batch);
        result.p50 = spans[n / batch / 2];
        result.p99 = spans[n / batch * 99 / 100];
        return result;
}

static void print_result(const char *who, unsigned batch, unsigned n, Result r) {
        printf("%-12s batches of %7u: %9.0f a second, a batch %10.1f us p50 %10.1f us p99\n",
                        who,
                        batch,
                        n / r.seconds,
                        r.p50 * 1e6,
                        r.p99 * 1e6);
}

/* banjo */

static Firewall *open_firewall(const FirewallJail *jail) {
        const FirewallSettings settings = {};
        Firewall *f = NULL;
        int r;

        r = firewall_nft_new(&f);
        if (r < 0)
                errx(EXIT_FAILURE, "firewall: %s", strerror(-r));
        (void) firewall_destroy(f);
        r = firewall_configure(f, &settings, jail, 1);
        if (r < 0)
                errx(EXIT_FAILURE, "configure: %s", strerror(-r));
        return f;
}

static void ban_batch(unsigned i, unsigned n, void *userdata) {
        Firewall *f = userdata;
        int r = 0;

        for (unsigned end = i + n; i < end && r >= 0; i++) {
                const Address a = bench_address(i);

                r = firewall_add(f, "bench", &a, BENCH_TIMEOUT, 0);
        }
        if (r >= 0)
                r = firewall_commit(f, NULL, NULL);
        if (r < 0)
                errx(EXIT_FAILURE, "ban: %s", strerror(-r));
}

static Result run_banjo(unsigned n, unsigned batch) {
        const FirewallJail jail = {
                .name = "bench",
                .ports = { .ranges = { { 22, 22 } }, .n_ranges = 1, .protocols = PORT_TCP },
        };
        _cleanup_(firewall_freep) Firewall *f = open_firewall(&jail);
        Result r;

        r = run_batches(n, batch, ban_batch, f);
        (void) firewall_destroy(f);
        return r;
}

static Result run_bare(unsigned n, unsigned batch) {
        Bare *b = bare_begin();
        Result r;

        r = run_batches(n, batch, bare_batch, b);
        bare_end(b);
        return r;
}

/* a process for each */

static double run_processes(void) {
        double start;

        bare_make_table(false);
        start = bench_now();
        for (unsigned i = 0; i < N_PROCESSES; i++) {
                Address a = bench_address(i);
                char command[128], buf[ADDRESS_STR_SIZE];
                char *argv[] = { (char *) "nft", command, NULL };
                int status;
                pid_t pid;

                a.prefixlen = 128;
                (void) snprintf(command,
                                sizeof(command),
                                "add element inet bare s { %s timeout 1d }",
                                address_format(&a, buf));
                if (posix_spawnp(&pid, "nft", NULL, NULL, argv, environ) != 0 ||
                                waitpid(pid, &status, 0) < 0 || status != 0)
                        errx(EXIT_FAILURE, "nft failed");
        }
        start = bench_now() - start;
        bare_make_table(true);
        return start / N_PROCESSES;
}

/* packets */

static void ban_peer(Firewall *f, bool ban) {
        const Address peer = netns_address(PEER4);
        int r;

        r = ban ? firewall_add(f, "bench", &peer, BENCH_TIMEOUT, 0)
                : firewall_remove(f, "bench", &peer);
        if (r >= 0)
                r = firewall_commit(f, NULL, NULL);
        if (r < 0)
                errx(EXIT_FAILURE, "ban: %s", strerror(-r));
}

static bool arrives(int from, int at) {
        char c;

        netns_send(from, HOST4, 53);
        return recv(at, &c, 1, MSG_DONTWAIT) > 0;
}

/* From the call that carries the ban out until a packet was sent that does not arrive any more. */
static void measure_drops(void) {
        const FirewallJail jail = {
                .name = "bench",
                .ports = { .ranges = { { 53, 53 } }, .n_ranges = 1, .protocols = PORT_UDP },
        };
        _cleanup_(firewall_freep) Firewall *f = NULL;
        static double spans[N_DROPS];
        FirewallCounter dropped;
        int from, at;

        netns_enter();
        netns_make_peer();
        f = open_firewall(&jail);
        from = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, 0, false);
        at = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, 53, false);
        while (!arrives(from, at))
                ; /* the first waits for its neighbour */

        for (unsigned i = 0; i < N_DROPS; i++) {
                double start;

                while (!arrives(from, at))
                        ;
                start = bench_now();
                ban_peer(f, true);
                while (arrives(from, at))
                        ;
                spans[i] = bench_now() - start;
                ban_peer(f, false);
        }

        if (firewall_get_counter(f, "bench", &dropped) < 0 || dropped.packets < N_DROPS)
                errx(EXIT_FAILURE, "packets were lost, and not dropped");
        bench_sort(spans, N_DROPS);
        printf("decision to dropped packet: %.1f us p50 %.1f us p99\n",
                        spans[N_DROPS / 2] * 1e6,
                        spans[N_DROPS * 99 / 100] * 1e6);
}

int main(void) {
        double nft[ELEMENTSOF(sizes)];
        pid_t pid;
        int status;

        /* In namespaces that the rest has no use for. */
        (void) fflush(stdout);
        pid = fork();
        if (pid == 0) {
                measure_drops();
                return EXIT_SUCCESS;
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
                errx(EXIT_FAILURE, "packets could not be sent");

        bench_enter_namespace();

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                unsigned batch = sizes[i].batch, n = sizes[i].n;
                Result banjo = run_banjo(n, batch), bare = run_bare(n, batch);

                print_result("banjo:", batch, n, banjo);
                print_result("bare loop:", batch, n, bare);
                printf("ratio to the bare loop: %.2f of its bans a second, %.2f of its time for a "
                       "batch (p50)\n",
                                bare.seconds / banjo.seconds,
                                banjo.p50 / bare.p50);

                nft[i] = batch > 1 ? bench_nft(batch) : run_processes();
                if (nft[i] > 0)
                        printf("%s %7u: %9.0f a second; banjo is %.1f times as fast\n",
                                        batch > 1 ? "nft -f of         " : "nft, a process for",
                                        batch,
                                        batch / nft[i],
                                        nft[i] / batch * n / banjo.seconds);
        }

        return EXIT_SUCCESS;
}
