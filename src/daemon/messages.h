/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Messages with an identity
 *
 * What an administrator may search the journal for: `journalctl MESSAGE_ID=...`. Each needs an
 * entry in units/banjo.catalog; a test compares the two. New ones come from `systemd-id128 new`,
 * and none is ever given another meaning.
 *
 * Fields: BANJO_JAIL, BANJO_ADDRESS, BANJO_FAILURES, BANJO_PATTERN, BANJO_START_USEC,
 * BANJO_END_USEC ("infinity" for good), BANJO_CAUSE, BANJO_REASON, BANJO_UID, BANJO_BAN_ID,
 * BANJO_NAME, BANJO_NAMESPACE, BANJO_UNIT, BANJO_SUPPRESSED,
 * BANJO_BANNED, BANJO_PROCESS, BANJO_PID, BANJO_CHECKED, BANJO_REPAIRED.
 */

/* An address was banned. */
#define BANJO_MESSAGE_BAN "a177b87d71174984b96c434c71d4d024"

/* A ban ended: its time was over, or somebody lifted it. BANJO_CAUSE says which. */
#define BANJO_MESSAGE_UNBAN "1214dda838614d87be1bc4f4017a3bd0"

/* A ban was due and was not applied, because it would have hit this host itself, its gateway or its
 * resolver, a host whose name is allowed, or one that an administrator is logged in from.
 * BANJO_CAUSE says which. */
#define BANJO_MESSAGE_SPARED "b63178cc782b4769919c29d3a738b5c5"

/* A host name in `allow` cannot be resolved; BANJO_CAUSE says why. */
#define BANJO_MESSAGE_UNRESOLVED "d248b5d651e648fcbb29bae579ae030d"

/* The database was damaged and was set aside; running bans were taken back from the kernel, or from
 * memory if it happened while the daemon ran. */
#define BANJO_MESSAGE_STORE_RECOVERED "0d4a471cd3204318be402f447d2dfa08"

/* The journal dropped entries before they were read: BANJO_START_USEC and BANJO_END_USEC say from
 * when to when. */
#define BANJO_MESSAGE_GAP "30478b091bab4a5cbf79979ce5e622a1"

/* journald suppressed messages of a unit that a jail reads. */
#define BANJO_MESSAGE_SUPPRESSED "27a39c46f6f644dfa8900cd4f9969534"

/* There are as many bans as max_bans allows, in the jail or in all: one ended to make room for a
 * new one, or the new one was not possible because all are for good. BANJO_CAUSE is "displaced" or
 * "refused"; said once in a while. */
#define BANJO_MESSAGE_FULL "706fa4e93ebc499cbe75515ea43f7464"

/* A banned address failed once more, in a session that began after the ban: the ban does not hold.
 * Said once per ban. */
#define BANJO_MESSAGE_LEAK "a9cd6ef96f6849f6b1abde39d8408aaa"

/* Somebody else changed the nftables table, and it was put right. BANJO_CAUSE says what was
 * changed, BANJO_PROCESS and BANJO_PID who did it, if the kernel said so. */
#define BANJO_MESSAGE_REPAIRED "3df7a2a7208740aa8b821168ff4992e1"

/* nftables or the database had other bans than run, and were put right. */
#define BANJO_MESSAGE_DIFFERED "ca4c04eca0324c548e16370ac3193246"
