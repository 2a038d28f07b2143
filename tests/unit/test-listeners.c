/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "ctl/listeners.h"

static bool fits(const char *path, EntryField field, const char *value) {
        return listeners_path_fits(path, &(const MatchTerm){ field, (char *) value });
}

static void service_fits_its_own_group(void **state) {
        assert_true(fits("/system.slice/ssh.service", ENTRY_SYSTEMD_UNIT, "ssh.service"));
        assert_true(fits("/system.slice/ssh.service/sub", ENTRY_SYSTEMD_UNIT, "ssh.service"));
        assert_true(fits("/system.slice/system-postfix.slice/postfix@-.service",
                        ENTRY_SYSTEMD_UNIT,
                        "postfix@-.service"));

        assert_false(fits("/system.slice/sssh.service", ENTRY_SYSTEMD_UNIT, "ssh.service"));
        assert_false(fits("/system.slice/ssh.service2", ENTRY_SYSTEMD_UNIT, "ssh.service"));
        assert_false(fits("/system.slice/ssh", ENTRY_SYSTEMD_UNIT, "ssh.service"));
        assert_false(fits("", ENTRY_SYSTEMD_UNIT, "ssh.service"));
        assert_false(fits("/", ENTRY_SYSTEMD_UNIT, "ssh.service"));
}

static void socket_of_the_same_name_fits(void **state) {
        assert_true(fits("/system.slice/ssh.socket", ENTRY_SYSTEMD_UNIT, "ssh.service"));
        assert_true(fits("/system.slice/ssh.socket", ENTRY_SYSTEMD_SLICE, "system-ssh.slice"));

        assert_false(fits("/system.slice/sshd.socket", ENTRY_SYSTEMD_UNIT, "ssh.service"));
        assert_false(fits("/system.slice/sshd.socket", ENTRY_SYSTEMD_SLICE, "system-ssh.slice"));
        assert_false(fits("/system.slice/user.socket", ENTRY_SYSTEMD_SLICE, "user.slice"));
}

static void instances_of_a_template_fit_its_slice(void **state) {
        assert_true(fits("/system.slice/system-ssh.slice/ssh@1-22.service",
                        ENTRY_SYSTEMD_SLICE,
                        "system-ssh.slice"));
}

static void own_listening_port_is_found(void **state) {
        _cleanup_(listeners_freep) Listeners *l = NULL;
        struct sockaddr_in sa = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        PortSet ports = { .protocols = PORT_TCP, .n_ranges = 1 };
        socklen_t size = sizeof(sa);
        int fd;

        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_ok(fd);
        assert_ok(bind(fd, (struct sockaddr *) &sa, sizeof(sa)));
        assert_ok(listen(fd, 1));
        assert_ok(getsockname(fd, (struct sockaddr *) &sa, &size));
        ports.ranges[0] = (PortRange){ ntohs(sa.sin_port), ntohs(sa.sin_port) };

        /* A sandbox may have no sock_diag. */
        if (listeners_new(&l) < 0)
                skip();
        assert_true(listeners_any(l, &ports));
        assert_int_equal(close(fd), 0);

        l = listeners_free(l);
        assert_ok(listeners_new(&l));
        assert_false(listeners_any(l, &ports));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(service_fits_its_own_group),
                cmocka_unit_test(socket_of_the_same_name_fits),
                cmocka_unit_test(instances_of_a_template_fit_its_slice),
                cmocka_unit_test(own_listening_port_is_found),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
