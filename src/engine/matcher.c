/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Each pattern is compiled by itself and wrapped to cover the whole message, so that text chosen by
 * a remote peer cannot stand in front of what the server writes. Most messages match nothing, and
 * JIT code fails at the first bytes of a literal; what is measured to matter is the number of
 * patterns entered, so a table over first bytes skips those that cannot begin so. Comparing the
 * literal text that a pattern begins with as well was measured not to pay: JIT code does the same
 * as quickly. For sshd's 35 patterns a line of its corpus took 133 ns with it and 139 without, a
 * line of noise 126 and 114; for postfix's, 126 and 123, and 48 and 33.
 *
 * All patterns share one JIT stack and one match_data, sized for the pattern with most groups: a
 * match_data too small returns 0, which is a match without its groups.
 */

#include "engine/matcher.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "model/filter-parts.h"

/* Thirty times what sensible lines and patterns need, and with JIT less than a third of a
 * millisecond for a pathological pattern. */
#define MATCH_LIMIT 100000
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT_KIB 1024

/* Without a stack of its own, JIT code gives up on a line of 2 kB. */
#define JIT_STACK_START (32 * 1024)
#define JIT_STACK_MAX (1024 * 1024)

typedef struct Group {
        const char *name; /* in the table of the compiled pattern */
        uint32_t number;
} Group;

typedef struct CompiledPattern {
        const Pattern *pattern;
        pcre2_code *code;
        uint32_t addr_group; /* 0 if there is none */
        uint32_t content_group;
        bool takes_names; /* the address may be a host name, which is no address */
        bool has_session;
        uint8_t first[32]; /* bit set of bytes that a match can begin with */
        size_t n_groups;   /* others that have names */
        Group groups[MATCHER_FIELDS_MAX];
} CompiledPattern;

struct Matcher {
        const Filter *filter;
        CompiledPattern *prefixes;
        size_t n_prefixes;
        CompiledPattern *patterns; /* that are in use, in the order of the filter */
        size_t n_patterns;
        pcre2_match_data *match_data;
        pcre2_match_context *match_context;
        pcre2_jit_stack *jit_stack;
        uint64_t n_exceeded;
};

static void free_patterns(CompiledPattern *patterns, size_t n) {
        for (size_t i = 0; i < n; i++)
                pcre2_code_free(patterns[i].code);
        free(patterns);
}

Matcher *matcher_free(Matcher *m) {
        if (!m)
                return NULL;

        free_patterns(m->prefixes, m->n_prefixes);
        free_patterns(m->patterns, m->n_patterns);
        pcre2_match_data_free(m->match_data);
        pcre2_match_context_free(m->match_context);
        pcre2_jit_stack_free(m->jit_stack);
        free(m);
        return NULL;
}

/* Compiles a regex that is the pattern's, or made of it (ret_error->offset stays as it is). */
static int compile(pcre2_code **ret,
                const Pattern *pattern,
                const char *regex,
                uint32_t options,
                MatcherError *ret_error) {
        PCRE2_SIZE offset;
        char text[128], where[64] = "";
        int error;

        *ret = pcre2_compile((PCRE2_SPTR) regex,
                        PCRE2_ZERO_TERMINATED,
                        PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C | options,
                        &error,
                        &offset,
                        NULL);
        if (*ret)
                return 0;

        if (regex == pattern->regex) {
                ret_error->offset = pattern->origins[MIN(offset, strlen(regex))];
                (void) snprintf(where, sizeof(where), " (at byte %zu)", ret_error->offset);
        }

        (void) pcre2_get_error_message(error, (PCRE2_UCHAR *) text, sizeof(text));
        (void) snprintf(ret_error->text,
                        sizeof(ret_error->text),
                        "the pattern does not compile: %s%s.",
                        text,
                        where);
        return error == PCRE2_ERROR_NOMEMORY ? -ENOMEM : -EINVAL;
}

/* PCRE2 studies a pattern for the bytes it can begin with, but only one that is not anchored: with
 * \A in front there is nothing to search for. So the bare pattern is asked. */
