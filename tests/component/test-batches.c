/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Large transactions against the kernel, with the buffers of a process that has no privilege over
 * them: what has to be split, what the kernel refuses, and what changed meanwhile.
 */

#include "test.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/macro.h"
#include "engine/firewall-ops.h"
#include "engine/nft-elements.h"
#include "engine/nft-link.h"
#include "engine/nft-present.h"
#include "engine/nft-table.h"
#include "firewalls.h"
#include "netns.h"

/* helpers */

/* Others may change the table, as they may on older kernels. */
static Firewall *open_sshd(void) {
        const FirewallJail jail = make_jail("sshd", "22", PORT_TCP);
        Firewall *f;

        settings.ownership = OWNERSHIP_NO;
        f = open_firewall(&jail, 1);
        firewall_nft_assume_usual_buffers(f);
        return f;
}

static int remove_table_and_age(void **state) {
        (void) remove_table(state);
        kernel_is_old = true;
        return 0;
}

static NftLink *open_link(void) {
        NftLink *l = NULL;

        assert_ok(nft_link_new(&l, NFT_TABLE));
        nft_link_take_usual_buffers(l);
        return l;
}

/* Somebody puts a set in place that is soon full. */
static void replace_set(const char *name, uint32_t size) {
        const NftSetParams params = {
                .flags = NFT_SET_TIMEOUT,
                .key_type = NFT_TYPE_IPV4_ADDR,
                .key_size = 4,
                .size = size,
        };
        _cleanup_(nft_link_freep) NftLink *l = open_link();

        nft_link_begin(l);
        nft_flush_rules(l);
        nft_delete_set(l, name);
        nft_add_set(l, name, &params);
        assert_ok(nft_link_commit(l, NULL, NULL));
}

/* Of 198.18.0.0/15, in a network namespace without packets. */
static Address nth4(unsigned i) {
        Address a = netns_address("198.18.0.0");

        a.bytes[1] = (uint8_t) (a.bytes[1] + (i >> 16));
        a.bytes[2] = (uint8_t) (i >> 8);
        a.bytes[3] = (uint8_t) i;
        return a;
}

static Address nth6(unsigned i) {
        Address a = netns_address("2001:db8::/64");

        a.bytes[5] = (uint8_t) (i >> 16);
        a.bytes[6] = (uint8_t) (i >> 8);
        a.bytes[7] = (uint8_t) i;
        return a;
}

static bool is_banned(Firewall *f, const Address *a) {
        int r;

        r = firewall_lookup(f, "sshd", a, NULL);
        assert_ok(r);
        return r > 0;
}

/* How many of the first n. Foreign sets are not listed. */
static unsigned count_banned(Firewall *f, unsigned n) {
        unsigned n_banned = 0;

        for (unsigned i = 0; i < n; i++) {
                const Address a = nth4(i);

                n_banned += is_banned(f, &a);
        }

        return n_banned;
}

typedef struct Refused {
        size_t n;
        int error;
        Address last;
} Refused;

static void
on_refused(const char *jail, const Address *address, int error, const char *text, void *userdata) {
        Refused *refused = userdata;

        assert_string_equal(jail, "sshd");
        assert_non_null(text);
        refused->n++;
        refused->error = error;
        refused->last = *address;
}

/* the kernel's words */

typedef struct Answer {
        unsigned index;
        int error;
        char text[128];
} Answer;

static void on_error(unsigned index, int error, const char *text, void *userdata) {
        Answer *answer = userdata;

        answer->index = index;
        answer->error = error;
        (void) strncpy(answer->text, text, sizeof(answer->text) - 1);
}

/* 6.18 does, for attributes that are not of the kind they should be. 6.1 and 6.12 have none for any
 * error of a batch; those between have not been tried. */
static bool has_words_for_batches(void) {
        unsigned major, minor;
        struct utsname name;

        assert_ok(uname(&name));
        assert_int_equal(sscanf(name.release, "%u.%u", &major, &minor), 2);
        return major > 6 || (major == 6 && minor >= 18);
}

