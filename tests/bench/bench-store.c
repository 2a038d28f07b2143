/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * bench-store BANJOD CONFIG-DIR: what a million bans cost
 *
 * A start of banjod with so many running bans in its database, until all of them are in the kernel,
 * beside `nft -f` with the same addresses. What of its memory is resident, for each ban. And how
 * long a commit takes, beside a loop that does nothing but insert into such a table.
 *
 * Everything lies in a directory of its own and in a network namespace of its own.
 */

#include "bench.h"

#include <err.h>
#include <limits.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "engine/store.h"

#define N_BANS 1000000u
#define N_BANS_UNPRIVILEGED 3000u /* more nft(8) cannot send */
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

static Store *open_store(const char *state) {
        char *aside = NULL;
        Store *s = NULL;
        int r;

        r = store_open(&s, state, &aside);
        if (r != 0)
                errx(EXIT_FAILURE, "store: %s", strerror(-r));
        return s;
}

static Ban make_ban(unsigned i, usec_t now) {
        return (Ban){
                .address = bench_address(i),
                .failures = 5,
                .pattern = "password",
                .id = i + 1,
                .start = now,
                .end = now + BENCH_TIMEOUT,
        };
}

/* Writes n bans from the first on, as the daemon does, and returns the seconds it took. */
static double
write_bans(Store *s, unsigned first, unsigned n, bool durable, const StorePosition *p) {
        usec_t now = (usec_t) time(NULL) * USEC_PER_SEC;
        double start = bench_now();
        int r;

        r = store_begin(s, durable);
        for (unsigned i = first; i < first + n && r >= 0; i++) {
                Ban ban = make_ban(i, now);

                r = store_add_ban(s, "sshd", &ban);
        }
        if (r >= 0)
                r = store_set_position(s, p);
        if (r >= 0)
                r = store_commit(s);
        if (r < 0)
                errx(EXIT_FAILURE, "store: %s", strerror(-r));

        return bench_now() - start;
}

/* Kilobytes of a process that are in memory. */
static long get_resident(pid_t pid) {
        char name[64], line[256];
        long n = 0;
        FILE *f;

        (void) snprintf(name, sizeof(name), "/proc/%d/status", (int) pid);
        f = fopen(name, "re");
        if (!f)
                err(EXIT_FAILURE, "%s", name);
        while (fgets(line, sizeof(line), f))
                if (sscanf(line, "VmRSS: %ld", &n) == 1)
                        break;
        (void) fclose(f);
        return n;
}

/* Starts banjod, and returns the seconds it took until it was ready. */
static double run_banjod(const char *banjod,
                const char *config,
                const char *state,
                const char *journal,
                int notify,
                long *ret_resident) {
        char options[3][PATH_MAX + 64];
        char *argv[] = {
                (char *) banjod,
                options[0],
                options[1],
                options[2],
                (char *) "--bus=none",
                NULL,
        };
        double start, span;
        pid_t pid;

        (void) snprintf(options[0], sizeof(options[0]), "--config-dir=%s", config);
        (void) snprintf(options[1], sizeof(options[1]), "--state-dir=%s", state);
        (void) snprintf(options[2], sizeof(options[2]), "--journal=%s", journal);

        start = bench_now();
        pid = bench_start(argv, notify);
        span = bench_now() - start;
        *ret_resident = get_resident(pid);
        bench_stop(pid);
        return span;
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

        s = open_store(make_directory("commits"));
        open_bare(&db, &insert);

        for (unsigned i = 0; i < N_SINGLE; i++)
                spans[i] = write_bans(s, i, 1, false, &position);
        single = print_spans("a commit of 1 ban:           ", spans, N_SINGLE);
        for (unsigned i = 0; i < N_SINGLE; i++)
                spans[i] = write_bare(db, insert, i, 1);
        bare_single = print_spans("a bare loop with SQLite:     ", spans, N_SINGLE);

        for (unsigned i = 0; i < N_BATCHES; i++)
                spans[i] = write_bans(s, N_SINGLE + i * BATCH, BATCH, false, &position);
        batch = print_spans("a commit of 100 bans:        ", spans, N_BATCHES);
        for (unsigned i = 0; i < N_BATCHES; i++)
                spans[i] = write_bare(db, insert, N_SINGLE + i * BATCH, BATCH);
        bare_batch = print_spans("a bare loop with SQLite:     ", spans, N_BATCHES);

        for (unsigned i = 0; i < N_DURABLE; i++)
                spans[i] = write_bans(s, N_SINGLE + N_BATCHES * BATCH + i, 1, true, &position);
        (void) print_spans("1 ban by hand, on the disk:  ", spans, N_DURABLE);

        printf("ratio of the p50s to the bare loop: of 1 %.1f, of 100 %.1f\n",
                        single / bare_single,
                        batch / bare_batch);

        (void) sqlite3_finalize(insert);
        (void) sqlite3_close(db);
        store_close(s);
}

int main(int argc, char *argv[]) {
        unsigned n = geteuid() == 0 ? N_BANS : N_BANS_UNPRIVILEGED;
        const StorePosition position = { .announced = n, .last_id = n };
        const char *tmp = getenv("TMPDIR") ?: "/tmp";
        char *state, *journal;
        double filled, empty_start, start, nft;
        long empty, resident;
        int notify;
        Store *s;

        if (argc != 3)
                errx(2, "usage: bench-store BANJOD CONFIG-DIR");

        (void) snprintf(directory, sizeof(directory), "%s/banjo-bench.XXXXXX", tmp);
        if (!mkdtemp(directory))
                err(EXIT_FAILURE, "%s", directory);
        (void) atexit(remove_directory);

        measure_commits();

        bench_enter_namespace();
        notify = bench_notify_socket();
        journal = strdup(make_directory("journal"));
        state = strdup(make_directory("state"));
        if (!journal || !state)
                err(EXIT_FAILURE, "strdup");

        empty_start = run_banjod(argv[1], argv[2], state, journal, notify, &empty);
        s = open_store(state);
        filled = write_bans(s, 0, n, false, &position);
        store_close(s);
        start = run_banjod(argv[1], argv[2], state, journal, notify, &resident);

        printf("%u bans written at once:  %6.2f s\n", n, filled);
        printf("a start until all are back:   %6.2f s (without any: %.2f s)\n", start, empty_start);
        printf("resident for each ban:        %4.0f bytes\n",
                        (double) (resident - empty) * 1024 / n);

        nft = bench_nft(n);
        if (nft < 0)
                return 77;
        printf("nft -f of the same addresses: %6.2f s\n", nft);
        printf("ratio of the start to nft -f: %.2f\n", start / nft);

        free(state);
        free(journal);
        return EXIT_SUCCESS;
}
