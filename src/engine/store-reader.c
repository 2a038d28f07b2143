/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Rows go from the thread to its owner in batches, which lie in a ring. Each batch belongs to the
 * thread until it is filled, and to the owner until all of it is handed out.
 *
 * A batch is read by a query of its own, from behind the last row of the one before. So no
 * transaction is open while the thread waits for the owner, who may take long, and the log of the
 * database can be written back.
 */

#include "engine/store-reader.h"

#include <limits.h>

#include "base/thread.h"
#include "engine/store-db.h"
#include "engine/store-private.h"

#define N_BATCHES 8

/* Few enough that a batch stays in a processor's cache. */
#define BATCH_ROWS 1000

/* Where a text begins among those of a batch. */
typedef uint32_t Text;
#define TEXT_NONE UINT32_MAX

typedef struct Row {
        Address address;
        unsigned failures;
        unsigned n_leaks;
        uint64_t id;
        usec_t start;
        usec_t end;
        Text jail, pattern, reason;
} Row;

typedef struct Batch {
        Row rows[BATCH_ROWS];
        size_t n;
        char *texts;
        size_t texts_used, texts_size;
} Batch;

struct StoreReader {
        sqlite3 *db;
        sqlite3_stmt *stmt;
        pthread_t thread;
        bool has_thread;

        Batch batches[N_BATCHES];
        size_t next; /* of the first batch's rows, for the owner */

        pthread_mutex_t mutex;
        pthread_cond_t cond; /* either the owner waits or the thread that reads */
        size_t n_filled;     /* batches since the beginning; guarded by the mutex, as are: */
        size_t n_emptied;
        bool is_over; /* error says how */
        int error;
        bool stopping;
};

static int add_text(Batch *b, const char *text, Text *ret) {
        size_t size;

        if (!text) {
                *ret = TEXT_NONE;
                return 0;
        }

        size = strlen(text) + 1;
        if (b->texts_used + size > b->texts_size) {
                size_t wanted = 2 * (b->texts_used + size);
                char *texts;

                if (wanted >= TEXT_NONE)
                        return -E2BIG;
                texts = realloc(b->texts, wanted);
                if (!texts)
                        return -ENOMEM;
                b->texts = texts;
                b->texts_size = wanted;
        }

        *ret = (Text) b->texts_used;
        memcpy(b->texts + b->texts_used, text, size);
        b->texts_used += size;
        return 0;
}

static const char *get_text(const Batch *b, Text text) {
        return text == TEXT_NONE ? NULL : b->texts + text;
}

/* Most have the jail and the pattern of the one before. */
static int share_text(Batch *b, const char *text, Text before, Text *ret) {
        const char *shared = get_text(b, before);

        if (!text || !shared || !streq(text, shared))
                return add_text(b, text, ret);

        *ret = before;
        return 0;
}

/* A StoreHandler. */
static int add_row(const char *jail, const Ban *ban, void *userdata) {
        Batch *b = userdata;
        const Row *before = b->n > 0 ? &b->rows[b->n - 1] : NULL;
        Row *row = &b->rows[b->n];
        int r;

        row->address = ban->address;
        row->failures = ban->failures;
        row->n_leaks = ban->n_leaks;
        row->id = ban->id;
        row->start = ban->start;
        row->end = ban->end;

        r = share_text(b, jail, before ? before->jail : TEXT_NONE, &row->jail);
        if (r >= 0)
                r = share_text(b,
                                ban->pattern,
                                before ? before->pattern : TEXT_NONE,
                                &row->pattern);
        if (r >= 0)
                r = add_text(b, ban->reason, &row->reason);
        if (r < 0)
                return r;

        b->n++;
        return 0;
}

/* Returns the batch that is to be filled, or NULL if nobody wants it. */
static Batch *wait_for_room(StoreReader *r) {
        bool stopping;

        (void) pthread_mutex_lock(&r->mutex);
        while (!r->stopping && r->n_filled - r->n_emptied == N_BATCHES)
                (void) pthread_cond_wait(&r->cond, &r->mutex);
        stopping = r->stopping;
        (void) pthread_mutex_unlock(&r->mutex);

        return stopping ? NULL : &r->batches[r->n_filled % N_BATCHES];
}

static void hand_over(StoreReader *r) {
        (void) pthread_mutex_lock(&r->mutex);
        r->n_filled++;
        (void) pthread_cond_signal(&r->cond);
        (void) pthread_mutex_unlock(&r->mutex);
}

static void end(StoreReader *r, int error) {
        (void) pthread_mutex_lock(&r->mutex);
        r->is_over = true;
        r->error = error;
        (void) pthread_cond_signal(&r->cond);
        (void) pthread_mutex_unlock(&r->mutex);
}

