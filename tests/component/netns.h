/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Two network namespaces joined by a veth pair
 *
 * The test lives in the one called host. The other, called peer, is where attackers are. Sockets
 * stay in the namespace they were made in, so that one process holds both ends of a connection.
 *
 * Nothing here waits for a packet that may not come: whether it comes is known as soon as
 * everything that was sent has been dealt with, which the kernel does in order (netns_settle()).
 *
 *         host, veth0:   192.0.2.1/24    2001:db8::1/48
 *         peer, veth1:   192.0.2.66/24   2001:db8:0:a::1/48
 *                        192.0.2.67      2001:db8:0:a::2
 *                        192.0.2.130     2001:db8:0:b::1
 *
 * A third, called inner, is behind the host for tests of what the host forwards:
 *
 *         host, veth2:   198.51.100.1/24   2001:db8:1::1/48
 *         inner, veth3:  198.51.100.2/24   2001:db8:1::2/48
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/address.h"

#define HOST4 "192.0.2.1"
#define PEER4 "192.0.2.66"
#define OTHER4 "192.0.2.67"
#define FAR4 "192.0.2.130"
#define HOST6 "2001:db8::1"
#define PEER6 "2001:db8:0:a::1"
#define SAME_64 "2001:db8:0:a::2"
#define OTHER_64 "2001:db8:0:b::1"
#define INNER4 "198.51.100.2"
#define INNER6 "2001:db8:1::2"

/* Enters namespaces of its own, and ends the program with 77 (skipped) where that is not allowed.
 */
void netns_enter(void);

/* Makes the peer and the veth pair. Call it once, after netns_enter(). */
void netns_make_peer(void);

/* Makes the inner namespace, and the host forward between it and the peer. Call it once, after
 * netns_make_peer(). */
void netns_make_inner(void);

/* Runs a command in the host's namespace. Aborts if it fails. */
void netns_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

Address netns_address(const char *s);

typedef enum Side {
        SIDE_HOST,
        SIDE_PEER,
        SIDE_INNER,
} Side;

/* A socket of that type (SOCK_STREAM, SOCK_DGRAM) bound to the address and port (0: any) on that
 * side. A stream socket listens if listening is true. */
int netns_socket(Side side, int type, const char *address, uint16_t port, bool listening);

/* A raw socket for whole IPv4 packets. */
int netns_raw_socket(Side side);

uint16_t netns_socket_port(int fd);

/* Waits until everything that was sent has arrived or been dropped, and everything that was sent
 * because of it, and so on. */
void netns_settle(void);

/* Connects a new socket bound to from, on that side. Returns it, or -1 if nothing answers. The
 * other side can accept it then. */
int netns_connect(Side side, const char *from, const char *to, uint16_t port);

/* What becomes of a connection from the peer: 0, -ETIMEDOUT if nothing answers, or the error that
 * the answer means. */
int netns_try_connect(const char *from, const char *to, uint16_t port);

/* True if a connection comes about. */
bool netns_can_connect(const char *from, const char *to, uint16_t port);

/* Closes a socket, of which the other side knows then. */
void netns_close(int fd);

void netns_send(int fd, const char *to, uint16_t port);

/* True if a datagram arrives. */
bool netns_receive(int fd);

/* Connects a datagram socket, so that errors come back to it. */
void netns_associate(int fd, const char *to, uint16_t port);

/* The error that comes back to a socket, 0 if there is none. */
int netns_error(int fd);

/* True if the peer answers an ICMP echo of its address from to the host. */
bool netns_can_ping(const char *from, const char *to);

/* How many segments TCP has sent again on that side, because no answer came in time. */
uint64_t netns_n_sent_again(Side side);

/* From now on, what this process sends is dealt with in its order. */
void netns_stay_on_processor(void);

/* Runs the function in a child process without any capability. Returns its result. */
int netns_without_capabilities(int (*function)(void));
