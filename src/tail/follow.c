/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A line that has no end yet is left in the file and read again; when it is too long, what there is
 * of it is handed on and the rest skipped. So the place is always behind a line's end or within a
 * line that is being skipped, and the byte in front of the place tells which. The same byte shows
 * that the file was rewritten, when it was truncated and has grown beyond the place since: reading
 * on there would begin in the middle of a line, at a place that a peer might choose.
 */

#include "tail/follow.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_MAX 65536

static bool ends_line(const Follow *f, off_t place) {
        char c;

        return place == 0 || (pread(f->fd, &c, 1, place - 1) == 1 && c == '\n');
}

void follow_begin(Follow *f, int fd) {
        off_t place = lseek(fd, 0, SEEK_CUR);

        *f = (Follow){ .fd = fd, .done = MAX(place, 0) };
        f->skipping = !ends_line(f, f->done);
}

void follow_end(Follow *f) {
        closep(&f->fd);
        *f = (Follow){ .fd = -1 };
}

/* Of what was truncated while its writer went on at the old place, the gap reads as NULs; and to
 * journald a NUL ends a line. */
static int hand_on(char *line, size_t n, FollowHandler handler, void *userdata) {
        size_t gap = 0;

        while (gap < n && line[gap] == '\0')
                gap++;
        for (size_t i = gap; i < n; i++)
                if (line[i] == '\0')
                        line[i] = '?';

        return gap < n ? handler(line + gap, n - gap, userdata) : 0;
}

/* Hands on the lines in these bytes, and says how many of them are done. */
static int
read_lines(Follow *f, char *buf, size_t n, FollowHandler handler, void *userdata, size_t *ret_n) {
        char *p = buf, *end = buf + n;

        while (p < end) {
                char *newline = memchr(p, '\n', (size_t) (end - p));
                char *stop = newline ?: end;
                int r = 0;

                if (!newline && !f->skipping && (size_t) (end - p) <= FOLLOW_LINE_MAX)
                        break;

                if (!f->skipping)
                        r = hand_on(p,
                                        MIN((size_t) (stop - p), FOLLOW_LINE_MAX),
                                        handler,
                                        userdata);
                if (r < 0)
                        return r;

                f->skipping = !newline;
                p = newline ? newline + 1 : end;
        }

        *ret_n = (size_t) (p - buf);
        return 0;
}

/* Where reading has to begin again, if the file is not what it was. */
static int look_for_truncation(Follow *f) {
        bool at_start;
        struct stat st;

        if (fstat(f->fd, &st) < 0)
                return -errno;

        at_start = ends_line(f, f->done);
        if (st.st_size < f->done || (!at_start && !f->skipping)) {
                f->done = 0;
                at_start = true;
        }
        if (at_start)
                f->skipping = false;
        return 0;
}

int follow_read(Follow *f, FollowHandler handler, int (*flush)(void *userdata), void *userdata) {
        char buf[READ_MAX];
        int r, any = 0;

        r = look_for_truncation(f);
        if (r < 0)
                return r;

        for (;;) {
                ssize_t n = pread(f->fd, buf, sizeof(buf), f->done);
                size_t done;

                if (n < 0)
                        return -errno;

                r = read_lines(f, buf, (size_t) n, handler, userdata, &done);
                if (r >= 0)
                        r = flush(userdata);
                if (r < 0)
                        return r;
                if (done == 0)
                        return any;

                any = 1;
                f->done += (off_t) done;
                (void) lseek(f->fd, f->done, SEEK_SET);
        }
}
