/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include "firewalls.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/firewall-ops.h"
#include "netns.h"

FirewallJail make_jail(const char *name, const char *ports, unsigned protocols) {
        FirewallJail jail = { .name = name, .ports = { .protocols = protocols } };
        const char *bad = NULL;

        assert_ok(ports_parse(ports, &jail.ports, &bad));
        return jail;
}

/* Firewalls that are open. A test that fails never comes to its end, and an owned table would stay
 * closed to the tests after it. */
static Firewall *opened[8];

bool kernel_is_old;
FirewallSettings settings;

Firewall *open_unconfigured(void) {
        for (size_t i = 0; i < ELEMENTSOF(opened); i++)
                if (!opened[i]) {
                        assert_ok(firewall_nft_new(&opened[i]));
                        if (kernel_is_old)
                                firewall_nft_assume_old_kernel(opened[i]);
                        return opened[i];
                }

        fail();
        return NULL;
}

Firewall *open_firewall(const FirewallJail *jails, size_t n_jails) {
        Firewall *f = open_unconfigured();

        assert_ok(firewall_configure(f, &settings, jails, n_jails));
        return f;
}

void close_firewall(Firewall *f) {
        for (size_t i = 0; i < ELEMENTSOF(opened); i++)
                if (opened[i] == f)
                        opened[i] = firewall_free(f);
}

void ban(Firewall *f, const char *jail, const char *address, usec_t remaining) {
        const Address a = netns_address(address);

        assert_ok(firewall_add(f, jail, &a, remaining, 0));
        assert_int_equal(firewall_commit(f, NULL, NULL), 1);
}

void unban(Firewall *f, const char *jail, const char *address) {
        const Address a = netns_address(address);

        assert_ok(firewall_remove(f, jail, &a));
        assert_int_equal(firewall_commit(f, NULL, NULL), 1);
}

FirewallElement element_of(Firewall *f, const char *jail, const char *address) {
        const Address a = netns_address(address);
        FirewallElement element = {};
        int r;

        r = firewall_lookup(f, jail, &a, &element);
        assert_ok(r);
        assert_true(r > 0 || element.remaining == 0); /* less than a tick may be left of one */
        return element;
}

usec_t remaining_of(Firewall *f, const char *jail, const char *address) {
        return element_of(f, jail, address).remaining;
}

void assert_about(usec_t remaining, usec_t expected) {
        assert_true(remaining <= expected);
        assert_true(remaining > expected - MIN(expected / 2, 10 * USEC_PER_MINUTE));
}

uint64_t packets_dropped(Firewall *f, const char *jail) {
        FirewallCounter counter;

        assert_ok(firewall_get_counter(f, jail, &counter));
        return counter.packets;
}

static struct {
        pid_t pid; /* of who sends, 0 if nobody does */
        int server;
} flood;

void start_flood(void) {
        int peer = netns_socket(SIDE_PEER, SOCK_DGRAM, PEER4, 0, false);

        flood.server = netns_socket(SIDE_HOST, SOCK_DGRAM, HOST4, FLOOD_PORT, false);
        flood.pid = fork();
        assert_true(flood.pid >= 0);
        if (flood.pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                netns_stay_on_processor();
                for (;;)
                        netns_send(peer, HOST4, FLOOD_PORT);
        }

        close(peer);
}

uint64_t await_flood(Firewall *f, const char *jail, uint64_t dropped) {
        uint64_t n;

        do
                n = packets_dropped(f, jail);
        while (n <= dropped);

        return n;
}

/* Whether one has passed. */
static bool drain_flood(void) {
        bool passed = false;

        while (netns_receive(flood.server))
                passed = true;

        return passed;
}

void forget_early_ones(Firewall *f, const char *jail) {
        (void) await_flood(f, jail, packets_dropped(f, jail));
        (void) drain_flood();
}

void slow_down(const char *table, const char *chain) {
        netns_run("t='inet %s'; { "
                  "echo add chain $t slow; echo add chain $t slower; "
                  "for i in $(seq 300); do"
                  " echo add rule $t slow meta mark 1; echo add rule $t slower jump slow; done; "
                  "echo insert rule $t %s jump slower; } | nft -f -",
                        table,
                        chain);
}

bool stop_flood(void) {
        bool passed;

        (void) kill(flood.pid, SIGKILL);
        (void) waitpid(flood.pid, NULL, 0);
        flood.pid = 0;

        passed = drain_flood();
        close(flood.server);
        flood.server = -1;
        return passed;
}

void count_element(const char *jail,
                const Address *address,
                const FirewallElement *element,
                void *n) {
        (void) jail;
        (void) address;
        (void) element;
        ++*(size_t *) n;
}

size_t count_elements(Firewall *f) {
        size_t n = 0;
        int r;

        r = firewall_list(f, 1000000, count_element, &n);
        assert_int_equal(r, n);
        return n;
}

int remove_table(void **state) {
        Firewall *f;

        (void) state;

        if (flood.pid > 0)
                (void) stop_flood();
        for (size_t i = 0; i < ELEMENTSOF(opened); i++)
                opened[i] = firewall_free(opened[i]);

        kernel_is_old = false;
        settings = (FirewallSettings){};
        f = open_unconfigured();
        assert_ok(firewall_destroy(f));
        close_firewall(f);
        return 0;
}