static void find_first_bytes(CompiledPattern *p, const pcre2_code *bare) {
        const uint8_t *bitmap;
        uint32_t type, unit, minimum;

        memset(p->first, 0xff, sizeof(p->first));

        if (pcre2_pattern_info(bare, PCRE2_INFO_MINLENGTH, &minimum) != 0 || minimum == 0)
                return;

        if (pcre2_pattern_info(bare, PCRE2_INFO_FIRSTCODETYPE, &type) == 0 && type == 1 &&
                        pcre2_pattern_info(bare, PCRE2_INFO_FIRSTCODEUNIT, &unit) == 0) {
                uint8_t upper = (uint8_t) (unit & ~0x20u), lower = (uint8_t) (unit | 0x20u);

                /* The answer hides caselessness, so the other case is let in as well. */
                memset(p->first, 0, sizeof(p->first));
                p->first[unit / 8] |= (uint8_t) (1u << (unit % 8));
                if (lower >= 'a' && lower <= 'z') {
                        p->first[upper / 8] |= (uint8_t) (1u << (upper % 8));
                        p->first[lower / 8] |= (uint8_t) (1u << (lower % 8));
                }
        } else if (pcre2_pattern_info(bare, PCRE2_INFO_FIRSTBITMAP, &bitmap) == 0 && bitmap)
                memcpy(p->first, bitmap, sizeof(p->first));
}

/* Learns the groups that have names. */
static int find_groups(CompiledPattern *p, MatcherError *ret_error) {
        uint32_t n_names = 0, entry_size = 0;
        const uint8_t *table = NULL;

        (void) pcre2_pattern_info(p->code, PCRE2_INFO_NAMECOUNT, &n_names);
        (void) pcre2_pattern_info(p->code, PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
        (void) pcre2_pattern_info(p->code, PCRE2_INFO_NAMETABLE, &table);

        for (uint32_t i = 0; i < n_names; i++, table += entry_size) {
                const char *name = (const char *) table + 2;
                uint32_t number = (uint32_t) table[0] << 8 | table[1];

                if (streq(name, "addr")) {
                        if (p->addr_group > 0) {
                                (void) snprintf(ret_error->text,
                                                sizeof(ret_error->text),
                                                "the pattern has more than one <ADDR>.");
                                return -EINVAL;
                        }
                        p->addr_group = number;
                } else if (p->pattern->kind == PATTERN_PREFIX && streq(name, "content"))
                        p->content_group = number;
                else if (p->n_groups < MATCHER_FIELDS_MAX)
                        p->groups[p->n_groups++] = (Group){ name, number };
                else {
                        (void) snprintf(ret_error->text,
                                        sizeof(ret_error->text),
                                        "the pattern has more than %u groups with names.",
                                        MATCHER_FIELDS_MAX);
                        return -EINVAL;
                }

                p->has_session |= streq(name, "session");
        }

        return 0;
}

/* The table is sorted by name; fields come in the order of the text. */
static void sort_groups(CompiledPattern *p) {
        for (size_t i = 1; i < p->n_groups; i++)
                for (size_t k = i; k > 0 && p->groups[k].number < p->groups[k - 1].number; k--) {
                        Group g = p->groups[k];

                        p->groups[k] = p->groups[k - 1];
                        p->groups[k - 1] = g;
                }
}

static int compile_pattern(CompiledPattern *p, const Pattern *pattern, MatcherError *ret_error) {
        _cleanup_(freep) char *wrapped = NULL;
        pcre2_code *bare;
        int r;

        ret_error->pattern = pattern;
        ret_error->offset = SIZE_MAX;

        if (asprintf(&wrapped, "\\A(?:%s)\\z", pattern->regex) < 0) {
                wrapped = NULL;
                return -ENOMEM;
        }

        /* By itself first: "a)|(?:b" would compile in its wrapping, and slip out of it. */
        r = compile(&bare, pattern, pattern->regex, PCRE2_NO_AUTO_POSSESS, ret_error);
        if (r < 0)
                return r;
        find_first_bytes(p, bare);
        pcre2_code_free(bare);

        r = compile(&p->code, pattern, wrapped, 0, ret_error);
        if (r < 0)
                return r;

        /* Fails where executable memory is forbidden; then the interpreter runs. */
        (void) pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE);

        p->pattern = pattern;
        p->takes_names = strstr(pattern->regex, PARTS_HOST_MARK);
        r = find_groups(p, ret_error);
        if (r >= 0)
                sort_groups(p);
        return r;
}

