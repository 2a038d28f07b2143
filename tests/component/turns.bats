#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What takes long takes turns with all else: calls of the bus, a long attack, bans that are put back, bans
# that end. In a network namespace of its own. BANJOD, BANCTL and BUS_CLIENT name the binaries.

# Some arguments are words, and so is ENTER of daemon.bash.
# shellcheck disable=SC2030,SC2031,SC2046,SC2086

bats_require_minimum_version 1.5.0

load daemon
load journals

setup_file() {
        need_journals
        make_host
}

teardown_file() {
        remove_host
}

setup() {
        cd "$DIRECTORY" || return
        printf '[sshd]\nenabled = yes\nports = 22\nfilter = sshd\nbantime = 1h\n' >config/conf.d/jails.conf
}

teardown() {
        stop_banjod
        inside nft flush ruleset
        rm -rf journal/* state/* config/conf.d/* log
}

# With a table that others may change.
unowned() {
        printf '[banjo]\nownership = no\n' >config/conf.d/ownership.conf
}

# long_attack [SECONDS]: several batches of entries, which ban 600 addresses of 198.19.0.0/16
long_attack() {
        local i
        fail_later "${1:-1}" 100 $(for i in {0..599}; do yes "198.19.$((i / 250)).$((i % 250))" | head -n 5; done)
}

bans_are() {
        [ "$(inside nft -j list set inet banjo sshd-v4 | jq '[.nftables[].set.elem[]?] | length')" = "$1" ]
}

calls_wait() {
        (($(busctl --address="$ADDRESS" list --no-legend | grep -c ' busctl ') > $1))
}

@test "who is allowed while many bans are put back passes once they are" {
        local i pid

        start_banjod
        for i in {0..3}; do
                call BanMany sastst sshd 5000 $(thousands "$i") 0 '' 0
        done
        # The first has all of them put back, and the others are there before that is done.
        pid=$(<banjod.pid)
        kill -STOP "$pid"
        for i in {1..4}; do
                background "$DIRECTORY/calls" busctl --address="$ADDRESS" call org.banjo1 /org/banjo1 \
                        org.banjo1.Manager Allow sts 203.0.113.$i 18446744073709551615 ''
        done
        wait_for calls_wait 4
        kill -CONT "$pid"
        for i in {1..4}; do
                wait_for exempt 203.0.113.$i
        done
        wait_for bans_are 20000
}

@test "many calls do not keep bans waiting" {
        local flood

        start_banjod
        background "$DIRECTORY/flood" "$BUS_CLIENT" "$ADDRESS" flood 1000000000
        flood=$!
        fail_later 1 100 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.7
        wait_for in_kernel sshd-v4 203.0.113.7
        call Ban ssts sshd 192.0.2.2 0 ''
        in_kernel sshd-v4 192.0.2.2
        kill -0 "$flood"
        kill "$flood"
        "$BUS_CLIENT" "$ADDRESS" flood 1000 >flooded
        [ "$(<flooded)" = 'answered 1000, of which errors 0' ]
}

@test "nor do they hold up a long attack, or bans that are put back" {
        local i floods=()

        unowned
        start_banjod
        call BanMany sastst sshd 5000 $(thousands 0) 0 '' 0
        # Each call takes long now, so that the next one is there before it is answered.
        for i in {1..4}; do
                background "$DIRECTORY/flood" "$BUS_CLIENT" "$ADDRESS" flood 1000000000
                floods+=($!)
        done
        long_attack
        wait_for bans_are 5600
        # Several chunks.
        inside nft flush ruleset
        wait_for bans_are 5600
        kill -0 "${floods[@]}"
        kill "${floods[@]}"
}

# comes_between PATTERN OTHER FILE: some line that matches comes between others.
comes_between() {
        (($(sed -nE "s/.*$1.*/one/p; s/.*$2.*/other/p" "$3" | uniq | grep -c other) > 1))
}

@test "a long attack and bans that are put back take turns" {
        local monitor

        unowned
        start_banjod
        call BanMany sastst sshd 5000 $(thousands 0) 0 '' 0
        kill -STOP "$(<banjod.pid)"
        inside nft flush ruleset
        long_attack
        background "$DIRECTORY/monitored" $ENTER nft monitor
        monitor=$!
        is_monitored() {
                inside nft 'add table inet test; delete table inet test'
                grep -q 'inet test' monitored
        }
        wait_for is_monitored
        kill -CONT "$(<banjod.pid)"
        wait_for bans_are 5600
        wait_for grep -qF '198.19.2.99' monitored
        # What the monitor has written by then is not all.
        wait_for comes_between 'sshd-v4 . 198\.19' 'sshd-v4 . 198\.18' monitored
        kill "$monitor"
}

@test "nor do a long attack and many bans that end at once" {
        local monitor

        # Its clock is set past the end of the bans when the attack has been written.
        echo 0 >clock
        export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
        ENTER="$ENTER env LD_PRELOAD=$SET_CLOCK CLOCK_OFFSET=$DIRECTORY/clock" start_banjod
        : >events
        background "$DIRECTORY/events" $ENTER "$BANCTL" --address="$ADDRESS" monitor --json=short
        monitor=$!
        is_watched() {
                banctl ban sshd 192.0.2.1 --quiet && banctl unban 192.0.2.1 --quiet
                grep -q 192.0.2.1 events
        }
        wait_for is_watched
        call BanMany sastst sshd 5000 $(thousands 0) 3600000000 '' 0
        kill -STOP "$(<banjod.pid)"
        long_attack 7201
        echo 7200 >clock
        kill -CONT "$(<banjod.pid)"
        wait_for grep -q 'banned.*198\.19\.2\.99' events
        all_ended() {
                [ "$(grep -c '"unbanned".*198\.18' events)" = 5000 ]
        }
        wait_for all_ended
        kill "$monitor"
        comes_between '"banned".*198\.19' '"unbanned".*198\.18' events
}
