/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The firewall of nftables: the table of bans, a second one that keeps them while the first is made
 * anew, and a watch over what others do to the first.
 *
 * Flags of owners are for the life of a table, so that to give it another owner is to make it anew.
 * That is done as well when nobody knows any more what is in it, since listing it would take
 * quadratic time. So that no packet slips through meanwhile:
 *
 *         1. A table `inet banjo-kept` of the same shape is made beside it, and gets every ban.
 *         2. `inet banjo` is deleted and made in one transaction, and gets every ban.
 *         3. The second table goes.
 *
 * The bans come from the caller, who has them all and goes on making new ones between, which go
 * into both tables. One packet may be dropped by either. A crash on the way leaves a second table
 * behind that goes on dropping; the next start finds it and goes on with step 2, or 1.
 *
 * A table whose owner has to stay (kernels before 6.9) is handed over in the same way: step 1
 * before the end, and steps 2 and 3 at the next start.
 */

#include "engine/firewall-nft.h"

#include "engine/nft-layout.h"
#include "engine/nft-present.h"
#include "engine/nft-table.h"
#include "engine/nft-watch.h"

#define KEPT_TABLE "banjo-kept"

/* More elements that others touched than are put right one by one. */
#define TOUCHED_MAX 10000

/* So many changes at once are carried out without listening. */
#define UNHEARD_MIN 1000

typedef enum Phase {
        PHASE_ONE_TABLE,
        PHASE_FILLING_KEPT,  /* step 1 */
        PHASE_KEPT_IS_FULL,  /* step 2 comes with the next firewall_configure() */
        PHASE_FILLING_TABLE, /* steps 2 and 3 */
} Phase;

typedef struct KeptFirewall {
        Firewall base;

        Firewall *table;
        Firewall *kept; /* NULL in PHASE_ONE_TABLE */
        NftWatch *watch;
        Phase phase;
        bool is_leaving;    /* after firewall_hand_over() */
        bool is_distrusted; /* nobody knows what is in the table */
} KeptFirewall;

static KeptFirewall *KEPT(Firewall *f) {
        return (KeptFirewall *) (void *) f;
}

static const KeptFirewall *const_kept(const Firewall *f) {
        return (const KeptFirewall *) (const void *) f;
}

/* watching */

/* Has to be there before the table is looked at, or what is done in between would go unnoticed. */
static int open_watch(KeptFirewall *f) {
        int r;

        if (!f->watch) {
                r = nft_watch_new(&f->watch, NFT_TABLE);
                if (r < 0)
                        return r;
        }

        return nft_watch_ignore(f->watch,
                        nft_firewall_get_link(f->table),
                        f->kept ? nft_firewall_get_link(f->kept) : NULL);
}

/* What nobody else can change needs no watch. */
static void close_watch_if_owned(KeptFirewall *f) {
        if (firewall_get_ownership(f->table) == FIREWALL_OWNED)
                f->watch = nft_watch_free(f->watch);
}

static int kept_get_watch(const Firewall *base) {
        const KeptFirewall *f = const_kept(base);

        return f->watch ? nft_watch_get_fd(f->watch) : -1;
}

typedef struct Touching {
        FirewallTouchedHandler handler;
        void *userdata;
        size_t n;
        bool structure;
} Touching;

static void on_touched(const char *set, const void *key, size_t key_size, void *userdata) {
        Touching *t = userdata;
        FirewallName jail;
        unsigned prefixlen;
        Address a = {};
        int family;

        if (!nft_parse_set_name(set, jail, &family, &prefixlen) ||
                        key_size != nft_address_size(family)) {
                t->structure = true;
                return;
        }

        a.family = (typeof(a.family)) family;
        a.prefixlen = (uint8_t) prefixlen;
        memcpy(a.bytes, key, key_size);
        if (++t->n <= TOUCHED_MAX)
                t->handler(&a, t->userdata);
}

static int kept_read_meddling(Firewall *base,
                FirewallTouchedHandler handler,
                void *userdata,
                FirewallMeddling *ret) {
        KeptFirewall *f = KEPT(base);
        Touching touching = { .handler = handler, .userdata = userdata };
        NftMeddling m;
        int r;

        if (!f->watch)
                return 0;

        r = nft_watch_read(f->watch, on_touched, &touching, &m);
        if (r <= 0)
                return r;

        *ret = (FirewallMeddling){
                .structure = m.structure || touching.structure,
                .bans = touching.n > 0,
                .lost = m.overrun || touching.n > TOUCHED_MAX,
                .pid = m.pid,
        };
        static_assert(sizeof(ret->process) == sizeof(m.process), "the kernel's");
        memcpy(ret->process, m.process, sizeof(ret->process));

        f->is_distrusted = f->is_distrusted || ret->lost;
        return 1;
}

