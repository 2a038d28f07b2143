/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How banned addresses are blocked
 */

/* What happens to their packets. */
typedef enum BlockKind {
        BLOCK_DROP,
        BLOCK_REJECT, /* answered with ICMP: port unreachable */
        BLOCK_RESET,  /* TCP is reset; the rest is answered with ICMP */
} BlockKind;

/* Which of their packets. */
typedef enum BlockScope {
        SCOPE_ALL,   /* those that this host forwards, too */
        SCOPE_LOCAL, /* those that are sent to an address of this host */
} BlockScope;
