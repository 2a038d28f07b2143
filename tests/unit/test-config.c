/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "files.h"
#include "problems.h"

#include "base/strv.h"
#include "model/config.h"

/* Every test has two directories, the administrator's over the vendor's, and filters a and b. */

#define FILTER "[filter]\nunits = a.service\n[fail]\nbad = 'bad <ADDR>'\n"
#define WEIGHT "PATTERN:N with the name of a failure's pattern and N from 0 to 1000"
#define JAIL(name) "[" name "]\nenabled = yes\nfilter = a\nports = 22\n"

static Config *load_with(const Files *f, Problems *problems) {
        const char *const directories[] = { files_path(f, "etc"), files_path(f, "usr"), NULL };
        ProblemSink sink = { .handler = problems_collect, .userdata = problems };
        Config *c = NULL;

        (void) files_write(f, "usr/filters/a.conf", FILTER);
        assert_int_equal(config_load(&c, directories, &sink), 0);
        return c;
}

static Config *load(const Files *f) {
        Problems problems = {};
        Config *c = load_with(f, &problems);

        problems_assert(&problems, "");
        return c;
}

static const JailConfig *jail(const Config *c, const char *name) {
        const JailConfig *j = config_get_jail(c, name);

        assert_non_null(j);
        return j;
}

/* The one jail "bad" that the text makes is refused with this problem; a good one beside it is not
 * touched. %s in `wanted` stands for the file. */
static void assert_refused(const Files *f, const char *text, const char *wanted) {
        Problems problems = {};
        _cleanup_(config_freep) Config *c = NULL;
        const char *path = files_write(f, "usr/conf.d/bad.conf", text);
        char line[2 * PROBLEM_STR_SIZE];

        (void) files_write(f, "usr/conf.d/good.conf", JAIL("good"));
        c = load_with(f, &problems);
        (void) snprintf(line, sizeof(line), "%s: %s", path, wanted);
        problems_assert(&problems, line);

        assert_true(jail(c, "bad")->refused);
        assert_false(jail(c, "good")->refused);
        assert_non_null(jail(c, "good")->match);
}

static void jail_has_defaults(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        const JailConfig *j;

        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x"));
        c = load(*state);
        j = jail(c, "x");
        assert_true(j->enabled);
        assert_false(j->refused);
        assert_int_equal(j->maxretry, 5);
        assert_int_equal(j->findtime, 10 * USEC_PER_MINUTE);
        assert_int_equal(j->bantime, USEC_PER_HOUR);
        assert_int_equal(j->ports.protocols, PORT_TCP);
        assert_true(ports_contains(&j->ports, 22));
        assert_int_equal(j->allow.n_addresses, 0);
        assert_int_equal(j->networks.n_limits, 0);
        assert_int_equal(j->user_maxretry, 0);
        assert_string_equal(j->description, "");
        assert_string_equal(j->filter->name, "a");
        assert_int_equal(c->firewall, FIREWALL_KIND_NFT);
        assert_true(c->kill);
        assert_int_equal(c->hook, FIREWALL_PREROUTING);
        assert_null(c->devices);
        assert_int_equal(c->ownership, OWNERSHIP_AUTO);
        assert_int_equal(c->on_stop, STOP_KEEP);
        assert_int_equal(c->history_size, 256 << 20);
        assert_int_equal(c->max_bans, 1000000);
        assert_null(config_get_jail(c, "y"));
}

static void every_key_is_read(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        _cleanup_(freep) char *match = NULL;
        const JailConfig *j;

        (void) files_write(*state,
                        "usr/conf.d/x.conf",
                        "[banjo]\nfirewall = log\nkill = no\nownership = no\non_stop = remove\nmax_bans = 7\nhistory_size = 3G\n"
                        "hook = ingress\ndevices = eth0, br-1.20\n"
                        "[x]\nenabled = yes\nfilter = a\nunits = b.service\nmaxretry = 3\nfindtime = 5min\n"
                        "bantime = -1\nports = 53 6000-6010\nprotocol = udp tcp\ndescription = Ex ample\n"
                        "allow = 192.0.2.1 2001:db8::/64\n");
        c = load(*state);
        j = jail(c, "x");
        assert_int_equal(j->maxretry, 3);
        assert_int_equal(j->findtime, 5 * USEC_PER_MINUTE);
        assert_int_equal(j->bantime, USEC_INFINITY);
        assert_int_equal(j->ports.n_ranges, 2);
        assert_int_equal(j->ports.protocols, PORT_TCP | PORT_UDP);
        assert_int_equal(j->allow.n_addresses, 2);
        assert_string_equal(j->description, "Ex ample");
        match = match_to_string(j->match);
        assert_string_equal(match, "_SYSTEMD_UNIT=b.service");
        assert_int_equal(c->firewall, FIREWALL_KIND_LOG);
        assert_false(c->kill);
        assert_int_equal(c->hook, FIREWALL_INGRESS);
        assert_int_equal(strv_length(c->devices), 2);
        assert_string_equal(c->devices[0], "eth0");
        assert_string_equal(c->devices[1], "br-1.20");
        assert_int_equal(c->ownership, OWNERSHIP_NO);
        assert_int_equal(c->on_stop, STOP_REMOVE);
        assert_int_equal(c->history_size, UINT64_C(3) << 30);
        assert_int_equal(c->max_bans, 7);
}

static void every_other_key_is_read(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        const JailConfig *j;

        (void) files_write(*state,
                        "usr/conf.d/x.conf",
                        JAIL("x") "ports = auto\nblock = reset\nscope = local\nallow_local = no\n"
                                  "allow = 192.0.2.1 host.example.org, 2001:db8::/64\n"
                                  "allow_sessions = sudo wheel\nspoofable = yes\n"
                                  "max_addresses = 1000\nmax_bans = 9\ncounters = 0\nnamespace = web\n"
                                  "weight = bad:1000\n");
        (void) files_write(*state,
                        "usr/conf.d/y.conf",
                        JAIL("y") "ipv4_prefix = 24\nipv6_prefix = 56\nblock = reject\n"
                                  "groups = all\nallow_sessions = off\nweight = bad:0\n");
        c = load(*state);
        j = jail(c, "x");
        assert_true(j->ports_auto);
        assert_int_equal(j->ports.n_ranges, 0);
        assert_int_equal(j->block, BLOCK_RESET);
        assert_int_equal(j->scope, SCOPE_LOCAL);
        assert_false(j->allow_local);
        assert_int_equal(j->allow.n_addresses, 2);
        assert_string_equal(j->allow_names[0], "host.example.org");
        assert_null(j->allow_names[1]);
        assert_string_equal(j->allow_sessions[0], "sudo");
        assert_string_equal(j->allow_sessions[1], "wheel");
        assert_null(j->allow_sessions[2]);
        assert_true(j->spoofable);
        assert_int_equal(j->max_addresses, 1000);
        assert_int_equal(j->max_bans, 9);
        assert_int_equal(j->counters, 0);
        assert_string_equal(j->journal_namespace, "web");
        assert_int_equal(j->n_weights, 1);
        assert_string_equal(j->weights[0].pattern, "bad");
        assert_int_equal(j->weights[0].weight, 1000);

        j = jail(c, "y");
        assert_false(j->ports_auto);
        assert_int_equal(j->ipv4_prefix, 24);
        assert_int_equal(j->ipv6_prefix, 56);
        assert_int_equal(j->block, BLOCK_REJECT);
        assert_string_equal(j->groups[0], "all");
        assert_null(j->allow_sessions);
        assert_int_equal(j->weights[0].weight, 0);
}

