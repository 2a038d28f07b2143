/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * make-journal [ENTRIES]: writes a busy host's hour in the Journal Export Format
 *
 * One entry in ten is sshd's, the others come from services that no jail reads. The journal ends
 * now and is made of minutes of MINUTE entries. In each of them sshd tells of ADDRESSES_PERSISTENT
 * addresses that fail six times, of ADDRESSES_ONCE others that fail once, and of users who log in,
 * in an order that is the same each time. The default of 500,000 entries is fifty minutes, with
 * failures of 20,000 addresses of which 5,000 fail often enough for a ban that is still running.
 */

#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/macro.h"
#include "base/usec.h"

#define ENTRIES 500000u
#define MINUTE 10000u
#define SSHD_EVERY 10u
#define SSHD_LINES (MINUTE / SSHD_EVERY) /* a minute */

#define ADDRESSES_PERSISTENT 100u
#define FAILURES_PERSISTENT 6u
#define ADDRESSES_ONCE 300u
#define ADDRESSES (ADDRESSES_PERSISTENT + ADDRESSES_ONCE)

#define MACHINE_ID "5bd4b5a8bb5b4e5c9e0c0d6d1f0d9b11"
#define BOOT_ID "0c8c4f3f4a2c4f0aa1c7a2c5a6e1f922"

typedef struct Service {
        const char *unit;
        const char *comm;
        const char *exe;
        const char *cmdline;
        const char *invocation;
        unsigned uid;
        unsigned facility;
} Service;

static const Service sshd = {
        .unit = "ssh.service",
        .comm = "sshd",
        .exe = "/usr/sbin/sshd",
        .cmdline = "sshd: [accepted]",
        .invocation = "86d1b1a6bb0e4b4f8d3f7c1f6f5c2c10",
        .facility = 4,
};

static const Service services[] = {
        {
                        .unit = "nginx.service",
                        .comm = "nginx",
                        .exe = "/usr/sbin/nginx",
                        .cmdline = "nginx: worker process",
                        .invocation = "7e2f1d1b1fd24d0b9df7c07a8f9e3a21",
                        .uid = 33,
                        .facility = 23,
        },
        {
                        .unit = "app.service",
                        .comm = "python3",
                        .exe = "/usr/bin/python3.11",
                        .cmdline = "/usr/bin/python3 -m gunicorn --workers 4 --bind unix:/run/app/http app",
                        .invocation = "1b2c64ad60d24d1fb4b53c4c0a26d632",
                        .uid = 998,
                        .facility = 3,
        },
        {
                        .unit = "postgresql@15-main.service",
                        .comm = "postgres",
                        .exe = "/usr/lib/postgresql/15/bin/postgres",
                        .cmdline = "postgres: 15/main: app app [local] idle",
                        .invocation = "c5d9b92e3c4f4c56a37a5d5f8a3f1c43",
                        .uid = 110,
                        .facility = 16,
        },
        {
                        .unit = "cron.service",
                        .comm = "cron",
                        .exe = "/usr/sbin/cron",
                        .cmdline = "/usr/sbin/CRON -f",
                        .invocation = "2d6d4f3a6e084e3c8bd3a1f51ad11154",
                        .facility = 9,
        },
        {
                        .unit = "systemd-logind.service",
                        .comm = "systemd-logind",
                        .exe = "/lib/systemd/systemd-logind",
                        .cmdline = "/lib/systemd/systemd-logind",
                        .invocation = "8f0b7c4d27d54cb2a7d0d3a8c6b5e765",
                        .facility = 4,
        },
};

/* xorshift, so that every run writes the same journal. */
static unsigned pick(unsigned n) {
        static uint32_t state = 2463534242u;

        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        return state % n;
}

/* A host in the i-th /64 of 2001:db8::/32, scattered as the addresses of attackers are. */
static const char *address_of(unsigned i) {
        static char buf[32];
        uint32_t a = i * 2654435761u;

        (void) snprintf(buf, sizeof(buf), "2001:db8:%x:%x::%x", a >> 16, a & 0xffff, 1 + i % 9);
        return buf;
}

