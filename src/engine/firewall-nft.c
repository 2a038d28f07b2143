/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bans in one table: the operations of a Firewall. nft-configure.c makes the table, nft-layout.c
 * says what it looks like.
 *
 * One transaction carries all changes, and one element that the kernel refuses would take all
 * others down with it.
 *
 * To ban an address again is to add it again where the kernel can update (from 6.12 on). Older ones
 * would keep the old timeout. There the common case, bans of addresses that are not banned, is sent
 * as such (NLM_F_EXCL), and only if one is banned already are the same changes sent again as
 * replacements: destroy, then add. The failed attempt takes the kernel some 15 ms, and replacing is
 * three times the work of adding, so neither would do for every ban. What may stay as it is
 * (FIREWALL_KEEP) is added without either.
 *
 * If the kernel refuses for another reason, each change gets messages of its own. The kernel goes
 * through all of a transaction even if it will not carry it out, so that all culprits that it has
 * room to name (nft-link.c) are known by the next attempt, and the one after it goes without them.
 */

#include "engine/firewall-nft.h"

#include <arpa/inet.h>
#include <libnftnl/object.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "engine/nft-elements.h"
#include "engine/nft-fingerprint.h"
#include "engine/nft-layout.h"
#include "engine/nft-present.h"
#include "engine/nft-probe.h"
#include "engine/nft-table.h"

/* Changes in one transaction: about 10 ms of the kernel's time, during which no other transaction
 * of the host gets through. */
#define CHANGES_PER_TRANSACTION 8192

/* What a change takes in a message at most: an IPv6 element added, deleted and added again. */
#define CHANGE_SIZE_MAX 112

/* The same with messages of its own. */
#define CHANGE_ALONE_SIZE_MAX 512

/* Older kernels cut what is less than a tick of their clock, which is up to 10 ms, to nothing, and
 * that would be for good. */
#define TIMEOUT_MSEC_MIN 10

/* The kernel takes milliseconds below 2^64 nanoseconds, which is 584 years. */
#define TIMEOUT_MSEC_MAX (UINT64_C(300) * 365 * 24 * 3600 * 1000)

/* A change on its way into a transaction. */
typedef struct Operation {
        NftBanSet *set;
        FirewallChange *change;
        const NftJail *jail;
        unsigned end; /* its messages come before this one */
} Operation;

typedef struct NftFirewall {
        Firewall base;

        NftLink *link;
        NftLayout layout;
        NftAbilities can;
        int can_reject;        /* negative: not known yet */
        int can_spare_transit; /* same */
        unsigned lacks;        /* FirewallLack */

        uint64_t fingerprint;     /* of the table, when it was... */
        uint32_t n_fingerprinted; /* ...one with so many sets; 0 if it is not known */

        Operation *operations; /* scratch space of nft_apply() */
        size_t n_allocated;
} NftFirewall;

static NftFirewall *NFT(Firewall *f) {
        return (NftFirewall *) (void *) f;
}

/* configuring */

/* Finds out what only some jails need, when one does. */
static int probe_for_jails(NftFirewall *f, const FirewallJail *jails, size_t n_jails) {
        for (size_t i = 0; i < n_jails; i++) {
                if (jails[i].block != BLOCK_DROP && f->can_reject < 0)
                        f->can_reject = nft_probe_reject();
                if (jails[i].scope != SCOPE_ALL && f->can_spare_transit < 0)
                        f->can_spare_transit = nft_probe_transit();

                if (jails[i].block != BLOCK_DROP && f->can_reject < 0)
                        return f->can_reject;
                if (jails[i].scope != SCOPE_ALL && f->can_spare_transit < 0)
                        return f->can_spare_transit;
        }

        return 0;
}

/* Has the jails ask for no more than the kernel can. Returns what that takes away. */
static unsigned reduce_jails(const NftFirewall *f, FirewallJail *jails, size_t n_jails) {
        unsigned lacks = 0;

        for (size_t i = 0; i < n_jails; i++) {
                if (jails[i].block != BLOCK_DROP && !f->can_reject) {
                        jails[i].block = BLOCK_DROP;
                        lacks |= FIREWALL_LACKS_REJECT;
                }
                if (jails[i].scope != SCOPE_ALL && !f->can_spare_transit) {
                        jails[i].scope = SCOPE_ALL;
                        lacks |= FIREWALL_LACKS_SCOPE;
                }
        }

        return lacks;
}