static void spoofable_jail_bans_single_addresses(void **state) {
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state, "usr/banjo.conf", "[default]\nipv4_prefix = 24\n");
        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x") "spoofable = yes\n");
        c = load(*state);
        assert_int_equal(jail(c, "x")->ipv4_prefix, 32);
        assert_int_equal(jail(c, "x")->ipv6_prefix, 128);
}

static void growing_bans_are_configured(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        const JailConfig *j;
        ConfigOrigin o;

        (void) files_write(*state,
                        "usr/banjo.conf",
                        "[default]\nbantime_steps = 1h 2h\npermanent_after = 7\nbantime_growth = 3\n");
        (void) files_write(*state,
                        "usr/conf.d/x.conf",
                        JAIL("x") "bantime_growth = 1.5\nbantime_max = 4w\nbantime_jitter = 10min\n"
                                  "memory = -1\nmemory_scope = all\npermanent_after = 3\n");
        (void) files_write(*state,
                        "usr/conf.d/y.conf",
                        JAIL("y") "bantime_steps = 10min, 1h30min 1d permanent\n");
        (void) files_write(*state, "usr/conf.d/z.conf", JAIL("z") "spoofable = yes\n");
        (void) files_write(*state, "usr/conf.d/u.conf", JAIL("u") "bantime = 1w\n");
        (void) files_write(*state, "usr/conf.d/v.conf", JAIL("v") "bantime_steps =\n");
        c = load(*state);

        /* What a jail says itself is stronger than steps that hold for all. */
        j = jail(c, "x");
        assert_int_equal(j->bantime_growth, 1500);
        assert_int_equal(j->n_bantime_steps, 0);
        assert_int_equal(j->bantime_max, 28 * USEC_PER_DAY);
        assert_int_equal(j->bantime_jitter, 10 * USEC_PER_MINUTE);
        assert_int_equal(j->memory, USEC_INFINITY);
        assert_true(j->memory_all);
        assert_int_equal(j->permanent_after, 3);
        config_get_origin(c, j, "bantime_steps", &o);
        assert_int_equal(o.kind, ORIGIN_BUILTIN);
        assert_int_equal(jail(c, "u")->n_bantime_steps, 0);
        assert_int_equal(jail(c, "u")->bantime_growth, 3000);
        assert_int_equal(jail(c, "v")->n_bantime_steps, 0);

        j = jail(c, "y");
        assert_int_equal(j->n_bantime_steps, 4);
        assert_int_equal(j->bantime_steps[0], 10 * USEC_PER_MINUTE);
        assert_int_equal(j->bantime_steps[1], 90 * USEC_PER_MINUTE);
        assert_int_equal(j->bantime_steps[2], USEC_PER_DAY);
        assert_int_equal(j->bantime_steps[3], USEC_INFINITY);
        config_get_origin(c, j, "permanent_after", &o);
        assert_int_equal(o.kind, ORIGIN_DEFAULT);

        /* Where anybody chooses who is banned, nothing grows. */
        j = jail(c, "z");
        assert_int_equal(j->n_bantime_steps, 0);
        assert_int_equal(j->bantime_growth, CONFIG_GROWTH_ONE);
        assert_int_equal(j->permanent_after, 0);
        config_get_origin(c, j, "permanent_after", &o);
        assert_int_equal(o.kind, ORIGIN_BUILTIN);
        assert_string_equal(o.value, "0");
}

static void spoofable_jail_grows_no_bans(void **state) {
        static const char *const keys[] = {
                "bantime_growth = 2", "bantime_steps = 1h 1d", "permanent_after = 3"
        };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                char text[256], wanted[256];

                (void) snprintf(text, sizeof(text), JAIL("bad") "spoofable = yes\n%s\n", keys[i]);
                (void) snprintf(wanted,
                                sizeof(wanted),
                                "[bad] %.*s: the jail \"bad\" is spoofable, so its bans cannot grow: "
                                "anybody could choose who is banned.",
                                (int) strcspn(keys[i], " "),
                                keys[i]);
                assert_refused(*state, text, wanted);
        }
}

static void networks_are_configured(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        ConfigOrigin o;

        (void) files_write(*state, "usr/banjo.conf", "[default]\nnetworks = 24:30 56:40\n");
        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x") "networks = 48:100\n");
        (void) files_write(*state, "usr/conf.d/y.conf", JAIL("y"));
        (void) files_write(*state, "usr/conf.d/z.conf", JAIL("z") "spoofable = yes\n");
        (void) files_write(*state, "usr/conf.d/u.conf", JAIL("u") "networks =\n");
        (void) files_write(*state, "usr/conf.d/v.conf", JAIL("v") "spoofable = yes\nnetworks =\n");
        c = load(*state);

        assert_int_equal(jail(c, "x")->networks.n_limits, 1);
        assert_int_equal(jail(c, "x")->networks.limits[0].prefixlen, 48);
        assert_int_equal(jail(c, "x")->networks.limits[0].limit, 100);
        assert_int_equal(jail(c, "y")->networks.n_limits, 2);
        assert_int_equal(jail(c, "y")->networks.limits[1].prefixlen, 24);
        assert_int_equal(jail(c, "y")->networks.limits[1].limit, 30);
        assert_int_equal(jail(c, "u")->networks.n_limits, 0);
        assert_int_equal(jail(c, "v")->networks.n_limits, 0);

        /* Where anybody chooses who is banned, it is not a network. */
        assert_int_equal(jail(c, "z")->networks.n_limits, 0);
        config_get_origin(c, jail(c, "z"), "networks", &o);
        assert_int_equal(o.kind, ORIGIN_BUILTIN);
        assert_string_equal(o.value, "");
}

static void wrong_networks_are_named_one_by_one(void **state) {
        assert_refused(*state,
                        JAIL("bad") "networks = 24:30 64:10\n",
                        "[bad] networks: \"64:10\" is wrong, it should be LENGTH:N with a length of 8 to "
                        "31 bits for IPv4 or 32 to 63 for IPv6, and N from 1 to 1000.");
        assert_refused(*state,
                        JAIL("bad") "networks = 24:30 56:1 24:31\n",
                        "[bad] networks: the length of \"24:31\" is there twice.");
        assert_refused(*state,
                        JAIL("bad") "networks = 24:1 25:1 26:1 27:1 28:1 29:1 30:1 31:1 32:1 33:1\n",
                        "[bad] networks: \"32:1\" and what follows is too much: at most 8.");
        assert_refused(*state,
                        JAIL("bad") "spoofable = yes\nnetworks = 24:30\n",
                        "[bad] networks: the jail \"bad\" is spoofable, so its bans cannot be of "
                        "networks: anybody could choose who is banned.");
}

