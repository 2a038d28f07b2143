/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A hash table over addresses, and a heap over ends. To find the prefix that covers an address, the
 * list counts how many bans it has of each prefix length, and looks the address up once for each
 * length in use: hardly ever more than two. To find what a prefix covers, bans that lie near each
 * other are linked: those of an IPv4 /16 or an IPv6 /48.
 *
 * Pattern names come from the configuration, so there are few of them; each is kept once.
 *
 * While the list is filled it remembers of which addresses it knows better than whoever fills it:
 * those with a ban that came in otherwise than in its turn, or that was removed. They are few, so
 * that it takes no time to look for each ban of before among them.
 */

#include "model/ban.h"

#define PREFIXLEN_MAX 128
#define PATTERNS_MAX 1024

#define VICINITY4 16
#define VICINITY6 48

typedef struct BanVicinity {
        Address address; /* or that of the one ban in it, if that is shorter */
        Ban *first, *last;
        bool in_table;
        UT_hash_handle hh;
} BanVicinity;

/* An address of which no ban of before is to be added. */
typedef struct BanSettled {
        Address address;
        bool in_table;
        UT_hash_handle hh;
} BanSettled;

struct BanList {
        Ban *bans;
        Ban *last; /* added, or NULL */
        BanVicinity *vicinities;
        Prioq expiry; /* those that end */
        size_t n_prefixlen4[PREFIXLEN_MAX + 1];
        size_t n_prefixlen6[PREFIXLEN_MAX + 1];
        size_t n_counted;
        char **patterns;
        size_t n_patterns;

        /* While it is filled. */
        BanListFiller filler; /* NULL: the list is complete */
        void *userdata;
        BanSettled *settled;
};

static size_t *prefixlen_counter(BanList *l, const Address *a) {
        return a->family == AF_INET ? &l->n_prefixlen4[a->prefixlen]
                                    : &l->n_prefixlen6[a->prefixlen];
}

int ban_list_new(BanList **ret) {
        BanList *l = calloc(1, sizeof(*l));

        if (!l)
                return -ENOMEM;

        *ret = l;
        return 0;
}

static Ban *ban_free(Ban *b) {
        if (b)
                free(b->reason);
        free(b);
        return NULL;
}
DEFINE_CLEANUP(Ban *, ban_free)

static void forget_settled(BanList *l) {
        BanSettled *settled, *next;

        HASH_ITER(hh, l->settled, settled, next) {
                TABLE_DEL(l->settled, settled);
                free(settled);
        }
}

static bool is_settled(const BanList *l, const Address *a) {
        BanSettled *settled;

        TABLE_FIND(l->settled, a, settled);
        return settled;
}

static int settle(BanList *l, const Address *a) {
        BanSettled *settled;

        if (!l->filler || is_settled(l, a))
                return 0;

        settled = calloc(1, sizeof(*settled));
        if (!settled)
                return -ENOMEM;
        settled->address = *a;
        if (!TABLE_ADD(l->settled, address, settled)) {
                free(settled);
                return -ENOMEM;
        }

        return 0;
}

BanList *ban_list_free(BanList *l) {
        BanVicinity *vicinity, *next_vicinity;
        Ban *ban, *next;

        if (!l)
                return NULL;

        HASH_ITER(hh, l->vicinities, vicinity, next_vicinity) {
                TABLE_DEL(l->vicinities, vicinity);
                free(vicinity);
        }

        HASH_ITER(hh, l->bans, ban, next) {
                TABLE_DEL(l->bans, ban);
                ban_free(ban);
        }

        forget_settled(l);
        for (size_t i = 0; i < l->n_patterns; i++)
                free(l->patterns[i]);
        free(l->patterns);
        prioq_done(&l->expiry);
        free(l);
        return NULL;
}

/* Beyond the limit, or without memory, the name is lost and the ban is not. */
static const char *intern_pattern(BanList *l, const char *name) {
        char **patterns, *copy;

        if (isempty(name))
                return "";

        for (size_t i = 0; i < l->n_patterns; i++)
                if (streq(l->patterns[i], name))
                        return l->patterns[i];

        if (l->n_patterns == PATTERNS_MAX)
                return "";

        patterns = reallocarray(l->patterns, l->n_patterns + 1, sizeof(*patterns));
        if (!patterns)
                return "";
        l->patterns = patterns;

        copy = strdup(name);
        if (!copy)
                return "";

        return l->patterns[l->n_patterns++] = copy;
}

/* Puts the ban where its end belongs, or takes it out if it has none. */
static int schedule(BanList *l, Ban *ban, usec_t end) {
        if (end == USEC_INFINITY) {
                prioq_remove(&l->expiry, &ban->expiry);
                return 0;
        }

        if (ban->expiry.index == PRIOQ_NOWHERE)
                return prioq_put(&l->expiry, &ban->expiry, end);

        prioq_move(&l->expiry, &ban->expiry, end);
        return 0;
}

