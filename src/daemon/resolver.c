/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A query is first a call to systemd-resolved. Where nobody of that name is on the bus, or the bus
 * itself has something against it, the query goes on as a connection to the helper
 * (src/resolve/banjo-resolve.c has the protocol). systemd-resolved is not started for it: whether
 * it shall run is not ours to decide.
 *
 * systemd-resolved does not tell how long an answer holds, but keeps it for so long. So asking it
 * every minute costs nothing, and goes out to the network only when the time is over.
 */

#include "daemon/resolver.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/log.h"
#include "base/parse.h"

/* Longer than the helper takes at most; and a little longer, for a bus that is gone. */
#define PATIENCE (25 * USEC_PER_SEC)
#define PATIENCE_IN_ALL (30 * USEC_PER_SEC)

/* What a name may look like in text, and an answer of the helper. */
#define NAME_MAX_SIZE 253
#define ANSWER_SIZE 8192

#define RESOLVED_TTL USEC_PER_MINUTE

#define RESOLVED_NAME "org.freedesktop.resolve1"
#define RESOLVED_ERROR_PREFIX "org.freedesktop.resolve1."

typedef struct Query Query;

struct Query {
        Resolver *owner;
        char *name;
        sd_bus_slot *slot;
        int fd;
        sd_event_source *io;
        sd_event_source *timer;
        char *text; /* what the helper has said */
        size_t size;
        Query *next;
};

struct Resolver {
        sd_event *event;
        const char *socket;
        ResolverHandler handler;
        void *userdata;
        Query *queries;
        size_t n_queries;
};

static Query *query_free(Query *q) {
        if (!q)
                return NULL;

        for (Query **i = &q->owner->queries; *i; i = &(*i)->next)
                if (*i == q) {
                        *i = q->next;
                        q->owner->n_queries--;
                        break;
                }

        sd_bus_slot_unref(q->slot);
        sd_event_source_disable_unref(q->io);
        sd_event_source_disable_unref(q->timer);
        closep(&q->fd);
        free(q->text);
        free(q->name);
        free(q);
        return NULL;
}
DEFINE_CLEANUP(Query *, query_free)

int resolver_new(Resolver **ret,
                sd_event *event,
                const char *socket,
                ResolverHandler handler,
                void *userdata) {
        Resolver *r;

        assert(ret);
        assert(event);
        assert(socket);
        assert(handler);

        r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;

        r->event = sd_event_ref(event);
        r->socket = socket;
        r->handler = handler;
        r->userdata = userdata;
        *ret = r;
        return 0;
}

Resolver *resolver_free(Resolver *r) {
        if (!r)
                return NULL;

        while (r->queries)
                query_free(r->queries);
        sd_event_unref(r->event);
        free(r);
        return NULL;
}

/* Frees the query. */
static void finish(Query *query, const ResolverAnswer *answer) {
        _cleanup_(query_freep) Query *q = query;

        q->owner->handler(q->name, answer, q->owner->userdata);
}

static void fail(Query *q, const char *why) {
        finish(q, &(const ResolverAnswer){ .result = RESOLVER_FAILED, .why = why });
}

static void finish_without(Query *q) {
        finish(q,
                        &(const ResolverAnswer){
                                        .result = RESOLVER_NONE,
                                        .why = "there is no such name, or it has no address",
                        });
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;

        fail(userdata, "nobody answered in time");
        return 0;
}

/* The helper */

/* Takes a line off *text. Returns false at the end, also at a line that does not end. */
static bool take_line(char **text, const char **ret) {
        char *end = strchr(*text, '\n');

        if (!end)
                return false;

        *end = '\0';
        *ret = *text;
        *text = end + 1;
        return true;
}

static void finish_helped(Query *q) {
        ResolverAnswer answer = { .result = RESOLVER_FOUND };
        char *text = q->text;
        const char *line, *ttl;
        uint64_t seconds;

        q->text[q->size] = '\0';
        while (take_line(&text, &line)) {
                Address a;

                if (streq(line, "none")) {
                        finish_without(q);
                        return;
                }
                ttl = startswith(line, "ok ");
                if (ttl && parse_uint64(ttl, 0, UINT32_MAX, &seconds) >= 0) {
                        answer.ttl = seconds * USEC_PER_SEC;
                        finish(q, &answer);
                        return;
                }
                if (address_parse(line, strlen(line), &a) < 0)
                        break;
                if (answer.n_addresses < RESOLVER_ADDRESSES_MAX)
                        answer.addresses[answer.n_addresses++] = a;
        }

        fail(q, "no name server answered");
}

static int on_helper(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        Query *q = userdata;
        ssize_t n;

        (void) s;
        (void) events;

        n = read(fd, q->text + q->size, ANSWER_SIZE - 1 - q->size);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n > 0 && q->size + (size_t) n < ANSWER_SIZE - 1) {
                q->size += (size_t) n;
                return 0;
        }

        if (n < 0)
                q->size = 0;
        finish_helped(q);
        return 0;
}