static void users_are_configured(void **state) {
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state, "usr/banjo.conf", "[default]\nuser_maxretry = 7\n");
        (void) files_write(*state,
                        "usr/conf.d/x.conf",
                        JAIL("x") "user_maxretry = 100\nuser_weight = 1000\nspoofable = yes\n");
        (void) files_write(*state, "usr/conf.d/y.conf", JAIL("y"));
        c = load(*state);
        assert_int_equal(jail(c, "x")->user_maxretry, 100);
        assert_int_equal(jail(c, "x")->user_weight, 1000);
        assert_int_equal(jail(c, "y")->user_maxretry, 7);
        assert_int_equal(jail(c, "y")->user_weight, 3);

        assert_refused(*state,
                        JAIL("bad") "user_maxretry = 101\n",
                        "[bad] user_maxretry: \"101\" is wrong, it should be a number from 0 to 100.");
        assert_refused(*state,
                        JAIL("bad") "user_weight = 0\n",
                        "[bad] user_weight: \"0\" is wrong, it should be a number from 1 to 1000.");
}

static void steps_are_named_one_by_one(void **state) {
        assert_refused(*state,
                        JAIL("bad") "bantime_steps = 1h never 1d\n",
                        "[bad] bantime_steps: \"never\" is wrong, it should be at most 32 time spans such "
                        "as 10min 1h 1d 1w, of which the last may be permanent.");
        assert_refused(*state,
                        JAIL("bad") "bantime_steps = 1h permanent 1d\n",
                        "[bad] bantime_steps: \"1d\" is wrong, it should be at most 32 time spans such "
                        "as 10min 1h 1d 1w, of which the last may be permanent.");
}

static void spoofable_jail_bans_nobody_for_good(void **state) {
        assert_refused(*state,
                        JAIL("bad") "spoofable = yes\nbantime = permanent\n",
                        "[bad] bantime: the jail \"bad\" is spoofable, so its bans cannot be for good: "
                        "anybody could choose who is banned.");
        assert_refused(*state,
                        JAIL("bad") "spoofable = yes\nipv6_prefix = 64\n",
                        "[bad] ipv6_prefix: the jail is spoofable, so single addresses are banned and "
                        "this can only be 128.");
}

static void groups_and_weights_need_the_filter_to_have_them(void **state) {
        assert_refused(*state,
                        JAIL("bad") "groups = normal ddos\n",
                        "[bad] groups: the filter \"a\" has no group \"ddos\"; it has none.");
        assert_refused(*state,
                        JAIL("bad") "weight = bad:2 bat:3\n",
                        "[bad] weight: the filter \"a\" has no pattern \"bat\" for failures; did you mean "
                        "bad?");
        assert_refused(*state,
                        JAIL("bad") "weight = something-else:3\n",
                        "[bad] weight: the filter \"a\" has no pattern \"something-else\" for failures.");
}

static void allow_reads_files(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        const char *path = files_write(*state,
                        "list",
                        "# ours\n192.0.2.1\n\n 2001:db8::/32 # v6\r\nhost.example.org\n192.0.2.1");
        char text[512];

        (void) snprintf(text, sizeof(text), JAIL("x") "allow = 203.0.113.1 %s\n", path);
        (void) files_write(*state, "usr/conf.d/x.conf", text);
        c = load(*state);
        assert_int_equal(jail(c, "x")->allow.n_addresses, 3);
        assert_string_equal(jail(c, "x")->allow_names[0], "host.example.org");
        assert_null(jail(c, "x")->allow_names[1]);
}

static void wrong_files_of_allow_are_named(void **state) {
        char text[512], wanted[512];
        const char *path = files_write(*state, "list", "192.0.2.1\n192.0.2.2 192.0.2.3\n");

        (void) snprintf(text, sizeof(text), JAIL("bad") "allow = %s\n", path);
        (void) snprintf(wanted,
                        sizeof(wanted),
                        "[bad] allow: the file %s is wrong in line 2: \"192.0.2.2 192.0.2.3\" should be "
                        "one address, prefix or host name.",
                        path);
        assert_refused(*state, text, wanted);

        assert_int_equal(unlink(path), 0);
        (void) snprintf(wanted,
                        sizeof(wanted),
                        "[bad] allow: the file %s cannot be read: No such file or directory.",
                        path);
        assert_refused(*state, text, wanted);
}

static void origins_tell_where_values_come_from(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        const char *main_file, *jail_file;
        ConfigOrigin o;

        main_file = files_write(*state, "usr/banjo.conf", "[default]\nfindtime = 7min\n");
        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x") "maxretry = 2\n");
        jail_file = files_write(*state, "etc/conf.d/y.conf", "[x]\nmaxretry = 3\n");
        c = load(*state);

        config_get_origin(c, jail(c, "x"), "maxretry", &o);
        assert_int_equal(o.kind, ORIGIN_JAIL);
        assert_string_equal(o.value, "3");
        assert_string_equal(o.file, jail_file);
        config_get_origin(c, jail(c, "x"), "findtime", &o);
        assert_int_equal(o.kind, ORIGIN_DEFAULT);
        assert_string_equal(o.value, "7min");
        assert_string_equal(o.file, main_file);
        config_get_origin(c, jail(c, "x"), "units", &o);
        assert_int_equal(o.kind, ORIGIN_FILTER);
        assert_string_equal(o.value, "a.service");
        assert_string_equal(o.file, jail(c, "x")->filter->path);
        config_get_origin(c, jail(c, "x"), "bantime", &o);
        assert_int_equal(o.kind, ORIGIN_BUILTIN);
        assert_string_equal(o.value, "1h");
        assert_null(o.file);
        config_get_origin(c, jail(c, "x"), "journal", &o);
        assert_int_equal(o.kind, ORIGIN_BUILTIN);
        assert_null(o.value);
}

static void defaults_of_the_table_are_those_of_the_header(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        const JailConfig *j;

        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x"));
        c = load(*state);
        j = jail(c, "x");
        assert_int_equal(j->maxretry, CONFIG_MAXRETRY_DEFAULT);
        assert_int_equal(j->findtime, CONFIG_FINDTIME_DEFAULT);
        assert_int_equal(j->bantime, CONFIG_BANTIME_DEFAULT);
        assert_int_equal(j->ipv4_prefix, CONFIG_IPV4_PREFIX_DEFAULT);
        assert_int_equal(j->ipv6_prefix, CONFIG_IPV6_PREFIX_DEFAULT);
        assert_int_equal(j->max_addresses, CONFIG_MAX_ADDRESSES_DEFAULT);
        assert_int_equal(j->max_bans, 1000000);
        assert_int_equal(j->block, BLOCK_DROP);
        assert_int_equal(j->scope, SCOPE_ALL);
        assert_int_equal(j->counters, CONFIG_COUNTERS_DEFAULT);
        assert_true(j->allow_local);
        assert_null(j->allow_names);
        assert_null(j->allow_sessions);
        assert_false(j->spoofable);
        assert_false(j->ports_auto);
        assert_null(j->groups);
        assert_string_equal(j->journal_namespace, "");
}

