#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What programs find on org.banjo1, in a network namespace of its own. BANJOD, BANCTL and BUS_CLIENT
# name the binaries.

# Some arguments are words, and so is ENTER of daemon.bash.
# shellcheck disable=SC2030,SC2031,SC2086

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        make_directory
        make_namespace -n
        inside ip link set lo up

        printf '[%s]\nenabled = yes\nports = %s\nfilter = %s\nbantime = %s\n' \
                sshd 22 sshd 1h mail 'smtp submission' postfix -1 >"$DIRECTORY/config/conf.d/jails.conf"

        start_bus
        start_banjod
}

teardown_file() {
        stop_banjod
        stop_bus
        kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

setup() {
        cd "$DIRECTORY" || return
        banctl flush --yes --quiet
}

# call_json METHOD [SIGNATURE ARGUMENT...]: what it answers
call_json() {
        busctl --address="$ADDRESS" --json=short call org.banjo1 /org/banjo1 org.banjo1.Manager "$@" |
                jq -c .data
}

@test "many are banned by one call, and each that is not is told with its reason" {
        run -0 call_json BanMany sastst sshd 6 192.0.2.1 198.51.100.0/24 192.0.2.1 nonsense 10.0.0.0/7 127.0.0.1 \
                0 'by a test' 0
        jq -e '.[0:2] == [2, 1]' <<<"$output"
        jq -e '.[2] | map(.[0:2]) == [["nonsense", "org.banjo1.Error.InvalidAddress"],
                ["10.0.0.0/7", "org.banjo1.Error.InvalidAddress"],
                ["127.0.0.1", "org.banjo1.Error.Refused"]]' <<<"$output"
        jq -e '.[2][2][2] | test("own address")' <<<"$output"
        in_kernel sshd-v4 192.0.2.1
        in_kernel sshd-v4-24 198.51.100.0
        [ "$(sqlite3 -readonly state/banjo.db "SELECT count(*) FROM bans WHERE reason = 'by a test'")" = 2 ]

        run -0 call_json BanMany sastst sshd 2 192.0.2.1 192.0.2.2 18446744073709551615 '' 1
        [ "$output" = '[2,0,[]]' ]
        run -0 call_json BanMany sastst sshd 3 192.0.2.1 192.0.2.2 192.0.2.3 18446744073709551615 '' 0
        [ "$output" = '[1,2,[]]' ]
        run -0 call_json BanMany sastst sshd 0 0 '' 0
        [ "$output" = '[0,0,[]]' ]
        run ! call BanMany sastst nojail 1 192.0.2.1 0 '' 0
        run ! call BanMany sastst sshd 1 192.0.2.1 0 '' 2
        [[ $output == *'Unknown flags'* ]]
        # shellcheck disable=SC2046
        run ! call BanMany sastst sshd 5001 $(printf '192.0.2.%d ' {1..5001}) 0 '' 0
        [[ $output == *'at most 5000 addresses'* ]]
}

@test "many are let go by one call, or all of a jail" {
        call BanMany sastst sshd 3 192.0.2.1 192.0.2.2 198.51.100.7 0 '' 0
        call BanMany sastst mail 2 192.0.2.1 2001:db8::/64 0 '' 0
        run -0 call_json UnbanMany sas '' 4 192.0.2.1 203.0.113.99 192.0.2.1 198.51.100.0/24
        [ "$output" = '[3,["203.0.113.99","192.0.2.1"]]' ]
        run ! in_kernel sshd-v4 192.0.2.1
        run ! in_kernel mail-v4 192.0.2.1
        in_kernel sshd-v4 192.0.2.2
        [ "$(sqlite3 -readonly state/banjo.db "SELECT count(*) FROM bans")" = 2 ]
        [ "$(sqlite3 -readonly state/banjo.db "SELECT count(*) FROM ended WHERE cause = 'by hand'")" -ge 3 ]

        # One that is none, and nothing happens.
        run ! call UnbanMany sas '' 2 192.0.2.2 nonsense
        in_kernel sshd-v4 192.0.2.2
        run ! call UnbanMany sas nojail 1 192.0.2.2

        run -0 call_json UnbanAll s sshd
        [ "$output" = '[1]' ]
        run ! in_kernel sshd-v4 192.0.2.2
        run -0 call_json UnbanAll s ''
        [ "$output" = '[1]' ]
        run ! call UnbanAll s nojail
        [ "$(property RunningBans)" = 't 0' ]
}

# subscribe FILE: writes there what one is told who subscribed; $! is the client
subscribe() {
        : >"$1"
        background "$DIRECTORY/$1" "$BUS_CLIENT" "$ADDRESS" subscribe
        wait_for grep -q subscribed "$1"
}

lines_are() {
        [ "$(wc -l <"$1")" = "$2" ]
}

@test "single failures are told to those who subscribed, and to nobody else" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        local first second

        background "$DIRECTORY/everybody" busctl --address="$ADDRESS" monitor --match=member=Failure
        monitor=$!
        wait_for grep -q Monitoring everybody
        fail_later 0 100 203.0.113.1
        subscribe first
        first=$!
        subscribe second
        second=$!
        fail_later 10 200 203.0.113.1 203.0.113.2
        wait_for lines_are first 3
        wait_for lines_are second 3
        grep -qE '^sshd 203.0.113.1 [a-z-]+ "root" 2 [0-9]{16}$' first
        grep -qE '^sshd 203.0.113.2 [a-z-]+ "root" 1 [0-9]{16}$' second
        kill "$first"
        wait_for gone "$first"
        fail_later 20 300 203.0.113.2
        wait_for lines_are second 4
        kill "$second" "$monitor"
        wait_for gone "$second"
        # A monitor hears what is for others: one for each who had subscribed.
        [ "$(grep -c 'Member=Failure' everybody)" = 5 ]
        [ "$(grep -c 'Destination=:' everybody)" -ge 5 ]
}
