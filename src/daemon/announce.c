/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/announce.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/log.h"
#include "daemon/messages.h"

#define FIELDS_MAX 12
#define FIELD_SIZE 512

typedef struct Fields {
        char buf[FIELDS_MAX][FIELD_SIZE];
        const char *list[FIELDS_MAX + 1]; /* NULL-terminated */
        size_t n;
} Fields;

static void add_field(Fields *f, const char *format, ...) _printf_(2, 3);

static void add_field(Fields *f, const char *format, ...) {
        va_list ap;

        assert(f->n < FIELDS_MAX);

        va_start(ap, format);
        (void) vsnprintf(f->buf[f->n], FIELD_SIZE, format, ap);
        va_end(ap);

        f->list[f->n] = f->buf[f->n];
        f->list[++f->n] = NULL;
}

static void add_ban_fields(Fields *f,
                const char *jail,
                const Ban *ban,
                const char *address,
                const uid_t *caller) {
        add_field(f, "BANJO_JAIL=%s", jail);
        add_field(f, "BANJO_ADDRESS=%s", address);
        add_field(f, "BANJO_BAN_ID=%" PRIu64, ban->id);
        add_field(f, "BANJO_START_USEC=%" PRIu64, ban->start);
        if (ban->end == USEC_INFINITY)
                add_field(f, "BANJO_END_USEC=infinity");
        else
                add_field(f, "BANJO_END_USEC=%" PRIu64, ban->end);
        if (ban->failures > 0)
                add_field(f, "BANJO_FAILURES=%u", ban->failures);
        if (!isempty(ban->pattern))
                add_field(f, "BANJO_PATTERN=%s", ban->pattern);
        if (!isempty(ban->reason))
                add_field(f, "BANJO_REASON=%s", ban->reason);
        if (caller)
                add_field(f, "BANJO_UID=%u", (unsigned) *caller);
}

void announce_ban(Bus *bus, const char *jail, const Ban *ban, const uid_t *caller) {
        char address[ADDRESS_STR_SIZE], span[USEC_STR_SIZE], why[BAN_REASON_MAX + 64];
        Fields f = {};

        address_format(&ban->address, address);
        usec_format_span(ban->end == USEC_INFINITY ? USEC_INFINITY : ban->end - ban->start, span);
        if (ban->failures > 0)
                (void) snprintf(why,
                                sizeof(why),
                                "%u failures, the last one \"%s\"",
                                ban->failures,
                                ban->pattern);
        else
                (void) snprintf(why,
                                sizeof(why),
                                "by hand%s%s",
                                isempty(ban->reason) ? "" : ": ",
                                isempty(ban->reason) ? "" : ban->reason);

        add_field(&f, "MESSAGE_ID=" BANJO_MESSAGE_BAN);
        add_ban_fields(&f, jail, ban, address, caller);
        (void) log_with_fields(LOG_NOTICE,
                        f.list,
                        "Banned %s in jail %s %s%s (%s).",
                        address,
                        jail,
                        ban->end == USEC_INFINITY ? "for good" : "for ",
                        ban->end == USEC_INFINITY ? "" : span,
                        why);
        bus_emit_banned(bus, jail, ban);
}

void announce_over(const char *jail, const Ban *ban) {
        char address[ADDRESS_STR_SIZE], from[USEC_STR_SIZE], to[USEC_STR_SIZE];

        log_notice("A ban of %s in jail %s, from %s to %s, would be over (%u failures, the last one "
                   "\"%s\").",
                        address_format(&ban->address, address),
                        jail,
                        usec_format_timestamp(ban->start, from),
                        usec_format_timestamp(ban->end, to),
                        ban->failures,
                        ban->pattern);
}

void announce_unban(Bus *bus,
                const char *jail,
                const Ban *ban,
                const char *cause,
                const uid_t *caller) {
        char address[ADDRESS_STR_SIZE];
        Fields f = {};

        address_format(&ban->address, address);
        add_field(&f, "MESSAGE_ID=" BANJO_MESSAGE_UNBAN);
        add_ban_fields(&f, jail, ban, address, caller);
        add_field(&f, "BANJO_CAUSE=%s", cause);
        if (streq(cause, CAUSE_IN_NETWORK))
                (void) log_with_fields(LOG_NOTICE,
                                f.list,
                                "%s in jail %s stays banned: its ban goes on in that of a network "
                                "around it.",
                                address,
                                jail);
        else
                (void) log_with_fields(LOG_NOTICE,
                                f.list,
                                "Unbanned %s in jail %s (%s).",
                                address,
                                jail,
                                cause);
        bus_emit_unbanned(bus, jail, &ban->address, cause);
}