static void mistakes_of_disabled_jails_are_found_when_asked_for(void **state) {
        const char *const directories[] = { files_path(*state, "usr"), NULL };
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        _cleanup_(config_freep) Config *c = NULL;
        const char *path;
        char wanted[512];

        (void) files_write(*state, "usr/filters/a.conf", FILTER);
        path = files_write(*state,
                        "usr/conf.d/x.conf",
                        "[x]\nenabled = no\nports = 1\nfilter = aa\n[a]\nports = 2\n");
        assert_int_equal(config_load_whole(&c, directories, &sink), 0);
        (void) snprintf(wanted,
                        sizeof(wanted),
                        "%s: [x] filter: there is no filter \"aa\": no filters/aa.conf in the "
                        "configuration; did you mean a?",
                        path);
        problems_assert(&problems, wanted);
        assert_false(jail(c, "a")->enabled);
        assert_non_null(jail(c, "a")->match);
}

static void journal_is_taken_word_for_word(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        _cleanup_(freep) char *match = NULL;

        (void) files_write(*state,
                        "usr/conf.d/x.conf",
                        JAIL("x") "journal = _SYSTEMD_UNIT=c.service + _UID=0\n");
        c = load(*state);
        match = match_to_string(jail(c, "x")->match);
        assert_string_equal(match, "_SYSTEMD_UNIT=c.service + _UID=0");
}

static void default_section_holds_for_all_and_jails_come_first(void **state) {
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state,
                        "usr/banjo.conf",
                        "[default]\nmaxretry = 2\nbantime = 7\nenabled = yes\n");
        (void) files_write(*state,
                        "usr/conf.d/x.conf",
                        "[x]\nfilter = a\nports = 1\nbantime = 9\n[y]\nfilter = a\nports = 2\nenabled = no\n");
        c = load(*state);
        assert_int_equal(jail(c, "x")->maxretry, 2);
        assert_int_equal(jail(c, "x")->bantime, 9 * USEC_PER_SEC);
        assert_int_equal(jail(c, "y")->bantime, 7 * USEC_PER_SEC);
        assert_true(jail(c, "x")->enabled);
        assert_false(jail(c, "y")->enabled);
}

static void file_of_the_same_name_higher_up_replaces_the_lower(void **state) {
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x") "maxretry = 2\nbantime = 7\n");
        (void) files_write(*state, "etc/conf.d/x.conf", JAIL("x") "maxretry = 9\n");
        c = load(*state);
        assert_int_equal(jail(c, "x")->maxretry, 9);
        assert_int_equal(jail(c, "x")->bantime, CONFIG_BANTIME_DEFAULT);
}

static void main_file_is_replaced_likewise(void **state) {
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state, "usr/banjo.conf", "[default]\nmaxretry = 2\nbantime = 7\n");
        (void) files_write(*state, "etc/banjo.conf", "[default]\nmaxretry = 9\n");
        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x"));
        c = load(*state);
        assert_int_equal(jail(c, "x")->maxretry, 9);
        assert_int_equal(jail(c, "x")->bantime, CONFIG_BANTIME_DEFAULT);
}

static void later_files_override_key_by_key(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        const JailConfig *j;

        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x") "maxretry = 2\nbantime = 7\n");
        (void) files_write(*state, "etc/conf.d/z-mine.conf", "[x]\nmaxretry = 9\n");
        (void) files_write(*state, "etc/conf.d/a-early.conf", "[x]\nbantime = 99\n");
        c = load(*state);
        j = jail(c, "x");
        assert_int_equal(j->maxretry, 9);
        assert_int_equal(j->bantime, 7 * USEC_PER_SEC); /* a-early comes before x */
        assert_true(j->enabled);
        assert_string_equal(j->file, files_path(*state, "etc/conf.d/z-mine.conf"));
}

static void link_to_dev_null_masks(void **state) {
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x"));
        (void) files_write(*state, "usr/conf.d/y.conf", JAIL("y"));
        (void) files_make_parents(*state, "etc/conf.d/x.conf");
        assert_int_equal(symlink("/dev/null", files_path(*state, "etc/conf.d/x.conf")), 0);
        c = load(*state);
        assert_null(config_get_jail(c, "x"));
        assert_non_null(config_get_jail(c, "y"));
}

static void filters_are_shadowed_and_masked_likewise(void **state) {
        Problems problems = {};
        _cleanup_(config_freep) Config *c = NULL, *masked = NULL;
        const char *path;

        path = files_write(*state, "usr/conf.d/x.conf", JAIL("x"));
        (void) files_write(*state,
                        "etc/filters/a.conf",
                        "[filter]\nunits = mine.service\n[fail]\nmine = 'x <ADDR>'\n");
        c = load(*state);
        assert_string_equal(jail(c, "x")->filter->patterns[0].name, "mine");

        assert_int_equal(unlink(files_path(*state, "etc/filters/a.conf")), 0);
        assert_int_equal(symlink("/dev/null", files_path(*state, "etc/filters/a.conf")), 0);
        masked = load_with(*state, &problems);
        assert_true(jail(masked, "x")->refused);
        assert_non_null(strstr(problems.text, path));
        assert_non_null(strstr(problems.text, "[x] filter: there is no filter \"a\""));
}

static void only_conf_files_count(void **state) {
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x"));
        (void) files_write(*state, "usr/conf.d/README", "no configuration");
        (void) files_write(*state, "usr/conf.d/y.conf.dpkg-old", JAIL("y"));
        (void) files_write(*state, "usr/conf.d/z.conf~", JAIL("z"));
        (void) files_write(*state, "usr/conf.d/.hidden.conf", JAIL("h"));
        (void) files_write(*state, "usr/conf.d/.conf", JAIL("h"));
        c = load(*state);
        assert_int_equal(c->n_jails, 1);
}

static void no_file_at_all_is_no_configuration(void **state) {
        const char *const directories[] = {
                files_path(*state, "etc"), files_path(*state, "usr"), NULL
        };
        ProblemSink sink = {};
        Config *c = NULL;

        assert_fails(config_load(&c, directories, &sink), ENOENT);
        assert_null(c);
}

