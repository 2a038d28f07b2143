/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Random histories of bans against the kernel, compared with a model
 *
 * Jails of which two share a port, and prefixes of several lengths of both families, some within
 * others. Batches add, extend, shorten and remove; now and then the jails are configured again, the
 * firewall is closed and opened, or somebody takes elements out. After each batch, what it was
 * about is looked up one by one; every few batches all that nft(8) lists is compared.
 *
 * A run does so many batches, or takes so long. BANJO_SEED repeats one.
 */

#include "test.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macro.h"
#include "engine/nft-jail.h"
#include "engine/nft-link.h"
#include "engine/nft-table.h"
#include "firewalls.h"
#include "netns.h"

#define N_JAILS 4u
#define N_ADDRESSES 400u
#define N_BATCHES 200u
#define BATCH_MAX 200u
#define TIME_MAX (20 * USEC_PER_SEC)
#define LISTED_EVERY 10u

/* So much may pass between what is set and what is looked up. */
#define TOLERANCE (60 * USEC_PER_SEC)

static const struct {
        const char *name, *ports;
        unsigned protocols;
} jails[N_JAILS] = {
        { "sshd", "22", PORT_TCP },
        { "imap", "143,993", PORT_TCP },
        { "pop3", "110,993", PORT_TCP },
        { "scan", "any", PORT_TCP | PORT_UDP },
};

static Address addresses[N_ADDRESSES];

/* What each jail has of each address: until when by the monotonic clock, USEC_INFINITY for good, 0
 * if it has none. */
static usec_t model[N_JAILS][N_ADDRESSES];

static uint64_t first_seed, seed;

static uint64_t next_random(uint64_t n) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (seed >> 33) % n;
}

static usec_t now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;
}

static void make_addresses(void) {
        static const unsigned lengths4[] = { 32, 32, 32, 24, 25, 27 };
        static const unsigned lengths6[] = { 128, 64, 64, 48, 56 };

        for (unsigned i = 0; i < N_ADDRESSES; i++) {
                Address *a = &addresses[i];
                bool known;

                do {
                        known = false;
                        if (next_random(2)) {
                                *a = netns_address("198.18.0.0");
                                a->bytes[2] = (uint8_t) next_random(4);
                                a->bytes[3] = (uint8_t) next_random(256);
                                address_widen(a, lengths4[next_random(ELEMENTSOF(lengths4))]);
                        } else {
                                *a = netns_address("2001:db8::1");
                                a->bytes[5] = (uint8_t) next_random(4);
                                a->bytes[7] = (uint8_t) next_random(64);
                                address_widen(a, lengths6[next_random(ELEMENTSOF(lengths6))]);
                        }
                        for (unsigned k = 0; k < i && !known; k++)
                                known = address_equal(a, &addresses[k]);
                } while (known);
        }
}

/* the firewall */

static usec_t get_longest(const Address *a, void *userdata) {
        usec_t until = 0, t = now();

        (void) userdata;

        for (unsigned i = 0; i < N_ADDRESSES; i++)
                for (unsigned j = 0; j < N_JAILS && address_equal(a, &addresses[i]); j++)
                        until = MAX(until, model[j][i]);

        return usec_sub(until, t);
}

static void get_jails(FirewallJail ret[static N_JAILS]) {
        for (unsigned j = 0; j < N_JAILS; j++)
                ret[j] = make_jail(jails[j].name, jails[j].ports, jails[j].protocols);
}

/* Configures, and puts everything in, as after a start. */
static void settle(Firewall *f) {
        FirewallJail list[N_JAILS];
        int r;

        get_jails(list);
        do {
                usec_t t = now();

                assert_ok(firewall_configure(f, &settings, list, N_JAILS));
                for (unsigned j = 0; j < N_JAILS; j++)
                        for (unsigned i = 0; i < N_ADDRESSES; i++)
                                if (model[j][i] > 0)
                                        assert_ok(firewall_add(f,
                                                        jails[j].name,
                                                        &addresses[i],
                                                        usec_sub(model[j][i], t),
                                                        FIREWALL_KEEP));
                assert_ok(firewall_commit(f, NULL, NULL));
                r = firewall_settle(f);
                assert_ok(r);
        } while (r > 0);
}

