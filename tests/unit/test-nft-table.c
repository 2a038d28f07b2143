/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Transactions, byte by byte
 *
 * They are written into a link with no kernel at its end. What they should be is put together here
 * from nothing but the kernel's numbers.
 */

#include "test.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/nft-batch.h"
#include "engine/nft-layout.h"
#include "engine/nft-link.h"
#include "engine/nft-table.h"

/* what is expected */

/* A transaction, with 0 for the numbers of the messages. */
typedef struct Expected {
        uint8_t bytes[8192];
        size_t n;
        size_t message; /* where the last one begins */
        size_t nests[8];
        size_t n_nests;
} Expected;

static void put(Expected *e, const void *data, size_t size) {
        assert_in_range(e->n + size, 0, sizeof(e->bytes) - 4);
        memcpy(e->bytes + e->n, data, size);
        e->n = (e->n + size + 3) & ~(size_t) 3;
}

static void set_size(Expected *e, size_t at) {
        uint16_t size = (uint16_t) (e->n - at);

        memcpy(e->bytes + at, &size, sizeof(size));
}

static void end_message(Expected *e) {
        uint32_t size = (uint32_t) (e->n - e->message);

        assert_int_equal(e->n_nests, 0);
        if (e->n > 0)
                memcpy(e->bytes + e->message, &size, sizeof(size));
}

static void message_of(Expected *e, uint16_t type, uint16_t flags, uint8_t family, uint16_t id) {
        const struct nlmsghdr header = { .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags };
        const struct nfgenmsg generic = { .nfgen_family = family, .res_id = htons(id) };

        end_message(e);
        e->message = e->n;
        put(e, &header, sizeof(header));
        put(e, &generic, sizeof(generic));
}

