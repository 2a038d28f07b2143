/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/warnings.h"

#include <inttypes.h>
#include <stdarg.h>

#include "ctl/rivals.h"
#include "ctl/sockets.h"
#include "engine/listeners.h"
#include "engine/saved-ruleset.h"
#include "model/entry.h"
#include "model/match.h"

/* Ports of one unit that are worth telling. */
#define PORTS_SHOWN 8

#define RIVALS_MAX 4

void warnings_add(Warnings *w, const char *kind, const char *jail, const char *format, ...) {
        Warning *warning;
        va_list ap;

        assert(w);
        assert(kind);
        assert(format);

        if (w->n_warnings == WARNINGS_MAX)
                return;

        warning = &w->warnings[w->n_warnings++];
        warning->kind = kind;
        warning->jail = jail;
        va_start(ap, format);
        (void) vsnprintf(warning->text, sizeof(warning->text), format, ap);
        va_end(ap);
}

const char *warning_advice(const char *kind) {
        static const struct {
                const char *kind;
                const char *advice;
        } advices[] = {
                { "cut", "banjo.filter(5) tells how a pattern does without the end of a message." },
                { "displaced", "Raise max_bans; see banjo.conf(5)." },
                { "exceeded", "banjo.filter(5) tells how patterns are written that do not." },
                { "firewall-failed",
                                "`journalctl -u banjod` has the kernel's reason. It is tried "
                                "again all the time." },
                { "forgotten", "Raise max_addresses of the jail; see banjo.conf(5)." },
                { "guards-nothing", "Start the service, or give the jail its ports: ports = ..." },
                { "jail-refused",
                                "`banctl verify` names them; `banctl reload` when they are gone." },
                { "leaks",
                                "`banctl list` marks these bans. Guard that port as well (ports = ...), or "
                                "ban where the proxy is." },
                { "missing-device",
                                "If that is a mistake, put it right in `devices`; see "
                                "banjo.conf(5). When the device comes, it is taken in." },
                { "no-jail",
                                "Enable some in /etc/banjo/conf.d: [sshd] and, below it, enabled = yes. "
                                "`banctl jails` lists them." },
                { "nothing-listens",
                                "Give the jail the ports of its service: ports = ..., or ports = "
                                "auto." },
                { "paused", "`banctl resume JAIL` ends that." },
                { "rival", "Stop one of the two." },
                { "saved-ruleset", "Delete the table from the file: banjod makes it by itself." },
                { "store-failed",
                                "See `journalctl -u banjod`, and whether the disk of "
                                "/var/lib/banjo is full." },
        };

        assert(kind);

        for (size_t i = 0; i < ELEMENTSOF(advices); i++)
                if (streq(advices[i].kind, kind))
                        return advices[i].advice;

        return "";
}

/* "ssh.service listens on 2222 and 2022" */
static const char *format_listeners(const ListenerPort *ports, size_t n, char *buf, size_t size) {
        size_t used = 0;

        for (size_t i = 0; i < n && used < size; i++) {
                bool same = i > 0 && streq(ports[i].unit, ports[i - 1].unit);

                used += (size_t) snprintf(buf + used,
                                size - used,
                                "%s%s%s%u",
                                i > 0 ? " and " : "",
                                same ? "" : ports[i].unit,
                                same ? "" : " listens on ",
                                ports[i].port);
        }

        return buf;
}

static void warn_nothing_listens(Warnings *w, const JailInfo *j, const Listeners *listeners) {
        _cleanup_(match_freep) Match *match = NULL;
        ListenerPort ports[PORTS_SHOWN];
        char shown[WARNING_SIZE / 2];
        const char *bad;
        size_t n;

        if (isempty(j->match)) {
                warnings_add(w,
                                "nothing-listens",
                                j->name,
                                "Nothing listens on the TCP ports that it guards (%s).",
                                j->ports_text);
                return;
        }

        if (match_new(&match) < 0 || match_parse(match, j->match, &bad) < 0)
                return;

        n = listeners_of_match(listeners, match, PORT_TCP, ports, ELEMENTSOF(ports));
        if (n == 0)
                n = sockets_of_match(match, ports, ELEMENTSOF(ports));
        if (n > 0)
                warnings_add(w,
                                "nothing-listens",
                                j->name,
                                "Nothing listens on the TCP ports that it guards (%s), but %s.",
                                j->ports_text,
                                format_listeners(ports, n, shown, sizeof(shown)));
        else
                warnings_add(w,
                                "nothing-listens",
                                j->name,
                                "Nothing listens on the TCP ports that it guards (%s), and none "
                                "of its units listens anywhere.",
                                j->ports_text);
}

