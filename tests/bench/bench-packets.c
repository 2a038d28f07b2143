/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the table costs a packet of an address that is not banned, beside a single rule with a
 * single look-up
 *
 * Runs in a network namespace of its own. Packets are made by the kernel itself: a program for XDP,
 * run by hand in batches, hands them to the network stack as if a device had received them, each
 * from another source. A second table drops what the first let through, so that little else is
 * measured. What is printed is the least of many short rounds, less the same without a table:
 * others on the machine can only add to it.
 */

#include "bench.h"

#include <arpa/inet.h>
#include <err.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "engine/firewall.h"
#include "engine/nft-elements.h"
#include "engine/nft-table.h"

#define ROUNDS 60
#define PACKETS 8192u /* in a round */

#define SSH 22
#define SOURCES 0xc6120000u /* 198.18.0.0/15, where packets come from */
#define SOURCES_MASK 0x1ffffu
#define BANNED 0x0a000000u /* elsewhere */

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1u << 1)
#endif

/* packets */

typedef struct Packet {
        struct ethhdr eth;
        struct iphdr ip;
        struct tcphdr tcp;
} __attribute__((packed)) Packet;

static Packet packet;
static int program;

/* The sum over the header's words, the source and the checksum being zero. */
static uint32_t sum_header(void) {
        uint16_t words[sizeof(packet.ip) / 2];
        uint32_t sum = 0;

        memcpy(words, &packet.ip, sizeof(words));
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                sum += words[i];
        return sum;
}

static void make_packet(void) {
        packet = (Packet){
                .eth.h_proto = htons(ETH_P_IP),
                .ip = {
                        .version = 4,
                        .ihl = 5,
                        .ttl = 64,
                        .tot_len = htons(sizeof(packet) - sizeof(packet.eth)),
                        .protocol = IPPROTO_TCP,
                        .daddr = htonl(0xc0000201), /* 192.0.2.1 */
                },
                .tcp = { .dest = htons(SSH), .doff = 5, .syn = 1 },
        };
}

#define INSN(c, d, s, o, i)                                                                        \
        ((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })
#define MOVE(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define CALCULATE(op, d, i) INSN(BPF_ALU64 | (op) | BPF_K, d, 0, 0, (int32_t) (i))
#define ADD(d, s) INSN(BPF_ALU64 | BPF_ADD | BPF_X, d, s, 0, 0)

/* Gives each packet a source of its own, and its checksum. */
static void load_program(void) {
        const struct bpf_insn instructions[] = {
                MOVE(6, 1),
                INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_prandom_u32),
                CALCULATE(BPF_AND, 0, SOURCES_MASK),
                INSN(BPF_ALU | BPF_OR | BPF_K, 0, 0, 0, (int32_t) SOURCES),
                INSN(BPF_ALU | BPF_END | BPF_TO_BE, 0, 0, 0, 32),

                INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 6, offsetof(struct xdp_md, data), 0),
                INSN(BPF_LDX | BPF_MEM | BPF_W, 3, 6, offsetof(struct xdp_md, data_end), 0),
                MOVE(4, 2),
                CALCULATE(BPF_ADD, 4, sizeof(packet)),
                INSN(BPF_JMP | BPF_JGT | BPF_X, 4, 3, 16, 0),
                INSN(BPF_STX | BPF_MEM | BPF_W, 2, 0, offsetof(Packet, ip.saddr), 0),

                MOVE(5, 0),
                CALCULATE(BPF_AND, 5, 0xffff),
                CALCULATE(BPF_RSH, 0, 16),
                ADD(5, 0),
                CALCULATE(BPF_ADD, 5, sum_header()),
                MOVE(0, 5),
                CALCULATE(BPF_RSH, 0, 16),
                CALCULATE(BPF_AND, 5, 0xffff),
                ADD(5, 0),
                MOVE(0, 5),
                CALCULATE(BPF_RSH, 0, 16),
                ADD(5, 0),
                CALCULATE(BPF_XOR, 5, 0xffff),
                INSN(BPF_STX | BPF_MEM | BPF_H, 2, 5, offsetof(Packet, ip.check), 0),
                INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0),

                INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
                INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
        };
        static char log[65536];
        union bpf_attr attr = {
                .prog_type = BPF_PROG_TYPE_XDP,
                .insns = (uintptr_t) instructions,
                .insn_cnt = ELEMENTSOF(instructions),
                .license = (uintptr_t) "GPL",
                .log_buf = (uintptr_t) log,
                .log_size = sizeof(log),
                .log_level = 1,
        };

        program = (int) syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
        if (program < 0 && errno == EPERM) {
                printf("Only root may make packets this way.\n");
                exit(77);
        }
        if (program < 0)
                err(EXIT_FAILURE, "bpf: %s", log);
}

/* Nanoseconds for a packet. */
static double send_packets(void) {
        union bpf_attr attr = {
                .test = {
                        .prog_fd = (uint32_t) program,
                        .data_in = (uintptr_t) &packet,
                        .data_size_in = sizeof(packet),
                        .repeat = PACKETS,
                        .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
                },
        };

        if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)) < 0)
                err(EXIT_FAILURE, "bpf");
        return attr.test.duration;
}

static double measure(void) {
        double least = send_packets();

        for (unsigned i = 0; i < ROUNDS; i++)
                least = MIN(least, send_packets());
        return least;
}

/* tables */

static void commit(NftLink *l) {
        int r = nft_link_commit(l, NULL, NULL);

        if (r < 0)
                errx(EXIT_FAILURE, "nftables: %s", strerror(-r));
}

