/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/bus-exempt.h"

#include "daemon/bus-args.h"
#include "daemon/bus.h"
#include "daemon/manager.h"
#include "model/bus-names.h"

int bus_allow(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *address, *reason;
        Manager *m = userdata;
        uint64_t duration;
        Address a;
        int r;

        assert(m);

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_MANAGE, error);
        if (r != 0)
                return r;
        r = sd_bus_message_read(message, "sts", &address, &duration, &reason);
        if (r < 0)
                return r;
        r = bus_read_address(address, &a, error);
        if (r >= 0)
                r = bus_check_reason(reason, error);
        if (r < 0)
                return r;
        if (duration == 0)
                return sd_bus_error_set(error,
                                SD_BUS_ERROR_INVALID_ARGS,
                                "For how long has to be said; all ones is for good.");

        r = manager_allow(m, &a, duration, reason);
        if (r == -EINVAL)
                return bus_too_large(address, error);
        if (r == -EROFS)
                return bus_not_stored(m, "Allowed", error);
        if (r == -E2BIG)
                return bus_too_many_exemptions(error);
        if (r < 0)
                return bus_failed(r, "The address could not be allowed", error);

        return sd_bus_reply_method_return(message, NULL);
}

int bus_disallow(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        const char *address;
        size_t n = 0;
        Address a;
        int r;

        assert(m);

        r = bus_authorize(manager_get_bus(m), message, BUS_ACTION_MANAGE, error);
        if (r != 0)
                return r;
        r = sd_bus_message_read(message, "s", &address);
        if (r < 0)
                return r;
        r = bus_read_address(address, &a, error);
        if (r < 0)
                return r;

        r = manager_disallow(m, &a, &n);
        if (r == -EROFS)
                return bus_not_stored(m, "Allowed no longer", error);
        if (r < 0)
                return bus_failed(r, "That could not be ended", error);

        return sd_bus_reply_method_return(message, "u", (uint32_t) n);
}

static int append_allowed(sd_bus_message *reply, const Exemption *x) {
        char address[ADDRESS_STR_SIZE];

        return sd_bus_message_append(reply,
                        BUS_ALLOWED_TYPE,
                        address_format(&x->address, address),
                        x->since,
                        x->until,
                        bus_text(x->reason));
}

int bus_list_allowed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const Exemptions *e = manager_get_exemptions(userdata);
        usec_t now = manager_now();
        sd_bus_message *reply = NULL;
        int r;

        r = bus_authorize(manager_get_bus(userdata), message, BUS_ACTION_INSPECT, error);
        if (r != 0)
                return r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', BUS_ALLOWED_TYPE);
        for (size_t i = 0; i < e->n_exemptions && r >= 0; i++)
                if (!e->exemptions[i].jail && exemption_holds(&e->exemptions[i], now))
                        r = append_allowed(reply, &e->exemptions[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        sd_bus_message_unref(reply);
        return r;
}
