/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/store-check.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"
#include "engine/store-db.h"
#include "engine/store-private.h"

struct StoreCheck {
        sqlite3 *db;
        pthread_t thread;
        bool has_thread;
        int fd;
        int verdict; /* the thread's until it is joined */
};

static void *run(void *userdata) {
        StoreCheck *c = userdata;

        c->verdict = store_db_check_bans(c->db);
        (void) eventfd_write(c->fd, 1);
        return NULL;
}

static void join(StoreCheck *c) {
        if (c->has_thread)
                (void) pthread_join(c->thread, NULL);
        c->has_thread = false;
}

int store_check_new(StoreCheck **ret, const Store *s) {
        _cleanup_(store_check_freep) StoreCheck *c = NULL;
        int r;

        assert(ret);
        assert(s);

        if (s->substituted)
                return -EROFS;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (c->fd < 0)
                return -errno;

        r = store_db_open(&c->db, s->path, SQLITE_OPEN_READWRITE);
        if (r < 0)
                return r;
        r = thread_start(&c->thread, run, c);
        if (r < 0)
                return r;
        c->has_thread = true;

        *ret = TAKE_PTR(c);
        return 0;
}

int store_check_get_fd(const StoreCheck *c) {
        assert(c);

        return c->fd;
}

int store_check_wait(StoreCheck *c) {
        assert(c);

        join(c);
        return c->verdict;
}

StoreCheck *store_check_free(StoreCheck *c) {
        if (!c)
                return NULL;

        if (c->has_thread)
                sqlite3_interrupt(c->db);
        join(c);
        (void) sqlite3_close(c->db);
        if (c->fd >= 0)
                (void) close(c->fd);
        free(c);
        return NULL;
}
