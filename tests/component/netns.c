/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "netns.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"

/* More than any of our packets leads to: two neighbours are asked for their hardware addresses, and
 * a connection is begun over the host and ends. */
#define STEPS_MAX 40

/* How long to wait for a marker before another one is sent. */
#define MARKER_MSEC 100

/* Nobody waits so long for room to send in, unless the machine is busy. */
#define LONG_MSEC 60000

/* Where nobody listens. */
#define NOBODYS_PORT 9

/* In a namespace without devices: theirs will not be kept waiting for other hosts to protest. */
#define NO_DUPLICATES "for c in all default; do echo 0 >/proc/sys/net/ipv6/conf/$c/accept_dad; done"

static int host_ns = -1, peer_ns = -1, inner_ns = -1;
static int marker = -1;

static void write_file(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                err(EXIT_FAILURE, "%s", path);
        (void) close(fd);
}

static int open_ns(void) {
        int fd = open("/proc/self/ns/net", O_RDONLY);

        if (fd < 0)
                err(EXIT_FAILURE, "/proc/self/ns/net");
        return fd;
}

void netns_enter(void) {
        unsigned uid = geteuid(), gid = getegid();
        char map[32];

        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
                /* Either is how meson learns of it. */
                printf("1..0 # SKIP no namespaces: %s\n", strerror(errno));
                exit(getenv("CMOCKA_MESSAGE_OUTPUT") ? EXIT_SUCCESS : 77);
        }

        write_file("/proc/self/setgroups", "deny");
        (void) snprintf(map, sizeof(map), "0 %u 1", uid);
        write_file("/proc/self/uid_map", map);
        (void) snprintf(map, sizeof(map), "0 %u 1", gid);
        write_file("/proc/self/gid_map", map);

        host_ns = open_ns();
        netns_run("ip link set lo up");
}

void netns_run(const char *format, ...) {
        char command[512];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(command, sizeof(command), format, ap);
        va_end(ap);

        if (system(command) != 0)
                errx(EXIT_FAILURE, "failed: %s", command);
}

static void go(Side side) {
        const int namespaces[] = {
                [SIDE_HOST] = host_ns,
                [SIDE_PEER] = peer_ns,
                [SIDE_INNER] = inner_ns,
        };

        if (setns(namespaces[side], CLONE_NEWNET) < 0)
                err(EXIT_FAILURE, "setns");
}

/* The kernel takes the end of a pair that was up first into use some time after the other one is
 * up, and drops what is sent over it until then. */
static void await_path(const char *from, const char *to);

void netns_make_peer(void) {
        if (unshare(CLONE_NEWNET) < 0)
                err(EXIT_FAILURE, "unshare");
        peer_ns = open_ns();
        netns_run("ip link set lo up && " NO_DUPLICATES);
        go(SIDE_HOST);

        /* IPv6 takes a second to look for duplicates and to find its neighbours, so that it is
         * told. */
        netns_run(NO_DUPLICATES);
        netns_run("ip link add veth0 address 02:00:00:00:00:01 type veth "
                  "peer name veth1 address 02:00:00:00:00:02 netns /proc/self/fd/%d",
                        peer_ns);
        netns_run("ip address add 192.0.2.1/24 dev veth0 &&"
                  "ip address add 2001:db8::1/48 dev veth0 nodad && ip link set veth0 up &&"
                  "for a in a::1 a::2 b::1; do"
                  "  ip neighbour add 2001:db8:0:$a lladdr 02:00:00:00:00:02 dev veth0; done");

        go(SIDE_PEER);
        netns_run("for a in 66 67 130; do ip address add 192.0.2.$a/24 dev veth1; done;"
                  "for a in a::1 a::2 b::1; do"
                  "  ip address add 2001:db8:0:$a/48 dev veth1 nodad; done;"
                  "ip link set veth1 up &&"
                  "ip neighbour add 2001:db8::1 lladdr 02:00:00:00:00:01 dev veth1");
        go(SIDE_HOST);

        await_path(PEER4, HOST4);
        await_path(PEER6, HOST6);
}

