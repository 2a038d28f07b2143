/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/suggest.h"

#include "base/macro.h"

#define WORD_MAX 24u

/* The optimal string alignment distance, for words up to WORD_MAX; longer ones are far from
 * everything. */
static size_t distance(const char *a, const char *b) {
        size_t d[WORD_MAX + 1][WORD_MAX + 1];
        size_t na = strlen(a), nb = strlen(b);

        if (na > WORD_MAX || nb > WORD_MAX)
                return WORD_MAX;

        for (size_t i = 0; i <= na; i++)
                for (size_t j = 0; j <= nb; j++) {
                        size_t n;

                        if (i == 0 || j == 0) {
                                d[i][j] = i + j;
                                continue;
                        }

                        n = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
                        n = MIN(n, d[i - 1][j] + 1);
                        n = MIN(n, d[i][j - 1] + 1);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                n = MIN(n, d[i - 2][j - 2] + 1);
                        d[i][j] = n;
                }

        return d[na][nb];
}

const char *suggest_word(const char *word, const char *const *words) {
        const char *nearest = NULL, *begins = NULL;
        size_t best, n_begin = 0;

        assert(word);
        assert(words);

        /* A third of the letters may be wrong, and one always. */
        best = MAX(strlen(word) / 3, (size_t) 1) + 1;

        for (; *words; words++) {
                size_t n = distance(word, *words);

                if (n < best) {
                        best = n;
                        nearest = *words;
                }
                if (*word && startswith(*words, word)) {
                        begins = *words;
                        n_begin++;
                }
        }

        return n_begin == 1 ? begins : nearest;
}
