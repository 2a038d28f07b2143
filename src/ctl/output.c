/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/output.h"

#include <inttypes.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/usec.h"
#include "base/utf8.h"

static bool is_terminal = false;
static bool has_colors = false;
static size_t terminal_width = 80;
static pid_t pager_pid = 0;

static const char *const colors[_COLOR_MAX] = {
        [COLOR_BOLD] = "\033[1m",
        [COLOR_GREEN] = "\033[32m",
        [COLOR_YELLOW] = "\033[33m",
        [COLOR_RED] = "\033[31m",
        [COLOR_GREY] = "\033[90m",
};

static size_t read_terminal_width(void) {
        const char *columns = getenv("COLUMNS");
        struct winsize size;
        int n = columns ? atoi(columns) : 0;

        if (n > 0)
                return (size_t) n;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;
        return 80;
}

void output_init(void) {
        const char *term = getenv("TERM");

        is_terminal = isatty(STDOUT_FILENO);
        if (!is_terminal)
                return;

        /* https://no-color.org has the first rule. */
        has_colors = isempty(getenv("NO_COLOR")) && !isempty(term) && !streq(term, "dumb");
        terminal_width = read_terminal_width();
}

bool output_is_terminal(void) {
        return is_terminal;
}

size_t output_width(void) {
        return terminal_width;
}

bool output_is_utf8(void) {
        return streq(nl_langinfo(CODESET), "UTF-8");
}

bool output_wants_remarks(const Options *options) {
        return !options->no_legend && !options->quiet && isatty(STDERR_FILENO);
}

void output_print_wrapped(const char *text, size_t indent) {
        size_t column = indent;

        for (const char *p = text; *p;) {
                size_t blanks = strspn(p, " "), n = strcspn(p + blanks, " "), width = blanks;

                for (size_t i = 0; i < n; i++)
                        width += ((unsigned char) p[blanks + i] & 0xc0) != 0x80;

                if (is_terminal && column + width > terminal_width && column > indent) {
                        (void) printf("\n%*s%.*s", (int) indent, "", (int) n, p + blanks);
                        column = indent + width - blanks;
                } else {
                        (void) printf("%.*s", (int) (blanks + n), p);
                        column += width;
                }
                p += blanks + n;
        }
        (void) putchar('\n');
}

/* NULL for less(1), empty for none. */
static const char *get_pager(void) {
        const char *pager = getenv("BANCTL_PAGER") ?: getenv("PAGER");

        return pager && streq(pager, "cat") ? "" : pager;
}

static void exec_pager(const char *pager, bool wrap) {
        /* Quit if it fits on the screen, show colours, leave the screen as it is; and no shell from
         * inside less, which may run as root. */
        (void) setenv("LESS", wrap ? "FRXMK" : "FRSXMK", false);
        (void) setenv("LESSSECURE", "1", true);

        if (pager)
                (void) execl("/bin/sh", "sh", "-c", pager, (char *) NULL);
        (void) execlp("less", "less", (char *) NULL);
        (void) execlp("cat", "cat", (char *) NULL);
        _exit(EXIT_FAILURE);
}

static void open_pager(const Options *options, bool wrap) {
        const char *pager = get_pager();
        int fds[2];

        if (!is_terminal || options->no_pager || options->json != JSON_OFF ||
                        (pager && isempty(pager)))
                return;
        if (pipe(fds) < 0)
                return;

        (void) fflush(NULL);
        pager_pid = fork();
        if (pager_pid == 0) {
                (void) dup2(fds[0], STDIN_FILENO);
                (void) close(fds[0]);
                (void) close(fds[1]);
                exec_pager(pager, wrap);
        }

        if (pager_pid > 0)
                (void) dup2(fds[1], STDOUT_FILENO);
        (void) close(fds[0]);
        (void) close(fds[1]);
}

void output_open_pager(const Options *options) {
        open_pager(options, false);
}

void output_open_wrapping_pager(const Options *options) {
        open_pager(options, true);
}

int output_close(void) {
        int r = 0;

        if (fflush(stdout) != 0 || ferror(stdout))
                r = errno > 0 ? -errno : -EIO;

        if (pager_pid > 0) {
                (void) fclose(stdout);
                while (waitpid(pager_pid, NULL, 0) < 0 && errno == EINTR)
                        ;
                r = 0; /* a pager that was left early is not a failure */
        }

        return r;
}

const char *color_begin(Color color) {
        return has_colors ? colors[color] : "";
}

const char *color_end(void) {
        return has_colors ? "\033[0m" : "";
}

/* Tables */

