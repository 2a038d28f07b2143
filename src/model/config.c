/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Loading goes in three steps: find the files (a name in a higher directory hides the same name in
 * a lower one, and a link to /dev/null hides it altogether); read them in the order of their names
 * into a list of settings, where later ones replace earlier ones; and make jails of the settings by
 * a table of keys. So each setting knows the file it came from when something is wrong with it.
 */

#include "model/config.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/parse.h"
#include "model/ini.h"

#define FILES_MAX 1024
#define SETTINGS_MAX 16384

const char *const config_default_path[] = {
        "/etc/banjo",
        "/run/banjo",
        "/usr/local/lib/banjo",
        "/usr/lib/banjo",
        NULL,
};

typedef struct Setting {
        char *section;
        char *key;
        char *value;
        const char *file; /* borrowed from Loader.files */
} Setting;

/* Everything known while a configuration is loaded. */
typedef struct Loader {
        const char *const *directories;
        ProblemSink *sink;
        char **files;
        size_t n_files;
        Setting *settings;
        size_t n_settings;
        Config *config;
} Loader;

static void loader_done(Loader *l) {
        for (size_t i = 0; i < l->n_settings; i++) {
                free(l->settings[i].section);
                free(l->settings[i].key);
                free(l->settings[i].value);
        }
        for (size_t i = 0; i < l->n_files; i++)
                free(l->files[i]);
        free(l->settings);
        free(l->files);
}

int firewall_kind_from_string(const char *s) {
        if (streq(s, "nft"))
                return FIREWALL_KIND_NFT;
        if (streq(s, "log") || streq(s, "none"))
                return FIREWALL_KIND_LOG;
        return -EINVAL;
}

