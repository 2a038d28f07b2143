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

#include "engine/nft-base.h"
#include "engine/nft-batch.h"
#include "engine/nft-elements.h"
#include "engine/nft-fingerprint.h"
#include "engine/nft-layout.h"
#include "engine/nft-present.h"
#include "engine/nft-probe.h"
#include "engine/nft-table.h"

/* Changes in one transaction: about 10 ms of the kernel's time, during which no other transaction
 * of the host gets through. */
#define CHANGES_PER_TRANSACTION 8192

/* What a change takes in a message at most: an IPv6 element added, deleted and added again, with a
 * counter. */
#define CHANGE_SIZE_MAX 224

/* The same with messages of its own. */
#define CHANGE_ALONE_SIZE_MAX 512

#define N_HOOKS (FIREWALL_INGRESS + 1)

typedef struct NftFirewall {
        Firewall base;

        NftLink *link;
        NftLayout layout;
        NftAbilities can;
        int can_reject[N_HOOKS]; /* negative: not known yet */
        int can_spare_transit[N_HOOKS];
        unsigned lacks; /* FirewallLack */

        uint64_t fingerprint;     /* of the table, when it was... */
        uint32_t n_fingerprinted; /* ...one with so many sets; 0 if it is not known */

        NftOperation *operations; /* scratch space of nft_apply() */
        size_t n_allocated;
} NftFirewall;

static NftFirewall *NFT(Firewall *f) {
        return (NftFirewall *) (void *) f;
}

/* configuring */

/* Whether rules can do it at all of the hooks, each of which is a bit. */
static int probe_hooks(int known[static N_HOOKS], unsigned hooks, int (*probe)(FirewallHook)) {
        for (FirewallHook hook = FIREWALL_PREROUTING; hook < N_HOOKS; hook++) {
                if (!(hooks & (1u << hook)))
                        continue;
                if (known[hook] < 0)
                        known[hook] = probe(hook);
                if (known[hook] <= 0)
                        return known[hook];
        }

        return 1;
}

/* Has the jails ask for no more than the kernel can at these hooks. Adds what that takes away to
 * *lacks. What only some jails need is found out when one does. */
static int
reduce_jails(NftFirewall *f, unsigned hooks, FirewallJail *jails, size_t n_jails, unsigned *lacks) {
        for (size_t i = 0; i < n_jails; i++) {
                int r;

                if (jails[i].block != BLOCK_DROP) {
                        r = probe_hooks(f->can_reject, hooks, nft_probe_reject);
                        if (r < 0)
                                return r;
                        if (r == 0) {
                                jails[i].block = BLOCK_DROP;
                                *lacks |= FIREWALL_LACKS_REJECT;
                        }
                }

                /* At input there is nothing in transit. */
                if (hooks == 1u << FIREWALL_INPUT)
                        jails[i].scope = SCOPE_ALL;
                if (jails[i].scope != SCOPE_ALL) {
                        r = probe_hooks(f->can_spare_transit, hooks, nft_probe_transit);
                        if (r < 0)
                                return r;
                        if (r == 0) {
                                jails[i].scope = SCOPE_ALL;
                                *lacks |= FIREWALL_LACKS_SCOPE;
                        }
                }
        }

        return 0;
}

static int note_base(struct nftnl_chain *c, void *userdata) {
        (void) nft_bases_note(userdata, c);
        return 0;
}

/* The hooks of the table that is there. */
static int read_hooks(NftFirewall *f, unsigned *ret) {
        NftPresent present = {};
        NftBases bases = {};
        int r;

        r = nft_present_read(f->link, &present);
        if (r < 0)
                return r;

        if (present.table)
                (void) nftnl_chain_list_foreach(present.chains, note_base, &bases);
        *ret = nft_bases_hooks(&bases);
        nft_bases_done(&bases);
        nft_present_done(&present);
        return 0;
}

/* Sets that are in the kernel; the gate's come with the first ban that needs them. */
static uint32_t count_sets(const NftLayout *layout) {
        uint32_t n = 0;

        for (size_t i = 0; i < layout->n_jails; i++)
                for (const NftBanSet *s = layout->jails[i].sets; s; s = s->next)
                        n += s->exists;
        for (const NftBanSet *s = layout->gate.jail.sets; s; s = s->next)
                n += s->exists;

        return n;
}

