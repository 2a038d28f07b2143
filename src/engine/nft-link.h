/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Netlink link to nftables
 *
 * One netlink socket, and the transactions and questions that go over it. The socket stays open for
 * the life of the link, because it is what the kernel knows the owner of a table by.
 *
 * A transaction is written message by message and then carried out as a whole or not at all:
 *
 *         nft_link_begin(l);
 *         nlh = nft_link_message(l, NFT_MSG_NEWTABLE, NFPROTO_INET, NLM_F_CREATE);
 *         nftnl_table_nlmsg_build_payload(nlh, table);
 *         r = nft_link_commit(l, NULL, NULL);
 *
 * Writing never fails visibly: as with stdio, the first error is remembered and comes back from
 * nft_link_commit(), so that those who describe a ruleset need no check after each line.
 */

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

typedef struct NftLink NftLink;

/* Called for each message of a transaction that the kernel refused. index counts the messages from
 * 0 in the order of nft_link_message(). text is what the kernel says to it, "" for nothing; valid
 * for the call. */
typedef void (*NftErrorHandler)(unsigned index, int error, const char *text, void *userdata);

/* Opens the socket in the network namespace of the caller. What is written and asked will concern
 * the inet table of that name. Returns 0 and passes ownership of *ret, or a negative errno;
 * -EOPNOTSUPP if the kernel has no netfilter netlink. */
int nft_link_new(NftLink **ret, const char *table);

/* The same over a socket that another process may have opened and used before. The table that it
 * owns is ours then. Returns as above, or -EINVAL if the descriptor is no such socket. On success
 * it is closed with the link. */
int nft_link_new_from_fd(NftLink **ret, const char *table, int fd);

/* A link without a kernel at its other end: what is committed counts as carried out, and can be
 * read with nft_link_get_transaction(). Questions get -ENOTCONN. Returns 0 or -ENOMEM. */
int nft_link_new_unconnected(NftLink **ret, const char *table);

/* Accepts NULL. Always returns NULL. */
NftLink *nft_link_free(NftLink *l);
DEFINE_CLEANUP(NftLink *, nft_link_free)

const char *nft_link_get_table(const NftLink *l);

/* What the kernel calls this socket: the owner of the tables it creates with NFT_TABLE_F_OWNER. */
uint32_t nft_link_get_port_id(const NftLink *l);

/* The descriptor, which stays the link's. */
int nft_link_get_fd(const NftLink *l);

/* The size in bytes up to which a transaction fits into one send. */
size_t nft_link_get_send_limit(const NftLink *l);

/* For tests: has the link do with the buffers of a process that may not enlarge them. */
void nft_link_take_usual_buffers(NftLink *l);

/* transactions */

/* Starts a transaction, and forgets one that was not committed. */
void nft_link_begin(NftLink *l);

/* Begins the next message. The caller appends attributes: up to NFT_LINK_MESSAGE_MAX bytes. The
 * pointer is valid until the next call. */
struct nlmsghdr *nft_link_message(NftLink *l, uint16_t type, uint16_t family, uint16_t flags);
#define NFT_LINK_MESSAGE_MAX (UINT16_MAX + 4096)

/* How many messages the transaction has up to now. */
unsigned nft_link_n_messages(const NftLink *l);

/* The transaction that was committed last, from NFNL_MSG_BATCH_BEGIN to NFNL_MSG_BATCH_END; valid
 * until the next one begins. */
const void *nft_link_get_transaction(const NftLink *l, size_t *ret_size);

/* Remembers an error for nft_link_commit(), unless there is one already. */
void nft_link_fail(NftLink *l, int error);

/* Begins to send the transaction in a thread. For what is done before nft_link_commit(), which has
 * to follow and then waits for the rest, nobody waits; the link must be left alone meanwhile. */
void nft_link_start(NftLink *l);

/* Sends the transaction, unless that has begun, and waits for the verdict. Returns 0 if it was
 * carried out; the error of the first message refused, a remembered error or another negative errno
 * if nothing was changed. on_error is told of as many of those refused as the receive buffer has
 * room for, which is some hundreds at least. -EMSGSIZE: it is larger than the limit. An empty
 * transaction is carried out without asking. */
int nft_link_commit(NftLink *l, NftErrorHandler on_error, void *userdata);

/* questions */

/* A message for nft_link_ask(), to which attributes may be appended. It shares its memory with the
 * transaction, so there can be one of both at a time. flags: NLM_F_DUMP for lists. */
struct nlmsghdr *nft_link_question(NftLink *l, uint16_t type, uint16_t family, uint16_t flags);

/* Asks, and calls back for each message of the answer. The callback returns MNL_CB_OK, or
 * MNL_CB_STOP after the only message of an answer to a question without NLM_F_DUMP, or MNL_CB_ERROR
 * with errno set.
 *
 * Returns 0, -EINTR if the ruleset changed while it was listed (the answer may lack something or
 * tell it twice), the kernel's error such as -ENOENT, or the callback's. */
int nft_link_ask(NftLink *l, mnl_cb_t callback, void *userdata);
