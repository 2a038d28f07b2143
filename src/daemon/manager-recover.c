/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Taking bans back from the kernel, when the database was damaged.
 *
 * The kernel has what it was told, with what is left of each. What a list has already it knows
 * better, pattern, reason and all. The next commit writes everything into the new database.
 */

#include "daemon/clock.h"
#include "daemon/manager-private.h"

/* Beyond, listing would take too long. */
#define RECOVER_MAX 100000

typedef struct Recovery {
        Manager *manager;
        size_t n;
        int error;
} Recovery;

static int recover_ban(Manager *m, Jail *jail, const Address *address, usec_t remaining) {
        BanList *bans = jail_get_bans(jail);
        usec_t now = manager_now();
        Ban ban = {
                .address = *address,
                .in_kernel = true,
                .pattern = "",
                .reason = (char *) "taken back from the kernel",
                .id = m->next_id,
                .start = now,
                .end = remaining == USEC_INFINITY ? USEC_INFINITY : usec_add(now, remaining),
        };
        int r;

        if (ban_list_peek(bans, address))
                return 0;

        r = ban_list_add(bans, &ban, NULL);
        if (r >= 0)
                m->next_id++;
        return r < 0 ? r : 1;
}

static void on_recovered(const char *name,
                const Address *address,
                const FirewallElement *element,
                void *userdata) {
        Recovery *recovery = userdata;
        Jail *jail = manager_find_jail(recovery->manager, name);
        int r;

        r = jail ? recover_ban(recovery->manager, jail, address, element->remaining) : 0;
        if (r > 0)
                recovery->n++;
        else if (r < 0)
                recovery->error = r;
}

int manager_recover_bans(Manager *m) {
        Recovery recovery = { .manager = m };
        int r;

        r = firewall_list(m->firewall, RECOVER_MAX, on_recovered, &recovery);
        if (r >= 0)
                r = recovery.error;
        if (r < 0)
                return r;

        m->position.announced = m->next_id - 1;
        m->store_incomplete = true;
        return (int) recovery.n;
}
