/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * PCRE2 can tell that a text, while it does not match, would do so with more behind it. If it says
 * so of a beginning of the text it says so of every shorter one: the longest is found by halving.
 */

#include "engine/nearest.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT 100000
#define HEAP_LIMIT_KIB 1024

typedef struct Candidate {
        const Pattern *pattern;
        pcre2_code *code;  /* free text as one word */
        pcre2_code *whole; /* as it is; for prefixes only */
} Candidate;

struct Nearest {
        Candidate *candidates; /* prefixes first */
        size_t n_candidates;
        size_t n_prefixes;
        pcre2_match_data *match_data;
        pcre2_match_context *match_context;
};

Nearest *nearest_free(Nearest *n) {
        if (!n)
                return NULL;

        for (size_t i = 0; i < n->n_candidates; i++) {
                pcre2_code_free(n->candidates[i].code);
                pcre2_code_free(n->candidates[i].whole);
        }
        free(n->candidates);
        pcre2_match_data_free(n->match_data);
        pcre2_match_context_free(n->match_context);
        free(n);
        return NULL;
}

/* Writes the regex with "[^ ]" for each "." before "*" or "+" that is neither escaped nor in
 * brackets. */
static char *make_words(const char *regex) {
        char *words = malloc(strlen(regex) * 4 + 1), *out = words;
        bool in_brackets = false;

        if (!words)
                return NULL;

        for (const char *s = regex; *s; s++) {
                if (*s == '\\' && s[1]) {
                        *out++ = *s++;
                        *out++ = *s;
                        continue;
                }

                if (*s == '.' && !in_brackets && (s[1] == '*' || s[1] == '+')) {
                        out = stpcpy(out, "[^ ]");
                        continue;
                }

                if (*s == '[' && !in_brackets) {
                        in_brackets = true;
                        *out++ = *s;
                        /* A bracket that comes first is an element. */
                        if (s[1] == '^')
                                *out++ = *++s;
                        if (s[1] == ']')
                                *out++ = *++s;
                        continue;
                }
                if (*s == ']')
                        in_brackets = false;
                *out++ = *s;
        }

        *out = '\0';
        return words;
}

static pcre2_code *compile(const char *regex) {
        _cleanup_(freep) char *wrapped = NULL;
        PCRE2_SIZE offset;
        int error;

        if (asprintf(&wrapped, "\\A(?:%s)\\z", regex) < 0) {
                wrapped = NULL;
                return NULL;
        }

        return pcre2_compile((PCRE2_SPTR) wrapped,
                        PCRE2_ZERO_TERMINATED,
                        PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C,
                        &error,
                        &offset,
                        NULL);
}

static int add(Nearest *n, const Pattern *pattern) {
        _cleanup_(freep) char *words = make_words(pattern->regex);
        Candidate c = { .pattern = pattern };

        if (!words)
                return -ENOMEM;

        c.code = compile(words);
        if (!c.code)
                return 0;
        if (pattern->kind == PATTERN_PREFIX)
                c.whole = compile(pattern->regex);
        n->candidates[n->n_candidates++] = c;
        return 0;
}

static bool is_in_use(const Pattern *p, char *const *groups) {
        if (isempty(p->group))
                return true;

        for (size_t i = 0; groups && groups[i]; i++)
                if (streq(groups[i], p->group) || streq(groups[i], GROUP_ALL))
                        return true;

        return false;
}

int nearest_new(Nearest **ret, const Filter *filter, char *const *groups) {
        _cleanup_(nearest_freep) Nearest *n = NULL;
        int r = 0;

        assert(ret);
        assert(filter);

        n = calloc(1, sizeof(*n));
        if (!n)
                return -ENOMEM;

        n->candidates = calloc(filter->n_prefixes + filter->n_patterns + 1, sizeof(*n->candidates));
        n->match_context = pcre2_match_context_create(NULL);
        n->match_data = pcre2_match_data_create(64, NULL);
        if (!n->candidates || !n->match_context || !n->match_data)
                return -ENOMEM;
        (void) pcre2_set_match_limit(n->match_context, MATCH_LIMIT);
        (void) pcre2_set_heap_limit(n->match_context, HEAP_LIMIT_KIB);

        for (size_t i = 0; i < filter->n_prefixes && r >= 0; i++)
                r = add(n, &filter->prefixes[i]);
        n->n_prefixes = n->n_candidates;
        for (size_t i = 0; i < filter->n_patterns && r >= 0; i++)
                if (is_in_use(&filter->patterns[i], groups))
                        r = add(n, &filter->patterns[i]);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(n);
        return 0;
}

static bool goes_along(Nearest *n, const Candidate *c, const char *text, size_t size) {
        int r = pcre2_match(c->code,
                        (PCRE2_SPTR) text,
                        size,
                        0,
                        PCRE2_PARTIAL_SOFT,
                        n->match_data,
                        n->match_context);

        return r >= 0 || r == PCRE2_ERROR_PARTIAL;
}

static size_t measure(Nearest *n, const Candidate *c, const char *text, size_t size) {
        size_t low = 0, high = size;

        while (low < high) {
                size_t middle = high - (high - low) / 2;

                if (goes_along(n, c, text, middle))
                        low = middle;
                else
                        high = middle - 1;
        }

        return low;
}

/* Moves to what the first prefix that matches leaves for the patterns. */
static bool take_prefix(Nearest *n, const char **text, size_t *size) {
        for (size_t i = 0; i < n->n_prefixes; i++) {
                const Candidate *c = &n->candidates[i];
                const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(n->match_data);
                int r, group;

                if (!c->whole)
                        continue;
                r = pcre2_match(c->whole,
                                (PCRE2_SPTR) *text,
                                *size,
                                0,
                                0,
                                n->match_data,
                                n->match_context);
                group = pcre2_substring_number_from_name(c->whole, (PCRE2_SPTR) "content");
                if (r <= 0 || group <= 0 || group >= r || offsets[2 * group] == PCRE2_UNSET)
                        continue;

                *size = offsets[2 * group + 1] - offsets[2 * group];
                *text += offsets[2 * group];
                return true;
        }

        return false;
}

int nearest_find(Nearest *n,
                const char *text,
                size_t size,
                const Pattern **ret,
                size_t *ret_offset) {
        size_t first = 0, end, best = 0;
        const char *begin = text;

        assert(n);
        assert(text);
        assert(ret);
        assert(ret_offset);

        end = n->n_candidates;
        if (n->n_prefixes > 0) {
                if (take_prefix(n, &text, &size))
                        first = n->n_prefixes;
                else
                        end = n->n_prefixes;
        }

        for (size_t i = first; i < end; i++) {
                size_t offset = measure(n, &n->candidates[i], text, size);

                if (offset <= best)
                        continue;
                best = offset;
                *ret = n->candidates[i].pattern;
                *ret_offset = (size_t) (text - begin) + offset;
        }

        return best > 0;
}
