/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Stands in for libFuzzer: runs the files of the directories that are named, each once. Prints TAP,
 * and in front of each run which file it is, since a run that fails ends the process.
 */

#include <dirent.h>
#include <err.h>
#include <sys/stat.h>

#include "fuzz.h"

static uint8_t *read_file(const char *path, size_t *ret_size) {
        FILE *f = fopen(path, "re");
        struct stat st;
        uint8_t *data;

        if (!f || fstat(fileno(f), &st) < 0)
                err(EXIT_FAILURE, "%s", path);

        data = malloc((size_t) st.st_size + 1);
        if (!data || fread(data, 1, (size_t) st.st_size, f) != (size_t) st.st_size)
                err(EXIT_FAILURE, "%s", path);

        (void) fclose(f);
        *ret_size = (size_t) st.st_size;
        return data;
}

static void run_file(const char *path) {
        uint8_t *data, *exact;
        size_t size;

        (void) printf("# %s\n", path);
        (void) fflush(stdout);

        /* Of exactly its size, for the sanitizers. */
        data = read_file(path, &size);
        exact = malloc(size);
        if (size > 0)
                memcpy(exact, data, size);
        free(data);

        (void) LLVMFuzzerTestOneInput(exact, size);
        free(exact);
}

static int run_directory(const char *path) {
        struct dirent **entries;
        int n, n_files = 0;

        n = scandir(path, &entries, NULL, alphasort);
        if (n < 0)
                err(EXIT_FAILURE, "%s", path);

        for (int i = 0; i < n; i++) {
                _cleanup_(freep) char *file = NULL;
                struct stat st;

                if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0)
                        err(EXIT_FAILURE, "%s", path);
                free(entries[i]);
                if (stat(file, &st) < 0 || !S_ISREG(st.st_mode))
                        continue;
                run_file(file);
                n_files++;
        }

        free(entries);
        return n_files;
}

int main(int argc, char *argv[]) {
        bool failed = false;

        (void) printf("1..%d\n", argc - 1);
        for (int i = 1; i < argc; i++) {
                int n = run_directory(argv[i]);

                failed = failed || n == 0;
                (void) printf("%sok %d - %d files of %s\n",
                                n > 0 ? "" : "not ",
                                i,
                                n,
                                strrchr(argv[i], '/') ? strrchr(argv[i], '/') + 1 : argv[i]);
        }

        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