/* What a pattern needs of its filter. */
static int check_pattern(const Matcher *m, const CompiledPattern *p, MatcherError *ret_error) {
        bool has_address = p->addr_group > 0, has_session = p->has_session;
        bool prefixed_address = m->n_prefixes > 0, prefixed_session = m->n_prefixes > 0;
        const char *text = NULL;
        size_t n_groups = 0;

        for (size_t i = 0; i < m->n_prefixes; i++) {
                prefixed_address &= m->prefixes[i].addr_group > 0;
                prefixed_session &= m->prefixes[i].has_session;
                n_groups = MAX(n_groups, m->prefixes[i].n_groups);
        }
        has_address |= prefixed_address;
        has_session |= prefixed_session;

        if (n_groups + p->n_groups > MATCHER_FIELDS_MAX)
                text = "the pattern and the prefix together have too many groups with names.";
        else if (has_address ||
                        (p->pattern->kind != PATTERN_FAIL && p->pattern->kind != PATTERN_ONCE))
                return 0;
        else if (m->filter->session == FILTER_SESSION_NONE)
                text = "the pattern has no <ADDR>, and the filter has no session to take an "
                       "address from.";
        else if (m->filter->session == FILTER_SESSION_CAPTURE && !has_session)
                text = "the pattern has no <ADDR>, and no <SESSION> to take an address from.";
        else
                return 0;

        (void) snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
        return -EINVAL;
}

static bool is_in_use(const Pattern *p, char *const *groups) {
        if (isempty(p->group))
                return true;

        for (size_t i = 0; groups && groups[i]; i++)
                if (streq(groups[i], p->group) || streq(groups[i], GROUP_ALL))
                        return true;

        return false;
}

/* Counts the compiled pattern in *n first, so that it is freed whatever happens. */
static int add_pattern(Matcher *m,
                CompiledPattern *list,
                size_t *n,
                const Pattern *pattern,
                uint32_t *n_groups_max,
                MatcherError *ret_error) {
        CompiledPattern *p = &list[(*n)++];
        uint32_t n_groups = 0;
        int r;

        r = compile_pattern(p, pattern, ret_error);
        if (r >= 0 && pattern->kind != PATTERN_PREFIX)
                r = check_pattern(m, p, ret_error);
        if (r < 0)
                return r;

        (void) pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &n_groups);
        *n_groups_max = MAX(*n_groups_max, n_groups);
        return 0;
}