static void jail_config_done(JailConfig *j) {
        filter_free(j->filter);
        match_free(j->match);
        allowlist_done(&j->allow);
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

/* Finding files */

static const char *file_name(const char *path) {
        return strrchr(path, '/') + 1;
}

static bool is_masked(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISCHR(st.st_mode);
}

/* Adds a file unless a higher directory has one of that name. Takes the path over. */
static int add_file(Loader *l, size_t n_first, char *path) {
        char **files;

        for (size_t i = n_first; i < l->n_files; i++)
                if (streq(file_name(l->files[i]), file_name(path))) {
                        free(path);
                        return 0;
                }

        files = l->n_files < FILES_MAX ? reallocarray(l->files, l->n_files + 1, sizeof(*files))
                                       : NULL;
        if (!files) {
                free(path);
                return -ENOMEM;
        }

        l->files = files;
        l->files[l->n_files++] = path;
        return 0;
}

static int add_directory(Loader *l, size_t n_first, const char *directory) {
        struct dirent **names = NULL;
        char *path;
        int n, r = 0;

        n = scandir(directory, &names, NULL, alphasort);
        if (n < 0) {
                if (errno == ENOENT)
                        return 0;
                problem_report(l->sink,
                                directory,
                                NULL,
                                NULL,
                                "cannot be read: %s.",
                                strerror(errno));
                return errno == ENOMEM ? -ENOMEM : 0;
        }

        for (int i = 0; i < n; i++) {
                size_t size = strlen(names[i]->d_name);

                if (r >= 0 && names[i]->d_name[0] != '.' && size > strlen(".conf") &&
                                streq(names[i]->d_name + size - strlen(".conf"), ".conf"))
                        r = asprintf(&path, "%s/%s", directory, names[i]->d_name) < 0
                                            ? -ENOMEM
                                            : add_file(l, n_first, path);
                free(names[i]);
        }

        free(names);
        return r;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(file_name(*(char *const *) a), file_name(*(char *const *) b));
}

/* banjo.conf comes first, then conf.d in the order of the names, wherever each lies. */
static int find_files(Loader *l) {
        size_t n_first;
        int r;

        for (size_t i = 0; l->directories[i]; i++) {
                char *path;

                if (asprintf(&path, "%s/banjo.conf", l->directories[i]) < 0)
                        return -ENOMEM;
                if (access(path, F_OK) < 0 && errno == ENOENT) {
                        free(path);
                        continue;
                }
                r = add_file(l, 0, path);
                if (r < 0)
                        return r;
        }

        n_first = l->n_files;
        for (size_t i = 0; l->directories[i]; i++) {
                _cleanup_(freep) char *directory = NULL;

                if (asprintf(&directory, "%s/conf.d", l->directories[i]) < 0)
                        return -ENOMEM;
                r = add_directory(l, n_first, directory);
                if (r < 0)
                        return r;
        }

        if (l->n_files > n_first)
                qsort(l->files + n_first, l->n_files - n_first, sizeof(char *), compare_names);
        return l->n_files > 0 ? 0 : -ENOENT;
}

/* Reading settings */

typedef struct SectionReader {
        Loader *loader;
        const char *section;
        const char *file;
} SectionReader;

static Setting *find_setting(const Loader *l, const char *section, const char *key) {
        for (size_t i = 0; i < l->n_settings; i++)
                if (streq(l->settings[i].section, section) && streq(l->settings[i].key, key))
                        return &l->settings[i];

        return NULL;
}

static int add_setting(const char *key, const char *value, void *userdata) {
        const SectionReader *reader = userdata;
        Loader *l = reader->loader;
        Setting *s, *settings;
        char *copy;

        s = find_setting(l, reader->section, key);
        if (s) {
                copy = strdup(value);
                if (!copy)
                        return -ENOMEM;
                free(s->value);
                s->value = copy;
                s->file = reader->file;
                return 0;
        }

        if (l->n_settings == SETTINGS_MAX)
                return -ENOMEM;
        settings = reallocarray(l->settings, l->n_settings + 1, sizeof(*settings));
        if (!settings)
                return -ENOMEM;
        l->settings = settings;

        s = &l->settings[l->n_settings++];
        *s = (Setting){ strdup(reader->section), strdup(key), strdup(value), reader->file };
        return s->section && s->key && s->value ? 0 : -ENOMEM;
}

static bool is_jail_name(const char *s) {
        return strlen(s) <= 32 && s[0] >= 'a' && s[0] <= 'z' &&
               s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

static int add_jail(Loader *l, const char *name, const char *file) {
        Config *c = l->config;
        JailConfig *jails;

        if (config_get_jail(c, name))
                return 0;
        if (c->n_jails == CONFIG_JAILS_MAX) {
                problem_report(l->sink,
                                file,
                                name,
                                NULL,
                                "there are more than %u jails.",
                                CONFIG_JAILS_MAX);
                return 0;
        }

        jails = reallocarray(c->jails, c->n_jails + 1, sizeof(*jails));
        if (!jails)
                return -ENOMEM;
        c->jails = jails;

        c->jails[c->n_jails] = (JailConfig){
                .name = strdup(name),
                .file = strdup(file),
                .description = strdup(""),
                .maxretry = CONFIG_MAXRETRY_DEFAULT,
                .findtime = CONFIG_FINDTIME_DEFAULT,
                .bantime = CONFIG_BANTIME_DEFAULT,
                .ports = { .protocols = PORT_TCP },
                .allow_local = true,
                .ipv4_prefix = CONFIG_IPV4_PREFIX_DEFAULT,
                .ipv6_prefix = CONFIG_IPV6_PREFIX_DEFAULT,
                .max_addresses = CONFIG_MAX_ADDRESSES_DEFAULT,
                .journal_namespace = strdup(""),
        };
        c->n_jails++;
        return jails[c->n_jails - 1].name && jails[c->n_jails - 1].file &&
                                               jails[c->n_jails - 1].description
                               ? 0
                               : -ENOMEM;
}

static int read_file(Loader *l, const char *file) {
        _cleanup_(ini_freep) Ini *ini = NULL;
        char error[INI_ERROR_SIZE];
        int r;

        if (is_masked(file))
                return 0;

        r = ini_load(&ini, file, error);
        if (r < 0) {
                problem_report(l->sink, file, NULL, NULL, "%s", error);
                return r == -ENOMEM ? r : 0;
        }

        for (size_t i = 0; i < ini_n_sections(ini); i++) {
                SectionReader reader = { l, ini_get_section(ini, i), file };

                if (!streq(reader.section, "banjo") && !streq(reader.section, "default")) {
                        if (!is_jail_name(reader.section)) {
                                problem_report(l->sink,
                                                file,
                                                reader.section,
                                                NULL,
                                                "a jail's name begins with a letter and has at "
                                                "most 32 letters, digits, \"-\" and \"_\".");
                                continue;
                        }
                        r = add_jail(l, reader.section, file);
                        if (r < 0)
                                return r;
                }

                r = ini_foreach(ini, reader.section, add_setting, &reader);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Keys */

/* A parser returns 0, -EINVAL if the value is wrong (the table says what would be right), or
 * -ENOMEM. */
typedef int (*KeyParser)(JailConfig *j, const char *value);

static int parse_enabled(JailConfig *j, const char *value) {
        return parse_bool(value, &j->enabled);
}

static int parse_description(JailConfig *j, const char *value) {
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;
        free(j->description);
        j->description = copy;
        return 0;
}

static int parse_maxretry(JailConfig *j, const char *value) {
        uint64_t n;
        int r;

        r = parse_uint64(value, 1, CONFIG_MAXRETRY_MAX, &n);
        if (r < 0)
                return -EINVAL;

        j->maxretry = (unsigned) n;
        return 0;
}

static int parse_findtime(JailConfig *j, const char *value) {
        usec_t t;

        if (usec_parse_span(value, &t) < 0 || t == 0 || t > CONFIG_FINDTIME_MAX)
                return -EINVAL;

        j->findtime = t;
        return 0;
}

static int parse_bantime(JailConfig *j, const char *value) {
        usec_t t;

        if (usec_parse_span(value, &t) < 0 || t == 0)
                return -EINVAL;

        j->bantime = t;
        return 0;
}

static int parse_protocol(JailConfig *j, const char *value) {
        int r = ports_parse_protocols(value);

        if (r < 0)
                return r;

        j->ports.protocols = (unsigned) r;
        return 0;
}

static int parse_ports(JailConfig *j, const char *value) {
        const char *bad;

        return ports_parse(value, &j->ports, &bad) < 0 ? -EINVAL : 0;
}

static int parse_allow(JailConfig *j, const char *value) {
        const char *bad;
        int r;

        allowlist_done(&j->allow);
        r = allowlist_parse(&j->allow, value, &bad);
        return r == -ENOMEM ? r : r < 0 ? -EINVAL : 0;
}

/* In this order, since ports need the protocol. Keys without a parser need other keys, too, and are
 * read by complete_jail(). */
static const struct {
        const char *key;
        KeyParser parser;
        const char *wanted;
} jail_keys[] = {
        { "enabled", parse_enabled, "yes or no" },
        { "description", parse_description, "a text" },
        { "maxretry", parse_maxretry, "a number from 1 to 1000" },
        { "findtime", parse_findtime, "a time span such as 10min, from 1us to 366d" },
        { "bantime", parse_bantime, "a time span such as 1h, or -1 for good" },
        { "protocol", parse_protocol, "tcp, udp or both" },
        { "ports", parse_ports, "port numbers, ranges such as 6000-6010, service names, or any" },
        { "allow", parse_allow, "addresses and prefixes such as 192.0.2.1 or 2001:db8::/32" },
        { "filter", NULL, NULL },
        { "units", NULL, NULL },
        { "journal", NULL, NULL },
};

static bool is_jail_key(const char *key) {
        for (size_t i = 0; i < ELEMENTSOF(jail_keys); i++)
                if (streq(jail_keys[i].key, key))
                        return true;

        return false;
}

/* What the jail says, or else what [default] says. */
static const Setting *get_setting(const Loader *l, const JailConfig *j, const char *key) {
        const Setting *s = find_setting(l, j->name, key);

        return s ? s : find_setting(l, "default", key);
}

static void refuse_setting(Loader *l, JailConfig *j, const Setting *s, const char *wanted) {
        problem_report(l->sink,
                        s->file,
                        s->section,
                        s->key,
                        "\"%s\" is wrong, it should be %s.",
                        s->value,
                        wanted);
        j->refused = true;
}

static int load_jail_filter(Loader *l, JailConfig *j) {
        const Setting *s = get_setting(l, j, "filter");
        const char *name = s ? s->value : j->name;

        if (!is_jail_name(name)) {
                refuse_setting(l, j, s, "the name of a file in filters/ without .conf");
                return 0;
        }

        for (size_t i = 0; l->directories[i]; i++) {
                _cleanup_(freep) char *path = NULL;
                int r;

                if (asprintf(&path, "%s/filters/%s.conf", l->directories[i], name) < 0)
                        return -ENOMEM;
                if (access(path, F_OK) < 0 && errno == ENOENT)
                        continue;
                if (is_masked(path))
                        break;

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

        problem_report(l->sink,
                        s ? s->file : j->file,
                        j->name,
                        "filter",
                        "there is no filter \"%s\": no filters/%s.conf in the configuration.",
                        name,
                        name);
        j->refused = true;
        return 0;
}

/* What a jail reads: its own journal = or units =, or else its filter's units. */
static int load_jail_match(Loader *l, JailConfig *j) {
        const Setting *journal = find_setting(l, j->name, "journal");
        const Setting *units = find_setting(l, j->name, "units");
        const Setting *s = journal ? journal : units;
        const char *bad;
        int r;

        if (!j->filter)
                return 0;

        r = match_new(&j->match);
        if (r < 0)
                return r;

        if (journal && units) {
                problem_report(l->sink,
                                journal->file,
                                j->name,
                                "journal",
                                "a jail has journal = or units =, not both (units stands in %s).",
                                units->file);
                j->refused = true;
                return 0;
        }

        if (!s && isempty(j->filter->units)) {
                problem_report(l->sink,
                                j->file,
                                j->name,
                                "units",
                                "missing: the filter \"%s\" does not say which units log.",
                                j->filter->name);
                j->refused = true;
                return 0;
        }

        if (journal)
                r = match_parse(j->match, journal->value, &bad);
        else
                r = match_add_units(j->match,
                                units ? units->value : j->filter->units,
                                j->filter->require,
                                &bad);
        if (r == -ENOMEM)
                return r;

        if (r < 0) {
                problem_report(l->sink,
                                s ? s->file : j->filter->path,
                                s ? j->name : "filter",
                                s ? s->key : "units",
                                journal ? "\"%s\" should be terms like _SYSTEMD_UNIT=ssh.service "
                                          "with \"+\" between alternatives; see banjo.conf(5) for "
                                          "the fields."
                                        : "\"%s\" should be names of units like ssh.service or "
                                          "ssh@.service.",
                                bad);
                j->refused = true;
                return 0;
        }

        if (!match_is_trusted(j->match)) {
                problem_report(l->sink,
                                s ? s->file : j->filter->path,
                                j->name,
                                "journal",
                                "every alternative needs a field that a local user cannot forge: "
                                "_SYSTEMD_UNIT, _SYSTEMD_SLICE, _UID or the like.");
                j->refused = true;
        }

        return 0;
}

static int load_jail(Loader *l, JailConfig *j) {
        int r;

        for (size_t i = 0; i < l->n_settings; i++) {
                const Setting *s = &l->settings[i];

                if (!streq(s->section, j->name))
                        continue;

                free(j->file);
                j->file = strdup(s->file);
                if (!j->file)
                        return -ENOMEM;

                if (!is_jail_key(s->key)) {
                        problem_report(l->sink, s->file, s->section, s->key, "unknown key.");
                        j->refused = true;
                }
        }

        for (size_t i = 0; i < ELEMENTSOF(jail_keys); i++) {
                const Setting *s = get_setting(l, j, jail_keys[i].key);

                if (!s || !jail_keys[i].parser)
                        continue;

                r = jail_keys[i].parser(j, s->value);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        refuse_setting(l, j, s, jail_keys[i].wanted);
        }

        if (!j->enabled)
                return 0;

        if (!j->ports.any && j->ports.n_ranges == 0 && !get_setting(l, j, "ports")) {
                problem_report(l->sink,
                                j->file,
                                j->name,
                                "ports",
                                "missing: which ports are closed for whom this jail bans?");
                j->refused = true;
        }

        r = load_jail_filter(l, j);
        if (r >= 0)
                r = load_jail_match(l, j);
        return r;
}

static int load_daemon(Loader *l) {
        static const char *const no_jail_keys[] = { "filter", "units", "journal", "description" };
        Config *c = l->config;

        for (size_t i = 0; i < l->n_settings; i++) {
                const Setting *s = &l->settings[i];

                if (streq(s->section, "default")) {
                        bool known = is_jail_key(s->key);

                        for (size_t j = 0; j < ELEMENTSOF(no_jail_keys); j++)
                                known &= !streq(s->key, no_jail_keys[j]);
                        if (!known)
                                problem_report(l->sink,
                                                s->file,
                                                s->section,
                                                s->key,
                                                "unknown here; it would hold for all jails.");
                        continue;
                }

                if (!streq(s->section, "banjo"))
                        continue;

                if (streq(s->key, "firewall")) {
                        int kind = firewall_kind_from_string(s->value);

                        if (kind >= 0)
                                c->firewall = (FirewallKind) kind;
                        else
                                problem_report(l->sink,
                                                s->file,
                                                s->section,
                                                s->key,
                                                "\"%s\" is wrong, it should be nft or log.",
                                                s->value);
                } else if (streq(s->key, "kill")) {
                        if (parse_bool(s->value, &c->kill) < 0)
                                problem_report(l->sink,
                                                s->file,
                                                s->section,
                                                s->key,
                                                "\"%s\" is wrong, it should be yes or no.",
                                                s->value);
                } else
                        problem_report(l->sink, s->file, s->section, s->key, "unknown key.");
        }

        return 0;
}

int config_load(Config **ret, const char *const *directories, ProblemSink *sink) {
        _cleanup_(loader_done) Loader l = { .directories = directories, .sink = sink };
        _cleanup_(config_freep) Config *c = NULL;
        int r;

        assert(ret);
        assert(directories);
        assert(sink);

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->kill = true;
        l.config = c;

        r = find_files(&l);
        if (r < 0)
                return r;

        for (size_t i = 0; i < l.n_files; i++) {
                r = read_file(&l, l.files[i]);
                if (r < 0)
                        return r;
        }

        r = load_daemon(&l);
        for (size_t i = 0; i < c->n_jails && r >= 0; i++)
                r = load_jail(&l, &c->jails[i]);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}
