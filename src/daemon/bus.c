/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The message bus. The connection is made in the background: sd-bus watches for a socket that is
 * not there yet (banjod starts before dbus), and a timer opens a new connection after one was lost,
 * at growing intervals.
 *
 * Peers. There is no bus in between, and yet `busctl --address=` wants to say hello to one; so each
 * peer finds just enough of org.freedesktop.DBus to be content.
 *
 * Signals go to the peers that asked for some; banctl does not, and must not drown in those of its
 * own flush. Nobody may make the daemon hold messages for him without end: who does not read is
 * disconnected (a peer) or misses signals (the bus).
 */

#include "daemon/bus.h"

#include <sys/socket.h>

#include "base/log.h"
#include "base/usec.h"
#include "daemon/bus-changes.h"
#include "daemon/bus-jail.h"
#include "daemon/bus-manager.h"
#include "daemon/bus-polkit.h"
#include "daemon/turn.h"
#include "model/bus-names.h"

#define RECONNECT_MIN USEC_PER_SEC
#define RECONNECT_MAX (64 * USEC_PER_SEC)

/* The message bus itself is asked who is calling, and the loop waits. */
#define CALL_TIMEOUT (5 * USEC_PER_SEC)

/* Signals waiting for somebody to read them. */
#define QUEUE_MAX 16384

/* Answers waiting for a peer. */
#define ANSWERS_MAX 128

/* After accept() failed for want of descriptors. */
#define ACCEPT_PAUSE USEC_PER_SEC

#define DEFAULT_SYSTEM_BUS "unix:path=/run/dbus/system_bus_socket"

typedef struct Peer Peer;

struct Peer {
        Bus *owner;
        sd_bus *connection;
        sd_event_source *leftover;
        bool listens; /* asked for signals */
        bool subscribed;
        Peer *next;
};

struct Bus {
        sd_event *event;
        Manager *manager;

        char *address; /* of the message bus; NULL if there shall be none */
        sd_bus *connection;
        BusPolkit *polkit;         /* on it, as are: */
        sd_bus_track *subscribers; /* NULL if there are none */
        sd_event_source *reconnect_timer;
        usec_t reconnect_delay;

        int listen_fd;
        sd_event_source *listen_source;
        sd_event_source *listen_timer;
        Peer *peers;
        size_t n_peers;

        BusChanges *changes;
};

/* What sd-bus itself says about the connection: "Connected" or "Disconnected". */
static int match_local(sd_bus *connection,
                const char *member,
                sd_bus_message_handler_t handler,
                void *userdata) {
        return sd_bus_match_signal(connection,
                        NULL,
                        "org.freedesktop.DBus.Local",
                        "/org/freedesktop/DBus/Local",
                        "org.freedesktop.DBus.Local",
                        member,
                        handler,
                        userdata);
}

/* The message bus */

static void schedule_reconnect(Bus *b) {
        int r;

        r = sd_event_source_set_time_relative(b->reconnect_timer, b->reconnect_delay);
        if (r >= 0)
                r = sd_event_source_set_enabled(b->reconnect_timer, SD_EVENT_ONESHOT);
        if (r < 0)
                log_warning_errno(r, "Failed to wait for the message bus: %m");

        b->reconnect_delay = MIN(2 * b->reconnect_delay, RECONNECT_MAX);
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Bus *b = userdata;

        (void) message, (void) error;

        log_info("The connection to the message bus was lost; waiting for it to come back.");
        manager_on_bus(b->manager);
        schedule_reconnect(b);
        return 0;
}

static int on_name(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(message);
        Bus *b = userdata;

        (void) error;

        manager_on_bus(b->manager);

        if (e) {
                /* The connection stays. There is nothing to be gained from trying again. */
                log_error("The message bus does not let us have the name %s: %s",
                                BUS_NAME,
                                e->message ? e->message : e->name);
                return 0;
        }

        b->reconnect_delay = RECONNECT_MIN;
        log_debug("Reachable as %s on the message bus.", BUS_NAME);
        return 0;
}