static int take_fingerprint(NftFirewall *f) {
        int r;

        r = nft_fingerprint(f->link, &f->fingerprint);
        f->n_fingerprinted = r < 0 ? 0 : f->layout.n_sets;
        return r;
}

/* The flags that the table is to have. */
static uint32_t choose_flags(const NftFirewall *f, FirewallOwning owning) {
        if (owning != OWNERSHIP_NO && f->can.persist)
                return NFT_TABLE_OWNER | NFT_TABLE_PERSIST;
        if (owning == OWNERSHIP_YES && f->can.own)
                return NFT_TABLE_OWNER;

        return 0;
}

int nft_firewall_configure(Firewall *base,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails,
                NftManner manner) {
        _cleanup_(freep) FirewallJail *reduced = NULL;
        NftFirewall *f = NFT(base);
        NftLayout layout;
        unsigned lacks;
        uint32_t flags;
        int r;

        if (settings->hook != FIREWALL_PREROUTING)
                return -EOPNOTSUPP;

        r = probe_for_jails(f, jails, n_jails);
        if (r < 0)
                return r;

        reduced = calloc(n_jails + 1, sizeof(*reduced));
        if (!reduced)
                return -ENOMEM;
        if (n_jails > 0)
                memcpy(reduced, jails, n_jails * sizeof(*reduced));
        lacks = reduce_jails(f, reduced, n_jails);

        flags = choose_flags(f, settings->ownership);
        if (settings->ownership == OWNERSHIP_YES && flags == 0)
                lacks |= FIREWALL_LACKS_OWNER;

        r = nft_configure(&layout, f->link, settings, reduced, n_jails, flags, manner);
        if (r < 0)
                return r;

        nft_layout_done(&f->layout);
        f->layout = layout;
        f->lacks = lacks;
        f->n_fingerprinted = 0;
        (void) take_fingerprint(f);
        return r;
}

static int nft_configure_adopting(Firewall *base,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails) {
        int r;

        r = nft_firewall_configure(base, settings, jails, n_jails, NFT_ADOPT);
        return MIN(r, 0);
}

/* committing */

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
static void
write_elements(NftFirewall *f, uint16_t type, Part part, const Operation *operations, size_t n) {
        const NftBanSet *set = operations[0].set;
        struct nftnl_set *elements;
        uint16_t flags = 0;
        size_t n_written = 0;

        elements = nft_elements_new(f->link, set->name);
        if (!elements)
                return;

        for (size_t i = 0; i < n; i++) {
                const FirewallChange *change = operations[i].change;
                struct nftnl_set_elem *e;

                if (!is_part(part, change))
                        continue;

                e = nft_elements_add(f->link,
                                elements,
                                change->address.bytes,
                                nft_address_size(set->family));
                if (!e)
                        break;

                n_written++;
                if (part == PART_REPLACED)
                        continue;
                if (change->remaining != USEC_INFINITY)
                        nftnl_set_elem_set_u64(
                                        e, NFTNL_SET_ELEM_TIMEOUT, timeout_msec(change->remaining));
                if (change->flags & FIREWALL_COUNTED)
                        nft_element_count(f->link, e);
        }

        if (type == NFT_MSG_NEWSETELEM)
                flags = NLM_F_CREATE;
        if (part == PART_ADD_NEW && !f->can.update &&
                        !(operations[0].change->flags & FIREWALL_KEEP))
                flags |= NLM_F_EXCL;
        if (n_written > 0)
                nft_put_elements(f->link, type, flags, elements);
        nftnl_set_free(elements);
}

/* Writes that what may not stay as it is is not in the set, whether it was or not. */
static void write_absence(NftFirewall *f, const Operation *operations, size_t n) {
        if (f->can.destroy) {
                write_elements(f, NFT_DESTROY_SETELEM, PART_REPLACED, operations, n);
        } else {
                /* What is to be deleted has to be there. */
                write_elements(f, NFT_MSG_NEWSETELEM, PART_REPLACED, operations, n);
                write_elements(f, NFT_MSG_DELSETELEM, PART_REPLACED, operations, n);
        }
}

