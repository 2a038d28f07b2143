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

const char *bus_text(const char *s) {
        if (!s)
                return "";
        return utf8_is_valid(s) ? s : "(not UTF-8)";
}