static void what_the_kernel_says_to_an_error_is_told(void **state) {
        _cleanup_(nft_link_freep) NftLink *l = open_link();
        Answer answer = {}, none = { .text = "nothing" };
        struct nlmsghdr *nlh;
        char name[NFT_NAME_MAXLEN + 10] = {};

        (void) state;

        memset(name, 'x', sizeof(name) - 1);
        nft_link_begin(l);
        nft_add_table(l, 0);
        nlh = nft_link_message(l, NFT_MSG_NEWTABLE, NFPROTO_INET, NLM_F_CREATE);
        mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, name);
        assert_fails(nft_link_commit(l, on_error, &answer), ERANGE);
        assert_int_equal(answer.index, 1);
        assert_int_equal(answer.error, -ERANGE);

        /* Most errors come without, such as a full set. */
        nft_link_begin(l);
        nft_delete_set(l, "none");
        assert_fails(nft_link_commit(l, on_error, &none), ENOENT);
        assert_string_equal(none.text, "");

        if (has_words_for_batches())
                assert_string_equal(answer.text, "Attribute failed policy validation");
}

/* what is too much at once */

static void what_is_larger_than_the_send_buffer_goes_in_parts(void **state) {
        Firewall *f = open_sshd();
        _cleanup_(nft_link_freep) NftLink *l = open_link();
        const unsigned n = 50000;

        (void) state;

        /* An element takes more than 20 bytes. */
        assert_true(nft_link_get_send_limit(l) < 20 * n);

        for (unsigned i = 0; i < n; i++) {
                const Address a = nth4(i), b = nth6(i);

                assert_ok(firewall_add(f, "sshd", &a, USEC_PER_HOUR, 0));
                assert_ok(firewall_add(f, "sshd", &b, USEC_PER_HOUR, FIREWALL_COUNTED));
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), 2 * n);
        assert_int_equal(count_elements(f), 2 * n);
}

static void message_that_is_too_large_is_an_error(void **state) {
        _cleanup_(nft_link_freep) NftLink *l = open_link();

        (void) state;

        nft_link_begin(l);
        while (nft_link_n_messages(l) < nft_link_get_send_limit(l) / 32)
                nft_add_table(l, 0);
        assert_fails(nft_link_commit(l, NULL, NULL), EMSGSIZE);

        /* And the link goes on. */
        nft_link_begin(l);
        nft_add_table(l, 0);
        assert_ok(nft_link_commit(l, NULL, NULL));
}

static void count_error(unsigned index, int error, const char *text, void *userdata) {
        (void) index;
        (void) error;
        (void) text;
        ++*(size_t *) userdata;
}

static void answers_that_do_not_fit_leave_the_outcome_known(void **state) {
        _cleanup_(nft_link_freep) NftLink *l = open_link();
        const unsigned n = 3000;
        size_t n_errors = 0;

        (void) state;

        nft_link_begin(l);
        nft_add_table(l, 0);
        for (unsigned i = 0; i < n; i++)
                nft_delete_set(l, "none");
        assert_fails(nft_link_commit(l, count_error, &n_errors), ENOENT);
        assert_in_range(n_errors, 100, n - 1);

        nft_link_begin(l);
        nft_add_table(l, 0);
        assert_ok(nft_link_commit(l, NULL, NULL));
}

/* what is done while the kernel works */

