/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "test.h"

#include <sys/wait.h>

#include "base/table.h"

typedef struct Item {
        Address key;
        bool in_table;
        int value;
        UT_hash_handle hh;
} Item;

static void what_was_added_is_found_until_it_is_taken_out(void **state) {
        enum { N = 5000 };
        Item *table = NULL, *items, *found;
        Address a;

        items = calloc(N, sizeof(*items));
        assert_non_null(items);

        for (int i = 0; i < N; i++) {
                const uint8_t bytes[4] = { 192, 0, (uint8_t) (i >> 8), (uint8_t) i };

                assert_ok(address_from_bytes(AF_INET, bytes, 32, &items[i].key));
                items[i].value = i;
                assert_true(TABLE_ADD(table, key, &items[i]));
        }
        assert_int_equal(HASH_COUNT(table), N);

        for (int i = 0; i < N; i++) {
                TABLE_FIND(table, &items[i].key, found);
                assert_non_null(found);
                assert_int_equal(found->value, i);
        }

        a = addr("203.0.113.1");
        TABLE_FIND(table, &a, found);
        assert_null(found);

        for (int i = 0; i < N; i += 2)
                TABLE_DEL(table, &items[i]);
        for (int i = 0; i < N; i++) {
                TABLE_FIND(table, &items[i].key, found);
                assert_ptr_equal(found, i % 2 ? &items[i] : NULL);
        }

        for (int i = 1; i < N; i += 2)
                TABLE_DEL(table, &items[i]);
        assert_null(table);
        free(items);
}

static void same_key_same_hash(void **state) {
        const char a[] = "the same bytes", b[] = "the same bytes", c[] = "the other byte";

        assert_int_equal(table_hash(a, sizeof(a)), table_hash(b, sizeof(b)));
        assert_int_not_equal(table_hash(a, sizeof(a)), table_hash(c, sizeof(c)));
        assert_int_not_equal(table_hash(a, 5), table_hash(a, 6));
}

static unsigned hash_in_another_process(void) {
        int fds[2], status;
        unsigned h = 0;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                h = table_hash("key", 3);
                _exit(write(fds[1], &h, sizeof(h)) == sizeof(h) ? 0 : 1);
        }
        assert_int_equal(read(fds[0], &h, sizeof(h)), sizeof(h));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        (void) close(fds[0]);
        (void) close(fds[1]);
        return h;
}

/* Has to run before anything in this process asked for a hash, which makes the secret. */
static void other_processes_have_other_secrets(void **state) {
        unsigned a = hash_in_another_process(), b = hash_in_another_process(),
                 c = hash_in_another_process();

        assert_false(a == b && b == c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(other_processes_have_other_secrets),
                cmocka_unit_test(what_was_added_is_found_until_it_is_taken_out),
                cmocka_unit_test(same_key_same_hash),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
