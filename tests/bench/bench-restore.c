/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * bench-restore BANJOD CONFIG-DIR: bans put back into the kernel at a start
 *
 * Runs where a journald of its own listens (bench-latency makes that place). From the start of
 * banjod, with so many running bans in its database and no table in the kernel, until it says that
 * all are in; beside `nft -f` with the same addresses, and a bare loop of libnftnl, whose time is
 * the kernel's share. What of its memory is resident, for each.
 *
 * Then somebody attacks while a million are read and put back, again and again: five failures in
 * the journal, until the element is there. It begins when banjod has made its table, which is a
 * moment before it follows the journal: the first of each start waits for that, and until what the
 * earlier ones left in the journal was read again. There is room for more bans, so that none has to
 * go for his.
 */

#include "attack.h"
#include "bare.h"
#include "bench.h"
#include "state.h"

#include <err.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/firewall.h"
#include "engine/nft-link.h"
#include "engine/nft-present.h"
#include "engine/nft-table.h"

#define N_MANY 1000000u
#define N_BESIDE 300000u /* what nft(8) puts in meanwhile */

#define BARE_BATCH 10000u

#define N_STARTS 5u
#define ATTACKS_MAX 1000u

static const char *banjod, *config = "/run/banjo-config";

/* As it is shipped, with room for more than a million. */
static void make_config(const char *shipped) {
        char from[PATH_MAX], to[PATH_MAX];
        FILE *f;

        (void) snprintf(from, sizeof(from), "%s/filters", shipped);
        (void) snprintf(to, sizeof(to), "%s/filters", config);
        if (mkdir(config, 0755) < 0 || symlink(from, to) < 0)
                err(EXIT_FAILURE, "%s", to);
        (void) snprintf(to, sizeof(to), "%s/banjo.conf", config);
        f = fopen(to, "we");
        if (!f)
                err(EXIT_FAILURE, "%s", to);
        (void) fprintf(f, "[banjo]\nmax_bans = %u\n", 2 * N_MANY);
        (void) fprintf(f,
                        "[sshd]\nenabled = yes\nfilter = sshd\nports = ssh\nmax_bans = %u\n",
                        2 * N_MANY);
        if (fclose(f) != 0)
                err(EXIT_FAILURE, "%s", to);
}

static double measure_bare(unsigned n) {
        Bare *b = bare_begin();
        double before = bench_now(), span;

        for (unsigned i = 0; i < n; i += BARE_BATCH)
                bare_batch(i, BARE_BATCH, b);
        span = bench_now() - before;
        bare_end(b);
        return span;
}

static void remove_table(void) {
        _cleanup_(firewall_freep) Firewall *f = NULL;
        int r;

        r = firewall_nft_new(&f);
        if (r >= 0)
                r = firewall_destroy(f);
        if (r < 0)
                errx(EXIT_FAILURE, "firewall: %s", strerror(-r));
}

static pid_t start(const char *state) {
        char options[2][PATH_MAX + 64];
        char *argv[] = { (char *) banjod, options[0], options[1], (char *) "--bus=none", NULL };

        (void) snprintf(options[0], sizeof(options[0]), "--config-dir=%s", config);
        (void) snprintf(options[1], sizeof(options[1]), "--state-dir=%s", state);
        remove_table();
        return bench_spawn(argv);
}

static void wait_until_ready(int notify) {
        if (!bench_is_ready(notify, 60000))
                errx(EXIT_FAILURE, "banjod did not say that it is ready");
}

static const char *make_state(unsigned n) {
        const StorePosition position = { .announced = n, .last_id = n };
        static char path[PATH_MAX];
        Store *s;

        (void) snprintf(path, sizeof(path), "/run/banjo-%u", n);
        if (mkdir(path, 0755) < 0)
                err(EXIT_FAILURE, "%s", path);
        s = state_open(path);
        if (n > 0)
                (void) state_write(s, 0, n, false, &position);
        store_close(s);
        return path;
}

