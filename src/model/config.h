/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Configuration
 *
 * banjo.conf and conf.d/ of all configuration directories, merged, with the filters that the jails
 * name. Immutable once loaded; a reload builds a second Config and swaps.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "base/usec.h"
#include "model/allowlist.h"
#include "model/block.h"
#include "model/filter.h"
#include "model/guard.h"
#include "model/match.h"
#include "model/network-limits.h"
#include "model/ports.h"
#include "model/problem.h"

/* Limits and defaults; banjo.conf(5) repeats them. */
#define CONFIG_JAILS_MAX 256
#define CONFIG_MAXRETRY_MAX 1000
#define CONFIG_MAXRETRY_DEFAULT 5
#define CONFIG_FINDTIME_DEFAULT (10 * USEC_PER_MINUTE)
#define CONFIG_FINDTIME_MAX (366 * USEC_PER_DAY)
#define CONFIG_BANTIME_DEFAULT USEC_PER_HOUR
#define CONFIG_COUNTERS_MAX 1000000
#define CONFIG_COUNTERS_DEFAULT 0
#define CONFIG_MAX_ADDRESSES_MIN 1000
#define CONFIG_MAX_ADDRESSES_MAX 10000000
#define CONFIG_MAX_ADDRESSES_DEFAULT 100000
#define CONFIG_MAX_BANS_MAX 10000000
#define CONFIG_WEIGHT_MAX 1000
#define CONFIG_USER_MAXRETRY_MAX 100
#define CONFIG_IPV4_PREFIX_MIN 8
#define CONFIG_IPV4_PREFIX_DEFAULT 32
#define CONFIG_IPV6_PREFIX_MIN 19
#define CONFIG_IPV6_PREFIX_DEFAULT 64
#define CONFIG_GROWTH_ONE 1000 /* factors are in thousandths */
#define CONFIG_GROWTH_MAX (100 * CONFIG_GROWTH_ONE)
#define CONFIG_STEPS_MAX 32
#define CONFIG_JITTER_MAX (366 * USEC_PER_DAY)
#define CONFIG_PERMANENT_AFTER_MAX 1000
#define CONFIG_DEVICES_MAX 64

typedef enum FirewallKind {
        FIREWALL_KIND_NFT, /* bans go into nftables */
        FIREWALL_KIND_LOG, /* decided and announced only */
} FirewallKind;

/* "nft" or "log"; "none" is another word for log. Returns the kind or -EINVAL. */
int firewall_kind_from_string(const char *s);

/* What a jail's failures are. */
typedef enum JailSource {
        JAIL_SOURCE_JOURNAL, /* what its filter recognises in the journal */
        JAIL_SOURCE_BANS,    /* the bans that jails of the other kind make */
} JailSource;

/* What a failure that some pattern recognised counts. */
typedef struct PatternWeight {
        char *pattern;
        unsigned weight; /* 0 to CONFIG_WEIGHT_MAX */
} PatternWeight;

