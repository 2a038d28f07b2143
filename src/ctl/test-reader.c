/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What was read and not taken yet lies in buf from begin to end. The buffer grows to the longest
 * line that was asked for and not beyond.
 */

#include "ctl/test-reader.h"

#include <unistd.h>

#define CHUNK (64 * 1024)

struct Reader {
        int fd;
        char *buf;
        size_t n_allocated; /* there is one byte more, for the NUL behind the last line */
        size_t begin, end;
        uint64_t n_taken;
        bool at_end;
        bool in_cut_line; /* what comes first is the rest of a line that was cut */
};

int reader_new(Reader **ret, int fd) {
        Reader *r;

        assert(ret);

        r = calloc(1, sizeof(*r));
        if (!r) {
                (void) close(fd);
                return -ENOMEM;
        }

        r->fd = fd;
        *ret = r;
        return 0;
}

Reader *reader_free(Reader *r) {
        if (!r)
                return NULL;

        (void) close(r->fd);
        free(r->buf);
        free(r);
        return NULL;
}

static int make_room(Reader *r) {
        size_t n = r->n_allocated > 0 ? r->n_allocated * 2 : (size_t) 2 * CHUNK;
        char *buf;

        if (r->begin > 0) {
                memmove(r->buf, r->buf + r->begin, r->end - r->begin);
                r->end -= r->begin;
                r->begin = 0;
        }
        if (r->n_allocated - r->end >= CHUNK)
                return 0;

        buf = realloc(r->buf, n + 1);
        if (!buf)
                return -ENOMEM;
        r->buf = buf;
        r->n_allocated = n;
        return 0;
}

/* Reads on. Returns 1 if there is more now, 0 at the end, a negative errno. */
static int fill(Reader *r) {
        ssize_t n;
        int error;

        if (r->at_end)
                return 0;

        if (r->n_allocated - r->end < CHUNK) {
                error = make_room(r);
                if (error < 0)
                        return error;
        }

        do
                n = read(r->fd, r->buf + r->end, r->n_allocated - r->end);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;

        r->at_end = n == 0;
        r->end += (size_t) n;
        return n > 0;
}

/* Has a newline or max bytes in the buffer, or all that is left. Returns 1, 0 if nothing is left, a
 * negative errno. */
static int fill_line(Reader *r, size_t max, size_t *ret_size, bool *ret_newline) {
        size_t seen = 0;

        for (;;) {
                size_t n = r->end - r->begin;
                const char *newline;
                int error;

                newline = n > seen ? memchr(r->buf + r->begin + seen, '\n', n - seen) : NULL;
                if (newline)
                        n = (size_t) (newline - (r->buf + r->begin));
                *ret_newline = newline && n <= max;
                *ret_size = MIN(n, max);
                if (newline || n > max)
                        return 1;

                seen = n;
                error = fill(r);
                if (error < 0)
                        return error;
                if (error == 0)
                        return n > 0;
        }
}

static void take(Reader *r, size_t n) {
        r->begin += n;
        r->n_taken += n;
}

/* Passes over what a cut line still has. */
static int skip_rest(Reader *r) {
        while (r->in_cut_line) {
                size_t size;
                bool newline;
                int error;

                error = fill_line(r, CHUNK, &size, &newline);
                if (error <= 0)
                        return error;

                take(r, size + newline);
                r->in_cut_line = !newline;
        }

        return 0;
}

int reader_line(Reader *r, size_t max, ReaderLine *ret) {
        size_t size;
        bool newline;
        int error;

        assert(r);
        assert(ret);

        error = skip_rest(r);
        if (error >= 0)
                error = fill_line(r, max, &size, &newline);
        if (error <= 0)
                return error;

        *ret = (ReaderLine){ .data = r->buf + r->begin, .size = size };
        take(r, size + newline);

        /* At the end of the input a line may stop just at the limit. */
        ret->cut = r->in_cut_line = !newline && r->begin < r->end;
        if (ret->cut)
                take(r, 1); /* for the NUL; this byte is no newline */
        ret->data[size] = '\0';
        return 1;
}

int reader_bytes(Reader *r, uint64_t size, char *buf, size_t max) {
        int error;

        assert(r);
        assert(buf || max == 0);

        error = skip_rest(r);
        if (error < 0)
                return error;

        while (size > 0) {
                size_t n = r->end - r->begin;

                if (n == 0) {
                        error = fill(r);
                        if (error <= 0)
                                return error;
                        continue;
                }

                n = (size_t) MIN((uint64_t) n, size);
                if (max > 0) {
                        memcpy(buf, r->buf + r->begin, MIN(n, max));
                        buf += MIN(n, max);
                        max -= MIN(n, max);
                }
                size -= n;
                take(r, n);
        }

        return 1;
}

int reader_peek(Reader *r, size_t max, const char **ret, size_t *ret_size) {
        bool newline;
        int error;

        assert(r);
        assert(ret);
        assert(ret_size);

        error = skip_rest(r);
        if (error >= 0)
                error = fill_line(r, max, ret_size, &newline);
        if (error > 0)
                *ret = r->buf + r->begin;
        return error;
}

uint64_t reader_position(const Reader *r) {
        assert(r);

        return r->n_taken;
}
