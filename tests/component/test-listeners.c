/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Who listens where, in a network namespace of its own. The kernel tells of sockets there that
 * processes of a real control group opened, where one can be made.
 */

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/proc.h"
#include "engine/listeners.h"
#include "netns.h"

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

static void globs_are_compared_with_each_group(void **state) {
        const MatchTerm term = { ENTRY_SYSTEMD_UNIT, (char *) "php*-fpm.service", true };

        assert_true(listeners_path_fits("/system.slice/php8.2-fpm.service", &term));
        assert_true(listeners_path_fits("/system.slice/php8.2-fpm.service/sub", &term));
        assert_false(listeners_path_fits("/system.slice/php8.2-fpm.socket", &term));
        assert_false(listeners_path_fits("/system.slice/nginx.service", &term));
}

static void socket_unit_has_the_name_of_the_service(void **state) {
        char buf[32];

        assert_true(listeners_socket_of_term(
                        &(MatchTerm){ ENTRY_SYSTEMD_UNIT, (char *) "ssh.service" }, buf, 32));
        assert_string_equal(buf, "ssh.socket");
        assert_true(listeners_socket_of_term(
                        &(MatchTerm){ ENTRY_SYSTEMD_SLICE, (char *) "system-ssh.slice" }, buf, 32));
        assert_string_equal(buf, "ssh.socket");
        assert_false(listeners_socket_of_term(
                        &(MatchTerm){ ENTRY_SYSTEMD_SLICE, (char *) "user.slice" }, buf, 32));
        assert_false(listeners_socket_of_term(
                        &(MatchTerm){ ENTRY_SYSTEMD_UNIT, (char *) "ssh.service" }, buf, 8));
}

static void listening_ports_are_found(void **state) {
        const PortSet tcp = { .ranges = { { 22, 25 } }, .n_ranges = 1, .protocols = PORT_TCP };
        const PortSet udp = { .ranges = { { 22, 25 } }, .n_ranges = 1, .protocols = PORT_UDP };
        _cleanup_(listeners_freep) Listeners *l = NULL;
        int fd;

        fd = netns_socket(SIDE_HOST, SOCK_STREAM, "127.0.0.1", 22, true);
        assert_ok(listeners_new(&l));
        assert_true(listeners_any(l, &tcp));
        assert_false(listeners_any(l, &udp));
        close(fd);

        l = listeners_free(l);
        fd = netns_socket(SIDE_HOST, SOCK_DGRAM, "127.0.0.1", 22, false);
        assert_ok(listeners_new(&l));
        assert_false(listeners_any(l, &tcp));
        assert_true(listeners_any(l, &udp));
        close(fd);

        l = listeners_free(l);
        assert_ok(listeners_new(&l));
        assert_false(listeners_any(l, &tcp));
        assert_false(listeners_any(l, &udp));
}

/* Control groups */

static char group_path[80], group_before[256];

static int write_text(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC), r;

        if (fd < 0)
                return -errno;
        r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
        close(fd);
        return r;
}

static void enter_group(const char *group) {
        char path[512];

        (void) snprintf(path, sizeof(path), "%s/cgroup.procs", group);
        assert_ok(write_text(path, "0"));
}

/* Makes the group of a unit that does not exist. */
static int make_group(void **state) {
        const char *root = "/sys/fs/cgroup/unified";
        char line[200] = "";
        FILE *f;

        f = fopen("/proc/self/cgroup", "re");
        while (f && fgets(line, sizeof(line), f) && !startswith(line, "0::"))
                line[0] = '\0';
        if (f)
                (void) fclose(f);
        line[strcspn(line, "\n")] = '\0';
        if (!startswith(line, "0::"))
                return 0;

        if (access(root, F_OK) < 0)
                root = "/sys/fs/cgroup";
        (void) snprintf(group_before, sizeof(group_before), "%s%s", root, line + 3);
        (void) snprintf(group_path,
                        sizeof(group_path),
                        "%s/banjo-test-%u.service",
                        root,
                        (unsigned) getpid());
        if (mkdir(group_path, 0755) < 0)
                group_path[0] = '\0';
        return 0;
}

static int remove_group(void **state) {
        if (group_path[0]) {
                enter_group(group_before);
                (void) rmdir(group_path);
        }
        return 0;
}

