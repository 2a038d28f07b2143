/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Services of this host
 */

#include <stdbool.h>

/* Whether a service of the system manager has processes. Told by its control group, which systemd
 * removes with the last of them: to ask the service itself might start it. */
bool service_is_running(const char *unit);
