/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/allow-source.h"

#include <ctype.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/strv.h"

bool allow_is_host_name(const char *s, size_t n) {
        bool number = true;
        size_t label = 0;

        assert(s);

        if (n > 0 && s[n - 1] == '.')
                n--;
        if (n == 0 || n > 253)
                return false;

        for (size_t i = 0; i < n; i++)
                if (s[i] == '.') {
                        if (label == 0 || label > 63)
                                return false;
                        label = 0;
                        number = true;
                } else if (isalnum((unsigned char) s[i]) || s[i] == '-' || s[i] == '_') {
                        label++;
                        number &= isdigit((unsigned char) s[i]) != 0;
                } else
                        return false;

        return label > 0 && label <= 63 && !number;
}

int allow_add_word(Allowlist *addresses, char ***names, const char *word, size_t n) {
        Address a;

        assert(addresses);
        assert(names);
        assert(word);

        if (address_parse(word, n, &a) >= 0)
                return allowlist_add(addresses, &a);
        if (!allow_is_host_name(word, n))
                return -EINVAL;

        return strv_append(names, ALLOW_NAMES_MAX, word, n);
}

static int add_line(Allowlist *addresses,
                char ***names,
                const char *line,
                unsigned number,
                char error[static ALLOW_ERROR_SIZE]) {
        const char *word, *more;
        size_t n;
        int r;

        n = parse_word(&line, "\r", &word);
        if (n == 0)
                return 0;

        r = parse_word(&line, "\r", &more) == 0 ? allow_add_word(addresses, names, word, n)
                                                : -EINVAL;
        if (r != -EINVAL)
                return r;

        (void) snprintf(error,
                        ALLOW_ERROR_SIZE,
                        "is wrong in line %u: \"%.*s\" should be one address, prefix or host name.",
                        number,
                        (int) MIN(strlen(word), (size_t) 100),
                        word);
        return -EBADMSG;
}

int allow_add_file(Allowlist *addresses,
                char ***names,
                const char *path,
                char error[static ALLOW_ERROR_SIZE]) {
        _cleanup_(freep) char *text = NULL;
        unsigned number = 1;
        size_t size;
        int r;

        assert(addresses);
        assert(names);
        assert(path);

        r = file_read(path, ALLOW_FILE_MAX, &text, &size);
        if (r == -ENOMEM)
                return r;
        if (r == -EINVAL)
                (void) snprintf(error, ALLOW_ERROR_SIZE, "is not a regular file.");
        else if (r == -EFBIG)
                (void) snprintf(error,
                                ALLOW_ERROR_SIZE,
                                "is larger than %u bytes.",
                                ALLOW_FILE_MAX);
        else if (r < 0)
                (void) snprintf(error, ALLOW_ERROR_SIZE, "cannot be read: %s.", strerror(-r));
        else if (strlen(text) != size)
                (void) snprintf(error, ALLOW_ERROR_SIZE, "is not a text.");
        if (r < 0 || strlen(text) != size)
                return -EBADMSG;

        for (char *line = text, *end; line; line = end, number++) {
                end = strchr(line, '\n');
                if (end)
                        *end++ = '\0';
                line[strcspn(line, "#")] = '\0';

                r = add_line(addresses, names, line, number, error);
                if (r < 0)
                        return r;
        }

        return 0;
}