static Firewall *open_all(void) {
        Firewall *f = open_unconfigured();

        firewall_set_longest(f, get_longest, NULL);
        settle(f);
        return f;
}

/* comparing */

static bool is_right(usec_t until, usec_t remaining) {
        usec_t expected = usec_sub(until, now());

        if (until == 0 || until == USEC_INFINITY)
                return remaining == until;
        return remaining > 0 && remaining != USEC_INFINITY && remaining <= expected + TOLERANCE &&
               expected <= remaining + TOLERANCE;
}

static void check_one(Firewall *f, unsigned j, unsigned i) {
        FirewallElement element = {};
        char text[ADDRESS_STR_SIZE];
        int r;

        r = firewall_lookup(f, jails[j].name, &addresses[i], &element);
        assert_ok(r);
        if (!is_right(model[j][i], r > 0 ? element.remaining : 0))
                fail_msg("%s has %s for %llu us, and not until %llu",
                                jails[j].name,
                                address_format(&addresses[i], text),
                                (unsigned long long) element.remaining,
                                (unsigned long long) model[j][i]);
}

/* What nft(8) has of each, in seconds; for jails and, last, for the gate. */
static usec_t listed[N_JAILS + 1][N_ADDRESSES];

static void take_element(const char *set, json_t *item) {
        json_t *e = json_is_object(item) ? json_object_get(item, "elem") : NULL;
        json_t *value = e ? json_object_get(e, "val") : item, *expires;
        unsigned j, prefixlen;
        FirewallName name;
        int family;
        Address a;

        if (strncmp(set, ".gate-", strlen(".gate-")) == 0) {
                char text[64];

                (void) snprintf(text, sizeof(text), "gate%s", set + strlen(".gate"));
                assert_true(nft_parse_set_name(text, name, &family, &prefixlen));
                j = N_JAILS;
        } else {
                assert_true(nft_parse_set_name(set, name, &family, &prefixlen));
                for (j = 0; j < N_JAILS && !streq(jails[j].name, name); j++)
                        ;
                assert_in_range(j, 0, N_JAILS - 1);
        }

        a = netns_address(json_string_value(value));
        address_widen(&a, prefixlen);
        expires = e ? json_object_get(e, "expires") : NULL;
        for (unsigned i = 0; i < N_ADDRESSES; i++)
                if (address_equal(&a, &addresses[i])) {
                        listed[j][i] = expires ? (usec_t) json_integer_value(
                                                                 expires) * USEC_PER_SEC +
                                                                       1
                                               : USEC_INFINITY;
                        return;
                }

        fail_msg("%s has %s, which nobody banned", set, json_string_value(value));
}

static json_t *list_table(void) {
        json_error_t error;
        json_t *root;
        FILE *p;

        p = popen("nft -j list table inet " NFT_TABLE, "r");
        assert_non_null(p);
        root = json_loadf(p, 0, &error);
        assert_int_equal(pclose(p), 0);
        assert_non_null(root);
        return root;
}

static void check_all(void) {
        json_t *root, *object, *item;
        size_t k, n;

        memset(listed, 0, sizeof(listed));
        root = list_table();
        json_array_foreach(json_object_get(root, "nftables"), k, object) {
                json_t *set = json_object_get(object, "set");
                const char *name = json_string_value(json_object_get(set, "name"));

                /* Not those of what this host has sent. */
                if (name && strncmp(name, "udp-out", strlen("udp-out")) != 0)
                        json_array_foreach(json_object_get(set, "elem"), n, item)
                                        take_element(name, item);
        }
        json_decref(root);

        for (unsigned i = 0; i < N_ADDRESSES; i++) {
                char text[ADDRESS_STR_SIZE];
                usec_t shared;

                address_format(&addresses[i], text);
                for (unsigned j = 0; j < N_JAILS; j++)
                        if (!is_right(model[j][i], listed[j][i]))
                                fail_msg("nft lists %s in %s for %llu us",
                                                text,
                                                jails[j].name,
                                                (unsigned long long) listed[j][i]);

                /* imap and pop3. */
                shared = MAX(model[1][i], model[2][i]);
                if (shared > 0 && listed[N_JAILS][i] != USEC_INFINITY &&
                                !is_right(shared, listed[N_JAILS][i]) &&
                                listed[N_JAILS][i] < usec_sub(shared, now()))
                        fail_msg("the gate lets %s pass", text);
        }
}

