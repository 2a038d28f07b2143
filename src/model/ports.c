/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Ranges are kept sorted and merged, so that every port appears once: the firewall turns each into
 * an element of a verdict map, where a second one would be refused.
 */

#include "model/ports.h"

#include <arpa/inet.h>
#include <netdb.h>

#include "base/macro.h"
#include "base/parse.h"

static int parse_port(const char *s, uint16_t *ret) {
        uint64_t n;
        int r;

        r = parse_uint64(s, 1, UINT16_MAX, &n);
        if (r < 0)
                return r;

        *ret = (uint16_t) n;
        return 0;
}

/* services(5) may give a name different ports for its protocols; both are meant then. */
static int parse_service(const char *s, unsigned protocols, PortRange ret[static 2]) {
        static const struct {
                PortProtocol protocol;
                const char *name;
        } known[] = { { PORT_TCP, "tcp" }, { PORT_UDP, "udp" } };
        int n = 0;

        for (size_t i = 0; i < ELEMENTSOF(known); i++) {
                struct servent *e;
                uint16_t port;

                if (!(protocols & known[i].protocol))
                        continue;
                e = getservbyname(s, known[i].name);
                if (!e)
                        continue;
                port = ntohs((uint16_t) e->s_port);
                ret[n++] = (PortRange){ port, port };
        }

        return n > 0 ? n : -EINVAL;
}

/* Returns the number of ranges the word stands for. */
static int parse_range(char *word, unsigned protocols, PortRange ret[static 2]) {
        char *dash = strchr(word, '-');
        PortRange range;
        int r;

        if (word[0] < '0' || word[0] > '9')
                return parse_service(word, protocols, ret); /* a name may contain a dash */

        if (dash)
                *dash++ = '\0';

        r = parse_port(word, &range.first);
        if (r >= 0)
                r = parse_port(dash ? dash : word, &range.last);
        if (r < 0)
                return r;
        if (range.first > range.last)
                return -EINVAL;

        ret[0] = range;
        return 1;
}

static int range_compare(const void *a, const void *b) {
        const PortRange *x = a, *y = b;

        return (int) x->first - (int) y->first;
}

static void ports_normalize(PortSet *p) {
        size_t n = 0;

        qsort(p->ranges, p->n_ranges, sizeof(PortRange), range_compare);

        for (size_t i = 0; i < p->n_ranges; i++)
                if (n > 0 && p->ranges[i].first <= (uint32_t) p->ranges[n - 1].last + 1)
                        p->ranges[n - 1].last = MAX(p->ranges[n - 1].last, p->ranges[i].last);
                else
                        p->ranges[n++] = p->ranges[i];

        p->n_ranges = n;
}

int ports_parse(const char *s, PortSet *ports, const char **ret_bad) {
        PortSet p = { .protocols = ports->protocols };
        const char *word;
        size_t size;

        assert(s);
        assert(ports);
        assert(ports->protocols);
        assert(ret_bad);

        *ret_bad = s;

        while ((size = parse_word(&s, ",", &word)) > 0) {
                char buf[64];
                PortRange found[2];
                int n;

                *ret_bad = word;
                if (size >= sizeof(buf))
                        return -EINVAL;
                memcpy(buf, word, size);
                buf[size] = '\0';

                if (streq(buf, "any")) {
                        p.any = true;
                        continue;
                }

                n = parse_range(buf, p.protocols, found);
                if (n < 0)
                        return -EINVAL;

                for (int i = 0; i < n; i++) {
                        if (p.n_ranges == PORTS_RANGES_MAX)
                                return -E2BIG;
                        p.ranges[p.n_ranges++] = found[i];
                }
        }

        if (p.any)
                p.n_ranges = 0;
        else if (p.n_ranges == 0)
                return -EINVAL;

        ports_normalize(&p);
        *ports = p;
        return 0;
}

int ports_add(PortSet *ports, uint16_t port) {
        PortSet p;

        assert(ports);
        assert(port > 0);

        if (ports_contains(ports, port))
                return 0;

        /* It may close a gap, and need no range of its own. */
        p = *ports;
        for (size_t i = 0; i < p.n_ranges; i++)
                if (p.ranges[i].last == port - 1 || p.ranges[i].first == port + 1) {
                        p.ranges[i].first = MIN(p.ranges[i].first, port);
                        p.ranges[i].last = MAX(p.ranges[i].last, port);
                        ports_normalize(&p);
                        *ports = p;
                        return 0;
                }

        if (p.n_ranges == PORTS_RANGES_MAX)
                return -E2BIG;
        p.ranges[p.n_ranges++] = (PortRange){ port, port };
        ports_normalize(&p);
        *ports = p;
        return 0;
}

bool ports_equal(const PortSet *a, const PortSet *b) {
        assert(a);
        assert(b);

        return a->any == b->any && a->protocols == b->protocols && a->n_ranges == b->n_ranges &&
               memcmp(a->ranges, b->ranges, a->n_ranges * sizeof(*a->ranges)) == 0;
}

int ports_parse_protocols(const char *s) {
        const char *word;
        unsigned found = 0;
        size_t n;

        assert(s);

        while ((n = parse_word(&s, ",", &word)) > 0)
                if (n == 3 && strncmp(word, "tcp", 3) == 0)
                        found |= PORT_TCP;
                else if (n == 3 && strncmp(word, "udp", 3) == 0)
                        found |= PORT_UDP;
                else
                        return -EINVAL;

        return found ? (int) found : -EINVAL;
}

bool ports_contains(const PortSet *ports, uint16_t port) {
        assert(ports);

        if (ports->any)
                return true;

        for (size_t i = 0; i < ports->n_ranges; i++)
                if (port >= ports->ranges[i].first && port <= ports->ranges[i].last)
                        return true;

        return false;
}

const char *ports_format(const PortSet *ports, char *buf, size_t size) {
        size_t used = 0;

        assert(ports);
        assert(size >= sizeof("..."));

        if (ports->any)
                return memcpy(buf, "any", sizeof("any"));

        buf[0] = '\0';
        for (size_t i = 0; i < ports->n_ranges; i++) {
                const PortRange *r = &ports->ranges[i];
                char item[sizeof(",65535-65535")];
                int n;

                n = r->first == r->last
                                    ? snprintf(item, sizeof(item), "%s%u", i ? "," : "", r->first)
                                    : snprintf(item,
                                                      sizeof(item),
                                                      "%s%u-%u",
                                                      i ? "," : "",
                                                      r->first,
                                                      r->last);

                /* Leave room for the dots, in case the next one does not fit. */
                if (used + (size_t) n + sizeof("...") > size) {
                        memcpy(buf + used, "...", sizeof("..."));
                        break;
                }
                memcpy(buf + used, item, (size_t) n + 1);
                used += (size_t) n;
        }

        return buf;
}
