/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Jails that count bans.
 *
 * Their failures are in no journal: the store has them. A ban is counted when it is made, before
 * anything is committed, so what it leads to is in the same transaction: after a crash the entries
 * that made the one make the other, too. At a start or a reload, when nothing waits to be written,
 * the windows are filled from the store, in the order in which the bans were made. A journal that
 * is read again meanwhile leaves them alone.
 */

#include "base/log.h"
#include "daemon/manager-private.h"

static bool counts_bans(const Jail *j) {
        return jail_get_config(j)->source == JAIL_SOURCE_BANS;
}

int manager_count_offence(Manager *m, const Jail *by, const Ban *ban) {
        for (size_t i = 0; i < m->n_jails; i++) {
                JailFailure f;
                int r;

                r = jail_count_ban(m->jails[i], jail_get_config(by), ban, &f);
                if (r < 0)
                        return log_oom();
                if (r != JAIL_NOTHING)
                        m->status.n_failures++;
                if (r == JAIL_BAN)
                        r = manager_apply(m, m->jails[i], &f);
                if (r < 0)
                        return r;
        }

        return 0;
}

int manager_clear_offender(Manager *m, const Jail *by, const Ban *lifted) {
        usec_t until = MAX(manager_now(), lifted->start);

        if (counts_bans(by))
                return 0;

        for (size_t i = 0; i < m->n_jails; i++) {
                const Ban nobody = { .address = lifted->address, .pattern = "" };
                int r;

                if (!counts_bans(m->jails[i]))
                        continue;
                if (jail_forget_lifted(m->jails[i], &lifted->address, until) < 0)
                        return log_oom();
                r = manager_add_change(m, CHANGE_FORGET, m->jails[i], &nobody, until, NULL);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int load_begun(const char *name, const Ban *ban, void *userdata) {
        Manager *m = userdata;
        const Jail *by = manager_find_jail(m, name);

        for (size_t i = 0; i < m->n_jails && by; i++) {
                JailFailure f;
                int r;

                r = jail_count_ban(m->jails[i], jail_get_config(by), ban, &f);
                if (r < 0)
                        return r;
        }

        return 0;
}

static void set_refilling(Manager *m, bool refilling) {
        for (size_t i = 0; i < m->n_jails; i++)
                if (counts_bans(m->jails[i]))
                        jail_set_refilling(m->jails[i], refilling);
}

int manager_load_offenders(Manager *m) {
        usec_t start = USEC_INFINITY;
        int r;

        for (size_t i = 0; i < m->n_jails; i++)
                if (counts_bans(m->jails[i]))
                        start = MIN(start, manager_get_refill_start(m, m->jails[i]));
        if (start == USEC_INFINITY)
                return 0;

        r = manager_load_rest(m);
        if (r < 0)
                return r;

        set_refilling(m, true);
        r = store_foreach_begun(m->store, start, load_begun, m);
        set_refilling(m, false);
        if (r == -EBADMSG) {
                m->store_damaged = true; /* a new one will not know either */
                r = 0;
        }
        return r;
}