static void what_was_started_ends_like_anything_else(void **state) {
        _cleanup_(nft_link_freep) NftLink *l = open_link();
        Answer answer = {};

        (void) state;

        nft_link_begin(l);
        nft_link_start(l);
        assert_ok(nft_link_commit(l, NULL, NULL));

        for (unsigned i = 0; i < 100; i++) {
                nft_link_begin(l);
                nft_add_table(l, 0);
                nft_link_start(l);
                assert_ok(nft_link_commit(l, NULL, NULL));

                nft_link_begin(l);
                nft_add_table(l, 0);
                nft_delete_set(l, "none");
                nft_link_start(l);
                assert_fails(nft_link_commit(l, on_error, &answer), ENOENT);
                assert_int_equal(answer.index, 1);
        }

        nft_link_begin(l);
        while (nft_link_n_messages(l) < nft_link_get_send_limit(l) / 32)
                nft_add_table(l, 0);
        nft_link_start(l);
        assert_fails(nft_link_commit(l, NULL, NULL), EMSGSIZE);

        nft_link_begin(l);
        nft_link_fail(l, -ENOMEM);
        nft_link_start(l);
        assert_fails(nft_link_commit(l, NULL, NULL), ENOMEM);
}

/* Before anybody waits for it. */
static void what_was_started_is_carried_out_by_itself(void **state) {
        _cleanup_(nft_link_freep) NftLink *l = open_link(), *other = open_link();
        bool there = false;

        (void) state;

        nft_link_begin(l);
        nft_add_table(l, 0);
        nft_link_start(l);
        for (unsigned i = 0; i < 60000 && !there; i++) {
                NftPresent present = {};
                int r;

                r = nft_present_read(other, &present);
                there = r >= 0 && present.table;
                nft_present_done(&present);
                assert_true(r >= 0 || r == -EINTR); /* it is being made */
                (void) usleep(1000);
        }
        assert_true(there);
        assert_ok(nft_link_commit(l, NULL, NULL));
}

typedef struct Meanwhile {
        pthread_t thread;
        unsigned n;
} Meanwhile;

static void on_meanwhile(void *userdata) {
        Meanwhile *m = userdata;

        m->thread = pthread_self();
        m->n++;
}

static void caller_does_something_else_during_each_transaction(void **state) {
        const Address a = nth4(1), b = nth4(2);
        Firewall *f = open_sshd();
        Meanwhile meanwhile = {};

        (void) state;

        firewall_set_meanwhile(f, on_meanwhile, &meanwhile);
        assert_int_equal(firewall_commit(f, NULL, NULL), 0);
        assert_int_equal(meanwhile.n, 0);

        assert_ok(firewall_add(f, "sshd", &a, USEC_PER_HOUR, 0));
        assert_int_equal(firewall_commit(f, NULL, NULL), 1);
        assert_int_equal(meanwhile.n, 1);
        assert_true(pthread_equal(meanwhile.thread, pthread_self()));
        assert_true(is_banned(f, &a));

        for (unsigned i = 0; i < 20000; i++) {
                const Address many = nth4(i);

                assert_ok(firewall_add(f, "sshd", &many, USEC_PER_HOUR, FIREWALL_KEEP));
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), 20000);
        assert_in_range(meanwhile.n, 3, 20000);
        assert_int_equal(count_banned(f, 20000), 20000);

        meanwhile.n = 0;
        firewall_set_meanwhile(f, NULL, NULL);
        ban(f, "sshd", "192.0.2.1", USEC_PER_HOUR);
        assert_int_equal(meanwhile.n, 0);
        assert_true(is_banned(f, &b));
}

/* what the kernel refuses */

static void full_set_takes_what_fits_and_the_rest_is_named(void **state) {
        const unsigned n = 12000, size = 2000;
        Refused refused = {};
        Firewall *f = NULL;

        (void) state;

        f = open_sshd();
        replace_set("sshd-v4", size);

        for (unsigned i = 0; i < n; i++) {
                const Address a = i % 2 ? nth4(i) : nth6(i);

                assert_ok(firewall_add(f, "sshd", &a, USEC_PER_HOUR, 0));
        }
        assert_int_equal(firewall_commit(f, on_refused, &refused), n / 2 + size);
        assert_int_equal(refused.n, n / 2 - size);
        assert_int_equal(refused.error, -ENFILE);
        assert_int_equal(refused.last.family, AF_INET);
        assert_int_equal(firewall_n_queued(f), 0);
        assert_int_equal(count_banned(f, n), size);
}

