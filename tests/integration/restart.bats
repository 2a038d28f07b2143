#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What becomes of bans when banjod or the machine stops, in whatever way.

load lib

setup_file() {
        boot ssh.service
}

teardown_file() {
        shut_down
}

setup() {
        fresh
        ban_three
}

teardown() {
        inside systemctl --quiet stop 'knock-*.service' || true
}

# Counts what the banned addresses send before and behind banjo's chain.
watch_packets() {
        inside nft -f - <<'EOT'
table inet probe
delete table inet probe
table inet probe {
        set banned4 {
                type ipv4_addr
                elements = { 198.51.100.66, 198.51.100.67 }
        }
        counter seen {
        }
        counter passed {
        }
        chain before {
                type filter hook prerouting priority -310
                ip saddr @banned4 tcp dport 22 counter name seen
                ip6 saddr 2001:db8:a::/64 tcp dport 22 counter name seen
        }
        chain behind {
                type filter hook prerouting priority -290
                ip saddr @banned4 tcp dport 22 counter name passed
                ip6 saddr 2001:db8:a::/64 tcp dport 22 counter name passed
        }
}
EOT
}

start_knocking() {
        watch_packets
        let_three_knock
        eventually has_seen 100
}

has_seen() {
        (($(counter probe seen) >= $1))
}

# None of it has passed, though it has gone on until now.
nothing_passed() {
        eventually has_seen $(($(counter probe seen) + 100))
        echo "$(counter probe seen) packets seen, $(counter probe passed) passed"
        (($(counter probe passed) == 0))
}

# banjod knows the same bans with the same ends, and so does the kernel.
bans_are_kept() {
        eventually answers
        diff "$BATS_TEST_TMPDIR/bans" <(bans)
        kernel_has_bans
}

