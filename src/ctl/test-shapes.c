/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/test-shapes.h"

#include <ctype.h>

#include "base/table.h"

/* In lower case; banctl(1) lists them, too. */
static const char *const words[] = {
        "fail",
        "invalid",
        "denied",
        "refused",
        "rejected",
        "error",
        "unauthor",
        "illegal",
        "incorrect",
        "forbidden",
        "not allowed",
        "no such user",
        "unknown user",
        "bad password",
        "wrong password",
        "mismatch",
};

/* What stands behind one of these is a name. */
static const char *const before_names[] = { "user", "for", "from", "by", "rhost", "name" };

struct Shape {
        char text[SHAPE_SIZE]; /* zeroes behind it, since all of it is the key */
        uint64_t n;
        UT_hash_handle hh;
        bool in_table;
};

struct Shapes {
        Shape *table;
        uint64_t n_all;
        uint64_t n_rest;
};

int shapes_new(Shapes **ret) {
        Shapes *s;

        assert(ret);

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        *ret = s;
        return 0;
}

Shapes *shapes_free(Shapes *s) {
        Shape *shape, *next;

        if (!s)
                return NULL;

        HASH_ITER(hh, s->table, shape, next) {
                TABLE_DEL(s->table, shape);
                free(shape);
        }
        free(s);
        return NULL;
}

bool shapes_is_suspicious(const char *text, size_t size) {
        static bool begins[256];

        assert(text);

        if (!begins['f'])
                for (size_t k = 0; k < ELEMENTSOF(words); k++) {
                        begins[(unsigned char) words[k][0]] = true;
                        begins[toupper((unsigned char) words[k][0])] = true;
                }

        for (size_t i = 0; i < size; i++) {
                if (!begins[(unsigned char) text[i]])
                        continue;

                for (size_t k = 0; k < ELEMENTSOF(words); k++) {
                        size_t n = strlen(words[k]);

                        if (size - i >= n && strncasecmp(text + i, words[k], n) == 0)
                                return true;
                }
        }

        return false;
}

static bool is_before_name(const char *word, size_t size) {
        for (size_t k = 0; k < ELEMENTSOF(before_names); k++)
                if (strlen(before_names[k]) == size &&
                                strncasecmp(word, before_names[k], size) == 0)
                        return true;

        return false;
}

/* How many bytes belong together: something quoted, or what numbers, addresses and names are made
 * of. 0 for punctuation. */
static size_t token_size(const char *s, size_t size, bool *ret_fold) {
        const char *quote = size > 1 && strchr("\"'", *s) ? memchr(s + 1, *s, size - 1) : NULL;
        size_t n = 0;

        *ret_fold = quote;
        if (quote)
                return (size_t) (quote - s) + 1;

        while (n < size && (isalnum((unsigned char) s[n]) || strchr("_-.:@%", s[n])) && s[n]) {
                *ret_fold |= isdigit((unsigned char) s[n]) || s[n] == '@';
                n++;
        }
        /* "error:" is a word and a colon. */
        while (n > 1 && strchr(":.", s[n - 1]))
                n--;
        return n;
}

const char *shapes_fold(const char *text, size_t size, char buf[static SHAPE_SIZE]) {
        size_t out = 0;
        bool name_comes = false;

        assert(text);

        memset(buf, 0, SHAPE_SIZE);
        for (size_t i = 0; i < size && out < SHAPE_SIZE - 1;) {
                bool fold, is_name = name_comes;
                size_t n = token_size(text + i, size - i, &fold);

                if (n == 0) {
                        buf[out++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
                        if (!strchr(" =<(", text[i]))
                                name_comes = false;
                        i++;
                        continue;
                }

                /* "for invalid user NAME", "for user NAME" */
                name_comes = is_before_name(text + i, n);
                if (is_name && (n == 7 && (strncasecmp(text + i, "invalid", n) == 0 ||
                                                          strncasecmp(text + i, "illegal", n) ==
                                                                          0)))
                        is_name = false;

                if (fold || (is_name && !name_comes))
                        buf[out++] = '#';
                else {
                        size_t room = MIN(n, SHAPE_SIZE - 1 - out);

                        memcpy(buf + out, text + i, room);
                        out += room;
                }
                i += n;
        }

        return buf;
}

void shapes_add(Shapes *s, const char *text, size_t size) {
        char key[SHAPE_SIZE];
        Shape *shape;

        assert(s);

        if (!shapes_is_suspicious(text, size))
                return;

        s->n_all++;
        (void) shapes_fold(text, size, key);
        TABLE_FIND(s->table, &key, shape);
        if (shape) {
                shape->n++;
                return;
        }

        shape = HASH_COUNT(s->table) < SHAPES_MAX ? calloc(1, sizeof(*shape)) : NULL;
        if (shape) {
                memcpy(shape->text, key, sizeof(key));
                shape->n = 1;
                if (TABLE_ADD(s->table, text, shape))
                        return;
                free(shape);
        }
        s->n_rest++;
}

static int compare(Shape *a, Shape *b) {
        return a->n != b->n ? (a->n < b->n) - (a->n > b->n) : strcmp(a->text, b->text);
}

size_t shapes_top(Shapes *s, const Shape **ret, size_t max, uint64_t *ret_all, uint64_t *ret_rest) {
        size_t n = 0;

        assert(s);
        assert(ret);

        HASH_SORT(s->table, compare);
        for (Shape *shape = s->table; shape && n < max; shape = shape->hh.next)
                ret[n++] = shape;

        *ret_all = s->n_all;
        *ret_rest = s->n_rest;
        return n;
}

const char *shape_text(const Shape *shape) {
        return shape->text;
}

uint64_t shape_count(const Shape *shape) {
        return shape->n;
}