/* histories */

static usec_t random_length(void) {
        switch (next_random(6)) {
        case 0:
                return USEC_INFINITY;
        case 1:
                return USEC_PER_HOUR;
        default:
                return (1 + next_random(7)) * USEC_PER_DAY;
        }
}

/* Somebody takes elements out, of which the next batch says something. */
static void delete_some(const unsigned *j, const unsigned *i, size_t n) {
        _cleanup_(nft_link_freep) NftLink *l = NULL;

        assert_ok(nft_link_new(&l, NFT_TABLE));
        for (size_t k = 0; k < n; k++) {
                const Address *a = &addresses[i[k]];
                char set[64];
                struct nftnl_set *elements;
                unsigned whole = a->family == AF_INET ? 32 : 128;

                (void) snprintf(set,
                                sizeof(set),
                                "%s-v%d",
                                jails[j[k]].name,
                                a->family == AF_INET ? 4 : 6);
                if (a->prefixlen < whole)
                        (void) snprintf(set + strlen(set), 8, "-%u", a->prefixlen);

                nft_link_begin(l);
                elements = nft_elements_new(l, set);
                (void) nft_elements_add(l, elements, a->bytes, nft_address_size(a->family));
                nft_put_elements(l, NFT_MSG_DELSETELEM, 0, elements);
                nftnl_set_free(elements);
                (void) nft_link_commit(l, NULL, NULL); /* it may not be there */
        }
}

static void do_batch(Firewall *f) {
        unsigned jail[BATCH_MAX], address[BATCH_MAX];
        size_t n = 1 + next_random(BATCH_MAX);

        for (size_t k = 0; k < n; k++) {
                jail[k] = (unsigned) next_random(N_JAILS);
                address[k] = (unsigned) next_random(N_ADDRESSES);
        }

        if (next_random(5) == 0)
                delete_some(jail, address, MIN(n, (size_t) 20));

        for (size_t k = 0; k < n; k++) {
                const Address *a = &addresses[address[k]];
                usec_t *until = &model[jail[k]][address[k]];

                if (next_random(3) == 0) {
                        assert_ok(firewall_remove(f, jails[jail[k]].name, a));
                        *until = 0;
                } else {
                        usec_t length = random_length();

                        assert_ok(firewall_add(f,
                                        jails[jail[k]].name,
                                        a,
                                        length,
                                        next_random(4) == 0 ? FIREWALL_COUNTED : 0));
                        *until = usec_add(now(), length);
                }
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), n);

        for (size_t k = 0; k < n; k++)
                check_one(f, jail[k], address[k]);
}

static void history_ends_as_the_model_says(void **state) {
        usec_t start = now();
        Firewall *f = NULL;
        unsigned n;

        (void) state;

        seed = first_seed;
        print_message("# BANJO_SEED=%llu\n", (unsigned long long) seed);
        memset(model, 0, sizeof(model));
        make_addresses();

        /* Others may change the table. */
        settings.ownership = OWNERSHIP_NO;
        f = open_all();

        for (n = 0; n < N_BATCHES && now() - start < TIME_MAX; n++) {
                switch (next_random(20)) {
                case 0:
                        close_firewall(f);
                        f = open_all();
                        check_all();
                        break;
                case 1:
                        settle(f);
                        break;
                default:
                        do_batch(f);
                }
                if (n % LISTED_EVERY == 0)
                        check_all();
        }
        check_all();
        print_message("# %u batches\n", n);
}

static int remove_table_and_age(void **state) {
        (void) remove_table(state);
        kernel_is_old = true;
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                                history_ends_as_the_model_says, remove_table, remove_table),
                {
                                "history_ends_as_the_model_says (old kernel)",
                                history_ends_as_the_model_says,
                                remove_table_and_age,
                                remove_table,
                                NULL,
                },
        };
        const char *wanted = getenv("BANJO_SEED");

        first_seed = wanted ? strtoull(wanted, NULL, 10)
                            : (uint64_t) time(NULL) ^ (uint64_t) getpid() << 32;
        netns_enter();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
