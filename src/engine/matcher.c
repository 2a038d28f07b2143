/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Each pattern is compiled by itself and wrapped to cover the whole message, so that text chosen by
 * a remote peer cannot stand in front of what the server writes. Most messages match nothing, and
 * JIT code fails at the first bytes of a literal; what is measured to matter is the number of
 * patterns entered, so a table over first bytes skips those that cannot begin so.
 *
 * All patterns share one JIT stack and one match_data, sized for the pattern with most groups: a
 * match_data too small returns 0, which is a match without its groups.
 */

#include "engine/matcher.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Thirty times what sensible lines and patterns need, and with JIT less than a third of a
 * millisecond for a pathological pattern. */
#define MATCH_LIMIT 100000
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT_KIB 1024

/* Without a stack of its own, JIT code gives up on a line of 2 kB. */
#define JIT_STACK_START (32 * 1024)
#define JIT_STACK_MAX (1024 * 1024)

typedef struct CompiledPattern {
        pcre2_code *code;
        uint32_t addr_group; /* 0 if there is none */
        uint8_t first[32];   /* bit set of bytes that a match can begin with */
} CompiledPattern;

struct Matcher {
        const Filter *filter;
        CompiledPattern *patterns; /* in the order of the filter */
        pcre2_match_data *match_data;
        pcre2_match_context *match_context;
        pcre2_jit_stack *jit_stack;
        uint64_t n_exceeded;
};

Matcher *matcher_free(Matcher *m) {
        if (!m)
                return NULL;

        for (size_t i = 0; m->patterns && i < m->filter->n_patterns; i++)
                pcre2_code_free(m->patterns[i].code);
        free(m->patterns);
        pcre2_match_data_free(m->match_data);
        pcre2_match_context_free(m->match_context);
        pcre2_jit_stack_free(m->jit_stack);
        free(m);
        return NULL;
}

static int compile(pcre2_code **ret, const char *regex, uint32_t options, MatcherError *ret_error) {
        PCRE2_SIZE offset;
        char text[128];
        int error;

        *ret = pcre2_compile((PCRE2_SPTR) regex,
                        PCRE2_ZERO_TERMINATED,
                        PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C | options,
                        &error,
                        &offset,
                        NULL);
        if (*ret)
                return 0;

        (void) pcre2_get_error_message(error, (PCRE2_UCHAR *) text, sizeof(text));
        (void) snprintf(ret_error->text,
                        sizeof(ret_error->text),
                        "the pattern does not compile: %s (at byte %zu of the pattern with its parts in "
                        "place).",
                        text,
                        offset);
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

static int compile_pattern(CompiledPattern *p, const Pattern *pattern, MatcherError *ret_error) {
        _cleanup_(freep) char *wrapped = NULL;
        pcre2_code *bare;
        int n, r;

        if (asprintf(&wrapped, "\\A(?:%s)\\z", pattern->regex) < 0) {
                wrapped = NULL;
                return -ENOMEM;
        }

        /* By itself first: "a)|(?:b" would compile in its wrapping, and slip out of it. */
        r = compile(&bare, pattern->regex, PCRE2_NO_AUTO_POSSESS, ret_error);
        if (r < 0)
                return r;
        find_first_bytes(p, bare);
        pcre2_code_free(bare);

        r = compile(&p->code, wrapped, 0, ret_error);
        if (r < 0)
                return r;

        /* Fails where executable memory is forbidden; then the interpreter runs. */
        (void) pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE);

        n = pcre2_substring_number_from_name(p->code, (PCRE2_SPTR) "addr");
        if (n == PCRE2_ERROR_NOUNIQUESUBSTRING) {
                (void) snprintf(ret_error->text,
                                sizeof(ret_error->text),
                                "the pattern has more than one <ADDR>.");
                return -EINVAL;
        }
        p->addr_group = n > 0 ? (uint32_t) n : 0;

        return 0;
}

int matcher_new(Matcher **ret, const Filter *filter, MatcherError *ret_error) {
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

        m->patterns = calloc(filter->n_patterns, sizeof(*m->patterns));
        if (!m->patterns)
                return -ENOMEM;

        for (size_t i = 0; i < filter->n_patterns; i++) {
                const Pattern *pattern = &filter->patterns[i];
                uint32_t n_groups = 0;

                ret_error->pattern = pattern->name;
                ret_error->kind = pattern->kind;

                r = compile_pattern(&m->patterns[i], pattern, ret_error);
                if (r < 0)
                        return r;

                if ((pattern->kind == PATTERN_FAIL || pattern->kind == PATTERN_ONCE) &&
                                m->patterns[i].addr_group == 0 &&
                                filter->session == FILTER_SESSION_NONE) {
                        (void) snprintf(ret_error->text,
                                        sizeof(ret_error->text),
                                        "the pattern has no <ADDR>, and the filter has no session "
                                        "to take an address from.");
                        return -EINVAL;
                }

                (void) pcre2_pattern_info(m->patterns[i].code, PCRE2_INFO_CAPTURECOUNT, &n_groups);
                n_groups_max = MAX(n_groups_max, n_groups);
        }

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

/* True if the pattern matches and, where it has an address, that is one. */
static bool run_pattern(Matcher *m, size_t i, const char *text, size_t size, MatcherResult *ret) {
        const CompiledPattern *p = &m->patterns[i];
        const PCRE2_SIZE *offsets;
        int r;

        r = pcre2_match(p->code, (PCRE2_SPTR) text, size, 0, 0, m->match_data, m->match_context);
        if (r == PCRE2_ERROR_NOMATCH)
                return false;
        if (r < 0) {
                m->n_exceeded++;
                return false;
        }

        *ret = (MatcherResult){
                .kind = m->filter->patterns[i].kind,
                .pattern = m->filter->patterns[i].name,
        };

        if (p->addr_group == 0)
                return true;

        offsets = pcre2_get_ovector_pointer(m->match_data) + (size_t) 2 * p->addr_group;
        if (p->addr_group >= (uint32_t) r || offsets[0] == PCRE2_UNSET)
                return true; /* an optional part that was not there */

        ret->has_address =
                        address_parse(text + offsets[0], offsets[1] - offsets[0], &ret->address) >=
                        0;
        return ret->has_address;
}

int matcher_run(Matcher *m, const char *text, size_t size, MatcherResult *ret) {
        uint8_t first;

        assert(m);
        assert(text);
        assert(ret);

        if (size == 0)
                return 0;
        first = (uint8_t) text[0];

        for (size_t i = 0; i < m->filter->n_patterns; i++)
                if ((m->patterns[i].first[first / 8] & (1u << (first % 8))) &&
                                run_pattern(m, i, text, size, ret))
                        return 1;

        return 0;
}

uint64_t matcher_get_n_exceeded(const Matcher *m) {
        assert(m);

        return m->n_exceeded;
}
