/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The resolver with its real helper, which a child starts as systemd would, for each connection. A
 * mount namespace of our own has the files that libc looks into. */

#include "../unit/files.h"

#include <err.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "daemon/resolver.h"
#include "netns.h"

#define OFFICE "office.example.org"

typedef struct Test {
        Files *files;
        char socket[128];
        pid_t server;
        sd_event *event;
        Resolver *resolver;

        ResolverAnswer answer; /* the last one */
        unsigned n_answers;
} Test;

static void write_etc(const Files *f, const char *name, const char *text) {
        char path[128];
        FILE *out;

        (void) snprintf(path, sizeof(path), "%s/%s", f->directory, name);
        out = fopen(path, "we");
        assert_non_null(out);
        assert_true(fputs(text, out) >= 0);
        assert_int_equal(fclose(out), 0);
}

/* The file is bound over that of /etc, so that what is written there later is seen, too. */
static void bind_etc(const Files *f, const char *name) {
        char path[128], target[64];

        (void) snprintf(path, sizeof(path), "%s/%s", f->directory, name);
        (void) snprintf(target, sizeof(target), "/etc/%s", name);
        assert_int_equal(mount(path, target, NULL, MS_BIND, NULL), 0);
}

static const char *const etc[] = { "hosts", "nsswitch.conf", "resolv.conf" };

static void make_etc(const Files *f) {
        write_etc(f, "hosts", "");
        write_etc(f, "nsswitch.conf", "hosts: files\n");
        write_etc(f, "resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
        for (size_t i = 0; i < ELEMENTSOF(etc); i++)
                bind_etc(f, etc[i]);
}

static void unbind_etc(void) {
        for (size_t i = 0; i < ELEMENTSOF(etc); i++) {
                char target[64];

                (void) snprintf(target, sizeof(target), "/etc/%s", etc[i]);
                (void) umount2(target, MNT_DETACH);
        }
}

/* Gives each connection to a program of its own. */
static void serve(int fd, char *const *command) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) signal(SIGCHLD, SIG_IGN);

        for (;;) {
                int connection = accept4(fd, NULL, NULL, 0);

                if (connection < 0)
                        err(EXIT_FAILURE, "accept");
                if (fork() == 0) {
                        (void) dup2(connection, STDIN_FILENO);
                        (void) dup2(connection, STDOUT_FILENO);
                        (void) close(connection);
                        (void) execv(command[0], command);
                        err(EXIT_FAILURE, "%s", command[0]);
                }
                (void) close(connection);
        }
}

static void start_server(Test *t, char *const *command) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        (void) snprintf(t->socket, sizeof(t->socket), "%s/socket", t->files->directory);
        (void) unlink(t->socket);
        strcpy(address.sun_path, t->socket);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 16), 0);

        t->server = fork();
        assert_true(t->server >= 0);
        if (t->server == 0)
                serve(fd, command);
        (void) close(fd);
}

static void stop_server(Test *t) {
        if (t->server == 0)
                return;

        (void) kill(t->server, SIGKILL);
        (void) waitpid(t->server, NULL, 0);
        t->server = 0;
}

static void on_answer(const char *name, const ResolverAnswer *answer, void *userdata) {
        Test *t = userdata;

        assert_string_equal(name, OFFICE);
        t->answer = *answer;
        t->n_answers++;
}

static int set_up(void **state) {
        static char *const helper[] = { (char *) BANJO_RESOLVE, NULL };
        Test *t = calloc(1, sizeof(*t));

        if (!t || files_setup((void **) &t->files) < 0)
                return -1;
        make_etc(t->files);
        assert_ok(sd_event_new(&t->event));
        start_server(t, helper);
        assert_ok(resolver_new(&t->resolver, t->event, t->socket, on_answer, t));
        *state = t;
        return 0;
}

static int tear_down(void **state) {
        Test *t = *state;

        resolver_free(t->resolver);
        sd_event_unref(t->event);
        stop_server(t);
        unbind_etc();
        files_teardown((void **) &t->files);
        free(t);
        return 0;
}

static void wait_for_answers(Test *t, unsigned n) {
        while (t->n_answers < n)
                assert_ok(sd_event_run(t->event, 30 * USEC_PER_SEC));
}

static void ask(Test *t) {
        unsigned n = t->n_answers;

        assert_ok(resolver_ask(t->resolver, NULL, OFFICE));
        assert_int_equal(t->n_answers, n); /* not before the loop runs */
        wait_for_answers(t, n + 1);
}

