/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/bus-args.h"

#include "base/utf8.h"
#include "model/ban.h"
#include "model/bus-names.h"

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

int bus_too_large(const char *address, sd_bus_error *error) {
        return sd_bus_error_setf(error,
                        BUS_ERROR_INVALID_ADDRESS,
                        "%s is too large a part of the Internet: at least /8 is needed for IPv4 and "
                        "/19 for IPv6.",
                        address);
}

int bus_too_many_exemptions(sd_bus_error *error) {
        return sd_bus_error_setf(error,
                        SD_BUS_ERROR_LIMITS_EXCEEDED,
                        "There are %u of them, which is the limit; those that are over count for as "
                        "long as windows reach back.",
                        EXEMPTIONS_MAX);
}

int bus_not_stored(const Manager *m, const char *what, sd_bus_error *error) {
        ManagerStatus status;

        manager_get_status(m, &status);
        return sd_bus_error_setf(error,
                        BUS_ERROR_NOT_STORED,
                        "%s, but the database cannot be written (%s). A crash or restart before it "
                        "can would undo this.",
                        what,
                        strerror(-status.store_error));
}

int bus_append_ban(sd_bus_message *reply, const Manager *m, const char *jail, const Ban *ban) {
        char address[ADDRESS_STR_SIZE];

        return sd_bus_message_append(reply,
                        BUS_BAN_TYPE,
                        ban->id,
                        jail,
                        address_format(&ban->address, address),
                        ban->start,
                        ban->end,
                        manager_get_remaining(m, ban),
                        (uint32_t) ban->failures,
                        bus_text(ban->pattern),
                        bus_text(ban->reason));
}

const char *bus_text(const char *s) {
        if (!s)
                return "";
        return utf8_is_valid(s) ? s : "(not UTF-8)";
}
