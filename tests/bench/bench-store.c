/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * How long a commit of bans takes, beside a loop that does nothing but insert into such a table
 *
 * Everything lies in a directory of its own.
 */

#include "bench.h"
#include "state.h"

#include <err.h>
#include <limits.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define N_SINGLE 20000u
#define N_BATCHES 500u
#define BATCH 100u
#define N_DURABLE 200u

static char directory[PATH_MAX];

static const char *path(const char *name) {
        static char paths[4][PATH_MAX + 32];
        static unsigned next = 0;
        char *p = paths[next++ % ELEMENTSOF(paths)];

        (void) snprintf(p, sizeof(paths[0]), "%s/%s", directory, name);
        return p;
}

static const char *make_directory(const char *name) {
        const char *p = path(name);

        if (mkdir(p, 0755) < 0)
                err(EXIT_FAILURE, "%s", p);
        return p;
}

static void remove_directory(void) {
        char *argv[] = { (char *) "rm", (char *) "-rf", directory, NULL };
        int status;
        pid_t pid;

        if (posix_spawnp(&pid, "rm", NULL, NULL, argv, environ) == 0)
                (void) waitpid(pid, &status, 0);
}

static void exec(sqlite3 *db, const char *sql) {
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
                errx(EXIT_FAILURE, "%s: %s", sql, sqlite3_errmsg(db));
}

/* What somebody would write who has nothing else to do: no index, no position, no thread. */
static void open_bare(sqlite3 **ret, sqlite3_stmt **ret_insert) {
        if (sqlite3_open(path("bare.db"), ret) != SQLITE_OK)
                errx(EXIT_FAILURE, "%s", sqlite3_errmsg(*ret));
        exec(*ret, "PRAGMA journal_mode = WAL");
        exec(*ret, "PRAGMA synchronous = NORMAL");
        exec(*ret,
                        "CREATE TABLE bans (address, prefixlen, jail, id, start, end, failures, pattern,"
                        " PRIMARY KEY (address, prefixlen, jail)) WITHOUT ROWID");
        if (sqlite3_prepare_v2(*ret,
                            "INSERT INTO bans VALUES (?, 64, 'sshd', ?, 1, 2, 5, 'password')",
                            -1,
                            ret_insert,
                            NULL) != SQLITE_OK)
                errx(EXIT_FAILURE, "%s", sqlite3_errmsg(*ret));
}

static double write_bare(sqlite3 *db, sqlite3_stmt *insert, unsigned first, unsigned n) {
        double start = bench_now();

        exec(db, "BEGIN IMMEDIATE");
        for (unsigned i = first; i < first + n; i++) {
                Address a = bench_address(i);

                (void) sqlite3_bind_blob(insert, 1, a.bytes, 16, SQLITE_STATIC);
                (void) sqlite3_bind_int64(insert, 2, i);
                if (sqlite3_step(insert) != SQLITE_DONE)
                        errx(EXIT_FAILURE, "%s", sqlite3_errmsg(db));
                (void) sqlite3_reset(insert);
        }
        exec(db, "COMMIT");
        return bench_now() - start;
}

/* Returns the median. */
static double print_spans(const char *title, double *spans, size_t n) {
        bench_sort(spans, n);
        printf("%s %8.1f us p50, %8.1f us p99, %8.1f us at most\n",
                        title,
                        spans[n / 2] * 1e6,
                        spans[n * 99 / 100] * 1e6,
                        spans[n - 1] * 1e6);
        return spans[n / 2];
}

static void measure_commits(void) {
        static double spans[N_SINGLE];
        const StorePosition position = {
                .cursor = (char *) "s=0123456789abcdef0123456789abcdef;i=1"
        };
        double single, bare_single, batch, bare_batch;
        sqlite3_stmt *insert;
        sqlite3 *db;
        Store *s;

        s = state_open(make_directory("commits"));
        open_bare(&db, &insert);

        for (unsigned i = 0; i < N_SINGLE; i++)
                spans[i] = state_write(s, i, 1, false, &position);
        single = print_spans("a commit of 1 ban:           ", spans, N_SINGLE);
        for (unsigned i = 0; i < N_SINGLE; i++)
                spans[i] = write_bare(db, insert, i, 1);
        bare_single = print_spans("a bare loop with SQLite:     ", spans, N_SINGLE);

        for (unsigned i = 0; i < N_BATCHES; i++)
                spans[i] = state_write(s, N_SINGLE + i * BATCH, BATCH, false, &position);
        batch = print_spans("a commit of 100 bans:        ", spans, N_BATCHES);
        for (unsigned i = 0; i < N_BATCHES; i++)
                spans[i] = write_bare(db, insert, N_SINGLE + i * BATCH, BATCH);
        bare_batch = print_spans("a bare loop with SQLite:     ", spans, N_BATCHES);

        for (unsigned i = 0; i < N_DURABLE; i++)
                spans[i] = state_write(s, N_SINGLE + N_BATCHES * BATCH + i, 1, true, &position);
        (void) print_spans("1 ban by hand, on the disk:  ", spans, N_DURABLE);

        printf("ratio of the p50s to the bare loop: of 1 %.1f, of 100 %.1f\n",
                        single / bare_single,
                        batch / bare_batch);

        (void) sqlite3_finalize(insert);
        (void) sqlite3_close(db);
        store_close(s);
}

int main(void) {
        const char *tmp = getenv("TMPDIR") ?: "/tmp";

        (void) snprintf(directory, sizeof(directory), "%s/banjo-bench.XXXXXX", tmp);
        if (!mkdtemp(directory))
                err(EXIT_FAILURE, "%s", directory);
        (void) atexit(remove_directory);

        measure_commits();
        return EXIT_SUCCESS;
}
