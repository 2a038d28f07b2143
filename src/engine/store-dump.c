/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The pipe does not block, and the thread waits for it together with a descriptor by which it is
 * told to stop, and a timer.
 */

#include "engine/store-dump.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "base/thread.h"
#include "engine/store-db.h"
#include "engine/store-private.h"

/* Collected before it is written. */
#define BUFFER_SIZE 65536

struct StoreDump {
        char *path;
        int fd;
        int stop_fd;
        int timer_fd;
        pthread_t thread;
        bool has_thread;
        atomic_bool is_over;
        size_t used;
        char buffer[BUFFER_SIZE];
};

/* Returns 0 when something can be written, or a negative errno. */
static int wait_for_reader(const StoreDump *d) {
        struct pollfd p[] = {
                { .fd = d->fd, .events = POLLOUT },
                { .fd = d->stop_fd, .events = POLLIN },
                { .fd = d->timer_fd, .events = POLLIN },
        };
        int n;

        do
                n = poll(p, ELEMENTSOF(p), STORE_DUMP_PAUSE_SEC * 1000);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (n == 0 || p[2].revents)
                return -ETIMEDOUT;
        return p[1].revents ? -ECANCELED : 0;
}

static int flush(StoreDump *d) {
        for (size_t done = 0; done < d->used;) {
                ssize_t n = write(d->fd, d->buffer + done, d->used - done);
                int r;

                if (n >= 0) {
                        done += (size_t) n;
                        continue;
                }
                if (errno != EAGAIN && errno != EINTR)
                        return -errno;
                r = wait_for_reader(d);
                if (r < 0)
                        return r;
        }

        d->used = 0;
        return 0;
}

static int put(StoreDump *d, const char *text, size_t size) {
        while (size > 0) {
                size_t n = MIN(size, BUFFER_SIZE - d->used);
                int r;

                memcpy(d->buffer + d->used, text, n);
                d->used += n;
                text += n;
                size -= n;
                if (d->used < BUFFER_SIZE)
                        continue;
                r = flush(d);
                if (r < 0)
                        return r;
        }

        return 0;
}

static json_t *number_or_null(uint64_t n) {
        return n == USEC_INFINITY ? json_null() : json_integer((json_int_t) n);
}

static int put_ban(StoreDump *d, const char *jail, const Ban *b) {
        char address[ADDRESS_STR_SIZE], *text = NULL;
        json_t *line;
        int r = -ENOMEM;

        line = json_pack("{s:I, s:s, s:s, s:I, s:o, s:i, s:s, s:s, s:I}",
                        "id",
                        (json_int_t) b->id,
                        "jail",
                        jail,
                        "address",
                        address_format(&b->address, address),
                        "start_usec",
                        (json_int_t) b->start,
                        "end_usec",
                        number_or_null(b->end),
                        "failures",
                        (int) b->failures,
                        "pattern",
                        b->pattern,
                        "reason",
                        b->reason ?: "",
                        "leaks",
                        (json_int_t) b->n_leaks);
        if (!line)
                return 0; /* a text that is not UTF-8: somebody else wrote there */
        text = json_dumps(line, JSON_COMPACT);
        if (text)
                r = put(d, text, strlen(text));
        if (r >= 0)
                r = put(d, "\n", 1);
        free(text);
        json_decref(line);
        return r;
}

static int write_bans(StoreDump *d) {
        sqlite3_stmt *stmt = NULL;
        sqlite3 *db;
        int e, r;

        r = store_db_open(&db, d->path, SQLITE_OPEN_READONLY);
        if (r < 0)
                return r;

        e = sqlite3_prepare_v2(db, store_statements[STATEMENT_BANS], -1, &stmt, NULL);
        while (e == SQLITE_OK && r >= 0 && (e = sqlite3_step(stmt)) == SQLITE_ROW) {
                const char *jail;
                Ban ban;

                e = SQLITE_OK;
                if (store_read_ban(stmt, &jail, &ban))
                        r = put_ban(d, jail, &ban);
        }
        (void) sqlite3_finalize(stmt);
        (void) sqlite3_close(db);
        return r < 0 ? r : flush(d);
}

static void *run(void *userdata) {
        StoreDump *d = userdata;

        /* Whoever reads sees the end, or that it is missing. */
        (void) write_bans(d);
        (void) close(d->fd);
        d->fd = -1;
        d->is_over = true;
        return NULL;
}

int store_dump_new(StoreDump **ret, const Store *s, int *ret_fd) {
        _cleanup_(store_dump_freep) StoreDump *d = NULL;
        _cleanup_(closep) int reader = -1;
        const struct itimerspec longest = { .it_value.tv_sec = STORE_DUMP_MAX_SEC };
        int fds[2], r;

        assert(ret);
        assert(s);
        assert(ret_fd);

        if (s->substituted)
                return -EROFS;

        d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;
        d->fd = d->stop_fd = d->timer_fd = -1;

        d->path = strdup(s->path);
        if (!d->path)
                return -ENOMEM;
        d->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        d->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
        if (d->stop_fd < 0 || d->timer_fd < 0 ||
                        timerfd_settime(d->timer_fd, 0, &longest, NULL) < 0 ||
                        pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        reader = fds[0];
        d->fd = fds[1];
        if (fcntl(d->fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;

        /* It gets no signal for a pipe that nobody reads, which is of no use. */
        r = thread_start(&d->thread, run, d);
        if (r < 0)
                return r;
        d->has_thread = true;

        *ret_fd = TAKE_FD(reader);
        *ret = TAKE_PTR(d);
        return 0;
}

bool store_dump_is_over(const StoreDump *d) {
        assert(d);

        return d->is_over;
}

StoreDump *store_dump_free(StoreDump *d) {
        if (!d)
                return NULL;

        if (d->has_thread) {
                (void) eventfd_write(d->stop_fd, 1);
                (void) pthread_join(d->thread, NULL);
        }
        if (d->fd >= 0)
                (void) close(d->fd);
        if (d->stop_fd >= 0)
                (void) close(d->stop_fd);
        if (d->timer_fd >= 0)
                (void) close(d->timer_fd);
        free(d->path);
        free(d);
        return NULL;
}
