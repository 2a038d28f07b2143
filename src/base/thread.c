/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "base/thread.h"

#include <signal.h>

int thread_start(pthread_t *ret, void *(*run)(void *userdata), void *userdata) {
        sigset_t all, before;
        int e;

        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        e = pthread_create(ret, NULL, run, userdata);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -e;
}