void announce_spared(const char *jail,
                const Address *address,
                const Spared *spared,
                const char *pattern) {
        char text[ADDRESS_STR_SIZE], other[ADDRESS_STR_SIZE];
        Fields f = {};

        address_format(address, text);
        add_field(&f, "MESSAGE_ID=" BANJO_MESSAGE_SPARED);
        add_field(&f, "BANJO_JAIL=%s", jail);
        add_field(&f, "BANJO_ADDRESS=%s", text);
        add_field(&f, "BANJO_PATTERN=%s", pattern);
        add_field(&f, "BANJO_CAUSE=%s", spared->cause);
        (void) log_with_fields(LOG_WARNING,
                        f.list,
                        "%s failed often enough for a ban in jail %s, but is not banned: %s is %s.",
                        text,
                        jail,
                        address_format(&spared->which, other),
                        spared->text);
}

void announce_unresolved(const char *name, const char *why, size_t n_known) {
        Fields f = {};

        add_field(&f, "MESSAGE_ID=" BANJO_MESSAGE_UNRESOLVED);
        add_field(&f, "BANJO_NAME=%s", name);
        add_field(&f, "BANJO_CAUSE=%s", why);
        (void) log_with_fields(LOG_WARNING,
                        f.list,
                        "%s, which is never to be banned, cannot be resolved: %s. %s",
                        name,
                        why,
                        n_known > 0 ? "Its last known addresses serve."
                                    : "Until it can, its host may be banned.");
}

void announce_store_recovered(const char *aside, size_t n_bans, bool running) {
        Fields f = {};

        add_field(&f, "MESSAGE_ID=" BANJO_MESSAGE_STORE_RECOVERED);
        (void) log_with_fields(LOG_ERR,
                        f.list,
                        running ? "The database was damaged and is now %s. A new one gets the %zu "
                                  "bans that run."
                                : "The database was damaged and is now %s. A new one was made, with "
                                  "%zu bans that the kernel still had.",
                        aside,
                        n_bans);
}

void announce_gap(const JournalGap *gap) {
        char from[USEC_STR_SIZE], to[USEC_STR_SIZE];
        bool other = !isempty(gap->name_space);
        Fields f = {};

        add_field(&f, "MESSAGE_ID=" BANJO_MESSAGE_GAP);
        add_field(&f, "BANJO_START_USEC=%" PRIu64, gap->from);
        add_field(&f, "BANJO_END_USEC=%" PRIu64, gap->to);
        if (other)
                add_field(&f, "BANJO_NAMESPACE=%s", gap->name_space);
        (void) log_with_fields(LOG_WARNING,
                        f.list,
                        "The journal%s%s dropped entries from %s to %s before they were read; "
                        "failures in between are not known.",
                        other ? " of the namespace " : "",
                        gap->name_space,
                        usec_format_timestamp(gap->from, from),
                        usec_format_timestamp(gap->to, to));
}

void announce_suppressed(const char *jail, const char *unit, uint64_t n) {
        Fields f = {};

        add_field(&f, "MESSAGE_ID=" BANJO_MESSAGE_SUPPRESSED);
        add_field(&f, "BANJO_JAIL=%s", jail);
        add_field(&f, "BANJO_UNIT=%s", unit);
        add_field(&f, "BANJO_SUPPRESSED=%" PRIu64, n);
        (void) log_with_fields(LOG_WARNING,
                        f.list,
                        "journald suppressed %" PRIu64 " message%s of %s, which jail %s reads: "
                        "failures among them are not known.",
                        n,
                        n == 1 ? "" : "s",
                        unit,
                        jail);
}

/* What a process calls itself, as far as it can be shown. */
static const char *printable(const char *s, char buf[static FIREWALL_PROCESS_SIZE]) {
        size_t i = 0;

        for (; s[i] && i < FIREWALL_PROCESS_SIZE - 1; i++)
                buf[i] = s[i] > ' ' && s[i] < 0x7f ? s[i] : '?';
        buf[i] = '\0';
        return buf;
}

void announce_repaired(Bus *bus, const FirewallMeddling *meddling) {
        const char *what = meddling->structure ? "rules" : "bans";
        char name[FIREWALL_PROCESS_SIZE], who[64] = "";
        Fields f = {};

        /* Of other tables, that is, and none of ours was touched as far as we know. */
        if (!meddling->structure && !meddling->bans) {
                log_info("More was changed at nftables than could be followed, so that the table "
                         "of bans is made anew.");
                return;
        }

        add_field(&f, "MESSAGE_ID=" BANJO_MESSAGE_REPAIRED);
        add_field(&f, "BANJO_CAUSE=%s", what);
        if (*meddling->process) {
                add_field(&f, "BANJO_PROCESS=%s", printable(meddling->process, name));
                add_field(&f, "BANJO_PID=%d", meddling->pid);
                (void) snprintf(who, sizeof(who), " (%s, process %d)", name, meddling->pid);
        }
        (void) log_with_fields(LOG_WARNING,
                        f.list,
                        "Somebody else%s changed %sthe nftables table inet banjo, and that was "
                        "undone.",
                        who,
                        meddling->structure ? "" : "bans in ");
        bus_emit_repaired(bus, what);
}

