/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/service.h"

#include <stdio.h>

#include "base/macro.h"

static bool is_populated(const char *path) {
        _cleanup_(fclosep) FILE *f = fopen(path, "re");
        char line[64];

        while (f && fgets(line, sizeof(line), f))
                if (streq(line, "populated 1\n"))
                        return true;

        return false;
}

bool service_is_running(const char *unit) {
        /* Of the unified hierarchy, and where it is mounted beside others. */
        static const char *const hierarchies[] = {
                "/sys/fs/cgroup",
                "/sys/fs/cgroup/unified",
                "/sys/fs/cgroup/systemd",
        };

        assert(unit);

        for (size_t i = 0; i < ELEMENTSOF(hierarchies); i++) {
                char path[512];

                (void) snprintf(path,
                                sizeof(path),
                                "%s/system.slice/%s/cgroup.events",
                                hierarchies[i],
                                unit);
                if (is_populated(path))
                        return true;
        }

        return false;
}