static void only_what_the_unit_opened_is_told(void **state) {
        _cleanup_(listeners_freep) Listeners *l = NULL;
        _cleanup_(match_freep) Match *match = NULL;
        uint16_t first, last;
        ListenerPort ports[8];
        const char *bad;
        int fds[8];

        /* Not where control groups are of version 1, or nobody else's to make. */
        if (!group_path[0])
                skip();

        proc_local_ports(&first, &last);
        fds[0] = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, 80, true);
        enter_group(group_path);
        fds[1] = netns_socket(SIDE_HOST, SOCK_STREAM, HOST6, 2222, true);
        fds[2] = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, 2222, true);
        fds[3] = netns_socket(SIDE_HOST, SOCK_STREAM, "127.0.0.1", 2223, true);
        fds[4] = netns_socket(SIDE_HOST, SOCK_STREAM, "::1", 2224, true);
        fds[5] = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, 1194, false);
        fds[6] = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, first, false);
        fds[7] = netns_socket(SIDE_HOST, SOCK_STREAM, HOST4, last, true);
        enter_group(group_before);

        assert_ok(match_new(&match));
        assert_ok(match_add_units(match, strrchr(group_path, '/') + 1, NULL, &bad));
        assert_ok(listeners_new(&l));

        assert_int_equal(listeners_of_match(l, match, PORT_TCP, ports, ELEMENTSOF(ports)), 2);
        assert_int_equal(ports[0].port, 2222);
        assert_string_equal(ports[0].unit, strrchr(group_path, '/') + 1);
        assert_int_equal(ports[1].port, last);

        /* A question of this host's own is no server. */
        assert_int_equal(listeners_of_match(l, match, PORT_UDP, ports, ELEMENTSOF(ports)), 1);
        assert_int_equal(ports[0].port, 1194);

        assert_int_equal(listeners_of_match(l, match, PORT_TCP | PORT_UDP, ports, 8), 3);
        assert_int_equal(listeners_of_match(l, match, PORT_TCP | PORT_UDP, ports, 1), 1);

        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                close(fds[i]);
}

static void port_is_read_behind_an_address(void **state) {
        assert_int_equal(listeners_parse_socket("[::]:22"), 22);
        assert_int_equal(listeners_parse_socket("[2001:db8::1]:2222"), 2222);
        assert_int_equal(listeners_parse_socket("0.0.0.0:65535"), 65535);
        assert_int_equal(listeners_parse_socket("192.0.2.1:1"), 1);
}

static void other_sockets_have_none(void **state) {
        assert_fails(listeners_parse_socket(""), EINVAL);
        assert_fails(listeners_parse_socket("/run/banjo.socket"), EINVAL);
        assert_fails(listeners_parse_socket("@abstract:22"), EINVAL);
        assert_fails(listeners_parse_socket("vsock:2:22"), EINVAL);
        assert_fails(listeners_parse_socket("[::]"), EINVAL);
        assert_fails(listeners_parse_socket("192.0.2.1:0"), EINVAL);
        assert_fails(listeners_parse_socket("192.0.2.1:65536"), EINVAL);
        assert_fails(listeners_parse_socket("192.0.2.1:"), EINVAL);
}

static void loopback_is_no_port_to_guard(void **state) {
        assert_int_equal(listeners_parse_socket("127.0.0.1:22"), 0);
        assert_int_equal(listeners_parse_socket("127.1.2.3:22"), 0);
        assert_int_equal(listeners_parse_socket("[::1]:22"), 0);
        assert_int_equal(listeners_parse_socket("[fe80::1%eth0]:22"), 22);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(service_fits_its_own_group),
                cmocka_unit_test(socket_of_the_same_name_fits),
                cmocka_unit_test(instances_of_a_template_fit_its_slice),
                cmocka_unit_test(globs_are_compared_with_each_group),
                cmocka_unit_test(socket_unit_has_the_name_of_the_service),
                cmocka_unit_test(listening_ports_are_found),
                cmocka_unit_test_setup_teardown(
                                only_what_the_unit_opened_is_told, make_group, remove_group),
                cmocka_unit_test(port_is_read_behind_an_address),
                cmocka_unit_test(other_sockets_have_none),
                cmocka_unit_test(loopback_is_no_port_to_guard),
        };

        netns_enter();
        netns_make_peer();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