/* configuring */

static const FirewallSettings *unowned(const FirewallSettings *settings, FirewallSettings *buf) {
        *buf = *settings;
        buf->ownership = OWNERSHIP_NO;
        return buf;
}

/* Opens the second table; 1 if it is in the kernel. */
static int open_kept(KeptFirewall *f) {
        NftPresent present = {};
        bool found;
        int r;

        if (!f->kept) {
                r = nft_firewall_new(&f->kept, KEPT_TABLE, f->table);
                if (r >= 0)
                        r = open_watch(f);
                if (r < 0)
                        return r;
        }

        r = nft_present_read(nft_firewall_get_link(f->kept), &present);
        if (r < 0)
                return r;

        found = present.table;
        nft_present_done(&present);
        return found;
}

static int configure_kept(KeptFirewall *f,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails) {
        FirewallSettings buf;
        int r;

        r = nft_firewall_configure(f->kept, unowned(settings, &buf), jails, n_jails, NFT_ADOPT);
        return MIN(r, 0);
}

static int configure_both(KeptFirewall *f,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails) {
        bool goes_on = f->phase == PHASE_KEPT_IS_FULL;
        int r, is_wrong;

        is_wrong = nft_firewall_configure(
                        f->table, settings, jails, n_jails, goes_on ? NFT_ANEW : NFT_ADOPT);
        if (is_wrong < 0)
                return is_wrong;
        if (goes_on) {
                f->is_distrusted = false;
                f->phase = PHASE_FILLING_TABLE;
        }

        r = open_kept(f);
        if (r < 0)
                return r;

        if (is_wrong > 0 || f->is_distrusted || f->is_leaving)
                f->phase = PHASE_FILLING_KEPT;
        else if (r > 0)
                f->phase = PHASE_FILLING_TABLE;
        else {
                f->phase = PHASE_ONE_TABLE;
                f->kept = firewall_free(f->kept);
                return 0;
        }

        return configure_kept(f, settings, jails, n_jails);
}

static int kept_configure(Firewall *base,
                const FirewallSettings *settings,
                const FirewallJail *jails,
                size_t n_jails) {
        KeptFirewall *f = KEPT(base);
        int r;

        r = open_watch(f);
        if (r >= 0)
                r = configure_both(f, settings, jails, n_jails);
        if (r >= 0)
                close_watch_if_owned(f);
        return r;
}

static int remove_kept(KeptFirewall *f) {
        int r;

        f->phase = PHASE_ONE_TABLE;
        if (!f->kept)
                return 0;

        r = firewall_destroy(f->kept);
        f->kept = firewall_free(f->kept);
        return MIN(r, 0);
}

static int kept_settle(Firewall *base) {
        KeptFirewall *f = KEPT(base);
        int r;

        /* One may have passed the place of the second table before that was there, or before the
         * bans were in it, and the same with the first. It must not come to the other when that is
         * gone. */
        if (f->phase != PHASE_ONE_TABLE)
                nft_wait_for_packets(nft_firewall_get_link(f->table));

        if (f->phase == PHASE_FILLING_KEPT) {
                if (f->is_leaving)
                        return 0; /* the rest is for who comes next */
                f->phase = PHASE_KEPT_IS_FULL;
                return 1;
        }

        r = firewall_settle(f->table);
        if (r >= 0 && f->phase == PHASE_FILLING_TABLE)
                r = remove_kept(f);
        return r;
}

static int kept_hand_over(Firewall *base) {
        KeptFirewall *f = KEPT(base);

        f->is_leaving = nft_firewall_is_fleeting(f->table);
        return f->is_leaving;
}

static int kept_get_socket(const Firewall *base) {
        const KeptFirewall *f = const_kept(base);

        return nft_firewall_is_fleeting(f->table) ? nft_link_get_fd(nft_firewall_get_link(f->table))
                                                  : -1;
}

static int kept_take_socket(Firewall *base, int fd) {
        NftLink *l;
        int r;

        r = nft_link_new_from_fd(&l, NFT_TABLE, fd);
        if (r < 0)
                return r;

        nft_firewall_set_link(KEPT(base)->table, l);
        return 0;
}

/* committing */

/* Does the same to the second table, as far as that is possible. */
static int apply_to_kept(KeptFirewall *f, const FirewallChange *changes, size_t n_changes) {
        _cleanup_(freep) FirewallChange *copies = NULL;
        size_t n_refused;

        copies = calloc(n_changes, sizeof(*copies));
        if (!copies)
                return -ENOMEM;
        memcpy(copies, changes, n_changes * sizeof(*copies));

        return f->kept->ops->apply(f->kept, copies, n_changes, NULL, NULL, &n_refused);
}

