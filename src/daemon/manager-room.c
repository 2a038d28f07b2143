/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Room for one more ban: `max_bans` of the jail, and of all jails together.
 *
 * Whoever attacks now is worth more than whoever would be free soonest anyway, so the ban that ends
 * first makes room. Bans for good never do: somebody decided that they stay. So there are never
 * more bans than the limit, unless it was lowered: then nothing ends because of it, each new ban
 * takes the place of another, and their number sinks as they end.
 */

#include "daemon/announce.h"
#include "daemon/manager-private.h"

/* So often it is said at most. */
#define SAY_USEC USEC_PER_HOUR

/* The ban that ends first, in one jail or, with NULL, in all; NULL if all are for good. */
static Ban *find_first(const Manager *m, Jail *only, Jail **ret_jail) {
        Ban *first = NULL;

        for (size_t i = 0; i < m->n_jails; i++) {
                Ban *ban;

                if (only && m->jails[i] != only)
                        continue;

                ban = ban_list_first_to_end(jail_get_bans(m->jails[i]));
                if (ban && (!first || ban->expiry.when < first->expiry.when)) {
                        first = ban;
                        *ret_jail = m->jails[i];
                }
        }

        return first;
}

static bool may_say(Manager *m, usec_t *said) {
        usec_t now = 0;

        (void) sd_event_now(m->event, CLOCK_MONOTONIC, &now);
        if (*said > 0 && now - *said < SAY_USEC)
                return false;

        *said = MAX(now, (usec_t) 1);
        return true;
}

/* Whether another ban is too many for one jail, or for all; or may be, as those that have not been
 * read yet may be anybody's. */
static bool is_jail_full(const Manager *m, Jail *jail) {
        return ban_list_size(jail_get_bans(jail)) + manager_n_unread(m) >=
               jail_get_config(jail)->max_bans;
}

static bool are_all_full(const Manager *m) {
        return manager_n_banned(m) >= m->config->max_bans;
}

int manager_make_room(Manager *m, Jail *jail, const Address *a) {
        const JailConfig *config = jail_get_config(jail);
        bool in_all = false;
        usec_t now;
        size_t limit;
        Jail *of;
        Ban *first;
        int r;

        if (ban_list_get(jail_get_bans(jail), a))
                return 1; /* it takes that one's place */

        /* Which one ends first is known of all of them only. */
        if (is_jail_full(m, jail) || are_all_full(m)) {
                r = manager_load_rest(m);
                if (r < 0)
                        return r;
        }

        if (is_jail_full(m, jail))
                limit = config->max_bans;
        else if (are_all_full(m)) {
                limit = m->config->max_bans;
                in_all = true;
        } else
                return 1;

        first = find_first(m, in_all ? NULL : jail, &of);
        if (!first) {
                if (may_say(m, &m->refusing_said))
                        announce_full(in_all ? NULL : config->name, limit, false);
                return 0;
        }

        /* Its timer may be about to come. */
        now = manager_now();
        if (first->expiry.when <= now)
                r = manager_end_ban(m, of, first, first->expiry.when, "expired");
        else {
                jail_count_displaced(of);
                if (may_say(m, &m->displacing_said))
                        announce_full(in_all ? NULL : config->name, limit, true);
                r = manager_end_ban(m, of, first, now, "room for a new ban");
        }

        return r < 0 ? r : 1;
}
