/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Damage to the stored bans: looking for it, and taking back from the kernel what it took.
 *
 * Reading them at a start goes past damage that is not in its way, such as that of an index. So
 * once all are read, the table is checked in a thread, while the kernel has the bans already and
 * nobody waits for the verdict.
 *
 * The kernel has what it was told, with what is left of each. What a list has already it knows
 * better, pattern, reason and all. The next commit writes everything into the new database.
 */

#include "base/log.h"
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

int manager_rescue_bans(Manager *m) {
        int r;

        m->store_damaged = true;

        /* What was lifted must be gone before what is there is taken for banned. */
        r = manager_commit_firewall(m);
        if (r < 0)
                return r;
        r = manager_recover_bans(m);
        return r < 0 ? log_error_errno(r, "Failed to take bans back from the kernel: %m") : 0;
}

static int on_checked(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Manager *m = userdata;

        (void) source;
        (void) fd;
        (void) events;

        if (manager_end_check(m) < 0)
                (void) manager_commit(m, false);
        return 0;
}

void manager_check_bans(Manager *m) {
        int r;

        manager_drop_check(m);
        r = store_check_new(&m->check, m->store);
        if (r >= 0)
                r = sd_event_add_io(m->event,
                                &m->check_source,
                                store_check_get_fd(m->check),
                                EPOLLIN,
                                on_checked,
                                m);
        if (r >= 0)
                return;

        manager_drop_check(m);
        (void) log_warning_errno(r, "Failed to check the bans in the database: %m");
}

int manager_end_check(Manager *m) {
        int r;

        if (!m->check)
                return 0;

        r = store_check_wait(m->check);
        manager_drop_check(m);
        if (r == -EBADMSG)
                (void) manager_rescue_bans(m);
        else if (r < 0)
                (void) log_warning_errno(r, "Failed to check the bans in the database: %m");
        return r;
}

void manager_drop_check(Manager *m) {
        m->check_source = sd_event_source_disable_unref(m->check_source);
        m->check = store_check_free(m->check);
}
