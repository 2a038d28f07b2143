/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Defaults are values like those in files, and go through the same parsers: so what the table says
 * is what is shown and what holds.
 */

#include "model/jail-keys.h"

#include <ctype.h>

#include "base/parse.h"
#include "base/strv.h"
#include "model/allow-source.h"

#define GROUPS_MAX 64
#define NAMESPACE_SIZE_MAX 64
#define STEP_SIZE_MAX 64

void setting_refuse(const Setting *s,
                const char *word,
                size_t n,
                const char *wanted,
                ProblemSink *sink) {
        assert(s);
        assert(word);
        assert(wanted);
        assert(sink);

        problem_report(sink,
                        s->file,
                        s->section,
                        s->key,
                        "\"%.*s\" is wrong, it should be %s.",
                        (int) MIN(n, (size_t) 200),
                        word,
                        wanted);
}

#define PARSER(name)                                                                               \
        static int name(_unused_ const JailKey *key,                                               \
                        JailConfig *j,                                                             \
                        const char *value,                                                         \
                        _unused_ const Setting *setting,                                           \
                        _unused_ ProblemSink *sink)

PARSER(parse_enabled) {
        return parse_bool(value, &j->enabled);
}

static int set_string(char **target, const char *value) {
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;

        free(*target);
        *target = copy;
        return 0;
}

PARSER(parse_description) {
        return set_string(&j->description, value);
}

PARSER(parse_source) {
        if (streq(value, "journal"))
                j->source = JAIL_SOURCE_JOURNAL;
        else if (streq(value, "bans"))
                j->source = JAIL_SOURCE_BANS;
        else
                return -EINVAL;

        return 0;
}

/* A namespace is an instance of systemd-journald@.service and the end of a directory's name. */
PARSER(parse_namespace) {
        if (strlen(value) > NAMESPACE_SIZE_MAX || value[0] == '.')
                return -EINVAL;
        for (const char *s = value; *s; s++)
                if (!isalnum((unsigned char) *s) && !strchr("-_.:", *s))
                        return -EINVAL;

        return set_string(&j->journal_namespace, value);
}

PARSER(parse_maxretry) {
        uint64_t n;

        if (parse_uint64(value, 1, CONFIG_MAXRETRY_MAX, &n) < 0)
                return -EINVAL;

        j->maxretry = (unsigned) n;
        return 0;
}

PARSER(parse_findtime) {
        usec_t t;

        if (usec_parse_span(value, &t) < 0 || t == 0 || t > CONFIG_FINDTIME_MAX)
                return -EINVAL;

        j->findtime = t;
        return 0;
}

static int parse_positive_span(const char *value, usec_t *ret) {
        usec_t t;

        if (usec_parse_span(value, &t) < 0 || t == 0)
                return -EINVAL;

        *ret = t;
        return 0;
}

PARSER(parse_bantime) {
        return parse_positive_span(value, &j->bantime);
}

/* A decimal fraction, in thousandths. */
static int parse_factor(const char *s, unsigned min, unsigned max, unsigned *ret) {
        const char *point = NULL;
        unsigned n = 0, digits = 0;

        for (; *s; s++) {
                if (*s == '.' && !point && digits > 0) {
                        point = s;
                        digits = 0;
                        continue;
                }
                if (!isdigit((unsigned char) *s) || (point && digits == 3) || n > max)
                        return -EINVAL;
                n = n * 10 + (unsigned) (*s - '0');
                digits++;
        }
        if (digits == 0)
                return -EINVAL;
        for (unsigned i = point ? digits : 0; i < 3 && n <= max; i++)
                n *= 10;
        if (n < min || n > max)
                return -EINVAL;

        *ret = n;
        return 0;
}

PARSER(parse_bantime_growth) {
        return parse_factor(value, CONFIG_GROWTH_ONE, CONFIG_GROWTH_MAX, &j->bantime_growth);
}