void netns_make_inner(void) {
        if (unshare(CLONE_NEWNET) < 0)
                err(EXIT_FAILURE, "unshare");
        inner_ns = open_ns();
        netns_run("ip link set lo up");
        go(SIDE_HOST);

        netns_run("ip link add veth2 address 02:00:00:00:00:03 type veth "
                  "peer name veth3 address 02:00:00:00:00:04 netns /proc/self/fd/%d",
                        inner_ns);
        netns_run("ip address add 198.51.100.1/24 dev veth2 &&"
                  "ip address add 2001:db8:1::1/48 dev veth2 nodad && ip link set veth2 up &&"
                  "ip neighbour add " INNER6 " lladdr 02:00:00:00:00:04 dev veth2");
        write_file("/proc/sys/net/ipv4/ip_forward", "1");
        write_file("/proc/sys/net/ipv6/conf/all/forwarding", "1");

        go(SIDE_INNER);
        netns_run("ip address add " INNER4 "/24 dev veth3 &&"
                  "ip address add " INNER6 "/48 dev veth3 nodad && ip link set veth3 up &&"
                  "ip neighbour add 2001:db8:1::1 lladdr 02:00:00:00:00:03 dev veth3 &&"
                  "ip route add default via 198.51.100.1 &&"
                  "ip -6 route add default via 2001:db8:1::1");

        go(SIDE_PEER);
        netns_run("ip route add 198.51.100.0/24 via " HOST4 " &&"
                  "ip -6 route add 2001:db8:1::/48 via " HOST6);
        go(SIDE_HOST);

        await_path(PEER4, INNER4);
        await_path(PEER6, INNER6);
}

static bool wait_so_long(int fd, short events, int msec) {
        struct pollfd p = { .fd = fd, .events = events };

        return poll(&p, 1, msec) > 0;
}

/* A socket that hears what it sends, over the lo of a namespace where there is nothing else. */
static int make_marker(void) {
        struct sockaddr_in sa = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t n = sizeof(sa);
        int fd;

        if (unshare(CLONE_NEWNET) < 0)
                err(EXIT_FAILURE, "unshare");
        netns_run("ip link set lo up");
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *) &sa, n) < 0 ||
                        getsockname(fd, (struct sockaddr *) &sa, &n) < 0 ||
                        connect(fd, (struct sockaddr *) &sa, n) < 0)
                err(EXIT_FAILURE, "marker");
        go(SIDE_HOST);

        return fd;
}

static void pass_marker(void) {
        static uint32_t number;
        uint32_t arrived = 0;

        /* It is lost where a queue is full, and one more may come later than the next. */
        for (number++; arrived != number;) {
                if (send(marker, &number, sizeof(number), MSG_DONTWAIT) < 0 && errno != EAGAIN)
                        err(EXIT_FAILURE, "marker");
                (void) wait_so_long(marker, POLLIN, MARKER_MSEC);
                while (arrived != number &&
                                recv(marker, &arrived, sizeof(arrived), MSG_DONTWAIT) > 0)
                        ;
        }
}

/* What is sent over veth or lo waits in a queue of the processor that sends it, behind what was
 * there before, whichever the namespace; and what it leads to is sent by the same processor. So
 * when a marker has passed there, everything before it has come a step further. */
void netns_settle(void) {
        cpu_set_t before, one;

        if (marker < 0)
                marker = make_marker();

        if (sched_getaffinity(0, sizeof(before), &before) < 0)
                err(EXIT_FAILURE, "sched_getaffinity");
        for (int i = 0; i < CPU_SETSIZE; i++) {
                if (!CPU_ISSET(i, &before))
                        continue;
                CPU_ZERO(&one);
                CPU_SET(i, &one);
                if (sched_setaffinity(0, sizeof(one), &one) < 0)
                        err(EXIT_FAILURE, "sched_setaffinity");
                for (unsigned k = 0; k < STEPS_MAX; k++)
                        pass_marker();
        }
        if (sched_setaffinity(0, sizeof(before), &before) < 0)
                err(EXIT_FAILURE, "sched_setaffinity");
}

