/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/filter.h"

#include <ctype.h>

#include "base/parse.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "model/filter-parts.h"
#include "model/ini.h"

#define GROUP_NAME_MAX 63
#define NAMESPACE_MAX 200 /* journald's limit is near that of file names */

static const char *const section_names[_PATTERN_KIND_MAX] = {
        [PATTERN_FAIL] = "fail",
        [PATTERN_ONCE] = "once",
        [PATTERN_CONTEXT] = "context",
        [PATTERN_IGNORE] = "ignore",
        [PATTERN_BEGIN] = "begin",
        [PATTERN_CLEAR] = "clear",
        [PATTERN_PREFIX] = "prefix",
};

const char *pattern_kind_to_string(PatternKind kind) {
        assert(kind < _PATTERN_KIND_MAX);

        return section_names[kind];
}

const char *pattern_section(const Pattern *p, char buf[static PATTERN_SECTION_SIZE]) {
        assert(p);

        (void) snprintf(buf,
                        PATTERN_SECTION_SIZE,
                        "%s%s%s",
                        section_names[p->kind],
                        p->group[0] ? "." : "",
                        p->group);
        return buf;
}

static void free_patterns(Pattern *patterns, size_t n) {
        for (size_t i = 0; i < n; i++) {
                free(patterns[i].name);
                free(patterns[i].group);
                free(patterns[i].written);
                free(patterns[i].regex);
                free(patterns[i].origins);
        }
        free(patterns);
}

