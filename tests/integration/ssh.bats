#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Wrong passwords over ssh, against the real sshd.

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

@test "five wrong passwords in five connections: banned, the next connection times out" {
        wrong_passwords 198.51.100.66 4
        caught_up
        is_not_banned sshd 198.51.100.66
        wrong_passwords 198.51.100.66 1
        eventually is_banned sshd 198.51.100.66
        is_dropped 198.51.100.66 22 sshd
}

@test "five wrong passwords within one connection: banned, the next connection times out" {
        wrong_passwords_at_once 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        is_dropped 198.51.100.66 22 sshd
}

@test "unknown users count the same, one failure for each password" {
        wrong_passwords 198.51.100.66 4 nobodyhere
        caught_up
        is_not_banned sshd 198.51.100.66
        wrong_passwords 198.51.100.66 1 nobodyhere
        eventually is_banned sshd 198.51.100.66
}

@test "a ban ends the open connections of the address" {
        hold 198.51.100.66
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        eventually not has_connections_with 198.51.100.66
        eventually has_hung_up
}

@test "another address still gets in" {
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        gets_in 198.51.100.67
        is_dropped 198.51.100.66 22 sshd
}

@test "over IPv6 the whole /64 is out, and the next /64 is not" {
        wrong_passwords 2001:db8:a::66 4
        caught_up
        is_not_banned sshd 2001:db8:a::/64
        wrong_passwords 2001:db8:a::66 1
        eventually is_banned sshd 2001:db8:a::/64
        is_dropped 2001:db8:a::66 22 sshd
        is_dropped 2001:db8:a::67 22 sshd
        gets_in 2001:db8:a:1::66
}

@test "over IPv6 a ban ends the open connections of the whole /64" {
        hold 2001:db8:a::67
        wrong_passwords_at_once 2001:db8:a::66 5
        eventually is_banned sshd 2001:db8:a::/64
        eventually not has_connections_with 2001:db8:a::67
        eventually has_hung_up
}

is_announced() {
        inside journalctl -q -t banjod -g "^Banned $1 " | grep -q Banned
}

# when OPTION...: the latest of what journalctl shows, in microseconds
when() {
        inside journalctl -q -o json "$@" | jq -s 'map(.__REALTIME_TIMESTAMP | tonumber) | max'
}

@test "within a second of the last failure the address is out" {
        local from failed announced

        # What else the machine has to do only adds to it, so the quickest of them tells.
        for from in 198.51.100.66 198.51.100.67 198.51.100.68 203.0.113.5 203.0.113.6; do
                wrong_passwords_at_once "$from" 5
                eventually is_announced "$from"
                # From the entry that convicts to the announcement, which comes after the kernel's word.
                failed=$(when -t sshd -t sshd-session -g "Failed password .* from $from ")
                announced=$(when -t banjod -g "^Banned $from ")
                echo "$((announced - failed)) us from the last failure to the announcement"
                is_banned sshd "$from"
                ((announced - failed >= 1000000)) || return 0
        done
        return 1
}

# leaks_of ADDRESS: how many failures of a banned address got through, as banctl tells it.
leaks_of() {
        inside banctl list sshd --json=short | jq -e --arg address "$1" '.[] | select(.address == $address) | .leaks'
}

leaks_are() {
        (($(leaks_of "$1") == $2))
}

# one_wrong_password FROM PORT: in a connection of its own, to another port.
one_wrong_password() {
        attacker sshpass -p wrong ssh "${ssh_options[@]}" -p "$2" -b "$1" -o NumberOfPasswordPrompts=1 \
                "alice@$(server_for "$1")" true </dev/null >/dev/null 2>&1 || true
}

@test "who is banned and fails on a port that is not guarded is a leak, and that is said once" {
        printf 'Port 22\nPort 2222\n' | write /etc/ssh/sshd_config.d/50-port.conf
        inside systemctl restart ssh.service
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        is_dropped 198.51.100.66 22 sshd

        # What began within two seconds of the ban is none.
        caught_up
        leaks_are 198.51.100.66 0
        sleep 2.5
        one_wrong_password 198.51.100.66 2222
        eventually leaks_are 198.51.100.66 1
        one_wrong_password 198.51.100.66 2222
        # sshd answers a wrong password before it logs it.
        eventually leaks_are 198.51.100.66 2

        inside journalctl --sync
        [ "$(inside journalctl -q MESSAGE_ID=a9cd6ef96f6849f6b1abde39d8408aaa -o cat | grep -c 'The ban of 198.51.100.66 in jail sshd does not hold')" = 1 ]
        inside journalctl -x MESSAGE_ID=a9cd6ef96f6849f6b1abde39d8408aaa | grep -F 'Subject: The ban of 198.51.100.66 does not hold'
        inside banctl status | grep -F 'sshd: Its bans do not hold: 2 failures'
        inside banctl list | grep -F 'does not hold: 2 got through'

        inside rm /etc/ssh/sshd_config.d/50-port.conf
        inside systemctl restart ssh.service
}
