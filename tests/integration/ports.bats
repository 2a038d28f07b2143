#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Jails that guard the ports their units listen on, with the real sshd, its socket unit, and systemd;
# and what comes back from there.

load lib

setup_file() {
        boot ssh.service
}

teardown_file() {
        shut_down
}

setup() {
        inside sh -s <<'EOT'
systemctl --quiet stop ssh.socket
rm -rf /etc/ssh/sshd_config.d/50-port.conf /etc/systemd/system/ssh.socket.d
systemctl daemon-reload
systemctl restart ssh.service
EOT
        fresh_with <<'EOT'
[sshd]
ports = auto
EOT
}

# What the kernel's map of ports has.
guards() {
        local map

        map=$(inside nft list chain inet banjo prerouting | sed -n 's/.*tcp dport vmap @\([^ ]*\).*/\1/p')
        inside nft get element inet banjo "$map" "{ $1 }" >/dev/null 2>&1
}

# sshd_listens_on PORT...: writes it, and does not restart sshd.
sshd_listens_on() {
        printf 'Port %s\n' "$@" | write /etc/ssh/sshd_config.d/50-port.conf
}

@test "the port that sshd listens on is guarded from the start" {
        guards 22
        inside banctl ban sshd 198.51.100.66
        is_dropped 198.51.100.66 22 sshd
}

@test "sshd that moves to another port is followed within seconds" {
        local before

        inside banctl ban sshd 198.51.100.66
        is_dropped 198.51.100.66 22 sshd
        before=$(dropped_packets sshd)

        sshd_listens_on 2222
        inside systemctl restart ssh.service
        connects 198.51.100.67 2222
        eventually guards 2222
        is_dropped 198.51.100.66 2222 sshd
        not guards 22
        (($(dropped_packets sshd) > before))

        inside banctl status | grep -F 2222
        # banjod has answered, and so it has said this as well.
        inside journalctl --sync
        inside journalctl -u banjod.service | grep -F 'guards ports 2222 instead of 22'
}

@test "several ports are guarded, and those of loopback are not" {
        printf '%s\n' 'ListenAddress 0.0.0.0:22' 'ListenAddress [::]:2022' \
                'ListenAddress 127.0.0.1:2023' | write /etc/ssh/sshd_config.d/50-port.conf
        inside systemctl restart ssh.service
        eventually guards 2022
        guards 22
        not guards 2023
}

@test "a server that is stopped keeps its ports guarded, over a reload, too" {
        sshd_listens_on 2222
        inside systemctl restart ssh.service
        eventually guards 2222

        inside systemctl stop ssh.service
        inside banctl reload
        guards 2222
        inside banctl status --json | jq -e '[.warnings[].kind] | index("guards-nothing") == null'
}

@test "a jail whose units listen nowhere guards nothing and says so, until they do" {
        inside systemctl stop ssh.service banjod.service
        inside nft delete table inet banjo
        inside systemctl start banjod.service
        eventually answers
        not guards 22
        inside banctl status --json | jq -e '.warnings[] | select(.kind == "guards-nothing" and .jail == "sshd")'

        inside systemctl start ssh.service
        eventually guards 22
        inside banctl status --json | jq -e '[.warnings[].kind] | index("guards-nothing") == null'
}

@test "the port of ssh.socket is guarded, though systemd itself listens there" {
        write /etc/systemd/system/ssh.socket.d/50-port.conf <<'EOT'
[Socket]
ListenStream=
ListenStream=2224
EOT
        inside systemctl daemon-reload
        inside systemctl stop ssh.service
        inside systemctl start ssh.socket
        eventually guards 2224
        inside banctl ban sshd 198.51.100.66
        is_dropped 198.51.100.66 2224 sshd
        connects 198.51.100.67 2224
}

@test "ports that are written are guarded again after a reload" {
        sshd_listens_on 2222
        inside systemctl restart ssh.service
        eventually guards 2222

        configure <<'EOT'
[sshd]
ports = 22
EOT
        inside banctl reload
        guards 22
        not guards 2222
}

# refuses FROM PORT: a connection is refused, and does not time out.
refuses() {
        # bats sets both of them.
        local status output
        run attacker nc -v -z -w 2 -s "$1" "$(server_for "$1")" "$2"
        echo "$output"
        ((status != 0)) && [[ $output == *refused* ]]
}

@test "block = reset and reject answer at once, after a reload and without losing count" {
        local before block

        inside banctl ban sshd 198.51.100.66
        inside banctl ban sshd 2001:db8:a::66
        is_dropped 198.51.100.66 22 sshd

        for block in reset reject; do
                before=$(dropped_packets sshd)
                configure <<EOT
[sshd]
ports = auto
block = $block
EOT
                inside banctl reload
                refuses 198.51.100.66 22
                refuses 2001:db8:a::66 22
                (($(dropped_packets sshd) > before))
                connects 198.51.100.67 22
        done
}
