/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A unit that was just started may take a while until it listens. So a look is followed by others
 * after twice the time each, up to a minute, and an event begins anew with a short time. However
 * many events there are, the looks they ask for are a second apart.
 *
 * What systemd answers is kept for each unit, so that a look asks nobody and waits for nobody: the
 * questions go out when there is a connection and when a job of a unit has ended, and an answer
 * that differs asks for a look.
 */

#include "daemon/unit-ports.h"

#include "base/log.h"
#include "base/usec.h"

#define LOOK_SOON (100 * USEC_PER_MSEC)
#define LOOK_SELDOM USEC_PER_MINUTE
#define LOOKS_APART USEC_PER_SEC

/* Socket units of one unit. */
#define SOCKETS_MAX 16

/* Ports told of one unit. */
#define PORTS_MAX 256

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"

typedef struct Unit Unit;
typedef struct Socket Socket;

/* A socket unit. */
struct Socket {
        Unit *unit;
        char *name;
        sd_bus_slot *slot; /* of the question that is out */
        PortSet tcp;
        PortSet udp;
        Socket *next;
};

/* A term of a match that names a unit, or the slice of a template's instances. */
struct Unit {
        UnitPorts *owner;
        MatchTerm term;
        sd_bus_slot *slot;
        Socket *sockets;
        size_t n_sockets;
        Unit *next;
};

struct UnitPorts {
        sd_event *event;
        sd_event_source *timer;
        usec_t delay; /* from the last look to the next */
        usec_t looked;
        UnitPortsHandler handler;
        void *userdata;

        sd_bus *connection; /* NULL: systemd cannot be asked */
        sd_bus_slot *job_slot;
        sd_bus_slot *subscribe_slot;
        Unit *units;
};

/* When to look */

static void arm(UnitPorts *u, usec_t when) {
        int r;

        r = sd_event_source_set_time(u->timer, when);
        if (r >= 0)
                r = sd_event_source_set_enabled(u->timer, SD_EVENT_ONESHOT);
        if (r < 0)
                (void) log_warning_errno(r, "Failed to wait until units may listen elsewhere: %m");
}

static usec_t get_now(const UnitPorts *u) {
        uint64_t now = 0;

        (void) sd_event_now(u->event, CLOCK_MONOTONIC, &now);
        return now;
}

static void look_soon(UnitPorts *u) {
        u->delay = LOOK_SOON;
        arm(u, MAX(get_now(u) + LOOK_SOON, u->looked + LOOKS_APART));
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        UnitPorts *u = userdata;
        bool settled = u->delay == LOOK_SELDOM;

        (void) source, (void) usec;

        u->looked = get_now(u);
        u->delay = MIN(2 * u->delay, LOOK_SELDOM);
        arm(u, u->looked + u->delay);
        u->handler(settled, u->userdata);
        return 0;
}

/* Asking systemd */

/* Asks for a property of a unit. */
static int get_property(UnitPorts *u,
                sd_bus_slot **slot,
                const char *unit,
                const char *interface,
                const char *property,
                sd_bus_message_handler_t handler,
                void *userdata) {
        _cleanup_(freep) char *path = NULL;
        sd_bus_message *call = NULL;
        int r;

        *slot = sd_bus_slot_unref(*slot);

        r = sd_bus_path_encode(SYSTEMD_PATH "/unit", unit, &path);
        if (r >= 0)
                r = sd_bus_message_new_method_call(u->connection,
                                &call,
                                SYSTEMD,
                                path,
                                "org.freedesktop.DBus.Properties",
                                "Get");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, false);
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", interface, property);
        if (r >= 0)
                r = sd_bus_call_async(u->connection, slot, call, handler, userdata, 0);
        if (r < 0)
                log_debug("systemd cannot be asked for %s of %s: %s", property, unit, strerror(-r));
        sd_bus_message_unref(call);
        return r;
}

/* True if the reply is one; a unit may be gone, and a bus without systemd. */
static bool is_answer(sd_bus_message *reply) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);

        if (e)
                log_debug("systemd does not tell of a unit: %s", e->message ?: e->name);
        return !e;
}

static void set_ports(Socket *s, const PortSet *tcp, const PortSet *udp) {
        if (ports_equal(&s->tcp, tcp) && ports_equal(&s->udp, udp))
                return;

        s->tcp = *tcp;
        s->udp = *udp;
        look_soon(s->unit->owner);
}