static NftLink *begin_table(const char *name, int32_t priority) {
        NftLink *l;
        int r;

        r = nft_link_new(&l, name);
        if (r < 0)
                errx(EXIT_FAILURE, "nftables: %s", strerror(-r));

        nft_link_begin(l);
        nft_add_table(l, 0);
        nft_add_base_chain(l, "prerouting", NF_INET_PRE_ROUTING, priority, NULL);
        return l;
}

static void drop_all_at_the_end(void) {
        NftLink *l = begin_table("end", -200);
        NftRule r = nft_rule_begin(l, "prerouting");

        nft_rule_verdict(&r, NF_DROP, NULL);
        nft_rule_end(&r);
        commit(l);
        nft_link_free(l);
}

static Address banned(unsigned i) {
        Address a = { .family = AF_INET, .prefixlen = 32 };

        a.in.s_addr = htonl(BANNED + i);
        return a;
}

/* `ip saddr @banned drop` */
static double measure_one_look_up(unsigned n) {
        const NftSetParams params = {
                .flags = NFT_SET_TIMEOUT,
                .key_type = NFT_TYPE_IPV4_ADDR,
                .key_size = 4,
                .gc_interval = 60000,
        };
        NftLink *l = begin_table("one", -300);
        double ns;
        NftRule r;

        nft_add_set(l, "banned", &params);
        r = nft_rule_begin(l, "prerouting");
        nft_rule_address_in(&r, NFT_SOURCE, AF_INET, 32, "banned");
        nft_rule_verdict(&r, NF_DROP, NULL);
        nft_rule_end(&r);
        commit(l);

        for (unsigned i = 0; i < n;) {
                struct nftnl_set *elements;

                nft_link_begin(l);
                elements = nft_elements_new(l, "banned");
                for (unsigned k = 0; k < 5000 && i < n; k++, i++) {
                        const Address a = banned(i);

                        (void) nft_elements_add(l, elements, a.bytes, 4);
                }
                nft_put_elements(l, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements);
                nftnl_set_free(elements);
                commit(l);
        }

        ns = measure();

        nft_link_begin(l);
        nft_delete_table(l);
        commit(l);
        nft_link_free(l);
        return ns;
}

typedef enum Kind {
        OWN_PORTS,  /* each jail has two ports */
        SAME_PORTS, /* all have the same */
        EVERY_PORT, /* all have all */
        ELSEWHERE,  /* nobody guards the port */
} Kind;

#define SIZE_OF_A_LOT 1000000
#define JAILS_MAX 50

static usec_t longest(const Address *address _unused_, void *userdata _unused_) {
        return BENCH_TIMEOUT;
}

static double measure_jails(Kind kind, unsigned n_jails, unsigned n_bans) {
        static char names[JAILS_MAX][16];
        static FirewallJail jails[JAILS_MAX];
        Firewall *f;
        double ns;
        int r;

        for (unsigned i = 0; i < n_jails; i++) {
                uint16_t port = (uint16_t) (kind == SAME_PORTS ? SSH : SSH + 2 * i);

                (void) snprintf(names[i], sizeof(names[i]), "jail%u", i);
                if (kind == ELSEWHERE)
                        port = (uint16_t) (port + 1000);
                jails[i] = (FirewallJail){ .name = names[i], .ports.protocols = PORT_TCP };
                if (kind == EVERY_PORT)
                        jails[i].ports.any = true;
                else
                        jails[i].ports.ranges[jails[i].ports.n_ranges++] =
                                        (PortRange){ port, (uint16_t) (port + 1) };
        }

        r = firewall_nft_new(&f);
        if (r >= 0)
                firewall_set_longest(f, longest, NULL);
        if (r >= 0)
                r = firewall_configure(f, &(FirewallSettings){}, jails, n_jails);
        for (unsigned i = 0; r >= 0 && i < n_bans; i++) {
                Address a = banned(i);

                r = firewall_add(f, names[i % n_jails], &a, BENCH_TIMEOUT, 0);
        }
        if (r >= 0)
                r = firewall_commit(f, NULL, NULL);
        if (r >= 0)
                r = firewall_settle(f);
        if (r < 0)
                errx(EXIT_FAILURE, "firewall: %s", strerror(-r));

        ns = measure();
        (void) firewall_destroy(f);
        firewall_free(f);
        return ns;
}

int main(void) {
        static const char *const names[] = {
                "of their own ports",
                "of the same ports",
                "of every port",
                "of other ports",
        };
        static const unsigned sizes[] = { 0, 10000, SIZE_OF_A_LOT }, jails[] = { 1, 10, 50 };
        double nothing;

        bench_enter_namespace();
        (void) system("ip link set lo up");
        make_packet();
        load_program();
        drop_all_at_the_end();

        nothing = measure();
        printf("a packet that no table looks at takes %.0f ns\n", nothing);
        for (size_t s = 0; s < ELEMENTSOF(sizes); s++) {
                double one = measure_one_look_up(sizes[s]) - nothing;

                printf("%u banned: one look-up takes %.0f ns\n", sizes[s], one);
                for (Kind k = OWN_PORTS; k <= ELSEWHERE; k++)
                        for (size_t j = 0; j < ELEMENTSOF(jails); j++) {
                                double ns = measure_jails(k, jails[j], sizes[s]) - nothing;

                                printf("%7u jails %-20s %4.0f ns, %.2f of it; with what the packet "
                                       "takes anyway %.2f\n",
                                                jails[j],
                                                names[k],
                                                ns,
                                                ns / one,
                                                (nothing + ns) / (nothing + one));
                        }
        }

        return EXIT_SUCCESS;
}
