/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Arguments are read and checked here, errors get their names, and nothing is decided.
 */

#include "daemon/bus-bans.h"

#include "daemon/announce.h"
#include "daemon/bus-args.h"
#include "daemon/bus.h"
#include "daemon/manager.h"
#include "model/bus-names.h"

/* Bans */

/* Checks what does not depend on the address. Returns 0, or a negative errno with the error set. */
static int check_order(const char *reason, uint64_t flags, sd_bus_error *error) {
        int r;

        r = bus_check_reason(reason, error);
        if (r < 0)
                return r;
        if (flags & ~BUS_BAN_FORCE)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "Unknown flags.");

        return 0;
}

/* What manager_ban() says about one address. */
static int
set_refused(const Manager *m, int r, const char *address, const char *why, sd_bus_error *error) {
        switch (r) {
        case -EADDRINUSE:
                return sd_bus_error_set(error,
                                BUS_ERROR_REFUSED,
                                why[0] ? why : "The ban would cut this host off.");
        case -EINVAL:
                return bus_too_large(address, error);
        case -ENOSPC:
                return sd_bus_error_set(error, BUS_ERROR_TOO_MANY_BANS, why);
        case -EROFS:
                return bus_not_stored(m, "Banned", error);
        default:
                return bus_failed(r, "The ban could not be carried out", error);
        }
}

static int ban(sd_bus_message *message,
                Manager *m,
                const char *jail,
                const char *address,
                usec_t duration,
                const char *reason,
                uint64_t flags,
                sd_bus_error *error) {
        char why[MANAGER_ERROR_SIZE] = "";
        Address a;
        int r;

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_BAN, error);
        if (r != 0)
                return r;
        r = bus_read_address(address, &a, error);
        if (r < 0)
                return r;
        r = check_order(reason, flags, error);
        if (r < 0)
                return r;

        r = manager_ban(m, jail, &a, duration, reason, flags & BUS_BAN_FORCE, why);
        if (r == -ENXIO)
                return bus_no_such_jail(jail, error);
        if (r < 0)
                return set_refused(m, r, address, why, error);

        return sd_bus_reply_method_return(message, NULL);
}

int bus_ban(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *jail, *address, *reason;
        uint64_t duration;
        int r;

        r = sd_bus_message_read(message, "ssts", &jail, &address, &duration, &reason);
        if (r < 0)
                return r;

        return ban(message, userdata, jail, address, duration, reason, 0, error);
}

int bus_ban_with_flags(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *jail, *address, *reason;
        uint64_t duration, flags;
        int r;

        r = sd_bus_message_read(message, "sstst", &jail, &address, &duration, &reason, &flags);
        if (r < 0)
                return r;

        return ban(message, userdata, jail, address, duration, reason, flags, error);
}

/* Many addresses */

/* The texts are borrowed from the message, the array is not. Returns 0 or a negative errno,
 * possibly with the error set. */
static int
read_texts(sd_bus_message *message, const char ***ret, size_t *ret_n, sd_bus_error *error) {
        _cleanup_(freep) const char **texts = NULL;
        const char *text;
        size_t n = 0;
        int r;

        texts = calloc(BUS_MANY_MAX, sizeof(*texts));
        if (!texts)
                return -ENOMEM;

        r = sd_bus_message_enter_container(message, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(message, 's', &text)) > 0) {
                if (n == BUS_MANY_MAX)
                        return sd_bus_error_setf(error,
                                        SD_BUS_ERROR_LIMITS_EXCEEDED,
                                        "There are at most %u addresses in one call.",
                                        BUS_MANY_MAX);
                texts[n++] = text;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(texts);
        *ret_n = n;
        return 0;
}

/* A call of BanMany(). */
typedef struct Many {
        const Manager *manager;
        const char **texts;
        size_t n_texts;
        sd_bus_error *errors; /* for each text; not set for those that are banned */
        Address *addresses;   /* those of the texts that are some, and */
        size_t *places;       /* where they are among the texts */
        size_t n_addresses;
} Many;

static void many_done(Many *m) {
        for (size_t i = 0; m->errors && i < m->n_texts; i++)
                sd_bus_error_free(&m->errors[i]);
        free(m->errors);
        free(m->places);
        free(m->addresses);
        free(m->texts);
}

/* A text that is no address is refused like an address that may not be banned. */
static int many_parse(Many *m) {
        m->addresses = calloc(m->n_texts + 1, sizeof(*m->addresses));
        m->places = calloc(m->n_texts + 1, sizeof(*m->places));
        m->errors = calloc(m->n_texts + 1, sizeof(*m->errors));
        if (!m->addresses || !m->places || !m->errors)
                return -ENOMEM;

        for (size_t i = 0; i < m->n_texts; i++)
                if (bus_read_address(m->texts[i], &m->addresses[m->n_addresses], &m->errors[i]) >=
                                0)
                        m->places[m->n_addresses++] = i;
        return 0;
}

static int on_refused(size_t i, int r, const char *why, void *userdata) {
        Many *m = userdata;
        size_t place = m->places[i];

        (void) set_refused(m->manager, r, m->texts[place], why, &m->errors[place]);
        return 0;
}

/* All those that are banned are so without the disk. */
static void many_not_stored(Many *m) {
        for (size_t i = 0; i < m->n_texts; i++)
                if (!sd_bus_error_is_set(&m->errors[i]))
                        (void) bus_not_stored(m->manager, "Banned", &m->errors[i]);
}

