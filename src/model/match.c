/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A match is a list of groups (joined by "+") of terms. Within a group, terms of one field are
 * alternatives; match_fits() therefore asks, for each term, whether any term of its field holds.
 * Groups are a handful of terms, so nothing is sorted.
 */

#include "model/match.h"

#include "base/parse.h"

#define MATCH_TERMS_MAX 64
#define MATCH_GROUPS_MAX 64

int match_new(Match **ret) {
        Match *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;

        *ret = m;
        return 0;
}

Match *match_free(Match *m) {
        if (!m)
                return NULL;

        for (size_t i = 0; i < m->n_groups; i++) {
                for (size_t j = 0; j < m->groups[i].n_terms; j++)
                        free(m->groups[i].terms[j].value);
                free(m->groups[i].terms);
        }

        free(m->groups);
        free(m);
        return NULL;
}

static int add_group(Match *m) {
        MatchGroup *groups;

        if (m->n_groups == MATCH_GROUPS_MAX)
                return -EINVAL;

        groups = reallocarray(m->groups, m->n_groups + 1, sizeof(*groups));
        if (!groups)
                return -ENOMEM;

        m->groups = groups;
        m->groups[m->n_groups++] = (MatchGroup){};
        return 0;
}

static int add_term(Match *m, EntryField field, const char *value, size_t size) {
        MatchGroup *g = &m->groups[m->n_groups - 1];
        MatchTerm *terms;
        char *copy;

        if (g->n_terms == MATCH_TERMS_MAX)
                return -EINVAL;

        terms = reallocarray(g->terms, g->n_terms + 1, sizeof(*terms));
        if (!terms)
                return -ENOMEM;
        g->terms = terms;

        copy = strndup(value, size);
        if (!copy)
                return -ENOMEM;

        g->terms[g->n_terms++] = (MatchTerm){ field, copy };
        return 0;
}

/* The length of the word at s, quotes included. */
static size_t word_size(const char *s) {
        char quote = '\0';
        size_t n;

        for (n = 0; s[n] && (quote || (s[n] != ' ' && s[n] != '\t')); n++)
                if (s[n] == quote)
                        quote = '\0';
                else if (!quote && (s[n] == '"' || s[n] == '\''))
                        quote = s[n];

        return n;
}

static int parse_term(Match *m, const char *word, size_t n) {
        const char *eq = memchr(word, '=', n), *value;
        size_t value_size;
        int field;

        if (!eq || eq == word)
                return -EINVAL;

        field = entry_field_from_string(word, (size_t) (eq - word));
        if (field < 0)
                return -ENOENT;

        value = eq + 1;
        value_size = (size_t) (word + n - value);
        if (value_size >= 2 && (value[0] == '"' || value[0] == '\'') &&
                        value[value_size - 1] == value[0]) {
                value++;
                value_size -= 2;
        }
        if (value_size == 0)
                return -EINVAL;

        return add_term(m, (EntryField) field, value, value_size);
}

int match_parse(Match *m, const char *s, const char **ret_bad) {
        int r;

        assert(m);
        assert(s);
        assert(ret_bad);

        *ret_bad = s;
        r = add_group(m);
        if (r < 0)
                return r;

        for (;;) {
                size_t n;

                s += strspn(s, " \t");
                n = word_size(s);
                *ret_bad = s;
                if (n == 0)
                        break;

                if (n == 1 && *s == '+') {
                        if (m->groups[m->n_groups - 1].n_terms == 0)
                                return -EINVAL;
                        r = add_group(m);
                } else
                        r = parse_term(m, s, n);
                if (r < 0)
                        return r;

                s += n;
        }

        return m->groups[m->n_groups - 1].n_terms > 0 ? 0 : -EINVAL;
}

/* The slice of a template's instances, "system-ssh.slice" for "ssh@.service". systemd escapes a
 * dash in the prefix, because dashes separate the levels of slices. */