static int on_listen(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        PortSet tcp = { .protocols = PORT_TCP }, udp = { .protocols = PORT_UDP };
        const char *type, *address;
        Socket *s = userdata;

        (void) error;

        if (!is_answer(reply) || sd_bus_message_enter_container(reply, 'v', "a(ss)") < 0 ||
                        sd_bus_message_enter_container(reply, 'a', "(ss)") < 0)
                return 0;

        while (sd_bus_message_read(reply, "(ss)", &type, &address) > 0) {
                int port = listeners_parse_socket(address);

                if (port > 0 && streq(type, "Stream"))
                        (void) ports_add(&tcp, (uint16_t) port);
                else if (port > 0 && streq(type, "Datagram"))
                        (void) ports_add(&udp, (uint16_t) port);
        }

        set_ports(s, &tcp, &udp);
        return 0;
}

static int on_state(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const PortSet tcp = { .protocols = PORT_TCP }, udp = { .protocols = PORT_UDP };
        const char *state;
        Socket *s = userdata;

        (void) error;

        if (!is_answer(reply) || sd_bus_message_read(reply, "v", "s", &state) < 0)
                return 0;

        if (streq(state, "active"))
                (void) get_property(s->unit->owner,
                                &s->slot,
                                s->name,
                                SYSTEMD ".Socket",
                                "Listen",
                                on_listen,
                                s);
        else
                set_ports(s, &tcp, &udp);
        return 0;
}

static void ask_socket(Socket *s) {
        (void) get_property(s->unit->owner,
                        &s->slot,
                        s->name,
                        SYSTEMD ".Unit",
                        "ActiveState",
                        on_state,
                        s);
}

/* Adds a socket unit unless it is known. */
static void add_socket(Unit *unit, const char *name) {
        Socket *s;

        for (s = unit->sockets; s; s = s->next)
                if (streq(s->name, name))
                        return;
        if (unit->n_sockets == SOCKETS_MAX)
                return;

        s = calloc(1, sizeof(*s));
        if (s)
                s->name = strdup(name);
        if (!s || !s->name) {
                free(s);
                (void) log_oom();
                return;
        }

        s->unit = unit;
        s->tcp.protocols = PORT_TCP;
        s->udp.protocols = PORT_UDP;
        s->next = unit->sockets;
        unit->sockets = s;
        unit->n_sockets++;
        if (unit->owner->connection)
                ask_socket(s);
}

static int on_triggered_by(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const char *name;
        Unit *unit = userdata;

        (void) error;

        if (!is_answer(reply) || sd_bus_message_enter_container(reply, 'v', "as") < 0 ||
                        sd_bus_message_enter_container(reply, 'a', "s") < 0)
                return 0;

        /* Timers and paths are others. */
        while (sd_bus_message_read(reply, "s", &name) > 0) {
                const char *suffix = strrchr(name, '.');

                if (suffix && streq(suffix, ".socket"))
                        add_socket(unit, name);
        }

        return 0;
}

static void ask_unit(Unit *unit) {
        for (Socket *s = unit->sockets; s; s = s->next)
                ask_socket(s);

        if (unit->term.field == ENTRY_SYSTEMD_UNIT && !unit->term.glob)
                (void) get_property(unit->owner,
                                &unit->slot,
                                unit->term.value,
                                SYSTEMD ".Unit",
                                "TriggeredBy",
                                on_triggered_by,
                                unit);
}

/* Jobs */

/* True if the name is an instance of the template whose slice the term names. */
static bool is_instance_of(const MatchTerm *term, const char *name) {
        _cleanup_(match_freep) Match *match = NULL;
        const char *at = strchr(name, '@'), *suffix = strrchr(name, '.'), *bad;
        char template[256];

        if (term->field != ENTRY_SYSTEMD_SLICE || !at || !suffix ||
                        snprintf(template,
                                        sizeof(template),
                                        "%.*s@%s",
                                        (int) (at - name),
                                        name,
                                        suffix) >= (int) sizeof(template))
                return false;

        return match_new(&match) >= 0 && match_add_units(match, template, NULL, &bad) >= 0 &&
               streq(match->groups[0].terms[0].value, term->value);
}

