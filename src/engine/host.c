/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two sockets: one hears of changes, and one, opened for each reading, asks for lists. A list may
 * be dropped halfway by closing the latter.
 *
 * A router may hold a million routes and change hundreds a second. It has few gateways, though, and
 * few networks of its own. So of each list at most ROUTES_READ_MAX entries are read and of what
 * they tell at most ENTRIES_MAX different ones of each kind are kept. The default route is read in
 * any case: that of IPv4 is the first of its list, that of IPv6 is asked for. And a change is read
 * anew only if it says something we do not know already: a new route over a known gateway does not,
 * and neither does the end of a route over one, since a gateway that is one no more is merely
 * spared a while longer.
 */

#include "engine/host.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "base/netlink.h"

/* Addresses of each kind kept at most. */
#define ENTRIES_MAX 4096

/* Entries of a kernel's list read at most: some 50 ms. */
#define ROUTES_READ_MAX 65536

/* How often a list is read anew that changed while we read it. */
#define READ_ATTEMPTS 5

/* Notifications read at a time; the rest keeps the socket readable. */
#define EVENTS_AT_ONCE 1024

/* What a list is asked for with. */
#define QUESTION_SIZE 128

/* The index of lo, in every network namespace. */
#define LOOPBACK_INDEX 1

/* Lines of resolv.conf read at most; the resolver itself uses three. */
#define RESOLV_CONF_LINES_MAX 256

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLVED_CONF "/run/systemd/resolve/resolv.conf"

typedef struct Addresses {
        Address *entries;
        size_t n;
        size_t n_allocated;
} Addresses;

typedef struct State {
        Addresses own;
        Addresses gateways;
        Addresses resolvers;
        Addresses on_link;
} State;

/* What tells whether a file is still the one that was read. */
typedef struct FileStamp {
        dev_t device;
        ino_t inode;
        off_t size;
        struct timespec modified;
} FileStamp;

struct Host {
        struct mnl_socket *events;
        char *resolv_conf;
        FileStamp resolv_stamp;
        FileStamp resolved_stamp;
        State state;
};

/* addresses */

static bool addresses_contain(const Addresses *l, const Address *a) {
        for (size_t i = 0; i < l->n; i++)
                if (address_equal(&l->entries[i], a))
                        return true;

        return false;
}

/* Adds the address unless it is there or the list is full. */
static int addresses_add(Addresses *l, const Address *a) {
        if (l->n >= ENTRIES_MAX || addresses_contain(l, a))
                return 0;

        if (l->n == l->n_allocated) {
                size_t n = MAX(2 * l->n_allocated, (size_t) 16);
                Address *p;

                p = reallocarray(l->entries, n, sizeof(*p));
                if (!p)
                        return -ENOMEM;

                l->entries = p;
                l->n_allocated = n;
        }

        l->entries[l->n++] = *a;
        return 0;
}

/* The first that lies in net. */
static const Address *addresses_find_in(const Addresses *l, const Address *net) {
        for (size_t i = 0; i < l->n; i++)
                if (address_covers(net, &l->entries[i]))
                        return &l->entries[i];

        return NULL;
}

static void state_done(State *s) {
        free(s->own.entries);
        free(s->gateways.entries);
        free(s->resolvers.entries);
        free(s->on_link.entries);
        *s = (State){};
}

/* what rtnetlink says */

static bool parse_address(const struct nlattr *attr, int family, Address *ret) {
        if (mnl_attr_get_payload_len(attr) < (family == AF_INET ? 4 : 16))
                return false;

        return address_from_bytes(family,
                               mnl_attr_get_payload(attr),
                               address_family_bits(family),
                               ret) >= 0;
}

/* Reads the address from RTM_NEWADDR or RTM_DELADDR. */
static bool parse_own(const struct nlmsghdr *nlh, Address *ret) {
        const struct ifaddrmsg *m = mnl_nlmsg_get_payload(nlh);
        const struct nlattr *attr;
        bool local = false, found = false;

        if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
                        (m->ifa_family != AF_INET && m->ifa_family != AF_INET6))
                return false;

        /* On a point-to-point link IFA_ADDRESS is the peer. */
        mnl_attr_for_each(attr, nlh, sizeof(*m)) {
                uint16_t type = mnl_attr_get_type(attr);

                if (type != IFA_LOCAL && (type != IFA_ADDRESS || local))
                        continue;
                if (!parse_address(attr, m->ifa_family, ret))
                        continue;

                found = true;
                local = type == IFA_LOCAL;
        }

        return found;
}