/* Makes sure that the set is there when the transaction comes to the operation. Returns false if it
 * is not and need not be. */
static bool write_set_if_needed(NftFirewall *f, const Operation *o, bool adds) {
        if (o->set->exists || o->set->pending)
                return true;
        if (!adds)
                return false;

        nft_jail_write_set(f->link, o->jail, o->set);
        o->set->pending = true;
        return true;
}

/* Operations that go into the same messages. */
typedef struct Run {
        size_t n;
        bool adds; /* some are bans */
} Run;

static bool is_of_one_kind(const FirewallChange *a, const FirewallChange *b) {
        return a->remove == b->remove && (a->flags & FIREWALL_KEEP) == (b->flags & FIREWALL_KEEP);
}

/* The run at the beginning: all on the same set; if in_order, all of the same kind, too. */
static Run find_run(const Operation *operations, size_t n, bool in_order) {
        Run run = { .n = 1, .adds = !operations[0].change->remove };

        for (; run.n < n; run.n++) {
                const Operation *o = operations + run.n;

                if (o->set != operations[0].set)
                        break;
                if (in_order && !is_of_one_kind(o->change, operations[0].change))
                        break;

                run.adds = run.adds || !o->change->remove;
        }

        return run;
}

typedef struct Refusals {
        FirewallRefusedHandler handler;
        void *userdata;
        size_t n;
} Refusals;

/* True if the error is about the table or the link and not about an element. */
static bool is_general(int error) {
        switch (error) {
        case -ENOENT: /* no such table or set any more */
        case -EPERM:
        case -EIO:
        case -EOPNOTSUPP:
                return true;
        default:
                return false;
        }
}

/* What the kernel says to an attempt. */
typedef struct Attempt {
        Operation *operations;
        size_t at;  /* the operation that the last answer was about */
        bool alone; /* each operation has messages of its own */
        bool replace;
        int general; /* the first error that is not about an element */
        size_t n_refused;
        Refusals *refusals;
} Attempt;

static void refuse(Refusals *refusals, const Operation *o, int error, const char *text) {
        if (refusals->handler)
                refusals->handler(o->jail->name,
                                &o->change->address,
                                error,
                                text,
                                refusals->userdata);
        o->change->done = true;
        refusals->n++;
}

/* The answers come in the order of the messages. */
static void on_error(unsigned index, int error, const char *text, void *userdata) {
        Attempt *a = userdata;
        const Operation *o;

        if (is_general(error) || (error == -EEXIST && !a->replace)) {
                if (a->general == 0)
                        a->general = error;
                return;
        }
        if (!a->alone)
                return;

        while (a->operations[a->at].end <= index)
                a->at++;
        o = &a->operations[a->at];
        if (o->change->done)
                return; /* another of its messages */

        refuse(a->refusals, o, error, text);
        a->n_refused++;
}

/* Carries the operations out in one transaction. If attempt->replace is false, no address may be
 * banned already unless the kernel can update (-EEXIST); if it is true, none may occur twice. If
 * attempt->alone is true, what the kernel refuses is reported and done. */
static int transact(NftFirewall *f, Operation *operations, size_t n, Attempt *attempt) {
        bool replace = attempt->replace;
        Run run;
        int r;

        attempt->operations = operations;
        attempt->at = 0;
        attempt->general = 0;
        attempt->n_refused = 0;

        nft_link_begin(f->link);

        for (size_t i = 0; i < n; i += run.n) {
                Operation *o = operations + i;

                run = find_run(o, attempt->alone ? 1 : n - i, !replace);
                if (write_set_if_needed(f, o, run.adds)) {
                        if (!run.adds || replace)
                                write_absence(f, o, run.n);
                        if (run.adds)
                                write_elements(f,
                                                NFT_MSG_NEWSETELEM,
                                                replace ? PART_ADD : PART_ADD_NEW,
                                                o,
                                                run.n);
                }
                o->end = nft_link_n_messages(f->link);
        }

        r = nft_link_commit(f->link, on_error, attempt);
        if (r < 0 && attempt->general < 0)
                r = attempt->general;

        for (size_t i = 0; i < n; i++) {
                if (operations[i].set->pending && r >= 0)
                        operations[i].set->exists = true;
                operations[i].set->pending = false;
                if (r >= 0)
                        operations[i].change->done = true;
        }

        return r;
}

