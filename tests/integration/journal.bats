#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whatever happens to the journal while it is followed: every failure counts, and none twice.

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
        inside sh -c 'mkdir -p /var/log/journal; systemctl start systemd-journald.service; journalctl --flush'
}

# Three wrong passwords, then the command, then one: not banned; and one more: banned.
counts_across() {
        wrong_passwords 198.51.100.66 3
        caught_up
        "$@"
        wrong_passwords 198.51.100.66 1
        caught_up
        is_not_banned sshd 198.51.100.66
        wrong_passwords 198.51.100.66 1
        eventually is_banned sshd 198.51.100.66
}

@test "a rotation loses nothing" {
        counts_across inside journalctl --rotate
}

@test "vacuuming loses nothing" {
        counts_across inside journalctl --quiet --rotate --vacuum-time=1us
}

@test "a restart of journald loses nothing" {
        counts_across inside systemctl restart systemd-journald.service
}

@test "a journald that is killed loses nothing" {
        counts_across inside systemctl kill -s KILL systemd-journald.service
}

@test "what a configuration makes of all that the journal has is to be seen" {
        inside sh -s <<'EOT'
for pid in 1 2 3 4 5; do
        printf '__REALTIME_TIMESTAMP=%d00000%d\n' "$(date -d '-2 days' +%s)" $pid
        printf '__MONOTONIC_TIMESTAMP=100000%d\n_BOOT_ID=11111111111111111111111111111111\n' $pid
        printf '_SYSTEMD_UNIT=ssh.service\n_UID=0\n_COMM=sshd\nSYSLOG_IDENTIFIER=sshd\n_PID=70%d\n' $pid
        printf 'MESSAGE=Failed password for root from 198.51.100.99 port 4711 ssh2\n\n'
done >/run/old.export
/usr/lib/systemd/systemd-journal-remote -o "/var/log/journal/$(cat /etc/machine-id)/old.journal" /run/old.export
EOT
        run -0 inside sh -c 'banjod --once --firewall=none --state-dir=$(mktemp -d)'
        inside sh -c 'rm /var/log/journal/*/old.journal'
        [[ $output == *'A ban of 198.51.100.99 in jail sshd, from '*' would be over (5 failures, the last one "password").'* ]]
}

@test "a volatile journal that becomes persistent loses nothing" {
        inside systemctl stop banjod.service
        make_volatile
        inside systemctl start banjod.service
        counts_across become_persistent
}

make_volatile() {
        inside sh -c 'journalctl --relinquish-var; rm -rf /var/log/journal; systemctl restart systemd-journald.service'
        eventually inside sh -c 'logger here; ls /run/log/journal/*/system.journal'
        not inside test -e /var/log/journal
}

become_persistent() {
        inside sh -c 'mkdir -p /var/log/journal && systemd-tmpfiles --create --prefix /var/log/journal && journalctl --flush'
        eventually inside sh -c 'ls /var/log/journal/*/system.journal'
}

@test "a volatile journal that became persistent while banjod was stopped loses nothing" {
        inside systemctl stop banjod.service
        make_volatile
        inside systemctl start banjod.service
        counts_across eval 'inside systemctl stop banjod.service; become_persistent; inside systemctl start banjod.service'
}

@test "many rotations lose nothing" {
        local before

        fresh_with <<'EOT'
[sshd]
maxretry = 1000
EOT
        before=$(property Failures)
        inside sh -s <<'EOT'
i=0
while [ $i -lt 20 ]; do
        i=$((i + 1))
        # Thirty lines of thirty addresses.
        seq 30 | sed "s/.*/Failed password for root from 2001:db8:f:&::1 port $i ssh2/" | logger -t sshd
        journalctl --rotate
done
EOT
        eventually failures_are $((before + 600))
        caught_up
        failures_are $((before + 601))
}

# How many gaps banjod has reported.
gaps_are() {
        inside journalctl --sync
        [ "$(inside journalctl -q -o cat MESSAGE_ID=30478b091bab4a5cbf79979ce5e622a1 | wc -l)" = "$1" ]
}

# All that was logged until now is gone.
vacuum() {
        all_is_logged
        inside journalctl --quiet --rotate --vacuum-time=1us
}

@test "what was dropped while banjod was stopped is a gap, reported once" {
        wrong_passwords 198.51.100.66 3
        caught_up
        inside systemctl stop banjod.service
        wrong_passwords 198.51.100.66 1
        vacuum
        inside logger afterwards
        inside systemctl start banjod.service
        eventually gaps_are 1
        caught_up
        inside systemctl restart banjod.service
        caught_up
        gaps_are 1
}

@test "what was dropped while banjod stood still is a gap, reported once" {
        wrong_passwords 198.51.100.66 3
        caught_up
        inside systemctl kill -s STOP banjod.service
        inside journalctl --quiet --rotate
        inside logger unread
        vacuum
        inside logger afterwards
        inside systemctl kill -s CONT banjod.service
        eventually gaps_are 1
        caught_up
        inside systemctl restart banjod.service
        caught_up
        gaps_are 1
}

# number_of ARGUMENT...: of the first entry that journalctl shows. All of this host are counted through.
number_of() {
        local number

        number=$(inside journalctl --system -q -o export "$@" | sed -n '/^__CURSOR=/ { s/.*;i=\([0-9a-f]*\);.*/\1/p; q }')
        echo $((16#$number))
}

@test "a vacuum of what was read is no gap while it runs" {
        local quiet=0 read oldest

        # What somebody else logs between the last look and the vacuum is truly lost.
        for _ in {1..20}; do
                wrong_passwords 198.51.100.66 1
                inside logger of no interest
                caught_up
                read=$(number_of -t sshd -n 1)
                vacuum
                inside logger afterwards
                oldest=$(number_of)
                caught_up
                ((oldest == read + 1)) || continue

                gaps_are 0
                ((++quiet < 3)) || return 0
        done
        false
}

@test "what was seen before it was dropped is no gap, and a restart is none" {
        wrong_passwords 198.51.100.66 3
        caught_up
        inside systemctl restart banjod.service
        caught_up
        vacuum
        inside logger afterwards
        inside systemctl restart banjod.service
        caught_up
        gaps_are 0
}

suppression_is_reported() {
        # Within one connection, so that the lines come fast enough on a slow machine, too.
        wrong_passwords_at_once 198.51.100.66 5
        inside journalctl -q -o cat MESSAGE_ID=27a39c46f6f644dfa8900cd4f9969534 |
                grep -E 'journald suppressed [0-9]+ messages? of ssh.service, which jail sshd reads'
}

@test "what journald suppressed of sshd is reported" {
        fresh_with <<'EOT'
[sshd]
maxretry = 100
EOT
        printf '[Service]\nLogRateLimitIntervalSec=4s\nLogRateLimitBurst=1\n' |
                write /etc/systemd/system/ssh.service.d/50-limit.conf
        inside sh -c 'systemctl daemon-reload && systemctl restart ssh.service'
        eventually suppression_is_reported
        inside rm -r /etc/systemd/system/ssh.service.d
        inside sh -c 'systemctl daemon-reload && systemctl restart ssh.service'
        inside journalctl -q -x MESSAGE_ID=27a39c46f6f644dfa8900cd4f9969534 |
                grep -F 'Subject: Messages of ssh.service were suppressed'
}
