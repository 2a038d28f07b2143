/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Parts are put in place as text: <name> in a pattern becomes the regex of that name in [define],
 * or a built-in one. Built-in parts that capture are in upper case and their groups carry the same
 * name in lower case. Parts may use other parts; depth and size are bounded.
 */

#include "model/filter.h"

#include <ctype.h>

#include "base/parse.h"
#include "model/ini.h"

#define PART_DEPTH_MAX 8
#define PART_NAME_MAX 63

static const struct {
        const char *name;
        const char *regex;
} builtin_parts[] = {
        /* Whatever could be an address; address_parse() has the last word. Loose on purpose: what
         * looks like one and is none must not let the rest of a pattern slide to another place. */
        { "ADDR", "(?<addr>[0-9A-Fa-f:.]{2,45}(?:%[\\w.-]{1,16})?)" },
        /* Greedy: in a message that ends in what the server wrote, the last address is the true one
         * however many a user name contains. */
        { "USER", "(?<user>.*)" },
        { "PORT", "(?<port>[0-9]{1,5})" },
};

static const char *const section_names[_PATTERN_KIND_MAX] = {
        [PATTERN_FAIL] = "fail",
        [PATTERN_ONCE] = "once",
        [PATTERN_CONTEXT] = "context",
        [PATTERN_IGNORE] = "ignore",
        [PATTERN_BEGIN] = "begin",
        [PATTERN_CLEAR] = "clear",
};

const char *pattern_kind_to_string(PatternKind kind) {
        assert(kind < _PATTERN_KIND_MAX);

        return section_names[kind];
}

Filter *filter_free(Filter *f) {
        if (!f)
                return NULL;

        for (size_t i = 0; i < f->n_patterns; i++) {
                free(f->patterns[i].name);
                free(f->patterns[i].group);
                free(f->patterns[i].regex);
        }
        for (size_t i = 0; i < f->n_identifiers; i++)
                free(f->identifiers[i]);
        free(f->patterns);
        match_free(f->require);
        free(f->journal_namespace);
        free(f->journal);
        free(f->units);
        free(f->description);
        free(f->path);
        free(f->name);
        free(f);
        return NULL;
}

/* What is handed through while one file is read. */
typedef struct Loader {
        Filter *filter;
        const Ini *ini;
        ProblemSink *sink;
        size_t n_before; /* problems that were there before */
        PatternKind kind;
} Loader;

static const char *find_part(const Ini *ini, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(builtin_parts); i++)
                if (streq(builtin_parts[i].name, name))
                        return builtin_parts[i].regex;

        return ini_get(ini, "define", name);
}

/* True if what stands before s gives "<name>" a meaning of its own in PCRE2: a group, (?<name> or
 * (?P<name>, or a reference, \k<name> or \g<name>. */
static bool is_regex_name(const char *text, const char *s) {
        static const char *const before[] = { "(?", "(?P", "\\k", "\\g" };
        size_t n_backslashes = 0;

        /* An odd number of them escapes what follows. */
        while (s - n_backslashes > text && s[-1 - (ptrdiff_t) n_backslashes] == '\\')
                n_backslashes++;
        if (n_backslashes % 2 == 1)
                return true;

        for (size_t i = 0; i < ELEMENTSOF(before); i++) {
                size_t n = strlen(before[i]);

                if ((size_t) (s - text) >= n && memcmp(s - n, before[i], n) == 0)
                        return true;
        }

        return false;
}

/* If s begins with <name>, returns its length and copies the name; else 0. */
static size_t part_at(const char *text, const char *s, char name[static PART_NAME_MAX + 1]) {
        size_t n;

        if (*s != '<' || is_regex_name(text, s))
                return 0;

        for (n = 1; isalnum((unsigned char) s[n]) || s[n] == '_' || s[n] == '-';)
                n++;
        if (s[n] != '>' || n == 1 || n - 1 > PART_NAME_MAX)
                return 0;

        memcpy(name, s + 1, n - 1);
        name[n - 1] = '\0';
        return n + 1;
}