void announce_full(const char *jail, size_t limit, bool displacing) {
        char whose[64] = "There are";
        Fields f = {};

        if (jail)
                (void) snprintf(whose, sizeof(whose), "Jail %s has", jail);

        add_field(&f, "MESSAGE_ID=" BANJO_MESSAGE_FULL);
        if (jail)
                add_field(&f, "BANJO_JAIL=%s", jail);
        add_field(&f, "BANJO_CAUSE=%s", displacing ? "displaced" : "refused");
        (void) log_with_fields(displacing ? LOG_WARNING : LOG_ERR,
                        f.list,
                        "%s %zu bans, as many as max_bans allows: %s",
                        whose,
                        limit,
                        displacing ? "for each new one, the one that ends first ends now."
                                   : "all are for good, and a new one was refused.");
}

void announce_leak(const char *jail, const JailFailure *leak, bool log_only) {
        char host[ADDRESS_STR_SIZE], banned[ADDRESS_STR_SIZE];
        const Ban *ban = leak->ban;
        Fields f = {};

        address_format(&leak->host, host);
        address_format(&ban->address, banned);

        add_field(&f, "MESSAGE_ID=" BANJO_MESSAGE_LEAK);
        add_field(&f, "BANJO_JAIL=%s", jail);
        add_field(&f, "BANJO_ADDRESS=%s", host);
        add_field(&f, "BANJO_BANNED=%s", banned);
        add_field(&f, "BANJO_BAN_ID=%" PRIu64, ban->id);
        add_field(&f, "BANJO_PATTERN=%s", leak->pattern);
        (void) log_with_fields(LOG_WARNING,
                        f.list,
                        "The ban of %s in jail %s does not hold: %s failed again, in a connection "
                        "that began after it. %s",
                        banned,
                        jail,
                        host,
                        log_only ? "With firewall = log nothing is blocked."
                                 : "Its connections come to a port that the jail does not guard, "
                                   "through a proxy or tunnel in front, or by a way that prerouting "
                                   "does not see.");
}

/* What was done about the differences, as far as there were any. */
static void describe_repairs(const Verification *v, char *buf, size_t size) {
        static const char *const texts[_DIFFERENCE_MAX] = {
                [DIFFERENCE_TABLE] = "the table was changed and is made anew",
                [DIFFERENCE_KERNEL_MISSING] = "missing in nftables",
                [DIFFERENCE_KERNEL_END] = "with another end in nftables",
                [DIFFERENCE_KERNEL_UNKNOWN] = "in nftables without a ban",
                [DIFFERENCE_STORE_MISSING] = "missing in the database",
                [DIFFERENCE_STORE_END] = "different in the database",
                [DIFFERENCE_STORE_UNKNOWN] = "in the database without a ban",
        };
        size_t used = 0;

        buf[0] = '\0';
        for (unsigned i = 0; i < _DIFFERENCE_MAX && used < size; i++) {
                const char *separator = used > 0 ? ", " : "";

                if (v->n_by_kind[i] == 0)
                        continue;
                if (i == DIFFERENCE_TABLE)
                        used += (size_t) snprintf(
                                        buf + used, size - used, "%s%s", separator, texts[i]);
                else
                        used += (size_t) snprintf(buf + used,
                                        size - used,
                                        "%s%zu %s",
                                        separator,
                                        v->n_by_kind[i],
                                        texts[i]);
        }
}

void announce_verified(const Verification *v, bool all) {
        char repairs[FIELD_SIZE];
        Fields f = {};

        if (v->error < 0) {
                (void) log_warning_errno(v->error,
                                "Bans could not be compared with nftables and database: %m");
                return;
        }
        if (v->n_found == 0) {
                if (all)
                        log_info("All %zu bans are in nftables and in the database as they should be.",
                                        v->n_checked);
                return;
        }

        describe_repairs(v, repairs, sizeof(repairs));
        add_field(&f, "MESSAGE_ID=" BANJO_MESSAGE_DIFFERED);
        add_field(&f, "BANJO_CHECKED=%zu", v->n_checked);
        add_field(&f, "BANJO_REPAIRED=%zu", v->n_found);
        (void) log_with_fields(LOG_WARNING,
                        f.list,
                        "Of %zu bans looked at, nftables and the database are put right: %s.",
                        v->n_checked,
                        repairs);
}