# The kernel has the bans, and its timeouts end when the bans do, to a second.
kernel_has_bans() {
        local jail address end left before after

        while read -r jail address end; do
                before=$(date +%s)
                left=$(element "$jail" "$address" | jq '.expires // -1')
                after=$(date +%s)
                echo "$address ends at $end, the kernel has $left s left"
                if ((left == -1)); then
                        # 2^64-1, which bash and jq cannot tell from its neighbours.
                        ((${#end} == 20))
                else
                        end=$((end / 1000000))
                        ((left >= end - after - 2 && left <= end - before + 2))
                fi
        done <"$BATS_TEST_TMPDIR/bans"
}

main_pid() {
        inside systemctl show -P MainPID banjod.service
}

# The start limit is met by ten starts, however long they take.
count_all_starts() {
        write /etc/systemd/system/banjod.service.d/limit.conf <<<'[Unit]
StartLimitIntervalSec=1h'
        inside systemctl daemon-reload
}

runs_anew() {
        [[ $(inside systemctl is-active banjod.service) == active && $(main_pid) != "$1" ]]
}

@test "systemctl restart keeps every ban and its end, and no packet passes" {
        start_knocking
        inside systemctl restart banjod.service
        bans_are_kept
        inside systemctl restart banjod.service
        bans_are_kept
        nothing_passed
}

@test "systemctl stop keeps the bans in the kernel, and start finds them again" {
        start_knocking
        inside systemctl stop banjod.service
        kernel_has_bans
        inside systemctl start banjod.service
        bans_are_kept
        nothing_passed
}

@test "kill -9 keeps every ban and its end, and no packet passes" {
        local pid

        start_knocking
        pid=$(main_pid)
        inside systemctl kill -s KILL banjod.service
        eventually runs_anew "$pid"
        bans_are_kept
        nothing_passed
}

@test "the start limit reached by a broken configuration keeps the bans, and no packet passes" {
        count_all_starts
        start_knocking
        configure <<<'[sshd]
maxretry = banana'
        eventually refuses_to_start
        kernel_has_bans
        nothing_passed

        configure </dev/null
        inside systemctl reset-failed banjod.service banjod.socket
        inside systemctl start banjod.service
        bans_are_kept
        nothing_passed
}

@test "kill -9 again and again until the start limit keeps the bans, and no packet passes" {
        local pid

        count_all_starts
        start_knocking
        for _ in {1..20}; do
                pid=$(main_pid)
                inside systemctl kill -s KILL banjod.service
                eventually has_another_pid_than "$pid"
                not has_given_up || break
        done
        has_given_up
        kernel_has_bans
        inside systemctl reset-failed banjod.service
        inside systemctl start banjod.service
        bans_are_kept
        nothing_passed
}

# Restarts it, which fails, and says whether systemd has not even tried.
refuses_to_start() {
        not inside systemctl restart banjod.service || return 1
        inside journalctl -q UNIT=banjod.service -g 'start request repeated too quickly' | grep -q .
}

# systemd does not start it any more.
has_given_up() {
        [[ $(inside systemctl is-failed banjod.service) == failed ]]
}

has_another_pid_than() {
        has_given_up || [[ $(main_pid) != 0 && $(main_pid) != "$1" ]]
}

@test "attempts made while banjod was stopped are counted when it comes back" {
        wrong_passwords 203.0.113.5 3
        caught_up
        inside systemctl stop banjod.service banjod.socket
        wrong_passwords 203.0.113.5 2
        wrong_passwords 203.0.113.6 4
        connects 203.0.113.5 22
        inside systemctl start banjod.service
        eventually is_banned sshd 203.0.113.5
        is_dropped 203.0.113.5 22 sshd
        is_not_banned sshd 203.0.113.6
        # And those of before a restart are not forgotten.
        wrong_passwords 203.0.113.6 1
        eventually is_banned sshd 203.0.113.6
}

@test "attempts that were counted are not counted again by a restart" {
        local pid

        wrong_passwords 203.0.113.5 4
        caught_up
        inside systemctl restart banjod.service
        caught_up
        pid=$(main_pid)
        inside systemctl kill -s KILL banjod.service
        eventually runs_anew "$pid"
        caught_up
        is_not_banned sshd 203.0.113.5
        wrong_passwords 203.0.113.5 1
        eventually is_banned sshd 203.0.113.5
}

@test "a ban ends by itself on time with banjod stopped" {
        local end now

        # Long enough to stop banjod and be dropped before it ends.
        fresh_with <<<'[sshd]
bantime = 20s'
        wrong_passwords_at_once 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        bans >"$BATS_TEST_TMPDIR/bans"
        end=$(awk '$2 == "198.51.100.66" { print $3 }' "$BATS_TEST_TMPDIR/bans")
        end=$((end / 1000))
        inside systemctl stop banjod.service banjod.socket
        kernel_has_bans
        is_dropped 198.51.100.66 22 sshd
        eventually attacker nc -z -w 1 -s 198.51.100.66 192.0.2.1 22
        now=$(date +%s%3N)
        echo "let in $((now - end)) ms after its end"
        ((now >= end))
        # Over is over, also for banjod.
        inside systemctl start banjod.service
        eventually answers
        [[ -z $(bans) ]]
        connects 198.51.100.66 22
}

@test "a reboot keeps every ban and its end, and they are in place before the network is up" {
        # A network that comes up when systemd says it may, with an attacker who is there at once.
        write /usr/local/sbin/test-network <<'EOT'
#!/bin/sh
set -e
nft list table inet banjo >/run/before-the-network
nft -f /etc/probe.nft
attacker-net
EOT
        inside chmod +x /usr/local/sbin/test-network
        write /etc/systemd/system/test-network.service <<'EOT'
[Unit]
DefaultDependencies=no
After=network-pre.target local-fs.target
Wants=network-pre.target
Before=network.target
Wants=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/test-network
[Install]
WantedBy=multi-user.target
EOT
        write /etc/systemd/system/knock-@.service <<'EOT'
[Unit]
DefaultDependencies=no
After=test-network.service
[Service]
ExecStart=ip netns exec attacker knock %i 192.0.2.1 22 3
[Install]
WantedBy=multi-user.target
EOT
        watch_packets
        inside sh -c 'nft list table inet probe >/etc/probe.nft; sed -i "s/packets [0-9]* bytes [0-9]*//" /etc/probe.nft'
        inside systemctl enable --quiet banjod.service ssh.service test-network.service \
                knock-@198.51.100.66.service knock-@198.51.100.67.service

        "$container" reboot "$NAME"

        run -0 inside cat /run/before-the-network
        [[ $output == *198.51.100.66* && $output == *198.51.100.67* && $output == *2001:db8:a::* ]]
        local ready network
        ready=$(inside systemctl show -P ActiveEnterTimestampMonotonic banjod.service)
        network=$(inside systemctl show -P ActiveEnterTimestampMonotonic network-pre.target)
        echo "banjod was ready at $ready us, the network may come up at $network us"
        ((ready > 0 && ready <= network))

        bans_are_kept
        nothing_passed
        eventually connects 203.0.113.5 22
}

# dropped_by_ban ADDRESS: packets, as banctl tells it.
dropped_by_ban() {
        inside banctl list --json=short | jq -e --arg address "$1" '.[] | select(.address == $address).packets'
}

dropped_by_jail() {
        inside banctl jails --json=short | jq -e --arg jail "$1" '.[] | select(.name == $jail).dropped_packets'
}

@test "what a ban and its jail dropped goes on being counted over a restart" {
        local ban jail

        configure <<<'[sshd]
counters = 10'
        inside banctl reload
        inside banctl unban 198.51.100.66
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        is_dropped 198.51.100.66 22 sshd
        ban=$(dropped_by_ban 198.51.100.66)
        jail=$(dropped_by_jail sshd)
        ((ban > 0 && jail >= ban))

        inside systemctl restart banjod.service
        # It has its counter when its turn has come to be put in again.
        eventually dropped_by_ban 198.51.100.66
        (($(dropped_by_ban 198.51.100.66) >= ban))
        (($(dropped_by_jail sshd) >= jail))
        is_dropped 198.51.100.66 22 sshd
        (($(dropped_by_ban 198.51.100.66) > ban))
        (($(dropped_by_jail sshd) > jail))
}
