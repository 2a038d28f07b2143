/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A table of sections, each with a table of its settings. uthash walks a table in the order in
 * which its elements came, so that no list is needed beside it.
 */

#include "model/settings.h"

#include "model/config-files.h"
#include "model/ini.h"

struct Settings {
        ConfigFiles files; /* settings point to their paths */
        Section *sections;
        size_t n_settings;
        ProblemSink *sink; /* only while files are read */
};

static void setting_free(Setting *s) {
        free(s->value);
        free(s->key);
        free(s);
}

static void section_free(Section *section) {
        Setting *s, *next;

        HASH_ITER(hh, section->settings, s, next) {
                HASH_DEL(section->settings, s);
                setting_free(s);
        }

        free(section->name);
        free(section);
}

Settings *settings_free(Settings *s) {
        Section *section, *next;

        if (!s)
                return NULL;

        HASH_ITER(hh, s->sections, section, next) {
                HASH_DEL(s->sections, section);
                section_free(section);
        }

        config_files_done(&s->files);
        free(s);
        return NULL;
}

const Section *settings_get_sections(const Settings *s) {
        assert(s);

        return s->sections;
}

static Section *find_section(const Settings *s, const char *name) {
        Section *section;

        HASH_FIND_STR(s->sections, name, section);
        return section;
}

static Setting *find_setting(const Section *section, const char *key) {
        Setting *setting;

        HASH_FIND_STR(section->settings, key, setting);
        return setting;
}

const Section *settings_find_section(const Settings *s, const char *section) {
        assert(s);
        assert(section);

        return find_section(s, section);
}

const Setting *settings_find(const Settings *s, const char *section, const char *key) {
        const Section *found;

        assert(s);
        assert(section);
        assert(key);

        found = find_section(s, section);
        return found ? find_setting(found, key) : NULL;
}

/* What is handed through while one section of one file is read. */
typedef struct SectionReader {
        Settings *settings;
        Section *section;
        const char *file;
} SectionReader;

static int replace_value(Setting *s, const char *value, const char *file) {
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;

        free(s->value);
        s->value = copy;
        s->file = file;
        return 0;
}

static int add_setting(const char *key, const char *value, void *userdata) {
        const SectionReader *reader = userdata;
        Section *section = reader->section;
        Settings *settings = reader->settings;
        Setting *s;

        s = find_setting(section, key);
        if (s)
                return replace_value(s, value, reader->file);

        if (settings->n_settings == SETTINGS_MAX) {
                if (!section->incomplete)
                        problem_report(settings->sink,
                                        reader->file,
                                        section->name,
                                        key,
                                        "not read: there are more than %u settings.",
                                        SETTINGS_MAX);
                section->incomplete = true;
                return 0;
        }

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        *s = (Setting){ strdup(key), strdup(value), section->name, reader->file };
        if (s->key && s->value) {
                s->in_table = true;
                HASH_ADD_KEYPTR(hh, section->settings, s->key, strlen(s->key), s);
        }
        if (!s->in_table) {
                setting_free(s);
                return -ENOMEM;
        }

        settings->n_settings++;
        return 0;
}

/* Returns 1 and the section, 0 if it does not fit, or -ENOMEM. */
static int get_section(Settings *settings, const char *name, const char *file, Section **ret) {
        Section *section = find_section(settings, name);

        if (section) {
                *ret = section;
                return 1;
        }

        if (HASH_COUNT(settings->sections) == SETTINGS_SECTIONS_MAX) {
                problem_report(settings->sink,
                                file,
                                name,
                                NULL,
                                "not read: there are more than %u sections.",
                                SETTINGS_SECTIONS_MAX);
                return 0;
        }

        section = calloc(1, sizeof(*section));
        if (!section)
                return -ENOMEM;
        section->name = strdup(name);
        if (section->name) {
                section->in_table = true;
                HASH_ADD_KEYPTR(hh, settings->sections, section->name, strlen(name), section);
        }
        if (!section->in_table) {
                section_free(section);
                return -ENOMEM;
        }

        *ret = section;
        return 1;
}

static int read_file(Settings *settings, const char *file) {
        _cleanup_(ini_freep) Ini *ini = NULL;
        char error[INI_ERROR_SIZE];
        int r;

        r = ini_load(&ini, file, error);
        if (r < 0) {
                problem_report(settings->sink, file, NULL, NULL, "%s", error);
                return r == -ENOMEM ? r : 0;
        }

        for (size_t i = 0; i < ini_n_sections(ini); i++) {
                const char *name = ini_get_section(ini, i);
                SectionReader reader = { .settings = settings, .file = file };

                r = get_section(settings, name, file, &reader.section);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;

                reader.section->file = file;
                r = ini_foreach(ini, name, add_setting, &reader);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* banjo.conf comes first, then conf.d in the order of the names, wherever each lies. */
static int find_files(ConfigFiles *files, const char *const *directories, ProblemSink *sink) {
        char *path;
        int r;

        r = config_files_find(&path, directories, "banjo.conf");
        if (r == -ENOMEM)
                return r;
        if (r >= 0) {
                files->paths = calloc(1, sizeof(*files->paths));
                if (!files->paths) {
                        free(path);
                        return -ENOMEM;
                }
                files->paths[files->n_paths++] = path;
        }

        r = config_files_add(files, directories, "conf.d", sink);
        if (r < 0)
                return r;

        return files->n_paths > 0 ? 0 : -ENOENT;
}

int settings_load(Settings **ret, const char *const *directories, ProblemSink *sink) {
        _cleanup_(settings_freep) Settings *s = NULL;
        int r;

        assert(ret);
        assert(directories);
        assert(sink);

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->sink = sink;

        r = find_files(&s->files, directories, sink);
        if (r < 0)
                return r;

        for (size_t i = 0; i < s->files.n_paths; i++) {
                r = read_file(s, s->files.paths[i]);
                if (r < 0)
                        return r;
        }

        s->sink = NULL;
        *ret = TAKE_PTR(s);
        return 0;
}
