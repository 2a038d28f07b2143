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
        eventually 2 is_banned sshd 198.51.100.66
        is_dropped 198.51.100.66 22 sshd
}

@test "five wrong passwords within one connection: banned, the next connection times out" {
        wrong_passwords_at_once 198.51.100.66 5
        eventually 2 is_banned sshd 198.51.100.66
        is_dropped 198.51.100.66 22 sshd
}

@test "unknown users count the same, one failure for each password" {
        wrong_passwords 198.51.100.66 4 nobodyhere
        caught_up
        is_not_banned sshd 198.51.100.66
        wrong_passwords 198.51.100.66 1 nobodyhere
        eventually 2 is_banned sshd 198.51.100.66
}

@test "a ban ends the open connections of the address" {
        hold 198.51.100.66
        wrong_passwords 198.51.100.66 5
        eventually 2 is_banned sshd 198.51.100.66
        eventually 2 not has_connections_with 198.51.100.66
        eventually 2 has_hung_up
}

@test "another address still gets in" {
        wrong_passwords 198.51.100.66 5
        eventually 2 is_banned sshd 198.51.100.66
        gets_in 198.51.100.67
        is_dropped 198.51.100.66 22 sshd
}

@test "over IPv6 the whole /64 is out, and the next /64 is not" {
        wrong_passwords 2001:db8:a::66 4
        caught_up
        is_not_banned sshd 2001:db8:a::/64
        wrong_passwords 2001:db8:a::66 1
        eventually 2 is_banned sshd 2001:db8:a::/64
        is_dropped 2001:db8:a::66 22 sshd
        is_dropped 2001:db8:a::67 22 sshd
        gets_in 2001:db8:a:1::66
}

@test "over IPv6 a ban ends the open connections of the whole /64" {
        hold 2001:db8:a::67
        wrong_passwords_at_once 2001:db8:a::66 5
        eventually 2 is_banned sshd 2001:db8:a::/64
        eventually 2 not has_connections_with 2001:db8:a::67
        eventually 2 has_hung_up
}

@test "within a second of the last failure the address is out" {
        wrong_passwords_at_once 198.51.100.66 5
        eventually 2 is_banned sshd 198.51.100.66
        # From the entry that convicts to the announcement, which comes after the kernel's word.
        local failed announced
        failed=$(inside journalctl -t sshd -t sshd-session -g 'Failed password' -n 5 -o json | jq -s 'map(.__REALTIME_TIMESTAMP | tonumber) | max')
        eventually 2 inside sh -c 'journalctl -t banjod -g "^Banned 198.51.100.66 " | grep -q Banned'
        announced=$(inside journalctl -t banjod -g '^Banned 198.51.100.66 ' -o json | jq -s 'map(.__REALTIME_TIMESTAMP | tonumber) | max')
        echo "$((announced - failed)) us from the last failure to the announcement"
        ((announced - failed < 1000000))
}
