/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/asker.h"

#include <inttypes.h>
#include <systemd/sd-login.h>

#include "base/usec.h"

/* Shells within shells; a loop cannot happen, a very long line can. */
#define ANCESTORS_MAX 64

#define ENVIRONMENT_MAX (256 * 1024)

typedef struct Askers {
        Address *addresses;
        size_t n;
} Askers;

static void add(Askers *askers, const Address *a) {
        for (size_t i = 0; i < askers->n; i++)
                if (address_equal(&askers->addresses[i], a))
                        return;

        if (askers->n < ASKERS_MAX)
                askers->addresses[askers->n++] = *a;
}

int asker_parse_variable(const char *value, Address *ret) {
        assert(value);
        assert(ret);

        return address_parse(value, strcspn(value, " "), ret);
}

int asker_parse_parent(const char *stat) {
        const char *p;
        int parent;
        char state;

        assert(stat);

        /* The name may contain a closing parenthesis; what follows it does not. */
        p = strrchr(stat, ')');
        if (!p || sscanf(p + 1, " %c %d", &state, &parent) != 2 || parent < 0)
                return -EINVAL;

        return parent;
}

static void add_variable(Askers *askers, const char *variable) {
        static const char *const names[] = { "SSH_CONNECTION=", "SSH_CLIENT=" };
        Address a;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *value = startswith(variable, names[i]);

                if (value && asker_parse_variable(value, &a) >= 0)
                        add(askers, &a);
        }
}

/* Reads a file of /proc, whose size is not known before; terminated. */
static size_t read_proc(pid_t pid, const char *name, char *buf, size_t size) {
        _cleanup_(fclosep) FILE *f = NULL;
        char path[64];
        size_t n;

        (void) snprintf(path, sizeof(path), "/proc/%" PRIi32 "/%s", (int32_t) pid, name);
        f = fopen(path, "re");
        n = f ? fread(buf, 1, size - 1, f) : 0;
        buf[n] = '\0';
        return n;
}

static void add_environment(Askers *askers, pid_t pid) {
        _cleanup_(freep) char *buf = malloc(ENVIRONMENT_MAX);
        size_t n;

        if (!buf)
                return;

        n = read_proc(pid, "environ", buf, ENVIRONMENT_MAX);
        for (size_t i = 0; i < n; i += strlen(buf + i) + 1)
                add_variable(askers, buf + i);
}

static void add_logind(Askers *askers) {
        _cleanup_(freep) char *session = NULL, *host = NULL;
        Address a;

        if (sd_pid_get_session(0, &session) < 0)
                return;
        if (sd_session_get_remote_host(session, &host) < 0)
                return;
        if (address_parse(host, strlen(host), &a) >= 0)
                add(askers, &a);
}

size_t askers_get(Address ret[static ASKERS_MAX]) {
        Askers askers = { .addresses = ret };
        pid_t pid = getpid();

        for (char **p = environ; p && *p; p++)
                add_variable(&askers, *p);

        for (size_t i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
                char stat[512];

                add_environment(&askers, pid);
                (void) read_proc(pid, "stat", stat, sizeof(stat));
                pid = asker_parse_parent(stat);
        }

        add_logind(&askers);
        return askers.n;
}
