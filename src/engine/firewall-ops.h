/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Firewall, for its implementations
 *
 * firewall.c keeps what is the same for all of them: the names of the jails and the queue. An
 * implementation embeds a Firewall as its first member and fills in the operations.
 */

#include "engine/firewall.h"

#define FIREWALL_NAME_SIZE 33

/* Changes waiting at most. The daemon commits after each batch and restores in chunks, both far
 * smaller. */
#define FIREWALL_QUEUE_MAX (1u << 21)

typedef struct FirewallChange {
        Address address;
        usec_t remaining; /* of a ban */
        uint32_t jail;    /* index */
        uint8_t flags;    /* of a ban: FirewallAddFlag */
        bool remove;      /* the end of a ban */
        bool done;        /* set when carried out or refused for good */
} FirewallChange;

typedef struct FirewallOps {
        FirewallOwnership (*get_ownership)(const Firewall *f);
        unsigned (*get_lacks)(const Firewall *f); /* NULL for none */
        int (*configure)(Firewall *f,
                        const FirewallSettings *settings,
                        const FirewallJail *jails,
                        size_t n_jails);

        /* Carries out the changes, marks those that need no repetition as done, and counts the
         * refused ones. Returns 0 or a negative errno if not all are done. */
        int (*apply)(Firewall *f,
                        FirewallChange *changes,
                        size_t n_changes,
                        FirewallRefusedHandler on_refused,
                        void *userdata,
                        size_t *ret_n_refused);

        int (*list)(Firewall *f, size_t max, FirewallElementHandler handler, void *userdata);
        int (*lookup)(Firewall *f, size_t jail, const Address *address, FirewallElement *ret);
        int (*get_counter)(Firewall *f, size_t jail, FirewallCounter *ret);
        int (*check)(Firewall *f);
        int (*destroy)(Firewall *f);

        /* These are as in firewall.h; all or none of them. */
        int (*settle)(Firewall *f);
        int (*hand_over)(Firewall *f);
        int (*get_socket)(const Firewall *f);
        int (*take_socket)(Firewall *f, int fd);
        int (*get_watch)(const Firewall *f);
        int (*read_meddling)(Firewall *f,
                        FirewallTouchedHandler handler,
                        void *userdata,
                        FirewallMeddling *ret);

        /* Releases everything but the Firewall itself, which is freed after it. */
        void (*done)(Firewall *f);
} FirewallOps;

typedef char FirewallName[FIREWALL_NAME_SIZE];

struct Firewall {
        const FirewallOps *ops;

        FirewallName *names; /* of the jails, in the order of the last firewall_configure() */
        size_t n_jails;

        FirewallChange *queue;
        size_t n_queued;
        size_t n_allocated;

        FirewallLongestHandler longest; /* may be NULL */
        void *longest_userdata;
        FirewallMeanwhileHandler meanwhile; /* likewise; for apply() */
        void *meanwhile_userdata;
};

/* For tests: has the nftables firewall do without what kernels before 5.9, 6.3, 6.9 and 6.12
 * lack. To be called before firewall_configure(). */
void firewall_nft_assume_old_kernel(Firewall *f);

/* For tests: has it do with the socket buffers of a process that may not enlarge them. */
void firewall_nft_assume_usual_buffers(Firewall *f);
