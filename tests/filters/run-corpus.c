/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * run-corpus [--update] FILTER CORPUS
 *
 * Runs the lines of a corpus through a filter, and compares. Every pattern of the filter has to
 * match some line. README in this directory explains the format.
 *
 * With --update the corpus is written anew: what the filter makes of each entry now, and what
 * counts, with everything else as it was. Its author reads the result.
 */

#include <ctype.h>
#include <libgen.h>
#include <stdarg.h>

#include "base/macro.h"
#include "engine/forgery.h"
#include "engine/jail.h"

#define HOSTS_MAX 64
#define LINE_SIZE 16384
#define GROUPS_MAX 16
#define OUTCOME_SIZE (4 * LINE_SIZE)

/* So high that nobody is ever banned: what is tested here is what counts. */
#define MAXRETRY CONFIG_MAXRETRY_MAX

typedef struct Host {
        Address address;
        unsigned n_counted;
        bool is_told; /* the corpus says how many */
} Host;

typedef struct Run {
        const char *path;
        unsigned line;
        unsigned n_lines;
        unsigned n_wrong;

        JailConfig jail_config;
        const Filter *filter;
        bool *hit; /* by pattern; prefixes behind the others */

        /* Of the block. */
        bool in_block;
        char *groups[GROUPS_MAX + 1];
        char *values[_ENTRY_FIELD_MAX]; /* of fields, as "field" lines set them */
        bool is_set[_ENTRY_FIELD_MAX];
        Jail *jail; /* made by the first entry */
        usec_t now;
        Host hosts[HOSTS_MAX];
        size_t n_hosts;

        /* Of the entry before. */
        bool has_entry;             /* and nothing said what it should be */
        char outcome[OUTCOME_SIZE]; /* "fail 192.0.2.1 user=x" */
        size_t n_plain;             /* bytes of it without fields */
        const char *pattern;
        Address address; /* if the entry has one */

        /* With --update. */
        FILE *out;
        char *text;
        size_t size;
        size_t end; /* of the text behind the last outcome of the block */
} Run;

static void wrong(Run *run, const char *format, ...) _printf_(2, 3);

static void wrong(Run *run, const char *format, ...) {
        va_list ap;

        run->n_wrong++;
        (void) fprintf(stderr, "%s:%u: ", run->path, run->line);
        va_start(ap, format);
        (void) vfprintf(stderr, format, ap);
        va_end(ap);
        (void) fputc('\n', stderr);
}

/* \xHH stands for a byte; other backslashes for themselves. Returns the size of what is left. */
static size_t unescape(char *s) {
        char *out = s;

        for (char *in = s; *in;) {
                char digits[3] = "";

                if (in[0] == '\\' && in[1] == 'x' && isxdigit((unsigned char) in[2]) &&
                                isxdigit((unsigned char) in[3])) {
                        memcpy(digits, in + 2, 2);
                        *out++ = (char) strtoul(digits, NULL, 16);
                        in += 4;
                } else
                        *out++ = *in++;
        }

        *out = '\0';
        return (size_t) (out - s);
}

/* Appends the value as it stands in an outcome line: one word, and unescape() undoes it. */
static void append_escaped(char *buf, size_t size, const char *s, size_t n) {
        size_t used = strlen(buf);

        for (size_t i = 0; i < n && used + 5 < size; i++) {
                bool plain = s[i] > ' ' && s[i] < 0x7f &&
                             !(s[i] == '\\' && i + 1 < n && s[i + 1] == 'x');

                used += (size_t) snprintf(buf + used,
                                size - used,
                                plain ? "%c" : "\\x%02x",
                                (unsigned char) s[i]);
        }
}

static Host *get_host(Run *run, const Address *a) {
        for (size_t i = 0; i < run->n_hosts; i++)
                if (address_equal(&run->hosts[i].address, a))
                        return &run->hosts[i];

        assert(run->n_hosts < HOSTS_MAX);
        run->hosts[run->n_hosts] = (Host){ .address = *a };
        return &run->hosts[run->n_hosts++];
}

static void check_entry_is_told(Run *run) {
        if (run->has_entry && !run->out)
                wrong(run, "the entry before has no line that says what it should be");
        run->has_entry = false;
}