static int
add_patterns(Matcher *m, char *const *groups, uint32_t *n_groups_max, MatcherError *ret_error) {
        const Filter *f = m->filter;

        m->prefixes = calloc(MAX(f->n_prefixes, (size_t) 1), sizeof(*m->prefixes));
        m->patterns = calloc(MAX(f->n_patterns, (size_t) 1), sizeof(*m->patterns));
        if (!m->prefixes || !m->patterns)
                return -ENOMEM;

        for (size_t i = 0; i < f->n_prefixes; i++) {
                int r = add_pattern(m,
                                m->prefixes,
                                &m->n_prefixes,
                                &f->prefixes[i],
                                n_groups_max,
                                ret_error);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < f->n_patterns; i++) {
                int r = 0;

                if (is_in_use(&f->patterns[i], groups))
                        r = add_pattern(m,
                                        m->patterns,
                                        &m->n_patterns,
                                        &f->patterns[i],
                                        n_groups_max,
                                        ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}

int matcher_new(Matcher **ret, const Filter *filter, char *const *groups, MatcherError *ret_error) {
        _cleanup_(matcher_freep) Matcher *m = NULL;
        uint32_t n_groups_max = 0;
        int r;

        assert(ret);
        assert(filter);
        assert(ret_error);

        m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->filter = filter;

        r = add_patterns(m, groups, &n_groups_max, ret_error);
        if (r < 0)
                return r;

        m->match_data = pcre2_match_data_create(n_groups_max + 1, NULL);
        m->match_context = pcre2_match_context_create(NULL);
        m->jit_stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
        if (!m->match_data || !m->match_context || !m->jit_stack)
                return -ENOMEM;

        (void) pcre2_set_match_limit(m->match_context, MATCH_LIMIT);
        (void) pcre2_set_depth_limit(m->match_context, DEPTH_LIMIT);
        (void) pcre2_set_heap_limit(m->match_context, HEAP_LIMIT_KIB);
        pcre2_jit_stack_assign(m->match_context, NULL, m->jit_stack);

        *ret = TAKE_PTR(m);
        return 0;
}

/* What the group captured; nothing if it is an optional part that was not there. */
static MatcherSpan get_span(const Matcher *m, uint32_t n_set, uint32_t group, const char *text) {
        const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(m->match_data) + (size_t) 2 * group;

        if (group == 0 || group >= n_set || offsets[0] == PCRE2_UNSET)
                return (MatcherSpan){};

        return (MatcherSpan){ text + offsets[0], offsets[1] - offsets[0] };
}

/* Adds a field, in the place of one that the prefix captured under this name. */
static void set_field(MatcherResult *ret, const char *name, MatcherSpan value) {
        size_t i = 0;

        while (i < ret->n_fields && !streq(ret->fields[i].name, name))
                i++;
        if (i == MATCHER_FIELDS_MAX)
                return; /* a host name beside sixteen others */

        ret->fields[i] = (MatcherField){ name, value };
        ret->n_fields = MAX(ret->n_fields, i + 1);

        if (streq(name, "user"))
                ret->user = value;
        else if (streq(name, "session"))
                ret->session = value;
}

/* Adds what the pattern captured. Returns false if its address is none. */
static bool take_captures(const Matcher *m,
                const CompiledPattern *p,
                uint32_t n_set,
                const char *text,
                MatcherResult *ret) {
        MatcherSpan span = get_span(m, n_set, p->addr_group, text);

        if (span.data) {
                bool is_address = address_parse(span.data, span.size, &ret->address) >= 0;

                if (!is_address && !p->takes_names)
                        return false;

                ret->has_address = is_address;
                ret->addr = is_address ? span : (MatcherSpan){};
                if (!is_address)
                        set_field(ret, "host", span);
        }

        for (size_t i = 0; i < p->n_groups; i++) {
                span = get_span(m, n_set, p->groups[i].number, text);
                if (span.data)
                        set_field(ret, p->groups[i].name, span);
        }

        return true;
}

/* Whether the pattern matches and, where it has an address, that is one. Returns the number of
 * groups, which get_span() wants, or 0. */
static uint32_t run_pattern(Matcher *m, const CompiledPattern *p, const char *text, size_t size) {
        uint8_t first = (uint8_t) text[0];
        int r;

        if (!(p->first[first / 8] & (1u << (first % 8))))
                return 0;

        r = pcre2_match(p->code, (PCRE2_SPTR) text, size, 0, 0, m->match_data, m->match_context);
        if (r >= 0)
                return (uint32_t) r;
        if (r != PCRE2_ERROR_NOMATCH)
                m->n_exceeded++;
        return 0;
}

/* Runs the prefixes. On success *text and *size are what the patterns run over. */
static bool run_prefixes(Matcher *m, const char **text, size_t *size, MatcherResult *ret) {
        for (size_t i = 0; i < m->n_prefixes; i++) {
                const CompiledPattern *p = &m->prefixes[i];
                MatcherSpan content;
                uint32_t n_set;

                n_set = run_pattern(m, p, *text, *size);
                if (n_set == 0)
                        continue;

                *ret = (MatcherResult){ .prefix = p->pattern };
                content = get_span(m, n_set, p->content_group, *text);
                if (content.size == 0 || !take_captures(m, p, n_set, *text, ret))
                        continue;

                *text = content.data;
                *size = content.size;
                return true;
        }

        return false;
}

int matcher_run(Matcher *m, const char *text, size_t size, MatcherResult *ret) {
        MatcherResult prefix;

        assert(m);
        assert(text);
        assert(ret);

        if (size == 0 || (m->n_prefixes > 0 && !run_prefixes(m, &text, &size, &prefix)))
                return 0;

        for (size_t i = 0; i < m->n_patterns; i++) {
                const CompiledPattern *p = &m->patterns[i];
                uint32_t n_set;

                n_set = run_pattern(m, p, text, size);
                if (n_set == 0)
                        continue;

                if (m->n_prefixes > 0)
                        *ret = prefix;
                else
                        *ret = (MatcherResult){};
                ret->kind = p->pattern->kind;
                ret->pattern = p->pattern;
                if (take_captures(m, p, n_set, text, ret))
                        return 1;
        }

        return 0;
}

uint64_t matcher_get_n_exceeded(const Matcher *m) {
        assert(m);

        return m->n_exceeded;
}
