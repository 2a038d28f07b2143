/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Who is allowed, and which jails pause, by command.
 *
 * Jails ask by the time of each entry, so a command counts from its own time on, and still does
 * when the journal is read again. What is over stays in the list, and in the database, for as long
 * as that may be. The kernel lets an allowed address pass whatever is banned around it, so it is
 * told when one begins and when it ends.
 *
 * The list is short, and written as a whole with the next commit.
 */

#include "base/log.h"
#include "daemon/manager-private.h"
#include "engine/policy.h"

#define CAUSE_ALLOWED "allowed"

#define RETRY_USEC (2 * USEC_PER_SEC)

const Exemptions *manager_get_exemptions(const Manager *m) {
        assert(m);

        return &m->exemptions;
}

bool manager_is_paused(const Manager *m, const char *jail) {
        assert(m);
        assert(jail);

        return exemptions_have_pause(&m->exemptions, jail, manager_now());
}

/* The store */

static int load(const Exemption *x, void *userdata) {
        Manager *m = userdata;
        int r;

        r = exemptions_add(&m->exemptions, x);
        return r == -E2BIG ? 0 : r; /* somebody else wrote there */
}

int manager_load_exemptions(Manager *m) {
        return store_foreach_exemption(m->store, load, m);
}

int manager_write_exemptions(Manager *m) {
        int r;

        r = store_clear_exemptions(m->store);
        for (size_t i = 0; i < m->exemptions.n_exemptions && r >= 0; i++)
                r = store_add_exemption(m->store, &m->exemptions.exemptions[i]);
        return r;
}

/* The kernel */

int manager_merge_allowed(const Manager *m, const JailConfig *config, Allowlist *ret) {
        usec_t now = manager_now();
        int r = 0;

        for (size_t i = 0; i < config->allow.n_addresses && r >= 0; i++)
                r = allowlist_add(ret, &config->allow.addresses[i]);
        for (size_t i = 0; i < m->exemptions.n_exemptions && r >= 0; i++) {
                const Exemption *x = &m->exemptions.exemptions[i];

                if (!x->jail && exemption_holds(x, now))
                        r = allowlist_add(ret, &x->address);
        }

        return r == -E2BIG ? 0 : r; /* what has no room is not banned all the same */
}

static void arm(Manager *m, usec_t when) {
        if (!m->exemption_timer)
                return;
        if (when == USEC_INFINITY) {
                (void) sd_event_source_set_enabled(m->exemption_timer, SD_EVENT_OFF);
                return;
        }

        (void) sd_event_source_set_time(m->exemption_timer, when);
        (void) sd_event_source_set_enabled(m->exemption_timer, SD_EVENT_ONESHOT);
}

void manager_tell_allowed(Manager *m) {
        int r;

        r = manager_configure_firewall(m);
        if (r >= 0)
                return;

        (void) log_error_errno(r, "Failed to tell nftables who is allowed, trying again: %m");
        arm(m, usec_add(manager_now(), RETRY_USEC));
}

/* While bans are put back it waits for the end of that, which with many of them takes seconds, and
 * would begin again with every command. A host with few has all of them back by one step. */
static void tell_kernel(Manager *m) {
        m->allowed_changed = true;
        arm(m, exemptions_next_end(&m->exemptions, manager_now()));
        if (m->restored)
                manager_tell_allowed(m);
        else
                (void) manager_restore_step(m);
}

static int on_end(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s, (void) usec;

        tell_kernel(userdata);
        return 0;
}

int manager_start_exemptions(Manager *m) {
        int r;

        r = sd_event_add_time(m->event, &m->exemption_timer, CLOCK_REALTIME, 0, 1, on_end, m);
        if (r < 0)
                return r;

        arm(m, exemptions_next_end(&m->exemptions, manager_now()));
        return 0;
}

/* Commands */

/* Those that nothing can reach any more go. */
static int make_room(Manager *m) {
        if (m->exemptions.n_exemptions < EXEMPTIONS_MAX)
                return 0;

        exemptions_expire(&m->exemptions, manager_get_needed(m));
        return m->exemptions.n_exemptions < EXEMPTIONS_MAX ? 0 : -E2BIG;
}