/* Nothing comes after a ban for good. */
static int add_step(JailConfig *j, const char *word, size_t n) {
        char text[STEP_SIZE_MAX];
        usec_t step, *steps;

        if (n >= sizeof(text) || j->n_bantime_steps == CONFIG_STEPS_MAX ||
                        (j->n_bantime_steps > 0 &&
                                        j->bantime_steps[j->n_bantime_steps - 1] == USEC_INFINITY))
                return -EINVAL;
        memcpy(text, word, n);
        text[n] = '\0';
        if (usec_parse_span(text, &step) < 0 || step == 0)
                return -EINVAL;

        steps = reallocarray(j->bantime_steps, j->n_bantime_steps + 1, sizeof(*steps));
        if (!steps)
                return -ENOMEM;
        j->bantime_steps = steps;
        steps[j->n_bantime_steps++] = step;
        return 0;
}

PARSER(parse_bantime_steps) {
        const char *word;
        size_t n;
        int r;

        j->n_bantime_steps = 0;

        while ((n = parse_word(&value, ",", &word)) > 0) {
                r = add_step(j, word, n);
                if (r == -EINVAL) {
                        setting_refuse(setting, word, n, key->wanted, sink);
                        return -EBADMSG;
                }
                if (r < 0)
                        return r;
        }

        return 0;
}

PARSER(parse_bantime_max) {
        return parse_positive_span(value, &j->bantime_max);
}

PARSER(parse_bantime_jitter) {
        usec_t t;

        if (usec_parse_span(value, &t) < 0 || t > CONFIG_JITTER_MAX)
                return -EINVAL;

        j->bantime_jitter = t;
        return 0;
}

PARSER(parse_memory) {
        return parse_positive_span(value, &j->memory);
}

PARSER(parse_memory_scope) {
        if (!streq(value, "jail") && !streq(value, "all"))
                return -EINVAL;

        j->memory_all = streq(value, "all");
        return 0;
}

PARSER(parse_permanent_after) {
        uint64_t n;

        if (parse_uint64(value, 0, CONFIG_PERMANENT_AFTER_MAX, &n) < 0)
                return -EINVAL;

        j->permanent_after = (unsigned) n;
        return 0;
}

PARSER(parse_protocol) {
        int r = ports_parse_protocols(value);

        if (r < 0)
                return r;

        j->ports.protocols = (unsigned) r;
        return 0;
}

/* The length of the word that a text begins with. */
static size_t first_word(const char *s) {
        return strcspn(s, " \t,");
}

PARSER(parse_ports) {
        const char *bad;
        int r;

        j->ports_auto = streq(value, "auto");
        if (j->ports_auto) {
                j->ports = (PortSet){ .protocols = j->ports.protocols };
                return 0;
        }

        r = ports_parse(value, &j->ports, &bad);
        if (r == -E2BIG) {
                problem_report(sink,
                                setting->file,
                                setting->section,
                                setting->key,
                                "there are more than %u ports and ranges.",
                                PORTS_RANGES_MAX);
                return -EBADMSG;
        }
        if (r < 0) {
                setting_refuse(setting, bad, first_word(bad), key->wanted, sink);
                return -EBADMSG;
        }

        return 0;
}

PARSER(parse_block) {
        if (streq(value, "drop"))
                j->block = BLOCK_DROP;
        else if (streq(value, "reject"))
                j->block = BLOCK_REJECT;
        else if (streq(value, "reset"))
                j->block = BLOCK_RESET;
        else
                return -EINVAL;

        return 0;
}

PARSER(parse_counters) {
        uint64_t n;

        if (parse_uint64(value, 0, CONFIG_COUNTERS_MAX, &n) < 0)
                return -EINVAL;

        j->counters = (size_t) n;
        return 0;
}

PARSER(parse_scope) {
        if (streq(value, "all"))
                j->scope = SCOPE_ALL;
        else if (streq(value, "local"))
                j->scope = SCOPE_LOCAL;
        else
                return -EINVAL;

        return 0;
}

