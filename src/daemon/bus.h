/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Bus connections
 *
 * org.banjo1 is served on a message bus and, peer to peer, to root on the socket that systemd
 * activates the service by. Both get the same interface, which bus-manager.h has. A bus that is not
 * there yet, or goes away, is waited for; the daemon works without one.
 */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macro.h"
#include "daemon/manager.h"
#include "model/address.h"
#include "model/ban.h"

typedef struct Bus Bus;

/* Peers served at a time; another one is turned away. */
#define BUS_PEERS_MAX 32

/* Attaches to the event loop. address is "system", "none" or a D-Bus address; listen_fd a listening
 * socket, which is taken over, or -1. Returns 0 and passes ownership; a negative errno, reported.
 */
int bus_new(Bus **ret, sd_event *event, Manager *manager, const char *address, int listen_fd);

Bus *bus_free(Bus *b);
DEFINE_CLEANUP(Bus *, bus_free)

/* The connection to the message bus, NULL if there is none now. It may be another one later; a
 * reference to it tells. */
sd_bus *bus_get_connection(const Bus *b);

/* Whether the caller of a method may do this, which is one of BUS_ACTION_*. Peers are root, whose
 * credentials were looked at when they were accepted. Returns as bus_polkit_authorize(): 0 if he
 * may, and then the manager knows who calls; everything else is what the method returns, too. */
int bus_authorize(Bus *b, sd_bus_message *call, const char *action, sd_bus_error *error);

/* Whoever calls subscribes to single failures, until he unsubscribes or is gone. Return 1, 0 if
 * that was so already, or -EDQUOT if there are BUS_SUBSCRIBERS_MAX; or another negative errno. */
#define BUS_SUBSCRIBERS_MAX 64
int bus_subscribe(Bus *b, sd_bus_message *call);
int bus_unsubscribe(Bus *b, sd_bus_message *call);

/* True if somebody has; NULL for the bus is fine. */
bool bus_has_subscribers(const Bus *b);

/* A failure that was counted; the address is whose it was. */
typedef struct BusFailure {
        const char *jail;
        const Address *address;
        const char *pattern;
        const char *user;  /* that may be told, or "" */
        unsigned failures; /* within findtime, with this one */
        usec_t when;
} BusFailure;

/* To those who subscribed. */
void bus_emit_failure(Bus *b, const BusFailure *failure);

/* Signals, to everybody connected. NULL for the bus is fine and does nothing. */
void bus_emit_reloaded(Bus *b);
void bus_emit_repaired(Bus *b, const char *what);
void bus_emit_jail_added(Bus *b, const char *name);   /* once it is there */
void bus_emit_jail_removed(Bus *b, const char *name); /* while it still is */
void bus_emit_paused(Bus *b, const char *name);       /* or it goes on */

/* Properties of the manager may have changed; that is told a little later. */
void bus_note_changes(Bus *b);
void bus_emit_banned(Bus *b, const char *jail, const Ban *ban);
void bus_emit_unbanned(Bus *b, const char *jail, const Address *a, const char *cause);
