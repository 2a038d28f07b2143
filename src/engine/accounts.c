/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A sorted list of names. The file changes rarely, which its time, size and number tell.
 */

#include "engine/accounts.h"

#include <sys/stat.h>

#include "base/file.h"

#define FILE_MAX (16 * 1024 * 1024)

struct Accounts {
        const char *path;
        char *text;   /* the file, with a NUL behind each name */
        char **names; /* into it, sorted */
        size_t n_names;
        struct stat seen;
};

int accounts_new(Accounts **ret, const char *path) {
        Accounts *a;

        assert(ret);
        assert(path);

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;

        a->path = path;
        *ret = a;
        return 0;
}

Accounts *accounts_free(Accounts *a) {
        if (!a)
                return NULL;

        free(a->names);
        free(a->text);
        free(a);
        return NULL;
}

static bool is_same(const struct stat *a, const struct stat *b) {
        return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
               a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

int accounts_refresh(Accounts *a) {
        char *text, **names, *line, *next;
        struct stat st;
        size_t n = 0, size;
        int r;

        assert(a);

        if (stat(a->path, &st) < 0)
                return -errno;
        if (a->text && is_same(&st, &a->seen))
                return 0;

        r = file_read(a->path, FILE_MAX, &text, &size);
        if (r < 0)
                return r;
        names = calloc(ACCOUNTS_MAX, sizeof(*names));
        if (!names) {
                free(text);
                return -ENOMEM;
        }

        for (line = text; *line && n < ACCOUNTS_MAX; line = next) {
                size_t length = strcspn(line, ":\n");

                next = line + strcspn(line, "\n");
                if (*next)
                        next++;
                /* What begins with a plus or minus is for a directory service. */
                if (line[length] == ':' && length > 0 && !strchr("+-#", line[0])) {
                        line[length] = '\0';
                        names[n++] = line;
                }
        }
        qsort(names, n, sizeof(*names), compare);

        free(a->names);
        free(a->text);
        a->names = names;
        a->text = text;
        a->n_names = n;
        a->seen = st;
        return 0;
}

bool accounts_has(const Accounts *a, const char *name, size_t size) {
        size_t low = 0, high;

        assert(a);

        if (memchr(name, '\0', size))
                return false;

        for (high = a->n_names; low < high;) {
                size_t middle = low + (high - low) / 2;
                int c = strncmp(a->names[middle], name, size);

                if (c == 0)
                        c = a->names[middle][size] ? 1 : 0;
                if (c == 0)
                        return true;
                if (c < 0)
                        low = middle + 1;
                else
                        high = middle;
        }

        return false;
}

size_t accounts_size(const Accounts *a) {
        assert(a);

        return a->n_names;
}

const char *accounts_get(const Accounts *a, size_t i) {
        assert(a);
        assert(i < a->n_names);

        return a->names[i];
}