static int open_message_bus(Bus *b, sd_bus **ret, BusPolkit **ret_polkit) {
        _cleanup_(bus_polkit_freep) BusPolkit *polkit = NULL;
        sd_bus *c = NULL;
        int r;

        r = sd_bus_new(&c);
        if (r < 0)
                return r;

        r = sd_bus_set_address(c, b->address);
        if (r >= 0)
                r = sd_bus_set_bus_client(c, true);
        if (r >= 0)
                r = sd_bus_set_watch_bind(c, true);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(c, CALL_TIMEOUT);
        if (r >= 0)
                r = bus_polkit_new(&polkit, c);
        if (r >= 0)
                r = bus_manager_add(c, b->manager);
        if (r >= 0)
                r = match_local(c, "Disconnected", on_disconnected, b);
        if (r >= 0)
                r = sd_bus_start(c);
        if (r >= 0)
                r = sd_bus_attach_event(c, b->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_request_name_async(c, NULL, BUS_NAME, 0, on_name, b);
        if (r < 0) {
                sd_bus_close_unref(c);
                return r;
        }

        *ret = c;
        *ret_polkit = TAKE_PTR(polkit);
        return 0;
}

static int on_reconnect(sd_event_source *source, uint64_t now, void *userdata) {
        Bus *b = userdata;
        int r;

        (void) source, (void) now;

        b->polkit = bus_polkit_free(b->polkit);
        b->subscribers = sd_bus_track_unref(b->subscribers);
        b->connection = sd_bus_close_unref(b->connection);

        r = open_message_bus(b, &b->connection, &b->polkit);
        if (r < 0) {
                log_warning_errno(r, "Failed to connect to the message bus at %s: %m", b->address);
                schedule_reconnect(b);
        }

        return 0;
}

static int start_message_bus(Bus *b, const char *address) {
        const char *system_bus = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
        int r;

        if (streq(address, "system"))
                address = isempty(system_bus) ? DEFAULT_SYSTEM_BUS : system_bus;
        b->address = strdup(address);
        if (!b->address)
                return -ENOMEM;
        b->reconnect_delay = RECONNECT_MIN;

        r = sd_event_add_time_relative(
                        b->event, &b->reconnect_timer, CLOCK_BOOTTIME, 0, 0, on_reconnect, b);
        if (r >= 0)
                r = sd_event_source_set_enabled(b->reconnect_timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        r = open_message_bus(b, &b->connection, &b->polkit);
        if (r == -EINVAL || r == -ENOMEM)
                return r; /* the address is none: a mistake on the command line */
        if (r < 0) {
                log_warning_errno(r, "Failed to connect to the message bus at %s: %m", b->address);
                schedule_reconnect(b);
        }

        return 0;
}

/* Peers: the little of a message bus that clients insist on */

static int driver_hello(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        (void) userdata, (void) error;

        return sd_bus_reply_method_return(message, "s", ":1.1");
}

static int driver_add_match(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Peer *p = userdata;

        (void) error;

        /* Which ones, the client sorts out for itself. */
        p->listens = true;
        return sd_bus_reply_method_return(message, NULL);
}

static int driver_remove_match(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        (void) userdata, (void) error;

        return sd_bus_reply_method_return(message, NULL);
}

static int driver_list_names(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        (void) userdata, (void) error;

        return sd_bus_reply_method_return(message, "as", 2, "org.freedesktop.DBus", BUS_NAME);
}

static int driver_list_activatable(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        (void) userdata, (void) error;

        return sd_bus_reply_method_return(message, "as", 0);
}

static int driver_get_owner(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *name;
        int r;

        (void) userdata;

        r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return r;
        if (!streq(name, BUS_NAME) && !streq(name, "org.freedesktop.DBus"))
                return sd_bus_error_setf(error,
                                SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                                "Nobody owns \"%s\": this is banjod itself and no message bus.",
                                name);

        return sd_bus_reply_method_return(message, "s", name);
}

static int driver_has_owner(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *name;
        int r;

        (void) userdata, (void) error;

        r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message,
                        "b",
                        (int) (streq(name, BUS_NAME) || streq(name, "org.freedesktop.DBus")));
}

static const sd_bus_vtable driver_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Hello", "", "s", driver_hello, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("AddMatch", "s", "", driver_add_match, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RemoveMatch", "s", "", driver_remove_match, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListNames", "", "as", driver_list_names, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListActivatableNames",
                        "",
                        "as",
                        driver_list_activatable,
                        SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetNameOwner", "s", "s", driver_get_owner, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("NameHasOwner", "s", "b", driver_has_owner, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

/* Peers: their connections */

static Peer *peer_free(Peer *p) {
        if (!p)
                return NULL;

        for (Peer **i = &p->owner->peers; *i; i = &(*i)->next)
                if (*i == p) {
                        *i = p->next;
                        p->owner->n_peers--;
                        break;
                }

        sd_event_source_disable_unref(p->leftover);
        sd_bus_close_unref(p->connection);
        free(p);
        return NULL;
}
DEFINE_CLEANUP(Peer *, peer_free)

static int on_peer_gone(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        (void) message, (void) error;

        peer_free(userdata);
        return 0;
}

/* A client may send its first call together with the end of its authentication. sd-bus has read
 * that by then and would wait for the descriptor to become readable once more. */
static int on_leftover(sd_event_source *source, uint64_t usec, void *userdata) {
        Peer *p = userdata;
        sd_bus *connection = sd_bus_ref(p->connection);

        (void) usec;

        /* The peer may be gone after this. */
        if (sd_bus_process(connection, NULL) <= 0)
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);

        sd_bus_unref(connection);
        return 0;
}

