/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/strv.h"

char **strv_free(char **list) {
        for (size_t i = 0; list && list[i]; i++)
                free(list[i]);
        free(list);
        return NULL;
}

size_t strv_length(char *const *list) {
        size_t n = 0;

        while (list && list[n])
                n++;

        return n;
}

bool strv_contains(char *const *list, const char *s) {
        assert(s);

        for (size_t i = 0; list && list[i]; i++)
                if (streq(list[i], s))
                        return true;

        return false;
}

int strv_append(char ***list, size_t max, const char *s, size_t n) {
        size_t length;
        char **longer;

        assert(list);
        assert(s);

        length = strv_length(*list);
        if (length >= max)
                return -E2BIG;

        longer = reallocarray(*list, length + 2, sizeof(*longer));
        if (!longer)
                return -ENOMEM;
        *list = longer;

        longer[length] = strndup(s, n);
        if (!longer[length])
                return -ENOMEM;
        longer[length + 1] = NULL;
        return 0;
}
