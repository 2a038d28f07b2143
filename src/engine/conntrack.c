/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel is asked for its entries, and told to delete each by what it was listed with: the
 * tuple of its original direction, its zone and its id, so that another connection which has taken
 * the same tuple meanwhile stays. Nothing is ever deleted by a filter: kernels before 6.8 know none
 * for it, and to some of them a request with too little in it means everything.
 *
 * For a few single hosts of IPv4 the kernel is asked for the entries of one after the other, which
 * it picks out itself (since 5.8; older ones list all). It can compare whole addresses only, and
 * walks through its table each time, so that for prefixes and for many the list is read once and
 * picked from here. So it is for IPv6: there the kernel's filter passes all but those that are
 * wanted.
 *
 * Whether anything is tracked at all, a file in /proc tells. To ask over netlink would load
 * nf_conntrack.
 */

#include "engine/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "base/netlink.h"
#include "base/proc.h"

/* Listing an entry takes the kernel so many times as long as passing it by. */
#define FILTERED_MAX 4

/* Targets looked for at a time. */
#define TARGETS_PER_QUESTION 256

/* In CTA_FILTER_ORIG_FLAGS: the source address of the tuple. Not in the header. */
#define FILTER_SOURCE (1u << 0)

/* What an entry is deleted by takes 104 bytes with IPv6. */
#define KEY_SIZE_MAX 160

typedef struct Entry {
        uint8_t family;
        uint8_t size;
        char key[KEY_SIZE_MAX]; /* attributes */
} Entry;

struct Conntrack {
        Netlink *netlink;

        Entry *entries;
        size_t n_entries;
        size_t n_allocated;
        int error; /* of a callback */

        char question[sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg) + KEY_SIZE_MAX];
};

int conntrack_new(Conntrack **ret) {
        _cleanup_(conntrack_freep) Conntrack *c = NULL;
        int r;

        assert(ret);

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        r = netlink_new(&c->netlink, NETLINK_NETFILTER);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

Conntrack *conntrack_free(Conntrack *c) {
        if (!c)
                return NULL;

        netlink_free(c->netlink);
        free(c->entries);
        free(c);
        return NULL;
}

static struct nlmsghdr *
begin_question(Conntrack *c, unsigned type, uint16_t flags, uint8_t family) {
        struct nfgenmsg *generic;
        struct nlmsghdr *nlh;

        type |= NFNL_SUBSYS_CTNETLINK << 8;
        nlh = netlink_begin(c->netlink, c->question, (uint16_t) type, flags);

        generic = mnl_nlmsg_put_extra_header(nlh, sizeof(*generic));
        generic->nfgen_family = family;
        generic->version = NFNETLINK_V0;
        return nlh;
}

/* Attributes of one level, by their types. */
typedef struct Attributes {
        const struct nlattr *of[CTA_MAX + 1];
} Attributes;

static int on_attribute(const struct nlattr *attr, void *userdata) {
        Attributes *a = userdata;
        unsigned type = mnl_attr_get_type(attr);

        if (type < ELEMENTSOF(a->of))
                a->of[type] = attr;
        return MNL_CB_OK;
}

static Attributes read_nested(const struct nlattr *attr) {
        Attributes a = {};

        if (attr)
                (void) mnl_attr_parse_nested(attr, on_attribute, &a);
        return a;
}

static bool has_size(const struct nlattr *attr, size_t size) {
        return attr && mnl_attr_get_payload_len(attr) == size;
}

/* Who began a connection, and what for. Returns false if it is of another protocol. */
static bool read_tuple(const struct nlattr *attr,
                uint8_t family,
                Address *ret_source,
                unsigned *ret_protocol,
                uint16_t *ret_port) {
        Attributes tuple = read_nested(attr), ip, proto;
        const struct nlattr *source;
        unsigned n_bits = address_family_bits(family);

        ip = read_nested(tuple.of[CTA_TUPLE_IP]);
        proto = read_nested(tuple.of[CTA_TUPLE_PROTO]);

        source = ip.of[family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC];
        if (!has_size(source, n_bits / 8) || !has_size(proto.of[CTA_PROTO_NUM], 1) ||
                        !has_size(proto.of[CTA_PROTO_DST_PORT], 2))
                return false;

        switch (mnl_attr_get_u8(proto.of[CTA_PROTO_NUM])) {
        case IPPROTO_TCP:
                *ret_protocol = PORT_TCP;
                break;
        case IPPROTO_UDP:
                *ret_protocol = PORT_UDP;
                break;
        default:
                return false;
        }

        *ret_port = ntohs(mnl_attr_get_u16(proto.of[CTA_PROTO_DST_PORT]));
        return address_from_bytes(family, mnl_attr_get_payload(source), n_bits, ret_source) >= 0;
}

typedef struct Search {
        Conntrack *conntrack;
        uint8_t family;
        const KillerTarget *targets;
        size_t n_targets;
} Search;

static bool is_wanted(const Search *s, const Address *source, unsigned protocol, uint16_t port) {
        for (size_t i = 0; i < s->n_targets; i++) {
                const KillerTarget *t = &s->targets[i];

                if (t->ports->protocols & protocol && address_covers(&t->address, source) &&
                                ports_contains(t->ports, port))
                        return true;
        }

        return false;
}

/* Keeps what an entry is deleted by. */
static int keep(Conntrack *c, uint8_t family, const Attributes *a) {
        const struct nlattr *const parts[] = {
                a->of[CTA_TUPLE_ORIG],
                a->of[CTA_ID],
                a->of[CTA_ZONE],
        };
        Entry e = { .family = family };

        if (c->n_entries == CONNTRACK_ENTRIES_MAX)
                return 0;

        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                size_t size = parts[i] ? MNL_ALIGN(parts[i]->nla_len) : 0;

                if (size > sizeof(e.key) - e.size)
                        return 0; /* of a kernel with more to say than is known here */
                if (size > 0)
                        memcpy(e.key + e.size, parts[i], size);
                e.size = (uint8_t) (e.size + size);
        }

        if (c->n_entries == c->n_allocated) {
                size_t n = MAX(2 * c->n_allocated, (size_t) 64);
                Entry *p;

                p = reallocarray(c->entries, n, sizeof(*p));
                if (!p)
                        return -ENOMEM;

                c->entries = p;
                c->n_allocated = n;
        }

        c->entries[c->n_entries++] = e;
        return 0;
}

