/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reads as much of nft(8)'s language as it takes: words, quoted words, comments, and `include`,
 * whose path may be a pattern and is below /etc if it is relative. What variables stand for is not
 * known.
 */

#include "engine/saved-ruleset.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

#define FILE_SIZE_MAX (4u << 20)

/* Of files that include each other. */
#define FILES_MAX 256

#define WORD_SIZE 256

typedef struct Search {
        const char *root;
        unsigned n_files;
        char *found;
} Search;

static int search_pattern(Search *s, const char *pattern);

/* Takes the next word off the text, without quotes; false at its end. A word that is too long is
 * cut, since none that is looked for is. */
static bool next_word(const char **text, char ret[static WORD_SIZE]) {
        static const char separators[] = " \t\r\n;{}";
        const char *p = *text;
        size_t n = 0;

        for (;;) {
                p += strspn(p, separators);
                if (*p != '#')
                        break;
                p += strcspn(p, "\n");
        }
        if (!*p)
                return false;

        if (*p == '"') {
                for (p++; *p && *p != '"'; p++)
                        if (n < WORD_SIZE - 1)
                                ret[n++] = *p;
                p += *p == '"';
        } else
                for (; *p && *p != '#' && !strchr(separators, *p); p++)
                        if (n < WORD_SIZE - 1)
                                ret[n++] = *p;

        ret[n] = '\0';
        *text = p;
        return true;
}

static int search_include(Search *s, const char *path) {
        _cleanup_(freep) char *absolute = NULL;

        if (asprintf(&absolute, "%s%s", *path == '/' ? "" : "/etc/", path) < 0)
                return -ENOMEM;

        return search_pattern(s, absolute);
}

static int search_file(Search *s, const char *path) {
        static const char *const wanted[] = { "table", "inet", "banjo" };
        _cleanup_(freep) char *text = NULL;
        char word[WORD_SIZE];
        const char *p;
        size_t size, n_matched = 0;
        int r;

        if (s->n_files++ >= FILES_MAX)
                return 0;

        r = file_read(path, FILE_SIZE_MAX, &text, &size);
        if (r < 0)
                return r == -ENOMEM ? r : 0;

        for (p = text; next_word(&p, word);) {
                if (streq(word, "include") && next_word(&p, word)) {
                        r = search_include(s, word);
                        if (r != 0)
                                return r;
                        continue;
                }

                n_matched = streq(word, wanted[n_matched]) ? n_matched + 1 : streq(word, wanted[0]);
                if (n_matched == ELEMENTSOF(wanted)) {
                        s->found = strdup(path);
                        return s->found ? 1 : -ENOMEM;
                }
        }

        return 0;
}

static int search_pattern(Search *s, const char *pattern) {
        _cleanup_(freep) char *whole = NULL;
        glob_t found = {};
        int r = 0;

        if (asprintf(&whole, "%s%s", s->root, pattern) < 0)
                return -ENOMEM;

        if (glob(whole, 0, NULL, &found) == GLOB_NOSPACE)
                r = -ENOMEM;
        for (size_t i = 0; i < found.gl_pathc && r == 0; i++)
                r = search_file(s, found.gl_pathv[i]);

        globfree(&found);
        return r;
}

int saved_ruleset_find(const char *root, char **ret) {
        static const char *const patterns[] = {
                "/etc/nftables.conf",
                "/etc/sysconfig/nftables.conf",
                "/etc/nftables/*.nft",
        };
        Search s = { .root = root };
        int r = 0;

        assert(root);
        assert(ret);

        for (size_t i = 0; i < ELEMENTSOF(patterns) && r == 0; i++)
                r = search_pattern(&s, patterns[i]);

        if (r > 0)
                *ret = s.found;
        return r;
}
