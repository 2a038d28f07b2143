/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * libsystemd keeps a list of entries for each value of a field; one field's values together cost
 * little, but every "and" has it walk two lists side by side. So of a group that names units only
 * these are handed on, and the units of all groups together. It knows no globs: with one,
 * everything is read.
 */

#include "engine/journal-terms.h"

struct Terms {
        char **list; /* "" begins an alternative */
        size_t n;
};

/* Takes the string over. */
static int take_term(Terms *terms, char *term) {
        char **list;

        if (!term)
                return -ENOMEM;

        list = reallocarray(terms->list, terms->n + 1, sizeof(*list));
        if (!list) {
                free(term);
                return -ENOMEM;
        }

        terms->list = list;
        terms->list[terms->n++] = term;
        return 0;
}

static int add_term(Terms *terms, const char *field, const char *value) {
        char *term;

        return asprintf(&term, "%s=%s", field, value) < 0 ? -ENOMEM : take_term(terms, term);
}

static int add_alternative(Terms *terms) {
        return take_term(terms, strdup(""));
}

static bool has_field(const MatchGroup *g, EntryField field) {
        for (size_t i = 0; i < g->n_terms; i++)
                if (g->terms[i].field == field)
                        return true;

        return false;
}

/* Adds a group's terms: all of them, or those of one field alone. */
static int add_terms(Terms *terms, const MatchGroup *g, const EntryField *only) {
        for (size_t i = 0; i < g->n_terms; i++) {
                const MatchTerm *t = &g->terms[i];
                int r;

                if (only && t->field != *only)
                        continue;

                r = add_term(terms, entry_field_to_string(t->field), t->value);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* The fields that stand for a whole group, the best first. */
static const EntryField leading_fields[] = { ENTRY_SYSTEMD_UNIT, ENTRY_SYSTEMD_SLICE };

/* The field that stands for the group, or NULL. */
static const EntryField *find_leading_field(const MatchGroup *g) {
        for (size_t i = 0; i < ELEMENTSOF(leading_fields); i++)
                if (has_field(g, leading_fields[i]))
                        return &leading_fields[i];

        return NULL;
}

/* Adds the groups that this field stands for as alternatives of one group; for NULL, those that no
 * field stands for one by one. */
static int add_groups(Terms *terms,
                const JournalWant *const *wants,
                size_t n_wants,
                const EntryField *leading) {
        int r;

        for (size_t i = 0; i < n_wants; i++)
                for (size_t k = 0; k < wants[i]->match->n_groups; k++) {
                        const MatchGroup *g = &wants[i]->match->groups[k];

                        if (find_leading_field(g) != leading)
                                continue;

                        r = add_terms(terms, g, leading);
                        if (r >= 0 && !leading)
                                r = add_alternative(terms);
                        if (r < 0)
                                return r;
                }

        return leading ? add_alternative(terms) : 0;
}

/* What root's processes that name themselves so say is wanted, too. With the user's term in front
 * libsystemd is measured to take fewer instructions. */
static int add_identifiers(Terms *terms, const JournalWant *const *wants, size_t n_wants) {
        bool any = false;
        int r = 0;

        for (size_t i = 0; i < n_wants; i++)
                for (size_t k = 0; k < wants[i]->n_identifiers && r >= 0; k++) {
                        if (!any)
                                r = add_term(terms, "_UID", "0");
                        any = true;
                        if (r >= 0)
                                r = add_term(terms, "SYSLOG_IDENTIFIER", wants[i]->identifiers[k]);
                }

        return r;
}

static int fill(Terms *terms, const JournalWant *const *wants, size_t n_wants) {
        int r;

        for (size_t i = 0; i < n_wants; i++)
                if (match_has_glob(wants[i]->match) || match_fits_all(wants[i]->match))
                        return 0;

        r = add_term(terms, "MESSAGE_ID", JOURNAL_SUPPRESSED_ID);
        if (r >= 0)
                r = add_alternative(terms);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(leading_fields); i++) {
                r = add_groups(terms, wants, n_wants, &leading_fields[i]);
                if (r < 0)
                        return r;
        }

        r = add_groups(terms, wants, n_wants, NULL);
        return r < 0 ? r : add_identifiers(terms, wants, n_wants);
}

Terms *terms_free(Terms *terms) {
        if (!terms)
                return NULL;

        for (size_t i = 0; i < terms->n; i++)
                free(terms->list[i]);
        free(terms->list);
        free(terms);
        return NULL;
}

int terms_new(Terms **ret, const JournalWant *const *wants, size_t n_wants) {
        _cleanup_(terms_freep) Terms *terms = NULL;
        int r;

        assert(ret);
        assert(wants);

        terms = calloc(1, sizeof(*terms));
        if (!terms)
                return -ENOMEM;

        r = fill(terms, wants, n_wants);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(terms);
        return 0;
}

int terms_apply(const Terms *terms, sd_journal *handle) {
        assert(terms);
        assert(handle);

        sd_journal_flush_matches(handle);

        for (size_t i = 0; i < terms->n; i++) {
                int r = isempty(terms->list[i]) ? sd_journal_add_disjunction(handle)
                                                : sd_journal_add_match(handle, terms->list[i], 0);

                if (r < 0)
                        return r;
        }

        return 0;
}
