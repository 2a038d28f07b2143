/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A match is a list of groups (joined by "+") of terms. Within a group, terms of one field are
 * alternatives; match_fits() therefore asks, for each term, whether any term of its field holds.
 * Groups are a handful of terms, so nothing is sorted.
 *
 * Only `units =` makes globs, since journalctl's terms have none. Names of units hold backslashes
 * ("\\x2d"), so these are plain characters in globs, as they are for systemctl.
 */

#include "model/match.h"

#include <fnmatch.h>

#include "base/parse.h"

#define MATCH_TERMS_MAX 64
#define MATCH_GROUPS_MAX 64
#define MATCH_UNIT_SIZE 256 /* systemd's own limit, with the NUL */

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

static int add_term(Match *m, EntryField field, const char *value, size_t size, bool glob) {
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

        g->terms[g->n_terms++] = (MatchTerm){ field, copy, glob };
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

        return add_term(m, (EntryField) field, value, value_size, false);
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

/* Their instances are not in the slice that systemd gives others. */
static const char *const own_slices[] = { "user", "user-runtime-dir", "systemd-nspawn", "capsule" };

static bool has_own_slice(const char *prefix, size_t n) {
        for (size_t i = 0; i < ELEMENTSOF(own_slices); i++)
                if (strlen(own_slices[i]) == n && memcmp(own_slices[i], prefix, n) == 0)
                        return true;

        return false;
}

/* The part in front of "@.service" or "@*.service", if that is what the unit is; 0 if not. */
static size_t template_prefix(const char *unit, size_t n) {
        const char *at = memchr(unit, '@', n), *behind;
        size_t prefix;

        if (!at || at == unit)
                return 0;

        prefix = (size_t) (at - unit);
        behind = at + 1;
        if (behind < unit + n && *behind == '*')
                behind++;
        if (behind >= unit + n || *behind != '.')
                return 0;

        return prefix;
}

static bool is_glob(const char *unit, size_t n) {
        return memchr(unit, '*', n) || memchr(unit, '?', n) || memchr(unit, '[', n);
}

static int add_unit_term(Match *m, const char *unit, size_t n) {
        size_t prefix = template_prefix(unit, n);
        char text[256];
        int r;

        if (prefix == 0 || is_glob(unit, prefix))
                return add_term(m, ENTRY_SYSTEMD_UNIT, unit, n, is_glob(unit, n));

        if (has_own_slice(unit, prefix)) {
                (void) snprintf(text, sizeof(text), "%.*s@*.service", (int) prefix, unit);
                return add_term(m, ENTRY_SYSTEMD_UNIT, text, strlen(text), true);
        }

        r = template_slice(unit, prefix, text, sizeof(text));
        return r < 0 ? r : add_term(m, ENTRY_SYSTEMD_SLICE, text, strlen(text), false);
}

static int add_unit(Match *m, const char *unit, size_t n, const Match *require) {
        int r;

        if (n >= MATCH_UNIT_SIZE || !memchr(unit, '.', n) || memchr(unit, '/', n) ||
                        memchr(unit, '=', n))
                return -EINVAL;

        r = add_group(m);
        if (r >= 0)
                r = add_unit_term(m, unit, n);
        if (r < 0)
                return r;

        if (!require || require->n_groups == 0)
                return 0;

        for (size_t i = 0; i < require->groups[0].n_terms; i++) {
                const MatchTerm *t = &require->groups[0].terms[i];

                r = add_term(m, t->field, t->value, strlen(t->value), t->glob);
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

static bool glob_fits(const char *glob, const EntryValue *v) {
        char text[MATCH_UNIT_SIZE];

        /* fnmatch() wants a terminated string, and no unit's name is longer or holds a NUL. */
        if (!v->data || v->size >= sizeof(text) || memchr(v->data, '\0', v->size))
                return false;
        memcpy(text, v->data, v->size);
        text[v->size] = '\0';

        return fnmatch(glob, text, FNM_NOESCAPE) == 0;
}

static bool term_fits(const MatchTerm *t, const Entry *e) {
        return t->glob ? glob_fits(t->value, &e->fields[t->field])
                       : entry_is(e, t->field, t->value, strlen(t->value));
}

static bool group_fits(const MatchGroup *g, const Entry *e) {
        for (size_t i = 0; i < g->n_terms; i++) {
                bool any = false;

                for (size_t j = 0; j < g->n_terms && !any; j++)
                        any = g->terms[j].field == g->terms[i].field && term_fits(&g->terms[j], e);
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

bool match_names_unit(const Match *m, const char *unit) {
        const char *at = strchr(unit, '@');
        char slice[MATCH_UNIT_SIZE] = "";
        Entry e = {};

        assert(m);
        assert(unit);

        if (at && template_slice(unit, (size_t) (at - unit), slice, sizeof(slice)) < 0)
                slice[0] = '\0';
        e.fields[ENTRY_SYSTEMD_UNIT] = (EntryValue){ unit, strlen(unit) };
        e.fields[ENTRY_SYSTEMD_SLICE] = (EntryValue){ slice, strlen(slice) };

        for (size_t i = 0; i < m->n_groups; i++)
                for (size_t k = 0; k < m->groups[i].n_terms; k++) {
                        const MatchTerm *t = &m->groups[i].terms[k];

                        if ((t->field == ENTRY_SYSTEMD_UNIT || t->field == ENTRY_SYSTEMD_SLICE) &&
                                        term_fits(t, &e))
                                return true;
                }

        return false;
}

/* Where users' own processes are. */
static const char *const user_units[] = { "user@1000.service", "session-1.scope" };

static bool term_is_trusted(const MatchTerm *t) {
        if (!t->glob)
                return entry_field_is_trusted(t->field);

        for (size_t i = 0; i < ELEMENTSOF(user_units); i++)
                if (fnmatch(t->value, user_units[i], FNM_NOESCAPE) == 0)
                        return false;

        return true;
}

/* True if no entry fits the group unless it fits a trusted term: terms of one field are
 * alternatives, so all of the field have to be trusted. */
static bool group_is_trusted(const MatchGroup *g) {
        for (size_t i = 0; i < g->n_terms; i++) {
                bool trusted = true;

                for (size_t j = 0; j < g->n_terms && trusted; j++)
                        trusted = g->terms[j].field != g->terms[i].field ||
                                  term_is_trusted(&g->terms[j]);
                if (trusted)
                        return true;
        }

        return false;
}

bool match_is_trusted(const Match *m) {
        assert(m);

        for (size_t i = 0; i < m->n_groups; i++)
                if (!group_is_trusted(&m->groups[i]))
                        return false;

        return m->n_groups > 0;
}

bool match_fits_all(const Match *m) {
        assert(m);

        for (size_t i = 0; i < m->n_groups; i++)
                if (m->groups[i].n_terms == 0)
                        return true;

        return false;
}

bool match_has_glob(const Match *m) {
        assert(m);

        for (size_t i = 0; i < m->n_groups; i++)
                for (size_t j = 0; j < m->groups[i].n_terms; j++)
                        if (m->groups[i].terms[j].glob)
                                return true;

        return false;
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

/* Writes a word for a shell, with a space in front unless it is the first. */
static void put_word(FILE *f, const char *prefix, const char *value) {
        static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789_-+=@%:,./";
        bool quote = strspn(value, safe) != strlen(value);

        (void) fprintf(f, "%s%s", ftell(f) > 0 ? " " : "", quote ? "'" : "");
        (void) fputs(prefix, f);
        for (const char *p = value; *p; p++)
                if (*p == '\'')
                        (void) fputs("'\\''", f);
                else
                        (void) fputc(*p, f);
        (void) fputs(quote ? "'" : "", f);
}

static void put_term(FILE *f, const MatchTerm *t) {
        char prefix[64];

        (void) snprintf(prefix, sizeof(prefix), "%s=", entry_field_to_string(t->field));
        put_word(f, prefix, t->value);
}

/* What journalctl's -u takes. */
static bool is_unit(const MatchTerm *t) {
        return t->field == ENTRY_SYSTEMD_UNIT || t->field == ENTRY_SYSTEMD_SLICE;
}

static bool terms_equal(const MatchTerm *a, const MatchTerm *b) {
        return a->field == b->field && a->glob == b->glob && streq(a->value, b->value);
}

/* True if each group is one unit and the same other terms, as match_add_units() makes them. */
static bool differ_by_unit_alone(const Match *m) {
        const MatchGroup *first = &m->groups[0];

        for (size_t i = 0; i < m->n_groups; i++) {
                const MatchGroup *g = &m->groups[i];

                if (g->n_terms != first->n_terms || !is_unit(&g->terms[0]))
                        return false;
                for (size_t j = 1; j < g->n_terms; j++)
                        if (is_unit(&g->terms[j]) || !terms_equal(&g->terms[j], &first->terms[j]))
                                return false;
        }

        return true;
}

static void put_units(FILE *f, const Match *m) {
        for (size_t i = 0; i < m->n_groups; i++) {
                put_word(f, "", "-u");
                put_word(f, "", m->groups[i].terms[0].value);
        }

        for (size_t j = 1; j < m->groups[0].n_terms; j++)
                put_term(f, &m->groups[0].terms[j]);
}

static void put_groups(FILE *f, const Match *m) {
        for (size_t i = 0; i < m->n_groups; i++) {
                if (i > 0)
                        put_word(f, "", "+");
                for (size_t j = 0; j < m->groups[i].n_terms; j++)
                        put_term(f, &m->groups[i].terms[j]);
        }
}

char *match_to_journalctl(const Match *m, bool *ret_exact) {
        char *text = NULL;
        size_t size;
        FILE *f;

        assert(m);
        assert(ret_exact);

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;

        if (!match_has_glob(m))
                put_groups(f, m);
        else if (differ_by_unit_alone(m))
                put_units(f, m);

        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }

        *ret_exact = !match_has_glob(m);
        return text;
}