/* With --update: the counted lines stand behind the block's last entry. */
static void put_counted(Run *run) {
        _cleanup_(freep) char *rest = NULL;

        (void) fflush(run->out);
        if (run->end == 0)
                return;
        rest = strdup(run->text + run->end);
        assert(rest);
        (void) fseeko(run->out, (off_t) run->end, SEEK_SET);

        for (size_t i = 0; i < run->n_hosts; i++) {
                char text[ADDRESS_STR_SIZE];

                if (run->hosts[i].n_counted > 0)
                        (void) fprintf(run->out,
                                        "counted %s %u\n",
                                        address_format(&run->hosts[i].address, text),
                                        run->hosts[i].n_counted);
        }
        (void) fputs(rest, run->out);
        (void) fflush(run->out);
        run->end = 0;
}

static void end_block(Run *run) {
        check_entry_is_told(run);

        for (size_t i = 0; i < run->n_hosts && !run->out; i++) {
                char text[ADDRESS_STR_SIZE];

                if (run->hosts[i].n_counted > 0 && !run->hosts[i].is_told)
                        wrong(run,
                                        "the block above has no line \"counted %s %u\"",
                                        address_format(&run->hosts[i].address, text),
                                        run->hosts[i].n_counted);
        }
        if (run->out)
                put_counted(run);

        for (size_t i = 0; i < GROUPS_MAX; i++) {
                free(run->groups[i]);
                run->groups[i] = NULL;
        }
        for (size_t i = 0; i < _ENTRY_FIELD_MAX; i++) {
                free(run->values[i]);
                run->values[i] = NULL;
                run->is_set[i] = false;
        }
        run->n_hosts = 0;
        run->in_block = false;
        run->jail = jail_free(run->jail);
}

/* "groups NAME..." */
static void set_groups(Run *run, char *line) {
        size_t n = 0;

        if (run->jail || !run->in_block)
                wrong(run, "\"groups\" has to stand behind the title, before all entries");

        for (char *word = strtok(line + strlen("groups"), " \t"); word;
                        word = strtok(NULL, " \t")) {
                if (!streq(word, GROUP_NORMAL) && !streq(word, GROUP_ALL) &&
                                !filter_has_group(run->filter, word))
                        wrong(run, "the filter has no group \"%s\"", word);
                if (n < GROUPS_MAX) {
                        free(run->groups[n]);
                        run->groups[n++] = strdup(word);
                }
        }
        if (n == 0)
                wrong(run, "should be \"groups NAME...\"");
}

/* "field NAME=VALUE" */
static void set_field(Run *run, char *line) {
        char *name = line + strlen("field "), *value = strchr(name, '=');
        int field;

        field = value ? entry_field_from_string(name, (size_t) (value - name)) : -EINVAL;
        if (field < 0 || !run->in_block) {
                wrong(run, "should be \"field NAME=VALUE\", behind a title");
                return;
        }

        (void) unescape(++value);
        free(run->values[field]);
        run->values[field] = *value ? strdup(value) : NULL;
        run->is_set[field] = true;
}

static void begin_block(Run *run) {
        end_block(run);
        run->in_block = true;
        run->groups[0] = strdup(GROUP_ALL);
}

static void need_jail(Run *run) {
        char section[PATTERN_SECTION_SIZE];
        MatcherError error;

        if (run->jail)
                return;

        run->jail_config.groups = run->groups;
        if (jail_new(&run->jail, &run->jail_config, &error) < 0) {
                wrong(run,
                                "[%s] %s: %s",
                                pattern_section(error.pattern, section),
                                error.pattern->name,
                                error.text);
                exit(EXIT_FAILURE);
        }
}

/* Writes down what the filter says of the entry by itself. */
static void recognise(Run *run, const Entry *e) {
        char address[ADDRESS_STR_SIZE];
        MatcherResult result;

        run->has_entry = true;
        run->pattern = "";
        (void) snprintf(run->outcome, sizeof(run->outcome), "miss");
        run->n_plain = strlen(run->outcome);

        if (jail_match(run->jail, e, &result) == 0)
                return;

        run->pattern = result.pattern->name;
        run->hit[result.pattern - run->filter->patterns] = true;
        run->address = result.address;
        if (result.prefix)
                run->hit[run->filter->n_patterns +
                                (size_t) (result.prefix - run->filter->prefixes)] = true;

        (void) snprintf(run->outcome,
                        sizeof(run->outcome),
                        "%s%s%s",
                        pattern_kind_to_string(result.kind),
                        result.has_address ? " " : "",
                        result.has_address ? address_format(&result.address, address) : "");
        run->n_plain = strlen(run->outcome);

        for (size_t i = 0; i < result.n_fields; i++) {
                const MatcherField *f = &result.fields[i];
                size_t used = strlen(run->outcome);

                (void) snprintf(run->outcome + used, sizeof(run->outcome) - used, " %s=", f->name);
                append_escaped(run->outcome, sizeof(run->outcome), f->value.data, f->value.size);
        }
}