/* What a route tells us. A multipath route has many gateways, so they are reported one by one. */
typedef int (*GatewayHandler)(const Address *gateway, void *userdata);

static int
parse_gateway(const struct nlattr *attr, int family, GatewayHandler handler, void *userdata) {
        Address gateway;

        if (mnl_attr_get_type(attr) == RTA_VIA) {
                const struct rtvia *via = mnl_attr_get_payload(attr);
                size_t size = mnl_attr_get_payload_len(attr);

                if (size < sizeof(*via) ||
                                size - sizeof(*via) < (via->rtvia_family == AF_INET ? 4 : 16))
                        return 0;
                if (address_from_bytes(via->rtvia_family,
                                    via->rtvia_addr,
                                    address_family_bits(via->rtvia_family),
                                    &gateway) < 0)
                        return 0;
        } else if (!parse_address(attr, family, &gateway)) {
                return 0;
        }

        return handler(&gateway, userdata);
}

static int
parse_multipath(const struct nlattr *hops, int family, GatewayHandler handler, void *userdata) {
        const uint8_t *p = mnl_attr_get_payload(hops);
        size_t left = mnl_attr_get_payload_len(hops);

        while (left >= sizeof(struct rtnexthop)) {
                const struct rtnexthop *hop = (const void *) p;
                size_t size = hop->rtnh_len, step;
                const struct nlattr *attr;

                if (size < sizeof(*hop) || size > left)
                        break;

                mnl_attr_for_each_payload((const void *) (p + sizeof(*hop)), size - sizeof(*hop)) {
                        uint16_t type = mnl_attr_get_type(attr);
                        int r;

                        if (type != RTA_GATEWAY && type != RTA_VIA)
                                continue;
                        r = parse_gateway(attr, family, handler, userdata);
                        if (r < 0)
                                return r;
                }

                step = MIN((size_t) NLMSG_ALIGN(size), left);
                p += step;
                left -= step;
        }

        return 0;
}

typedef struct GatewayCounter {
        GatewayHandler handler;
        void *userdata;
        size_t n;
} GatewayCounter;

static int count_gateway(const Address *gateway, void *userdata) {
        GatewayCounter *c = userdata;

        c->n++;
        return c->handler(gateway, c->userdata);
}

/* Reads RTM_NEWROUTE or RTM_DELROUTE. Reports the gateways of the route. Returns 1 and fills
 * *ret_on_link if it leads to a network of our own, 0 if not, or the handler's error. */
static int parse_route(const struct nlmsghdr *nlh,
                GatewayHandler handler,
                void *userdata,
                Address *ret_on_link) {
        const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
        GatewayCounter counter = { .handler = handler, .userdata = userdata };
        const struct nlattr *attr;
        bool found = false, elsewhere = false;
        int r = 0;

        if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
                        (m->rtm_family != AF_INET && m->rtm_family != AF_INET6))
                return 0;
        if (m->rtm_type != RTN_UNICAST || m->rtm_table == RT_TABLE_LOCAL ||
                        (m->rtm_flags & RTM_F_CLONED))
                return 0;

        mnl_attr_for_each(attr, nlh, sizeof(*m)) {
                switch (mnl_attr_get_type(attr)) {
                case RTA_DST:
                        found = mnl_attr_get_payload_len(attr) >=
                                                (m->rtm_family == AF_INET ? 4 : 16) &&
                                address_from_bytes(m->rtm_family,
                                                mnl_attr_get_payload(attr),
                                                m->rtm_dst_len,
                                                ret_on_link) >= 0;
                        break;
                case RTA_GATEWAY:
                case RTA_VIA:
                        r = parse_gateway(attr, m->rtm_family, count_gateway, &counter);
                        break;
                case RTA_MULTIPATH:
                        r = parse_multipath(attr, m->rtm_family, count_gateway, &counter);
                        break;
                case RTA_NH_ID:
                        /* Where the kernel does not spell out the next hop, we do not know it. */
                        elsewhere = true;
                        break;
                case RTA_OIF:
                        if (mnl_attr_get_payload_len(attr) >= sizeof(uint32_t) &&
                                        mnl_attr_get_u32(attr) == LOOPBACK_INDEX)
                                elsewhere = true;
                        break;
                }
                if (r < 0)
                        return r;
        }

        return found && !elsewhere && counter.n == 0 && m->rtm_dst_len > 0 &&
               !address_is_host(ret_on_link);
}

/* reading */

