#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What banctl verify and banctl show say on a host with units and a journal.

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

@test "what is shipped is clean on a host where sshd has logged" {
        wrong_passwords 198.51.100.66 1
        caught_up
        inside banctl verify
        [[ $(inside banctl verify --json) == '[]' ]]
}

@test "units that the host has not, and jails that nothing logs to" {
        wrong_passwords 198.51.100.66 1
        caught_up
        configure <<'EOT'
[mine]
enabled = yes
filter = sshd
ports = 1
units = nosuch.service systemd-exit.service
EOT
        run -1 inside banctl verify --json=short
        echo "$output"
        [[ $(jq -c '.[] | [.severity, .section, .key, .text]' <<<"$output") == \
                '["warning","mine","units","this host has no unit nosuch.service."]' ]]

        configure <<'EOT'
[mine]
enabled = yes
filter = postfix
ports = 1
units = systemd-exit.service
EOT
        run -1 inside banctl verify --json=short
        echo "$output"
        [[ $(jq -c '.[] | [.severity, .section, .key]' <<<"$output") == '["warning","mine",null]' ]]
        [[ $output == *'nothing in the journal is for this jail'* ]]
}

@test "one line in /etc changes one key, and show tells so" {
        configure <<'EOT'
[sshd]
maxretry = 3
EOT
        run -0 inside banctl show sshd
        echo "$output"
        [[ $output == *"maxretry = 3 "*"# /etc/banjo/conf.d/50-test.conf"* ]]
        [[ $output == *"ports = ssh "*"# /usr/lib/banjo/conf.d/10-sshd.conf"* ]]
        [[ $output == *"bantime = 1h "*"# built-in default"* ]]
}

@test "the command of show shows what the jail reads" {
        # journald knows the unit of an entry if who logged it still runs when it looks.
        write /etc/ssh/sshd_config.d/50-verbose.conf <<<'LogLevel VERBOSE'
        inside systemctl restart ssh.service
        hold 198.51.100.66
        command=$(inside banctl show sshd --json | jq -r .journalctl)
        eventually shows 'from 198.51.100.66 port'
        [[ $(inside sh -c "$command -q -o json" | jq -r ._SYSTEMD_UNIT | sort -u) == ssh.service ]]
        inside sh -c 'kill "$(cat /run/held.pid)"; rm /etc/ssh/sshd_config.d/50-verbose.conf'
        inside systemctl restart ssh.service
}

shows() {
        inside sh -c "$command -q -o cat" | grep -F "$1"
}

@test "somebody without access to the journal can verify, too" {
        inside runuser -u nobody -- banctl verify
}

@test "what verify calls an error is what reload refuses" {
        configure <<'EOT'
[sshd]
ignoreip = 192.0.2.1
EOT
        run -1 inside banctl verify
        [[ $output == *"[sshd] ignoreip: unknown key: fail2ban's ignoreip is allow here."* ]]
        run -1 inside banctl reload
        [[ $output == *"[sshd] ignoreip: unknown key: fail2ban's ignoreip is allow here."* ]]
}
