/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/rivals.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/stat.h>

#include "base/macro.h"

/* The kernel keeps 15 characters of a name. */
static const struct {
        const char *comm;
        const char *name;
} rivals[] = {
        { "fail2ban-server", "fail2ban" },
        { "sshguard", "sshguard" },
        { "sshg-parser", "sshguard" },
        { "sshg-blocker", "sshguard" },
        { "crowdsec", "CrowdSec" },
};

const char *rivals_from_comm(const char *comm) {
        for (size_t i = 0; i < ELEMENTSOF(rivals); i++)
                if (streq(rivals[i].comm, comm))
                        return rivals[i].name;

        return NULL;
}

static const char *rival_of_process(const char *pid) {
        _cleanup_(fclosep) FILE *f = NULL;
        char path[280], comm[32];

        (void) snprintf(path, sizeof(path), "/proc/%s/comm", pid);
        f = fopen(path, "re");
        if (!f || !fgets(comm, sizeof(comm), f))
                return NULL;

        comm[strcspn(comm, "\n")] = '\0';
        return rivals_from_comm(comm);
}

/* One in a container has other doors to guard. Where we may not look, it counts. */
static bool is_in_our_network(const char *pid) {
        struct stat theirs, ours;
        char path[280];

        (void) snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
        return stat(path, &theirs) < 0 || stat("/proc/self/ns/net", &ours) < 0 ||
               theirs.st_ino == ours.st_ino;
}

size_t rivals_find(const char **ret_names, size_t max) {
        const struct dirent *d;
        size_t n = 0;
        DIR *dir;

        assert(ret_names);

        dir = opendir("/proc");
        if (!dir)
                return 0;

        while ((d = readdir(dir)) && n < max) {
                const char *name;
                bool known = false;

                if (!isdigit((unsigned char) d->d_name[0]))
                        continue;
                name = rival_of_process(d->d_name);
                if (!name || !is_in_our_network(d->d_name))
                        continue;

                for (size_t i = 0; i < n; i++)
                        known |= streq(ret_names[i], name);
                if (!known)
                        ret_names[n++] = name;
        }

        (void) closedir(dir);
        return n;
}