static int on_peer_connected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Peer *p = userdata;

        (void) message, (void) error;

        return sd_event_source_set_enabled(p->leftover, SD_EVENT_ON);
}

/* A peer gets his answers into a queue of ours. Whoever asks on and on without reading them loses
 * his connection before they fill the memory. */
static int on_peer_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Peer *p = userdata;
        uint64_t n;

        (void) message, (void) error;

        if (sd_bus_get_n_queued_write(p->connection, &n) >= 0 && n < ANSWERS_MAX)
                return 0;

        log_warning("A client on %s does not read its answers; its connection is closed.",
                        BUS_SOCKET_PATH);
        peer_free(p);
        return 1;
}

/* The socket is root's and has mode 0600, but it is systemd or whoever started us that made it. */
static bool is_root(int fd) {
        struct ucred creds;
        socklen_t size = sizeof(creds);

        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &creds, &size) == 0 && creds.uid == 0;
}

/* Takes the descriptor over if it succeeds. */
static int peer_add(Bus *b, int fd) {
        _cleanup_(peer_freep) Peer *p = NULL;
        sd_id128_t id;
        int r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->owner = b;

        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = sd_bus_new(&p->connection);
        if (r >= 0)
                r = sd_bus_set_server(p->connection, true, id);
        if (r >= 0)
                r = bus_manager_add(p->connection, b->manager);
        if (r >= 0)
                r = sd_bus_add_object_vtable(p->connection,
                                NULL,
                                "/org/freedesktop/DBus",
                                "org.freedesktop.DBus",
                                driver_vtable,
                                p);
        if (r >= 0)
                r = match_local(p->connection, "Disconnected", on_peer_gone, p);
        if (r >= 0)
                r = match_local(p->connection, "Connected", on_peer_connected, p);
        if (r >= 0)
                r = sd_bus_add_filter(p->connection, NULL, on_peer_message, p);
        if (r >= 0)
                r = sd_bus_set_connected_signal(p->connection, true);
        /* No bus says who sends, and whoever asked for the signals of a name would get none. */
        if (r >= 0)
                r = sd_bus_set_sender(p->connection, BUS_NAME);
        if (r >= 0)
                r = turn_new(&p->leftover, b->event, on_leftover, p);
        if (r >= 0)
                r = sd_bus_set_fd(p->connection, fd, fd);
        if (r < 0)
                return r;

        r = sd_bus_start(p->connection);
        if (r >= 0)
                r = sd_bus_attach_event(p->connection, b->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0) {
                /* The connection owns the descriptor by now and closes it. */
                log_warning_errno(r, "Failed to serve a client on %s: %m", BUS_SOCKET_PATH);
                return 0;
        }

        p->next = b->peers;
        b->peers = p;
        b->n_peers++;
        TAKE_PTR(p);
        return 0;
}