static void jails_come_in_the_order_of_their_first_mention(void **state) {
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state, "usr/conf.d/b.conf", JAIL("one") JAIL("two"));
        (void) files_write(*state, "usr/conf.d/c.conf", JAIL("three") "[one]\nmaxretry = 1\n");
        c = load(*state);
        assert_int_equal(c->n_jails, 3);
        assert_string_equal(c->jails[0].name, "one");
        assert_string_equal(c->jails[1].name, "two");
        assert_string_equal(c->jails[2].name, "three");
}

static void filter_is_named_like_the_jail_unless_said_otherwise(void **state) {
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state, "usr/conf.d/a.conf", "[a]\nenabled = yes\nports = 1\n");
        c = load(*state);
        assert_string_equal(jail(c, "a")->filter->name, "a");
}

static void disabled_jail_needs_no_filter(void **state) {
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state, "usr/conf.d/x.conf", "[x]\nfilter = nosuch\n");
        c = load(*state);
        assert_false(jail(c, "x")->enabled);
        assert_false(jail(c, "x")->refused);
}

/* Each wrong value: the problem names file, section and key, and says what would be right. */
static void wrong_values_are_named(void **state) {
        static const struct {
                const char *key;
                const char *value;
                const char *wanted;
        } cases[] = {
                { "enabled", "maybe", "yes or no" },
                { "maxretry", "0", "a number from 1 to 1000" },
                { "maxretry", "1001", "a number from 1 to 1000" },
                { "maxretry", "many", "a number from 1 to 1000" },
                { "findtime", "0", "a time span such as 10min, from 1us to 366d" },
                { "findtime", "-1", "a time span such as 10min, from 1us to 366d" },
                { "findtime", "367d", "a time span such as 10min, from 1us to 366d" },
                { "findtime", "soon", "a time span such as 10min, from 1us to 366d" },
                { "bantime", "0", "a time span such as 1h, or -1 for good" },
                { "bantime", "-2", "a time span such as 1h, or -1 for good" },
                { "bantime", "", "a time span such as 1h, or -1 for good" },
                { "bantime_growth", "0.9", "a number from 1 to 100 such as 2 or 1.5" },
                { "bantime_growth", "100.001", "a number from 1 to 100 such as 2 or 1.5" },
                { "bantime_growth", "1.2345", "a number from 1 to 100 such as 2 or 1.5" },
                { "bantime_growth", "", "a number from 1 to 100 such as 2 or 1.5" },
                { "bantime_growth", "2.", "a number from 1 to 100 such as 2 or 1.5" },
                { "bantime_growth", ".5", "a number from 1 to 100 such as 2 or 1.5" },
                { "bantime_growth", "-2", "a number from 1 to 100 such as 2 or 1.5" },
                { "bantime_growth",
                                "99999999999999999999",
                                "a number from 1 to 100 such as 2 or 1.5" },
                { "bantime_growth", "1.5.1", "a number from 1 to 100 such as 2 or 1.5" },
                { "bantime_max", "0", "a time span such as 4w, or -1 for no limit" },
                { "bantime_jitter", "-1", "a time span such as 10min, at most 366d" },
                { "bantime_jitter", "367d", "a time span such as 10min, at most 366d" },
                { "memory", "0", "a time span such as 90d, or -1 for ever" },
                { "memory_scope", "both", "jail or all" },
                { "permanent_after", "-1", "a number from 0 to 1000" },
                { "permanent_after", "1001", "a number from 0 to 1000" },
                { "bantime_steps",
                                "0",
                                "at most 32 time spans such as 10min 1h 1d 1w, of which the last may be permanent" },
                { "bantime_steps",
                                "soon",
                                "at most 32 time spans such as 10min 1h 1d 1w, of which the last may be permanent" },
                { "protocol", "sctp", "tcp, udp or both" },
                { "protocol", "", "tcp, udp or both" },
                { "ports",
                                "nosuch",
                                "port numbers, ranges such as 6000-6010, service names, or any, or auto" },
                { "ports", "", "port numbers, ranges such as 6000-6010, service names, or any, or auto" },
                { "block", "accept", "drop, reject or reset" },
                { "scope", "forward", "all or local" },
                { "allow",
                                "192.0.2.256",
                                "an address, a prefix such as 2001:db8::/32, a host name or the absolute path of a file" },
                { "allow",
                                "192.0.2.1/33",
                                "an address, a prefix such as 2001:db8::/32, a host name or the absolute path of a file" },
                { "allow",
                                "etc/file",
                                "an address, a prefix such as 2001:db8::/32, a host name or the absolute path of a file" },
                { "allow_local", "", "yes or no" },
                { "allow_sessions", "yes", "names of groups such as sudo or wheel, or no" },
                { "allow_sessions", "", "names of groups such as sudo or wheel, or no" },
                { "allow_sessions", "27", "names of groups such as sudo or wheel, or no" },
                { "spoofable", "never", "yes or no" },
                { "ipv4_prefix", "7", "a number of bits from 8 to 32" },
                { "ipv4_prefix", "33", "a number of bits from 8 to 32" },
                { "ipv6_prefix", "18", "a number of bits from 19 to 128" },
                { "ipv6_prefix", "129", "a number of bits from 19 to 128" },
                { "counters", "-1", "a number from 0 to 1000000" },
                { "counters", "1000001", "a number from 0 to 1000000" },
                { "max_addresses", "999", "a number from 1000 to 10000000" },
                { "max_addresses", "10000001", "a number from 1000 to 10000000" },
                { "max_bans", "0", "a number from 1 to 10000000" },
                { "max_bans", "10000001", "a number from 1 to 10000000" },
                { "namespace",
                                "a/b",
                                "the name of a journal namespace: up to 64 letters, digits and -_.:" },
                { "namespace",
                                "..",
                                "the name of a journal namespace: up to 64 letters, digits and -_.:" },
                { "weight", "bad", WEIGHT },
                { "weight", "bad:", WEIGHT },
                { "weight", ":2", WEIGHT },
                { "weight", "bad:1001", WEIGHT },
                { "weight", "bad:-1", WEIGHT },
                { "filter", "../a", "the name of a file in filters/ without .conf" },
                { "filter", "", "the name of a file in filters/ without .conf" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[512], wanted[512];

                (void) snprintf(text,
                                sizeof(text),
                                JAIL("bad") "%s = %s\n",
                                cases[i].key,
                                cases[i].value);
                (void) snprintf(wanted,
                                sizeof(wanted),
                                "[bad] %s: \"%s\" is wrong, it should be %s.",
                                cases[i].key,
                                cases[i].value,
                                cases[i].wanted);
                assert_refused(*state, text, wanted);
        }
}

static void unknown_key_is_named(void **state) {
        assert_refused(*state,
                        JAIL("bad") "maxretries = 3\n",
                        "[bad] maxretries: unknown key; did you mean maxretry?");
}

static void words_of_fail2ban_are_explained(void **state) {
        assert_refused(*state,
                        JAIL("bad") "ignoreip = 192.0.2.1\n",
                        "[bad] ignoreip: unknown key: fail2ban's ignoreip is allow here.");
        assert_refused(*state,
                        JAIL("bad") "bantime.increment = true\n",
                        "[bad] bantime.increment: unknown key: bantime_growth, bantime_steps and permanent_after make bans grow.");
        assert_refused(*state,
                        JAIL("bad") "session = _PID\n",
                        "[bad] session: unknown here: it belongs into [filter] of the jail's filter.");
        assert_refused(*state,
                        JAIL("bad") "kill = no\n",
                        "[bad] kill: unknown here: it belongs into [banjo].");
        assert_refused(*state,
                        JAIL("bad") "xyzzy = 1\n",
                        "[bad] xyzzy: unknown key; banctl show --default lists those there are.");
}

static void unknown_sections_are_named(void **state) {
        assert_refused(*state,
                        "[bad]\nmaxretry = 3\n[god]\nenabled = no\n",
                        "[bad] unknown section: a jail is made by enabled = yes and a filter.");
        assert_refused(*state,
                        "[bad]\nmaxretry = 3\n[bat]\nenabled = no\n",
                        "[bad] unknown section; did you mean [bat]?");
}

static void missing_ports_are_named(void **state) {
        assert_refused(*state,
                        "[bad]\nenabled = yes\nfilter = a\n",
                        "[bad] ports: missing: which ports are closed for whom this jail bans?");
}

static void missing_filter_is_named(void **state) {
        assert_refused(*state,
                        "[bad]\nenabled = yes\nports = 1\nfilter = nosuch\n",
                        "[bad] filter: there is no filter \"nosuch\": no filters/nosuch.conf in the configuration.");
        assert_refused(*state,
                        "[bad]\nenabled = yes\nports = 1\n",
                        "[bad] filter: there is no filter \"bad\": no filters/bad.conf in the configuration.");
}

static void filter_with_mistakes_is_named_after_them(void **state) {
        Problems problems = {};
        _cleanup_(config_freep) Config *c = NULL;
        const char *filter = files_write(*state, "usr/filters/broken.conf", "[fail]\nx =\n");
        const char *jails = files_write(*state,
                        "usr/conf.d/x.conf",
                        JAIL("good") "[bad]\nenabled = yes\nports = 1\nfilter = broken\n");
        char wanted[4096];

        c = load_with(*state, &problems);
        (void) snprintf(wanted,
                        sizeof(wanted),
                        "%s: [fail] x: the pattern is empty.\n"
                        "%s: [bad] filter: the filter \"broken\" (%s) has mistakes.",
                        filter,
                        jails,
                        filter);
        problems_assert(&problems, wanted);
        assert_true(jail(c, "bad")->refused);
        assert_false(jail(c, "good")->refused);
}

static void wrong_journal_is_named(void **state) {
        assert_refused(*state,
                        JAIL("bad") "journal = ssh.service\n",
                        "[bad] journal: \"ssh.service\" should be terms like _SYSTEMD_UNIT=ssh.service with "
                        "\"+\" between alternatives; see banjo.conf(5) for the fields.");
        assert_refused(*state,
                        JAIL("bad") "journal = _UID=0 _NOSUCH=1\n",
                        "[bad] journal: \"_NOSUCH=1\" should be terms like _SYSTEMD_UNIT=ssh.service with "
                        "\"+\" between alternatives; see banjo.conf(5) for the fields.");
}

static void wrong_units_are_named(void **state) {
        assert_refused(*state,
                        JAIL("bad") "units = ssh.service sshd\n",
                        "[bad] units: \"sshd\" should be names of units like ssh.service or ssh@.service.");
        assert_refused(*state,
                        JAIL("bad") "units =\n",
                        "[bad] units: \"\" should be names of units like ssh.service or ssh@.service.");
}

static void journal_that_anybody_can_forge_is_refused(void **state) {
        assert_refused(*state,
                        JAIL("bad") "journal = SYSLOG_IDENTIFIER=sshd\n",
                        "[bad] journal: every alternative needs a field that a local user cannot forge: "
                        "_SYSTEMD_UNIT, _SYSTEMD_SLICE, _UID or the like.");
}

static void journal_and_units_exclude_each_other(void **state) {
        Problems problems = {};
        _cleanup_(config_freep) Config *c = NULL;
        const char *low =
                        files_write(*state, "usr/conf.d/a.conf", JAIL("bad") "units = a.service\n");
        const char *high = files_write(*state, "etc/conf.d/b.conf", "[bad]\njournal = _UID=0\n");
        char wanted[2048];

        c = load_with(*state, &problems);
        (void) snprintf(wanted,
                        sizeof(wanted),
                        "%s: [bad] journal: a jail has journal = or units =, not both (units stands in %s).",
                        high,
                        low);
        problems_assert(&problems, wanted);
        assert_true(jail(c, "bad")->refused);
}

#define BANS(name) "[" name "]\nenabled = yes\nsource = bans\nports = any\n"

static void jail_that_counts_bans_needs_no_filter(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        ConfigOrigin o;
        const JailConfig *j;

        (void) files_write(*state,
                        "usr/conf.d/x.conf",
                        "[default]\nmaxretry = 4\nbantime_growth = 2\n" JAIL("x")
                                        BANS("again") "findtime = 366d\nipv6_prefix = 56\n");
        c = load(*state);
        assert_int_equal(jail(c, "x")->source, JAIL_SOURCE_JOURNAL);
        j = jail(c, "again");
        assert_int_equal(j->source, JAIL_SOURCE_BANS);
        assert_false(j->refused);
        assert_false(j->spoofable);
        assert_null(j->filter);
        assert_null(j->match);
        assert_int_equal(j->maxretry, 4);
        assert_int_equal(j->bantime_growth, 2 * CONFIG_GROWTH_ONE);
        assert_int_equal(j->findtime, 366 * USEC_PER_DAY);
        assert_int_equal(j->ipv6_prefix, 56);

        config_get_origin(c, j, "filter", &o);
        assert_null(o.value);
        config_get_origin(c, j, "groups", &o);
        assert_null(o.value);
        config_get_origin(c, j, "source", &o);
        assert_string_equal(o.value, "bans");
        config_get_origin(c, jail(c, "x"), "source", &o);
        assert_string_equal(o.value, "journal");
}

static void jail_that_counts_bans_has_nothing_of_the_journal(void **state) {
        static const struct {
                const char *key;
                const char *value;
        } keys[] = {
                { "filter", "a" },
                { "groups", "all" },
                { "weight", "bad:2" },
                { "units", "a.service" },
                { "journal", "_UID=0" },
                { "namespace", "web" },
        };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                char text[256], wanted[256];

                (void) snprintf(text,
                                sizeof(text),
                                BANS("bad") "%s = %s\n",
                                keys[i].key,
                                keys[i].value);
                (void) snprintf(wanted,
                                sizeof(wanted),
                                "[bad] %s: a jail with source = bans reads no journal, so it cannot have "
                                "this.",
                                keys[i].key);
                assert_refused(*state, text, wanted);
        }

        assert_refused(*state,
                        "[bad]\nenabled = yes\nsource = bans\nports = auto\n",
                        "[bad] ports: the jail \"bad\" has source = bans, so it has no units that "
                        "could listen anywhere.");
        assert_refused(*state,
                        BANS("bad") "spoofable = yes\nbantime = -1\n",
                        "[bad] bantime: the jail \"bad\" is spoofable, so its bans cannot be for good: "
                        "anybody could choose who is banned.");
        assert_refused(*state,
                        JAIL("bad") "source = ban\n",
                        "[bad] source: \"ban\" is wrong, it should be journal or bans.");
}

