/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reading the stored bans at a start, while everything else goes on.
 *
 * A million of them take more than a second, and whoever attacks meanwhile shall not have to wait.
 * So they are taken in pieces, in the order of their addresses, and each piece goes into the lists
 * and into the kernel at once (manager-restore.c). A thread reads them out of the database
 * meanwhile (engine/store-reader.h), which is quicker than the kernel; a piece that is not there
 * yet is waited for as if it were read here. While the kernel works on a piece, the next one goes
 * into the lists already, and waits there for its turn. The lists are in use meanwhile, and ask for
 * what they lack of an address that somebody looks for (model/ban.h), so that every decision is as
 * if all were there.
 *
 * Whatever is done to a ban is done to one that is in its list, so a row of the store that no list
 * has or had is as it was when the daemon started, whenever it is read. This holds also while
 * changes wait to be written. What has to be known of all bans at once is known when the rest is
 * read, which manager_load_rest() does without pausing.
 *
 * What is damaged there is looked for in the kernel (manager-recover.c), and all that runs goes
 * into a new database. If the store cannot be read for another reason, nothing more is carried out,
 * and the daemon ends: it cannot decide.
 */

#include "base/log.h"
#include "daemon/announce.h"
#include "daemon/manager-private.h"
#include "engine/store-reader.h"

/* So many bans later the memory for one is there. */
#define EXPECTED_AHEAD 16

/* Of those that nobody waits for any longer. */
#define REST_CHUNK 10000

/* Among so many the lists are made as large as they will be. */
#define RESERVE_MAX 10000

/* Addresses that were asked for are remembered, since they are asked for again. */
#define ASKED_MAX 10000

/* In the lists before the kernel is told of them. */
#define AHEAD_MAX 10000

typedef enum LoadManner {
        LOAD_QUEUED, /* to the kernel at once */
        LOAD_AHEAD,  /* soon */
        LOAD_REST,   /* when manager_restore_again() comes to it */
} LoadManner;

/* One that the kernel is still to be told of. */
typedef struct Ahead {
        Jail *jail;
        Ban *ban; /* NULL if it is gone */
} Ahead;

typedef struct Asked {
        Address address;
        bool in_table;
        UT_hash_handle hh;
} Asked;

struct Loader {
        StoreReader *reader;
        size_t n_read;
        size_t n_unread;  /* that no list has yet */
        size_t n_orphans; /* bans whose jails are not there */
        Asked *asked;
        Address within; /* all of which is there; family 0 for none */
        LoadManner manner;
        bool ending; /* orphans of this piece, in a transaction */
        int error;

        /* What was read ahead. */
        Ahead ahead[AHEAD_MAX];
        size_t n_ahead;
        size_t n_ahead_queued;
        bool ahead_is_over; /* no more was read; why is concluded when all of this is queued */
        int ahead_result;
};

static void forget_asked(Loader *l) {
        Asked *asked, *next;

        HASH_ITER(hh, l->asked, asked, next) {
                TABLE_DEL(l->asked, asked);
                free(asked);
        }
}

void manager_free_loader(Manager *m) {
        Loader *l = m->loader;

        if (!l)
                return;

        forget_asked(l);
        store_reader_free(l->reader);
        free(l);
        m->loader = NULL;
}

static int queue(Manager *m, Jail *jail, Ban *ban) {
        return manager_queue_ban(m, jail, ban, m->restore_keep ? FIREWALL_KEEP : 0);
}

static int load(Manager *m, Jail *jail, const Ban *row, bool in_turn) {
        Loader *l = m->loader;
        Ban *ban;
        int r;

        r = jail_load_ban(jail, row, in_turn, &ban);
        if (r <= 0)
                return r;

        l->n_unread -= MIN(l->n_unread, (size_t) 1);
        if (ban->id > m->position.announced)
                announce_ban(m->bus, jail_get_config(jail)->name, ban, NULL);

        if (l->manner == LOAD_QUEUED)
                return queue(m, jail, ban);
        if (l->manner == LOAD_AHEAD)
                l->ahead[l->n_ahead++] = (Ahead){ .jail = jail, .ban = ban };
        return 0;
}

/* In pieces */

/* Bans of jails that the configuration does not have end; but one with mistakes may just not show
 * that it has them. */
static int end_orphan(Manager *m, const char *name, const Ban *ban) {
        Loader *l = m->loader;
        int r;

        if (!l->ending) {
                r = store_begin(m->store, false);
                if (r < 0)
                        return r;
                l->ending = true;
        }

        return store_end_ban(m->store, name, ban, manager_now(), "jail removed", false);
}

