/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/key-hints.h"

#include "base/suggest.h"
#include "model/banjo-keys.h"
#include "model/jail-keys.h"

#define WORDS_MAX 64

/* banjo(7) has the same table, and more. */
static const struct {
        const char *key;
        const char *hint;
} fail2ban_keys[] = {
        { "ignoreip", "fail2ban's ignoreip is allow here" },
        { "ignoreself", "fail2ban's ignoreself is allow_local here" },
        { "ignorecommand",
                        "no command is run to allow an address; allow takes host names and files" },
        { "logpath",
                        "entries come from the journal: units or journal says which; for a log file see "
                        "banjo-tail@.service" },
        { "journalmatch", "fail2ban's journalmatch is journal here" },
        { "backend", "there is one backend, the journal" },
        { "mode", "fail2ban's mode is groups here" },
        { "port", "fail2ban's port is ports here" },
        { "banaction", "bans go into nftables; block says what happens to packets" },
        { "banaction_allports", "fail2ban's banaction_allports is ports = any here" },
        { "action", "bans go into nftables; block says what happens to packets" },
        { "blocktype", "fail2ban's blocktype is block here" },
        { "chain", "hook of [banjo] says where packets are met, and scope whether forwarded ones are meant" },
        { "failregex", "patterns stand in [fail] of the filter; see banjo.filter(5)" },
        { "ignoreregex", "patterns stand in [ignore] of the filter; see banjo.filter(5)" },
        { "prefregex", "patterns stand in [prefix] of the filter; see banjo.filter(5)" },
        { "maxlines", "lines that belong together are a session of the filter; see banjo.filter(5)" },
        { "datepattern", "the journal knows the time of each entry" },
        { "logencoding", "patterns run over bytes, so there is no encoding to set" },
        { "usedns", "names in log lines are never resolved" },
        { "maxmatches", "the journal keeps the entries that led to a ban" },
        { "loglevel", "systemctl service-log-level banjod.service sets the level" },
        { "logtarget", "banjod logs to the journal" },
        { "allowipv6", "IPv6 is always on" },
};

/* Keys of [filter] in a filter's file, as far as jails have no such key. */
static const char *const filter_keys[] = {
        "text",
        "session",
        "clear",
        "require",
        "identifiers",
        NULL,
};

static const char *find_fail2ban(const char *key) {
        for (size_t i = 0; i < ELEMENTSOF(fail2ban_keys); i++)
                if (streq(fail2ban_keys[i].key, key))
                        return fail2ban_keys[i].hint;

        if (startswith(key, "bantime."))
                return "bantime_growth, bantime_steps and permanent_after make bans grow";
        return NULL;
}

static bool is_filter_key(const char *key) {
        for (size_t i = 0; filter_keys[i]; i++)
                if (streq(filter_keys[i], key))
                        return true;

        return false;
}

/* Where a key that is known belongs, or NULL. */
static const char *find_home(const char *key, KeyPlace place) {
        const JailKey *jail = jail_key_find(key);

        if (jail && jail->in_default && place == KEY_PLACE_BANJO)
                return "it belongs into a jail or [default]";
        if (jail)
                return "it belongs into a jail";
        if (banjo_key_find(key))
                return "it belongs into [banjo]";
        if (is_filter_key(key))
                return "it belongs into [filter] of the jail's filter";
        return NULL;
}

static const char *find_nearest(const char *key, KeyPlace place) {
        const char *words[WORDS_MAX] = {};
        size_t n = 0;

        if (place == KEY_PLACE_BANJO) {
                for (const BanjoKey *k = banjo_keys; k->name && n < WORDS_MAX - 1; k++)
                        words[n++] = k->name;
        } else
                for (const JailKey *k = jail_keys; k->name && n < WORDS_MAX - 1; k++)
                        if (place == KEY_PLACE_JAIL || k->in_default)
                                words[n++] = k->name;

        return suggest_word(key, words);
}

const char *key_hint(const char *key, KeyPlace place, char buf[static KEY_HINT_SIZE]) {
        const char *text;

        assert(key);

        text = find_home(key, place);
        if (text) {
                (void) snprintf(buf, KEY_HINT_SIZE, "unknown here: %s.", text);
                return buf;
        }

        text = find_fail2ban(key);
        if (text) {
                (void) snprintf(buf, KEY_HINT_SIZE, "unknown key: %s.", text);
                return buf;
        }

        text = find_nearest(key, place);
        if (text)
                (void) snprintf(buf, KEY_HINT_SIZE, "unknown key; did you mean %s?", text);
        else
                (void) snprintf(buf,
                                KEY_HINT_SIZE,
                                "unknown key; banctl show --default lists those there are.");
        return buf;
}

const char *section_hint(const char *section) {
        static const struct {
                const char *section;
                const char *hint;
        } hints[] = {
                { "definition",
                                "the section of a file of fail2ban's: filters lie in filters/, and "
                                "banjo.filter(5) explains them" },
                { "init", "the section of a file of fail2ban's: banjo has no actions to set up" },
                { "includes",
                                "the section of a file of fail2ban's: all files of conf.d/ are read "
                                "by themselves" },
        };

        assert(section);

        for (size_t i = 0; i < ELEMENTSOF(hints); i++)
                if (streq(hints[i].section, section))
                        return hints[i].hint;

        return NULL;
}
