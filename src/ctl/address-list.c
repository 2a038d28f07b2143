/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * All of a list is read before anything is done with it: whoever has a mistake in the middle wants
 * to know that first.
 */

#include "ctl/address-list.h"

#include "base/log.h"

/* Addresses in all lists; about as many bans as a machine can have. */
#define ADDRESSES_MAX (16u * 1024 * 1024)

/* Bytes of a line, with its comment. */
#define LINE_SIZE 4096

/* Mistakes that are told one by one. */
#define MISTAKES_SHOWN 10

void address_list_done(AddressList *l) {
        free(l->addresses);
        *l = (AddressList){};
}

static int add(AddressList *l, const Address *a) {
        if (l->n == ADDRESSES_MAX)
                return -E2BIG;

        if (l->n == l->n_allocated) {
                size_t n = MAX(2 * l->n_allocated, (size_t) 64);
                Address *addresses = reallocarray(l->addresses, n, sizeof(*addresses));

                if (!addresses)
                        return -ENOMEM;
                l->addresses = addresses;
                l->n_allocated = n;
        }

        l->addresses[l->n++] = *a;
        return 0;
}

static void report_mistake(AddressList *l, const char *name, size_t line, const char *text) {
        char where[24] = "";

        if (l->n_mistakes++ >= MISTAKES_SHOWN)
                return;

        if (line > 0)
                (void) snprintf(where, sizeof(where), ":%zu: ", line);
        log_error("%s%s\"%s\" is neither an address nor a prefix such as 192.0.2.0/24.",
                        line > 0 ? name : "",
                        where,
                        text);
}

/* A line of a list: the first word, and nothing behind it but a comment. Whatever else is on it
 * belongs to no address, and is told as it is but for what a terminal would obey. */
static int add_line(AddressList *l, char *line, const char *name, size_t number) {
        char *begin = line + strspn(line, " \t"), *end;
        Address a;

        end = begin + strcspn(begin, "#;\r\n");
        while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
        *end = '\0';

        if (begin == end)
                return 0;
        if (address_parse(begin, (size_t) (end - begin), &a) >= 0)
                return add(l, &a);

        for (char *p = begin; *p; p++)
                if ((unsigned char) *p < ' ' || (unsigned char) *p >= 0x7f)
                        *p = '?';
        if (end - begin > 64)
                begin[64] = '\0';
        report_mistake(l, name, number, begin);
        return 0;
}

int address_list_append(AddressList *l, FILE *f, const char *name) {
        char line[LINE_SIZE];
        bool is_continued = false;

        assert(l);
        assert(f);
        assert(name);

        for (size_t number = 1; fgets(line, sizeof(line), f);) {
                bool is_whole = strchr(line, '\n') || feof(f);

                /* What is so long is a comment, or was reported. */
                if (!is_continued) {
                        int r = add_line(l, line, name, number);

                        if (r < 0)
                                return r;
                }
                is_continued = !is_whole;
                number += is_whole;
        }

        return ferror(f) ? (errno > 0 ? -errno : -EIO) : 0;
}

static int append_file(AddressList *l, const char *path) {
        _cleanup_(fclosep) FILE *f = fopen(path, "re");

        if (!f)
                return -errno;
        return address_list_append(l, f, path);
}

static int report_list(int r, const char *name) {
        if (r == -E2BIG)
                log_error("%s: there are more than %u addresses.", name, ADDRESSES_MAX);
        else if (r == -ENOMEM)
                log_oom();
        else
                log_error_errno(r, "Failed to read %s: %m", name);
        return r == -ENOMEM ? EXIT_FAILED : EXIT_USAGE;
}

static int add_argument(AddressList *l, const char *text) {
        Address a;

        if (streq(text, "-"))
                return address_list_append(l, stdin, "standard input");
        if (address_parse(text, strlen(text), &a) >= 0)
                return add(l, &a);

        report_mistake(l, NULL, 0, text);
        return 0;
}

int address_list_read(AddressList *ret, int argc, char **argv, const Options *options) {
        _cleanup_(address_list_done) AddressList l = {};
        int r;

        assert(ret);
        assert(options);

        if (argc == 0 && options->n_files == 0) {
                log_error("Which address?");
                return EXIT_USAGE;
        }

        for (int i = 0; i < argc; i++) {
                r = add_argument(&l, argv[i]);
                if (r < 0)
                        return report_list(r, argv[i]);
        }
        for (size_t i = 0; i < options->n_files; i++) {
                r = append_file(&l, options->files[i]);
                if (r < 0)
                        return report_list(r, options->files[i]);
        }

        if (l.n_mistakes > MISTAKES_SHOWN)
                log_error("And %zu more.", l.n_mistakes - MISTAKES_SHOWN);
        if (l.n_mistakes > 0)
                return EXIT_USAGE;

        *ret = l;
        l = (AddressList){};
        return EXIT_DONE;
}

/* Every address has a dot or a colon, and no jail's name does. */
int address_list_get_jail(int argc, char **argv, const Options *options, const char **ret) {
        bool is_named = argc > 1 && !strpbrk(argv[1], ".:") && !streq(argv[1], "-");
        int r;

        r = options_get_jail(options, is_named ? argv[1] : NULL, ret);
        return r < 0 ? r : is_named;
}

int worst_result(int a, int b) {
        static const int order[] = {
                EXIT_REFUSED,
                EXIT_NOT_ALLOWED,
                EXIT_NOT_RUNNING,
                EXIT_USAGE,
                EXIT_FAILED,
                EXIT_NOT_STORED,
        };

        for (size_t i = 0; i < ELEMENTSOF(order); i++)
                if (a == order[i] || b == order[i])
                        return order[i];

        return EXIT_DONE;
}
