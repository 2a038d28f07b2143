/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Loading goes in three steps: config-files finds the files, settings reads them into a table where
 * later ones replace earlier ones, and jails are made of the settings here, by the table of keys in
 * jail-keys. Each setting knows the file it came from, so that whatever is wrong can be named.
 */

#include "model/config.h"

#include "base/strv.h"
#include "base/suggest.h"
#include "model/banjo-keys.h"
#include "model/config-files.h"
#include "model/jail-keys.h"
#include "model/key-hints.h"
#include "model/settings.h"

const char *const config_default_path[] = {
        "/etc/banjo",
        "/run/banjo",
        "/usr/local/lib/banjo",
        "/usr/lib/banjo",
        NULL,
};

/* Everything known while a configuration is loaded. */
typedef struct Loader {
        const char *const *directories;
        ProblemSink *sink;
        Config *config;
        bool whole; /* jails that are not enabled, too */
} Loader;

int firewall_kind_from_string(const char *s) {
        if (streq(s, "nft"))
                return FIREWALL_KIND_NFT;
        if (streq(s, "log") || streq(s, "none"))
                return FIREWALL_KIND_LOG;
        return -EINVAL;
}

static void jail_config_done(JailConfig *j) {
        for (size_t i = 0; i < j->n_weights; i++)
                free(j->weights[i].pattern);
        free(j->weights);
        free(j->bantime_steps);
        filter_free(j->filter);
        match_free(j->match);
        allowlist_done(&j->allow);
        strv_free(j->allow_names);
        strv_free(j->allow_sessions);
        strv_free(j->groups);
        free(j->journal_namespace);
        free(j->description);
        free(j->file);
        free(j->name);
}

Config *config_free(Config *c) {
        if (!c)
                return NULL;

        for (size_t i = 0; i < c->n_jails; i++)
                jail_config_done(&c->jails[i]);
        free(c->jails);
        strv_free(c->devices);
        settings_free(c->settings);
        free(c);
        return NULL;
}

const JailConfig *config_get_jail(const Config *c, const char *name) {
        assert(c);
        assert(name);

        for (size_t i = 0; i < c->n_jails; i++)
                if (streq(c->jails[i].name, name))
                        return &c->jails[i];

        return NULL;
}

bool config_jail_counts(const JailConfig *j, const JailConfig *by) {
        assert(j);
        assert(by);

        return j->source == JAIL_SOURCE_BANS && by->source == JAIL_SOURCE_JOURNAL &&
               (j->spoofable || !by->spoofable);
}