/* The orphans of a piece, of which reading returned r. Returns that, or a negative errno. */
static int end_orphans(Manager *m, int r) {
        Loader *l = m->loader;
        int k = 0;

        if (!l->ending)
                return r;

        l->ending = false;
        if (r >= 0)
                k = store_commit(m->store);
        else
                store_rollback(m->store);
        return k < 0 ? k : r;
}

static int load_next(const char *name, const Ban *ban, void *userdata) {
        Manager *m = userdata;
        Loader *l = m->loader;
        Jail *jail = manager_find_jail(m, name);
        const Address *ahead = store_reader_ahead(l->reader, EXPECTED_AHEAD);

        if (jail && ahead)
                ban_list_expect(jail_get_bans(jail), ahead); /* most likely the same one's */
        if (jail)
                return load(m, jail, ban, true);

        l->n_orphans++;
        l->n_unread -= MIN(l->n_unread, (size_t) 1);
        return m->config_wrong ? 0 : end_orphan(m, name, ban);
}

static void finish(Manager *m) {
        size_t n_orphans = m->loader->n_orphans;

        for (size_t i = 0; i < m->n_jails; i++)
                ban_list_end_filling(jail_get_bans(m->jails[i]));
        manager_free_loader(m);
        m->position.announced = m->next_id - 1;

        if (n_orphans > 0)
                log_notice(m->config_wrong ? "%zu bans of jails that are not in the configuration "
                                             "are kept, because it has mistakes."
                                           : "%zu bans of jails that are not in the configuration "
                                             "(any more) ended.",
                                n_orphans);
}

static int fail(Manager *m, int r) {
        m->loader->error = r;
        (void) sd_event_exit(m->event, r);
        return log_error_errno(r, "Failed to read the bans from the database: %m");
}

/* Nothing more can be read. */
static int rescue(Manager *m) {
        finish(m);
        return manager_rescue_bans(m);
}

/* The addresses that have been read tell how many a jail will have. */
static void reserve(Manager *m) {
        const Loader *l = m->loader;
        size_t n = l->n_read + l->n_unread;

        for (size_t i = 0; i < m->n_jails; i++) {
                BanList *bans = jail_get_bans(m->jails[i]);

                ban_list_reserve(bans, (size_t) ((double) ban_list_size(bans) * n / l->n_read));
        }
}

/* Returns what store_reader_next() does. */
static int read_piece(Manager *m, size_t max, LoadManner manner) {
        Loader *l = m->loader;
        int r;

        l->manner = manner;
        r = end_orphans(m, store_reader_next(l->reader, max, load_next, m));
        l->manner = LOAD_QUEUED;

        if (r > 0)
                l->n_read += (size_t) r;
        if (r == (int) max && l->n_read < RESERVE_MAX)
                reserve(m);
        return r;
}

/* There was no more to read, or an error. Returns 0 or a negative errno, reported. */
static int conclude(Manager *m, int r) {
        if (r == -EBADMSG)
                return rescue(m);
        if (r < 0)
                return fail(m, r);

        finish(m);
        manager_check_bans(m);
        return 0;
}

/* Returns how many there were, or a negative errno, reported. */
static int load_piece(Manager *m, size_t max, LoadManner manner) {
        const Loader *l = m->loader;
        int r, k = 0;

        if (l->error < 0)
                return l->error == -EBADMSG ? rescue(m) : l->error;

        r = read_piece(m, max, manner);
        if (r < (int) max)
                k = conclude(m, r);
        return k < 0 ? k : MAX(r, 0);
}

/* The first pieces are small: with few bans, too, it is in turns with everything else. */
static size_t limit_piece(const Loader *l, size_t max) {
        return MIN(max, 1 + l->n_read);
}

void manager_load_ahead(Manager *m, size_t n) {
        Loader *l = m->loader;
        size_t n_left, max;
        int r;

        if (!l || l->error < 0 || l->ahead_is_over)
                return;

        n_left = l->n_ahead - l->n_ahead_queued;
        n = limit_piece(l, MIN(n, (size_t) AHEAD_MAX));
        if (n_left >= n)
                return;

        memmove(l->ahead, l->ahead + l->n_ahead_queued, n_left * sizeof(*l->ahead));
        l->n_ahead = n_left;
        l->n_ahead_queued = 0;

        max = n - n_left;
        r = read_piece(m, max, LOAD_AHEAD);
        if (r < (int) max) {
                l->ahead_is_over = true;
                l->ahead_result = r;
        }
}

void manager_load_skip(Manager *m, const Ban *ban) {
        Loader *l = m->loader;

        if (!l)
                return;

        for (size_t i = l->n_ahead_queued; i < l->n_ahead; i++)
                if (l->ahead[i].ban == ban)
                        l->ahead[i].ban = NULL;
}