static void message(Expected *e, uint16_t type, uint16_t flags) {
        message_of(e, (uint16_t) (NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
}

static void attribute(Expected *e, uint16_t type, const void *data, size_t size) {
        const uint16_t header[] = { (uint16_t) (4 + size), type };

        put(e, header, sizeof(header));
        put(e, data, size);
}

static void text(Expected *e, uint16_t type, const char *s) {
        attribute(e, type, s, strlen(s) + 1);
}

static void number(Expected *e, uint16_t type, uint32_t n) {
        n = htonl(n);
        attribute(e, type, &n, sizeof(n));
}

static void large_number(Expected *e, uint16_t type, uint64_t n) {
        n = htobe64(n);
        attribute(e, type, &n, sizeof(n));
}

static void begin(Expected *e, uint16_t type) {
        const uint16_t header[] = { 0, (uint16_t) (type | NLA_F_NESTED) };

        e->nests[e->n_nests++] = e->n;
        put(e, header, sizeof(header));
}

static void end(Expected *e) {
        set_size(e, e->nests[--e->n_nests]);
}

static void bytes(Expected *e, uint16_t type, const void *data, size_t size) {
        begin(e, type);
        attribute(e, NFTA_DATA_VALUE, data, size);
        end(e);
}

/* comparing */

static NftLink *begin_transaction(void) {
        NftLink *l = NULL;

        assert_ok(nft_link_new_unconnected(&l, NFT_TABLE));
        nft_link_begin(l);
        return l;
}

/* Commits, and compares what the link wrote between the beginning and the end of the batch. */
static void assert_wrote(NftLink *l, Expected *messages) {
        Expected whole = {};
        const uint8_t *written;
        uint8_t *copy;
        size_t size;
        uint32_t seq = 0;

        end_message(messages);
        /* The last one wants an acknowledgement. */
        ((struct nlmsghdr *) (void *) (messages->bytes + messages->message))->nlmsg_flags |=
                        NLM_F_ACK;

        message_of(&whole, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
        end_message(&whole);
        put(&whole, messages->bytes, messages->n);
        whole.message = whole.n;
        message_of(&whole, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
        end_message(&whole);

        assert_ok(nft_link_commit(l, NULL, NULL));
        written = nft_link_get_transaction(l, &size);
        copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, written, size);

        /* Their numbers follow each other, and begin anywhere. */
        for (size_t at = 0; at < size;) {
                struct nlmsghdr *nlh = (struct nlmsghdr *) (void *) (copy + at);

                if (at > 0)
                        assert_int_equal(nlh->nlmsg_seq, seq + 1);
                seq = nlh->nlmsg_seq;
                nlh->nlmsg_seq = 0;
                at += NLMSG_ALIGN(nlh->nlmsg_len);
        }

        for (size_t i = 0; i < MIN(size, whole.n); i++)
                if (copy[i] != whole.bytes[i])
                        fail_msg("byte %zu is %02x, not %02x", i, copy[i], whole.bytes[i]);
        assert_int_equal(size, whole.n);
        free(copy);
        nft_link_free(l);
}

/* tests */

static void table_and_chains_are_written(void **state) {
        NftLink *l = begin_transaction();
        Expected e = {};

        (void) state;

        nft_add_table(l, NFT_TABLE_OWNER | NFT_TABLE_PERSIST);
        message(&e, NFT_MSG_NEWTABLE, NLM_F_CREATE);
        text(&e, NFTA_TABLE_NAME, "banjo");
        number(&e, NFTA_TABLE_FLAGS, 6);

        nft_flush_rules(l);
        message(&e, NFT_MSG_DELRULE, 0);
        text(&e, NFTA_RULE_TABLE, "banjo");

        nft_add_base_chain(l, "prerouting", NF_INET_PRE_ROUTING, NFT_PRIORITY_RAW, NULL);
        message(&e, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
        text(&e, NFTA_CHAIN_TABLE, "banjo");
        text(&e, NFTA_CHAIN_NAME, "prerouting");
        begin(&e, NFTA_CHAIN_HOOK);
        number(&e, NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
        number(&e, NFTA_HOOK_PRIORITY, (uint32_t) -300);
        end(&e);
        number(&e, NFTA_CHAIN_POLICY, NF_ACCEPT);
        text(&e, NFTA_CHAIN_TYPE, "filter");

        nft_delete_chain(l, "old");
        message(&e, NFT_MSG_DELCHAIN, 0);
        text(&e, NFTA_CHAIN_TABLE, "banjo");
        text(&e, NFTA_CHAIN_NAME, "old");

        nft_delete_table(l);
        message(&e, NFT_MSG_DELTABLE, 0);
        text(&e, NFTA_TABLE_NAME, "banjo");

        assert_wrote(l, &e);
}

static void set_is_written_with_what_it_has(void **state) {
        const NftSetParams params = {
                .flags = NFT_SET_TIMEOUT,
                .key_type = NFT_TYPE_IPV6_ADDR,
                .key_size = 16,
                .size = 7,
                .gc_interval = 60000,
        };
        NftLink *l = begin_transaction();
        Expected e = {};

        (void) state;

        nft_add_set(l, "sshd-v6", &params);
        message(&e, NFT_MSG_NEWSET, NLM_F_CREATE);
        text(&e, NFTA_SET_TABLE, "banjo");
        text(&e, NFTA_SET_NAME, "sshd-v6");
        number(&e, NFTA_SET_FLAGS, NFT_SET_TIMEOUT);
        number(&e, NFTA_SET_KEY_TYPE, 8);
        number(&e, NFTA_SET_KEY_LEN, 16);
        number(&e, NFTA_SET_ID, 1);
        begin(&e, NFTA_SET_DESC);
        number(&e, NFTA_SET_DESC_SIZE, 7);
        end(&e);
        number(&e, NFTA_SET_GC_INTERVAL, 60000);
        assert_wrote(l, &e);
}

static void rule_looks_a_masked_address_up(void **state) {
        static const uint8_t mask[] = { 255, 255, 255, 0 }, zero[4] = {}, ipv4 = NFPROTO_IPV4;
        NftLink *l = begin_transaction();
        Expected e = {};
        NftRule r;

        (void) state;

        r = nft_rule_begin(l, "jail-sshd");
        nft_rule_address_in(&r, NFT_SOURCE, AF_INET, 24, "sshd-v4-24");
        nft_rule_verdict(&r, NFT_GOTO, "drop-sshd");
        nft_rule_end(&r);

        message(&e, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
        text(&e, NFTA_RULE_TABLE, "banjo");
        text(&e, NFTA_RULE_CHAIN, "jail-sshd");
        begin(&e, NFTA_RULE_EXPRESSIONS);

        begin(&e, NFTA_LIST_ELEM);
        text(&e, NFTA_EXPR_NAME, "meta");
        begin(&e, NFTA_EXPR_DATA);
        number(&e, NFTA_META_KEY, NFT_META_NFPROTO);
        number(&e, NFTA_META_DREG, NFT_REG_1);
        end(&e);
        end(&e);

        begin(&e, NFTA_LIST_ELEM);
        text(&e, NFTA_EXPR_NAME, "cmp");
        begin(&e, NFTA_EXPR_DATA);
        number(&e, NFTA_CMP_SREG, NFT_REG_1);
        number(&e, NFTA_CMP_OP, NFT_CMP_EQ);
        bytes(&e, NFTA_CMP_DATA, &ipv4, 1);
        end(&e);
        end(&e);

        begin(&e, NFTA_LIST_ELEM);
        text(&e, NFTA_EXPR_NAME, "payload");
        begin(&e, NFTA_EXPR_DATA);
        number(&e, NFTA_PAYLOAD_DREG, NFT_REG_1);
        number(&e, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
        number(&e, NFTA_PAYLOAD_OFFSET, 12);
        number(&e, NFTA_PAYLOAD_LEN, 4);
        end(&e);
        end(&e);

        begin(&e, NFTA_LIST_ELEM);
        text(&e, NFTA_EXPR_NAME, "bitwise");
        begin(&e, NFTA_EXPR_DATA);
        number(&e, NFTA_BITWISE_SREG, NFT_REG_1);
        number(&e, NFTA_BITWISE_DREG, NFT_REG_1);
        number(&e, NFTA_BITWISE_OP, NFT_BITWISE_BOOL);
        number(&e, NFTA_BITWISE_LEN, 4);
        bytes(&e, NFTA_BITWISE_MASK, mask, 4);
        bytes(&e, NFTA_BITWISE_XOR, zero, 4);
        end(&e);
        end(&e);

        begin(&e, NFTA_LIST_ELEM);
        text(&e, NFTA_EXPR_NAME, "lookup");
        begin(&e, NFTA_EXPR_DATA);
        number(&e, NFTA_LOOKUP_SREG, NFT_REG_1);
        text(&e, NFTA_LOOKUP_SET, "sshd-v4-24");
        end(&e);
        end(&e);

        begin(&e, NFTA_LIST_ELEM);
        text(&e, NFTA_EXPR_NAME, "immediate");
        begin(&e, NFTA_EXPR_DATA);
        number(&e, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
        begin(&e, NFTA_IMMEDIATE_DATA);
        begin(&e, NFTA_DATA_VERDICT);
        number(&e, NFTA_VERDICT_CODE, (uint32_t) NFT_GOTO);
        text(&e, NFTA_VERDICT_CHAIN, "drop-sshd");
        end(&e);
        end(&e);
        end(&e);
        end(&e);

        end(&e);
        assert_wrote(l, &e);
}

/* Elements of a batch */

typedef struct Fixture {
        NftLayout layout;
        NftOperation operations[8];
        FirewallChange changes[8];
        size_t n;
} Fixture;

static Fixture *new_fixture(void) {
        const FirewallJail jail = {
                .name = "sshd",
                .ports = { .ranges = { { 22, 22 } }, .n_ranges = 1, .protocols = PORT_TCP },
        };
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_ok(nft_layout_init(&f->layout, &(FirewallSettings){}, &jail, 1));
        return f;
}

static void free_fixture(Fixture *f) {
        nft_layout_done(&f->layout);
        free(f);
}

static void add_change(Fixture *f, const char *address, usec_t remaining, unsigned flags) {
        FirewallChange *change = &f->changes[f->n];
        NftBanSet *set;

        *change = (FirewallChange){
                .address = addr(address),
                .remaining = remaining,
                .flags = (uint8_t) flags,
                .remove = remaining == 0,
        };
        set = nft_layout_get_set(&f->layout,
                        &f->layout.jails[0],
                        change->address.family,
                        change->address.prefixlen);
        assert_non_null(set);
        set->exists = true;
        f->operations[f->n++] = (NftOperation){
                .set = set,
                .change = change,
                .jail = &f->layout.jails[0],
        };
}

static NftLink *write_batch(Fixture *f, NftAbilities can, bool replace, bool alone) {
        NftLink *l = begin_transaction();
        const NftBatch batch = {
                .link = l,
                .layout = &f->layout,
                .can = can,
                .replace = replace,
                .alone = alone,
        };

        nft_batch_write(&batch, f->operations, f->n);
        return l;
}

static void elements_of(Expected *e, uint16_t type, uint16_t flags, const char *set) {
        message(e, type, flags);
        text(e, NFTA_SET_ELEM_LIST_SET, set);
        text(e, NFTA_SET_ELEM_LIST_TABLE, "banjo");
        begin(e, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void element(Expected *e, uint16_t i, const char *address, uint64_t timeout, uint64_t left) {
        const Address a = addr(address);

        begin(e, i);
        if (timeout > 0)
                large_number(e, NFTA_SET_ELEM_TIMEOUT, timeout);
        if (left > 0)
                large_number(e, NFTA_SET_ELEM_EXPIRATION, left);
        bytes(e, NFTA_SET_ELEM_KEY, a.bytes, a.family == AF_INET ? 4 : 16);
}

static void bans_are_elements_with_timeouts(void **state) {
        Fixture *f = new_fixture();
        Expected e = {};

        (void) state;

        add_change(f, "192.0.2.1", USEC_PER_HOUR, 0);
        add_change(f, "192.0.2.2", 1, 0); /* never for good */
        add_change(f, "2001:db8::/64", 90 * USEC_PER_SEC, FIREWALL_COUNTED);

        elements_of(&e, NFT_MSG_NEWSETELEM, NLM_F_CREATE, "sshd-v4");
        element(&e, 1, "192.0.2.1", 3600000, 3600000);
        end(&e);
        element(&e, 2, "192.0.2.2", 10, 10);
        end(&e);
        end(&e);

        elements_of(&e, NFT_MSG_NEWSETELEM, NLM_F_CREATE, "sshd-v6-64");
        element(&e, 1, "2001:db8::/64", 90000, 90000);
        begin(&e, NFTA_SET_ELEM_EXPR);
        text(&e, NFTA_EXPR_NAME, "counter");
        begin(&e, NFTA_EXPR_DATA);
        large_number(&e, NFTA_COUNTER_BYTES, 0);
        large_number(&e, NFTA_COUNTER_PACKETS, 0);
        end(&e);
        end(&e);
        end(&e);
        end(&e);

        assert_wrote(write_batch(f,
                                     (NftAbilities){ .update = true, .destroy = true },
                                     false,
                                     false),
                        &e);
        free_fixture(f);
}

static void ban_for_good_is_made_anew_where_there_are_updates(void **state) {
        Fixture *f = new_fixture();
        Expected e = {};

        (void) state;

        add_change(f, "192.0.2.1", USEC_INFINITY, 0);
        add_change(f, "192.0.2.2", 0, 0);

        elements_of(&e, NFT_DESTROY_SETELEM, 0, "sshd-v4");
        element(&e, 1, "192.0.2.1", 0, 0);
        end(&e);
        end(&e);
        elements_of(&e, NFT_MSG_NEWSETELEM, NLM_F_CREATE, "sshd-v4");
        element(&e, 1, "192.0.2.1", 0, 0);
        end(&e);
        end(&e);
        elements_of(&e, NFT_DESTROY_SETELEM, 0, "sshd-v4");
        element(&e, 1, "192.0.2.2", 0, 0);
        end(&e);
        end(&e);

        assert_wrote(write_batch(f,
                                     (NftAbilities){ .update = true, .destroy = true },
                                     false,
                                     false),
                        &e);
        free_fixture(f);
}

static void older_kernels_are_told_that_bans_are_new_or_to_replace_them(void **state) {
        Fixture *f = new_fixture();
        Expected fresh = {}, replaced = {};

        (void) state;

        add_change(f, "192.0.2.1", USEC_PER_SEC, 0);
        add_change(f, "192.0.2.2", 2 * USEC_PER_SEC, FIREWALL_KEEP);

        elements_of(&fresh, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, "sshd-v4");
        element(&fresh, 1, "192.0.2.1", 1000, 0);
        end(&fresh);
        end(&fresh);
        elements_of(&fresh, NFT_MSG_NEWSETELEM, NLM_F_CREATE, "sshd-v4");
        element(&fresh, 1, "192.0.2.2", 2000, 0);
        end(&fresh);
        end(&fresh);
        assert_wrote(write_batch(f, (NftAbilities){}, false, false), &fresh);

        /* It has to be there to be deleted. */
        elements_of(&replaced, NFT_MSG_NEWSETELEM, NLM_F_CREATE, "sshd-v4");
        element(&replaced, 1, "192.0.2.1", 0, 0);
        end(&replaced);
        end(&replaced);
        elements_of(&replaced, NFT_MSG_DELSETELEM, 0, "sshd-v4");
        element(&replaced, 1, "192.0.2.1", 0, 0);
        end(&replaced);
        end(&replaced);
        elements_of(&replaced, NFT_MSG_NEWSETELEM, NLM_F_CREATE, "sshd-v4");
        element(&replaced, 1, "192.0.2.1", 1000, 0);
        end(&replaced);
        element(&replaced, 2, "192.0.2.2", 2000, 0);
        end(&replaced);
        end(&replaced);
        assert_wrote(write_batch(f, (NftAbilities){}, true, false), &replaced);
        free_fixture(f);
}

static void changes_that_go_alone_have_messages_of_their_own(void **state) {
        Fixture *f = new_fixture();
        Expected e = {};

        (void) state;

        add_change(f, "192.0.2.1", USEC_PER_SEC, 0);
        add_change(f, "192.0.2.2", USEC_PER_SEC, 0);

        for (unsigned i = 0; i < 2; i++) {
                elements_of(&e, NFT_MSG_NEWSETELEM, NLM_F_CREATE, "sshd-v4");
                element(&e, 1, i ? "192.0.2.2" : "192.0.2.1", 1000, 1000);
                end(&e);
                end(&e);
        }
        assert_wrote(write_batch(f, (NftAbilities){ .update = true, .destroy = true }, false, true),
                        &e);
        assert_int_equal(f->operations[0].end, 1);
        assert_int_equal(f->operations[1].end, 2);
        free_fixture(f);
}

static void port_leads_to_a_chain(void **state) {
        static const uint8_t port[] = { 0, 22 };
        NftLink *l = begin_transaction();
        struct nftnl_set *elements;
        struct nftnl_set_elem *element_of_map;
        Expected e = {};

        (void) state;

        elements = nft_elements_new(l, "tcp-ports");
        element_of_map = nft_elements_add(l, elements, port, sizeof(port));
        assert_non_null(element_of_map);
        nftnl_set_elem_set_u32(element_of_map, NFTNL_SET_ELEM_VERDICT, (uint32_t) NFT_JUMP);
        assert_ok(nftnl_set_elem_set_str(element_of_map, NFTNL_SET_ELEM_CHAIN, "jail-sshd"));
        nft_put_elements(l, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements);
        nftnl_set_free(elements);

        elements_of(&e, NFT_MSG_NEWSETELEM, NLM_F_CREATE, "tcp-ports");
        begin(&e, 1);
        bytes(&e, NFTA_SET_ELEM_KEY, port, sizeof(port));
        begin(&e, NFTA_SET_ELEM_DATA);
        begin(&e, NFTA_DATA_VERDICT);
        number(&e, NFTA_VERDICT_CODE, (uint32_t) NFT_JUMP);
        text(&e, NFTA_VERDICT_CHAIN, "jail-sshd");
        end(&e);
        end(&e);
        end(&e);
        end(&e);
        assert_wrote(l, &e);
}

static void nothing_is_written_after_an_error(void **state) {
        NftLink *l = begin_transaction();

        (void) state;

        nft_add_table(l, 0);
        nft_link_fail(l, -ENOMEM);
        nft_link_fail(l, -EIO);
        nft_add_table(l, 0);
        assert_fails(nft_link_commit(l, NULL, NULL), ENOMEM);

        /* The next one is another. */
        nft_link_begin(l);
        assert_ok(nft_link_commit(l, NULL, NULL));
        (void) nft_link_question(l, NFT_MSG_GETTABLE, NFPROTO_INET, 0);
        assert_fails(nft_link_ask(l, NULL, NULL), ENOTCONN);
        nft_link_free(l);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(set_is_written_with_what_it_has), /* first: sets are numbered */
                cmocka_unit_test(table_and_chains_are_written),
                cmocka_unit_test(rule_looks_a_masked_address_up),
                cmocka_unit_test(bans_are_elements_with_timeouts),
                cmocka_unit_test(ban_for_good_is_made_anew_where_there_are_updates),
                cmocka_unit_test(older_kernels_are_told_that_bans_are_new_or_to_replace_them),
                cmocka_unit_test(changes_that_go_alone_have_messages_of_their_own),
                cmocka_unit_test(port_leads_to_a_chain),
                cmocka_unit_test(nothing_is_written_after_an_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