static void single_refused_element_keeps_nobody_back(void **state) {
        const unsigned n = 9000;
        Refused refused = {};
        Firewall *f = NULL;
        Address first = nth4(0);

        (void) state;

        f = open_sshd();
        replace_set("sshd-v4", n - 1);

        for (unsigned i = 0; i < n; i++) {
                const Address a = nth4(i);

                assert_ok(firewall_add(f, "sshd", &a, USEC_PER_HOUR, 0));
        }
        assert_int_equal(firewall_commit(f, on_refused, &refused), n - 1);
        assert_int_equal(refused.n, 1);
        assert_int_equal(count_banned(f, n), n - 1);

        /* What is there can be extended, and what was lifted makes room. */
        refused.n = 0;
        assert_ok(firewall_add(f, "sshd", &first, USEC_PER_DAY, 0));
        assert_int_equal(firewall_commit(f, on_refused, &refused), 1);
        assert_ok(firewall_remove(f, "sshd", &first));
        assert_ok(firewall_add(f, "sshd", &refused.last, USEC_PER_DAY, 0));
        assert_int_equal(firewall_commit(f, on_refused, &refused), 2);
        assert_int_equal(refused.n, 0);
        assert_int_equal(count_banned(f, n), n - 1);
}

/* what changed meanwhile */

/* Somebody else takes an element out. */
static void delete_element(const char *set, const Address *a) {
        _cleanup_(nft_link_freep) NftLink *l = open_link();
        struct nftnl_set *elements;

        nft_link_begin(l);
        elements = nft_elements_new(l, set);
        (void) nft_elements_add(l, elements, a->bytes, nft_address_size(a->family));
        nft_put_elements(l, NFT_MSG_DELSETELEM, 0, elements);
        nftnl_set_free(elements);
        assert_ok(nft_link_commit(l, NULL, NULL));
}

static void what_somebody_deleted_can_be_lifted_and_banned(void **state) {
        const Address lifted = nth4(1), again = nth4(2), fresh = nth4(3);
        Firewall *f = open_sshd();

        (void) state;

        assert_ok(firewall_add(f, "sshd", &lifted, USEC_PER_HOUR, 0));
        assert_ok(firewall_add(f, "sshd", &again, USEC_PER_HOUR, 0));
        assert_int_equal(firewall_commit(f, NULL, NULL), 2);
        delete_element("sshd-v4", &lifted);
        delete_element("sshd-v4", &again);

        assert_ok(firewall_remove(f, "sshd", &lifted));
        assert_ok(firewall_add(f, "sshd", &again, USEC_PER_DAY, 0));
        assert_ok(firewall_add(f, "sshd", &fresh, USEC_PER_DAY, 0));
        assert_int_equal(firewall_commit(f, NULL, NULL), 3);
        assert_false(is_banned(f, &lifted));
        assert_true(is_banned(f, &again));
        assert_true(is_banned(f, &fresh));
}

static void what_has_just_expired_can_be_lifted_and_banned(void **state) {
        const unsigned n = 1000;
        const Address last = nth4(n - 1);
        Firewall *f = open_sshd();

        (void) state;

        for (unsigned i = 0; i < n; i++) {
                const Address a = nth4(i);

                assert_ok(firewall_add(f, "sshd", &a, (i + 1) * USEC_PER_MSEC / 10, 0));
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), n);

        /* They expire while they are changed. */
        do {
                for (unsigned i = 0; i < n - 1; i++) {
                        const Address a = nth4(i);

                        if (i % 3 == 0)
                                assert_ok(firewall_remove(f, "sshd", &a));
                        else
                                assert_ok(firewall_add(f,
                                                "sshd",
                                                &a,
                                                i % 3 == 1 ? USEC_PER_HOUR : USEC_PER_MSEC,
                                                0));
                }
                assert_int_equal(firewall_commit(f, NULL, NULL), n - 1);
        } while (is_banned(f, &last));

        for (unsigned i = 0; i < n - 1; i++) {
                const Address a = nth4(i);

                if (i % 3 < 2)
                        assert_int_equal(is_banned(f, &a), i % 3 == 1);
        }
}