/* A word that begins with "/" names a file. */
static int add_allowed(const JailKey *key,
                JailConfig *j,
                const char *word,
                size_t n,
                const Setting *setting,
                ProblemSink *sink) {
        _cleanup_(freep) char *path = NULL;
        char error[ALLOW_ERROR_SIZE];
        int r;

        if (word[0] != '/') {
                r = allow_add_word(&j->allow, &j->allow_names, word, n);
                if (r != -EINVAL)
                        return r;
                setting_refuse(setting, word, n, key->wanted, sink);
                return -EBADMSG;
        }

        path = strndup(word, n);
        if (!path)
                return -ENOMEM;

        r = allow_add_file(&j->allow, &j->allow_names, path, error);
        if (r == -EBADMSG)
                problem_report(sink,
                                setting->file,
                                setting->section,
                                setting->key,
                                "the file %s %s",
                                path,
                                error);
        return r;
}

PARSER(parse_allow) {
        const char *word;
        size_t n;
        int r;

        allowlist_done(&j->allow);
        j->allow_names = strv_free(j->allow_names);

        while ((n = parse_word(&value, ",", &word)) > 0) {
                r = add_allowed(key, j, word, n, setting, sink);
                if (r == -E2BIG) {
                        problem_report(sink,
                                        setting->file,
                                        setting->section,
                                        setting->key,
                                        "there are more than %u addresses or %u host names.",
                                        ALLOWLIST_MAX,
                                        ALLOW_NAMES_MAX);
                        return -EBADMSG;
                }
                if (r < 0)
                        return r;
        }

        return 0;
}

PARSER(parse_allow_local) {
        return parse_bool(value, &j->allow_local);
}

static bool is_group_name(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char) s[i]) && !strchr("-_.", s[i]))
                        return false;

        return n > 0 && n <= 32 && s[0] != '-' && !isdigit((unsigned char) s[0]);
}

PARSER(parse_allow_sessions) {
        const char *word;
        size_t n;
        bool on;
        int r;

        j->allow_sessions = strv_free(j->allow_sessions);

        if (parse_bool(value, &on) >= 0)
                return on ? -EINVAL : 0;

        while ((n = parse_word(&value, ",", &word)) > 0) {
                if (!is_group_name(word, n)) {
                        setting_refuse(setting, word, n, key->wanted, sink);
                        return -EBADMSG;
                }
                r = strv_append(&j->allow_sessions, GROUPS_MAX, word, n);
                if (r < 0)
                        return r == -E2BIG ? -EINVAL : r;
        }

        return j->allow_sessions ? 0 : -EINVAL;
}

static int parse_prefix(const char *value, unsigned min, unsigned max, unsigned *ret) {
        uint64_t n;

        if (parse_uint64(value, min, max, &n) < 0)
                return -EINVAL;

        *ret = (unsigned) n;
        return 0;
}

PARSER(parse_ipv4_prefix) {
        return parse_prefix(value, CONFIG_IPV4_PREFIX_MIN, 32, &j->ipv4_prefix);
}

PARSER(parse_ipv6_prefix) {
        return parse_prefix(value, CONFIG_IPV6_PREFIX_MIN, 128, &j->ipv6_prefix);
}

PARSER(parse_user_maxretry) {
        uint64_t n;

        if (parse_uint64(value, 0, CONFIG_USER_MAXRETRY_MAX, &n) < 0)
                return -EINVAL;

        j->user_maxretry = (unsigned) n;
        return 0;
}

PARSER(parse_user_weight) {
        uint64_t n;

        if (parse_uint64(value, 1, CONFIG_WEIGHT_MAX, &n) < 0)
                return -EINVAL;

        j->user_weight = (unsigned) n;
        return 0;
}

PARSER(parse_networks) {
        const char *bad;
        size_t n;
        int r;

        r = network_limits_parse(&j->networks, value, &bad, &n);
        if (r >= 0)
                return r;

        if (r == -EINVAL)
                setting_refuse(setting, bad, n, key->wanted, sink);
        else
                problem_report(sink,
                                setting->file,
                                setting->section,
                                setting->key,
                                r == -EEXIST ? "the length of \"%.*s\" is there twice."
                                             : "\"%.*s\" and what follows is too much: at most 8.",
                                (int) n,
                                bad);
        return -EBADMSG;
}

PARSER(parse_max_addresses) {
        uint64_t n;

        if (parse_uint64(value, CONFIG_MAX_ADDRESSES_MIN, CONFIG_MAX_ADDRESSES_MAX, &n) < 0)
                return -EINVAL;

        j->max_addresses = (size_t) n;
        return 0;
}

