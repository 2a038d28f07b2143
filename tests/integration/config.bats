#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bad input from the host: one clear sentence each, with what to do, and an exit code.

load lib

setup_file() {
        boot ssh.service
}

teardown_file() {
        shut_down
}

setup() {
        fresh
}

teardown() {
        inside sh -c 'rm -rf /etc/systemd/system/banjod.service.d
                gpasswd --add banjo systemd-journal >/dev/null
                systemctl daemon-reload'
}

# Writes a drop-in of the service from stdin.
service_with() {
        write /etc/systemd/system/banjod.service.d/test.conf
        inside systemctl daemon-reload
}

# exits_with STATUS WORDS...: a start fails with this status and a sentence that has all the words,
# and says nothing else.
exits_with() {
        local status=$1 began said word
        shift

        inside systemctl reset-failed banjod.service
        began=@$EPOCHREALTIME
        not inside systemctl restart banjod.service 2>/dev/null
        [[ $(exit_status) == "$status" ]]

        # It has ended, so all that it had to say is with journald.
        inside journalctl --sync
        said=$(complaints_since "$began")
        printf 'said: %s\n' "$said"
        (($(wc -l <<<"$said") == ${lines:-1}))
        for word; do
                grep -qF -- "$word" <<<"$said"
        done
}

# By its name only: journald cannot tell the unit of a process that is gone already.
complaints_since() {
        inside journalctl -q -o cat -t banjod -p warning --since "$1"
}

# Whether banjod has said all these words in one line.
has_said() {
        local line word

        line=$(inside journalctl -q -o cat -t banjod)
        for word; do
                line=$(grep -iF -- "$word" <<<"$line") || return
        done
}

@test "a wrong value is told with file, section and key; the jails that are right start" {
        fresh_with <<'EOT'
[postfix-sasl]
enabled = yes
maxretry = banana
EOT
        [[ $(inside systemctl is-active banjod.service) == active ]]
        eventually has_said /etc/banjo/conf.d/50-test.conf postfix-sasl maxretry banana
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        run -0 inside banctl status
        [[ $output == *postfix-sasl*refused* ]]
}

@test "it exits only if no jail is right" {
        configure <<'EOT'
[sshd]
findtime = soon
EOT
        # The mistake, and what comes of it for the jail and for banjod.
        lines=3 exits_with 78 /etc/banjo/conf.d/50-test.conf sshd findtime soon
}

@test "a file that cannot be parsed is told by its name, and the rest starts" {
        configure <<'EOT'
[postfix-sasl]
enabled
EOT
        inside systemctl restart banjod.service
        eventually has_said /etc/banjo/conf.d/50-test.conf 'line 2'
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
}

@test "a file that cannot be read is told by its name" {
        configure <<'EOT'
[postfix-sasl]
enabled = yes
EOT
        inside chmod 600 /etc/banjo/conf.d/50-test.conf
        inside systemctl restart banjod.service
        eventually has_said /etc/banjo/conf.d/50-test.conf 'permission denied'
}

@test "an unknown key, section or filter is told" {
        fresh_with <<'EOT'
[postfix-sasl]
enabled = yes
maxretri = 3

[mine]
enabled = yes
filter = nonsuch
ports = 80
EOT
        eventually has_said /etc/banjo/conf.d/50-test.conf postfix-sasl maxretri
        eventually has_said mine nonsuch
}

@test "a wrong configuration at reload leaves the old one in force" {
        configure <<'EOT'
[sshd]
maxretry = 0
EOT
        run inside systemctl reload banjod.service
        ((status != 0))
        run inside banctl reload
        ((status == 1))
        [[ $output == *50-test.conf*sshd*maxretry* ]]
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
}

@test "a reload keeps bans and counts" {
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        wrong_passwords 198.51.100.67 4
        caught_up
        configure <<'EOT'
[sshd]
bantime = 1d
EOT
        inside systemctl reload banjod.service
        is_banned sshd 198.51.100.66
        is_not_banned sshd 198.51.100.67
        wrong_passwords 198.51.100.67 1
        eventually is_banned sshd 198.51.100.67
        element sshd 198.51.100.67 | jq -e '.timeout > 23 * 3600'
}

@test "without CAP_NET_ADMIN: one sentence, status 77" {
        service_with <<'EOT'
[Service]
AmbientCapabilities=
CapabilityBoundingSet=
EOT
        exits_with 77 CAP_NET_ADMIN banjod.service
}

