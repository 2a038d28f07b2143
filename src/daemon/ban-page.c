/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A heap with the highest id on top: while the page is full, a ban with a lower id takes the place
 * of the top. So one walk over all bans is enough, and memory is that of the page.
 */

#include "daemon/ban-page.h"

int ban_page_init(BanPage *p, uint64_t after, size_t max) {
        BanPageEntry *entries;

        assert(p);
        assert(max > 0);

        entries = calloc(max, sizeof(*entries));
        if (!entries)
                return -ENOMEM;

        *p = (BanPage){ .after = after, .max = max, .entries = entries };
        return 0;
}

void ban_page_done(BanPage *p) {
        free(p->entries);
        p->entries = NULL;
}

static uint64_t id_at(const BanPage *p, size_t i) {
        return p->entries[i].ban->id;
}

static void swap(BanPage *p, size_t i, size_t j) {
        BanPageEntry e = p->entries[i];

        p->entries[i] = p->entries[j];
        p->entries[j] = e;
}

static void sift_up(BanPage *p, size_t i) {
        for (; i > 0 && id_at(p, i) > id_at(p, (i - 1) / 2); i = (i - 1) / 2)
                swap(p, i, (i - 1) / 2);
}

static void sift_down(BanPage *p, size_t i) {
        for (;;) {
                size_t child = 2 * i + 1;

                if (child >= p->n_entries)
                        return;
                if (child + 1 < p->n_entries && id_at(p, child + 1) > id_at(p, child))
                        child++;
                if (id_at(p, child) <= id_at(p, i))
                        return;

                swap(p, i, child);
                i = child;
        }
}

void ban_page_offer(BanPage *p, const char *jail, const Ban *ban) {
        assert(p);
        assert(jail);
        assert(ban);

        if (ban->id <= p->after)
                return;

        if (p->n_entries < p->max) {
                p->entries[p->n_entries] = (BanPageEntry){ jail, ban };
                sift_up(p, p->n_entries++);
        } else if (ban->id < id_at(p, 0)) {
                p->entries[0] = (BanPageEntry){ jail, ban };
                sift_down(p, 0);
        }
}

static int compare(const void *a, const void *b) {
        const BanPageEntry *x = a, *y = b;

        return (x->ban->id > y->ban->id) - (x->ban->id < y->ban->id);
}

void ban_page_sort(BanPage *p) {
        assert(p);

        if (p->n_entries > 0)
                qsort(p->entries, p->n_entries, sizeof(*p->entries), compare);
}