static bool has_ports(const Unit *unit) {
        for (const Socket *s = unit->sockets; s; s = s->next)
                if (s->tcp.n_ranges > 0 || s->udp.n_ranges > 0)
                        return true;

        return false;
}

static int on_job_removed(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
        const char *name, *suffix, *result;
        UnitPorts *u = userdata;
        bool is_socket;

        (void) error;

        if (sd_bus_message_read(signal, "uoss", NULL, NULL, &name, &result) < 0)
                return 0;
        suffix = strrchr(name, '.');
        is_socket = suffix && streq(suffix, ".socket");

        for (Unit *unit = u->units; unit; unit = unit->next) {
                char path[258];

                (void) snprintf(path, sizeof(path), "/%s", name);
                if (is_socket || listeners_path_fits(path, &unit->term)) {
                        ask_unit(unit);
                        look_soon(u);
                } else if (is_instance_of(&unit->term, name) && !has_ports(unit)) {
                        /* With a socket unit, there is an instance for each connection. */
                        look_soon(u);
                }
        }

        return 0;
}

static int on_subscribed(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        (void) userdata, (void) error;

        (void) is_answer(reply);
        return 0;
}

static void disconnect(UnitPorts *u) {
        for (Unit *unit = u->units; unit; unit = unit->next) {
                unit->slot = sd_bus_slot_unref(unit->slot);
                for (Socket *s = unit->sockets; s; s = s->next)
                        s->slot = sd_bus_slot_unref(s->slot);
        }

        u->job_slot = sd_bus_slot_unref(u->job_slot);
        u->subscribe_slot = sd_bus_slot_unref(u->subscribe_slot);
        u->connection = sd_bus_unref(u->connection);
}

/* Has systemd tell of jobs, and asks for all units. */
static void begin_asking(UnitPorts *u) {
        sd_bus_message *call = NULL;
        int r;

        u->job_slot = sd_bus_slot_unref(u->job_slot);
        u->subscribe_slot = sd_bus_slot_unref(u->subscribe_slot);

        r = sd_bus_match_signal_async(u->connection,
                        &u->job_slot,
                        SYSTEMD,
                        SYSTEMD_PATH,
                        SYSTEMD ".Manager",
                        "JobRemoved",
                        on_job_removed,
                        NULL,
                        u);
        if (r >= 0)
                r = sd_bus_message_new_method_call(u->connection,
                                &call,
                                SYSTEMD,
                                SYSTEMD_PATH,
                                SYSTEMD ".Manager",
                                "Subscribe");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, false);
        if (r >= 0)
                r = sd_bus_call_async(u->connection, &u->subscribe_slot, call, on_subscribed, u, 0);
        sd_bus_message_unref(call);
        if (r < 0)
                log_debug("systemd does not tell when units start: %s", strerror(-r));

        for (Unit *unit = u->units; unit; unit = unit->next)
                ask_unit(unit);
        look_soon(u);
}

void unit_ports_connect(UnitPorts *u, sd_bus *connection) {
        assert(u);

        if (connection == u->connection)
                return;

        disconnect(u);
        u->connection = sd_bus_ref(connection);
        if (u->connection && u->units)
                begin_asking(u);
}

/* The units */

static Unit *unit_free(Unit *unit) {
        Socket *next;

        if (!unit)
                return NULL;

        for (Socket *s = unit->sockets; s; s = next) {
                next = s->next;
                sd_bus_slot_unref(s->slot);
                free(s->name);
                free(s);
        }
        sd_bus_slot_unref(unit->slot);
        free(unit->term.value);
        free(unit);
        return NULL;
}

static Unit *free_units(Unit *units) {
        Unit *next;

        for (Unit *unit = units; unit; unit = next) {
                next = unit->next;
                unit_free(unit);
        }

        return NULL;
}

static Unit *find_unit(Unit *units, const MatchTerm *term) {
        for (Unit *unit = units; unit; unit = unit->next)
                if (unit->term.field == term->field && streq(unit->term.value, term->value))
                        return unit;

        return NULL;
}