static int reply_banned(sd_bus_message *message, const Many *many, const ManagerBanned *banned) {
        sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply,
                                "uu",
                                (uint32_t) banned->n_banned,
                                (uint32_t) banned->n_unchanged);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', BUS_REFUSED_TYPE);
        for (size_t i = 0; i < many->n_texts && r >= 0; i++)
                if (sd_bus_error_is_set(&many->errors[i]))
                        r = sd_bus_message_append(reply,
                                        BUS_REFUSED_TYPE,
                                        many->texts[i],
                                        many->errors[i].name,
                                        many->errors[i].message);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        sd_bus_message_unref(reply);
        return r;
}

int bus_ban_many(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(many_done) Many many = { .manager = userdata };
        ManagerBanned banned = {};
        const char *jail, *reason;
        uint64_t duration, flags;
        int r;

        assert(many.manager);

        r = bus_authorize(manager_get_bus(userdata), message, BUS_ACTION_BAN, error);
        if (r != 0)
                return r;
        r = sd_bus_message_read(message, "s", &jail);
        if (r >= 0)
                r = read_texts(message, &many.texts, &many.n_texts, error);
        if (r >= 0)
                r = sd_bus_message_read(message, "tst", &duration, &reason, &flags);
        if (r >= 0)
                r = check_order(reason, flags, error);
        if (r >= 0)
                r = many_parse(&many);
        if (r < 0)
                return r;

        r = manager_ban_many(userdata,
                        jail,
                        many.addresses,
                        many.n_addresses,
                        duration,
                        reason,
                        flags & BUS_BAN_FORCE,
                        on_refused,
                        &many,
                        &banned);
        if (r == -ENXIO)
                return bus_no_such_jail(jail, error);
        if (r == -EROFS) {
                many_not_stored(&many);
                banned = (ManagerBanned){};
        } else if (r < 0)
                return bus_failed(r, "The bans could not be carried out", error);

        return reply_banned(message, &many, &banned);
}

/* Unbans */

static int set_not_lifted(const Manager *m, int r, const char *jail, sd_bus_error *error) {
        if (r == -ENXIO)
                return bus_no_such_jail(jail, error);
        if (r == -EROFS)
                return bus_not_stored(m, "Unbanned", error);

        return bus_failed(r, "The ban could not be lifted", error);
}

int bus_unban(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        const char *jail, *address;
        size_t n = 0;
        Address a;
        int r;

        assert(m);

        r = sd_bus_message_read(message, "ss", &jail, &address);
        if (r < 0)
                return r;
        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_UNBAN, error);
        if (r != 0)
                return r;
        r = bus_read_address(address, &a, error);
        if (r < 0)
                return r;

        r = manager_unban(m, isempty(jail) ? NULL : jail, &a, &n);
        if (r < 0)
                return set_not_lifted(m, r, jail, error);

        return sd_bus_reply_method_return(message, "u", (uint32_t) n);
}

/* The answer of UnbanMany() while it is made. */
typedef struct Lifted {
        const char **texts;
        const char **not_banned;
        size_t n_not_banned;
        size_t n_lifted;
} Lifted;

static void on_lifted(size_t i, size_t n, void *userdata) {
        Lifted *l = userdata;

        l->n_lifted += n;
        if (n == 0)
                l->not_banned[l->n_not_banned++] = l->texts[i];
}

static int reply_lifted(sd_bus_message *message, const Lifted *l) {
        sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "u", (uint32_t) l->n_lifted);
        if (r >= 0)
                r = sd_bus_message_append_strv(reply, (char **) l->not_banned);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        sd_bus_message_unref(reply);
        return r;
}

int bus_unban_many(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) const char **texts = NULL, **not_banned = NULL;
        _cleanup_(freep) Address *addresses = NULL;
        Manager *m = userdata;
        const char *jail;
        Lifted lifted;
        size_t n = 0;
        int r;

        assert(m);

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_UNBAN, error);
        if (r != 0)
                return r;
        r = sd_bus_message_read(message, "s", &jail);
        if (r >= 0)
                r = read_texts(message, &texts, &n, error);
        if (r < 0)
                return r;

        addresses = calloc(n + 1, sizeof(*addresses));
        not_banned = calloc(n + 1, sizeof(*not_banned));
        if (!addresses || !not_banned)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                r = bus_read_address(texts[i], &addresses[i], error);
                if (r < 0)
                        return r;
        }

        lifted = (Lifted){ .texts = texts, .not_banned = not_banned };
        r = manager_unban_many(m, isempty(jail) ? NULL : jail, addresses, n, on_lifted, &lifted);
        if (r < 0)
                return set_not_lifted(m, r, jail, error);

        return reply_lifted(message, &lifted);
}

int bus_unban_all(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        const char *jail;
        size_t n = 0;
        int r;

        assert(m);

        r = sd_bus_message_read(message, "s", &jail);
        if (r < 0)
                return r;
        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_UNBAN, error);
        if (r != 0)
                return r;

        r = manager_unban_all(m, isempty(jail) ? NULL : jail, CAUSE_BY_HAND, &n);
        if (r < 0)
                return set_not_lifted(m, r, jail, error);

        return sd_bus_reply_method_return(message, "u", (uint32_t) n);
}

int bus_flush(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        size_t n = 0;
        int r;

        assert(m);

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_MANAGE, error);
        if (r != 0)
                return r;

        r = manager_unban_all(m, NULL, CAUSE_FLUSHED, &n);
        if (r == -EROFS)
                return bus_not_stored(m, "All bans are lifted", error);
        if (r < 0)
                return bus_failed(r, "The bans could not be lifted", error);

        return sd_bus_reply_method_return(message, "u", (uint32_t) n);
}