typedef struct Reading {
        State state;
        size_t n_read;
        int error; /* of a callback */
} Reading;

static int add_gateway(const Address *gateway, void *userdata) {
        State *s = userdata;

        return addresses_add(&s->gateways, gateway);
}

/* The gateway of a default route matters most, and the kernel tells that of IPv6 last: it is kept
 * instead of another one when the list is full. */
static int add_default_gateway(const Address *gateway, void *userdata) {
        State *s = userdata;

        if (s->gateways.n >= ENTRIES_MAX && !addresses_contain(&s->gateways, gateway))
                s->gateways.n--;

        return addresses_add(&s->gateways, gateway);
}

static bool is_default_route(const struct nlmsghdr *nlh) {
        const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);

        return mnl_nlmsg_get_payload_len(nlh) >= sizeof(*m) && m->rtm_dst_len == 0;
}

static int on_entry(const struct nlmsghdr *nlh, void *userdata) {
        Reading *reading = userdata;
        Address a;
        int r = 0;

        if (nlh->nlmsg_type == RTM_NEWADDR) {
                if (parse_own(nlh, &a))
                        r = addresses_add(&reading->state.own, &a);
        } else if (nlh->nlmsg_type == RTM_NEWROUTE) {
                r = parse_route(nlh,
                                is_default_route(nlh) ? add_default_gateway : add_gateway,
                                &reading->state,
                                &a);
                if (r > 0)
                        r = addresses_add(&reading->state.on_link, &a);
        }

        if (r < 0) {
                reading->error = r;
                return MNL_CB_STOP;
        }

        return ++reading->n_read < ROUTES_READ_MAX ? MNL_CB_OK : MNL_CB_STOP;
}

/* Over a socket that is closed with what was not read. */
static int ask(Netlink *n, const struct nlmsghdr *question, Reading *reading) {
        int r;

        reading->n_read = 0;
        r = netlink_ask(n, question, on_entry, reading);
        return r < 0 ? r : reading->error;
}

static int read_list(uint16_t type, uint8_t family, Reading *reading) {
        _Alignas(struct nlmsghdr) char question[QUESTION_SIZE];
        _cleanup_(netlink_freep) Netlink *n = NULL;
        struct nlmsghdr *nlh;
        int r;

        r = netlink_new(&n, NETLINK_ROUTE);
        if (r < 0)
                return r;

        nlh = netlink_begin(n, question, type, NLM_F_DUMP);
        if (type == RTM_GETROUTE) {
                struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

                m->rtm_family = family;
        } else {
                struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

                m->ifa_family = family;
        }

        return ask(n, nlh, reading);
}

/* The default route of IPv6, which comes last in its list and may not be read there. */
static int read_default6(Reading *reading) {
        static const struct in6_addr any = IN6ADDR_ANY_INIT;
        _Alignas(struct nlmsghdr) char question[QUESTION_SIZE];
        _cleanup_(netlink_freep) Netlink *n = NULL;
        struct nlmsghdr *nlh;
        struct rtmsg *m;
        int r;

        r = netlink_new(&n, NETLINK_ROUTE);
        if (r < 0)
                return r;

        nlh = netlink_begin(n, question, RTM_GETROUTE, NLM_F_ACK);
        m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
        m->rtm_family = AF_INET6;
        m->rtm_dst_len = 128;
        m->rtm_flags = RTM_F_FIB_MATCH;
        mnl_attr_put(nlh, RTA_DST, sizeof(any), &any);

        r = ask(n, nlh, reading);

        /* There may be none, or no IPv6. */
        return r == -ENOMEM ? r : 0;
}

/* Reads the lines "nameserver ADDRESS" of a file. *ret_local is set if one is a resolver of this
 * host's own. A file that cannot be read has no such lines. */
static int read_resolvers(const char *path, FileStamp *ret_stamp, Addresses *l, bool *ret_local) {
        _cleanup_(fclosep) FILE *f = NULL;
        char line[256];
        struct stat st;

        *ret_stamp = (FileStamp){};
        f = fopen(path, "re");
        if (!f)
                return 0;

        if (fstat(fileno(f), &st) >= 0)
                *ret_stamp = (FileStamp){
                        .device = st.st_dev,
                        .inode = st.st_ino,
                        .size = st.st_size,
                        .modified = st.st_mtim,
                };

        for (unsigned i = 0; i < RESOLV_CONF_LINES_MAX && fgets(line, sizeof(line), f); i++) {
                const char *p = startswith(line, "nameserver");
                Address a;
                int r;

                if (!p || (*p != ' ' && *p != '\t'))
                        continue;

                p += strspn(p, " \t");
                if (address_parse(p, strcspn(p, " \t\r\n"), &a) < 0)
                        continue;

                if (address_is_loopback(&a)) {
                        *ret_local = true;
                        continue;
                }

                r = addresses_add(l, &a);
                if (r < 0)
                        return r;
        }

        return 0;
}

