/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A directory for the files of one test, which goes when the test ends, however it ends: use it as
 * cmocka's state with files_setup() and files_teardown(). Includes test.h. */

#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

typedef struct Files {
        char directory[64];
} Files;

static inline _unused_ int files_setup(void **state) {
        Files *f = calloc(1, sizeof(*f));

        if (!f)
                return -1;
        strcpy(f->directory, "/tmp/banjo-test.XXXXXX");
        if (!mkdtemp(f->directory)) {
                free(f);
                return -1;
        }
        *state = f;
        return 0;
}

static inline int
files_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void) st;
        (void) type;
        (void) ftw;

        return remove(path);
}

static inline _unused_ int files_teardown(void **state) {
        Files *f = *state;
        int r = nftw(f->directory, files_remove_one, 16, FTW_DEPTH | FTW_PHYS);

        free(f);
        return r;
}

/* The path of a file in the directory. Valid until the 64th call after this one. */
static inline _unused_ const char *files_path(const Files *f, const char *name) {
        static char paths[64][512];
        static unsigned next = 0;
        char *path = paths[next++ % ELEMENTSOF(paths)];

        assert_true((size_t) snprintf(path, sizeof(paths[0]), "%s/%s", f->directory, name) <
                        sizeof(paths[0]));
        return path;
}

/* Makes the directories that lead to a file. */
static inline _unused_ const char *files_make_parents(const Files *f, const char *name) {
        const char *path = files_path(f, name);
        char parent[512];

        for (const char *slash = path + strlen(f->directory) + 1; (slash = strchr(slash, '/'));
                        slash++) {
                memcpy(parent, path, (size_t) (slash - path));
                parent[slash - path] = '\0';
                assert_true(mkdir(parent, 0755) == 0 || errno == EEXIST);
        }

        return path;
}

static inline _unused_ const char *
files_write_bytes(const Files *f, const char *name, const void *bytes, size_t size) {
        const char *path = files_make_parents(f, name);
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
        return path;
}

static inline _unused_ const char *files_write(const Files *f, const char *name, const char *text) {
        return files_write_bytes(f, name, text, strlen(text));
}

#define cmocka_file_test(test) cmocka_unit_test_setup_teardown(test, files_setup, files_teardown)
