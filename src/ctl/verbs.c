/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/verbs.h"

#include "base/log.h"
#include "base/suggest.h"

const VerbInfo verbs[] = {
        {
                        .name = "status",
                        .arguments = "",
                        .run = verb_status,
                        .help = "what banjod does, and its jails (default)",
                        .details = "Whether banjod protects this host: the service, how far it has read the journal,\n"
                                   "the firewall, its jails, and what is not as it should be.",
                        .examples = "  banctl\n"
                                    "  banctl status --json | jq -r '.warnings[].text'",
        },
        {
                        .name = "list",
                        .arguments = "[JAIL]",
                        .n_max = 1,
                        .run = verb_list,
                        .help = "who is banned, why and until when",
                        .details = "The bans that run, oldest first; all, or those of a jail.",
                        .examples = "  banctl list sshd\n"
                                    "  banctl list --json | jq -r '.[].address'",
        },
        {
                        .name = "why",
                        .arguments = "ADDRESS",
                        .n_min = 1,
                        .n_max = 1,
                        .is_local = true,
                        .run = verb_why,
                        .help = "why it is banned: the entries that led to it",
                        .details = "What shuts an address out, or last did, with the entries of the journal that led\n"
                                   "to it and what was recognised in them; and how long its next ban would be.",
                        .examples = "  banctl why 192.0.2.7",
        },
        {
                        .name = "history",
                        .arguments = "[ADDRESS]",
                        .n_max = 1,
                        .run = verb_history,
                        .help = "bans that run and bans that ended",
                        .details = "All bans, oldest first; or those of an address, of prefixes around it and of\n"
                                   "what lies in it.",
                        .examples = "  banctl history 192.0.2.7\n"
                                    "  banctl history --jail=sshd --since=-7d",
        },
        {
                        .name = "stats",
                        .arguments = "",
                        .run = verb_stats,
                        .help = "failures and bans by hour or day",
                        .details = "How many failures and bans there were, by hour or day, jail, pattern, user and\n"
                                   "network; of the last 24 hours, unless --since= and --until= say otherwise.",
                        .examples = "  banctl stats\n"
                                    "  banctl stats --since=-30d --by=day --jail=sshd",
        },
        {
                        .name = "jails",
                        .arguments = "",
                        .run = verb_jails,
                        .help = "the jails and their limits",
                        .details = "All jails that banjod has, enabled or not, with their limits.",
                        .examples = "  banctl jails\n"
                                    "  banctl jails --json | jq -r '.[] | select(.refused).name'",
        },
        {
                        .name = "monitor",
                        .arguments = "[JAIL]",
                        .n_max = 1,
                        .run = verb_monitor,
                        .help = "failures and bans as they happen",
                        .details = "Failures, bans and their ends as they happen, of all jails or of one. Goes on\n"
                                   "when banjod is restarted.",
                        .examples = "  banctl monitor sshd\n"
                                    "  banctl monitor --json | jq -r 'select(.event == \"banned\").address'",
        },
        {
                        .name = "log",
                        .arguments = "[ADDRESS|JAIL]",
                        .n_max = 1,
                        .is_local = true,
                        .run = verb_log,
                        .help = "what banjod said of it in the journal",
                        .details = "banjod's own messages in the journal: all, or those about an address, prefixes\n"
                                   "around it and what lies in it, or about a jail.",
                        .examples = "  banctl log -f\n"
                                    "  banctl log 192.0.2.7 --since=-7d\n"
                                    "  banctl log sshd -n 20",
        },
        {
                        .name = "metrics",
                        .arguments = "",
                        .run = verb_metrics,
                        .help = "numbers for Prometheus",
                        .details = "The numbers of banjod as OpenMetrics text, for a monitoring system. The timer\n"
                                   "banjo-metrics.timer writes them for node_exporter.",
                        .examples = "  banctl metrics\n"
                                    "  banctl metrics --output=/var/lib/prometheus/node-exporter/banjo.prom",
        },
        {
                        .name = "ban",
                        .arguments = "JAIL ADDRESS...|-",
                        .n_max = INT32_MAX,
                        .run = verb_ban,
                        .help = "ban addresses or prefixes",
                        .details = "Bans what is given, no more and no less. What would lock you out is refused:\n"
                                   "where you are logged in from, this host's addresses, gateways and resolvers.",
                        .examples = "  banctl ban sshd 192.0.2.7\n"
                                    "  banctl ban 192.0.2.0/24 2001:db8::/64 --jail=sshd --time=7d --reason=scans\n"
                                    "  curl -s https://lists.example/drop.txt | banctl ban sshd - --time=1d",
        },
        {
                        .name = "unban",
                        .arguments = "[JAIL] ADDRESS...|-",
                        .n_max = INT32_MAX,
                        .run = verb_unban,
                        .help = "let them in again",
                        .details = "Lifts the bans of the addresses, those of prefixes around them and, for a\n"
                                   "prefix, those of what lies in it; in all jails if none is named.",
                        .examples = "  banctl unban 192.0.2.7\n"
                                    "  banctl unban 192.0.2.7 --jail=sshd\n"
                                    "  banctl unban --file=list.txt",
        },
        {
                        .name = "allow",
                        .arguments = "[ADDRESS...]",
                        .n_max = INT32_MAX,
                        .run = verb_allow,
                        .help = "who is never banned",
                        .details = "Has addresses or prefixes never banned from now on, in no jail; or lists those\n"
                                   "that are allowed so. Their bans are lifted. It outlives a restart.",
                        .examples = "  banctl allow\n"
                                    "  banctl allow 192.0.2.7 --time=2h --reason='a test of ours'\n"
                                    "  banctl allow --remove 192.0.2.7",
        },
        {
                        .name = "pause",
                        .arguments = "JAIL...",
                        .n_min = 1,
                        .n_max = INT32_MAX,
                        .run = verb_pause,
                        .help = "count and ban nobody in these jails",
                        .details = "From now on nothing counts in the jails, and they ban nobody; the bans they\n"
                                   "have go on. It outlives a restart.",
                        .examples = "  banctl pause sshd",
        },
        {
                        .name = "resume",
                        .arguments = "JAIL...",
                        .n_min = 1,
                        .n_max = INT32_MAX,
                        .run = verb_resume,
                        .help = "end that",
                        .details = "Has jails that pause go on. What happened meanwhile does not count.",
                        .examples = "  banctl resume sshd",
        },
        {
                        .name = "forget",
                        .arguments = "ADDRESS...",
                        .n_min = 1,
                        .n_max = INT32_MAX,
                        .run = verb_forget,
                        .help = "let earlier bans count no more",
                        .details = "Drops the history of the addresses and, for a prefix, of what lies in it: their\n"
                                   "bans that ended, and their failures. Bans that run go on.",
                        .examples = "  banctl forget 192.0.2.7",
        },
        {
                        .name = "show",
                        .arguments = "[JAIL]",
                        .n_max = 1,
                        .is_local = true,
                        .run = verb_show,
                        .help = "a jail's configuration, and where it comes from",
                        .details = "The keys of a jail with the file that each comes from, the patterns of its\n"
                                   "filter, and the journalctl command that shows what it reads. Needs no banjod.",
                        .examples = "  banctl show sshd\n"
                                    "  banctl show --default",
        },
        {
                        .name = "verify",
                        .arguments = "[DIR]",
                        .n_max = 1,
                        .is_local = true,
                        .run = verb_verify,
                        .help = "what is wrong with the configuration",
                        .details = "Mistakes in the configuration, or in that of a directory, with file, section and\n"
                                   "key. Needs no banjod. With --live: which bans nftables or the database have\n"
                                   "otherwise than banjod.",
                        .examples = "  banctl verify && banctl reload\n"
                                    "  banctl verify --live --all",
        },
        {
                        .name = "test",
                        .arguments = "FILTER [FILE|-]",
                        .n_max = 2,
                        .is_local = true,
                        .run = verb_test,
                        .help = "what a filter recognises in a log",
                        .details = "What a filter makes of a file, of the standard input or, without either, of the\n"
                                   "journal. Needs no banjod, and bans nobody.",
                        .examples = "  banctl test sshd --since=today\n"
                                    "  echo 'Failed password for root from 192.0.2.1' | banctl test sshd -\n"
                                    "  banctl test --pattern='login of <USER> from <ADDR> failed' app.log",
        },
        {
                        .name = "reload",
                        .arguments = "",
                        .run = verb_reload,
                        .help = "load the configuration anew",
                        .details = "Loads the configuration anew. If it has mistakes, the old one stays in force.",
                        .examples = "  banctl verify && banctl reload",
        },
        {
                        .name = "flush",
                        .arguments = "",
                        .run = verb_flush,
                        .help = "lift all bans, also without banjod",
                        .details = "Lifts all bans of all jails, or of one. Without banjod, it ends those in the\n"
                                   "database and removes the table \"inet banjo\" from the kernel.",
                        .examples = "  banctl flush --yes",
        },
};

const size_t n_verbs = ELEMENTSOF(verbs);

const VerbInfo *verb_find(const char *name) {
        const char *names[ELEMENTSOF(verbs) + 1] = {}, *nearest;

        assert(name);

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
                if (streq(name, verbs[i].name))
                        return &verbs[i];
                names[i] = verbs[i].name;
        }

        nearest = suggest_word(name, names);
        if (nearest)
                log_error("There is no verb \"%s\". Did you mean %s?", name, nearest);
        else
                log_error("There is no verb \"%s\"; see banctl --help.", name);
        return NULL;
}
