#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a banned address has open ends, with the real sshd.

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
        inside sh -s <<'EOT'
nft delete table inet tracking 2>/dev/null
test ! -e /run/held.pids || xargs kill </run/held.pids 2>/dev/null
rm -f /run/held.pids /etc/ssh/sshd_config.d/50-startups.conf
systemctl restart ssh.service
EOT
        eventually sessions_are 0
}

# log_in FROM: alice's session stays open; what its client says goes to /run/session-FROM.log.
log_in() {
        attacker sh -s -- "$1" "${ssh_options[@]}" -tt -b "$1" "alice@$(server_for "$1")" <<'EOT'
log=/run/session-$1.log
shift
: >"$log"
sshpass -p sesame-alice ssh "$@" 'echo welcome; exec sleep 1000' </dev/null >"$log" 2>&1 &
echo $! >>/run/held.pids
EOT
        eventually inside grep -q welcome "/run/session-$1.log"
}

sessions_are() {
        [[ $(inside sh -c 'pgrep -u alice -x sleep | wc -l') == "$1" ]]
}

# hold_many FROM COUNT: so many connections that never say a word.
hold_many() {
        attacker sh -s -- "$1" "$(server_for "$1")" "$2" <<'EOT'
for i in $(seq "$3"); do
        nc -s "$1" "$2" 22 </dev/null >/dev/null 2>&1 &
        echo $! >>/run/held.pids
done
EOT
        eventually connections_are "$1" "$2"
}

connections_are() {
        (($(inside ss -Htn state established src :22 dst "[$1]" | wc -l) == $2))
}

track() {
        inside nft -f - <<'EOT'
table inet tracking {
        chain input {
                type filter hook input priority 0
                ct state established,related accept
        }
}
EOT
}

is_tracked() {
        inside grep -q "src=$1 .*dport=22 " /proc/net/nf_conntrack
}

@test "a session that is logged in ends when its address is banned" {
        log_in 198.51.100.66
        log_in 198.51.100.67
        eventually sessions_are 2
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66

        eventually not has_connections_with 198.51.100.66
        eventually inside grep -Ei 'reset|closed|broken' /run/session-198.51.100.66.log
        eventually sessions_are 1
        # The other one of alice's goes on.
        has_connections_with 198.51.100.67
}

@test "half-open logins no longer fill MaxStartups" {
        printf 'MaxStartups 3:100:3\nLoginGraceTime 600\n' | write /etc/ssh/sshd_config.d/50-startups.conf
        inside systemctl restart ssh.service
        gets_in 198.51.100.67
        hold_many 198.51.100.66 3
        not gets_in 198.51.100.67

        inside banctl ban sshd 198.51.100.66
        not has_connections_with 198.51.100.66
        eventually gets_in 198.51.100.67
        is_dropped 198.51.100.66 22 sshd
}

@test "what conntrack knows of the address ends, and of others it does not" {
        inside test -e /proc/net/nf_conntrack || skip "the kernel does not show what it tracks"
        track
        hold_many 198.51.100.66 1
        hold_many 198.51.100.67 1
        is_tracked 198.51.100.66
        inside banctl ban sshd 198.51.100.66
        eventually not is_tracked 198.51.100.66
        is_tracked 198.51.100.67
        # It may, in its sandbox.
        inside sh -c '! journalctl -q -b -u banjod.service -p warning -g conntrack | grep .'
}

@test "kill = no leaves connections alone, and a reload is enough to change it" {
        printf '[banjo]\nkill = no\n' | fresh_with
        log_in 198.51.100.66
        eventually sessions_are 1
        inside banctl ban sshd 198.51.100.66
        is_banned sshd 198.51.100.66
        has_connections_with 198.51.100.66
        sessions_are 1

        configure </dev/null
        inside systemctl reload banjod.service
        has_connections_with 198.51.100.66
        inside banctl unban 198.51.100.66
        inside banctl ban sshd 198.51.100.66
        eventually not has_connections_with 198.51.100.66
        eventually sessions_are 0
}