static void same_time_again_begins_anew(void **state) {
        const Address a = nth4(1);
        _cleanup_(nft_link_freep) NftLink *l = open_link();
        Firewall *f = open_sshd();
        struct nftnl_set *elements;
        struct nftnl_set_elem *e;
        FirewallElement element;

        (void) state;

        /* Of an hour some minutes are left. */
        nft_link_begin(l);
        elements = nft_elements_new(l, "sshd-v4");
        e = nft_elements_add(l, elements, a.bytes, 4);
        nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, USEC_PER_HOUR / USEC_PER_MSEC);
        nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_EXPIRATION, USEC_PER_MINUTE / USEC_PER_MSEC);
        nft_put_elements(l, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements);
        nftnl_set_free(elements);
        assert_ok(nft_link_commit(l, NULL, NULL));
        assert_int_equal(firewall_lookup(f, "sshd", &a, &element), 1);
        assert_about(element.remaining, USEC_PER_MINUTE);

        assert_ok(firewall_add(f, "sshd", &a, USEC_PER_HOUR, 0));
        assert_int_equal(firewall_commit(f, NULL, NULL), 1);
        assert_int_equal(firewall_lookup(f, "sshd", &a, &element), 1);
        assert_about(element.remaining, USEC_PER_HOUR);
}

static void what_was_there_before_is_no_reason_to_leave_it(void **state) {
        static const usec_t times[] = { USEC_INFINITY, USEC_PER_DAY, USEC_PER_HOUR };
        const Address a = nth4(1);
        Firewall *f = open_sshd();

        (void) state;

        /* Each becomes another and itself again, in one batch. */
        for (size_t i = 0; i < ELEMENTSOF(times); i++) {
                FirewallElement element;

                assert_ok(firewall_add(f, "sshd", &a, times[i], 0));
                assert_int_equal(firewall_commit(f, NULL, NULL), 1);
                assert_ok(firewall_add(f, "sshd", &a, times[(i + 1) % 3], 0));
                assert_ok(firewall_add(f, "sshd", &a, times[i], 0));
                assert_int_equal(firewall_commit(f, NULL, NULL), 2);
                assert_int_equal(firewall_lookup(f, "sshd", &a, &element), 1);
                if (times[i] == USEC_INFINITY)
                        assert_true(element.remaining == USEC_INFINITY);
                else
                        assert_about(element.remaining, times[i]);
        }
}

static void what_is_lifted_twice_is_lifted(void **state) {
        const Address a = nth4(1), b = nth4(2);
        Firewall *f = open_sshd();

        (void) state;

        assert_ok(firewall_add(f, "sshd", &a, USEC_PER_HOUR, 0));
        assert_int_equal(firewall_commit(f, NULL, NULL), 1);
        for (int i = 0; i < 3; i++) {
                assert_ok(firewall_remove(f, "sshd", &a));
                assert_ok(firewall_remove(f, "sshd", &b));
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), 6);
        assert_false(is_banned(f, &a));
}

/* Everything in one batch: fresh and known, longer and shorter, for good, lifted, kept, of several
 * lengths and families, some twice. */
