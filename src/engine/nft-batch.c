/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * To ban an address again is to add it again where the kernel can update. Elsewhere it is to
 * destroy it and then to add it. What may stay as it is (FIREWALL_KEEP) is added without either.
 *
 * The kernel compares the time of an update with the one that was there before the transaction.
 * The same one is no update to it, also if an hour of it is over, and also if the transaction has
 * set another one: so what remains is said as well, and whoever is banned for good, of which
 * nothing remains, is destroyed first there, too.
 *
 * Where jails are gated, each prefix is in the gate for as long as the longest of its bans, so that
 * what one of them does to it is asked about all of them.
 */

#include "engine/nft-batch.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "engine/nft-elements.h"
#include "engine/nft-table.h"

/* Older kernels cut what is less than a tick of their clock, which is up to 10 ms, to nothing, and
 * that would be for good. */
#define TIMEOUT_MSEC_MIN 10

/* The kernel takes milliseconds below 2^64 nanoseconds, which is 584 years. */
#define TIMEOUT_MSEC_MAX (UINT64_C(300) * 365 * 24 * 3600 * 1000)

static uint64_t timeout_msec(usec_t remaining) {
        uint64_t msec = remaining / USEC_PER_MSEC + (remaining % USEC_PER_MSEC > 0);

        return msec < TIMEOUT_MSEC_MIN ? TIMEOUT_MSEC_MIN : MIN(msec, TIMEOUT_MSEC_MAX);
}

typedef enum Part {
        PART_ADD,      /* the bans, with their timeouts */
        PART_ADD_NEW,  /* the same, none of which may be there unless the kernel can update */
        PART_REPLACED, /* the keys of what may not stay as it is */
} Part;

static bool is_part(Part part, const FirewallChange *change) {
        switch (part) {
        case PART_ADD:
        case PART_ADD_NEW:
                return !change->remove;
        default:
                return change->remove || !(change->flags & FIREWALL_KEEP);
        }
}

/* Writes the elements of n operations on one set into a message. */
static void write_elements(const NftBatch *b,
                uint16_t type,
                Part part,
                const NftOperation *operations,
                size_t n) {
        const NftBanSet *set = operations[0].set;
        struct nftnl_set *elements;
        uint16_t flags = 0;
        size_t n_written = 0;

        elements = nft_elements_new(b->link, set->name);
        if (!elements)
                return;

        for (size_t i = 0; i < n; i++) {
                const FirewallChange *change = operations[i].change;
                struct nftnl_set_elem *e;

                if (!is_part(part, change))
                        continue;

                e = nft_elements_add(b->link,
                                elements,
                                change->address.bytes,
                                nft_address_size(set->family));
                if (!e)
                        break;

                n_written++;
                if (part == PART_REPLACED)
                        continue;
                if (change->remaining != USEC_INFINITY) {
                        uint64_t timeout = timeout_msec(change->remaining);

                        nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, timeout);
                        if (b->can.update)
                                nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_EXPIRATION, timeout);
                }
                if (change->flags & FIREWALL_COUNTED)
                        nft_element_count(b->link, e);
        }

        if (type == NFT_MSG_NEWSETELEM)
                flags = NLM_F_CREATE;
        if (part == PART_ADD_NEW && !b->can.update &&
                        !(operations[0].change->flags & FIREWALL_KEEP))
                flags |= NLM_F_EXCL;
        if (n_written > 0)
                nft_put_elements(b->link, type, flags, elements);
        nftnl_set_free(elements);
}

/* Writes that what may not stay as it is is not in the set, whether it was or not. */
static void write_absence(const NftBatch *b, const NftOperation *operations, size_t n) {
        if (b->can.destroy) {
                write_elements(b, NFT_DESTROY_SETELEM, PART_REPLACED, operations, n);
        } else {
                /* What is to be deleted has to be there. */
                write_elements(b, NFT_MSG_NEWSETELEM, PART_REPLACED, operations, n);
                write_elements(b, NFT_MSG_DELSETELEM, PART_REPLACED, operations, n);
        }
}

/* Makes sure that the set is there when the transaction comes to the operation. Returns false if it
 * is not and need not be. */
static bool write_set_if_needed(const NftBatch *b, const NftOperation *o, bool adds) {
        if (o->set->exists || o->set->pending)
                return true;
        if (!adds)
                return false;

        nft_layout_write_set(b->layout, b->link, o->jail, o->set);
        o->set->pending = true;
        return true;
}

/* Operations that go into the same messages. */
typedef struct Run {
        size_t n;
        bool adds;     /* some are bans */
        bool for_good; /* all are, if they are of one kind */
} Run;

static bool is_for_good(const FirewallChange *change) {
        return !change->remove && change->remaining == USEC_INFINITY;
}

static bool is_of_one_kind(const FirewallChange *a, const FirewallChange *b) {
        return a->remove == b->remove && is_for_good(a) == is_for_good(b) &&
               (a->flags & FIREWALL_KEEP) == (b->flags & FIREWALL_KEEP);
}

/* The run at the beginning: all on the same set; if in_order, all of the same kind, too. */
static Run find_run(const NftOperation *operations, size_t n, bool in_order) {
        Run run = {
                .n = 1,
                .adds = !operations[0].change->remove,
                .for_good = is_for_good(operations[0].change),
        };

        for (; run.n < n; run.n++) {
                const NftOperation *o = operations + run.n;

                if (o->set != operations[0].set)
                        break;
                if (in_order && !is_of_one_kind(o->change, operations[0].change))
                        break;

                run.adds = run.adds || !o->change->remove;
        }

        return run;
}