static int take_fingerprint(NftFirewall *f) {
        int r;

        r = nft_fingerprint(f->link, &f->fingerprint);
        f->n_fingerprinted = r < 0 ? 0 : count_sets(&f->layout);
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

/* Configures what the kernel can at all of these hooks. */
static int configure_for_hooks(NftFirewall *f,
                unsigned hooks,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails,
                NftManner manner) {
        _cleanup_(freep) FirewallJail *reduced = NULL;
        unsigned lacks = 0;
        NftLayout layout;
        uint32_t flags;
        int r;

        reduced = calloc(n_jails + 1, sizeof(*reduced));
        if (!reduced)
                return -ENOMEM;
        if (n_jails > 0)
                memcpy(reduced, jails, n_jails * sizeof(*reduced));
        r = reduce_jails(f, hooks, reduced, n_jails, &lacks);
        if (r < 0)
                return r;

        flags = choose_flags(f, settings->ownership);
        if (settings->ownership == OWNERSHIP_YES && flags == 0)
                lacks |= FIREWALL_LACKS_OWNER;

        r = nft_configure(&layout, f->link, settings, reduced, n_jails, flags, manner);
        if (r < 0)
                return r;
        if (layout.bases.lacks_device)
                lacks |= FIREWALL_LACKS_DEVICE;

        nft_layout_done(&f->layout);
        f->layout = layout;
        f->lacks = lacks;
        f->n_fingerprinted = 0;
        return r;
}

int nft_firewall_configure(Firewall *base,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails,
                NftManner manner) {
        unsigned wanted = 1u << settings->hook, present = 0, lacks;
        NftFirewall *f = NFT(base);
        int r;

        if (manner == NFT_ADOPT) {
                r = read_hooks(f, &present);
                if (r < 0)
                        return r;
        }

        r = configure_for_hooks(f, wanted | present, settings, jails, n_jails, manner);
        if (r < 0)
                return r;

        /* The hooks that were are gone, and with them what they could not do. */
        lacks = f->lacks & (FIREWALL_LACKS_REJECT | FIREWALL_LACKS_SCOPE);
        if (lacks != 0 && (present & ~wanted)) {
                r = configure_for_hooks(f, wanted, settings, jails, n_jails, NFT_ADOPT);
                if (r < 0)
                        return r;
        }

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
        NftOperation *operations;
        size_t at;  /* the operation that the last answer was about */
        bool alone; /* each operation has messages of its own */
        bool replace;
        int general; /* the first error that is not about an element */
        size_t n_refused;
        Refusals *refusals;
} Attempt;

static void refuse(Refusals *refusals, const NftOperation *o, int error, const char *text) {
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
        const NftOperation *o;

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
static int transact(NftFirewall *f, NftOperation *operations, size_t n, Attempt *attempt) {
        const NftBatch batch = {
                .link = f->link,
                .layout = &f->layout,
                .can = f->can,
                .longest = f->base.longest,
                .longest_userdata = f->base.longest_userdata,
                .replace = attempt->replace,
                .alone = attempt->alone,
        };
        int r;

        attempt->operations = operations;
        attempt->at = 0;
        attempt->general = 0;
        attempt->n_refused = 0;

        nft_link_begin(f->link);
        nft_batch_write(&batch, operations, n);
        if (f->base.meanwhile) {
                nft_link_start(f->link);
                f->base.meanwhile(f->base.meanwhile_userdata);
        }

        r = nft_link_commit(f->link, on_error, attempt);
        if (r < 0 && attempt->general < 0)
                r = attempt->general;

        nft_batch_finish(&batch, operations, n, r >= 0);
        return r;
}

static size_t drop_done(NftOperation *operations, size_t n) {
        size_t n_left = 0;

        for (size_t i = 0; i < n; i++)
                if (!operations[i].change->done)
                        operations[n_left++] = operations[i];

        return n_left;
}

/* Makes an attempt; where one is banned already, the others probably are, too. Returns how many
 * operations there are left to carry out. */
static size_t try(NftFirewall *f, NftOperation *operations, size_t n, Attempt *attempt, int *ret) {
        *ret = transact(f, operations, n, attempt);
        if (*ret == -EEXIST && !attempt->replace) {
                attempt->replace = true;
                n = nft_operations_coalesce(operations, n);
                *ret = transact(f, operations, n, attempt);
        }

        return *ret < 0 ? drop_done(operations, n) : 0;
}

/* What is refused is found and left out. What fails without the kernel saying which it is, such as
 * for want of memory, is tried in smaller parts. */
static int carry_out_alone(NftFirewall *f, NftOperation *operations, size_t n, Attempt *attempt) {
        size_t at_once = nft_link_get_send_limit(f->link) / CHANGE_ALONE_SIZE_MAX / 2;

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
carry_out(NftFirewall *f, NftOperation *operations, size_t n, bool *replace, Refusals *refusals) {
        Attempt attempt = { .replace = *replace, .refusals = refusals };
        int r;

        /* Without DESTROYSETELEM nothing may be removed twice either. */
        if (*replace || !f->can.destroy)
                n = nft_operations_coalesce(operations, n);

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
                NftOperation *p;

                p = reallocarray(f->operations, n, sizeof(*p));
                if (!p)
                        return -ENOMEM;

                f->operations = p;
                f->n_allocated = n;
        }

        /* First all sets, since they may become more. */
        for (size_t i = 0; i < n; i++) {
                NftJail *jail = &f->layout.jails[changes[i].jail];
                const Address *a = &changes[i].address;

                if (!nft_layout_get_set(&f->layout, jail, a->family, a->prefixlen))
                        return -ENOMEM;
                if (nft_batch_prepare(&f->layout, jail, a) < 0)
                        return -ENOMEM;
        }

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
                                f->operations[places[set->index]++] = (NftOperation){
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
        size_t weight = f->layout.gate.n_chains > 0 ? 2 : 1, at_once;
        bool replace = false;
        int r;

        r = sort_changes(f, changes, n_changes);
        if (r < 0)
                return r;

        at_once = MIN((size_t) CHANGES_PER_TRANSACTION,
                                  nft_link_get_send_limit(f->link) / CHANGE_SIZE_MAX) /
                  weight;

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

/* The element in a set of the jail or the gate. */
static int look_up(NftFirewall *f, const NftJail *jail, const Address *a, FirewallElement *ret) {
        const NftBanSet *set;

        set = nft_jail_find_set(jail, a->family, a->prefixlen);
        if (!set || !set->exists)
                return 0;

        return nft_get_element(f->link, set->name, a, ret);
}

static int nft_lookup(Firewall *base, size_t jail, const Address *address, FirewallElement *ret) {
        NftFirewall *f = NFT(base);
        FirewallElement own, gate;
        int r;

        r = look_up(f, &f->layout.jails[jail], address, &own);
        if (r <= 0)
                return r;

        /* Whom the gate does not know is not looked for in the jail. */
        if (f->layout.jails[jail].is_gated && f->layout.gate.is_used) {
                r = look_up(f, &f->layout.gate.jail, address, &gate);
                if (r <= 0)
                        return r;
                own.remaining = MIN(own.remaining, gate.remaining);
        }

        if (ret)
                *ret = own;
        return 1;
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
        if (f->n_fingerprinted == count_sets(&f->layout))
                return fingerprint == f->fingerprint;

        f->fingerprint = fingerprint;
        f->n_fingerprinted = count_sets(&f->layout);
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

/* Every ban is in the gate by now. */
static int nft_settle(Firewall *base) {
        NftFirewall *f = NFT(base);
        int r;

        if (f->layout.gate.n_chains == 0 || f->layout.gate.is_used)
                return 0;

        nft_link_begin(f->link);
        nft_layout_write_use_of_gate(&f->layout, f->link);
        r = nft_link_commit(f->link, NULL, NULL);
        if (r < 0)
                return r;

        nft_layout_note_use_of_gate(&f->layout);
        f->n_fingerprinted = 0;
        (void) take_fingerprint(f);
        return 0;
}

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
                .settle = nft_settle,
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
                memcpy(f->can_reject, other->can_reject, sizeof(f->can_reject));
                memcpy(f->can_spare_transit,
                                other->can_spare_transit,
                                sizeof(f->can_spare_transit));
        } else {
                for (size_t i = 0; i < N_HOOKS; i++)
                        f->can_reject[i] = f->can_spare_transit[i] = -ENODATA;
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

        for (size_t i = 0; i < N_HOOKS; i++)
                f->can_reject[i] = f->can_spare_transit[i] = false;
        f->can = (NftAbilities){ .own = f->can.own };
}

void nft_firewall_assume_usual_buffers(Firewall *base) {
        nft_link_take_usual_buffers(NFT(base)->link);
}