static void batch_that_mixes_everything_ends_as_if_in_order(void **state) {
        const struct {
                const char *address;
                usec_t before, then; /* 0: not banned */
                unsigned flags;
        } cases[] = {
                { "198.51.100.1", 0, USEC_PER_HOUR, 0 },
                { "198.51.100.2", USEC_PER_HOUR, USEC_PER_DAY, 0 },
                { "198.51.100.3", USEC_PER_DAY, USEC_PER_HOUR, 0 },
                { "198.51.100.4", USEC_PER_DAY, USEC_INFINITY, 0 },
                { "198.51.100.5", USEC_INFINITY, USEC_PER_HOUR, 0 },
                { "198.51.100.6", USEC_PER_HOUR, 0, 0 },
                { "198.51.100.7", 0, 0, 0 },
                { "198.51.100.8", 0, USEC_PER_HOUR, FIREWALL_COUNTED },
                { "198.51.100.9", USEC_PER_HOUR, USEC_PER_HOUR, FIREWALL_KEEP },
                { "198.51.100.0/24", USEC_PER_HOUR, USEC_PER_DAY, 0 },
                { "203.0.113.0/25", 0, USEC_PER_DAY, 0 },
                { "203.0.113.128/26", 0, 0, 0 },
                { "2001:db8:1::1", USEC_PER_HOUR, USEC_PER_DAY, FIREWALL_COUNTED },
                { "2001:db8:1::/64", USEC_PER_HOUR, 0, 0 },
                { "2001:db8:2::/48", 0, USEC_INFINITY, 0 },
        };
        Firewall *f = open_sshd();
        int n = 0;

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (cases[i].before > 0)
                        ban(f, "sshd", cases[i].address, cases[i].before);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Address a = netns_address(cases[i].address);

                /* What it is not to be, first. */
                if (i % 2) {
                        assert_ok(firewall_remove(f, "sshd", &a));
                        n++;
                }
                if (cases[i].then > 0)
                        assert_ok(firewall_add(f, "sshd", &a, cases[i].then, cases[i].flags));
                else
                        assert_ok(firewall_remove(f, "sshd", &a));
                n++;
        }
        assert_int_equal(firewall_commit(f, NULL, NULL), n);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                FirewallElement element = element_of(f, "sshd", cases[i].address);

                if (cases[i].then == 0 || cases[i].then == USEC_INFINITY)
                        assert_int_equal(element.remaining, cases[i].then);
                else
                        assert_about(element.remaining, cases[i].then);
        }
}

#define test(f) cmocka_unit_test_setup_teardown(f, remove_table, remove_table)
#define test_old(f)                                                                                \
        { #f " (old kernel)", f, remove_table_and_age, remove_table, NULL }

int main(void) {
        const struct CMUnitTest tests[] = {
                test(what_the_kernel_says_to_an_error_is_told),
                test(what_is_larger_than_the_send_buffer_goes_in_parts),
                test(message_that_is_too_large_is_an_error),
                test(answers_that_do_not_fit_leave_the_outcome_known),
                test(what_was_started_ends_like_anything_else),
                test(what_was_started_is_carried_out_by_itself),
                test(caller_does_something_else_during_each_transaction),
                test(full_set_takes_what_fits_and_the_rest_is_named),
                test(single_refused_element_keeps_nobody_back),
                test(what_somebody_deleted_can_be_lifted_and_banned),
                test(what_has_just_expired_can_be_lifted_and_banned),
                test(same_time_again_begins_anew),
                test(what_was_there_before_is_no_reason_to_leave_it),
                test(what_is_lifted_twice_is_lifted),
                test(batch_that_mixes_everything_ends_as_if_in_order),
                test_old(what_is_larger_than_the_send_buffer_goes_in_parts),
                test_old(full_set_takes_what_fits_and_the_rest_is_named),
                test_old(single_refused_element_keeps_nobody_back),
                test_old(what_somebody_deleted_can_be_lifted_and_banned),
                test_old(what_has_just_expired_can_be_lifted_and_banned),
                test_old(same_time_again_begins_anew),
                test_old(what_was_there_before_is_no_reason_to_leave_it),
                test_old(what_is_lifted_twice_is_lifted),
                test_old(batch_that_mixes_everything_ends_as_if_in_order),
        };

        netns_enter();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
