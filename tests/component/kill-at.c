/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A library for LD_PRELOAD that kills its process in the middle of something.
 *
 * KILL_AT=WHAT:N says where. "entry" is when the N-th entry is asked for, "step" the N-th step of a
 * statement of SQL, "write" the N-th write to a file at a place, of which the first half is still
 * made, and "send" the N-th message to the kernel. WHAT:N:ENTRY counts from when that entry is
 * asked for.
 */

#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Only of their pointers, so the libraries' headers are not needed. */
typedef struct sd_journal sd_journal;
typedef struct sqlite3_stmt sqlite3_stmt;

int sd_journal_next(sd_journal *j);
int sqlite3_step(sqlite3_stmt *stmt);

/* What takes the place of a function calls that one, too. */
#define real(function) ((typeof(&(function))) dlsym(RTLD_NEXT, #function))

static atomic_ulong n_entries;

static bool is_time(const char *what, atomic_ulong *count) {
        const char *where = getenv("KILL_AT");
        unsigned long nth, entry = 0;
        char name[8];

        return where && sscanf(where, "%7[a-z]:%lu:%lu", name, &nth, &entry) >= 2 &&
               strcmp(name, what) == 0 && n_entries >= entry &&
               atomic_fetch_add(count, 1) + 1 == nth;
}

static void die(void) {
        (void) kill(getpid(), SIGKILL);
}

int sd_journal_next(sd_journal *j) {
        static atomic_ulong count;

        n_entries++;
        if (is_time("entry", &count))
                die();
        return real(sd_journal_next)(j);
}

int sqlite3_step(sqlite3_stmt *stmt) {
        static atomic_ulong count;

        if (is_time("step", &count))
                die();
        return real(sqlite3_step)(stmt);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
        static atomic_ulong count;

        if (is_time("write", &count)) {
                (void) real(pwrite64)(fd, data, size / 2, offset);
                die();
        }
        return real(pwrite64)(fd, data, size, offset);
}

ssize_t sendto(int fd,
                const void *data,
                size_t size,
                int flags,
                const struct sockaddr *address,
                socklen_t address_size) {
        static atomic_ulong count;

        if (is_time("send", &count))
                die();
        return real(sendto)(fd, data, size, flags, address, address_size);
}
