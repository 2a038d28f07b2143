/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who asks for passwords
 *
 * polkit may want that of an administrator, and wants somebody to ask for it: on a terminal that is
 * pkttyagent(1), as long as we run.
 */

/* Starts it, unless we are root or there is no terminal or no such program; does nothing the second
 * time. Whatever fails, polkit says. */
void agent_open(void);

/* Ends it. */
void agent_close(void);