static int apply_to_both(KeptFirewall *f,
                FirewallChange *changes,
                size_t n_changes,
                FirewallRefusedHandler on_refused,
                void *userdata,
                size_t *ret_n_refused) {
        const Firewall *base = &f->base;
        int r;

        if (f->kept) {
                firewall_set_longest(f->kept, base->longest, base->longest_userdata);
                r = apply_to_kept(f, changes, n_changes);
                /* Somebody removed it. What it was for is begun again when the table is configured
                 * the next time. */
                if (r == -ENOENT)
                        r = remove_kept(f);
                if (r < 0)
                        return r;
        }

        firewall_set_longest(f->table, base->longest, base->longest_userdata);
        firewall_set_meanwhile(f->table, base->meanwhile, base->meanwhile_userdata);
        return f->table->ops->apply(
                        f->table, changes, n_changes, on_refused, userdata, ret_n_refused);
}

/* While many changes are carried out nobody listens. */
static int kept_apply(Firewall *base,
                FirewallChange *changes,
                size_t n_changes,
                FirewallRefusedHandler on_refused,
                void *userdata,
                size_t *ret_n_refused) {
        KeptFirewall *f = KEPT(base);
        bool unheard;
        int r, k = 0;

        unheard = f->watch && n_changes >= UNHEARD_MIN && nft_watch_pause(f->watch) >= 0;
        r = apply_to_both(f, changes, n_changes, on_refused, userdata, ret_n_refused);
        if (unheard)
                k = nft_watch_resume(f->watch);

        return r < 0 ? r : MIN(k, 0);
}

/* asking */

static int kept_list(Firewall *base, size_t max, FirewallElementHandler handler, void *userdata) {
        KeptFirewall *f = KEPT(base);
        _cleanup_(firewall_freep) Firewall *kept = NULL;
        int r;

        r = firewall_list(f->table, max, handler, userdata);
        if (r != 0)
                return r;

        /* What was handed over. */
        r = nft_firewall_new(&kept, KEPT_TABLE, f->table);
        return r < 0 ? r : firewall_list(kept, max, handler, userdata);
}

static int kept_lookup(Firewall *base, size_t jail, const Address *address, FirewallElement *ret) {
        KeptFirewall *f = KEPT(base);

        return f->table->ops->lookup(f->table, jail, address, ret);
}

static int kept_get_counter(Firewall *base, size_t jail, FirewallCounter *ret) {
        KeptFirewall *f = KEPT(base);

        return f->table->ops->get_counter(f->table, jail, ret);
}

static int kept_check(Firewall *base) {
        return firewall_check(KEPT(base)->table);
}

static FirewallOwnership kept_get_ownership(const Firewall *base) {
        return firewall_get_ownership(const_kept(base)->table);
}

static unsigned kept_get_lacks(const Firewall *base) {
        return firewall_get_lacks(const_kept(base)->table);
}

/* the whole */

static int kept_destroy(Firewall *base) {
        KeptFirewall *f = KEPT(base);
        _cleanup_(firewall_freep) Firewall *kept = NULL;
        int r, k;

        r = firewall_destroy(f->table);
        if (r < 0)
                return r;

        k = nft_firewall_new(&kept, KEPT_TABLE, f->table);
        if (k >= 0)
                k = firewall_destroy(kept);
        return k < 0 ? k : MAX(r, k);
}

static void kept_done(Firewall *base) {
        KeptFirewall *f = KEPT(base);

        nft_watch_free(f->watch);
        firewall_free(f->kept);
        firewall_free(f->table);
}

int firewall_nft_new(Firewall **ret) {
        static const FirewallOps ops = {
                .get_ownership = kept_get_ownership,
                .get_lacks = kept_get_lacks,
                .configure = kept_configure,
                .apply = kept_apply,
                .list = kept_list,
                .lookup = kept_lookup,
                .get_counter = kept_get_counter,
                .check = kept_check,
                .destroy = kept_destroy,
                .settle = kept_settle,
                .hand_over = kept_hand_over,
                .get_socket = kept_get_socket,
                .take_socket = kept_take_socket,
                .get_watch = kept_get_watch,
                .read_meddling = kept_read_meddling,
                .done = kept_done,
        };
        _cleanup_(freep) KeptFirewall *f = NULL;
        int r;

        assert(ret);

        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;

        f->base.ops = &ops;
        r = nft_firewall_new(&f->table, NFT_TABLE, NULL);
        if (r < 0)
                return r;

        *ret = &TAKE_PTR(f)->base;
        return 0;
}

void firewall_nft_assume_old_kernel(Firewall *base) {
        nft_firewall_assume_old_kernel(KEPT(base)->table);
}

void firewall_nft_assume_usual_buffers(Firewall *base) {
        nft_firewall_assume_usual_buffers(KEPT(base)->table);
}