static int on_listen(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata) {
        _cleanup_(closep) int fd = -1;
        Bus *b = userdata;
        int r;

        (void) revents;

        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
                if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
                        return 0;

                /* The client still waits, and the descriptor stays readable. */
                log_warning_errno(-errno, "Failed to accept a client: %m");
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                (void) sd_event_source_set_time_relative(b->listen_timer, ACCEPT_PAUSE);
                (void) sd_event_source_set_enabled(b->listen_timer, SD_EVENT_ONESHOT);
                return 0;
        }

        if (!is_root(fd) || b->n_peers >= BUS_PEERS_MAX)
                return 0;

        r = peer_add(b, fd);
        if (r < 0) {
                log_warning_errno(r, "Failed to serve a client: %m");
                return 0;
        }

        TAKE_FD(fd);
        return 0;
}

static int on_listen_timer(sd_event_source *source, uint64_t now, void *userdata) {
        Bus *b = userdata;

        (void) source, (void) now;

        return sd_event_source_set_enabled(b->listen_source, SD_EVENT_ON);
}

static int start_listening(Bus *b) {
        int r;

        r = sd_event_add_io(b->event, &b->listen_source, b->listen_fd, EPOLLIN, on_listen, b);
        if (r >= 0)
                r = sd_event_add_time_relative(b->event,
                                &b->listen_timer,
                                CLOCK_MONOTONIC,
                                0,
                                0,
                                on_listen_timer,
                                b);
        if (r >= 0)
                r = sd_event_source_set_enabled(b->listen_timer, SD_EVENT_OFF);
        return r;
}

static void on_changes(char **properties, void *userdata);

int bus_new(Bus **ret, sd_event *event, Manager *manager, const char *address, int listen_fd) {
        _cleanup_(bus_freep) Bus *b = NULL;
        int r;

        assert(ret);
        assert(event);
        assert(manager);
        assert(address);

        b = calloc(1, sizeof(*b));
        if (!b) {
                if (listen_fd >= 0)
                        (void) close(listen_fd);
                return log_oom();
        }
        b->event = sd_event_ref(event);
        b->manager = manager;
        b->listen_fd = listen_fd;

        r = bus_changes_new(&b->changes, event, manager, on_changes, b);
        if (r < 0)
                return log_error_errno(r, "Failed to set up the event loop: %m");

        if (listen_fd >= 0) {
                r = start_listening(b);
                if (r < 0)
                        return log_error_errno(r, "Failed to listen on %s: %m", BUS_SOCKET_PATH);
        }

        if (!streq(address, "none")) {
                r = start_message_bus(b, address);
                if (r < 0)
                        return log_error_errno(r,
                                        "Failed to connect to the message bus \"%s\": %m",
                                        address);
        }

        *ret = TAKE_PTR(b);
        return 0;
}

