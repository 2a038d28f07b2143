/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The adaptive tail
 *
 * Says when to look into the journal. journald tells about a new entry a quarter to half a second
 * late, so while an attack is on, the tail looks by itself: every millisecond at first, then less
 * and less often, and not at all when it has been quiet for half a minute.
 */

#include <systemd/sd-event.h>

#include "base/macro.h"
#include "engine/journal.h"

typedef struct Tail Tail;

typedef enum TailLook {
        TAIL_NOTHING, /* there was nothing new */
        TAIL_SOME,    /* there was, and the end of the journal is reached */
        TAIL_MORE,    /* there is more: call again after other events had their turn */
} TailLook;

/* Reads what there is. Returns a TailLook; a negative errno ends the event loop. */
typedef int (*TailHandler)(void *userdata);

/* Attaches to the event loop; the journal is borrowed. The first look comes as soon as the loop
 * runs. Returns 0 and passes ownership, or a negative errno. */
int tail_new(Tail **ret, sd_event *event, Journal *journal, TailHandler handler, void *userdata);

Tail *tail_free(Tail *t);
DEFINE_CLEANUP(Tail *, tail_free)

/* A failure was counted: look often for a while. */
void tail_excite(Tail *t);

/* Look as soon as the loop runs again. */
void tail_wake(Tail *t);