typedef struct JailConfig {
        char *name;
        char *file; /* the last one that said something about the jail */
        char *description;
        JailSource source;
        Filter *filter; /* NULL if the jail is refused, or counts bans */
        Match *match;   /* which entries it reads; NULL in the same cases */
        unsigned maxretry;
        usec_t findtime;
        usec_t bantime;          /* USEC_INFINITY for good */
        unsigned bantime_growth; /* by earlier ban, in thousandths: at least CONFIG_GROWTH_ONE */
        usec_t *bantime_steps; /* the first ban's length, the second's...; NULL if there are none */
        size_t n_bantime_steps;
        usec_t bantime_max; /* of bans that end at all; USEC_INFINITY for none */
        usec_t bantime_jitter;
        usec_t memory;            /* so long after its end a ban is an earlier one */
        bool memory_all;          /* bans of all jails are, not only this one's */
        unsigned permanent_after; /* so many earlier bans; 0 for never */
        PortSet ports;
        bool ports_auto; /* the ports that the units listen on; .ports holds those known */
        BlockKind block;
        BlockScope scope;
        size_t counters;    /* so many bans have a counter of their own */
        Allowlist allow;    /* what is written as addresses, or was read from files */
        char **allow_names; /* host names, resolved by the daemon; NULL-terminated, may be NULL */
        bool allow_local;   /* this host's own addresses are never banned */
        char **allow_sessions; /* nor are those from which root or a member of these groups is
                                  logged in; NULL-terminated, NULL for off */
        bool spoofable;        /* never widened to networks, never longer, never for good */
        unsigned ipv4_prefix;  /* what is counted and banned for a host */
        unsigned ipv6_prefix;
        NetworkLimits networks;
        unsigned user_maxretry; /* addresses that make a user one who is under attack; 0 for never
                                 */
        unsigned user_weight;   /* what a failure of such a user counts at least */
        char **groups; /* of patterns, besides those always used; NULL-terminated, may be NULL */
        PatternWeight *weights;
        size_t n_weights;
        size_t max_addresses;
        size_t max_bans;
        char *journal_namespace; /* "" for the default one */
        bool enabled;
        bool refused; /* enabled, but wrong: it recognises nothing, and keeps the bans it has */
} JailConfig;

typedef struct Settings Settings;

typedef struct Config {
        JailConfig *jails; /* all that are configured, in the order of their first mention */
        size_t n_jails;
        FirewallKind firewall;
        bool kill; /* bans end open connections, too */
        FirewallHook hook;
        char **devices; /* of FIREWALL_INGRESS, at least one; NULL-terminated, else NULL */
        FirewallOwning ownership;
        FirewallStop on_stop;
        size_t max_bans;       /* of all jails together */
        uint64_t history_size; /* bytes beyond which the database forgets; UINT64_MAX for none */
        Settings *settings;    /* what the files say, for config_get_origin() */
} Config;

/* The directories that are searched, highest first; NULL-terminated. */
extern const char *const config_default_path[];

/* Loads the configuration from the directories, highest first. Mistakes go to the sink; a jail with
 * one is marked as refused. Returns 0 and passes ownership of *ret, even with mistakes; -ENOENT if
 * no directory has a file; -ENOMEM. */
int config_load(Config **ret, const char *const *directories, ProblemSink *sink);

/* The same, for those who look at a configuration: jails that are not enabled get their filters,
 * too, and their mistakes are found. */
int config_load_whole(Config **ret, const char *const *directories, ProblemSink *sink);

Config *config_free(Config *c);
DEFINE_CLEANUP(Config *, config_free)

/* The jail of this name, or NULL. */
const JailConfig *config_get_jail(const Config *c, const char *name);

/* Whether what one jail bans by itself is a failure to another, if both are enabled. Bans that lead
 * to bans would have no end; and whoever can choose the address in a packet must not choose who is
 * banned by a jail that takes addresses to be true. */
bool config_jail_counts(const JailConfig *j, const JailConfig *by);

/* True for what can be the name of a jail, or of a filter. */
bool config_is_jail_name(const char *s);

/* Where the value of a key comes from. */
typedef enum ConfigOriginKind {
        ORIGIN_JAIL,    /* the jail's section */
        ORIGIN_DEFAULT, /* [default] */
        ORIGIN_FILTER,  /* [filter] of its filter */
        ORIGIN_BUILTIN, /* nowhere is it written */
} ConfigOriginKind;

typedef struct ConfigOrigin {
        ConfigOriginKind kind;
        const char *value; /* as written; NULL if there is none */
        const char *file;  /* NULL for ORIGIN_BUILTIN */
} ConfigOrigin;

/* For a key that jail-keys.h lists. The strings live as long as the configuration. */
void config_get_origin(const Config *c, const JailConfig *j, const char *key, ConfigOrigin *ret);