@test "without nftables in the kernel: one sentence, status 69" {
        # A kernel without it does not know the protocol; this one cannot forget it.
        inside gcc -shared -fPIC -x c -o /usr/lib/no-nftables.so - <<'EOT'
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int socket(int domain, int type, int protocol) {
        if (domain == AF_NETLINK && protocol == NETLINK_NETFILTER) {
                errno = EPROTONOSUPPORT;
                return -1;
        }
        return (int) syscall(SYS_socket, domain, type, protocol);
}
EOT
        service_with <<'EOT'
[Service]
Environment=LD_PRELOAD=/usr/lib/no-nftables.so
EOT
        exits_with 69 nftables 'firewall = log'
}

@test "without access to the journal: one sentence, status 77" {
        service_with <<'EOT'
[Service]
SupplementaryGroups=
EOT
        inside gpasswd --delete banjo systemd-journal
        exits_with 77 journal systemd-journal
}

@test "a state directory that cannot be written: one sentence, status 73" {
        service_with <<'EOT'
[Service]
ReadOnlyPaths=/var/lib/banjo
EOT
        exits_with 73 /var/lib/banjo
}

# Told once since the beginning of the test; banjod does so before it is ready.
was_set_aside_once() {
        inside journalctl --sync
        (($(inside journalctl -q -o json MESSAGE_ID=0d4a471cd3204318be402f447d2dfa08 | wc -l) == 1))
}

# Damages the database while banjod is stopped, by the command; then nothing must be lost.
recovers_from() {
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        inside banctl ban sshd 198.51.100.67 --time=permanent
        inside banctl ban sshd 2001:db8:a::/64 --time=1d
        bans | cut -d ' ' -f 1,2 >"$BATS_TEST_TMPDIR/bans"
        inside systemctl stop banjod.service banjod.socket

        inside sh -c "$1"
        inside md5sum /var/lib/banjo/banjo.db | cut -d ' ' -f 1 >"$BATS_TEST_TMPDIR/sum"
        inside systemctl start banjod.service
        eventually answers

        # Set aside under another name, as it was.
        inside sh -c 'ls /var/lib/banjo; md5sum /var/lib/banjo/banjo.db?*' | tee "$BATS_TEST_TMPDIR/files"
        grep -qF "$(cat "$BATS_TEST_TMPDIR/sum")" "$BATS_TEST_TMPDIR/files"
        was_set_aside_once

        # The bans were taken back from the kernel, with their ends, and go on.
        diff "$BATS_TEST_TMPDIR/bans" <(bans | cut -d ' ' -f 1,2)
        run -0 inside banctl list
        echo "$output"
        [[ $output == *198.51.100.67*permanent* ]]
        is_dropped 198.51.100.66 22 sshd
        inside systemctl restart banjod.service
        eventually answers
        diff "$BATS_TEST_TMPDIR/bans" <(bans | cut -d ' ' -f 1,2)
        is_dropped 2001:db8:a::67 22 sshd
        # Nothing is set aside a second time.
        was_set_aside_once
}

@test "a database that is not one is set aside, never deleted, and the bans come back from the kernel" {
        recovers_from 'rm -f /var/lib/banjo/banjo.db-*; seq 10000 >/var/lib/banjo/banjo.db'
}

@test "a damaged database is set aside, never deleted, and the bans come back from the kernel" {
        # The pages behind the first.
        recovers_from 'rm -f /var/lib/banjo/banjo.db-*
                size=$(stat -c %s /var/lib/banjo/banjo.db)
                dd if=/dev/urandom of=/var/lib/banjo/banjo.db bs=512 seek=2 count=$((size / 512 - 2)) conv=notrunc status=none'
}

@test "a lost database is taken back from the kernel" {
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        inside systemctl stop banjod.service
        inside sh -c 'rm -f /var/lib/banjo/banjo.db*'
        inside systemctl start banjod.service
        eventually answers
        run -0 bans
        [[ $output == *198.51.100.66* ]]
        is_dropped 198.51.100.66 22 sshd
}

@test "firewall = log decides and announces without touching the kernel" {
        inside systemctl stop banjod.service
        inside nft delete table inet banjo
        configure <<'EOT'
[banjo]
firewall = log
EOT
        inside systemctl start banjod.service
        wrong_passwords 198.51.100.66 5
        eventually inside sh -c 'journalctl -q MESSAGE_ID=a177b87d71174984b96c434c71d4d024 | grep -q 198.51.100.66'
        [[ $(bans) == *198.51.100.66* ]]
        not inside nft list table inet banjo 2>/dev/null
        connects 198.51.100.66 22
}

@test "wrong usage is status 2" {
        run -2 inside banjod --nonsense
        run -2 inside banctl nonsense
        run -2 inside banctl ban sshd not-an-address
}

@test "banctl says when banjod is not running: status 3" {
        inside systemctl stop banjod.service banjod.socket
        run -3 inside banctl status
        run -3 inside banctl list
}