static int on_entry(const struct nlmsghdr *nlh, void *userdata) {
        Search *s = userdata;
        Attributes a = {};
        unsigned protocol;
        Address source;
        uint16_t port;

        if (s->conntrack->error < 0)
                return MNL_CB_OK;

        (void) mnl_attr_parse(nlh, sizeof(struct nfgenmsg), on_attribute, &a);

        /* Without an id it could be another one by the time it is deleted. */
        if (!a.of[CTA_ID] ||
                        !read_tuple(a.of[CTA_TUPLE_ORIG], s->family, &source, &protocol, &port))
                return MNL_CB_OK;

        if (is_wanted(s, &source, protocol, port))
                s->conntrack->error = keep(s->conntrack, s->family, &a);
        return MNL_CB_OK;
}

/* Appends the entries of the targets in the family to c->entries. With an IPv4 host the kernel
 * lists only those that begin with it. */
static int find_entries(Search *s, const Address *host) {
        Conntrack *c = s->conntrack;
        struct nlattr *tuple, *ip;
        struct nlmsghdr *nlh;
        int r;

        nlh = begin_question(c, IPCTNL_MSG_CT_GET, NLM_F_DUMP, s->family);
        if (host) {
                tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
                ip = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
                mnl_attr_put(nlh, CTA_IP_V4_SRC, sizeof(host->in), &host->in);
                mnl_attr_nest_end(nlh, ip);
                mnl_attr_nest_end(nlh, tuple);

                tuple = mnl_attr_nest_start(nlh, CTA_FILTER);
                mnl_attr_put_u32(nlh, CTA_FILTER_ORIG_FLAGS, FILTER_SOURCE);
                mnl_attr_nest_end(nlh, tuple);
        }

        r = netlink_ask(c->netlink, nlh, on_entry, s);
        return r < 0 ? r : c->error;
}

/* Appends the entries of the targets to c->entries. */
static int
find_family(Conntrack *c, const KillerTarget *targets, size_t n_targets, uint8_t family) {
        Search search = { .conntrack = c, .family = family };
        size_t n_hosts = 0, n_nets = 0;
        int r = 0;

        for (size_t i = 0; i < n_targets; i++)
                if (targets[i].address.family == family)
                        *(address_is_host(&targets[i].address) ? &n_hosts : &n_nets) += 1;

        if (n_hosts == 0 && n_nets == 0)
                return 0;

        if (family == AF_INET6 || n_nets > 0 || n_hosts > FILTERED_MAX) {
                search.targets = targets;
                search.n_targets = n_targets;
                return find_entries(&search, NULL);
        }

        for (size_t i = 0; i < n_targets && r >= 0; i++) {
                if (targets[i].address.family != family)
                        continue;

                search.targets = &targets[i];
                search.n_targets = 1;
                r = find_entries(&search, &targets[i].address);
        }

        return r;
}

/* Deletes c->entries. Returns the number. */
static int delete_all(Conntrack *c) {
        int n = 0, r;

        for (size_t i = 0; i < c->n_entries; i++) {
                const Entry *e = &c->entries[i];
                struct nlmsghdr *nlh;

                nlh = begin_question(c, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, e->family);
                memcpy(mnl_nlmsg_get_payload_tail(nlh), e->key, e->size);
                nlh->nlmsg_len += e->size;

                r = netlink_ask(c->netlink, nlh, NULL, NULL);
                if (r < 0 && r != -ENOENT) /* it has ended by itself */
                        return r;
                if (r >= 0)
                        n++;
        }

        return n;
}

int conntrack_end_many(Conntrack *c, const KillerTarget *targets, size_t n_targets) {
        int n = 0, r;

        assert(c);
        assert(targets || n_targets == 0);

        if (n_targets == 0 || !proc_is_tracking())
                return 0;

        for (size_t i = 0; i < n_targets; i += TARGETS_PER_QUESTION) {
                size_t n_asked = MIN(n_targets - i, (size_t) TARGETS_PER_QUESTION);

                c->n_entries = 0;
                c->error = 0;

                r = find_family(c, targets + i, n_asked, AF_INET);
                if (r >= 0)
                        r = find_family(c, targets + i, n_asked, AF_INET6);
                if (r >= 0)
                        r = delete_all(c);
                if (r == -EINVAL)
                        return -EOPNOTSUPP; /* no nf_conntrack_netlink */
                if (r < 0)
                        return r;
                n += r;
        }

        return n;
}
