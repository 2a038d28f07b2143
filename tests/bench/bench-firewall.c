/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bans carried into the kernel in a second, beside `nft -f` with the same elements
 *
 * Runs in a network namespace of its own. Each way gets an empty table, and the same number of IPv4
 * addresses with a timeout. nft(8) reads its input from a file made beforehand.
 */

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "engine/firewall.h"

#define N_ELEMENTS 100000u
#define N_ELEMENTS_UNPRIVILEGED 3000u /* more nft(8) cannot send */
#define TIMEOUT (24 * USEC_PER_HOUR)

static double now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

/* Root needs no user namespace, and without one nft(8) may send as much at a time as it likes. */
static void enter_namespace(void) {
        static const char *const maps[] = {
                "/proc/self/setgroups",
                "/proc/self/uid_map",
                "/proc/self/gid_map",
        };
        unsigned ids[] = { 0, geteuid(), getegid() };

        if (unshare(CLONE_NEWNET | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) < 0)
                err(EXIT_FAILURE, "unshare");

        for (size_t i = 0; ids[1] != 0 && i < ELEMENTSOF(maps); i++) {
                char text[32] = "deny";
                int fd;

                if (i > 0)
                        (void) snprintf(text, sizeof(text), "0 %u 1", ids[i]);
                fd = open(maps[i], O_WRONLY | O_CLOEXEC);
                if (fd < 0 || write(fd, text, strlen(text)) < 0)
                        err(EXIT_FAILURE, "%s", maps[i]);
                (void) close(fd);
        }
}

/* The i-th /64 of 2001:db8::/32, scattered as those of attackers are. */
static Address make_address(unsigned i) {
        Address a = { .family = AF_INET6, .prefixlen = 64 };

        a.in6.s6_addr32[0] = htonl(0x20010db8);
        a.in6.s6_addr32[1] = htonl(i * 2654435761u);
        return a;
}

static int compare_doubles(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return x < y ? -1 : x > y;
}

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
        r = firewall_configure(f, &jail, 1);
        if (r < 0)
                errx(EXIT_FAILURE, "configure: %s", strerror(-r));

        start = now();
        for (unsigned i = 0; i < n;) {
                double before = now();

                for (unsigned k = 0; k < batch && i < n; k++, i++) {
                        Address a = make_address(i);

                        r = firewall_add(f, "bench", &a, TIMEOUT);
                        if (r < 0)
                                errx(EXIT_FAILURE, "add: %s", strerror(-r));
                }
                r = firewall_commit(f, NULL, NULL);
                if (r < 0)
                        errx(EXIT_FAILURE, "commit: %s", strerror(-r));

                spans[n_spans++] = now() - before;
        }
        end = now();

        qsort(spans, n_spans, sizeof(*spans), compare_doubles);
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

/* Has nft(8) add the same addresses. Returns the seconds it took, or less than 0 without nft. */
static double run_nft(unsigned n) {
        _cleanup_(fclosep) FILE *f = NULL;
        char path[32];
        char *argv[] = { (char *) "nft", (char *) "-f", path, NULL };
        double start;
        int fd, r, status;
        pid_t pid;

        fd = memfd_create("elements", 0);
        if (fd < 0 || !(f = fdopen(fd, "w")))
                err(EXIT_FAILURE, "memfd");

        fprintf(f, "table inet bench {\n set s { type ipv6_addr; flags timeout; elements = {\n");
        for (unsigned i = 0; i < n; i++) {
                Address a = make_address(i);
                char buf[ADDRESS_STR_SIZE];

                a.prefixlen = 128; /* a mask would be part of the rule, not of the element */
                fprintf(f, "%s timeout 1d,\n", address_format(&a, buf));
        }
        fprintf(f, "} }\n}\n");
        (void) fflush(f);
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

        start = now();
        r = posix_spawnp(&pid, "nft", NULL, NULL, argv, environ);
        if (r != 0) {
                printf("nft -f: %s\n", strerror(r));
                return -1;
        }
        if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
                errx(EXIT_FAILURE, "nft failed");

        return now() - start;
}

int main(void) {
        unsigned n = geteuid() == 0 ? N_ELEMENTS : N_ELEMENTS_UNPRIVILEGED;
        double nft, single, hundred, many;

        enter_namespace();

        single = run_batches(n, 1);
        hundred = run_batches(n, 100);
        many = run_batches(n, 5000);

        nft = run_nft(n);
        if (nft < 0)
                return 77;

        printf("nft -f:           %6u elements in %.3f s, %8.0f a second\n", n, nft, n / nft);
        printf("ratio of bans a second to nft -f: batches of 1 %.2f, of 100 %.2f, of 5000 %.2f\n",
                        nft / single,
                        nft / hundred,
                        nft / many);
        return EXIT_SUCCESS;
}
