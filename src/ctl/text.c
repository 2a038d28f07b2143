/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/text.h"

#include "base/utf8.h"

/* The bytes that can be written as they are: a character that is printable, or in JSON any. 0 for a
 * byte that has to be escaped. */
static size_t clean_size(const char *s, size_t size, bool for_terminal) {
        char character[5] = "";
        size_t n;

        memcpy(character, s, MIN(size, (size_t) 4));
        if (character[0] == '\0')
                return for_terminal ? 0 : 1;
        n = utf8_character_size(character);
        if (n == 0 || !for_terminal)
                return n;

        /* C0, DEL and C1; and what turns the direction of the text around. */
        if ((unsigned char) s[0] < ' ' || s[0] == 0x7f ||
                        (n == 2 && (unsigned char) s[0] == 0xc2 && (unsigned char) s[1] < 0xa0) ||
                        (n == 3 && (memcmp(s, "\xe2\x80\xaa", 3) >= 0 &&
                                                   memcmp(s, "\xe2\x80\xae", 3) <= 0)) ||
                        (n == 3 && (memcmp(s, "\xe2\x81\xa6", 3) >= 0 &&
                                                   memcmp(s, "\xe2\x81\xa9", 3) <= 0)))
                return 0;
        return n;
}

size_t text_print(const char *s, size_t size) {
        size_t columns = 0;

        while (size > 0) {
                size_t n = clean_size(s, size, true);

                if (n == 0)
                        columns += (size_t) printf("\\x%02x", (unsigned char) *s);
                else {
                        (void) fwrite(s, 1, n, stdout);
                        columns++;
                }
                n = MAX(n, (size_t) 1);
                s += n;
                size -= n;
        }

        return columns;
}

json_t *text_to_json(const char *s, size_t size) {
        _cleanup_(freep) char *text = malloc(size * 4 + 1);
        size_t n = 0;

        if (!text)
                return NULL;

        while (size > 0) {
                size_t k = clean_size(s, size, false);

                if (k == 0)
                        n += (size_t) snprintf(text + n, 5, "\\x%02x", (unsigned char) *s);
                else {
                        memcpy(text + n, s, k);
                        n += k;
                }
                k = MAX(k, (size_t) 1);
                s += k;
                size -= k;
        }

        return json_stringn(text, n);
}

/* Matches */

static bool is_within(const MatcherSpan *span, const char *s) {
        return span->data && s >= span->data && s < span->data + span->size;
}

static TextPart part_at(const MatcherResult *m, const char *s) {
        for (size_t i = 0; m && i < m->n_fields; i++)
                if (is_within(&m->fields[i].value, s))
                        return TEXT_FIELD;

        return m && is_within(&m->addr, s) ? TEXT_ADDRESS : TEXT_PLAIN;
}

size_t text_next_part(const char *s, size_t size, const MatcherResult *match, TextPart *ret) {
        size_t n = 1;

        assert(s);
        assert(size > 0);
        assert(ret);

        *ret = part_at(match, s);
        while (n < size && part_at(match, s + n) == *ret)
                n++;

        return n;
}

void text_print_match(const char *s, size_t size, const MatcherResult *match) {
        static const Color colors[] = { [TEXT_ADDRESS] = COLOR_RED, [TEXT_FIELD] = COLOR_YELLOW };

        while (size > 0) {
                TextPart part;
                size_t n = text_next_part(s, size, match, &part);

                if (part != TEXT_PLAIN)
                        (void) fputs(color_begin(colors[part]), stdout);
                (void) text_print(s, n);
                if (part != TEXT_PLAIN)
                        (void) fputs(color_end(), stdout);
                s += n;
                size -= n;
        }
}