PARSER(parse_max_bans) {
        uint64_t n;

        if (parse_uint64(value, 1, CONFIG_MAX_BANS_MAX, &n) < 0)
                return -EINVAL;

        j->max_bans = (size_t) n;
        return 0;
}

PARSER(parse_spoofable) {
        return parse_bool(value, &j->spoofable);
}

PARSER(parse_groups) {
        const char *word;
        size_t n;
        int r;

        j->groups = strv_free(j->groups);

        while ((n = parse_word(&value, ",", &word)) > 0) {
                r = strv_append(&j->groups, GROUPS_MAX, word, n);
                if (r < 0)
                        return r == -E2BIG ? -EINVAL : r;
        }

        return 0;
}

/* "PATTERN:N". */
static int add_weight(JailConfig *j, const char *word, size_t n) {
        const char *colon = memrchr(word, ':', n);
        PatternWeight *weights;
        char number[8] = "";
        uint64_t weight;
        size_t digits;

        if (!colon || colon == word)
                return -EINVAL;
        digits = n - (size_t) (colon + 1 - word);
        if (digits >= sizeof(number))
                return -EINVAL;
        memcpy(number, colon + 1, digits);
        if (parse_uint64(number, 0, CONFIG_WEIGHT_MAX, &weight) < 0)
                return -EINVAL;

        weights = reallocarray(j->weights, j->n_weights + 1, sizeof(*weights));
        if (!weights)
                return -ENOMEM;
        j->weights = weights;

        weights[j->n_weights] = (PatternWeight){
                .pattern = strndup(word, (size_t) (colon - word)),
                .weight = (unsigned) weight,
        };
        if (!weights[j->n_weights].pattern)
                return -ENOMEM;
        j->n_weights++;
        return 0;
}

PARSER(parse_weight) {
        const char *word;
        size_t n;
        int r;

        for (size_t i = 0; i < j->n_weights; i++)
                free(j->weights[i].pattern);
        j->n_weights = 0;

        while ((n = parse_word(&value, ",", &word)) > 0) {
                r = j->n_weights < FILTER_PATTERNS_MAX ? add_weight(j, word, n) : -EINVAL;
                if (r == -EINVAL) {
                        setting_refuse(setting, word, n, key->wanted, sink);
                        return -EBADMSG;
                }
                if (r < 0)
                        return r;
        }

        return 0;
}

