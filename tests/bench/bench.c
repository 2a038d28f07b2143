/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bench.h"

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define GIVE_UP_MSEC 60000

double bench_now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static int compare_doubles(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return x < y ? -1 : x > y;
}

void bench_sort(double *values, size_t n) {
        qsort(values, n, sizeof(*values), compare_doubles);
}

/* Root needs no user namespace, and without one nft(8) may send as much at a time as it likes. */
void bench_enter_namespace(void) {
        static const char *const maps[] = {
                "/proc/self/setgroups",
                "/proc/self/uid_map",
                "/proc/self/gid_map",
        };
        unsigned ids[] = { 0, geteuid(), getegid() };

        if (unshare(CLONE_NEWNET | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) < 0)
                err(EXIT_FAILURE, "unshare");

        for (size_t i = 0; ids[1] != 0 && i < ELEMENTSOF(maps); i++) {
                char text[32] = "deny";
                int fd;

                if (i > 0)
                        (void) snprintf(text, sizeof(text), "0 %u 1", ids[i]);
                fd = open(maps[i], O_WRONLY | O_CLOEXEC);
                if (fd < 0 || write(fd, text, strlen(text)) < 0)
                        err(EXIT_FAILURE, "%s", maps[i]);
                (void) close(fd);
        }
}

Address bench_address(unsigned i) {
        Address a = { .family = AF_INET6, .prefixlen = 64 };

        a.in6.s6_addr32[0] = htonl(0x20010db8);
        a.in6.s6_addr32[1] = htonl(i * 2654435761u);
        return a;
}

/* nft(8) reads its input from a file made beforehand. */
double bench_nft(unsigned n) {
        _cleanup_(fclosep) FILE *f = NULL;
        char path[32];
        char *argv[] = { (char *) "nft", (char *) "-f", path, NULL };
        double start;
        int fd, r, status;
        pid_t pid;

        fd = memfd_create("elements", 0);
        if (fd < 0 || !(f = fdopen(fd, "w")))
                err(EXIT_FAILURE, "memfd");

        fprintf(f, "table inet bench {\n set s { type ipv6_addr; flags timeout; elements = {\n");
        for (unsigned i = 0; i < n; i++) {
                Address a = bench_address(i);
                char buf[ADDRESS_STR_SIZE];

                a.prefixlen = 128; /* a mask would be part of the rule, not of the element */
                fprintf(f, "%s timeout 1d,\n", address_format(&a, buf));
        }
        fprintf(f, "} }\n}\n");
        (void) fflush(f);
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

        start = bench_now();
        r = posix_spawnp(&pid, "nft", NULL, NULL, argv, environ);
        if (r != 0) {
                printf("nft -f: %s\n", strerror(r));
                return -1;
        }
        if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                printf("nft -f failed; more than a few thousand elements may need root\n");
                return -1;
        }

        return bench_now() - start;
}

int bench_notify_socket(void) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        char name[sizeof(sa.sun_path)];
        int fd, n;

        n = snprintf(name, sizeof(name), "@banjo-bench-%d", (int) getpid());
        memcpy(sa.sun_path + 1, name + 1, (size_t) n - 1);

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd,
                                      (struct sockaddr *) &sa,
                                      (socklen_t) (offsetof(struct sockaddr_un, sun_path) +
                                                      (size_t) n)) < 0)
                err(EXIT_FAILURE, "notify socket");
        if (setenv("NOTIFY_SOCKET", name, 1) < 0)
                err(EXIT_FAILURE, "setenv");

        return fd;
}

pid_t bench_spawn(char *argv[]) {
        pid_t pid;
        int r;

        r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
        if (r != 0)
                errx(EXIT_FAILURE, "%s: %s", argv[0], strerror(r));
        return pid;
}

bool bench_is_ready(int notify, int timeout_msec) {
        char text[256];

        for (;;) {
                struct pollfd p = { .fd = notify, .events = POLLIN };
                ssize_t n;

                if (poll(&p, 1, timeout_msec) <= 0)
                        return false;
                n = recv(notify, text, sizeof(text) - 1, 0);
                text[n > 0 ? n : 0] = '\0';
                if (strstr(text, "READY=1"))
                        return true;
        }
}

pid_t bench_start(char *argv[], int notify) {
        pid_t pid = bench_spawn(argv);

        if (!bench_is_ready(notify, GIVE_UP_MSEC))
                errx(EXIT_FAILURE, "banjod did not say that it is ready");
        return pid;
}

void bench_stop(pid_t pid) {
        int status;

        (void) kill(pid, SIGTERM);
        if (waitpid(pid, &status, 0) < 0 || status != 0)
                errx(EXIT_FAILURE, "banjod ended with status %d", status);
}