static int compare_operations(const void *va, const void *vb) {
        const Operation *a = va, *b = vb;
        int r;

        if (a->set != b->set)
                return a->set->index < b->set->index ? -1 : 1;

        r = memcmp(a->change->address.bytes, b->change->address.bytes, 16);
        if (r != 0)
                return r;

        return a->change < b->change ? -1 : 1;
}

/* Leaves only the last of several changes to one address. What it says is how the transaction would
 * have ended; what it would keep is not what was there before. Returns how many are left. */
static size_t coalesce(Operation *operations, size_t n) {
        size_t n_left = 0;

        qsort(operations, n, sizeof(*operations), compare_operations);

        for (size_t i = 0; i < n; i++) {
                const Operation *next = operations + i + 1;
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

        return n_left;
}

static size_t drop_done(Operation *operations, size_t n) {
        size_t n_left = 0;

        for (size_t i = 0; i < n; i++)
                if (!operations[i].change->done)
                        operations[n_left++] = operations[i];

        return n_left;
}

/* Makes an attempt; where one is banned already, the others probably are, too. Returns how many
 * operations there are left to carry out. */
static size_t try(NftFirewall *f, Operation *operations, size_t n, Attempt *attempt, int *ret) {
        *ret = transact(f, operations, n, attempt);
        if (*ret == -EEXIST && !attempt->replace) {
                attempt->replace = true;
                n = coalesce(operations, n);
                *ret = transact(f, operations, n, attempt);
        }

        return *ret < 0 ? drop_done(operations, n) : 0;
}

/* What is refused is found and left out. What fails without the kernel saying which it is, such as
 * for want of memory, is tried in smaller parts. */
static int carry_out_alone(NftFirewall *f, Operation *operations, size_t n, Attempt *attempt) {
        size_t at_once = nft_link_get_send_limit(f->link) / CHANGE_ALONE_SIZE_MAX;

        attempt->alone = true;

        while (n > 0) {
                size_t k = MIN(n, at_once), left;
                int r;

                left = try(f, operations, k, attempt, &r);
                if (is_general(r))
                        return r;
                if (r < 0 && attempt->n_refused == 0) {
                        if (k == 1)
                                return r;
                        at_once = k / 2;
                }

                memmove(operations + left, operations + k, (n - k) * sizeof(*operations));
                n -= k - left;
        }

        return 0;
}

static int
carry_out(NftFirewall *f, Operation *operations, size_t n, bool *replace, Refusals *refusals) {
        Attempt attempt = { .replace = *replace, .refusals = refusals };
        int r;

        if (*replace)
                n = coalesce(operations, n);

        n = try(f, operations, n, &attempt, &r);

        /* Without DESTROYSETELEM, older kernels may see one expire between the message that makes
         * sure that it is there and the one that deletes it. */
        if (r == -ENOENT && attempt.replace && !f->can.destroy)
                n = try(f, operations, n, &attempt, &r);

        if (r < 0 && !is_general(r))
                r = carry_out_alone(f, operations, n, &attempt);

        *replace = attempt.replace;
        return r;
}

/* Fills f->operations with the changes, those of each set together and otherwise in order. */
static int sort_changes(NftFirewall *f, FirewallChange *changes, size_t n) {
        _cleanup_(freep) uint32_t *places = NULL;
        uint32_t place = 0;

        if (n > f->n_allocated) {
                Operation *p;

                p = reallocarray(f->operations, n, sizeof(*p));
                if (!p)
                        return -ENOMEM;

                f->operations = p;
                f->n_allocated = n;
        }

        /* First all sets, since they may become more. */
        for (size_t i = 0; i < n; i++)
                if (!nft_layout_get_set(&f->layout,
                                    &f->layout.jails[changes[i].jail],
                                    changes[i].address.family,
                                    changes[i].address.prefixlen))
                        return -ENOMEM;

        places = calloc(f->layout.n_sets + 1, sizeof(*places));
        if (!places)
                return -ENOMEM;

        for (int pass = 0; pass < 2; pass++) {
                for (size_t i = 0; i < n; i++) {
                        NftJail *jail = &f->layout.jails[changes[i].jail];
                        NftBanSet *set;

                        set = nft_jail_find_set(jail,
                                        changes[i].address.family,
                                        changes[i].address.prefixlen);
                        if (pass == 0)
                                places[set->index]++;
                        else
                                f->operations[places[set->index]++] = (Operation){
                                        .set = set,
                                        .change = &changes[i],
                                        .jail = jail,
                                };
                }

                for (uint32_t i = 0; pass == 0 && i < f->layout.n_sets; i++) {
                        uint32_t count = places[i];

                        places[i] = place;
                        place += count;
                }
        }

        return 0;
}

static int nft_apply(Firewall *base,
                FirewallChange *changes,
                size_t n_changes,
                FirewallRefusedHandler on_refused,
                void *userdata,
                size_t *ret_n_refused) {
        NftFirewall *f = NFT(base);
        Refusals refusals = { .handler = on_refused, .userdata = userdata };
        size_t at_once = CHANGES_PER_TRANSACTION;
        bool replace = false;
        int r;

        r = sort_changes(f, changes, n_changes);
        if (r < 0)
                return r;

        at_once = MIN(at_once, nft_link_get_send_limit(f->link) / CHANGE_SIZE_MAX);

        for (size_t i = 0, n; r >= 0 && i < n_changes; i += n) {
                n = MIN(n_changes - i, at_once);
                r = carry_out(f, f->operations + i, n, &replace, &refusals);
        }

        *ret_n_refused = refusals.n;
        return r < 0 ? r : 0;
}

/* asking */

typedef struct SetsListing {
        const char *table;
        size_t max;
        FirewallElementHandler handler;
        void *userdata;
        int n;
        int error;
} SetsListing;

static int list_set(struct nftnl_set *s, void *userdata) {
        const char *name = nftnl_set_get_str(s, NFTNL_SET_NAME);
        _cleanup_(freep) NftElement *elements = NULL;
        SetsListing *l = userdata;
        FirewallName jail;
        unsigned prefixlen;
        int family, r;
        size_t n;

        if (!nft_parse_set_name(name, jail, &family, &prefixlen) || !nft_set_is_usable(s, family))
                return 0;

        r = nft_list_set(l->table, name, family, prefixlen, l->max, &elements, &n);
        if (r == -ENOENT)
                return 0; /* gone meanwhile */
        if (r < 0) {
                l->error = r;
                return -1; /* ends the loop over the sets */
        }

        for (size_t i = 0; i < n; i++)
                l->handler(jail, &elements[i].address, &elements[i].element, l->userdata);
        l->n += (int) n;
        return 0;
}

static int nft_list(Firewall *base, size_t max, FirewallElementHandler handler, void *userdata) {
        NftLink *link = NFT(base)->link;
        SetsListing l = {
                .table = nft_link_get_table(link),
                .max = max,
                .handler = handler,
                .userdata = userdata,
        };
        NftPresent present = {};
        int r;

        r = nft_present_read(link, &present);
        if (r < 0)
                return r;

        if (present.table && max > 0)
                (void) nftnl_set_list_foreach(present.sets, list_set, &l);

        nft_present_done(&present);
        return l.error < 0 ? l.error : l.n;
}

static int nft_lookup(Firewall *base, size_t jail, const Address *address, FirewallElement *ret) {
        NftFirewall *f = NFT(base);
        const NftBanSet *set;

        set = nft_jail_find_set(&f->layout.jails[jail], address->family, address->prefixlen);
        if (!set || !set->exists)
                return 0;

        return nft_get_element(f->link, set->name, address, ret);
}

typedef struct CounterAnswer {
        FirewallCounter counter;
        int error;
} CounterAnswer;

static int on_counter_value(const struct nlmsghdr *nlh, void *userdata) {
        CounterAnswer *a = userdata;
        struct nftnl_obj *o;

        o = nftnl_obj_alloc();
        if (!o || nftnl_obj_nlmsg_parse(nlh, o) < 0) {
                a->error = o ? -EBADMSG : -ENOMEM;
        } else {
                a->counter.packets = nftnl_obj_get_u64(o, NFTNL_OBJ_CTR_PKTS);
                a->counter.bytes = nftnl_obj_get_u64(o, NFTNL_OBJ_CTR_BYTES);
        }

        if (o)
                nftnl_obj_free(o);
        return MNL_CB_STOP;
}

/* Sets for another prefix length come with rules. As they are ours, what there is then is right. */
static int nft_check(Firewall *base) {
        NftFirewall *f = NFT(base);
        uint64_t fingerprint;
        int r;

        r = nft_fingerprint(f->link, &fingerprint);
        if (r < 0)
                return r;
        if (fingerprint == 0)
                return 0;
        if (f->n_fingerprinted == f->layout.n_sets)
                return fingerprint == f->fingerprint;

        f->fingerprint = fingerprint;
        f->n_fingerprinted = f->layout.n_sets;
        return 1;
}

static int nft_get_counter(Firewall *base, size_t jail, FirewallCounter *ret) {
        NftFirewall *f = NFT(base);
        CounterAnswer answer = {};
        struct nlmsghdr *nlh;
        int r;

        nlh = nft_link_question(f->link, NFT_MSG_GETOBJ, NFPROTO_INET, 0);
        mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, nft_link_get_table(f->link));
        mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, f->layout.jails[jail].name);
        mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));

        r = nft_link_ask(f->link, on_counter_value, &answer);
        if (r >= 0)
                r = answer.error;
        if (r < 0)
                return r;

        *ret = answer.counter;
        return 0;
}

