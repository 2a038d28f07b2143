/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Small language helpers
 *
 * Everything here is a macro or a static inline and depends on libc alone.
 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_ __attribute__((unused))

/* Lets `_cleanup_(foo_freep) Foo *f = NULL;` release f when it leaves scope. */
#define DEFINE_CLEANUP(type, func)                                                                 \
        static inline _unused_ void func##p(type *p) {                                             \
                if (*p)                                                                            \
                        func(*p);                                                                  \
        }

/* Moves a pointer out of a variable, so that its cleanup handler finds NULL. */
#define TAKE_PTR(p)                                                                                \
        ({                                                                                         \
                __typeof__(p) _taken = (p);                                                        \
                (p) = NULL;                                                                        \
                _taken;                                                                            \
        })

/* The same for a file descriptor, which is -1 when there is none. */
#define TAKE_FD(fd)                                                                                \
        ({                                                                                         \
                int _taken = (fd);                                                                 \
                (fd) = -1;                                                                         \
                _taken;                                                                            \
        })

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))

#define MIN(a, b)                                                                                  \
        ({                                                                                         \
                __typeof__(a) _a = (a);                                                            \
                __typeof__(b) _b = (b);                                                            \
                _a < _b ? _a : _b;                                                                 \
        })

#define MAX(a, b)                                                                                  \
        ({                                                                                         \
                __typeof__(a) _a = (a);                                                            \
                __typeof__(b) _b = (b);                                                            \
                _a > _b ? _a : _b;                                                                 \
        })

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* "" and NULL are both empty. */
static inline bool isempty(const char *s) {
        return !s || !*s;
}

/* The rest of s behind the prefix, or NULL if s does not begin with it. */
static inline const char *startswith(const char *s, const char *prefix) {
        size_t n = strlen(prefix);

        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

/* Cleanup handlers for what libc hands out. */
static inline void freep(void *p) {
        free(*(void **) p);
}

static inline _unused_ void closep(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

static inline _unused_ void fclosep(FILE **f) {
        if (*f)
                (void) fclose(*f);
}