/* Fields that the filter's own match wants; a glob's place is taken by some text that fits most. */
static void fill_from_match(Entry *e, const Match *match) {
        static char values[_ENTRY_FIELD_MAX][256];

        for (size_t i = 0; match->n_groups > 0 && i < match->groups[0].n_terms; i++) {
                const MatchTerm *t = &match->groups[0].terms[i];
                char *value = values[t->field];
                size_t n = 0;

                if (e->fields[t->field].data)
                        continue; /* the first of several alternatives */

                for (const char *s = t->value; *s && n + 1 < sizeof(values[0]); s++) {
                        if (t->glob && *s == '*')
                                continue;
                        if (t->glob && *s == '[' && strchr(s, ']')) {
                                value[n++] = s[1];
                                s = strchr(s, ']');
                        } else
                                value[n++] = t->glob && *s == '?' ? 'x' : *s;
                }
                value[n] = '\0';
                e->fields[t->field] = (EntryValue){ value, n };
        }
}

/* "IDENT[PID]: " or "PID: ", NUL-terminated behind it. */
static void fill_from_tag(Entry *e, char *tag) {
        char *bracket = strchr(tag, '['), *pid = tag;

        if (bracket) {
                e->fields[ENTRY_SYSLOG_IDENTIFIER] = (EntryValue){ tag, (size_t) (bracket - tag) };
                pid = bracket + 1;
                pid[strcspn(pid, "]")] = '\0';
        }

        e->fields[ENTRY_PID] = (EntryValue){ pid, strlen(pid) };
        e->fields[ENTRY_SYSLOG_PID] = e->fields[ENTRY_PID];
}

/* "\\*N;" behind a byte is that byte N times more. Returns the message, static. */
static char *repeat(const char *s, size_t size, size_t *ret_size) {
        static char out[LINE_SIZE];
        size_t used = 0;

        for (size_t i = 0; i < size && used < sizeof(out); i++) {
                unsigned n = 0;
                int end = 0;

                if (used > 0 && sscanf(s + i, "\\*%5u;%n", &n, &end) == 1 && end > 0) {
                        n = (unsigned) MIN((size_t) n, sizeof(out) - used);
                        memset(out + used, out[used - 1], n);
                        used += n;
                        i += (size_t) end - 1;
                } else
                        out[used++] = s[i];
        }

        *ret_size = used;
        return out;
}

static void process_entry(Run *run, char *line) {
        size_t size;
        JailStats before, after;
        JailFailure failure;
        char *message;
        Entry e = {};

        check_entry_is_told(run);
        run->n_lines++;

        message = strchr(line, ':');
        if (!message || !run->in_block) {
                wrong(run, "this is no entry: PID: MESSAGE, after a line == TITLE");
                return;
        }
        *message++ = '\0';
        if (*message == ' ')
                message++;

        need_jail(run);
        fill_from_match(&e, run->jail_config.match);
        e.fields[ENTRY_HOSTNAME] = (EntryValue){ "host", strlen("host") };
        fill_from_tag(&e, line);
        message = repeat(message, unescape(message), &size);
        e.is_cut = size > ENTRY_MESSAGE_MAX;
        e.fields[ENTRY_MESSAGE] = (EntryValue){ message, MIN(size, (size_t) ENTRY_MESSAGE_MAX) };
        for (size_t i = 0; i < _ENTRY_FIELD_MAX; i++)
                if (run->is_set[i])
                        e.fields[i] = (EntryValue){ run->values[i],
                                run->values[i] ? strlen(run->values[i]) : 0 };
        e.realtime = run->now += USEC_PER_SEC;

        recognise(run, &e);

        jail_get_stats(run->jail, &before);
        if (jail_process(run->jail, &e, &failure) < 0)
                abort();
        jail_get_stats(run->jail, &after);
        if (after.n_failures > before.n_failures)
                get_host(run, &failure.host)->n_counted +=
                                (unsigned) (after.n_failures - before.n_failures);
        if (after.n_forgiven > before.n_forgiven)
                get_host(run, &run->address)->n_counted -=
                                (unsigned) (after.n_forgiven - before.n_forgiven);
        if (after.n_entries == before.n_entries)
                wrong(run, "the jail does not read an entry with these fields");

        if (run->out) {
                (void) fprintf(run->out, "  %s\n", run->outcome);
                (void) fflush(run->out);
                run->end = run->size;
        }
}