static void write_run(const NftBatch *b, const NftOperation *operations, Run run) {
        if (!write_set_if_needed(b, operations, run.adds))
                return;

        if (!run.adds || b->replace || (run.for_good && b->can.update))
                write_absence(b, operations, run.n);
        if (run.adds)
                write_elements(b,
                                NFT_MSG_NEWSETELEM,
                                b->replace ? PART_ADD : PART_ADD_NEW,
                                operations,
                                run.n);
}

static int compare_operations(const void *va, const void *vb) {
        const NftOperation *a = va, *b = vb;
        int r;

        if (a->set != b->set)
                return a->set->index < b->set->index ? -1 : 1;

        r = memcmp(a->change->address.bytes, b->change->address.bytes, 16);
        if (r != 0)
                return r;

        return a->change < b->change ? -1 : 1;
}

/* Brings those of each set together that go into the same messages. What goes makes room for what
 * comes. */
static int compare_kinds(const void *va, const void *vb) {
        const NftOperation *a = va, *b = vb;

        if (a->set != b->set)
                return a->set->index < b->set->index ? -1 : 1;
        if (a->change->remove != b->change->remove)
                return a->change->remove ? -1 : 1;

        if (is_for_good(a->change) != is_for_good(b->change))
                return is_for_good(a->change) ? 1 : -1;

        return (int) (a->change->flags & FIREWALL_KEEP) - (int) (b->change->flags & FIREWALL_KEEP);
}

/* What is to become of the prefix in the gate, after the last change to it. */
static void settle_gate(const NftBatch *b, FirewallChange *change) {
        usec_t longest = 0;

        if (b->longest)
                longest = b->longest(&change->address, b->longest_userdata);

        change->remaining = change->remove ? longest : MAX(longest, change->remaining);
        change->remove = change->remove && longest == 0;
        change->flags &= FIREWALL_KEEP;
}

/* Writes what the operations mean for the gate, each of its elements once. */
static void write_gate(const NftBatch *b, const NftOperation *operations, size_t n) {
        _cleanup_(freep) FirewallChange *changes = NULL;
        _cleanup_(freep) NftOperation *gate = NULL;
        size_t n_gated = 0, n_left = 0;
        Run run;

        for (size_t i = 0; i < n; i++)
                n_gated += operations[i].jail->is_gated;
        if (n_gated == 0)
                return;

        changes = calloc(n_gated, sizeof(*changes));
        gate = calloc(n_gated, sizeof(*gate));
        if (!changes || !gate) {
                nft_link_fail(b->link, -ENOMEM);
                return;
        }

        for (size_t i = 0, k = 0; i < n; i++) {
                const Address *a = &operations[i].change->address;

                if (!operations[i].jail->is_gated)
                        continue;

                changes[k] = *operations[i].change;
                gate[k] = (NftOperation){
                        .set = nft_jail_find_set(&b->layout->gate.jail, a->family, a->prefixlen),
                        .change = &changes[k],
                        .jail = &b->layout->gate.jail,
                };
                k++;
        }

        qsort(gate, n_gated, sizeof(*gate), compare_operations);
        for (size_t i = 0; i < n_gated; i++) {
                FirewallChange *change = gate[i].change;

                if (i + 1 < n_gated && gate[i + 1].set == gate[i].set &&
                                address_equal(&gate[i + 1].change->address, &change->address)) {
                        if (!(change->flags & FIREWALL_KEEP))
                                gate[i + 1].change->flags &= (uint8_t) ~FIREWALL_KEEP;
                        continue;
                }

                settle_gate(b, change);
                gate[n_left++] = gate[i];
        }

        qsort(gate, n_left, sizeof(*gate), compare_kinds);
        for (size_t i = 0; i < n_left; i += run.n) {
                run = find_run(gate + i, n_left - i, !b->replace);
                write_run(b, gate + i, run);
        }
}

int nft_batch_prepare(NftLayout *layout, const NftJail *jail, const Address *a) {
        if (!jail->is_gated)
                return 0;

        return nft_layout_get_set(layout, &layout->gate.jail, a->family, a->prefixlen) ? 0
                                                                                       : -ENOMEM;
}

void nft_batch_write(const NftBatch *b, NftOperation *operations, size_t n) {
        Run run;

        for (size_t i = 0; i < n; i += run.n) {
                NftOperation *o = operations + i;

                run = find_run(o, b->alone ? 1 : n - i, !b->replace);
                write_run(b, o, run);
                if (b->alone)
                        write_gate(b, o, 1);
                o->end = nft_link_n_messages(b->link);
        }

        if (!b->alone)
                write_gate(b, operations, n);
}

void nft_batch_finish(const NftBatch *b, NftOperation *operations, size_t n, bool carried_out) {
        for (size_t i = 0; i < n; i++) {
                if (operations[i].set->pending && carried_out)
                        operations[i].set->exists = true;
                operations[i].set->pending = false;
                if (carried_out)
                        operations[i].change->done = true;
        }

        for (NftBanSet *s = b->layout->gate.jail.sets; s; s = s->next) {
                if (s->pending && carried_out)
                        s->exists = true;
                s->pending = false;
        }
}

size_t nft_operations_coalesce(NftOperation *operations, size_t n) {
        size_t n_left = 0;

        qsort(operations, n, sizeof(*operations), compare_operations);

        for (size_t i = 0; i < n; i++) {
                const NftOperation *next = operations + i + 1;
                FirewallChange *change = operations[i].change;

                if (i + 1 == n || next->set != operations[i].set ||
                                !address_equal(&next->change->address, &change->address)) {
                        operations[n_left++] = operations[i];
                        continue;
                }

                change->done = true;
                if (!(change->flags & FIREWALL_KEEP))
                        next->change->flags &= (uint8_t) ~FIREWALL_KEEP;
        }

        qsort(operations, n_left, sizeof(*operations), compare_kinds);
        return n_left;
}
