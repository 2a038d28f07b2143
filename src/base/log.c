/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whether stderr is the journal is told by JOURNAL_STREAM, which holds device and inode of the
 * socket that systemd connected. A child whose stderr was redirected since then has the variable
 * but not the socket, so both are compared, as systemd.exec(5) asks for.
 */

#include "base/log.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define LOG_LINE_MAX 2048
#define LOG_FIELDS_MAX 32

static const char *log_name = NULL;
static int log_max_level = LOG_INFO;
static bool log_to_journal = false;

static const char *const level_names[] = {
        [LOG_EMERG] = "emerg",
        [LOG_ALERT] = "alert",
        [LOG_CRIT] = "crit",
        [LOG_ERR] = "err",
        [LOG_WARNING] = "warning",
        [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info",
        [LOG_DEBUG] = "debug",
};

void log_setup(const char *name) {
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        log_name = name;
        log_to_journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
                         fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
                         st.st_ino == inode;
}

bool log_is_journal(void) {
        return log_to_journal;
}

void log_set_max_level(int level) {
        log_max_level = level;
}

int log_get_max_level(void) {
        return log_max_level;
}

int log_level_from_string(const char *s) {
        for (size_t i = 0; i < ELEMENTSOF(level_names); i++)
                if (streq(s, level_names[i]))
                        return (int) i;

        return -EINVAL;
}

const char *log_level_to_string(int level) {
        assert(level >= 0 && (size_t) level < ELEMENTSOF(level_names));

        return level_names[level];
}

static void log_to_stderr(const char *text) {
        if (log_name)
                (void) fprintf(stderr, "%s: %s\n", log_name, text);
        else
                (void) fprintf(stderr, "%s\n", text);
}

static int journal_send(int level, const char *const *fields, const char *text) {
        char message[LOG_LINE_MAX + 16], priority[16], identifier[64];
        struct iovec iov[LOG_FIELDS_MAX + 3];
        size_t n = 0;

        (void) snprintf(message, sizeof(message), "MESSAGE=%s", text);
        (void) snprintf(priority, sizeof(priority), "PRIORITY=%i", level);
        (void) snprintf(identifier, sizeof(identifier), "SYSLOG_IDENTIFIER=%s", log_name);

        iov[n++] = (struct iovec){ message, strlen(message) };
        iov[n++] = (struct iovec){ priority, strlen(priority) };
        iov[n++] = (struct iovec){ identifier, strlen(identifier) };
        for (; fields && *fields && n < ELEMENTSOF(iov); fields++)
                iov[n++] = (struct iovec){ (char *) *fields, strlen(*fields) };

        return sd_journal_sendv(iov, (int) n);
}

static void log_line(int level, const char *const *fields, const char *text) {
        if (!log_to_journal || journal_send(level, fields, text) < 0)
                log_to_stderr(text);
}

int log_internal(int level, int error, const char *format, ...) {
        char text[LOG_LINE_MAX];
        va_list ap;

        if (level > log_max_level)
                return error;

        errno = -error;
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);

        log_line(level, NULL, text);
        return error;
}

int log_with_fields(int level, const char *const *fields, const char *format, ...) {
        char text[LOG_LINE_MAX];
        va_list ap;

        if (level > log_max_level)
                return 0;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);

        log_line(level, fields, text);
        return 0;
}
