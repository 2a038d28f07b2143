/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How the table of bans stands in the kernel
 */

/* Where packets meet it. */
typedef enum FirewallHook {
        FIREWALL_PREROUTING, /* as they come in, those that this host forwards, too */
        FIREWALL_INPUT,      /* those that are for this host */
        FIREWALL_INGRESS,    /* those that come in on named devices, before anything else */
} FirewallHook;

/* Whether others are kept from changing it. */
typedef enum FirewallOwning {
        OWNERSHIP_AUTO, /* where it stays when its owner goes */
        OWNERSHIP_YES,
        OWNERSHIP_NO,
} FirewallOwning;

/* What becomes of it when the daemon stops. */
typedef enum FirewallStop {
        STOP_KEEP,
        STOP_REMOVE,
} FirewallStop;
