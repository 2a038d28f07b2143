/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What others do to a table
 *
 * Listens to what the kernel tells of changes at nftables, and picks out those of one table that
 * were not made over our own links.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"
#include "engine/nft-link.h"

typedef struct NftWatch NftWatch;

/* What the kernel tells of a process' name, and the end of the string. */
#define NFT_PROCESS_SIZE 16

/* What was done between two looks. */
typedef struct NftMeddling {
        bool structure; /* the table, a chain, a rule, a set or a map, or something we have none of
                         */
        size_t n_elements;
        bool overrun; /* more than the kernel could keep for us: anything may have been done */

        /* Who did the last of it: what the process calls itself, "" if it is not known. Its id is
         * that of the namespace of the machine. */
        char process[NFT_PROCESS_SIZE];
        pid_t pid;
} NftMeddling;

/* Called for each element that was added, changed or deleted. The key is borrowed. */
typedef void (*NftTouchedHandler)(const char *set,
                const void *key,
                size_t key_size,
                void *userdata);

/* Begins to listen, in the network namespace of the caller. Returns 0 and passes ownership of *ret,
 * or a negative errno. */
int nft_watch_new(NftWatch **ret, const char *table);

/* Accepts NULL. Always returns NULL. */
NftWatch *nft_watch_free(NftWatch *w);
DEFINE_CLEANUP(NftWatch *, nft_watch_free)

/* Readable when somebody has changed something, of whatever table. */
int nft_watch_get_fd(const NftWatch *w);

/* What is done over these links, of which the second may be NULL, is ours from now on. Returns 0 or
 * a negative errno. */
int nft_watch_ignore(NftWatch *w, const NftLink *a, const NftLink *b);

/* Hears nothing for a while, and listens again: as long as anybody listens, the kernel needs about
 * twice the time for a transaction of many bans. Returns 0 or a negative errno. */
int nft_watch_pause(NftWatch *w);
int nft_watch_resume(NftWatch *w);

/* Reads what is known by now. Returns 1 and *ret if somebody has meddled with the table, 0 if not,
 * or a negative errno. */
int nft_watch_read(NftWatch *w, NftTouchedHandler handler, void *userdata, NftMeddling *ret);