Bus *bus_free(Bus *b) {
        if (!b)
                return NULL;

        while (b->peers)
                peer_free(b->peers);
        bus_changes_free(b->changes);
        sd_event_source_disable_unref(b->listen_timer);
        sd_event_source_disable_unref(b->listen_source);
        if (b->listen_fd >= 0)
                (void) close(b->listen_fd);

        sd_event_source_disable_unref(b->reconnect_timer);
        /* Flushing one that still waits for its bus would wait, too. */
        if (b->connection && sd_bus_is_ready(b->connection) > 0)
                (void) sd_bus_flush(b->connection);
        bus_polkit_free(b->polkit);
        sd_bus_track_unref(b->subscribers);
        sd_bus_close_unref(b->connection);
        free(b->address);

        sd_event_unref(b->event);
        free(b);
        return NULL;
}

sd_bus *bus_get_connection(const Bus *b) {
        return b && b->connection && sd_bus_is_ready(b->connection) > 0 ? b->connection : NULL;
}

/* Clients */

int bus_authorize(Bus *b, sd_bus_message *call, const char *action, sd_bus_error *error) {
        uid_t uid = 0;
        int r = 0;

        assert(b);
        assert(call);

        if (sd_bus_is_bus_client(sd_bus_message_get_bus(call)) > 0)
                r = bus_polkit_authorize(b->polkit, call, action, &uid, error);
        if (r == 0)
                manager_set_caller(b->manager, uid);
        return r;
}

static Peer *find_peer(const Bus *b, sd_bus_message *call) {
        sd_bus *connection = sd_bus_message_get_bus(call);

        for (Peer *p = b->peers; p; p = p->next)
                if (p->connection == connection)
                        return p;

        return NULL;
}

int bus_subscribe(Bus *b, sd_bus_message *call) {
        Peer *p;
        int r;

        assert(b);
        assert(call);

        p = find_peer(b, call);
        if (p) {
                bool news = !p->subscribed;

                p->subscribed = true;
                return news;
        }

        if (!b->subscribers) {
                r = sd_bus_track_new(b->connection, &b->subscribers, NULL, NULL);
                if (r < 0)
                        return r;
        }
        if (!sd_bus_track_contains(b->subscribers, sd_bus_message_get_sender(call)) &&
                        sd_bus_track_count(b->subscribers) >= BUS_SUBSCRIBERS_MAX)
                return -EDQUOT;

        return sd_bus_track_add_sender(b->subscribers, call);
}

int bus_unsubscribe(Bus *b, sd_bus_message *call) {
        Peer *p;

        assert(b);
        assert(call);

        p = find_peer(b, call);
        if (p) {
                bool news = p->subscribed;

                p->subscribed = false;
                return news;
        }

        return b->subscribers ? sd_bus_track_remove_sender(b->subscribers, call) : 0;
}

bool bus_has_subscribers(const Bus *b) {
        if (!b)
                return false;
        if (b->subscribers && sd_bus_track_count(b->subscribers) > 0)
                return true;

        for (const Peer *p = b->peers; p; p = p->next)
                if (p->subscribed)
                        return true;

        return false;
}

/* Signals */

/* To one client of the connection, or with NULL to all. */
typedef int (*Emitter)(sd_bus *connection, const char *destination, const void *signal);

/* True if a signal may be queued for this connection. */
static bool has_room(sd_bus *connection) {
        uint64_t n;

        return sd_bus_get_n_queued_write(connection, &n) >= 0 && n < QUEUE_MAX;
}

/* True if a signal may be queued for the message bus. */
static bool is_reachable(const Bus *b) {
        return b->connection && sd_bus_is_ready(b->connection) > 0 && has_room(b->connection);
}

static void emit_to_peer(Peer *p, Emitter emitter, const void *signal) {
        if (has_room(p->connection) && emitter(p->connection, NULL, signal) >= 0)
                return;

        log_warning("A client on %s does not read what it is told; its connection is closed.",
                        BUS_SOCKET_PATH);
        peer_free(p);
}