/* Returns how many, or a negative errno, reported. */
static int queue_ahead(Manager *m, size_t max) {
        Loader *l = m->loader;
        size_t n = 0;

        for (; l->n_ahead_queued < l->n_ahead && n < max; n++) {
                const Ahead *ahead = &l->ahead[l->n_ahead_queued];
                int r;

                r = ahead->ban && !ahead->ban->in_kernel ? queue(m, ahead->jail, ahead->ban) : 0;
                if (r < 0)
                        return r;
                l->n_ahead_queued++;
        }

        return (int) n;
}

int manager_load_some(Manager *m, size_t max) {
        Loader *l = m->loader;
        int n, r;

        if (!l)
                return 0;

        n = queue_ahead(m, max);
        if (n < 0 || l->n_ahead_queued < l->n_ahead)
                return n;

        if (l->ahead_is_over)
                r = conclude(m, l->ahead_result);
        else if ((size_t) n < max)
                r = load_piece(m, limit_piece(l, max - (size_t) n), LOAD_QUEUED);
        else
                r = 0;
        return r < 0 ? r : n + r;
}

int manager_load_rest(Manager *m) {
        int r = 0;

        assert(m);

        if (!m->loader)
                return 0;

        m->loader->n_ahead = m->loader->n_ahead_queued = 0;
        if (m->loader->ahead_is_over)
                r = conclude(m, m->loader->ahead_result);
        while (m->loader && r >= 0)
                r = load_piece(m, REST_CHUNK, LOAD_REST);

        manager_restore_again(m);
        return MIN(r, 0);
}

/* By address */

/* Those that are not there are counted when their turn comes. */
static int load_near(const char *name, const Ban *ban, void *userdata) {
        Manager *m = userdata;
        Jail *jail = manager_find_jail(m, name);

        return jail ? load(m, jail, ban, false) : 0;
}

static bool was_asked(const Loader *l, const Address *a, BanListWanted wanted) {
        Asked *asked;

        if (wanted == BAN_LIST_WITHIN)
                return l->within.family == a->family && address_covers(&l->within, a);

        TABLE_FIND(l->asked, a, asked);
        return asked;
}

static void note_asked(Loader *l, const Address *a, BanListWanted wanted) {
        Asked *asked;

        if (wanted == BAN_LIST_WITHIN) {
                l->within = *a;
                return;
        }

        if (HASH_COUNT(l->asked) == ASKED_MAX)
                forget_asked(l);
        asked = calloc(1, sizeof(*asked));
        if (!asked)
                return;
        asked->address = *a;
        if (!TABLE_ADD(l->asked, address, asked))
                free(asked);
}

/* A BanListFiller. All jails have what they need of it then. */
static void on_asked(const Address *a, BanListWanted wanted, void *userdata) {
        Manager *m = userdata;
        Loader *l = m->loader;
        int r;

        if (wanted == BAN_LIST_WITHIN && address_is_host(a))
                wanted = BAN_LIST_AROUND;
        if (l->error < 0 || was_asked(l, a, wanted))
                return;

        r = wanted == BAN_LIST_AROUND ? store_foreach_ban_around(m->store, a, load_near, m)
                                      : store_foreach_ban_within(m->store, a, load_near, m);
        if (r == -EBADMSG)
                l->error = r; /* the next piece will be the last */
        else if (r < 0)
                (void) fail(m, r);
        else
                note_asked(l, a, wanted);
}

int manager_load_begin(Manager *m) {
        Loader *l;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        m->loader = l;

        /* Of a damaged one nobody knows how many there are: reading will tell. */
        r = store_count_bans(m->store, NULL, &l->n_unread);
        if (r < 0 && r != -EBADMSG)
                return r;

        r = store_reader_new(&l->reader, m->store);
        if (r < 0)
                return r;

        for (size_t i = 0; i < m->n_jails; i++)
                ban_list_begin_filling(jail_get_bans(m->jails[i]), on_asked, m);
        return 0;
}

int manager_get_load_error(const Manager *m) {
        return m->loader ? m->loader->error : 0;
}

size_t manager_n_unread(const Manager *m) {
        return m->loader ? m->loader->n_unread : 0;
}

size_t manager_n_banned_by(Manager *m, Jail *jail) {
        size_t n;

        assert(m);
        assert(jail);

        return m->loader && store_count_bans(m->store, jail_get_config(jail)->name, &n) >= 0
                               ? n
                               : ban_list_size(jail_get_bans(jail));
}