static bool answer_has(const Test *t, const char *address) {
        Address a = addr(address);

        for (size_t i = 0; i < t->answer.n_addresses; i++)
                if (address_equal(&t->answer.addresses[i], &a))
                        return true;

        return false;
}

static void names_of_etc_hosts_are_resolved(void **state) {
        Test *t = *state;

        write_etc(t->files,
                        "hosts",
                        "192.0.2.7 office.example.org office\n2001:db8::7 office.example.org\n"
                        "192.0.2.8 home.example.org\n");
        ask(t);
        assert_int_equal(t->answer.result, RESOLVER_FOUND);
        assert_null(t->answer.why);
        assert_int_equal(t->answer.n_addresses, 2);
        assert_true(answer_has(t, "192.0.2.7"));
        assert_true(answer_has(t, "2001:db8::7"));
        assert_int_equal(t->answer.ttl, 0);
}

static void changes_are_seen_the_next_time(void **state) {
        Test *t = *state;

        write_etc(t->files, "hosts", "192.0.2.7 office.example.org\n");
        ask(t);
        assert_true(answer_has(t, "192.0.2.7"));

        write_etc(t->files, "hosts", "192.0.2.9 office.example.org\n");
        ask(t);
        assert_true(answer_has(t, "192.0.2.9"));
        assert_int_equal(t->answer.n_addresses, 1);
}

static void a_name_that_does_not_exist_is_none(void **state) {
        Test *t = *state;

        ask(t);
        assert_int_equal(t->answer.result, RESOLVER_NONE);
        assert_non_null(t->answer.why);
}

static void a_silent_name_server_is_a_failure(void **state) {
        Test *t = *state;

        write_etc(t->files, "nsswitch.conf", "hosts: files dns\n");
        ask(t);
        assert_int_equal(t->answer.result, RESOLVER_FAILED);
        assert_non_null(t->answer.why);
}

static void nobody_to_ask_is_an_error(void **state) {
        Test *t = *state;

        stop_server(t);
        assert_true(resolver_ask(t->resolver, NULL, OFFICE) < 0);
        (void) unlink(t->socket);
        assert_fails(resolver_ask(t->resolver, NULL, OFFICE), ENOENT);
        assert_int_equal(t->n_answers, 0);
}

static void nonsense_is_a_failure(void **state) {
        static const char *const nonsense[] = {
                "printf ''",
                "printf 'ok'",
                "printf 'ok 60'",
                "printf 'ok minus\\n'",
                "printf '192.0.2.7\\n'",
                "printf 'x\\nok 60\\n'",
                "printf '192.0.2.7\\000\\nok 60\\n'",
                "yes 192.0.2.7",
                "kill -9 $$",
        };
        Test *t = *state;

        for (size_t i = 0; i < ELEMENTSOF(nonsense); i++) {
                /* Who has gone before the question comes is a failure to ask. */
                char *const command[] = {
                        (char *) "/bin/sh",
                        (char *) "-c",
                        (char *) "read -r name; eval \"$0\"",
                        (char *) nonsense[i],
                        NULL,
                };

                stop_server(t);
                start_server(t, command);
                ask(t);
                if (t->answer.result != RESOLVER_FAILED)
                        fail_msg("%s", nonsense[i]);
        }
}

static void what_names_are_not_is_not_asked(void **state) {
        char name[300];
        Test *t = *state;

        memset(name, 'a', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        assert_fails(resolver_ask(t->resolver, NULL, name), EINVAL);
}

static void so_many_at_a_time(void **state) {
        Test *t = *state;

        write_etc(t->files, "hosts", "192.0.2.7 office.example.org\n");
        for (unsigned i = 0; i < RESOLVER_QUERIES_MAX; i++)
                assert_ok(resolver_ask(t->resolver, NULL, OFFICE));
        assert_fails(resolver_ask(t->resolver, NULL, OFFICE), EBUSY);

        wait_for_answers(t, RESOLVER_QUERIES_MAX);
        assert_int_equal(t->answer.result, RESOLVER_FOUND);

        /* What is open when everything ends is forgotten. */
        assert_ok(resolver_ask(t->resolver, NULL, OFFICE));
}

#define resolver_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                resolver_test(names_of_etc_hosts_are_resolved),
                resolver_test(changes_are_seen_the_next_time),
                resolver_test(a_name_that_does_not_exist_is_none),
                resolver_test(a_silent_name_server_is_a_failure),
                resolver_test(nobody_to_ask_is_an_error),
                resolver_test(nonsense_is_a_failure),
                resolver_test(what_names_are_not_is_not_asked),
                resolver_test(so_many_at_a_time),
        };

        netns_enter();
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                err(EXIT_FAILURE, "mount namespace");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
