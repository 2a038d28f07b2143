/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The answer comes when everything is compared, which takes a while; what was asked is kept until
 * then. Whoever has gone meanwhile gets none.
 */

#include "daemon/bus-verify.h"

#include "daemon/bus-args.h"
#include "daemon/bus.h"
#include "daemon/manager-verify.h"
#include "model/bus-names.h"

static int append_difference(sd_bus_message *answer, const Difference *d) {
        char address[ADDRESS_STR_SIZE] = "";

        if (d->kind != DIFFERENCE_TABLE)
                address_format(&d->address, address);

        return sd_bus_message_append(answer,
                        BUS_DIFFERENCE_TYPE,
                        bus_text(d->jail),
                        address,
                        difference_kind_to_string(d->kind),
                        d->end,
                        d->found);
}

static int reply(sd_bus_message *message, const Verification *result) {
        sd_bus_message *answer = NULL;
        int r;

        r = sd_bus_message_new_method_return(message, &answer);
        if (r >= 0)
                r = sd_bus_message_append(answer,
                                "ttt",
                                (uint64_t) result->n_bans,
                                (uint64_t) result->n_checked,
                                (uint64_t) result->n_found);
        if (r >= 0)
                r = sd_bus_message_open_container(answer, 'a', BUS_DIFFERENCE_TYPE);
        for (size_t i = 0; i < result->n_told && r >= 0; i++)
                r = append_difference(answer, &result->told[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        if (r >= 0)
                r = sd_bus_message_send(answer);
        sd_bus_message_unref(answer);
        return r;
}

static void on_verified(const Verification *result, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *message = userdata;

        if (!result)
                (void) sd_bus_reply_method_errorf(
                                message, BUS_ERROR_FAILED, "The service is being stopped.");
        else if (result->error == -EAGAIN)
                (void) sd_bus_reply_method_errorf(message,
                                BUS_ERROR_FAILED,
                                "nftables cannot be changed at present; see the journal.");
        else if (result->error < 0) {
                (void) bus_failed(result->error, "The comparison could not be finished", &error);
                (void) sd_bus_reply_method_error(message, &error);
        } else
                (void) reply(message, result);

        sd_bus_message_unref(message);
}

int bus_verify(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        int all, r;

        assert(m);

        r = sd_bus_message_read(message, "b", &all);
        if (r < 0)
                return r;
        r = bus_authorize(manager_get_bus(m),
                        message,
                        all ? BUS_ACTION_MANAGE : BUS_ACTION_INSPECT,
                        error);
        if (r != 0)
                return r;

        r = manager_verify(m, all, on_verified, sd_bus_message_ref(message));
        if (r < 0) {
                sd_bus_message_unref(message);
                return sd_bus_error_set(error,
                                SD_BUS_ERROR_LIMITS_EXCEEDED,
                                "Too many have asked for it already.");
        }

        return 1;
}

int bus_get_verify_progress(sd_bus *bus,
                const char *path,
                const char *interface,
                const char *property,
                sd_bus_message *reply_message,
                void *userdata,
                sd_bus_error *error) {
        uint64_t n_done, n_all;

        (void) bus, (void) path, (void) interface, (void) property, (void) error;

        manager_get_verify_progress(userdata, &n_done, &n_all);
        return sd_bus_message_append(reply_message, "(tt)", n_done, n_all);
}