/* the whole */

static int nft_destroy(Firewall *base) {
        NftFirewall *f = NFT(base);
        int r;

        nft_link_begin(f->link);
        nft_delete_table(f->link);
        r = nft_link_commit(f->link, NULL, NULL);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;

        return 1;
}

static FirewallOwnership nft_get_ownership(const Firewall *base) {
        const NftFirewall *f = (const NftFirewall *) (const void *) base;

        return f->layout.is_owned ? FIREWALL_OWNED : FIREWALL_UNOWNED;
}

static unsigned nft_get_lacks(const Firewall *base) {
        return ((const NftFirewall *) (const void *) base)->lacks;
}

static void nft_done(Firewall *base) {
        NftFirewall *f = NFT(base);

        nft_layout_done(&f->layout);
        nft_link_free(f->link);
        free(f->operations);
}

int nft_firewall_new(Firewall **ret, const char *table, const Firewall *like) {
        static const FirewallOps ops = {
                .get_ownership = nft_get_ownership,
                .get_lacks = nft_get_lacks,
                .configure = nft_configure_adopting,
                .apply = nft_apply,
                .list = nft_list,
                .lookup = nft_lookup,
                .get_counter = nft_get_counter,
                .check = nft_check,
                .destroy = nft_destroy,
                .done = nft_done,
        };
        _cleanup_(firewall_freep) Firewall *base = NULL;
        NftFirewall *f;
        int r;

        assert(ret);

        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;

        f->base.ops = &ops;
        base = &f->base;

        if (like) {
                const NftFirewall *other = (const NftFirewall *) (const void *) like;

                f->can = other->can;
                f->can_reject = other->can_reject;
                f->can_spare_transit = other->can_spare_transit;
        } else {
                f->can_reject = f->can_spare_transit = -ENODATA;
                r = nft_probe(&f->can);
                if (r < 0)
                        return r;
        }

        r = nft_link_new(&f->link, table);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(base);
        return 0;
}

void nft_firewall_set_link(Firewall *base, NftLink *link) {
        NftFirewall *f = NFT(base);

        nft_link_free(f->link);
        f->link = link;
}

NftLink *nft_firewall_get_link(const Firewall *base) {
        return ((const NftFirewall *) (const void *) base)->link;
}

bool nft_firewall_is_fleeting(const Firewall *base) {
        const NftFirewall *f = (const NftFirewall *) (const void *) base;

        return f->layout.is_owned && !f->can.persist;
}

void nft_firewall_assume_old_kernel(Firewall *base) {
        NftFirewall *f = NFT(base);

        f->can_reject = f->can_spare_transit = false;
        f->can = (NftAbilities){ .own = f->can.own };
}

void nft_firewall_assume_usual_buffers(Firewall *base) {
        nft_link_take_usual_buffers(NFT(base)->link);
}
