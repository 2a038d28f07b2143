/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/config-files.h"

#include <dirent.h>
#include <sys/stat.h>

void config_files_done(ConfigFiles *files) {
        assert(files);

        for (size_t i = 0; i < files->n_paths; i++)
                free(files->paths[i]);
        free(files->paths);
        *files = (ConfigFiles){};
}

const char *config_file_name(const char *path) {
        const char *slash;

        assert(path);

        slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

static bool is_masked(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISCHR(st.st_mode);
}

int config_files_find(char **ret, const char *const *directories, const char *name) {
        assert(ret);
        assert(directories);
        assert(name);

        for (size_t i = 0; directories[i]; i++) {
                _cleanup_(freep) char *path = NULL;

                if (asprintf(&path, "%s/%s", directories[i], name) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                if (access(path, F_OK) < 0 && errno == ENOENT)
                        continue;
                if (is_masked(path))
                        return -ENOENT;

                *ret = TAKE_PTR(path);
                return 0;
        }

        return -ENOENT;
}

static bool is_conf(const char *name) {
        size_t n = strlen(name);

        return name[0] != '.' && n > strlen(".conf") && streq(name + n - strlen(".conf"), ".conf");
}

/* Adds a file unless a higher directory has one of that name. Takes the path over. */
static int add_file(ConfigFiles *files, size_t n_first, char *path, ProblemSink *sink) {
        char **paths;

        for (size_t i = n_first; i < files->n_paths; i++)
                if (streq(config_file_name(files->paths[i]), config_file_name(path))) {
                        free(path);
                        return 0;
                }

        if (files->n_paths == CONFIG_FILES_MAX) {
                problem_report(sink,
                                path,
                                NULL,
                                NULL,
                                "not read: there are more than %u files.",
                                CONFIG_FILES_MAX);
                free(path);
                return 0;
        }

        paths = reallocarray(files->paths, files->n_paths + 1, sizeof(*paths));
        if (!paths) {
                free(path);
                return -ENOMEM;
        }

        files->paths = paths;
        files->paths[files->n_paths++] = path;
        return 0;
}

static int
add_directory(ConfigFiles *files, size_t n_first, const char *directory, ProblemSink *sink) {
        struct dirent **names = NULL;
        int n, r = 0;

        n = scandir(directory, &names, NULL, alphasort);
        if (n < 0) {
                if (errno == ENOENT)
                        return 0;
                if (errno == ENOMEM)
                        return -ENOMEM;
                problem_report(sink, directory, NULL, NULL, "cannot be read: %s.", strerror(errno));
                return 0;
        }

        for (int i = 0; i < n; i++) {
                char *path;

                if (r >= 0 && is_conf(names[i]->d_name))
                        r = asprintf(&path, "%s/%s", directory, names[i]->d_name) < 0
                                            ? -ENOMEM
                                            : add_file(files, n_first, path, sink);
                free(names[i]);
        }

        free(names);
        return r;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(config_file_name(*(char *const *) a), config_file_name(*(char *const *) b));
}

int config_files_add(ConfigFiles *files,
                const char *const *directories,
                const char *folder,
                ProblemSink *sink) {
        size_t n_first, n;
        int r;

        assert(files);
        assert(directories);
        assert(folder);
        assert(sink);

        n_first = files->n_paths;
        for (size_t i = 0; directories[i]; i++) {
                _cleanup_(freep) char *directory = NULL;

                if (asprintf(&directory, "%s/%s", directories[i], folder) < 0) {
                        directory = NULL;
                        return -ENOMEM;
                }
                r = add_directory(files, n_first, directory, sink);
                if (r < 0)
                        return r;
        }

        /* Masks have done their work. */
        n = n_first;
        for (size_t i = n_first; i < files->n_paths; i++)
                if (is_masked(files->paths[i]))
                        free(files->paths[i]);
                else
                        files->paths[n++] = files->paths[i];
        files->n_paths = n;

        if (n > n_first)
                qsort(files->paths + n_first, n - n_first, sizeof(char *), compare_names);
        return 0;
}
