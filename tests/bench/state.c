/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "state.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

Store *state_open(const char *directory) {
        char *aside = NULL;
        Store *s = NULL;
        int r;

        r = store_open(&s, directory, &aside);
        if (r != 0)
                errx(EXIT_FAILURE, "store: %s", strerror(-r));
        return s;
}

static Ban make_ban(unsigned i, usec_t now) {
        return (Ban){
                .address = bench_address(i),
                .failures = 5,
                .pattern = "password",
                .id = i + 1,
                .start = now,
                .end = now + BENCH_TIMEOUT,
        };
}

double state_write(Store *s, unsigned first, unsigned n, bool durable, const StorePosition *p) {
        usec_t now = (usec_t) time(NULL) * USEC_PER_SEC;
        double start = bench_now();
        int r;

        r = store_begin(s, durable);
        for (unsigned i = first; i < first + n && r >= 0; i++) {
                Ban ban = make_ban(i, now);

                r = store_add_ban(s, "sshd", &ban);
        }
        if (r >= 0)
                r = store_set_position(s, p);
        if (r >= 0)
                r = store_commit(s);
        if (r < 0)
                errx(EXIT_FAILURE, "store: %s", strerror(-r));

        return bench_now() - start;
}
