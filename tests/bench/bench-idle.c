/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a million bans cost that nobody adds to, and whose packets do not come
 *
 * The kernel walks through a set with timeouts at an interval to collect what has expired. Here
 * that is so short that the walks are a good part of what its workers do, and the share they have
 * of a core tells how long one takes. What others do in the kernel meanwhile adds to it, and a
 * worker that ends takes its time with it; so it is the median of a few rounds.
 */

#include "bench.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>

#include "engine/nft-jail.h"
#include "engine/nft-table.h"

#define N_ELEMENTS 1000000u
#define CHUNK 5000u
#define INTERVAL_MSEC 200
#define ROUNDS 5

/* Seconds of processor time of all of the kernel's workers. */
static double workers_time(void) {
        DIR *d = opendir("/proc");
        unsigned long long sum = 0;
        struct dirent *e;

        if (!d)
                err(EXIT_FAILURE, "/proc");

        while ((e = readdir(d))) {
                char path[sizeof(e->d_name) + 32], comm[16] = "";
                unsigned long long ns = 0;
                FILE *f;

                (void) snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
                f = fopen(path, "re");
                if (!f)
                        continue;
                (void) fscanf(f, "%15s", comm);
                (void) fclose(f);
                if (!startswith(comm, "kworker"))
                        continue;

                (void) snprintf(path, sizeof(path), "/proc/%s/schedstat", e->d_name);
                f = fopen(path, "re");
                if (!f)
                        continue;
                if (fscanf(f, "%llu", &ns) == 1)
                        sum += ns;
                (void) fclose(f);
        }

        (void) closedir(d);
        return (double) sum / 1e9;
}

static void commit(NftLink *l) {
        int r = nft_link_commit(l, NULL, NULL);

        if (r < 0)
                errx(EXIT_FAILURE, "nftables: %s", strerror(-r));
}

static void fill(NftLink *l) {
        for (unsigned i = 0; i < N_ELEMENTS;) {
                struct nftnl_set *elements;

                nft_link_begin(l);
                elements = nft_elements_new(l, "idle");
                for (unsigned k = 0; k < CHUNK; k++, i++) {
                        const uint32_t key = htonl(0x0a000000u + i);
                        struct nftnl_set_elem *e;

                        e = nft_elements_add(l, elements, &key, sizeof(key));
                        if (e)
                                nftnl_set_elem_set_u64(e,
                                                NFTNL_SET_ELEM_TIMEOUT,
                                                BENCH_TIMEOUT / USEC_PER_MSEC);
                }
                nft_put_elements(l, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements);
                nftnl_set_free(elements);
                commit(l);
        }
}

int main(void) {
        const NftSetParams params = {
                .flags = NFT_SET_TIMEOUT,
                .key_type = NFT_TYPE_IPV4_ADDR,
                .key_size = 4,
                .gc_interval = INTERVAL_MSEC,
        };
        double shares[ROUNDS], share, walk;
        NftLink *l;
        int r;

        if (workers_time() <= 0) {
                printf("The kernel's workers cannot be seen here.\n");
                return 77;
        }

        bench_enter_namespace();
        r = nft_link_new(&l, "idle");
        if (r < 0)
                errx(EXIT_FAILURE, "nftables: %s", strerror(-r));
        nft_link_begin(l);
        nft_add_table(l, 0);
        nft_add_set(l, "idle", &params);
        commit(l);
        fill(l);

        for (unsigned i = 0; i < ROUNDS; i++) {
                double time = bench_now(), before = workers_time();

                (void) sleep(2);
                shares[i] = (workers_time() - before) / (bench_now() - time);
        }

        bench_sort(shares, ROUNDS);
        share = shares[ROUNDS / 2];
        walk = INTERVAL_MSEC / 1e3 * share / (1 - share);
        printf("a walk through %u idle bans takes the kernel %.1f ms: every %u s, %.3f %% of a core\n",
                        N_ELEMENTS,
                        walk * 1e3,
                        NFT_GC_INTERVAL_MSEC / 1000,
                        100 * walk / (NFT_GC_INTERVAL_MSEC / 1e3));

        nft_link_begin(l);
        nft_delete_table(l);
        commit(l);
        nft_link_free(l);
        return EXIT_SUCCESS;
}