static void source_is_no_default(void **state) {
        Problems problems = {};
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state, "usr/conf.d/x.conf", "[default]\nsource = bans\n" JAIL("x"));
        c = load_with(*state, &problems);
        assert_non_null(strstr(problems.text, "[default] source: "));
        assert_int_equal(jail(c, "x")->source, JAIL_SOURCE_JOURNAL);
}

static void bans_that_nobody_makes_cannot_be_counted(void **state) {
        Problems problems = {};
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state,
                        "usr/conf.d/x.conf",
                        BANS("bad") "[off]\nenabled = no\nsource = bans\nports = 1\n"
                                    "[x]\nenabled = no\nports = 22\n");
        c = load_with(*state, &problems);
        assert_non_null(strstr(problems.text,
                        "[bad] source: no jail is enabled whose bans could be counted.\n"));
        assert_true(jail(c, "bad")->refused);
        assert_false(jail(c, "off")->refused);
}

static void bans_of_some_jails_count_for_others(void **state) {
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state,
                        "usr/conf.d/x.conf",
                        JAIL("x") JAIL("udp") "spoofable = yes\n" BANS("again")
                                        BANS("any") "spoofable = yes\n");
        c = load(*state);
        assert_true(config_jail_counts(jail(c, "again"), jail(c, "x")));
        assert_true(config_jail_counts(jail(c, "any"), jail(c, "x")));
        assert_true(config_jail_counts(jail(c, "any"), jail(c, "udp")));
        assert_false(config_jail_counts(jail(c, "again"), jail(c, "udp")));
        assert_false(config_jail_counts(jail(c, "again"), jail(c, "again")));
        assert_false(config_jail_counts(jail(c, "again"), jail(c, "any")));
        assert_false(config_jail_counts(jail(c, "x"), jail(c, "udp")));
}

