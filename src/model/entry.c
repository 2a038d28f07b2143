/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/entry.h"

#include "base/macro.h"

static const char *const names[_ENTRY_FIELD_MAX] = {
        [ENTRY_MESSAGE] = "MESSAGE",
        [ENTRY_MESSAGE_ID] = "MESSAGE_ID",
        [ENTRY_SYSTEMD_UNIT] = "_SYSTEMD_UNIT",
        [ENTRY_SYSTEMD_SLICE] = "_SYSTEMD_SLICE",
        [ENTRY_SYSTEMD_USER_UNIT] = "_SYSTEMD_USER_UNIT",
        [ENTRY_SYSTEMD_CGROUP] = "_SYSTEMD_CGROUP",
        [ENTRY_SYSTEMD_INVOCATION_ID] = "_SYSTEMD_INVOCATION_ID",
        [ENTRY_COMM] = "_COMM",
        [ENTRY_EXE] = "_EXE",
        [ENTRY_UID] = "_UID",
        [ENTRY_GID] = "_GID",
        [ENTRY_PID] = "_PID",
        [ENTRY_TRANSPORT] = "_TRANSPORT",
        [ENTRY_HOSTNAME] = "_HOSTNAME",
        [ENTRY_NAMESPACE] = "_NAMESPACE",
        [ENTRY_SYSLOG_IDENTIFIER] = "SYSLOG_IDENTIFIER",
        [ENTRY_SYSLOG_PID] = "SYSLOG_PID",
        [ENTRY_SYSLOG_FACILITY] = "SYSLOG_FACILITY",
        [ENTRY_PRIORITY] = "PRIORITY",
};

const char *entry_field_to_string(EntryField field) {
        assert(field < _ENTRY_FIELD_MAX);

        return names[field];
}

int entry_field_from_string(const char *s, size_t n) {
        static unsigned char sizes[_ENTRY_FIELD_MAX];

        /* This runs for each of the twenty fields of each entry, and the length alone rules nearly
         * all of the names out. */
        if (sizes[0] == 0)
                for (size_t i = 0; i < ELEMENTSOF(names); i++)
                        sizes[i] = (unsigned char) strlen(names[i]);

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (sizes[i] == n && memcmp(names[i], s, n) == 0)
                        return (int) i;

        return -EINVAL;
}

bool entry_field_is_trusted(EntryField field) {
        switch (field) {
        case ENTRY_SYSTEMD_UNIT:
        case ENTRY_SYSTEMD_SLICE:
        case ENTRY_SYSTEMD_USER_UNIT:
        case ENTRY_SYSTEMD_CGROUP:
        case ENTRY_SYSTEMD_INVOCATION_ID:
        case ENTRY_UID:
        case ENTRY_GID:
                return true;
        default:
                return false;
        }
}