static void
begin_entry(const Service *s, const char *identifier, unsigned pid, unsigned n, usec_t when) {
        usec_t second = when / USEC_PER_SEC;

        printf("__REALTIME_TIMESTAMP=%" PRIu64 "\n"
               "__MONOTONIC_TIMESTAMP=%u\n"
               "_BOOT_ID=" BOOT_ID "\n"
               "_MACHINE_ID=" MACHINE_ID "\n"
               "_HOSTNAME=bench\n"
               "_RUNTIME_SCOPE=system\n"
               "_TRANSPORT=syslog\n"
               "PRIORITY=6\n"
               "SYSLOG_FACILITY=%u\n"
               "SYSLOG_IDENTIFIER=%s\n"
               "SYSLOG_PID=%u\n"
               "SYSLOG_TIMESTAMP=%" PRIu64 " \n",
                        when,
                        n,
                        s->facility,
                        identifier,
                        pid,
                        second);
        printf("_PID=%u\n"
               "_UID=%u\n"
               "_GID=%u\n"
               "_COMM=%s\n"
               "_EXE=%s\n"
               "_CMDLINE=%s\n"
               "_CAP_EFFECTIVE=%s\n"
               "_SELINUX_CONTEXT=unconfined\n"
               "_SYSTEMD_CGROUP=/system.slice/%s\n"
               "_SYSTEMD_UNIT=%s\n"
               "_SYSTEMD_SLICE=system.slice\n"
               "_SYSTEMD_INVOCATION_ID=%s\n"
               "_SOURCE_REALTIME_TIMESTAMP=%" PRIu64 "\n",
                        pid,
                        s->uid,
                        s->uid,
                        s->comm,
                        s->exe,
                        s->cmdline,
                        s->uid == 0 ? "1ffffffffff" : "0",
                        s->unit,
                        s->unit,
                        s->invocation,
                        when - 40 - pick(200));
}

static void write_noise(unsigned n, usec_t when) {
        static const char *const paths[] = { "/", "/login", "/api/items", "/static/app.js" };
        const Service *s = &services[pick(ELEMENTSOF(services))];

        begin_entry(s, s->comm, 400 + (unsigned) (s - services), n, when);
        printf("MESSAGE=request %u: %s \"GET %s?id=%u HTTP/1.1\" 200 %u %u ms\n\n",
                        n,
                        address_of(pick(1u << 20)),
                        paths[pick(ELEMENTSOF(paths))],
                        pick(100000),
                        pick(20000),
                        pick(900));
}

/* One of a minute's lines: first those of the persistent, then those who try once, then the rest.
 */
static void write_sshd(unsigned line, unsigned minute, unsigned n, usec_t when) {
        unsigned first = minute * ADDRESSES, port = 1024 + pick(60000);

        begin_entry(&sshd, "sshd", 1000 + n % 4000000, n, when);

        if (line < ADDRESSES_PERSISTENT * FAILURES_PERSISTENT)
                printf("MESSAGE=Failed password for root from %s port %u ssh2\n\n",
                                address_of(first + line / FAILURES_PERSISTENT),
                                port);
        else if (line < ADDRESSES_PERSISTENT * FAILURES_PERSISTENT + ADDRESSES_ONCE)
                printf("MESSAGE=Failed password for invalid user user%u from %s port %u ssh2\n\n",
                                pick(1000),
                                address_of(first + line -
                                                ADDRESSES_PERSISTENT * (FAILURES_PERSISTENT - 1)),
                                port);
        else if (line % 2 == 0)
                printf("MESSAGE=Accepted publickey for alice from 192.0.2.%u port %u ssh2: ED25519 "
                       "SHA256:u9UDvCyYWwZCQcAhhvGzIgpTw9BtyTUYyMfmPvfwEmQ\n\n",
                                pick(200),
                                port);
        else
                printf("MESSAGE=pam_unix(sshd:session): session opened for user alice(uid=1000) by "
                       "(uid=0)\n\n");
}

int main(int argc, char *argv[]) {
        unsigned entries = ENTRIES, order[SSHD_LINES];
        struct timespec ts;
        usec_t now, gap;

        if (argc > 1)
                entries = (unsigned) strtoul(argv[1], NULL, 10);
        if (argc > 2 || entries == 0)
                errx(2, "usage: make-journal [ENTRIES] >FILE");

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        now = (usec_t) ts.tv_sec * USEC_PER_SEC;
        gap = 60 * USEC_PER_SEC / MINUTE;

        for (unsigned n = 0; n < entries; n++) {
                usec_t when = now - (entries - n) * gap;

                if (n % MINUTE == 0) {
                        for (unsigned i = 0; i < SSHD_LINES; i++) {
                                unsigned k = pick(i + 1);

                                order[i] = order[k];
                                order[k] = i;
                        }
                }

                if (n % SSHD_EVERY == 0)
                        write_sshd(order[n % MINUTE / SSHD_EVERY], n / MINUTE, n, when);
                else
                        write_noise(n, when);
        }

        if (fflush(stdout) != 0)
                err(EXIT_FAILURE, "stdout");
        return EXIT_SUCCESS;
}
