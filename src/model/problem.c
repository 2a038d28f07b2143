/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/problem.h"

#include <stdarg.h>

void problem_report(ProblemSink *sink,
                const char *file,
                const char *section,
                const char *key,
                const char *format,
                ...) {
        char text[PROBLEM_STR_SIZE];
        va_list ap;

        assert(sink);
        assert(file);

        sink->n_problems++;
        if (!sink->handler)
                return;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);

        sink->handler(&(const Problem){ file, section, key, text }, sink->userdata);
}

const char *problem_format(const Problem *p, char buf[static PROBLEM_STR_SIZE]) {
        (void) snprintf(buf,
                        PROBLEM_STR_SIZE,
                        "%s: %s%s%s%s%s%s",
                        p->file,
                        p->section ? "[" : "",
                        p->section ? p->section : "",
                        p->section ? "] " : "",
                        p->key ? p->key : "",
                        p->key ? ": " : "",
                        p->text);
        return buf;
}