/* Kilobytes of a process that are in memory. */
static long get_resident(pid_t pid) {
        char name[64], line[256];
        long n = 0;
        FILE *f;

        (void) snprintf(name, sizeof(name), "/proc/%d/status", (int) pid);
        f = fopen(name, "re");
        if (!f)
                err(EXIT_FAILURE, "%s", name);
        while (fgets(line, sizeof(line), f))
                if (sscanf(line, "VmRSS: %ld", &n) == 1)
                        break;
        (void) fclose(f);
        return n;
}

static double measure_start(unsigned n, int notify, long *ret_resident) {
        const char *state = make_state(n);
        double before = bench_now(), span;
        pid_t pid;

        pid = start(state);
        wait_until_ready(notify);
        span = bench_now() - before;
        *ret_resident = get_resident(pid);
        bench_stop(pid);
        return span;
}

static void measure_starts(int notify) {
        static const unsigned counts[] = { 10000, 100000, N_MANY };
        long empty, resident = 0;
        double none, span = 0, bare = 0, nft;

        none = measure_start(0, notify, &empty);
        printf("a start without any ban: %.3f s\n", none);

        for (size_t i = 0; i < ELEMENTSOF(counts); i++) {
                span = measure_start(counts[i], notify, &resident);
                bare = measure_bare(counts[i]);
                nft = bench_nft(counts[i]);
                printf("a start with %7u bans: %.3f s", counts[i], span);
                printf("; bare loop: %.3f s, ratio %.2f", bare, span / bare);
                if (nft > 0)
                        printf("; nft -f: %.3f s, ratio %.2f", nft, span / nft);
                printf("\n");
        }

        nft = bench_nft(N_BESIDE);
        printf("resident for each ban: %.0f bytes\n", (double) (resident - empty) * 1024 / N_MANY);
        if (nft > 0)
                printf("%u bans put back to nft -f of %u: %.2f\n", N_MANY, N_BESIDE, span / nft);
}

typedef struct Attacks {
        usec_t spans[ATTACKS_MAX];
        size_t n;
} Attacks;

static bool has_table(NftLink *link) {
        NftPresent present = {};
        bool there;
        int r;

        r = nft_present_read(link, &present);
        if (r == -EINTR)
                return true; /* it is being made */
        if (r < 0)
                errx(EXIT_FAILURE, "netlink: %s", strerror(-r));
        there = present.table;
        nft_present_done(&present);
        return there;
}

/* One attacker after another until all are back. */
static void attack(NftLink *link, int notify, Attacks *attacks) {
        bool restored = false;

        while (!has_table(link))
                attack_pause(USEC_PER_MSEC);

        while (!restored) {
                const Address a = attack_next();
                usec_t since = attack_now();

                attack_send(&a, ATTACK_MAXRETRY);
                if (attacks->n < ATTACKS_MAX)
                        attacks->spans[attacks->n++] = attack_wait(link, &a, since);
                restored = bench_is_ready(notify, 0);
                if (restored && attacks->n > 0)
                        attacks->n--; /* partly after the end */
                else
                        attack_pause(7 * USEC_PER_MSEC);
        }
}

int main(int argc, char *argv[]) {
        _cleanup_(nft_link_freep) NftLink *link = NULL;
        static Attacks attacks;
        const char *state = "/run/banjo-1000000";
        int notify, r;

        if (argc != 3)
                errx(2, "usage: bench-restore BANJOD CONFIG-DIR");
        banjod = argv[1];
        make_config(argv[2]);

        (void) prctl(PR_SET_TIMERSLACK, 1);
        notify = bench_notify_socket();
        r = nft_link_new(&link, NFT_TABLE);
        if (r < 0)
                errx(EXIT_FAILURE, "netlink: %s", strerror(-r));

        measure_starts(notify);

        for (unsigned i = 0; i < N_STARTS; i++) {
                pid_t pid = start(state);

                attack(link, notify, &attacks);
                bench_stop(pid);
        }

        if (attacks.n > 0)
                (void) attack_print("attacked while a million are read and restored:",
                                attacks.spans,
                                attacks.n);
        return EXIT_SUCCESS;
}
