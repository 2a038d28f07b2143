#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# banctl on a real system: another host by ssh, passwords asked for on a terminal, the journal that
# banjod writes to, and the timer for node_exporter.

load lib

setup_file() {
        boot ssh.service
        add_carol
        inside sh -s <<'EOT'
mkdir -p /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
printf 'Host *\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\nBatchMode yes\n' \
        >/root/.ssh/config
EOT
        fresh
}

teardown_file() {
        shut_down
}

@test "banctl --host bans, lists and asks on another host, by ssh" {
        inside banctl --host=root@localhost ban sshd 198.51.100.66
        is_banned sshd 198.51.100.66
        [[ $(inside banctl -H root@localhost list --json=short | jq -r '.[].address') == 198.51.100.66 ]]
        inside banctl -H root@localhost status --json=short | jq -e '.running'
        run -0 inside banctl -H root@localhost unban 198.51.100.66
        [[ $output == 'Unbanned 198.51.100.66.' ]]
        is_not_banned sshd 198.51.100.66
}

@test "banctl --host says when the host is not to be reached, or runs no banjod" {
        run -1 inside banctl -H nobody@localhost list
        [[ $output == *'Failed to reach the message bus of nobody@localhost by ssh'* ]]
        inside systemctl stop banjod.service banjod.socket
        run -3 inside banctl -H root@localhost list
        [[ $output == *'banjod is not running on root@localhost.'* ]]
        inside systemctl start banjod.socket banjod.service
        eventually answers
}

@test "banctl asks for an administrator's password itself" {
        alice_types 'banctl ban sshd 198.51.100.66'
        is_not_banned sshd 198.51.100.66
        type_password sesame-carol
        [[ $(asked) == 0 ]]
        is_banned sshd 198.51.100.66
        # Its agent went with it.
        run inside pgrep -u alice pkttyagent
        [[ -z $output ]]
}

@test "banctl asks for it for whatever takes one" {
        local command
        for command in 'pause sshd' 'resume sshd' 'verify --live --all'; do
                alice_types "banctl $command"
                type_password sesame-carol
                [[ $(asked) == 0 ]]
                # So that it is asked for again.
                inside systemctl restart polkit.service
        done
}

@test "banctl does not ask where there is no terminal" {
        run -5 inside runuser -u alice -- banctl ban sshd 198.51.100.67
        run -0 inside runuser -u carol -- banctl ban sshd 198.51.100.67
}

@test "banctl log has what banjod says, and nothing that somebody else does" {
        inside banctl ban sshd 198.51.100.77
        inside runuser -u alice -- sh -c 'printf "MESSAGE=forged\nBANJO_JAIL=sshd\nBANJO_ADDRESS=198.51.100.77\n" |
                logger --journald'
        inside journalctl --sync
        run -0 inside banctl log 198.51.100.77
        [[ $output == *'Banned 198.51.100.77 in jail sshd'* && $output != *forged* ]]
        run -5 inside runuser -u alice -- banctl log
}

@test "the timer writes what node_exporter reads" {
        [[ $(inside systemctl is-enabled banjo-metrics.timer) == disabled ]]
        inside systemctl start banjo-metrics.service
        run inside ls /var/lib/prometheus/node-exporter
        ((status != 0))
        inside mkdir -p /var/lib/prometheus/node-exporter
        # As Debian has it.
        inside chown nobody /var/lib/prometheus/node-exporter
        inside systemctl start banjo-metrics.service
        [[ $(inside tail -n 1 /var/lib/prometheus/node-exporter/banjo.prom) == '# EOF' ]]
        inside grep -qx 'banjo_up 1' /var/lib/prometheus/node-exporter/banjo.prom
        inside banctl metrics | "$BATS_TEST_DIRNAME/../component/openmetrics.py" >/dev/null
        inside systemctl stop banjod.service banjod.socket
        inside systemctl start banjo-metrics.service
        inside grep -qx 'banjo_up 0' /var/lib/prometheus/node-exporter/banjo.prom
}
