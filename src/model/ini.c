/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * iniparser reports errors through one process-wide callback, with a format of its own, and goes on
 * to the next line; the first report is kept for the caller. It takes whatever is a path, so what
 * is no regular file (a fifo would block) or is too large is refused before.
 *
 * Up to 4.1 a backslash within quotes is a backslash, from 4.2 on it takes the next character's
 * meaning away. Patterns are full of them. So iniparser gets a copy of the file, in memory, with
 * another byte in their place, one that no file may contain, and the values get them back. Only
 * the backslash that continues a line stays.
 */

#include "model/ini.h"

#include <iniparser/iniparser.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "base/file.h"

#define BACKSLASH_STAND_IN '\x01'

struct Ini {
        dictionary *dict;
};

static char first_error[INI_ERROR_SIZE];

/* "iniparser: syntax error in FILE (LINE):\n-> TEXT\n" and "iniparser: input line too long in FILE
 * (LINE)\n" become one line without the parser's name and the file's, which the caller adds. */
static int _printf_(1, 2) keep_error(const char *format, ...) {
        char text[1024], *s = text, *in, *line;
        va_list ap;

        if (first_error[0])
                return 0;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);

        if (startswith(s, "iniparser: "))
                s += strlen("iniparser: ");
        s[strcspn(s, "\n")] = '\0';

        in = strstr(s, " in ");
        line = in ? strrchr(in, '(') : NULL;
        if (line) {
                *in = '\0';
                line[strcspn(line, ")")] = '\0';
                (void) snprintf(first_error,
                                sizeof(first_error),
                                "line %.20s: %.100s (wanted is \"key = value\", \"[section]\" or a "
                                "comment, in lines of at most 1000 bytes).",
                                line + 1,
                                s);
        } else
                (void) snprintf(first_error, sizeof(first_error), "%.200s.", s);

        return 0;
}

/* Returns 0, or the number of the line with a byte that no text has. */
static unsigned find_control_byte(const char *text, size_t size) {
        unsigned line = 1;

        for (size_t i = 0; i < size; i++) {
                if (text[i] == '\n')
                        line++;
                if ((unsigned char) text[i] < ' ' && !strchr("\t\n\f\r", text[i]))
                        return line;
                if (text[i] == '\0')
                        return line;
        }

        return 0;
}

static void hide_backslashes(char *text) {
        for (char *p = strchr(text, '\\'); p; p = strchr(p + 1, '\\'))
                if (p[1 + strspn(p + 1, " \t\r")] != '\n')
                        *p = BACKSLASH_STAND_IN;
}

static void restore_backslashes(dictionary *d) {
        for (ssize_t i = 0; i < (ssize_t) d->size; i++)
                for (char *p = d->key[i] ? d->val[i] : NULL; p && *p; p++)
                        if (*p == BACKSLASH_STAND_IN)
                                *p = '\\';
}

/* iniparser 4.1 reads nothing but what has a path. */
static int load_text(const char *text, size_t size, dictionary **ret) {
        _cleanup_(closep) int fd = -1;
        char path[64];

        fd = memfd_create("banjo-ini", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;

        for (size_t done = 0; done < size;) {
                ssize_t n = write(fd, text + done, size - done);

                if (n < 0)
                        return -errno;
                done += (size_t) n;
        }

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%i", fd);
        first_error[0] = '\0';
        iniparser_set_error_callback(keep_error);
        *ret = iniparser_load(path);
        iniparser_set_error_callback(NULL);
        return *ret ? 0 : -EINVAL;
}

/* iniparser keeps a key that stands in front of the first section under "", where nobody looks. */
static const char *find_homeless_key(const dictionary *d) {
        for (ssize_t i = 0; i < (ssize_t) d->size; i++)
                if (d->key[i] && d->key[i][0] == ':')
                        return d->key[i] + 1;

        return NULL;
}

int ini_load(Ini **ret, const char *path, char error[static INI_ERROR_SIZE]) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(ini_freep) Ini *ini = NULL;
        const char *homeless;
        unsigned line;
        size_t size = 0;
        int r;

        assert(ret);
        assert(path);

        r = file_read(path, INI_FILE_MAX, &text, &size);
        if (r == -EINVAL)
                (void) snprintf(error, INI_ERROR_SIZE, "not a regular file.");
        else if (r < 0)
                (void) snprintf(error, INI_ERROR_SIZE, "cannot be read: %s.", strerror(-r));
        if (r < 0)
                return r;

        line = find_control_byte(text, size);
        if (line > 0) {
                (void) snprintf(error, INI_ERROR_SIZE, "line %u: a control character.", line);
                return -EINVAL;
        }

        ini = calloc(1, sizeof(*ini));
        if (!ini) {
                (void) snprintf(error, INI_ERROR_SIZE, "out of memory.");
                return -ENOMEM;
        }

        hide_backslashes(text);
        r = load_text(text, size, &ini->dict);
        if (r < 0) {
                (void) snprintf(error,
                                INI_ERROR_SIZE,
                                "%s",
                                first_error[0] ? first_error : "cannot be parsed.");
                return r;
        }
        restore_backslashes(ini->dict);

        homeless = find_homeless_key(ini->dict);
        if (homeless) {
                (void) snprintf(error,
                                INI_ERROR_SIZE,
                                "\"%.100s\" stands in front of the first [section].",
                                homeless);
                return -EINVAL;
        }

        *ret = TAKE_PTR(ini);
        return 0;
}

Ini *ini_free(Ini *ini) {
        if (!ini)
                return NULL;

        if (ini->dict)
                iniparser_freedict(ini->dict);
        free(ini);
        return NULL;
}

size_t ini_n_sections(const Ini *ini) {
        int n;

        assert(ini);

        n = iniparser_getnsec(ini->dict);
        return n > 0 ? (size_t) n : 0;
}

const char *ini_get_section(const Ini *ini, size_t i) {
        assert(ini);

        return iniparser_getsecname(ini->dict, (int) i);
}

const char *ini_get(const Ini *ini, const char *section, const char *key) {
        char name[512];
        int n;

        assert(ini);

        n = snprintf(name, sizeof(name), "%s:%s", section, key);
        if (n < 0 || (size_t) n >= sizeof(name))
                return NULL;

        return iniparser_getstring(ini->dict, name, NULL);
}

int ini_foreach(const Ini *ini, const char *section, IniHandler handler, void *userdata) {
        _cleanup_(freep) const char **keys = NULL;
        int n;

        assert(ini);
        assert(section);
        assert(handler);

        n = iniparser_getsecnkeys(ini->dict, section);
        if (n <= 0)
                return 0;

        keys = calloc((size_t) n, sizeof(*keys));
        if (!keys)
                return -ENOMEM;
        if (!iniparser_getseckeys(ini->dict, section, keys))
                return 0;

        for (int i = 0; i < n; i++) {
                const char *value = iniparser_getstring(ini->dict, keys[i], NULL);
                int r;

                r = handler(keys[i] + strlen(section) + 1, value ? value : "", userdata);
                if (r < 0)
                        return r;
        }

        return 0;
}