/* Appends the text to *out with its parts in place. */
static int
expand(Loader *l, const char *key, const char *text, char *out, size_t *used, unsigned depth) {
        const char *section = section_names[l->kind];

        for (const char *s = text; *s;) {
                char name[PART_NAME_MAX + 1];
                const char *part;
                size_t n;

                n = part_at(text, s, name);
                if (n == 0) {
                        if (*used + 1 >= FILTER_REGEX_MAX) {
                                problem_report(l->sink,
                                                l->filter->path,
                                                section,
                                                key,
                                                "the pattern is longer than %u bytes.",
                                                FILTER_REGEX_MAX);
                                return -EINVAL;
                        }
                        out[(*used)++] = *s++;
                        continue;
                }

                part = find_part(l->ini, name);
                if (!part || depth == PART_DEPTH_MAX) {
                        problem_report(l->sink,
                                        l->filter->path,
                                        section,
                                        key,
                                        part ? "<%s> contains itself."
                                             : "<%s> is not a part: it is neither built in (ADDR, "
                                               "USER, PORT) nor a key of [define].",
                                        name);
                        return -EINVAL;
                }

                if (expand(l, key, part, out, used, depth + 1) < 0)
                        return -EINVAL;
                s += n;
        }

        out[*used] = '\0';
        return 0;
}

static int add_pattern(const char *key, const char *value, void *userdata) {
        Loader *l = userdata;
        _cleanup_(freep) char *regex = NULL;
        Filter *f = l->filter;
        Pattern *patterns;
        size_t used = 0;

        if (f->n_patterns == FILTER_PATTERNS_MAX) {
                problem_report(l->sink,
                                f->path,
                                section_names[l->kind],
                                key,
                                "a filter has at most %u patterns.",
                                FILTER_PATTERNS_MAX);
                return 0;
        }

        regex = malloc(FILTER_REGEX_MAX);
        patterns = reallocarray(f->patterns, f->n_patterns + 1, sizeof(*patterns));
        if (patterns)
                f->patterns = patterns;
        if (!regex || !patterns)
                return -ENOMEM;

        if (isempty(value)) {
                problem_report(l->sink,
                                f->path,
                                section_names[l->kind],
                                key,
                                "the pattern is empty.");
                return 0;
        }
        if (expand(l, key, value, regex, &used, 0) < 0)
                return 0;

        f->patterns[f->n_patterns] = (Pattern){
                .name = strdup(key),
                .group = strdup(""),
                .regex = strdup(regex),
                .kind = l->kind,
        };
        f->n_patterns++;
        return f->patterns[f->n_patterns - 1].name && f->patterns[f->n_patterns - 1].regex
                               ? 0
                               : -ENOMEM;
}

static int set_string(char **target, const char *value) {
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;

        free(*target);
        *target = copy;
        return 0;
}

static int set_identifiers(Loader *l, const char *value) {
        Filter *f = l->filter;
        const char *word;
        size_t n;

        while ((n = parse_word(&value, ",", &word)) > 0) {
                if (f->n_identifiers == FILTER_IDENTIFIERS_MAX)
                        return -EINVAL;
                f->identifiers[f->n_identifiers] = strndup(word, n);
                if (!f->identifiers[f->n_identifiers])
                        return -ENOMEM;
                f->n_identifiers++;
        }

        return 0;
}

