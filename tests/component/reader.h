/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The journal reader on what export.h makes. */

#include "export.h"

#include "engine/journal.h"

static inline _unused_ Journal *open_all(const char *path) {
        Journal *j;

        assert_int_equal(journal_open(&j, path), 0);
        return j;
}

static inline _unused_ void
want_back(Journal *j, const char *text, const char *identifier, usec_t lookback) {
        char *identifiers[] = { (char *) identifier };
        const char *bad;
        Match *m;

        assert_int_equal(match_new(&m), 0);
        assert_int_equal(match_parse(m, text, &bad), 0);
        assert_int_equal(journal_set_wants(j,
                                         &(const JournalWant){
                                                         .name_space = "",
                                                         .match = m,
                                                         .identifiers = identifiers,
                                                         .n_identifiers = identifier ? 1 : 0,
                                                         .lookback = lookback,
                                         },
                                         1),
                        0);
        match_free(m);
}

static inline _unused_ void want(Journal *j, const char *text, const char *identifier) {
        want_back(j, text, identifier, 0);
}

/* At the head, reading what sshd's unit says. */
static inline _unused_ Journal *open_ssh(const char *path) {
        Journal *j = open_all(path);

        want(j, UNIT, NULL);
        assert_int_equal(journal_seek(j, NULL, 0), 0);
        return j;
}

static inline _unused_ void assert_message(const Entry *e, const char *message) {
        assert_int_equal(e->fields[ENTRY_MESSAGE].size, strlen(message));
        assert_memory_equal(e->fields[ENTRY_MESSAGE].data, message, strlen(message));
}

/* The next one that is not past. */
static inline _unused_ void assert_next(Journal *j, const char *message) {
        Entry e;
        int r;

        do
                r = journal_next(j, &e);
        while (r == 1 && journal_is_past(j));

        assert_int_equal(r, message ? 1 : 0);
        if (message)
                assert_message(&e, message);
}

static inline _unused_ void assert_next_past(Journal *j, const char *message) {
        Entry e;

        assert_int_equal(journal_next(j, &e), 1);
        assert_true(journal_is_past(j));
        assert_message(&e, message);
}