const JailKey jail_keys[] = {
        {
                        .name = "enabled",
                        .standard = "no",
                        .wanted = "yes or no",
                        .help = "whether the jail is there",
                        .in_default = true,
                        .parse = parse_enabled,
        },
        {
                        .name = "description",
                        .standard = "",
                        .wanted = "a text",
                        .help = "one line for people",
                        .parse = parse_description,
        },
        {
                        .name = "source",
                        .standard = "journal",
                        .wanted = "journal or bans",
                        .help = "what counts: failures in the journal, or the bans of other jails",
                        .parse = parse_source,
        },
        {
                        .name = "filter",
                        .otherwise = "the name of the jail",
                        .wanted = "the name of a file in filters/ without .conf",
                        .help = "how failures are recognised",
                        .of_journal = true,
        },
        {
                        .name = "groups",
                        .standard = "",
                        .wanted = "names of groups of the filter, or all",
                        .help = "pattern groups of the filter that are used besides the normal one",
                        .of_journal = true,
                        .parse = parse_groups,
        },
        {
                        .name = "weight",
                        .standard = "",
                        .wanted = "PATTERN:N with the name of a failure's pattern and N from 0 to 1000",
                        .help = "what failures by single patterns count, instead of 1",
                        .of_journal = true,
                        .parse = parse_weight,
        },
        {
                        .name = "units",
                        .otherwise = "what the filter says",
                        .wanted = "names of units like ssh.service, ssh@.service or php*-fpm.service",
                        .help = "units whose entries are read",
                        .of_journal = true,
        },
        {
                        .name = "journal",
                        .otherwise = "what the filter says",
                        .wanted = "terms like _SYSTEMD_UNIT=ssh.service with \"+\" between alternatives",
                        .help = "which entries are read, as journalctl has it, instead of units",
                        .of_journal = true,
        },
        {
                        .name = "namespace",
                        .otherwise = "what the filter says",
                        .wanted = "the name of a journal namespace: up to 64 letters, digits and -_.:",
                        .help = "the journal namespace to read from",
                        .of_journal = true,
                        .parse = parse_namespace,
        },
        {
                        .name = "maxretry",
                        .standard = "5",
                        .wanted = "a number from 1 to 1000",
                        .help = "so many failures bring a ban",
                        .in_default = true,
                        .parse = parse_maxretry,
        },
        {
                        .name = "findtime",
                        .standard = "10min",
                        .wanted = "a time span such as 10min, from 1us to 366d",
                        .help = "within this time",
                        .in_default = true,
                        .parse = parse_findtime,
        },
        {
                        .name = "user_maxretry",
                        .standard = "0",
                        .wanted = "a number from 0 to 100",
                        .help = "a user whose logins fail from so many addresses is under attack; 0 for "
                                "never",
                        .in_default = true,
                        .parse = parse_user_maxretry,
        },
        {
                        .name = "user_weight",
                        .standard = "3",
                        .wanted = "a number from 1 to 1000",
                        .help = "each further failure of such a user counts so much",
                        .in_default = true,
                        .parse = parse_user_weight,
        },
        {
                        .name = "bantime",
                        .standard = "1h",
                        .wanted = "a time span such as 1h, or -1 for good",
                        .help = "the length of a ban",
                        .in_default = true,
                        .parse = parse_bantime,
        },
        {
                        .name = "bantime_growth",
                        .standard = "1",
                        .wanted = "a number from 1 to 100 such as 2 or 1.5",
                        .help = "so many times longer is each ban than the one before",
                        .in_default = true,
                        .parse = parse_bantime_growth,
        },
        {
                        .name = "bantime_steps",
                        .standard = "",
                        .wanted = "at most 32 time spans such as 10min 1h 1d 1w, of which the last may be "
                                  "permanent",
                        .help = "the lengths of the first ban, the second and so on, instead",
                        .in_default = true,
                        .parse = parse_bantime_steps,
        },
        {
                        .name = "bantime_max",
                        .standard = "-1",
                        .wanted = "a time span such as 4w, or -1 for no limit",
                        .help = "no ban is longer, except for good",
                        .in_default = true,
                        .parse = parse_bantime_max,
        },
        {
                        .name = "bantime_jitter",
                        .standard = "0",
                        .wanted = "a time span such as 10min, at most 366d",
                        .help = "up to so much longer is each ban, at random",
                        .in_default = true,
                        .parse = parse_bantime_jitter,
        },
        {
                        .name = "memory",
                        .standard = "90d",
                        .wanted = "a time span such as 90d, or -1 for ever",
                        .help = "so long after a ban it makes the next one longer",
                        .in_default = true,
                        .parse = parse_memory,
        },
        {
                        .name = "memory_scope",
                        .standard = "jail",
                        .wanted = "jail or all",
                        .help = "whose bans do: those by this jail or by all",
                        .in_default = true,
                        .parse = parse_memory_scope,
        },
        {
                        .name = "permanent_after",
                        .standard = "0",
                        .wanted = "a number from 0 to 1000",
                        .help = "after so many bans the next one is for good; 0 for never",
                        .in_default = true,
                        .parse = parse_permanent_after,
        },
        {
                        .name = "protocol",
                        .standard = "tcp",
                        .wanted = "tcp, udp or both",
                        .help = "the protocol of the ports",
                        .in_default = true,
                        .parse = parse_protocol,
        },
        {
                        .name = "ports",
                        .otherwise = "none: a jail needs ports",
                        .wanted = "port numbers, ranges such as 6000-6010, service names, or any, or auto",
                        .help = "what is closed for a banned address",
                        .in_default = true,
                        .parse = parse_ports,
        },
        {
                        .name = "block",
                        .standard = "drop",
                        .wanted = "drop, reject or reset",
                        .help = "what happens to the packets of a banned address",
                        .in_default = true,
                        .parse = parse_block,
        },
        {
                        .name = "scope",
                        .standard = "all",
                        .wanted = "all or local",
                        .help = "whether packets that this host forwards are blocked, too",
                        .in_default = true,
                        .parse = parse_scope,
        },
        {
                        .name = "counters",
                        .standard = "0",
                        .wanted = "a number from 0 to 1000000",
                        .help = "so many bans have what they drop counted, each by itself",
                        .in_default = true,
                        .parse = parse_counters,
        },
        {
                        .name = "allow",
                        .standard = "",
                        .wanted = "an address, a prefix such as 2001:db8::/32, a host name or the absolute "
                                  "path of a file",
                        .help = "who is never banned",
                        .in_default = true,
                        .parse = parse_allow,
        },
        {
                        .name = "allow_local",
                        .standard = "yes",
                        .wanted = "yes or no",
                        .help = "whether this host's own addresses are never banned",
                        .in_default = true,
                        .parse = parse_allow_local,
        },
        {
                        .name = "allow_sessions",
                        .standard = "no",
                        .wanted = "names of groups such as sudo or wheel, or no",
                        .help = "nor are addresses from which root or members of these groups are "
                                "logged in",
                        .in_default = true,
                        .parse = parse_allow_sessions,
        },
        {
                        .name = "spoofable",
                        .otherwise = "what the filter says",
                        .wanted = "yes or no",
                        .help = "whether senders can choose their addresses freely",
                        .parse = parse_spoofable,
        },
        {
                        .name = "ipv4_prefix",
                        .standard = "32",
                        .wanted = "a number of bits from 8 to 32",
                        .help = "how much of an IPv4 address is counted and banned as one",
                        .in_default = true,
                        .parse = parse_ipv4_prefix,
        },
        {
                        .name = "ipv6_prefix",
                        .standard = "64",
                        .wanted = "a number of bits from 19 to 128",
                        .help = "how much of an IPv6 address is counted and banned as one",
                        .in_default = true,
                        .parse = parse_ipv6_prefix,
        },
        {
                        .name = "networks",
                        .standard = "",
                        .wanted = "LENGTH:N with a length of 8 to 31 bits for IPv4 or 32 to 63 for IPv6, "
                                  "and N from 1 to 1000",
                        .help = "so many failures from three addresses or more ban such a network",
                        .in_default = true,
                        .parse = parse_networks,
        },
        {
                        .name = "max_addresses",
                        .standard = "100000",
                        .wanted = "a number from 1000 to 10000000",
                        .help = "addresses whose failures are kept in memory",
                        .in_default = true,
                        .parse = parse_max_addresses,
        },
        {
                        .name = "max_bans",
                        .standard = "1000000",
                        .wanted = "a number from 1 to 10000000",
                        .help = "of more bans than this, the one that ends first makes room",
                        .in_default = true,
                        .parse = parse_max_bans,
        },
        {},
};

const JailKey *jail_key_find(const char *name) {
        assert(name);

        for (const JailKey *k = jail_keys; k->name; k++)
                if (streq(k->name, name))
                        return k;

        return NULL;
}

int jail_key_read(const JailKey *key, JailConfig *j, const Setting *setting, ProblemSink *sink) {
        int r;

        assert(key);
        assert(key->parse);
        assert(j);
        assert(setting);
        assert(sink);

        r = key->parse(key, j, setting->value, setting, sink);
        if (r == -ENOMEM)
                return r;
        if (r == -EINVAL)
                setting_refuse(setting, setting->value, strlen(setting->value), key->wanted, sink);
        if (r < 0)
                j->refused = true;
        return 0;
}

int jail_key_read_defaults(JailConfig *j) {
        int r;

        assert(j);

        for (const JailKey *k = jail_keys; k->name; k++) {
                if (!k->parse || !k->standard)
                        continue;

                r = k->parse(k, j, k->standard, NULL, NULL);
                assert(r >= 0 || r == -ENOMEM);
                if (r < 0)
                        return r;
        }

        return 0;
}