static int set_key(const char *key, const char *value, void *userdata) {
        Loader *l = userdata;
        Filter *f = l->filter;
        const char *bad = value;
        int field;

        if (streq(key, "description"))
                return set_string(&f->description, value);
        if (streq(key, "units"))
                return set_string(&f->units, value);

        if (streq(key, "identifiers")) {
                int r = set_identifiers(l, value);

                if (r != -EINVAL)
                        return r;
                problem_report(l->sink,
                                f->path,
                                "filter",
                                key,
                                "at most %u identifiers are possible.",
                                FILTER_IDENTIFIERS_MAX);
                return 0;
        }

        if (streq(key, "require")) {
                int r = match_parse(f->require, value, &bad);

                if (r == -ENOMEM)
                        return r;
                if (r < 0 || f->require->n_groups != 1)
                        problem_report(l->sink,
                                        f->path,
                                        "filter",
                                        key,
                                        "\"%s\" should be terms like _UID=0, without \"+\".",
                                        bad);
                return 0;
        }

        if (streq(key, "session")) {
                field = entry_field_from_string(value, strlen(value));
                if (field < 0)
                        problem_report(l->sink,
                                        f->path,
                                        "filter",
                                        key,
                                        "\"%s\" is not a journal field that makes a session; "
                                        "_PID is the usual one.",
                                        value);
                else {
                        f->session = FILTER_SESSION_FIELD;
                        f->session_field = (EntryField) field;
                }
                return 0;
        }

        problem_report(l->sink,
                        f->path,
                        "filter",
                        key,
                        "unknown key; known are description, units, require, identifiers and "
                        "session.");
        return 0;
}

static bool is_known_section(const char *name) {
        if (streq(name, "filter") || streq(name, "define"))
                return true;

        for (size_t i = 0; i < ELEMENTSOF(section_names); i++)
                if (streq(name, section_names[i]))
                        return true;

        return false;
}

static int load_patterns(Loader *l) {
        /* What is to be passed over is asked first. */
        static const PatternKind order[] = {
                PATTERN_IGNORE,
                PATTERN_BEGIN,
                PATTERN_FAIL,
                PATTERN_ONCE,
                PATTERN_CLEAR,
                PATTERN_CONTEXT,
        };
        static_assert(ELEMENTSOF(order) == _PATTERN_KIND_MAX, "every kind is read");
        int r;

        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                l->kind = order[i];
                r = ini_foreach(l->ini, section_names[order[i]], add_pattern, l);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < l->filter->n_patterns; i++)
                if (l->filter->patterns[i].kind == PATTERN_FAIL ||
                                l->filter->patterns[i].kind == PATTERN_ONCE)
                        return 0;

        /* The one there was may be among those. */
        if (l->sink->n_problems > l->n_before)
                return 0;

        problem_report(l->sink,
                        l->filter->path,
                        NULL,
                        NULL,
                        "the filter has no pattern in [fail] or [once], so it can recognise nothing.");
        return 0;
}

int filter_load(Filter **ret, const char *name, const char *path, ProblemSink *sink) {
        _cleanup_(filter_freep) Filter *f = NULL;
        _cleanup_(ini_freep) Ini *ini = NULL;
        char error[INI_ERROR_SIZE];
        Loader l;
        int r;

        assert(ret);
        assert(name);
        assert(path);
        assert(sink);

        l = (Loader){ .sink = sink, .n_before = sink->n_problems };

        r = ini_load(&ini, path, error);
        if (r < 0) {
                problem_report(sink, path, NULL, NULL, "%s", error);
                return r == -ENOMEM ? r : -EINVAL;
        }

        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;

        f->name = strdup(name);
        f->path = strdup(path);
        f->description = strdup("");
        f->units = strdup("");
        f->journal = strdup("");
        f->journal_namespace = strdup("");
        if (!f->name || !f->path || !f->description || !f->units || !f->journal ||
                        !f->journal_namespace)
                return -ENOMEM;
        r = match_new(&f->require);
        if (r < 0)
                return r;

        l.filter = f;
        l.ini = ini;

        for (size_t i = 0; i < ini_n_sections(ini); i++)
                if (!is_known_section(ini_get_section(ini, i)))
                        problem_report(sink,
                                        path,
                                        ini_get_section(ini, i),
                                        NULL,
                                        "unknown section; known are [filter], [define], [fail], "
                                        "[once], [context] and [ignore].");

        r = ini_foreach(ini, "filter", set_key, &l);
        if (r >= 0)
                r = load_patterns(&l);
        if (r < 0)
                return r;
        if (sink->n_problems > l.n_before)
                return -EINVAL;

        *ret = TAKE_PTR(f);
        return 0;
}
