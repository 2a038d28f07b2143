/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Resolves one host name for banjod, which has no network of its own: a name in a line on standard
 * input, then on standard output an address in each line, and a last one that says how it went:
 *
 *         ok TTL      with the seconds for which the answer holds, 0 where nobody knows
 *         none        there is no such name, or it has no address
 *         failed      nobody answered
 *
 * systemd starts one for each name (banjo-resolve.socket), without any privilege. What libc makes
 * of the name is what every other program on this host gets, /etc/hosts and all of nsswitch.conf
 * included. libc does not say how long an answer holds, so the name server is asked once more for
 * that alone.
 */

#include <arpa/nameser.h>
#include <ctype.h>
#include <inttypes.h>
#include <netdb.h>
#include <resolv.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The longest name that DNS knows, in text. */
#define NAME_SIZE 254

/* More addresses than banjod keeps. */
#define ADDRESSES_MAX 64

/* banjod waits a little longer. */
#define PATIENCE_SEC 20

static void on_alarm(int signal_number) {
        static const char answer[] = "failed\n";

        (void) signal_number;
        (void) !write(STDOUT_FILENO, answer, sizeof(answer) - 1);
        _exit(EXIT_SUCCESS);
}

/* Only what can be a host name is looked up; nobody but banjod asks, and it asks for nothing else.
 */
static bool is_name(const char *s) {
        for (size_t i = 0; s[i]; i++)
                if (!isalnum((unsigned char) s[i]) && !strchr("-._", s[i]))
                        return false;

        return isalnum((unsigned char) s[0]);
}

static bool read_name(char name[static NAME_SIZE + 2]) {
        char *end;

        if (!fgets(name, NAME_SIZE + 2, stdin))
                return false;

        end = strchr(name, '\n');
        if (!end)
                return false;
        *end = '\0';
        return is_name(name);
}

static uint32_t shorter(uint32_t a, uint32_t b) {
        return a < b ? a : b;
}

/* The shortest time among the answers of one type; UINT32_MAX if there are none. */
static uint32_t get_ttl_of(res_state state, const char *name, int type) {
        static unsigned char answer[NS_MAXMSG];
        uint32_t ttl = UINT32_MAX;
        ns_msg message;
        int n;

        n = res_nquery(state, name, ns_c_in, type, answer, sizeof(answer));
        if (n < 0 || n > (int) sizeof(answer) || ns_initparse(answer, n, &message) < 0)
                return ttl;

        for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
                ns_rr rr;

                if (ns_parserr(&message, ns_s_an, i, &rr) >= 0)
                        ttl = shorter(ttl, (uint32_t) ns_rr_ttl(rr));
        }

        return ttl;
}

/* 0 if the name server does not say. */
static uint32_t get_ttl(const char *name) {
        struct __res_state state = {};
        uint32_t ttl;

        if (res_ninit(&state) < 0)
                return 0;

        ttl = shorter(get_ttl_of(&state, name, ns_t_a), get_ttl_of(&state, name, ns_t_aaaa));
        res_nclose(&state);
        /* What is not to be kept at all holds for no time, which is not the same as unknown. */
        return ttl == UINT32_MAX ? 0 : ttl == 0 ? 1 : ttl;
}

static void print_addresses(const struct addrinfo *list) {
        unsigned n = 0;

        for (const struct addrinfo *i = list; i && n < ADDRESSES_MAX; i = i->ai_next) {
                char text[NI_MAXHOST];

                if (getnameinfo(i->ai_addr,
                                    i->ai_addrlen,
                                    text,
                                    sizeof(text),
                                    NULL,
                                    0,
                                    NI_NUMERICHOST) != 0)
                        continue;
                (void) puts(text);
                n++;
        }
}

int main(int argc, char *argv[]) {
        const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
        struct addrinfo *list = NULL;
        char name[NAME_SIZE + 2];
        int r;

        (void) argc;
        (void) argv;

        (void) signal(SIGALRM, on_alarm);
        (void) alarm(PATIENCE_SEC);

        if (!read_name(name))
                return EXIT_FAILURE;

        r = getaddrinfo(name, NULL, &hints, &list);
        if (r == EAI_NONAME || r == EAI_NODATA || r == EAI_ADDRFAMILY) {
                (void) puts("none");
                return EXIT_SUCCESS;
        }
        if (r != 0) {
                (void) puts("failed");
                return EXIT_SUCCESS;
        }

        print_addresses(list);
        freeaddrinfo(list);
        (void) printf("ok %" PRIu32 "\n", get_ttl(name));
        return EXIT_SUCCESS;
}