static void filter_without_units_needs_them_from_the_jail(void **state) {
        (void) files_write(*state, "usr/filters/nounits.conf", "[fail]\nbad = 'bad <ADDR>'\n");
        assert_refused(*state,
                        "[bad]\nenabled = yes\nports = 1\nfilter = nounits\n",
                        "[bad] units: missing: the filter \"nounits\" does not say which units log.");
}

static void wrong_units_of_a_filter_are_named_there(void **state) {
        Problems problems = {};
        _cleanup_(config_freep) Config *c = NULL;
        const char *filter = files_write(
                        *state, "usr/filters/b.conf", "[filter]\nunits = nodot\n[fail]\nx = y\n");
        char wanted[1024];

        (void) files_write(*state, "usr/conf.d/b.conf", "[b]\nenabled = yes\nports = 1\n");
        c = load_with(*state, &problems);
        (void) snprintf(wanted,
                        sizeof(wanted),
                        "%s: [filter] units: \"nodot\" should be names of units like ssh.service or ssh@.service.",
                        filter);
        assert_non_null(strstr(problems.text, wanted));
        assert_true(jail(c, "b")->refused);
}

static void wrong_names_of_jails_are_named(void **state) {
        static const char *const names[] = {
                "1st", "ssh d", "_x", "ä", "abcdefghijklmnopqrstuvwxyzabcdefg"
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                Problems problems = {};
                _cleanup_(config_freep) Config *c = NULL;
                char text[256], wanted[1024];
                const char *path;

                (void) snprintf(text, sizeof(text), "[%s]\nenabled = yes\n", names[i]);
                path = files_write(*state, "usr/conf.d/x.conf", text);
                c = load_with(*state, &problems);
                (void) snprintf(wanted,
                                sizeof(wanted),
                                "%s: [%s] a jail's name begins with a letter and has at most 32 letters, "
                                "digits, \"-\" and \"_\".",
                                path,
                                names[i]);
                problems_assert(&problems, wanted);
                assert_int_equal(c->n_jails, 0);
        }
}