Address netns_address(const char *s) {
        Address a;

        if (address_parse(s, strlen(s), &a) < 0)
                errx(EXIT_FAILURE, "not an address: %s", s);
        return a;
}

static socklen_t make_sockaddr(const char *s, uint16_t port, struct sockaddr_storage *ret) {
        Address a = netns_address(s);

        memset(ret, 0, sizeof(*ret));
        if (a.family == AF_INET) {
                struct sockaddr_in *in = (void *) ret;

                in->sin_family = AF_INET;
                in->sin_addr = a.in;
                in->sin_port = htons(port);
                return sizeof(*in);
        } else {
                struct sockaddr_in6 *in6 = (void *) ret;

                in6->sin6_family = AF_INET6;
                in6->sin6_addr = a.in6;
                in6->sin6_port = htons(port);
                return sizeof(*in6);
        }
}

int netns_socket(Side side, int type, const char *address, uint16_t port, bool listening) {
        struct sockaddr_storage sa;
        socklen_t n = make_sockaddr(address, port, &sa);
        int fd, one = 1;

        go(side);
        fd = socket(sa.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        go(SIDE_HOST);

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
                        bind(fd, (struct sockaddr *) &sa, n) < 0 ||
                        (listening && listen(fd, 128) < 0))
                err(EXIT_FAILURE, "socket %s %u", address, port);

        return fd;
}

int netns_raw_socket(Side side) {
        int fd;

        go(side);
        fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
        go(SIDE_HOST);

        if (fd < 0)
                err(EXIT_FAILURE, "raw socket");
        return fd;
}

uint16_t netns_socket_port(int fd) {
        struct sockaddr_storage sa;
        socklen_t n = sizeof(sa);

        if (getsockname(fd, (struct sockaddr *) &sa, &n) < 0)
                err(EXIT_FAILURE, "getsockname");

        return ntohs(sa.ss_family == AF_INET ? ((struct sockaddr_in *) (void *) &sa)->sin_port
                                             : ((struct sockaddr_in6 *) (void *) &sa)->sin6_port);
}

/* Whether a socket is ready, at the latest when what is on its way has arrived. */
static bool is_ready(int fd, short events) {
        if (wait_so_long(fd, events, 0))
                return true;

        netns_settle();
        return wait_so_long(fd, events, 0);
}

/* Returns the connected socket, or what became of it as netns_try_connect() does. */
static int try_connect(Side side, const char *from, const char *to, uint16_t port) {
        struct sockaddr_storage sa;
        socklen_t n = make_sockaddr(to, port, &sa), size = sizeof(int);
        int fd, error = 0;

        fd = netns_socket(side, SOCK_STREAM, from, 0, false);
        if (connect(fd, (struct sockaddr *) &sa, n) < 0 && errno != EINPROGRESS)
                error = errno;

        /* Both sides know of the connection then. */
        netns_settle();

        /* Over veth, ICMP comes back while connect() still holds the socket. The kernel only takes
         * note of it then, until the next attempt a second later, but tells when asked. */
        if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                err(EXIT_FAILURE, "connect %s", to);
        if (error == 0 && !wait_so_long(fd, POLLOUT, 0))
                error = ETIMEDOUT;
        if (error == 0)
                return fd;

        (void) close(fd);
        return -error;
}

static void await_path(const char *from, const char *to) {
        while (try_connect(SIDE_PEER, from, to, NOBODYS_PORT) != -ECONNREFUSED)
                usleep(1000);
}

int netns_connect(Side side, const char *from, const char *to, uint16_t port) {
        int fd = try_connect(side, from, to, port);

        /* A refusal is an answer too, but none that a test of drops asks for. */
        if (fd < 0 && fd != -ETIMEDOUT)
                errx(EXIT_FAILURE, "connect %s: %s", to, strerror(-fd));
        return fd < 0 ? -1 : fd;
}

int netns_try_connect(const char *from, const char *to, uint16_t port) {
        int fd = try_connect(SIDE_PEER, from, to, port);

        if (fd < 0)
                return fd;

        netns_close(fd);
        return 0;
}

bool netns_can_connect(const char *from, const char *to, uint16_t port) {
        int fd = netns_connect(SIDE_PEER, from, to, port);

        if (fd >= 0)
                netns_close(fd);
        return fd >= 0;
}