bool config_is_jail_name(const char *s) {
        assert(s);

        return strlen(s) <= 32 && s[0] >= 'a' && s[0] <= 'z' &&
               s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

/* What the jail says, or else what [default] says where this holds for jails. */
static const Setting *get_setting(const Config *c, const JailConfig *j, const char *key) {
        const Setting *s = settings_find(c->settings, j->name, key);
        const JailKey *k = jail_key_find(key);

        assert(k);

        return s || !k->in_default ? s : settings_find(c->settings, "default", key);
}

/* What makes bans longer or wider, the value with which it does not, and what bans then cannot do.
 */
static const struct {
        const char *key;
        const char *off;
        const char *what;
} growing[] = {
        { "bantime_growth", "1", "grow" },
        { "bantime_steps", "", "grow" },
        { "permanent_after", "0", "grow" },
        { "networks", "", "be of networks" },
};

/* Whether the jail does not take over what [default] says. One that has a bantime of its own means
 * that one, and not the general steps; one that is spoofable has no growing bans at all, nor bans
 * of networks. */
static bool is_overruled(const Config *c, const JailConfig *j, const char *key) {
        if (settings_find(c->settings, j->name, key))
                return false;
        if (streq(key, "bantime_steps") &&
                        (settings_find(c->settings, j->name, "bantime") ||
                                        settings_find(c->settings, j->name, "bantime_growth")))
                return true;

        for (size_t i = 0; i < ELEMENTSOF(growing); i++)
                if (streq(key, growing[i].key))
                        return j->spoofable;

        return false;
}

/* What a jail takes from its filter when it says nothing itself. */
static const char *get_filter_value(const JailConfig *j, const char *key) {
        const Filter *f = j->filter;

        if (!f)
                return NULL;
        if (streq(key, "units") && !isempty(f->units))
                return f->units;
        if (streq(key, "journal") && !isempty(f->journal))
                return f->journal;
        if (streq(key, "namespace") && !isempty(f->journal_namespace))
                return f->journal_namespace;
        if (streq(key, "spoofable"))
                return f->spoofable ? "yes" : "no";
        return NULL;
}

void config_get_origin(const Config *c, const JailConfig *j, const char *key, ConfigOrigin *ret) {
        const Setting *s;
        const JailKey *k;
        const char *value;
        bool is_said;

        assert(c);
        assert(j);
        assert(key);
        assert(ret);

        s = is_overruled(c, j, key) ? NULL : get_setting(c, j, key);
        if (s) {
                *ret = (ConfigOrigin){
                        .kind = streq(s->section, j->name) ? ORIGIN_JAIL : ORIGIN_DEFAULT,
                        .value = s->value,
                        .file = s->file,
                };
                return;
        }

        /* One of them stands for both. */
        is_said = (streq(key, "units") && get_setting(c, j, "journal")) ||
                  (streq(key, "journal") && get_setting(c, j, "units"));
        value = is_said ? NULL : get_filter_value(j, key);
        if (value) {
                *ret = (ConfigOrigin){ ORIGIN_FILTER, value, j->filter->path };
                return;
        }

        k = jail_key_find(key);
        value = k->standard;
        if (streq(key, "filter"))
                value = j->name;
        if (k->of_journal && j->source == JAIL_SOURCE_BANS)
                value = NULL;
        *ret = (ConfigOrigin){ ORIGIN_BUILTIN, value, NULL };
}

static int add_jail(Loader *l, const Section *section) {
        Config *c = l->config;
        JailConfig *jails, *j;

        if (c->n_jails == CONFIG_JAILS_MAX) {
                problem_report(l->sink,
                                section->file,
                                section->name,
                                NULL,
                                "there are more than %u jails.",
                                CONFIG_JAILS_MAX);
                return 0;
        }

        jails = reallocarray(c->jails, c->n_jails + 1, sizeof(*jails));
        if (!jails)
                return -ENOMEM;
        c->jails = jails;

        j = &jails[c->n_jails++];
        *j = (JailConfig){
                .name = strdup(section->name),
                .file = strdup(section->file),
                .journal_namespace = strdup(""),
                .refused = section->incomplete,
        };
        if (!j->name || !j->file || !j->journal_namespace)
                return -ENOMEM;
        return jail_key_read_defaults(j);
}

static int add_jails(Loader *l) {
        for (const Section *s = settings_get_sections(l->config->settings); s; s = s->hh.next) {
                const char *hint = section_hint(s->name);
                int r;

                if (streq(s->name, "banjo") || streq(s->name, "default"))
                        continue;

                if (hint || !config_is_jail_name(s->name)) {
                        problem_report(l->sink,
                                        s->file,
                                        s->name,
                                        NULL,
                                        "%s.",
                                        hint
                                                        ?: "a jail's name begins with a letter and has at "
                                                           "most 32 letters, digits, \"-\" and \"_\"");
                        continue;
                }

                r = add_jail(l, s);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Jails: one step after the other */

static void refuse_setting(Loader *l, JailConfig *j, const Setting *s, const char *wanted) {
        setting_refuse(s, s->value, strlen(s->value), wanted, l->sink);
        j->refused = true;
}

static void report_unknown_key(Loader *l, const Setting *s, KeyPlace place) {
        char hint[KEY_HINT_SIZE];

        problem_report(l->sink, s->file, s->section, s->key, "%s", key_hint(s->key, place, hint));
}

static int read_jail_keys(Loader *l, JailConfig *j) {
        const Section *section = settings_find_section(l->config->settings, j->name);

        for (const Setting *s = section->settings; s; s = s->hh.next)
                if (!jail_key_find(s->key)) {
                        report_unknown_key(l, s, KEY_PLACE_JAIL);
                        j->refused = true;
                }

        for (const JailKey *k = jail_keys; k->name; k++) {
                const Setting *s = get_setting(l->config, j, k->name);
                int r;

                if (!s || !k->parse)
                        continue;
                r = jail_key_read(k, j, s, l->sink);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* The nearest name of a filter that there is, or NULL. Points into the list. */
static const char *find_nearest_filter(Loader *l, const char *name, ConfigFiles *filters) {
        char *names[CONFIG_FILES_MAX + 1] = {};
        ProblemSink nobody = {};

        if (config_files_add(filters, l->directories, "filters", &nobody) < 0)
                return NULL;

        for (size_t i = 0; i < filters->n_paths; i++) {
                char *base = (char *) config_file_name(filters->paths[i]);

                base[strlen(base) - strlen(".conf")] = '\0';
                names[i] = base;
        }

        return suggest_word(name, (const char *const *) names);
}

static void report_missing_filter(Loader *l, JailConfig *j, const Setting *s, const char *name) {
        _cleanup_(config_files_done) ConfigFiles filters = {};
        const char *nearest = find_nearest_filter(l, name, &filters);

        problem_report(l->sink,
                        s ? s->file : j->file,
                        j->name,
                        "filter",
                        "there is no filter \"%s\": no filters/%s.conf in the configuration%s%s%s",
                        name,
                        name,
                        nearest ? "; did you mean " : "",
                        nearest ?: "",
                        nearest ? "?" : ".");
        j->refused = true;
}

static int load_jail_filter(Loader *l, JailConfig *j) {
        const Setting *s = get_setting(l->config, j, "filter");
        const char *name = s ? s->value : j->name;
        _cleanup_(freep) char *file = NULL, *path = NULL;
        int r;

        if (!config_is_jail_name(name)) {
                refuse_setting(l, j, s, jail_key_find("filter")->wanted);
                return 0;
        }

        if (asprintf(&file, "filters/%s.conf", name) < 0) {
                file = NULL;
                return -ENOMEM;
        }

        r = config_files_find(&path, l->directories, file);
        if (r == -ENOENT) {
                report_missing_filter(l, j, s, name);
                return 0;
        }
        if (r < 0)
                return r;

        r = filter_load(&j->filter, name, path, l->sink);
        if (r == -EINVAL) {
                problem_report(l->sink,
                                s ? s->file : j->file,
                                j->name,
                                "filter",
                                "the filter \"%s\" (%s) has mistakes.",
                                name,
                                path);
                j->refused = true;
                return 0;
        }
        return r;
}

/* The groups of a filter, each once; at most max of them. */
static size_t list_groups(const Filter *f, const char *ret[], size_t max) {
        size_t n = 0;

        for (size_t i = 0; i < f->n_patterns; i++) {
                const char *group = f->patterns[i].group;
                bool known = isempty(group);

                for (size_t j = 0; j < n && !known; j++)
                        known = streq(ret[j], group);
                if (!known && n < max)
                        ret[n++] = group;
        }

        return n;
}

static void check_groups(Loader *l, JailConfig *j) {
        const Setting *s = get_setting(l->config, j, "groups");
        const char *groups[FILTER_PATTERNS_MAX];
        size_t n = list_groups(j->filter, groups, ELEMENTSOF(groups));

        for (size_t i = 0; j->groups && j->groups[i]; i++) {
                bool known = streq(j->groups[i], "normal") || streq(j->groups[i], "all");
                char list[512] = "";

                for (size_t k = 0; k < n; k++) {
                        size_t used = strlen(list);

                        known |= streq(groups[k], j->groups[i]);
                        (void) snprintf(list + used, sizeof(list) - used, " %s", groups[k]);
                }
                if (known)
                        continue;

                problem_report(l->sink,
                                s->file,
                                s->section,
                                s->key,
                                "the filter \"%s\" has no group \"%s\"; it has%s.",
                                j->filter->name,
                                j->groups[i],
                                n > 0 ? list : " none");
                j->refused = true;
        }
}

static bool is_failure(const Pattern *p) {
        return p->kind == PATTERN_FAIL || p->kind == PATTERN_ONCE;
}

static void check_weights(Loader *l, JailConfig *j) {
        const Setting *s = get_setting(l->config, j, "weight");

        for (size_t i = 0; i < j->n_weights; i++) {
                const char *names[FILTER_PATTERNS_MAX + 1] = {}, *nearest;
                bool known = false;
                size_t n = 0;

                for (size_t k = 0; k < j->filter->n_patterns; k++) {
                        const Pattern *p = &j->filter->patterns[k];

                        if (!is_failure(p))
                                continue;
                        names[n++] = p->name;
                        known |= streq(p->name, j->weights[i].pattern);
                }
                if (known)
                        continue;

                nearest = suggest_word(j->weights[i].pattern, names);
                problem_report(l->sink,
                                s->file,
                                s->section,
                                s->key,
                                "the filter \"%s\" has no pattern \"%s\" for failures%s%s%s",
                                j->filter->name,
                                j->weights[i].pattern,
                                nearest ? "; did you mean " : "",
                                nearest ?: "",
                                nearest ? "?" : ".");
                j->refused = true;
        }
}

static void refuse_growth(Loader *l, JailConfig *j) {
        for (size_t i = 0; i < ELEMENTSOF(growing); i++) {
                const Setting *s = settings_find(l->config->settings, j->name, growing[i].key);

                if (!s || streq(s->value, growing[i].off))
                        continue;
                problem_report(l->sink,
                                s->file,
                                s->section,
                                s->key,
                                "the jail \"%s\" is spoofable, so its bans cannot %s: anybody could "
                                "choose who is banned.",
                                j->name,
                                growing[i].what);
                j->refused = true;
        }
}

/* Whoever can choose the address in a packet would choose whom to ban for good, and with a network
 * more than one victim at once. */
static void check_spoofable(Loader *l, JailConfig *j) {
        static const struct {
                const char *key;
                const char *why;
        } prefixes[] = {
                { "ipv4_prefix", "32" },
                { "ipv6_prefix", "128" },
        };
        const Setting *s;

        if (j->filter && !get_setting(l->config, j, "spoofable"))
                j->spoofable = j->filter->spoofable;
        if (!j->spoofable)
                return;

        s = get_setting(l->config, j, "bantime");
        if (s && j->bantime == USEC_INFINITY) {
                problem_report(l->sink,
                                s->file,
                                s->section,
                                s->key,
                                "the jail \"%s\" is spoofable, so its bans cannot be for good: "
                                "anybody could choose who is banned.",
                                j->name);
                j->refused = true;
        }

        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++) {
                s = settings_find(l->config->settings, j->name, prefixes[i].key);
                if (!s || streq(s->value, prefixes[i].why))
                        continue;
                problem_report(l->sink,
                                s->file,
                                s->section,
                                s->key,
                                "the jail is spoofable, so single addresses are banned and this "
                                "can only be %s.",
                                prefixes[i].why);
                j->refused = true;
        }

        j->ipv4_prefix = 32;
        j->ipv6_prefix = 128;
        refuse_growth(l, j);
}

/* Bans that last as long as this jail says, not as jails do in general. */
static void settle_growth(Loader *l, JailConfig *j) {
        if (is_overruled(l->config, j, "bantime_steps"))
                j->n_bantime_steps = 0;
        if (is_overruled(l->config, j, "bantime_growth"))
                j->bantime_growth = CONFIG_GROWTH_ONE;
        if (is_overruled(l->config, j, "permanent_after"))
                j->permanent_after = 0;
        if (is_overruled(l->config, j, "networks"))
                j->networks.n_limits = 0;
}

static int take_namespace(Loader *l, JailConfig *j) {
        char *copy;

        if (get_setting(l->config, j, "namespace"))
                return 0;

        copy = strdup(j->filter->journal_namespace);
        if (!copy)
                return -ENOMEM;

        free(j->journal_namespace);
        j->journal_namespace = copy;
        return 0;
}

/* What a jail reads: its own journal = or units =, or else what its filter says. */
typedef struct MatchSource {
        bool is_journal;
        const char *value;
        const char *file;
        const char *section;
} MatchSource;

static bool find_match_source(Loader *l, const JailConfig *j, MatchSource *ret) {
        const Setting *journal = get_setting(l->config, j, "journal");
        const Setting *units = get_setting(l->config, j, "units");
        const Setting *s = journal ?: units;
        const Filter *f = j->filter;

        if (s)
                *ret = (MatchSource){ journal, s->value, s->file, s->section };
        else if (!isempty(f->journal))
                *ret = (MatchSource){ true, f->journal, f->path, "filter" };
        else if (!isempty(f->units))
                *ret = (MatchSource){ false, f->units, f->path, "filter" };
        else {
                problem_report(l->sink,
                                j->file,
                                j->name,
                                "units",
                                "missing: the filter \"%s\" does not say which units log.",
                                f->name);
                return false;
        }

        if (journal && units) {
                problem_report(l->sink,
                                journal->file,
                                j->name,
                                "journal",
                                "a jail has journal = or units =, not both (units stands in %s).",
                                units->file);
                return false;
        }

        return true;
}

static int load_jail_match(Loader *l, JailConfig *j) {
        MatchSource source;
        const char *bad;
        int r;

        r = match_new(&j->match);
        if (r < 0)
                return r;

        if (!find_match_source(l, j, &source)) {
                j->refused = true;
                return 0;
        }

        if (source.is_journal)
                r = match_parse(j->match, source.value, &bad);
        else
                r = match_add_units(j->match, source.value, j->filter->require, &bad);
        if (r == -ENOMEM)
                return r;

        if (r < 0) {
                problem_report(l->sink,
                                source.file,
                                source.section,
                                source.is_journal ? "journal" : "units",
                                source.is_journal
                                                ? "\"%s\" should be terms like "
                                                  "_SYSTEMD_UNIT=ssh.service with \"+\" between "
                                                  "alternatives; see banjo.conf(5) for the fields."
                                                : "\"%s\" should be names of units like "
                                                  "ssh.service or ssh@.service.",
                                bad);
                j->refused = true;
        } else if (!match_is_trusted(j->match)) {
                problem_report(l->sink,
                                source.file,
                                source.section,
                                source.is_journal ? "journal" : "units",
                                "every alternative needs a field that a local user cannot forge: "
                                "_SYSTEMD_UNIT, _SYSTEMD_SLICE, _UID or the like.");
                j->refused = true;
        }

        return 0;
}

/* A section that nothing makes a jail is one whose name was mistyped. */
static bool is_stray(Loader *l, const JailConfig *j) {
        _cleanup_(freep) char *file = NULL, *path = NULL;

        if (get_setting(l->config, j, "enabled") || get_setting(l->config, j, "filter") ||
                        get_setting(l->config, j, "source"))
                return false;
        if (asprintf(&file, "filters/%s.conf", j->name) < 0) {
                file = NULL;
                return false;
        }

        return config_files_find(&path, l->directories, file) == -ENOENT;
}

static void report_stray(Loader *l, const JailConfig *j) {
        const char *names[CONFIG_JAILS_MAX + 3] = { "banjo", "default" }, *nearest;
        size_t n = 2;

        for (size_t i = 0; i < l->config->n_jails; i++)
                if (&l->config->jails[i] != j && !is_stray(l, &l->config->jails[i]))
                        names[n++] = l->config->jails[i].name;

        nearest = suggest_word(j->name, names);
        problem_report(l->sink,
                        j->file,
                        j->name,
                        NULL,
                        nearest ? "unknown section; did you mean [%s]?"
                                : "unknown section: a jail is made by enabled = yes and a filter.",
                        nearest);
}

/* A jail that counts bans. It reads nothing, so what says how to read is meant for another. */
static void load_bans_jail(Loader *l, JailConfig *j) {
        for (const JailKey *k = jail_keys; k->name; k++) {
                const Setting *s = k->of_journal ? get_setting(l->config, j, k->name) : NULL;

                if (!s)
                        continue;
                problem_report(l->sink,
                                s->file,
                                s->section,
                                s->key,
                                "a jail with source = bans reads no journal, so it cannot have this.");
                j->refused = true;
        }

        if (j->ports_auto) {
                const Setting *s = get_setting(l->config, j, "ports");

                problem_report(l->sink,
                                s->file,
                                s->section,
                                s->key,
                                "the jail \"%s\" has source = bans, so it has no units that could "
                                "listen anywhere.",
                                j->name);
                j->refused = true;
        }

        check_spoofable(l, j);
        settle_growth(l, j);
}

static int load_jail(Loader *l, JailConfig *j) {
        int r;

        if (is_stray(l, j)) {
                report_stray(l, j);
                j->refused = true;
                return 0;
        }

        r = read_jail_keys(l, j);
        if (r < 0 || (!j->enabled && !l->whole))
                return r;

        if (!get_setting(l->config, j, "ports")) {
                problem_report(l->sink,
                                j->file,
                                j->name,
                                "ports",
                                "missing: which ports are closed for whom this jail bans?");
                j->refused = true;
        }

        if (j->source == JAIL_SOURCE_BANS) {
                load_bans_jail(l, j);
                return 0;
        }

        r = load_jail_filter(l, j);
        if (r < 0 || !j->filter)
                return r;

        check_groups(l, j);
        check_weights(l, j);
        check_spoofable(l, j);
        settle_growth(l, j);
        r = take_namespace(l, j);
        if (r < 0)
                return r;

        return load_jail_match(l, j);
}

static bool has_source(const Config *c, JailSource source) {
        for (size_t i = 0; i < c->n_jails; i++)
                if (c->jails[i].enabled && c->jails[i].source == source)
                        return true;

        return false;
}

/* Jails that count bans live on the others. */
static void check_sources(Loader *l) {
        if (has_source(l->config, JAIL_SOURCE_JOURNAL))
                return;

        for (size_t i = 0; i < l->config->n_jails; i++) {
                JailConfig *j = &l->config->jails[i];

                if (!j->enabled || j->refused)
                        continue;
                problem_report(l->sink,
                                j->file,
                                j->name,
                                "source",
                                "no jail is enabled whose bans could be counted.");
                j->refused = true;
        }
}

/* [banjo] and [default] */

static void report_banjo(Loader *l, const char *key, const char *text) {
        const Setting *s = settings_find(l->config->settings, "banjo", key);

        if (s)
                problem_report(l->sink, s->file, s->section, s->key, "%s", text);
}

/* The hook and its devices go together. */
static void check_devices(Loader *l) {
        Config *c = l->config;

        const Setting *s = settings_find(c->settings, "banjo", "devices");

        if (c->hook == FIREWALL_INGRESS && !c->devices) {
                if (!s || isempty(s->value)) /* or it has been refused */
                        report_banjo(l,
                                        "hook",
                                        "ingress needs the names of devices (devices = eth0 ...).");
                c->hook = FIREWALL_PREROUTING;
        } else if (c->hook != FIREWALL_INGRESS && c->devices) {
                report_banjo(l, "devices", "only hook = ingress is at devices.");
                c->devices = strv_free(c->devices);
        }
}

static void load_banjo(Loader *l) {
        const Section *section = settings_find_section(l->config->settings, "banjo");

        for (const Setting *s = section ? section->settings : NULL; s; s = s->hh.next) {
                const BanjoKey *k = banjo_key_find(s->key);

                if (!k)
                        report_unknown_key(l, s, KEY_PLACE_BANJO);
                else if (k->parse(l->config, s->value) < 0)
                        setting_refuse(s, s->value, strlen(s->value), k->wanted, l->sink);
        }

        check_devices(l);
}

/* The values are read with each jail. */
static void check_default(Loader *l) {
        const Section *section = settings_find_section(l->config->settings, "default");

        for (const Setting *s = section ? section->settings : NULL; s; s = s->hh.next) {
                const JailKey *k = jail_key_find(s->key);

                if (!k || !k->in_default)
                        report_unknown_key(l, s, KEY_PLACE_DEFAULT);
        }
}

static int load(Config **ret, const char *const *directories, bool whole, ProblemSink *sink) {
        _cleanup_(config_freep) Config *c = NULL;
        Loader l = { .directories = directories, .sink = sink, .whole = whole };
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        l.config = c;
        banjo_keys_read_defaults(c);

        r = settings_load(&c->settings, directories, sink);
        if (r >= 0)
                r = add_jails(&l);
        if (r < 0)
                return r;

        load_banjo(&l);
        check_default(&l);
        for (size_t i = 0; i < c->n_jails; i++) {
                r = load_jail(&l, &c->jails[i]);
                if (r < 0)
                        return r;
        }
        check_sources(&l);

        *ret = TAKE_PTR(c);
        return 0;
}

int config_load(Config **ret, const char *const *directories, ProblemSink *sink) {
        assert(ret);
        assert(directories);
        assert(sink);

        return load(ret, directories, false, sink);
}

int config_load_whole(Config **ret, const char *const *directories, ProblemSink *sink) {
        assert(ret);
        assert(directories);
        assert(sink);

        return load(ret, directories, true, sink);
}