Filter *filter_free(Filter *f) {
        if (!f)
                return NULL;

        free_patterns(f->patterns, f->n_patterns);
        free_patterns(f->prefixes, f->n_prefixes);
        for (size_t i = 0; i < f->n_identifiers; i++)
                free(f->identifiers[i]);
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

bool filter_has_group(const Filter *f, const char *group) {
        assert(f);
        assert(group);

        for (size_t i = 0; i < f->n_patterns; i++)
                if (streq(f->patterns[i].group, group) && *group)
                        return true;

        return false;
}

/* What is handed through while one file is read. */
typedef struct Loader {
        Filter *filter;
        const Ini *ini;
        ProblemSink *sink;
        size_t n_before; /* problems that were there before */

        /* Of the section whose patterns are read. */
        PatternKind kind;
        const char *section;
        const char *group;
} Loader;

#define wrong(l, section, key, ...)                                                                \
        problem_report((l)->sink, (l)->filter->path, section, key, __VA_ARGS__)

/* Patterns */

/* Makes a pattern of the section that is read. Returns 0, -EINVAL after a problem, or -ENOMEM. */
static int make_pattern(Loader *l, const char *key, const char *value, Pattern *ret) {
        char error[PARTS_ERROR_SIZE];
        Pattern p = { .kind = l->kind };
        int r;

        if (!utf8_is_valid(key)) {
                wrong(l, l->section, NULL, "the name of a pattern is not UTF-8.");
                return -EINVAL;
        }
        if (isempty(value)) {
                wrong(l, l->section, key, "the pattern is empty.");
                return -EINVAL;
        }

        r = parts_expand(l->ini, value, l->kind == PATTERN_PREFIX, &p.regex, &p.origins, error);
        if (r == -EINVAL)
                wrong(l, l->section, key, "%s", error);
        if (r < 0)
                return r;

        p.name = strdup(key);
        p.group = strdup(l->group);
        p.written = strdup(value);
        *ret = p;
        return p.name && p.group && p.written ? 0 : -ENOMEM;
}

static int add_pattern(const char *key, const char *value, void *userdata) {
        Loader *l = userdata;
        Filter *f = l->filter;
        bool is_prefix = l->kind == PATTERN_PREFIX;
        Pattern **list = is_prefix ? &f->prefixes : &f->patterns, *patterns;
        size_t *n = is_prefix ? &f->n_prefixes : &f->n_patterns;
        int r;

        if (*n == FILTER_PATTERNS_MAX) {
                wrong(l, l->section, key, "a filter has at most %u patterns.", FILTER_PATTERNS_MAX);
                return 0;
        }

        patterns = reallocarray(*list, *n + 1, sizeof(*patterns));
        if (!patterns)
                return -ENOMEM;
        *list = patterns;
        patterns[*n] = (Pattern){};

        r = make_pattern(l, key, value, &patterns[*n]);
        if (r != -EINVAL)
                (*n)++;
        return r == -ENOMEM ? r : 0;
}

/* True if the regex has a group of this name, as <NAME> makes it or in another spelling of PCRE2.
 */
static bool has_group(const Pattern *p, const char *name) {
        static const char *const spellings[][2] = {
                { "(?<", ">" }, { "(?P<", ">" }, { "(?'", "'" }
        };

        for (size_t i = 0; i < ELEMENTSOF(spellings); i++) {
                char group[64];

                (void) snprintf(group,
                                sizeof(group),
                                "%s%s%s",
                                spellings[i][0],
                                name,
                                spellings[i][1]);
                if (strstr(p->regex, group))
                        return true;
        }

        return false;
}

static bool any_has_group(const Filter *f, const char *name) {
        for (size_t i = 0; i < f->n_prefixes; i++)
                if (has_group(&f->prefixes[i], name))
                        return true;
        for (size_t i = 0; i < f->n_patterns; i++)
                if (has_group(&f->patterns[i], name))
                        return true;

        return false;
}

/* True if something other than the pattern itself tells whose login it was. */
static bool user_is_told_elsewhere(const Filter *f) {
        for (size_t i = 0; i < f->n_prefixes; i++)
                if (has_group(&f->prefixes[i], "user"))
                        return true;
        for (size_t i = 0; f->session != FILTER_SESSION_NONE && i < f->n_patterns; i++)
                if (f->patterns[i].kind != PATTERN_CLEAR && has_group(&f->patterns[i], "user"))
                        return true;

        return false;
}

/* What each pattern needs of the rest of the filter. */
static void check_pattern(Loader *l, const Pattern *p) {
        const Filter *f = l->filter;
        char section[PATTERN_SECTION_SIZE];

        pattern_section(p, section);

        if (p->kind == PATTERN_BEGIN && f->session == FILTER_SESSION_NONE)
                wrong(l, section, p->name, "without session = in [filter] there is none to begin.");
        if (p->kind == PATTERN_CLEAR && f->session == FILTER_SESSION_NONE && !f->clears_address)
                wrong(l,
                                section,
                                p->name,
                                "there is no session to forgive; [filter] needs session = or "
                                "clear = address.");
        if (p->kind == PATTERN_CLEAR && !has_group(p, "user") && !user_is_told_elsewhere(f))
                wrong(l,
                                section,
                                p->name,
                                "the pattern has no <USER>, so nobody can tell which failures it "
                                "forgives.");
        if (has_group(p, "session") && f->session != FILTER_SESSION_CAPTURE)
                wrong(l, section, p->name, "<SESSION> needs session = capture in [filter].");
        if (p->kind == PATTERN_PREFIX && !has_group(p, "content"))
                wrong(l,
                                section,
                                p->name,
                                "the prefix has no <CONTENT>, so the patterns have no text.");
}

/* Keys of [filter] */

static int copy_string(char **target, const char *value) {
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;

        free(*target);
        *target = copy;
        return 0;
}

static int add_identifiers(Filter *f, const char *value) {
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

static int set_description(Loader *l, const char *key, const char *value) {
        if (!utf8_is_valid(value)) {
                wrong(l, "filter", key, "the text is not UTF-8.");
                return 0;
        }

        return copy_string(&l->filter->description, value);
}

static int set_units(Loader *l, const char *key, const char *value) {
        _cleanup_(match_freep) Match *m = NULL;
        const char *bad = value;
        int r;

        r = match_new(&m);
        if (r >= 0)
                r = match_add_units(m, value, NULL, &bad);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                wrong(l,
                                "filter",
                                key,
                                "\"%s\" should be names of units like ssh.service or ssh@.service.",
                                bad);

        return copy_string(&l->filter->units, value);
}

static int set_journal(Loader *l, const char *key, const char *value) {
        _cleanup_(match_freep) Match *m = NULL;
        const char *bad = value;
        int r;

        r = match_new(&m);
        if (r >= 0)
                r = match_parse(m, value, &bad);
        if (r == -ENOMEM)
                return r;
        if (r == -ENOENT)
                wrong(l,
                                "filter",
                                key,
                                "\"%s\": banjo does not read that field; banjo.conf(5) lists "
                                "those it does.",
                                bad);
        else if (r < 0)
                wrong(l,
                                "filter",
                                key,
                                "\"%s\" should be terms like _SYSTEMD_UNIT=ssh.service, with "
                                "\"+\" between alternatives.",
                                bad);

        return copy_string(&l->filter->journal, value);
}

static int set_namespace(Loader *l, const char *key, const char *value) {
        size_t n = 0;

        while (isalnum((unsigned char) value[n]) || (value[n] && strchr("_.-", value[n])))
                n++;
        if (value[n] || n > NAMESPACE_MAX || value[0] == '.')
                wrong(l,
                                "filter",
                                key,
                                "\"%s\" is no journal namespace; it should be letters, digits "
                                "and \"_.-\".",
                                value);

        return copy_string(&l->filter->journal_namespace, value);
}

static int set_require(Loader *l, const char *key, const char *value) {
        Filter *f = l->filter;
        const char *bad = value;
        int r;

        r = match_parse(f->require, value, &bad);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || f->require->n_groups != 1)
                wrong(l, "filter", key, "\"%s\" should be terms like _UID=0, without \"+\".", bad);
        return 0;
}

static int set_identifiers(Loader *l, const char *key, const char *value) {
        int r;

        r = add_identifiers(l->filter, value);
        if (r != -EINVAL)
                return r;

        wrong(l, "filter", key, "at most %u identifiers are possible.", FILTER_IDENTIFIERS_MAX);
        return 0;
}

static int set_text(Loader *l, const char *key, const char *value) {
        if (streq(value, "line"))
                l->filter->text = FILTER_TEXT_LINE;
        else if (!streq(value, "message"))
                wrong(l, "filter", key, "\"%s\" should be message or line.", value);

        return 0;
}

static int set_session(Loader *l, const char *key, const char *value) {
        Filter *f = l->filter;
        int field = entry_field_from_string(value, strlen(value));

        if (streq(value, "capture"))
                f->session = FILTER_SESSION_CAPTURE;
        else if (field < 0 || field == ENTRY_MESSAGE)
                wrong(l,
                                "filter",
                                key,
                                "\"%s\" is not a journal field that makes a session; it should "
                                "be _PID, SYSLOG_PID or the like, or capture.",
                                value);
        else {
                f->session = FILTER_SESSION_FIELD;
                f->session_field = (EntryField) field;
        }

        return 0;
}

static int set_clear(Loader *l, const char *key, const char *value) {
        if (streq(value, "address"))
                l->filter->clears_address = true;
        else if (!streq(value, "session"))
                wrong(l, "filter", key, "\"%s\" should be session or address.", value);

        return 0;
}

static int set_spoofable(Loader *l, const char *key, const char *value) {
        if (parse_bool(value, &l->filter->spoofable) < 0)
                wrong(l, "filter", key, "\"%s\" should be yes or no.", value);

        return 0;
}

static const struct {
        const char *name;
        int (*set)(Loader *l, const char *key, const char *value);
} filter_keys[] = {
        { "description", set_description },
        { "units", set_units },
        { "journal", set_journal },
        { "namespace", set_namespace },
        { "require", set_require },
        { "identifiers", set_identifiers },
        { "text", set_text },
        { "session", set_session },
        { "clear", set_clear },
        { "spoofable", set_spoofable },
};

static int set_key(const char *key, const char *value, void *userdata) {
        const char *names[ELEMENTSOF(filter_keys) + 1] = {};
        Loader *l = userdata;
        const char *nearest;

        for (size_t i = 0; i < ELEMENTSOF(filter_keys); i++) {
                if (streq(key, filter_keys[i].name))
                        return filter_keys[i].set(l, key, value);
                names[i] = filter_keys[i].name;
        }

        nearest = suggest_word(key, names);
        if (nearest)
                wrong(l, "filter", key, "unknown key; did you mean %s?", nearest);
        else
                wrong(l,
                                "filter",
                                key,
                                "unknown key; known are description, units, journal, namespace, "
                                "require, identifiers, text, session, clear and spoofable.");
        return 0;
}

/* Sections */

/* Splits "fail.ddos". Returns the kind of its patterns, with the group; or -EINVAL. */
static int parse_section(const char *section, const char **ret_group) {
        size_t n = strcspn(section, ".");

        for (size_t i = 0; i < ELEMENTSOF(section_names); i++)
                if (strlen(section_names[i]) == n && memcmp(section, section_names[i], n) == 0) {
                        *ret_group = section[n] ? section + n + 1 : section + n;
                        return (int) i;
                }

        return -EINVAL;
}

static void refuse_section(Loader *l, const char *section) {
        const char *names[_PATTERN_KIND_MAX + 3] = { "filter", "define" };
        char word[64];
        const char *nearest;

        (void) snprintf(word, sizeof(word), "%.*s", (int) strcspn(section, "."), section);
        for (size_t i = 0; i < ELEMENTSOF(section_names); i++)
                names[i + 2] = section_names[i];

        nearest = suggest_word(word, names);
        if (nearest)
                wrong(l, section, NULL, "unknown section; did you mean [%s]?", nearest);
        else
                wrong(l,
                                section,
                                NULL,
                                "unknown section; known are [filter], [define], [prefix], "
                                "[ignore], [begin], [fail], [once], [clear] and [context].");
}

static void check_section(Loader *l, const char *section) {
        const char *group;
        int kind;

        if (streq(section, "filter") || streq(section, "define"))
                return;

        kind = parse_section(section, &group);
        if (kind < 0) {
                refuse_section(l, section);
                return;
        }
        if (!strchr(section, '.'))
                return;

        if (kind == PATTERN_PREFIX)
                wrong(l, section, NULL, "prefixes have no groups; they serve all patterns.");
        else if (streq(group, GROUP_NORMAL) || streq(group, GROUP_ALL))
                wrong(l,
                                section,
                                NULL,
                                "\"%s\" cannot be the name of a group: jails mean %s by it.",
                                group,
                                streq(group, GROUP_ALL) ? "all of them" : "none");
        else if (isempty(group) || strlen(group) > GROUP_NAME_MAX ||
                        strspn(group, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(group))
                wrong(l,
                                section,
                                NULL,
                                "the name of a group should be up to %u letters, digits, \"-\" "
                                "and \"_\".",
                                GROUP_NAME_MAX);
}

/* Reads the patterns of one kind, of all groups in the order of the file. */
static int load_kind(Loader *l, PatternKind kind) {
        l->kind = kind;

        for (size_t i = 0; i < ini_n_sections(l->ini); i++) {
                int r;

                l->section = ini_get_section(l->ini, i);
                if (parse_section(l->section, &l->group) != (int) kind)
                        continue;

                r = ini_foreach(l->ini, l->section, add_pattern, l);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int load_patterns(Loader *l) {
        /* What is to be passed over is asked first. */
        static const PatternKind order[] = {
                PATTERN_PREFIX,
                PATTERN_IGNORE,
                PATTERN_BEGIN,
                PATTERN_FAIL,
                PATTERN_ONCE,
                PATTERN_CLEAR,
                PATTERN_CONTEXT,
        };
        static_assert(ELEMENTSOF(order) == _PATTERN_KIND_MAX, "every kind is read");

        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                int r = load_kind(l, order[i]);

                if (r < 0)
                        return r;
        }

        return 0;
}

/* What only the file as a whole shows. */
static void check_filter(Loader *l) {
        const Filter *f = l->filter;
        bool fails = false;

        if (!isempty(f->units) && !isempty(f->journal))
                wrong(l,
                                "filter",
                                "journal",
                                "units and journal cannot both be there; write the units as "
                                "_SYSTEMD_UNIT=... terms.");

        for (size_t i = 0; i < f->n_prefixes; i++)
                check_pattern(l, &f->prefixes[i]);
        for (size_t i = 0; i < f->n_patterns; i++) {
                check_pattern(l, &f->patterns[i]);
                fails |= f->patterns[i].kind == PATTERN_FAIL || f->patterns[i].kind == PATTERN_ONCE;
        }

        /* What is missing may be among what was refused. */
        if (l->sink->n_problems > l->n_before)
                return;

        if (f->session == FILTER_SESSION_CAPTURE && !any_has_group(f, "session"))
                wrong(l, "filter", "session", "no pattern has a <SESSION> that would capture it.");
        if (!fails)
                wrong(l,
                                NULL,
                                NULL,
                                "the filter has no pattern in [fail] or [once], so it can "
                                "recognise nothing.");
}

static int filter_new(Filter **ret, const char *name, const char *path) {
        _cleanup_(filter_freep) Filter *f = NULL;
        int r;

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

        *ret = TAKE_PTR(f);
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

        r = ini_load(&ini, path, error);
        if (r < 0) {
                problem_report(sink, path, NULL, NULL, "%s", error);
                return r == -ENOMEM ? r : -EINVAL;
        }

        r = filter_new(&f, name, path);
        if (r < 0)
                return r;

        l = (Loader){ .filter = f, .ini = ini, .sink = sink, .n_before = sink->n_problems };

        for (size_t i = 0; i < ini_n_sections(ini); i++)
                check_section(&l, ini_get_section(ini, i));

        r = ini_foreach(ini, "filter", set_key, &l);
        if (r >= 0)
                r = load_patterns(&l);
        if (r < 0)
                return r;

        check_filter(&l);
        if (sink->n_problems > l.n_before)
                return -EINVAL;

        *ret = TAKE_PTR(f);
        return 0;
}