/* The same fields, in any order. */
static bool same_fields(const char *told, const char *found) {
        for (unsigned turn = 0; turn < 2; turn++) {
                const char *words = turn == 0 ? told : found, *in = turn == 0 ? found : told;

                while (*(words += strspn(words, " "))) {
                        size_t n = strcspn(words, " ");
                        bool is_there = false;

                        for (const char *s = in; *(s += strspn(s, " ")) && !is_there;) {
                                size_t k = strcspn(s, " ");

                                is_there = k == n && memcmp(s, words, n) == 0;
                                s += k;
                        }
                        if (!is_there)
                                return false;
                        words += n;
                }
        }

        return true;
}

/* "  KIND [ADDRESS] [FIELD=VALUE...]", about the entry before */
static void check_outcome(Run *run, char *line) {
        char *told = line + strspn(line, " \t"), *fields;
        size_t n = strlen(told);
        bool same;

        while (n > 0 && strchr(" \t", told[n - 1]))
                told[--n] = '\0';
        if (run->out)
                return; /* it is written anew */
        if (!run->has_entry) {
                wrong(run, "wanted is an entry, and then \"  fail ADDRESS\" or the like");
                return;
        }
        run->has_entry = false;

        fields = strchr(told, '=');
        while (fields && fields > told && *fields != ' ')
                fields--;

        n = fields ? (size_t) (fields - told) : n;
        same = n == run->n_plain && memcmp(told, run->outcome, n) == 0 &&
               (!fields || same_fields(fields, run->outcome + run->n_plain));
        if (!same)
                wrong(run,
                                "should be \"%s\", and is \"%.*s\" (pattern \"%s\")",
                                told,
                                (int) (fields ? strlen(run->outcome) : run->n_plain),
                                run->outcome,
                                run->pattern);
}

/* "counted ADDRESS N" */
static void check_counted(Run *run, const char *line) {
        char text[64];
        Address a;
        unsigned n;
        Host *host;

        if (run->out)
                return;
        if (sscanf(line, "counted %63s %u", text, &n) != 2 ||
                        address_parse(text, strlen(text), &a) < 0) {
                wrong(run, "should be \"counted ADDRESS N\"");
                return;
        }

        check_entry_is_told(run);
        host = get_host(run, &a);
        host->is_told = true;
        if (host->n_counted != n)
                wrong(run, "should be %u failures of %s, and are %u", n, text, host->n_counted);
}

static void run_line(Run *run, char *line) {
        bool is_outcome = line[0] == ' ' || line[0] == '\t';
        bool is_blank = line[strspn(line, " \t")] == '\0';

        if (startswith(line, "== "))
                begin_block(run);
        if (run->out && (is_blank || (!is_outcome && !startswith(line, "counted "))))
                (void) fprintf(run->out, "%s\n", line);

        if (line[0] == '#' || is_blank || startswith(line, "== "))
                return;
        else if (startswith(line, "counted "))
                check_counted(run, line);
        else if (startswith(line, "groups "))
                set_groups(run, line);
        else if (startswith(line, "field "))
                set_field(run, line);
        else if (is_outcome)
                check_outcome(run, line);
        else
                process_entry(run, line);
}

static void run_file(Run *run, FILE *f) {
        static char line[LINE_SIZE];

        while (fgets(line, sizeof(line), f)) {
                run->line++;
                line[strcspn(line, "\n")] = '\0';
                run_line(run, line);
        }

        end_block(run);
}

static void check_all_patterns_are_hit(Run *run) {
        for (size_t i = 0; i < run->filter->n_patterns + run->filter->n_prefixes; i++) {
                const Pattern *p =
                                i < run->filter->n_patterns
                                                ? &run->filter->patterns[i]
                                                : &run->filter->prefixes[i -
                                                                         run->filter->n_patterns];
                char section[PATTERN_SECTION_SIZE];

                if (!run->hit[i])
                        wrong(run,
                                        "no line is recognised by the pattern \"%s\" of [%s]",
                                        p->name,
                                        pattern_section(p, section));
        }
}