static void mistakes_in_default_and_banjo_are_named(void **state) {
        static const struct {
                const char *text;
                const char *wanted;
        } cases[] = {
                { "[banjo]\nfirewall = iptables\n",
                                "[banjo] firewall: \"iptables\" is wrong, it should be nft or log." },
                { "[banjo]\nkill = perhaps\n",
                                "[banjo] kill: \"perhaps\" is wrong, it should be yes or no." },
                { "[banjo]\nhook = output\n",
                                "[banjo] hook: \"output\" is wrong, it should be prerouting, input or ingress." },
                { "[banjo]\nhook = ingress\n",
                                "[banjo] hook: ingress needs the names of devices (devices = eth0 ...)." },
                { "[banjo]\nhook = input\ndevices = eth0\n",
                                "[banjo] devices: only hook = ingress is at devices." },
                { "[banjo]\nhook = ingress\ndevices = eth0 a/b\n",
                                "[banjo] devices: \"eth0 a/b\" is wrong, it should be names of network devices." },
                { "[banjo]\nownership = perhaps\n",
                                "[banjo] ownership: \"perhaps\" is wrong, it should be auto, yes or no." },
                { "[banjo]\non_stop = yes\n",
                                "[banjo] on_stop: \"yes\" is wrong, it should be keep or remove." },
                { "[banjo]\nmax_bans = 0\n",
                                "[banjo] max_bans: \"0\" is wrong, it should be a number from 1 to 10000000." },
                { "[banjo]\nhistory_size = much\n",
                                "[banjo] history_size: \"much\" is wrong, it should be a size such as 64M, or infinity." },
                { "[banjo]\nmaxretry = 3\n",
                                "[banjo] maxretry: unknown here: it belongs into a jail or [default]." },
                { "[default]\nfirewall = nft\n",
                                "[default] firewall: unknown here: it belongs into [banjo]." },
                { "[default]\njournal = _UID=0\n",
                                "[default] journal: unknown here: it belongs into a jail." },
                { "[default]\nunits = a.service\n",
                                "[default] units: unknown here: it belongs into a jail." },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Problems problems = {};
                _cleanup_(config_freep) Config *c = NULL;
                const char *path = files_write(*state, "usr/banjo.conf", cases[i].text);
                char wanted[1024];

                (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x"));
                c = load_with(*state, &problems);
                (void) snprintf(wanted, sizeof(wanted), "%s: %s", path, cases[i].wanted);
                problems_assert(&problems, wanted);
                assert_false(jail(c, "x")->refused);
        }
}

static void wrong_default_refuses_those_that_use_it(void **state) {
        Problems problems = {};
        _cleanup_(config_freep) Config *c = NULL;

        (void) files_write(*state, "usr/banjo.conf", "[default]\nmaxretry = none\n");
        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x") JAIL("y") "maxretry = 1\n");
        c = load_with(*state, &problems);
        assert_true(jail(c, "x")->refused);
        assert_false(jail(c, "y")->refused);
        assert_non_null(strstr(
                        problems.text, "/usr/banjo.conf: [default] maxretry: \"none\" is wrong"));
}

static void broken_file_does_not_stop_the_others(void **state) {
        Problems problems = {};
        _cleanup_(config_freep) Config *c = NULL;
        const char *path = files_write(*state, "usr/conf.d/a.conf", "[broken]\nno setting\n");
        char wanted[1024];

        (void) files_write(*state, "usr/conf.d/x.conf", JAIL("x"));
        c = load_with(*state, &problems);
        (void) snprintf(wanted, sizeof(wanted), "%s: line 2: ", path);
        assert_memory_equal(problems.text, wanted, strlen(wanted));
        assert_false(jail(c, "x")->refused);
}

static void too_many_jails_are_refused(void **state) {
        Problems problems = {};
        _cleanup_(config_freep) Config *c = NULL;
        char text[8192] = "", *end = text;
        const char *path;
        char wanted[1024];

        for (unsigned i = 0; i <= CONFIG_JAILS_MAX; i++)
                end += sprintf(end, "[j%u]\nenabled=no\n", i);
        path = files_write(*state, "usr/conf.d/x.conf", text);
        c = load_with(*state, &problems);
        (void) snprintf(wanted, sizeof(wanted), "%s: [j256] there are more than 256 jails.", path);
        problems_assert(&problems, wanted);
        assert_int_equal(c->n_jails, CONFIG_JAILS_MAX);
}

static void shipped_configuration_is_right(void **state) {
        const char *const directories[] = { SOURCE_DIR, NULL };
        Problems problems = {};
        ProblemSink sink = { .handler = problems_collect, .userdata = &problems };
        _cleanup_(config_freep) Config *c = NULL;
        const JailConfig *j;

        assert_int_equal(config_load(&c, directories, &sink), 0);
        problems_assert(&problems, "");
        j = jail(c, "sshd");
        assert_true(j->enabled);
        assert_int_equal(j->maxretry, 5);
        assert_true(ports_contains(&j->ports, 22));
        j = jail(c, "postfix-sasl");
        assert_int_equal(j->maxretry, 3);
        assert_int_equal(j->findtime, 5 * USEC_PER_MINUTE);
        assert_true(ports_contains(&j->ports, 25));
        assert_true(ports_contains(&j->ports, 465));
        assert_true(ports_contains(&j->ports, 587));
        assert_false(ports_contains(&j->ports, 22));
        j = jail(c, "recidive");
        assert_false(j->enabled);
        assert_int_equal(j->source, JAIL_SOURCE_BANS);
}

static void firewall_kinds_have_names(void **state) {
        assert_int_equal(firewall_kind_from_string("nft"), FIREWALL_KIND_NFT);
        assert_int_equal(firewall_kind_from_string("log"), FIREWALL_KIND_LOG);
        assert_int_equal(firewall_kind_from_string("none"), FIREWALL_KIND_LOG);
        assert_fails(firewall_kind_from_string("iptables"), EINVAL);
        assert_fails(firewall_kind_from_string(""), EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_file_test(jail_has_defaults),
                cmocka_file_test(every_key_is_read),
                cmocka_file_test(every_other_key_is_read),
                cmocka_file_test(spoofable_jail_bans_single_addresses),
                cmocka_file_test(spoofable_jail_bans_nobody_for_good),
                cmocka_file_test(growing_bans_are_configured),
                cmocka_file_test(spoofable_jail_grows_no_bans),
                cmocka_file_test(networks_are_configured),
                cmocka_file_test(wrong_networks_are_named_one_by_one),
                cmocka_file_test(users_are_configured),
                cmocka_file_test(steps_are_named_one_by_one),
                cmocka_file_test(groups_and_weights_need_the_filter_to_have_them),
                cmocka_file_test(allow_reads_files),
                cmocka_file_test(wrong_files_of_allow_are_named),
                cmocka_file_test(origins_tell_where_values_come_from),
                cmocka_file_test(defaults_of_the_table_are_those_of_the_header),
                cmocka_file_test(mistakes_of_disabled_jails_are_found_when_asked_for),
                cmocka_file_test(journal_is_taken_word_for_word),
                cmocka_file_test(default_section_holds_for_all_and_jails_come_first),
                cmocka_file_test(file_of_the_same_name_higher_up_replaces_the_lower),
                cmocka_file_test(main_file_is_replaced_likewise),
                cmocka_file_test(later_files_override_key_by_key),
                cmocka_file_test(link_to_dev_null_masks),
                cmocka_file_test(filters_are_shadowed_and_masked_likewise),
                cmocka_file_test(only_conf_files_count),
                cmocka_file_test(no_file_at_all_is_no_configuration),
                cmocka_file_test(jails_come_in_the_order_of_their_first_mention),
                cmocka_file_test(filter_is_named_like_the_jail_unless_said_otherwise),
                cmocka_file_test(disabled_jail_needs_no_filter),
                cmocka_file_test(wrong_values_are_named),
                cmocka_file_test(unknown_key_is_named),
                cmocka_file_test(words_of_fail2ban_are_explained),
                cmocka_file_test(unknown_sections_are_named),
                cmocka_file_test(missing_ports_are_named),
                cmocka_file_test(missing_filter_is_named),
                cmocka_file_test(filter_with_mistakes_is_named_after_them),
                cmocka_file_test(wrong_journal_is_named),
                cmocka_file_test(wrong_units_are_named),
                cmocka_file_test(journal_that_anybody_can_forge_is_refused),
                cmocka_file_test(journal_and_units_exclude_each_other),
                cmocka_file_test(jail_that_counts_bans_needs_no_filter),
                cmocka_file_test(jail_that_counts_bans_has_nothing_of_the_journal),
                cmocka_file_test(source_is_no_default),
                cmocka_file_test(bans_that_nobody_makes_cannot_be_counted),
                cmocka_file_test(bans_of_some_jails_count_for_others),
                cmocka_file_test(filter_without_units_needs_them_from_the_jail),
                cmocka_file_test(wrong_units_of_a_filter_are_named_there),
                cmocka_file_test(wrong_names_of_jails_are_named),
                cmocka_file_test(mistakes_in_default_and_banjo_are_named),
                cmocka_file_test(wrong_default_refuses_those_that_use_it),
                cmocka_file_test(broken_file_does_not_stop_the_others),
                cmocka_file_test(too_many_jails_are_refused),
                cmocka_unit_test(shipped_configuration_is_right),
                cmocka_unit_test(firewall_kinds_have_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
