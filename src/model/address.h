/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Network addresses
 *
 * An Address is what the daemon counts, looks up and bans: one IPv4 or IPv6 host, or a prefix of
 * hosts. It is a plain value. Copy it by assignment and keep it on the stack; nothing in it needs
 * freeing.
 *
 * Every Address made by this module is canonical. Bits below the prefix length are zero, unused
 * bytes are zero, and an IPv4-mapped IPv6 address such as ::ffff:192.0.2.1 has become the IPv4
 * address it stands for. Two spellings of one peer therefore compare equal, hash equal and land in
 * the same nftables set. An Address has no padding, so that it may be compared and hashed as bytes.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct Address {
        union {
                struct in_addr in;
                struct in6_addr in6;
                uint8_t bytes[16]; /* network byte order; AF_INET uses the first four */
        };
        uint16_t family;    /* AF_INET or AF_INET6 */
        uint16_t prefixlen; /* in bits: 0 to 32 for AF_INET, 0 to 128 for AF_INET6 */
} Address;

/* Enough for the longest IPv6 text, "/128" and the terminating NUL. */
#define ADDRESS_STR_SIZE (INET6_ADDRSTRLEN + 4)

/* The longest prefix of a family in bits, which names a single host. */
static inline unsigned address_family_bits(int family) {
        return family == AF_INET ? 32 : 128;
}

static inline bool address_is_host(const Address *a) {
        return a->prefixlen == address_family_bits(a->family);
}

/* Reads an address, or a prefix in CIDR notation, from the n bytes at s. The text need not be
 * NUL-terminated, since it usually points into a log message. A zone ("%eth0") is accepted and
 * dropped, and so are brackets around an IPv6 address. Names are not resolved: this function never
 * blocks.
 *
 * Returns 0 and fills *ret, or returns -EINVAL with *ret untouched if this is not an address. */
int address_parse(const char *s, size_t n, Address *ret);

/* Makes an address from the bytes of a packet or socket: 4 for AF_INET, 16 for AF_INET6, in network
 * byte order. Returns 0, or -EINVAL with *ret untouched if family or prefixlen are out of range. */
int address_from_bytes(int family, const void *bytes, unsigned prefixlen, Address *ret);

/* Writes the address into buf, as "192.0.2.1", "2001:db8::/64" and so on; the prefix length is left
 * out when it names a single host. Returns buf. */
const char *address_format(const Address *a, char buf[static ADDRESS_STR_SIZE]);

/* Widens the address to the network of the given length in bits, which must be in range for its
 * family. A length that is not shorter than the current one changes nothing. */
void address_widen(Address *a, unsigned prefixlen);

/* True if net covers a. Every prefix covers itself. Families never cover each other. */
bool address_covers(const Address *net, const Address *a);

/* True for ::1 and for what is within 127.0.0.0/8. */
bool address_is_loopback(const Address *a);

bool address_equal(const Address *a, const Address *b);

/* True for an IPv6 address whose /64 belongs to many unrelated hosts, so that it must not stand for
 * one of them: link-local, NAT64 (64:ff9b::/96 of RFC 6052 and 64:ff9b:1::/48 of RFC 8215), Teredo
 * (RFC 4380), loopback and unspecified. 6to4 (RFC 3056) holds one IPv4 host in each /48 and is
 * treated alike. Of a prefix: if any part of it is such. */
bool address_is_shared_prefix(const Address *a);
