/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * banjo-tail FILE: writes the lines that are added to a file to stdout
 *
 * banjo-tail@.service connects stdout to the journal, where jails read them.
 *
 * The name is looked up again whenever something happens in its directory, and every two seconds
 * besides, since a link can lead to a directory that is not watched. When it names another file,
 * that is read from its beginning; the one before is kept open, because whoever writes it goes on
 * to do so until he is told to open the new one. When there was no file at the start, the first is
 * read from its beginning, too; one that was there only from its end.
 *
 * The open files are in systemd's file descriptor store, and their offsets say how far they were
 * handed on. So a restart goes on where it was, also when the file was rotated meanwhile.
 */

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/usec.h"
#include "tail/follow.h"

#define LOOK_EVERY_MSEC 2000

/* For directories that may be entered, but not read and so not watched. */
#define LOOK_OFTEN_MSEC 200

/* A file that was rotated away is read so long after its last line. */
#define OLD_QUIET (5 * USEC_PER_MINUTE)

typedef struct Tail {
        const char *path;
        char *directory;
        int inotify_fd;
        bool watched; /* everything that can be */
        Follow current;
        Follow old; /* what the name led to before */
        usec_t old_heard;
        bool complained; /* that there is no file */
        char buf[65536]; /* lines that are to be written */
        size_t n_buf;
} Tail;

static usec_t monotonic_now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;
}

static int flush(void *userdata) {
        Tail *t = userdata;
        size_t n = 0;

        while (n < t->n_buf) {
                ssize_t k = write(STDOUT_FILENO, t->buf + n, t->n_buf - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return log_error_errno(-errno, "Failed to write a line: %m");
                n += (size_t) k;
        }

        t->n_buf = 0;
        return 0;
}

static int on_line(const char *line, size_t size, void *userdata) {
        Tail *t = userdata;
        int r;

        if (t->n_buf + size + 1 > sizeof(t->buf)) {
                r = flush(t);
                if (r < 0)
                        return r;
        }

        memcpy(t->buf + t->n_buf, line, size);
        t->n_buf += size;
        t->buf[t->n_buf++] = '\n';
        return 0;
}

/* Has systemd keep a file for whoever comes after us, under this name alone. */
static void keep(const char *name, int fd) {
        char state[64];

        (void) snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", name);
        (void) sd_notify(0, state);
        if (fd < 0)
                return;

        (void) snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%s", name);
        (void) sd_pid_notify_with_fds(0, 0, state, &fd, 1);
}

/* What one before us has kept. */
static void take_kept(Tail *t) {
        char **names = NULL;
        int n = sd_listen_fds_with_names(1, &names);

        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;

                if (streq(names[i], "current") && t->current.fd < 0)
                        follow_begin(&t->current, fd);
                else if (streq(names[i], "old") && t->old.fd < 0)
                        follow_begin(&t->old, fd);
                else
                        (void) close(fd);
                free(names[i]);
        }

        free(names);
        t->old_heard = monotonic_now();
}

static void watch_file(Tail *t, int fd) {
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (inotify_add_watch(t->inotify_fd, path, IN_MODIFY) < 0)
                t->watched = false;
}

/* The directory may have been replaced; of the same one this changes nothing. */
static void watch_directory(Tail *t) {
        t->watched = inotify_add_watch(t->inotify_fd,
                                     t->directory,
                                     IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR) >= 0;
}

static bool is_same(int fd, const struct stat *st) {
        struct stat own;

        return fd >= 0 && fstat(fd, &own) == 0 && own.st_dev == st->st_dev &&
               own.st_ino == st->st_ino;
}

/* Opens what the name leads to now. Returns a descriptor, or a negative errno. */
static int open_file(const char *path, struct stat *ret) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r;

        if (fd < 0)
                return -errno;

        r = fstat(fd, ret) < 0 ? -errno : S_ISREG(ret->st_mode) ? 0 : -EMEDIUMTYPE;
        if (r < 0) {
                (void) close(fd);
                return r;
        }

        return fd;
}

static void complain(Tail *t, int error) {
        if (t->complained)
                return;

        t->complained = true;
        (void) log_warning_errno(error,
                        error == -EMEDIUMTYPE ? "%s is no ordinary file. Waiting for one."
                                              : "Cannot read %s: %m. Waiting until it can be read.",
                        t->path);
}