/* What cannot be tried, as back references, is for the corpus to show. */
static void check_is_not_forgeable(Run *run, const Pattern *p) {
        _cleanup_(freep) char *message = NULL;

        if (forgery_find(p->regex, &message) > 0)
                wrong(run,
                                "the pattern \"%s\" takes an address from the peer's own text: %s",
                                p->name,
                                message);
}

static void check_no_pattern_is_forgeable(Run *run) {
        const Filter *f = run->jail_config.filter;

        for (size_t i = 0; i < f->n_prefixes; i++)
                check_is_not_forgeable(run, &f->prefixes[i]);
        for (size_t i = 0; i < f->n_patterns; i++)
                check_is_not_forgeable(run, &f->patterns[i]);
}

static void on_problem(const Problem *problem, void *userdata) {
        char text[PROBLEM_STR_SIZE];

        (void) userdata;
        (void) fprintf(stderr, "%s\n", problem_format(problem, text));
}

/* A jail as the filter alone makes it. */
static int set_up(Run *run, const char *path) {
        ProblemSink sink = { .handler = on_problem };
        JailConfig *c = &run->jail_config;
        char name[256];
        const char *bad;
        int r;

        (void) snprintf(name, sizeof(name), "%s", path);
        (void) snprintf(name, sizeof(name), "%s", basename(name));
        name[strcspn(name, ".")] = '\0';

        c->name = strdup(name);
        c->maxretry = MAXRETRY;
        c->findtime = USEC_PER_DAY;
        c->bantime = USEC_PER_HOUR;
        c->max_addresses = CONFIG_MAX_ADDRESSES_DEFAULT;
        c->ipv4_prefix = CONFIG_IPV4_PREFIX_DEFAULT;
        c->ipv6_prefix = CONFIG_IPV6_PREFIX_DEFAULT;

        if (filter_load(&c->filter, name, path, &sink) < 0 || match_new(&c->match) < 0)
                return -EINVAL;
        run->filter = c->filter;
        c->spoofable = c->filter->spoofable;

        if (isempty(c->filter->journal))
                r = match_add_units(c->match, c->filter->units, c->filter->require, &bad);
        else
                r = match_parse(c->match, c->filter->journal, &bad);
        if (r < 0) {
                wrong(run, "the filter has neither units nor journal in [filter]");
                return -EINVAL;
        }

        run->hit = calloc(c->filter->n_patterns + c->filter->n_prefixes, sizeof(*run->hit));
        return run->hit ? 0 : -ENOMEM;
}

static int replace_file(const Run *run) {
        FILE *f = fopen(run->path, "we");

        if (!f)
                return -errno;
        if (fwrite(run->text, 1, run->size, f) != run->size) {
                (void) fclose(f);
                return -EIO;
        }

        return fclose(f) == 0 ? 0 : -errno;
}

int main(int argc, char *argv[]) {
        static Run run = { .now = UINT64_C(1700000000) * USEC_PER_SEC };
        bool update = argc > 1 && streq(argv[1], "--update");
        _cleanup_(fclosep) FILE *f = NULL;

        if (argc != 3 + update) {
                (void) fprintf(stderr, "run-corpus [--update] FILTER CORPUS\n");
                return 2;
        }

        run.path = argv[2 + update];
        f = fopen(run.path, "re");
        if (!f) {
                perror(run.path);
                return EXIT_FAILURE;
        }
        if (update)
                run.out = open_memstream(&run.text, &run.size);

        if (set_up(&run, argv[1 + update]) >= 0) {
                run_file(&run, f);
                check_all_patterns_are_hit(&run);
                check_no_pattern_is_forgeable(&run);
                (void) printf("%s: %u lines, %u wrong\n", run.path, run.n_lines, run.n_wrong);

                if (update) {
                        (void) fclose(run.out);
                        if (replace_file(&run) < 0)
                                wrong(&run, "cannot be written");
                        free(run.text);
                }
        }

        free(run.hit);
        match_free(run.jail_config.match);
        filter_free(run.jail_config.filter);
        free(run.jail_config.name);
        return run.n_wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