static bool file_has_changed(const char *path, const FileStamp *stamp) {
        struct stat st;

        if (stat(path, &st) < 0)
                return stamp->inode != 0;

        return stamp->device != st.st_dev || stamp->inode != st.st_ino ||
               stamp->size != st.st_size || stamp->modified.tv_sec != st.st_mtim.tv_sec ||
               stamp->modified.tv_nsec != st.st_mtim.tv_nsec;
}

static int read_state(Host *h, Reading *reading) {
        static const struct {
                uint16_t type;
                uint8_t family;
        } lists[] = {
                { RTM_GETADDR, AF_INET },
                { RTM_GETADDR, AF_INET6 },
                { RTM_GETROUTE, AF_INET },
                { RTM_GETROUTE, AF_INET6 },
        };
        FileStamp resolv_stamp, resolved_stamp = {};
        bool local = false, ignored = false;
        int r;

        r = read_default6(reading);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                r = read_list(lists[i].type, lists[i].family, reading);
                if (r < 0)
                        return r;
        }

        r = read_resolvers(h->resolv_conf, &resolv_stamp, &reading->state.resolvers, &local);
        if (r >= 0 && local)
                r = read_resolvers(RESOLVED_CONF,
                                &resolved_stamp,
                                &reading->state.resolvers,
                                &ignored);
        if (r < 0)
                return r;

        h->resolv_stamp = resolv_stamp;
        h->resolved_stamp = resolved_stamp;
        return 0;
}

/* Reads everything, and replaces the old state if that went well. */
static int host_read(Host *h) {
        int r = -EINTR;

        /* Interrupted by changes, of which we shall be told, a last reading will do. */
        for (unsigned i = 0; r == -EINTR && i < READ_ATTEMPTS; i++) {
                Reading reading = {};

                r = read_state(h, &reading);
                if (r >= 0) {
                        state_done(&h->state);
                        h->state = reading.state;
                        return 0;
                }

                state_done(&reading.state);
        }

        return r;
}

/* changes */

static bool is_news(const Addresses *l, const Address *a) {
        return l->n < ENTRIES_MAX && !addresses_contain(l, a);
}

static int notice_gateway(const Address *gateway, void *userdata) {
        Host *h = userdata;

        return is_news(&h->state.gateways, gateway) ? -ESTALE : 0;
}

/* True if what is said changes what we know. */
static bool is_relevant(Host *h, const struct nlmsghdr *nlh) {
        Address a;
        int r;

        switch (nlh->nlmsg_type) {
        case RTM_NEWADDR:
                return parse_own(nlh, &a) && is_news(&h->state.own, &a);
        case RTM_DELADDR:
                return parse_own(nlh, &a) && addresses_contain(&h->state.own, &a);
        case RTM_NEWROUTE:
                r = parse_route(nlh, notice_gateway, h, &a);
                return r < 0 || (r > 0 && is_news(&h->state.on_link, &a));
        case RTM_DELROUTE:
                r = parse_route(nlh, notice_gateway, h, &a);
                return r > 0 && addresses_contain(&h->state.on_link, &a);
        case NLMSG_OVERRUN:
                return true;
        default:
                return false;
        }
}

/* Reads what waits in the socket. Returns 1 if something relevant was among it, 0 if not. */
static int drain_events(Host *h) {
        _Alignas(struct nlmsghdr) char buffer[16 * 1024];
        bool relevant = false;

        for (unsigned i = 0; i < EVENTS_AT_ONCE; i++) {
                const struct nlmsghdr *nlh = (const void *) buffer;
                ssize_t n;
                int left;

                n = recv(mnl_socket_get_fd(h->events), buffer, sizeof(buffer), MSG_DONTWAIT);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == ENOBUFS) {
                        relevant = true; /* some were lost */
                        continue;
                }
                if (n < 0 && errno == EAGAIN)
                        break;
                if (n < 0)
                        return -errno;

                for (left = (int) n; !relevant && mnl_nlmsg_ok(nlh, left);
                                nlh = mnl_nlmsg_next(nlh, &left))
                        relevant = is_relevant(h, nlh);
        }

        return relevant;
}

