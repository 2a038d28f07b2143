/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Threads beside the event loop */

#include <pthread.h>

/* Runs something in a thread that gets no signals, as those are the event loop's. Returns 0 and the
 * thread, which has to be joined, or a negative errno. */
int thread_start(pthread_t *ret, void *(*run)(void *userdata), void *userdata);