static int ask_helper(Query *q) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char line[NAME_MAX_SIZE + 2];
        int n;

        if (strlen(q->owner->socket) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, q->owner->socket, strlen(q->owner->socket));

        q->text = malloc(ANSWER_SIZE);
        if (!q->text)
                return -ENOMEM;

        q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (q->fd < 0)
                return -errno;
        if (connect(q->fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;

        /* It fits into the empty buffer of the socket. */
        n = snprintf(line, sizeof(line), "%s\n", q->name);
        if (send(q->fd, line, (size_t) n, MSG_NOSIGNAL) != n || shutdown(q->fd, SHUT_WR) < 0)
                return -EIO;

        return sd_event_add_io(q->owner->event, &q->io, q->fd, EPOLLIN, on_helper, q);
}

/* systemd-resolved */

static int read_address(sd_bus_message *reply, ResolverAnswer *answer) {
        const void *bytes;
        int32_t interface, family;
        size_t size;
        Address a;
        int r;

        r = sd_bus_message_enter_container(reply, 'r', "iiay");
        if (r <= 0)
                return r;

        r = sd_bus_message_read(reply, "ii", &interface, &family);
        if (r >= 0)
                r = sd_bus_message_read_array(reply, 'y', &bytes, &size);
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        if (r < 0)
                return r;

        if (((family == AF_INET && size == 4) || (family == AF_INET6 && size == 16)) &&
                        answer->n_addresses < RESOLVER_ADDRESSES_MAX &&
                        address_from_bytes(family, bytes, address_family_bits(family), &a) >= 0)
                answer->addresses[answer->n_addresses++] = a;
        return 1;
}

static int read_reply(sd_bus_message *reply, ResolverAnswer *answer) {
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(iiay)");
        if (r < 0)
                return r;

        do
                r = read_address(reply, answer);
        while (r > 0);
        return r;
}

static int on_resolved(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        ResolverAnswer answer = { .result = RESOLVER_FOUND, .ttl = RESOLVED_TTL };
        Query *q = userdata;
        int r;

        (void) error;

        if (e && startswith(e->name, RESOLVED_ERROR_PREFIX)) {
                const char *what = e->name + strlen(RESOLVED_ERROR_PREFIX);

                if (streq(what, "NoSuchRR") || streq(what, "DnsError.NXDOMAIN"))
                        finish_without(q);
                else
                        fail(q, "systemd-resolved got no answer");
                return 0;
        }

        if (!e) {
                r = read_reply(reply, &answer);
                if (r < 0)
                        fail(q, "systemd-resolved answered what is no answer");
                else
                        finish(q, &answer);
                return 0;
        }

        /* It does not run, or may not be asked. */
        log_debug("systemd-resolved is not asked: %s", e->message ?: e->name);
        q->slot = sd_bus_slot_unref(q->slot);
        r = ask_helper(q);
        if (r < 0)
                fail(q, "banjo-resolve.socket cannot be reached");
        return 0;
}

static int ask_resolved(Query *q, sd_bus *bus) {
        sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus,
                        &call,
                        RESOLVED_NAME,
                        "/org/freedesktop/resolve1",
                        RESOLVED_NAME ".Manager",
                        "ResolveHostname");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, false);
        if (r >= 0)
                r = sd_bus_message_append(
                                call, "isit", 0, q->name, (int32_t) AF_UNSPEC, UINT64_C(0));
        if (r >= 0)
                r = sd_bus_call_async(bus, &q->slot, call, on_resolved, q, PATIENCE);
        sd_bus_message_unref(call);
        return r;
}

unsigned resolver_n_free(const Resolver *r) {
        assert(r);

        return RESOLVER_QUERIES_MAX - (unsigned) r->n_queries;
}

int resolver_ask(Resolver *r, sd_bus *bus, const char *name) {
        _cleanup_(query_freep) Query *q = NULL;
        int k;

        assert(r);
        assert(name);

        if (r->n_queries == RESOLVER_QUERIES_MAX)
                return -EBUSY;
        if (strlen(name) > NAME_MAX_SIZE)
                return -EINVAL;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        q->owner = r;
        q->fd = -1;
        q->next = r->queries;
        r->queries = q;
        r->n_queries++;

        q->name = strdup(name);
        if (!q->name)
                return -ENOMEM;

        k = sd_event_add_time_relative(
                        r->event, &q->timer, CLOCK_BOOTTIME, PATIENCE_IN_ALL, 0, on_timeout, q);
        if (k < 0)
                return k;

        k = bus ? ask_resolved(q, bus) : -ENOTCONN;
        if (k < 0)
                k = ask_helper(q);
        if (k < 0)
                return k;

        TAKE_PTR(q);
        return 0;
}