Table *table_free(Table *t) {
        if (t)
                scols_unref_table(t);
        return NULL;
}

/* Numbers */

const char *output_format_count(uint64_t n, char buf[static OUTPUT_COUNT_SIZE]) {
        static const char units[] = "kMGTPE";
        size_t i = 0;

        if (n < 100000) {
                (void) snprintf(buf, OUTPUT_COUNT_SIZE, "%" PRIu64, n);
                return buf;
        }

        for (n /= 1000; n >= 10000 && units[i + 1]; i++)
                n /= 1000;
        (void) snprintf(buf, OUTPUT_COUNT_SIZE, "%" PRIu64 "%c", n, units[i]);
        return buf;
}

int table_new(Table **ret, const Options *options, const Column *columns, size_t n_columns) {
        _cleanup_(table_freep) Table *t = NULL;
        bool fits = is_terminal && !options->full;

        assert(ret);
        assert(options);
        assert(columns);

        t = scols_new_table();
        if (!t)
                return -ENOMEM;

        (void) scols_table_enable_colors(t, has_colors);
        (void) scols_table_enable_noheadings(t, options->no_legend);
        (void) scols_table_set_termforce(t, fits ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
        if (fits)
                (void) scols_table_set_termwidth(t, terminal_width);

        for (size_t i = 0; i < n_columns; i++)
                if (!scols_table_new_column(t,
                                    columns[i].name,
                                    0,
                                    (columns[i].right ? SCOLS_FL_RIGHT : 0) |
                                                    (columns[i].truncate ? SCOLS_FL_TRUNC : 0)))
                        return -ENOMEM;

        *ret = TAKE_PTR(t);
        return 0;
}

struct libscols_line *table_add(Table *t) {
        return scols_table_new_line(t, NULL);
}

int table_set(struct libscols_line *line, size_t column, const char *text) {
        /* An empty cell at the end of a line would be hard to see for awk. */
        return line && scols_line_set_data(line, column, isempty(text) ? "-" : text) == 0 ? 0
                                                                                          : -ENOMEM;
}

void table_set_color(struct libscols_line *line, size_t column, Color color) {
        struct libscols_cell *cell = line ? scols_line_get_cell(line, column) : NULL;

        if (cell && has_colors)
                (void) scols_cell_set_color(cell, colors[color]);
}

int table_print(Table *t) {
        return scols_table_is_empty(t) ? 0 : scols_print_table(t);
}

void table_hide_headings(Table *t) {
        (void) scols_table_enable_noheadings(t, true);
}

/* JSON */

static size_t json_flags(const Options *options) {
        return options->json == JSON_PRETTY ? JSON_INDENT(2) : JSON_COMPACT;
}

int json_print(json_t *value, const Options *options) {
        int r;

        if (!value)
                return log_oom();

        r = json_dumpf(value, stdout, json_flags(options) | JSON_ENCODE_ANY);
        json_decref(value);
        if (r < 0 || putchar('\n') == EOF)
                return log_error_errno(-EIO, "Failed to write: %m");

        return 0;
}

int json_print_element(json_t *value, const Options *options, size_t n) {
        int r;

        if (!value)
                return log_oom();

        (void) fputs(n == 0 ? "[" : ",", stdout);
        if (options->json == JSON_PRETTY)
                (void) putchar('\n');
        r = json_dumpf(value, stdout, json_flags(options));
        json_decref(value);
        if (r < 0 || ferror(stdout))
                return log_error_errno(-EIO, "Failed to write: %m");

        return 0;
}

void json_print_end(const Options *options, size_t n) {
        if (n == 0)
                (void) putchar('[');
        else if (options->json == JSON_PRETTY)
                (void) putchar('\n');
        (void) fputs("]\n", stdout);
}

json_t *json_usec(uint64_t usec) {
        return usec == USEC_INFINITY ? json_null() : json_count(usec);
}

json_t *json_text(const char *s) {
        static const char replacement[] = "\xef\xbf\xbd";
        _cleanup_(freep) char *text = NULL;
        size_t used = 0;

        if (!s)
                return json_null();
        if (utf8_is_valid(s))
                return json_string(s);

        text = malloc(strlen(s) * strlen(replacement) + 1);
        if (!text)
                return NULL;

        for (; *s; s++)
                if ((unsigned char) *s < 0x80)
                        text[used++] = *s;
                else {
                        memcpy(text + used, replacement, strlen(replacement));
                        used += strlen(replacement);
                }
        text[used] = '\0';

        return json_string(text);
}

json_t *json_count(uint64_t n) {
        return json_integer((json_int_t) MIN(n, (uint64_t) INT64_MAX));
}