static int update(BanList *l, Ban *ban, const Ban *wanted) {
        char *reason = NULL;
        int r;

        if (wanted->reason) {
                reason = strndup(wanted->reason, BAN_REASON_MAX);
                if (!reason)
                        return -ENOMEM;
        }

        r = schedule(l, ban, wanted->end);
        if (r < 0) {
                free(reason);
                return r;
        }

        free(ban->reason);
        ban->reason = reason;
        ban->in_kernel = wanted->in_kernel;
        ban->acknowledged = wanted->acknowledged;
        ban->n_leaks = wanted->n_leaks;
        ban->leaks_unsaved = false;
        ban->failures = wanted->failures;
        ban->pattern = intern_pattern(l, wanted->pattern);
        ban->id = wanted->id;
        ban->start = wanted->start;
        ban->end = wanted->end;
        return 0;
}

static unsigned vicinity_bits(const Address *a) {
        return a->family == AF_INET ? VICINITY4 : VICINITY6;
}

static BanVicinity *find_vicinity(const BanList *l, const Address *a) {
        BanVicinity *vicinity;
        Address net = *a;

        address_widen(&net, vicinity_bits(a));

        /* The store hands bans out in the order of their addresses. */
        vicinity = l->last ? l->last->vicinity : NULL;
        if (vicinity && address_equal(&vicinity->address, &net))
                return vicinity;

        TABLE_FIND(l->vicinities, &net, vicinity);
        return vicinity;
}

/* Links the ban to those near it. */
static int link_ban(BanList *l, Ban *ban) {
        BanVicinity *vicinity = find_vicinity(l, &ban->address);

        if (!vicinity) {
                vicinity = calloc(1, sizeof(*vicinity));
                if (!vicinity)
                        return -ENOMEM;
                vicinity->address = ban->address;
                address_widen(&vicinity->address, vicinity_bits(&ban->address));
                if (!TABLE_ADD(l->vicinities, address, vicinity)) {
                        free(vicinity);
                        return -ENOMEM;
                }
        }

        ban->vicinity = vicinity;
        ban->near_before = vicinity->last;
        *(vicinity->last ? &vicinity->last->near_behind : &vicinity->first) = ban;
        vicinity->last = ban;
        return 0;
}

static void unlink_ban(BanList *l, Ban *ban) {
        BanVicinity *vicinity = ban->vicinity;

        *(ban->near_before ? &ban->near_before->near_behind : &vicinity->first) = ban->near_behind;
        *(ban->near_behind ? &ban->near_behind->near_before : &vicinity->last) = ban->near_before;
        if (vicinity->first)
                return;

        TABLE_DEL(l->vicinities, vicinity);
        free(vicinity);
}

static int add_new(BanList *l, const Ban *wanted, Ban **ret) {
        _cleanup_(ban_freep) Ban *ban = NULL;
        int r;

        ban = calloc(1, sizeof(*ban));
        if (!ban)
                return -ENOMEM;
        ban->address = wanted->address;
        ban->expiry.index = PRIOQ_NOWHERE;

        if (!TABLE_ADD(l->bans, address, ban))
                return -ENOMEM;

        r = update(l, ban, wanted);
        if (r >= 0)
                r = link_ban(l, ban);
        if (r < 0) {
                prioq_remove(&l->expiry, &ban->expiry);
                TABLE_DEL(l->bans, ban);
                return r;
        }

        (*prefixlen_counter(l, &ban->address))++;
        l->last = ban;
        if (ret)
                *ret = ban;
        TAKE_PTR(ban);
        return 0;
}

int ban_list_add(BanList *l, const Ban *wanted, Ban **ret) {
        Ban *found;
        int r;

        assert(l);
        assert(wanted);

        found = ban_list_get(l, &wanted->address);
        if (found) {
                r = update(l, found, wanted);
                if (r >= 0 && ret)
                        *ret = found;
                return r;
        }

        r = settle(l, &wanted->address);
        if (r >= 0)
                r = add_new(l, wanted, ret);
        return r < 0 ? r : 1;
}

/* Filling */

void ban_list_begin_filling(BanList *l, BanListFiller filler, void *userdata) {
        assert(l);
        assert(filler);
        assert(!l->bans);

        l->filler = filler;
        l->userdata = userdata;
}

void ban_list_end_filling(BanList *l) {
        assert(l);

        l->filler = NULL;
        forget_settled(l);
}

int ban_list_load_next(BanList *l, const Ban *ban, Ban **ret) {
        int r;

        assert(l);
        assert(ban);

        if (is_settled(l, &ban->address))
                return 0;

        r = add_new(l, ban, ret);
        return r < 0 ? r : 1;
}

void ban_list_expect(const BanList *l, const Address *a) {
        assert(l);
        assert(a);

        TABLE_PREFETCH(l->bans, a);
}

int ban_list_load(BanList *l, const Ban *ban, Ban **ret) {
        int r;

        assert(l);
        assert(ban);

        if (is_settled(l, &ban->address) || ban_list_peek(l, &ban->address))
                return 0;

        r = settle(l, &ban->address);
        if (r >= 0)
                r = add_new(l, ban, ret);
        return r < 0 ? r : 1;
}

void ban_list_reserve(BanList *l, size_t n) {
        assert(l);

        if (!l->bans)
                return;

        TABLE_RESERVE(l->bans, n);
        TABLE_RESERVE(l->vicinities, n / HASH_COUNT(l->bans) * HASH_COUNT(l->vicinities));
}