/* the object */

int host_new(Host **ret, const char *resolv_conf) {
        static const int groups[] = {
                RTNLGRP_IPV4_IFADDR,
                RTNLGRP_IPV6_IFADDR,
                RTNLGRP_IPV4_ROUTE,
                RTNLGRP_IPV6_ROUTE,
        };
        _cleanup_(host_freep) Host *h = NULL;
        int r;

        assert(ret);

        h = calloc(1, sizeof(*h));
        if (!h)
                return -ENOMEM;

        h->resolv_conf = strdup(resolv_conf ?: RESOLV_CONF);
        if (!h->resolv_conf)
                return -ENOMEM;

        r = netlink_open(&h->events, NETLINK_ROUTE);
        if (r < 0)
                return r;

        /* Before the first reading, so that no change falls between. */
        for (size_t i = 0; i < ELEMENTSOF(groups); i++) {
                int group = groups[i];

                /* A kernel without IPv6 refuses its groups. */
                if (mnl_socket_setsockopt(
                                    h->events, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 &&
                                i % 2 == 0)
                        return -errno;
        }

        r = host_read(h);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(h);
        return 0;
}

Host *host_free(Host *h) {
        if (!h)
                return NULL;

        if (h->events)
                (void) mnl_socket_close(h->events);
        state_done(&h->state);
        free(h->resolv_conf);
        free(h);
        return NULL;
}

int host_get_fd(const Host *h) {
        assert(h);

        return mnl_socket_get_fd(h->events);
}

int host_refresh(Host *h) {
        int r;

        assert(h);

        r = drain_events(h);
        if (r < 0)
                return r;

        if (r == 0 && !file_has_changed(h->resolv_conf, &h->resolv_stamp) &&
                        (h->resolved_stamp.inode == 0 ||
                                        !file_has_changed(RESOLVED_CONF, &h->resolved_stamp)))
                return 0;

        r = host_read(h);
        return r < 0 ? r : 1;
}

const char *host_role_to_string(HostRole role) {
        switch (role) {
        case HOST_ROLE_OWN:
                return "own address";
        case HOST_ROLE_GATEWAY:
                return "gateway";
        case HOST_ROLE_RESOLVER:
                return "resolver";
        case HOST_ROLE_NONE:
        default:
                return NULL;
        }
}

HostRole host_get_role(const Host *h, const Address *address, bool own, Address *ret_which) {
        static const Address loopback[] = {
                { .bytes = { 127, 0, 0, 1 }, .family = AF_INET, .prefixlen = 32 },
                { .bytes = { [15] = 1 }, .family = AF_INET6, .prefixlen = 128 },
        };
        const Address *found = NULL;
        HostRole role = HOST_ROLE_OWN;

        assert(h);
        assert(address);

        if (address_is_loopback(address))
                found = address;
        for (size_t i = 0; !found && i < ELEMENTSOF(loopback); i++)
                if (address_covers(address, &loopback[i]))
                        found = &loopback[i];

        if (!found && own)
                found = addresses_find_in(&h->state.own, address);
        if (!found) {
                role = HOST_ROLE_GATEWAY;
                found = addresses_find_in(&h->state.gateways, address);
        }
        if (!found) {
                role = HOST_ROLE_RESOLVER;
                found = addresses_find_in(&h->state.resolvers, address);
        }
        if (!found)
                return HOST_ROLE_NONE;

        if (ret_which)
                *ret_which = *found;
        return role;
}

int host_foreach(const Host *h, HostHandler handler, void *userdata) {
        assert(h);
        assert(handler);

        const struct {
                HostRole role;
                const Addresses *addresses;
        } kinds[] = {
                { HOST_ROLE_OWN, &h->state.own },
                { HOST_ROLE_GATEWAY, &h->state.gateways },
                { HOST_ROLE_RESOLVER, &h->state.resolvers },
        };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                for (size_t k = 0; k < kinds[i].addresses->n; k++) {
                        const Address *a = &kinds[i].addresses->entries[k];
                        int r;

                        if (address_is_loopback(a))
                                continue;
                        r = handler(kinds[i].role, a, userdata);
                        if (r < 0)
                                return r;
                }

        return 0;
}

bool host_is_on_link(const Host *h, const Address *address) {
        assert(h);
        assert(address);

        for (size_t i = 0; i < h->state.on_link.n; i++)
                if (address_covers(&h->state.on_link.entries[i], address) ||
                                address_covers(address, &h->state.on_link.entries[i]))
                        return true;

        return false;
}
