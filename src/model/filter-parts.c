/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Parts are put in place as text. One with alternatives, or with a quantifier behind it, gets a
 * group around it, so that it stays one piece. Parts may use other parts; depth and size are
 * bounded.
 *
 * Built-in parts that capture are in upper case and their groups carry the same name in lower case;
 * all that are addresses share the group "addr".
 */

#include "model/filter-parts.h"

#include <ctype.h>

#include "base/suggest.h"
#include "model/filter.h"

#define PART_DEPTH_MAX 8
#define PART_NAME_MAX 63

/* An interface may be told with an address, as fe80::1%eth0. */
#define ZONE "(?:%[\\w.-]{1,16})?"

static const struct {
        const char *name;
        const char *regex;
} builtin_parts[] = {
        /* Whatever could be an address; address_parse() has the last word. Loose on purpose: what
         * looks like one and is none must not let the rest of a pattern slide to another place. */
        { "ADDR", "(?<addr>[0-9A-Fa-f:.]{2,45}" ZONE ")" },
        { "IP4", "(?<addr>[0-9.]{7,15})" },
        { "IP6", "(?<addr>[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,40}" ZONE ")" },
        { "HOST", PARTS_HOST_MARK "[0-9A-Za-z_:.-]{1,255}" ZONE ")" },
        /* Greedy: in a message that ends in what the server wrote, the last address is the true one
         * however many a user name contains. */
        { "USER", "(?<user>.*)" },
        { "PORT", "(?<port>[0-9]{1,5})" },
        { "SESSION", "(?<session>[0-9A-Za-z_.:-]{1,64})" },
        /* The comment is for engine/forgery.h: no peer chooses this. */
        { "TEXT", "(?:(?#server).*)" },
        { "CONTENT", "(?<content>.*)" },
};

#define BUILTIN_NAMES "ADDR, IP4, IP6, HOST, USER, PORT, SESSION, TEXT, and in [prefix] CONTENT"

/* What is handed through while one pattern is made. */
typedef struct Expander {
        const Ini *ini;
        bool is_prefix;
        char *out;
        uint16_t *origins;
        size_t used;
        char *error;
} Expander;

static const char *find_part(const Expander *x, const char *name) {
        if (!x->is_prefix && streq(name, "CONTENT"))
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(builtin_parts); i++)
                if (streq(builtin_parts[i].name, name))
                        return builtin_parts[i].regex;

        return ini_get(x->ini, "define", name);
}

/* Those are groups as they are. */
static bool is_builtin(const char *part) {
        for (size_t i = 0; i < ELEMENTSOF(builtin_parts); i++)
                if (builtin_parts[i].regex == part)
                        return true;

        return false;
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

/* Collects words for suggest_word(). */
typedef struct Names {
        const char *words[FILTER_PATTERNS_MAX + ELEMENTSOF(builtin_parts) + 1];
        size_t n;
} Names;

static int add_name(const char *key, const char *value, void *userdata) {
        Names *names = userdata;

        (void) value;
        if (names->n + 1 < ELEMENTSOF(names->words))
                names->words[names->n++] = key;
        return 0;
}

static int refuse_unknown(const Expander *x, const char *name) {
        Names names = {};
        const char *nearest;

        if (streq(name, "CONTENT")) {
                (void) snprintf(x->error,
                                PARTS_ERROR_SIZE,
                                "<CONTENT> is a part of patterns in [prefix] alone.");
                return -EINVAL;
        }

        for (size_t i = 0; i < ELEMENTSOF(builtin_parts); i++)
                (void) add_name(builtin_parts[i].name, NULL, &names);
        if (ini_foreach(x->ini, "define", add_name, &names) < 0)
                return -ENOMEM;
        nearest = suggest_word(name, names.words);

        if (nearest)
                (void) snprintf(x->error,
                                PARTS_ERROR_SIZE,
                                "<%s> is not a part; did you mean <%s>?",
                                name,
                                nearest);
        else
                (void) snprintf(x->error,
                                PARTS_ERROR_SIZE,
                                "<%s> is not a part: it is neither built in (" BUILTIN_NAMES
                                ") nor a key of [define].",
                                name);
        return -EINVAL;
}

static int put(Expander *x, const char *text, size_t size, size_t origin) {
        if (x->used + size >= FILTER_REGEX_MAX) {
                (void) snprintf(x->error,
                                PARTS_ERROR_SIZE,
                                "the pattern is longer than %u bytes with its parts in place.",
                                FILTER_REGEX_MAX);
                return -EINVAL;
        }

        for (size_t i = 0; i < size; i++) {
                x->out[x->used] = text[i];
                x->origins[x->used++] = (uint16_t) origin;
        }

        return 0;
}

/* Appends the text with its parts in place. What a part brings has the origin of the part. */
static int expand(Expander *x, const char *text, unsigned depth, size_t origin) {
        int r = 0;

        for (const char *s = text; *s && r >= 0;) {
                size_t here = depth == 0 ? (size_t) (s - text) : origin;
                char name[PART_NAME_MAX + 1];
                const char *part;
                bool grouped;
                size_t n;

                n = part_at(text, s, name);
                if (n == 0) {
                        r = put(x, s++, 1, here);
                        continue;
                }

                part = find_part(x, name);
                if (!part)
                        return refuse_unknown(x, name);
                if (depth == PART_DEPTH_MAX) {
                        (void) snprintf(x->error, PARTS_ERROR_SIZE, "<%s> contains itself.", name);
                        return -EINVAL;
                }

                s += n;
                grouped = !is_builtin(part) && (strchr(part, '|') || (*s && strchr("*+?{", *s)));
                if (grouped)
                        r = put(x, "(?:", 3, here);
                if (r >= 0)
                        r = expand(x, part, depth + 1, here);
                if (r >= 0 && grouped)
                        r = put(x, ")", 1, here);
        }

        return r;
}

int parts_expand(const Ini *ini,
                const char *text,
                bool is_prefix,
                char **ret_regex,
                uint16_t **ret_origins,
                char error[static PARTS_ERROR_SIZE]) {
        _cleanup_(freep) uint16_t *origins = NULL, *cut_origins = NULL;
        _cleanup_(freep) char *out = NULL;
        Expander x;
        char *regex;
        int r;

        assert(ini);
        assert(text);
        assert(ret_regex);
        assert(ret_origins);

        out = malloc(FILTER_REGEX_MAX);
        origins = malloc(FILTER_REGEX_MAX * sizeof(*origins));
        if (!out || !origins)
                return -ENOMEM;

        x = (Expander){
                .ini = ini,
                .is_prefix = is_prefix,
                .out = out,
                .origins = origins,
                .error = error,
        };
        r = expand(&x, text, 0, 0);
        if (r < 0)
                return r;

        out[x.used] = '\0';
        origins[x.used] = (uint16_t) strlen(text);
        cut_origins = malloc((x.used + 1) * sizeof(*origins));
        regex = strdup(out);
        if (!cut_origins || !regex) {
                free(regex);
                return -ENOMEM;
        }

        memcpy(cut_origins, origins, (x.used + 1) * sizeof(*origins));
        *ret_regex = regex;
        *ret_origins = TAKE_PTR(cut_origins);
        return 0;
}