static void fill(const BanList *l, const Address *a, BanListWanted wanted) {
        if (l->filler)
                l->filler(a, wanted, l->userdata);
}

/* Looking up */

Ban *ban_list_peek(const BanList *l, const Address *a) {
        Ban *ban;

        assert(l);
        assert(a);

        TABLE_FIND(l->bans, a, ban);
        return ban;
}

Ban *ban_list_get(const BanList *l, const Address *a) {
        Ban *ban = ban_list_peek(l, a);

        if (ban || !l->filler)
                return ban;

        fill(l, a, BAN_LIST_AROUND);
        return ban_list_peek(l, a);
}

/* The ban of the address' network of this length, or NULL. */
static Ban *get_around(const BanList *l, const Address *a, unsigned prefixlen) {
        const size_t *n_prefixlen = a->family == AF_INET ? l->n_prefixlen4 : l->n_prefixlen6;
        Address net = *a;

        if (n_prefixlen[prefixlen] == 0)
                return NULL;

        address_widen(&net, prefixlen);
        return ban_list_peek(l, &net);
}

Ban *ban_list_find(const BanList *l, const Address *a, usec_t when) {
        Ban *best = NULL;

        assert(l);
        assert(a);

        fill(l, a, BAN_LIST_AROUND);
        for (unsigned i = 0; i <= a->prefixlen; i++) {
                Ban *ban = get_around(l, a, i);

                if (ban && when < ban->end && (!best || ban->end > best->end))
                        best = ban;
        }

        return best;
}

usec_t ban_list_find_end(const BanList *l, const Address *a, usec_t when) {
        usec_t end = 0;

        assert(l);
        assert(a);

        fill(l, a, BAN_LIST_AROUND);
        for (unsigned i = 0; i <= a->prefixlen; i++) {
                const Ban *ban = get_around(l, a, i);

                if (ban && ban->end <= when)
                        end = MAX(end, ban->end);
        }

        return end;
}

void ban_list_set_expiry(BanList *l, Ban *ban, usec_t when) {
        assert(l);
        assert(ban);
        assert(ban->end != USEC_INFINITY);

        prioq_move(&l->expiry, &ban->expiry, when);
}

bool ban_list_count(BanList *l, Ban *ban, size_t max) {
        assert(l);
        assert(ban);

        if (!ban->is_counted && l->n_counted < max) {
                ban->is_counted = true;
                l->n_counted++;
        }

        return ban->is_counted;
}

size_t ban_list_n_counted(const BanList *l) {
        assert(l);

        return l->n_counted;
}

void ban_list_remove(BanList *l, Ban *ban) {
        assert(l);
        assert(ban);

        if (ban->is_counted)
                l->n_counted--;
        if (l->last == ban)
                l->last = NULL;
        /* Without memory one of before may come back, which is better than that this one stays. */
        (void) settle(l, &ban->address);
        (*prefixlen_counter(l, &ban->address))--;
        unlink_ban(l, ban);
        prioq_remove(&l->expiry, &ban->expiry);
        TABLE_DEL(l->bans, ban);
        ban_free(ban);
}

Ban *ban_list_first_to_end(const BanList *l) {
        PrioqNode *node;

        assert(l);

        node = prioq_peek(&l->expiry);
        return node ? (Ban *) ((char *) node - offsetof(Ban, expiry)) : NULL;
}

Ban *ban_list_next(const BanList *l, const Ban *ban) {
        assert(l);

        return ban ? ban->hh.next : l->bans;
}

Ban *ban_list_next_within(const BanList *l, const Address *net, const Ban *ban) {
        const BanVicinity *vicinity;
        bool near;
        Ban *next;

        assert(l);
        assert(net);

        if (!ban)
                fill(l, net, BAN_LIST_WITHIN);

        near = net->prefixlen >= vicinity_bits(net);
        if (ban)
                next = near ? ban->near_behind : ban->hh.next;
        else if (near) {
                vicinity = find_vicinity(l, net);
                next = vicinity ? vicinity->first : NULL;
        } else
                next = l->bans;

        while (next && !address_covers(net, &next->address))
                next = near ? next->near_behind : next->hh.next;
        return next;
}

Ban *ban_list_pick(const BanList *l, uint64_t luck) {
        const UT_hash_table *table;
        UT_hash_handle *hh;
        unsigned i;

        assert(l);

        if (!l->bans)
                return NULL;

        /* The next bucket that is not empty, and one of those in it. */
        table = l->bans->hh.tbl;
        for (i = (unsigned) luck & (table->num_buckets - 1); table->buckets[i].count == 0;)
                i = (i + 1) & (table->num_buckets - 1);

        hh = table->buckets[i].hh_head;
        for (unsigned n = (unsigned) (luck >> 32) % table->buckets[i].count; n > 0; n--)
                hh = hh->hh_next;

        return ELMT_FROM_HH(table, hh);
}

size_t ban_list_size(const BanList *l) {
        assert(l);

        return HASH_COUNT(l->bans);
}
