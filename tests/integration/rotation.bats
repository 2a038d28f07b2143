#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whatever happens to the journal, banjod misses nothing: every failure is counted, and none twice.

setup_file() {
        load lib.bash
        boot
}

teardown_file() {
        load lib.bash
        shut_down
}

setup() {
        load lib.bash
        # Nobody gets banned, so that every failure counts.
        printf '[sshd]\nmaxretry = 1000\n' | fresh_with
}

# log_failures COUNT: failures from as many addresses, one after the other.
log_failures() {
        inside sh -s -- "$1" <<'EOT'
i=0
while [ $i -lt "$1" ]; do
        i=$((i + 1))
        logger -t sshd "Failed password for root from 203.0.113.$((i % 250 + 1)) port $i ssh2"
done
EOT
}

@test "rotating the journal again and again loses nothing" {
        for _ in 1 2 3 4 5; do
                log_failures 40
                inside journalctl --quiet --rotate
        done
        log_failures 40
        eventually 10 failures_are 240
        caught_up
        failures_are 241
}

@test "vacuuming what was read loses nothing" {
        log_failures 50
        eventually 10 failures_are 50
        inside journalctl --quiet --rotate
        inside journalctl --quiet --vacuum-files=1
        log_failures 50
        eventually 10 failures_are 100
}

@test "restarting journald loses nothing" {
        log_failures 50
        inside systemctl restart systemd-journald
        log_failures 50
        eventually 10 failures_are 100
}

@test "a journal that moves from memory to disk loses nothing" {
        inside sh -c 'rm -rf /var/log/journal && systemctl restart systemd-journald'
        printf '[sshd]\nmaxretry = 1000\n' | fresh_with
        log_failures 50
        eventually 10 failures_are 50

        inside sh -c 'mkdir /var/log/journal && systemd-tmpfiles --create --prefix /var/log/journal &&
                systemctl restart systemd-journald && journalctl --flush'
        log_failures 50
        eventually 10 failures_are 100
        inside sh -c 'ls /var/log/journal/*/system.journal'
        caught_up
        failures_are 101
}