/* Messages that were not read to their end may be failures that nobody counted; and what there is
 * no room for. */
static void warn_limits(Warnings *w, const JailInfo *j) {
        if (j->n_cut > 0)
                warnings_add(w,
                                "cut",
                                j->name,
                                "Of %" PRIu64 " message%s only the first %d bytes were read, and "
                                "failures told behind that are missed.",
                                j->n_cut,
                                j->n_cut == 1 ? "" : "s",
                                ENTRY_MESSAGE_MAX);

        if (j->n_exceeded > 0)
                warnings_add(w,
                                "exceeded",
                                j->name,
                                "A pattern gave up %" PRIu64 " time%s, and the messages may be "
                                "failures that are missed: it has too many ways to match.",
                                j->n_exceeded,
                                j->n_exceeded == 1 ? "" : "s");

        if (j->n_displaced > 0)
                warnings_add(w,
                                "displaced",
                                j->name,
                                "There are more bans than max_bans allows: %" PRIu64
                                " ended before %s time to make room for others.",
                                j->n_displaced,
                                j->n_displaced == 1 ? "its" : "their");

        if (j->n_forgotten > 0)
                warnings_add(w,
                                "forgotten",
                                j->name,
                                "More addresses fail than it remembers: %" PRIu64
                                " of the quietest "
                                "%s forgotten before their time.",
                                j->n_forgotten,
                                j->n_forgotten == 1 ? "was" : "were");
}

static size_t n_enabled(const JailList *jails) {
        size_t n = 0;

        for (size_t i = 0; i < jails->n_jails; i++)
                n += (size_t) (jails->jails[i].enabled || jails->jails[i].refused);

        return n;
}

void warnings_about_jails(Warnings *w, const JailList *jails, const Options *options) {
        _cleanup_(listeners_freep) Listeners *listeners = NULL;

        assert(w);
        assert(jails);

        if (!options->host)
                (void) listeners_new(&listeners);

        if (n_enabled(jails) == 0)
                warnings_add(w, "no-jail", NULL, "No jail is enabled: nobody is watched.");

        for (size_t i = 0; i < jails->n_jails; i++) {
                const JailInfo *j = &jails->jails[i];

                if (j->refused) {
                        warnings_add(w,
                                        "jail-refused",
                                        j->name,
                                        "Its configuration has mistakes: it keeps its bans and "
                                        "recognises nothing.");
                        continue;
                }

                if (j->paused)
                        warnings_add(w, "paused", j->name, "It pauses, and bans nobody new.");

                if (j->n_leaks > 0)
                        warnings_add(w,
                                        "leaks",
                                        j->name,
                                        "Its bans do not hold: %" PRIu64 " failure%s of banned "
                                        "addresses came in connections that began after the ban. "
                                        "They come by a port that it does not guard, by a proxy in "
                                        "front, or are forwarded; or firewall = log.",
                                        j->n_leaks,
                                        j->n_leaks == 1 ? "" : "s");

                warn_limits(w, j);

                if (j->enabled && isempty(j->ports_text)) {
                        warnings_add(w,
                                        "guards-nothing",
                                        j->name,
                                        "It guards nothing: with ports = auto it takes the ports "
                                        "that its units listen on, and none of them has listened "
                                        "anywhere yet.");
                        continue;
                }

                if (listeners && j->enabled && (j->ports.protocols & PORT_TCP) &&
                                j->ports.n_ranges > 0 && !listeners_any(listeners, &j->ports))
                        warn_nothing_listens(w, j, listeners);
        }
}

void warnings_about_rivals(Warnings *w) {
        const char *names[RIVALS_MAX];
        size_t n;

        n = rivals_find(names, ELEMENTSOF(names));
        for (size_t i = 0; i < n; i++)
                warnings_add(w,
                                "rival",
                                NULL,
                                "%s runs as well. Both read the same failures, and each has bans "
                                "that the other does not know.",
                                names[i]);
}

void warnings_about_rulesets(Warnings *w) {
        _cleanup_(freep) char *path = NULL;

        if (saved_ruleset_find("", &path) > 0)
                warnings_add(w,
                                "saved-ruleset",
                                NULL,
                                "%s contains the table inet banjo, as it was once: it does not load "
                                "while banjod owns the table, and otherwise brings old bans back "
                                "until banjod puts it right.",
                                path);
}
