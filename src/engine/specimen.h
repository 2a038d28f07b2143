/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Specimens of messages
 *
 * Makes messages that a regular expression is meant to match, as pieces: what is fixed, where any
 * text could stand, and where the address does. Assertions and the like are passed over, so a
 * specimen has to be tried before it is believed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

typedef struct Specimens Specimens;

typedef enum PieceKind {
        PIECE_FIXED,
        PIECE_WILD, /* any number of bytes of a set */
        PIECE_ADDRESS,
} PieceKind;

typedef struct Piece {
        PieceKind kind;
        size_t start; /* in bytes */
        size_t size;
        const uint8_t *set; /* of PIECE_WILD: a bit for each byte; lives as long as the Specimens */
        bool is_name;   /* <USER> or <CONTENT>: may hold whatever the peer likes, whatever the set
                           says */
        bool is_server; /* <TEXT>: the program's own words */
} Piece;

/* The longest specimen, in bytes, and its most pieces; patterns that need more are not supported.
 */
#define SPECIMEN_SIZE 2048
#define SPECIMEN_PIECES_MAX 128

typedef struct Specimen {
        char text[SPECIMEN_SIZE]; /* not terminated */
        size_t size;
        Piece pieces[SPECIMEN_PIECES_MAX]; /* in order and without gaps */
        size_t n_pieces;
} Specimen;

/* Reads a regular expression. Returns 0 and passes ownership; -EOPNOTSUPP if it has something that
 * is not understood here, such as back references; -ENOMEM. */
int specimens_new(Specimens **ret, const char *regex);

Specimens *specimens_free(Specimens *s);
DEFINE_CLEANUP(Specimens *, specimens_free)

/* Makes one. Each variant takes other alternatives, as far as there are any; the first takes
 * whatever is optional. `address` is written where the group "addr" stands. Returns 0; -E2BIG if it
 * becomes too long. */
int specimens_make(const Specimens *s, unsigned variant, const char *address, Specimen *ret);