/* Looks whether the name leads to another file. */
static void look_up(Tail *t, bool from_end) {
        struct stat st;
        int fd;

        watch_directory(t);

        fd = open_file(t->path, &st);
        if (fd < 0 || is_same(t->current.fd, &st)) {
                if (fd >= 0)
                        (void) close(fd);
                else if (t->current.fd < 0)
                        complain(t, fd);
                return;
        }

        if (t->current.fd >= 0) {
                follow_end(&t->old);
                t->old = t->current;
                t->old_heard = monotonic_now();
                /* The store takes no file twice. */
                keep("current", -1);
                keep("old", t->old.fd);
        }

        if (from_end)
                (void) lseek(fd, 0, SEEK_END);
        follow_begin(&t->current, fd);
        keep("current", fd);
        watch_file(t, fd);
        if (t->complained)
                log_info("%s is there.", t->path);
        t->complained = false;
}

/* What was rotated away goes first, as its lines did. */
static int read_all(Tail *t) {
        int r;

        if (t->old.fd >= 0) {
                r = follow_read(&t->old, on_line, flush, t);
                if (r < 0)
                        return r;
                if (r > 0)
                        t->old_heard = monotonic_now();
                if (monotonic_now() - t->old_heard > OLD_QUIET) {
                        keep("old", -1);
                        follow_end(&t->old);
                }
        }

        return t->current.fd >= 0 ? follow_read(&t->current, on_line, flush, t) : 0;
}

/* Waits for a change. What kind it was does not matter. */
static int wait_for_change(Tail *t) {
        struct pollfd fds[] = {
                { .fd = t->inotify_fd, .events = POLLIN },
                { .fd = STDOUT_FILENO }, /* says when nobody reads it any more */
        };
        char events[4096];

        if (poll(fds, ELEMENTSOF(fds), t->watched ? LOOK_EVERY_MSEC : LOOK_OFTEN_MSEC) < 0 &&
                        errno != EINTR)
                return log_error_errno(-errno, "Failed to wait: %m");
        if (fds[1].revents & (POLLERR | POLLHUP))
                return log_error_errno(-EPIPE, "Nobody reads the lines: %m");

        while (read(t->inotify_fd, events, sizeof(events)) > 0)
                ;
        return 0;
}

static int run(Tail *t) {
        int r;

        take_kept(t);
        watch_directory(t);
        if (t->old.fd >= 0)
                watch_file(t, t->old.fd);
        if (t->current.fd >= 0)
                watch_file(t, t->current.fd);
        else
                look_up(t, true);

        (void) sd_notifyf(0, "READY=1\nSTATUS=Following %s", t->path);

        for (;;) {
                /* First to the end of what there was, which may be rotated away now. */
                r = read_all(t);
                if (r < 0)
                        return r;

                look_up(t, false);
                r = read_all(t);
                if (r >= 0)
                        r = wait_for_change(t);
                if (r < 0)
                        return r;
        }
}

static int open_tail(Tail *t, const char *path) {
        const char *slash = strrchr(path, '/');

        *t = (Tail){
                .path = path,
                .current = { .fd = -1 },
                .old = { .fd = -1 },
                .inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
        };
        if (t->inotify_fd < 0)
                return log_error_errno(-errno, "Failed to watch files: %m");

        t->directory = !slash          ? strdup(".")
                       : slash == path ? strdup("/")
                                       : strndup(path, (size_t) (slash - path));
        return t->directory ? 0 : log_oom();
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                {},
        };
        static Tail tail;
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        (void) puts("banjo-tail FILE\n\nWrites the lines that are added to a file to "
                                    "stdout, over rotation and truncation.\n"
                                    "banjo-tail@.service brings them into the journal so: "
                                    "banjo-tail@.service(8).");
                        return EXIT_SUCCESS;
                case 'v':
                        (void) puts("banjo " BANJO_VERSION);
                        return EXIT_SUCCESS;
                default:
                        return EX_USAGE;
                }

        log_setup("banjo-tail");
        if (optind + 1 != argc) {
                log_error("Say the name of one file.");
                return EX_USAGE;
        }

        return open_tail(&tail, argv[optind]) < 0 || run(&tail) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
