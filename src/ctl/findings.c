/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/findings.h"

#include <stdarg.h>

#include "base/log.h"

void findings_done(Findings *f) {
        assert(f);

        for (size_t i = 0; i < f->n_findings; i++) {
                free(f->findings[i].file);
                free(f->findings[i].section);
                free(f->findings[i].key);
                free(f->findings[i].text);
                free(f->findings[i].pattern);
        }
        free(f->findings);
        *f = (Findings){};
}

static bool equal(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

static bool is_known(const Findings *f, const Finding *new) {
        for (size_t i = 0; i < f->n_findings; i++) {
                const Finding *old = &f->findings[i];

                if (equal(old->key, new->key) && equal(old->section, new->section) &&
                                equal(old->file, new->file) && equal(old->text, new->text))
                        return true;
        }

        return false;
}

static bool copy(char **ret, const char *s) {
        *ret = s ? strdup(s) : NULL;
        return !s || *ret;
}

Finding *findings_add(Findings *f,
                bool is_warning,
                const char *file,
                const char *section,
                const char *key,
                const char *format,
                ...) {
        Finding new = { .is_warning = is_warning }, *findings;
        bool known = false, ok;
        va_list ap;

        assert(f);
        assert(file);

        va_start(ap, format);
        if (vasprintf(&new.text, format, ap) < 0)
                new.text = NULL;
        va_end(ap);

        ok = new.text &&copy(&new.file, file) && copy(&new.section, section) && copy(&new.key, key);
        if (ok)
                known = is_known(f, &new);
        findings = ok && !known ? reallocarray(f->findings, f->n_findings + 1, sizeof(*findings))
                                : NULL;
        if (!findings) {
                free(new.file);
                free(new.section);
                free(new.key);
                free(new.text);
                f->no_memory |= !known;
                return NULL;
        }

        f->findings = findings;
        findings[f->n_findings] = new;
        return &findings[f->n_findings++];
}

void findings_collect(const Problem *p, void *userdata) {
        (void) findings_add(userdata, false, p->file, p->section, p->key, "%s", p->text);
}

const char *const *config_directories(const Options *options, const char *buf[static 2]) {
        if (!options->config_dir)
                return config_default_path;

        buf[0] = options->config_dir;
        buf[1] = NULL;
        return buf;
}

int findings_load_config(Findings *f, Config **ret, const Options *options) {
        ProblemSink sink = { .handler = findings_collect, .userdata = f };
        const char *buf[2];
        int r;

        r = config_load_whole(ret, config_directories(options, buf), &sink);
        if (r == -ENOENT) {
                log_error("There is no configuration: no banjo.conf and no conf.d/*.conf in %s.",
                                options->config_dir ?: "/etc/banjo or /usr/lib/banjo");
                return EXIT_FAILED;
        }
        if (r < 0) {
                log_error_errno(r, "Failed to load the configuration: %m");
                return EXIT_FAILED;
        }

        return EXIT_DONE;
}
