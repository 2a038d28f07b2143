/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What becomes of a ban that is due: whether the surroundings allow it, how long it is, and what it
 * makes of other bans.
 *
 * If a network is due, it is banned instead of the address that failed, and takes the bans of its
 * addresses in. If it may not be, the address is banned by itself, if that is due as well.
 */

#include "base/log.h"
#include "daemon/announce.h"
#include "daemon/manager-private.h"
#include "engine/policy.h"

/* The network has neighbours of this host in it. */
#define CAUSE_ON_LINK "on link"

/* What the surroundings say about a ban that is due: whom it may hit. Returns false if nobody; the
 * cause is why not the whole target. */
static bool
spare(Manager *m, Jail *jail, const JailFailure *f, Address *target, const char **cause) {
        const JailConfig *config = jail_get_config(jail);
        usec_t now = manager_now();
        Spared spared;

        /* By an entry of before it was allowed. */
        if (exemptions_cover(&m->exemptions, &f->host, now)) {
                spared = (Spared){
                        .cause = "allowed",
                        .which = f->host,
                        .text = "allowed for now",
                };
                *cause = spared.cause;
                announce_spared(config->name, &f->host, &spared, f->pattern);
                return false;
        }
        if (surroundings_spare(m->surroundings, config, &f->host, &spared)) {
                *cause = spared.cause;
                announce_spared(config->name, &f->host, &spared, f->pattern);
                return false;
        }

        /* A network with neighbours in it, or with a host to be spared: the one host alone. */
        if (address_is_host(target))
                return true;
        if (surroundings_is_on_link(m->surroundings, target))
                *cause = CAUSE_ON_LINK;
        else if (surroundings_spare(m->surroundings, config, target, &spared))
                *cause = spared.cause;
        else if (exemptions_overlap(&m->exemptions, target, now))
                *cause = "allowed";
        else
                return true;

        *target = f->host;
        return true;
}

/* Earlier bans that the store does not have yet. */
static unsigned count_waiting(const Manager *m, const Jail *jail, const Ban *ban, usec_t since) {
        unsigned n = 0;

        for (size_t i = 0; i < m->n_changes; i++) {
                const Change *c = &m->changes[i];

                if ((c->kind == CHANGE_END || c->kind == CHANGE_REPLACE) && !c->stored &&
                                (!jail || c->jail == jail) && c->ban.failures > 0 &&
                                c->ban.start < ban->start && c->when >= since &&
                                address_equal(&c->ban.address, &ban->address))
                        n++;
        }

        return n;
}

/* Earlier bans by other jails that go on. */
static unsigned count_running(const Manager *m, const Jail *except, const Ban *ban, usec_t since) {
        unsigned n = 0;

        for (size_t i = 0; i < m->n_jails; i++) {
                const Ban *other = m->jails[i] != except ? ban_list_get(jail_get_bans(m->jails[i]),
                                                                           &ban->address)
                                                         : NULL;

                if (other && other->failures > 0 && other->start < ban->start &&
                                other->end >= since)
                        n++;
        }

        return n;
}

/* If the store cannot say, there are those of which it need not be asked: a ban that is too short
 * is better than none. */
unsigned manager_count_earlier(Manager *m, const Jail *jail, const Ban *ban) {
        const JailConfig *config = jail_get_config(jail);
        usec_t since = usec_sub(ban->start, config->memory);
        unsigned n = 0;
        int r;

        r = store_count_earlier(m->store,
                        config->memory_all ? NULL : config->name,
                        &ban->address,
                        since,
                        ban->start,
                        POLICY_EARLIER_MAX,
                        &n);
        if (r < 0 && !m->count_failed && !m->status.store_failed)
                (void) log_error_errno(r, "Failed to read earlier bans from the database: %m");
        m->count_failed = r < 0;
        if (r == -EBADMSG)
                m->store_damaged = true;

        n += count_waiting(m, config->memory_all ? NULL : jail, ban, since);
        if (config->memory_all)
                n += count_running(m, jail, ban, since);
        return n;
}

/* A ban that was over when the address failed again, by the time of the journal, though the clock
 * is not as far, or its timer has not come yet. It did not end because of the new one. */
static int end_over(Manager *m, Jail *jail, const Ban *ban) {
        Ban *before = ban_list_get(jail_get_bans(jail), &ban->address);

        return before && before->end <= ban->start
                               ? manager_end_ban(m, jail, before, before->end, "expired")
                               : 0;
}

/* What runs for longer already stays as it is: only by hand are bans made shorter. */
static bool is_longer_banned(Jail *jail, const Ban *ban) {
        const Ban *before = ban_list_get(jail_get_bans(jail), &ban->address);

        return before && before->end >= ban->end;
}

/* A ban that is only noted. */
static int record(Manager *m,
                Jail *jail,
                const Ban *ban,
                const JailFailure *f,
                usec_t when,
                const char *cause) {
        int r;

        r = manager_add_change(m, CHANGE_RECORD, jail, ban, when, cause);
        if (r >= 0)
                manager_add_evidence(m, f);
        return r;
}

/* A ban that is due and not carried out. */
static int
record_spared(Manager *m, Jail *jail, const Ban *ban, const JailFailure *f, const char *cause) {
        if (jail_forget_spared(jail, &ban->address, ban->start) < 0)
                return log_oom();

        return record(m, jail, ban, f, ban->start, cause);
}

