/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Takes specimens of messages, and writes into each place that may be the peer's what the rest of
 * the pattern looks like, with a victim's address in it. If the pattern then finds the victim, it
 * is forgeable, and the message says how. What is written begins where some wild piece in front of
 * the address does, because that piece can swallow what is true, and ends at every piece behind it.
 */

#include "engine/forgery.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "engine/specimen.h"

#define VARIANTS_MAX 32
#define MATCH_LIMIT 100000

typedef struct Search {
        pcre2_code *code;
        pcre2_match_data *match_data;
        pcre2_match_context *match_context;
        uint32_t addr_group;
        Specimen peer;   /* the true message */
        Specimen victim; /* the same about the victim */
        const char *peer_address;
        const char *victim_address;
        char message[2 * SPECIMEN_SIZE];
        size_t size;
} Search;

static Search *search_free(Search *s) {
        if (!s)
                return NULL;

        pcre2_code_free(s->code);
        pcre2_match_data_free(s->match_data);
        pcre2_match_context_free(s->match_context);
        free(s);
        return NULL;
}
DEFINE_CLEANUP(Search *, search_free)

static int search_new(Search **ret, const char *regex) {
        _cleanup_(search_freep) Search *s = NULL;
        _cleanup_(freep) char *whole = NULL;
        PCRE2_SIZE offset;
        int error;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        if (asprintf(&whole, "\\A(?:%s)\\z", regex) < 0) {
                whole = NULL;
                return -ENOMEM;
        }

        s->code = pcre2_compile((PCRE2_SPTR) whole,
                        PCRE2_ZERO_TERMINATED,
                        PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C,
                        &error,
                        &offset,
                        NULL);
        if (!s->code)
                return error == PCRE2_ERROR_NOMEMORY ? -ENOMEM : -EINVAL;

        error = pcre2_substring_number_from_name(s->code, (PCRE2_SPTR) "addr");
        s->addr_group = error > 0 ? (uint32_t) error : 0;

        s->match_data = pcre2_match_data_create_from_pattern(s->code, NULL);
        s->match_context = pcre2_match_context_create(NULL);
        if (!s->match_data || !s->match_context)
                return -ENOMEM;
        (void) pcre2_set_match_limit(s->match_context, MATCH_LIMIT);

        *ret = TAKE_PTR(s);
        return 0;
}

/* True if the text matches with this address. */
static bool finds(const Search *s, const char *text, size_t size, const char *address) {
        const PCRE2_SIZE *offsets;
        int r;

        r = pcre2_match(s->code, (PCRE2_SPTR) text, size, 0, 0, s->match_data, s->match_context);
        if (r <= 0 || s->addr_group >= (uint32_t) r)
                return false;

        offsets = pcre2_get_ovector_pointer(s->match_data) + (size_t) 2 * s->addr_group;
        return offsets[0] != PCRE2_UNSET && offsets[1] - offsets[0] == strlen(address) &&
               memcmp(text + offsets[0], address, offsets[1] - offsets[0]) == 0;
}

/* Whether the peer could write this text into the piece. */
static bool can_hold(const Piece *piece, const char *text, size_t size) {
        if (piece->is_name)
                return true;

        for (size_t i = 0; i < size; i++) {
                unsigned char byte = (unsigned char) text[i];

                if (!(piece->set[byte / 8] & (1u << (byte % 8))))
                        return false;
        }

        return true;
}

static void append(Search *s, const char *text, size_t size) {
        memcpy(s->message + s->size, text, size);
        s->size += size;
}

/* Writes pieces first to last of the victim's message into one piece of the peer's. Returns true if
 * the pattern falls for it. */
static bool try_pieces(Search *s, const Piece *target, size_t first, size_t last) {
        const Piece *begin = &s->victim.pieces[first], *end = &s->victim.pieces[last];
        const char *text = s->victim.text + begin->start;
        size_t size = end->start + end->size - begin->start;
        size_t behind = target->start + target->size;

        if (!can_hold(target, text, size))
                return false;

        s->size = 0;
        append(s, s->peer.text, target->start);
        append(s, text, size);
        append(s, s->peer.text + behind, s->peer.size - behind);
        return finds(s, s->message, s->size, s->victim_address);
}

static bool try_target(Search *s, const Piece *target, size_t address) {
        /* The whole line comes last: a shorter example is easier to understand. */
        for (size_t i = 1; i <= address + 1; i++) {
                size_t first = i % (address + 1);

                if (first > 0 && first < address && s->victim.pieces[first].kind != PIECE_WILD)
                        continue;

                for (size_t last = address; last < s->victim.n_pieces; last++)
                        if (try_pieces(s, target, first, last))
                                return true;
        }

        return false;
}

static bool try_specimen(Search *s) {
        size_t address = 0;

        while (address < s->peer.n_pieces && s->peer.pieces[address].kind != PIECE_ADDRESS)
                address++;
        if (address == s->peer.n_pieces || s->victim.n_pieces != s->peer.n_pieces)
                return false;

        /* What was passed over when it was made may be missing. */
        if (!finds(s, s->peer.text, s->peer.size, s->peer_address))
                return false;

        for (size_t i = 0; i < s->peer.n_pieces; i++)
                if (s->peer.pieces[i].kind == PIECE_WILD && !s->peer.pieces[i].is_server &&
                                try_target(s, &s->peer.pieces[i], address))
                        return true;

        return false;
}

static bool search(Search *s, const Specimens *specimens) {
        static const char *const addresses[][2] = {
                { FORGERY_PEER, FORGERY_VICTIM },
                { FORGERY_PEER_IP6, FORGERY_VICTIM_IP6 },
        };

        for (unsigned variant = 0; variant < VARIANTS_MAX; variant++)
                for (size_t i = 0; i < ELEMENTSOF(addresses); i++) {
                        s->peer_address = addresses[i][0];
                        s->victim_address = addresses[i][1];
                        if (specimens_make(specimens, variant, s->peer_address, &s->peer) < 0 ||
                                        specimens_make(specimens,
                                                        variant,
                                                        s->victim_address,
                                                        &s->victim) < 0)
                                continue;
                        if (try_specimen(s))
                                return true;
                }

        return false;
}

int forgery_find(const char *regex, char **ret_message) {
        _cleanup_(specimens_freep) Specimens *specimens = NULL;
        _cleanup_(search_freep) Search *s = NULL;
        char *message;
        int r;

        assert(regex);
        assert(ret_message);

        r = search_new(&s, regex);
        if (r < 0)
                return r;
        if (s->addr_group == 0)
                return 0;

        r = specimens_new(&specimens, regex);
        if (r < 0)
                return r;
        if (!search(s, specimens))
                return 0;

        message = strndup(s->message, s->size);
        if (!message)
                return -ENOMEM;
        *ret_message = message;
        return 1;
}