/* Takes what is known already over from the old list, or begins anew. */
static int add_unit(UnitPorts *u, Unit **old, Unit **units, const MatchTerm *term) {
        char name[256];
        Unit *unit;

        if ((term->field != ENTRY_SYSTEMD_UNIT && term->field != ENTRY_SYSTEMD_SLICE) ||
                        find_unit(*units, term))
                return 0;

        for (Unit **i = old; (unit = *i); i = &unit->next)
                if (find_unit(unit, term) == unit) {
                        *i = unit->next;
                        unit->next = *units;
                        *units = unit;
                        return 0;
                }

        unit = calloc(1, sizeof(*unit));
        if (!unit)
                return -ENOMEM;
        unit->owner = u;
        unit->term = *term;
        unit->term.value = strdup(term->value);
        if (!unit->term.value) {
                unit_free(unit);
                return -ENOMEM;
        }

        unit->next = *units;
        *units = unit;
        if (listeners_socket_of_term(term, name, sizeof(name)))
                add_socket(unit, name);
        return 0;
}

static int add_units(UnitPorts *u, Unit **old, Unit **units, const Match *match) {
        int r = 0;

        for (size_t i = 0; i < match->n_groups && r >= 0; i++)
                for (size_t k = 0; k < match->groups[i].n_terms && r >= 0; k++)
                        r = add_unit(u, old, units, &match->groups[i].terms[k]);

        return r;
}

int unit_ports_follow(UnitPorts *u, const Config *config) {
        Unit *old, *units = NULL;
        int r = 0;

        assert(u);
        assert(config);

        old = TAKE_PTR(u->units);
        for (size_t i = 0; i < config->n_jails && r >= 0; i++) {
                const JailConfig *c = &config->jails[i];

                if (c->enabled && !c->refused && c->ports_auto && c->match)
                        r = add_units(u, &old, &units, c->match);
        }
        free_units(old);
        u->units = units;
        if (r < 0)
                return r;

        if (!u->units) {
                u->job_slot = sd_bus_slot_unref(u->job_slot);
                return sd_event_source_set_enabled(u->timer, SD_EVENT_OFF);
        }

        if (u->connection)
                begin_asking(u);
        else
                look_soon(u);
        return 0;
}

static void add_ports(PortSet *ports, const PortSet *more) {
        if (!(ports->protocols & more->protocols))
                return;

        for (size_t i = 0; i < more->n_ranges; i++)
                for (unsigned port = more->ranges[i].first; port <= more->ranges[i].last; port++)
                        (void) ports_add(ports, (uint16_t) port);
}

void unit_ports_collect(const UnitPorts *u,
                const Listeners *listeners,
                const Match *match,
                PortSet *ports) {
        ListenerPort found[PORTS_MAX];
        size_t n = 0;

        assert(u);
        assert(match);
        assert(ports);

        if (listeners)
                n = listeners_of_match(listeners, match, ports->protocols, found, PORTS_MAX);
        for (size_t i = 0; i < n; i++)
                (void) ports_add(ports, found[i].port);

        for (size_t i = 0; i < match->n_groups; i++)
                for (size_t k = 0; k < match->groups[i].n_terms; k++) {
                        const Unit *unit = find_unit(u->units, &match->groups[i].terms[k]);

                        for (const Socket *s = unit ? unit->sockets : NULL; s; s = s->next) {
                                add_ports(ports, &s->tcp);
                                add_ports(ports, &s->udp);
                        }
                }
}

/* The whole */

int unit_ports_new(UnitPorts **ret, sd_event *event, UnitPortsHandler handler, void *userdata) {
        _cleanup_(unit_ports_freep) UnitPorts *u = NULL;
        int r;

        assert(ret);
        assert(event);
        assert(handler);

        u = calloc(1, sizeof(*u));
        if (!u)
                return -ENOMEM;
        u->event = sd_event_ref(event);
        u->handler = handler;
        u->userdata = userdata;
        u->delay = LOOK_SOON;

        r = sd_event_add_time(event, &u->timer, CLOCK_MONOTONIC, 0, 0, on_timer, u);
        if (r >= 0)
                r = sd_event_source_set_enabled(u->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(u);
        return 0;
}

UnitPorts *unit_ports_free(UnitPorts *u) {
        if (!u)
                return NULL;

        disconnect(u);
        free_units(u->units);
        sd_event_source_disable_unref(u->timer);
        sd_event_unref(u->event);
        free(u);
        return NULL;
}