static int lift_all(Manager *m, Jail *jail, const Address *a, usec_t when) {
        BanList *bans = jail_get_bans(jail);
        Ban *ban, *next;
        int r = 0;

        for (ban = ban_list_next_within(bans, a, NULL); ban && r >= 0; ban = next) {
                next = ban_list_next_within(bans, a, ban);
                r = manager_lift_ban(m, jail, ban, when, CAUSE_ALLOWED);
        }

        /* A network that somebody banned by hand stays so around whom he allows. */
        while (r >= 0 && (ban = ban_list_find(bans, a, 0)) && ban->failures > 0)
                r = manager_lift_ban(m, jail, ban, when, CAUSE_ALLOWED);

        return r;
}

int manager_allow(Manager *m, const Address *a, usec_t duration, const char *reason) {
        const usec_t now = manager_now();
        char text[ADDRESS_STR_SIZE], span[USEC_STR_SIZE];
        Exemption x;
        int r;

        assert(m);
        assert(a);
        assert(duration > 0);
        assert(reason);

        if (!manager_is_reasonable(a))
                return -EINVAL;

        x = (Exemption){
                .address = *a,
                .since = now,
                .until = policy_end(now, duration),
                .reason = (char *) reason,
        };
        r = make_room(m);
        if (r < 0)
                return r;
        (void) exemptions_end_address(&m->exemptions, a, now);
        r = exemptions_add(&m->exemptions, &x);
        if (r < 0)
                return r;
        m->exemptions_unsaved = true;

        log_notice("%s is allowed %s%s%s%s.",
                        address_format(a, text),
                        duration == USEC_INFINITY ? "for good" : "for ",
                        duration == USEC_INFINITY ? "" : usec_format_span(duration, span),
                        isempty(reason) ? "" : ": ",
                        reason);

        for (size_t i = 0; i < m->n_jails && r >= 0; i++)
                r = lift_all(m, m->jails[i], a, now);
        if (r >= 0)
                r = manager_commit_command(m, true);
        tell_kernel(m);
        return r;
}

int manager_disallow(Manager *m, const Address *a, size_t *ret_n) {
        char text[ADDRESS_STR_SIZE];
        int r;

        assert(m);
        assert(a);
        assert(ret_n);

        *ret_n = exemptions_end_address(&m->exemptions, a, manager_now());
        if (*ret_n == 0)
                return 0;

        m->exemptions_unsaved = true;
        log_notice("%s is not allowed any more.", address_format(a, text));
        r = manager_commit_command(m, true);
        tell_kernel(m);
        return r;
}

int manager_pause(Manager *m, const char *jail) {
        Exemption x = {
                .jail = (char *) jail,
                .since = manager_now(),
                .until = USEC_INFINITY,
        };
        int r;

        assert(m);
        assert(jail);

        if (manager_is_paused(m, jail))
                return 0;

        r = make_room(m);
        if (r >= 0)
                r = exemptions_add(&m->exemptions, &x);
        if (r < 0)
                return r;

        m->exemptions_unsaved = true;
        log_notice("Jail %s pauses: it bans nobody, and keeps the bans it has.", jail);
        r = manager_commit_command(m, true);
        return r < 0 ? r : 1;
}

int manager_resume(Manager *m, const char *jail) {
        int r;

        assert(m);
        assert(jail);

        if (exemptions_end_pause(&m->exemptions, jail, manager_now()) == 0)
                return 0;

        m->exemptions_unsaved = true;
        log_notice("Jail %s goes on.", jail);
        r = manager_commit_command(m, true);
        return r < 0 ? r : 1;
}

const char *
manager_explain_spared(const Manager *m, const Address *a, char why[static MANAGER_ERROR_SIZE]) {
        assert(m);
        assert(a);

        if (exemptions_overlap(&m->exemptions, a, manager_now()))
                return "allowed for now";

        for (size_t i = 0; i < m->n_jails; i++) {
                const JailConfig *config = jail_get_config(m->jails[i]);
                Spared spared;

                if (surroundings_spare(m->surroundings, config, a, &spared)) {
                        (void) snprintf(why,
                                        MANAGER_ERROR_SIZE,
                                        "%.*s",
                                        MANAGER_ERROR_SIZE - 1,
                                        spared.text);
                        return why;
                }
                if (allowlist_overlaps(&config->allow, a)) {
                        (void) snprintf(why,
                                        MANAGER_ERROR_SIZE,
                                        "allowed by jail %.*s",
                                        MANAGER_ERROR_SIZE / 2,
                                        config->name);
                        return why;
                }
        }

        return "";
}
