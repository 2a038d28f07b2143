/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * sd-bus could check privileges by itself, but lets callers of the daemon's own user through. So
 * every method counts as unprivileged there, and those that change something ask for root here.
 */

#include "daemon/bus-args.h"

#include "base/utf8.h"
#include "model/ban.h"
#include "model/bus-names.h"

int bus_check_root(sd_bus_message *m, sd_bus_error *error) {
        sd_bus_creds *creds = NULL;
        uid_t uid;
        int r;

        if (sd_bus_is_bus_client(sd_bus_message_get_bus(m)) <= 0)
                return 1;

        r = sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds);
        if (r >= 0)
                r = sd_bus_creds_get_euid(creds, &uid);
        sd_bus_creds_unref(creds);
        if (r < 0)
                return sd_bus_error_set(error,
                                SD_BUS_ERROR_ACCESS_DENIED,
                                "It could not be found out who is asking.");
        if (uid != 0)
                return sd_bus_error_set(error,
                                SD_BUS_ERROR_ACCESS_DENIED,
                                "Only root may change anything.");

        return 1;
}

int bus_read_address(const char *s, Address *ret, sd_bus_error *error) {
        if (address_parse(s, strlen(s), ret) < 0)
                return sd_bus_error_setf(error,
                                BUS_ERROR_INVALID_ADDRESS,
                                "\"%.64s\" is neither an address nor a prefix such as 192.0.2.0/24.",
                                s);
        return 0;
}

int bus_check_reason(const char *s, sd_bus_error *error) {
        if (strlen(s) > BAN_REASON_MAX)
                return sd_bus_error_setf(error,
                                SD_BUS_ERROR_INVALID_ARGS,
                                "A reason has at most %d bytes.",
                                BAN_REASON_MAX);

        for (; *s; s++)
                if ((unsigned char) *s < 0x20 || *s == 0x7f)
                        return sd_bus_error_set(error,
                                        SD_BUS_ERROR_INVALID_ARGS,
                                        "A reason is one line, without control characters.");

        return 0;
}

int bus_no_such_jail(const char *jail, sd_bus_error *error) {
        return sd_bus_error_setf(
                        error, BUS_ERROR_NO_SUCH_JAIL, "There is no jail \"%.64s\".", jail);
}

int bus_failed(int r, const char *what, sd_bus_error *error) {
        return sd_bus_error_setf(error, BUS_ERROR_FAILED, "%s: %s.", what, strerror(-r));
}

const char *bus_text(const char *s) {
        if (!s)
                return "";
        return utf8_is_valid(s) ? s : "(not UTF-8)";
}