static void emit(Bus *b, Emitter emitter, const void *signal) {
        Peer *next;

        if (is_reachable(b))
                (void) emitter(b->connection, NULL, signal);

        for (Peer *p = b->peers; p; p = next) {
                next = p->next;
                if (p->listens)
                        emit_to_peer(p, emitter, signal);
        }
}

/* The same to those alone who subscribed: it is too much for everybody, and not for everybody. */
static void emit_to_subscribers(Bus *b, Emitter emitter, const void *signal) {
        Peer *next;

        if (b->subscribers)
                for (const char *name = sd_bus_track_first(b->subscribers); name && is_reachable(b);
                                name = sd_bus_track_next(b->subscribers))
                        (void) emitter(b->connection, name, signal);

        for (Peer *p = b->peers; p; p = next) {
                next = p->next;
                if (p->subscribed)
                        emit_to_peer(p, emitter, signal);
        }
}

static int emit_failure(sd_bus *connection, const char *destination, const void *signal) {
        return bus_manager_emit_failure(connection, destination, signal);
}

void bus_emit_failure(Bus *b, const BusFailure *failure) {
        if (b)
                emit_to_subscribers(b, emit_failure, failure);
}

static int emit_jail_added(sd_bus *connection, const char *destination, const void *signal) {
        (void) destination;

        return bus_jail_emit_added(connection, signal);
}

void bus_emit_jail_added(Bus *b, const char *name) {
        if (b)
                emit(b, emit_jail_added, name);
}

static int emit_jail_removed(sd_bus *connection, const char *destination, const void *signal) {
        (void) destination;

        return bus_jail_emit_removed(connection, signal);
}

void bus_emit_jail_removed(Bus *b, const char *name) {
        if (b)
                emit(b, emit_jail_removed, name);
}

static int emit_paused(sd_bus *connection, const char *destination, const void *signal) {
        (void) destination;

        return bus_jail_emit_paused(connection, signal);
}

void bus_emit_paused(Bus *b, const char *name) {
        if (b)
                emit(b, emit_paused, name);
}

static int emit_changes(sd_bus *connection, const char *destination, const void *signal) {
        (void) destination;

        return bus_manager_emit_changed(connection, (char **) signal);
}

static void on_changes(char **properties, void *userdata) {
        emit(userdata, emit_changes, properties);
}

void bus_note_changes(Bus *b) {
        if (b)
                bus_changes_look(b->changes);
}

static int emit_reloaded(sd_bus *connection, const char *destination, const void *signal) {
        (void) destination, (void) signal;

        return bus_manager_emit_reloaded(connection);
}

void bus_emit_reloaded(Bus *b) {
        if (b)
                emit(b, emit_reloaded, NULL);
}

static int emit_repaired(sd_bus *connection, const char *destination, const void *signal) {
        (void) destination;

        return bus_manager_emit_repaired(connection, signal);
}

void bus_emit_repaired(Bus *b, const char *what) {
        if (b)
                emit(b, emit_repaired, what);
}

typedef struct BannedSignal {
        const char *jail;
        const Ban *ban;
} BannedSignal;

static int emit_banned(sd_bus *connection, const char *destination, const void *signal) {
        const BannedSignal *s = signal;

        (void) destination;
        return bus_manager_emit_banned(connection, s->jail, s->ban);
}

void bus_emit_banned(Bus *b, const char *jail, const Ban *ban) {
        if (b)
                emit(b, emit_banned, &(const BannedSignal){ jail, ban });
}

typedef struct UnbannedSignal {
        const char *jail;
        const Address *address;
        const char *cause;
} UnbannedSignal;

static int emit_unbanned(sd_bus *connection, const char *destination, const void *signal) {
        const UnbannedSignal *s = signal;

        (void) destination;
        return bus_manager_emit_unbanned(connection, s->jail, s->address, s->cause);
}

void bus_emit_unbanned(Bus *b, const char *jail, const Address *a, const char *cause) {
        if (b)
                emit(b, emit_unbanned, &(const UnbannedSignal){ jail, a, cause });
}