static void *run(void *userdata) {
        _cleanup_(store_place_freep) StorePlace *place = NULL;
        StoreReader *r = userdata;
        int k;

        do {
                StorePlace *behind = NULL;
                Batch *b = wait_for_room(r);

                if (!b)
                        return NULL;

                b->n = b->texts_used = 0;
                k = store_read_from(r->stmt, place, BATCH_ROWS, add_row, b, &behind);
                hand_over(r);
                store_place_free(place);
                place = behind;
        } while (k >= 0 && place);

        end(r, MIN(k, 0));
        return NULL;
}

int store_reader_new(StoreReader **ret, const Store *s) {
        _cleanup_(store_reader_freep) StoreReader *r = NULL;
        int k;

        assert(ret);
        assert(s);

        if (s->substituted)
                return -EROFS;

        r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        (void) pthread_mutex_init(&r->mutex, NULL);
        (void) pthread_cond_init(&r->cond, NULL);

        k = store_db_open(&r->db, s->path, SQLITE_OPEN_READWRITE);
        if (k >= 0)
                k = store_db_errno(sqlite3_prepare_v2(r->db,
                                store_statements[STATEMENT_BANS_BEHIND],
                                -1,
                                &r->stmt,
                                NULL));
        if (k >= 0)
                k = thread_start(&r->thread, run, r);
        if (k < 0)
                return k;
        r->has_thread = true;

        *ret = TAKE_PTR(r);
        return 0;
}

/* Returns the first batch; 0 rather than a batch if there is none any more, or a negative errno. */
static int wait_for_batch(StoreReader *r, Batch **ret) {
        bool there;
        int k;

        (void) pthread_mutex_lock(&r->mutex);
        while (!r->is_over && r->n_filled == r->n_emptied)
                (void) pthread_cond_wait(&r->cond, &r->mutex);
        there = r->n_filled > r->n_emptied;
        k = there ? 1 : r->error;
        (void) pthread_mutex_unlock(&r->mutex);

        *ret = there ? &r->batches[r->n_emptied % N_BATCHES] : NULL;
        return k;
}

static void give_back(StoreReader *r) {
        r->next = 0;
        (void) pthread_mutex_lock(&r->mutex);
        r->n_emptied++;
        (void) pthread_cond_signal(&r->cond);
        (void) pthread_mutex_unlock(&r->mutex);
}

static int hand_out(const Batch *b, const Row *row, StoreHandler handler, void *userdata) {
        const Ban ban = {
                .address = row->address,
                .failures = row->failures,
                .n_leaks = row->n_leaks,
                .id = row->id,
                .start = row->start,
                .end = row->end,
                .pattern = get_text(b, row->pattern),
                .reason = (char *) get_text(b, row->reason),
        };

        return handler(get_text(b, row->jail), &ban, userdata);
}

int store_reader_next(StoreReader *r, size_t max, StoreHandler handler, void *userdata) {
        size_t n = 0;
        int k = 0;

        assert(r);
        assert(max > 0 && max <= INT_MAX);
        assert(handler);

        while (n < max && k >= 0) {
                Batch *b;

                k = wait_for_batch(r, &b);
                if (k <= 0)
                        break;

                for (; n < max && r->next < b->n && k >= 0; n++)
                        k = hand_out(b, &b->rows[r->next++], handler, userdata);
                if (r->next == b->n)
                        give_back(r);
        }

        return k < 0 ? k : (int) n;
}

const Address *store_reader_ahead(const StoreReader *r, size_t n) {
        const Batch *b;
        size_t i;

        assert(r);

        /* r->next is behind the row that is handed out. */
        b = &r->batches[r->n_emptied % N_BATCHES];
        i = r->next + n - 1;
        return i < b->n ? &b->rows[i].address : NULL;
}

StoreReader *store_reader_free(StoreReader *r) {
        if (!r)
                return NULL;

        if (r->has_thread) {
                (void) pthread_mutex_lock(&r->mutex);
                r->stopping = true;
                (void) pthread_cond_signal(&r->cond);
                (void) pthread_mutex_unlock(&r->mutex);
                (void) pthread_join(r->thread, NULL);
        }
        (void) sqlite3_finalize(r->stmt);
        (void) sqlite3_close(r->db);
        for (size_t i = 0; i < ELEMENTSOF(r->batches); i++)
                free(r->batches[i].texts);
        (void) pthread_cond_destroy(&r->cond);
        (void) pthread_mutex_destroy(&r->mutex);
        free(r);
        return NULL;
}