/* The ban of its target that a failure makes due, as long as it is at first. */
static Ban make_ban(Manager *m, const Jail *jail, const JailFailure *f) {
        return (Ban){
                .address = f->target,
                .failures = f->failures,
                .pattern = f->pattern,
                .id = m->next_id++,
                .start = f->when,
                .end = policy_end(f->when, jail_get_config(jail)->bantime),
        };
}

/* Makes a ban, as long as it has to be. Returns 1; 0 if there is no room or no need for it; or a
 * negative errno, reported. */
static int carry_out(Manager *m, Jail *jail, Ban *ban, const JailFailure *f) {
        const JailConfig *config = jail_get_config(jail);
        unsigned n_earlier = 0;
        uint64_t luck;
        int r;

        r = end_over(m, jail, ban);
        if (r < 0)
                return r;

        if (policy_grows(config))
                n_earlier = manager_count_earlier(m, jail, ban);
        luck = policy_luck(m->luck_key.bytes, config->name, &ban->address, ban->start);
        ban->end = policy_end(ban->start, policy_bantime(config, n_earlier, luck));
        if (is_longer_banned(jail, ban))
                return 0;
        m->status.n_bans++;

        if (policy_remaining(ban->start, ban->end, manager_now(), m->status.newest) == 0) {
                /* Caught up too late for it. What the address did while it would have been banned
                 * does not count, as it would not have. */
                if (jail_forget(jail, &ban->address, ban->end) < 0)
                        return log_oom();
                manager_count_ban(m, jail, ban, f);
                if (m->params.once)
                        announce_over(config->name, ban);
                r = record(m, jail, ban, f, ban->end, "over when decided");
                return r < 0 ? r : 1;
        }

        r = manager_add_ban(m, jail, ban);
        if (r <= 0)
                return r;

        manager_add_evidence(m, f);
        manager_count_ban(m, jail, ban, f);
        r = manager_count_offence(m, jail, ban);
        return r < 0 ? r : 1;
}

/* Bans of addresses within a network that is banned for as long or longer are no longer needed.
 * Those by hand stay: somebody wanted them. */
static int fold_members(Manager *m, Jail *jail, const Ban *net) {
        BanList *bans = jail_get_bans(jail);
        Ban *ban, *next;
        int r = 0;

        for (ban = ban_list_next_within(bans, &net->address, NULL); ban && r >= 0; ban = next) {
                next = ban_list_next_within(bans, &net->address, ban);
                if (ban->end > net->end || ban->failures == 0 ||
                                address_equal(&net->address, &ban->address))
                        continue;

                r = ban->end <= net->start
                                    ? manager_end_ban(m, jail, ban, ban->end, "expired")
                                    : manager_end_ban(m, jail, ban, net->start, CAUSE_IN_NETWORK);
        }

        return r;
}

/* Whether a network is to be spared. It is not made smaller: that would hit addresses of which none
 * has failed often enough. */
static bool spare_network(Manager *m, const Jail *jail, const Address *net, Spared *ret) {
        if (surroundings_spare(m->surroundings, jail_get_config(jail), net, ret))
                return true;
        if (!surroundings_is_on_link(m->surroundings, net))
                return false;

        *ret = (Spared){
                .cause = CAUSE_ON_LINK,
                .which = *net,
                .text = "or holds a network that this host is attached to",
        };
        return true;
}

/* Returns 1 if the network is banned, so that the address need not be; 0 if not; or a negative
 * errno, reported. */
static int apply_to_network(Manager *m, Jail *jail, const JailFailure *f) {
        JailFailure of_network = *f;
        Spared spared;
        Ban ban;
        int r;

        of_network.target = f->network.address;
        of_network.failures = f->network.failures;
        of_network.pattern = f->network.pattern;
        of_network.evidence = f->network.evidence;
        of_network.n_evidence = f->network.n_evidence;
        ban = make_ban(m, jail, &of_network);

        if (spare_network(m, jail, &ban.address, &spared)) {
                if (!f->due)
                        announce_spared(jail_get_config(jail)->name,
                                        &ban.address,
                                        &spared,
                                        of_network.pattern);
                return record_spared(m, jail, &ban, &of_network, spared.cause);
        }

        r = carry_out(m, jail, &ban, &of_network);
        if (r <= 0)
                return r;

        r = fold_members(m, jail, &ban);
        return r < 0 ? r : 1;
}

int manager_apply(Manager *m, Jail *jail, const JailFailure *f) {
        const char *cause = NULL;
        int r = 0;
        Ban ban;

        if (f->network.due)
                r = apply_to_network(m, jail, f);
        if (r != 0 || !f->due)
                return r;

        ban = make_ban(m, jail, f);
        if (!spare(m, jail, f, &ban.address, &cause))
                return record_spared(m, jail, &ban, f, cause);

        /* What made it was everybody's in there, and does not count again after a restart either.
         */
        if (cause) {
                const Ban wide = make_ban(m, jail, f);

                r = record_spared(m, jail, &wide, f, cause);
                if (r < 0)
                        return r;
        }

        return carry_out(m, jail, &ban, f);
}