void netns_close(int fd) {
        (void) close(fd);
        netns_settle();
}

void netns_send(int fd, const char *to, uint16_t port) {
        struct sockaddr_storage sa;
        socklen_t n = make_sockaddr(to, port, &sa);

        /* What others sent may wait for a processor, and there is room for so much only. */
        while (sendto(fd, "x", 1, 0, (struct sockaddr *) &sa, n) < 0)
                if (errno != EAGAIN || !wait_so_long(fd, POLLOUT, LONG_MSEC))
                        err(EXIT_FAILURE, "sendto %s", to);
}

bool netns_receive(int fd) {
        char buf[16];

        return is_ready(fd, POLLIN) && recv(fd, buf, sizeof(buf), 0) > 0;
}

void netns_associate(int fd, const char *to, uint16_t port) {
        struct sockaddr_storage sa;
        socklen_t n = make_sockaddr(to, port, &sa);

        if (connect(fd, (struct sockaddr *) &sa, n) < 0)
                err(EXIT_FAILURE, "connect %s", to);
}

int netns_error(int fd) {
        socklen_t size = sizeof(int);
        int error = 0;

        if (!is_ready(fd, POLLIN))
                return 0;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                err(EXIT_FAILURE, "SO_ERROR");
        return error;
}

bool netns_can_ping(const char *from, const char *to) {
        struct {
                struct icmphdr header;
                uint8_t payload[8];
        } packet = { .header = { .type = ICMP_ECHO, .un.echo.id = htons(7) } };
        struct sockaddr_storage local, remote;
        socklen_t n_local = make_sockaddr(from, 0, &local), n = make_sockaddr(to, 0, &remote);
        uint32_t sum = 0;
        uint16_t word;
        bool answered;
        int fd;

        for (size_t i = 0; i < sizeof(packet); i += sizeof(word)) {
                memcpy(&word, (uint8_t *) &packet + i, sizeof(word));
                sum += word;
        }
        packet.header.checksum = (uint16_t) ~(sum + (sum >> 16));

        go(SIDE_PEER);
        fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
        go(SIDE_HOST);
        if (fd < 0 || bind(fd, (struct sockaddr *) &local, n_local) < 0 ||
                        sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *) &remote, n) < 0)
                err(EXIT_FAILURE, "ping");

        answered = netns_receive(fd);
        (void) close(fd);
        return answered;
}

uint64_t netns_n_sent_again(Side side) {
        unsigned long long n = 0;
        char line[1024];
        FILE *f;

        go(side);
        f = fopen("/proc/self/net/snmp", "re");
        go(SIDE_HOST);
        if (!f)
                err(EXIT_FAILURE, "snmp");

        /* A line of names, and one of numbers. */
        while (fgets(line, sizeof(line), f))
                if (sscanf(line, "Tcp: %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %llu", &n) == 1)
                        break;
        (void) fclose(f);
        return n;
}

void netns_stay_on_processor(void) {
        int cpu = sched_getcpu();
        cpu_set_t one;

        CPU_ZERO(&one);
        if (cpu >= 0)
                CPU_SET(cpu, &one);
        if (sched_setaffinity(0, sizeof(one), &one) < 0)
                err(EXIT_FAILURE, "sched_setaffinity");
}

int netns_without_capabilities(int (*function)(void)) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = {};
        int pipe_fds[2], result = -ECHILD, status;
        pid_t pid;

        if (pipe(pipe_fds) < 0 || (pid = fork()) < 0)
                err(EXIT_FAILURE, "fork");
        if (pid == 0) {
                if (syscall(SYS_capset, &header, data) < 0)
                        _exit(1);
                result = function();
                if (write(pipe_fds[1], &result, sizeof(result)) < 0)
                        _exit(1);
                _exit(0);
        }

        (void) close(pipe_fds[1]);
        if (read(pipe_fds[0], &result, sizeof(result)) != sizeof(result))
                result = -EIO;
        (void) close(pipe_fds[0]);
        (void) waitpid(pid, &status, 0);
        return result;
}
