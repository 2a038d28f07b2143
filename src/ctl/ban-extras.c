/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/ban-extras.h"

#include "ctl/connection.h"
#include "model/bus-names.h"

static const char *type_of(ExtraKind kind) {
        return kind == EXTRA_LEAKS ? BUS_LEAK_TYPE : BUS_COUNTER_TYPE;
}

void extras_done(Extras *e) {
        sd_bus_message_unref(e->page);
        e->page = NULL;
}

int extras_get(Extras *ret,
                ExtraKind kind,
                sd_bus *bus,
                const char *jail,
                uint64_t after,
                uint32_t max) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *method = kind == EXTRA_LEAKS ? "ListLeaks" : "ListCounters";

        *ret = (Extras){ .kind = kind };
        if (connection_call(bus, method, &error, &ret->page, "stu", jail, after, max) < 0)
                return 0;

        return sd_bus_message_enter_container(ret->page, 'a', type_of(kind));
}

int extras_find(Extras *e, uint64_t id) {
        const char *jail, *address;

        while (e->page && e->id < id) {
                int r;

                if (e->kind == EXTRA_LEAKS)
                        r = sd_bus_message_read(
                                        e->page, BUS_LEAK_TYPE, &e->id, &jail, &address, &e->first);
                else
                        r = sd_bus_message_read(e->page,
                                        BUS_COUNTER_TYPE,
                                        &e->id,
                                        &jail,
                                        &address,
                                        &e->first,
                                        &e->second);
                if (r < 0)
                        return r;
                if (r == 0)
                        extras_done(e);
        }

        return e->page && e->id == id;
}