static int template_slice(const char *prefix, size_t n, char *buf, size_t size) {
        size_t used = (size_t) snprintf(buf, size, "system-");

        for (size_t i = 0; i < n; i++) {
                const char *piece = prefix[i] == '-' ? "\\x2d" : (char[]){ prefix[i], '\0' };

                if (used + strlen(piece) + sizeof(".slice") > size)
                        return -EINVAL;
                used += (size_t) snprintf(buf + used, size - used, "%s", piece);
        }

        (void) snprintf(buf + used, size - used, ".slice");
        return 0;
}

static int add_unit(Match *m, const char *unit, size_t n, const Match *require) {
        const char *at = memchr(unit, '@', n);
        char slice[256];
        int r;

        if (n >= sizeof(slice) || !memchr(unit, '.', n) || memchr(unit, '*', n) ||
                        memchr(unit, '/', n) || memchr(unit, '=', n))
                return -EINVAL;

        r = add_group(m);
        if (r < 0)
                return r;

        if (at && at > unit && at + 1 < unit + n && at[1] == '.') {
                r = template_slice(unit, (size_t) (at - unit), slice, sizeof(slice));
                if (r >= 0)
                        r = add_term(m, ENTRY_SYSTEMD_SLICE, slice, strlen(slice));
        } else
                r = add_term(m, ENTRY_SYSTEMD_UNIT, unit, n);
        if (r < 0)
                return r;

        if (!require || require->n_groups == 0)
                return 0;

        for (size_t i = 0; i < require->groups[0].n_terms; i++) {
                const MatchTerm *t = &require->groups[0].terms[i];

                r = add_term(m, t->field, t->value, strlen(t->value));
                if (r < 0)
                        return r;
        }

        return 0;
}

int match_add_units(Match *m, const char *units, const Match *require, const char **ret_bad) {
        const char *word;
        size_t n;
        int r;

        assert(m);
        assert(units);
        assert(ret_bad);

        *ret_bad = units;
        while ((n = parse_word(&units, ",", &word)) > 0) {
                *ret_bad = word;
                r = add_unit(m, word, n, require);
                if (r < 0)
                        return r;
        }

        return m->n_groups > 0 ? 0 : -EINVAL;
}

static bool group_fits(const MatchGroup *g, const Entry *e) {
        for (size_t i = 0; i < g->n_terms; i++) {
                bool any = false;

                for (size_t j = 0; j < g->n_terms && !any; j++)
                        any = g->terms[j].field == g->terms[i].field &&
                              entry_is(e,
                                              g->terms[j].field,
                                              g->terms[j].value,
                                              strlen(g->terms[j].value));
                if (!any)
                        return false;
        }

        return true;
}

bool match_fits(const Match *m, const Entry *e) {
        assert(m);
        assert(e);

        for (size_t i = 0; i < m->n_groups; i++)
                if (group_fits(&m->groups[i], e))
                        return true;

        return false;
}

bool match_is_trusted(const Match *m) {
        assert(m);

        for (size_t i = 0; i < m->n_groups; i++) {
                bool trusted = false;

                for (size_t j = 0; j < m->groups[i].n_terms; j++)
                        trusted |= entry_field_is_trusted(m->groups[i].terms[j].field);
                if (!trusted)
                        return false;
        }

        return m->n_groups > 0;
}

char *match_to_string(const Match *m) {
        char *text = NULL;
        size_t size;
        FILE *f;

        assert(m);

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;

        for (size_t i = 0; i < m->n_groups; i++) {
                if (i > 0)
                        (void) fputs(" +", f);
                for (size_t j = 0; j < m->groups[i].n_terms; j++) {
                        const MatchTerm *t = &m->groups[i].terms[j];
                        const char *quote = strpbrk(t->value, " \t") ? "'" : "";

                        (void) fprintf(f,
                                        "%s%s=%s%s%s",
                                        i + j > 0 ? " " : "",
                                        entry_field_to_string(t->field),
                                        quote,
                                        t->value,
                                        quote);
                }
        }

        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }

        return text;
}
